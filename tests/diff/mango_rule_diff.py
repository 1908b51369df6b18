#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rule of accounts mango-v4-1 (docs/protocols/mango-v4.md, "As a rule of accounts") against the program in exact Python
integers (judge_mango.py, judge_mango_orders.py): health, rows that never miss and are tight where they touch, the order that
is chosen, settlement to the last unit with every party's flow, refusals. Most accounts stand within a unit of their edge.

  mango_rule_diff.py             TAP on stdout
  mango_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 1000), CC (default gcc). Run from the project root.
"""
import collections
import copy
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from judge_mango import END, HIGH, ONE, Cache, Refused, World, check, mul, recover
from judge_mango_orders import perp_loss, perp_liq, token_bankruptcy, token_liq
from mango_rule_cases import make, ruin
from mango_rule_mutants import MUTANTS
from rule_kit import ACCOUNT, DEFICIT, LIQUIDATOR, POOL, SEED, VENUE, Check, main, parse_rows, row_value

CASES = int(os.environ.get("CASES", "1000"))
REACHED = """liquidatable|healthy|flagged, liquidatable|flagged, healthy|within a unit of the edge|no health|nothing at risk|tokens alone
with perps|profit changes sign in the band|balance changes sign in the band|shared asset|settled: tokens|settled: perp|settled: profit alone
left liquidation|stayed in liquidation|refused|healthy refused|perp order|token order|no order|position emptied|perp emptied|dust|coarser row
settled: part of the lots|limited by the leg|empty settle position|not valid|orders cancelled|orders were all|bids worse|asks worse
resolved: taken over|resolved: a perp's loss|resolved: a debt|resolved: refused|resolved: out of liquidation""".replace("\n", "|").split("|")


# ---- health

def ask_health(k, case, px):
    k.lines += case.px_lines(px)
    s = case.sums(px)
    if s is None:
        k.seen["no health"] += 1
        want = ["0", str(HIGH), "0"]
    else:
        k.seen["liquidatable" if s[0] < s[1] else "healthy"] += 1
        k.seen[f"flagged, {'liquidatable' if s[0] < s[1] else 'healthy'}"] += case.flag
        k.seen["within a unit of the edge"] += case.at_risk() and abs(s[0] - s[1]) <= 2
        want = [str(int(s[0] < s[1])), str(s[0]), str(s[1])]
    k.ask("health", lambda got: k.that("health", got == want, lambda: (got, want, px, case.lines())))
    return s


# ---- rows

def band_of(px, ppm):
    """That of the driver's grid, for prices that it does not round."""
    half = px * ppm // 10**6
    return max(1, px - half), px + half


def profits(case, i, price, end):
    """A perp's weighted profit at a price of quanta, not rounded but its last step."""
    p, (size, quote) = case.perps[i]["terms"], case.pos[i]
    kind = "init" if end else "maint"
    bids, asks = case.orders.get(i, (0, 0))
    worst = min((size + o) * p[f"{kind}_base_{'liab' if size + o < 0 else 'asset'}_weight"] - (o << 48) for o in (bids, -asks))
    u = quote + (worst * case.unit(i) * price >> 48)
    return (mul(p[f"{kind}_overall_asset_weight"], u) if u > 0 else u), u


def corner(k, case, bands):
    """Prices at which the row must touch health: each perp at the edge that is the worse for it, the settle token at its lower."""
    px = {a: lo for a, (lo, hi) in bands.items()}
    low = high = 0
    for i in case.pos:
        if i in case.perps:
            lo, hi = bands[case.asset(i)]
            a, b = profits(case, i, lo, case.flag), profits(case, i, hi, case.flag)
            px[case.asset(i)] = lo if a[0] <= b[0] else hi
            k.seen["profit changes sign in the band"] += (a[1] > 0) != (b[1] > 0)
            low, high = low + min(a[0], b[0]), high + max(a[0], b[0])
    settles = [case.perps[i]["settle"] for i in case.pos if i in case.perps]
    if settles:
        bits = case.pos[settles[0]][1]
        t = case.tokens[settles[0]]["terms"]
        native = bits * t["deposit_index" if bits > 0 else "borrow_index"] >> 48
        k.seen["balance changes sign in the band"] += native + low < 0 < native + high
    return px


