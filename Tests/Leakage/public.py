"""Whether everything that was given is a function of the public windows: no other time, and no other energy."""

import bisect

from ways import TREE_DELAY

# Times are rounded to a millisecond, up to four of them make a moment, and two clocks are read one after the other.
ROUNDING = 0.003
# 240 ms, less the rounding of both ends.
SHORTEST = 0.238


class Findings:
    """How much was looked at, and what does not follow from the public windows."""

    def __init__(self):
        self.checked, self.broken = 0, []

    def expect(self, holds, text):
        self.checked += 1
        if not holds:
            self.broken.append(text)


class Moments:
    """The ends and beginnings of all windows that samples have."""

    def __init__(self, moments):
        self.points = []
        for moment in sorted(moments):
            if not self.points or moment - self.points[-1] > ROUNDING:
                self.points.append(moment)

    def has(self, moment):
        """Also if it lies outside of the time that is known."""
        place = bisect.bisect_left(self.points, moment)
        if place in (0, len(self.points)):
            return True
        return min(self.points[place] - moment, moment - self.points[place - 1]) <= ROUNDING


def is_hundredth(number):
    return number is None or abs(number * 100 - round(number * 100)) < 1e-6 * max(1, abs(number))


def numbers_of(sample):
    """Each number that a sample has of energy: the sum, packages, and domains."""
    yield "sum", sample
    for package in sample["packages"]:
        yield f"package-{package['package']}", package
        for name, domain in package["domains"].items():
            yield name, domain


def check(records):
    """All answers and reads of one attacker."""
    findings = Findings()
    samples = [(source, answer["sample"]) for _, source, answer in records.answers if "sample" in answer]
    ends = {sample["monotonic_seconds"] for _, sample in samples}
    begins = {sample["monotonic_seconds"] - sample["window_seconds"] for _, sample in samples}
    moments = Moments(ends | begins)
    for earlier, later in zip(moments.points, moments.points[1:]):
        findings.expect(later - earlier >= SHORTEST, f"there are readings at {earlier:.3f} and {later:.3f} s")
    energies, own = {}, set()
    for source, sample in samples:
        end = sample["monotonic_seconds"]
        for name, values in numbers_of(sample):
            findings.expect(is_hundredth(values["watts"]) and is_hundredth(values["joules"]), f"{name} is {values}")
            joules = energies.setdefault((end, name), values["joules"])
            findings.expect(joules == values["joules"], f"at {end} s {name} is {joules} J and {values['joules']} J")
        if source != "subscription":
            own.add(sample["watts"])
    wall = samples[-1][1]["timestamp"] - samples[-1][1]["monotonic_seconds"]
    for _, _, answer in records.answers:
        if "power_watts" in answer:
            findings.expect(is_hundredth(answer["power_watts"]), f"a line says {answer['power_watts']}")
            findings.expect(moments.has(answer["timestamp"] - wall), f"a line's window ends where no sample's does: {answer}")
            own.add(answer["power_watts"])
    for _, _, answer in records.answers:
        for end, length, watts, least, most, joules, _ in answer.get("history", {}).get("rows", []):
            row = f"end {end}, length {length}, {least} to {most} W, {joules} J"
            findings.expect(all(map(is_hundredth, (watts, least, most, joules))), f"history has {row}")
            findings.expect(moments.has(end - wall) and moments.has(end - length - wall), f"history has windows of its own: {row}")
            if end - length - wall > moments.points[0]:
                findings.expect({least, most} <= own, f"history has watts of its own: {row}")
    check_tree(records, samples, energies, findings)
    return findings


def check_tree(records, samples, energies, findings):
    """Each read of the tree lies on a straight line between two public readings."""
    ends = sorted({end for end, _ in energies})
    # Windows between which nothing else was read.
    windows, own = set(), {}
    for source, sample in samples:
        end = sample["monotonic_seconds"]
        start = end - sample["window_seconds"]
        place = bisect.bisect_left(ends, end)
        if source == "subscription" and place > 0 and abs(ends[place - 1] - start) <= ROUNDING:
            windows.add((ends[place - 1], end))
            own.update({(end, name): (sample["window_seconds"], values["watts"] or 0) for name, values in numbers_of(sample)})
    windows = sorted(windows)
    firsts = [start for start, _ in windows]

    def curve(zone, moment, is_first):
        place = bisect.bisect_right(firsts, moment) - 1
        if place < 0 or moment > windows[place][1]:
            return None
        start, end = windows[place]
        before, after = energies.get((start, zone)), energies.get((end, zone))
        if before is None or after is None:
            return None
        if is_first:
            length, watts = own[end, zone]
            start, before = end - length, after - length * watts
        return before + (after - before) * (moment - start) / (end - start)

    for zone, reads in records.tree.items():
        shown = 0.0
        for before, after, microjoules in reads:
            joules = microjoules / 1e6
            findings.expect(joules >= shown, f"{zone} goes back")
            # More than one window late only if the latest ones were longer. Its first line begins where its window does, by
            # that window's length and watts.
            spans = [
                [curve(zone, moment - late * TREE_DELAY, is_first) for moment in (before, after)]
                for late in (1, 2, 3) for is_first in (False, True)]
            # What it has shown before it goes on showing. Of the first second nobody knows the windows before.
            if before - 3 * TREE_DELAY >= firsts[0] and None not in spans[0] and joules > shown:
                findings.expect(
                    any(None not in span and span[0] - 2e-6 <= joules <= span[1] + 2e-6 for span in spans),
                    f"{zone} shows {joules} J at {after:.4f} s, and not {spans}")
            shown = joules
