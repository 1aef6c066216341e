"""A covert channel: what a receiver decodes of a sender's symbols, in bits a second."""

import algebra
from load import HIGHEST_WATTS, LEVELS, LOWEST_WATTS

BITS = LEVELS.bit_length() - 1


def decoded(watts):
    level = round((watts - LOWEST_WATTS) / (HIGHEST_WATTS - LOWEST_WATTS) * (LEVELS - 1))
    return min(max(level, 0), LEVELS - 1)


def gray(level):
    return level ^ level >> 1


def bits_of(errors):
    """What symbols carry, in bits, of whose bits so many were wrong: each bit is a binary symmetric channel."""
    if not errors:
        return 0.0
    rates = [sum(error >> bit & 1 for error in errors) / len(errors) for bit in range(BITS)]
    return sum(1 - algebra.entropy(min(rate, 0.5)) for rate in rates)


def errors(part, estimates):
    """The wrong bits of each symbol: estimates are combined so that they fit the symbols best, by weights from other symbols. None for a
    symbol that was missed."""
    seen = [index for index, row in enumerate(estimates) if row]
    wrong = [None] * len(estimates)
    if len(seen) < 20:
        return wrong
    rows = [estimates[index] for index in seen]
    targets = [part.watts(part.levels[index]) for index in seen]
    for index, watts in zip(seen, algebra.cross_predicted(rows, targets)):
        wrong[index] = gray(decoded(watts)) ^ gray(part.levels[index])
    return wrong


def rate(part, wrong):
    """Bits a second: the symbols' rate less what is lost to misses and errors."""
    known = [error for error in wrong if error is not None]
    first, last = part.seconds
    return bits_of(known) * len(known) / (last - first)
