"""A service in trouble, with everything around it: the machine that it measures, and clients that behave and look on."""

import contextlib
import os
import shutil
import tempfile
import time

from clock import Clock
from device import Device
from energy import TOLERANCE_JOULES, Energy
from harness import expect
from onlookers import Onlookers
from places import HAS_DEVICE, IS_ROOT
from service import Service

INTERVAL = 0.5
SIMULATED = ["--source", "simulated"]

program = None


class Case:
    """For the time of a `with`: at its end nothing that it started is left."""

    def __init__(self, *options, device=(), watts=(42.5, 17.25), **launch):
        """device: options of the msr device; with None, or where none can be, the CPU is simulated."""
        self._device_options = device if HAS_DEVICE else None
        self._watts = watts
        self._options, self._launch = list(options), launch
        if IS_ROOT:
            self._options += ["--user", "nobody"]
        # How often the wall clock was set back.
        self.backwards = 0

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._ends = stack
            self.folder = tempfile.mkdtemp(prefix="pkg-watt-stat-faults-")
            stack.callback(shutil.rmtree, self.folder)
            # The service's user takes its socket away.
            os.chmod(self.folder, 0o777)
            self._start()
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._ends.__exit__(*error)

    def _start(self):
        self.device = None
        if self._device_options is not None:
            self.device = Device(os.path.join(self.folder, "machine"), *self._device_options, watts=self._watts)
            self._ends.callback(self.device.end)
        self.serve()

    def serve(self):
        """Starts the service, and those who look on come; again, where it has ended."""
        source = ["--root", self.device.root] if self.device else [] if "--source" in self._options else SIMULATED
        self.service = Service(
            program, self.folder, "--interval", str(INTERVAL), *source, *self._options, **self._launch)
        self._ends.callback(self.service.end)
        self._join()
        self._begun = self.energy()

    def _join(self):
        self.onlookers = Onlookers(self.service.path)
        self._ends.callback(self.onlookers.close)
        self.witness, self.asker = self.onlookers.readers[0], self.onlookers.asker
        self._held = self.service.holdings()

    def leave_for(self, seconds, meanwhile=lambda: None):
        """Nobody is connected for so long, something happens, and all come back."""
        self.onlookers.close()
        time.sleep(seconds)
        meanwhile()
        self._join()

    def leaked(self, seconds=10):
        """How much more the service holds than at the start, once those that were closed last are gone."""

        def more():
            now = self.service.holdings()
            return {name: max(now[name] - before, 0) for name, before in self._held.items()}

        end = time.monotonic() + seconds
        while any(more().values()) and time.monotonic() < end:
            time.sleep(0.1)
        return more()

    def energy(self):
        """As it is now; None where nobody knows what is drawn."""
        return Energy(self.asker, self.device) if self.device else None

    def judge(self, *arguments, **named):
        """As `judge_among_others`, and those are gone and have left nothing behind."""
        said = self.judge_among_others(*arguments, **named)
        leaked = self.leaked()
        expect(not any(leaked.values()), f"it holds more than before: {leaked}")
        return said

    def judge_among_others(self, status="ok", most_lost=None, dips=0):
        """Whether all is well again, what those who looked on have seen, and the energy against the truth.

        status: "ok", "stale" where there must have been stale lines, None where there may be some. most_lost: how many
        joules the energy may lack, which then must say so; without it must be exact. dips: so many readings may be too low.
        """
        self.witness.fresh(2)
        self.asker.fresh_sample()
        wrong = {what: count for what, count in self.onlookers.wrong_lines(self.backwards).items() if count}
        expect(not wrong, f"lines: {wrong}")
        statuses = self.onlookers.statuses()
        says = ", then ".join(statuses)
        expect(status is None or ("stale" in statuses) == (status == "stale"), f"the status was {says}")
        return f"{says}; 0 lost; {self._judge_energy(most_lost, dips)}"

    def _judge_energy(self, most_lost, dips):
        if not self.device:
            return "no truth to hold its energy against"
        high, low = self.onlookers.wrong_watts(self.device.watts)
        expect(not high and low <= dips, f"not {self.device.watts} W: {[line.watts for line in self.witness.lines]}")
        now = self.energy()
        lost = now.lost_since(self._begun)
        off = f"{-lost:+.2f} J of {now.drawn - self._begun.drawn:.0f} J"
        if most_lost is None:
            expect(abs(lost) <= TOLERANCE_JOULES, f"the energy is not exact: {off}")
            expect(not now.is_lower_bound, f"it says that its energy is a lower bound: {off}")
            return f"exact, {off}"
        expect(now.is_lower_bound, f"it does not say that its energy is a lower bound: {off}")
        expect(-TOLERANCE_JOULES <= lost <= most_lost + TOLERANCE_JOULES, f"a wrong lower bound: {off}")
        return f"lower bound, {off}"


class MovedClocks(Case):
    """One whose service has clocks that can be moved."""

    def _start(self):
        self.clock = Clock(self.folder)
        self._launch.update(self.clock.environment)
        super()._start()
