#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of accounts maker-dog-1 and liquity-1 (docs/rules.md, "Credit") against the contracts in exact Python integers
(judge_auctions.py, judge_isolated.py, maker_rule_cases.py): health, rows that never miss, what a liquidation takes and pays,
every party's flow, refusals, ranges. Most accounts stand within a unit of their threshold.

  maker_rule_diff.py             TAP on stdout
  maker_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 1000 of each rule), CC (default gcc). Run from the project root.
"""
import collections
import copy
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from maker_rule_cases import (ACCOUNT, DEFICIT, E18, INT64, LIQUIDATOR, POOL, RAY, VENUE, Refused, make, trove_close, trove_sums, vault_bark,
                              vault_holding, vault_sums)
from maker_rule_mutants import MUTANTS
from rule_kit import SEED, Check, main, parse_rows, row_value, told

CASES = int(os.environ.get("CASES", "1000"))
RULES = ("maker-dog-1", "liquity-1")
REACHED = {
    "maker-dog-1": ("liquidatable", "healthy", "healthy by less than a spot", "whole", "partial", "whole for dust", "unlocked gem", "no collateral",
                    "one price for both", "Dog/liquidation-limit-hit", "Dog/dusty-auction-from-partial-liquidation", "Dog/null-auction",
                    "Dog/not-unsafe", "bad legs", "bad market"),
    "liquity-1": ("liquidatable", "healthy", "healthy at the line", "offset", "mixed", "spread", "capped", "recovery", "normal mode", "no collateral",
                  "the same ratio but for rounding", "by the system", "too large for the pool", "claimable", "one price for both",
                  "TroveManager: nothing to liquidate", "TroveManager: Only one trove in the system", "failed arithmetic", "bad legs", "bad market"),
}


def sums(case, px):
    return vault_sums(case, px) if case.rule == "maker-dog-1" else trove_sums(case, px)


# ---- health and rows

def ask_health(k, case, px):
    k.lines += case.px_lines(px)
    have, owed = sums(case, px)
    bad, seen = case.liquidatable(px), k.seen[case.rule]
    k.that("the judges agree with themselves", bad == (have < owed), case.rule, have, owed, bad, px, told(case))
    seen["liquidatable" if bad else "healthy"] += 1
    if case.rule == "maker-dog-1" and case.back() is not None:
        seen["healthy by less than a spot"] += 0 <= have - owed < max(have // case.pos[case.back()][1], 1)
    else:
        seen["healthy at the line"] += have == owed
    k.ask("health", lambda got: k.that(f"{case.rule}: health", got == [str(int(bad)), str(have), str(owed)], got, have, owed, bad, px, told(case)))


def edge_prices(case):
    """Around the greatest price of the collateral at which the account can be liquidated."""
    c = case.back()
    if c is None:
        return []
    asset, lo, hi = case.reserves[c]["asset"], 0, INT64

    def bad(p):
        return case.liquidatable({**case.px, asset: p})
    if not bad(1) or bad(INT64):
        return []
    lo = 1
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (mid, hi) if bad(mid) else (lo, mid)
    return [{**case.px, asset: p} for p in (lo - 1, lo, hi) if p > 0]


def ask_rows(k, case):
    r, warn, rows = case.r, case.r.choice([0, 1000, 50000]), []
    edges = edge_prices(case)
    centre = edges[1] if edges and r.random() < 0.7 else case.px
    for a, p in centre.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that(f"{case.rule}: number of rows", len(rows) == 1 + (warn > 0), got))
    probes = [centre] + (edges if centre is not case.px else []) + [
        {a: max(1, min(INT64, int(p * r.uniform(0.99995, 1.00005)) + r.randint(-1, 1))) for a, p in centre.items()} for _ in range(2)]
    for px in probes:
        have, owed = sums(case, px)
        ask_health(k, case, px)

        def judge(got, px=px, have=have, owed=owed):
            lower = row_value(rows[0], px)
            k.that(f"{case.rule}: rows never miss", have >= owed or lower < 0, rows, px, have, owed, told(case))
            k.that(f"{case.rule}: compiled rows never miss", have >= owed or int(got[0]) < 0, got, px, told(case))
            gap = have - owed - lower
            k.that(f"{case.rule}: rows are as close as they say", close_enough(case, px, rows[0], gap, have, owed), gap, rows, px, told(case))
            k.that(f"{case.rule}: rows name what they change with", set(of_rows(case)) <= {i for i, _ in rows[0][3]}, rows, told(case))
            if warn:
                k.that(f"{case.rule}: warnings come first", have * 10**6 >= owed * (10**6 + warn) or row_value(rows[1], px) < 0, rows, px, told(case))
                k.that(f"{case.rule}: warnings are not early", have * 10**6 < owed * (10**6 + 2 * warn) or row_value(rows[1], px) >= 0
                       or crumbs(case, have, owed), rows, px, told(case))
        k.ask("hat", judge)


def crumbs(case, have, owed):
    """So little that rounding is more than the warning's distance; or the other test's figures."""
    return case.rule == "liquity-1" or case.back() is None or have < 10**4 * (case.pos[case.back()][1] + 2**63)


def of_rows(case):
    """Assets of the reserves whose parameters are in the row."""
    j, c = case.debt(), case.back()
    if c is None:
        return [case.reserves[j]["asset"]]
    return [case.reserves[c]["asset"]] + ([case.reserves[j]["asset"]] if case.rule == "maker-dog-1" else [])


def close_enough(case, px, row, gap, have, owed):
    if case.back() is None:
        return 0 <= gap <= px[case.reserves[case.debt()]["asset"]]
    if case.rule == "maker-dog-1":
        return 0 <= gap <= case.price(px, case.back()) + 2 * case.pos[case.back()][1]
    return gap == 0 and row[2] == 0 or (gap > 0 and trove_twin(case, px))


def trove_twin(case, px):
    (coll, debt), p = (case.pos[case.back()][1], case.pos[case.debt()][2]), case.price(px, case.back()) * 10**10
    t = case.reserves[case.back()]["terms"]
    return coll * p // debt == t["system_coll"] * p // t["system_debt"]


# ---- what a liquidation takes and pays

def executed(case, px):
    """What happens: {full, value, reward, qty, flows {(party, reserve): amount}, positions after, branch}."""
    j, c = case.debt(), case.back()
    after = copy.deepcopy(case.pos)
    if case.rule == "maker-dog-1":
        due, coin, dink, dart, partial, dusty = vault_bark(case, px)
        after[j][2] -= dart
        after[c][1] -= dink
        relieved = vault_holding(case, j, after) - vault_holding(case, j, case.pos)
        flows = {(ACCOUNT, j): relieved, (LIQUIDATOR, j): coin, (VENUE, j): -due - coin, (POOL, j): due - relieved, (ACCOUNT, c): -dink, (VENUE, c): dink}
        return {"full": not partial, "value": case.worth_up(j, due, px), "reward": case.worth(j, coin, px), "qty": due, "flows": flows, "after": after,
                "branch": "partial" if partial else "whole for dust" if dusty else "whole"}
    x, recovery = trove_close(case, px)
    debt, taken = case.pos[j][2], case.pos[c][1] - x["surplus"]
    after[j] = [False, 0, 0]
    after[c] = [False, x["surplus"], 0]
    flows = {(ACCOUNT, j): debt, (LIQUIDATOR, j): 200 * E18, (VENUE, j): -debt - 200 * E18, (ACCOUNT, c): -taken, (LIQUIDATOR, c): x["gas_coll"],
             (VENUE, c): taken - x["gas_coll"]}
    return {"full": True, "value": case.worth_up(j, debt, px), "reward": case.worth(j, 200 * E18, px) + case.worth(c, x["gas_coll"], px), "qty": debt,
            "flows": flows, "after": after, "branch": x["branch"], "recovery": recovery, "surplus": x["surplus"]}


def count(k, case, x, why):
    seen, j, c = k.seen[case.rule], case.debt(), case.back()
    seen["one price for both"] += j is not None and c is not None and case.reserves[j]["asset"] == case.reserves[c]["asset"]
    seen["no collateral"] += c is None
    seen["unlocked gem" if case.rule == "maker-dog-1" else "claimable"] += any(p[1] and not p[0] for p in case.pos.values())
    if x is None:
        seen[why or "failed arithmetic"] += 1
        return
    seen[x["branch"]] += 1
    if case.rule == "liquity-1":
        seen["recovery" if x["recovery"] else "normal mode"] += 1


def count_system(k, case):
    seen, c = k.seen["liquity-1"], case.back()
    if c is None:
        return
    have, owed = trove_sums(case, case.px)
    t, debt = case.reserves[c]["terms"], case.pos[case.debt()][2]
    p = case.price(case.px, c)
    seen["by the system"] += (have, owed) == (t["system_coll"] * p, t["system_debt"] * 150000000) and have < owed <= 10**9 * have
    recovery = t["system_coll"] * p < t["system_debt"] * 150000000
    below = case.pos[c][1] * t["system_debt"] < t["system_coll"] * debt
    seen["the same ratio but for rounding"] += recovery and below and debt <= t["pool_deposits"] and not case.liquidatable(case.px)
    seen["too large for the pool"] += recovery and below and debt > t["pool_deposits"] and not case.liquidatable(case.px)


def ask_size_and_settle(k, case):
    r, px, j, c = case.r, case.px, case.debt(), case.back()
    why, x = None, None
    try:
        x = executed(case, px)
        k.that("the judges agree with themselves", case.liquidatable(px), told(case))
    except Refused as e:
        why = str(e)
        alone = case.rule == "liquity-1" and c is not None and case.pos[c][1] >= case.reserves[c]["terms"]["system_coll"]
        if why in ("Dog/not-unsafe", "TroveManager: nothing to liquidate") and not alone:  # the last trove stays
            k.that("the judges agree with themselves", not case.liquidatable(px), why, told(case))
    count(k, case, x, why)
    if case.rule == "liquity-1":
        count_system(k, case)

    def size(got):
        want = ["none"] if x is None else [str(int(v)) for v in (x["full"], x["value"], x["reward"], 2, j, x["qty"], c, 0)]
        k.that(f"{case.rule}: size", got == want, got, want, why, told(case))
    k.ask(f"size {r.choice([1000000, 1100000, 3000000])} {r.choice([0, 100, 10**9])}", size)
    if c is None:
        k.ask(f"settle 2 {j} 1 {2 if 2 in case.pos else j} 0", lambda got: k.that(f"{case.rule}: nothing to take is refused", got[0] == "err" and got[1] != "CHANGED", got))
        return
    bad_legs(k, case, j, c)
    qty = r.choice([1, x["qty"] if x else 5, r.randint(1, 10**20)])  # the contract takes no amount
    k.ask(f"settle 2 {j} {qty} {c} 0", lambda got: settled(k, case, got, x, why))


def bad_legs(k, case, j, c):
    """Refused, and the account is as it was (the next question finds it)."""
    for legs in (f"1 {j} 5", f"2 {j} 0 {c} 0", f"2 {j} 5 {c} 1", f"2 {c} 5 {j} 0", f"2 {j} 5 {j} 0", f"2 {j} 5 7 0", f"3 {j} 5 {c} 0 {c} 0"):
        k.seen[case.rule]["bad legs"] += 1
        k.ask(f"settle {legs}", lambda got, legs=legs: k.that(f"{case.rule}: legs that are none are refused", got[0] == "err" and got[1] != "CHANGED", legs, got))


def settled(k, case, got, x, why):
    if x is None:
        k.that(f"{case.rule}: what the contract refuses, in its words", got[0] == "err" and got[1] != "CHANGED" and " ".join(got).endswith(why), got, why, told(case))
        return
    if got[0] != "ok":
        k.that(f"{case.rule}: what the contract takes", False, got, told(case))
        return
    n = int(got[1])
    total, mine = collections.Counter(), collections.Counter()
    for i in range(n):
        party, at, amount = (int(v) for v in got[2 + 3 * i:5 + 3 * i])
        total[at] += amount
        mine[party, at] += amount
    words = [int(v) for v in got[2 + 3 * n:]]
    pos = {words[2 + 7 * i]: [bool(words[3 + 7 * i]), words[6 + 7 * i], words[7 + 7 * i]] for i in range(words[1])}
    want = {i: p for i, p in x["after"].items() if p[1] or p[2]}
    k.that(f"{case.rule}: positions after it", pos == want, pos, want, told(case))
    k.that(f"{case.rule}: flows sum to zero", not any(total.values()), got, told(case))
    due = {at: v for at, v in x["flows"].items() if v}
    k.that(f"{case.rule}: everybody's flow", dict(mine) == due, dict(mine), due, told(case))
    k.that(f"{case.rule}: nobody's deficit", not any(p == DEFICIT for p, _ in mine), got)


# ---- what is no such account

def wrong_vaults():
    def reserve(i, **kw):
        return lambda s: s.reserves[i].update(kw)

    def term(i, name, v):
        return lambda s: s.reserves[i]["terms"].update({name: v})
    return [("lt_bps must be 0", reserve(1, lt=1)), ("in 18 decimals", reserve(1, dec=8)), ("in 18 decimals", reserve(0, dec=6)),
            ("liquidity_index must be 1", reserve(1, li=RAY + 1)), ("1 or more", term(1, "liquidation_ratio", RAY - 1)), ("1 or more", term(1, "liquidation_ratio", 0)),
            ("chop must be", term(1, "chop", E18 - 1)), ("chop must be", term(1, "chop", 2 * E18 + 1)), ("chop must be", term(1, "chip", E18 + 1)),
            ("needs hole", term(1, "hole", 0)), ("needs hole", term(1, "hole", 2**105)), ("needs hole", term(1, "debt_dust", 2**105)),
            ("needs hole", term(1, "dirt", 2**105)), ("needs hole", term(1, "tip", 2**105)), ("needs total_hole", term(0, "total_hole", 0)),
            ("needs total_hole", term(0, "total_hole", 2**105)), ("needs total_hole", term(0, "total_dirt", 2**105)), ("system_coll", term(1, "system_coll", 1)),
            ("supply out of range", lambda s: s.pos.update({1: [True, 2**92, 0]})),
            ("debt out of range", lambda s: s.pos.update({0: [False, 0, 2**(195 - s.reserves[0]["bi"].bit_length())]}))]


def wrong_troves():
    def reserve(i, **kw):
        return lambda s: s.reserves[i].update(kw)
    return [("lt_bps must be 0", reserve(1, lt=11000 // 2)), ("18 decimals", reserve(1, dec=8)), ("indexes must be 1", reserve(1, li=RAY + 1)),
            ("indexes must be 1", reserve(0, bi=RAY + 1)), ("system_coll", lambda s: s.reserves[1]["terms"].update(system_coll=0)),
            ("system_coll", lambda s: s.reserves[1]["terms"].update(system_debt=0)), ("hole", lambda s: s.reserves[1]["terms"].update(hole=1)),
            ("below 2^112", lambda s: s.reserves[1]["terms"].update(system_coll=2**112)), ("below 2^112", lambda s: s.reserves[1]["terms"].update(system_debt=2**112)),
            ("below 2^112", lambda s: s.reserves[1]["terms"].update(pool_deposits=2**112)),
            ("out of range", lambda s: s.pos.update({1: [True, 2**112, 0]})), ("out of range", lambda s: s.pos.update({0: [False, 0, 2**112]}))]


BOTH = [("one debt", lambda s: s.pos.update({2: [False, 0, 5]})), ("one debt", lambda s: s.pos.update({0: [False, 3, s.pos[0][2]]})),
        ("one collateral", lambda s: (s.pos.update({2: [True, 5, 0]}), s.reserves[2]["terms"].update(s.reserves[1]["terms"])))]


def ask_wrong(k, rule, r):
    """Each breakage of a good account is refused, naming it; a range's last value is taken."""
    for words, spoil in (wrong_vaults() if rule == "maker-dog-1" else wrong_troves()) + BOTH:
        case = make(r, rule)
        while case.back() is None or 2 in case.pos:
            case = make(r, rule)
        spoil(case)
        k.seen[rule]["bad market"] += 1
        k.lines += case.lines()
        k.ask("validate", lambda got, case=case, words=words: k.that(f"{rule}: refuses what it does not judge", got[0] == "err" and words in " ".join(got), got, words, told(case)))
        if words not in [w for w, _ in BOTH]:
            ask_within(k, rule, case, words)


