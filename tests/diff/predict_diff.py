# SPDX-License-Identifier: Apache-2.0
"""host/risk/breach*.c against decimals of 60 digits: the normal tail, the first passage of a drifted Brownian motion (and that
formula against a walk on a lattice, counted exactly), variance, impact, drift, the mixture of two normals, expected value,
reduction, an oracle's next prices; and that probabilities never fall where they may not.
SEED, CASES; --mutants: wrong versions must be found (predict_mutants.py)."""
import math
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from decimal import Decimal as D

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import predict_table as table
import tap

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", 400))
SOURCES = [f"host/risk/{x}.c" for x in ("breach", "breach_math", "breach_next", "breach_table")]
SURE, CERTAIN, SIGMA, PPM, SECOND = 2**60, 2**32, 2**24, 10**6, 10**9
NEVER = 2**64 - 1


def compiled(folder, changed=None):
    """changed: (file, text) in place of a source"""
    args = []
    for s in SOURCES + ["tests/diff/predict_driver.c"]:
        if changed and s == changed[0]:
            s = os.path.join(folder, os.path.basename(s))
            with open(s, "w", encoding="utf-8") as f:
                f.write(changed[1])
        args.append(s)
    exe = os.path.join(folder, "driver")
    subprocess.run(os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-Ihost", *args, "-o", exe], check=True, capture_output=True)
    return exe


class Driver:
    def __init__(self, exe):
        self.p = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, *words):
        self.p.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        if not line.endswith("\n"):
            raise RuntimeError(f"driver stopped at: {words}")
        return [int(x) for x in line.split()]


class Checks:
    def __init__(self):
        self.rows, self.seen = {}, Counter()

    def __call__(self, name, good, *what):
        row = self.rows.setdefault(name, [0, 0, ""])
        row[0] += 1
        if not good:
            row[1] += 1
            row[2] = row[2] or " ".join(map(str, what))[:600]


# ---- what it should be

def normal_above(x):
    return table.mills(x) * table.phi(x) if x >= 0 else 1 - table.mills(-x) * table.phi(-x)


def passage(d, m):
    """Of a motion that begins d above zero with drift m, both in sigmas of the horizon."""
    if d <= 0:
        return D(1)
    m = max(D(-4), min(D(4), m))
    return min(D(1), normal_above(d + m) + (-2 * m * d).exp() * normal_above(d - m))


def lattice(steps, k, up):
    """A walk of so many steps of one, up with that chance, from k: exactly how often it has been at 0."""
    at = {k: 1.0}
    for _ in range(steps):
        nxt = {}
        for x, p in at.items():
            if x == 0:
                nxt[0] = nxt.get(0, 0) + p
            else:
                nxt[x + 1] = nxt.get(x + 1, 0) + p * up
                nxt[x - 1] = nxt.get(x - 1, 0) + p * (1 - up)
        at = nxt
    return at.get(0, 0)


