#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rule of accounts morpho-pre-liquidation-1 (docs/rules.md, "Pre-liquidation") against the contracts in exact Python integers
(judge_isolated.py): health, exact rows, sizes that reach their target or the contract's most, settlement to the last unit below and above
Morpho's own threshold. Most positions stand within a share of a threshold, or between the two.

  prel_rule_diff.py             TAP on stdout
  prel_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 2500), CC (default gcc). Run from the project root.
"""
import os
import random
import sys
from fractions import Fraction as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from rule_kit import ACCOUNT, DEFICIT, LIQUIDATOR, POOL, SEED, Check, main, parse_rows, parse_settled, row_value, told  # noqa: E402
from judge_isolated import Revert  # noqa: E402
from prel_rule_cases import BPS, INT64, W, make  # noqa: E402
from prel_rule_mutants import MUTANTS  # noqa: E402

CASES = int(os.environ.get("CASES", "2500"))
REACHED = ["liquidatable", "healthy", "healthy by a hair", "between", "above the LLTV", "the contract's most", "part", "whole", "dust", "no size", "written off",
           "refused", "no collateral", "not enabled", "rounding to the pool", "the target takes all", "no shares left", "refused state"]


def ask_health(k, case, px):
    k.lines += case.px_lines(px)
    have, owed = case.sums(px)
    k.seen["liquidatable" if have < owed else "healthy"] += 1
    k.seen["healthy by a hair"] += 0 <= have - owed <= 1
    want = [str(int(have < owed)), str(have), str(owed)]
    k.ask("health", lambda got: k.that("health", got == want, (got, want, px, told(case))))
    return have, owed


def ask_rows(k, case):
    r, warn, rows = case.r, case.r.choice([0, 1000, 50000]), []
    for a, p in case.px.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that("number of rows", len(rows) == 1 + (warn > 0), got))
    for step in range(4):
        px = case.px if step == 0 else {a: max(1, min(INT64, int(p * r.uniform(0.9999, 1.0001)) + r.randint(-1, 1))) for a, p in case.px.items()}
        have, owed = ask_health(k, case, px)

        def judge(got, px=px, have=have, owed=owed):
            lower = row_value(rows[0], px)
            k.that("rows are exact", (lower < 0) == (have < owed), (rows, px, have, owed, told(case)))
            k.that("compiled rows never miss", have >= owed or int(got[0]) < 0, (got, px, told(case)))
            if warn:
                k.that("warnings come first", have * 10**6 >= owed * (10**6 + warn) or row_value(rows[1], px) < 0, (rows, px, told(case)))
        if case.back() is None:
            k.ask("rows 0", lambda got, px=px: k.that("nothing behind a debt", row_value(rows[0], px) < 0, rows))
        else:
            k.ask("hat", judge)


def takes(case, px, qty):
    try:
        case.liquidated(px, qty, Check().seen)
        return True
    except Revert:
        return False


def possible(case, px):
    return takes(case, px, 2**127) or takes(case, px, 1)


def ask_size(k, case):
    r, px, j = case.r, case.px, case.debt()
    target, dust = r.choice([1000000, 1000000, 1010000, 1050000, 2000000]), r.choice([0, 0, 100, 100000])
    have, owed = case.sums(px)

    def size(got):
        if got == ["none"]:
            k.that("a size where there is one", have >= owed or case.back() is None or not possible(case, px), told(case))
            k.seen["no size"] += have < owed
            k.seen["no collateral"] += case.back() is None
            return
        k.that("no size of the healthy", have < owed, told(case))
        full, value, reward, n, debt, qty, c, zero = (int(v) for v in got)
        x, after = case.liquidated(px, qty, k.seen)
        paid = x["repaid_assets"]
        k.that("legs", (n, debt, c, zero) == (2, j, case.back(), 0), got)
        k.that("value and reward", (value, reward) == (case.worth_up(j, paid, px), case.worth(c, x["seized"], px) - case.worth_up(j, paid, px)), (got, told(case)))
        if case.owned(px):
            return  # morpho-blue-1's: loans_diff.py
        lif, most = case.terms(px)
        k.that("full is all that the contract lets go", bool(full) == (x["repaid_shares"] == min(most, case.pos[j][2])), (got, x, told(case)))
        k.seen["whole" if full else "part"] += 1
        k.seen["dust"] += full and dust > 0
        k.that("a full order's leg is what it repays", not full or qty == paid, (got, x, told(case)))
        if not full:
            rest, left = case.sums(px, after)
            k.that("the target is met", rest * 10**6 >= left * target, (got, rest, left, target, told(case)))
            k.that("no dust is left", case.worth_up(j, owed - qty, px) >= dust * 10**8, (got, told(case)))
        y, t, weight = case.reserves[j], F(target, 10**6), F(lif, W) * F(case.reserves[c]["pre"]["lltv"], W)
        if full and (dust or t <= weight):
            return
        need = (t * owed - have) / (t - weight)
        spare = (t * (y["assets"] // y["shares"] + 4) + 6 + need * F(4, W)) / (t - weight) + 2
        if full and not takes(case, px, int(need) + 1):
            return  # what would do seizes nothing
        k.seen["the target takes all"] += full and qty > need - spare
        k.that("no more than the target takes", qty <= max(1, need + spare), (got, float(need), float(spare), told(case)))
    k.ask(f"size {target} {dust}", size)


def ask_settle(k, case):
    r, px, j = case.r, case.px, case.debt()
    c, owed = case.back(), case.sums(px)[1]
    qty = max(1, r.choice([r.randint(1, 2 * owed), owed, owed // 2, r.randint(1, max(1, owed // 1000)), owed * 1000, 1]))
    try:
        if c is None:
            raise Revert("nothing to seize")
        x, after = case.liquidated(px, qty, k.seen)
    except Revert as e:
        x = None
        k.seen["refused"] += 1
        k.seen["refused: " + str(e)] += 1

    def judge(got):
        if x is None:
            k.that("what the contracts refuse", got[0] == "err" and got[1] != "CHANGED", (got, qty, told(case)))
            return
        k.that("what the contracts take", got[0] == "ok", (got, j, c, qty, told(case)))
        flows, pos = parse_settled(got)
        k.that("positions after it", pos == after, (pos, after, qty, told(case)))
        relieved = case.holding(j, after) - case.holding(j, case.pos)
        due = {(ACCOUNT, j): relieved, (LIQUIDATOR, j): -x["repaid_assets"], (DEFICIT, j): -x["bad_debt_assets"],
               (POOL, j): x["repaid_assets"] + x["bad_debt_assets"] - relieved, (ACCOUNT, c): -x["seized"], (LIQUIDATOR, c): x["seized"]}
        k.seen["written off"] += x["bad_debt_assets"] > 0
        k.seen["rounding to the pool"] += due[POOL, j] != 0
        k.seen["no shares left"] += x["after.position_shares"] == 0
        k.that("everybody's flow", dict(flows) == {p: v for p, v in due.items() if v}, (flows, due, told(case)))
        k.that("flows sum to zero", not any(sum(v for (_, s), v in flows.items() if s == z) for z in case.pos), (got, told(case)))
    k.ask(f"settle 2 {j} {qty} {j if c is None else c} 0", judge)


def ask_refused(k, case):
    r, c = case.r, case.back()
    if c is None:
        return
    pre, lltv = case.reserves[c]["pre"], case.reserves[c]["lt"] * BPS
    bad = r.choice([("lltv", lltv), ("lltv", 0), ("lif1", W - 1), ("lif1", pre["lif2"] + 1), ("lif2", W * W // lltv + 1), ("lcf1", W + 1), ("lcf2", 0)])
    k.seen["refused state"] += 1
    k.lines += case.lines() + [f"term {c} pre_{bad[0]} {bad[1]}"] + (["term %d pre_lcf2 %d" % (c, 2 * W)] if bad == ("lcf1", W + 1) else [])
    k.ask("validate", lambda got: k.that("refuses what is no contract", got[0] == "err", (bad, got, told(case))))
    k.lines += ["account morpho-blue-1 - 0 0 0"] + [x for x in case.lines() if x.startswith("pos")]
    k.ask("validate", lambda got: k.that("morpho-blue-1 refuses its terms", got[0] == "err", (got, told(case))))


def drive(k, case):
    k.lines += case.lines()
    k.seen["not enabled"] += any(p[1] and not p[0] for p in case.pos.values())
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], (got, told(case))))
    ask_rows(k, case)
    k.lines += case.px_lines(case.px)
    ask_size(k, case)
    ask_settle(k, case)
    if case.r.random() < 0.15:
        ask_refused(k, case)


def judge(exe, cases=CASES):
    k, r = Check(), random.Random(f"{SEED} prel")
    for _ in range(cases):
        drive(k, make(r))
    return k.run(exe)


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, min(CASES, 900) if file else CASES), REACHED, MUTANTS)
