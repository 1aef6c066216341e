"""Machines with limits in their registers: what our service says of them, beside what turbostat prints."""

import os
import re
import tempfile
from dataclasses import dataclass, field

import machine
import models
from machine import Machine, Variant
from trial import PATIENCE_SECONDS, Ours

PLAIN, TWO = Variant("one package"), Variant("two packages", packages=2)
CPUS = {"plain": {0: 0}, "two": {0: 0, 1: 1}}
# Counts a second of 0x613 and 0x61B: 30 % and 10 % of the time, in units of 1/1024 s.
THROTTLED = {"PKG_%": ("package", 0x613, 307.2), "RAM_%": ("dram", 0x61B, 102.4)}
# How far apart shares of time may lie, in per cent: turbostat's table and our two readings are not of the same second.
SHARE_TOLERANCE = 2.0


@dataclass(frozen=True)
class Set:
    """Registers of a machine: 0 where nothing is said."""

    name: str
    model: str
    registers: dict = field(default_factory=dict)
    packages: int = 1
    short: bool = False


def _limit(pl1, pl2, lock=0):
    """MSR_PKG_POWER_LIMIT of (watts, window, enabled, clamping) each; a window as its seven bits, a unit of 1/8 W."""
    halves = [int(watts * 8) & 0x7FFF | enabled << 15 | clamp << 16 | window << 17 for watts, window, enabled, clamp in (pl1, pl2)]
    return halves[0] | halves[1] << 32 | lock << 63


def _info(tdp, least=0, most=0, window=0):
    return int(tdp * 8) | int(least * 8) << 16 | int(most * 8) << 32 | window << 48


