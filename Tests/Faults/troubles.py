"""Faults that come over a running service, and go away again."""

import os
import signal

from bad_clients import BadClients


class Trouble:
    """One thing that goes wrong for some seconds, of which the least and the most are given.

    A loss is one after which the energy is a lower bound.
    """

    def __init__(self, name, begin, end=None, loss=False, seconds=(0, 0)):
        self.name, self.begin, self.end, self.loss, self.seconds = name, begin, end, loss, seconds


def _switch(name, on, off=None, **how):
    """Of the msr device; both commands are for one of the packages, or one of its CPUs."""

    def throw(case, random, command):
        package = random.randint(0, 1)
        for line in command.format(package=package, cpu=package * 2).split(";"):
            case.device.control(line)

    def both(case, random):
        for package in (0, 1):
            for line in off.format(package=package, cpu=package * 2).split(";"):
                case.device.control(line)

    return Trouble(name, lambda case, random: throw(case, random, on), both if off else None, **how)


def _bad_clients(kind, count):
    def begin(case, random):
        case.bad_clients = BadClients(kind, case.service.path, count)
        case.bad_clients.__enter__()

    return Trouble(kind.replace("_", " "), begin, lambda case, _: case.bad_clients.end(), seconds=(0, 6))


def _send(number):
    return lambda case, _: os.kill(case.service.pid, number)


def _step(case, random):
    seconds = random.choice([-HOUR, -60, 60, HOUR])
    case.backwards += seconds < 0
    case.clock_steps += 1
    case.clock.move(wall=seconds)


def _settle(case, _):
    case.witness.fresh(2)
    case.clock_steps += 1


def _jump(case, random):
    """To a value that neither the package's power nor a new start from 0 explains."""
    package = random.randint(0, 1)
    value = (case.device.counter(package) + random.randint(1 << 30, 3 << 30)) % (1 << 32)
    case.device.control(f"set {package} {max(value, 1 << 28)}")


def _sleep(case, random):
    seconds = random.choice([5, HOUR])
    case.clock.move(asleep=seconds, wall=seconds)


HOUR = 3600
TROUBLES = [
    _switch("zero reading", "zero {package} 1"),
    _switch("zero readings", "zero {package} on", "zero {package} off", seconds=(0, 5)),
    _switch("EIO once", "eio {package} 1"),
    _switch("EIO", "eio {package} on", "eio {package} off", seconds=(0, 5)),
    _switch("ENXIO of a CPU", "enxio {cpu} on", "enxio {cpu} off", seconds=(0, 3)),
    _switch("reset", "reset {package}", loss=True),
    Trouble("a jump", _jump, loss=True),
    _switch("a counter that stops", "freeze {package} on", "freeze {package} off", loss=True, seconds=(3, 6)),
    Trouble("a service held up", _send(signal.SIGSTOP), _send(signal.SIGCONT), seconds=(0, 4)),
    Trouble("the wall clock set", _step, _settle),
    Trouble("a suspend", _sleep, loss=True),
    _bad_clients("never_reads", 100),
    _bad_clients("floods", 4),
    _bad_clients("sends_binary", 10),
    _bad_clients("half_closes", 50),
    _bad_clients("resets", 30),
]
