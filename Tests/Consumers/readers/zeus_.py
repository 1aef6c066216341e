"""What Zeus says of both packages."""

import json
import sys
import time

from zeus.monitor import ZeusMonitor

# It starts processes of its own, which import this file.
if __name__ == "__main__":
    monitor = ZeusMonitor(gpu_indices=[], cpu_indices=[0, 1])
    monitor.begin_window("watts")
    time.sleep(float(sys.argv[1]))
    window = monitor.end_window("watts")
    print(json.dumps({f"package-{index}": energy / window.time for index, energy in window.cpu_energy.items()}))
