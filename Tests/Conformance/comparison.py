"""Our table of models against the kernel's three, and why they differ where they do."""

from dataclasses import dataclass

from kernel import Model, PERF, POWERCAP, TURBOSTAT

SOURCES = {"perf": PERF, "powercap": POWERCAP, "turbostat": TURBOSTAT}


@dataclass(frozen=True)
class Difference:
    """One thing that one of the kernel's tables says otherwise about one model."""

    source: str
    what: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Explanation:
    """Why differences remain, and whom our table follows."""

    names: tuple
    differences: tuple
    why: str


HASWELLS = ("HASWELL", "HASWELL_L", "HASWELL_G", "BROADWELL", "BROADWELL_G")
SERVERS = (
    "HASWELL_X", "BROADWELL_X", "BROADWELL_D", "SKYLAKE_X", "ICELAKE_X", "ICELAKE_D", "SAPPHIRERAPIDS_X", "EMERALDRAPIDS_X")
ATOMS = ("ATOM_GOLDMONT", "ATOM_GOLDMONT_D", "ATOM_GOLDMONT_PLUS", "ATOM_TREMONT", "ATOM_TREMONT_L", "ATOM_TREMONT_D")

EXPLANATIONS = [
    Explanation(
        HASWELLS, (Difference("turbostat", "dram", "yes", "no"),),
        "perf's model_hsw has the DRAM counter (0x619), turbostat's hsw_features and bdw_features leave it out; perf is "
        "followed."),
    Explanation(
        SERVERS, (Difference("perf", "core", "no", "yes"),),
        "perf's model_hsx and model_spr name PP0 and then ask the register (perf_msr_probe); turbostat's hsx_features to "
        "spr_features have none. Ours asks the register as well: the domain is shown if it is there."),
    Explanation(
        ("ICELAKE_X", "ICELAKE_D"), (Difference("perf", "psys", "yes", "no"),),
        "turbostat's icx_features have RAPL_PSYS; perf takes these for a Haswell-X (model_hsx). turbostat is followed."),
    Explanation(
        ("BROADWELL_D",), (Difference("powercap", "dram unit", "15.3 uJ", "register"),),
        "perf (model_hsx) and turbostat (bdx_features) fix it, powercap's rapl_defaults_core does not; perf is followed."),
    Explanation(
        ATOMS,
        tuple(Difference(source, "domains", "by the registers", "named") for source in ("perf", "turbostat")),
        "perf (model_hsw) and turbostat (gmt_features, gmtd_features, gmtp_features) disagree about the Goldmonts, and of the "
        "Tremonts perf knows none; our table leaves both to the registers."),
    Explanation(
        ("PANTHERLAKE_R",), (Difference("all", "listed", "yes", "no"),),
        "It is in intel-family.h, with the cores of Panther Lake (6h/CCh), and in no driver yet; taken for one."),
]


def differences(ours, kernel, cpu):
    """What the kernel's tables say otherwise about a CPU than our table does."""
    theirs = {name: getattr(kernel, name).get(cpu) for name in SOURCES}
    found = []
    if (ours is not None) != any(theirs.values()):
        found.append(Difference("all", "listed", *(("yes", "no") if ours is not None else ("no", "yes"))))
    for source, model in theirs.items():
        if ours is not None and model is not None:
            found += _of(source, ours, model)
    return found


def _of(source, ours: Model, theirs: Model):
    found = []
    if theirs.domains is not None and ours.domains is None:
        found.append(Difference(source, "domains", "by the registers", "named"))
    elif theirs.domains is not None:
        for domain in sorted(ours.domains ^ theirs.domains):
            found.append(Difference(source, domain, *(("yes", "no") if domain in ours.domains else ("no", "yes"))))
    both = ours.domains if theirs.domains is None else theirs.domains if ours.domains is None else ours.domains & theirs.domains
    units = [("unit", None), ("dram_unit", "dram"), ("psys_unit", "psys")]
    for name, domain in units:
        one, other = getattr(ours, name), getattr(theirs, name)
        # The unit of a domain that a model lacks is nobody's.
        if one != other and (domain is None or (both is not None and domain in both)):
            found.append(Difference(source, name.replace("_", " "), one, other))
    return found


def explanation(cpu, difference):
    """The number of the explanation, from 1; None if nothing explains it."""
    for number, each in enumerate(EXPLANATIONS, 1):
        if cpu.name in each.names and difference in each.differences:
            return number
    return None
