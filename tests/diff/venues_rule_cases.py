# SPDX-License-Identifier: Apache-2.0
"""Accounts of binance-usdm-1 and hyperliquid-1 for venues_rule_diff.py, and what the venues' pages make of them, in fractions: tiers are
looked up by notional (judge_venues.py). Hyperliquid's rates are 1 / (2 L) themselves; a file has them in ppm, rounded either way."""
from fractions import Fraction as F
from math import ceil, floor, gcd

from judge_venues import PPM, Tiers

BN, HL = "binance-usdm-1", "hyperliquid-1"
LADDERS = [[50], [40], [3], [1], [255], [40, 20], [25, 15, 3], [50, 40, 25, 20, 15, 10, 5, 3], [10, 5], [64, 32], [7, 3], [20, 2]]
BRACKETS = [[4000], [4000, 5000, 10000, 25000], [10000, 25000, 50000, 100000, 125000, 500000], [25000, 10**6], [5000, 6500, 65000], [1], [20000, 20000, 30000]]
INT64, LEAST, COOLDOWN = 2**63 - 1, 10**5, 30
ACCOUNT, _, VENUE, POOL, DEFICIT = range(5)


class Refused(Exception):
    pass


class Instrument:
    def __init__(self, asset, pd, sd, cd):
        self.asset, self.pd, self.sd, self.cd = asset, pd, sd, cd
        self.levs, self.floors, self.told, self.fee, self.penalty, self.weight, self.lot, self.index, self.kind = [], [], [], 0, 0, 0, 0, 0, 1

    def tiers(self, rule):
        rates = [F(1, 2 * x) for x in self.levs] if rule == HL else [F(x, PPM) for x in self.told]
        return Tiers([F(x, 10**self.cd) for x in self.floors], rates)


