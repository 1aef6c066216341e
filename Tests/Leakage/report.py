"""What each attacker learned, side by side, and the verdict."""

import random

import covert
import fine
import public
import secret
import ways
from records import Records

# No way may be wider than the line by more than this.
BOUND = 1.05
# How many times as much the register itself has to tell, or the experiment proves nothing.
SUCCESS = 20
ORDERS, RESAMPLES = 200, 400
STAYING, LINE = "c  version 1 line, a connection that stays", "c  version 1 line, one connection at a time"
OURS = ("d  everything, service awake", "d' everything, service woken")


class Way:
    """One row: what an attacker has by one way."""

    def __init__(self, name, views, columns=None):
        """views: what it can read the same from, in different words; it takes the one from which it decodes most. columns: see `fine`."""
        self.name, self.views, self.columns = name, views, columns
        self.rate, self.part, self.wrong, self.view = 0.0, None, [], views[0]
        self.traces, self.share, self.sums, self.explained = None, 0.0, None, None

    def receive(self, load):
        """Decodes symbols of every length."""
        for view in self.views:
            for part in load.parts:
                wrong = covert.errors(part, view.symbols(part))
                rate = covert.rate(part, wrong)
                # Also if it is 0: others are compared with it.
                if self.part is None or rate > self.rate:
                    self.rate, self.part, self.wrong, self.view = rate, part, wrong, view

    def disclose(self, load, orders):
        """Finds the secret, where slots fit the windows better."""
        for victim in load.victims:
            slots = [sum(equations, []) for equations in zip(*self.view.slots(victim))]
            sums = secret.Slots(slots, victim.plaintexts)
            traces = [sums.traces(order, load.secret) for order in orders]
            if None not in traces:
                self.traces = min(sum(traces) / len(traces), self.traces or len(slots))
            share = sums.share(load.secret)
            if self.sums is None or share > self.share:
                self.share, self.sums = share, sums

    def learn(self, bins):
        if self.columns:
            self.explained = fine.explained(bins, *self.columns(bins.moments()))

    def resampled(self, other, seed):
        """The ratio of two ways' rates, as other symbols would have given it: its 2.5th and 97.5th percentile."""
        chance = random.Random(seed)

        def rate(way, picks=None):
            picks = picks or [chance.randrange(len(way.wrong)) for _ in way.wrong]
            return picks, covert.rate(way.part, [way.wrong[pick] for pick in picks])

        ratios = []
        for _ in range(RESAMPLES):
            picks, ours = rate(self)
            # The same symbols, if both decode the same ones.
            ratios.append(wider(ours, rate(other, picks if other.part is self.part else None)[1]))
        return middle(ratios)

    def resampled_disclosure(self, other, secret, seed):
        """The same for their speed of disclosure, by other seconds of the victim's work."""
        chance = random.Random(seed)
        ratios = []
        for _ in range(RESAMPLES):
            slots = [chance.randrange(len(self.sums.sums)) for _ in self.sums.sums]
            ratios.append(wider(self.sums.share(secret, slots), other.sums.share(secret, slots)))
        return middle(ratios)


