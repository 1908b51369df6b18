# SPDX-License-Identifier: Apache-2.0
"""Random accounts of drift-v2-1, as a book has them and as the program would read them (docs/rules.md, "Drift"), for
drift_rule_diff.py. The mapping is written from the documents; margin and liquidation are judge_drift.py's."""

from judge_drift import Margin, Refused, completed, token_amount
from judge_drift_orders import ASSET, CONTRACT, Order, liquidatable

RAY, U63 = 10**27, 2**63 - 1
STEPS = 8


def cut(price, decimals):
    return price // 10**(decimals - 6)


class Case:
    """assets {asset: [decimals, price]}; spots and perps: lists of dicts; the first spot is the quote's market. held: has a position"""

    def __init__(self, r):
        self.r, self.assets, self.spots, self.perps = r, {}, [], []
        self.flags, self.freed, self.active, self.high = 0, 0, 0, False
        self.now = r.choice([10**9, 10**9 + r.randint(0, 400)])

    def px(self):
        return {a: p for a, (d, p) in self.assets.items()}

    def place(self):
        """Instruments in a random order that stays: reserves and perpetuals mixed."""
        self.order = self.r.sample([("spot", i) for i in range(len(self.spots))] + [("perp", i) for i in range(len(self.perps))], len(self.spots) + len(self.perps))
        self.at = {x: n for n, x in enumerate(self.order)}

    # ---- lines of the driver

    def lines(self):
        out = ["reset"] + [f"asset {a} 2 {d} 0" for a, (d, p) in sorted(self.assets.items())]
        for i, s in enumerate(self.spots):
            n = self.at["spot", i]
            out.append(f"reserve {n} 9 {s['asset']} {s['w']} {10000 + s['fee'] // 100} {s['if'] // 100} 0 0 0 {s['di'] * 10**17} {s['bi'] * 10**17}")
            terms = [("token_decimals", s["dec"]), ("liability_weight", s["l"]), ("spot_imf", s["imf"]), ("asset_tier", s["tier"])]
            if i == 0:
                terms += [("liquidation_buffer", self.buffer), ("initial_pct", self.pct), ("liquidation_slots", self.slots)]
            out += [f"put {n} {k} {v}" for k, v in terms if v]
        for i, p in enumerate(self.perps):
            n = self.at["perp", i]
            out.append(f"perp {n} 1 {p['sd']} USDC 6 {p['asset']} 0 {p['if']} {p['fee']} 1 0 {p['ratio'] * 100}")
            out.append(f"weight {n} {p['w'] * 100 if p['w'] else 1}")
            out.append(f"rates {n} {p['long'] * 10**9} 0 0 0 0")
            more = p["short"] - p["long"]
            out += [f"put {n} {k} {v}" for k, v in (("perp_imf", p["imf"]), ("high_leverage_ratio", p["hi"]), ("contract_tier", p["tier"]),
                                                    ("short_funding_above", max(0, more) * 10**9), ("short_funding_below", max(0, -more) * 10**9)) if v]
        out += [f"now {self.now * 10**9}", f"account drift-v2-1 {'USDC 6' if self.perps else '- 0'} 0 0", f"memory {self.word()} {self.freed}"]
        for kind, i in self.order:
            if kind == "spot" and self.spots[i]["held"]:
                b = self.spots[i]["bal"]
                out.append(f"pos {self.at[kind, i]} {int(b > 0)} 0 0 {max(b, 0)} {max(-b, 0)}")
                out += self.order_lines(self.spots[i])
            if kind == "perp":
                p = self.perps[i]
                out.append(f"pos {self.at[kind, i]} 0 {p['size']} 0 {max(p['quote'], 0)} {max(-p['quote'], 0)} {p['last'] * 10**9}")
                out += self.order_lines(p)
        return out + self.px_lines(self.px())

    @staticmethod
    def order_lines(x):
        return [f"orders {x['orders']} {x['bids']} {x['asks']}"] if x["orders"] else []

    @staticmethod
    def px_lines(px):
        return [f"px {a} {p}" for a, p in sorted(px.items())]

    def word(self):
        return self.flags | 4 * self.high | self.active << 3

    # ---- the program's state

    def state(self, px, buffered=None):
        c = lambda a: cut(px[a], self.assets[a][0])
        spot = []
        for i in [0] + [i for k, i in self.order if k == "spot" and i]:
            s = self.spots[i]
            spot.append(dict(market_index=i, decimals=s["dec"], price=c(s["asset"]), cumulative_deposit_interest=s["di"], cumulative_borrow_interest=s["bi"],
                             maintenance_asset_weight=s["w"], maintenance_liability_weight=s["l"], imf_factor=s["imf"], liquidator_fee=s["fee"],
                             if_liquidation_fee=s["if"], asset_tier=ASSET[s["tier"]], scaled_balance=abs(s["bal"]), borrow=s["bal"] < 0,
                             open_orders=s["orders"], open_bids=s["bids"] // 10**(9 - s["dec"]), open_asks=-(s["asks"] // 10**(9 - s["dec"]))))
        perp = []
        for i in [i for k, i in self.order if k == "perp"]:
            p = self.perps[i]
            perp.append(dict(market_index=i, price=c(p["asset"]), margin_ratio_maintenance=p["ratio"], unrealized_pnl_maintenance_asset_weight=p["w"],
                             high_leverage_margin_ratio_maintenance=p["hi"], high_leverage_margin_ratio_initial=p["hi"], imf_factor=p["imf"],
                             liquidator_fee=p["fee"], if_liquidation_fee=p["if"], order_step_size=10**(9 - p["sd"]), base_asset_amount=p["size"] * 10**(9 - p["sd"]),
                             quote_asset_amount=p["quote"], cumulative_funding_rate_long=p["long"], cumulative_funding_rate_short=p["short"],
                             last_cumulative_funding_rate=p["last"], contract_tier=CONTRACT[p["tier"]], open_orders=p["orders"],
                             open_bids=p["bids"] * 10**(9 - p["sd"]), open_asks=-p["asks"] * 10**(9 - p["sd"])))
        return completed(dict(slot=self.now * 5 // 2, liquidation_margin_buffer_ratio=self.buffer, initial_pct_to_liquidate=self.pct,
                              liquidation_duration=self.slots, spot=spot, perp=perp,
                              user=dict(being_liquidated=bool(self.flags & 1), bankrupt=bool(self.flags & 2), liquidation_margin_freed=self.freed,
                                        last_active_slot=self.active, margin_mode="HighLeverage" if self.high else "Default")))

    def health(self, px):
        """(liquidatable, equity, requirement); a margin that the program cannot work out is nobody's to liquidate."""
        s = self.state(px)
        try:
            m = Margin(s).cross
        except Refused:
            return False, 0, 0
        if self.flags & 1:
            return liquidatable(m, s["user"]), m.collateral + m.buffer, m.plus
        return liquidatable(m, s["user"]), m.collateral, m.requirement

    def run(self, px, order):
        """The state after it and what the order did; raises Refused."""
        s = self.state(px)
        x = Order(s, order)
        x.run()
        return s, x.out

    def orders(self):
        """All that could be asked for: (order without a limit, legs' instruments)."""
        big = 2**62
        out = []
        deposits = [i for i, s in enumerate(self.spots) if s["bal"] > 0]
        for i, p in enumerate(self.perps):
            n = self.at["perp", i]
            if p["size"]:
                out.append((dict(kind="perp", perp=i, max=big), (n,)))
            elif p["quote"] < 0:
                out += [(dict(kind="perp_pnl_for_deposit", perp=i, asset=d, max=big), (n, self.at["spot", d])) for d in deposits]
        for i, s in enumerate(self.spots):
            if s["bal"] < 0:
                n = self.at["spot", i]
                out += [(dict(kind="spot", asset=d, liability=i, max=big), (n, self.at["spot", d])) for d in deposits]
                out += [(dict(kind="borrow_for_perp_pnl", perp=j, liability=i, max=big), (n, self.at["perp", j]))
                        for j, p in enumerate(self.perps) if not p["size"] and p["quote"] > 0]
        return out

    def holding(self, s):
        """Tokens of a spot market of a state in 1e-9."""
        v = token_amount(s, s["scaled_balance"], s["borrow"]) * 10**(9 - s["decimals"])
        return -v if s["borrow"] else v


def make(r):
    c = Case(r)
    c.buffer, c.pct, c.slots = r.choice([200, 200, 1, 1000, 10000]), r.choice([0, 2000, 10000, 500]), r.choice([0, 150, 255, 10])
    extreme = r.random() < 0.12
    c.assets[0] = [r.choice([6, 8, 8, 12]), 0]
    c.assets[0][1] = int(10**c.assets[0][0] * r.choice([1, 1, r.uniform(0.9, 1.1)])) or 1
    c.spots.append(spot(r, 0, True))
    spots, perps = r.choice([0, 0, 1, 2, 3, 7]), r.choice([0, 1, 1, 2, 3, 8])
    if spots + perps == 0:
        perps = 1
    for i in range(1, spots + perps + 1):
        d = r.choice([6, 8, 9, 12]) if not extreme else r.choice([6, 12])
        price = int(10**d * 10**r.uniform(-2, 5)) if not extreme else r.choice([r.randint(1, 10**d), int(10**r.uniform(0, 18.9))])
        c.assets[i] = [d, max(1, min(U63, price))]
    for i in range(1, spots + 1):
        c.spots.append(spot(r, i, False))
    for i in range(perps):
        own = spots + 1 + i
        asset = r.randint(1, spots) if spots and r.random() < 0.15 else r.randint(spots + 1, own) if r.random() < 0.1 else own
        c.perps.append(perp(r, asset))
    c.spots[0]["held"] = bool(c.perps) or r.random() < 0.8
    c.place()
    deal(c)
    if r.random() < 0.5:
        place_orders(c)
    state(c)
    to_threshold(c)
    if r.random() < 0.06 and c.perps:
        c.perps[0]["w"] = 0
    return c


def spot(r, asset, quote):
    rest = dict(asset=asset, held=True, dec=6 if quote else r.choice([0, 6, 8, 9]), di=r.randint(10**10, 2 * 10**10), bi=r.randint(10**10, 3 * 10**10), bal=0,
                orders=0, bids=0, asks=0)
    if quote:
        return dict(rest, w=10000, l=10000, imf=0, fee=r.choice([0, 10000]), **{"if": 0}, tier=0)
    return dict(rest, w=r.choice([0, 6000, 8000, 9500, 10000]), l=r.choice([10000, 10500, 12000, 15000]), imf=r.choice([0, 300, 3000, 100000]),
                fee=r.choice([0, 5000, 20000]), tier=r.choice([0, 0, 0, 1, 2, 4]), **{"if": r.choice([0, 1000, 5000])})


def perp(r, asset):
    long = r.randint(-10**12, 10**12)
    return dict(asset=asset, sd=r.choice([0, 2, 5, 9]), ratio=r.choice([200, 300, 500, 1000]), w=r.choice([10000, 10000, 9500, 8000]), imf=r.choice([0, 0, 450, 5000]),
                hi=r.choice([0, 0, 150]), fee=r.choice([0, 2500, 10000, 25000]), tier=r.choice([0, 0, 1, 2, 3, 5]), long=long,
                short=long + r.choice([0, 0, r.randint(-10**10, 10**10)]), last=long + r.choice([0, 0, r.randint(-10**9, 10**9)]), size=0, quote=0, orders=0, bids=0, asks=0,
                **{"if": r.choice([0, 1000, 5000])})


def deal(c):
    r = c.r
    for s in c.spots[1:]:
        d, p = c.assets[s["asset"]]
        worth = 10**r.uniform(0, 6)
        s["bal"] = max(1, min(2**(40 if d == 6 else 46), int(worth * 10**9 * 10**d / p))) * r.choice([1, 1, -1])
        if r.random() < 0.05:
            s["bal"] = r.choice([1, -1, 500])
    for p in c.perps:
        d, price = c.assets[p["asset"]]
        worth = 10**r.uniform(0, 6.5)
        size = max(1, min(2**50 // 10**(9 - p["sd"]) or 1, int(worth * 10**p["sd"] * 10**d / price)))
        p["size"] = size * r.choice([1, 1, -1])
        entry = price * r.uniform(0.85, 1.15)
        p["quote"] = max(-2**60, min(2**60, -int(p["size"] * entry / 10**(p["sd"] + d - 6))))
        if r.random() < 0.3:
            p["size"], p["quote"] = 0, r.choice([1, -1]) * int(10**r.uniform(0, 10))


def place_orders(c):
    """Bids and asks of a position's own size and around it; some sell or buy all of it."""
    r = c.r
    for x in c.spots[1:] + c.perps:
        unit = 10**(9 - x["dec"]) if "dec" in x else 1
        has = abs(x["size"]) if "dec" not in x else token_amount(dict(decimals=9, cumulative_deposit_interest=x["di"], cumulative_borrow_interest=x["bi"]),
                                                                abs(x["bal"]), x["bal"] < 0)
        if r.random() < 0.4:
            continue
        x["orders"] = r.choice([1, 2, 5, 32, 255])
        # A deposit with twice its orders stays where a row's coefficient has room for it at any price.
        cap = (41 if c.assets[x["asset"]][0] == 6 else 45) if "dec" in x else 50 - 3 * (9 - x["sd"])
        most = min(2**cap, 3 * has + 10 * unit) // unit
        for side in ("bids", "asks"):
            x[side] = unit * min(most, r.choice([0, 0, has // unit, 2 * has // unit, r.randint(0, most), 1]))
        if r.random() < 0.15:
            x["bids"] = x["asks"] = unit * r.randint(0, most)
        if r.random() < 0.2:
            x["size" if "sd" in x else "bal"] = 0
            if "sd" in x and r.random() < 0.5:
                x["quote"] = 0


def state(c):
    r = c.r
    c.high = r.random() < 0.15
    slot = c.now * 5 // 2
    if r.random() < 0.4:
        c.flags, c.active, c.freed = 1, slot - r.choice([0, 1, 50, 140, 1499, 1500, 9000]), r.choice([0, 0, int(10**r.uniform(5, 12))])
    elif r.random() < 0.05:
        c.flags, c.active = 2, slot
    elif r.random() < 0.3:
        c.active = slot - r.randint(0, 5000)


def to_threshold(c):
    """Moves the quote's balance (or the first borrow or deposit) to the threshold, beside it, or around it."""
    r, q = c.r, c.spots[0]
    if not q["held"]:
        q["bal"] = 0
        return
    px = c.px()

    def at(v):
        q["bal"] = v * 1000
        return not c.health(px)[0]

    flags = c.flags
    c.flags &= 1
    lo, hi = -1, 1
    while at(lo) and lo > -2**44:
        lo *= 4
    while not at(hi) and hi < 2**44:
        hi *= 4
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (lo, mid) if at(mid) else (mid, hi)
    c.flags = flags
    style, v = r.random(), hi
    if style < 0.45:
        v += r.choice([-3, -2, -1, 0, 1, 2])
    else:
        gross = sum(abs(p["quote"]) for p in c.perps) + 10**6
        v -= int(gross * r.choice([r.uniform(-0.002, 0.02), r.uniform(0, 0.1), r.uniform(0, 2)]))
    q["bal"] = max(-2**54, min(2**54, v * 1000 + (r.choice([0, 0, r.randint(0, 999)]) if v > 0 else 0)))
