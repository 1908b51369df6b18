# SPDX-License-Identifier: Apache-2.0
"""Accounts of dydx-v4-1 for dydx_rule_diff.py, and what the chain makes of them (judge_dydx.py): a block of liquidations, one position
after the other, what everybody has after it. A book's cash has what its positions have cost, the chain's USDC has not."""
from collections import Counter
from fractions import Fraction as F
from math import ceil, floor

import judge_dydx as chain
from judge_dydx import PPM, Range, Refused, sign, trunc

RULE, INT64, QUOTE_BITS = "dydx-v4-1", 2**63 - 1, 80
ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)
UNTOLD = {"portion": PPM, "adjustment": PPM, "most": 2**64 - 1, "lost": 2**64 - 1, "least": 0, "lot": 1, "decimals": 0}
NAMES = {"initial": "initial_ppm", "fraction": "maintenance_ppm", "lot": "lot", "ticks": "subticks_per_tick", "decimals": "subtick_decimals",
         "spread": "spread_to_maintenance_ppm", "adjustment": "bankruptcy_adjustment_ppm", "portion": "max_position_portion_ppm", "least": "min_position_notional",
         "most": "max_notional_liquidated", "lost": "max_insurance_lost"}
LOST = "ErrLiquidationExceedsSubaccountMaxInsuranceLost"


