#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rule of accounts aave-v4-1 (docs/rules.md, "Aave V4") against the contract in exact Python integers (judge_credit.py): health, rows
that are health to the last unit, sizes that reach their target, settlement with premium, fee and deficit to the last unit. Most accounts
stand within a unit of debt of their threshold.

  aave_v4_rule_diff.py             TAP on stdout
  aave_v4_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 2500), CC (default gcc). Run from the project root.
"""
import collections
import os
import random
import sys
from fractions import Fraction as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import judge_credit  # noqa: E402
from aave_v4_rule_cases import E18, INT64, RAY, make, make_limit  # noqa: E402
from aave_v4_rule_mutants import MUTANTS  # noqa: E402
from rule_kit import ACCOUNT, DEFICIT, LIQUIDATOR, POOL, SEED, VENUE, Check, main, parse_rows, row_value, told  # noqa: E402

CASES = int(os.environ.get("CASES", "2500"))
REACHED = ["liquidatable", "healthy", "health 1", "health just below 1", "bonus at its greatest", "bonus grows", "debt: to the target", "debt: all owed", "debt dust",
           "collateral dust", "collateral too little", "fee", "premium repaid in part", "premium and some of the drawn", "offset of a later index", "shares without premium",
           "premium without shares", "part", "whole", "dust", "part refused for its dust", "no size", "two debts", "two collaterals to choose from", "deficit",
           "deficit in another reserve", "no deficit: other collateral", "supply and debt in one reserve", "rounding to the pool", "not enabled", "factor 0",
           "refused: HealthFactorNotBelowThreshold", "refused: CollateralCannotBeLiquidated", "refused: MustNotLeaveDust", "refused: no collateral", "refused state", "at the limit: accepted", "at the limit: refused",
           "at the limit: refused, and the contract reverts", "at the limit: settled"]


def ask_health(k, case, px):
    k.lines += case.px_lines(px)
    x = case.health(px)
    k.seen["liquidatable" if x[0] else "healthy"] += 1
    want = [str(int(x[0])), str(x[1]), str(x[2])]
    k.ask("health", lambda got: k.that("health", got == want, (got, want, px, told(case))))
    return x


def ask_rows(k, case):
    r, warn = case.r, case.r.choice([0, 1000, 50000])
    for a, p in case.px.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
    rows = []
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that("number of rows", len(rows) == 1 + (warn > 0), got))
    w = max(case.reserves[i]["dec"] for i in case.pos)
    named = {case.reserves[i]["asset"] for i in case.backs() + case.debts()}
    k.ask(f"rows {warn}", lambda got: k.that("every asset it depends on is named", {a for a, _ in rows[0][3]} == named, (got, told(case))))
    for step in range(4):
        px = case.px if step == 0 else {a: max(1, min(INT64, int(p * r.uniform(0.9999, 1.0001)) + r.randint(-1, 1))) for a, p in case.px.items()}
        bad, have, owed = ask_health(k, case, px)

        def judge(got, px=px, bad=bad, have=have, owed=owed):
            k.that("rows are health to the last unit", row_value(rows[0], px) * 10**(18 - w) == have - owed, (rows, px, told(case)))
            k.that("rows never miss", not bad or row_value(rows[0], px) < 0, (rows, px, told(case)))
            k.that("compiled rows never miss", not bad or int(got[0]) < 0, (got, px, told(case)))
            if warn:
                k.that("warnings come first", have * 10**6 >= owed * (10**6 + warn) or row_value(rows[1], px) < 0, (rows, px, told(case)))
                k.that("warnings no earlier", have * 10**6 < owed * (10**6 + warn) or row_value(rows[1], px) >= 0, (rows, px, told(case)))
        k.ask("hat", judge)


def full_calls(case):
    """{debt: {collateral: the contract's answer to the greatest order}} of those that yield something."""
    calls = {j: {i: case.call(case.px, j, i) for i in case.backs()} for j in case.debts()}
    calls = {j: {i: x for i, x in of.items() if x["refused"] == "" and x["received"]} for j, of in calls.items()}
    return {j: of for j, of in calls.items() if of}


def reward_of(case, j, i, x):
    return case.worth(i, x["received"]) - case.worth_up(j, x["repay"])


def ask_size(k, case, target, dust):
    bad, calls = case.health(case.px)[0], full_calls(case)
    best_debt = max(calls, key=lambda j: (case.worth_up(j, case.owed(j)), -j)) if calls else None

    def size(got):
        if got == ["none"]:
            k.that("a size where there is one", not bad or not calls, told(case))
            k.seen["no size"] += bad
            return
        k.that("no size of the healthy", bad, told(case))
        full, value, reward, n, j, qty, i, zero = (int(v) for v in got)
        k.that("the debt of greatest worth", (n, j, zero) == (2, best_debt, 0), (got, best_debt, told(case)))
        k.seen["two debts"] += len(calls) > 1
        y, most = case.call(case.px, j, i, qty), calls[j][i]
        k.that("the contract takes the size", y["refused"] == "" and y["repay"] == qty and y["received"] > 0, (got, y, told(case)))
        k.that("value and reward", (value, reward) == (case.worth_up(j, qty), reward_of(case, j, i, y)), (got, y, told(case)))
        k.that("full is all that is allowed", bool(full) == (qty == most["repay"]), (got, y, most, told(case)))
        k.seen["whole" if full else "part"] += 1
        if dust >= 10**12 and case.worth_up(j, case.owed(j)) < dust * 10**8:
            best = max(reward_of(case, j, b, c) for b, c in calls[j].items())
            k.that("the best of the collaterals", full and reward == best, (got, best, told(case)))
            k.seen["two collaterals to choose from"] += len({reward_of(case, j, b, c) for b, c in calls[j].items()}) > 1
        if full:
            k.seen["dust"] += dust > 0
            if not dust:
                tight(k, case, j, i, qty, target, True, got)
            return
        tight(k, case, j, i, qty, target, False, got)
        after = case.after(j, i, y)
        left = case.owed(j, after) if j in after else 0
        k.that("no dust is left", left == 0 or case.worth_up(j, left) >= dust * 10**8, (got, left, dust, told(case)))
        _, have, owed = case.health(case.px, after)
        k.that("the target is met", have * 10**6 >= owed * target, (got, have, owed, target, told(case)))
    k.ask(f"size {target} {dust}", size)


def tight(k, case, j, i, qty, target, full, got):
    """No more than the target takes and all roundings together, generously."""
    _, have, owed = case.health(case.px)
    d, c, full_call = case.reserves[j], case.reserves[i], case.call(case.px, j, i)
    t, weight = F(target, 10**6), F(full_call["bonus"] * c["cf"], 10**8)
    unit = {z: case.px[case.reserves[z]["asset"]] * 10**(22 - case.reserves[z]["dec"]) for z in (i, j)}
    if t <= weight:
        return  # no amount does
    terms = c["terms"]
    share = (terms.get("added_assets", 0) + 10**6) // (terms.get("added_shares", 0) + 10**6)
    need = (t * owed - have) / (t - weight)
    spare = (t * (d["index"] // RAY + 4) * unit[j] + (share + 5) * unit[i] * F(c["cf"], 10**4)) / (t - weight) + 2 * unit[j]
    if full:
        enough = int((need + spare) / unit[j]) + 1
        if enough < full_call["repay"]:
            less = case.call(case.px, j, i, enough)
            tiny = case.call(case.px, j, i, max(1, int(need / unit[j])))
            k.seen["part refused for its dust"] += less["refused"] == "MustNotLeaveDust"
            k.that("whole only where a part will not do", less["refused"] != "" or tiny["refused"] != "" or not tiny["received"], (got, less, enough, told(case)))
        return
    k.that("no more than the target takes", qty * unit[j] <= need + spare, (got, float(need), float(spare), told(case)))


def parse_settled(got):
    """{(party, instrument): amount}, {instrument: [enabled, supply, debt, size, funding]}"""
    n, flows = int(got[1]), collections.Counter()
    for x in range(n):
        party, i, amount = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
        flows[party, i] += amount
    w = [int(v) for v in got[2 + 3 * n:]]
    return flows, {w[p]: [bool(w[p + 1]), w[p + 4], w[p + 5], w[p + 2], w[p + 6]] for p in range(2, 2 + 7 * w[1], 7)}


def due_flows(case, j, i, y):
    due = collections.Counter()
    between, after = case.after(j, i, y, True), case.after(j, i, y)
    moved = case.owed(j) - case.owed(j, between)
    lost = case.supplied(i) - case.supplied(i, between)
    due.update({(ACCOUNT, j): moved})
    due.update({(LIQUIDATOR, j): -y["repay"]})
    due.update({(POOL, j): y["repay"] - moved})
    for key, v in (((ACCOUNT, i), -lost), ((LIQUIDATOR, i), y["received"]), ((VENUE, i), y["fee"]), ((POOL, i), lost - y["seize"])):
        due[key] += v
    if y["deficit"]:
        for z in case.debts():
            due[ACCOUNT, z] += case.owed(z, between)
            due[DEFICIT, z] -= case.owed(z, between)
    return {p: v for p, v in due.items() if v}, after


def ask_settle(k, case):
    r, j = case.r, case.r.choice(case.debts())
    i = r.choice(case.backs() or list(case.pos)) if r.random() < 0.9 else r.choice(list(case.pos))
    owed, full = case.owed(j), case.call(case.px, j, i)
    qty = min(2**126, max(1, r.choice([r.randint(1, 2 * owed + 1), owed, owed // 2, full["repay"], full["repay"], full["repay"] - 1, owed * 1000, -(-full["premium"] // RAY) // 2, -(-full["premium"] // RAY)])))
    y = case.call(case.px, j, i, qty)
    why = "no collateral" if i not in case.backs() else y["refused"]
    k.seen["refused: " + why] += 1
    k.seen["supply and debt in one reserve"] += any(p[1] and p[2] for p in case.pos.values())

    def judge(got):
        if why:
            named = why[0].isupper()
            k.that("what the contract refuses", got[0] == "err" and got[1] != "CHANGED" and (not named or why in got), (got, why, qty, told(case)))
            return
        k.that("what the contract takes", got[0] == "ok", (got, j, i, qty, told(case)))
        flows, pos = parse_settled(got)
        due, after = due_flows(case, j, i, y)
        k.that("positions after it", pos == after, (pos, after, qty, told(case)))
        k.that("flows sum to zero", not any(sum(v for (_, s), v in flows.items() if s == z) for z in case.pos), (got, told(case)))
        k.seen["rounding to the pool"] += any(p == POOL for p, _ in due)
        k.that("everybody's flow", {p: v for p, v in flows.items() if v} == due, (flows, due, j, i, qty, told(case)))
        if j in after and after[j][2]:
            s, place = case.spoke(case.px, after)
            left = s.debt(s.r[place[j]])[1]
            k.that("the premium is what was not repaid", left == y["premium"] - y["premium_ray_repaid"], (left, y, told(case)))
    k.ask(f"settle 2 {j} {qty} {i} 0", judge)


def ask_refused(k, case):
    """States that are none of Aave V4's."""
    r, j = case.r, case.debts()[0]
    x = case.reserves[j]
    base = f"reserve {j} {x['dec']} {x['asset']} "
    bad = r.choice([f"term {j} target_health {E18 - 1}", f"term {j} target_health 0", f"term {j} max_bonus_health {E18}", f"term {j} bonus_factor_bps 10001", f"term {j} exchange_rate 1",
                    f"term {j} added_assets 5\nterm {j} added_shares 0", f"rates {j} 0 0 1 0 5", f"ramp {j} 5 0 0 9 0", f"ramp {j} 0 0 0 0 9",
                    base + f"10000 10000 0 0 0 0 {RAY} {RAY}", base + f"5000 9999 0 0 0 0 {RAY} {RAY}", base + f"5000 20000 0 0 0 0 {RAY} {RAY}", base + f"5000 10000 0 0 0 0 {RAY + 1} {RAY}",
                    "pos -1 0", f"pos {2**120} 0", f"pos 0 1", "premium without debt", "offset without debt", "big", "big supply", "whole tokens", "33"])
    lines = case.lines()
    n = len(case.reserves)
    own = [f"term {n} {name} {v}" for name, v in x["terms"].items() if v and not name.startswith("added")]
    spare = [f"reserve {n} 18 0 8000 10000 0 0 0 0 {RAY} {RAY}"] + own
    if bad.startswith("pos"):
        size, offset = bad.split()[1:]
        lines = [f"pos {j} 0 {size} 0 0 {case.pos[j][2]} {offset}" if line.startswith(f"pos {j} ") else line for line in lines]
    elif bad == "premium without debt":
        lines += spare + [f"pos {n} 1 5 0 5 0 0"]
    elif bad == "offset without debt":
        lines += spare + [f"pos {n} 1 0 0 5 0 -1"]
    elif bad == "big":
        lines = [f"pos {j} 0 0 0 0 {2**120} 0" if line.startswith(f"pos {j} ") else line for line in lines]
    elif bad == "big supply":
        lines += spare + [f"pos {n} 1 0 0 {2**112} 0 0"]
    elif bad == "whole tokens":  # too many of them
        lines += spare + [f"reserve {n + 1} 0 0 8000 10000 0 0 0 0 {RAY} {RAY}"] + [s.replace(f"term {n} ", f"term {n + 1} ") for s in own] + [
            f"pos {n} 1 0 0 1 0 0", f"pos {n + 1} 1 0 0 {2**53} 0 0"]
    elif bad == "33":
        lines += [z for q in range(33) for z in [f"reserve {n + q} 6 0 8000 10000 0 0 0 0 {RAY} {RAY}"] + [s.replace(f"term {n} ", f"term {n + q} ") for s in own] + [f"pos {n + q} 1 0 0 5 0 0"]]
    else:
        lines += bad.split("\n")
    k.lines += lines
    k.seen["refused state"] += 1
    k.ask("validate", lambda got: k.that("refuses what is not Aave V4's", got[0] == "err", (bad, got, told(case))))


def drive(k, case):
    k.lines += case.lines()
    k.seen["not enabled"] += any(p[1] and not p[0] for p in case.pos.values())
    k.seen["factor 0"] += any(case.reserves[i]["cf"] == 0 for i in case.backs())
    for i in case.debts():
        size, offset = case.pos[i][3:]
        k.seen["offset of a later index"] += size * case.reserves[i]["index"] < offset * 10**(9 + case.reserves[i]["dec"])
        k.seen["premium without shares"] += size == 0 and offset < 0
        k.seen["shares without premium"] += size > 0 and size * case.reserves[i]["index"] == offset * 10**(9 + case.reserves[i]["dec"])
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], (got, told(case))))
    ask_rows(k, case)
    k.lines += case.px_lines(case.px)
    ask_size(k, case, case.r.choice([1000000, 1000000, 1010000, 1050000, 1200000, 2000000]), case.r.choice([0, 0, 100, 100000]))
    ask_size(k, case, 1000000, 10**12)
    ask_settle(k, case)
    if case.r.random() < 0.2:
        ask_refused(k, case)


def drive_limit(k, case):
    """What the rule accepts it can work out at every price: the contract's own arithmetic goes through, the row is health to the unit."""
    k.lines += case.lines()
    accepted, rows = [], []
    k.ask("validate", lambda got: accepted.append(got == ["ok"]))
    for a in case.px:
        k.lines.append(f"grid {a} {INT64 // 2} 900000")
    try:
        want = case.health(case.px)
    except judge_credit.Arithmetic:
        want = None
    w = max(case.reserves[i]["dec"] for i in case.pos)
    j, i = case.debts()[0], (case.backs() or case.debts())[-1]

    def health(got):
        k.seen["at the limit: " + ("accepted" if accepted[0] else "refused")] += 1
        k.seen["at the limit: refused, and the contract reverts"] += want is None
        good = want and got == [str(int(want[0])), str(want[1]), str(want[2])]
        k.that("what is accepted can be judged at every price", good if accepted[0] else got == ["refused"], (got, want, told(case)))
    k.ask("health", health)

    def row(got):
        if accepted[0]:
            rows.extend(parse_rows(got))
            k.that("its row is exact", row_value(rows[0], case.px) * 10**(18 - w) == want[1] - want[2], (got, want, told(case)))
    k.ask("rows 50000", row)
    k.ask("hat", lambda got: k.that("its row compiles", not accepted[0] or got[0] != "err", (got, told(case))))

    def settled(got):
        if accepted[0] and got[0] == "ok":
            k.seen["at the limit: settled"] += 1
            k.that("offsets stay in their range", all(abs(p[4]) < 2**100 for p in parse_settled(got)[1].values()), (got, told(case)))
    k.ask(f"settle 2 {j} {case.r.choice([1, 10**6, 2**90, 2**126])} {i} 0", settled)


def judge(exe, cases=CASES):
    k, r = Check(), random.Random(f"{SEED} aave v4")
    judge_credit.seen.clear()
    for _ in range(cases):
        drive(k, make(r))
        drive_limit(k, make_limit(r))
    k.run(exe)
    k.seen.update(judge_credit.seen)
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, min(CASES, 700) if file else CASES), REACHED, MUTANTS)
