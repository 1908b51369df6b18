# SPDX-License-Identifier: Apache-2.0
"""host/risk/outlook.c and host/run/expect.c against formulas of docs/lab/prediction.md: variances mixed, trend, jumps, calibration
in floats; what a session learns of prices in exact integers; and that a probability never falls with less health.
SEED, CASES; --mutants: wrong versions must be found (outlook_mutants.py)."""
import math
import os
import random
import subprocess
import sys
import tempfile
from fractions import Fraction as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from predict_diff import Checks, Driver

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", 3000))
OTHERS = [f"host/risk/{x}.c" for x in ("breach", "breach_math", "breach_next", "breach_table", "vol")] + ["host/base/wide.c", "host/base/u256.c"]
SOURCES = ["host/risk/outlook.c", "host/run/expect.c"]
SIGMA, PPM, SECOND, CERTAIN, LOG = 2**24, 10**6, 10**9, 2**32, 2**48
FAST, MIDDLE, LONG = range(3)
NEVER = 2**32 - 1
DAY_NS = 86400 * SECOND
MOST = 4096 * SIGMA
WANTED = ["breached", "plain", "as it is", "calibrated", "fast counts", "long counts", "trend counts", "trend capped", "fall", "rise", "no side", "reach never",
          "odds held", "burst held", "certain", "never", "jump certain", "trend kept", "trend of chance", "trend of the other sign", "move held", "sampled too soon", "no price", "forgotten hour"]


