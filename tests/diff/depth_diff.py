#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the order desk asks about depth (exec/desk_depth.c, exec/exit/slip.h, docs/worth.md, "Depth") against exact Python:
slippage of perpetuals over the levels of a book, and a collateral's sale over its book and pools at once, against every
split of small sales and the convex optimum of large ones.

  depth_diff.py             TAP on stdout
  depth_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: CASES (default 300), and that of talk_kit.py. Run from the project root.
"""
import random
from fractions import Fraction as F

from depth_mutants import MUTANTS
from judge_route import Book, Path, Pool, brute, convex
from talk_kit import SEED, Checks, Driver, main

SOURCES = ["tests/diff/depth_driver.c", "host/exec/desk_depth.c", "host/exec/desk_taken.c", "host/base/wide.c", "host/base/pages.c"] + [
    "host/exec/exit/" + f for f in ("exit.c", "across.c", "behind.c", "cpmm.c", "depth.c", "route.c", "route_merge.c", "slip.c", "exits.c")]
LINEAR, INVERSE, RESERVE = 1, 2, 3
NONE, FEED, REQUIRED = 0, 1, 2
I64 = 2**63 - 1
AMOUNT = 8  # decimals of a level's amount


def ceil(x):
    return -((-x.numerator) // x.denominator)


# ---- perpetuals


class Perp:
    def __init__(self, r, i, kind=None):
        self.i, self.kind = i, kind or r.choice([LINEAR, INVERSE])
        self.sd, self.pd = r.choice([0, 3, 8, 11, 18]), r.choice([2, 6, 9])
        self.mark = r.randint(1, 10 ** r.randint(3, 12)) + 50
        self.sides, self.held = {}, 0

    def text(self):
        return f"inst {self.i} {self.kind} {self.sd} {self.pd} {self.mark}"

    def fill(self, r, bids):
        """Levels near the mark, now and then better than it, now and then none, now and then not known."""
        known = r.random() < 0.8
        price = max(1, self.mark + r.randint(-self.mark // 50, self.mark // 100) * (1 if bids else -1))
        levels = []
        for _ in range(r.choice([0, 1, 2, 5, 12, 64])):
            levels.append((price, r.randint(1, 10 ** r.randint(2, 11))))
            price += r.randint(0, 1 + self.mark // 400) * (-1 if bids else 1)
            if price <= 0:
                break
        self.sides[bids] = levels if known else None
        rows = " ".join(f"{p} {a}" for p, a in levels)
        return f"side {self.i} {int(bids)} {int(known)} {len(levels)} {rows}"

    def notional(self, qty):
        """At the mark, whole units of account."""
        q = F(qty, 10**self.sd)
        return q if self.kind == INVERSE else q * F(self.mark, 10**self.pd)

    def cost(self, qty, sell, fee, before=0):
        """Of trading qty in its book, of which so much is gone before, 1e-8; None: the levels do not hold it. Each level is rounded
        up by itself."""
        left, lost, traded = F(qty, 10**self.sd), 0, 0
        for price, amount in self.sides[sell]:
            gone = min(before, F(amount, 10**AMOUNT))
            before -= gone
            here = min(left, F(amount, 10**AMOUNT) - gone)
            left -= here
            worse = self.mark - price if sell else price - self.mark
            if self.kind == INVERSE:  # coins of here (1/price - 1/mark), at the mark
                lost += ceil(here * worse / price * 10**8)
                traded += ceil(here * self.mark / price * 10**8)
            else:
                lost += ceil(here * worse / 10**self.pd * 10**8)
                traded += ceil(here * price / 10**self.pd * 10**8)
            if left == 0:
                break
        return max(0, lost + ceil(F(traded * fee, 10**6))) if left == 0 else None


def check_slip(d, check, r, cases):
    for _ in range(cases):
        mode, fee, unknown, cost = r.choice([FEED, FEED, REQUIRED]), r.choice([0, 500, 30000]), r.choice([0, 2500]), r.choice([0, 10**8])
        lines = [f"mode {mode} {fee} {unknown} {cost} {r.choice([0, 1])} {r.choice([0, 1, 2])}"]
        perps = [Perp(r, i) for i in range(r.randint(1, 3))]
        for p in perps:
            lines += [p.text(), p.fill(r, True), p.fill(r, False)]
        legs, want, all_known = [], 0, True
        for p in perps:
            sell = r.random() < 0.5
            depth = sum(a for _, a in p.sides[sell] or [])
            qty = max(1, int(F(depth, 10**AMOUNT) * 10**p.sd * F(r.randint(1, 110), 100))) if depth and r.random() < 0.9 else r.randint(1, 10**9)
            p.held = qty * r.randint(1, 3) * (1 if sell else -1)
            legs.append((p.i, qty))
            if want is None:
                continue
            if p.sides[sell] is None:
                all_known = False
                part = ceil(F(ceil(p.notional(qty) * 10**8) * unknown, 10**6)) if mode == FEED else None
            else:
                part = p.cost(qty, sell, fee)
                check.hit("not enough depth", part is None)
                check.hit("levels better than the mark", part == 0)
                check.hit("a sale through several levels of an inverse book", part and p.kind == INVERSE and p.sides[sell][0][1] * 10**p.sd < qty * 10**AMOUNT)
                check.hit("a short bought back at a cost", part and not sell)
            want = None if part is None else want + part
        lines.append(f"pos {len(perps)} " + " ".join(f"{p.i} {p.held}" for p in perps))
        for line in lines:
            d.send(line)
        text = f"{len(legs)} " + " ".join(f"{i} {q}" for i, q in legs)
        slip, known = d.ints("slip " + text)
        where = [*lines, text, slip, known, want]
        check.hit("no book where one is needed", want is None and not all_known)
        check.hit("no book and a supposed slippage", want is not None and not all_known)
        if want is None or want > I64:
            check("no order without depth", slip == I64, *where)
        else:
            check("slippage to the last unit", slip == want, *where)
            check("known where every book is", bool(known) == all_known, *where)
        value, reward = r.randint(0, 10**14), r.randint(0, 10**12)
        left = reward - slip - cost
        check("ranked by what it earns", d.ints(f"ranked {value} {reward} {text}") == [max(0, left)], *where, reward, cost)


def check_units(d, check, r, cases):
    """A level's amount in coins for one in the quote and back: by its own price, rounded down."""
    for _ in range(cases):
        decimals, price, amount = r.choice([0, 2, 6, 9, 18]), r.randint(1, 10 ** r.randint(1, 18)), r.randint(1, 10 ** r.randint(1, 18))
        one = F(price, 10**decimals)
        coins, quote = (d.ints(f"other {price} {amount} {decimals} {c}")[0] for c in (1, 0))
        want = [min(I64, int(F(amount) / one)), min(I64, int(F(amount) * one))]
        check("amounts in the other unit", [coins, quote] == want, price, amount, decimals, coins, quote, want)
        check.hit("less than one is none", 0 in want)
        check.hit("more than there is room for", I64 in want)
        check.hit("rounded down", F(amount) / one != want[0] and 0 < want[0] < I64)


