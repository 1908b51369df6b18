#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Medians, judged: judge_median.py SEED COUNT prints lines
    m N (PRICE WEIGHT TIME)*N MEDIAN WEIGHTED              one aggregation
    k NOW QUORUM N (PRICE WEIGHT TIME)*N POKED PRICE       a step of Maker's median, which goes on from line to line
A weighted median is taken from the list in which every price stands as often as its weight."""
import random
import sys


def line(kind, head, quotes, *result):
    print(kind, *head, len(quotes), *(x for q in quotes for x in q), *result)


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        top = 10**rng.randrange(1, 19)
        quotes = [(rng.randint(1, top), rng.choice((1, 1, 2, 3, rng.randint(1, 50))), rng.randrange(10**6))
                  for _ in range(rng.randint(1, 16))]
        prices = sorted(p for p, _, _ in quotes)
        expanded = sorted(p for p, w, _ in quotes for _ in range(w))
        line("m", [], quotes, prices[len(prices) // 2], expanded[len(expanded) // 2])
    now, stored, age = 0, 0, 0
    for _ in range(int(sys.argv[2])):
        now += rng.randint(0, 5)
        quorum = rng.choice((1, 3, 5, 7))
        quotes = [(rng.randint(1, 1000), 1, max(0, now - rng.randint(0, 6))) for _ in range(rng.randint(0, 16))]
        fresh = [i for i in range(len(quotes)) if quotes[i][2] > age]
        fresh.sort(key=lambda i: (-quotes[i][2], i))
        poked = len(fresh) >= quorum
        if poked:
            stored = sorted(quotes[i][0] for i in fresh[:quorum])[quorum // 2]
            age = now
        line("k", [now, quorum], quotes, int(poked), stored)


if __name__ == "__main__":
    main()
