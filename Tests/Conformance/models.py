"""The CPU models that are tried, with the registers that each has: what a simulated machine of that model is made of.

Intel's are all of the kernel's intel-family.h that perf, powercap or turbostat have RAPL for; scripts/compare-models holds this
list and the kinds against their tables. AMD's and Hygon's are the families that the kernel's powercap driver matches, whatever the
model; the models are those on the market.
"""

from dataclasses import dataclass, field

from kernel import CPU, FIXED_1J, FIXED_15, MICROJOULES, REGISTER, Model


@dataclass(frozen=True)
class Kind:
    """Models with the same registers."""

    domains: tuple
    # The unit register's energy status unit.
    exponent: int = 14
    unit: str = REGISTER
    dram_unit: str = REGISTER
    psys_unit: str = REGISTER
    # Whether there are machines of several packages; of several dies, each with a counter.
    packages: bool = False
    dies: bool = False

    def joules(self, domain):
        """What a count is worth."""
        rule = {"dram": self.dram_unit, "psys": self.psys_unit}.get(domain, self.unit)
        return {
            REGISTER: 2.0**-self.exponent, MICROJOULES: 2.0**self.exponent / 1e6, FIXED_15: 2.0**-16, FIXED_1J: 1.0}[rule]

    @property
    def model(self):
        return Model(frozenset(self.domains), self.unit, self.dram_unit, self.psys_unit)


EVERYTHING = ("core", "uncore", "dram", "psys")
KINDS = {
    "Sandy Bridge": Kind(("core", "uncore"), exponent=16),
    "Sandy Bridge-EP": Kind(("core", "dram"), exponent=16, packages=True),
    "Haswell": Kind(("core", "uncore", "dram")),
    "Haswell-EP": Kind(("dram",), dram_unit=FIXED_15, packages=True),
    "Skylake-SP": Kind(("dram",), dram_unit=FIXED_15, packages=True, dies=True),
    "Ice Lake-SP": Kind(("dram", "psys"), dram_unit=FIXED_15, packages=True),
    "client": Kind(EVERYTHING),
    "Sapphire Rapids": Kind(("dram", "psys"), psys_unit=FIXED_1J, packages=True),
    "Sierra Forest": Kind(("dram", "psys"), packages=True),
    "Silvermont": Kind(("core",), exponent=5, unit=MICROJOULES),
    "Avoton": Kind(("core",)),
    "Goldmont": Kind(("core", "uncore", "dram")),
    "Jacobsville": Kind(()),
    "AMD": Kind(("core",), exponent=16, packages=True),
}


@dataclass(frozen=True)
class Tried:
    """A model that is tried."""

    cpu: CPU
    kind: Kind = field(repr=False)


def _intel(kind, *models):
    return [Tried(CPU("GenuineIntel", family, model, name), KINDS[kind]) for family, model, name in models]


def _amd(vendor, family, *models):
    return [Tried(CPU(vendor, family, model, name), KINDS["AMD"]) for model, name in models]