# ---- collateral


SALE, BOTH, REST = 0, 1, 3  # whose books count, and what of them


def quote(px, decimals):
    """Is it what books are quoted in: worth one unit of account, give or take a twentieth?"""
    return abs(F(px, 10**decimals) - 1) <= F(1, 20)


def across(bids, asks):
    """Two books as one, exact: [(of the token sold, how much of the other for one of it)], best first. Levels are (price,
    amount); None is a token that has a price only, (price, None)."""
    out, b, a = [], [list(x) for x in bids], [list(x) for x in asks]
    while b and a:
        brings = b[0][1] * b[0][0] if b[0][1] is not None else None
        costs = a[0][1] * a[0][0] if a[0][1] is not None else None
        money = min(x for x in (brings, costs) if x is not None)
        if money:
            out.append((money / b[0][0], b[0][0] / a[0][0]))
        for side, whole in ((b, brings), (a, costs)):
            if whole is not None and whole == money:
                side.pop(0)
            elif whole is not None:
                side[0][1] -= money / side[0][0]
    return out


class Pair:
    """A collateral 0, a debt 1, the native coin 2; books in amounts of 10^-8."""

    def __init__(self, r, small):
        self.mode, self.fee = r.choice([FEED, FEED, REQUIRED]), r.choice([0, 500])
        self.by, self.worth = r.choice([SALE, BOTH, BOTH]), 1
        self.small = small
        if small:  # units so coarse that every split can be tried
            self.sd, self.dd, self.pd, self.ddp = 0, 2, 2, 8
            self.mark, self.debt_px = r.randint(100, 900), r.choice([10**8, 99_980_000, 3 * 10**8, 105_000_000, 105_000_001])
        else:
            self.sd, self.dd, self.pd, self.ddp = r.choice([8, 9, 18]), r.choice([6, 18]), 8, 8
            self.mark = r.randint(10**8, 9 * 10**12)
            self.debt_px = r.choice([10**8, 99_991_234, 101_000_000, 95_000_000, 94_999_999] + [r.randint(10**4, 9 * 10**12)] * (self.by == BOTH))
            if r.random() < 0.3:  # the other way round: what books quote is sold for what has one
                self.sd, self.mark = r.choice([6, 18]), r.choice([10**8, 99_991_234, 105_000_000, 105_000_001])
        self.levels, self.known = [], r.random() < (0.2 if not small and quote(self.mark, 8) else 0.9)
        self.asks, self.debt_known = [], not small and r.random() < (0.2 if quote(self.debt_px, 8) else 0.7)
        self.debt_bids = self.debt_known and r.random() < 0.9  # asks without bids are a book of one side

    def price(self):
        """Debt units for a unit of the collateral."""
        return F(self.mark, 10**self.pd) / F(self.debt_px, 10**self.ddp) * F(10**self.dd, 10**self.sd)

    def lines(self, r):
        out = [f"mode {self.mode} {self.fee} 0 0 {self.by} {self.worth}", f"inst 0 {RESERVE} {self.sd} {self.pd} {self.mark}",
               f"inst 1 {RESERVE} {self.dd} {self.ddp} {self.debt_px}", f"inst 2 {RESERVE} 18 8 300000000000"]
        price = self.mark + r.randint(-self.mark // 50, self.mark // 50)
        for _ in range(r.choice([1, 3, 5]) if self.small else r.choice([1, 20, 64])):
            self.levels.append((price, (10**AMOUNT * r.randint(1, 9)) if self.small else r.randint(10**AMOUNT, 40 * 10**AMOUNT)))
            price -= r.randint(0, 1 + self.mark // (20 if self.small else 1000))
            if price <= 0:
                break
        rows = " ".join(f"{p} {a}" for p, a in self.levels)
        out.append(f"side 0 1 {int(self.known)} {len(self.levels)} {rows}")
        if self.debt_known:
            ask = self.debt_px + r.randint(0, self.debt_px // 50)
            worth = F(40 * 10**8 * self.mark, self.debt_px)
            for _ in range(r.choice([0, 1, 3, 20, 64])):
                self.asks.append((ask, max(1, int(worth * F(r.randint(1, 100), 50)))))
                ask += r.randint(0, 1 + self.debt_px // 1000)
            self.asks = [(p, min(a, I64)) for p, a in self.asks]
            out.append(f"side 1 0 1 {len(self.asks)} " + " ".join(f"{p} {a}" for p, a in self.asks))
            if self.debt_bids:
                out.append(f"side 1 1 1 1 {self.debt_px} 100000000")
        self.pools, rows = [], []
        deep = 200 if self.small else 400 * 10**self.sd

        def pool(a, b, like):
            i = int(deep * r.randint(1, 20)) + 1
            o = max(1, int(i * like * F(r.randint(970, 1030), 1000)))
            rows.append(f"{a} {b} {i} {o} 997 1000 {70000 + a}" if r.random() < 0.5 else f"{b} {a} {o} {i} 997 1000 {70000 + a}")
            return Pool(i, o)
        self.gas = 0
        if r.random() < 0.7:
            self.pools.append(Path([pool(0, 1, self.price())]))
            self.gas += 70000
        if r.random() < 0.5:
            mid = F(r.randint(1, 40), 8)
            self.pools.append(Path([pool(0, 2, mid), pool(2, 1, self.price() / mid)]))
            self.gas += 70000 + 70002
        if self.worth == 0:
            self.pools, self.gas = [], 0
        out.append(f"pools 2 {len(rows)} " + " ".join(rows))
        return out

    def sold_in_book(self):
        """The collateral's bids at a price of the debt: as for a debt without a book."""
        digits = min(self.sd, AMOUNT)
        real = F(10 ** (self.dd + self.ddp), 10 ** (digits + self.pd)) / self.debt_px
        decimals = max(k for k in range(19) if int(real * 10**k) < 2**62)
        lot, levels = 10 ** (AMOUNT - digits), {}
        for price, amount in self.levels:  # what stands at one price is one level
            levels[price] = levels.get(price, 0) + amount // lot
        return Book(10 ** (self.sd - digits), int(real * 10**decimals), decimals, self.fee, [x for x in levels.items() if x[1]])

    def across(self, most):
        """Both tokens' books as one of fractions, the first `most` pairs of levels; a unit of it is a lot."""
        coin = [(F(p, 10**self.pd), F(a, 10**AMOUNT)) for p, a in self.levels] if self.known else [(F(self.mark, 10**self.pd), None)]
        debt = [(F(p, 10**self.ddp), F(a, 10**AMOUNT)) for p, a in self.asks]
        levels = [(rate * F(10**self.dd, 10**self.sd), of * 10**self.sd) for of, rate in across(coin, debt)][:most]
        fee = 10**6 - F((10**6 - self.fee) ** 2, 10**6) if self.known else self.fee
        return Book(1, 1, 0, fee, levels)

    def how(self):
        """By which books it is sold: None, the collateral's, or both."""
        if self.by == SALE:
            return "sale" if self.known and not self.debt_bids else None
        if not (self.known or quote(self.mark, self.pd)) or not (self.debt_known or quote(self.debt_px, self.ddp)):
            return None
        return "both" if self.debt_known else "sale" if self.known else None

    def paths(self, most=None):
        how = self.how()
        if not how and self.mode == REQUIRED:
            return []
        book = {None: [], "sale": [self.sold_in_book], "both": [lambda: self.across(most)]}[how]
        return [Path([b()]) for b in book] + self.pools


def reached(check, p, paths):
    check.hit("no way without a book where one is needed", not paths and p.pools)
    check.hit("book and both ways by pools", len(paths) == 3)
    check.hit("a debt that has a book itself", p.how() == "both" and p.known)
    check.hit("what books quote sold for what has one", p.how() == "both" and not p.known)
    check.hit("a debt's book in a journal from before", p.by == SALE and p.known and p.debt_bids)
    check.hit("a debt that has neither a book nor a quote's price", p.by == BOTH and p.known and not p.debt_known and not p.how())
    check.hit("a collateral that has neither", p.by == BOTH and p.debt_known and not p.known and not p.how())
    check.hit("an empty side of the debt's", p.how() == "both" and not p.asks)


def check_versions(d, check, p, where):
    """Which prices make the way another."""
    answer = d.ask("way 0 1")
    check("asked again, the same", d.ask("way 0 1") == answer, *where)
    for i, digits, decimals, px, flat in ((1, p.dd, p.ddp, p.debt_px, p.how() == "sale"), (0, p.sd, p.pd, p.mark, p.how() == "both" and not p.known)):
        before = d.ask("way 0 1").split()[2]
        to = px - 1 if quote(px, decimals) == (px > 10**decimals) else px + 1  # on its side of what is a quote's
        d.send(f"inst {i} {RESERVE} {digits} {decimals} {to}")
        after = d.ask("way 0 1").split()[2]
        check("another price changes a way that goes by it, and no other", (after != before) == flat, *where, i, before, after)
        d.send(f"inst {i} {RESERVE} {digits} {decimals} {px}")
    for asset, bids, levels, used in ((0, 1, p.levels, p.known and p.how()), (1, 0, p.asks, p.how() == "both")):
        if used:
            before = d.ask("way 0 1").split()[2]
            d.send(f"side {asset} {bids} 1 {len(levels)} " + " ".join(f"{x} {a}" for x, a in levels))
            check("another book changes the way", d.ask("way 0 1").split()[2] != before, *where, asset)
    if p.pools:
        before, told = d.ask("way 0 1").split()[2], where[-2].split()
        d.send(" ".join(str(int(x) + 1) if k > 2 and (k - 3) % 7 == 2 else x for k, x in enumerate(told)))
        check("another pool changes the way", d.ask("way 0 1").split()[2] != before, *where)
        d.send(where[-2])
    d.ask("way 0 1")


def check_large(d, check, p, paths, q, where, slop):
    got = d.ints(f"split {q}")[0]
    value, bound = convex(paths, q)
    if p.how() == "both":  # its own roundings: 2^-19 of prices and fee, less than a lot an ask; levels that a book has no room for
        value = convex(p.paths(64), q)[0]
        lot = 10 ** max(0, p.sd - AMOUNT)
        slop += value / 2**19 + (len(p.asks) + 1) * (lot * p.price() * F(21, 20) + 1)
        check.hit("more pairs of levels than a book has room for", value < bound)
        check.hit("through several levels of both", len(p.asks) > 1 and p.known and q > p.across(None).steps[2][0] if len(p.across(None).steps) > 2 else False)
    check("large sales: within the slop of the convex optimum, never above", value - slop <= got <= bound, *where, q, got, float(value), float(slop))
    return got


def check_ways(d, check, r, cases, small):
    for _ in range(cases):
        p = Pair(r, small)
        lines = p.lines(r)
        for line in lines:
            d.send(line)
        answer = d.ask("way 0 1")
        paths = p.paths()
        where = [*lines, answer]
        check("a way exactly where there is one", (answer == "none") == (not paths), *where)
        reached(check, p, paths)
        if not paths:
            continue
        slop, gas, _ = map(int, answer.split())
        check("gas of all pools", gas == p.gas, *where)
        check_versions(d, check, p, where)
        if small:
            best = brute(paths, 40)
            # two floors a level and one a way; a unit lost between two pools is worth what the second one pays
            levels = slop if any(len(w.hops) > 1 for w in paths) else 2 * sum(len(h.levels) for w in paths for h in w.hops if h.book)
            for q in (1, r.randint(2, 39), 40):
                got = d.ints(f"split {q}")[0]
                check("small sales: all splits within the floors", best[q] - levels - len(paths) <= got <= best[q], *where, q, got, best[q])
                check.hit("small sales shared by book and pool", got > max(w.out(q) for w in paths))
            continue
        q = int(F(10**p.sd) * r.randint(1, 2000) / r.choice([1, 7]))
        got = check_large(d, check, p, paths, q, where, slop)
        if p.how() != "both":
            check.hit("large sales shared", got > max(w.out(q) for w in paths))
        if p.how() == "sale":  # the unit of the book is not far from the real price
            one = Path([p.sold_in_book()]).slope(F(0))
            real = F(p.levels[0][0], p.mark) * p.price() * F(10**6 - p.fee, 10**6)
            check("a book's price in the debt", real * (1 - F(1, 2**19)) <= one <= real, *where, float(one), float(real))


def check_bids(d, check, r, cases):
    """What is bought in an auction: own money whatever the orders go by, so always over everything."""
    for _ in range(cases):
        p = Pair(r, False)
        p.worth = r.choice([0, 1, 2])
        lines = p.lines(r)
        for line in lines:
            d.send(line)
        answer, paths = d.ask("bid 0 1"), p.paths()
        where = [*lines, answer]
        if p.by == SALE:  # by one way of pools alone, whatever books there are
            check("bids of before: by pools alone", (answer == "none") == (not p.pools) and d.ints("book 0") == [0], *where)
            continue
        if not paths:
            known = answer != "none"
            check("no way: unknown, or where a book is needed one that brings nothing", known == (p.mode == REQUIRED), *where)
            check.hit("a bid without a book where one is needed", known)
            if known:
                check("brings nothing", d.ints(f"split {10**p.sd}") == [0] and answer.split()[2] == "0", *where)
            continue
        slop, gas, best_out, best_in = map(int, answer.split())
        check("gas of all pools", gas == p.gas, *where)
        q = int(F(10**p.sd) * r.randint(1, 2000) / r.choice([1, 7]))
        got = check_large(d, check, p, paths, q, where, slop)
        best, first = F(best_out, best_in) * (1 + F(1, 2**50)), max(w.slope(F(0)) for w in paths)
        parts = [(x, d.ints(f"split {x}")[0]) for x in (1, 10 ** max(0, p.sd - AMOUNT), q // 100 + 1)] + [(q, got)]
        check("no unit brings more than the best rate", all(out <= best * x for x, out in parts), *where, float(best), parts)
        check("which is that of the first unit", first * (1 - F(1, 2**18)) <= best <= first * (1 + F(1, 2**40)), *where, float(best), float(first))
        check.hit("a bid of a desk whose orders have no worth", p.worth == 0)
        check.hit("a bid of a desk whose orders go by flash loan", p.worth == 2 and len(paths) > 1)
        versions = [d.ints(f"book {i}") for i in (0, 1)]
        d.send(f"side 0 1 1 1 {p.mark} 5")
        moved = [d.ints(f"book {i}") for i in (0, 1)]
        check("a bid's books have another version when they move", moved[0] != versions[0] and moved[1] == versions[1], *where)
        d.send(f"side 1 0 1 1 {p.debt_px} 5")
        check("the debt's too", d.ints("book 1") != moved[1], *where)


# ---- behind our other orders


class Taken:
    """What is taken of one side of a market before another order's, in 10^-18 of coins or of the quote: what is in flight, and what
    was filled until a look finds another book. What is filled between two looks counts from the second on."""

    def __init__(self):
        self.flight, self.fresh, self.gone, self.seen = {}, 0, 0, None

    def look(self, book):
        if book != self.seen and (self.flight or self.fresh or self.gone):
            self.gone = 0
        if self.flight or self.fresh or self.gone:
            self.seen, self.gone, self.fresh = book, self.gone + self.fresh, 0
        return self.gone + sum(self.flight.values())


class Market:
    """What orders take of three assets' books, told and asked over and over."""

    def __init__(self, d, r, by):
        self.d, self.r, self.by = d, r, by
        self.perps = [Perp(r, 0, LINEAR), Perp(r, 1, INVERSE), Perp(r, 2)]
        self.of = {(i, b, c): Taken() for i in range(3) for b in (0, 1) for c in (0, 1)}
        self.books, self.told, self.version, self.flying = {}, 0, 0, {}
        self.lines = [f"mode {FEED} 500 1000 0 {by} 1"] + [p.text() for p in self.perps]
        self.send(*self.lines)
        for p in self.perps:
            for bids in (0, 1):
                self.tell(p, bids)

    def send(self, *lines):
        self.lines += lines
        self.d.send(*lines)

    def tell(self, p, bids):
        self.version += 1
        self.send(p.fill(self.r, bool(bids)))
        self.books[p.i, bids] = self.version if p.sides[bool(bids)] is not None else None

    def stamp(self, i, bids, coins):
        book = self.books[i, bids] if coins == (self.perps[i].kind != INVERSE) else None
        return ("book", book) if book else ("pools", self.told)

    def taken(self, i, bids, coins):
        if self.by < REST:
            return 0
        own, other = (self.of[i, bids, c].look(self.stamp(i, bids, c)) for c in (coins, 1 - coins))
        p = self.perps[i]
        price = F(p.mark, 10**p.pd)
        return own + ceil(other / price if coins else other * price)

    def order(self, account):
        """One of a leg in each of some markets, through to its hand-over."""
        r = self.r
        chosen = r.sample(self.perps, r.randint(1, 3))
        parts, legs = [], []
        for p in chosen:
            sell = r.random() < 0.5
            depth = sum(a for _, a in p.sides[sell] or [])
            qty = max(1, int(F(depth, 10**AMOUNT) * 10**p.sd * F(r.randint(1, 40), 100))) if depth else r.randint(1, 10**9)
            p.held = qty if sell else -qty
            legs.append((p.i, qty))
            parts.append(((p.i, int(sell), int(p.kind != INVERSE)), qty * 10 ** (18 - p.sd)))
        self.send(f"pos {len(legs)} " + " ".join(f"{p.i} {p.held}" for p in chosen))
        return legs, parts


def check_taken(d, check, r, cases):
    for n in range(cases):
        m = Market(d, r, r.choice([BOTH, REST, REST, REST]))
        for step in range(30):
            what = r.randrange(8)
            account = r.randrange(6)
            if what < 4 and account not in m.flying:
                legs, parts = m.order(account)
                text = f"{len(legs)} " + " ".join(f"{i} {q}" for i, q in legs)
                want, moved = 0, False
                for (i, sell, coins), (_, qty) in zip((k for k, _ in parts), legs):
                    p = m.perps[i]
                    if want is None:
                        break
                    digits = max(p.sd, AMOUNT)
                    before = F(ceil(F(m.taken(i, sell, coins), 10 ** (18 - digits))), 10**digits)
                    if p.sides[bool(sell)] is None:
                        part = ceil(F(ceil(p.notional(qty) * 10**8) * 1000, 10**6))
                    else:
                        part = p.cost(qty, bool(sell), 500, before)
                        moved |= part != p.cost(qty, bool(sell), 500)
                        check.hit("a book that does not hold the second order", part is None and p.cost(qty, bool(sell), 500) is not None)
                    want = None if part is None else want + part
                slip = d.ints("slip " + text)[0]
                check("slippage behind our other orders", slip == (I64 if want is None or want > I64 else want), *m.lines, text, slip, want)
                check.hit("slippage that others make larger", moved and want is not None)
                check.hit("in journals from before: each by all of its book", m.by == BOTH and want is not None)
                m.send("none")
                m.send("legs " + text)
                if r.random() < 0.3:  # as for a contract in the other unit on the same asset
                    k, q = (parts[0][0][0], parts[0][0][1], 1 - parts[0][0][2]), r.randint(1, 10**12)
                    m.send(f"takes {k[0]} {k[1]} {k[2]} {q} 6")
                    parts.append((k, q * 10**12))
                if r.random() < 0.9:  # else something kept it back
                    m.send(f"leaves {account}")
                    m.flying[account] = parts
                    for k, q in parts:
                        m.of[k].flight[account] = m.of[k].flight.get(account, 0) + q
                else:
                    check.hit("an order that was kept back")
            elif what < 5 and account in m.flying:
                filled = r.random() < 0.6
                m.send(f"settles {account} {int(filled)}")
                for k in {k for k, _ in m.flying.pop(account)}:
                    q = m.of[k].flight.pop(account)
                    m.of[k].fresh += q * filled
                check.hit("given back", not filled)
            elif what == 5:
                m.tell(r.choice(m.perps), r.randrange(2))
            elif what == 6 and r.random() < 0.3:
                m.told += 1
                m.send("pools 2 0")
            i, b, c = r.randrange(3), r.randrange(2), r.randrange(2)
            got, want = d.ints(f"taken {i} {b} {c}")[0], m.taken(i, b, c)
            check("taken before another's", got == want, *m.lines, f"taken {i} {b} {c}", got, want)
            other = m.of[i, b, 1 - c]
            check.hit("taken in the other unit", bool((other.flight or other.gone) and want))


def check_behind(d, check, r, cases):
    """A way behind a sale brings what both bring together less what that one does."""
    for _ in range(cases):
        p = Pair(r, False)
        lines, paths = p.lines(r), None
        lines[0] = f"mode {p.mode} {p.fee} 0 0 {REST} 1"
        p.by, p.worth = BOTH, 1  # whose books: as before
        for line in lines:
            d.send(line)
        if d.ask("behind 0 1") == "none":
            continue
        paths = p.paths()
        slop = int(d.ask("behind 0 1").split()[0])
        first, q = (int(F(10**p.sd) * r.randint(1, 2000) / r.choice([1, 7])) for _ in range(2))
        whole, one = d.ints(f"split {first + q}")[0], d.ints(f"split {first}")[0]
        tops = [(F(got, 2), d.ints(f"upto {got} 2")[0]) for got in (max(1, int(p.price() * 2 * F(k, 100))) for k in (60, 90, 99))]
        d.send("none", f"sale 0 1 {first}", "leaves 7")
        version, gone = d.ask("way 0 1"), d.ints("behind 0 1")
        where = [*lines, first, q, whole, one, gone]
        check("behind all that is in flight", gone[1] == first, *where)
        got = d.ints(f"split {q}")[0]
        check("what both bring less the first's, rounded against us", max(0, whole - one - slop) == got, *where, got)
        check("the slop of a difference", gone[0] == 2 * slop, *where)
        for (rate, top) in tops:
            have = d.ints(f"upto {rate.numerator * 2 // rate.denominator} 2")[0]
            check("up to a price behind it", have == max(0, top - first), *where, float(rate), top, have)
        check.hit("behind a sale into a book and pools", len(paths) > 1 and got > 0)
        check.hit("behind a sale of what books quote", p.how() == "both" and not p.known and got > 0)
        check.hit("behind a sale by pools alone", p.how() is None and got > 0)
        check("the way itself is what it was", d.ask("way 0 1") == version, *where)
        side = {None: (0, 1, 1), "sale": (0, 1, 1), "both": (0, 1, 1) if p.known else (1, 0, 0)}[p.how()]
        check("of which side", d.ints(f"taken {side[0]} {side[1]} {side[2]}")[0] == first * 10 ** (18 - p.sd), *where)
        d.send("settles 7 0")
        check("a refusal gives it back", d.ints("behind 0 1")[1] == 0 and d.ints(f"split {first + q}")[0] == whole, *where)
        d.send("none", f"sale 0 1 {first}", "leaves 7", "settles 7 1")
        check("what was filled is gone", d.ints("behind 0 1")[1] == first, *where)
        if p.known or p.debt_known:
            i, b = (0, 1) if p.how() != "both" or p.known else (1, 0)
            d.send(f"side {i} {b} 1 1 {p.mark if i == 0 else p.debt_px} 100000000")
        else:
            d.send(lines[-1])
        if d.ask("behind 0 1") != "none":
            check("until the book has changed", d.ints("behind 0 1")[1] == 0, *where)


def judge(exe, cases):
    r, d, check = random.Random(SEED), Driver(exe), Checks()
    check_slip(d, check, r, 4 * cases)
    check_units(d, check, r, 10 * cases)
    check_ways(d, check, r, cases, True)
    check_ways(d, check, r, cases // 3, False)
    check_bids(d, check, r, cases // 3)
    check_taken(d, check, r, cases // 3)
    check_behind(d, check, r, cases // 3)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 300, SOURCES, "host/exec/", MUTANTS, 150)
