"""User-space instructions for each sample, counted: as repeatable as a number can be."""

import os
import re
import subprocess
import tempfile

from . import machine


def for_each_sample(program):
    """Start and end left out."""
    counts = []
    for samples in (1000, 3000):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            root = os.path.join(folder, "machine")
            machine.in_memory(root)
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, root, str(samples)],
                check=True, capture_output=True, text=True)
            if done.stdout.strip() != str(samples):
                raise SystemExit(f"benchmark: {program} sent {done.stdout.strip()} of {samples} samples")
            counts.append(int(re.search(r"Collected : (\d+)", done.stderr).group(1)))
    return (counts[1] - counts[0]) / 2000


def rows(table, programs):
    table.row(
        "instructions for each sample", for_each_sample(programs.sampling), for_each_sample(programs.floor),
        most_ratio=1.0, digits=0)
