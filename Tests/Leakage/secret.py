"""A secret that stays the same: how many traces it takes until the right hypothesis correlates best, and stays the best (Brier, Clavier,
Olivier: "Correlation Power Analysis with a Leakage Model", CHES 2004)."""

import random

from load import HYPOTHESES, weight


class Slots:
    """What one way tells of each slot, as sums for each hypothesis, so that slots can be taken in any order."""

    def __init__(self, slots, plaintexts):
        self.sums = []
        for equations in slots:
            total = [0.0] * 3
            models = [[0.0] * 3 for _ in HYPOTHESES]
            for shares, watts, amount in equations:
                total[0] += amount
                total[1] += amount * watts
                total[2] += amount * watts * watts
                for secret, sums in zip(HYPOTHESES, models):
                    modelled = sum(share * weight(plaintexts[slot], secret) for slot, share in shares.items())
                    sums[0] += amount * modelled
                    sums[1] += amount * modelled * modelled
                    sums[2] += amount * modelled * watts
            self.sums.append((total, models))

    def traces(self, order, secret):
        """How many slots of this order disclose the secret; None if all of them do not."""
        total = [0.0] * 3
        models = [[0.0] * 3 for _ in HYPOTHESES]
        disclosed = None
        for count, slot in enumerate(order, 1):
            more, more_models = self.sums[slot]
            total = [a + b for a, b in zip(total, more)]
            models = [[a + b for a, b in zip(sums, others)] for sums, others in zip(models, more_models)]
            if self._best(total, models) != secret:
                disclosed = None
            elif disclosed is None:
                disclosed = count
        return disclosed

    def share(self, secret, slots=None):
        """How much of the power's variance the secret explains, in all slots or in these. The traces that it takes are inversely proportional
        to that, while it is small; it depends less on chance than their number."""
        sums = self.sums if slots is None else [self.sums[slot] for slot in slots]
        amount, watts, square = (sum(total[place] for total, _ in sums) for place in range(3))
        modelled, modelled_square, both = (sum(models[secret][place] for _, models in sums) for place in range(3))
        variances = (square - watts * watts / amount) * (modelled_square - modelled * modelled / amount) if amount else 0
        return max(both - modelled * watts / amount, 0) ** 2 / variances if variances > 0 else 0.0

    @staticmethod
    def _best(total, models):
        amount, watts, _ = total
        if not amount:
            return None
        best, best_secret = 0.0, None
        for secret, (modelled, square, both) in zip(HYPOTHESES, models):
            variance = square - modelled * modelled / amount
            if variance > 1e-9:
                # The watts' own variance is the same for all.
                match = (both - modelled * watts / amount) / variance**0.5
                if match > best:
                    best, best_secret = match, secret
        return best_secret


def orders(count, number, seed):
    """Orders in which the slots could as well have come: their noise is independent."""
    chance = random.Random(seed)
    result = []
    for _ in range(number):
        order = list(range(count))
        chance.shuffle(order)
        result.append(order)
    return result
