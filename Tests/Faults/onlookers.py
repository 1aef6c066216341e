"""The clients that behave and look on while something goes wrong."""

from asker import Asker
from harness import wait_for
from witness import Subscriber, Witness, lost

# Counters are updated every millisecond or so, of a window of a quarter of a second or more.
TOLERANCE_WATTS = 0.02


class Onlookers:
    """Two that read, so that what one misses shows in the other, one that subscribes, and one that asks."""

    def __init__(self, path):
        """They come, and have seen a few lines."""
        self.readers = [Witness(path), Witness(path)]
        self.subscriber = Subscriber(path)
        self.asker = Asker(path)
        for reader in self.readers:
            wait_for("the first lines", lambda: len(reader.lines) > 3)

    @property
    def all_lines(self):
        return [line for reader in self.readers for line in reader.lines]

    def statuses(self):
        """In their order, each time one followed another."""
        found = []
        for line in self.readers[0].lines:
            if not found or found[-1] != line.status:
                found.append(line.status)
        return found

    def wrong_watts(self, watts):
        """How many fresh readings were too high, and how many too low."""
        off = [line.watts / watts - 1 for line in self.readers[0].lines if line.is_fresh]
        return sum(each > TOLERANCE_WATTS for each in off), sum(each < -TOLERANCE_WATTS for each in off)

    def wrong_lines(self, backwards):
        """How many lines are wrong, each way in which they can be. The wall clock was set back so many times."""
        steps = [
            line.timestamp < before.timestamp
            for reader in self.readers for before, line in zip(reader.lines, reader.lines[1:])]
        return {
            "lost": lost(*self.readers) + self.subscriber.missed(),
            "out of order": abs(sum(steps) - backwards * len(self.readers)),
            "malformed": sum(line.is_malformed for line in self.all_lines),
            "cut": sum(client.ended for client in (*self.readers, self.subscriber)),
        }

    def close(self):
        for client in (*self.readers, self.subscriber, self.asker):
            client.close()
