#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host/lab: shocks, quantiles, shortfall, errors, Kupiec's test (docs/lab/risk.md) against this file's own floats and
fractions, written from the sources; distributions against what theory says of them. (Who is breached and what it loses is
held against the exact rules by tests/unit/lab/test_reach.c.)

  risk_diff.py             TAP on stdout (about 10 s)
  risk_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (some minutes)

Environment: SEED (default 1), CASES (default 1500), CC (default gcc), FROM (first mutant). Run from the project root.
"""
import glob
import math
import os
import random
import subprocess
import sys
import tempfile
from fractions import Fraction as F
from statistics import NormalDist

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap
from risk_mutants import MUTANTS

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "1500"))
SOURCES = ["host/lab/" + f for f in "paths.c var.c reach.c world.c world_thresholds.c worth.c map.c".split()]
# What the judge asks alone; of a book it asks nothing (the driver has stand-ins).
JUDGED = ["host/lab/paths.c", "host/lab/var.c"] + ["host/accounts/" + f for f in "reciprocal.c csv.c decimal.c".split()] + ["host/base/wide.c"]
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-ffp-contract=off", "-O1", "-w", "-Ihost", "-Idrivers", "-Itests/unit"]
LIBS = ["-lsqlite3", "-lm", "-lpthread", "-lz"]

class Checks:
    def __init__(self):
        self.rows, self.seen = {}, {}

    def __call__(self, name, good, *what):
        row = self.rows.setdefault(name, [0, 0, ""])
        row[0] += 1
        if not good:
            row[1] += 1
            row[2] = row[2] or " ".join(map(str, what))[:600]

    def hit(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def failures(self):
        return sum(r[1] for r in self.rows.values())


class Driver:
    def __init__(self, exe):
        self.p = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def words(self, *line):
        self.p.stdin.write(" ".join(v.hex() if isinstance(v, float) else str(v) for v in line) + "\n")
        self.p.stdin.flush()
        answer = self.p.stdout.readline()
        if not answer:
            raise RuntimeError("driver stopped at: " + str(line)[:100])
        return answer.split()

    def floats(self, *line):
        return [float.fromhex(x) for x in self.words(*line)]

    def end(self):
        self.p.stdin.close()
        if self.p.wait() != 0:
            raise RuntimeError("driver: status %d" % self.p.returncode)


def near(a, b, rel=1e-12, absolute=0.0):
    return abs(a - b) <= rel * abs(b) + absolute


def check_functions(d, check, r):
    for _ in range(CASES):
        x = math.exp(r.uniform(-700, 700)) if r.random() < 0.5 else 1 + r.uniform(-1, 1) * 10 ** -r.uniform(0, 15)
        if r.random() < 0.03:
            x, _ = 5e-324 * r.randint(1, 2**40), check.hit("subnormal")
        if x > 0:
            check("log", near(d.floats("log", x)[0], math.log(x), 1e-15, 1e-16), x)
        y = r.uniform(-700, 700) if r.random() < 0.5 else r.uniform(-1, 1)
        check("exp", near(d.floats("exp", y)[0], math.exp(y), 1e-15), y)


def check_normals(d, check, r):
    n = 40000
    v = sorted(d.floats("normals", r.getrandbits(60), n))
    cdf = NormalDist().cdf
    ks = max(max(abs(cdf(x) - i / n), abs(cdf(x) - (i + 1) / n)) for i, x in enumerate(v))
    check("normals by Kolmogorov and Smirnov", ks * math.sqrt(n) < 2.0, ks)  # 1 in 1,500
    check("normals' fourth moment", near(sum(x**4 for x in v) / n, 3, 0.06))


def check_cholesky(d, check, r):
    for _ in range(CASES // 10):
        n = r.randint(1, 6)
        b = [[r.gauss(0, 1) for _ in range(r.choice((n, max(1, n - 1))))] for _ in range(n)]
        a = [[sum(x * y for x, y in zip(p, q)) for q in b] for p in b]
        bad = n > 1 and r.random() < 0.3
        if bad:
            a[0][1] = a[1][0] = 3 * math.sqrt(a[0][0] * a[1][1]) + 0.1
        got = d.words("cholesky", n, *[x for row in a for x in row])
        check("indefinite is refused", (got == ["none"]) == bad, a)
        check.hit("refused" if bad else "factored")
        if not bad and got != ["none"]:
            low = [[float.fromhex(got[i * n + k]) for k in range(n)] for i in range(n)]
            check.hit("singular" if any(low[i][i] == 0 for i in range(n)) else "regular")
            check("triangular", all(low[i][k] == 0 for i in range(n) for k in range(i + 1, n)))
            check("its square is the matrix", all(near(sum(low[i][t] * low[k][t] for t in range(n)), a[i][k], 1e-5, 1e-5)
                                                  for i in range(n) for k in range(n)), a)


def start(coins):
    return [100000000 * (1 + 37 * i) for i in range(coins)]


def check_draws(d, check, r):
    n, coins = 20000, 3
    for df, days, rho in ((0, 1.0, 0.0), (0, 4.0, 0.8), (8, 1.0, 0.5), (5, 0.25, 0.9)):
        seed = r.getrandbits(40)
        px = [int(x) for x in d.words("draw", coins, n, seed, 0.03, rho, df, days, 0, 0, 0)]
        rows = [px[i * 7:i * 7 + 7] for i in range(n)]
        p0 = start(coins)
        logs = [[math.log(row[k] / p0[k]) for k in range(coins)] for row in rows]
        var = [sum(x[k] ** 2 for x in logs) / n for k in range(coins)]
        want = 0.03**2 * days
        check("variance is the horizon's", all(near(v, want, 0.12 if df else 0.05) for v in var), df, var, want)
        c = sum(x[0] * x[1] for x in logs) / n / math.sqrt(var[0] * var[1])
        check("correlation", abs(c - rho) < 0.06, c, rho)
        if df == 0 or df == 8:
            kurt = sum(x[0] ** 4 for x in logs) / n / var[0] ** 2
            check("tails", abs(kurt - (3 if df == 0 else 4.5)) < (0.3 if df == 0 else 1.4), df, kurt)
            sd, tail = math.sqrt(want), NormalDist()
            if df == 0:
                far = sum(abs(x[0]) > 2 * sd for x in logs) / n
                check("beyond two deviations", abs(far - 2 * tail.cdf(-2)) < 0.008, far)
        for row in rows[:300]:
            check("dollars stay", row[6] == 100000000)
            for k in range(coins):
                exact = F(10 ** 22, row[k])
                check("reciprocal is of the moved price", abs(exact - row[coins + k]) <= F(1, 2), row)
        again = d.words("draw", coins, 100, seed, 0.03, rho, df, days, 0, 0, 0)
        check("paths do not depend on how many there are", [int(x) for x in again] == px[:700])
        other = d.words("draw", coins, 1000, seed + 1, 0.03, rho, df, days, 0, 0, 0)
        mine, its = {tuple(x) for x in rows[:1000]}, {tuple(map(int, other[i * 7:i * 7 + 7])) for i in range(1000)}
        check("another seed, other paths", not mine & its)
    jump = [int(x) for x in d.words("draw", 1, n, 5, 0.0, 0.0, 0, 1.0, 0.3, -0.2, 0.05)]
    logs = [math.log(jump[i * 3] / 1e8) for i in range(n)]
    some = [x for x in logs if abs(x) > 1e-7]
    check("jumps come at their rate", abs(len(some) / n - (1 - math.exp(-0.3))) < 0.012, len(some) / n)
    check("jumps have their mean", abs(sum(some) / max(1, len(some)) + 0.2) < 0.004)


def check_history(d, check, r, folder):
    path = os.path.join(folder, "history.csv")
    for case in range(40):
        coins, n, lam = r.randint(1, 4), r.randint(2, 60), r.choice((0.94, 0.5, 0.99))
        order = list(range(coins))
        r.shuffle(order)
        prices = [[round(r.uniform(5, 15), 4) for _ in range(coins)] for _ in range(n + 1)]
        fault = r.choice(("", "", "", "zero", "column", "row", "text"))
        with open(path, "w", encoding="utf-8") as f:
            f.write("time," + ",".join(f"{'c' if k % 2 else 'C'}{k}" if k % 3 else f"C{k}-PERPETUAL" for k in (order[1:] if fault == "column" else order)) + ",other\n")
            for t, row in enumerate(prices):
                cells = [str(row[k]) for k in (order[1:] if fault == "column" else order)]
                if fault in ("zero", "text") and t == n and cells:
                    cells[0] = "0" if fault == "zero" else "abc"
                f.write(",".join([str(t)] + cells + (["1"] if not (fault == "row" and t == n) else [])) + "\n")
        got = d.words("history", coins, lam, path)
        check.hit(fault or "good history")
        if fault:
            line = 2 if fault == "column" else n + 2
            where = f"{path}:{1 if fault == 'column' else line}:"
            check("fault told with its line", got[0] == "error" and got[1] == where, fault, got)
            continue
        ret = [[math.log(b / a) for a, b in zip(p, q)] for p, q in zip(prices, prices[1:])]
        w = [lam ** (n - 1 - t) for t in range(n)]
        cov = [[sum(w[t] * ret[t][i] * ret[t][k] for t in range(n)) / sum(w) for k in range(coins)] for i in range(coins)]
        f = [float.fromhex(x) for x in got[:coins + coins * (coins + 1) // 2]]
        check("exponentially weighted deviation", all(near(f[i], math.sqrt(cov[i][i]), 1e-9) for i in range(coins)))
        low = [[0.0] * coins for _ in range(coins)]
        at = coins
        for i in range(coins):
            for k in range(i + 1):
                low[i][k], at = f[at], at + 1
        check("correlations", all(abs(sum(low[i][t] * low[k][t] for t in range(coins)) - cov[i][k] / f[i] / f[k]) < 1e-4
                                  for i in range(coins) for k in range(coins)))
        px = [int(x) for x in got[at:]]
        width = 2 * coins + 1
        for t in range(n):
            for k in range(coins):
                want = start(coins)[k] * prices[t + 1][k] / prices[t][k]
                check("a path is the return", abs(px[t * width + k] - want) <= 0.5001 + 1e-13 * want, t, k, want)


def check_tails(d, check, r):
    for _ in range(CASES):
        n = r.choice((1, 2, 3, 10, 20, 100, r.randint(1, 400)))
        q = r.choice((0.95, 0.99, 0.5, 0.9, 0.999, r.uniform(0.01, 0.99)))
        zero = r.random()
        v = [0.0 if r.random() < zero * 0.9 else r.expovariate(1) * 10 ** r.randint(0, 6) for _ in range(n)]
        var, lo, hi, es, error, mean, mean_error = d.floats("tail", n, q, *v)
        s = sorted(v)
        rank = max(1, math.ceil(round(q * n, 10)))
        check("quantile is the sort's", var == s[rank - 1], n, q)
        left, sum_, weight = (1 - F(str(round(q, 15)))) * n, F(0), F(0)
        for x in reversed(s):  # the worst (1 - q) n, the last one in part
            part = min(F(1), left - weight)
            if part <= 0:
                break
            sum_, weight = sum_ + part * F(x), weight + part
        check("shortfall is the mean of the worst", near(es, float(sum_ / left), 1e-8, 1e-9), n, q, es, float(sum_ / left))
        check("shortfall not below the quantile", es >= var * (1 - 1e-9) - 1e-9)
        part = [(F(1) if i >= rank else F(rank) - F(str(round(q, 15))) * n, x) for i, x in enumerate(s, 1) if i >= rank]
        part[0] = (F(rank) - F(str(round(q, 15))) * n, part[0][1])
        part = [part[0]] + [(F(1), x) for _, x in part[1:]]
        spread = sum(float(w) * (x - es) ** 2 for w, x in part) / float(left)
        want = math.sqrt(max(0, (spread + q * (es - var) ** 2) / float(left)))
        check("shortfall's error", near(error, want, 1e-6, 1e-6), n, q, error, want)
        half = NormalDist().inv_cdf(0.975) * math.sqrt(n * q * (1 - q))
        check("interval holds the quantile", lo <= var <= hi)
        low, high = max(1, math.floor(q * n - half)), min(n, math.ceil(q * n + half + 1))
        check("interval is the order statistics'", lo == s[low - 1] and hi == s[high - 1], n, q)
        check("mean", near(mean, sum(v) / n, 1e-12, 1e-12))
        sd = math.sqrt(sum((x - mean) ** 2 for x in v) / (n - 1) / n) if n > 1 else 0
        check("mean's error", near(mean_error, sd, 1e-9, 1e-12))
        check.hit("whole rank" if abs(q * n - round(q * n)) < 1e-9 else "part of a rank")


def check_kupiec(d, check, r):
    for _ in range(CASES):
        t = r.randint(1, 2000)
        x, p = r.choice((0, t, r.randint(0, t), min(t, t // 50))), r.choice((0.05, 0.01, r.uniform(0.001, 0.9)))
        got = d.floats("kupiec", x, t, p)[0]
        lnf = lambda a, b: a * math.log(b) if a else 0.0
        want = -2 * (lnf(t - x, 1 - p) + lnf(x, p) - lnf(t - x, 1 - x / t) - lnf(x, x / t))
        check("Kupiec", near(got, max(0, want), 1e-9, 1e-9), x, t, p, got, want)
        check.hit("no exceedance" if x == 0 else "all exceeded" if x == t else "some exceeded")
    # Kupiec 1995, table 2: of 255 days at 1 % fewer than 7 exceedances are not rejected
    check("Kupiec's table", d.floats("kupiec", 6, 255, 0.01)[0] <= 3.8415 < d.floats("kupiec", 7, 255, 0.01)[0])


def judge(exe, folder):
    r, d, check = random.Random(SEED), Driver(exe), Checks()
    check_functions(d, check, r)
    check_normals(d, check, r)
    check_cholesky(d, check, r)
    check_tails(d, check, r)
    check_kupiec(d, check, r)
    check_history(d, check, r, folder)
    check_draws(d, check, r)
    d.end()
    return check


REACHED = ("subnormal refused factored singular regular zero column row text").split() + [
    "good history", "whole rank", "part of a rank", "no exceedance", "all exceeded", "some exceeded"]


def build_object(folder, source, name):
    out = os.path.join(folder, name.replace("/", "_") + ".o")
    subprocess.run([os.environ.get("CC", "gcc"), *FLAGS, "-c", source, "-o", out], check=True)
    return out


def link(folder, name, objects):
    out = os.path.join(folder, name)
    subprocess.run([os.environ.get("CC", "gcc"), *objects, *LIBS, *(subprocess.check_output(["pkg-config", "--libs", "check"], text=True).split() if name == "reach" else []), "-o", out], check=True)
    return out


def sources_below():
    found = []
    for folder in ("host/accounts", "host/accounts/rules", "host/accounts/rules/*", "host/base"):
        found += sorted(glob.glob(folder + "/*.c"))
    return found


def mutants(folder):
    sound = {s: build_object(folder, s, s) for s in SOURCES}
    below = [build_object(folder, s, s) for s in sources_below()]
    driver, unit = (build_object(folder, s, s) for s in ("tests/diff/risk_driver.c", "tests/unit/lab/test_reach.c"))
    for name, file, old, new in MUTANTS[int(os.environ.get("FROM", "0")):]:
        text = open("host/lab/" + file, encoding="utf-8").read()
        if text.count(old) != 1:
            tap.report(False, name, f"the text to change occurs {text.count(old)} times in {file}")
            continue
        wrong = os.path.join(folder, file)
        with open(wrong, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        objects = [build_object(folder, wrong, "wrong") if s.endswith("/" + file) else o for s, o in sound.items()] + below
        what = ""
        try:
            if file in ("paths.c", "var.c"):
                check = judge(link(folder, "judge", [driver] + objects), folder)
                what = "; ".join(n for n, c in check.rows.items() if c[1])
            else:
                p = subprocess.run([link(folder, "reach", [unit] + objects)], capture_output=True, text=True, timeout=300,
                                   env={**os.environ, "CK_FORK": "no"})  # the first failure ends it
                what = (p.stdout.splitlines() or ["stopped"])[-1][:120] if p.returncode else ""
        except (RuntimeError, BrokenPipeError, ValueError, OverflowError, subprocess.TimeoutExpired) as e:
            what = f"stopped: {type(e).__name__}"
        tap.report(bool(what), f"found: {name} # {what[:120]}", "not found")


def main():
    with tempfile.TemporaryDirectory() as folder:
        if "--mutants" in sys.argv:
            mutants(folder)
            tap.finish()
        objects = [build_object(folder, s, s) for s in JUDGED + ["tests/diff/risk_driver.c"]]
        check = judge(link(folder, "judge", objects), folder)
        for name, (n, bad, what) in check.rows.items():
            tap.report(bad == 0, f"{name} # {n} cases", f"{bad} wrong, SEED={SEED}, the first: {what}")
        missing = [x for x in REACHED if not check.seen.get(x)]
        tap.report(not missing, "every branch was reached", missing)
        tap.finish()


if __name__ == "__main__":
    main()
