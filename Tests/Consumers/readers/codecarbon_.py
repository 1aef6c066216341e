"""What CodeCarbon says of the CPU: the sum of both packages."""

import json
import sys
import time

from codecarbon import OfflineEmissionsTracker

tracker = OfflineEmissionsTracker(country_iso_code="FRA", measure_power_secs=1, save_to_file=False)
tracker.start()
time.sleep(float(sys.argv[1]))
tracker.stop()
data = tracker.final_emissions_data
# In kilowatt-hours.
print(json.dumps({"packages": data.cpu_energy * 3.6e6 / data.duration}))
