"""What pyRAPL says of both packages."""

import json
import sys
import time

import pyRAPL

pyRAPL.setup(devices=[pyRAPL.Device.PKG])
measurement = pyRAPL.Measurement("watts")
measurement.begin()
time.sleep(float(sys.argv[1]))
measurement.end()
result = measurement.result
# Microjoules and microseconds.
print(json.dumps({f"package-{index}": energy / result.duration for index, energy in enumerate(result.pkg)}))
