#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Routing of a sale over books and pools (exec/exit/route.h, docs/worth.md) against exact Python: every split of small
sales, the convex optimum of large ones, published trades.

  route_diff.py             TAP on stdout
  route_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: CASES (default 400), and that of talk_kit.py. Run from the project root.
"""
import random
from fractions import Fraction as F

import talk_kit
from judge_route import MOST, Book, Path, Pool, brute, convex
from route_mutants import MUTANTS
from talk_kit import SEED, Checks, main

SOURCES = ["tests/diff/route_driver.c", "host/base/wide.c"] + ["host/exec/exit/" + f for f in ("exit.c", "cpmm.c", "depth.c", "route.c", "route_merge.c")]


class Driver(talk_kit.Driver):
    def route(self, paths):
        """The slop."""
        word, *rest = self.ask("begin", *(p.text() for p in paths), "set 100000").split(maxsplit=1)
        if word != "ok":
            raise RuntimeError("refused: " + " ".join(rest))
        return int(rest[0])


FEES = [(997, 1000), (997, 1000), (9995, 10000), (1, 1), (5000, 10000)]


def small_pool(r, like):
    i = r.choice([r.randint(20, 200), r.randint(100, 5000)])
    return Pool(i, max(1, int(i * like * F(r.randint(900, 1100), 1000))), *r.choice(FEES))


def small_book(r, like, lot=None):
    """Levels around a price of `like` a unit; the lot is some units."""
    lot = lot or r.choice([1, 1, 2, 3, 5])
    price, levels = max(2, int(like * 100 * lot * F(r.randint(900, 1100), 1000))), []
    for _ in range(r.randint(1, 5)):
        levels.append((price, r.randint(1, 12)))
        price -= r.randint(1, 1 + price // 15)
        if price <= 0:
            break
    return Book(lot, 1, 2, r.choice([0, 500, 30000]), levels)


def small_path(r, like, kinds, lot=None):
    kind = r.choice(kinds)
    mid = F(r.randint(1, 40), 4)
    make = {"p": small_pool, "b": lambda r, like: small_book(r, like, lot)}
    return Path([make[k](r, x) for k, x in zip(kind, [like] if len(kind) == 1 else [mid, like / mid])])


def check_common(check, paths, q, got, part, where):
    check("the parts are the sale and bring what is told",
          sum(part) <= q and got == sum(p.out(x) for p, x in zip(paths, part)) and not any(part[len(paths):]), *where)
    check("books get whole lots", not any(x % p.hops[0].lot for p, x in zip(paths, part) if len(p.hops) == 1 and p.with_book()), *where)
    check("no way by itself brings more", got >= max(p.out(q) for p in paths), *where)
    used = [p for p, x in zip(paths, part) if x]
    check.hit("sales over more than one way", len(used) > 1)
    check.hit("a book and a pool share a sale", any(p.with_book() for p in used) and any(not p.with_book() for p in used))
    for k in ("pb", "bp", "bb", "pp"):
        check.hit(f"a way {k} gets a share of several", len(used) > 1 and any("".join("b" if h.book else "p" for h in p.hops) == k for p in used))


def check_small(d, check, r, cases, title, kinds, lots, unit, share):
    """unit(paths): how far below brute force it may stay."""
    below = {}
    for _ in range(cases):
        like, lot = r.choice([F(1), F(3), F(7, 2), F(30)]), r.choice(lots)
        paths = [small_path(r, like, kinds, lot) for _ in range(r.choice([1, 2, 2, 3, 3, 4]))]
        slop = d.route(paths)
        best = brute(paths, 50)
        if r.random() < 0.4:
            d.send("bisect")
        for q in (0, 1, r.randint(2, 49), 50):
            got, *part = d.ints(f"split {q}")
            where = [p.text() for p in paths] + [q, got, best[q], part]
            check_common(check, paths, q, got, part, where)
            check(f"small, {title}: equal to all splits within the unit stated", best[q] - unit(paths, slop) <= got <= best[q], *where, slop)
            check("the venue says the same", d.ints(f"out {q}") == [got], *where)
            below[best[q] - got] = below.get(best[q] - got, 0) + 1
    check(f"small, {title}: nearly always equal to the best", below[0] >= share * sum(below.values()), below)
    check.notes.append(f"small, {title}: units below the best of all splits: {dict(sorted(below.items()))}")


def check_large_lots(d, check, r, cases):
    """Lots that are a good part of the sale: which of them is left out decides, and floors hide nothing."""
    d.route([Path([Pool(43, 13403, 9995, 10000)]), Path([Book(10, 1, 2, 0, [(292200, 2), (290720, 7)])]), Path([Book(10, 1, 2, 0, [(295200, 1)])])])
    check("coarse lots: the pool gives way", d.ints("split 50")[:4] == [14610, 0, 40, 10])
    equal = [0, 0]
    for _ in range(cases):
        like, lots = r.choice([F(3), F(30), F(300)]), r.sample([2, 3, 5, 7, 11, 13, 17], 2)
        alike = r.random() < 0.5
        paths = [Path([small_book(r, like, lots[not alike and k])]) for k in range(2)] + [Path([small_pool(r, like)])] * alike
        slop, best = d.route(paths), brute(paths, 50)
        for q in (50, r.randint(2, 49)):
            got, *part = d.ints(f"split {q}")
            where = [p.text() for p in paths] + [q, got, best[q], part]
            check_common(check, paths, q, got, part, where)
            check("coarse lots: equal to all splits within the unit stated", best[q] - (pools_floor(paths, slop) if alike else slop) <= got <= best[q], *where)
            if not alike:
                equal[got == best[q]] += 1
    check("coarse lots of two sizes: nearly always equal to the best", equal[1] >= 0.9 * sum(equal), equal)
    check.notes.append(f"coarse lots of two sizes: {equal[1]} of {sum(equal)} are the best")


def pools_floor(paths, slop):
    """cpmm.h: n - 1 of n paths of one pool; a book's level has two floors."""
    return max(0, sum(not p.with_book() for p in paths) - 1) + sum(2 * len(h.levels) for p in paths for h in p.hops if h.book)


