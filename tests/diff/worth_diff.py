#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a liquidation is worth (docs/worth.md) against brute force and exact Python integers. The protocol's side is
judge_aave, the pools' formulas are those of Uniswap V2's library.

  worth_diff.py             TAP on stdout (about 5 s)
  worth_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 3 min)

Environment: CASES (default 300), and that of talk_kit.py. Run from the project root.
"""
import itertools
import random
from fractions import Fraction as F
from glob import glob
from math import isqrt

import judge_aave as ja
import talk_kit
from judge_worth import (ALL, MOST, NO_EXIT, NO_PAIR, RANGE, YES, Book, Money, Path, Pool, Route, World, ceil_div, small_pool, small_venue,
                         small_world, some)
from talk_kit import SEED, Checks, main
from worth_mutants import MUTANTS

SOURCES = ["tests/diff/worth_driver.c", "host/accounts/moving.c", "host/accounts/reciprocal.c", "host/accounts/terms.c", "host/base/wide.c", "host/base/u256.c", "host/base/checked.c", "host/base/i128_checked.c"] + sorted(
    glob("host/accounts/rules/**/*.c", recursive=True) + glob("host/exec/exit/*.c"))

# ---- the driver

KEYS = "reason debt coll full qty paid got fee_units premium_units out bonus fee premium slippage gas profit expected level tip slack".split()


class Driver(talk_kit.Driver):
    def worth(self, line):
        return dict(zip(KEYS, self.ints(line)))


# ---- pools and books

def check_pools(d, check, r, cases):
    for _ in range(cases):
        p = Pool(some(r, 112), some(r, 112), *r.choice([(997, 1000), (9975, 10000), (1, 1), (5000, 10000), (9999, 10000)]))
        x, y = some(r, 112), r.randint(0, p.o - 1)
        check("a pool's output is the contract's", d.ints(f"getout {p.text()} {x}") == [p.out(x)], p.text(), x)
        check("a pool's input is the contract's", d.ints(f"getin {p.text()} {y}") == [p.need(y)], p.text(), y)
        a = r.getrandbits(r.randint(1, 255))
        check("square root", d.ints(f"root {a}") == [isqrt(a)], a)
    edge = Pool(MOST, MOST, 997, 1000)
    check("a pool's output is the contract's", d.ints(f"getout {edge.text()} {MOST}") == [edge.out(MOST)])


def check_paths(d, check, r, cases):
    for _ in range(cases):
        bits, floor = r.choice([(12, 0), (60, 0), (62, 2**40), (100, 0), (111, 0)])
        pools = [Pool(some(r, bits) + floor, some(r, bits) + floor) for _ in range(r.randint(1, 4))]
        v = Route([Path(pools)], 0)
        d.ask(v.line())
        for q in (0, 1, some(r, bits), some(r, 112), 2**128 - 1):
            out, slop = d.ints(f"out {q}")
            x = min(q, MOST - pools[0].i)
            check("paths: every hop as the contract has it", out == v.out(q), v.line(), q)
            check("paths: slop covers the floors", v.paths[0].real(x) < out + slop, v.line(), q)
        p = v.paths[0]
        if len(pools) == 1:  # in closed form: the last unit before the price falls to the rate
            rate = F(some(r, 40), some(r, 40))
            got = d.ints(f"upto {rate.numerator} {rate.denominator}")[0]
            k = pools[0]
            # derivative keep of i o / (of i + keep x)^2
            s = isqrt(int(F(k.keep * k.of * k.i * k.o) / rate))
            want = min(max(0, (s - k.of * k.i) // k.keep), MOST - k.i)
            check("a pool's best quantity at a price", got == want, v.line(), rate, got, want)
        elif floor:
            x = some(r, 62)
            rate = p.real(x + 1) - p.real(x)
            f = 2**60 if rate > 1 else 2**60 * int(1 / rate)
            n, m = int(rate * f), f
            while m >= 2**64 or n >= 2**64:
                n, m = n >> 1, m >> 1
            got = d.ints(f"upto {n} {m}")[0] if n else x
            gain = p.real(x) - F(n, m) * x
            check("a path's best quantity at a price", not n or p.real(got) - F(n, m) * got >= gain - d.ints("out 0")[1], v.line(), x, got)


def check_split(d, check, r, cases):
    worst = {}
    for _ in range(cases):
        k = r.choice([2, 2, 3])
        price = r.choice([F(1), F(3), F(1, 4), F(50)])
        paths = [Path([small_pool(r, price)]) for _ in range(k)]
        v = Route(paths, 0)
        d.ask(v.line())
        for q in (0, 1, r.randint(2, 60), r.randint(20, 120 if k == 3 else 400)):
            got, *part = d.ints(f"split {q}")
            best = v.out(q)
            check("split: the parts are the sale",
                  sum(part) <= q and any(got == sum(p.out(x) for p, x in zip(order, part)) for order in itertools.permutations(paths)), v.line(), q, part)
            check("split: brute force within a unit a path but one", best - (k - 1) <= got <= best, v.line(), q, got, best)
            worst[best - got] = worst.get(best - got, 0) + 1
    check.notes.append(f"split against brute force: units below the best: {dict(sorted(worst.items()))}")
    for _ in range(cases):  # large: no real split is better by more than the floors
        k, price = r.randint(2, 8), F(some(r, 20), some(r, 20))
        paths = []
        for _ in range(k):
            i = some(r, 80) + 2**40
            paths.append(Path([Pool(i, max(1, int(i * price * F(r.randint(900, 1100), 1000))))]))
        v = Route(paths, 0)
        d.ask(v.line())
        q = some(r, 82)
        got, *part = d.ints(f"split {q}")
        bound = dual(paths, q)
        check("split: within the floors of the real optimum", bound - k - 1 <= got <= bound, v.line(), q, got, float(bound - got))


def sorted_paths(paths):
    """As cpmm_set orders them: price of the first unit, stable."""
    return sorted(paths, key=lambda p: -F(p.pools[0].o * p.pools[0].keep, p.pools[0].i * p.pools[0].of))


def dual(paths, q):
    """Upper bound of any split, in 400-bit fixed point: shares where all prices are equal, over the paths that get something."""
    one = 2**200
    ox = [(p.pools[0].o, F(p.pools[0].i * p.pools[0].of, p.pools[0].keep)) for p in sorted_paths(paths)]
    best = F(0)
    for n in range(1, len(ox) + 1):
        roots = [F(isqrt(int(o * x * one * one)), one) for o, x in ox[:n]]
        t = (q + sum(x for _, x in ox[:n])) / sum(roots)
        parts = [s * t - x for s, (_, x) in zip(roots, ox)]
        if min(parts) < 0:
            break
        best = sum(o * y / (x + y) for y, (o, x) in zip(parts, ox))
    return best + F(1, 10**9)


def check_books(d, check, r, cases):
    for _ in range(cases):
        tick, size_lot, lot = r.randint(1, 50), r.randint(1, 1000), some(r, 50)
        price, levels = some(r, 40) + 50, []
        for _ in range(r.randint(0, 40)):
            levels.append((price, some(r, 30)))
            price -= r.randint(0, max(1, price // 50))
        b = Book(0, lot, some(r, 40), r.randint(0, 18), r.choice([0, 1, 250, 999999]), tick, size_lot, levels)
        assert d.ask(b.line()) == "ok"
        total = sum(s for _, s in b.levels) * lot
        for q in (0, lot - 1, lot, total, total + lot, r.randint(0, total + 1), 2**112 - 1):
            got, slop = d.ints(f"out {q}")
            check("books: levels, lots, fee", got == min(b.out(q), MOST), b.line(), q)
            real, left = F(0), F(q, lot)
            for ticks, size in b.levels:
                n = min(left, size)
                real += n * b.net_price(ticks) * lot
                left -= n
            check("books: slop covers rounding and lots", min(real, MOST) < got + slop, b.line(), q)
        if b.levels:
            t = r.choice(b.levels)[0]
            for rate in (b.net_price(t), b.net_price(t) * F(1001, 1000), F(some(r, 30), some(r, 60))):
                if rate.numerator < 2**64 and rate.denominator < 2**64:
                    want = sum(s for ticks, s in b.levels if b.net_price(ticks) >= rate) * lot
                    check("books: best quantity at a price", d.ints(f"upto {rate.numerator} {rate.denominator}") == [min(want, MOST)], b.line(), rate)


# ---- worth

def net_of(money, way, venue, x):
    return venue.out(x[1]) - x[0] - money.premium(way, x[0])


PARTS = ("bonus", "fee", "premium", "slippage", "gas", "profit")


def same(got, want):
    return all(got[k] == want[k] for k in want)


def check_money(d, check, r, cases):
    for _ in range(cases):
        w, money = small_world(r), Money(r)
        if r.random() < 0.5:  # real decimals
            w.reserves = [ja.Reserve(i, i, r.choice([0, 6, 8, 18]), 8000, 10500, 1000, 0, 0, 0, ja.RAY, ja.RAY) for i in range(2)]
            w.px = [r.randint(1, 10**13) for _ in range(2)]
        v = Route([Path([Pool(some(r, 100), some(r, 100))])], r.choice([0, 50000]))
        d.send(*w.lines(), *money.lines())
        assert d.ask(v.line()) == "ok" and d.ask(money.bids()) == "ok"
        way = r.randrange(3)
        paid = some(r, 80)
        got = max(1, int(paid * F(w.px[1] * 10**w.token(0)[1], w.px[0] * 10**w.token(1)[1]) * F(r.randint(1000, 1150), 1000))) if r.random() < 0.7 else some(r, 80)
        fee = r.choice([0, got // 200])
        want = money.result(way, v, w.token(1), w.token(0), paid, min(got, 2**100), fee)
        have = d.worth(f"value {way} 1 0 {paid} {min(got, 2**100)} {fee}")
        if have["reason"] == RANGE:
            check("money: out of range beyond 2^96", max(abs(want[k]) for k in PARTS) >= 2**96, w.lines(), v.line(), want)
            continue
        check("money: bonus, fee, premium, slippage, gas, bid", same(have, want), w.lines(), v.line(), money.bids(), have, want)
        check("money: the parts are the whole",
              have["bonus"] - have["fee"] - have["premium"] - have["slippage"] - have["gas"] == have["profit"], have)


def cheap(r):
    """Costs that leave the choice of size to the sale."""
    m = Money(r)
    m.way = [(g, 0, p) for g, _, p in m.way]
    m.native, m.floor, m.cap, m.min_profit, m.min_expected, m.levels = 1, 0, 0, 1, 0, [(0, r.randint(1, 10**6))]
    return m


def check_small(d, check, r, cases):
    reasons = {}
    for _ in range(cases):
        w, money = small_world(r), r.choice([cheap, cheap, Money])(r)
        v = small_venue(r, w)
        money.scan = 1000
        d.send(*w.lines(), *money.lines())
        assert d.ask(v.line()) == "ok" and d.ask(money.bids()) == "ok"
        way = r.randrange(3)
        have = d.worth(f"best {way}")
        best, any_legal = None, False
        for debt, coll in w.pairs():
            tries = {x for x in (w.call(debt, coll, a) for a in itertools.chain(range(1, w.reserve_debt(debt) + 2), [ALL])) if x}
            any_legal = any_legal or bool(tries)
            if not tries:
                continue
            top = max(net_of(money, way, v, x) for x in tries)
            of = [x for x in tries if net_of(money, way, v, x) == top]
            results = [money.result(way, v, w.token(debt), w.token(coll), *x) for x in of]
            one = max(results, key=lambda x: (x["reason"] == YES, x["expected"]))
            one["pair"] = (debt, coll)
            if best is None or (one["reason"] == YES, one["expected"]) > (best["reason"] == YES, best["expected"]):
                best = one
        where = (w.lines(), v.line(), money.lines(), money.bids(), way, have, best)
        reasons[have["reason"]] = reasons.get(have["reason"], 0) + 1
        if not any_legal:
            check("small: no legal amount", have["reason"] == NO_PAIR, *where)
        elif best["reason"] == YES:
            check("small: brute force finds nothing better", have["reason"] == YES and have["expected"] == best["expected"] and have["profit"] == best["profit"], *where)
            x = w.call(have["debt"], have["coll"], have["qty"])
            check("small: the amount to name moves what is told", x == (have["paid"], have["got"], have["fee_units"]), *where)
            check("small: told as the best there is", have["slack"] == 0, *where)
        else:
            check("small: nothing worth it, and a reason", have["reason"] not in (YES, NO_PAIR, NO_EXIT), *where)
    check.notes.append(f"small: reasons {dict(sorted(reasons.items()))}")


def large_world(r):
    """WETH against USDC, WBTC against USDC, WETH against WBTC, of a thousand to a hundred million dollars."""
    kinds = [(18, 3000 * 10**8), (8, 90000 * 10**8), (6, 10**8)]
    cd, dd = r.sample(kinds, 2)
    reserves = [ja.Reserve(i, i, k[0], 8300, r.choice([10450, 10500, 10750]), r.choice([0, 1000]), 0, 0, 0,
                           ja.RAY + r.randint(0, ja.RAY // 5), ja.RAY + r.randint(0, ja.RAY // 5)) for i, k in enumerate((cd, dd))]
    dollars = 10 ** r.choice([r.uniform(3.4, 3.8), r.uniform(3, 8)])
    px = [cd[1] * r.randint(800, 1200) // 1000, dd[1]]
    hf = r.choice([r.uniform(0.8, 1), r.uniform(0.95, 1)])
    supply = int(dollars * 1e8) * 10**cd[0] // px[0]
    debt = int(dollars * 1e8 * 0.83 / hf) * 10**dd[0] // px[1]
    return World(reserves, [(0, True, supply * ja.RAY // reserves[0].liq_index + 1, 0), (1, False, 0, debt * ja.RAY // reserves[1].borrow_index + 1)], px), dollars


def large_venue(r, w, dollars):
    def pool(like, pc, dc):
        deep = 10 ** r.choice([r.uniform(1.2, 2), r.uniform(-0.5, 3)]) * dollars
        i = int(deep * 1e8) * 10**dc // pc + 1
        return Pool(i, max(1, int(i * like * F(r.randint(985, 1010), 1000))))
    like = F(w.px[0] * 10**w.token(1)[1], w.px[1] * 10**w.token(0)[1])
    if r.random() < 0.6:
        return Route([Path([pool(like, w.px[0], w.token(0)[1])])], 0)
    mid = F(w.px[0] * 10**18, 2 * 10**8 * 10**w.token(0)[1])  # a token of 2 dollars between
    return Route([Path([pool(mid, w.px[0], w.token(0)[1]), pool(like / mid, 2 * 10**8, 18)])], 0)


def search(lo, hi, f):
    """The greatest f(x), lo <= x <= hi, f concave but for rounding."""
    best = (f(lo), lo)
    while hi - lo > 60:
        a, b = lo + (hi - lo) * 2 // 5, lo + (hi - lo) * 3 // 5
        fa, fb = f(a), f(b)
        best = max(best, (fa, a), (fb, b))
        lo, hi = (lo, b) if fa >= fb else (a, hi)
    return max([best] + [(f(x), x) for x in range(lo, hi + 1)])


def check_again(d, check, r, w, money, way, v, have):
    """The cheap question must never say yes wrongly, and must say yes to what is clear."""
    unit, gas = 10**w.token(1)[1], money.way[way][0] + v.gas
    cost = ceil_div(gas * (money.base_fee + have["tip"]) * money.native, 10**18)
    slop = d.ints("out 0")[1]
    for _ in range(8):
        paid, got = max(1, have["paid"] * r.randint(970, 1003) // 1000), max(1, have["got"] * r.randint(970, 1030) // 1000)
        px = w.px[1] * r.randint(800, 1200) // 1000
        prem = money.premium(way, paid)
        left = F((v.out(got) - paid - prem) * px, unit) - cost
        part = F(have["out"] * min(got, have["got"]), have["got"])
        sure = F((part - slop - paid - prem) * px, unit) - cost
        for least in (r.randint(1, 10**12), int(left) + r.randint(-3, 3), int(sure), int(sure) + 1):
            money.min_profit = min(2**63 - 1, max(1, least))
            d.ask(money.bids())
            says = d.ints(f"again {way} {paid} {got} {px}")[0]
            where = (w.lines(), v.line(), money.bids(), have, paid, got, px)
            check("again: never yes for less than the least profit", not says or left >= money.min_profit, *where)
            check("again: yes where the prepared proceeds, or their share, are enough", says == (sure >= money.min_profit), *where)
    money.min_profit = 1


def check_large(d, check, r, cases):
    used, worst = 0, {0: 0, 8: 0}
    for case in range(cases):
        w, dollars = large_world(r)
        if not w.account.liquidatable(w.px):
            continue
        v, money, way = large_venue(r, w, dollars), cheap(r), r.randrange(2)
        money.native, money.floor, money.cap = r.choice([1, 3000 * 10**8]), 10**6, 10**6
        money.way[1] = (1, 0, r.choice([0, 5]))
        d.send(*w.lines(), *money.lines())
        assert d.ask(v.line()) == "ok"

        def net(a):
            x = w.call(1, 0, a)
            return net_of(money, way, v, x) if x else -10**60
        full = w.call(1, 0, ALL)
        top = full[0] if full else w.reserve_debt(1)
        # where dust begins: from an amount that is legal to one that is not
        lo, hi = 1, top
        while lo < top and not w.call(1, 0, lo):
            lo *= 2
        lo = min(lo, top)
        start = lo
        while hi - lo > 1 and not w.call(1, 0, top - 1):
            mid = (lo + hi) // 2
            lo, hi = (mid, hi) if w.call(1, 0, mid) else (lo, mid)
        last = top if w.call(1, 0, top - 1) else lo
        want, at = search(start, last, net)
        want = max(want, net(ALL))
        unit = 3 * ceil_div(w.px[0] * 10**w.token(1)[1], w.px[1] * 10**w.token(0)[1])
        for money.scan in (0, 8):
            d.ask(money.bids())
            have = d.worth(f"best {way}")
            where = (w.lines(), v.line(), money.lines(), money.bids(), way, have, want, at)
            if have["reason"] != YES and want <= 2 + unit:
                continue
            x = w.call(1, 0, have["qty"])
            check("large: the amount to name moves what is told", x == (have["paid"], have["got"], have["fee_units"]), *where)
            mine = have["out"] - have["paid"] - have["premium_units"]
            short = want - mine
            worst[money.scan] = max(worst[money.scan], short)
            used += 1
            if have["slack"] == 0:
                check("large: told as the best there is", short <= 0, *where)
            check("large: within a unit of debt and of collateral of the optimum", short <= 1 + unit, short, unit, *where)
            check("large: the slack told covers it", short <= have["slack"] + 1, short, *where)
        if have["reason"] == YES:
            check_again(d, check, r, w, money, way, v, have)
    check.notes.append(f"large: {used} sizes; most units of debt below the search's best, by scan: {worst}")


def check_edges(d, check, r):
    w, money = small_world(r), cheap(r)
    d.send(*w.lines(), *money.lines())
    d.ask(money.bids())
    d.send("nothing")
    check("no way out is said", d.worth("best 0")["reason"] == NO_EXIT)
    d.ask(Route([Path([Pool(10**6, 10**6)])], 0).line())
    healthy = World(w.reserves, [(0, True, 1000, 0), (1, False, 0, 1)], w.px)
    d.send(*healthy.lines())
    check("a healthy account has no pair", d.worth("best 0")["reason"] == NO_PAIR)
    d.send(*w.lines())
    check("amounts beyond 2^112 are out of range", d.worth(f"value 0 1 0 {2**112} 1 0")["reason"] == RANGE)
    check("values beyond 2^96 are out of range", d.worth(f"value 0 1 0 1 {MOST} 0")["reason"] == RANGE)
    refused = ["paths 0 0", "paths 0 9", "paths 0 1 0", "paths 0 1 5", "paths 0 1 1 0 5 997 1000", "paths 0 1 1 5 0 997 1000", f"paths 0 1 1 {2**112} 5 997 1000",
               "paths 0 1 1 5 5 0 1000", "paths 0 1 1 5 5 1001 1000", "paths 0 1 1 5 5 499 1000", "paths 0 1 1 5 5 9970 10001",
               f"paths 0 1 2 5 {2**111} 997 1000 {2**111} 5 997 1000", "book 0 0 1 0 0 1 1 0", "book 0 1 0 0 0 1 1 0", "book 0 1 1 19 0 1 1 0",
               "book 0 1 1 0 1000000 1 1 0", "book 0 1 1 0 0 0 1 1 1 1", "book 0 1 1 0 0 1 1 2 5 1 6 1", f"book 0 {2**64} 1 0 0 1 1 0",
               "bids 2 1 1 0 0 1 0 0", f"bids 0 {2**63} 1 0 0 1 0 0", "bids 0 1 0 0 0 1 0 0", "bids 0 1 1 0 0 0", "bids 0 1 1 0 0 9",
               "bids 0 1 1 0 0 1 1000001 0", "bids 0 1 1 0 0 1 0 1000001", "bids 0 1 1 0 0 2 5 5 5 6", "bids 0 1 1 0 0 2 5 5 6 4"]
    for line in refused:
        line += " 1 1" * 20 if line in ("paths 0 9", "paths 0 1 5", "bids 0 1 1 0 0 9") else ""
        check("what cannot be is refused", d.ask(line).startswith("err "), line)
    d.send("way 0 0 0 0")
    check("what cannot be is refused", d.ask("bids 0 1 1 0 0 1 0 0").startswith("err "))
    d.send("way 0 1 0 10001")
    check("what cannot be is refused", d.ask("bids 0 1 1 0 0 1 0 0").startswith("err "))


def judge(exe, cases):
    check, d, r = Checks(), Driver(exe), random.Random(SEED)
    check_pools(d, check, r, cases)
    check_paths(d, check, r, cases)
    check_split(d, check, r, cases // 3)
    check_books(d, check, r, cases // 3)
    check_money(d, check, r, cases)
    check_small(d, check, r, 2 * cases)
    check_large(d, check, r, cases // 3)
    check_edges(d, check, r)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 300, SOURCES, "host/exec/exit/", MUTANTS, 120)
