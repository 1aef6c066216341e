"""Where things are: this checkout, what it builds, and what is downloaded."""

import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Ignored by git, as all below .build is.
DOWNLOADS = os.path.join(TOP, ".build", "conformance")


def build(product, package="."):
    """Builds a product, and gives the program's path."""
    command = ["swift", "build", "--package-path", os.path.join(TOP, package)]
    subprocess.run([*command, "--product", product], check=True, stdout=sys.stderr)
    shown = subprocess.run([*command, "--show-bin-path"], check=True, stdout=subprocess.PIPE, text=True)
    return os.path.join(shown.stdout.strip(), product)
