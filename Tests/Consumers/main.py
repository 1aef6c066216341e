"""Tries what others read of us with the programs themselves, and prints each check with its result."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["TOP"], "Tests/VirtualMachine/checks"))

import harness  # noqa: E402
import prometheus  # noqa: E402, F401
import foreign  # noqa: E402, F401
import desktop  # noqa: E402, F401

count, failures = harness.run_all()
print(f"{failures} of {count} checks do not hold." if failures else f"All {count} checks hold, or cannot be shown here.")
sys.exit(1 if failures else 0)