LAPTOP = {0x610: _limit((35, 0x6E, 1, 0), (44, 0x21, 1, 1)), 0x614: _info(45), 0x601: 105 * 8, 0x1A2: 100 << 16, 0x1B1: 0x88270000}
SERVER = {0x610: _limit((205, 0x0A, 1, 1), (246, 0x03, 1, 1), 1), 0x614: _info(205, 85, 413, 0x0F), 0x1A2: 93 << 16, 0x1B1: 0x88320000}
WARM = {0x1A2: 105 << 16, 0x1B1: 0x880A0800}
ALL = (1 << 64) - 1
SETS = [
    Set("a laptop", "KABYLAKE", LAPTOP, short=True),
    Set("locked", "COMETLAKE_L", {**LAPTOP, 0x610: _limit((15, 0x6E, 1, 0), (25, 0x21, 1, 0), 1), 0x601: 1 << 31 | 71 * 8}),
    Set("PL1 is off", "TIGERLAKE_L", {**LAPTOP, 0x610: _limit((28, 0x6E, 0, 0), (64, 0x21, 1, 0))}),
    Set("unset", "KABYLAKE", {}, short=True),
    Set("unset, but locked", "TIGERLAKE", {0x610: 1 << 63, 0x601: 1 << 31, **WARM}),
    Set("only a TDP", "ICELAKE_L", {0x614: _info(15)}),
    Set("a hybrid", "ALDERLAKE", {0x610: _limit((125, 0x77, 1, 1), (241, 0x42, 1, 1)), 0x614: _info(125, 0, 0), 0x601: 359 * 8, **WARM},
        short=True),
    Set("no limit, as a board writes it", "RAPTORLAKE",
        {0x610: _limit((4095.875, 0x6E, 1, 1), (4095.875, 0x42, 1, 1)), 0x614: _info(125), 0x601: 0, **WARM}),
    Set("a hybrid laptop", "METEORLAKE_L", {**LAPTOP, 0x610: _limit((28, 0x77, 1, 1), (115, 0x42, 1, 1))}),
    Set("Lunar Lake", "LUNARLAKE_M", {**LAPTOP, 0x610: _limit((17, 0x6E, 1, 1), (37, 0x21, 1, 1)), 0x614: _info(17)}),
    Set("Nova Lake", "NOVALAKE", {**LAPTOP, 0x610: _limit((125, 0x12, 1, 1), (350, 0x32, 1, 1))}),
    Set("Sandy Bridge", "SANDYBRIDGE", {0x610: _limit((95, 0x01, 1, 1), (118.75, 0x00, 1, 1)), 0x614: _info(95, 60, 120, 8), **WARM}),
    Set("Haswell, throttled", "HASWELL", {**LAPTOP, 0x690: 0x3F732773, 0x6B0: 0x0F530351, 0x6B1: 0x0D430541}, short=True),
    Set("a Haswell laptop", "HASWELL_L", {**LAPTOP, 0x690: 0x04000402, 0x6B0: 0, 0x6B1: 0x00400000}),
    Set("Haswell, every bit", "HASWELL_G", {**LAPTOP, 0x690: ALL, 0x6B0: ALL, 0x6B1: ALL}),
    Set("Broadwell", "BROADWELL", {**LAPTOP, 0x690: 0x04020402, 0x1B1: 0}),
    Set("two packages", "SKYLAKE_X", SERVER, packages=2, short=True),
    Set("Sandy Bridge-EP", "SANDYBRIDGE_X", {**SERVER, 0x614: _info(130, 48, 185, 8)}),
    Set("Haswell-EP, throttled", "HASWELL_X", {**SERVER, 0x690: 0xE56F_E56F, 0x6B1: 0x04000400}),
    Set("Broadwell-EP", "BROADWELL_X", {**SERVER, 0x610: _limit((145, 0x0A, 1, 1), (174, 0x03, 0, 0))}),
    Set("Ice Lake-SP", "ICELAKE_X", {**SERVER, 0x614: _info(270, 120, 600, 0x0F)}),
    Set("Sapphire Rapids", "SAPPHIRERAPIDS_X", {**SERVER, 0x606: 0xA0E03, 0x610: _limit((350, 0x0A, 1, 1), (420, 0x03, 1, 1))}),
    Set("Granite Rapids", "GRANITERAPIDS_X", {**SERVER, 0x610: _limit((500, 0x0A, 1, 1), (600, 0x03, 1, 1))}),
    Set("Sierra Forest", "ATOM_CRESTMONT_X", SERVER),
    Set("Knights Landing", "XEON_PHI_KNL", {**SERVER, 0x690: 0x43}),
    Set("Goldmont", "ATOM_GOLDMONT", {0x610: _limit((6, 0x6E, 1, 0), (15, 0, 1, 0)), 0x614: _info(6), **WARM}),
    Set("Tremont", "ATOM_TREMONT_L", {0x610: _limit((10, 0x6E, 1, 0), (20, 0x21, 1, 0)), 0x614: _info(10), **WARM}),
    Set("Silvermont, in milliwatts", "ATOM_SILVERMONT", {0x606: 0x0505, 0x610: 0x0038807D, **WARM}),
    Set("absurd: every bit", "KABYLAKE",
        {0x610: ALL, 0x614: ALL, 0x601: ALL, 0x1A2: ALL, 0x1B1: ALL}),
    Set("absurd: colder than ice, least above most", "SKYLAKE",
        {0x610: _limit((0, 0x6E, 1, 0), (0, 0x7F, 1, 0)), 0x614: _info(4095, 96, 1), 0x601: 1, 0x1A2: 60 << 16, 0x1B1: 0x7F << 16}),
    # Bit 30 of 0xCE: the offset in 0x1A2 can be set. Without it, and on models without an offset, it is none.
    Set("10 degrees cooler", "KABYLAKE_L", {**LAPTOP, 0xCE: 0x4043DF1011E00, 0x1A2: 0x0A640000}, short=True),
    Set("10 degrees cooler, locked", "TIGERLAKE", {**LAPTOP, 0xCE: 0x4043DF1011E00, 0x1A2: 0x8A640000}),
    Set("an offset that cannot be set", "SKYLAKE_L", {**LAPTOP, 0xCE: 0x4043DB1011E00, 0x1A2: 0x0A640000}),
    Set("a model without an offset", "HASWELL", {**LAPTOP, 0xCE: 0x4043DF1011E00, 0x1A2: 0x0A640000}),
    Set("finer units", "COMETLAKE", {**LAPTOP, 0x606: 0x00090E05}),
    Set("no unit of time", "KABYLAKE_L", {**LAPTOP, 0x606: 0x00000E03}),
]

