#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two liquidations instead of one (host/exec/split.c, docs/econ/staged.md section 4) against brute force over all
repayments with judge_aave, the contract's text in Python integers; and against the closed form.

  split_diff.py             TAP on stdout (about 10 s)
  split_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: CASES (default 700), and that of talk_kit.py. Run from the project root.
"""
import random
from glob import glob

import judge_aave as ja
from judge_worth import World
from split_mutants import MUTANTS
from talk_kit import SEED, Checks, Driver, main

SOURCES = ["tests/diff/split_driver.c", "host/exec/split.c", "host/accounts/moving.c", "host/accounts/reciprocal.c",
           "host/accounts/terms.c", "host/base/wide.c", "host/base/u256.c", "host/base/checked.c", "host/base/i128_checked.c"] + sorted(
    glob("host/accounts/rules/**/*.c", recursive=True))
DUST = 2**63 - 1
KEYS = "have qty debt coll full value reward first debt2 qty2 two1 first1 full1 value1 reward1 two first2 full2 value2 reward2".split()
WANTED = ("two earn more", "one heals it whatever is repaid first", "never healed by one", "close factor of all", "a further debt",
          "a further collateral", "first bounded by dust", "deep below: all of it", "closed form equal", "the collateral does not pay for what one names",
          "a share earns too little for two")


def after(w, debt, coll, qty):
    """The account after that repayment, None where the contract refuses it."""
    try:
        return w.account.execute_liquidation_call(w.px, debt, coll, qty)[1]
    except ja.Revert:
        return None


def leaves(w, debt, coll, qty):
    a = after(w, debt, coll, qty)
    return a is not None and a.liquidatable(w.px)


def world(r):
    """A debt of whole tokens, so that each repayment can be tried; collateral in fine units, so that its floor does not
    hide the line."""
    more = r.random() < 0.35
    n = 3 if more else 2
    reserves = [ja.Reserve(i, i, 0 if i == 1 else 8, r.randint(7000, 9000), r.randint(10300, 11500), r.choice([0, 1000, 2000]), 0, 0, 0,
                           ja.RAY + r.choice([0, r.randint(0, ja.RAY // 3)]), ja.RAY + r.choice([0, r.randint(0, ja.RAY // 3)])) for i in range(n)]
    px = [r.randint(10**8, 3000 * 10**8), r.randint(10 * 10**8, 200 * 10**8), r.randint(10**8, 50 * 10**8)][:n]
    tokens = r.randint(20, 400)
    value = tokens * px[1]
    pos = [(1, False, 0, tokens * ja.RAY // reserves[1].borrow_index)]
    health = r.choice([r.uniform(0.951, 0.9999), r.uniform(0.99, 0.9999), r.uniform(0.7, 0.95)])
    need = int(value * 10**4 / reserves[0].lt * health)
    if more and r.random() < 0.5:
        part = r.randint(1, 60)
        pos.append((2, False, 0, value * part // 100 * 10**8 // px[2]))
        need = need * (100 + part) // 100
    elif more:
        part = r.randint(1, 60)
        pos.append((2, True, need * part // 100 * 10**8 // px[2], 0))
        need -= need * part // 100 * reserves[2].lt // reserves[0].lt
    pos.append((0, True, need * 10**8 // px[0] * ja.RAY // reserves[0].liq_index, 0))
    pos = sorted(p for p in pos if p[2] or p[3])
    return World(reserves, pos, px)


def check_world(d, check, w):
    have = dict(zip(KEYS, d.ints(*w.lines(), "split")))
    where = (w.lines(), have)
    one = w.account.size(w.px, 1000001, DUST) if w.account.liquidatable(w.px) else None
    check("one order: the judge's", bool(have["have"]) == (one is not None), *where)
    if one is None or not have["have"]:
        return
    full, value, reward, legs = one
    check("one order: its size", [(have["debt"], have["qty"]), (have["coll"], 0)] == legs and (have["full"], have["value"], have["reward"]) == (full, value, reward), one, *where)
    debt, coll, most = legs[0][0], legs[1][0], legs[0][1]
    grain = max(1, most // value)
    if most > 1000:  # a debt in fine units is the larger one: too many to try
        tried = None
        good = have["first"] == 0 or (leaves(w, debt, coll, have["first"]) and (have["first"] == most or not leaves(w, debt, coll, have["first"] + 2 * grain)))
        check("fine units: the first leaves it, a little more does not", good, *where)
    else:
        tried = [q for q in range(1, most + 1) if leaves(w, debt, coll, q)]
        best = max(tried, default=0)
        refused = [q for q in range(1, most) if after(w, debt, coll, q) is None]
        even = tried == list(range(1, best + 1))
        check.hit("first bounded by dust", best and best + 1 in refused)
        if even and not (best == 1 and most == 1):
            got = have["first"]
            second = after(w, debt, coll, best).size(w.px, 1000001, DUST) if best else None
            check("the first is the largest that leaves it", got == (best if second else 0) or most <= 1, best, second, *where)
        elif have["first"]:
            check("the first leaves it liquidatable", have["first"] in tried, tried[-5:], *where)
    if have["first"]:
        rest = after(w, debt, coll, have["first"])
        second = rest.size(w.px, 1000001, DUST)
        check("the second is the rule's largest", second and second[3][0] == (have["debt2"], have["qty2"]), second, *where)
        flows, _ = w.account.execute_liquidation_call(w.px, debt, coll, have["first"])
        paid = -(flows[ja.LIQUIDATOR, debt] * w.px[debt] // w.reserves[debt].unit)
        worth = flows.get((ja.LIQUIDATOR, coll), 0) * w.px[coll] // w.reserves[coll].unit - paid
        check.hit("the collateral does not pay for what one names", value < (most - 1) * w.px[debt] // w.reserves[debt].unit)
        more = worth + second[2] > reward and not (have["debt2"] == debt and have["first"] + have["qty2"] <= most)
        check("two where they earn more", have["two"] == int(more), more, *where)
        check.hit("two earn more", more)
        share = -(-value * have["first"] // most), reward * have["first"] // most
        fewer = share[1] + second[2] > reward and not (have["debt2"] == debt and have["first"] + have["qty2"] <= most)
        check("by its share, as older journals", tuple(have[k + "1"] for k in ("two", "first", "full", "value", "reward")) ==
              ((1, have["first"], 0, *share) if fewer else (0,) * 5), share, *where)
        check.hit("a share earns too little for two", more and not fewer)
        check.hit("never healed by one", have["first"] == most)
        if more:
            check("the first's figures", (have["first2"], have["full2"], have["value2"], have["reward2"]) == (have["first"], 0, paid, worth), paid, worth, *where)
    else:
        check("two where they earn more", have["two"] == 0, *where)
        check.hit("one heals it whatever is repaid first")
    check.hit("close factor of all", not have["full"] or most < w.account.positions[debt][0].v_balance(w.account.positions[debt][3]))
    check.hit("a further debt", sum(1 for p in w.positions if p[3]) > 1)
    check.hit("a further collateral", sum(1 for p in w.positions if p[2]) > 1)
    check.hit("deep below: all of it", most == w.account.positions[debt][0].v_balance(w.account.positions[debt][3]))


def closed_form(coll, debt, lt, spread, close):
    """Section 4's, in integers: None where the collateral does not pay for all of the debt."""
    def low(x):
        return (coll - x * (10**4 + spread) // 10**4) * lt < (debt - x) * 10**4
    if not low(0) or debt * (10**4 + spread) // 10**4 > coll:
        return None
    first, slope = debt * close // 10**4, 10**8 - lt * (10**4 + spread)
    if slope > 0:  # the seizure's floor only leaves more collateral: from there the walk is short
        first = min(first, ((debt * 10**4 - coll * lt) * 10**4 - 1) // slope)
    while first > 0 and not low(first):
        first -= 1
    return first, (debt - first) * close // 10**4


def check_closed(d, check, r):
    """Prices of one, indices of one, six decimals: the contract is the closed form's affine account, its unit 1e-6."""
    lt, lb = r.randint(6500, 8800), r.randint(10200, 11000)
    if lt * lb >= 10**8:
        return
    debt = r.randint(10**4, 10**6) * 10**6
    coll = int(debt * 10**4 / lt * r.uniform(0.952, 0.9999))
    reserves = [ja.Reserve(i, i, 6, lt, lb, 0, 0, 0, 0, ja.RAY, ja.RAY) for i in range(2)]
    w = World(reserves, [(0, True, coll, 0), (1, False, 0, debt)], [10**8, 10**8])
    have = dict(zip(KEYS, d.ints(*w.lines(), "split")))
    closed = closed_form(coll, debt, lt, lb - 10000, 5000)
    if not w.account.liquidatable(w.px) or have["full"] and have["qty"] == debt:
        return  # healthy in the contract's rounding of the health, or all may be repaid
    covered = debt * lb // 10**4 <= coll
    check("closed form: there is one where the collateral pays for all", (closed is not None) == covered, w.lines(), have, closed)
    if not covered:
        return
    # The closed form floors what is seized, the contract rounds it half up: a unit of collateral, which the health feels
    # as lt / (1 - lt lb) units of repayment.
    near = -(-lt * 10**4 // (10**8 - lt * lb)) + 1
    check("closed form: the first, within what a unit of collateral is worth", abs(have["first"] - closed[0]) <= near, near, w.lines(), have, closed)
    check("closed form: the second", abs(have["qty2"] - closed[1]) <= near // 2 + 1, near, w.lines(), have, closed)
    check.hit("closed form equal", have["first"] == closed[0])


def judge(exe, cases):
    check, d, r = Checks(), Driver(exe), random.Random(SEED)
    for _ in range(cases):
        check_world(d, check, world(r))
        check_closed(d, check, r)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 700, SOURCES, "", MUTANTS, 300, WANTED)
