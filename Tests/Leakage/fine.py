"""What all that a way tells says about the power of each hundredth of a second: how much of its variance the best linear prediction explains."""

import bisect

import algebra
from ways import TREE_DELAY

BIN_MS = 10


class Bins:
    """The true power of each hundredth of a second in which symbols are sent."""

    def __init__(self, load, begin):
        self.begin = begin
        first, last = load.LEAD_MS + 1000, int(load.symbols_end * 1000) - 1000
        self.starts = range(first, last, BIN_MS)
        self.watts = [sum(load.watts[start:start + BIN_MS]) / BIN_MS for start in self.starts]

    def moments(self):
        """Their middles, by CLOCK_MONOTONIC."""
        return [self.begin + (start + BIN_MS / 2) / 1000 for start in self.starts]


def window_columns(windows, moments):
    """For each moment the watts of its window and of its neighbours, and where in it the moment lies."""
    ends = [window.end for window in windows]
    for moment in moments:
        place = bisect.bisect_left(ends, moment)
        if not 1 <= place < len(windows) - 1 or not windows[place].start <= moment:
            yield None
            continue
        before, window, after = (windows[index].watts for index in (place - 1, place, place + 1))
        share = (moment - windows[place].start) / (windows[place].end - windows[place].start)
        yield [window, after - window, before - window, share * (after - window), (1 - share) * (before - window)]


def slope_columns(reads, moments):
    """For each moment the power that a powercap tree shows then, and around it."""
    times = [(before + after) / 2 for before, after, _ in reads]
    width = BIN_MS / 1000

    def joules(moment):
        place = min(max(bisect.bisect_left(times, moment), 1), len(times) - 1)
        part = (moment - times[place - 1]) / (times[place] - times[place - 1])
        return (reads[place - 1][2] + part * (reads[place][2] - reads[place - 1][2])) / 1e6

    for moment in moments:
        at = [joules(moment + TREE_DELAY + offset * width) for offset in (-1.5, -0.5, 0.5, 1.5)]
        yield [(later - earlier) / width for earlier, later in zip(at, at[1:])]


def explained(bins, *columns):
    """The share of the power's variance that is predicted. None if there is nothing to predict from."""
    rows, watts = [], []
    for target, *parts in zip(bins.watts, *columns):
        if None not in parts:
            rows.append([value for part in parts for value in part])
            watts.append(target)
    if len(rows) < 0.5 * len(bins.watts):
        return None
    return max(algebra.correlation(algebra.cross_predicted(rows, watts), watts), 0) ** 2