# The bits of turbostat's names, and of ours on each kind of machine.
THEIR_BITS = {
    "PROCHOT": 0, "ThermStatus": 1, "bit2": 2, "Graphics": 4, "Auto-HWP": 5, "VR-Therm": 6, "Amps": 8, "CorePwr": 9, "GFXPwr": 9,
    "PkgPwrL1": 10, "PkgPwrL2": 11, "MultiCoreTurbo": 12, "Transitions": 13, "bit14": 14, "bit15": 15, "bit18": 2, "bit30": 14,
    "bit31": 15}
CLIENT_BITS = {
    "prochot": 0, "thermal": 1, "graphics_driver": 4, "low_utilization": 5, "voltage_regulator_temperature": 6, "electrical": 8,
    "part_power": 9, "pl1": 10, "pl2": 11, "maximum_turbo": 12, "turbo_transitions": 13}
# turbostat has a client's names for Haswell-EP too; the SDM has others.
SERVER_BITS = {
    "prochot": 0, "thermal": 1, "power_budget": 2, "platform_controller": 3, "low_utilization": 5,
    "voltage_regulator_temperature": 6, "electrical": 8, "maximum_turbo": 10, "below_base": 13, "below_turbo": 14,
    "below_request": 15}
# The bits that turbostat shows.
SHOWN = {"core": set(range(16)) - {3, 7}, "graphics": {0, 1, 4, 6, 8, 9, 10, 11}, "ring": {0, 1, 6, 8, 10, 11}}
PARTS = {"CORE": "core", "GFX": "graphics", "RING": "ring"}

EXPLANATIONS = {
    1: "turbostat takes register 0x601 of every model for PL4. Up to Broadwell it holds a current, and no document has it for servers "
       "and Atoms: ours has no PL4 there.",
    2: "turbostat takes Silvermont's units for those of other models. The SDM and the kernel have 2^PU milliwatts and seconds.",
    3: "turbostat guesses 100 C if register 0x1A2 is 0, or if it does not know the model. Ours does not guess.",
    4: "turbostat takes 0 in register 0x1B1, which is no reading, for the highest temperature. Ours has none.",
    5: "turbostat reads ring reasons of Haswell-EP. The SDM has none there, nor has ours.",
    6: "turbostat shows bits of reasons that are reserved. Ours ignores them.",
    7: "turbostat takes 2^31 for a negative number, so its longest windows are negative. Ours are positive, and implausible.",
}


class LimitMachine(Machine):
    """A machine with the registers of a set."""

    def __init__(self, tried, registers, folder):
        self.set = registers
        super().__init__(tried, TWO if registers.packages == 2 else PLAIN, folder)

    def plan(self):
        lines = [f"0-1 {address:#x} value {value:#x}" for address, value in {0x614: 0, **self.set.registers}.items()]
        lines += [f"0-1 {address:#x} counter 0x100 {rate} 32" for _, address, rate in THROTTLED.values()]
        return super().plan() + "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Row:
    """One field of one package, as a turbostat prints it and as ours has it."""

    package: int
    name: str
    theirs: str
    ours: str
    number: int

    @property
    def agrees(self):
        return self.theirs == self.ours