def ask_rows(k, case):
    r, warn = case.r, case.r.choice([0, 1000, 50000, 1000000])
    ppm = {a: r.choice([0, 100, 10000, 200000]) for a in case.px}
    bands = {a: band_of(p, ppm[a]) for a, p in case.px.items()}
    exact = all(p < 1 << 32 for p in case.px.values())
    k.lines += [f"grid {a} {p} {ppm[a]}" for a, p in case.px.items()]
    rows, n = [], int(case.at_risk()) * (1 + (warn > 0))
    k.ask(f"rows {warn}", lambda got: rows.extend(parse_rows(got)))
    k.ask(f"rows {warn}", lambda got: k.that("number of rows", len(rows) == n, got))
    k.seen["nothing at risk"] += n == 0
    perps = [i for i in case.pos if i in case.perps]
    k.seen["with perps" if perps else "tokens alone"] += 1
    assets = [case.asset(i) for i in case.pos]
    shared = len(set(assets)) < len(assets)
    k.seen["shared asset"] += shared
    k.seen["empty settle position"] += any(v == (0, 0) for v in case.pos.values())
    inside = [{a: r.choice([lo, hi, r.randint(lo, hi)]) for a, (lo, hi) in bands.items()} for _ in range(4)] if exact else []
    edge = corner(k, case, bands)
    for px in [case.px, edge] + inside if exact else [case.px]:
        s = ask_health(k, case, px)
        if not n:
            continue
        if s is None:
            continue

        def judge(got, px=px, s=s):
            have, owed = s
            lower = row_value(rows[0], px)
            coarse = max(abs(a) for _, a in rows[0][3]).bit_length() >= 149 or abs(rows[0][1]).bit_length() >= 199 if rows[0][3] else False
            k.seen["coarser row"] += coarse
            k.that("rows never miss", have >= owed or lower < 0, lambda: (rows, px, s, case.lines()))
            k.that("compiled rows never miss", have >= owed or got[0] == "err" or int(got[0]) < 0, lambda: (got, px, s, case.lines()))
            if not coarse:
                gap = ((have - owed) << 32) - lower
                k.that("rows are below health", gap >= 0, lambda: (gap, rows, px, s, case.lines()))
                if (px is edge and exact and not shared) or not perps:
                    spare = rows[0][2] + case.touch(px)
                    k.that("rows touch health where they must", gap <= spare, lambda: (gap / spare, rows, px, s, case.lines()))
            if warn and not coarse:
                k.that("warnings come first", have * 10**6 >= owed * (10**6 + warn) or row_value(rows[1], px) < 0, lambda: (rows, px, s, case.lines()))
                k.that("warnings are no louder than asked", have * 10**6 < owed * (10**6 + warn) or perps or row_value(rows[1], px) >= -2 * rows[1][2] - (4 << 32) * (4 + owed // ONE + have // ONE) - sum(px.values()) * 99,
                       lambda: (rows, px, s, case.lines()))
        k.ask("hat", judge)


# ---- orders

def cancel(w, seen):
    """perp_liq_force_cancel_orders of every perp that has orders, before an order."""
    for p in w.perps:
        if not p.bids_base_lots and not p.asks_base_lots:
            continue
        if check(w, Cache(w)) != "liquidatable":
            return
        p.bids_base_lots = p.asks_base_lots = 0
        left = recover(w, Cache(w).health(END))
        if seen is not None:
            seen["orders cancelled"] += 1
            seen["orders were all"] += left


def resolve(w, seen):
    """(world, flows): what is owed when an order has left nothing to take, paid by a fund of which nothing is known and by others."""
    settled, flows = collections.Counter(), []
    seen = collections.Counter() if seen is None else seen
    if not w.liquidating or Cache(w).phase() != 3:
        return w, flows
    w.fund_unknown = True
    for i in [p.market for p in w.perps] + [t.index for t in w.tokens]:
        trial = copy.deepcopy(w)
        p = next((p for p in trial.perps if p.market == i), None)
        t = next((t for t in trial.tokens if t.index == i), None)
        if not w.liquidating or (p.quote if p else t.position) >= 0:
            continue
        try:
            if p:
                got = perp_loss(trial, dict(market=i))
                flows += [(LIQUIDATOR, -1, -got["settlement"] >> 48), (DEFICIT, -1, -got["socialized_loss"] >> 48)]
                settled[p.settle] += got["settlement"]
                seen["resolved: taken over"] += got["settlement"] > 0
                seen["resolved: a perp's loss"] += got["socialized_loss"] > 0
                seen["resolved: a perp's loss in part"] += p.quote < 0
            else:
                t.indexed_deposits = t.indexed_borrows = 2 * -t.position
                got = token_bankruptcy(trial, dict(liab=i))
                flows.append((DEFICIT, i, -got["socialized_loss"] >> 48))
                seen["resolved: a debt"] += 1
        except Refused:
            seen["resolved: refused"] += 1
            continue
        w = trial
    seen["resolved: out of liquidation"] += not w.liquidating
    return w, flows + [(LIQUIDATOR, t, v >> 48) for t, v in settled.items()]


def outcome(case, px, legs, seen=None):
    """(flows, positions, flag, value, reward), or None: refused."""
    try:
        w = World(case.state(px))
        cancel(w, seen)
        if len(legs) == 2:
            (j, qty), (c, zero) = legs
            if qty <= 0 or zero or j not in case.tokens or c not in case.tokens or j not in case.pos or c not in case.pos:
                return None
            got = token_liq(w, dict(asset=c, liab=j, max_liab=min(qty << 48, HIGH)))
            if not got["liab_transfer"]:
                return None
            if seen is not None:
                seen["limited by the leg"] += got["liab_transfer"] == qty << 48
            flows = [(LIQUIDATOR, j, -got["liab_transfer"] >> 48),
                     (LIQUIDATOR, c, got["asset_to_liqor"] >> 48), (VENUE, c, got["platform_fee"] >> 48)]
            paid, taken = got["liab_transfer"] * case.price(j, px) >> 48, got["asset_to_liqor"] * case.price(c, px) >> 48
            value = -(-paid * 100 >> 48)
            w, more = resolve(w, seen)
            return flows + more, case.settled(w), w.liquidating, value, (taken * 100 >> 48) - value
        (i, qty), = legs
        if i not in case.perps or i not in case.pos:
            return None
        p = case.perps[i]
        size = case.pos[i][0]
        if qty < 0 or qty > abs(size) or qty % p["lot"]:
            return None
        got = perp_liq(w, dict(market=i, max_base=qty // p["lot"] * (-1 if size < 0 else 1)))
        if not got["base_transfer"] and not got["pnl_transfer"]:
            return None
        if seen is not None:
            seen["settled: profit alone"] += not got["base_transfer"]
            seen["settled: part of the lots"] += 0 < abs(got["base_transfer"]) * p["lot"] < abs(size)
        t, P = p["settle"], case.price(p["settle"], px)
        base = got["base_transfer"] * p["lot"] * case.price(i, px)
        flows = [(LIQUIDATOR, -1, got["quote_to_liqor"] + got["pnl_transfer"] - base >> 48), (VENUE, -1, got["platform_fee"] >> 48),
                 (LIQUIDATOR, t, -got["token_transfer"] >> 48)]
        token = got["token_transfer"]
        gain = got["quote_to_liqor"] + got["pnl_transfer"] - base - token
        w, more = resolve(w, seen)
        return flows + more, case.settled(w), w.liquidating, -(-((abs(base) + token) * P >> 48) * 100 >> 48), (gain * P >> 48) * 100 >> 48
    except Refused:
        return None


def candidates(case, px):
    """What size may choose: perps first, the greatest reward, the first in the order of instruments among equals."""
    perps, tokens = [], []
    for i, (size, bits) in sorted(case.pos.items()):
        if i in case.perps:
            perps.append([(i, abs(size))])
        elif bits < 0:
            owed = -(bits * case.tokens[i]["terms"]["borrow_index"] >> 48 >> 48)
            native = -(bits * case.tokens[i]["terms"]["borrow_index"] >> 48)
            tokens += [[(i, -(-native // ONE)), (c, 0)] for c, (_, b) in sorted(case.pos.items()) if c in case.tokens and b > 0 and owed >= 0]
    for group in (perps, tokens):
        good = [(o[4], -n, legs, o) for n, legs in enumerate(group) for o in [outcome(case, px, legs)] if o]
        if good:
            return max(good, key=lambda x: x[:2])
    return None


def ask_size(k, case):
    px, s = case.px, case.sums(case.px)
    best = candidates(case, px) if s and s[0] < s[1] else None
    k.seen["no order" if not best else "perp order" if len(best[2]) == 1 else "token order"] += bool(s and s[0] < s[1])
    want = ["none"]
    if best:
        want = ["1", str(best[3][3]), str(best[3][4]), str(len(best[2]))] + [str(v) for leg in best[2] for v in leg]
    k.ask("size 1050000 0", lambda got: k.that("size", got == want, lambda: (got, want, px, case.lines())))


def legs_of(case):
    r = case.r
    tokens, perps = [i for i in case.pos if i in case.tokens], [i for i in case.pos if i in case.perps]
    if perps and r.random() < 0.55:
        i = r.choice(perps)
        size, lot = abs(case.pos[i][0]), case.perps[i]["lot"]
        qty = r.choice([size, size, size // 2 // lot * lot, 0, r.randint(0, size) // lot * lot, size // 10 // lot * lot, size + lot, size // 3])
        return [(i, qty)]
    debts, backs = [i for i in tokens if case.pos[i][1] < 0] or tokens, [i for i in tokens if case.pos[i][1] > 0] or tokens
    if r.random() < 0.05:
        debts = backs = list(case.tokens)
    j, c = r.choice(debts), r.choice(backs)
    owed = abs(case.holding(j, case.pos)) + 1
    qty = r.choice([owed, owed * 1000, r.randint(1, owed), max(1, owed // 1000), 1])
    if r.random() < 0.1:
        return r.choice([[(j, 0), (c, 0)], [(j, qty), (c, 1)], [(j, qty)], [(j, qty), (c, 0), (c, 0)], [(j, qty), (j, 0)]])
    return [(j, qty), (c, 0)]


def ask_settle(k, case):
    if not any(i in case.tokens for i in case.pos):
        return
    px, legs = case.px, legs_of(case)
    bad_shape = len(legs) == 3
    want = None if bad_shape else outcome(case, px, legs, k.seen)
    s = case.sums(px)
    k.seen["refused"] += want is None
    k.seen["healthy refused"] += want is None and bool(s) and s[0] >= s[1]
    if want:
        k.seen["settled: tokens" if len(legs) == 2 else "settled: perp"] += 1
        k.seen["stayed in liquidation" if want[2] else "left liquidation"] += 1
        k.seen["position emptied"] += any(i not in want[1] for i in case.pos if i in case.tokens)
        k.seen["perp emptied"] += any(i not in want[1] for i in case.pos if i in case.perps)

    def judge(got):
        tell = lambda: (got, want, legs, px, case.lines())
        if want is None:
            k.that("what the program refuses", got[0] == "err" and got[1] != "CHANGED", tell)
            return
        k.that("what the program takes", got[0] == "ok", tell)
        if got[0] != "ok":
            return
        n = int(got[1])
        sums, mine, due = collections.Counter(), collections.Counter(), collections.Counter()
        for x in range(n):
            party, i, v = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
            sums[i] += v
            mine[party, i] += v
        words = [int(v) for v in got[2 + 3 * n:]]
        pos, marks = {}, {}
        for x in range(words[1]):
            i, on, size, entry, supply, debt, _ = words[2 + 7 * x:9 + 7 * x]
            pos[i], marks[i] = (size, supply - debt), (on, min(supply, debt), entry)
        k.that("positions after it", pos == want[1], tell)
        k.that("supply or debt, enabled", all(m == (int(i in case.tokens and pos[i][1] > 0), 0, 0) for i, m in marks.items()), tell)
        k.that("flows sum to zero", not any(sums.values()), tell)
        for party, i, v in want[0]:
            due[party, i] += v
        moved = collections.Counter()
        for i in case.pos:
            moved[i if i in case.tokens else -1] += case.holding(i, want[1]) - case.holding(i, case.pos)
        for i in set(moved) | {i for _, i in mine}:
            k.that("the account's flow is what it holds more", mine[ACCOUNT, i] == moved[i], tell)
            for party in (LIQUIDATOR, VENUE, DEFICIT):
                k.that("everybody's flow", mine[party, i] == due[party, i], tell)
            k.seen["dust"] += abs(mine[POOL, i]) > 0
    k.ask("settle " + " ".join([str(len(legs))] + [f"{i} {qty}" for i, qty in legs]), judge)
    if want:
        k.ask("ordered", lambda got: k.that("no orders after it", got == ["."], lambda: (got, want, legs, case.lines())))
    k.ask("remembered", lambda got: k.that("the flag after it", got == [str(int(want[2] if want else case.flag)), "0"], lambda: (got, want, legs, case.lines())))


# ---- what is refused as no account

def ask_invalid(k, case):
    r = case.r
    wrong = []
    tokens, perps = [i for i in case.pos if i in case.tokens], [i for i in case.pos if i in case.perps]
    if tokens:
        i = r.choice(tokens)
        wrong += [[f"term {i} maint_liab_weight_fx {8 << 48}"], [f"term {i} init_liab_weight_fx 0"],
                  [f"term {i} init_asset_weight_fx 0", f"term {i} init_liab_weight_fx 0"], [f"term {i} maint_asset_weight_fx 0", f"term {i} maint_liab_weight_fx 0"],
                  [f"term {i} init_asset_weight_fx {case.tokens[i]['terms']['init_liab_weight'] + 1}"],
                  [f"term {i} liquidation_fee_fx {ONE + 1}"], [f"term {i} exchange_rate 1"], [f"term {i} deposit_index_fx {1 << 81}"]]
    last = max(case.pos)  # whose orders come last
    wrong += [["orders 3 5 0"] if last in case.tokens else [f"orders 3 {10**5 + 1} 0"] if case.perps[last]["lot"] > 1 else ["orders 3 0 0"]] * 5
    wrong += [["state 2 0"], ["state 0 1"], [f"pos 200 0 0 0 1 0"]]
    if perps:
        i = r.choice(perps)
        wrong += [[f"term {i} maint_overall_asset_weight_fx {ONE + 1}"], [f"term {i} init_base_asset_weight_fx {9 << 48}"], [f"weight {i} 5"],
                  [f"term {i} maint_base_liab_weight_fx 0"], [f"term {i} initial_ppm 5"]]
        if case.pos[i][0]:
            wrong.append([f"term {i} lot {abs(case.pos[i][0]) * 2}"])
    k.lines += case.lines() + r.choice(wrong)
    k.seen["not valid"] += 1
    k.ask("validate", lambda got: k.that("what is no account of Mango's", got[0] == "err", lambda: (got, case.lines())))
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], lambda: (got, case.lines())))


def drive(k, case):
    k.lines += case.lines()
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], lambda: (got, case.lines())))
    for i, (bids, asks) in case.orders.items():
        size = case.pos[i][0]
        k.seen["bids worse" if abs(size + bids) > abs(size - asks) else "asks worse"] += 1
    ask_rows(k, case)
    ask_health(k, case, case.px)
    ask_size(k, case)
    ask_settle(k, case)
    if case.r.random() < 0.2:
        ask_invalid(k, case)


# ---- building

def judge(exe, seed, cases):
    k = Check()
    r, ruins = random.Random(f"{seed} mango-v4-1"), random.Random(f"{seed} ruin")
    while cases:
        case = make(r)
        if not case.pos:
            continue
        drive(k, case)
        if cases % 6 == 0:
            drive(k, ruin(ruins))
        cases -= 1
    for _ in range(2000):  # the rarer ends of a ruined account, until each has been met
        if all(k.seen[x] for x in REACHED if x.startswith("resolved")):
            break
        drive(k, ruin(ruins))
    k.run(exe)
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: judge(exe, SEED, min(CASES, 400) if file else CASES), REACHED, MUTANTS)
