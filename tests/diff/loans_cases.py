# SPDX-License-Identifier: Apache-2.0
"""Random accounts of Morpho Blue, Compound III and Compound v2 and what their contracts say of them, for loans_diff.py."""
from fractions import Fraction as F

from judge_isolated import Market, Revert
from judge_lending import E15, E18, Comet, CompoundV2

RAY, BPS, INT64 = 10**27, 10**14, 2**63 - 1


class Case:
    """rule, reserves [dict(dec, asset, lt, lb, fee, li, bi, credit)], positions {reserve: [enabled, supply, debt]}, px {asset: price}"""

    def __init__(self, r, rule):
        self.rule, self.reserves, self.pos, self.px, self.r = rule, [], {}, {}, r

    def lines(self):
        out = ["reset"] + [f"asset {a} 2 8 0" for a in sorted(self.px)]
        for i, x in enumerate(self.reserves):
            out.append(f"reserve {i} {x['dec']} {x['asset']} {x['lt']} {x['lb']} {x['fee']} 0 0 0 {x['li']} {x['bi']}")
            out.append("credit %d %d %d %d %d" % (i, *x["credit"]))
        out.append(f"account {self.rule} - 0 0 0")
        return out + [f"pos {i} {int(e)} 0 0 {s} {d}" for i, (e, s, d) in sorted(self.pos.items())] + self.px_lines(self.px)

    @staticmethod
    def px_lines(px):
        return [f"px {a} {p}" for a, p in px.items()]

    def debts(self):
        return [i for i, p in self.pos.items() if p[2]]

    def backs(self):
        return [i for i, p in self.pos.items() if p[0] and p[1]]

    # ---- what the contracts say

    def morpho(self, px):
        j, c = self.debts()[0], (self.backs() or [None])[0]
        x, y = self.reserves[j], self.reserves[c] if c is not None else None
        price = 10**(36 + x["dec"] - y["dec"]) * px[y["asset"]] // px[x["asset"]] if y else 0
        assets, shares = x["credit"][2:]
        return {"market": {"supply_assets": assets, "supply_shares": 0, "borrow_assets": assets, "borrow_shares": shares, "lltv": y["lt"] * BPS if y else 0},
                "position": {"borrow_shares": self.pos[j][2], "collateral": self.pos[c][1] if y else 0}, "price": price}

    def comet(self, px):
        j = self.debts()[0]
        b = self.reserves[j]
        of = [i for i in sorted(self.backs()) if i != j]
        s = {"principal": -self.pos[j][2], "supply_index": b["li"] // 10**12, "borrow_index": b["bi"] // 10**12, "base_price": px[b["asset"]],
             "base_scale": 10**b["dec"], "assets": []}
        for i in of:
            x = self.reserves[i]
            s["assets"].append({"name": i, "balance": self.pos[i][1], "price": px[x["asset"]], "scale": 10**x["dec"],
                                "liquidate_factor": x["lt"] * BPS, "liquidation_factor": (20000 - x["lb"]) * BPS})
        return Comet(s)

    def compound(self, px, j=None, c=None, amount=0):
        markets = [{"name": i, "price": px[x["asset"]] * 10**(28 - x["dec"]), "collateral_factor": x["lt"] * BPS, "exchange_rate": x["credit"][0],
                    "tokens": self.pos[i][1], "borrow": self.pos[i][2], "seize_share": x["fee"] * BPS,
                    "entered": bool(self.pos[i][0] or self.pos[i][2])} for i, x in enumerate(self.reserves) if i in self.pos]
        s = {"markets": markets}
        if j is not None:
            s.update(close_factor=self.reserves[j]["credit"][1], liquidation_incentive=self.reserves[c]["lb"] * BPS,
                     repay={"borrowed": j, "collateral": c, "amount": amount})
        return CompoundV2(s)

    def sums(self, px):
        if not self.debts():
            return 0, 0
        if self.rule == "morpho-blue-1":
            s = self.morpho(px)
            m = Market(s)
            try:
                return m.most(s["price"]), m.assets_up(m.shares)
            except Revert:  # collateral times price leaves the word: the contract cannot liquidate
                return 2**255 - 1, m.assets_up(m.shares)
        if self.rule == "comet-1":
            c = self.comet(px)
            stop, bad = c.view()
            owed = -c.present(c.s["principal"]) * c.s["base_price"] // c.s["base_scale"]
            have = sum(c.factor(c.value(a), a["liquidate_factor"]) for a in c.assets)
            assert bad == (have < owed)
            return have, owed
        return self.compound(px).sums()

    def holding(self, i, pos=None):
        e, s, d = (pos or self.pos).get(i, (False, 0, 0))
        x = self.reserves[i]
        if self.rule == "morpho-blue-1":
            return s + d * (x["credit"][2] + 1) // -(x["credit"][3] + 10**6)
        if self.rule == "comet-1":
            return (s if e else s * (x["li"] // 10**12) // E15) - d * (x["bi"] // 10**12) // E15
        return s * x["credit"][0] // E18 - d

    def worth_up(self, i, amount, px):
        return -(-amount * px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"])

    def worth(self, i, amount, px):
        return amount * px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"]


def log_int(r, lo, hi):
    return max(lo, min(hi, int(10 ** r.uniform(len(str(lo)) - 1, len(str(hi))))))


def make(r, rule):
    case = Case(r, rule)
    n = r.choice([2, 2, 3] if rule == "morpho-blue-1" else [1, 2, 3, 4, 6])
    crumbs = r.random() < 0.2
    extreme = None
    if rule == "morpho-blue-1" and r.random() < 0.35:  # any price; or one of the pair that is a small integer
        extreme = r.choice([[(r.choice([0, 6, 18]), 1, INT64)] * 2, [(0, 10**17, INT64), (18, 1, 1000)]])
    for i in range(n):
        asset = 0 if i and r.random() < 0.06 else i
        case.px.setdefault(asset, log_int(r, 10**4, 10**6) if crumbs else int(10 ** r.uniform(5, 13)))
        if extreme:
            case.px[asset] = log_int(r, *extreme[i > 0][1:])
        dec = extreme[i > 0][0] if extreme else r.choice([0, 2, 6]) if crumbs else r.choice([6, 8, 18, 18])
        x = {"dec": dec, "asset": asset, "lt": r.choice([3850, 7800, 8300, 9150, 9800, r.randint(1, 9999)]), "lb": r.choice([10000, 10500, 10800, 11500]),
             "fee": r.choice([0, 280, 1000, 4000, 10000]), "li": RAY, "bi": RAY, "credit": (0, 0, 0, 0)}
        if rule == "morpho-blue-1":
            assets = log_int(r, 10**3, 10**6) if crumbs else int(10 ** r.uniform(5, 9)) * 10**dec
            x["credit"] = (0, 0, assets, r.choice([assets * 10**6, int(assets * 10**6 / r.uniform(1, 1.7)), assets * 10 + 1]))
        elif rule == "comet-1":
            x["li"], x["bi"] = (r.randint(E15, 2 * E15) * 10**12 for _ in range(2))
        else:
            x["credit"] = (r.randint(1, 9 * E18) if crumbs else int(10 ** r.uniform(0, 1) * 10**(16 + dec - r.choice([0, 8]) + 2)) or 1,
                           r.choice([E18 // 2, E18 // 2, E18, r.randint(1, E18)]), 0, 0)
        case.reserves.append(x)
    deal(case, crumbs, extreme)
    to_threshold(case)
    return case


def deal(case, crumbs, extreme):
    r, n = case.r, len(case.reserves)

    def tokens(i):
        x = case.reserves[i]
        if crumbs:
            return r.randint(1, 4000)
        if extreme:
            return log_int(r, 1, 2**r.choice([30, 60, 90, 125, 125]))
        worth = F(10 ** r.uniform(1, 7)) * 10**(8 + x["dec"]) / case.px[x["asset"]]
        return max(1, int(worth if case.rule != "compound-v2-1" else worth * E18 / x["credit"][0]))

    order = r.sample(range(n), n)
    debts = order[:1] if case.rule != "compound-v2-1" else order[:r.choice([1, 1, 2])]
    for i in order:
        case.pos[i] = [False, 0, 0]
        if i in debts:
            case.pos[i][2] = 1
        if i not in debts or (case.rule == "compound-v2-1" and (n == 1 or r.random() < 0.3)):
            case.pos[i][:2] = [True, tokens(i)]
            if i not in debts and (r.random() < 0.1 or (case.rule == "morpho-blue-1" and len(case.backs()) > 1)):
                case.pos[i][0] = False  # not collateral
    case.pos = {i: p for i, p in case.pos.items() if p[1] or p[2]}


def healthy(case, px):
    have, owed = case.sums(px)
    return have >= owed


def to_threshold(case):
    """Scales the first debt: to the last unit that is healthy and beside it, or somewhere around."""
    r, j = case.r, case.debts()[0]
    lo, hi = 0, 1
    top = min(2**82, case.reserves[j]["credit"][3] or 2**82)

    def at(v):
        case.pos[j][2] = v
        return healthy(case, case.px)

    while hi < top and at(hi):
        lo, hi = hi, min(top, hi * 2)
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (mid, hi) if at(mid) else (lo, mid)
    style = r.random()
    v = lo + r.choice([-1, 0, 1, 1, 2]) if style < 0.5 else int(lo * r.choice([r.uniform(0.5, 3), r.uniform(0.99, 1.1), r.uniform(1, 1.02)])) + 1
    case.pos[j][2] = max(1, min(top, v))
