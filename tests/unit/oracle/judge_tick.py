#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ticks in Python integers: judge_tick.py SEED COUNT prints
    r TICK RATIO    getSqrtRatioAtTick
    s RATIO TICK    getTickAtSqrtRatio, `-` outside
    p PRICE TICK    tick of a price in quanta
    q TICK PRICE    price of a tick
    d TICK DIGEST   of the ratios of all ticks from the lowest up to here, every 65536 ticks and at the last
TickMath's factors are derived here (2^128 / 1.0001^(2^i / 2), to the nearest), ticks are found by bisection, and prices' ticks
are checked once more with logarithms of 60 digits."""
import decimal
import functools
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


@functools.lru_cache(1 << 16)
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


@functools.lru_cache(1 << 16)
def tick_at_price(p):
    t = bisect(lambda t: ratio(t)**2 <= p << 192, -1, MAX)
    assert t == tick_at_ratio(isqrt(p << 192))
    exact = decimal.Decimal(p).ln() / LN
    assert -decimal.Decimal("1e-5") < exact - t < 1 + decimal.Decimal("1e-5"), (p, t)
    return t


def price(tick):
    return 0 if tick < 0 else min(ratio(tick)**2 >> 192, 2**63 - 1)


def digests():
    """FNV-1a over the 64-bit limbs, the lowest first. A ratio is built from the product of the factors of its lower ten
    bits, which recurs."""
    low, digest, mask = [1 << 128], 0xcbf29ce484222325, 2**64 - 1
    for t in range(1, 1024):
        top = t.bit_length() - 1
        low.append(low[t - (1 << top)] * FACTORS[top] >> 128)
    for tick in range(-MAX, MAX + 1):
        r, rest, i = low[abs(tick) & 1023], abs(tick) >> 10, 10
        while rest:
            if rest & 1:
                r = r * FACTORS[i] >> 128
            rest, i = rest >> 1, i + 1
        r = -(-((2**256 - 1) // r if tick > 0 else r) >> 32)
        while r:
            digest = (digest ^ r & mask) * 0x100000001b3 & mask
            r >>= 64
        if tick % 65536 == 0 or tick == MAX:
            yield tick, digest


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
    for tick, digest in digests() if count >= 1000 else ((MAX, 0),):
        print("d", tick, digest)


if __name__ == "__main__":
    main()
