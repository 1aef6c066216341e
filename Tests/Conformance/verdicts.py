"""Why ours and a turbostat differ where they do. What is not explained here is a failure; so is what explains nothing."""

from dataclasses import dataclass

from comparison import HASWELLS

DEBIANS, NEWEST = 0, 1
ANY = None
IMPOSSIBLE_WATTS = 1e9


@dataclass(frozen=True)
class Explanation:
    """Rows that differ, and why; ANY stands for all.

    kind: "theirs missing", "theirs 0" or "theirs impossible".
    """

    kind: str
    references: tuple
    names: tuple | None
    domains: tuple | None
    variants: tuple | None
    why: str

    def fits(self, row, index):
        trial = row.trial
        return (
            self.kind == _kind(row, index) and index in self.references
            and (self.names is ANY or trial.tried.cpu.name in self.names)
            and (self.domains is ANY or row.domain in self.domains)
            and (self.variants is ANY or trial.variant.name in self.variants))


def _kind(row, index):
    theirs = row.theirs[index]
    if row.ours is None:
        return "theirs 0" if theirs == 0 and row.truth is None else "ours missing"
    return "theirs missing" if theirs is None else "theirs impossible" if theirs > IMPOSSIBLE_WATTS else "other"


BOTH = (DEBIANS, NEWEST)
NEWER_THAN_DEBIANS = (
    "EMERALDRAPIDS_X", "GRANITERAPIDS_X", "GRANITERAPIDS_D", "ATOM_CRESTMONT_X", "ATOM_CRESTMONT", "ATOM_DARKMONT_X", "BARTLETTLAKE",
    "ARROWLAKE_H", "ARROWLAKE", "ARROWLAKE_U", "LUNARLAKE_M", "PANTHERLAKE_L", "WILDCATLAKE_L", "NOVALAKE", "NOVALAKE_L")

EXPLANATIONS = [
    Explanation(
        "theirs missing", (DEBIANS,), NEWER_THAN_DEBIANS, ANY, ANY,
        "turbostat 2022.10.04 is older than this model: its table (probe_rapl, by family and model) does not have it."),
    Explanation(
        "theirs missing", BOTH, ("ICELAKE", "ATOM_SILVERMONT_MID", "ATOM_SILVERMONT_MID2"), ANY, ANY,
        "No turbostat has this model (turbostat.c: \"Missing support for\"); powercap has it, and perf has Ice Lake."),
    Explanation(
        "theirs missing", BOTH, ("ATOM_AIRMONT",), ANY, ANY,
        "turbostat's amt_features have no RAPL; powercap has it (rapl_defaults_cht)."),
    Explanation(
        "theirs missing", BOTH, ("PANTHERLAKE_R",), ANY, ANY,
        "It is in intel-family.h only, in no driver and no turbostat yet; ours takes it for a Panther Lake (6h/CCh)."),
    Explanation(
        "theirs missing", BOTH, ("ATOM_GOLDMONT", "ATOM_GOLDMONT_PLUS", "ATOM_GOLDMONT_D"), ("core", "uncore", "dram"), ANY,
        "turbostat's gmt_features and gmtp_features have the package only, gmtd_features no uncore; perf's model_hsw has all three, and "
        "ours asks the registers."),
    Explanation(
        "theirs missing", BOTH, ("SKYLAKE_X",), ANY, ("two dies",),
        "turbostat reads one counter a package (turbostat.c: get_rapl_domain_id gives the package); on Cascade Lake-AP each die has "
        "its own (perf's rapl.c: \"CLX-AP is multi-die and its RAPL MSRs are die-scope\"), and ours reads each."),
    Explanation(
        "theirs 0", BOTH, ANY, ANY, ("domains at 0",),
        "turbostat prints 0.00 for a counter that stays at 0; ours leaves the domain out, because nothing was measured."),
    Explanation(
        "theirs missing", BOTH, ANY, ("package",), ("domains at EIO",),
        "turbostat ends or prints nothing if a register of its table cannot be read (\"msr offset 0x619 read failed\"); ours leaves "
        "that domain out, and measures the others."),
    Explanation(
        "theirs missing", BOTH, HASWELLS, ("dram",), ANY,
        "turbostat's hsw_features and bdw_features leave DRAM out; perf's model_hsw has it."),
    Explanation(
        "theirs missing", (DEBIANS,), ANY, ("psys",), ANY, "turbostat 2022.10.04 has no column SysWatt."),
    Explanation(
        "theirs impossible", (NEWEST,), ANY, ("psys",), ANY,
        "turbostat 2026.09.28 cuts psys to 32 bits (rapl_counter_arch_infos: msr_mask 0x00000000FFFFFFFF) after it has been added up, and "
        "takes the difference in 64 bits: a wrap gives some 1e14 W."),
]


def explanation(row, index):
    """The number of what explains that a row and a turbostat differ, from 1; 0 if they do not; None if nothing does."""
    if row.agrees(index):
        return 0
    for number, each in enumerate(EXPLANATIONS, 1):
        if each.fits(row, index):
            return number
    return None


def is_good(trial):
    """Whether all of a trial is right or explained."""
    return trial.trouble is None and all(
        row.is_true and all(explanation(row, index) is not None for index in BOTH) for row in trial.rows)
