# SPDX-License-Identifier: Apache-2.0
"""The market depth of docs/lab/scenarios.md in exact Python integers, written from that text: levels and a pool as one curve, how
long it remembers what was sold."""
from math import isqrt

ONE, LEAST, MOST = 10**9, 10**7, 2 * 10**9


def keep_of(half_life):
    """Largest ppb whose power, rounded down at each step, is at most a half."""
    def power(k):
        x = ONE
        for _ in range(half_life):
            x = x * k // ONE
        return x
    if half_life == 0:
        return 0
    k = int(ONE * 0.5**(1 / half_life))
    while power(k) <= ONE // 2:
        k += 1
    while power(k) > ONE // 2:
        k -= 1
    return k


class Depth:
    def __init__(self, levels, pool, half_life):
        self.levels, self.pool, self.keep = levels, pool, keep_of(half_life)  # levels: (ppm away, money)

    def endless(self):
        return not self.levels and not self.pool

    def pool_at(self, t, sold):
        if not self.pool or t == ONE:
            return 0
        root = isqrt(self.pool**2 * ONE // t)
        return root - self.pool if sold else max(0, self.pool - root - 1)

    def at(self, t, sold):
        """What bids down to (asks up to) t and the pool take."""
        if sold:
            book = sum(m for away, m in self.levels if ONE - away * 1000 >= t)
        else:
            book = sum(m for away, m in self.levels if ONE + away * 1000 <= t)
        return book + self.pool_at(t, sold)

    def room(self, sold):
        return 2**80 if self.endless() else self.at(LEAST if sold else MOST, sold)

    def price(self, net):
        sold, q = net > 0, abs(net)
        if q == 0 or self.endless() or self.at(ONE, sold) >= q:
            return ONE
        lo, hi = (LEAST, ONE) if sold else (ONE, MOST)
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if (self.at(mid, sold) >= q) == sold:
                lo = mid
            else:
                hi = mid
        return lo if sold else hi

    def value(self, net):
        sold, q = net > 0, abs(net)
        if self.endless() or q == 0:
            return net
        t = self.price(net)
        better = sum(m for away, m in self.levels if (ONE - away * 1000 > t if sold else ONE + away * 1000 < t))
        into = min(self.pool_at(t, sold), q - better)
        rest, money = q - into, 0
        for away, size in self.levels:
            part = min(rest, size)
            if sold:
                money += part * (ONE - away * 1000) // ONE
            else:
                money += -(-part * (ONE + away * 1000) // ONE)
            rest -= part
        if into:
            money += self.pool * into // (self.pool + into) if sold else self.pool * into // (self.pool - into) + 1
        return money if sold else -money
