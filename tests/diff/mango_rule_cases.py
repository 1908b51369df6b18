# SPDX-License-Identifier: Apache-2.0
"""Accounts of Mango v4 as the book has them, for mango_rule_diff.py: banks and perp markets in I80F48 bits, prices as the
program makes them of a Pyth oracle, accounts of any shape with their health moved to the edge. What they are worth says
judge_mango.py, which is written from the program's source."""
from judge_mango import END, HIGH, MAINT, ONE, Cache, Refused, World

INT64 = (1 << 63) - 1
UP = {1, 2, 3, 6, 7, 8, 9, 11}  # oracle.rs, DECIMAL_CONSTANTS: where the quotient has 1 added


def power_of_ten(e):
    return ONE * 10**e if e >= 0 else ONE // 10**-e + (-e in UP)


def fx(r, low, high):
    return int(r.uniform(low, high) * (1 << 30)) << 18 | r.getrandbits(18)


class Case:
    """tokens and perps: {instrument: dict}; pos: {instrument: (size, I80F48 bits)}, a token's indexed, a perp's quote."""

    def __init__(self, r):
        self.r, self.tokens, self.perps, self.pos, self.px, self.flag = r, {}, {}, {}, {}, False
        self.orders = {}  # of perps: (bids, asks) in native base

    def unit(self, i):
        x = self.tokens.get(i) or self.perps[i]
        return power_of_ten(6 - x["price_dec"] - x["dec"])

    def asset(self, i):
        return (self.tokens.get(i) or self.perps[i])["asset"]

    def price(self, i, px):
        v = self.unit(i) * px[self.asset(i)]
        if v > HIGH:
            raise Refused("panic: overflow")
        return v

    def state(self, px, pos=None, flag=None, order=None):
        """The document that judge_mango.World reads."""
        pos = self.pos if pos is None else pos
        s = dict(being_liquidated=self.flag if flag is None else flag, tokens=[], perps=[])
        for i, (size, bits) in sorted(pos.items()):
            if i in self.tokens:
                t = self.tokens[i]
                s["tokens"].append(dict(t["terms"], index=i, oracle_price=self.price(i, px), position=bits, liqor_in_use=True))
            else:
                p = self.perps[i]
                s["perps"].append(dict(p["terms"], market=i, settle=p["settle"], oracle_price=self.price(i, px), base_lot_size=p["lot"],
                                       base_lots=size // p["lot"], quote=bits, **self.ordered(i)))
        if order:
            s["order"] = order
        return s

    def ordered(self, i):
        bids, asks = self.orders.get(i, (0, 0))
        lot = self.perps[i]["lot"]
        return dict(bids_base_lots=bids // lot, asks_base_lots=asks // lot)

    def at_risk(self, pos=None):
        pos = self.pos if pos is None else pos
        return any(i in self.perps or bits < 0 for i, (_, bits) in pos.items())

    def sums(self, px, pos=None, flag=None):
        """(equity, requirement), or None where the program stops."""
        flag = self.flag if flag is None else flag
        if not self.at_risk(pos):
            return 0, 0
        try:
            h = Cache(World(self.state(px, pos, flag)))
            kind = END if flag else MAINT
            parts, total = [h.contribution(i, kind, b) for i, b in enumerate(h.balances(kind))], 0
            for p in parts:
                total += p
                if abs(total) > HIGH:
                    raise Refused("panic: overflow")
        except Refused:
            return None
        return sum(p for p in parts if p > 0) + (ONE - 1 if flag else 0), -sum(p for p in parts if p < 0)

    def touch(self, px):
        """The most in 2^-32 ulps, slack aside, that a row is below health where it touches it. The program's price with the weight of
        a debt is rounded down, which counts in favour by an ulp for each native unit that is owed, its perps' losses included; of each
        perp's line 2 ulps are taken; the rest are single roundings of a row's numbers, each by less than 1, times what they meet."""
        world = World(self.state(px))
        owed = [-x for x in Cache(world).balances(END if self.flag else MAINT) if x < 0]
        most = sum((x >> 48) + 1 for x in owed) << 32
        for i in (i for i in self.pos if i in self.tokens):
            prices = [px[self.asset(k)] for k in self.pos if k in self.perps and self.perps[k]["settle"] == i]
            weight = max(v for k, v in self.tokens[i]["terms"].items() if k.endswith("_weight"))
            line = sum((2 << 32) + 2 + p for p in prices)
            most += (line * weight // ONE + 2 + sum(prices)) * (self.price(i, px) // ONE + 1) + px[self.asset(i)] + sum(prices) + 2
        return most

    def holding(self, i, pos):
        if i not in pos:
            return 0
        bits = pos[i][1]
        if i in self.perps:
            return bits >> 48
        t = self.tokens[i]["terms"]
        return bits * t["deposit_index" if bits > 0 else "borrow_index"] >> 48 >> 48

    def settled(self, after):
        """Positions of a World after an order: {instrument: (size, bits)}, empties left out unless perps settle in them."""
        pos = {t.index: (0, t.position) for t in after.tokens}
        pos.update({p.market: (p.base_lots * p.base_lot_size, p.quote) for p in after.perps})
        live = {i for i, (size, bits) in pos.items() if size or bits}
        needed = {self.perps[i]["settle"] for i in live if i in self.perps}
        return {i: pos[i] for i in pos if i in live or i in needed}

    # ---- for the driver

    def lines(self):
        out = ["reset"]
        decimals = {}
        for x in list(self.tokens.values()) + list(self.perps.values()):
            decimals[x["asset"]] = x["price_dec"]
        out += [f"asset {a} 2 {d} 0" for a, d in decimals.items()]
        for i, t in self.tokens.items():
            out.append(f"reserve {i} {t['dec']} {t['asset']} 0 0 0 0 0 0 {10**27} {10**27}")
            names = dict(maint_asset_weight="maint_asset_weight_fx", maint_liab_weight="maint_liab_weight_fx", init_asset_weight="init_asset_weight_fx",
                         init_liab_weight="init_liab_weight_fx", deposit_index="deposit_index_fx", borrow_index="borrow_index_fx",
                         liquidation_fee="liquidation_fee_fx", platform_liquidation_fee="platform_liquidation_fee_fx",
                         disable_asset_liquidation="disable_asset_liquidation")
            for key, name in names.items():
                if key.endswith("_index") and t["terms"][key] == ONE and self.r.random() < 0.5:
                    continue  # 1 need not be told
                out.append(f"term {i} {name} {int(t['terms'][key])}")
        for i, p in self.perps.items():
            settle = self.tokens.get(p["settle"])
            out.append(f"perp {i} 1 {p['dec']} I{p['settle']} {settle['dec'] if settle else 6} {p['asset']} 0 0 0 1 0 50000")
            for key in ("maint_base_asset_weight", "init_base_asset_weight", "maint_base_liab_weight", "init_base_liab_weight",
                        "maint_overall_asset_weight", "init_overall_asset_weight", "base_liquidation_fee", "positive_pnl_liquidation_fee"):
                out.append(f"term {i} {key}_fx {p['terms'][key]}")
            out.append(f"term {i} perp_platform_liquidation_fee_fx {p['terms']['platform_liquidation_fee']}")
            if p["lot"] > 1:
                out.append(f"term {i} lot {p['lot']}")
        return out + self.account_lines()

    def account_lines(self):
        first = next((self.perps[i] for i in self.pos if i in self.perps), None)
        currency = f"I{first['settle']} {self.tokens[first['settle']]['dec']}" if first else "- 0"
        out = [f"account mango-v4-1 {currency} 0 0", f"state {int(self.flag)} 0"]
        for i, (size, bits) in sorted(self.pos.items()):
            out.append(f"pos {i} {int(i in self.tokens and bits > 0)} {size} 0 {max(bits, 0)} {max(-bits, 0)}")
            if i in self.orders:
                out.append("orders 3 %d %d" % self.orders[i])
        return out

    def px_lines(self, px):
        return [f"px {a} {p}" for a, p in px.items()]


def weights(r, name=""):
    """Initial ones are the harder; sometimes equal, 0 or 1."""
    m, i = r.uniform(0.5, 1), r.uniform(0, 1)
    a = [fx(r, m, m), fx(r, m * i, m * i)]
    if r.random() < 0.15:
        a = r.choice([[ONE, ONE], [0, 0], [a[0], a[0]]])
    out = {}
    for kind, x in zip(("maint", "init"), a):
        out[f"{kind}_{name}asset_weight"] = x
        out[f"{kind}_{name}liab_weight"] = r.choice([2 * ONE - x, 2 * ONE - x, max(x, ONE + fx(r, 0, 0.3)), fx(r, 2, 7)])
    return out


def fee(r, most):
    return r.choice([0, fx(r, 0, most), fx(r, 0, most)])


def price_of(r):
    if r.random() < 0.1:
        return r.randint(1 << 40, INT64)
    return r.randint(1, 1000) if r.random() < 0.05 else int(10 ** r.uniform(3, 9.5))


def add_token(case, i, asset):
    r = case.r
    dec = r.choice([5, 6, 6, 8, 9])
    case.tokens[i] = dict(dec=dec, price_dec=asset[1], asset=asset[0], terms=dict(
        weights(r), deposit_index=r.choice([ONE, fx(r, 1, 1.5)]), borrow_index=r.choice([ONE, fx(r, 1, 2)]),
        liquidation_fee=fee(r, 0.1), platform_liquidation_fee=fee(r, 0.02), disable_asset_liquidation=r.random() < 0.05))


def add_perp(case, i, settle, asset):
    r = case.r
    w = weights(r, "base_")
    overall = sorted((fx(r, 0, 1), fx(r, 0, 1)))
    if r.random() < 0.4:
        overall = r.choice([[0, 0], [0, ONE], [ONE, ONE]])
    case.perps[i] = dict(dec=r.choice([5, 6, 8, 9]), price_dec=asset[1], asset=asset[0], settle=settle, lot=r.choice([1, 1, 100, 10**4]), terms=dict(
        w, init_overall_asset_weight=overall[0], maint_overall_asset_weight=overall[1], base_liquidation_fee=fee(r, 0.05),
        platform_liquidation_fee=fee(r, 0.01), positive_pnl_liquidation_fee=fee(r, 0.05)))


def amount(case, i, usd):
    """Native units worth so many dollars at its price."""
    v = case.unit(i) * case.px[case.asset(i)]
    return int(usd * 10**6 * ONE) // v if v else 1


def extreme(case):
    """Two tokens of hardly any decimals, in amounts that fill the ranges."""
    r = case.r
    for i in range(2):
        case.px[i] = r.randint(1, 9)
        add_token(case, i, (i, 1))
        case.tokens[i]["dec"] = r.choice([1, 1, 2])
        case.tokens[i]["terms"]["deposit_index"] = case.tokens[i]["terms"]["borrow_index"] = ONE
        case.pos[i] = (0, (1 - 2 * i) * (r.getrandbits(106) | 1 << 105))
    if r.random() < 0.7:
        case.px[2] = r.randint(1, 9)
        add_perp(case, 2, 0, (2, 1))
        p = case.perps[2]
        p["dec"], p["lot"] = 1, 1
        size = r.getrandbits(70 - case.unit(2).bit_length()) | 1
        case.pos[2] = (r.choice([1, -1]) * size, r.choice([-1, 0, 1]) * size * case.unit(2) * case.px[2])
    case.flag = r.random() < 0.5
    to_edge(case)
    return case


def profit(case):
    """A debt in the settle token that a perp's profit pays to less than a unit: no dust while the perp is there."""
    r = case.r
    case.px = {0: r.randint(10**7, 10**9), 1: price_of(r)}
    add_token(case, 0, (0, 8))
    add_perp(case, 1, 0, (1, 8))
    case.perps[1]["terms"].update(init_overall_asset_weight=0, maint_overall_asset_weight=0)
    quote = r.randint(10**3, 10**12) * ONE + r.getrandbits(48)
    case.pos = {0: (0, -int(quote * r.uniform(0.1, 0.8)) * ONE // case.tokens[0]["terms"]["borrow_index"]), 1: (0, quote)}
    return case


def ruin(r):
    """Perps whose loss is more than the settle token and what else there is, a deposit or a debt, stand for."""
    case = Case(r)
    n = r.choice([1, 1, 2])
    order = list(range(2 + n))
    r.shuffle(order)
    settle, other, perps = order[0], order[1], order[2:]
    case.px = {i: int(10 ** r.uniform(6, 9.5)) for i in order}
    for i in (settle, other):
        add_token(case, i, (i, 8))
        native = r.choice([1, 1, -1]) * amount(case, i, 10 ** r.uniform(0, 4)) * ONE + r.getrandbits(48)
        if i == settle or r.random() < 0.6:
            case.pos[i] = (0, native * ONE // case.tokens[i]["terms"]["deposit_index" if native > 0 else "borrow_index"])
    for i in perps:
        add_perp(case, i, settle, (i, 8))
        lot = case.perps[i]["lot"]
        size = max(lot, amount(case, i, 10 ** r.uniform(0, 4)) // lot * lot) * r.choice([1, -1])
        size = r.choice([size, size, size, 0])
        case.pos[i] = (size, -size * case.unit(i) * case.px[i] - amount(case, settle, 10 ** r.uniform(1, 5)) * ONE - r.getrandbits(48))
    case.flag = r.random() < 0.5
    return case


def make(r):
    case = Case(r)
    if r.random() < 0.1:
        return extreme(case)
    if r.random() < 0.03:
        return profit(case)
    n_tokens, n_perps = r.randint(1, 5), r.choice([0, 0, 1, 1, 2, 3])
    ids = list(range(n_tokens + n_perps))
    r.shuffle(ids)
    assets = [(a, r.choice([4, 6, 8, 8])) for a in range(n_tokens + n_perps)]
    for a, _ in assets:
        case.px[a] = price_of(r)
    shared = r.random() < 0.15
    tokens, perps = ids[:n_tokens], ids[n_tokens:]
    for k, i in enumerate(tokens):
        add_token(case, i, assets[0] if shared and k == 1 else assets[k])
    settle = tokens[0]
    for k, i in enumerate(perps):
        add_perp(case, i, settle, assets[0] if shared and k == 0 else assets[n_tokens + k])
    case.px = {a: case.px[a] for a in {x["asset"] for x in list(case.tokens.values()) + list(case.perps.values())}}
    worth = 10 ** r.uniform(0, 7)
    for i in tokens:
        if i != settle and r.random() < 0.15:
            continue
        t = case.tokens[i]["terms"]
        native = amount(case, i, worth * r.uniform(0.1, 1)) * ONE + r.getrandbits(48)
        if r.random() < 0.05:
            native = r.getrandbits(49)  # dust
        sign = r.choice([1, 1, -1])
        bits = native * ONE // t["deposit_index" if sign > 0 else "borrow_index"]
        case.pos[i] = (0, sign * min(bits, 1 << 105))
    if perps and r.random() < 0.1:
        case.pos[settle] = (0, 0)
    for i in perps:
        p = case.perps[i]
        size = min(amount(case, i, worth * r.uniform(0.05, 1.5)), (1 << 71) // case.unit(i) // 2) // p["lot"] * p["lot"] * r.choice([1, -1])
        size = 0 if r.random() < 0.15 else size
        cost = -(size * case.unit(i) * case.px[p["asset"]])
        quote = cost + int(r.uniform(-0.3, 0.3) * worth * 10**6) * ONE if r.random() < 0.8 else cost
        if size or quote:
            case.pos[i] = (size, max(-(1 << 104), min(1 << 104, quote)))
    if perps and not any(i in case.pos for i in perps) and settle in case.pos and case.pos[settle] == (0, 0):
        del case.pos[settle]
    case.pos = {i: v for i, v in case.pos.items() if v != (0, 0) or i == settle}
    if case.pos.get(settle) == (0, 0) and not any(i in case.perps for i in case.pos):
        del case.pos[settle]
    place_orders(case)
    case.flag = r.random() < 0.35
    if case.pos and r.random() < 0.75:
        to_edge(case)
    return case


def place_orders(case):
    """Bids and asks of perps that are held: whole lots, around their size."""
    r = case.r
    for i in [i for i in case.pos if i in case.perps]:
        p, size = case.perps[i], abs(case.pos[i][0])
        if r.random() < 0.6:
            continue
        most = min(3 * size + 10 * p["lot"], (1 << 71) // case.unit(i) // 16) // p["lot"]
        two = [r.choice([0, size // p["lot"], r.randint(0, max(0, most)), 1]) * p["lot"] for _ in (0, 1)]
        if sum(two) and size + 2 * sum(two) < (1 << 71) // case.unit(i) // 2:
            case.orders[i] = tuple(two)


def to_edge(case):
    """Moves one token's position to the least with which the account is healthy, or some units beside it."""
    r = case.r
    i = r.choice([i for i in case.pos if i in case.tokens])

    def healthy(bits):
        pos = dict(case.pos)
        pos[i] = (0, bits)
        s = case.sums(case.px, pos)
        return s is None or s[0] >= s[1]
    lo, hi = -(1 << 107), 1 << 107
    if healthy(lo) or not healthy(hi):
        return
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (lo, mid) if healthy(mid) else (mid, hi)
    beside = r.choice([0, 0, -1, -1, -1, 1, -r.getrandbits(50), -abs(hi) // 50, -abs(hi) // 10, -abs(hi) // 3])
    if hi + beside or any(j in case.perps for j in case.pos):
        case.pos[i] = (0, max(-(1 << 107), hi + beside))
