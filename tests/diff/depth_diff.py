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

SOURCES = ["tests/diff/depth_driver.c", "host/exec/desk_depth.c", "host/base/wide.c", "host/base/pages.c"] + [
    "host/exec/exit/" + f for f in ("exit.c", "cpmm.c", "depth.c", "route.c", "route_merge.c", "slip.c", "exits.c")]
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

    def cost(self, qty, sell, fee):
        """Of trading qty in its book, 1e-8; None: the levels do not hold it. Each level is rounded up by itself."""
        left, lost, traded = F(qty, 10**self.sd), 0, 0
        for price, amount in self.sides[sell]:
            here = min(left, F(amount, 10**AMOUNT))
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
        lines = [f"mode {mode} {fee} {unknown} {cost}"]
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


# ---- collateral


class Pair:
    """A collateral 0, a debt 1, the native coin 2; the collateral's book in amounts of 10^-8."""

    def __init__(self, r, small):
        self.mode, self.fee = r.choice([FEED, FEED, REQUIRED]), r.choice([0, 500])
        self.small = small
        if small:  # units so coarse that every split can be tried
            self.sd, self.dd, self.pd, self.ddp = 0, 2, 2, 8
            self.mark, self.debt_px = r.randint(100, 900), r.choice([10**8, 99_980_000, 3 * 10**8])
        else:
            self.sd, self.dd, self.pd, self.ddp = r.choice([8, 9, 18]), r.choice([6, 18]), 8, 8
            self.mark, self.debt_px = r.randint(10**8, 9 * 10**12), r.choice([10**8, 99_991_234, 101_000_000])
        self.levels, self.known = [], r.random() < 0.9
        self.debt_book = not small and r.random() < 0.1

    def price(self):
        """Debt units for a unit of the collateral."""
        return F(self.mark, 10**self.pd) / F(self.debt_px, 10**self.ddp) * F(10**self.dd, 10**self.sd)

    def lines(self, r):
        out = [f"mode {self.mode} {self.fee} 0 0", f"inst 0 {RESERVE} {self.sd} {self.pd} {self.mark}",
               f"inst 1 {RESERVE} {self.dd} {self.ddp} {self.debt_px}", f"inst 2 {RESERVE} 18 8 300000000000"]
        price = self.mark + r.randint(-self.mark // 50, self.mark // 50)
        for _ in range(r.choice([1, 3, 5]) if self.small else r.choice([1, 20, 64])):
            self.levels.append((price, (10**AMOUNT * r.randint(1, 9)) if self.small else r.randint(10**AMOUNT, 40 * 10**AMOUNT)))
            price -= r.randint(0, 1 + self.mark // (20 if self.small else 1000))
            if price <= 0:
                break
        rows = " ".join(f"{p} {a}" for p, a in self.levels)
        out.append(f"side 0 1 {int(self.known)} {len(self.levels)} {rows}")
        if self.debt_book:
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
        out.append(f"pools 2 {len(rows)} " + " ".join(rows))
        return out

    def book(self):
        """The judge's, its unit rounded down as the finest that 62 bits hold, with at most 18 decimals."""
        digits = min(self.sd, AMOUNT)
        real = F(10 ** (self.dd + self.ddp), 10 ** (digits + self.pd)) / self.debt_px
        decimals = max(k for k in range(19) if int(real * 10**k) < 2**62)
        lot, levels = 10 ** (AMOUNT - digits), {}
        for price, amount in self.levels:  # what stands at one price is one level
            levels[price] = levels.get(price, 0) + amount // lot
        return Book(10 ** (self.sd - digits), int(real * 10**decimals), decimals, self.fee, [x for x in levels.items() if x[1]])

    def paths(self):
        use = self.known and not self.debt_book
        if not use and self.mode == REQUIRED:
            return []
        return ([Path([self.book()])] if use else []) + self.pools


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
        check.hit("no way without a book where one is needed", not paths and p.pools)
        check.hit("book and both ways by pools", len(paths) == 3)
        check.hit("a debt that has a book itself", p.debt_book)
        if not paths:
            continue
        slop, gas, version = map(int, answer.split())
        check("gas of all pools", gas == p.gas, *where)
        check("asked again, the same", d.ask("way 0 1") == answer, *where)
        d.send(f"inst 1 {RESERVE} {p.dd} {p.ddp} {p.debt_px + 1}")
        with_book = p.known and not p.debt_book
        check("another price of the debt changes a way with a book, and no other", (int(d.ask("way 0 1").split()[2]) != version) == with_book, *where)
        d.send(f"inst 1 {RESERVE} {p.dd} {p.ddp} {p.debt_px}")
        d.ask("way 0 1")
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
        got = d.ints(f"split {q}")[0]
        value, bound = convex(paths, q)
        check("large sales: within the slop of the convex optimum, never above", value - slop <= got <= bound, *where, q, got, float(value), slop)
        check.hit("large sales shared", got > max(w.out(q) for w in paths))
        if with_book:  # the unit of the book is not far from the real price
            one = Path([p.book()]).slope(F(0))
            real = F(p.levels[0][0], p.mark) * p.price() * F(10**6 - p.fee, 10**6)
            check("a book's price in the debt", real * (1 - F(1, 2**19)) <= one <= real, *where, float(one), float(real))


def judge(exe, cases):
    r, d, check = random.Random(SEED), Driver(exe), Checks()
    check_slip(d, check, r, 4 * cases)
    check_ways(d, check, r, cases, True)
    check_ways(d, check, r, cases // 3, False)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 300, SOURCES, "host/exec/", MUTANTS, 150)
