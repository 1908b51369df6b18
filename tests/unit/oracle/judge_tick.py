#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ticks in Python integers: judge_tick.py SEED COUNT prints
    r TICK RATIO    getSqrtRatioAtTick
    s RATIO TICK    getTickAtSqrtRatio, `-` outside
    p PRICE TICK    tick of a price in quanta
    q TICK PRICE    price of a tick
TickMath's factors are derived here (2^128 / 1.0001^(2^i / 2), to the nearest), ticks are found by bisection, and prices' ticks
are checked once more with logarithms of 60 digits."""
import decimal
import random
import sys
from math import isqrt

MAX = 887272
decimal.getcontext().prec = 120


def factors():
    root = decimal.Decimal("1.0001").sqrt()
    for i in range(20):
        yield int((decimal.Decimal(2)**128 / root**(1 << i)).to_integral_value(decimal.ROUND_HALF_EVEN))


FACTORS = list(factors())
LN = decimal.Decimal("1.0001").ln()


def ratio(tick):
    r = 1 << 128
    for i, f in enumerate(FACTORS):
        if abs(tick) >> i & 1:
            r = r * f >> 128
    if tick > 0:
        r = (2**256 - 1) // r
    return -(-r >> 32)


def bisect(test, lo, hi):
    """The greatest t in lo..hi - 1 for which test(t)."""
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (mid, hi) if test(mid) else (lo, mid)
    return lo


def tick_at_ratio(s):
    if not ratio(-MAX) <= s < ratio(MAX):
        return "-"
    return bisect(lambda t: ratio(t) <= s, -MAX, MAX)


def tick_at_price(p):
    t = bisect(lambda t: ratio(t)**2 <= p << 192, -1, MAX)
    assert t == tick_at_ratio(isqrt(p << 192))
    exact = decimal.Decimal(p).ln() / LN
    assert -decimal.Decimal("1e-5") < exact - t < 1 + decimal.Decimal("1e-5"), (p, t)
    return t


def price(tick):
    return 0 if tick < 0 else min(ratio(tick)**2 >> 192, 2**63 - 1)


def main():
    rng = random.Random(int(sys.argv[1]))
    count = int(sys.argv[2])
    edges = [0, 1, -1, MAX, -MAX, MAX - 1, 1 - MAX, 436703, 436704, 436705] + [1 << i for i in range(20)]
    for t in edges + [-t for t in edges] + [rng.randint(-MAX, MAX) for _ in range(count)]:
        print("r", t, ratio(t))
        print("q", t, price(t))
    for _ in range(count):
        t = rng.randint(-MAX, MAX)
        for s in (ratio(t) - 1, ratio(t), ratio(t) + 1, rng.getrandbits(rng.randrange(1, 161))):
            print("s", s, tick_at_ratio(s))
    prices = [1, 2, 3, 2**63 - 1, 2**62, 10**18, 10001, 10000]
    for _ in range(count):
        prices.append(rng.randrange(1, 2**rng.randrange(1, 64)))
        t = rng.randrange(436704)
        edge = ratio(t)**2 + (1 << 192) - 1 >> 192  # the first price of tick t
        prices += [max(edge - 1, 1), edge]
    for p in prices:
        print("p", p, tick_at_price(p))


if __name__ == "__main__":
    main()