class Case:
    def __init__(self, r, rule):
        self.r, self.rule, self.cd = r, rule, r.choice([6, 6, 6, 8, 2, 0])
        self.assets = [(r.choice([9, 9, 12, 8, 2, 0]), 0) for _ in range(r.randint(1, 4))]
        self.ins, self.pos, self.cash, self.now, self.state = [], {}, 0, 0, [0, 0]
        self.px = {}
        for a, (pd, _) in enumerate(self.assets):
            self.px[a] = max(1, int(10**r.uniform(-4, 6) * 10**pd))
        for i in range(r.choice([1, 1, 2, 3, 5])):
            self.ins.append(self.instrument(r.randrange(len(self.assets))))
        if rule == HL:
            self.fit_leverages()
        for i in sorted(r.sample(range(len(self.ins)), r.randint(1, len(self.ins)))):
            self.pos[i] = self.position(self.ins[i])
        for i in self.pos:
            self.fit_tiers(self.ins[i], self.notional(i, self.px))
        self.clock()
        if rule == HL and r.random() < .05:
            self.thirds()
        else:
            self.choose_cash()

    # ---- making one

    def instrument(self, asset):
        r = self.r
        x = Instrument(asset, self.assets[asset][0], r.choice([0, 3, 3, 5, 8]), self.cd)
        x.levs, x.told = r.choice(LADDERS), r.choice(BRACKETS)
        if self.rule == HL:
            x.told = [r.choice([floor(F(PPM, 2 * v)), ceil(F(PPM, 2 * v))]) for v in x.levs]
            x.lot = r.choice([0, 0, 1, 10, 1000])
            x.fee = r.choice([0, 0, 0, 450])
        else:
            x.fee = r.choice([0, 500])
        x.floors = [0] + sorted(r.sample(range(1, 10**6), len(x.told) - 1))
        x.floors = [f * 10**self.cd for f in x.floors]
        if r.random() < .3:
            x.index = r.choice([-1, 1]) * r.randint(1, 10**18)
        return x

    def fit_leverages(self):
        """Whatever is held together has a common multiple that the rule takes."""
        many = 1
        for x in self.ins:
            for lev in x.levs:
                many = many * 2 * lev // gcd(many, 2 * lev)
        for x in self.ins if many > PPM else []:
            x.levs, x.told, x.floors = [25], [20000], [0]

    def thirds(self):
        """Equity of exactly maintenance or two thirds of it, or a quantum beside it."""
        r = self.r
        self.cd, self.assets, self.px = 6, [(0, 0)], {0: r.randint(1, 10**5)}
        x = self.ins[0] = self.instrument(0)
        x.sd, x.pd, x.cd, x.levs, x.told, x.floors, x.index = 0, 0, 6, [50], [10000], [0], 0
        self.ins = self.ins[:1]
        self.pos = {0: [3 * r.choice([-1, 1]) * r.randint(1, 100), self.px[0], 0]}
        self.cash = int(self.notional(0, self.px) * 10**6) // r.choice([100, 150]) + r.choice([0, 0, -1, 1])

    def position(self, x):
        r, px = self.r, self.px[x.asset]
        worth = r.choice([10**r.uniform(1, 7), 10**r.uniform(4, 6), 10**r.uniform(5, 8), LEAST])
        size = max(1, int(worth * 10**(x.sd + x.pd) / px))
        if worth == LEAST and LEAST * 10**(x.sd + x.pd) % px == 0:
            size = LEAST * 10**(x.sd + x.pd) // px
        entry = max(1, min(INT64, int(px * r.uniform(.7, 1.3)) + r.randint(-1, 1)))
        index = x.index - r.choice([0, 0, -1, 1]) * r.randint(1, 10**r.choice([3, 15, 18]))
        return [r.choice([-1, 1]) * size, entry, index]

    def fit_tiers(self, x, notional):
        """Some floors at or beside the notional."""
        r, at = self.r, int(notional * 10**self.cd)
        if len(x.floors) > 1 and r.random() < .6:
            edges = {max(1, r.choice([at, at + r.randint(-1, 1), at * r.randint(98, 102) // 100, at * r.randint(30, 200) // 100])) for _ in x.floors[1:]}
            n = 1
            while len(edges) < len(x.floors) - 1:
                edges.add(max(edges) + n * (at + 1))
                n += 1
            x.floors = [0] + sorted(edges)

    def clock(self):
        r = self.r
        self.now = r.choice([0, 1_790_000_000, 1_790_000_000 + r.randint(0, 10**6)])
        if self.rule == HL and r.random() < .6:
            self.state[0] = max(0, self.now - r.choice([0, 1, COOLDOWN - 1, COOLDOWN, COOLDOWN + 1, r.randint(0, 100), -5]))

    def choose_cash(self):
        """Equity at a limit of the stages, or beside it."""
        r, h = self.r, self.health(self.px)
        rest = h["equity"] - F(self.cash, 10**self.cd)
        want = r.choice([h["mm"], h["mm"], h["mm"] * F(2, 3), h["mm"] * F(9, 10), F(0), h["mm"] * F(1, 3), h["mm"] * 2, -h["mm"], h["mm"] * F(17, 20), h["mm"] * F(3, 4), h["mm"] * F(19, 20)])
        self.cash = int((want - rest) * 10**self.cd) + r.choice([0, 0, 1, -1, -2])

    # ---- the pages' arithmetic, in units of the settlement currency

    @property
    def k(self):
        return max([self.cd] + [self.ins[i].sd + self.ins[i].pd for i in self.pos])

    def scale(self):
        """What equity is an integer of, beyond 10^-K."""
        if self.rule == BN:
            return PPM
        d = 1
        for i in self.pos:
            for lev in self.ins[i].levs:
                d = d * 2 * lev // gcd(d, 2 * lev)
        return d

    def notional(self, i, px):
        x = self.ins[i]
        return F(abs(self.pos[i][0]) * px[x.asset], 10**(x.sd + x.pd))

    def owed(self, i, size):
        x = self.ins[i]
        return F(ceil(F(size * (x.index - self.pos[i][2]), 10**(x.sd + 18)) * 10**self.k), 10**self.k)

    def gain(self, i, px, size):
        x, (_, entry, _) = self.ins[i], self.pos[i]
        return F(size * (px[x.asset] - entry), 10**(x.sd + x.pd)) - self.owed(i, size)

    def health(self, px):
        equity, mm = F(self.cash, 10**self.cd), F(0)
        for i, p in self.pos.items():
            equity += self.gain(i, px, p[0])
            mm += self.ins[i].tiers(self.rule).maintenance(self.notional(i, px))
        return {"equity": equity, "mm": mm, "broken": bool(self.pos) and equity < mm}

    def stage(self, px):
        h = self.health(px)
        if not h["broken"]:
            return "none"
        if self.rule == BN:
            return "take over"
        return "adl" if h["equity"] < 0 else "backstop" if h["equity"] < F(2, 3) * h["mm"] else "book"

    def cooling(self):
        return self.state[0] > 0 and self.now - self.state[0] < COOLDOWN

    def order(self, i, px, seen):
        """What goes to Hyperliquid's book of a position."""
        size, lot = abs(self.pos[i][0]), self.ins[i].lot or 1
        worth = self.notional(i, px)
        seen["notional is the limit"] += worth == LEAST
        if worth <= LEAST:
            seen["small: whole"] += 1
            return size
        if self.cooling():
            seen["whole in the cooldown"] += 1
            return size
        seen["part after the cooldown"] += self.state[0] > 0
        part = size // 5 // lot * lot
        seen["part" if part else "part of a lot"] += 1
        return min(size, max(part, lot))

    def legs(self, px, seen):
        book = self.stage(px) == "book"
        return [(i, self.order(i, px, seen) if book else abs(self.pos[i][0])) for i in sorted(self.pos)]

    def cents(self, v):
        """Cash quanta, rounded against the account."""
        return floor(v * 10**self.cd)

    def worth(self, px):
        return self.cash + sum(self.cents(self.gain(i, px, p[0])) for i, p in self.pos.items())

    def settled(self, px, legs, seen):
        """(flows by party, cash, positions, state) after legs, or Refused."""
        stage = self.stage(px)
        if stage == "none":
            raise Refused("healthy")
        self.check_legs(legs)
        if stage == "book":
            return self.at_book(px, legs, seen)
        if {i: q for i, q in legs} != {i: abs(p[0]) for i, p in self.pos.items()}:
            raise Refused("all of it")
        left = self.worth(px)
        seen["lack" if left < 0 else "left over"] += 1
        seen[stage] += 1
        return {ACCOUNT: -self.cash, VENUE: max(left, 0), DEFICIT: min(left, 0), POOL: self.cash - left}, 0, {}, self.state

    def check_legs(self, legs):
        if not 0 < len(legs) <= len(self.pos) or len({i for i, _ in legs}) < len(legs):
            raise Refused("legs")
        for i, q in legs:
            if i not in self.pos or not 0 < q <= abs(self.pos[i][0]):
                raise Refused("leg")

    def at_book(self, px, legs, seen):
        pos, flows, part = {i: list(p) for i, p in self.pos.items()}, {VENUE: 0, POOL: 0, DEFICIT: 0}, False
        for i, q in legs:
            x, p = self.ins[i], pos[i]
            rest = abs(p[0]) - q
            if rest and q % (x.lot or 1):
                raise Refused("lot")
            if q > self.order(i, px, seen):
                seen["more than is sent"] += 1
                raise Refused("more than is sent")
            part |= rest > 0
            side = 1 if p[0] > 0 else -1
            flows[POOL] -= self.cents(self.gain(i, px, side * q))
            flows[VENUE] += ceil(F(q * px[x.asset], 10**(x.sd + x.pd)) * x.fee / PPM * 10**self.cd)
            p[0] = side * rest
        cash = self.cash - flows[POOL] - flows[VENUE]
        pos = {i: p for i, p in pos.items() if p[0]}
        if not pos and cash < 0:
            seen["fee uncovered"] += 1
            flows[DEFICIT], cash = cash, 0
        flows[ACCOUNT] = cash - self.cash
        seen["settled in part" if part else "settled whole"] += 1
        return flows, cash, pos, [max(self.now, 1) if part else self.state[0], 0]

    # ---- lines for the driver

    def px_lines(self, px):
        return [f"px {a} {p}" for a, p in px.items()]

    def tier_words(self, x):
        return f"{len(x.told)} " + " ".join(f"{f} {t}" for f, t in zip(x.floors, x.told))

    def lines(self):
        out = ["reset"] + [f"asset {a} 1 {pd} 0" for a, (pd, _) in enumerate(self.assets)]
        for i, x in enumerate(self.ins):
            out.append(f"perp {i} {x.kind} {x.sd} USDC {self.cd} {x.asset} 0 {x.fee} {x.penalty} {self.tier_words(x)}")
            if x.weight:
                out.append(f"weight {i} {x.weight}")
            if x.lot:
                out.append(f"term {i} lot {x.lot}")
            if x.index:
                out.append(f"rates {i} {x.index} 0 0 0 0")
        out.append(f"now {self.now * 10**9}")
        out.append(f"account {self.rule} USDC {self.cd} 0 {self.cash}")
        out += [f"pos {i} 0 {p[0]} {p[1]} 0 0 {p[2]}" for i, p in sorted(self.pos.items())]
        out.append(f"state {self.state[0]} {self.state[1]}")
        return out
