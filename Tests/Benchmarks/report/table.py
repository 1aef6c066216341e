"""The table that is printed, row by row, and the notes below it."""


class Table:
    def __init__(self):
        self.kept = True
        self.notes = []
        print(f"{'':44}{'service':>12}{'reference':>12}{'ratio':>8}  bound")

    def row(self, name, value, reference=None, most=None, most_ratio=None, digits=1, quiet=False):
        """With `quiet` the bound is one for a quiet machine, and whether this is one the reference says."""
        ratio = value / reference if reference else None
        bound, verdict = "", ""
        if most is not None:
            bound = f"<= {most}"
            if value > most:
                verdict = "NOT KEPT"
        elif most_ratio is not None:
            bound = f"ratio <= {most_ratio}"
            if ratio is None or ratio > most_ratio:
                verdict = "NOT KEPT"
        if verdict and quiet and reference is not None and reference > most:
            verdict = "not kept by the reference either"
        elif verdict:
            self.kept = False
        other = "" if reference is None else f"{reference:,.{digits}f}"
        ratio = "" if ratio is None else f"{ratio:.2f}"
        print(f"{name:44}{value:>12,.{digits}f}{other:>12}{ratio:>8}  {bound}  {verdict}".rstrip(), flush=True)

    def note(self, text):
        """What a row needs to be understood, or why there is none."""
        self.notes.append(text)

    def finish(self):
        """Prints the notes; 0 where every bound is kept."""
        if self.notes:
            print("\n" + "\n".join(self.notes))
        return 0 if self.kept else 1
