#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rule of accounts evk-1 (docs/rules.md, "Euler") against the contract in exact Python integers (judge_credit.py): health, cool-off,
rows that never miss over bands and ramps, sizes that reach their target, settlement to the last unit. Most accounts stand within a unit
of debt of their threshold.

  evk_rule_diff.py             TAP on stdout
  evk_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 2500), CC (default gcc). Run from the project root.
"""
import os
import random
import sys
from fractions import Fraction as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import judge_credit  # noqa: E402
from evk_rule_cases import INT64, NS, RAY, make  # noqa: E402
from rule_kit import ACCOUNT, DEFICIT, LIQUIDATOR, POOL, SEED, VENUE, Check, main, parse_rows, parse_settled, row_value, told  # noqa: E402
from evk_rule_mutants import MUTANTS  # noqa: E402

CASES = int(os.environ.get("CASES", "2500"))
REACHED = ["liquidatable", "healthy", "adjusted value equals the liability", "adjusted value one above", "cooling in violation", "cool-off just over",
           "worth nothing owed", "LTV on its ramp", "the ramp's end within a window", "part", "whole", "dust", "no size", "discount at its greatest", "discount 1 - health",
           "worthless collateral", "collateral short", "repay in part", "socialised", "socialising is switched off", "not socialised: another collateral",
           "two collaterals to choose from", "refused: healthy", "refused: E_LiquidationCoolOff", "refused: E_BadCollateral", "no yield for so little", "rounding to the pool",
           "not enabled", "refused state"]


def ask_health(k, case, px, now=None):
    k.lines += case.px_lines(px) + ([f"now {now * NS}"] if now is not None else [])
    x = case.judged(px, now=now)
    owed = x["liability_value"]
    k.seen["liquidatable" if x["liquidatable"] else "healthy"] += 1
    k.seen["cooling in violation"] += x["violation"] and x["cooling"]
    k.seen["worth nothing owed"] += owed == 0
    s = case.state(px, now=now)
    k.seen["cool-off just over"] += x["violation"] and s["cool_off"] > 0 and s["now"] == s["last_status_check"] + s["cool_off"]
    want = [str(int(x["liquidatable"])), str(x["adjusted_value"]), str(owed + 1 if owed else 0)]
    k.ask("health", lambda got: k.that("health", got == want, (got, want, px, now, told(case))))
    return x


def ask_rows(k, case):
    r, warn, span = case.r, case.r.choice([0, 1000, 50000]), case.r.choice([0, 1, 30, 600])
    for a, p in case.px.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
    k.lines.append(f"window {case.now * NS} {(case.now + span) * NS}")
    rows = []
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that("number of rows", len(rows) == 1 + (warn > 0), got))
    w = max(case.reserves[i]["dec"] for i in case.pos)
    up, down = 10**max(0, w - 6), 10**max(0, 6 - w)
    ends = [x["ramp"][2] for x in (case.reserves[i] for i in case.backs()) if x["ramp"]]
    k.seen["the ramp's end within a window"] += any(case.now < e <= case.now + span for e in ends)
    for step in range(4):
        px = case.px if step == 0 else {a: max(1, min(INT64, int(p * r.uniform(0.9999, 1.0001)) + r.randint(-1, 1))) for a, p in case.px.items()}
        now = case.now + r.choice([0, span, r.randint(0, span)])
        x = ask_health(k, case, px, now)
        have, owed = x["adjusted_value"], x["liability_value"] + 1

        def judge(got, px=px, x=x, h=(have - owed) * up, end=now == case.now + span, have=have, owed=owed):
            lower = row_value(rows[0], px) * down
            k.that("rows never miss", not x["violation"] or lower < 0, (rows, px, x, told(case)))
            k.that("compiled rows never miss", not x["violation"] or int(got[0]) < 0, (got, px, told(case)))
            k.that("rows are at or below health", lower <= h, (rows, px, x, told(case)))
            k.that("rows lose no more than their slack", not end or h <= lower + 2 * rows[0][2] * down, (rows, px, x, told(case)))
            if warn:
                k.that("warnings come first", have * 10**6 >= owed * (10**6 + warn) or row_value(rows[1], px) < 0, (rows, px, told(case)))
        k.ask("hat", judge)
    k.lines.append(f"now {case.now * NS}")


def full_calls(case, px):
    """{collateral: the contract's answer to the greatest order} of those that yield something."""
    calls = {i: case.call(px, i) for i in case.backs()}
    return {i: x for i, x in calls.items() if x["refused"] == "" and x["yield"]}


def reward_of(case, px, i, x):
    j = case.debt()
    return case.worth(i, case.tokens(i, x["yield"]), px) - case.worth_up(j, x["repay"], px)


def ask_size(k, case, target, dust):
    px, j = case.px, case.debt()
    x, calls = case.judged(px), full_calls(case, px)

    def size(got):
        if got == ["none"]:
            k.that("a size where there is one", not x["liquidatable"] or not calls, told(case))
            k.seen["no size"] += x["liquidatable"]
            return
        k.that("no size of the healthy", x["liquidatable"], told(case))
        full, value, reward, n, debt, qty, i, zero = (int(v) for v in got)
        y = case.call(px, i, qty)
        k.that("the contract takes the size", y["refused"] == "" and (n, debt, zero) == (2, j, 0), (got, y, told(case)))
        k.that("value and reward", (value, reward) == (case.worth_up(j, y["repay"], px), reward_of(case, px, i, y)), (got, y, told(case)))
        k.that("full is all that is allowed", bool(full) == (y["repay"] == y["max_repay"]), (got, y, told(case)))
        k.that("no more than is allowed", qty == max(1, y["repay"]), (got, y, told(case)))
        k.seen["whole" if full else "part"] += 1
        if dust > 10**11 and case.worth_up(j, case.pos[j][2], px) < 10**20:
            best = max(reward_of(case, px, i, c) for i, c in calls.items())
            k.that("the best of the collaterals", full and reward == best, (got, best, told(case)))
            k.seen["two collaterals to choose from"] += len({reward_of(case, px, i, c) for i, c in calls.items()}) > 1
        if full:
            k.seen["dust"] += dust > 0
            if not dust:
                tight(k, case, x, y, i, qty, target, got)
            return
        after = case.after(i, y)
        left = case.worth_up(j, after[j][2], px) if j in after else dust * 10**8
        k.that("no dust is left", left >= dust * 10**8, (got, left, dust, told(case)))
        z = case.judged(px, after)
        k.that("the target is met", z["adjusted_value"] * 10**6 >= (z["liability_value"] + 1) * target, (got, z, target, told(case)))
        tight(k, case, x, y, i, qty, target, got)
    k.ask(f"size {target} {dust}", size)


def tight(k, case, x, y, i, qty, target, got):
    """No more than the target takes and all roundings together, generously: of the debt's value."""
    j, c = case.debt(), next(c for c, b in zip(case.state(case.px)["collaterals"], case.backs()) if b == i)
    factor, t = F(y["discount_factor"], 10**18), F(target, 10**6)
    weight = F(judge_credit.ltv(c, case.now), 10**4) / factor
    unit = [case.quote(z, n, case.px) + 1 for z, n in ((j, 1), (i, case.tokens(i, 1) + 2))]
    if t <= weight:
        return  # no amount does
    need = (t * (x["liability_value"] + 1) - x["adjusted_value"]) / (t - weight)
    spare = (3 * (2 * unit[0] + 10) / factor + 4 * unit[1] + 40 + 3 * t) / (t - weight) + unit[0] + need * F(3, 10**18) / (t - weight)
    if y["repay"] == y["max_repay"]:
        less = case.call(case.px, i, max(1, int((need + spare) * case.pos[j][2] / x["liability_value"])))
        if not less["yield"]:
            return  # what would do buys nothing
    k.that("no more than the target takes", F(qty * x["liability_value"], case.pos[j][2]) <= need + spare, (got, float(need), float(spare), told(case)))


def ask_settle(k, case):
    r, px, j = case.r, case.px, case.debt()
    i = r.choice(case.backs() or [j])
    owed = case.pos[j][2]
    qty = max(1, r.choice([r.randint(1, 2 * owed), owed, owed // 2, r.randint(1, max(1, owed // 1000)), owed * 1000, 1]))
    x, y = case.judged(px), case.call(px, i, qty) if i in case.backs() else None
    why = "no collateral" if y is None else y["refused"] or ("" if x["violation"] else "healthy")
    k.seen["refused: " + why] += 1

    def judge(got):
        if why:
            k.that("what the contract refuses", got[0] == "err" and got[1] != "CHANGED" and (not why.startswith("E_") or why in got), (got, why, qty, told(case)))
            return
        k.that("what the contract takes", got[0] == "ok", (got, j, i, qty, told(case)))
        flows, pos = parse_settled(got)
        after = case.after(i, y)
        k.that("positions after it", pos == after, (pos, after, qty, told(case)))
        k.that("flows sum to zero", not any(sum(v for (_, s), v in flows.items() if s == z) for z in case.pos), (got, told(case)))
        lost = case.tokens(i, case.pos[i][1]) - case.tokens(i, after.get(i, [0, 0, 0])[1])
        due = {(ACCOUNT, j): y["repay"] + y["socialised"], (LIQUIDATOR, j): -y["repay"], (DEFICIT, j): -y["socialised"],
               (ACCOUNT, i): -lost, (LIQUIDATOR, i): case.tokens(i, y["yield"]), (POOL, i): lost - case.tokens(i, y["yield"])}
        k.seen["rounding to the pool"] += due[POOL, i] > 0
        k.seen["no yield for so little"] += y["repay"] > 0 and y["yield"] == 0
        k.that("everybody's flow", dict(flows) == {p: v for p, v in due.items() if v}, (flows, due, told(case)))
        k.that("the venue has no part", not any(p == VENUE for p, _ in flows), got)
    k.ask(f"settle 2 {j} {qty} {i} 0", judge)


def ask_refused(k, case):
    """States that are none of Euler's."""
    r, j = case.r, case.debt()
    x = case.reserves[j]
    bad = r.choice([f"term {j} max_discount_bps 10000", f"term {j} exchange_rate 1", f"term {j} keep_debt 2", f"state {2**40} 0", f"state {case.last} 1",
                    f"term {j} vault_assets 5\nterm {j} vault_shares 0", f"pos {len(case.reserves)} 0 0 0 0 5", f"rates {j} 0 0 1 0 5", f"ramp {j} 0 0 0 0 9",
                    f"reserve {j} {x['dec']} {x['asset']} 5000 10500 0 0 0 0 {RAY} {RAY}", f"reserve {j} {x['dec']} {x['asset']} 5000 10000 0 0 0 0 {RAY} {RAY + 1}",
                    f"reserve {j} {x['dec']} {x['asset']} 5000 10000 0 0 0 0 {RAY + 1} {RAY}", f"reserve {j} {x['dec']} {x['asset']} 5000 10000 1 0 0 0 {RAY} {RAY}",
                    "big", "supplied debt", "eleven", "coefficient"])
    lines = case.lines()
    if bad == "big":
        lines = [f"pos {j} 0 0 0 0 {2**112}" if line.startswith(f"pos {j} ") else line for line in lines]
    elif bad == "supplied debt":
        lines = [f"pos {j} 1 0 0 5 {case.pos[j][2]}" if line.startswith(f"pos {j} ") else line for line in lines]
    elif bad == "eleven":
        base = len(case.reserves)
        lines += [z for n in range(11) for z in (f"reserve {base + n} 6 0 8000 10000 0 0 0 0 {RAY} {RAY}", f"pos {base + n} 1 0 0 5 0")]
    elif bad == "coefficient":  # of a whole token beside one of 18 decimals
        base = len(case.reserves)
        lines += [f"reserve {base} 0 0 8000 10000 0 0 0 0 {RAY} {RAY}", f"term {base} vault_assets {2**110}", f"term {base} vault_shares 1", f"pos {base} 1 0 0 1 0",
                  f"reserve {base + 1} 18 0 8000 10000 0 0 0 0 {RAY} {RAY}", f"pos {base + 1} 0 0 0 1 0"]
    elif bad.startswith("pos"):
        lines += [f"reserve {len(case.reserves)} 6 0 8000 10000 0 0 0 0 {RAY} {RAY}", bad]
    else:
        lines += bad.split("\n")
    k.lines += lines
    k.seen["refused state"] += 1
    k.ask("validate", lambda got: k.that("refuses what is not Euler's", got[0] == "err", (bad, got, told(case))))


def drive(k, case):
    k.lines += case.lines()
    k.seen["not enabled"] += any(p[1] and not p[0] for p in case.pos.values())
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], (got, told(case))))
    ask_rows(k, case)
    k.lines += case.px_lines(case.px)
    ask_size(k, case, case.r.choice([1000000, 1010000, 1050000, 1200000, 2000000]), case.r.choice([0, 0, 100, 100000]))
    ask_size(k, case, 1000000, 10**12)
    ask_settle(k, case)
    if case.r.random() < 0.15:
        ask_refused(k, case)


def judge(exe, cases=CASES):
    k, r = Check(), random.Random(f"{SEED} evk")
    judge_credit.seen.clear()
    for _ in range(cases):
        drive(k, make(r))
    k.run(exe)
    k.seen.update(judge_credit.seen)
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, min(CASES, 900) if file else CASES), REACHED, MUTANTS)
