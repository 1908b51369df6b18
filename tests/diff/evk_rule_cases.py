# SPDX-License-Identifier: Apache-2.0
"""Random accounts of Euler's vault kit and what the contract says of them (judge_credit.py), for evk_rule_diff.py."""
from judge_credit import ALL, Arithmetic, Refused, euler_call, in_violation, liquidity, take

RAY, E18, INT64, NS = 10**27, 10**18, 2**63 - 1, 10**9
T0 = 1700000000


class Case:
    """reserves [dict(dec, asset, lt, lb, ramp, terms)], pos {reserve: [enabled, supply, debt]}, px {asset: price}, now, last"""

    def __init__(self, r):
        self.r, self.reserves, self.pos, self.px, self.now, self.last = r, [], {}, {}, T0, 0

    def lines(self):
        out = ["reset"] + [f"asset {a} 2 8 0" for a in sorted(self.px)]
        for i, x in enumerate(self.reserves):
            out.append(f"reserve {i} {x['dec']} {x['asset']} {x['lt']} {x['lb']} 0 0 0 0 {RAY} {RAY}")
            out += [f"term {i} {name} {v}" for name, v in x["terms"].items() if v]
            if x["ramp"]:
                out.append("ramp %d %d 0 %d %d 0" % (i, *x["ramp"]))
        out += ["account evk-1 - 0 0 0", f"state {self.last} 0"]
        return out + [f"pos {i} {int(e)} 0 0 {s} {d}" for i, (e, s, d) in sorted(self.pos.items())] + [f"now {self.now * NS}"] + self.px_lines(self.px)

    @staticmethod
    def px_lines(px):
        return [f"px {a} {p}" for a, p in px.items()]

    def debt(self):
        return next((i for i, p in self.pos.items() if p[2]), None)

    def backs(self):
        return [i for i, p in sorted(self.pos.items()) if p[0] and p[1]]

    def tokens(self, i, shares):
        t = self.reserves[i]["terms"]
        return shares * (t["vault_assets"] + 10**6) // (t["vault_shares"] + 10**6) if t.get("vault_shares") else shares

    def quote(self, i, tokens, px):
        x = self.reserves[i]
        return tokens * px[x["asset"]] * 10**10 // 10**x["dec"]

    def state(self, px, pos=None, now=None):
        """The contract's, of evk.md."""
        pos, j = pos or self.pos, self.debt()
        terms = self.reserves[j]["terms"]
        out = dict(now=self.now if now is None else now, liability=pos.get(j, [0, 0, 0])[2], max_discount=terms.get("max_discount_bps", 0),
                   cool_off=terms.get("cool_off_s", 0) if self.last else 0, last_status_check=self.last, dont_socialize=bool(terms.get("keep_debt")), collaterals=[])
        out["liability_value"] = self.quote(j, out["liability"], px)
        for i in self.backs():
            x, shares = self.reserves[i], pos.get(i, [0, 0, 0])[1]
            start, initial, end = (x["ramp"][1], x["ramp"][0], x["ramp"][2]) if x["ramp"] else (0, 0, 1 if x["lt"] or x["lb"] else 0)
            out["collaterals"].append(dict(balance=shares, value=self.quote(i, self.tokens(i, shares), px), liquidation_ltv=x["lt"], initial_ltv=initial,
                                           target_timestamp=end, ramp_duration=end - start))
        return out

    def judged(self, px, pos=None, now=None):
        s = self.state(px, pos, now)
        c, debt = liquidity(s, s["now"])
        bad, cooling = in_violation(c, debt), s["now"] < s["last_status_check"] + s["cool_off"]
        take("adjusted value equals the liability", bad and c == debt)
        take("adjusted value one above", c == debt + 1)
        return dict(liquidatable=bad and not cooling, violation=bad, cooling=cooling, adjusted_value=c, liability_value=debt)

    def call(self, px, i, repay=ALL):
        """The contract's answer to an order of at most that much; refused: its error."""
        s = self.state(px)
        c, debt = liquidity(s, s["now"])
        for wish in (repay, ALL):
            x = dict.fromkeys("discount_factor max_repay max_yield repay yield socialised".split(), 0) | {"refused": ""}
            try:
                euler_call(s, dict(collateral=self.backs().index(i), repay=wish), c, debt, x)
            except Refused as e:
                x["refused"] = str(e)
            except Arithmetic:
                x["refused"] = "arithmetic"
            if x["refused"] != "E_ExcessiveRepayAmount":
                return x

    def after(self, i, x):
        p = {k: list(v) for k, v in self.pos.items()}
        p[self.debt()][2] -= x["repay"] + x["socialised"]
        p[i][1] -= x["yield"]
        return {k: v for k, v in p.items() if v[1] or v[2]}

    def worth_up(self, i, amount, px):
        return -(-amount * px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"])

    def worth(self, i, amount, px):
        return amount * px[self.reserves[i]["asset"]] // 10**self.reserves[i]["dec"]


def make_reserve(r, crumbs, extreme, asset):
    dec = r.choice([0, 2, 6, 18]) if crumbs else r.choice([6, 8, 18, 18])
    x = dict(dec=dec, asset=asset, lt=r.choice([0, 3850, 7800, 8300, 9150, 9800, 10000, r.randint(1, 9999), r.randint(7000, 9500)]), lb=10000, ramp=None, terms={})
    if r.random() < 0.35 and x["lt"] < 9900:
        start = T0 - r.randint(0, 1000)
        x["ramp"] = (r.randint(x["lt"] + 1, 10000), start, start + r.choice([1, 50, 3600, 1000, r.randint(1, 2000)]))
    elif x["lt"] == 0 and r.random() < 0.5:
        x["lb"] = 0
    if r.random() < 0.6:
        shares = r.choice([1, 10**3, 10**dec * 10**6, r.randint(1, 2**60)])
        x["terms"].update(vault_shares=shares, vault_assets=max(1, int(shares * r.uniform(1, 2))) if not extreme else r.randint(1, 2**62))
    x["terms"].update(max_discount_bps=r.choice([0, 1, 500, 1500, 2000, 9999]), keep_debt=r.random() < 0.3 and 1 or 0, cool_off_s=r.choice([0, 1, 60, 3600]))
    return x


def make(r):
    case = Case(r)
    crumbs, extreme = r.random() < 0.25, r.random() < 0.1
    n = r.choice([1, 2, 2, 2, 3, 4, 6, 11])
    for i in range(n):
        asset = 0 if i and r.random() < 0.1 else i
        case.px.setdefault(asset, r.choice([1, 1, 10**4, 10**6, r.randint(1, 10**6)]) if crumbs else r.randint(1, 2**r.choice([20, 40, 63]) - 1) if extreme else int(10**r.uniform(5, 13)))
        case.reserves.append(make_reserve(r, crumbs, extreme, asset))
    case.now = T0 + r.choice([0, 0, 1, 10, 49, 999, r.randint(0, 2000)])
    cool = case.reserves[0]["terms"]["cool_off_s"]
    case.last = r.choice([0, 0, 0, case.now - cool, case.now - cool + 1, case.now - 100000, case.now])
    order = r.sample(range(n), n)
    for i in order[1:] if n > 1 else []:
        x = case.reserves[i]
        tokens = r.randint(1, r.choice([4000, 4000, 10**9])) if crumbs else r.randint(1, 2**r.choice([20, 60, 66])) if extreme else max(1, int(10**r.uniform(1, 7) * 10**(8 + x["dec"]) / case.px[x["asset"]]))
        t = x["terms"]
        shares = tokens if not t.get("vault_shares") else max(1, tokens * (t["vault_shares"] + 10**6) // (t["vault_assets"] + 10**6))
        case.pos[i] = [r.random() < 0.93, shares, 0]
    case.pos[order[0]] = [False, 0, 1]
    case.last = case.last if order[0] == 0 or r.random() < 0.5 else r.choice([0, case.now - case.reserves[order[0]]["terms"]["cool_off_s"] + r.choice([0, 1])])
    to_threshold(case)
    return case


def to_threshold(case):
    """Scales the debt: to the last unit that is healthy and beside it, or somewhere around."""
    r, j, top = case.r, case.debt(), 2**70

    def at(v):
        case.pos[j][2] = v
        return not case.judged(case.px)["violation"]

    lo, hi = 0, 1
    while hi < top and at(hi):
        lo, hi = hi, hi * 2
    while hi - lo > 1:
        mid = (lo + hi) // 2
        lo, hi = (mid, hi) if at(mid) else (lo, mid)
    style = r.random()
    v = lo + r.choice([-1, 0, 1, 1, 2]) if style < 0.5 else int(lo * r.choice([r.uniform(0.5, 3), r.uniform(0.99, 1.1), r.uniform(1, 1.02)])) + 1
    case.pos[j][2] = max(1, min(top, v))
