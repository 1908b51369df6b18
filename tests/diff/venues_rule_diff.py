#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of accounts binance-usdm-1 and hyperliquid-1 (docs/rules.md, "Venues") against the venues' pages in exact fractions
(venues_rule_cases.py): health to the last quantum, rows that never miss, orders by stage, lot and cooldown, every party's flow, refusals,
how far new parameters move a row. Most accounts stand within a quantum of a limit.

  venues_rule_diff.py             TAP on stdout
  venues_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 1200 of each rule), CC (default gcc). Run from the project root.
"""
import collections
import os
import random
import sys
from fractions import Fraction as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from judge_venues import PPM
from venues_rule_cases import BN, HL, INT64, Case, Refused
from venues_rule_mutants import MUTANTS
from rule_kit import SEED, Check, main, parse_rows, row_value, told

CASES = int(os.environ.get("CASES", "1200"))
RULES = (BN, HL)
REACHED = {
    BN: ("liquidatable", "compiled", "healthy", "equity is maintenance", "take over", "left over", "lack", "refused", "chord", "one tier", "moved by a rate"),
    HL: ("liquidatable", "compiled", "healthy", "equity is maintenance", "equity is two thirds", "equity is zero", "book", "backstop", "adl", "left over", "lack", "refused", "chord", "one tier",
         "small: whole", "notional is the limit", "part", "part of a lot", "whole in the cooldown", "part after the cooldown", "settled in part", "settled whole", "more than is sent", "moved by a rate"),
}


def ask_health(k, case, px):
    h, unit, seen = case.health(px), 10**case.k * case.scale(), k.seen[case.rule]
    seen["liquidatable" if h["broken"] else "healthy"] += 1
    seen["equity is maintenance"] += h["equity"] == h["mm"]
    seen["equity is two thirds"] += h["equity"] * 3 == h["mm"] * 2
    seen["equity is zero"] += h["equity"] == 0
    k.lines += case.px_lines(px)
    want = [str(int(h["broken"])), str(h["equity"] * unit), str(h["mm"] * unit)]
    k.ask("health", lambda got: k.that(f"{case.rule}: health", got == want, (got, want, px, told(case))))
    return h


# ---- rows

def ask_rows(k, case):
    r, warn = case.r, case.r.choice([0, 1000, 50000, 10**6])
    bands, rows = {}, []
    for a, p in case.px.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
        k.ask(f"band {a}", lambda got, a=a: bands.__setitem__(a, (int(got[0]), int(got[1]))))
    bent = any(len(case.ins[i].floors) > 1 for i in case.pos)
    k.ask("bends", lambda got: k.that(f"{case.rule}: rows bend where there are tiers", got == [str(int(bent))], (got, told(case))))
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that(f"{case.rule}: number of rows", len(rows) == 1 + (warn > 0) and [x[0] for x in rows] == [0, 1][:len(rows)], got))
    for spread in (0, .00005, .00005, .009, .15):
        px = {a: max(1, min(INT64, int(p * r.uniform(1 - spread, 1 + spread)))) if spread else p for a, p in case.px.items()}
        h = ask_health(k, case, px)
        k.ask("hat", lambda got, px=px, h=h: judge_row(k, case, px, h, rows, bands, warn, got))
    for hi in (0, 1):
        px = {}
        k.ask(f"edge {hi} {len(case.px)}", lambda got, px=px: px.update(enumerate(map(int, got))))
        k.ask("hat", lambda got, px=px: judge_row(k, case, px, case.health(px), rows, bands, warn, got))


def judge_row(k, case, px, h, rows, bands, warn, hat):
    if not all(bands[case.ins[i].asset][0] <= px[case.ins[i].asset] <= bands[case.ins[i].asset][1] for i in case.pos):
        return
    lower, unit = F(row_value(rows[0], px)), 10**case.k * case.scale()
    k.that(f"{case.rule}: rows never miss", not h["broken"] or lower < 0, (rows, px, h, told(case)))
    k.seen[case.rule]["compiled"] += hat[0] != "err"
    k.that(f"{case.rule}: compiled rows never miss", hat[0] == "err" or not h["broken"] or int(hat[0]) < 0, (hat, px, told(case)))
    gap = (h["equity"] - h["mm"]) * unit - lower
    straight = all(len({tier_at(case, i, b) for b in bands[case.ins[i].asset]}) == 1 for i in case.pos)
    k.seen[case.rule]["one tier" if straight else "chord"] += 1
    if straight:
        k.that(f"{case.rule}: rows are exact within a tier", gap == 0 and rows[0][2] == 0, (gap, rows, px, told(case)))
    else:
        most = sum(chord_gap(case, i, bands[case.ins[i].asset]) for i in case.pos) * unit + sum(hi - lo for lo, hi in bands.values()) * len(case.pos)
        k.that(f"{case.rule}: rows are below health, and no more than a chord is", 0 <= gap <= most, (gap, most, rows, px, told(case)))
    if warn:
        k.that(f"{case.rule}: warnings come first", h["equity"] * PPM >= h["mm"] * (PPM + warn) or row_value(rows[1], px) < 0, (rows, px, told(case)))
        if straight:
            exact = (h["equity"] * PPM - h["mm"] * (PPM + warn)) * unit
            k.that(f"{case.rule}: warnings are exact within a tier", row_value(rows[1], px) == exact, (rows, exact, px, told(case)))


def tier_at(case, i, p):
    x = case.ins[i]
    return x.tiers(case.rule).at(F(abs(case.pos[i][0]) * p, 10**(x.sd + x.pd)))


def chord_gap(case, i, band):
    """The most that a chord over the band lies above the maintenance: (difference of rates) (width) / 4."""
    x, tiers = case.ins[i], case.ins[i].tiers(case.rule)
    rates = [tiers.rates[tier_at(case, i, p)] for p in band]
    return (rates[1] - rates[0]) * F(abs(case.pos[i][0]) * (band[1] - band[0]), 10**(x.sd + x.pd)) / 4


# ---- size and settlement

def ask_size(k, case):
    px, seen, r = case.px, k.seen[case.rule], case.r
    k.lines += case.px_lines(px)
    stage = case.stage(px)
    seen[stage] += 1
    policy = f"{r.choice([1000000, 1050000, 2000000])} {r.choice([0, 100, 10**6])}"
    if stage == "none":
        k.ask("size " + policy, lambda got: k.that(f"{case.rule}: no size of the healthy", got == ["none"], (got, told(case))))
        return
    legs = case.legs(px, seen)
    value = sum(q * px[x.asset] * 10**8 // 10**(x.sd + x.pd) for i, q in legs for x in [case.ins[i]])
    full = all(q == abs(case.pos[i][0]) for i, q in legs)
    want = [int(full), value, 0, len(legs)] + [v for leg in legs for v in leg]
    k.ask("size " + policy, lambda got: k.that(f"{case.rule}: size", [int(v) for v in got] == want, (got, want, told(case))))


def some_legs(case, px):
    r, seen = case.r, collections.Counter()
    legs = case.legs(px, seen)
    what = r.random()
    i = r.randrange(len(legs))
    name, q = legs[i]
    size, lot = abs(case.pos[name][0]), case.ins[name].lot or 1
    if what < .4:
        return legs
    if what < .55:
        return [(n, abs(case.pos[n][0])) for n, _ in legs]
    if what < .62:
        return legs[:i] + legs[i + 1:]
    if what < .67:
        return [legs[i]]
    if what < .7:
        return legs + [legs[i]]
    if what < .73:
        return [(len(case.ins), 1)] + legs[1:]
    q = r.choice([q + 1, q - 1, q + lot, q - lot, size, size + 1, 0, lot, max(1, size // 5), max(1, q // 2), r.randint(1, size)])
    return legs[:i] + [(name, max(0, q))] + legs[i + 1:]


def ask_settle(k, case):
    px, seen = case.px, k.seen[case.rule]
    legs = some_legs(case, px)
    words = f"{len(legs)} " + " ".join(f"{i} {q}" for i, q in legs)
    try:
        want = case.settled(px, legs, seen)
    except Refused:
        want = None
        seen["refused"] += 1
    if case.stage(px) != "none":
        k.ask("takes " + words, lambda got: k.that(f"{case.rule}: takes what settles", got == [str(int(want is not None))], (got, words, told(case))))

    def judge(got):
        if want is None or got[0] != "ok":
            k.that(f"{case.rule}: what is refused", want is None and got[0] == "err" and got[1] != "CHANGED", (got, words, told(case)))
            return
        flows, cash, pos, _ = want
        n = int(got[1])
        mine = collections.Counter()
        for x in range(n):
            party, instrument, amount = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
            mine[party] += amount
            k.that(f"{case.rule}: flows are of cash", instrument == -1, got)
        after = [int(v) for v in got[2 + 3 * n:]]
        k.that(f"{case.rule}: everybody's flow", mine == collections.Counter({p: v for p, v in flows.items() if v}), (got, flows, words, told(case)))
        k.that(f"{case.rule}: flows sum to zero", sum(mine.values()) == 0, (got, told(case)))
        have = {after[2 + 7 * x]: [after[4 + 7 * x], after[5 + 7 * x], after[8 + 7 * x]] for x in range(after[1])}
        k.that(f"{case.rule}: the account after it", after[0] == cash and have == {i: list(p) for i, p in pos.items()}, (got, cash, pos, words, told(case)))
    k.ask("settle " + words, judge)
    state = case.state if want is None else want[3]
    k.ask("memory", lambda got: k.that(f"{case.rule}: what it remembers", [int(v) for v in got] == list(state), (got, state, words, told(case))))


def ask_shift(k, case):
    """One position of one tier, and another rate: the account at price p is no worse than before at a moved one."""
    r, i = case.r, next(iter(case.pos))
    x, p = case.ins[i], case.pos[i]
    if len(x.told) != 1 or len(case.pos) != 1:
        return
    rate = x.told[0]
    old = x.tiers(case.rule)
    if case.rule == HL:
        lev = r.choice([x.levs[0], max(1, x.levs[0] - 1), 3, 20, max(1, x.levs[0] // 2)])
        now, new = r.choice([PPM // (2 * lev), -(-PPM // (2 * lev))]), F(1, 2 * lev)
    else:
        now = r.choice([rate, rate + 1, rate + r.randint(0, 5000), max(1, rate - 1)])
        new = F(now, PPM)

    def judge(got):
        if got == ["none"]:
            k.that(f"{case.rule}: a bound for small rises", new - old.rates[0] > F(1, 10), (got, rate, now, told(case)))
            return
        down, up, spared = F(int(got[0]), 2**60), F(int(got[1]), 2**60), got[2]
        k.seen[case.rule]["moved by a rate"] += down > 0
        k.that(f"{case.rule}: no shift without a rise", now != rate or (down, up) == (0, 0), (got, told(case)))
        for price in (1, case.px[x.asset], 10 * case.px[x.asset]):
            moved = price * (1 - down) if p[0] > 0 else price * (1 + up)
            have = p[0] * price - abs(p[0]) * price * new
            promised = p[0] * moved - abs(p[0]) * moved * old.rates[0]
            k.that(f"{case.rule}: shifts bound what rates do", have >= promised and spared == "0" and down < F(1, 1) and up < F(1, 1), (got, price, told(case)))
            k.that(f"{case.rule}: shifts are not much more than that", max(down, up) <= max(0, new - old.rates[0]) * 4 + F(10, PPM), (got, told(case)))
    k.ask(f"shift {i} 1 0 {now}", judge)


def drive(k, case):
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that(f"{case.rule}: validates", got == ["ok"], (got, told(case))))
    for i in case.pos:
        k.ask(f"within {i} {abs(case.pos[i][0]).bit_length()}", lambda got: k.that(f"{case.rule}: within", got == ["1"], (got, told(case))))
    ask_rows(k, case)
    ask_size(k, case)
    if case.r.random() < .3:
        ask_shift(k, case)
        return
    ask_settle(k, case)


# ---- instruments that the rules do not know

def refuses(k, case, change, why, within=True):
    case.pos = {i: p for i, p in case.pos.items() if i == min(case.pos)}
    i = min(case.pos)
    change(case, case.ins[i])
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that(f"{case.rule}: refuses: {why}", got[0] == "err", (got, told(case))))
    if within:
        k.ask(f"within {i} 1", lambda got: k.that(f"{case.rule}: no update to: {why}", got == ["0"], (got, told(case))))


def tiers(*told_):
    def change(case, x):
        x.told, x.floors = list(told_), [n * 10**6 for n in range(len(told_))]
    return change


def one(name, v):
    return lambda case, x: setattr(x, name, v)


def ask_refusals(k, r):
    for rule in RULES:
        for change, why in ((one("penalty", 2500), "a penalty"), (one("weight", 900000), "a weight of profits"), (tiers(20000, 10000), "rates that fall"), (tiers(), "no tiers")):
            refuses(k, Case(r, rule), change, why)
    refuses(k, Case(r, BN), one("lot", 5), "a lot")
    refuses(k, Case(r, HL), tiers(10001), "a rate of no leverage")
    refuses(k, Case(r, HL), tiers(500001), "a leverage below one")
    refuses(k, Case(r, HL), tiers(1953), "a leverage above 255")
    refuses(k, Case(r, HL), tiers(166666, 166667), "leverages that do not fall")
    refuses(k, Case(r, HL), lambda c, x: c.state.__setitem__(1, 7), "a second word of state", False)
    refuses(k, Case(r, HL), lambda c, x: c.state.__setitem__(0, 2**34), "a moment far ahead", False)
    levs = [23, 19, 17, 13, 11, 7]
    refuses(k, Case(r, HL), tiers(*(round(PPM / (2 * v)) for v in levs)), "leverages without a common multiple")
    case = Case(r, HL)
    while len(case.ins) < 2 or len(case.pos) < 2:
        case = Case(r, HL)
    for x, part in zip(case.ins, (levs[:3], levs[3:])):
        tiers(*(round(PPM / (2 * v)) for v in part))(case, x)
    k.lines += case.lines()
    k.ask(f"within {min(case.pos)} 1", lambda got: k.that("hyperliquid-1: no update that another instrument stands against", got == ["0"], (got, told(case))))


def ask_leverages(k, r):
    """Each leverage by both roundings, and nothing beside them."""
    case = Case(r, HL)
    case.pos = {0: case.position(case.ins[0])}
    x = case.ins[0]
    for lev in range(1, 256):
        low, high = PPM // (2 * lev), -(-PPM // (2 * lev))
        for rate, good in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
            x.levs, x.told, x.floors = [lev], [rate], [0]
            k.lines += case.lines()
            k.ask("validate", lambda got, good=good: k.that("hyperliquid-1: a leverage by its rate", (got == ["ok"]) == good, (got, told(case))))
            if good:
                ask_health(k, case, case.px)


# ---- running

def judge(exe, seed, cases, rules=RULES):
    k = Check(RULES)
    for rule in rules:
        r = random.Random(f"{seed} {rule}")
        for _ in range(cases):
            drive(k, Case(r, rule))
    r = random.Random(seed)
    ask_refusals(k, r)
    ask_leverages(k, r)
    k.run(exe)
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, SEED, min(CASES, 250) if file else CASES), REACHED, MUTANTS, "tests/diff/venues_rule_driver.c")
