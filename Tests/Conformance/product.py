"""What our own table says of a CPU model: the program is asked, by its doctor, as anyone can ask it."""

import concurrent.futures
import json
import os
import re
import subprocess
import tempfile

from kernel import FIXED_1J, FIXED_15, MICROJOULES, Model

LISTED = re.compile(r" is a known model with energy registers(?: for ([\w, ]+)|; its registers tell which domains it has)\.$")
QUIRKS = {
    "This model's unit register counts in microjoules (2^ESU uJ), not in parts of a joule.": {"unit": MICROJOULES},
    "This model's DRAM unit is always 15.3 uJ (2^-16 J); its unit register is not used.": {"dram_unit": FIXED_15},
    "This model's psys unit is always 1 J; its unit register is not used.": {"psys_unit": FIXED_1J},
}
UNLISTED = re.compile(r" is not in the table of models: | is older than RAPL, | has no energy registers; ")
AMD_CORE = re.compile(r"^AMD has a core counter ")


def cpuinfo(cpu, count=1):
    """/proc/cpuinfo of a machine of this CPU, as far as we look at it."""
    power = "" if cpu.vendor == "GenuineIntel" else " ts ttp tm hwpstate cpb eff_freq_ro [13] [14]"
    return "".join(
        f"processor\t: {number}\nvendor_id\t: {cpu.vendor}\ncpu family\t: {cpu.family}\nmodel\t\t: {cpu.model}\n"
        f"model name\t: {cpu.name}\nstepping\t: 0\npower management:{power}\n\n" for number in range(count))


def tables(program, cpus):
    """Each CPU's Model by our table; None if it is not listed."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(cpus, pool.map(lambda cpu: table(program, cpu), cpus)))


def table(program, cpu):
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "proc"))
        with open(os.path.join(root, "proc", "cpuinfo"), "w") as file:
            file.write(cpuinfo(cpu))
        shown = subprocess.run([program, "doctor", "--json", "--root", root], stdout=subprocess.PIPE, text=True).stdout
    texts = [each["text"] for each in json.loads(shown)["findings"] if each["topic"] == "CPU"]
    listed = LISTED.search(texts[0])
    if not listed:
        if not UNLISTED.search(texts[0]):
            raise SystemExit(f"doctor says of {cpu} what is not understood here: {texts[0]}")
        return None
    units = {}
    for text in texts[1:]:
        if not AMD_CORE.search(text):
            units.update(QUIRKS[text])
    names = listed.group(1)
    domains = None if names is None else frozenset(names.lower().split(", ")) - {"package"}
    return Model(domains, **units)
