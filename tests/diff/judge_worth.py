# SPDX-License-Identifier: Apache-2.0
"""Independent judge of exec/exit (docs/worth.md): ways out in exact integers and fractions (the pools' formulas are those
of Uniswap V2's library), the money of a call, and accounts whose calls judge_aave makes. No closed forms: the best is found
by trying everything.
"""
import itertools
from fractions import Fraction as F

import judge_aave as ja

MOST = 2**112 - 1
ALL = (2**63 - 1) ** 2
YES, NO_PAIR, NO_EXIT, RANGE, BONUS, PREMIUM, SLIPPAGE, GAS, MINIMUM, DUST = range(10)


def ceil_div(a, b):
    return -(-a // b)


def some(r, bits):
    return r.randint(1, 2 ** r.randint(1, bits) - 1)


# ---- the judge's venues

class Pool:
    def __init__(self, reserve_in, reserve_out, keep=997, of=1000):
        self.i, self.o, self.keep, self.of = reserve_in, reserve_out, keep, of

    def out(self, x):  # getAmountOut
        with_fee = x * self.keep
        return with_fee * self.o // (self.i * self.of + with_fee)

    def need(self, y):  # getAmountIn
        return self.i * y * self.of // ((self.o - y) * self.keep) + 1

    def text(self):
        return f"{self.i} {self.o} {self.keep} {self.of}"


class Path:
    def __init__(self, pools):
        self.pools = pools

    def out(self, x):
        x = min(x, MOST - self.pools[0].i)
        for p in self.pools:
            x = p.out(x)
        return x

    def real(self, x):
        for p in self.pools:
            x = F(p.keep * p.o) * x / (p.i * p.of + p.keep * x)
        return x


class Route:
    def __init__(self, paths, gas):
        self.paths, self.gas, self.table = paths, gas, {}

    def line(self):
        return f"paths {self.gas} {len(self.paths)} " + " ".join(f"{len(p.pools)} " + " ".join(k.text() for k in p.pools) for p in self.paths)

    def out(self, q):
        if len(self.paths) == 1:
            return self.paths[0].out(q)
        if q not in self.table:
            if len(self.paths) == 2:
                a, b = self.paths
                self.table[q] = max(a.out(x) + b.out(q - x) for x in range(q + 1))
            else:
                rest = Route.__new__(Route)
                rest.paths, rest.gas, rest.table = self.paths[1:], 0, self.table.setdefault("rest", {})
                self.table[q] = max(self.paths[0].out(x) + rest.out(q - x) for x in range(q + 1))
        return self.table[q]


class Book:
    """levels (price, size) in the book's quanta, any tick and lot."""

    def __init__(self, gas, lot, unit, decimals, fee, tick, size_lot, levels):
        self.head = (gas, lot, unit, decimals, fee, tick, size_lot)
        self.raw, self.gas, self.lot = levels, gas, lot
        merged = {}
        for price, size in levels:
            if price // tick and size // size_lot:
                merged[price // tick] = merged.get(price // tick, 0) + size // size_lot
        self.levels = sorted(merged.items(), reverse=True)
        self.unit = F(unit, 10**decimals)
        self.fee = fee

    def line(self):
        return "book " + " ".join(map(str, self.head)) + f" {len(self.raw)} " + " ".join(f"{p} {s}" for p, s in self.raw)

    def out(self, q):
        lots, got = q // self.lot, 0
        for ticks, size in self.levels:
            n = min(size, lots)
            gross = int(n * ticks * self.unit)
            got += gross - ceil_div(gross * self.fee, 10**6)
            lots -= n
        return got

    def net_price(self, ticks):
        return ticks * self.unit * (10**6 - self.fee) / 10**6 / self.lot




# ---- the judge's money

class Money:
    def __init__(self, r):
        self.way = [(r.choice([1, 307825, r.randint(1, 10**6)]), r.choice([0, 142008]), 0),
                    (r.randint(1, 600000), r.choice([0, 113328]), r.choice([0, 5, 9, r.randint(1, 300)])), (r.randint(1, 400000), 0, 5)]
        n = r.randint(1, 4)
        self.levels = list(zip(sorted(r.sample(range(0, 1000001), n)), sorted(r.randint(0, 10**6) for _ in range(n))))
        self.floor = r.choice([0, 10**6, r.randint(0, 2 * 10**9)])
        self.cap = self.floor + r.choice([0, 10**9, 10**12])
        self.min_profit, self.min_expected = r.choice([1, 10**8, r.randint(1, 10**11)]), r.choice([0, r.randint(0, 10**9)])
        self.base_fee, self.native = r.choice([0, 10**7, 30 * 10**9]), r.choice([1, 10**8, 3000 * 10**8])
        self.scan = 0

    def lines(self):
        out = [f"way {i} {g} {v} {p}" for i, (g, v, p) in enumerate(self.way)]
        out.append(f"gas {self.base_fee} {self.native}")
        return out

    def bids(self):
        return (f"bids {self.floor} {self.cap} {self.min_profit} {self.min_expected} {self.scan} {len(self.levels)} "
                + " ".join(f"{s} {w}" for s, w in self.levels))

    def premium(self, way, paid):
        return ceil_div(paid * self.way[way][2], 10000)

    def result(self, way, venue, debt, coll, paid, got, fee):
        """debt, coll: (price, decimals). What worth_value tells."""
        def worth(x, t):
            return F(x * t[0], 10**t[1])
        gas, revert, _ = self.way[way]
        gas += venue.gas
        out, prem = venue.out(got), self.premium(way, paid)
        taken, received = worth(got + fee, coll).__floor__(), worth(got, coll).__floor__()
        owed = worth(paid + prem, debt).__ceil__()
        bonus, fee_value = taken - worth(paid, debt).__ceil__(), taken - received
        premium = owed - worth(paid, debt).__ceil__()
        gross = worth(out - paid - prem, debt).__floor__()
        slippage = received - owed - gross

        def cost(units, tip):
            return ceil_div(units * (self.base_fee + tip) * self.native, 10**18)
        room, best = max(0, gross - cost(gas, 0)), None
        for k, (share, win) in enumerate(self.levels):
            tip = min(self.cap, max(self.floor, room * share // 10**6 * 10**18 // (gas * self.native)))
            profit = gross - cost(gas, tip)
            expected = (win * profit - (10**6 - win) * cost(revert, tip)) // 10**6
            if best is None or expected > best[0]:
                best = (expected, k, tip, profit)
        expected, k, tip, profit = best
        left = list(itertools.accumulate([bonus - fee_value, -premium, -slippage]))
        reason = next((r for r, x in zip((BONUS, PREMIUM, SLIPPAGE), left) if x <= 0), None) if left[2] <= 0 else None
        if reason is None:
            reason = GAS if left[2] - cost(gas, self.floor) <= 0 else MINIMUM if profit < self.min_profit or expected < self.min_expected else YES
        return dict(reason=reason, paid=paid, got=got, fee_units=fee, premium_units=prem, out=out, bonus=bonus, fee=fee_value, premium=premium,
                    slippage=slippage, gas=cost(gas, tip), profit=profit, expected=expected, level=k, tip=tip)


# ---- the judge's accounts

class World:
    def __init__(self, reserves, positions, px):
        self.reserves, self.px = reserves, px
        self.account = ja.Account(0, {i: [reserves[i], enabled, supply, debt] for i, enabled, supply, debt in positions})
        self.positions = positions

    def lines(self):
        out = ["reset"]
        for r in self.reserves:
            out.append(f"reserve {r.index} {len(str(r.unit)) - 1} {self.px[r.index]} {r.lt} {r.lb} {r.fee} {r.liq_index} {r.borrow_index}")
        return out + [f"pos {i} {int(e)} {s} {d}" for i, e, s, d in self.positions]

    def pairs(self):
        return [(i, k) for i, _, _, debt in self.positions if debt for k, enabled, supply, _ in self.positions if supply and enabled]

    def call(self, debt, coll, amount):
        """paid, got, fee of a legal call, else None."""
        try:
            flows, _ = self.account.execute_liquidation_call(self.px, debt, coll, amount)
        except ja.Revert:
            return None
        paid, got, fee = -flows.get((ja.LIQUIDATOR, debt), 0), flows.get((ja.LIQUIDATOR, coll), 0), flows.get((ja.VENUE, coll), 0)
        return (paid, got, fee) if paid > 0 and got > 0 else None

    def token(self, i):
        return self.px[i], len(str(self.reserves[i].unit)) - 1

    def reserve_debt(self, i):
        return self.reserves[i].v_balance(self.account.positions[i][3])


def small_world(r):
    """Whole tokens of 15 to 90 dollars: every amount can be tried, and the limits of 1000 and 2000 dollars lie inside."""
    n = r.randint(2, 3)
    reserves = [ja.Reserve(i, i, 0, r.randint(7000, 9000), r.randint(10300, 11500), r.choice([0, 1000, 2000]), 0, 0, 0,
                           ja.RAY + r.choice([0, r.randint(0, ja.RAY // 2)]), ja.RAY + r.choice([0, r.randint(0, ja.RAY // 2)])) for i in range(n)]
    px = [r.randint(15 * 10**8, 90 * 10**8) for _ in range(n)]
    for _ in range(200):
        pos = [(0, True, r.randint(1, 150), 0), (1, False, 0, r.randint(1, 150))]
        if n == 3:
            more = r.randint(1, 80)  # never both: judge_aave tells the two sides of one token as one flow
            pos.append(r.choice([(2, True, more, 0), (2, False, more, 0), (2, False, 0, more)]))
        pos = [p for p in pos if p[2] or p[3]]
        w = World(reserves, pos, px)
        if w.account.liquidatable(px):
            break
    return w


def small_pool(r, like):
    """Reserves near the protocol's price of the pair, a little better or worse."""
    i = r.choice([r.randint(50, 400), r.randint(400, 20000)])
    o = max(1, int(i * like * F(r.randint(930, 1030), 1000)))
    fee = r.choice([(997, 1000), (997, 1000), (9995, 10000), (1, 1)])
    return Pool(i, o, *fee)


def small_venue(r, w):
    like = F(w.px[0], w.px[1])
    gas = r.choice([0, 60000])
    kind = r.choice(["pool", "pool", "path", "book"])
    if kind == "pool":
        return Route([Path([small_pool(r, like)])], gas)
    if kind == "path":
        mid = F(r.randint(1, 30), 10)
        return Route([Path([small_pool(r, mid), small_pool(r, like / mid)])], gas)
    price, levels = int(like * 1000 * F(r.randint(960, 1040), 1000)), []
    for _ in range(r.randint(1, 6)):
        levels.append((price, r.randint(1, 60)))
        price -= r.randint(0, price // 30)
    tick = r.choice([1, 7])
    return Book(gas, r.choice([1, 1, 2, 3]), tick, 3, r.choice([0, 500]), tick, 1, levels)
