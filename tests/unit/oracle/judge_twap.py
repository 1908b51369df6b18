#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time-weighted means, judged: judge_twap.py SEED COUNT prints
    i SPACING CAPACITY          a new ring
    w NOW VALUE                 a write (NOW is the time modulo 2^32)
    s NOW AGO SUM               the integral up to AGO before NOW; `-`: too far back
    m NOW FROM TO MEAN          the mean; `-` likewise
The whole history is kept. Where the ring has stored every write, or the value did not change around the edge, the integral is
summed write by write; elsewhere it is the line between two stored points, in fractions."""
import random
import sys
from bisect import bisect_right
from fractions import Fraction
from math import floor


class Ring:
    def __init__(self, spacing, capacity):
        self.spacing, self.capacity = spacing, capacity
        self.writes = []  # (time, value), times ascending
        self.sums = []  # the integral up to each write's time
        self.points = []  # times stored

    def write(self, now, value):
        if self.writes and self.writes[-1][0] == now:
            self.writes[-1] = (now, value)
            return
        self.sums.append(self.exact(now) if self.writes else 0)
        self.writes.append((now, value))
        if not self.points or now - self.points[-1] >= self.spacing:
            self.points = (self.points + [now])[-self.capacity:]

    def exact(self, t):
        """The integral from the first write to t."""
        i = bisect_right(self.writes, t, key=lambda w: w[0]) - 1
        return self.sums[i] + self.writes[i][1] * (t - self.writes[i][0])

    def sum(self, t):
        if not self.points or t < self.points[0]:
            return None
        last = self.writes[-1][0]
        if t >= last or t in self.points:
            return self.exact(t)
        i = bisect_right(self.points, t)
        a = self.points[i - 1]
        b = self.points[i] if i < len(self.points) else last
        line = self.exact(a) + floor(Fraction((self.exact(b) - self.exact(a)) * (t - a), b - a))
        if self.spacing == 0:
            assert line == self.exact(t)
        return line

    def mean(self, now, start, end):
        a, b = self.sum(now - start), self.sum(now - end)
        return None if a is None or b is None or start <= end else floor(Fraction(b - a, start - end))


def text(v):
    return "-" if v is None else v


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        ring = Ring(rng.choice((0, 0, 1, 7, 50)), rng.choice((1, 2, 3, 5, 16, 128)))
        now = rng.choice((5, 0, 2**32 - 5, 2**32 - 200, rng.randrange(2**32)))
        size = rng.choice((10, 10**6, 2**62))
        print("i", ring.spacing, ring.capacity)
        for _ in range(rng.randint(0, 60)):
            now += rng.choice((0, 1, 1, 3, rng.randrange(40), rng.randrange(2000)))
            value = rng.randint(-size, size)
            ring.write(now, value)
            print("w", now % 2**32, value)
            ask = now + rng.choice((0, 0, 1, 20))
            for _ in range(2):
                start, end = rng.randrange(400), rng.randrange(400)
                print("s", ask % 2**32, start, text(ring.sum(ask - start)))
                print("m", ask % 2**32, start, end, text(ring.mean(ask, start, end)))


if __name__ == "__main__":
    main()
