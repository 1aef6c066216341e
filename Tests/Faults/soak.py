"""A service that runs for long, with clients that come and go and faults at random: is anything lost, leaked or wrong?"""

import random
import time

from case import TOLERANCE_JOULES, MovedClocks
from churn import Churn
from harness import expect
from troubles import TROUBLES

# What an allocator may keep after a crowd has gone.
MOST_GROWTH_KILOBYTES = 1024


class Soak(MovedClocks):
    def __init__(self, seconds, seed):
        super().__init__()
        self._seconds, self._random = seconds, random.Random(seed)
        self._troubles = dict.fromkeys((trouble.name for trouble in TROUBLES), 0)
        self._lost_joules, self._losses = 0.0, 0

    def run(self):
        """Gives the report: what, how much, and whether it is as it has to be."""
        churn = Churn(self.service.path, random.Random(self._random.random()), steps=lambda: self.backwards)
        end = time.monotonic() + self._seconds
        warm = time.monotonic() + min(60, self._seconds / 3)
        memory = None
        while time.monotonic() < end:
            self._trouble(self._random.choice(TROUBLES))
            if memory is None and time.monotonic() > warm:
                memory = self.service.kilobytes()
        churn.stop()
        return self._report(churn, memory or self.service.kilobytes())

    def _trouble(self, trouble):
        self._troubles[trouble.name] += 1
        before = self.asker.sample()
        trouble.begin(self, self._random)
        if trouble.end:
            time.sleep(self._random.uniform(*trouble.seconds))
            trouble.end(self, self._random)
        self.witness.fresh(2)
        if trouble.loss:
            self._lost_joules += self._missing(before, self.asker.sample())
            self._losses += 1

    def _missing(self, before, after):
        """What a fault has cost: between nothing and all that was drawn meanwhile."""
        counted = after["joules"] - before["joules"]
        truth = self.device.joules(after["monotonic_seconds"]) - self.device.joules(before["monotonic_seconds"])
        expect(-TOLERANCE_JOULES <= truth - counted <= truth + TOLERANCE_JOULES, f"{counted} J of {truth} J were counted")
        return truth - counted

    def _report(self, churn, memory):
        self.witness.fresh(3)
        watchers = [*self.witnesses, self.subscriber]
        streams = self.streams()
        last = self.asker.sample()
        missing = self._missing(self._begun, last)
        off = self._lost_joules - missing
        growth = self.service.kilobytes() - memory
        spikes, dips = self.wrong_watts()
        # No reading tells that a counter has stopped in its midst.
        stops = self._troubles["a counter that stops"]
        report = [
            ("lines sent", churn.sent + sum(len(each.lines) for each in watchers), lambda count: count > 0),
            ("lines lost", streams["lost"] + churn.lost(self.witness), lambda count: count == 0),
            ("lines out of order", streams["out of order"] + sum(each.disorder for each in churn.gone), lambda count: count == 0),
            ("lines malformed", streams["malformed"] + sum(each.malformed for each in churn.gone), lambda count: count == 0),
            ("readings too high", spikes, lambda count: count == 0),
            ("readings too low", dips, lambda count: count <= stops),
            ("clients that came and went", len(churn.gone), lambda count: count > 0),
            ("connections cut", churn.cut + sum(each.ended for each in watchers), lambda count: count == 0),
            ("joules drawn", round(self.device.joules(last["monotonic_seconds"]), 2), lambda joules: joules > 0),
            ("joules that faults have cost", round(self._lost_joules, 2), lambda _: last["lower_bound"] == (self._losses > 0)),
            ("joules off the truth beyond that", round(off, 2), lambda joules: abs(joules) <= TOLERANCE_JOULES * (1 + self._losses)),
            ("memory's growth, kB", growth, lambda size: size <= MOST_GROWTH_KILOBYTES),
        ]
        report += [(f"{name} leaked", count, lambda count: count == 0) for name, count in self.leaked().items()]
        return [(name, value, holds(value)) for name, value, holds in report], self._troubles
