#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guards, judged with fractions: judge_guard.py SEED COUNT prints
    g A B PPM RATIO OFF JUMP APART VOLATILE UNCERTAIN CLAMPED MID
                                                           of price A against B, with confidence B; (A, B) as a book
                                                           with a spread of PPM
    c SNAPSHOT AT YEARLY NOW GROWTH CAP                    Aave's cap
    r                                                      a new stable price
    u NOW PRICE STABLE SUM_OF_DELAYS INDEX                 Mango's stable price after an update"""
import random
import sys
from fractions import Fraction as F
from math import floor

TOP = 2**63 - 1


def guards(a, b, ppm, ratio):
    share = F(ppm, 10**6)
    off = F(abs(a - b), b) > share
    jump = F(abs(a - b), max(a, b)) > share
    apart = F(abs(a - b), min(a, b)) > share
    volatile = max(a, b) // max(min(a, b), 1) > ratio
    room = floor(b * share)
    clamped = min(max(a, b - room, 1), b + room)
    mid = 0 if a > b or (ppm and apart) else (a + b) // 2
    uncertain = floor(F(10**6 * max(b, 1), a)) > ppm
    return int(off), int(jump), int(apart), int(volatile), int(uncertain), clamped, mid


class Stable:
    def __init__(self):
        self.price, self.last, self.delay = 0, 0, [0] * 24
        self.sum, self.time, self.index = 0, 0, 0

    @staticmethod
    def limited(target, prev, share):
        room = floor(prev * share)
        return min(max(target, prev - room, 1), prev + room, TOP)

    def update(self, now, price):
        if self.price == 0 and price > 0:
            self.price, self.last, self.delay = price, now, [price] * 24
            self.sum = self.time = 0
        dt = max(now - self.last, 0)
        if self.price == 0 or dt < 10:
            return
        limited = min(dt, 600)
        self.last = now
        self.time += dt
        self.sum += price * limited
        index = now // 3600 % 24
        if index != self.index:
            new = self.limited(self.sum // self.time, self.delay[self.index - 1], F(6, 100))
            if dt > 24 * 3600:
                self.delay = [new] * 24
            else:
                i = self.index
                while i != index:
                    self.delay[i] = new
                    i = (i + 1) % 24
            self.sum = self.time = 0
            self.index = index
        d = self.delay[index]
        fraction = F(min(d, self.price), max(d, self.price))
        self.price = self.limited(price, self.price, F(3, 10000) * fraction * fraction * limited)


def number(rng):
    return rng.choice((1, TOP, rng.randint(1, TOP), rng.randint(1, 2**rng.randint(1, 63) - 1), rng.randint(1, 1000)))


def main():
    rng = random.Random(int(sys.argv[1]))
    count = int(sys.argv[2])
    for _ in range(count):
        a, ppm = number(rng), rng.choice((0, 1, 100, 50000, 500000, 10**6, rng.randrange(2**32)))
        b = number(rng)
        if rng.random() < 0.6:  # close to an edge
            b = min(max(a + floor(F(a * rng.choice((-1, 1)) * ppm, 10**6)) + rng.randint(-2, 2), 1), TOP)
        ratio = rng.choice((1, 5, rng.randrange(2**32)))
        print("g", a, b, ppm, ratio, *guards(a, b, ppm, ratio))
    for _ in range(count // 4):
        snapshot, at, yearly = number(rng), rng.randrange(2 * 10**9), rng.choice((0, 968, 10**6, rng.randrange(10**5)))
        now = at + rng.choice((-1, 0, 1, 10**6, 10**9))
        growth = snapshot * yearly // 10000 // (365 * 86400)
        print("c", snapshot, at, yearly, max(now, 0), growth,
              0 if max(now, 0) < at else min(snapshot + growth * (max(now, 0) - at), TOP))
    for _ in range(6):
        s, now, price = Stable(), rng.choice((0, 1700000000)), rng.randint(1, 2**rng.randint(2, 62))
        print("r")
        for _ in range(count // 40):
            now += rng.choice((1, 10, 10, 60, 300, 1000, 4000, rng.choice((10, 10, 10, 100000, 20000))))
            price = min(max(floor(price * F(rng.randint(80, 126), 100)), rng.choice((0, 1, 1))), TOP)
            s.update(now, price)
            print("u", now, price, s.price, sum(s.delay), s.index)


if __name__ == "__main__":
    main()
