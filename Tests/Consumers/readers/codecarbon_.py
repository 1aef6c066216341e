"""What CodeCarbon says of the CPU: the sum of both packages."""

import json
import sys
import time

from codecarbon import OfflineEmissionsTracker
from codecarbon.core.rapl import RAPLFile

# Its own duration begins before its first reading, so the times of its readings are noted: what begins, and what ends a difference.
begun, ended = {}, {}
start, delta = RAPLFile.start, RAPLFile.delta


def noted_start(self):
    begun[self.path] = time.monotonic()
    start(self)


def noted_delta(self, duration):
    ended[self.path] = time.monotonic()
    delta(self, duration)


RAPLFile.start, RAPLFile.delta = noted_start, noted_delta
tracker = OfflineEmissionsTracker(country_iso_code="FRA", measure_power_secs=1, save_to_file=False)
tracker.start()
time.sleep(float(sys.argv[1]))
tracker.stop()
seconds = [ended[path] - begun[path] for path in ended]
# In kilowatt-hours.
joules = tracker.final_emissions_data.cpu_energy * 3.6e6
print(json.dumps({"packages": joules / (sum(seconds) / len(seconds))} if seconds else {}))
