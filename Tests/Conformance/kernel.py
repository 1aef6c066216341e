"""What the kernel's sources say of CPU models: perf's rapl.c, powercap's intel_rapl_msr.c, and turbostat.c.

Each table maps (vendor, family, model) to a Model. Only what is printed there is read: an entry that cannot be understood ends
the program, so that a new form of the tables is seen.
"""

import re
from dataclasses import dataclass

from mirror import kernel_sources

FAMILIES = "arch/x86/include/asm/intel-family.h"
PERF = "arch/x86/events/rapl.c"
POWERCAP = "drivers/powercap/intel_rapl_msr.c"
TURBOSTAT = "tools/power/x86/turbostat/turbostat.c"

REGISTER, MICROJOULES, FIXED_15, FIXED_1J = "register", "2^ESU uJ", "15.3 uJ", "1 J"


@dataclass(frozen=True)
class Model:
    """Domains beyond the package, None if the table names none; and the units of each kind of domain."""

    domains: frozenset | None
    unit: str = REGISTER
    dram_unit: str = REGISTER
    psys_unit: str = REGISTER

    def __str__(self):
        """Domains, and the units that are not the register's, of domains that are there."""
        if self.domains is None:
            return "by the registers"
        units = [("", self.unit), ("dram ", self.dram_unit), ("psys ", self.psys_unit)]
        odd = [f"{name}unit {unit}" for name, unit in units if unit != REGISTER and (not name or name.strip() in self.domains)]
        return "; ".join([", ".join(sorted(self.domains)) or "package only", *odd])


@dataclass(frozen=True)
class CPU:
    """A model by its numbers, and the kernel's name for it."""

    vendor: str
    family: int
    model: int
    name: str

    @property
    def numbers(self):
        return f"{self.family:X}h/{self.model:02X}h"

    def __str__(self):
        return f"{self.numbers} {self.name}"


class Kernel:
    def __init__(self):
        texts, self.version = kernel_sources(FAMILIES, PERF, POWERCAP, TURBOSTAT)
        texts = {name: re.sub(r"/\*.*?\*/", " ", text, flags=re.S) for name, text in texts.items()}
        self.cpus = _families(texts[FAMILIES])
        self.perf = self._by_cpu(_perf(texts[PERF]))
        self.powercap = self._by_cpu(_powercap(texts[POWERCAP]))
        self.turbostat = self._by_cpu(_turbostat(texts[TURBOSTAT]))
        self.amd_families = {
            int(family, 16) for family in re.findall(r"X86_MATCH_VENDOR_FAM\((?:AMD|HYGON), (0x\w+)", texts[POWERCAP])}

    def _by_cpu(self, named):
        known = {cpu.name: cpu for cpu in self.cpus}
        return {known[name]: model for name, model in named.items()}


def _families(text):
    found = re.findall(r"#define INTEL_(\w+)\s+IFM\((\d+), (0x\w+)\)", text)
    return [
        CPU("GenuineIntel", int(family), int(model, 16), name) for name, family, model in found
        if not name.endswith(("_START", "_LAST"))]


def _structures(text, kind):
    """Each `struct KIND NAME = { .field = value, ... }`, as a dictionary."""
    found = {}
    for name, body in re.findall(rf"struct {kind} (\w+) = \{{(.*?)\n?\}};", text, re.S):
        found[name] = {field: value.strip() for field, value in re.findall(r"\.(\w+)\s*=\s*([^,]*),?", body)}
    return found


def _entries(text, pattern, structures):
    """The pairs of a table, each structure resolved."""
    pairs = re.findall(pattern, text)
    if not pairs:
        raise SystemExit(f"No entry of the form {pattern} in the kernel's source: its tables have another form.")
    return {name: structures[structure] for name, structure in pairs}


def _perf(text):
    domains = {"PP0": "core", "PP1": "uncore", "RAM": "dram", "PSYS": "psys"}
    models = {}
    for name, fields in _structures(text, "rapl_model").items():
        events = set(re.findall(r"BIT\(PERF_RAPL_(\w+)\)", fields["pkg_events"])) - {"PKG"}
        quirk = fields.get("unit_quirk", "RAPL_UNIT_QUIRK_NONE")
        models[name] = Model(
            frozenset(domains[event] for event in events),
            dram_unit=FIXED_15 if quirk == "RAPL_UNIT_QUIRK_INTEL_HSW" else REGISTER,
            psys_unit=FIXED_1J if quirk == "RAPL_UNIT_QUIRK_INTEL_SPR" else REGISTER)
    return _entries(text, r"X86_MATCH_VFM\(INTEL_(\w+),\s*&(\w+)\)", models)


def _powercap(text):
    models = {}
    for name, fields in _structures(text, "rapl_defaults").items():
        if fields.get("dram_domain_energy_unit", "15300") != "15300":
            raise SystemExit(f"{name}: a DRAM unit of {fields['dram_domain_energy_unit']} nJ is new.")
        models[name] = Model(
            None, unit={"rapl_check_unit_atom": MICROJOULES, "rapl_default_check_unit": REGISTER}[fields["check_unit"]],
            dram_unit=FIXED_15 if "dram_domain_energy_unit" in fields else REGISTER,
            psys_unit=FIXED_1J if fields.get("psys_domain_energy_unit") == "NANOJOULE_PER_JOULE" else REGISTER)
    return _entries(text, r"X86_MATCH_VFM\(INTEL_(\w+),\s*&(\w+)\)", models)


def _turbostat(text):
    masks = dict(re.findall(r"#define (RAPL_\w+)\s+\((RAPL_[\w |]+)\)", text))
    domains = {
        "RAPL_CORE_ENERGY_STATUS": "core", "RAPL_GFX_ENERGY_STATUS": "uncore", "RAPL_DRAM_ENERGY_STATUS": "dram",
        "RAPL_PLATFORM_ENERGY_STATUS": "psys"}
    structures = _structures(text, "platform_features")

    def value(name, field):
        expression = structures[name].get(field, "0")
        other = re.fullmatch(r"(\w+)\.(\w+)", expression)
        return value(*other.groups()) if other else expression

    def flags(expression):
        found = set()
        for word in re.findall(r"\w+", expression):
            found |= flags(masks[word]) if word in masks else {word}
        return found - {"0"}

    models = {}
    for name in structures:
        registers = flags(value(name, "plat_rapl_msrs"))
        if "RAPL_PKG_ENERGY_STATUS" not in registers:
            continue
        fixed, fixed_psys, divisor = (
            value(name, field) == "1" for field in ("has_fixed_rapl_unit", "has_fixed_rapl_psys_unit", "has_rapl_divisor"))
        models[name] = Model(
            frozenset(domains[register] for register in registers if register in domains),
            unit=MICROJOULES if divisor else REGISTER,
            dram_unit=FIXED_15 if fixed else MICROJOULES if divisor else REGISTER,
            psys_unit=FIXED_1J if fixed_psys else MICROJOULES if divisor else REGISTER)
    pairs = re.findall(r"\{ INTEL_(\w+), &(\w+) \}", text[text.index("turbostat_pdata[] = {"):])
    if not pairs:
        raise SystemExit("turbostat.c has no table of models in the known form.")
    return {name: models[features] for name, features in pairs if features in models}
