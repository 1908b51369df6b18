#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of accounts morpho-blue-1, comet-1 and compound-v2-1 (docs/rules.md, "Credit") against the contracts in exact Python
integers (judge_lending.py, judge_isolated.py): health, rows that never miss, sizes that reach their target, settlement to the
last unit. Most accounts stand within a unit of debt of their threshold.

  loans_diff.py             TAP on stdout
  loans_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 700 of each rule), CC (default gcc). Run from the project root.
"""
import collections
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from judge_isolated import Market, Revert, blue_liquidate
from judge_lending import E18, Refused
from loans_cases import BPS, INT64, Case, healthy, make
from loans_mutants import MUTANTS
from rule_kit import ACCOUNT, DEFICIT, LIQUIDATOR, SEED, VENUE, Check, main, parse_rows, row_value, told

CASES = int(os.environ.get("CASES", "700"))
RULES = ("morpho-blue-1", "comet-1", "compound-v2-1")
REACHED = {
    "morpho-blue-1": ("liquidatable", "healthy", "healthy by one unit", "part", "whole", "written off", "seizes all", "refused", "same asset", "no collateral"),
    "comet-1": ("liquidatable", "healthy", "healthy by one unit", "whole", "deficit", "credit left", "sold in part", "ignored supply", "refused"),
    "compound-v2-1": ("liquidatable", "healthy", "healthy by one unit", "part", "close factor", "runs out of collateral", "same market", "refused", "taken", "dust"),
}


# ---- liquidation by the contract: {(party, reserve): amount}, new positions, what happened

def liquidated(case, px, j, c, qty, seen):
    p = {i: list(x) for i, x in case.pos.items()}
    if healthy(case, px):
        raise Refused("healthy")
    if case.rule == "comet-1":
        return absorbed(case, px, j, c, qty, p, seen)
    if case.rule == "compound-v2-1":
        amount = min(qty, case.reserves[j]["credit"][1] * p[j][2] // E18)
        if amount < qty:
            seen["close factor"] += 1
        seen["same market"] += j == c
        got = case.compound(px, j, c, amount).liquidate()
        p[j][2] -= amount
        p[c][1] -= got["seize_tokens"]
        rate = case.reserves[c]["credit"][0]
        seen["taken"] += 1
        return [(LIQUIDATOR, j, -amount), (LIQUIDATOR, c, got["liquidator_tokens"] * rate // E18), (VENUE, c, got["protocol_amount"])], p
    s = case.morpho(px)
    m = Market(s)
    s["order"] = morpho_order(m, s["price"], qty, seen)
    got = blue_liquidate(s)
    if got["repaid_assets"] > qty:
        raise Refused("costs more than the leg")
    p[j][2], p[c][1] = got["after.position_shares"], got["after.position_collateral"]
    seen["written off"] += got["bad_debt_assets"] > 0
    return [(LIQUIDATOR, j, -got["repaid_assets"]), (DEFICIT, j, -got["bad_debt_assets"]), (LIQUIDATOR, c, got["seized"])], p


def morpho_order(m, price, qty, seen):
    """Shares that cost no more than qty, or all the collateral where they would take more."""
    shares = m.shares if qty >= m.assets_up(m.shares) else qty * (m.bs + 10**6) // (m.ba + 1)
    if price and m.assets_down(shares) * m.lif() // E18 * 10**36 // price <= m.coll:
        return {"repay_shares": shares}
    seen["seizes all"] += 1
    return {"seize": m.coll}


def most_of(quote, balance, top):
    """(least x, quote(x)) for the greatest quote(x) <= balance with x <= top; quote rises."""
    lo, hi = 0, 1
    while hi <= top and quote(hi) <= balance:
        lo, hi = hi, hi * 2
    hi = min(hi, top + 1)
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (mid, hi) if quote(mid) <= balance else (lo, mid)
    got = quote(lo)
    a, b = -1, lo
    while b - a > 1:
        mid = (a + b) // 2
        a, b = (mid, b) if quote(mid) < got else (a, mid)
    return b, got


def buying(case, comet, c, top):
    comet.s["pool"] = {"store_front_factor": (10000 - case.reserves[c]["fee"]) * BPS}
    a = next(a for a in comet.assets if a["name"] == c)
    return most_of(lambda x: comet.quote(a, x), a["balance"], top)


def absorbed(case, px, j, c, qty, p, seen):
    comet = case.comet(px)
    got = comet.absorb()
    cost, bought = buying(case, comet, c, qty)
    seen["sold in part"] += bought < p[c][1]
    lost = max(0, -got["balance"] - got["credit"])
    seen["deficit"] += lost > 0
    seen["credit left"] += got["new_principal"] > 0
    flows = [(LIQUIDATOR, j, -cost), (VENUE, j, cost - got["credit"]), (DEFICIT, j, -lost)]
    for a in comet.assets:
        i = a["name"]
        sold = bought if i == c else 0
        flows += [(VENUE, i, a["balance"] - sold), (LIQUIDATOR, i, sold)]
        p[i] = [False, 0, 0]
    p[j] = [False, got["new_principal"], 0]
    return flows, p


def ask_health(k, case, px):
    k.lines += case.px_lines(px)
    have, owed = case.sums(px)
    k.seen[case.rule]["liquidatable" if have < owed else "healthy"] += 1
    k.seen[case.rule]["healthy by one unit"] += 0 <= have - owed <= 1 or have == owed
    want = [str(int(have < owed)), str(have), str(owed)]
    k.ask("health", lambda got: k.that(f"{case.rule}: health", got == want, (got, want, px, told(case))))


def ask_rows(k, case):
    r, warn = case.r, case.r.choice([0, 1000, 50000])
    for a, p in case.px.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
    rows = []
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that(f"{case.rule}: number of rows", len(rows) == 1 + (warn > 0), got))
    probes = [case.px] + [{a: max(1, min(INT64, int(p * r.uniform(0.9999, 1.0001)) + r.randint(-1, 1))) for a, p in case.px.items()} for _ in range(3)]
    for px in probes:
        have, owed = case.sums(px)
        ask_health(k, case, px)

        def judge(got, px=px, have=have, owed=owed):
            lower = row_value(rows[0], px)
            k.that(f"{case.rule}: rows never miss", have >= owed or lower < 0, (rows, px, have, owed, told(case)))
            k.that(f"{case.rule}: compiled rows never miss", have >= owed or int(got[0]) < 0, (got, px, told(case)))
            if case.rule == "morpho-blue-1" and owed and case.backs():
                k.that("morpho-blue-1: rows are exact", (lower < 0) == (have < owed) or abs(rows[0][3][0][1]) >> 150, (rows, px, have, owed, told(case)))
            else:
                unit, slack = row_unit(case)
                gap = (have - owed) * unit - lower
                k.that(f"{case.rule}: rows are below health, and no more than the slack says", 0 <= gap <= 2 * rows[0][2] + slack, (gap, rows, px, told(case)))
            if warn:
                k.that(f"{case.rule}: warnings come first", have * 10**6 >= owed * (10**6 + warn) or row_value(rows[1], px) < 0, (rows, px, told(case)))
        if case.rule == "morpho-blue-1" and not case.backs():
            k.ask("rows 0", lambda got, px=px: k.that("morpho-blue-1: nothing behind a debt", row_value(rows[0], px) < 0, rows))
        else:
            k.ask("hat", judge)


def row_unit(case):
    """A unit of health in a row's, and what floors of debts and coefficients add to the slack."""
    w = max(case.reserves[i]["dec"] for i in case.pos)
    if case.rule == "comet-1":
        return 10**(4 + w), 10**(4 + w)
    return 10**w, len(case.pos) * 10**w + sum(case.px[case.reserves[i]["asset"]] for i in case.pos)


