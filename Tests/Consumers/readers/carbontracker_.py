"""What carbontracker says of the CPU: the mean of the packages and their memories."""

import glob
import json
import re
import sys
import time

from carbontracker.components.cpu.intel import IntelCPU, MEASURE_DELAY
from carbontracker.tracker import CarbonTracker

# It takes for granted that a second passes between two of its readings. On a busy machine it is more: so their times are noted.
times = []
readings = IntelCPU._get_measurements


def noted(self):
    times.append(time.monotonic())
    return readings(self)


IntelCPU._get_measurements = noted
tracker = CarbonTracker(epochs=1, monitor_epochs=1, epochs_before_pred=0, update_interval=1, components="cpu", log_dir="log")
tracker.epoch_start()
time.sleep(float(sys.argv[1]))
tracker.epoch_end()
tracker.stop()
log = "".join(open(name, encoding="utf-8").read() for name in glob.glob("log/*.log"))
watts = re.search(r"Average power usage \(W\) for cpu: ([\d.]+)", log)
# They come in pairs, of which the last may have no end.
pairs = list(zip(times[::2], times[1::2]))
passed = sum(after - before for before, after in pairs)
print(json.dumps({"mean": float(watts[1]) * MEASURE_DELAY * len(pairs) / passed} if watts else {}))