class Trial:
    """What came of a set of registers: rows for each turbostat."""

    def __init__(self, program, references, registers):
        self.set = registers
        self.rows, self.trouble = [[] for _ in references], None
        self._program, self._references = program, references

    def run(self):
        tried = next(each for each in models.INTEL if each.cpu.name == self.set.model)
        with tempfile.TemporaryDirectory(prefix="limits-") as folder:
            os.chmod(folder, 0o755)
            try:
                with LimitMachine(tried, self.set, folder) as machine, Ours(self._program, machine) as ours:
                    first = ours.limits()
                    columns = ["Package", "CPU", "PkgWatt", *THROTTLED]
                    runs = [each.describe(machine, columns) for each in self._references]
                    texts = [run.text(PATIENCE_SECONDS) for run in runs]
                    last = ours.limits()
            except RuntimeError as error:
                self.trouble = str(error)
                return self
        # What is not of the table goes to the standard error.
        for rows, (table, description) in zip(self.rows, texts):
            said = Said(description + table)
            for cpu, fields in said.fields.items():
                package = cpu if self.set.packages == 2 else 0
                mine = Fields(_package(last, package), said.units)
                for name, theirs in fields.items():
                    value = mine.value(name)
                    number = 0 if value == theirs else self._explanation(name, theirs, value, "throttle_celsius" in fields)
                    rows.append(Row(package, name, theirs, value, number))
            rows += _shares(said, first, last)
        return self

    def _explanation(self, name, theirs, ours, knows_target):
        """The number of what explains that the two differ; 0 if nothing does."""
        model, registers = self.set.model, self.set.registers
        old_or_server = re.search("BRIDGE|WELL|_X|_D|ATOM|PHI", model)
        if name.startswith("PL4") and ours == Fields.UNSET[name] and old_or_server:
            return 1
        if model == "ATOM_SILVERMONT" and name.startswith("PL"):
            return 2
        if name == "celsius" and not knows_target:
            return 3
        if name == "celsius" and ours is None and not registers.get(0x1B1):
            return 4
        if name == "ring reasons" and model == "HASWELL_X":
            return 5
        if name.endswith("reasons") and ours and _without_reserved(theirs) == ours:
            return 6
        if name.endswith("window") and theirs == f"-{ours}":
            return 7
        return 0


def _without_reserved(bits):
    return " / ".join(",".join(each for each in part.split(",") if each not in ("2", "14", "15")) for part in bits.split(" / "))


def _package(answer, number):
    return next(each for each in answer["packages"] if each["package"] == number)


def _shares(said, first, last):
    """Shares of time: turbostat's of its interval, ours between two answers."""
    seconds = last["monotonic_seconds"] - first["monotonic_seconds"]
    for package, columns in said.shares.items():
        for column, share in columns.items():
            domain = THROTTLED[column][0]
            times = [_package(each, package).get("throttled_seconds", {}).get(domain) for each in (first, last)]
            ours = None if None in times else 100 * (times[1] - times[0]) / seconds
            if ours is not None and abs(ours - share) <= SHARE_TOLERANCE:
                ours = share
            yield Row(package, column, str(share), str(ours), 0)


class Fields:
    """The fields of a package in our answer, each as turbostat would print it. A limit that is not set has none in ours."""

    UNSET = {"PL4 watts": "0.000000", "PL4 locked": None}

    def __init__(self, package, units):
        self._package, self._units = package, units

    def value(self, name):
        words = name.split()
        if words[0] in ("PL1", "PL2", "PL4"):
            return self._limit(words[0].lower(), words[1])
        if name in ("tdp_watts", "min_watts", "max_watts"):
            return f"{self._package.get(name, 0):.0f}"
        if "celsius" in name:
            value = self._package.get(name)
            return None if value is None else f"{value:.0f}"
        return self._reasons(words[0])

    def _limit(self, name, field):
        limits = {each["name"]: each for each in self._package["power_limits"]}
        limit = limits.get(name)
        if name == "pl4":
            if field == "watts":
                return f"{limit['watts'] if limit else 0:.6f}"
            return str(limit["locked"]) if limit else None
        if field == "watts":
            return f"{limit['watts'] if limit else 0:.3f}"
        if field == "window":
            return f"{limit['window_seconds'] if limit else self._units['seconds']:.6f}"
        return str({"enabled": limit["enabled"], "clamping": limit["clamping"], "locked": limit["locked"]}[field] if limit else None)

    def _reasons(self, part):
        reasons = self._package.get("reasons", {}).get(part)
        if reasons is None:
            return None
        is_server = any(name in SERVER_BITS and name not in CLIENT_BITS for name in reasons["active"] + reasons["logged"])
        bits = SERVER_BITS if is_server else CLIENT_BITS
        known = SHOWN[part]
        return " / ".join(
            ",".join(map(str, sorted({bits[name] for name in reasons[key]} & known))) for key in ("active", "logged"))


