# SPDX-License-Identifier: Apache-2.0
"""Random vaults of Maker and troves of Liquity v1 and what their contracts say of them, in Python integers, for
maker_rule_diff.py. A case has reserves, positions {reserve: [enabled, supply, debt]} and prices with 8 decimals."""
from fractions import Fraction as F

from judge_auctions import Revert as Bad, Room, bark
from judge_isolated import PANIC, liquity

E18, RAY, INT64 = 10**18, 10**27, 2**63 - 1
MCR, CCR = 11 * E18 // 10, 3 * E18 // 2
ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)


class Refused(Exception):
    pass


def up(a, b):
    return -(-a // b)


class Case:
    def __init__(self, r, rule):
        self.r, self.rule, self.reserves, self.pos, self.px = r, rule, [], {}, {}

    def lines(self):
        out = ["reset"] + [f"asset {a} 2 8 0" for a in sorted(self.px)]
        for i, x in enumerate(self.reserves):
            out.append(f"reserve {i} {x.get('dec', 18)} {x['asset']} {x.get('lt', 0)} {x.get('lb', 10010)} 0 0 0 0 {x.get('li', RAY)} {x.get('bi', RAY)}")
            out += [f"term {i} {k} {v}" for k, v in x["terms"].items() if v]
        out.append(f"account {self.rule} - 0 0 0")
        return out + [f"pos {i} {int(e)} 0 0 {s} {d}" for i, (e, s, d) in sorted(self.pos.items())] + self.px_lines(self.px)

    @staticmethod
    def px_lines(px):
        return [f"px {a} {p}" for a, p in px.items()]

    def debt(self):
        return next((i for i, p in self.pos.items() if p[2]), None)

    def back(self):
        return next((i for i, p in self.pos.items() if p[0] and p[1]), None)

    def price(self, px, i):
        return px[self.reserves[i]["asset"]]

    def worth(self, i, amount, px):
        return amount * self.price(px, i) // E18

    def worth_up(self, i, amount, px):
        return up(amount * self.price(px, i), E18)

    def liquidatable(self, px):
        return self.rule == "maker-dog-1" and vault_unsafe(self, px) or self.rule == "liquity-1" and trove_closes(self, px)


# ---- Maker

def spot(case, px, i):
    """Spotter.poke: rdiv(rdiv(mul(val, 1e9), par), mat), par 1."""
    val = case.price(px, i) * 10**10
    return val * 10**9 * RAY // RAY * RAY // case.reserves[i]["terms"]["liquidation_ratio"]


def vault_sums(case, px):
    j, c = case.debt(), case.back()
    if j is None:
        return 0, 0
    owed = case.pos[j][2] * case.reserves[j]["bi"]
    return (case.pos[c][1] * spot(case, px, c) if c is not None else 0), owed


def vault_unsafe(case, px):
    have, owed = vault_sums(case, px)
    return have < owed


def vault_bark(case, px):
    """(due in wad, coin in wad, dink, dart, partial, dusty) or Refused with the contract's words."""
    j, c = case.debt(), case.back()
    if c is None:
        raise Refused("Dog/null-auction")
    dai, ilk = case.reserves[j], case.reserves[c]["terms"]
    v = {"ink": case.pos[c][1], "art": case.pos[j][2], "rate": dai["bi"], "spot": spot(case, px, c), "dust": ilk["debt_dust"] * RAY, "chop": ilk["chop"],
         "live": True}
    room = Room(dai["terms"]["total_hole"] * RAY, dai["terms"]["total_dirt"] * RAY, ilk["hole"] * RAY, ilk["dirt"] * RAY)
    try:
        dart, dink, due, tab, partial, dusty = bark(v, room)
    except Bad as e:
        raise Refused(str(e)) from e
    coin = (ilk["tip"] * RAY + tab * ilk["chip"] // E18) // RAY
    return up(due, RAY), coin, dink, dart, partial, dusty


def vault_holding(case, i, pos):
    e, s, d = pos.get(i, (False, 0, 0))
    return s - up(d * case.reserves[i].get("bi", RAY), RAY)


def log_int(r, lo, hi):
    return max(lo, min(hi, int(10 ** r.uniform(len(str(lo)) - 1, len(str(hi))))))


def make_vault(r):
    case = Case(r, "maker-dog-1")
    style = r.choice(["plain", "plain", "crumbs", "extreme"])
    case.px = {a: {"plain": int(10 ** r.uniform(6, 13)), "crumbs": r.randint(1, 10**6), "extreme": log_int(r, 1, INT64)}[style] for a in range(3)}
    rate = {"plain": RAY + r.randint(0, RAY // 4), "crumbs": r.choice([RAY, RAY + 1, RAY * 7 // 5]), "extreme": log_int(r, RAY, RAY * 10**6)}[style]
    mat = {"plain": r.choice([RAY, RAY * 145 // 100, RAY * 17 // 10, RAY + r.randint(0, RAY)]), "crumbs": r.choice([RAY, RAY * 3 // 2]),
           "extreme": log_int(r, RAY, 2**127 - 1)}[style]
    dai = {"asset": 0, "bi": rate, "terms": {"total_hole": 10**9 * E18, "total_dirt": 0}}
    ilk = {"asset": 0 if r.random() < 0.05 else 1, "terms": {"liquidation_ratio": mat, "hole": 10**9 * E18, "dirt": 0, "debt_dust": 0}}
    ilk["terms"].update(chop=r.choice([E18, E18 * 113 // 100, 2 * E18, E18 + r.randint(0, E18)]), chip=r.choice([0, E18 // 1000, E18, r.randint(0, E18)]),
                        tip=r.choice([0, 250 * E18, r.randint(0, 10**20)]))
    case.reserves = [dai, ilk, {"asset": 2, "terms": {}}]
    top = min(2**92 - 1, int(10**45 // case.px[ilk["asset"]]) + 1) if style == "plain" else 2**92 - 1
    ink = {"plain": max(1, min(top, int(10 ** r.uniform(1, 7) * 10**26 / case.px[ilk["asset"]]))), "crumbs": r.randint(1, 5000), "extreme": log_int(r, 1, 2**92 - 1)}[style]
    case.pos = {0: [False, 0, 1], 1: [True, ink, 0]}
    if r.random() < 0.1:
        case.pos[2] = [False, r.randint(1, 10**20), 0]  # a gem that is not locked
    if r.random() < 0.03:
        case.pos[1][0] = False
    most = 2**(194 - rate.bit_length()) - 1
    edge = ink * spot(case, case.px, 1) // rate
    art = r.choice([edge, edge + 1, edge + 1, edge + 2, edge - 1, edge + edge // r.randint(2, 50), int(edge * F(r.randint(500, 3000), 1000))])
    case.pos[0][2] = max(1, min(most, art))
    limits(case, r)
    return case


def limits(case, r):
    """Holes near the vault's own tab, dust near its debt."""
    dai, ilk = case.reserves[0]["terms"], case.reserves[1]["terms"]
    owed = up(case.pos[0][2] * case.reserves[0]["bi"], RAY)
    tab, top = owed * ilk["chop"] // E18, 2**105 - 1

    def near(v):
        return max(0, min(top, r.choice([v, v + r.randint(-3, 3), v * r.randint(1, 99) // 100, v // 2])))
    if r.random() < 0.5:
        ilk["debt_dust"] = near(r.choice([owed, owed // 2, owed // 5]))
    for t, hole, dirt in ((ilk, "hole", "dirt"), (dai, "total_hole", "total_dirt")):
        if r.random() < 0.4:
            t[dirt] = r.choice([0, near(tab), r.randint(0, 10**24)])
            t[hole] = max(1, min(top, t[dirt] + near(r.choice([tab, tab, ilk["debt_dust"], 0, tab - ilk["debt_dust"]]))))
        elif r.random() < 0.05:
            t[dirt] = t[hole]


# ---- Liquity

def system(case):
    t = case.reserves[case.back()]["terms"]
    return t["system_coll"], t["system_debt"], t["pool_deposits"]


def ratio(coll, debt, p):
    return coll * p // debt if debt else 2**256 - 1


def trove_closes(case, px):
    """TroveManager's conditions, one trove: the branches of _liquidateNormalMode and _liquidateRecoveryMode."""
    j, c = case.debt(), case.back()
    if j is None:
        return False
    if c is None:
        return True
    coll, debt, p = case.pos[c][1], case.pos[j][2], case.price(px, c) * 10**10
    total_coll, total_debt, pool = system(case)
    icr, tcr = ratio(coll, debt, p), ratio(total_coll, total_debt, p)
    return icr < MCR or (tcr < CCR and icr < tcr and debt <= pool)


def trove_sums(case, px):
    """The two sides that are published: those of the test with the greater price, in 1e-8 of wei times price."""
    j, c = case.debt(), case.back()
    if j is None:
        return 0, 0
    if c is None:
        return 0, case.pos[j][2] * 110000000
    coll, debt, p8 = case.pos[c][1], case.pos[j][2], case.price(px, c)
    total_coll, total_debt, pool = system(case)
    own, all_ = F(11 * 10**7 * debt, coll), F(15 * 10**7 * total_debt, total_coll)
    by_system = pool >= debt and F(coll, debt) < F(total_coll, total_debt) and all_ > own
    if by_system and own <= p8 < all_ and ratio(coll, debt, p8 * 10**10) == ratio(total_coll, total_debt, p8 * 10**10):
        by_system = False
    return (total_coll * p8, total_debt * 150000000) if by_system else (coll * p8, debt * 110000000)


def trove_close(case, px):
    """The judge's part of the trove, or Refused with the contract's words."""
    j, c = case.debt(), case.back()
    if c is None:
        raise Refused("a trove without collateral")
    coll, debt = case.pos[c][1], case.pos[j][2]
    total_coll, total_debt, pool = system(case)
    got, x = liquity({"price": case.price(px, c) * 10**10, "system": {"active_coll": total_coll, "active_debt": total_debt, "total_stakes": total_coll,
                                                                      "troves": 2 if coll < total_coll else 1},
                      "pool": {"deposits": pool}, "troves": [{"coll": coll, "debt": debt, "stake": coll}]})
    if got["refused"]:
        raise Refused("" if got["refused"] == PANIC else got["refused"])
    return x.parts[0], x.began_in_recovery


def make_trove(r):
    case = Case(r, "liquity-1")
    style = r.choice(["plain", "plain", "plain", "crumbs", "extreme", "twin"])
    case.px = {a: {"crumbs": r.randint(1, 3 * 10**8), "extreme": log_int(r, 1, INT64)}.get(style) or int(10 ** r.uniform(6, 13)) for a in range(3)}
    asset = 0 if r.random() < 0.05 else 1
    p = case.px[asset]
    coll = {"crumbs": r.randint(1, 50), "extreme": r.getrandbits(r.randint(1, 112)) or 1, "twin": r.randint(2**90, 2**91)}.get(style) or max(1, int(10 ** r.uniform(3, 7) * 10**26 / p))
    level = r.choice([100, 110, 110, 110, 120, 140, 150, r.randint(80, 300)])
    debt = max(1, min(2**112 - 1, coll * p // (level * 10**6) + r.choice([-1, 0, 0, 1, 2])))
    many = r.choice([1, 2, 1000, r.randint(2, 10**6)])
    total_coll = coll * many
    tcr = r.choice([105, 112, 149, 150, 150, 151, 200, r.randint(90, 320)])
    total_debt = max(1, total_coll * p // (tcr * 10**6) + r.choice([0, 0, 1, -1, 2]))
    if style == "twin":  # the system's ratio, but for less than a unit of 1e-18
        total_coll, total_debt = coll * 1000 + r.randint(-1, 1), debt * 1000 + r.choice([0, 0, -1, 1])
    if r.random() < 0.05:
        total_coll, total_debt = r.choice([(coll, total_debt), (coll, debt), (coll // 2 + 1, total_debt), (total_coll, debt // 2 + 1)])
    top = 2**112 - 1
    terms = {"system_coll": max(1, min(top, total_coll)), "system_debt": max(1, min(top, total_debt)),
             "pool_deposits": min(top, r.choice([0, 1, debt, debt - 1, debt + 1, debt // 2, debt * 100, debt * 100]))}
    case.reserves = [{"asset": 0, "terms": {}}, {"asset": asset, "terms": terms}, {"asset": 2, "terms": {}}]
    case.pos = {0: [False, 0, debt], 1: [True, coll, 0]}
    if r.random() < 0.1:
        case.pos[2] = [False, r.randint(1, 10**20), 0]  # what the owner may claim
    if r.random() < 0.03:
        case.pos[1][0] = False
    return case


def make(r, rule):
    return make_vault(r) if rule == "maker-dog-1" else make_trove(r)