class Report:
    def __init__(self, folder, load, begin, seed):
        self.load, self.seed = load, seed
        records = {name: Records(f"{folder}/records/{name}") for name in ("raw", "naive", "line", "all", "waking")}
        self.findings = {name: public.check(records[name]) for name in ("all", "waking")}
        self.ways = list(self._ways(records, begin))
        # What a line would say that had the windows that everything together has: the same noise, so that no difference is chance.
        self.same = Way(
            "the line of the same windows", self[OURS[0]].views[:1], lambda moments: self[OURS[0]].columns(moments)[:1])
        bins = fine.Bins(load, begin)
        orders = secret.orders(len(load.victims[0].plaintexts), ORDERS, seed)
        for way in [*self.ways, self.same]:
            way.receive(load)
            way.disclose(load, orders)
            way.learn(bins)

    @staticmethod
    def _ways(records, begin):
        def views(*kinds):
            return [ways.Windows([kind], begin) for kind in kinds] + [ways.Windows(kinds[:2], begin), ways.Windows(kinds, begin)]

        yield Way("a  the register itself", [ways.Raw(records["raw"], begin)])
        yield Way("b  a server that reads it for everyone", [ways.Raw(records["naive"], begin)])
        staying = records["line"].lines()
        yield Way(
            STAYING, [ways.Windows([staying], begin)],
            lambda moments: [fine.window_columns(staying, moments)])
        lines = records["waking"].lines()
        yield Way(LINE, [ways.Windows([lines], begin)], lambda moments: [fine.window_columns(lines, moments)])
        samples = [window for window in records["all"].samples("subscription", "bare") if window.sample["packages"][0]["domains"]]
        samples = elementary(samples)
        tree = records["all"].tree
        kinds = [
            samples, ways.joule_windows(samples), ways.tree_windows(tree["package-0"], samples), *ways.domain_windows(samples)]
        yield Way(OURS[0], views(*kinds), lambda moments: [
            fine.window_columns(samples, moments), fine.window_columns(kinds[1], moments), fine.slope_columns(tree["package-0"], moments),
            fine.slope_columns(tree["core"], moments)])
        woken = elementary(records["waking"].samples("sample"))
        others = [woken, ways.joule_windows(woken), *ways.domain_windows(woken)]
        yield Way(OURS[1], views(*others), lambda moments: [
            fine.window_columns(woken, moments), fine.window_columns(others[1], moments)])

    def __getitem__(self, name):
        return next(way for way in self.ways if way.name == name)

    def print(self):
        print(f"{'':45} {'secret: traces':>15} {'covert channel':>22} {'power of each 10 ms':>20}")
        for way in self.ways:
            traces = "not disclosed" if way.traces is None else f"{way.traces:.1f}"
            explained = "" if way.explained is None else f"{100 * way.explained:.1f} %"
            print(f"{way.name:45} {traces:>15} {way.rate:>9.2f} bit/s {way.part.length_ms if way.part else 0:>4.0f} ms {explained:>20}")
        print("\nA trace is a second of the victim's work.")

    def verdicts(self, short):
        """What has to hold, as (holds, text); None for what is only told."""
        raw, line, ours, woken = self.ways[0], self[LINE], self[OURS[0]], self[OURS[1]]
        yield raw.traces is not None and bool(line.rate) and raw.rate >= SUCCESS * line.rate, (
            f"a / c: the register tells {ratio(raw.rate, line.rate):.0f} times as much by a covert channel, and takes "
            f"{ratio(raw.traces, line.traces):.2f} times as many traces for the secret")
        yield None, f"c, one at a time / c that stays, covert channel: {ratio(line.rate, self[STAYING].rate):.2f}"
        yield from self._compare("d", ours, "the line of the same windows", self.same, True, short)
        # Two services, each with its own windows: few symbols tell little.
        yield from self._compare("d", ours, "c", line, not short, short)
        yield from self._compare("d'", woken, "c", line, not short, short)
        for name, findings in self.findings.items():
            kind = {"all": "d", "waking": "d'"}[name]
            first = "".join(f"\n    {text}" for text in findings.broken[:5])
            yield findings.checked > 1000 and not findings.broken, (
                f"{kind} is a function of the public windows: {findings.checked - len(findings.broken)} of {findings.checked} values{first}")

    def _compare(self, name, way, other_name, other, decides, short):
        """Two services have windows of their own, and so their own noise: what chance alone may have made wider is not judged, nor are the few
        traces."""
        rates = way.resampled(other, self.seed)
        speeds = way.resampled_disclosure(other, self.load.secret, self.seed)
        explained = ratio(way.explained, other.explained)
        for what, value, (low, high) in (
            ("covert channel", wider(way.rate, other.rate), rates),
            ("speed of disclosure", wider(way.share, other.share), speeds),
            ("power of each 10 ms", explained, (explained, explained)),
        ):
            judged = decides and not (what == "speed of disclosure" and (short or other is not self.same))
            holds = (value if other is self.same else min(value, low)) <= BOUND
            chance = f" (95 %: {low:.3f} to {high:.3f})" if low < high else ""
            yield (holds if judged else None), f"{name} / {other_name}, {what}: {value:.3f}{chance}"


def middle(values):
    """The 2.5th and the 97.5th percentile."""
    values = sorted(values)
    return values[len(values) // 40], values[-1 - len(values) // 40]


def ratio(value, other):
    if value is None or not other:
        return float("inf")
    return value / other


def wider(value, other):
    """How many times as much one tells as another: what tells nothing is not wider than anything."""
    return ratio(value, other) if value else 0.0


def elementary(windows):
    """The windows between which nothing else ended."""
    result = []
    for window in windows:
        if result and window.end - result[-1].end < 0.003:
            # The same end: the shorter window says more.
            if window.end - window.start < result[-1].end - result[-1].start:
                result[-1] = window
        else:
            result.append(window)
    return result
