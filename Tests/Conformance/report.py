"""The table that scripts/conformance prints, its explanations, and its counts."""

import collections

import product
import verdicts


def _number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


class Report:
    FORM = "{:<8} {:<21} {:<23} {:<9} {:<8} {:>8} {:>9} {:>7} {:>9} {:>7}  {}"

    def __init__(self, references, whole):
        """whole: whether all models are tried, so that each explanation has to explain something."""
        self._whole = whole
        self._used = collections.Counter()
        self._counts = collections.Counter()
        self._names = [f"{each.name} {each.version}" for each in references]
        self._models = set()
        self._failures = []

    def declared(self, program, tried):
        """Holds our table of models against what the machines are made of."""
        tables = product.tables(program, [each.cpu for each in tried])
        for each in tried:
            ours, made = tables[each.cpu], each.kind.model
            if ours is None:
                self._fail(f"{each.cpu}: our table does not have it.")
            elif (ours.domains is not None and ours.domains != made.domains) or not self._same_units(ours, made):
                self._fail(f"{each.cpu}: our table says \"{ours}\", the machine is made of \"{made}\".")
        print("ours against", " and ".join(self._names), flush=True)
        print(self.FORM.format(
            "model", "name", "machine", "whose", "domain", "ours", "Debian's", "ratio", "newest", "ratio", ""), flush=True)

    @staticmethod
    def _same_units(ours, made):
        units = [("unit", True), ("dram_unit", "dram" in made.domains), ("psys_unit", "psys" in made.domains)]
        return all(getattr(ours, name) == getattr(made, name) for name, matters in units if matters)

    def add(self, trial):
        cpu, variant = trial.tried.cpu, trial.variant
        self._models.add(cpu)
        self._counts["machines"] += 1
        self._counts["measured again"] += trial.attempts > 1
        if trial.trouble:
            self._fail(f"{cpu}, {variant.name}: {trial.trouble}.")
        for row in trial.rows:
            notes = []
            for index in verdicts.BOTH:
                number = verdicts.explanation(row, index)
                self._counts["comparisons"] += 1
                if number == 0:
                    self._counts["agree"] += 1
                elif number:
                    self._used[number] += 1
                    notes.append(f"({number})")
                else:
                    notes.append("UNEXPLAINED")
                    self._fail(self._sentence(trial, row, index))
            if not row.is_true:
                notes.append(f"THE REGISTERS SAY {_number(row.truth)}")
                self._fail(f"{cpu}, {variant.name}, {row.domain}: ours {_number(row.ours)}, the registers {_number(row.truth)}.")
            self._counts["rows"] += 1
            print(self.FORM.format(
                cpu.numbers, cpu.name, variant.name, self._place(row.place), row.domain, _number(row.ours),
                _number(row.theirs[0]), _number(row.ratio(0), 4), _number(row.theirs[1]), _number(row.ratio(1), 4),
                " ".join(dict.fromkeys(notes))), flush=True)

    def _sentence(self, trial, row, index):
        said = f" It says: {trial.errors[index]}" if trial.errors[index] else ""
        return (f"{trial.tried.cpu}, {trial.variant.name}, {row.domain}: ours {_number(row.ours)}, {self._names[index]} "
                f"{_number(row.theirs[index])}.{said}")

    @staticmethod
    def _place(place):
        if place is None:
            return "machine"
        return f"package {place[0]}" if place[1] is None else f"p{place[0]} die {place[1]}"

    def _fail(self, sentence):
        self._failures.append(sentence)

    def finish(self, seconds):
        print("\nExplanations:")
        for number, each in enumerate(verdicts.EXPLANATIONS, 1):
            print(f"  ({number}) {self._used[number]} times: {each.why}")
            if self._whole and not self._used[number]:
                self._fail(f"Explanation {number} explains nothing.")
        print()
        for sentence in self._failures:
            print(sentence)
        counts = self._counts
        print(
            f"{len(self._models)} models, {counts['machines']} machines ({counts['measured again']} measured again), "
            f"{counts['rows']} rows, {counts['comparisons']} comparisons: {counts['agree']} agree, "
            f"{sum(self._used.values())} are explained, {len(self._failures)} failures; {seconds:.0f} s.")
        return 1 if self._failures else 0
