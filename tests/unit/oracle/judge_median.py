#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Medians, judged: judge_median.py SEED COUNT prints lines
    m N (PRICE WEIGHT TIME CONF)*N MEDIAN WEIGHTED KNOWN PYTH CONF     one aggregation; Pyth's wants three that vote
    k NOW QUORUM N (PRICE WEIGHT TIME CONF)*N POKED PRICE SINCE        a step of Maker's median, from line to line
A weighted median is taken from the list in which every price stands as often as its weight."""
import random
import sys


def pyth(quotes, least):
    """(known, price, confidence): ranks counted from both ends of the votes."""
    votes = []
    for p, c in quotes:
        if c > 0 and -2**63 <= p - c and p + c < 2**63:
            votes += [p - c, p, p + c]
    if len(votes) < 3 * least:
        return 0, 0, 0
    votes.sort()
    n = len(votes)
    middle = (votes[(n - 1) // 2] + votes[n // 2]) // 2
    low, high = votes[n // 4], votes[-1 - n // 4]
    return 1, middle, min(max(middle - low, high - middle), 2**63 - 1)


def line(kind, head, quotes, *result):
    print(kind, *head, len(quotes), *(x for q in quotes for x in q), *result)


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        top = 10**rng.randrange(1, 19)
        quotes = [(rng.randint(1, top), rng.choice((1, 1, 2, 3, rng.randint(1, 50))), rng.randrange(10**6),
                   rng.choice((0, 1, rng.randint(1, top), rng.randint(1, top), 2**63 - 1, -1)))
                  for _ in range(rng.randint(1, 16))]
        prices = sorted(q[0] for q in quotes)
        expanded = sorted(q[0] for q in quotes for _ in range(q[1]))
        line("m", [], quotes, prices[len(prices) // 2], expanded[len(expanded) // 2],
             *pyth([(q[0], q[3]) for q in quotes], 3))
    now, stored, age, since = 0, 0, 0, 0
    for _ in range(int(sys.argv[2])):
        now += rng.randint(0, 5)
        quorum = rng.choice((1, 3, 5, 7))
        quotes = [(rng.randint(1, 1000), 1, max(0, now - rng.randint(0, 6)), 0) for _ in range(rng.randint(0, 16))]
        fresh = [i for i in range(len(quotes)) if quotes[i][2] > age]
        fresh.sort(key=lambda i: (-quotes[i][2], i))
        poked = len(fresh) >= quorum
        if poked:
            stored = sorted(quotes[i][0] for i in fresh[:quorum])[quorum // 2]
            since = min(quotes[i][2] for i in fresh[:quorum])
            age = now
        line("k", [now, quorum], quotes, int(poked), stored, since)


if __name__ == "__main__":
    main()
