"""What each way tells of the power: estimates of a sender's symbols, and of the power in the victim's slots."""

import bisect

import algebra
from load import GUARD_WATTS, HIGHEST_WATTS, LOWEST_WATTS
from machine import COUNTS_PER_JOULE, REGISTERS, STEP
from records import EnergyMarks, Window

SHARES = {"core": REGISTERS[0x639], "uncore": REGISTERS[0x641], "dram": REGISTERS[0x619], "psys": REGISTERS[0x64D]}
# How late a powercap tree shows its energy: one window and a tenth of one.
TREE_DELAY = 1.1 * STEP
MEAN_WATTS, DEVIATION_WATTS = GUARD_WATTS, (HIGHEST_WATTS - LOWEST_WATTS) / 12**0.5
NOISE_WATTS = 0.12


class Raw:
    """The register itself, or a server that reads it for everyone."""

    def __init__(self, records, begin):
        self.marks = EnergyMarks(records.raw, begin, COUNTS_PER_JOULE)

    def symbols(self, part):
        """For each symbol one estimate; None if it was missed."""
        estimates = []
        for index in range(len(part.levels)):
            first, last = part.begin_ms(index) + part.guard_ms, part.begin_ms(index + 1) - part.guard_ms
            watts = self.marks.mean(first, last, (last - first) // 10)
            estimates.append(None if watts is None else [watts])
        return estimates

    def slots(self, victim):
        """The mean power of each slot in which the victim worked, as equations."""
        found = []
        for index in range(len(victim.plaintexts)):
            watts = self.marks.mean(victim.begin_ms(index), victim.begin_ms(index + 1), 20)
            found.append([] if watts is None else [({index: 1.0}, watts, 1.0)])
        return [found]


class Windows:
    """Windows, of one kind or of several that say the same in other words."""

    def __init__(self, kinds, begin):
        """kinds: a list of windows each."""
        self.kinds, self.begin = kinds, begin

    def _equations(self, windows, part):
        first, last = part.seconds
        count = len(part.levels)
        for window in windows:
            start, end = window.start - self.begin, window.end - self.begin
            if start < first - 0.008 or end > last + 0.008:
                continue
            shares, length, covered = {}, end - start, 0.0
            index = max(int((start - first) * 1000 / part.length_ms) - 1, 0)
            while index < count and part.begin_ms(index) / 1000 < end:
                low = max((part.begin_ms(index) + part.guard_ms) / 1000, start)
                high = min((part.begin_ms(index + 1) - part.guard_ms) / 1000, end)
                if high > low:
                    shares[index] = (high - low) / length
                    covered += high - low
                index += 1
            yield shares, window.watts - GUARD_WATTS * (1 - covered / length)

    def symbols(self, part):
        """For each symbol an estimate from each kind; None if no window shows most of it."""
        columns, shown = [], [0.0] * len(part.levels)
        for windows in self.kinds:
            equations = list(self._equations(windows, part))
            columns.append(algebra.smooth(equations, len(part.levels), MEAN_WATTS, DEVIATION_WATTS, NOISE_WATTS))
            for shares, _ in equations:
                for index, share in shares.items():
                    shown[index] = max(shown[index], share)
        return [list(row) if share > 0.6 else None for row, share in zip(zip(*columns), shown)]

    def slots(self, victim):
        """For each kind, the windows that end in each slot in which the victim worked, as equations."""
        return [self._slots(windows, victim) for windows in self.kinds]

    def _slots(self, windows, victim):
        count = len(victim.plaintexts)
        found = [[] for _ in range(count)]
        for window in windows:
            start, end = (
                ((moment - self.begin) * 1000 - victim.start_ms) / victim.length_ms for moment in (window.start, window.end))
            if not 0 <= start < end < count:
                continue
            shares = {
                slot: (min(end, slot + 1) - max(start, slot)) / (end - start) for slot in range(int(start), int(end) + 1)}
            found[int(end)].append((shares, window.watts, end - start))
        return found


def domain_windows(samples):
    """The package's power by each domain's numbers, whose registers count a fixed share of it here."""
    kinds = []
    for name, share in SHARES.items():
        kinds.append([
            Window(window.start, window.end, window.sample["packages"][0]["domains"][name]["watts"] / share)
            for window in samples if window.sample["packages"][0]["domains"].get(name, {}).get("watts") is not None])
    return [kind for kind in kinds if kind]


def joule_windows(samples):
    """The power between samples by their joules."""
    return [
        Window(before.end, after.end, (after.sample["joules"] - before.sample["joules"]) / (after.end - before.end))
        for before, after in zip(samples, samples[1:]) if after.end - before.end > 0.1]


def tree_windows(reads, windows, share=1.0):
    """The power over these windows, as a powercap tree shows it later."""
    times = [(before + after) / 2 for before, after, _ in reads]

    def joules(moment):
        place = bisect.bisect_left(times, moment)
        if not 0 < place < len(times) or times[place] - times[place - 1] > 0.05:
            return None
        part = (moment - times[place - 1]) / (times[place] - times[place - 1])
        return (reads[place - 1][2] + part * (reads[place][2] - reads[place - 1][2])) / 1e6

    found = []
    for window in windows:
        first, last = joules(window.start + TREE_DELAY), joules(window.end + TREE_DELAY)
        if None not in (first, last):
            found.append(Window(window.start, window.end, (last - first) / (window.end - window.start) / share))
    return found
