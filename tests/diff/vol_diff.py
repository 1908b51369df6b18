#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host/risk (docs/lab/dynamic.md): volatility estimators, thresholds that follow them, Aloe's implied volatility, against
exact integers, fractions and logarithms of 60 digits written from the sources, and against published vectors.

  vol_diff.py             TAP on stdout (about 8 s)
  vol_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 2 min)

Environment: CASES (default 1500), and that of talk_kit.py. Run from the project root.
"""
import random
from decimal import ROUND_HALF_EVEN, Decimal as D, getcontext
from fractions import Fraction as F
from math import ceil, floor, isqrt

from talk_kit import SEED, Checks, Driver, main
from vol_mutants import MUTANTS

FOLDER = "host/risk/"
SOURCES = [FOLDER + f for f in ("vol.c", "dynamic.c", "scaled.c", "climb.c", "estimate.c")]
SOURCES += ["tests/diff/vol_driver.c", "host/base/wide.c", "host/base/u256.c", "host/base/checked.c"]
getcontext().prec = 60
LN, VAR, VAR_MAX = 2**48, 2**64, 2**96
LN2 = D(2).ln()


def some(r, bits):
    """Log-uniform, so that small numbers and their roundings are common."""
    return r.getrandbits(r.randint(1, bits)) + 1


def near(r, p):
    """A price that may follow p."""
    return min(2**63 - 1, max(1, p + r.choice([0, 1, -1, 2]) * (p // r.choice([10, 1000, 10**5, 10**7]) + 1)))


def cap(v):
    return min(v, VAR_MAX)


# ---- logarithms

def check_logs(d, check, r, cases):
    edge = [1, 2, 3, 2**63 - 1, 2**62, 2**62 - 1, 2**62 + 1, 10**18]
    values = edge + [some(r, 62) for _ in range(cases)]
    have = {}
    for x in values:
        have[x] = d.ints(f"ln {x}")[0]
        gap = D(x).ln() * LN - have[x]
        check("ln: below the true one by less than 1.01 units, never above", 0 <= gap < D("1.01"), x, have[x], gap)
        check.hit("ln within a unit" if gap < 1 else "ln beyond a unit")
    order = sorted(have)
    check("ln ascends", all(have[a] <= have[b] for a, b in zip(order, order[1:])))
    for x in [0, 1, 2**48, 3 * 2**48, 44 * 2**48, 45 * 2**48, 2**63] + [some(r, 55) for _ in range(cases)]:
        e = d.ints(f"exp {x}")[0]
        true = (-D(x) / LN).exp() * 2**64
        check("exp: within 32 units, at most 1", abs(D(e) - true) <= 32 and e <= 2**64, x, e, true)
        check.hit("exp is 0" if e == 0 else "exp")
    check("exp of 0 is 1", d.ints("exp 0") == [2**64])
    for _ in range(cases):
        x = r.choice([-1, 1]) * min(some(r, 55), 2**55 - 1)
        check("squares are rounded down", d.ints(f"square {x}") == [x * x >> 32], x)


# ---- exponentially weighted

def ewma(var, x, lam):
    return cap(floor(F(lam, 10**6) * cap(var) + (1 - F(lam, 10**6)) * (x * x >> 32)))


def weight(dt, lam, period):
    """lambda^(dt / period)."""
    return F(((D(lam) / 10**6).ln() * dt / period).exp())


def check_ewma(d, check, r, cases):
    # RiskMetrics, 1996: one day's 1 % after a variance of zero, then decay by 0.94 a day
    one = floor(D("0.01") * LN)
    var = d.ints(f"ewma 0 {one} 940000")[0]
    check("RiskMetrics: 6 % of the first square", abs(F(var, VAR) - F(6, 10**6)) < F(1, 10**12))
    for day in range(74):  # 1 % of the weight is left after 74 days (Technical Document, table 5.7)
        var = d.ints(f"ewma {var} 0 940000")[0]
    check("RiskMetrics: a hundredth after 74 days", F(1, 100) < F(var, VAR) / F(6, 10**6) < F(104, 10**4), var)
    for _ in range(cases):
        var, x = r.choice([0, some(r, 60), some(r, 96), 2**97]), r.choice([-1, 1]) * some(r, 54)
        lam, period, dt = r.choice([940000, 970000, 1, 999999, r.randint(1, 999999)]), r.choice([1, 1000, 86400000, some(r, 40)]), 0
        check("EWMA: a return of one period is exact", d.ints(f"ewma {var} {x} {lam}") == [ewma(var, x, lam)], var, x, lam)
        dt = r.choice([period, 1, some(r, 40), max(1, period // 7), min(2**40, period * r.randint(2, 40))])
        have = d.ints(f"ewmadt {var} {x} {dt} {lam} {period}")[0]
        if dt == period:
            check("EWMA: irregular is regular at the period", have == ewma(var, x, lam), var, x, lam)
            check.hit("EWMA: a whole period")
            continue
        check.hit("EWMA: shorter" if dt < period else "EWMA: longer")
        w, new = weight(dt, lam, period), F(x * x, 2**32) * period / dt
        want = w * cap(var) + (1 - w) * min(new, VAR_MAX)
        off = max(cap(var), min(new, VAR_MAX)) * (w * (1 + F(dt, period)) / 2**47 + F(1, 2**58)) + 2
        check("EWMA: irregular within its bound", abs(have - min(want, VAR_MAX)) <= off, var, x, dt, lam, period, have)
        check.hit("EWMA: at its most" if new > VAR_MAX else "EWMA: inside")


def check_follow(d, check, r, cases):
    for _ in range(cases):
        lam, period, most = r.choice([940000, r.randint(1, 999999)]), r.choice([1000, 60000]), r.choice([0, 5000])
        d.ints(f"follow {lam} {period} {most}")
        price, at, last, when, var, n = some(r, 40), some(r, 42), 0, 0, 0, 0
        for _ in range(20):
            price, at = near(r, price), max(1, at + r.choice([0, 1, 1000, period, some(r, 20), -1, -5000]))
            feed = r.choice([price] * 9 + [0, 2**63])
            want = 0
            if feed and feed < 2**63 and (not last or at > when):
                if last:
                    x, dt = d.ints(f"ln {feed}")[0] - d.ints(f"ln {last}")[0], at - when
                    if most and dt > most:
                        dt = most
                        check.hit("a gap counts as its most")
                    var = d.ints(f"ewmadt {var} {x} {dt} {lam} {period}")[0] if n else cap(x * x * period // dt >> 32)
                    n, want = n + 1, 1
                last, when = feed, at
            else:
                check.hit("a price of no use")
            check("prices make returns", d.ints(f"price {feed} {at}") == [want, var, n], feed, at, last, when)


# ---- windows and bars

def check_window(d, check, r, cases):
    for _ in range(cases // 10):
        room, window, held = r.choice([1, 2, 7, 100]), r.choice([1, 5000, 10**6]), []
        d.ints(f"window {room} {window}")
        for _ in range(40):
            x, dt, period = r.choice([-1, 1]) * some(r, r.choice([30, 54])), r.choice([2500, some(r, r.choice([4, 13, 40]))]), r.choice([1000, 86400000, 1])
            if len(held) == room:
                held.pop(0)
                check.hit("window: full")
            held.append((x, dt))
            while len(held) > 1 and sum(t for _, t in held) > window:
                held.pop(0)
                check.hit("window: too old")
            total, span = sum(x * x for x, _ in held), sum(t for _, t in held)
            check("realised variance is exact", d.ints(f"add {x} {dt} {period}") == [cap(total * period // span >> 32), len(held), span], held[-3:], period)


def true_bar(o, h, low, c):
    u, dn, cl = D(h).ln() - D(o).ln(), D(low).ln() - D(o).ln(), D(c).ln() - D(o).ln()
    return [cl * cl, (u - dn)**2 / (4 * LN2), (u - dn)**2 / 2 - (2 * LN2 - 1) * cl * cl, u * (u - cl) + dn * (dn - cl)], u - dn


def check_bars(d, check, r, cases):
    names = ["close", "Parkinson", "Garman-Klass", "Rogers-Satchell"]
    for _ in range(cases):
        low = some(r, 62)
        high = min(2**63 - 1, low + r.choice([0, 1, low // 1000, low // 10, low, some(r, 62)]))
        o, c = r.choice([low, high, r.randint(low, high)]), r.choice([low, high, r.randint(low, high)])
        have = d.ints(f"bar {o} {high} {low} {c}")
        want, width = true_bar(o, high, low, c)
        check("a bar is good", have[0] == 1)
        for name, x, y in zip(names, have[1:], want):
            check(f"{name}: within its bound", abs(D(x) / VAR - y) <= width * D(2)**-46 + D(2)**-64 + D(2)**-90, o, high, low, c, x, y * VAR)
        if low == high:
            check("a bar without a range has no variance", have[1:] == [0, 0, 0, 0])
            check.hit("bar: flat")
        wrong = r.choice([(o, high, high + 1, c), (high + 1, high, low, c), (o, high, low, low - 1), (o, high, 0, c), (o, 2**63, low, c), (low - 1, high, low, c), (o, high, low, high + 1)])
        check("a bar that cannot be is 0", d.ints("bar %d %d %d %d" % wrong) == [0] * 5, wrong)
        path = [some(r, 40) for _ in range(r.randint(1, 9))]
        check("a bar of its prices", d.ints(f"make {len(path)} " + " ".join(map(str, path))) == [path[0], max(path), min(path), path[-1]], path)
    # a zero-drift walk: the estimators agree with its variance, Parkinson's and the others with less noise than the close's
    sums, n, step = [0, 0, 0, 0], 300, 0.0004
    for _ in range(n):
        x, path = 10.0**9, []
        for _ in range(400):
            x *= 1 + r.choice([-step, step])
            path.append(int(x))
        bar = d.ints(f"bar {10**9} {max(path + [10**9])} {min(path + [10**9])} {path[-1]}")[1:]
        for i, v in enumerate(bar):
            sums[i] += v / VAR / (400 * step * step) / n
    check("a random walk's variance is found, within what discrete steps take", all(0.70 < s < 1.30 for s in sums), sums)


def check_sigma(d, check, r, cases):
    # 1 % a day is 19.1 % a year of 365 days
    var = floor(F(1, 10**4) * VAR) + 1
    check("a hundredth a day is 191,049 ppm a year", d.ints(f"sigma {var} 86400000 31536000000") == [191049])
    for _ in range(cases):
        var, p, h = r.choice([0, some(r, 96), 2**97]), some(r, 40), some(r, 40)
        want = isqrt(cap(var) * 10**12 * h // p >> 64)
        check("deviation is the exact root, rounded down", d.ints(f"sigma {var} {p} {h}") == [want], var, p, h)


# ---- thresholds

def clamp(x, lo, hi):
    return max(lo, min(hi, x))


class Dynamic:
    """Written from docs/lab/dynamic.md: a threshold, where it is going, and since when it may rise."""

    def __init__(self, rule, lt, now):
        self.base, self.lo, self.hi, self.s0, self.k, self.dead, self.rate = rule
        self.frm = self.to = lt
        self.t0 = self.t1 = self.since = now

    def target(self, sigma):
        return clamp(floor(self.base - F(self.k * (sigma - self.s0), 10**6)), self.lo, self.hi)

    def at(self, t):
        if t >= self.t1:
            return self.to
        return self.frm if t <= self.t0 else self.to + (self.frm - self.to) * (self.t1 - t) // (self.t1 - self.t0)

    def step(self, sigma, now, check):
        now, goal = max(now, self.since), self.target(sigma)
        if abs(goal - self.to) <= self.dead:
            self.since = now
            check.hit("threshold: content")
            return 0
        here = self.at(now)
        earned = max(now, self.t1 if now >= self.t1 or self.frm == self.to else self.t0 + ceil(F(1000 * (self.frm - here), self.rate)))
        if goal < here:
            check.hit("threshold: falls later, by what its ramp was ahead", earned > now)
            self.frm, self.to, self.t0, self.since = here, goal, earned, now
            self.t1 = earned + ceil(F(1000 * (here - goal), self.rate))
            check.hit("threshold: falls")
            return 1
        if here != self.to:
            check.hit("threshold: a ramp stops")
            self.frm, self.to, self.t0, self.t1, self.since = here, here, earned, earned, now
            return 1
        else:
            may = self.rate * max(0, now - max(self.since, self.t1)) // 1000
            if may < goal - here:
                if may < max(1, self.dead):
                    check.hit("threshold: may not rise yet")
                    return 0
                goal = here + may
                check.hit("threshold: rises by the rate")
            else:
                check.hit("threshold: rises to its target")
        self.frm = self.to = goal
        self.t0 = self.t1 = self.since = now
        return 1


def some_rule(r):
    lo, base, hi = sorted(r.randint(1, 10000) for _ in range(3))
    return [base, lo, hi, r.choice([0, 500000, some(r, 24)]), r.choice([0, 1000, 3000, some(r, 20), 2**31 - 1]), r.choice([0, 1, 10, 100]), r.choice([1, 100, 1000, 50000, some(r, 30)])]


def check_rules(d, check, r):
    good = [8000, 5000, 9000, 500000, 2000, 10, 1000]
    for i, bad in [(0, 4999), (0, 9001), (1, 0), (2, 10001), (3, 2**32), (4, 2**31), (5, 10001), (6, 0), (1, 8001), (2, 7999)]:
        rule = good[:i] + [bad] + good[i + 1:]
        check("a rule out of its range is refused", d.ints("rule " + " ".join(map(str, rule))) == [0], rule)
    check("a rule in its range is taken", d.ints("rule " + " ".join(map(str, good))) == [1])
    d.ints("rule 8000 5000 9000 500000 2000 10 1000")
    for sigma, want in ((500000, 8000), (1000000, 7000), (500001, 7999), (500500, 7999), (500501, 7998), (0, 9000), (250001, 8499), (2000000, 5000), (2**64 - 1, 5000)):
        check("targets made by hand", d.ints(f"target {sigma}") == [want], sigma)


def check_dynamic(d, check, r, cases):
    check_rules(d, check, r)
    for _ in range(cases // 3):
        rule = some_rule(r)
        check("a rule in its range is taken", d.ints("rule " + " ".join(map(str, rule))) == [1], rule)
        lt, now = r.choice([rule[0], r.randint(rule[1], rule[2])]), some(r, 33)
        m, told = Dynamic(rule, lt, now), []
        d.ints(f"begin {lt} {now}")
        sigmas = sorted(r.choice([0, some(r, 24), some(r, 40), 2**64 - 1]) for _ in range(6))
        goals = [d.ints(f"target {s}")[0] for s in sigmas]
        check("targets are the formula's", goals == [m.target(s) for s in sigmas], rule, sigmas)
        check("a target never rises with the deviation", goals == sorted(goals, reverse=True), rule, sigmas, goals)
        for g in goals:
            check.hit("target: low bound" if g == m.lo else "target: high bound" if g == m.hi else "target: between")
        sigma = rule[3]
        for _ in range(12):
            sigma = r.choice([sigma, min(2**64 - 1, max(0, sigma + r.randint(-50000, 50000))), r.choice(sigmas[:4])])
            now += r.choice([0, 1, 1, 5, 60, some(r, 14)])
            early = now == m.since and now > 5 and r.random() < 0.5  # time that goes back stands still
            check.hit("threshold: time goes back", early)
            want = m.step(sigma, now, check)
            have = d.ints(f"step {sigma} {now - 5 if early else now}")
            check("steps are the judge's", have == [want, m.frm, m.to, m.t0, m.t1], rule, sigma, now, have, [want, m.frm, m.to, m.t0, m.t1])
            for t in {now, now + 1, m.t1, max(0, m.t1 - 1), now + some(r, 10)}:
                v = d.ints(f"at {t}")[0]
                check("the threshold at a moment", v == m.at(t), rule, t, v, m.at(t))
                check("never outside its bounds", m.lo <= v <= m.hi, rule, t, v)
            told.append((now, m.at(now)))
            for a, v in told[:-1]:
                gone = F(m.rate * (now - a), 1000)
                check("never faster than its rate", m.at(now) - v <= gone + m.dead + 1 and v - m.at(now) <= gone + 1, rule, told)
            if check.failed():
                return


# ---- Aloe

def check_aloe(d, check, r, cases):
    for _ in range(cases // 3):
        at, now = some(r, 33), r.choice([127921282726, some(r, 40), some(r, 103)])
        before = now
        d.ints(f"iv {at} {before} {now}")
        for _ in range(6):
            new = r.choice([some(r, 127), some(r, 40), now + r.choice([-3, -1, 0, 1, 19, 21, -101]), now * 2, now // 2])
            new = max(0, new)
            dt, gone = r.choice([259200, 259200 - 7200, 259200 + 7200, 259200 - 7201, 259200 + 7201, some(r, 20)]), r.choice([14399, 14400, 14401, some(r, 20)])
            moved = gone >= 14400
            if moved:
                before, at = now, at + gone
                if abs(dt - 259200) <= 7200:
                    gap = new - before
                    ema = before + (gap // 20 if gap > 0 else -(-gap // 100))
                    now = ema % 2**104
                    limit = 115740 * 14400
                    check.hit("Aloe: change limited" if abs(now - before) > limit else "Aloe: up" if gap > 0 else "Aloe: down")
                    now = clamp(now, before - limit, before + limit) if now + limit < 2**104 and before >= limit else (
                        (before + limit) % 2**104 if now > (before + limit) % 2**104 else before - limit if (now + limit) % 2**104 < before else now)
                else:
                    check.hit("Aloe: samples too far apart")
            have = d.ints(f"update {new} {dt} {at if moved else at + gone}")
            check("Aloe: the average is the contract's", have == [int(moved), before, now], new, dt, gone, have, [moved, before, now])
            for t in (at, at + 1, at + 7200, at + 14399, at + 14400):
                g = min(t - at, 14400)
                step = (now - before) * g
                want = now if g == 14400 else before + (step // 14400 if step >= 0 else -(-step // 14400))
                check("Aloe: between two samples", d.ints(f"ivat {t}") == [want], before, now, t - at)
            if check.failed():
                return


WANTED = ["ln within a unit", "exp is 0", "EWMA: a whole period", "EWMA: shorter", "EWMA: longer", "EWMA: at its most", "a gap counts as its most",
          "a price of no use", "window: full", "window: too old", "bar: flat", "threshold: content", "threshold: falls", "threshold: a ramp stops", "threshold: falls later, by what its ramp was ahead",
          "threshold: may not rise yet", "threshold: rises by the rate", "threshold: rises to its target", "threshold: time goes back", "target: low bound", "target: high bound",
          "target: between", "Aloe: change limited", "Aloe: up", "Aloe: down",
          "Aloe: samples too far apart"]


def judge(exe, cases):
    check, d, r = Checks(), Driver(exe), random.Random(SEED)
    check_logs(d, check, r, cases)
    check_ewma(d, check, r, cases)
    check_follow(d, check, r, cases // 5)
    check_window(d, check, r, cases)
    check_bars(d, check, r, cases)
    check_sigma(d, check, r, cases)
    check_dynamic(d, check, r, cases)
    check_aloe(d, check, r, cases)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 1500, SOURCES, FOLDER, MUTANTS, 400, WANTED)
