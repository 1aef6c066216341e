"""What carbontracker says of the CPU: the mean of the packages and their memories."""

import glob
import json
import re
import sys
import time

from carbontracker.tracker import CarbonTracker

tracker = CarbonTracker(epochs=1, monitor_epochs=1, epochs_before_pred=0, update_interval=1, components="cpu", log_dir="log")
tracker.epoch_start()
time.sleep(float(sys.argv[1]))
tracker.epoch_end()
tracker.stop()
log = "".join(open(name, encoding="utf-8").read() for name in glob.glob("log/*.log"))
watts = re.search(r"Average power usage \(W\) for cpu: ([\d.]+)", log)
print(json.dumps({"mean": float(watts[1])} if watts else {}))
