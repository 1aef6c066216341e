"""What the service has counted, held against what was really drawn."""

# Packages are read one after the other, and a busy machine may stop the service in between: a sample then lacks what the one
# that was read first has drawn since. The next sample has it. What is truly lost is missing from all of them.
_LOOKS = 8
# Counters are updated every millisecond or so.
TOLERANCE_JOULES = 0.25


class Energy:
    """The energy at a moment: what was drawn since the device's start, and how far the service's total is behind that."""

    def __init__(self, asker, device):
        samples = [asker.fresh_sample() for _ in range(_LOOKS)]
        self.is_lower_bound = samples[-1]["lower_bound"]
        self.drawn = device.joules(samples[-1]["monotonic_seconds"])
        self._behind = min(device.joules(sample["monotonic_seconds"]) - sample["joules"] for sample in samples)

    def lost_since(self, before):
        """How many joules were drawn and not counted between two moments, of one service."""
        return self._behind - before._behind
