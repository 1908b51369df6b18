#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors for price_from_double and price_from_decimal: price_vectors.py SEED COUNT prints `bits decimals result`
lines, price_vectors.py SEED COUNT decimal `mantissa exponent decimals result` lines, the result from exact rational
arithmetic, `-` where there is none."""
import decimal
import fractions
import math
import random
import struct
import sys

INT64_MAX = 2**63 - 1


def bits_of(v):
    return struct.unpack("<Q", struct.pack("<d", v))[0]


def double_of(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def exact(v, decimals):
    if math.isnan(v) or math.isinf(v) or v <= 0:
        return "-"
    n = round(fractions.Fraction(v) * 10**decimals)  # Python rounds a Fraction half to even, exactly
    # A second opinion from another module: 1200 digits hold every double times 10^18.
    with decimal.localcontext() as c:
        c.prec = 1200
        again = int((decimal.Decimal(v) * 10**decimals).quantize(0, rounding=decimal.ROUND_HALF_EVEN))
    assert n == again
    return str(n) if 0 < n <= INT64_MAX else "-"


def edge_cases():
    for bits in (0, 1 << 63, 1, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000,
                 0xFFF0000000000000, 0x7FF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF,
                 bits_of(-1.0), bits_of(-25448.57)):
        for decimals in range(20):
            yield bits, decimals
    for decimals in range(19):
        # Ties: odd multiples of a half that doubles hold exactly, even and odd neighbours; and next to them.
        for half in (0.5, 1.5, 2.5, 3.5, 1000000.5, 1000001.5, 2.0**51 + 0.5, 2.0**51 + 1.5):
            for scale in range(0, decimals + 1):
                v = half / 2.0**scale
                for b in (bits_of(v) - 1, bits_of(v), bits_of(v) + 1):
                    yield b, decimals
        # The end of the range and the smallest price.
        for top in (INT64_MAX, 2**63, 2**62):
            b = bits_of(float(top) / 10.0**decimals)
            for near in range(b - 3, b + 4):
                yield near, decimals
        b = bits_of(0.5 / 10.0**decimals)
        for near in range(b - 3, b + 4):
            yield near, decimals
    for k in range(-1074, 1024):
        yield bits_of(math.ldexp(1.0, k)), 0
        yield bits_of(math.ldexp(1.0, k)), 18


def random_cases(rng, count):
    for _ in range(count):
        kind = rng.randrange(4)
        if kind == 0:  # any bits
            yield rng.getrandbits(64), rng.randrange(19)
        elif kind == 1:  # prices as venues write them
            digits = rng.randrange(1, 13)
            yield bits_of(rng.randrange(1, 10**rng.randrange(1, 12)) / 10**digits), rng.randrange(19)
        elif kind == 2:  # ties: an odd integer over a power of two that 10^decimals leaves at one half
            decimals = rng.randrange(19)
            odd = 2 * rng.randrange(2**rng.randrange(1, 40)) + 1
            yield bits_of(math.ldexp(float(odd), -(decimals + 1))), decimals
        else:  # around 1e-10 to 1e9
            yield bits_of(10.0**rng.uniform(-10, 9)), rng.randrange(19)


def scaled(mantissa, exp10, decimals):
    if mantissa <= 0 or not -18 <= exp10 <= 18 or not 0 <= decimals <= 18:
        return "-"
    n = round(fractions.Fraction(mantissa) * fractions.Fraction(10)**(exp10 + decimals))
    return str(n) if 0 < n <= INT64_MAX else "-"


def decimal_cases(rng, count):
    for mantissa in (0, 1, -1, 4, 5, 6, 15, 25, 35, INT64_MAX, INT64_MAX - 1, -2**63):
        for exp10 in range(-19, 20):
            for decimals in range(20):
                yield mantissa, exp10, decimals
    for _ in range(count):
        exp10, decimals = rng.randrange(-18, 19), rng.randrange(19)
        kind = rng.randrange(3)
        if kind == 0:  # any size
            mantissa = rng.getrandbits(rng.randrange(1, 64))
        elif kind == 1:  # ties and their neighbours
            digits = rng.randrange(1, 18)
            mantissa = rng.randrange(1, 10**(18 - digits)) * 10**digits + 5 * 10**(digits - 1) + rng.randrange(-1, 2)
            exp10, decimals = -rng.randrange(digits, 19), 0
            decimals = -digits - exp10
        else:  # the end of the range
            mantissa = INT64_MAX // 10**max(0, min(18, exp10 + decimals)) + rng.randrange(-2, 3)
        yield min(mantissa, INT64_MAX), exp10, decimals


def main():
    rng = random.Random(int(sys.argv[1]))
    if len(sys.argv) > 3:
        for mantissa, exp10, decimals in decimal_cases(rng, int(sys.argv[2])):
            print("%d %d %d %s" % (mantissa, exp10, decimals, scaled(mantissa, exp10, decimals)))
        return
    for cases in (edge_cases(), random_cases(rng, int(sys.argv[2]))):
        for bits, decimals in cases:
            bits &= 2**64 - 1
            result = exact(double_of(bits), decimals) if decimals <= 18 else "-"
            print("%016x %d %s" % (bits, decimals, result))


if __name__ == "__main__":
    main()