INTEL = [
    *_intel("Sandy Bridge", (6, 0x2A, "SANDYBRIDGE"), (6, 0x3A, "IVYBRIDGE")),
    *_intel("Sandy Bridge-EP", (6, 0x2D, "SANDYBRIDGE_X"), (6, 0x3E, "IVYBRIDGE_X")),
    *_intel(
        "Haswell", (6, 0x3C, "HASWELL"), (6, 0x45, "HASWELL_L"), (6, 0x46, "HASWELL_G"), (6, 0x3D, "BROADWELL"),
        (6, 0x47, "BROADWELL_G")),
    *_intel(
        "Haswell-EP", (6, 0x3F, "HASWELL_X"), (6, 0x4F, "BROADWELL_X"), (6, 0x56, "BROADWELL_D"),
        (6, 0x57, "XEON_PHI_KNL"), (6, 0x85, "XEON_PHI_KNM")),
    *_intel("Skylake-SP", (6, 0x55, "SKYLAKE_X")),
    *_intel("Ice Lake-SP", (6, 0x6A, "ICELAKE_X"), (6, 0x6C, "ICELAKE_D")),
    *_intel(
        "client", (6, 0x4E, "SKYLAKE_L"), (6, 0x5E, "SKYLAKE"), (6, 0x8E, "KABYLAKE_L"), (6, 0x9E, "KABYLAKE"),
        (6, 0xA5, "COMETLAKE"), (6, 0xA6, "COMETLAKE_L"), (6, 0x66, "CANNONLAKE_L"), (6, 0x7D, "ICELAKE"),
        (6, 0x7E, "ICELAKE_L"), (6, 0x9D, "ICELAKE_NNPI"), (6, 0xA7, "ROCKETLAKE"), (6, 0x8C, "TIGERLAKE_L"),
        (6, 0x8D, "TIGERLAKE"), (6, 0xD7, "BARTLETTLAKE"), (6, 0x8A, "LAKEFIELD"), (6, 0x97, "ALDERLAKE"),
        (6, 0x9A, "ALDERLAKE_L"), (6, 0xB7, "RAPTORLAKE"), (6, 0xBA, "RAPTORLAKE_P"), (6, 0xBF, "RAPTORLAKE_S"),
        (6, 0xAC, "METEORLAKE"), (6, 0xAA, "METEORLAKE_L"), (6, 0xC5, "ARROWLAKE_H"), (6, 0xC6, "ARROWLAKE"),
        (6, 0xB5, "ARROWLAKE_U"), (6, 0xBD, "LUNARLAKE_M"), (6, 0xCC, "PANTHERLAKE_L"), (6, 0xE5, "PANTHERLAKE_R"),
        (6, 0xD5, "WILDCATLAKE_L"), (18, 0x01, "NOVALAKE"), (18, 0x03, "NOVALAKE_L"), (6, 0xBE, "ATOM_GRACEMONT")),
    *_intel(
        "Sapphire Rapids", (6, 0x8F, "SAPPHIRERAPIDS_X"), (6, 0xCF, "EMERALDRAPIDS_X"), (6, 0xAD, "GRANITERAPIDS_X"),
        (6, 0xAE, "GRANITERAPIDS_D")),
    *_intel(
        "Sierra Forest", (6, 0xAF, "ATOM_CRESTMONT_X"), (6, 0xB6, "ATOM_CRESTMONT"), (6, 0xDD, "ATOM_DARKMONT_X")),
    *_intel(
        "Silvermont", (6, 0x37, "ATOM_SILVERMONT"), (6, 0x4A, "ATOM_SILVERMONT_MID"),
        (6, 0x5A, "ATOM_SILVERMONT_MID2"), (6, 0x4C, "ATOM_AIRMONT")),
    *_intel("Avoton", (6, 0x4D, "ATOM_SILVERMONT_D")),
    *_intel(
        "Goldmont", (6, 0x5C, "ATOM_GOLDMONT"), (6, 0x5F, "ATOM_GOLDMONT_D"), (6, 0x7A, "ATOM_GOLDMONT_PLUS"),
        (6, 0x96, "ATOM_TREMONT"), (6, 0x9C, "ATOM_TREMONT_L")),
    *_intel("Jacobsville", (6, 0x86, "ATOM_TREMONT_D")),
]

AMD = [
    *_amd(
        "AuthenticAMD", 0x17, (0x01, "Naples"), (0x08, "Pinnacle Ridge"), (0x11, "Raven Ridge"), (0x18, "Picasso"),
        (0x20, "Dali"), (0x31, "Rome"), (0x47, "4700S"), (0x60, "Renoir"), (0x68, "Lucienne"), (0x71, "Matisse"),
        (0x90, "Van Gogh"), (0xA0, "Mendocino")),
    *_amd(
        "AuthenticAMD", 0x19, (0x01, "Milan"), (0x08, "Chagall"), (0x11, "Genoa"), (0x18, "Storm Peak"),
        (0x21, "Vermeer"), (0x44, "Rembrandt"), (0x50, "Cezanne"), (0x61, "Raphael"), (0x74, "Phoenix"),
        (0x75, "Hawk Point"), (0x78, "Phoenix 2"), (0xA0, "Bergamo")),
    *_amd(
        "AuthenticAMD", 0x1A, (0x02, "Turin"), (0x08, "Shimada Peak"), (0x11, "Turin Dense"), (0x24, "Strix Point"),
        (0x44, "Granite Ridge"), (0x60, "Krackan Point"), (0x70, "Strix Halo")),
    *_amd("HygonGenuine", 0x18, (0x00, "Dhyana"), (0x01, "Dhyana"), (0x02, "Dhyana"), (0x04, "Dhyana")),
]

# One of each kind, the newest and the odd ones: what CI tries.
SHORT = (
    "SANDYBRIDGE", "SANDYBRIDGE_X", "HASWELL", "SKYLAKE_X", "ICELAKE_X", "KABYLAKE", "SAPPHIRERAPIDS_X", "ATOM_CRESTMONT_X",
    "ATOM_SILVERMONT", "ATOM_SILVERMONT_D", "NOVALAKE", "Matisse", "Genoa")
