"""A service that runs for long, with clients that come and go and faults at random: is anything lost, leaked or wrong?"""

import random
import time

from case import MovedClocks
from churn import Churn
from energy import TOLERANCE_JOULES
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
        # Two for each: one as it is taken, one as all lines follow it.
        self.clock_steps = 0

    def run(self):
        """Gives the report: what, how much, and whether it is as it has to be."""
        churn = Churn(self.service.path, random.Random(self._random.random()), steps=lambda: self.clock_steps)
        end = time.monotonic() + self._seconds
        warm = time.monotonic() + min(60, self._seconds / 3)
        memory = None
        while time.monotonic() < end:
            self._trouble(self._random.choice(TROUBLES))
            if memory is None and time.monotonic() > warm:
                memory = self.service.memory("Anonymous")
        churn.stop()
        return self._report(churn, memory or self.service.memory("Anonymous"))

    def _trouble(self, trouble):
        self._troubles[trouble.name] += 1
        before = self.energy()
        trouble.begin(self, self._random)
        if trouble.end:
            time.sleep(self._random.uniform(*trouble.seconds))
            trouble.end(self, self._random)
        self.witness.fresh(2)
        if trouble.loss:
            self._lost_joules += self._cost(before, self.energy())
            self._losses += 1

    def _cost(self, before, after):
        """The joules that a fault has cost: between nothing and all that was drawn meanwhile."""
        lost, drawn = after.lost_since(before), after.drawn - before.drawn
        expect(-TOLERANCE_JOULES <= lost <= drawn + TOLERANCE_JOULES, f"{lost} J of {drawn} J are missing")
        return lost

    def _report(self, churn, memory):
        self.witness.fresh(3)
        now = self.energy()
        off = self._lost_joules - now.lost_since(self._begun)
        high, low = self.onlookers.wrong_watts(self.device.watts)
        # No reading tells that a counter has stopped in its midst.
        stops = self._troubles["a counter that stops"]
        wrong = self.onlookers.wrong_lines(self.backwards)
        sent = churn.sent + len(self.onlookers.all_lines) + len(self.onlookers.subscriber.lines)
        return [
            ("lines sent", sent, sent > 0),
            *_none("lines lost", wrong["lost"] + churn.lost(self.witness)),
            *_none("lines out of order", wrong["out of order"] + sum(each.disorder for each in churn.gone)),
            *_none("lines malformed", wrong["malformed"] + sum(each.malformed for each in churn.gone)),
            *_none("connections cut", wrong["cut"] + churn.cut),
            ("clients that came and went", len(churn.gone), len(churn.gone) > 0),
            *_none("readings too high", high),
            ("readings too low", low, low <= stops),
            ("joules drawn", round(drawn := now.drawn - self._begun.drawn, 2), drawn > 0),
            ("joules that faults have cost", round(self._lost_joules, 2), now.is_lower_bound == (self._losses > 0)),
            ("joules off the truth but for that", round(off, 2), abs(off) <= TOLERANCE_JOULES * (1 + self._losses / 5)),
            ("memory's growth, kB", growth := self.service.memory("Anonymous") - memory, growth <= MOST_GROWTH_KILOBYTES),
            *(row for name, count in self.leaked().items() for row in _none(f"{name} leaked", count)),
        ], self._troubles


def _none(name, count):
    """A row of which there may be none."""
    yield name, count, count == 0