def large_pool(r, like, deep):
    i = int(deep * 10 ** r.uniform(-1, 1)) + 2**30
    return Pool(i, min(MOST, max(1, int(i * like * F(r.randint(960, 1040), 1000)))), *r.choice(FEES[:4]))


def large_book(r, like, deep):
    lot = r.choice([1, 10**3, 10**6, max(1, min(int(deep) // 10**5, 10**12))])
    tick = like * lot / 10**6  # so that the price is about a million ticks
    decimals = 18
    while tick * 10**decimals >= 2**62:
        decimals -= 1
    unit = max(1, int(tick * 10**decimals))
    price, levels = int(10**6 * F(r.randint(960, 1040), 1000)), []
    for _ in range(r.randint(1, 30)):
        levels.append((price, min(2**62, 1 + int(deep * 10 ** r.uniform(-3, -0.5)) // lot)))
        price -= r.randint(1, 3000)
    return Book(lot, unit, decimals, r.choice([0, 250, 5000]), levels)


def large_path(r, like, deep):
    kind = r.choice(["p", "p", "b", "b", "pb", "bp", "bb", "pp"])
    mid = F(r.randint(1, 4000), 40)
    make = {"p": large_pool, "b": large_book}
    if len(kind) == 1:
        return Path([make[kind](r, like, deep)])
    return Path([make[kind[0]](r, mid, deep), make[kind[1]](r, like / mid, int(deep * mid))])


def check_large(d, check, r, cases):
    worst = F(0)
    for _ in range(cases):
        like, deep = r.choice([F(1), F(3000, 10**12), F(10**10, 3), F(1, 10**8)]), 10 ** r.choice([12, 15, 18, 21])
        paths = [large_path(r, like, deep) for _ in range(r.randint(1, 5))]
        slop = d.route(paths)
        q = int(deep * 10 ** r.uniform(-2, 0.8)) + 1
        got, *part = d.ints(f"split {q}")
        value, bound = convex(paths, q)
        where = [p.text() for p in paths] + [q, got, float(value), float(bound), slop, part]
        check_common(check, paths, q, got, part, where)
        check("large: the judge's own optimum is one", value <= bound and bound - value <= 1 + value / 10**9, *where)
        check("large: not above the convex optimum", got <= bound, *where)
        check("large: within the slop of the convex optimum", got >= value - slop, *where)
        if value:
            worst = max(worst, (value - got) / value)
        check.hit("the whole depth is not enough", any(p.with_book() for p in paths) and sum(part) < q * 9 // 10)
    check.notes.append(f"large: {float(worst):.2e} of the value below the convex optimum at most")


def check_fine(d, check, r, cases):
    """Books whose lot is one unit and pools: nothing but units is lost, so the split has to be the optimum itself."""
    for _ in range(cases):
        deep, like = 10 ** r.choice([9, 14, 18]), F(r.randint(1, 2000), 20)
        paths = []
        for _ in range(r.randint(2, 5)):
            kind = r.choice(["p", "b", "b", "pb", "bp"])
            hops = []
            for k in kind:
                price = like if len(kind) == 1 else F(1) if not hops else like
                if k == "p":
                    hops.append(large_pool(r, price, deep))
                else:
                    t, levels = 10**6 * r.randint(960, 1040) // 1000, []
                    for _ in range(r.randint(1, 12)):
                        levels.append((t, r.randint(1, deep // 5)))
                        t -= r.randint(1, 3000)
                    hops.append(Book(1, max(1, int(price * 10**12)), 18, r.choice([0, 250]), levels))
            paths.append(Path(hops))
        d.route(paths)
        q = int(deep * 10 ** r.uniform(-1.5, 0.5)) + 1
        got, *part = d.ints(f"split {q}")
        value, bound = convex(paths, q)
        where = [p.text() for p in paths] + [q, got, float(value), float(bound), part]
        check_common(check, paths, q, got, part, where)
        levels = sum(len(h.levels) for p in paths for h in p.hops if h.book)
        loss = int(max(p.slope(F(0)) for p in paths)) + 1
        check("fine lots: the convex optimum but for rounding", value - (2 * levels + 4) * (loss + 2) * len(paths) <= got <= bound, *where, float(value - got))


def coarse_book(r, lot):
    price, levels = r.randint(50, 400), []
    for _ in range(r.randint(1, 4)):
        levels.append((max(1, price), r.randint(1, 6)))
        price -= r.randint(1, 20)
    return Book(lot, lot, 0, r.choice([0, 0, 500, 10000]), levels)


def check_coarse(d, check, r, cases):
    """A unit of what is sold is worth 50 to 400 of what comes out, and pools are tiny: a floor of a share is no small thing here.
    Three books and two pools, lots of one and several units, against all splits."""
    fixed = [([Book(1, 1, 0, 0, [(92, 6), (87, 6)]), Pool(3, 976, 9975, 10000), Pool(3, 1114, 9975, 10000)], 16, 1943),
             ([Book(3, 3, 0, 0, [(347, 5), (334, 6), (321, 5)]), Book(3, 3, 0, 0, [(215, 1), (214, 6)]), Book(2, 2, 0, 0, [(315, 4)]), Pool(3, 1, 997, 1000), Pool(954139, 77285260, 1, 1)], 37, 12477)]
    for hops, q, want in fixed:
        d.route([Path([h]) for h in hops])
        got, *part = d.ints(f"split {q}")
        check("coarse units: the sale that all splits give", got == want, q, want, got, part)
    equal = [0, 0]
    for _ in range(cases):
        lots, q = r.choice([[1], [1], [1, 1, 2, 3]]), r.randint(1, 40)
        paths = [Path([coarse_book(r, r.choice(lots))]) for _ in range(r.choice([1, 3]))]
        for _ in range(r.choice([1, 2])):
            x = r.choice([r.randint(1, 5), r.randint(10, 200), r.randint(1000, 10**6)])
            paths.append(Path([Pool(x, x * r.randint(50, 400) // r.choice([1, 1, 7]) + 1, *r.choice([(997, 1000), (1, 1), (9975, 10000)]))]))
        d.route(paths)
        got, *part = d.ints(f"split {q}")
        best = brute(paths, q)[q]
        where = [p.text() for p in paths] + [q, got, best, part]
        check_common(check, paths, q, got, part, where)
        of_one = all(h.lot == 1 for p in paths for h in p.hops if h.book)
        check("coarse units: equal to all splits", not of_one or got == best, *where)
        equal[got == best] += 1
        check.hit("coarse units: pools and books of several lots share", len({h.lot for p in paths for h in p.hops if h.book}) > 1 and any(part[k] for k in range(len(paths)) if not paths[k].with_book()))
    check("coarse units, lots of several: nearly always equal to the best", equal[1] >= 0.98 * sum(equal), equal)


def check_parts(d, check, r, cases):
    for _ in range(cases):
        a, b = r.getrandbits(r.randint(1, 250)) + 1, r.getrandbits(r.randint(1, 250)) + 1
        o, i = d.ints(f"near {a} {b}")
        if F(1, 2**62) < F(a, b) < 2**62:
            check("a price keeps its first 60 bits", abs(F(o, i) / F(a, b) - 1) < F(1, 2**60), a, b, o, i)
        else:
            check("a price keeps its side", (F(o, i) > 2**60) == (a > b), a, b, o, i)
        p = Pool(r.getrandbits(r.randint(8, 100)) + 1, r.getrandbits(r.randint(8, 100)) + 1, *r.choice(FEES))
        d.route([Path([p])])
        rate = p.slope(F(r.getrandbits(r.randint(1, 100)))) * F(r.randint(90, 110), 100)
        got = d.ints(f"upto {rate.numerator} {rate.denominator}" if rate.numerator < 2**250 and rate.denominator < 2**250 else "upto 1 1")[0]
        if rate.numerator < 2**250 and rate.denominator < 2**250 and F(1, 2**62) < rate < 2**62:
            want = p.demand(rate)
            check("a pool takes r* = (sqrt(gamma k X Y) - X) / gamma", abs(got - min(want, MOST - p.i)) <= 2 + want // 2**50 + p.i // 2**50, p.text(), rate, got, want)
        k = small_book(r, F(r.randint(1, 50)))
        d.route([Path([k])])
        whole = sum(n for _, n in k.levels) * k.lot
        y = r.randint(0, k.out(whole) + 2)
        want = next((str(x) for x in range(0, whole + 1, k.lot) if k.out(x) >= y), "none")
        check("the least quantity for an output", d.ask(f"least 0 {y}") == want, k.text(), y, want)


def check_beyond(d, check):
    """What no token holds is cut off, the fee taken from what is left."""
    for unit, ticks, lots in ((2**61, 2**30, 2**30), (2**62, 2**33, 2**30), (2**50, 2**10, 2**40), (2**61, 2**30, 2**40)):
        d.route([Path([Book(1, unit, 0, 30000, [(ticks, lots)])])])
        gross = min(lots * ticks * unit, MOST)
        check("more than a token holds", d.ints(f"out {lots}") == [gross + (-gross * 30000) // 10**6], unit, ticks, lots)


def check_upto(d, check, r, cases):
    """A path's best quantity at a price: proceeds less rate times quantity are greatest, but for rounding."""
    for _ in range(cases):
        deep = 10 ** r.choice([12, 18])
        p = large_path(r, F(r.randint(1, 100), 10), deep)
        slop = d.route([p])
        x = F(int(deep * 10 ** r.uniform(-2, 0)))
        rate = p.slope(x)
        if rate == 0 or rate.numerator >= 2**250 or rate.denominator >= 2**250:
            continue
        got = d.ints(f"upto {rate.numerator} {rate.denominator}")[0]
        have, want = p.real(F(got)) - rate * got, p.real(x) - rate * x
        check("a way's best quantity at a price", have >= want - slop - abs(want) / 2**40 - 2, p.text(), rate, got, float(x), float(have), float(want))


def check_published(d, check):
    """CFMMRouter.jl, examples/liquidate: pools (1e3, 1e4) of tokens 1, 2; (1e3, 1e2) of 2, 3; (1e3, 2e4) of 1, 3; fee 0.3 %.
    Its optimum may lend itself tokens between pools, so it is above a sale's."""
    u = 10**12
    for i, o, x, y in ((10_000, 1_000, 766, 71), (100, 1_000, 310, 756), (1_000, 20_000, 17, 336), (100, 1_000, 336, 770)):
        p = Pool(i * u, o * u)
        d.route([Path([p])])
        low, high = d.ints(f"out {(2 * x - 1) * u // 2}")[0], d.ints(f"out {(2 * x + 1) * u // 2}")[0]
        check("published trades: the pools give the same", low <= (2 * y + 1) * u // 2 and high >= (2 * y - 1) * u // 2, i, o, x, y, low, high)
    paths = [Path([Pool(1000 * u, 10_000 * u)]), Path([Pool(1000 * u, 20_000 * u), Pool(100 * u, 1000 * u)])]
    d.route(paths)
    got, *part = d.ints(f"split {10 * u}")
    value, bound = convex(paths, 10 * u)
    check("published sale of 10: within the 698 that lending between pools brings", 660 * u < got < 699 * u and value - 3 <= got <= bound, got, float(value), part)
    back = [Path([Pool(20_000 * u, 1000 * u)]), Path([Pool(100 * u, 1000 * u), Pool(10_000 * u, 1000 * u)])]
    d.route(back)
    got, *part = d.ints(f"split {100 * u}")
    value, bound = convex(back, 100 * u)
    check("published basket, its 100: within the 60 of the basket", 47 * u < got < 60 * u and value - 15 <= got <= bound, got, float(value), part)


def check_refused(d, check):
    for text, why in (("path 1 p 0 1 997 1000", "reserves"), ("path 1 p 1 1 400 1000", "fee"), ("path 1 p 1 1 1001 1000", "fee"), ("path 0", "hops"),
                      ("path 2 b 1 1 0 0 1 5 5 p 0 5 997 1000", "reserves"), ("path 2 b 1 1 0 0 1 5 5 p 5 5 400 1000", "fee"), (f"path 1 p {2**112} 5 997 1000", "reserves")):
        d.send("begin")
        d.send(text)
        answer = d.ask("set 0")
        check("refused with its reason", answer.startswith("err") and why in answer, text, answer)
    d.send("begin")
    check("refused with its reason", d.ask("set 0").startswith("err"))


def judge(exe, cases):
    r, d, check = random.Random(SEED), Driver(exe), Checks()
    some = max(1, cases // 8)
    check_parts(d, check, r, cases)
    check_refused(d, check)
    check_beyond(d, check)
    check_published(d, check)
    check_small(d, check, r, cases // 2, "pools", ["p"], [1], pools_floor, 0.95)
    check_small(d, check, r, cases, "books of one lot and pools", ["p", "b", "b"], [1, 2, 3, 5], pools_floor, 0.93)
    check_small(d, check, r, cases // 2, "books of several lots", ["b"], [None], lambda paths, slop: slop, 0.91)
    check_small(d, check, r, cases // 2, "any", ["p", "b", "b", "pb", "bp", "bb", "pp"], [None], lambda paths, slop: slop, 0.92)
    check_coarse(d, check, r, cases)
    check_upto(d, check, r, some)
    check_fine(d, check, r, some)
    check_large(d, check, r, some)
    check_large_lots(d, check, r, cases)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 400, SOURCES, "host/exec/exit/", MUTANTS, 240)
