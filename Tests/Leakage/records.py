"""What an attacker wrote down, as numbers."""

import bisect
import json


class Window:
    """The mean power over a time, as one record says it; times are CLOCK_MONOTONIC's."""

    __slots__ = ("start", "end", "watts", "sample")

    def __init__(self, start, end, watts, sample=None):
        self.start, self.end, self.watts, self.sample = start, end, watts, sample


class Records:
    """One attacker's records."""

    def __init__(self, path):
        self.raw = []
        self.tree = {}
        self.answers = []
        self.realtime = 0.0
        with open(path, encoding="ascii") as file:
            for text in file:
                before, after, source, said = text.rstrip("\n").split(" ", 3)
                if source == "raw":
                    self.raw.append((float(before), float(after), int(said)))
                elif source.startswith("tree:"):
                    self.tree.setdefault(source[5:], []).append((float(before), float(after), int(said)))
                elif source == "clocks":
                    self.realtime = float(said)
                else:
                    self.answers.append((float(after), source, json.loads(said)))

    def lines(self):
        """The windows of version 1: each ends at its timestamp, and began where the one before ended."""
        windows, latest = [], None
        for _, _, answer in self.answers:
            if "power_watts" not in answer:
                continue
            end = answer["timestamp"] - self.realtime
            if latest is not None and end <= latest + 0.002:
                continue
            if latest is not None:
                windows.append(Window(latest, end, answer["power_watts"]))
            latest = end
        return windows

    def samples(self, *sources):
        """The windows of version 2 that these sources gave, each once."""
        windows, seen = [], set()
        for _, source, answer in self.answers:
            sample = answer.get("sample")
            if source in sources and sample and (key := (sample["monotonic_seconds"], sample["window_seconds"])) not in seen:
                seen.add(key)
                end, length = key
                windows.append(Window(end - length, end, sample["watts"], sample))
        windows.sort(key=lambda window: (window.end, -window.start))
        return windows


class EnergyMarks:
    """The energy at the ends of milliseconds of the load, as a reader of the register learns it: it changes there."""

    WRAP = 1 << 32

    def __init__(self, raw, begin, counts_per_joule):
        self.marks, self.joules = [], []
        counts, latest = 0, raw[0][2]
        for before, after, value in raw:
            counts += (value - latest) % self.WRAP
            latest = value
            first, last = (int((moment - begin) * 1000 + 1000) - 1000 for moment in (before, after))
            # If the register changed during the read, nobody knows what was read.
            if first == last and not (self.marks and self.marks[-1] == first):
                self.marks.append(first)
                self.joules.append(counts / counts_per_joule)

    def mean(self, start_ms, end_ms, tolerance):
        """The mean power, if the energy is known within so many milliseconds of both ends; else None."""
        places = [self._nearest(mark, tolerance) for mark in (start_ms, end_ms)]
        if None in places or places[0] == places[1]:
            return None
        first, last = places
        return (self.joules[last] - self.joules[first]) * 1000 / (self.marks[last] - self.marks[first])

    def _nearest(self, mark, tolerance):
        place = bisect.bisect_left(self.marks, mark)
        best = min(
            (index for index in (place - 1, place) if 0 <= index < len(self.marks)),
            key=lambda index: abs(self.marks[index] - mark), default=None)
        return best if best is not None and abs(self.marks[best] - mark) <= tolerance else None