class Instrument:
    def __init__(self, r, asset, pd, px):
        self.asset, self.pd, self.sd, self.cd, self.kind = asset, pd, r.choice([0, 3, 4, 6, 9, 10]), 6, 1
        self.fee, self.penalty, self.weight, self.told, self.index, self.rate = r.choice([0, 500, 15000]), 0, 0, 0, 0, 0
        self.t = {"initial": r.choice([50000, 100000, 20000, 33333, 1000000, 1, r.randint(1, PPM)]), "fraction": r.choice([600000, 500000, 999999, 1, r.randint(1, PPM)]),
                  "lot": r.choice([0, 0, 1, 10, 1000]), "ticks": r.choice([1, 100, 10000, r.randint(1, 2**20)]), "spread": r.choice([1500000, 500000, 1, 10**7]),
                  "adjustment": r.choice([0, 10**6, 1500000, 10**7]), "portion": r.choice([0, 10**6, 100000, 1]), "least": r.choice([0, 10**6, 10**9]),
                  "most": r.choice([0, 10**9, 10**11]), "lost": r.choice([0, 0, 1, 10**6, 10**9])}
        if self.t["initial"] * self.t["fraction"] > (PPM - 1) * PPM:
            self.t["fraction"] = 600000
        quanta = F(px, 10**pd) * F(10)**(6 - self.sd)  # quote quantums a base quantum
        self.t["decimals"] = next((d for d in range(13) if quanta * 10**d >= 1000), 12)
        self.tier = -(-self.t["initial"] * self.t["fraction"] // PPM)

    def term(self, name):
        return self.t[name] or UNTOLD.get(name, 0)

    def index_at(self, now):
        return self.index + (self.rate * max(0, now - self.told) if now else 0)

    def perp(self, price):
        return chain.Perp({"price": price, "exponent": -self.pd, "atomic_resolution": -self.sd, "initial_margin_ppm": self.t["initial"],
                           "maintenance_fraction_ppm": self.t["fraction"], "step_base_quantums": self.term("lot"), "subticks_per_tick": self.t["ticks"],
                           "quantum_conversion_exponent": -self.t["decimals"]})

    def config(self):
        return {"bankruptcy_adjustment_ppm": self.term("adjustment"), "spread_to_maintenance_margin_ratio_ppm": self.t["spread"], "max_liquidation_fee_ppm": self.fee,
                "max_position_portion_liquidated_ppm": self.term("portion"), "min_position_notional_liquidated": self.term("least"), "max_notional_liquidated": self.term("most"),
                "max_quantums_insurance_lost": self.term("lost")}

    def worth(self, q, price):
        return trunc(F(q * price) * F(10)**(6 - self.sd - self.pd))


class Case:
    def __init__(self, r):
        self.r, self.cd, self.cash, self.state = r, 6, 0, [0, 0]
        self.assets = [r.choice([9, 9, 5, 6, 8, 12, 0]) for _ in range(r.randint(1, 4))]
        self.px = {a: max(1, int(10**r.uniform(-3, 5.5) * 10**pd)) for a, pd in enumerate(self.assets)}
        self.now = r.choice([0, 1_790_000_000, 1_790_000_000 + r.randint(0, 10**6)])
        self.ins = [self.instrument(r.randrange(len(self.assets))) for _ in range(r.choice([1, 1, 2, 3, 5]))]
        self.pos = {i: self.position(self.ins[i]) for i in sorted(r.sample(range(len(self.ins)), r.randint(1, len(self.ins))))}
        self.fit_sizes()
        if r.random() < .3:
            self.state[0] = max(0, self.now - r.choice([0, 0, 1, 100]))
        self.choose_limits()
        self.choose_cash()

    # ---- making one

    def instrument(self, asset):
        r = self.r
        x = Instrument(r, asset, self.assets[asset], self.px[asset])
        if r.random() < .4:
            x.index = r.choice([-1, 1]) * r.randint(1, 10**18)
        if self.now and r.random() < .3:
            x.rate, x.told = r.choice([-1, 1]) * r.randint(1, 10**13), self.now - r.choice([0, 10, 3600])
        return x

    def position(self, x):
        r, px = self.r, self.px[x.asset]
        worth = r.choice([10**r.uniform(1, 7), 10**r.uniform(3, 6), 10**r.uniform(-7, 2)])
        size = min(max(1, int(worth * 10**(x.sd + x.pd) / px)), 2**60)
        if r.random() < .5:
            size = max(1, size // x.term("lot")) * x.term("lot")
        entry = max(1, min(INT64, int(px * r.uniform(.7, 1.3)) + r.randint(-1, 1)))
        index = x.index - r.choice([0, 0, -1, 1]) * r.randint(1, 10**r.choice([3, 15, 18]))
        return [r.choice([-1, 1]) * size, entry, index]

    def fit_sizes(self):
        """Within the ranges of the rule; some at their end."""
        for i, p in self.pos.items():
            x = self.ins[i]
            most = 2**min(72, 92 - (10**(self.k - x.sd - x.pd)).bit_length()) - 1
            p[0] = max(-most, min(most, p[0]))
            if self.r.random() < .01:
                p[0] = most if p[0] > 0 else -most

    def choose_limits(self):
        """Some limits at a position's notional, or beside it."""
        for i, (q, _, _) in self.pos.items():
            x = self.ins[i]
            n = abs(x.worth(q, self.px[x.asset]))
            if n > 2 and self.r.random() < .3:
                x.t[self.r.choice(["least", "most"])] = max(1, min(2**64 - 1, n * self.r.choice([1, 1, 2]) // self.r.choice([1, 2, 10]) + self.r.randint(-1, 1)))

    def choose_cash(self):
        r, h = self.r, self.health(self.px, self.now)
        want = r.choice([h["mm"], h["mm"], h["mm"] * F(2, 3), h["mm"] * F(9, 10), F(0), h["mm"] * F(1, 3), h["mm"] * 2, -h["mm"], -h["mm"] / 3, h["mm"] * F(1, 10)])
        self.cash += floor(want) - h["equity"] + r.choice([0, 0, 1, -1, -2])
        self.cash = max(1 - 2**QUOTE_BITS, min(2**QUOTE_BITS - 1, self.cash))

    # ---- the chain's arithmetic, in quote quantums

    def funding(self, now):
        return ceil(sum(F(p[0] * (self.ins[i].index_at(now) - p[2]), 10**(self.ins[i].sd + 12)) for i, p in self.pos.items()))

    def cost(self, i, q):
        return self.ins[i].worth(q, self.pos[i][1])

    def health(self, px, now):
        equity, mm = self.cash - self.funding(now), 0
        for i, (q, _, _) in self.pos.items():
            x = self.ins[i]
            n = x.worth(q, px[x.asset])
            equity += n - self.cost(i, q)
            mm += ceil(F(ceil(F(abs(n) * x.t["initial"], PPM)) * x.t["fraction"], PPM))
        broken = mm > 0 and equity < mm
        return {"equity": equity, "mm": mm, "broken": broken, "due": broken and not (now and self.state[0] == now)}

    def block(self, px, seen):
        return Block(self, px, seen)

    # ---- lines for the driver

    @property
    def k(self):
        return max([6] + [self.ins[i].sd + self.ins[i].pd for i in self.pos])

    def px_lines(self, px):
        return [f"px {a} {p}" for a, p in px.items()]

    def lines(self):
        out = ["reset"] + [f"asset {a} 1 {pd} 0" for a, pd in enumerate(self.assets)]
        for i, x in enumerate(self.ins):
            tiers = x.tier if isinstance(x.tier, str) else f"1 0 {x.tier}"
            out.append(f"perp {i} {x.kind} {x.sd} USDC {x.cd} {x.asset} 0 {x.fee} {x.penalty} {tiers}")
            out += [f"weight {i} {x.weight}"] if x.weight else []
            out += [f"term {i} {NAMES.get(n, n)} {v}" for n, v in x.t.items() if v]
            if x.index or x.rate:
                out.append(f"rates {i} {x.index} {x.rate} 0 0 {x.told}")
        out += [f"now {self.now * 10**9}"] if self.now else []
        out.append(f"account {RULE} USDC {self.cd} 0 {self.cash}")
        out += [f"pos {i} 0 {p[0]} {p[1]} 0 0 {p[2]}" for i, p in sorted(self.pos.items())]
        out.append(f"state {self.state[0]} {self.state[1]}")
        return out


class Block:
    """Liquidations of one account in one block at prices px."""

    def __init__(self, case, px, seen):
        self.c, self.px, self.seen = case, px, lambda what: seen.update([what])
        self.perps = {i: case.ins[i].perp(px[case.ins[i].asset]) for i in case.pos}
        usdc = case.cash - case.funding(case.now) - sum(case.cost(i, p[0]) for i, p in case.pos.items())
        if abs(usdc).bit_length() > QUOTE_BITS:
            raise Range
        self.a = chain.Account({"usdc": usdc, "positions": [{"perpetual": i, "quantums": p[0]} for i, p in sorted(case.pos.items())]}, self.perps)
        self.flows, self.value, self.reward, self.n = Counter(), 0, 0, 0

    def orders(self):
        """What the chain would liquidate, position by position."""
        out = []
        for i in sorted(self.c.pos):
            try:
                out.append((i, self.leg(i, None)))
            except (Refused, Range) as e:
                self.seen("passed over: " + str(e))
        return out

    def leg(self, i, amount):
        a, c, p = self.a, self.c.ins[i].config(), self.perps[i]
        q = a.pos[i]["quantums"]
        r = a.risk(self.perps, lambda _: None)
        if not r.liquidatable():
            raise Refused("ErrSubaccountNotLiquidatable")
        if q == 0:
            raise Refused("ErrNoPerpetualPositionsToLiquidate")
        delta, _ = chain.size(self.perps, a, c, i, self.seen)
        ticks = chain.subticks(p, chain.fillable(self.perps, a, c, i, r, self.seen), q > 0, self.seen)
        most = abs(delta)
        amount = most if amount is None else amount
        if amount > most or (amount != most and amount % self.c.ins[i].term("lot")):
            self.seen("more than the order" if amount > most else "not a lot")
            raise Refused("amount")
        quote, fund, taken = self.price(i, amount, ticks, r)
        mark = p.notional(q) - p.notional(q - sign(q) * amount)
        book = quote if taken else mark
        self.flows[POOL] -= book - (self.c.cost(i, q) - self.c.cost(i, q - sign(q) * amount))
        self.flows[LIQUIDATOR] += 0 if taken else mark - quote
        self.flows[VENUE] += max(fund, 0)
        self.flows[DEFICIT] += min(fund, 0)
        self.value += abs(mark)
        a.usdc += quote - fund
        a.done += p.notional(amount)
        a.lost += max(-fund, 0)
        a.pos[i].update(quantums=q - sign(q) * amount, liquidated=True)
        self.n += 1
        self.seen("a second leg" if self.n > 1 else "a first leg")
        return amount

    def price(self, i, amount, ticks, r):
        """(quote, to the fund, deleveraged?) of an order at its own price, or where the fund may not pay."""
        c, p, q = self.c.ins[i].config(), self.perps[i], self.a.pos[i]["quantums"]
        try:
            quote, _, fund = chain.match(self.perps, self.a, c, i, {"quantums": amount, "subticks": ticks}, r, 2**100, self.seen)
            return quote, fund, False
        except Refused as e:
            if str(e) != LOST:
                raise
        at = chain.bankruptcy(self.perps, self.a, i, -sign(q) * amount, r, self.seen)
        if r.nc < 0:
            self.seen("deleveraged")
            return at, 0, True
        each = F(abs(at), amount) / p.clob / p.d["subticks_per_tick"]
        n = min(max(ceil(each) if q > 0 else floor(each), 1), chain.MAX64 // p.d["subticks_per_tick"])
        quote, _, fund = chain.match(self.perps, self.a, c, i, {"quantums": amount, "subticks": n * p.d["subticks_per_tick"]}, r, 2**100, self.seen)
        self.seen("at the bankruptcy price")
        return quote, fund, False

    def settled(self):
        """(flows, cash, positions, state) as the book has them then."""
        c = self.c
        left = {i: [p["quantums"], c.pos[i][1], c.ins[i].index_at(c.now)] for i, p in self.a.pos.items() if p["quantums"]}
        cash = self.a.usdc + sum(c.cost(i, p[0]) for i, p in left.items())
        if abs(cash).bit_length() > QUOTE_BITS:
            raise Range
        self.flows[POOL] += c.funding(c.now)
        self.flows[ACCOUNT] = cash - c.cash
        return {k: v for k, v in self.flows.items() if v}, cash, left, [c.now or c.state[0], 0]