def ask_size(k, case):
    r, px = case.r, case.px
    target = r.choice([1000000, 1010000, 1050000, 1200000, 2000000])
    dust = r.choice([0, 0, 100, 100000])
    seen = k.seen[case.rule]
    if not case.backs():
        seen["no collateral"] += 1

    def size(got):
        if got == ["none"]:
            k.that(f"{case.rule}: a size where there is one", healthy(case, px) or not possible(case, px), told(case))
            return
        k.that(f"{case.rule}: no size of the healthy", not healthy(case, px), told(case))
        full, value, reward, n, j, qty, c, zero = (int(x) for x in got)
        flows, after = liquidated(case, px, j, c, qty, seen)
        paid = -sum(a for p, i, a in flows if p == LIQUIDATOR and a < 0)
        taken = sum(a for p, i, a in flows if p == LIQUIDATOR and a > 0)
        if case.rule == "comet-1":
            best = max(case.worth(i, b, px) - case.worth_up(j, cost, px) for i in case.backs() for cost, b in [buying(case, case.comet(px), i, 2**127)])
            k.that("comet-1: the best of the collaterals", (full, value, reward) == (1, case.sums(px)[1], best) and qty == max(paid, 1), (got, best, told(case)))
            seen["whole"] += 1
            return
        k.that(f"{case.rule}: value and reward", (value, reward) == (case.worth_up(j, paid, px), case.worth(c, taken, px) - case.worth_up(j, paid, px)), (got, told(case)))
        rest = Case(r, case.rule)
        rest.reserves, rest.pos = case.reserves, {i: p for i, p in after.items() if p[1] or p[2]}
        have, owed = rest.sums(px)
        seen["whole" if full else "part"] += 1
        k.that(f"{case.rule}: the target is met, or all is taken", full or have * 10**6 >= owed * target, (got, have, owed, target, told(case)))
        if case.rule == "morpho-blue-1":
            k.that("morpho-blue-1: full is all of the debt", bool(full) == (after[j][2] == 0), (got, after, told(case)))
        if case.rule == "compound-v2-1" and target == 2000000 and len(case.debts()) == 1 and case.reserves[j]["credit"][1] <= E18 // 2:
            k.that("compound-v2-1: the best of the collaterals", reward == best_reward(case, px, j), (got, told(case)))  # none reaches the target
        if case.rule == "compound-v2-1":
            compound_limits(k, case, px, full, j, c, qty, seen)
        left = case.worth_up(j, after[j][2] if case.rule == "compound-v2-1" else rest.sums(px)[1], px) if after[j][2] else dust * 10**8
        if not full:
            k.that(f"{case.rule}: no dust is left", left >= dust * 10**8, (got, left, dust, told(case)))
            tight(k, case, px, target, j, c, qty, got)
        seen["dust"] += full and dust > 0
    k.ask(f"size {target} {dust}", size)


