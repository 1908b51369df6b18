# SPDX-License-Identifier: Apache-2.0
"""Random positions of Morpho Blue with a pre-liquidation contract, and what the contracts say of them (judge_isolated.py), for
prel_rule_diff.py."""
from judge_isolated import Market, Revert, blue_liquidate, pre_order, pre_terms

RAY, W, BPS, INT64 = 10**27, 10**18, 10**14, 2**63 - 1


class Case:
    """reserves [dict(dec, asset, lt, assets, shares, pre)], pos {reserve: [enabled, supply, debt]}, px {asset: price}"""

    def __init__(self, r):
        self.r, self.reserves, self.pos, self.px = r, [], {}, {}

    def lines(self):
        out = ["reset"] + [f"asset {a} 2 8 0" for a in sorted(self.px)]
        for i, x in enumerate(self.reserves):
            out.append(f"reserve {i} {x['dec']} {x['asset']} {x['lt']} 10500 0 0 0 0 {RAY} {RAY}")
            out += [f"term {i} borrow_assets {x['assets']}", f"term {i} borrow_shares {x['shares']}"]
            out += [f"term {i} pre_{name} {v}" for name, v in x["pre"].items() if v]
        out.append("account morpho-pre-liquidation-1 - 0 0 0")
        return out + [f"pos {i} {int(e)} 0 0 {s} {d}" for i, (e, s, d) in sorted(self.pos.items())] + self.px_lines(self.px)

    @staticmethod
    def px_lines(px):
        return [f"px {a} {p}" for a, p in px.items()]

    def debt(self):
        return next(i for i, p in self.pos.items() if p[2])

    def back(self):
        return next((i for i, p in self.pos.items() if p[0] and p[1]), None)

    def state(self, px, pos=None, lltv=None):
        pos, j, c = pos or self.pos, self.debt(), self.back()
        x, y = self.reserves[j], self.reserves[c] if c is not None else None
        price = 10**(36 + x["dec"] - y["dec"]) * px[y["asset"]] // px[x["asset"]] if y else 0
        s = {"market": {"supply_assets": x["assets"], "supply_shares": 0, "borrow_assets": x["assets"], "borrow_shares": x["shares"],
                        "lltv": (y["lt"] * BPS if lltv is None else lltv) if y else 0},
             "position": {"borrow_shares": pos.get(j, [0, 0, 0])[2], "collateral": pos.get(c, [0, 0, 0])[1] if y else 0}, "price": price}
        return s | ({"pre": y["pre"]} if y else {})

    def sums(self, px, pos=None):
        """At preLltv: the most that may be owed, what is owed."""
        c = self.back()
        s = self.state(px, pos, self.reserves[c]["pre"]["lltv"] if c is not None else 0)
        m = Market(s)
        try:
            return m.most(s["price"]), m.assets_up(m.shares)
        except Revert:  # collateral times price leaves the word: nobody can liquidate
            return 2**255 - 1, m.assets_up(m.shares)

    def owned(self, px):
        """Is it Morpho's own to liquidate?"""
        s = self.state(px)
        try:
            return not Market(s).healthy(s["price"])
        except Revert:
            return False

    def terms(self, px):
        """(incentive, shares that may go) of the moment."""
        s = self.state(px)
        return pre_terms(Market(s), s["pre"], s["price"], {})

    def liquidated(self, px, qty, seen):
        """At most qty loan units: (what happened, new positions); raises Revert."""
        s = self.state(px)
        m = Market(s)
        if self.owned(px):
            seen["above the LLTV"] += 1
            shares = m.shares if qty >= m.assets_up(m.shares) else qty * (m.bs + 10**6) // (m.ba + 1)
            enough = s["price"] and m.assets_down(shares) * m.lif() // W * 10**36 // s["price"] <= m.coll
            s["order"] = {"repay_shares": shares} if enough else {"seize": m.coll}
            got = blue_liquidate(s)
            if got["repaid_assets"] > qty:
                raise Revert("costs more than the leg")
        else:
            _, most = self.terms(px)
            seen["between"] += 1
            shares = m.shares if qty >= m.assets_up(m.shares) else qty * (m.bs + 10**6) // (m.ba + 1)
            seen["the contract's most"] += shares > most
            s["order"] = {"repay_shares": min(shares, most)}
            got = {"bad_debt_assets": 0} | pre_order(s)
        p = {i: list(x) for i, x in self.pos.items()}
        p[self.debt()][2], p[self.back()][1] = got["after.position_shares"], got["after.position_collateral"]
        return got, {i: x for i, x in p.items() if x[1] or x[2]}

    def holding(self, i, pos):
        _, s, d = pos.get(i, (False, 0, 0))
        x = self.reserves[i]
        return s + d * (x["assets"] + 1) // -(x["shares"] + 10**6)

    def worth_up(self, i, amount, px):
        return -(-amount * px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"])

    def worth(self, i, amount, px):
        return amount * px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"]


def make(r):
    case = Case(r)
    crumbs = r.random() < 0.2
    n = r.choice([2, 2, 3])
    for i in range(n):
        asset = 0 if i and r.random() < 0.06 else i
        case.px.setdefault(asset, r.randint(10**4, 10**6) if crumbs else int(10**r.uniform(5, 13)))
        dec = r.choice([0, 2, 6]) if crumbs else r.choice([6, 8, 18, 18])
        assets = r.randint(10**3, 10**6) if crumbs else int(10**r.uniform(5, 9)) * 10**dec
        x = dict(dec=dec, asset=asset, lt=r.choice([3850, 7700, 8600, 9150, 9650, r.randint(2, 9999)]), assets=assets,
                 shares=r.choice([assets * 10**6, int(assets * 10**6 / r.uniform(1, 1.7)), assets * 10 + 1]))
        lltv = x["lt"] * BPS
        low = r.choice([lltv - 1, lltv * 9 // 10, r.randint(1, lltv - 1), lltv - BPS])
        lif = sorted(r.choice([W, W * W // lltv, r.randint(W, W * W // lltv)]) for _ in range(2))
        lcf = sorted(r.choice([1, W // 10, W // 2, W, r.randint(1, W)]) for _ in range(2))
        if r.random() < 0.1:
            lcf[1] = r.choice([W + 1, 2 * W])
        x["pre"] = dict(lltv=low, lcf1=lcf[0] if lcf[0] <= W else W, lcf2=lcf[1], lif1=lif[0], lif2=lif[1])
        case.reserves.append(x)
    order = r.sample(range(n), n)
    for i in order[1:]:
        x = case.reserves[i]
        tokens = r.randint(1, 4000) if crumbs else max(1, int(10**r.uniform(1, 7) * 10**(8 + x["dec"]) / case.px[x["asset"]]))
        case.pos[i] = [case.back() is None and r.random() < 0.96, tokens, 0]
    case.pos[order[0]] = [False, 0, 1]
    to_threshold(case, order[0])
    return case


def to_threshold(case, j):
    """Scales the debt to the contract's or Morpho's threshold, beside it, or between and around."""
    r = case.r
    edges = []
    for edge in (lambda px: case.sums(px)[0] >= case.sums(px)[1], lambda px: not case.owned(px)):
        lo, hi = 0, case.reserves[j]["shares"]
        while hi - lo > 1:
            mid = (lo + hi) // 2
            case.pos[j][2] = mid
            lo, hi = (mid, hi) if edge(case.px) else (lo, mid)
        edges.append(lo)
    style = r.random()
    if style < 0.4:
        v = r.choice(edges) + r.choice([-1, 0, 1, 1, 2])
    elif style < 0.85:
        v = r.randint(edges[0], max(edges))
    else:
        v = int(r.choice(edges) * r.choice([r.uniform(0.5, 3), r.uniform(0.99, 1.1)])) + 1
    case.pos[j][2] = max(1, min(case.reserves[j]["shares"], v))
