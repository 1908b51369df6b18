# SPDX-License-Identifier: Apache-2.0
"""Independent judge of exec/exit/route.h: venues in exact integers (Uniswap V2's getAmountOut; levels of a book with lots,
ticks and a taker's fee), every split of a small sale, and the convex optimum of a large one by bisection on the price."""
from fractions import Fraction as F
from math import isqrt

MOST = 2**112 - 1


def ceil_div(a, b):
    return -(-a // b)


class Pool:
    book = False

    def __init__(self, i, o, keep=997, of=1000):
        self.i, self.o, self.keep, self.of = i, o, keep, of

    def text(self):
        return f"p {self.i} {self.o} {self.keep} {self.of}"

    def out(self, x):
        x = min(x, MOST - self.i) * self.keep
        return x * self.o // (self.i * self.of + x)

    def real(self, x):
        x = x * self.keep
        return F(x * self.o) / (self.i * self.of + x)

    def slope(self, x):
        """Price of the next unit."""
        return F(self.keep * self.o * self.of * self.i) / (self.of * self.i + self.keep * x) ** 2

    def demand(self, rate):
        """r* = (sqrt(gamma k X Y) - X) / gamma for k = 1 / rate, floored."""
        s = isqrt(int(F(self.keep * self.of * self.i * self.o) / rate))
        return max(0, (s - self.of * self.i) // self.keep)


class Book:
    book = True

    def __init__(self, lot, unit, decimals, fee, levels):
        self.lot, self.head, self.levels = lot, f"{lot} {unit} {decimals} {fee}", levels
        self.unit, self.fee = F(unit, 10**decimals), fee
        self.steps, end, total = [], 0, F(0)  # units sold up to a level's end, proceeds of them, the level's price
        for ticks, size in levels:
            end += size * lot
            total += size * lot * self.net(ticks)
            self.steps.append((end, total, self.net(ticks)))

    def text(self):
        return f"b {self.head} {len(self.levels)} " + " ".join(f"{t} {n}" for t, n in self.levels)

    def out(self, q):
        lots, got = q // self.lot, 0
        for ticks, size in self.levels:
            n = min(size, lots)
            gross = int(n * ticks * self.unit)
            got += gross - ceil_div(gross * self.fee, 10**6)
            lots -= n
        return got

    def net(self, ticks):
        return ticks * self.unit * (10**6 - self.fee) / 10**6 / self.lot

    def real(self, x):
        at = got = F(0)
        for end, total, net in self.steps:
            if x < end:
                return got + (x - at) * net
            at, got = end, total
        return got

    def demand(self, rate):
        return sum(n for t, n in self.levels if self.net(t) >= rate) * self.lot

    def slope(self, x):
        return next((net for end, _, net in self.steps if x < end), F(0))


class Path:
    def __init__(self, hops):
        self.hops = hops

    def text(self):
        return f"path {len(self.hops)} " + " ".join(h.text() for h in self.hops)

    def out(self, x):
        for h in self.hops:
            x = h.out(x)
        return x

    def real(self, x):
        for h in self.hops:
            x = h.real(x)
        return x

    def slope(self, x):
        price = F(1)
        for h in self.hops:
            price *= h.slope(x)
            x = h.real(x)
        return price

    def demand(self, rate, lo, hi):
        """How much is sold while the next unit brings at least the rate: whole units, known to be lo..hi."""
        if len(self.hops) == 1:
            return max(lo, min(self.hops[0].demand(rate), hi))
        while lo < hi:
            mid = (lo + hi + 1) // 2
            if self.slope(F(mid - 1)) >= rate:
                lo = mid
            else:
                hi = mid - 1
        return lo

    def with_book(self):
        return any(h.book for h in self.hops)


def brute(paths, q):
    """The best of all splits of 0..q, whole units."""
    best = [paths[0].out(x) for x in range(q + 1)]
    for p in paths[1:]:
        one = [p.out(x) for x in range(q + 1)]
        best = [max(best[a] + one[x - a] for a in range(x + 1)) for x in range(q + 1)]
    for x in range(1, q + 1):
        best[x] = max(best[x], best[x - 1])
    return best


def cut(x, bits=90):
    """Near x with few digits, so that fractions stay small."""
    shift = max(0, max(x.numerator.bit_length(), x.denominator.bit_length()) - bits)
    scale = 2 ** (bits + max(0, x.denominator.bit_length() - x.numerator.bit_length()))
    return F(int(x * scale), scale) if shift else x


def convex(paths, q):
    """Value of a real split and a bound that no split exceeds: (value, bound). Weak duality: for any price l,
    sum max(F_i(x) - l x) + l q is a bound."""
    lo, hi = F(0), max(p.slope(F(0)) for p in paths) * 2 + F(1, 2**60)
    less, more = [0] * len(paths), [p.demand(F(1, 2**400), 0, q) for p in paths]
    if sum(more) <= q:
        value = sum(p.real(F(x)) for p, x in zip(paths, more))
        return value, value
    lo = F(1, 2**400)
    for step in range(400):
        mid = cut(F(isqrt(int(lo * hi * 2**1000)), 2**500)) if hi > 2 * lo else cut((lo + hi) / 2)
        if mid <= lo or mid >= hi or hi - lo < lo / 2**55:
            break
        x = [p.demand(mid, a, b) for p, a, b in zip(paths, less, more)]
        if sum(x) >= q:
            lo, more = mid, x
        else:
            hi, less = mid, x
    span = sum(more) - sum(less)
    share = [F(a) + (F((b - a) * (q - sum(less)), span) if span else 0) for a, b in zip(less, more)]
    value = sum(p.real(x) for p, x in zip(paths, share))
    bound = lo * q
    for p, x in zip(paths, more):  # the top lies in the last unit before x, where the price passes lo
        x = F(max(x - 1, 0))
        bound += p.real(x) - lo * x + max(0, p.slope(x) - lo)
    return value, bound