def possible(case, px):
    """Does the contract take an order that is worth one?"""
    if case.rule == "compound-v2-1":
        return any(takes(case, px, j, c) for j in case.debts() for c in case.backs())
    for j in case.debts():
        for c in case.backs():
            for qty in (2**120, 1):
                try:
                    liquidated(case, px, j, c, qty, collections.Counter())
                    return True
                except (Revert, Refused):
                    pass
    return False


def compound_limits(k, case, px, full, j, c, qty, seen):
    worth = {i: case.worth_up(i, case.pos[i][2], px) for i in case.debts()}
    legal = [i for i in case.debts() if any(takes(case, px, i, b) for b in case.backs())]
    k.that("compound-v2-1: the greatest debt that has an order", worth[j] >= max((worth[i] for i in legal), default=0), (j, worth, legal, told(case)))
    most = case.reserves[j]["credit"][1] * case.pos[j][2] // E18
    k.that("compound-v2-1: within the close factor", qty <= most, (qty, most, told(case)))
    if full and qty < most:
        seen["runs out of collateral"] += 1
        try:
            case.compound(px, j, c, qty + 1).liquidate()
            k.that("compound-v2-1: all that the collateral pays for", False, (qty, told(case)))
        except Refused as e:
            k.that("compound-v2-1: all that the collateral pays for", str(e) == "LIQUIDATE_SEIZE_TOO_MUCH", (e, told(case)))


def greatest(case, px, j, c):
    """The greatest order of one collateral's worth of tokens or of the close factor's most, whichever is less."""
    most = case.reserves[j]["credit"][1] * case.pos[j][2] // E18
    lo, hi = 0, most + 1
    while hi - lo > 1:
        mid = (lo + hi) // 2
        try:
            got = case.compound(px, j, c, mid).liquidate()
            lo = mid
        except Refused:
            hi = mid
    return lo


def takes(case, px, j, c):
    lo = greatest(case, px, j, c)
    return lo > 0 and case.compound(px, j, c, lo).liquidate()["seize_tokens"] > 0