def ask_within(k, rule, case, words):
    answers = []
    for i in (0, 1):
        k.ask(f"within {i} {case.pos[i][1].bit_length()} {case.pos[i][2].bit_length()}", lambda got: answers.append(got[0]))
    k.ask("reciprocal 1 0 0", lambda got: k.that(f"{rule}: new parameters that refuse accounts are told", "0" in answers, words, answers, told(case)))


def drive(k, case):
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that(f"{case.rule}: validates", got == ["ok"], got, told(case)))
    for i, p in case.pos.items():
        if p[0] or p[2]:
            k.ask(f"within {i} {p[1].bit_length()} {p[2].bit_length()}", lambda got: k.that(f"{case.rule}: parameters that fit are within", got == ["1"], got, told(case)))
    ask_rows(k, case)
    k.lines += case.px_lines(case.px)
    ask_size_and_settle(k, case)


def judge(exe, seed, cases, rules=RULES):
    k = Check(RULES)
    for rule in rules:
        r = random.Random(f"{seed} {rule}")
        ask_wrong(k, rule, r)
        for _ in range(cases):
            drive(k, make(r, rule))
    k.run(exe)
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, SEED, min(CASES, 600) if file else CASES, ("liquity-1" if "liquity" in file else "maker-dog-1",) if file else RULES), REACHED, MUTANTS)