class Said:
    """What turbostat prints of limits: for each of its CPUs the fields, and for each package the shares of its table."""

    def __init__(self, text):
        self.fields, self.shares, self.units = {}, {}, {"seconds": 0.0}
        header = None
        for line in text.splitlines():
            found = re.match(r"cpu(\d+): (.*)", line)
            if found:
                self._take(self.fields.setdefault(int(found.group(1)), {}), found.group(2))
                continue
            cells = [cell.strip() for cell in line.split("\t")]
            if "CPU" in cells:
                header = cells
            elif header and len(cells) == len(header) and cells[header.index("CPU")] != "-":
                row = dict(zip(header, cells))
                self.shares[int(row.get("Package", 0))] = {name: float(row[name]) for name in THROTTLED if row.get(name)}

    def _take(self, fields, text):
        if found := re.match(r"MSR_RAPL_POWER_UNIT: .*\((\S+) Watts, \S+ Joules, (\S+) sec", text):
            self.units = {"seconds": float(found.group(2))}
        elif found := re.match(r"MSR_PKG_POWER_INFO: .*\((\d+) W TDP, RAPL (\d+) - (\d+) W", text):
            fields.update(zip(("tdp_watts", "min_watts", "max_watts"), found.groups()))
        elif found := re.match(r"MSR_PKG_POWER_LIMIT: \S+ \((UN)?locked\)", text):
            self._lock = str(not found.group(1))
        elif found := re.match(r"PKG Limit #([12]): (EN|DIS)abled \((\S+) Watts, (\S+?)\*? sec, clamp (EN|DIS)abled\)", text):
            number, enabled, watts, window, clamp = found.groups()
            name = f"PL{number}"
            fields.update({f"{name} watts": watts, f"{name} window": window})
            # Of a limit that is not set ours does not say whether it is on.
            is_set = float(watts) or enabled == "EN" or clamp == "EN" or float(window) > self.units["seconds"]
            for field, value in (("enabled", enabled == "EN"), ("clamping", clamp == "EN"), ("locked", self._lock)):
                fields[f"{name} {field}"] = str(value if is_set else None)
        elif found := re.match(r"PKG Limit #4: (\S+) Watts \((UN)?locked\)", text):
            fields["PL4 watts"] = found.group(1)
            if float(found.group(1)):
                fields["PL4 locked"] = str(not found.group(2))
        elif found := re.match(r"MSR_IA32_TEMPERATURE_TARGET: \S+ \((\d+) C\)", text):
            fields["throttle_celsius"] = found.group(1)
            if fields["throttle_celsius"] == "0":
                del fields["throttle_celsius"]
        elif found := re.match(r"MSR_IA32_PACKAGE_THERM_STATUS: \S+ \((-?\d+) C\)", text):
            fields["celsius"] = found.group(1)
        elif found := re.match(r"MSR_(CORE|GFX|RING)_PERF_LIMIT_REASONS, \S+ \(Active: (.*?)\) +\(Logged: (.*?)\)", text):
            part = PARTS[found.group(1)]
            fields[f"{part} reasons"] = " / ".join(
                ",".join(map(str, sorted({THEIR_BITS[name] for name in names.split(", ") if name}))) for names in found.groups()[1:])