def best_reward(case, px, j):
    """Of the greatest orders against each collateral."""
    out = []
    for c in case.backs():
        if takes(case, px, j, c):
            amount = greatest(case, px, j, c)
            tokens = case.compound(px, j, c, amount).liquidate()["liquidator_tokens"]
            out.append(case.worth(c, tokens * case.reserves[c]["credit"][0] // E18, px) - case.worth_up(j, amount, px))
    return max(out)


def tight(k, case, px, target, j, c, qty, got):
    """A repayment of a thousandth less and a few units does not reach the target (unless it is refused)."""
    less = qty - qty // 1000 - allowance(case, px, j, c)
    if less <= 0 or (case.rule == "compound-v2-1" and ratio(case, px, j, c) < 10**5):  # a floored ratio seizes that much less
        return
    try:
        _, after = liquidated(case, px, j, c, less, collections.Counter())
    except (Refused, Revert):
        return
    rest = Case(case.r, case.rule)
    rest.reserves, rest.pos = case.reserves, {i: p for i, p in after.items() if p[1] or p[2]}
    have, owed = rest.sums(px)
    k.that(f"{case.rule}: no more than the target takes", have * 10**6 < owed * target, (got, less, have, owed, target, told(case)))


def ratio(case, px, j, c):
    a, b = (px[case.reserves[i]["asset"]] * 10**(28 - case.reserves[i]["dec"]) for i in (j, c))
    return case.reserves[c]["lb"] * BPS * a // E18 * E18 // (b * case.reserves[c]["credit"][0] // E18)


def allowance(case, px, j, c):
    """Units of the debt that all roundings together can be worth, generously."""
    x, y = case.reserves[j], case.reserves[c]
    if case.rule == "morpho-blue-1":
        back = px[y["asset"]] * 10**x["dec"] // (px[x["asset"]] * 10**y["dec"])
        return 1000 + 1000 * (x["credit"][2] // x["credit"][3] + 1) + 100 * back
    token = y["credit"][0] * px[y["asset"]] // E18 * 10**x["dec"] // (px[x["asset"]] * 10**y["dec"])
    return 1000 + 100 * token + qty_floor(case, px, j)


def qty_floor(case, px, j):
    x = case.reserves[j]
    return 100 * 10**x["dec"] // (px[x["asset"]] * 10**10) + 1


def ask_settle(k, case):
    r, px, seen = case.r, case.px, k.seen[case.rule]
    if not case.debts():
        return
    j = r.choice(case.debts())
    c = r.choice(case.backs() or [j])
    owed = case.pos[j][2] if case.rule != "morpho-blue-1" else case.sums(px)[1]
    qty = max(1, r.choice([r.randint(1, 2 * owed), owed, max(1, owed // 2), r.randint(1, max(1, owed // 1000)), owed * 1000, 1]))
    try:
        if not case.backs():
            raise Refused("nothing to seize")
        flows, after = liquidated(case, px, j, c, qty, seen)
        seen["same asset"] += case.reserves[j]["asset"] == case.reserves[c]["asset"]
        seen["ignored supply"] += any(p[1] and not p[0] for p in case.pos.values())
    except (Refused, Revert):
        flows = None
        seen["refused"] += 1

    def judge(got):
        if flows is None:
            k.that(f"{case.rule}: what the contract refuses", got[0] == "err" and got[1] != "CHANGED", (got, j, c, qty, told(case)))
            return
        if got[0] != "ok":
            k.that(f"{case.rule}: what the contract takes", False, (got, j, c, qty, told(case)))
            return
        n = int(got[1])
        sums, mine = collections.Counter(), collections.Counter()
        for x in range(n):
            party, i, amount = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
            sums[i] += amount
            mine[party, i] += amount
        words = [int(v) for v in got[2 + 3 * n:]]
        pos = {words[2 + 7 * x]: [bool(words[3 + 7 * x]), words[6 + 7 * x], words[7 + 7 * x]] for x in range(words[1])}
        want = {i: p for i, p in after.items() if p[1] or p[2]}
        k.that(f"{case.rule}: positions after it", pos == want, (pos, want, j, c, qty, told(case)))
        k.that(f"{case.rule}: flows sum to zero", not any(sums.values()), (got, told(case)))
        due = collections.Counter()
        for party, i, amount in flows:
            due[party, i] += amount
        for i in case.pos:
            moved = case.holding(i, after) - case.holding(i)
            k.that(f"{case.rule}: the account's flow is what it holds less", mine[ACCOUNT, i] == moved, (got, i, moved, told(case)))
            for party in (LIQUIDATOR, VENUE, DEFICIT):
                k.that(f"{case.rule}: everybody's flow", mine[party, i] == due[party, i], (got, party, i, due[party, i], told(case)))
    k.ask(f"settle 2 {j} {qty} {c} 0", judge)


def drive(k, case):
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that(f"{case.rule}: validates", got == ["ok"], (got, told(case))))
    ask_rows(k, case)
    k.lines += case.px_lines(case.px)
    ask_size(k, case)
    ask_settle(k, case)


def judge(exe, seed, cases, rules=RULES):
    k = Check(RULES)
    for rule in rules:
        r = random.Random(f"{seed} {rule}")
        for _ in range(cases):
            drive(k, make(r, rule))
    k.run(exe)
    return k


def rules_of(file):
    """Those that a wrong version of the file can be seen in."""
    rule = next((r for r, key in zip(RULES, ("morpho", "comet", "compound")) if file and key in file), None)
    return (rule,) if rule else RULES


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, SEED, min(CASES, 500) if file else CASES, rules_of(file)), REACHED, MUTANTS)
