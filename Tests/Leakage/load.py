"""What the simulated machine draws: a sender's symbols, then a victim that works with a secret, under noise as it was published.

The figures are those of the samples that the authors of PLATYPUS (Lipp, Kogler, Oswald, Schwarz, Easdon, Canella, Gruss: "PLATYPUS:
Software-based Power Side-Channel Attacks on x86", IEEE Symposium on Security and Privacy 2021) publish with their code, in "ex7 - Constant
Time/samples/good_1.csv" of https://github.com/0xhilbert/Platypus: the energy of an instruction whose 64-bit operand is 0 or -1, summed over
20,000 measurements of 40 mJ each. The sums of the two operands differ by 0.85 % (good_2.csv: 0.89 %). Sums of the same operand have a
standard deviation of 0.046 %, so a single measurement has 6.5 %.
"""

import array
import math
import random
import sys

IDLE_WATTS = 15.0
BITS = 64
# What 64 bits change.
SIGNAL = 0.0085
MEASUREMENT_JOULES = 0.040
MEASUREMENT_NOISE = 0.065
WATTS_OF_A_BIT = IDLE_WATTS * SIGNAL / BITS
# White noise: the variance of an energy grows with the time over which it is taken.
NOISE_WATTS = MEASUREMENT_NOISE * MEASUREMENT_JOULES * math.sqrt(IDLE_WATTS * 0.001 / MEASUREMENT_JOULES) / 0.001

# A sender's: 256 levels, so that no receiver's resolution is the sender's.
LEVELS = 256
LOWEST_WATTS, HIGHEST_WATTS = 10.0, 60.0
GUARD_WATTS = (LOWEST_WATTS + HIGHEST_WATTS) / 2
# At both ends of a symbol that is as long as a window: windows begin and end a few milliseconds late.
GUARD_MS = 10
# The S-box of PRESENT (ISO/IEC 29192-2): the victim has 16 of them side by side, as this cipher's round, with the same secret in each.
SBOX = (0xC, 0x5, 0x6, 0xB, 0x9, 0x0, 0xA, 0xD, 0x3, 0xE, 0xF, 0x8, 0x4, 0x7, 0x1, 0x2)
HYPOTHESES = range(16)
WINDOWS_OF_A_SLOT = 4


def weight(plaintext, secret):
    """The Hamming weight of the victim's 64 bits."""
    return BITS // 4 * bin(SBOX[plaintext ^ secret]).count("1")


class Symbols:
    """A part of the load in which a sender sends symbols of one length."""

    def __init__(self, start_ms, length_ms, levels):
        self.start_ms, self.length_ms, self.levels = start_ms, length_ms, levels
        self.guard_ms = GUARD_MS if length_ms >= 100 else 0

    @staticmethod
    def watts(level):
        return LOWEST_WATTS + (HIGHEST_WATTS - LOWEST_WATTS) * level / (LEVELS - 1)

    def begin_ms(self, index):
        """To a whole millisecond: the length need not be one."""
        return self.start_ms + round(index * self.length_ms)

    @property
    def seconds(self):
        return self.begin_ms(0) / 1000, self.begin_ms(len(self.levels)) / 1000


class Victim:
    """A part of the load in which a victim works, with one known plaintext in each slot."""

    def __init__(self, start_ms, length_ms, plaintexts):
        self.start_ms, self.length_ms, self.plaintexts = start_ms, length_ms, plaintexts

    def begin_ms(self, index):
        return self.start_ms + round(index * self.length_ms)


class Load:
    """The whole load, the same for the same seed."""

    LEAD_MS = 2000

    def __init__(self, seed, symbols, slots, period=250.0, visited=0, delay_ms=0):
        """symbols: the length in milliseconds and the number of each part's symbols; slots: for how many the victim works, in two parts;
        period: how long the windows are of the client that wakes a service up each time; visited: which part's symbols are for it. That part
        and the victim's second one begin delay_ms later than on a whole second, because that service has a grid of its own."""
        chance = random.Random(seed)
        mean = array.array("f", [IDLE_WATTS] * self.LEAD_MS)

        def pad(watts, delay):
            mean.extend([watts] * (-len(mean) % 1000 + delay))

        self.parts, self.victims, self.visits = [], [], []
        for length, count in symbols:
            is_visited = len(self.parts) == visited
            # On a point of the grid.
            pad(GUARD_WATTS, 1000 + delay_ms if is_visited else 0)
            if is_visited:
                self.visits.append(len(mean) / 1000)
            part = Symbols(len(mean), length, [chance.randrange(LEVELS) for _ in range(count)])
            guard = [GUARD_WATTS] * part.guard_ms
            for index, level in enumerate(part.levels):
                core = part.begin_ms(index + 1) - part.begin_ms(index) - 2 * part.guard_ms
                mean.extend(guard + [part.watts(level)] * core + guard)
            self.parts.append(part)
        pad(GUARD_WATTS, 0)
        self.symbols_end = len(mean) / 1000
        self.fast_end = max((part.seconds[1] for part in self.parts if not part.guard_ms), default=0)
        self.secret = chance.randrange(16)
        for length, delay in ((1000.0, 1000), (WINDOWS_OF_A_SLOT * period, 2000 + delay_ms)):
            # No window of the victim's has something of what was before it.
            pad(IDLE_WATTS, delay)
            if self.victims:
                self.visits.append(len(mean) / 1000)
            victim = Victim(len(mean), length, [chance.randrange(16) for _ in range(slots)])
            for index, plaintext in enumerate(victim.plaintexts):
                watts = IDLE_WATTS + WATTS_OF_A_BIT * (weight(plaintext, self.secret) - BITS / 2)
                mean.extend([watts] * (victim.begin_ms(index + 1) - victim.begin_ms(index)))
            self.victims.append(victim)
        self.watts = array.array("f", (max(chance.gauss(watts, NOISE_WATTS), 0) for watts in mean))
        self.seconds = len(mean) / 1000
        # What the machine draws before and behind it.
        self.watts.append(IDLE_WATTS)

    @staticmethod
    def idle(path):
        """What the machine draws before it."""
        write([IDLE_WATTS], path)

    def write(self, path):
        write(self.watts, path)


def write(watts, path):
    """As the device reads it."""
    data = array.array("f", watts)
    if sys.byteorder != "little":
        data.byteswap()
    with open(path, "wb") as file:
        data.tofile(file)
