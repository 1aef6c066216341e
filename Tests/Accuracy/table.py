"""What everyone says that each part drew, beside what it drew, in means over all windows."""

import json

from rig import BURNERS, EQUAL, FLOOR, HIDDEN

ROWS = {
    **{name: name.removeprefix("accuracy-").removesuffix(".service") for name in BURNERS}, "else": "everything else",
    "idle": "idle", "hidden": "hidden",
}
OTHERS = ("not_attributed", "hidden", "ended", "other_rows")


class Estimates:
    """What one `top` says, in watts for each part, and the truth of the same time."""

    def __init__(self, seen):
        self.tables = [json.loads(line) for line, _, _ in seen]
        self.joules = [truth for _, truth, _ in seen]
        # The first window began at a moment that nobody has noted.
        self.seconds = sum(table["window_seconds"] for table in self.tables[1:])
        self.begin, self.end = seen[0][2], seen[-1][2]
        self.truth = {part: (self.joules[-1][part] - self.joules[0][part]) / self.seconds for part in ROWS}
        self.watts = dict.fromkeys(ROWS, 0.0)
        for table in self.tables[1:]:
            share = table["window_seconds"] / self.seconds
            for row in table["rows"]:
                self.watts[owner(row)] += row["watts"] * share
            self.watts["else"] += sum(table[other]["watts"] for other in OTHERS if other in table) * share
            self.watts["idle"] += table["idle"]["watts"] * share

    @property
    def package(self):
        return sum(self.truth.values())

    def error(self, part, watts=None):
        """In percent of the package's watts."""
        return ((self.watts if watts is None else watts)[part] - self.truth[part]) / self.package * 100

    def add_up(self):
        """Whether in each table all rows together are the package's watts, to 10 mW."""
        return all(
            round(table["watts"] * 100)
            == sum(round(row["watts"] * 100) for row in [*table["rows"], *(table[each] for each in (*OTHERS, "idle") if each in table)])
            for table in self.tables)

    def knows_idle(self):
        """Whether in each table idle power is within its bounds, with the hidden part or without it."""
        return all(
            table["idle"]["watts_at_least"] <= FLOOR + HIDDEN + 0.01 and table["idle"]["watts_at_most"] >= FLOOR - 0.01
            for table in self.tables)

    def by_share(self, joules):
        """Everything that the package draws, by CPU time. joules: of a CPU second of each part."""
        watts = dict.fromkeys(ROWS, 0.0)
        for before, after, table in zip(self.joules, self.joules[1:], self.tables[1:]):
            used = {part: (after[part] - before[part]) / each for part, each in joules.items()}
            whole = sum(used.values())
            for part, time in used.items():
                watts[part] += table["watts"] * table["window_seconds"] * (time / whole if whole else 0) / self.seconds
        return watts


def owner(row):
    """The part that a row of `top` belongs to."""
    return next((name for name in BURNERS if name in (row["name"], row.get("unit"))), "else")


def scaphandre(file, begin, end):
    """The means of its rows; it does not know idle power."""
    with open(file, encoding="utf-8") as text:
        reports = [report for report in json.load(text) if begin < report["host"]["timestamp"] <= end]
    watts = dict.fromkeys(ROWS, 0.0)
    for report in reports:
        for consumer in report["consumers"]:
            name = next((name for name in BURNERS if name in consumer["cmdline"]), "else")
            watts[name] += consumer["consumption"] / 1e6 / len(reports)
    return watts


def show(title, joules, estimates, others):
    """Prints a table.

    joules: of a CPU second of each part; estimates: by heading, the first of which has the truth that is shown; others: watts of
    each part by heading, which belong to that truth too."""
    first = next(iter(estimates.values()))
    columns = {heading: (each.watts, each) for heading, each in estimates.items()}
    columns |= {heading: (watts, first) for heading, watts in others.items()}
    print(f"\n{title}: watts, and the error in % of the package's {first.package:.2f} W\n")
    print(f"{'':18}{'J/CPU s':>8}{'truth':>7}" + "".join(f"{heading:>19}" for heading in columns))
    for part, name in ROWS.items():
        each = f"{joules[part]:g}" if part in joules else ""
        cells = "".join(
            f"{watts[part]:>10.2f}{owner.error(part, watts):>+7.1f} %" for watts, owner in columns.values())
        print(f"{name:18}{each:>8}{first.truth[part]:>7.2f}{cells}")
    sums = "".join(f"{sum(watts.values()):>10.2f}{'':9}" for watts, _ in columns.values())
    print(f"{'sum':18}{'':>8}{first.package:>7.2f}{sums}".rstrip(), flush=True)


def every_cpu_second(joules):
    """Joules of a CPU second of each part that uses any."""
    return {**joules, "else": EQUAL}
