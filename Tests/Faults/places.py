"""Where the programs are, and what of the machine the rows need."""

import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEVICE = os.path.join(TOP, "Tests/MSRDevice/.build/debug/msr-device")
# What cannot be had without root.
IS_ROOT = os.geteuid() == 0
HAS_DEVICE = IS_ROOT and os.path.exists("/dev/fuse")


def build():
    """Builds the service as users get it, and the device where it can be mounted; gives the service's path."""
    subprocess.run([os.path.join(TOP, "scripts/setup"), "--tests"], check=True)
    if HAS_DEVICE:
        command = ["swift", "build", "--package-path", os.path.join(TOP, "Tests/MSRDevice"), "--product", "msr-device"]
        subprocess.run(command, check=True, stdout=sys.stderr)
    command = [os.path.join(TOP, "scripts/packaging/program")]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
