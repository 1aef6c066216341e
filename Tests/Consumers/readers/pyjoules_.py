"""What pyJoules says of both packages."""

import json
import sys
import time

from pyJoules.device import DeviceFactory
from pyJoules.energy_meter import EnergyMeter

meter = EnergyMeter(DeviceFactory.create_devices())
meter.start()
time.sleep(float(sys.argv[1]))
meter.stop()
sample = meter.get_trace()[0]
print(json.dumps({
    name: sample.energy[name.replace("-", "_")] / sample.duration / 1e6 for name in ("package-0", "package-1")}))
