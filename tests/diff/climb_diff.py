#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host/risk (docs/lab/dynamic.md), what follows beside a reserve's volatility: maintenance rates by a factor inside bounds and
by ramps, tiers that stay ascending, dYdX's open interest, Drift's root of the size, Mango's scaled weight and Aloe's implied
volatility as targets, and the estimators behind one interface, against exact integers and fractions.

  climb_diff.py             TAP on stdout (about 5 s)
  climb_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: CASES (default 1500), and that of talk_kit.py. Run from the project root.
"""
import random
from decimal import Decimal as D
from fractions import Fraction as F
from math import ceil, floor, isqrt

import vol_diff
from climb_mutants import MUTANTS
from talk_kit import SEED, Checks, Driver, main
from vol_diff import FOLDER, SOURCES, cap, clamp, near, some

ONE, MOST = 10000, 1000000
WANTED = ["rule: refused", "factor: low", "factor: high", "factor: between", "open interest: below", "open interest: above", "open interest: between",
          "step: content", "step: up", "step: down", "step: too early", "step: arrives", "step: time goes back", "tiers: one", "tiers: by the root", "tiers: all alike",
          "fit: another factor makes the same", "fit: none", "scaled: below", "scaled: above", "scaled: low bound", "implied: low bound", "implied: between",
          "implied: 0", "estimate: ewma", "estimate: realised", "estimate: bars", "estimate: a bar of one price", "estimate: the window is full", "estimate: of no use",
          "toward: falls", "toward: rises"]


def some_rule(r):
    lo, base, hi = sorted(r.choice([ONE, r.randint(ONE, 50000), r.randint(ONE, MOST)]) for _ in range(3))
    return [base, lo, hi, r.choice([0, 500000, some(r, 24)]), r.choice([0, 1000, 30000, some(r, 20), 2**31 - 1]), r.choice([0, 1, 10, 100]), r.choice([1, 100, 1000, 50000, some(r, 30)])]


def give(d, rule, at=ONE, now=0):
    d.ints("rule " + " ".join(map(str, rule)))
    return d.ints(f"climb {at} {now}")[0]


def check_rules(d, check):
    good = [12000, 10000, 30000, 500000, 2000, 10, 1000]
    check("a rule in its range is taken", give(d, good) == 1)
    for i, bad in [(0, 9999), (0, 30001), (1, 9999), (1, 12001), (2, 1000001), (2, 11999), (3, 2**32), (4, 2**31), (5, 10001), (6, 0)]:
        rule = good[:i] + [bad] + good[i + 1:]
        check("a rule out of its range is refused", give(d, rule) == 0, rule)
        check.hit("rule: refused")
    give(d, good)
    for sigma, want in ((500000, 12000), (500001, 12001), (1000000, 13000), (1000001, 13001), (0, 11000), (2**64 - 1, 30000)):
        check("factors made by hand", d.ints(f"factor {sigma}") == [want], sigma)
    for value, want in ((0, 12000), (100, 12000), (101, 12180), (150, 21000), (199, 29820), (200, 30000), (2**96 - 1, 30000)):
        check("dYdX's form made by hand", d.ints(f"interest {value} 100 200") == [want], value)


def check_targets(d, check, r, cases):
    for _ in range(cases):
        rule = some_rule(r)
        base, lo, hi, s0, k = rule[:5]
        check("a rule in its range is taken", give(d, rule) == 1, rule)
        sigmas = sorted(r.choice([0, some(r, 24), some(r, 40), 2**64 - 1]) for _ in range(4))
        have = [d.ints(f"factor {s}")[0] for s in sigmas]

        def target(s):
            x = F(k * (s - s0), 10**6)
            return clamp(base + (ceil(x) if x > 0 else -floor(-x)), lo, hi)
        check("factors are the formula's", have == [target(s) for s in sigmas], rule, sigmas, have)
        check("a factor never falls with the deviation", have == sorted(have), rule, sigmas)
        for f in have:
            check.hit("factor: low" if f == lo else "factor: high" if f == hi else "factor: between")
        a, b = sorted([some(r, 90), some(r, 90)])
        b += a == b
        v = r.choice([a, b, a + 1, b - 1, r.randint(0, a), r.randint(a, b), b + some(r, 90)])
        want = base if v <= a else hi if v >= b else base + floor(F((hi - base) * (v - a), b - a))
        check("dYdX's form is exact", d.ints(f"interest {v} {a} {b}") == [want], rule, v, a, b)
        check.hit("open interest: " + ("below" if v <= a else "above" if v >= b else "between"))


def check_steps(d, check, r, cases):
    for _ in range(cases // 3):
        rule = some_rule(r)
        lo, hi, dead, rate = rule[1], rule[2], rule[5], rule[6]
        at, now = r.randint(lo, hi), some(r, 33)
        give(d, rule, at, now)
        since, seen, goal = now, [(now, at)], r.randint(lo, hi)
        for _ in range(14):
            goal = r.choice([goal, goal, r.randint(lo, hi), clamp(at + r.randint(-dead - 2, dead + 2), lo, hi)])
            early = r.random() < 0.3 and now == since and now > 5
            now += 0 if early else r.choice([0, 1, 1, 5, 60, some(r, 14)])
            check.hit("step: time goes back", early)
            t, want = max(now, since), 0
            if abs(goal - at) <= dead:
                since = t
                check.hit("step: content")
            else:
                by = min(abs(goal - at), rate * (t - since) // 1000)
                if by and (by == abs(goal - at) or by >= dead):
                    check.hit("step: up" if goal > at else "step: down")
                    check.hit("step: arrives", by == abs(goal - at))
                    at += by if goal > at else -by
                    since, want = t, 1
                else:
                    check.hit("step: too early")
            check("steps are the judge's", d.ints(f"climbto {goal} {now - 5 if early else now}") == [want, at], rule, goal, now, at)
            check("never outside its bounds", lo <= at <= hi, rule, at)
            for then, was in seen:
                check("never faster than its rate", abs(at - was) <= F(rate * (t - then), 1000) + dead + 1, rule, seen, t, at)
            seen.append((t, at))
            if check.failed():
                return


def made(rate, factor, share):
    return rate + ceil(F(rate * (factor - ONE) * share, ONE * 10**6))


def check_tiers(d, check, r, cases):
    for _ in range(cases):
        n = r.randint(1, 16)
        floors = [0] + sorted(r.sample(range(1, 10**9), n - 1))
        scale = r.choice([1, 10**9, 10**22])
        floors = [f * scale for f in floors]
        rates = sorted(r.sample(range(1, r.choice([40, 5000, 500000])), n))
        rooted = int(n > 1 and r.random() < 0.5)
        most = min(MOST, 999999 * ONE // rates[-1])
        lo, hi = ONE, r.randint(ONE, max(ONE, most))
        factor = r.choice([lo, hi, r.randint(lo, hi)])
        shares = [isqrt(10**12 * f // floors[-1]) if rooted else 10**6 for f in floors]
        want = [made(x, factor, s) for x, s in zip(rates, shares)]
        have = d.ints(f"tiers {rooted} {factor} {lo} {hi} {n} " + " ".join(f"{a} {b}" for a, b in zip(floors, rates)))
        check("rates are the formula's", have[:n] == want, rates, factor, floors, have, want)
        check("tiers stay ascending and below all of the notional", have[:n] == sorted(set(have[:n])) and have[n - 1] < 10**6, rates, factor, have)
        check("rates are never below the configured ones", all(a >= b for a, b in zip(have, rates)), rates, have)
        again = [made(x, have[n + 1], s) for x, s in zip(rates, shares)]
        check("a factor is recognised by its rates", have[n] == 1 and again == want and have[n + 1] <= factor, rates, factor, have)
        less = have[n + 1] - 1
        check("it is the least", less < lo or [made(x, less, s) for x, s in zip(rates, shares)] != want, rates, factor, have)
        check.hit("fit: another factor makes the same", have[n + 1] != factor)
        other = [want[0] + 1] + want[1:]
        if have[n + 2]:
            check("what no factor makes is not recognised", [made(x, have[n + 3], s) for x, s in zip(rates, shares)] == other, rates, factor, have)
        else:
            check.hit("fit: none")
            if hi - lo < 3000 and n == 1:
                check("what a factor makes is recognised", all(made(rates[0], f, 10**6) != other[0] for f in range(lo, hi + 1)), rates, factor)
        check.hit("tiers: one" if n == 1 else "tiers: by the root" if rooted else "tiers: all alike")


def check_reserves(d, check, r, cases):
    for _ in range(cases):
        lo, base, hi = sorted(r.randint(1, 10000) for _ in range(3))
        d.ints(f"rule {base} {lo} {hi} 0 1 0 1")
        quote = some(r, 50)
        dep = r.choice([0, quote, quote + 1, 2 * quote, some(r, 96)])
        iv, n = r.choice([0, 127921282726, some(r, 40), some(r, 63)]), r.choice([1, 50, 80, 1000])
        scaled, implied = d.ints(f"reserve {dep} {quote} {iv} {n}")
        want = base if dep <= quote else clamp(floor(F(base * quote, dep)), lo, hi)
        check("Mango's form is exact", scaled == want, lo, base, hi, dep, quote)
        check.hit("scaled: below" if dep <= quote else "scaled: low bound" if scaled == lo else "scaled: above")
        x = D(iv) * n / 10**13
        true = base * (-x).exp() if x < 100 else D(0)
        fits = [clamp(int(true + D(e)), lo, hi) for e in ("-1e-9", "1e-9")]
        check("Aloe's probe is within a billionth, rounded down", implied in fits, lo, base, hi, iv, n, implied, true)
        check.hit("implied: 0" if iv == 0 else "implied: low bound" if implied == lo else "implied: between")


def check_toward(d, check, r, cases):
    """A target from elsewhere goes the way of one of a deviation: the judge of thresholds with another target."""
    for _ in range(cases // 10):
        rule = vol_diff.some_rule(r)
        d.ints("rule " + " ".join(map(str, rule)))
        lt, now = r.randint(rule[1], rule[2]), some(r, 33)
        m = vol_diff.Dynamic(rule, lt, now)
        d.ints(f"begin {lt} {now}")
        for _ in range(8):
            goal = r.randint(rule[1], rule[2])
            now += r.choice([0, 1, 60, some(r, 14)])
            m.target = lambda _: goal
            was = m.at(now)
            want = m.step(0, now, check)
            check.hit("toward: falls" if goal < was else "toward: rises", want)
            check("a target from elsewhere goes the same way", d.ints(f"stepto {goal} {now}") == [want, m.frm, m.to, m.t0, m.t1], rule, goal, now)


class Guess:
    """Written from docs/lab/dynamic.md over the driver's own return and bar variances, which vol_diff.py judges."""

    def __init__(self, d, kind, window, period, lam):
        self.d, self.kind, self.window, self.period, self.lam = d, kind, window, period, lam
        self.last = self.when = None
        self.var, self.n, self.past, self.bars, self.bar, self.number = 0, 0, [], [], [], None

    def ret(self, price):
        return self.d.ints(f"ln {price}")[0] - self.d.ints(f"ln {self.last}")[0]

    def price(self, price, at, check):
        if not 0 < price < 2**63:
            check.hit("estimate: of no use")
            return 0
        if self.kind >= 2:
            return self.of_bars(price, at, check)
        if self.last and at <= self.when:
            return 0
        was, self_at = self.last, self.when
        x = self.ret(price) if was else 0
        self.last, self.when = price, at
        if not was:
            return 0
        dt, self.n = at - self_at, self.n + 1
        if self.kind == 0:
            self.var = self.d.ints(f"ewmadt {self.var} {x} {dt} {self.lam} {self.period}")[0] if self.n > 1 else cap(x * x * self.period // dt >> 32)
            if dt == self.period and self.n > 1:
                check("a whole period is exact", True)
            check.hit("estimate: ewma")
        else:
            self.past.append((x, dt))
            while len(self.past) > 1 and (len(self.past) > 256 or sum(t for _, t in self.past) > self.window * self.period):
                self.past.pop(0)
                check.hit("estimate: the window is full")
            self.var = cap(sum(x * x for x, _ in self.past) * self.period // sum(t for _, t in self.past) >> 32)
            check.hit("estimate: realised")
        return 1

    def of_bars(self, price, at, check):
        number, taken = at // self.period, 0
        if self.bar and number < self.number:
            return 0
        if self.bar and number > self.number:
            if len(self.bar) > 1:
                b = self.d.ints(f"bar {self.bar[0]} {max(self.bar)} {min(self.bar)} {self.bar[-1]}")
                self.bars.append(b[self.kind])  # good, close, Parkinson, ...: from 2 on
                self.n, taken = self.n + 1, 1
                check.hit("estimate: bars")
                check.hit("estimate: the window is full", len(self.bars) > self.window)
                kept = self.bars[-self.window:]
                self.var = sum(kept) // len(kept)
            else:
                check.hit("estimate: a bar of one price")
            self.bar = []
        self.number = number
        self.bar.append(price)
        return taken


def check_estimates(d, check, r, cases):
    for _ in range(cases // 8):
        kind, window, period, lam = r.randint(0, 4), r.choice([1, 2, 5, 256]), r.choice([1000, 5000, 60000]), r.choice([940000, r.randint(1, 999999)])
        d.ints(f"guess {kind} {window} {period} {lam}")
        g, price, at = Guess(d, kind, window, period, lam), some(r, 40), some(r, 41)
        for _ in range(r.choice([20, 30])):
            price, at = near(r, price), max(1, at + r.choice([0, period // 7, period // 3, period, some(r, 17), -period]))
            feed = r.choice([price] * 12 + [0, 2**63])
            want = [g.price(feed, at, check), g.var, g.n]
            check("the estimate is the judge's", d.ints(f"mark {feed} {at}") == want, kind, window, period, feed, at, want)
        if check.failed():
            return


def judge(exe, cases):
    check, d, r = Checks(), Driver(exe), random.Random(SEED)
    check_rules(d, check)
    check_targets(d, check, r, cases)
    check_steps(d, check, r, cases)
    check_tiers(d, check, r, cases)
    check_reserves(d, check, r, cases)
    check_toward(d, check, r, cases)
    check_estimates(d, check, r, cases)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 1500, SOURCES, FOLDER, MUTANTS, 400, WANTED)
