#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cascade of host/lab on tiny books (at most 6 accounts, 2 coins) against judge_cascade.py: every liquidation, price, fund
and account, to the unit. Then what holds for any book of longs in one coin that are closed as a whole: without depth the
breaches are those of the plain prices; however deep the market is, whom they breach is liquidated, no later; where the price
moves once, a deeper one liquidates some of those that a shallower one does, and the mark is not lower. Over several moves that
is not so: COUNTEREXAMPLE. Money is conserved.

  cascade_diff.py             TAP on stdout (about 10 s)
  cascade_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 15 min)

Environment: SEED (default 1), CASES (default 1500), CC (default gcc), CASCADE_DRIVER (a ready driver). Run from the project root.
"""
import os
import random
import subprocess
import sys
import tempfile
from glob import glob

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import judge_aave as ja
import judge_aave_versions as jv
import judge_losses
import judge_perp as jp
import tap
from cascade_mutants import MUTANTS
from judge_cascade import FACTOR, MONEY, Member, World
from judge_depth import Depth
from talk_kit import Checks

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "1500"))
FOLDER = "host/lab/"
SOURCES = [FOLDER + f + ".c" for f in "cascade cascade_box cascade_clip cascade_credit cascade_loss cascade_market cascade_reduce cascade_size depth_curve edge result scenario scenario_path scenario_yaml".split()]
PARTS = SOURCES + ["tests/diff/cascade_driver.c"] + sorted(
    f for f in glob("host/base/*.c") + glob("host/accounts/*.c") + glob("host/accounts/rules/**/*.c", recursive=True) + glob("host/econ/*.c") + glob("host/risk/*.c") + glob("host/exec/exit/*.c"))
WATERFALLS = {r.name: {"rules": r} for r in judge_losses.PRESETS}  # docs/econ/losses.md
WANTED = ["executed", "unpaid", "recovered", "deleveraged", "socialised", "booked", "bad debt", "more than the fund has",
          "more than the depth takes", "state 2", "state 3", "state 4", "state 5", "state 6",
          "lot", "lot reset", "lot that nobody wants", "bid does not pay", "whole lot", "part of a lot", "lot sold short", "lot with something left",
          "given back to who had none of it", "a discount as of health", "the greatest discount", "all at a discount", "a part at a discount", "a discount that does not pay yet",
          "a purchase that finds nobody", "reduced", "a part that the depth does not take", "reduced at a gain", "likely but in liquidation", "deleveraging leaves something over", "a rate rounded up"]
DEEPER = (1, 2, 5, 100)
SUMS = "value slippage keeper fees_in unsold lost from_fund from_adl socialised booked adl_fills refused".split()


def build_object(folder, source, name, flags=()):
    out = os.path.join(folder, name.replace("/", "_") + ".o")
    subprocess.run([os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-Ihost", "-I" + folder, *flags, "-c", source, "-o", out], check=True)
    return out


def link(folder, objects):
    out = os.path.join(folder, "driver")
    subprocess.run([os.environ.get("CC", "gcc"), *objects, "-o", out, "-lyaml", "-lsqlite3", "-lm", "-lz", "-lpthread"], check=True)
    return out


def scenario_table(folder):  # the driver needs no built-in ones
    with open(os.path.join(folder, "lab_scenarios.h"), "w", encoding="utf-8") as f:
        f.write('static const struct { const char *name, *text; } LAB_SCENARIOS[] = {{"none", ""}};\n')


class Driver:
    def __init__(self, exe):
        self.p = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, lines):
        """{first word: [numbers of its lines]}; the last word of all in "end"."""
        self.p.stdin.write("\n".join(["reset"] + lines + ["run"]) + "\n")
        self.p.stdin.flush()
        out = {"event": [], "step": [], "account": [], "sum": [], "auctions": [], "conserved": [], "reduce": [], "reduced": []}
        while True:
            line = self.p.stdout.readline()
            if not line:
                raise RuntimeError("the driver stopped at: " + "\n".join(lines))
            word, _, rest = line.strip().partition(" ")
            if word == "end":
                out["end"] = rest
                return out
            out[word].append([int(x) for x in rest.split()])

    def end(self):
        self.p.stdin.close()
        if self.p.wait() != 0:
            raise RuntimeError("driver: status %d" % self.p.returncode)


# ---- random small worlds

class Case:
    def __init__(self, r, folder, number, simple=False, once=False):
        self.r, self.folder, self.number, self.once = r, folder, number, once
        self.thin = not simple and r.random() < 0.2  # longs and shorts that a little makes bankrupt, all of one coin
        self.steps, self.deep = r.randint(2, 8), r.random() < 0.3 and not simple
        self.horizon = self.steps * r.choice([10, 20, 60])
        self.prices = [r.randint(10**9, 10**12) for _ in range(1 if simple or self.thin else r.choice([1, 2, 2]))]
        self.free = not simple and len(self.prices) == 2 and r.random() < 0.15  # the second asset belongs to no coin
        self.coins = [self.coin(k, simple) for k in range(len(self.prices) - self.free)]
        self.instruments, self.lines, self.members = [], [], []
        for k, p in enumerate(self.prices):
            self.lines.append(f"asset A{k} {p}")
        for k in range(len(self.prices)):
            self.perp(k)
        if len(self.prices) == 2:
            for k in range(2):
                self.reserve(k)
        for n in range(r.randint(5, 9) if self.thin else r.randint(1, 6)):
            self.account(n + 1, simple)
        self.settings(simple)

    def coin(self, k, simple):
        r, f, level = self.r, [FACTOR], 10**6
        for _ in range(self.steps):
            level = max(1000, level - r.randint(-60000, 60000) if self.thin else level - r.choice([0, r.randint(0, 30000), r.randint(-50000, 150000), r.randint(0, 500000) if r.random() < 0.1 else 0]))
            f.append(level * 10**6)
        if simple:
            f = [FACTOR] + ([min(f)] * self.steps if self.once else sorted(f[1:], reverse=True))
        scale = 10**(10 if self.deep else r.randint(2, 7))
        away, levels = 0, []
        for _ in range(r.choice([0, 1, 2, 4])):
            away += r.randint(1, 60000)
            levels.append((away, r.randint(1, scale)))
        pool = r.choice([0, r.randint(1, 10 * scale)]) if scale < 10**10 else 10**11
        path = os.path.join(self.folder, f"path-{self.number}-{k}.csv")
        with open(path, "w", encoding="utf-8") as out:
            out.write("# step,ppm\n" + "".join(f"{i},{x // 10**6}\n" for i, x in enumerate(f)))
        return {"path": path, "factors": f, "levels": levels, "pool": pool, "half": r.choice([0, 1, 3, 10]),
                "depth": "curve" if simple else r.choice(["curve"] * 3 + ["book"] * bool(levels) + ["cpmm"] * bool(pool))}

    def perp(self, k):
        r = self.r
        dec, fee, penalty = r.randint(0, 9), r.choice([0, 500, 2000]), r.choice([0, 2500, 10000])
        tiers = [(0, 10000), (50000 * 10**6, 25000), (10**6 * 10**6, 100000)][:r.randint(1, 3)]
        if r.random() < 0.1:
            penalty = 60000  # a part costs more than it frees
        index = len(self.instruments)
        self.instruments.append(("perp", jp.Perp(jp.LINEAR, index, k, dec, 8, 6, tiers, fee, penalty)))
        self.lines.append(f"perp {k} {dec} {fee} {penalty} {len(tiers)} " + " ".join(f"{a} {b}" for a, b in tiers))

    def reserve(self, k):
        r = self.r
        dec, lt, lb, fee = r.choice([6, 8, 18]), r.choice([7800, 8300, 9300]), r.choice([10200, 10500, 10750]), r.choice([0, 1000])
        li, bi = r.choice([ja.RAY, int(ja.RAY * 1.03)]), r.choice([ja.RAY, int(ja.RAY * 1.1)])
        index = len(self.instruments)
        self.instruments.append(("reserve", jv.RULES["aave-3.5"][0](index, k, dec, lt, lb, fee, 0, 0, 0, li, bi)))
        self.lines.append(f"reserve {k} {dec} {lt} {lb} {fee} {li} {bi}")

    def account(self, number, simple):
        r = self.r
        if not simple and len(self.prices) == 2 and r.random() < 0.5:
            return self.borrower(number)
        perps = [x for kind, x in self.instruments if kind == "perp"]
        held, gross, positions = r.sample(perps, r.randint(1, len(perps))), 0, []
        for p in sorted(held, key=lambda p: p.index):
            worth = 10 ** r.uniform(2, 7)
            size = max(1, int(worth * 10**(p.size_dec + 8) / self.prices[p.asset]))
            size *= 1 if simple or r.random() < (0.5 if self.thin else 0.6) else -1
            positions.append((p, size, int(self.prices[p.asset] * (1 if simple else r.uniform(0.9, 1.1)))))
            gross += abs(size) * self.prices[p.asset] // 10**(p.size_dec + 8)
        a = jp.Account(jp.LINEAR, 6, 0, positions)
        _, equity, need = a.health(dict(enumerate(self.prices)))
        a.cash = int((need - equity) * 10**6) + 1 + int(gross * 10**6 * 10 ** (r.uniform(-3, -1.5) if self.thin else r.uniform(-3, -0.3)))
        self.lines.append(f"account {number} perp-linear-1 {a.cash}")
        self.lines += [f"position {p.index} {s} {e} 0 0 0" for p, s, e in positions]
        self.members.append(Member(number, a))

    def borrower(self, number):
        r, (ra, rb) = self.r, [x for kind, x in self.instruments if kind == "reserve"]
        if r.random() < 0.5:
            ra, rb = rb, ra
        worth = 10 ** r.uniform(2, 6)
        supply = max(1, int(worth * 10**8 * ra.unit / self.prices[ra.asset]))
        share = ra.lt / 10000 * r.choice([r.uniform(0.5, 0.99), 0.995])
        debt = max(1, int(worth * share * 10**8 * rb.unit / self.prices[rb.asset] * ja.RAY / rb.borrow_index)) if hasattr(rb, "borrow_index") else max(
            1, int(worth * share * 10**8 * rb.unit / self.prices[rb.asset] / 1.1))
        positions = {x.index: v for x, v in sorted(((ra, [ra, True, supply, 0]), (rb, [rb, False, 0, debt])), key=lambda y: y[0].index)}
        self.lines.append(f"account {number} aave-3.5 0")
        self.lines += [f"position {i} 0 0 {v[2]} {v[3]} {int(v[1])}" for i, v in positions.items()]
        self.members.append(Member(number, jv.RULES["aave-3.5"][1](0, positions)))

    def settings(self, simple):
        r = self.r
        self.policy = "full" if simple else r.choice(["close_factor", "target", "staged", "full"])
        self.close, self.target, self.dust = r.randint(1, 10**6), r.randint(10**6 + 1, 2 * 10**6), r.choice([0, 100, 5000])
        self.keeper = {"orders": 0, "latency": 0, "gas": 0, "must_pay": False, "spike": (0, 0), "spike_gas": 0, "absent": (0, 0)}
        if not simple:
            a, b = sorted(r.randint(0, self.steps) for _ in range(2))
            self.keeper = {"orders": r.choice([0, 0, 1, 2]), "latency": r.choice([0, 0, 1, 2]), "gas": r.choice([0, 0, 10**6 * r.randint(0, 5000)]),
                           "must_pay": r.random() < 0.4, "spike": (a, b), "spike_gas": 10**6 * r.randint(0, 100000),
                           "absent": r.choice([(0, 0), (a, b)])}
        self.fund = r.choice([0, r.randint(0, 10**4), 10**8])
        self.floor = r.randint(0, self.fund)
        self.clip = None
        if not simple and r.random() < 0.6:
            self.clip = {"buf": r.choice([10**6, 1200000, r.randint(10**6, 2 * 10**6)]), "cut": r.choice([990000, r.randint(300000, 999999)]), "step": r.choice([1, 5, 60]),
                         "tail": r.choice([1, 30, 1000, 10000]), "resets": r.choice([0, 1, 2])}
        self.reduce = None
        if not simple and r.random() < 0.4:
            self.reduce = (r.choice([1, 3, 10, 1000]), r.choice([1, 1000, 100000, 500000, r.randint(1, 999999)]))
        self.discount = 0
        if not simple and not self.clip and r.random() < 0.6:
            self.discount = r.choice([1500, 9999, r.randint(1, 9999)])
        self.fees, self.waterfall = r.random() < 0.5, r.choice(sorted(WATERFALLS) + ["hyperliquid"] * 5 * self.thin)

    def yaml(self, deeper=1, endless=False):
        k = self.keeper
        out = ["name: case", f"seed: {self.number}", "accounts: {generate: 1}", f"horizon_s: {self.horizon}", f"steps: {self.steps}", "coins:"]
        for n, c in enumerate(self.coins):
            out += [f"  - name: C{n}", f"    assets: [A{n}]", f"    path: {{shape: csv, file: {c['path']}}}", f"    half_life: {c['half']}"]
            if c["depth"] != "curve" and not endless:
                out.append(f"    depth: {c['depth']}")
            if c["levels"] and not endless:
                out.append("    book: [" + ", ".join(f"{{away_ppm: {a}, money: {m * deeper}}}" for a, m in c["levels"]) + "]")
            if c["pool"] and not endless:
                out.append(f"    pool: {c['pool'] * deeper}")
        own = {"full": "", "target": f"target_ppm: {self.target}, "}.get(self.policy, f"close_ppm: {self.close}, ")
        out.append(f"policy: {{kind: {self.policy}, {own}dust: {self.dust}}}")
        out.append(f"keeper: {{orders: {k['orders']}, latency: {k['latency']}, gas_cents: {k['gas'] // 10**6}, must_pay: {str(k['must_pay']).lower()}, "
                   f"spike: {{from: {k['spike'][0]}, to: {k['spike'][1]}, gas_cents: {k['spike_gas'] // 10**6}}}, absent: {{from: {k['absent'][0]}, to: {k['absent'][1]}}}}}")
        out.append(f"fund: {{balance: {self.fund}, floor: {self.floor}, fees: {str(self.fees).lower()}}}")
        if self.clip:
            out.append("liquidation: {kind: clip, buf_ppm: %(buf)d, cut_ppm: %(cut)d, step_s: %(step)d, tail_s: %(tail)d, resets: %(resets)d}" % self.clip)
        if self.reduce:
            out.append("reduce: {steps: %d, chance_ppm: %d}" % self.reduce)
        if self.discount:
            out.append(f"liquidation: {{kind: discount, discount_bps: {self.discount}}}")
        return ["|" + x for x in out + [f"waterfall: {self.waterfall}"]]

    def world(self, endless=False):
        coins = [([n], c["factors"], Depth([] if endless or c["depth"] == "cpmm" else [(a, m * MONEY) for a, m in c["levels"]], 0 if endless or c["depth"] == "book" else c["pool"] * MONEY, c["half"]))
                 for n, c in enumerate(self.coins)]
        return World({"start": dict(enumerate(self.prices)), "coins": coins, "policy": self.policy, "close": self.close, "target": self.target, "dust": self.dust,
                      "keeper": self.keeper, "fund": self.fund * MONEY, "floor": self.floor * MONEY, "fees": self.fees, "waterfall": WATERFALLS[self.waterfall],
                      "seed": self.number, "clip": self.clip, "discount": self.discount, "reduce": self.reduce, "steps": self.steps, "horizon": self.horizon}, self.instruments, self.members)


def state(m):
    if m.lending:
        return [m.id, 0] + [x for i, v in sorted(m.a.positions.items()) for x in (i, 0, v[2], v[3], int(v[1]))]
    return [m.id, m.a.cash] + [x for p, s, _ in m.a.positions for x in (p.index, s, 0, 0, 0)]


def check_case(d, check, case):
    lines = case.lines + case.yaml()
    got = d.run(lines)
    what = "\n".join(lines)
    if got["end"] != "ok":
        check("the driver takes the case", False, got["end"], what)
        return
    w = case.world()
    w.told = {(step, i): ppm for step, i, ppm in got["reduce"]}
    w.run()
    check("liquidations: step, round, account, state, value, keeper's money", got["event"] == [list(e) for e in w.events], got["event"], w.events, what)
    check("prices, depth, fund and deficit of each step", got["step"] == w.rows, got["step"], w.rows, what)
    check("accounts at the end", got["account"] == [state(m) for m in w.members], got["account"], [state(m) for m in w.members], what)
    check("sums", got["sum"][0] == [w.sum[k] for k in SUMS], got["sum"][0], w.sum, what)
    h = w.house
    check("auctions: lots, takes, what is left for owners", got["auctions"] == [[len(h.lots), h.takes, h.returned] if h else [0, 0, 0]], got["auctions"], what)
    check("reduced beforehand: times, value, slippage", got["reduced"] == [w.reduced], got["reduced"], w.reduced, what)
    check("by how much: the least share for the chance, to 3 ppm", not w.doubts, w.doubts, what)
    check("auctions add up in the judge too", not h or h.adds_up(), what)
    check("conserved to the unit", got["conserved"] == [[1]], what)
    s = dict(zip(SUMS, got["sum"][0]))
    check("losses add up", s["lost"] == s["from_fund"] + s["from_adl"] + s["socialised"] + s["booked"], s, what)
    check("the fund keeps its floor", all(row[-4] >= case.floor * MONEY for row in got["step"]), what)
    for k, n in w.seen.items():
        check.hit(k, n)


def check_properties(d, check, case):
    """Longs of one coin, closed as a whole, prices that only fall."""
    plain = d.run(case.lines + case.yaml(endless=True))
    first = {}
    for step in range(case.steps + 1):
        px = {0: max(1, case.prices[0] * case.coins[0]["factors"][step] // FACTOR)}
        for m in case.members:
            if m.id not in first and m.a.health(px)[0]:
                first[m.id] = step
    if not WATERFALLS[case.waterfall]["rules"].steps & judge_losses.SOCIAL:  # else a loss may breach others
        check("no feedback: the plain breach set, at its steps", {e[2]: e[0] for e in plain["event"]} == first, plain["event"], first)
        runs = [d.run(case.lines + case.yaml(deeper=k)) for k in DEEPER]
        gone = [{e[2]: e[0] for e in x["event"]} for x in runs]
        what = (gone, first, "\n".join(case.lines + case.yaml()))
        check("whom plain prices breach is liquidated, no later, at any depth", all(n in g and g[n] <= first[n] for g in gone for n in first), *what)
        if case.once:
            check("one move: a deeper market liquidates some of the same accounts", all(set(y) <= set(x) for x, y in zip(gone, gone[1:])), *what)
            marks = [x["step"][1][6] for x in runs]
            check("one move: a deeper market's mark is not lower", marks == sorted(marks), marks, *what)
            check.hit("one move: some are spared", len(gone[0]) > len(gone[-1]))
        check.hit("feedback", len(gone[0]) > len(first))
        check.hit("several moves: more in a deeper market", any(len(y) > len(x) for x, y in zip(gone, gone[1:])))


# Docs: "A deeper market may liquidate more". The shallow one has liquidated the large account early, at a better price from
# outside, and refilled; the deeper one holds it one move longer and then sells it into the same book as a whole.
COUNTEREXAMPLE = ["asset A0 536303750483", "perp 0 0 0 0 1 0 10000"]
COUNTEREXAMPLE_ACCOUNTS = [(294, 189658591669), (15, 2800549781), (1, 890310287)]
COUNTEREXAMPLE_PATH = [1000000, 900488, 884258, 884258, 868550, 868550]


def write_path(folder, ppm):
    path = os.path.join(folder, "fixed.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(f"{i},{x}\n" for i, x in enumerate(ppm)))
    return path


def check_edge_of_box(d, check, folder):
    """An account whose box is wide but was made around an older price, whose edge the present one is near."""
    path = write_path(folder, [1000000, 993348, 993348, 975349, 975349, 975349, 956379])
    text = ["name: x", "accounts: {generate: 1}", "horizon_s: 60", "steps: 6", "policy: {kind: full}", "fund: {balance: 0}", "waterfall: drift", "reduce: {steps: 1, chance_ppm: 1}",
            "coins:", "  - name: C0", "    assets: [A0]", f"    path: {{shape: csv, file: {path}}}"]
    got = d.run(["asset A0 389282097994", "perp 0 6 500 0 2 0 10000 50000000000 25000", "account 1 perp-linear-1 287132914", "position 0 11067853 378650172327 0 0 0"] + ["|" + x for x in text])
    check("likely at the edge of a wide box: reduced by 94,880 ppm", [x[:2] for x in got["reduce"]] == [[1, 1], [3, 1], [6, 1]] and abs(got["reduce"][-1][2] - 94880) <= 3, got)


def check_counterexample(d, check, folder):
    path = write_path(folder, COUNTEREXAMPLE_PATH)
    lines = list(COUNTEREXAMPLE)
    for n, (size, cash) in enumerate(COUNTEREXAMPLE_ACCOUNTS):
        lines += [f"account {n + 1} perp-linear-1 {cash}", f"position 0 {size} 536303750483 0 0 0"]
    order = []
    for k in DEEPER:
        text = ["name: x", "accounts: {generate: 1}", "horizon_s: 60", "steps: 5", "policy: {kind: full}", "fund: {balance: 0}", "waterfall: hyperliquid", "coins:",
                "  - name: C0", "    assets: [A0]", f"    path: {{shape: csv, file: {path}}}", f"    book: [{{away_ppm: 4207, money: {59176 * k}}}, {{away_ppm: 50531, money: {7899 * k}}}]"]
        order.append([(e[0], e[2]) for e in d.run(lines + ["|" + x for x in text])["event"]])
    check("the counterexample: liquidations at depths 1, 2, 5, 100", order == [[(1, 2), (1, 1)], [(1, 2), (2, 1), (2, 3)], [(1, 2), (2, 1), (2, 3)], [(1, 2), (2, 1)]], order)


def judge(exe, folder, cases, until_wrong=False):
    check, r, d = Checks(), random.Random(SEED), Driver(exe)
    for n in range(cases):
        check_case(d, check, Case(r, folder, n))
        if until_wrong and check.failed():
            return check
    for n in range(cases // 3):
        check_properties(d, check, Case(r, folder, cases + n, simple=True, once=n % 2 == 1))
    check_counterexample(d, check, folder)
    check_edge_of_box(d, check, folder)
    d.end()
    return check


def mutants(folder):
    sound = {s: build_object(folder, s, s) for s in PARTS}
    for name, file, old, new in MUTANTS:
        with open(FOLDER + file, encoding="utf-8") as f:
            text = f.read()
        if text.count(old) != 1:
            tap.report(False, name, f"the text to change occurs {text.count(old)} times in {file}")
            continue
        wrong = os.path.join(folder, file)
        with open(wrong, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        try:
            objects = [build_object(folder, wrong, "wrong") if s == FOLDER + file else o for s, o in sound.items()]
            check = judge(link(folder, objects), folder, 1500, until_wrong=True)
            caught, what = bool(check.failed()), "; ".join(n for n, c in check.rows.items() if c[1])
        except (RuntimeError, BrokenPipeError, ValueError) as e:
            caught, what = True, f"stopped: {type(e).__name__}"
        tap.report(caught, f"found: {name} # {what[:120]}", "not found")


def main():
    if sys.argv[1:] not in ([], ["--mutants"]):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    print(f"# cascade_diff SEED={SEED} CASES={CASES}")
    with tempfile.TemporaryDirectory(prefix="cascade_diff.") as folder:
        scenario_table(folder)
        if sys.argv[1:]:
            mutants(folder)
            tap.finish()
        exe = os.environ.get("CASCADE_DRIVER") or link(folder, [build_object(folder, s, s) for s in PARTS])
        check = judge(exe, folder, CASES)
    for name, (n, bad, first) in check.rows.items():
        tap.report(not bad, f"{name} # {n} checks", f"{bad} failed; first: {first}")
    for what in sorted(check.seen):
        print(f"# {check.seen[what]} times: {what}")
    missing = [w for w in WANTED + ["feedback", "one move: some are spared"] if not check.seen.get(w)]
    tap.report(not missing, "every branch that matters was taken", "never: " + ", ".join(missing))
    tap.finish()


if __name__ == "__main__":
    main()