def build(folder, changed=None):
    args = []
    for s in OTHERS + SOURCES + ["tests/diff/outlook_driver.c"]:
        if changed and s == changed[0]:
            s = os.path.join(folder, os.path.basename(s))
            with open(s, "w", encoding="utf-8") as f:
                f.write(changed[1])
        if os.path.exists(s):
            args.append(s)
    exe = os.path.join(folder, "driver")
    subprocess.run(os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-Ihost", "-I.", "-Idrivers", *INCLUDES, *args, "-o", exe], check=True, capture_output=True)
    return exe


INCLUDES = ["-I" + os.path.join(os.environ.get("B", "build"), "gen")]


# ---- the formulas

def above(x):
    return math.erfc(x / math.sqrt(2)) / 2


def passage(d, m):
    if d <= 0:
        return 1.0
    m = max(-4.0, min(4.0, m))
    return min(1.0, above(d + m) + math.exp(min(700, -2 * m * d)) * above(d - m))


def mixture(d, m, scale, wild, ratio):
    s, r = (scale or PPM) / PPM, (ratio or PPM) / PPM
    p = passage(d / s, m / s)
    if wild:
        p = (1 - wild / PPM) * p + wild / PPM * passage(d / s / r, m / s / r)
    return p if d < 4096 else 0.0


class Look:
    def __init__(self, r):
        def far():
            return r.choice((int(10 ** r.uniform(-2, 1.3) * SIGMA), int(r.uniform(0.05, 6) * SIGMA)))
        d = far()
        self.d = [max(1, min(MOST, int(d * r.choice((1, 1, r.uniform(0.1, 8)))))) for _ in range(3)]
        if r.random() < 0.02:
            self.d = [0, 0, 0]
        if r.random() < 0.02:
            self.d[r.randrange(3)] = MOST
        if r.random() < 0.02:
            self.d = r.choice(([1, d, MOST], [1, 1, 1]))
        self.drift = r.choice((0, r.randrange(-4 * SIGMA, 4 * SIGMA + 1)))
        self.reach = r.choice((NEVER, r.randrange(1, 400000), r.randrange(1, 2 * 10**9), 0))
        self.side = r.choice((-1, 1, 0, 1))

    def words(self):
        return [*self.d, self.drift, self.reach, self.side]


class Fit:
    def __init__(self, r, plain=False):
        self.tail = r.choice(((PPM, 0, PPM), (0, 0, 0), (700000, 0, PPM), (r.randrange(300000, 3 * PPM), r.randrange(1, 300000), r.randrange(PPM, 10 * PPM))))
        self.fast, self.long = r.choice(((0, 0), (r.randrange(0, 500001), r.randrange(0, 500001)), (500000, 500000)))
        self.drift = r.choice((0, PPM, r.randrange(PPM)))
        self.falls, self.rises, self.jump = (r.choice((0, r.randrange(1, 10**6), r.randrange(1, 10**9))) for _ in range(3))
        self.jump = min(self.jump, PPM)
        self.cal = [0, PPM, 0, 0, 0]
        if r.random() < 0.7:
            self.cal = [r.randrange(-5 * PPM, 5 * PPM), r.randrange(0, 2 * PPM), -r.randrange(0, 3 * PPM), r.randrange(-4 * PPM, 4 * PPM), r.randrange(-PPM, PPM)]
        if plain:
            self.fast = self.long = self.drift = self.falls = self.rises = 0
            self.cal = [0, PPM, 0, 0, 0]
        elif r.random() < 0.3:  # each coefficient alone
            alone = r.randrange(5)
            self.cal = [c if i == alone else (PPM if i == 1 else 0) for i, c in enumerate(self.cal)]

    def words(self):
        return [*self.tail, self.fast, self.long, self.drift, self.falls, self.rises, self.jump, *self.cal]

    def plain(self):
        return not (self.fast or self.long or self.drift or self.falls or self.rises or self.cal != [0, PPM, 0, 0, 0])


def clip(x, most):
    return max(-most, min(most, x))


def mixed(l, f):
    shares = [f.fast / PPM, 1 - (f.fast + f.long) / PPM, f.long / PPM]
    v = sum(s / (d / SIGMA) ** 2 for s, d in zip(shares, l.d))
    d = min(4096.0, 1 / math.sqrt(v)) if v else 4096.0
    return d, clip(l.drift / SIGMA * f.drift / PPM * d / (l.d[MIDDLE] / SIGMA), 4)


def jump(l, f, horizon):
    rate = f.falls if l.side > 0 else f.rises if l.side < 0 else 0
    if not rate or not f.jump or l.reach == NEVER:
        return 0.0
    return -math.expm1(-rate / 1000 * horizon / DAY_NS) * math.exp(-l.reach / f.jump)


def note(check, l, f, p):
    see = check.seen
    see["plain"] += f.plain()
    see["as it is" if f.cal == [0, PPM, 0, 0, 0] else "calibrated"] += 1
    see["fast counts"] += f.fast > 0
    see["long counts"] += f.long > 0
    see["trend counts"] += f.drift > 0 and l.drift != 0
    see["fall" if l.side > 0 else "rise" if l.side < 0 else "no side"] += 1
    see["reach never"] += l.reach == NEVER
    see["certain"] += p == CERTAIN
    see["never"] += p == 0


def judge_one(r, drv, check):
    l, f = Look(r), Fit(r, r.random() < 0.05)
    horizon = r.choice((SECOND, 10 * SECOND, 60 * SECOND, r.randrange(1, DAY_NS + 1)))
    d, m, odds, far, burst, trend, j, p, plain = drv.ask("judge", horizon, *l.words(), *f.words())
    note(check, l, f, p)
    what = (l.words(), f.words(), horizon, d, m, p)
    check("plain", plain == f.plain(), *what)
    if min(l.d) <= 0:
        check.seen["breached"] += 1
        check("breached: certain", p == CERTAIN and d == 0 and m == 0, *what)
        return
    wd, wm = mixed(l, f)
    check.seen["trend capped"] += abs(wm) == 4
    check("variances mixed", abs(d - wd * SIGMA) <= 2 + wd * SIGMA * 1e-7, wd * SIGMA, *what)
    check("trend in the mixed sigmas", abs(m - wm * SIGMA) <= 4 + abs(wm) * SIGMA * 1e-6 + abs(l.drift / l.d[MIDDLE]) * 4, wm * SIGMA, *what)
    model = mixture(d / SIGMA, m / SIGMA, *f.tail)
    at = model if 0 < model < 1 else 2.0**-40
    want = clip(math.log(at / (1 - at)) if 0 < model < 1 else (12 if model >= 1 else -12), 12)
    check.seen["odds held"] += abs(want) == 12
    quantum = (3 * 2.0**-32 + 2.0**-20) / (max(model, 2.0**-33) * max(1 - model, 2.0**-33))
    if quantum < 0.5 or abs(want) == 12:
        check("log odds", abs(odds / LOG - want) <= 2.0**-20 + (quantum if abs(want) < 12 else 1e-5), want, odds / LOG, *what)
    check("distance's logarithm", abs(far / LOG - math.log1p(d / SIGMA)) < 1e-6, *what)
    wb = clip(math.log(l.d[LONG] / l.d[FAST]), 8)
    check.seen["burst held"] += abs(wb) == 8
    check("burst", abs(burst / LOG - wb) < 1e-9, wb, burst / LOG, *what)
    check("trend", trend == l.drift * 2**24, *what)
    wj = jump(l, f, horizon)
    check.seen["jump certain"] += wj > 0.999
    check("jumps", abs(j - wj * CERTAIN) <= 3, wj * CERTAIN, j, *what)
    x = clip(sum(c / PPM * v for c, v in zip(f.cal, (1, odds / LOG, far / LOG, burst / LOG, trend / LOG))), 22)
    pc = model if f.cal == [0, PPM, 0, 0, 0] else 1 / (1 + math.exp(-x))
    want = 1 - (1 - pc) * (1 - j / CERTAIN)
    check("probability", abs(p / CERTAIN - want) <= 2.0**-20, want, p / CERTAIN, *what)
    less = Look(r)
    share = r.uniform(0.3, 1)
    less.d = [max(1, int(x * share)) for x in l.d]
    less.drift, less.side, less.reach = l.drift, l.side, l.reach if l.reach == NEVER else int(l.reach * share)
    if MOST not in l.d:
        q = drv.ask("judge", horizon, *less.words(), *f.words())[7]
        check("never falls with less health", q >= p - 2**8, q, p, less.words(), *what)


# ---- what an account looks like

def see_one(r, drv, check):
    n, unit = r.choice((1, 2, 5)), 10 ** r.randrange(4, 17)
    e = [r.randrange(-unit, unit + 1) * r.choice((1, 1, 0)) for _ in range(n)]
    vol = [[int(10 ** r.uniform(-6, -2.5) * LOG) for _ in range(3)] for _ in range(n)]
    drift = [r.randrange(-2**52, 2**52) for _ in range(n)]
    health = r.choice((r.randrange(1, unit), -1, 2**62))
    words = [x for i in range(n) for x in (e[i], *vol[i], drift[i])]
    _, reach, side, *same = drv.ask("see", 10 * SECOND, health, n, *words)
    check("distances are those of each variance", same == [1, 1, 1], words)
    s = sum(a * v[LONG] for a, v in zip(e, vol))
    most = max((v[LONG] for a, v in zip(e, vol) if a), default=0)
    want = F(max(health, 0) * most * PPM, abs(s)) if s else F(2**40)
    check("side", side == (s > 0) - (s < 0), side, words)
    check("reach", reach == NEVER if want >= NEVER else abs(reach - want) <= 1 + want / 2**60, reach, float(want), health, words)


# ---- what prices teach

def div(a, b):
    return abs(a) // b * (1 if a >= 0 else -1)


USUAL = 184467440737


class Learner:
    def __init__(self):
        self.at, self.px, self.asset = 0, {}, {}

    def sample(self, px, now, check):
        dt = now - self.at
        if self.at and dt < SECOND:
            check.seen["sampled too soon"] += 1
            return
        for i, p in enumerate(px):
            if p <= 0:
                check.seen["no price"] += 1
                continue
            a = self.asset.setdefault(i, {"middle": 0, "fast": USUAL, "long": USUAL, "mean": 0, "drift": 0, "seen": 0, "changed": 0})
            if i in self.px and self.at:
                self.learn(a, self.px[i], p, dt, check)
            if self.px.get(i, 0) != p:
                a["changed"] = now
            self.px[i] = p
        self.at = now

    def learn(self, a, was, p, dt, check):
        r = div((p - was) * 2**32, was)
        check.seen["move held"] += abs(r) > 2**31
        r = clip(r, 2**31)
        mean_of = lambda v, memory: max(1, min(2**64 - 1, (v * memory + r * r * SECOND) // (memory + dt)))
        a["middle"] = mean_of(a["middle"] or USUAL, 60 * SECOND)
        a["fast"] = mean_of(a["fast"], 5 * SECOND)
        check.seen["forgotten hour"] += a["seen"] >= 3595 * SECOND
        a["long"] = mean_of(a["long"], min(3600 * SECOND, a["seen"] + 5 * SECOND))
        a["mean"] = div(a["mean"] * 10 * SECOND + r * 2**32 * SECOND, 10 * SECOND + dt)
        a["seen"] = min(3600 * SECOND, a["seen"] + dt)
        size = abs(a["mean"])
        left = min(2**56 - 1, max(0, size - a["fast"] * 2**64 // (5 * size))) if size else 0
        check.seen["trend kept" if left else "trend of chance"] += 1
        a["drift"] = left if a["mean"] > 0 else -left
        check.seen["trend of the other sign"] += a["drift"] < 0


def learn_many(r, drv, check, series):
    for _ in range(series):
        drv.ask("reset")
        me, now, n = Learner(), r.randrange(1, 10**18), r.randrange(1, 5)
        px = [r.choice((10**4, 10**9, 10**13)) for _ in range(n)]
        pull, wild = r.choice((0, 0, -0.002, 0.002)), r.choice((1e-4, 1e-3, 0.3))
        for _ in range(60):
            shown = [0 if r.random() < 0.02 else p for p in px]
            got = drv.ask("sample", now, n, *shown)
            me.sample(shown, now, check)
            for i in range(n):
                a = me.asset.get(i)
                variance, fast, long, mean, drift, changed, vols = got[7 * i:7 * i + 7]
                if not a:
                    continue
                check("variance of a minute", variance == a["middle"], variance, a)
                check("fast and long variance", (fast, long) == (a["fast"], a["long"]), fast, long, a)
                check("mean of moves", mean == a["mean"], mean, a)
                check("trend above chance", drift == a["drift"], drift, a)
                check("when it changed", changed == a["changed"], changed, a)
                check("roots of variances", vols == 1, a)
            now += r.choice((SECOND, SECOND, SECOND // 2, 3 * SECOND, 10**8, 600 * SECOND))
            px = [p if r.random() < 0.2 else max(1, int(p * math.exp(pull + r.gauss(0, wild)))) for p in px]


def run_all(exe, cases, seed):
    r, drv, check = random.Random(seed), Driver(exe), Checks()
    try:
        for _ in range(cases):
            judge_one(r, drv, check)
            if r.random() < 0.3:
                see_one(r, drv, check)
        learn_many(r, drv, check, max(4, cases // 100))
    finally:
        drv.p.stdin.close()
        drv.p.wait()
    return check


def main():
    with tempfile.TemporaryDirectory(prefix="outlook.") as folder:
        if "--mutants" in sys.argv:
            from outlook_mutants import MUTANTS
            found = 0
            for name, file, old, new in MUTANTS:
                path = next(s for s in SOURCES if s.endswith(file))
                text = open(path, encoding="utf-8").read()
                if text.count(old) != 1:
                    tap.report(False, f"{name}: the text occurs {text.count(old)} times")
                    continue
                try:
                    check = run_all(build(folder, (path, text.replace(old, new))), max(200, CASES // 3), SEED)
                    bad = any(row[1] for row in check.rows.values())
                except (RuntimeError, ValueError, OSError):
                    bad = True
                found += bad
                tap.report(bad, name)
            print(f"# {found} of {len(MUTANTS)} found")
            tap.finish()
            return
        print(f"# SEED={SEED} CASES={CASES}")
        check = run_all(build(folder), CASES, SEED)
        for name, (n, bad, what) in check.rows.items():
            tap.report(bad == 0, f"{name}: {n} times", what)
        for name in WANTED:
            print(f"# {check.seen[name]} times: {name}")
        tap.report(all(check.seen[name] for name in WANTED), "every branch that matters was taken", [n for n in WANTED if not check.seen[n]])
        tap.finish()


if __name__ == "__main__":
    main()
