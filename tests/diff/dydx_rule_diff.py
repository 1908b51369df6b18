#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rule of accounts dydx-v4-1 (docs/rules.md, "dYdX") against the chain's arithmetic in Python integers and fractions (judge_dydx.py,
dydx_rule_cases.py): health to the last quantum, rows that never miss, at later moments too, a block's orders, every party's flow, refusals,
how far new parameters move a row. Most accounts stand within a quantum of a limit.

  dydx_rule_diff.py             TAP on stdout
  dydx_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 2500), CC (default gcc). Run from the project root.
"""
import collections
import os
import random
import sys
from fractions import Fraction as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from dydx_rule_cases import INT64, PPM, Case, Range, Refused
from dydx_rule_mutants import MUTANTS
from rule_kit import SEED, Check, main, parse_rows, row_value, told

CASES = int(os.environ.get("CASES", "2500"))
REACHED = ("liquidatable", "healthy", "net collateral is maintenance", "net collateral is zero", "no maintenance", "rests in this second", "second is another", "no clock", "compiled", "warned",
           "the whole position", "a part", "a step", "rating at its bound", "rating within", "price free", "price at a bound", "fee at its cap", "fee is what is left", "the fund pays", "deleveraged",
           "at the bankruptcy price", "a first leg", "a second leg", "passed over: ErrSubaccountNotLiquidatable", "passed over: ErrLiquidationExceedsSubaccountMaxNotionalLiquidated", "more than the order",
           "not a lot", "refused", "settled", "nothing left", "gain", "loss of the filler", "funding owed", "funding received", "moved by a rate", "no bound of a rate", "passed over: ", "out of the chain's range")


def ask_health(k, case, px, now):
    h, seen = case.health(px, now), k.seen
    seen["liquidatable" if h["due"] else "rests in this second" if h["broken"] else "healthy"] += 1
    seen["second is another"] += h["due"] and case.state[0] > 0
    seen["no clock"] += h["due"] and not now
    seen["net collateral is maintenance"] += h["equity"] == h["mm"] > 0
    seen["net collateral is zero"] += h["equity"] == 0
    seen["no maintenance"] += h["mm"] == 0
    k.lines += case.px_lines(px)
    want = [str(int(h["due"])), str(h["equity"]), str(h["mm"])]
    k.ask("health", lambda got: k.that("health", got == want, (got, want, px, now, told(case))))
    return h


# ---- rows

def ask_rows(k, case):
    """Rows of the moment, or of a span of time."""
    r, warn, rows = case.r, case.r.choice([0, 1000, 50000, 10**6]), []
    span = r.choice([0, 60, 3600]) if case.now else 0
    for a, p in case.px.items():
        k.lines.append(f"grid {a} {p} {r.choice([100, 10000, 200000])}")
    if span:
        k.lines.append(f"window {case.now * 10**9} {(case.now + span) * 10**9}")
    k.ask("bends", lambda got: k.that("rows do not bend", got == ["0"], (got, told(case))))
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that("number of rows", len(rows) == 1 + (warn > 0) and [x[0] for x in rows] == [0, 1][:len(rows)], got))
    for spread in (0, .00005, .00005, .0009, .5):
        px = {a: max(1, min(INT64, int(p * r.uniform(1 - spread, 1 + spread)))) if spread else p for a, p in case.px.items()}
        now = case.now + r.choice([0, span, r.randint(0, span)])
        k.lines += [f"now {now * 10**9}"] if span else []
        h = ask_health(k, case, px, now)
        k.ask("hat" if spread < .0001 else "health", lambda got, px=px, h=h, near=spread < .0001: judge_row(k, case, px, h, rows, warn, got if near else ["err"], span))
    k.lines += [f"now {case.now * 10**9}"] if span else []


def judge_row(k, case, px, h, rows, warn, hat, span):
    unit = 10**(case.k - 6 + 12)
    lower, n = F(row_value(rows[0], px)), len(case.pos)
    k.that("rows never miss", not h["broken"] or lower < 0, (rows, px, h, told(case)))
    k.seen["compiled"] += hat[0] != "err"
    k.that("compiled rows never miss", hat[0] == "err" or not h["broken"] or int(hat[0]) < 0, (hat, px, told(case)))
    gap = (h["equity"] - h["mm"]) * unit - lower
    k.that("rows are below health", gap >= 0, (gap, rows, px, told(case)))
    if not span:
        k.that("rows are not more than their roundings below it", gap <= 5 * n * unit, (gap, unit, rows, px, told(case)))
    slack = sum(3 if p[0] > 0 else 2 for p in case.pos.values())
    k.that("slack is that of the roundings", rows[0][2] == slack * unit, (rows, told(case)))
    if warn:
        k.seen["warned"] += 1
        exact = (h["equity"] * PPM - h["mm"] * (PPM + warn)) * unit
        k.that("warnings come first", exact - row_value(rows[1], px) >= 0, (rows, px, told(case)))
        if not span:
            k.that("warnings are not much too early", exact - row_value(rows[1], px) <= 5 * n * unit * (PPM + warn), (rows, px, told(case)))


# ---- size and settlement

def ask_size(k, case):
    px, r, h = case.px, case.r, case.health(case.px, case.now)
    k.lines += case.px_lines(px)
    policy = f"{r.choice([1000000, 1050000, 2000000])} {r.choice([0, 100, 10**6])}"
    legs = []
    try:
        b = case.block(px, k.seen) if h["due"] else None
    except Range:
        b = None
        k.seen["out of the chain's range"] += 1
    if b:
        legs = b.orders()
        gain = b.flows[1]
        k.seen["gain" if gain > 0 else "loss of the filler" if gain < 0 else "no gain"] += bool(legs)
    if not legs:
        k.ask("size " + policy, lambda got: k.that("no size where there is no order", got == ["none"], (got, told(case))))
        return legs
    full = all(p["quantums"] == 0 for p in b.a.pos.values())
    want = [int(full), b.value * 100, gain * 100, len(legs)] + [v for leg in legs for v in leg]
    k.ask("size " + policy, lambda got: k.that("size", [int(v) for v in got] == want, (got, want, told(case))))
    return legs


def some_legs(case, legs):
    r, what = case.r, case.r.random()
    if not legs:
        legs = [(i, abs(p[0])) for i, p in case.pos.items()]
    i = r.randrange(len(legs))
    name, q = legs[i]
    size, lot = abs(case.pos[name][0]), case.ins[name].term("lot")
    if what < .02:
        return []
    if what < .07:
        return [(name, max(lot, q // 2 // lot * lot)), (name, lot)]
    if what < .5:
        return legs
    if what < .58:
        return legs[::-1]
    if what < .64:
        return [legs[i]]
    if what < .68:
        return legs + [legs[i]]
    if what < .71:
        return [(len(case.ins), 1)] + legs[1:]
    if what < .75:
        return [(j, abs(p[0])) for j, p in case.pos.items()]
    q = r.choice([q + 1, q - 1, q + lot, q - lot, size, size + 1, 0, lot, max(1, q // 2), q // lot // 2 * lot, r.randint(1, size)])
    return legs[:i] + [(name, max(0, q))] + legs[i + 1:]


def settled(k, case, legs):
    if not 0 < len(legs) <= len(case.pos):
        raise Refused("legs")
    b = case.block(case.px, k.seen)
    for i, q in legs:
        if i not in case.pos or q <= 0:
            raise Refused("leg")
        b.leg(i, q)
    return b.settled()


def ask_settle(k, case, legs):
    legs = some_legs(case, legs)
    words, due = f"{len(legs)} " + " ".join(f"{i} {q}" for i, q in legs), case.health(case.px, case.now)["due"]
    try:
        want = settled(k, case, legs)
    except (Refused, Range):
        want = None
    if due:
        k.ask("takes " + words, lambda got: k.that("takes what settles", got == [str(int(want is not None))], (got, words, told(case))))
    else:
        want = None
    k.seen["refused" if want is None else "settled"] += 1
    if want:
        k.seen["nothing left"] += not want[2]
        owed = case.funding(case.now)
        k.seen["funding owed"] += owed > 0
        k.seen["funding received"] += owed < 0

    def judge(got):
        if want is None or got[0] != "ok":
            k.that("what is refused", want is None and got[0] == "err" and got[1] != "CHANGED", (got, want, words, told(case)))
            return
        flows, cash, pos, _ = want
        n = int(got[1])
        mine = collections.Counter()
        for x in range(n):
            party, instrument, amount = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
            mine[party] += amount
            k.that("flows are of cash", instrument == -1, got)
        after = [int(v) for v in got[2 + 3 * n:]]
        k.that("everybody's flow", dict(mine) == flows, (got, flows, words, told(case)))
        k.that("flows sum to zero", sum(mine.values()) == 0, (got, told(case)))
        have = {after[2 + 7 * x]: [after[4 + 7 * x], after[5 + 7 * x], after[8 + 7 * x]] for x in range(after[1])}
        k.that("the account after it", after[0] == cash and have == pos, (got, cash, pos, words, told(case)))
    k.ask("settle " + words, judge)
    state = want[3] if want else case.state
    k.ask("memory", lambda got: k.that("what it remembers", [int(v) for v in got] == list(state), (got, state, words, told(case))))
    if want and case.now:
        k.ask("health", lambda got: k.that("rests in the second of its liquidation", got[0] == "0", (got, told(case))))


def ask_shift(k, case):
    """One position and another margin: the account at price p is no worse than before at a moved one."""
    r, i = case.r, next(iter(case.pos))
    x, q = case.ins[i], case.pos[i][0]
    if len(case.pos) != 1:
        return
    was = F(x.t["initial"] * x.t["fraction"], PPM**2)
    b = r.choice([x.t["initial"], min(PPM, x.t["initial"] + r.randint(0, 30000)), r.randint(1, PPM)])
    f = r.choice([x.t["fraction"], min(PPM, x.t["fraction"] + r.choice([1, 1000])), r.randint(1, PPM)])
    now = F(b * f, PPM**2)

    def judge(got):
        k.that("a bound for small rises, none for great ones", (got == ["none"]) == (2 * (now - was) >= 1 - was), (got, was, now, told(case)))
        if got == ["none"]:
            k.seen["no bound of a rate"] += 1
            return
        down, up, spared = F(int(got[0]), 2**60), F(int(got[1]), 2**60), got[2]
        k.seen["moved by a rate"] += down > 0
        k.that("no shift without a rise", now > was or (down, up) == (0, 0), (got, told(case)))
        for price in (1, case.px[x.asset], 10 * case.px[x.asset]):
            moved = price * (1 - down) if q > 0 else price * (1 + up)
            k.that("shifts bound what rates do", q * price - abs(q) * price * now >= q * moved - abs(q) * moved * was and spared == "0" and down < 1 and up < 1, (got, price, told(case)))
            k.that("shifts are not more than that", (down - F(2, 2**60)) * (1 - was) <= max(0, now - was) and (up - F(2, 2**60)) * (1 + was) <= max(0, now - was), (got, told(case)))
    k.ask(f"shift {i} 1 0 {-(-b * f // PPM)} initial_ppm {b} maintenance_ppm {f}", judge)
    k.ask(f"shift {i} 1 0 {x.tier} funding_index {x.index + r.choice([-1, 1])}", lambda got: k.that("no bound where funding is told anew", got == ["none"], (got, told(case))))


def drive(k, case):
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], (got, told(case))))
    for i in case.pos:
        k.ask(f"within {i} {abs(case.pos[i][0]).bit_length()}", lambda got: k.that("within", got == ["1"], (got, told(case))))
    ask_rows(k, case)
    legs = ask_size(k, case)
    if case.r.random() < .2:
        ask_shift(k, case)
        return
    ask_settle(k, case, legs)


# ---- what is refused

def refuses(k, r, change, why, within=True):
    case = Case(r)
    while len(case.pos) != 1:
        case = Case(r)
    i = min(case.pos)
    change(case, case.ins[i])
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that(f"refuses: {why}", got[0] == "err", (got, told(case))))
    if within:
        k.ask(f"within {i} 1", lambda got: k.that(f"no update to: {why}", got == ["0"], (got, told(case))))


def one(name, v):
    return lambda case, x: setattr(x, name, v)


def margin(initial, fraction, tier=None):
    def change(case, x):
        x.t["initial"], x.t["fraction"], x.tier = initial, fraction, tier or min(PPM - 1, max(1, -(-initial * fraction // PPM)))
    return change


def term(name, v):
    return lambda case, x: x.t.__setitem__(name, v)


def decimals(case, x):
    x.cd = case.cd = 8


def size(v, sd=None):
    def change(case, x):
        i = min(case.pos)
        x.sd = x.sd if sd is None else sd
        case.pos[i] = [v, 1, case.pos[i][2]]
        case.cash, case.assets[x.asset], x.pd = 0, 0, 0
    return change


def finer(case, x):
    """A small position beside one whose price is told far more finely."""
    size(2**35, 0)(case, x)
    y = type(x)(case.r, len(case.assets), 18, case.px[x.asset])
    case.assets.append(18)
    case.px[y.asset], y.sd, y.t["decimals"] = 10**18, 0, 0
    case.ins.append(y)
    case.pos[len(case.ins) - 1] = [1, 1, y.index]


def ask_refusals(k, r):
    for change, why in ((one("penalty", 2500), "a penalty"), (one("weight", 900000), "a weight of profits"), (decimals, "another quantum of cash"), (margin(0, 600000), "no initial margin"),
                        (margin(50000, 0), "no maintenance"), (margin(10**6 + 1, 10000), "an initial margin above one"), (margin(10000, 10**6 + 1), "a fraction above one"),
                        (margin(50000, 600000, 29999), "a tier that is lower"), (margin(33333, 600001, 19999), "a tier rounded down"), (margin(50000, 600000, "2 0 30000 1000000 40000"), "two tiers"),
                        (term("ticks", 0), "no tick"), (term("ticks", 2**32), "a tick too large"), (term("decimals", 13), "too fine a subtick"), (term("spread", 0), "no spread"),
                        (term("spread", 2**32), "a spread too large"), (term("adjustment", PPM - 1), "an adjustment below one"), (term("portion", PPM + 1), "more than a position"),
                        (term("most", 2**64), "a limit too large"), (term("lot", 2**63), "a lot too large"), (term("least", 2**64), "a least order too large"), (term("lost", 2**64), "a loss too large"),
                        (term("perp_imf", 5), "a term of another protocol")):
        refuses(k, r, change, why)
    refuses(k, r, lambda c, x: c.state.__setitem__(1, 7), "a second word of state", False)
    refuses(k, r, lambda c, x: c.state.__setitem__(0, 2**34), "a moment far ahead", False)
    refuses(k, r, lambda c, x: setattr(c, "cash", 2**80), "too much cash", False)
    refuses(k, r, size(2**72, 6), "a size too large", False)
    refuses(k, r, finer, "a size too large beside finer prices", False)
    many = Case(r)
    x = many.ins[0]
    many.ins, many.pos = [x] * 33, {i: [1, 1, x.index] for i in range(33)}
    k.lines += many.lines()
    k.ask("validate", lambda got: k.that("refuses: 33 positions", got[0] == "err", (got, told(many))))


# ---- running

def judge(exe, seed, cases):
    k, r = Check(), random.Random(seed)
    for _ in range(cases):
        drive(k, Case(r))
    ask_refusals(k, r)
    k.run(exe)
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, SEED, min(CASES, 700) if file else CASES), REACHED, MUTANTS, "tests/diff/venues_rule_driver.c")
