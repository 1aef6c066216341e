"""How punctual lines came, judged by when one and the same client had them: the server's word is not asked for."""


class Punctuality:
    """Lines of a server that samples on a grid of which only the interval is known.

    The grid is laid so that the earliest hundredth of the lines is in time: what every sample takes is no lateness. A point
    of the grid is missed where no line came until half an interval after it, whether late or not at all.
    """

    def __init__(self, nanoseconds, interval):
        self.interval = interval
        bins = [0] * 64
        for time in nanoseconds:
            bins[time % interval * 64 // interval] += 1
        usual = bins.index(max(bins)) * interval // 64
        # Around each point there is room for a line that is a quarter early to three quarters late.
        self.start = usual - interval // 4
        early = sorted((time - self.start) % interval for time in nanoseconds)[len(nanoseconds) // 100]
        self.start += early - interval // 4
        places = [divmod(time - self.start, interval) for time in nanoseconds]
        first, last = places[0][0], places[-1][0]
        self.points = last - first + 1
        self.missed = self.points - len({point for point, rest in places if rest - interval // 4 < interval // 2})
        self.late = sorted(rest - interval // 4 for _, rest in places)
        self.drift = self._drift(nanoseconds)

    def _drift(self, nanoseconds):
        """How much later the last ten seconds' lines are on the grid than the first ones', in nanoseconds."""
        parts = {}
        for time in nanoseconds:
            parts.setdefault((time - nanoseconds[0]) // 10_000_000_000, []).append((time - self.start) % self.interval)
        usual = [sorted(rests)[len(rests) // 10] for _, rests in sorted(parts.items()) if len(rests) >= 1000]
        half = self.interval // 2
        # Step by step, so that more than an interval of drift is seen too.
        return sum((after - before + half) % self.interval - half for before, after in zip(usual, usual[1:]))

    @property
    def missed_percent(self):
        return 100 * self.missed / self.points
