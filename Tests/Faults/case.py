"""A service in trouble, with everything around it: the machine that it measures, and clients that behave and look on."""

import os
import shutil
import tempfile
import time

from asker import Asker
from clock import Clock
from device import Device
from harness import Failure, expect, wait_for
from places import HAS_DEVICE, IS_ROOT
from service import Service
from witness import Subscriber, Witness, lost

INTERVAL = 0.5
SIMULATED = ["--source", "simulated"]
# Counters are updated every millisecond or so, and a busy machine is late to read the clock beside them.
TOLERANCE_JOULES = 0.5
# The same, of a window of a quarter of a second or more.
TOLERANCE_WATTS = 0.02

program = None


class Case:
    """For the time of a `with`: at its end nothing that it started is left."""

    def __init__(self, *options, device=(), **launch):
        """device: options of the msr device; without one, or where none can be, the CPU is simulated."""
        self._device_options = device if HAS_DEVICE else None
        self._options, self._launch = list(options), launch
        if IS_ROOT:
            self._options += ["--user", "nobody"]
        self._ends = []
        self.backwards = 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="pkg-watt-stat-faults-")
        self._ends.append(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        # The service's user takes its socket away.
        os.chmod(self.folder, 0o777)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self.device = None
        if self._device_options is not None:
            self.device = Device(os.path.join(self.folder, "machine"), *self._device_options)
            self._ends.append(self.device.end)
        self.serve()
        self.join()
        self._begun = self.asker.sample()

    def serve(self):
        """Starts the service; again, where it has ended."""
        source = ["--root", self.device.root] if self.device else [] if "--source" in self._options else SIMULATED
        self.service = Service(
            program, self.folder, "--interval", str(INTERVAL), *source, *self._options, **self._launch)
        self._ends.append(self.service.end)

    def join(self):
        """The clients that look on come, and have seen a few lines."""
        path = self.service.path
        self.witnesses = [Witness(path), Witness(path)]
        self.subscriber = Subscriber(path)
        self.asker = Asker(path)
        self._ends += [client.close for client in self.clients]
        for witness in self.witnesses:
            wait_for("the first lines", lambda: len(witness.lines) > 3)
        self._held = self.service.holdings()

    @property
    def clients(self):
        return [*self.witnesses, self.subscriber, self.asker]

    def leave_for(self, seconds, meanwhile=lambda: None):
        """Nobody is connected for so long, something happens, and all come back."""
        for client in self.clients:
            client.close()
        time.sleep(seconds)
        meanwhile()
        self.join()

    def start_again(self):
        """The service has ended, and another takes its place."""
        for client in self.clients:
            client.close()
        self.serve()
        self.join()
        self._begun = self.asker.sample()

    @property
    def witness(self):
        return self.witnesses[0]

    def __exit__(self, *error):
        for end in reversed(self._ends):
            try:
                end()
            except Failure as failure:
                # What went wrong first matters more.
                if not error or error[0] is None:
                    raise
                del failure
        self._ends = []

    def judge(self, status="ok", energy="exact", most_lost=None, dips=0):
        """What the clients that looked on have seen, the energy against the truth, and whether all is well again.

        status: "ok", "stale" where there must have been stale lines, None where there may be some. energy: "exact", or "lower bound", which lacks
        the joules of most_lost at most. dips: so many readings may be too low. Wall clock steps back are counted in `backwards`.
        """
        said = self.judge_while_others_stay(status, energy, most_lost, dips)
        leaked = self.leaked()
        expect(not any(leaked.values()), f"it holds more than before: {leaked}")
        return said

    def leaked(self, seconds=10):
        """How much more it holds than at the start, once those that were closed last are gone."""

        def more():
            now = self.service.holdings()
            return {name: max(now[name] - before, 0) for name, before in self._held.items()}

        end = time.monotonic() + seconds
        while any(more().values()) and time.monotonic() < end:
            time.sleep(0.1)
        return more()

    def judge_while_others_stay(self, status="ok", energy="exact", most_lost=None, dips=0):
        """The same, while other clients are still there."""
        self.witness.fresh(2)
        expect(self.asker.sample()["status"] in ("ok", "simulated"), "the latest sample is not fresh again")
        return "; ".join([self._statuses(status, dips), self._streams(), self._energy(energy, most_lost)])

    def _statuses(self, expected, dips):
        lines = self.witness.lines
        runs = [line.status for place, line in enumerate(lines) if place == 0 or lines[place - 1].status != line.status]
        stale = "stale" in runs
        expect(expected is None or stale == (expected == "stale"), f"the status was {', then '.join(runs)}")
        if self.device:
            spikes, low = self.wrong_watts()
            watts = [line.watts for line in lines]
            expect(not spikes and low <= dips, f"wrong watts, not {self.device.watts}: {watts}")
        return ", then ".join(runs)

    def wrong_watts(self):
        """How many fresh readings were too high, and how many too low."""
        off = [line.watts / self.device.watts - 1 for line in self.witness.lines if line.is_fresh]
        return sum(each > TOLERANCE_WATTS for each in off), sum(each < -TOLERANCE_WATTS for each in off)

    def streams(self):
        """What is wrong with the lines of those who look on: how many of each kind."""
        numbers = self.subscriber.numbers()
        return {
            "malformed": sum(line.is_malformed for witness in self.witnesses for line in witness.lines),
            "out of order": sum(
                line.timestamp < before.timestamp
                for witness in self.witnesses for before, line in zip(witness.lines, witness.lines[1:]))
            - self.backwards * len(self.witnesses),
            "lost": lost(*self.witnesses) + sum(next - one != 1 for one, next in zip(numbers, numbers[1:])),
            "cut": sum(client.ended for client in self.clients[:3]),
        }

    def _streams(self):
        wrong = {what: count for what, count in self.streams().items() if count}
        expect(not wrong, f"lines: {wrong}")
        expect(self.subscriber.numbers(), "the subscriber has got no sample")
        return "0 lost"

    def _energy(self, expected, most_lost):
        if not self.device:
            return "energy is simulated"
        begun, ended = self._begun, self.asker.sample()
        counted = ended["joules"] - begun["joules"]
        truth = self.device.joules(ended["monotonic_seconds"]) - self.device.joules(begun["monotonic_seconds"])
        off = counted - truth
        says = f"{off:+.2f} J of {truth:.0f} J"
        if expected == "exact":
            expect(abs(off) <= TOLERANCE_JOULES and not ended["lower_bound"], f"the energy is not exact: {says}, {ended}")
            return f"exact: {says}"
        expect(ended["lower_bound"], f"it does not say that its energy is a lower bound: {says}")
        expect(-most_lost - TOLERANCE_JOULES <= off <= TOLERANCE_JOULES, f"a wrong lower bound: {says}")
        return f"lower bound: {says}"


class MovedClocks(Case):
    """One whose service has clocks that can be moved."""

    def _start(self):
        self.clock = Clock(self.folder)
        self._launch.update(self.clock.environment)
        super()._start()
