# SPDX-License-Identifier: Apache-2.0
"""Random accounts of an Aave V4 spoke and what the contract says of them (judge_credit.py), for aave_v4_rule_diff.py."""
from judge_credit import ALL, Arithmetic, Refused, Spoke, take

RAY, E18, INT64 = 10**27, 10**18, 2**63 - 1


class Case:
    """reserves [dict(dec, asset, cf, lb, fee, index, terms)], pos {reserve: [enabled, supply, debt, premium shares, offset]}, px {asset: price}"""

    def __init__(self, r):
        self.r, self.reserves, self.pos, self.px = r, [], {}, {}

    def lines(self):
        out = ["reset"] + [f"asset {a} 2 8 0" for a in sorted(self.px)]
        for i, x in enumerate(self.reserves):
            out.append(f"reserve {i} {x['dec']} {x['asset']} {x['cf']} {x['lb']} {x['fee']} 0 0 0 {RAY} {x['index']}")
            out += [f"term {i} {name} {v}" for name, v in x["terms"].items() if v]
        out.append("account aave-v4-1 - 0 0 0")
        return out + [f"pos {i} {int(e)} {size} 0 {s} {d} {offset}" for i, (e, s, d, size, offset) in sorted(self.pos.items())] + self.px_lines(self.px)

    @staticmethod
    def px_lines(px):
        return [f"px {a} {p}" for a, p in px.items()]

    def debts(self):
        return [i for i, p in sorted(self.pos.items()) if p[2]]

    def backs(self):
        return [i for i, p in sorted(self.pos.items()) if p[0] and p[1]]

    def spoke(self, px, pos=None, j=None):
        """The contract's state, with the configuration that stands with reserve j, and where each reserve is in it."""
        pos, t = pos or self.pos, self.reserves[self.debts()[0] if j is None else j]["terms"]
        out, place = [], {}
        for i, (e, supply, debt, size, funding) in sorted(pos.items()):
            x, place[i] = self.reserves[i], len(out)
            offset = funding * 10**(9 + x["dec"])
            if size * x["index"] < offset:  # of a later index
                size = offset = 0
            out.append(dict(price=px[x["asset"]], decimals=x["dec"], added_assets=x["terms"].get("added_assets", 0), added_shares=x["terms"].get("added_shares", 0),
                            drawn_index=x["index"], collateral=e, supplied_shares=supply, drawn_shares=debt, premium_shares=size, premium_offset=offset,
                            collateral_factor=x["cf"], max_bonus=x["lb"], fee=x["fee"]))
        s = Spoke(dict(target_health=t["target_health"], max_bonus_health=t["max_bonus_health"], bonus_factor=t["bonus_factor_bps"], reserves=out))
        return s.account(), place

    def health(self, px, pos=None):
        """liquidatable, equity, requirement"""
        s, _ = self.spoke(px, pos)
        return s.health < E18, s.weighted, s.debts * 10**4

    def supplied(self, i, pos=None):
        s, place = self.spoke(self.px, pos)
        return s.supplied(s.r[place[i]]) if i in place else 0

    def owed(self, i, pos=None):
        s, place = self.spoke(self.px, pos)
        r = s.r[place[i]] if i in place else None
        return s.owed(r) if r and r["drawn_shares"] else 0

    def call(self, px, j, i, cover=ALL):
        """The contract's answer to an order; refused: its error."""
        s, place = self.spoke(px, None, j)
        x = dict(repay=0, seize=0, received=0)
        try:
            s.call(dict(collateral=place[i], debt=place[j], debt_to_cover=cover), x)
            x["refused"] = ""
        except Refused as e:
            x["refused"] = str(e)
        except Arithmetic:
            x["refused"] = "arithmetic"
        x["premium"] = s.debt(s.r[place[j]])[1]
        return x

    def after(self, j, i, x, before_deficit=False):
        p = {k: list(v) for k, v in self.pos.items()}
        p[i][1] -= x["shares_taken"]
        p[j][2] -= x["drawn_shares_repaid"]
        if take("premium repaid whole, or none", p[j][2] == 0 or x["premium_ray_repaid"] == x["premium"]):
            p[j][3:] = [0, 0]
        else:
            take("premium repaid in part, offset raised")
            p[j][4] += x["repay"] * 10**(18 - self.reserves[j]["dec"])
        if x["deficit"] and not before_deficit:
            for v in p.values():
                v[2:] = [0, 0, 0]
        return {k: v for k, v in p.items() if v[1] or v[2]} if not before_deficit else p

    def worth_up(self, i, amount):
        return -(-amount * self.px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"])

    def worth(self, i, amount):
        return amount * self.px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"]


def make_terms(r):
    return dict(target_health=r.choice([E18, E18 + 1, 105 * E18 // 100, 12 * E18 // 10, 2 * E18, r.randint(E18, 3 * E18)]),
                max_bonus_health=r.choice([0, 8 * E18 // 10, 95 * E18 // 100, E18 - 1, r.randint(0, E18 - 1)]), bonus_factor_bps=r.choice([0, 1, 5000, 8000, 10000]))


def make_reserve(r, crumbs, extreme, asset, config):
    dec = r.choice([0, 2, 6, 18]) if crumbs else r.choice([6, 8, 18, 18])
    x = dict(dec=dec, asset=asset, cf=r.choice([0, 3850, 7800, 8300, 9000, 9150, 9999, r.randint(1, 9999), r.randint(7000, 9500)]), lb=10000,
             fee=r.choice([0, 1000, 1000, 10000, r.randint(0, 10000)]), index=RAY, terms=dict(config))
    most = 10000 * 9999 // x["cf"] if x["cf"] else 20000
    x["lb"] = min(20000, r.choice([10000, most, min(most, r.choice([10300, 10500, 10800, 12000]))]))
    if x["cf"] == 0 and r.random() < 0.3:
        x["lb"] = 0
    if r.random() < 0.7:
        x["index"] += r.choice([1, RAY // 10, RAY // 3 + 1, r.randint(1, 2 * RAY), 50 * RAY])
    if r.random() < 0.7:
        shares = r.choice([1, 10**3, 10**dec * 10**6, r.randint(1, 2**60)])
        x["terms"].update(added_shares=shares, added_assets=max(1, int(shares * r.uniform(0.5 if crumbs else 1, 2))))
        if crumbs and r.random() < 0.3:
            x["terms"].update(added_assets=shares * r.choice([7, 1000]))
    return x


def coarse(r):
    """The last collateral pays for all of one debt, by its rounding; another stays."""
    case, config = Case(r), make_terms(r)
    for i, dec in enumerate((r.choice([0, 1]), r.choice([6, 18]), r.choice([6, 8]))):
        x = make_reserve(r, False, False, i, config)
        x.update(dec=dec, cf=max(1, x["cf"]), lb=10000)
        case.reserves.append(x)
        case.px[i] = r.randint(10**10, 10**12) if i == 0 else r.randint(10**6, 10**9)
    case.pos = {0: [False, 0, r.randint(1, 3), 0, 0], 1: [True, 1, 0, 0, 0], 2: [False, 0, r.randint(1, 10**10), 0, 0]}
    x, y = case.reserves[:2]
    t = y["terms"]
    tokens = case.owed(0) * case.px[0] * 10**y["dec"] // 10**x["dec"] // case.px[1]
    case.pos[1][1] = max(1, int(tokens * r.uniform(0.97, 1)) * (t.get("added_shares", 0) + 10**6) // (t.get("added_assets", 0) + 10**6))
    return case


def whole_tokens(r):
    """Units and shares worth a hundred dollars, a part of which restores the target."""
    case, config = Case(r), make_terms(r)
    config.update(target_health=r.choice([12 * E18 // 10, 2 * E18]))
    for i in (0, 1):
        x = make_reserve(r, True, False, i, config)
        x.update(dec=r.choice([0, 2]), cf=r.randint(3000, 9000), lb=r.choice([10000, 10500]), index=RAY * r.choice([1, 1, 3, 20]))
        case.reserves.append(x)
        case.px[i] = r.randint(10**9, 10**11) * 10**x["dec"]
    x, t = case.reserves[0], case.reserves[0]["terms"]
    case.pos[0] = [True, max(1, r.randint(1000, 50000) * (t.get("added_shares", 0) + 10**6) // (t.get("added_assets", 0) + 10**6)), 0, 0, 0]
    case.pos[1] = [False, 0, 1, 0, 0]
    to_threshold(case, 1, False)
    return case


def make(r):
    if r.random() < 0.12:
        return coarse(r) if r.random() < 0.3 else whole_tokens(r)
    case = Case(r)
    crumbs, extreme = r.random() < 0.25, r.random() < 0.1
    n = r.choice([1, 2, 2, 2, 3, 4, 6])
    config = make_terms(r)
    for i in range(n):
        asset = 0 if i and r.random() < 0.1 else i
        case.px.setdefault(asset, r.choice([1, 1, 10**4, 10**6, r.randint(1, 10**6)]) if crumbs else r.randint(1, 2**r.choice([20, 40, 63]) - 1) if extreme else int(10**r.uniform(5, 13)))
        case.reserves.append(make_reserve(r, crumbs, extreme, asset, config if r.random() < 0.9 else make_terms(r)))
    order = r.sample(range(n), n)
    n_debts = 1 if n < 3 or r.random() < 0.5 else 2
    for k, i in enumerate(order):
        x, p = case.reserves[i], [False, 0, 0, 0, 0]
        if k >= n_debts or r.random() < (0.2 if n > 1 else 1):
            tokens = amount(case, i, crumbs, extreme)
            t = x["terms"]
            p[:2] = [r.random() < (0.93 if k >= n_debts else 0.5), max(1, tokens * (t.get("added_shares", 0) + 10**6) // (t.get("added_assets", 0) + 10**6))]
        if k < n_debts:
            p[2] = max(1, amount(case, i, crumbs, extreme) // 2)
        case.pos[i] = p
    to_threshold(case, order[0], crumbs)
    return case


def amount(case, i, crumbs, extreme):
    r, x = case.r, case.reserves[i]
    if crumbs:
        return r.randint(1, r.choice([4000, 4000, 10**9]))
    if extreme:
        return r.randint(1, 2**r.choice([20, 40, 60 if x["dec"] == 6 else 66]))
    return max(1, int(10**r.choice([r.uniform(0, 7), r.uniform(2.8, 4), r.uniform(4.5, 7), r.uniform(4.5, 7)]) * 10**(8 + x["dec"]) / case.px[x["asset"]]))


def premium(case, i):
    """Shares, and an offset that leaves little, nothing, or is of a later index."""
    r, p, x = case.r, case.pos[i], case.reserves[i]
    unit, style = 10**(9 + x["dec"]), r.random()
    if style < 0.4:
        return
    p[3] = max(1, min(2**50, 2**97 * unit // x["index"], p[2] * r.randint(1, 10000) // 10000)) if style < 0.95 else 0
    grown = p[3] * x["index"]
    owed = p[2] * x["index"] // r.choice([1, 20, 1000, 10**6])
    p[4] = (grown - r.choice([0, 1, RAY, owed, owed, grown])) // unit
    if style > 0.9 and p[3] and r.random() < 0.5:
        p[4] = grown // unit + 1
    p[4] = max(-2**99, min(2**99, p[4] if p[3] else min(0, p[4])))


def to_threshold(case, j, crumbs):
    """Scales the first debt: to the last unit that is healthy and beside it, or somewhere around."""
    r, top = case.r, 2**40 if case.reserves[j]["dec"] < 6 else 2**60

    def at(v):
        case.pos[j][2] = v
        return not case.health(case.px)[0]

    for i in case.debts():
        premium(case, i)
    lo, hi = 0, 1
    while hi < top and at(hi):
        lo, hi = hi, hi * 2
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (mid, hi) if at(mid) else (lo, mid)
    style = r.random()
    v = lo + r.choice([-1, 0, 1, 1, 2]) if style < 0.4 else int(lo * r.choice([r.uniform(0.5, 3), r.uniform(0.99, 1.1), r.uniform(1, 1.02), r.uniform(1, 1.02)])) + 1
    case.pos[j][2] = max(1, min(top, v))


def make_limit(r):
    """As large as the rule lets it be, or too large, at the greatest of prices."""
    case, config = Case(r), make_terms(r)
    if r.random() < 0.15:
        return large_premium(r)

    def bits(most):
        n = r.randint(1, most)
        return r.choice([2**n - 1, r.randint(2**(n - 1), 2**n - 1)])
    for i in range(r.choice([1, 2, 2, 3])):
        x = make_reserve(r, False, False, i, config)
        x.update(dec=r.choice([0, 1, 2, 6, 8, 9, 18, 18]), index=r.choice([RAY, RAY + bits(88), RAY * r.randint(1, 1200), 2**100 - 1]))
        if r.random() < 0.5:
            x["terms"].update(added_assets=bits(127), added_shares=bits(127))
        case.reserves.append(x)
        case.px[i] = INT64
        value = {0: 52, 1: 55, 2: 58, 6: 72, 8: 78, 9: 81, 18: 111}[x["dec"]]
        supply, debt = r.choice([0, bits(120), bits(value), 2**value - 1]), r.choice([0, bits(120), bits(value), 2**(value - 3)])
        size = r.choice([0, 0, bits(121), bits(99), bits(40), bits(70)]) if debt else 0
        funding = r.choice([0, -bits(100), -bits(60), *([bits(100), min(2**100 - 1, size * x["index"] // 10**(9 + x["dec"]))] if size else [0])]) if debt else 0
        if supply or debt:
            case.pos[i] = [True, supply, debt, size, funding]
    if not case.debts():
        case.pos[0] = [True, 0, 1, 0, 0]
    return case


def large_premium(r):
    """Nearly all that is owed is premium, which the collateral pays for in part."""
    case = Case(r)
    for i in (0, 1):
        case.reserves.append(dict(dec=18, asset=i, cf=7000, lb=10500, fee=1000, index=RAY * r.choice([1, 3, 100]),
                                  terms=dict(target_health=2 * E18, max_bonus_health=0, bonus_factor_bps=5000)))
        case.px[i] = r.choice([1, 10, 1000])
    size = 2**r.randint(90, 104) - 1
    owed = size * case.reserves[0]["index"] // RAY * case.px[0] // case.px[1]
    case.pos = {0: [False, 0, 10, size, r.choice([0, -2**60, -2**99])], 1: [True, owed * r.choice([90, 99, 110]) // 100, 0, 0, 0]}
    return case