class Case:
    """A form and a view, and what follows from them."""

    def __init__(self, r, n=None, **fixed):
        self.n = n or r.choice((1, 1, 2, 3, 8, 64))
        self.horizon, self.step = r.choice((SECOND, 60 * SECOND, 3600 * SECOND, r.randrange(10**6, 10**13))), r.choice((0, 0, 0, SECOND // 5, 10 * SECOND))
        self.rho_ppm = r.choice((0, 300000, 700000, 1000000))
        self.scale, self.weight, self.ratio = r.choice((0, 10**6, 800000, 1700000)), r.choice((0, 0, 50000, 300000)), r.choice((0, 2 * 10**6, 5 * 10**6))
        unit = 10 ** r.randrange(4, 16)
        self.e = [r.randrange(-unit, unit + 1) * r.choice((1, 1, 1, 0)) for _ in range(self.n)]
        self.vol = [int((D(10) ** D(r.uniform(-6, -2.5))) * 2**48) for _ in range(self.n)]
        self.drift = [r.choice((0, 0, r.randrange(-2**48, 2**48))) for _ in range(self.n)]
        self.impact = [r.choice((0, 0, 0, r.randrange(1, 30000))) for _ in range(self.n)]
        self.full = []
        if r.random() < 0.3:
            v = [[r.uniform(-1, 1) for _ in range(3)] for _ in range(self.n)]
            v = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in v]
            self.full = [2**30 if i == j else int(sum(a * b for a, b in zip(v[i], v[j])) * 0.95 * 2**30) for i in range(self.n) for j in range(self.n)]
        self.health = 0
        sigma = self.sigma()
        if sigma:
            taken = sum(-(-abs(e) * i // PPM) for e, i in zip(self.e, self.impact))
            self.health = min(2**62, int(sigma * D(r.choice((r.uniform(-0.2, 7), r.uniform(0, 3), r.uniform(0, 40))))) + taken)
        for k, v in fixed.items():
            setattr(self, k, v)

    def words(self):
        return ([self.horizon, self.step, self.rho_ppm, self.scale, self.weight, self.ratio, self.health, self.n]
                + [x for i in range(self.n) for x in (self.e[i], self.vol[i], self.drift[i], self.impact[i])] + ([1] + self.full if self.full else [0]))

    def sigma(self):
        x = [D(e) * v / 2**48 for e, v in zip(self.e, self.vol)]
        if self.full:
            var = sum(x[i] * x[j] * self.full[i * self.n + j] / 2**30 for i in range(self.n) for j in range(self.n))
        else:
            rho = D(self.rho_ppm) / PPM
            var = (1 - rho) * sum(y * y for y in x) + rho * sum(x) ** 2
        gross = sum(y * y for y in x)
        self.hedged = var < gross / 10**6  # what is left of what cancels has no digits
        return (var * self.horizon / SECOND).sqrt() if var > 0 else D(0)

    def distance(self):
        """In sigmas, and the drift in sigmas"""
        h = self.health - sum(-(-abs(e) * i // PPM) for e, i in zip(self.e, self.impact))
        sigma = self.sigma()
        if h <= 0:
            return D(0), D(0)
        if sigma == 0:
            return D(4096), D(0)
        m = sum(D(e) * mu / 2**64 for e, mu in zip(self.e, self.drift)) * self.horizon / SECOND / sigma
        d = h / sigma
        if self.step:
            d += D("0.582597157939") * min(D(1), (D(self.step) / self.horizon).sqrt())
        return min(d, D(4096)), max(D(-4), min(D(4), m))

    def probability(self, d, m):
        if d <= 0:
            return D(1)
        scale, ratio, w = D(self.scale or PPM) / PPM, D(self.ratio or PPM) / PPM, D(self.weight) / PPM
        p = passage(min(d / scale, D(16)), m / scale)
        if w:
            p = (1 - w) * p + w * passage(min(d / scale / ratio, D(16)), m / scale / ratio)
        return p


# ---- what is checked

def check_tail(ask, check, r, n):
    for line, text in ((0, "0.5"), (1, "0.15865525393145705142"), (2, "0.022750131948179207"), (3, "0.0013498980316300946"), (6, "9.865876450376981e-10")):
        (got,) = ask("tail", line * SIGMA)
        check("tail: published values of the normal distribution", abs(D(got) / SURE - D(text)) <= D(text) / 2**27, line, got)
    last = None
    for x in [0, 1, 2**19 - 1, 2**19, 2**19 + 1, 16 * SIGMA - 1, 16 * SIGMA] + [int(r.uniform(-8, 16) * SIGMA) for _ in range(n)]:
        (got,) = ask("tail", x)
        want = normal_above(D(x) / SIGMA) * SURE
        check("tail: within 2^-27 of itself", abs(got - want) <= (want if x >= 0 else SURE) / 2**27 + 2, x, got, want)
        check("tail: as the C library's erfc", abs(got / SURE - 0.5 * math.erfc(x / SIGMA / math.sqrt(2))) < 1e-8, x, got)
    for at in [r.randrange(0, 8 * SIGMA) for _ in range(n // 8)] + [k << 19 for k in range(1, 200, 7)]:
        values = [ask("tail", x)[0] for x in range(at - 4, at + 5)]
        check("tail: never rises, step by step", all(a >= b for a, b in zip(values, values[1:])), at, values)


def check_passage(ask, check, r, n):
    for steps, k, up in ((900, 15, 0.5), (900, 30, 0.5), (900, 45, 0.5), (900, 30, 0.51), (900, 30, 0.49), (900, 60, 0.48), (900, 10, 0.53)):
        root = math.sqrt(steps)
        m = (2 * up - 1) * root
        want = lattice(steps, k, up)
        (got,) = ask("pass", int(k / root * SIGMA), int(m * SIGMA))
        check("first passage: a walk counted on a lattice", abs(got / SURE - want) < 0.015, steps, k, up, got / SURE, want)
    for _ in range(n):
        d = int(r.choice((r.uniform(0, 4), r.uniform(0, 12), r.uniform(0, 0.1))) * SIGMA)
        m = int(r.choice((0, r.uniform(-4, 4), r.uniform(-0.5, 0.5), d / SIGMA)) * SIGMA)
        m = max(-4 * SIGMA, min(4 * SIGMA, m))
        (got,) = ask("pass", d, m)
        want = passage(D(d) / SIGMA, D(m) / SIGMA) * SURE
        check.seen["drift beyond the edge" if m > d else "drift away" if m > 0 else "drift to the edge" if m < 0 else "no drift"] += 1
        check("first passage: within 2^-26", abs(got - want) <= SURE / 2**26, d, m, got, want)
        if m <= 0 and want > 100:
            check("first passage: small chances by their own size", abs(got - want) <= want / 2**25 + 2, d, m, got, want)
        if m == 0:
            check("first passage: without drift twice the tail", abs(got - 2 * ask("tail", d)[0]) <= 1, d)
    for d, m in ((13 * SIGMA, 0), (12 * SIGMA + 1, -4 * SIGMA)):
        check("first passage: nothing from far", ask("pass", d, m) == [0], d, m)
    check("first passage: at the edge it is certain", ask("pass", 0, 0) == [SURE] and ask("pass", -5, 3) == [SURE])
    check("first passage: drifts are capped", ask("pass", SIGMA, -9 * SIGMA) == ask("pass", SIGMA, -4 * SIGMA))


def check_forms(ask, check, r, n):
    for _ in range(n):
        c = Case(r)
        d, m = c.distance()
        got, gd, gm = ask("prob", *c.words())
        slack = D(1) / 2**10 if c.hedged else D(1) / 2**20
        check.seen.update([f"{c.n} assets", "matrix" if c.full else "one correlation", "wild" if c.weight else "normal", "looks" if c.step else "always",
                           "breached" if d <= 0 else "far" if d > 8 else "near", "impact" if any(c.impact) else "no impact"])
        check("form: distance in sigmas", abs(D(gd) / SIGMA - d) <= d * slack + D(4) / SIGMA, c.words(), gd / SIGMA, d)
        check("form: drift in sigmas", abs(D(gm) / SIGMA - m) <= abs(m) * slack + D(4) / SIGMA, c.words(), gm / SIGMA, m)
        want = c.probability(D(gd) / SIGMA, D(gm) / SIGMA) * CERTAIN  # of the distance that it has: the mathematics alone
        cut = 16 * CERTAIN / SIGMA  # the fit's scale and ratio cut distance and drift to whole units of 2^-24, twice; with drifts of some sigmas the slope is above one
        check("form: probability of that distance", abs(got - want) <= CERTAIN / 2**25 + cut, c.words(), got, want)
        want = c.probability(d, m) * CERTAIN
        check("form: probability", abs(got - want) <= CERTAIN * (slack * 8 + D(1) / 2**18), c.words(), got, want)


def check_monotone(ask, check, r, n):
    for _ in range(n):
        side = r.choice((1, -1))
        c = Case(r, full=[], drift=[0] * 64)
        c.e = [side * abs(e) for e in c.e]
        for name, change in (("health", lambda k: setattr(c, "health", int(c0[0] * (1.1 - 0.1 * k)))), ("horizon", lambda k: setattr(c, "horizon", int(c0[1] * 1.15**k))),
                             ("variance", lambda k: setattr(c, "vol", [int(v * 1.07**k) for v in c0[2]])), ("impact", lambda k: setattr(c, "impact", [3000 * k] * c.n)),
                             ("exposure", lambda k: setattr(c, "e", [int(e * (1 + 0.1 * k)) for e in c0[3]]))):
            c0 = (c.health, c.horizon, list(c.vol), list(c.e), list(c.impact))
            if c.step > c.horizon or name == "health" and c.health < 100:
                continue
            values = []
            for k in range(8):
                change(k)
                values.append(ask("prob", *c.words())[0])
            c.health, c.horizon, c.vol, c.e, c.impact = c0
            check.seen[f"moved {name}"] += values[0] < values[-1]
            check(f"never falls with more {name}" if name != "health" else "never falls with less health", values == sorted(values), c.words(), values)


def check_rest(ask, check, r, n):
    for _ in range(n):
        v = r.choice((0, 1, r.randrange(2**64), r.randrange(2**40), 2**64 - 1))
        check("volatility: the root of a variance, floored", ask("vol", v) == [math.isqrt(v << 32)], v)
        p, reward, cost = r.choice((0, CERTAIN, r.randrange(CERTAIN))), r.choice((r.randrange(-2**63, 2**63), r.randrange(10**9))), r.choice((0, r.randrange(-2**63, 2**63), r.randrange(10**9)))
        want = max(-2**63, min(2**63 - 1, (p * reward >> 32) - cost))
        check.seen["value saturates"] += want in (-2**63, 2**63 - 1)
        check("expected value", ask("value", p, reward, cost) == [want], p, reward, cost)
    for _ in range(n // 4):
        c = Case(r, drift=[0] * 64)
        most = r.choice((CERTAIN // 100, CERTAIN // 10, CERTAIN // 2))
        (ppm,) = ask("reduce", most, *c.words())
        now = ask("prob", *c.words())[0]
        whole = list(c.e)
        shrunk = lambda q: [(abs(e) * (PPM - q) // PPM) * (1 if e > 0 else -1) for e in whole]
        if c.health <= 0:
            check("reduction: a breached account is reduced whole", ppm == PPM, c.words())
        elif now <= most:
            check("reduction: none where none is needed", ppm == 0, c.words())
        elif ppm < PPM:
            check.seen["reduced in part"] += 1
            c.e = shrunk(ppm)
            enough = ask("prob", *c.words())[0] <= most
            c.e = shrunk(ppm - 1)
            check("reduction: the least that is enough", enough and ask("prob", *c.words())[0] > most, c.words(), ppm)


def check_next(ask, check, r, n):
    for _ in range(n):
        told = r.randrange(10**6, 10**14)
        market = told + int(told * r.uniform(-0.012, 0.012))
        vol, deviation = int(D(10) ** D(r.uniform(-5, -2.5)) * 2**48), r.choice((0, 1000, 5000, 10000))
        due, visible, chance = r.choice((NEVER, 10 * SECOND, 10**13)), r.choice((0, 0, told + r.randrange(-told // 50, told // 50))), r.choice((0, CERTAIN, r.randrange(CERTAIN)))
        v = Case(r, n=1, full=[], step=0, drift=[0] * 64)
        v.e, v.health, v.impact = [int(told * r.choice((1, 0.5, -1)))], int(told * r.uniform(-0.001, 0.02)), [0]
        feed = [told, market, vol, deviation, due, visible, chance]
        got = ask("next", *feed, *v.words())
        got = [tuple(got[i:i + 4]) for i in range(0, len(got), 4)]
        rest, want = D(1), []
        if visible:
            want.append((visible, D(chance) / CERTAIN, 0))
            rest -= D(chance) / CERTAIN
        if deviation:
            by, p = told * deviation // PPM, []
            for edge, sign in ((told - by, -1), (told + by, 1)):
                way = (edge - market) * sign
                sigma = D(market) * vol / 2**48 * (D(v.horizon) / SECOND).sqrt()
                p.append(v.probability(min(D(4096), way / sigma) if way > 0 else D(0), D(0)))
                want.append((edge if way > 0 else market, p[-1], 1))
            if sum(p) > 1:
                check.seen["both edges"] += 1
            for i in (-2, -1):
                want[i] = (want[i][0], rest * want[i][1] / max(D(1), sum(p)), 1)
            rest -= want[-2][1] + want[-1][1]
        if due <= v.horizon:
            want.append((market, rest, 2))
        for price, p, cause in want:
            mine = [q for at, q, _, why in got if at == price and why == cause]
            near = min((abs(q - p * CERTAIN) for q in mine), default=p * CERTAIN)
            check("next prices: each with its chance", near <= CERTAIN / 2**15, feed, v.words(), got, price, p, cause)
        check("next prices: no others, the likeliest first, not above one", len(got) <= len(want) and sum(g[1] for g in got) <= CERTAIN and all(g[1] > 0 for g in got)
              and [g[1] for g in got] == sorted((g[1] for g in got), reverse=True), feed, got)
        check.seen.update(f"cause {g[3]}" for g in got)
        total = D(0)
        for price, q, _, _ in got + [(told, CERTAIN - sum(g[1] for g in got), 0, 0)]:
            h = v.health + math.floor(D(v.e[0]) * (price - told) / told) if price != told else v.health
            keep, v.health = v.health, h
            total += D(q) / CERTAIN * v.probability(*v.distance())
            v.health = keep
        (p,) = ask("with", *feed, *v.words())
        check("next prices: an account's chance with them", p == CERTAIN if v.health <= 0 else abs(p - total * CERTAIN) <= CERTAIN / 2**15, feed, v.words(), p, total)


REACHED = ["drift beyond the edge", "drift away", "drift to the edge", "no drift", "64 assets", "1 assets", "matrix", "one correlation", "wild", "normal", "looks", "always", "breached",
           "far", "near", "impact", "moved health", "moved horizon", "moved variance", "moved impact", "moved exposure", "value saturates", "reduced in part", "both edges",
           "cause 0", "cause 1", "cause 2"]


def run(exe, cases, seed=SEED):
    r, check, d = random.Random(seed), Checks(), Driver(exe)
    for part, share in ((check_tail, 1), (check_passage, 1), (check_forms, 1), (check_monotone, 4), (check_rest, 1), (check_next, 1)):
        part(d.ask, check, r, cases // share)
    d.p.stdin.close()
    d.p.wait(10)
    d.p.stdout.close()
    return check


def check_table():
    with open("host/risk/breach_table.c", encoding="utf-8") as f:
        return f.read() == table.text()


def mutants():
    from predict_mutants import MUTANTS
    missed = 0
    for name, file, old, new in MUTANTS:
        path = f"host/risk/{file}"
        with open(path, encoding="utf-8") as f:
            text = f.read()
        assert text.count(old) == 1, (name, text.count(old))
        with tempfile.TemporaryDirectory(prefix="predict.") as folder:
            try:
                check = run(compiled(folder, (path, text.replace(old, new))), 150)
                how = "; ".join(n for n, row in check.rows.items() if row[1])
            except (RuntimeError, BrokenPipeError, ValueError) as e:
                how = f"stopped: {e}"
        missed += not how
        tap.report(bool(how), f"mutant: {name} # {how[:100]}", "not found")
    return missed


def main():
    if sys.argv[1:] == ["--mutants"]:
        print(f"# predict_diff --mutants SEED={SEED}")
        mutants()
        tap.finish()
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    print(f"# predict_diff SEED={SEED} CASES={CASES}")
    tap.report(check_table(), "host/risk/breach_table.c is what predict_table.py makes")
    with tempfile.TemporaryDirectory(prefix="predict.") as folder:
        check = run(os.environ.get("PREDICT_DRIVER") or compiled(folder), CASES)
    for name, (n, bad, first) in check.rows.items():
        tap.report(not bad, f"{name} # {n} checks", f"{bad} failed; first: {first}")
    missing = [x for x in REACHED if not check.seen[x]]
    tap.report(not missing, f"every branch that matters was reached # {len(REACHED)}", missing)
    print("# " + ", ".join(f"{k} {v}" for k, v in sorted(check.seen.items())))
    tap.finish()


if __name__ == "__main__":
    main()
