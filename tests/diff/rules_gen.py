# SPDX-License-Identifier: Apache-2.0
"""Random markets and accounts for rules_diff.py: everyday ones, mixed magnitudes, extremes, and accounts moved to
the exact threshold. A case knows its judge, its prices and the driver's lines that build it."""
import judge_aave as ja
import judge_aave_versions as jv
import judge_perp as jp
from fractions import Fraction as F
from math import ceil, floor

INT64 = 2**63 - 1
RECIPROCAL = 100  # asset number of asset i's reciprocal is RECIPROCAL + i
PORTFOLIO = "perp-portfolio-1"
CURRENCY = {jp.LINEAR: "USDC", jp.INVERSE: "BTC"}
KINDS = {"perp-linear-1": jp.LINEAR, "perp-inverse-1": jp.INVERSE, PORTFOLIO: jp.LINEAR}


def log_int(rng, lo, hi):
    """Integer with a log-uniform magnitude in [lo, hi]."""
    return max(lo, min(hi, int(2 ** rng.uniform(lo.bit_length() - 1, hi.bit_length())) + rng.randrange(3)))


def reciprocal(p, dp, dr):
    """What the oracle publishes for 1/p; 0 when there is no such price."""
    r = (2 * 10**(dp + dr) + p) // (2 * p)
    return r if r <= INT64 else 0


class Case:
    """rule, judge account, px {asset: quanta}, lines that build it, assets of its rows with their references."""

    def __init__(self, rule):
        self.rule, self.lines, self.px, self.refs = rule, ["reset"], {}, {}
        self.lending = rule in jv.RULES
        self.price_dec, self.recip_dec = {}, {}

    def asset(self, i, dec, price):
        self.lines.append(f"asset {i} 1 {dec} 0")
        self.price_dec[i], self.px[i] = dec, price

    def add_reciprocal(self, i, dec):
        self.lines.append(f"asset {RECIPROCAL + i} 3 {dec} {i}")
        self.recip_dec[i] = dec

    def all_prices(self, px):
        """px with the reciprocal columns that the oracle would publish."""
        out = dict(px)
        for i, dec in self.recip_dec.items():
            out[RECIPROCAL + i] = reciprocal(px[i], self.price_dec[i], dec)
        return out

    def row_assets(self):
        return [RECIPROCAL + i for i in self.recip_dec] or sorted(self.px)

    def px_lines(self, px):
        return [f"px {i} {p}" for i, p in self.all_prices(px).items()]

    def account_lines(self, judge=None):
        a = judge or self.judge
        if self.lending:
            out = [f"account {self.rule} - 0 {a.emode} 0"]
            for i, (_, enabled, supply, debt) in sorted(a.positions.items()):
                out.append(f"pos {i} {int(enabled)} 0 0 {supply} {debt}")
            return out
        out = [f"account {self.rule} {CURRENCY[KINDS[self.rule]]} {a.cash_dec} 0 {a.cash}"]
        return out + [f"pos {p.index} 0 {s} {e} 0 0 {p.settled}" for p, s, e in a.positions]


# ---- perpetuals

def tiers(rng, typical):
    """Floors around the notional (cash quanta), so that bands contain some."""
    n = rng.choice([1, 1, 2, 3, 5, 10, 16])
    low = sorted({max(1, int(typical * 10 ** rng.uniform(-2, 0.7))) for _ in range(n - 1)})
    if rng.random() < 0.5 and low:  # one very near
        low[-1] = max(low[-1], int(typical * rng.uniform(0.97, 1.03)))
    low = sorted({min(2**99 - n + k, f) for k, f in enumerate(low)})
    rates, r = [], rng.choice([1, 4000, 5000, 10000, 50000])
    for _ in range(len(low) + 1):
        rates.append(min(r, 10**6))
        r += rng.randrange(1, 40000)
    return list(zip([0] + low, rates))


def perp_price(rng, style):
    """price decimals and price in quanta."""
    if style == "extreme":
        return rng.randrange(19), log_int(rng, 1, INT64)
    if style == "mixed":
        value, dec = rng.choice([(10 ** rng.uniform(4.7, 5.3), rng.randrange(1, 9)), (10 ** rng.uniform(-5.3, -4.7), rng.randrange(8, 13))])
    else:
        value, dec = 10 ** rng.uniform(-1, 5), rng.randrange(3, 9)
    return dec, max(1, int(value * 10**dec))


def scenarios(rng, case, n):
    """One side, the other, each its own way; so that hedges and baskets have different worst ones."""
    out = []
    for x in range(rng.choice([0, 1, 2, 3, 5, 16])):
        how = rng.choice([-1, 1, 0])
        size = rng.choice([1, 1000, 100000, 10**6])
        out.append({i: how * rng.randint(0, size) if how else rng.randint(-size, size) for i in range(n) if rng.random() < 0.8})
        case.lines.append(f"scenario {x} {len(out[-1])} " + " ".join(f"{i} {v}" for i, v in out[-1].items()))
    return out


def perp_case(rng, rule, style):
    kind = KINDS[rule]
    case = Case(rule)
    cash_dec = rng.choice([0, 2, 6, 8, 18, 18]) if kind == jp.LINEAR else rng.choice([8, 8, 18, 12])
    n = rng.choice([1, 1, 2, 3, 4, 7] if style != "extreme" else [1, 2, 3])
    if rng.random() < 0.01:
        n = 64
    positions = []
    for i in range(n):
        asset = rng.randrange(i) if i and rng.random() < 0.25 and n < 64 else i  # sometimes a shared price
        if asset not in case.px:
            asset = i
            dec, price = perp_price(rng, style)
            case.asset(i, dec, price)
            if kind == jp.INVERSE:
                # 12 digits of resolution where 18 decimals allow it, and an int64
                whole = case.px[i] / 10**dec
                fits = [d for d in range(19) if 1 <= reciprocal(price, dec, d) <= INT64]
                case.add_reciprocal(i, rng.choice([d for d in fits if 10**d / whole > 1e11] or fits or [18]))
        dec, price = case.price_dec[asset], case.px[asset]
        p = F(price, 10**dec)
        size_dec = rng.randrange(0, 9) if kind == jp.LINEAR else rng.randrange(0, 4)
        worth = F(10 ** rng.uniform(1, 7)).limit_denominator(1000)
        if style == "extreme":
            size_dec = rng.randrange(19)
            size = log_int(rng, 1, 2**96 - 1)
        else:
            size = int((worth / p if kind == jp.LINEAR else worth) * 10**size_dec) + 1
        sign = rng.choice([1, -1])
        entry = max(1, min(INT64, int(price * 10 ** rng.uniform(-0.1, 0.1))))
        units = F(size, 10**size_dec)
        notional = units * p if kind == jp.LINEAR else units / p
        table = tiers(rng, min(2**99, max(1, int(notional * 10**cash_dec))))
        fee, penalty = rng.choice([(0, 0), (500, 5000), (1, 1), (500, 15000), (100000, 300000)])
        perp = jp.Perp(kind, i, asset, size_dec, dec, cash_dec, table, fee, penalty)
        inverse = RECIPROCAL + asset if kind == jp.INVERSE else 0
        case.lines.append(f"perp {i} {kind} {size_dec} {CURRENCY[kind]} {cash_dec} {asset} {inverse} {fee} {penalty} {len(table)} " +
                          " ".join(f"{a} {b}" for a, b in table))
        if kind == jp.LINEAR and rng.random() < 0.4:
            ppm = rng.choice([1, 100000, 800000, 950000, 999999, 1000000, rng.randint(1, 10**6)])
            perp.weight = F(ppm, 10**6)
            case.lines.append(f"weight {i} {ppm}")
            if rng.random() < 0.5 and style != "extreme":  # the profit's sign changes inside the bands
                entry = max(1, int(price * rng.uniform(0.98, 1.02)))
        positions.append((perp, sign * size, entry))
    shocks = scenarios(rng, case, n) if kind == jp.LINEAR else ()  # other rules look past them
    case.judge = jp.Account(kind, cash_dec, 0, positions, shocks if rule == PORTFOLIO else ())
    _, equity, need = case.judge.health(case.px)
    ratio = F(rng.choice([rng.uniform(-0.5, 3), rng.uniform(0.9, 1.1), rng.uniform(0.999, 1.001)]))
    cash = floor((need * ratio - equity) * 10**cash_dec)
    if rng.random() < 0.4:  # the threshold to the last quantum of cash
        cash = ceil((need - equity) * 10**cash_dec) + rng.choice([-1, 0, 0, 1])
    case.judge.cash = max(-2**99, min(2**99, cash))
    return case


def equal_case(rng, rule):
    """Equity is the requirement to the last digit: values and reciprocals that end, one tier, the finest cash."""
    kind = KINDS[rule]
    case = Case(rule)
    positions = []
    for i in range(rng.choice([1, 1, 2, 3])):
        price, entry = (2 ** rng.randrange(1, 9) * 5 ** rng.randrange(1, 6) * 100 for _ in range(2))
        case.asset(i, 2, price)
        if kind == jp.INVERSE:
            case.add_reciprocal(i, 12)
        perp = jp.Perp(kind, i, i, 2, 2, 18, [(0, rng.randrange(1, 50000))], 500, 5000)
        case.lines.append(f"perp {i} {kind} 2 {CURRENCY[kind]} 18 {i} {RECIPROCAL + i if kind == jp.INVERSE else 0} 500 5000 1 0 {perp.tiers[0][1]}")
        positions.append((perp, rng.choice([1, -1]) * rng.randint(1, 10**5), entry))
    case.judge = jp.Account(kind, 18, 0, positions, scenarios(rng, case, len(positions)) if rule == PORTFOLIO else ())
    _, equity, need = case.judge.health(case.px)
    cash = (need - equity) * 10**18
    assert cash.denominator == 1 and abs(cash) < 2**99
    case.judge.cash = int(cash)
    return case


# ---- lending

def aave_case(rng, rule, style):
    case = Case(rule)
    reserve, account = jv.RULES[rule]
    n = rng.choice([1, 2, 2, 3, 4, 6] if style != "crumbs" else [1, 2])
    positions = {}
    emode = rng.choice([0, 0, 1, 3])
    for i in range(n):
        asset = rng.randrange(i) if i and rng.random() < 0.1 else i
        if asset not in case.px:
            asset = i
            price = log_int(rng, 1, INT64) if style == "extreme" else log_int(rng, 10**4, 10**11) if style == "crumbs" else max(1, int(10 ** rng.uniform(3, 13)))
            case.asset(i, 8, price)
        dec = rng.choice([6, 8, 18, 18]) if style != "extreme" else rng.randrange(19)
        lt = rng.choice([0, 1, 7800, 8000, 8300, 9300, 10000])
        lb = rng.choice([10000, 10450, 10500, 10750, 11000, 12000])
        if lt == 0 and rule in ("aave-3.6", "aave-3.7") and rng.random() < 0.5:
            lb = 0  # collateral in an eMode alone
        fee = rng.choice([0, 1000, 1000, 2000, 10000])
        group = rng.choice([0, 1, 2])
        e_lt, e_lb = (rng.choice([9000, 9300, 9500]), rng.choice([10100, 10200])) if group else (0, 0)
        top = 3 if style != "extreme" else 64
        liq, bor = (rng.choice([ja.RAY, int(ja.RAY * rng.uniform(1, top)), ja.RAY + 1, ja.RAY * 3 // 2, ja.RAY * 2]) for _ in range(2))
        if style == "crumbs":  # every scaled unit counts
            dec, lt, fee = 6, lt and rng.choice([7800, 8000, 9300]), rng.choice([0, 1000, 10000])
            liq, bor = (rng.choice([rng.randrange(1, 10) * ja.RAY, int(ja.RAY * rng.uniform(1, 10))]) for _ in range(2))
        case.lines.append(f"reserve {i} {dec} {asset} {lt} {lb} {fee} {group} {e_lt} {e_lb} {liq} {bor}")
        r = reserve(i, asset, dec, lt, lb, fee, group, e_lt, e_lb, liq, bor)
        for k in (3, 200) if group and rng.random() < 0.4 else ():  # in several categories
            r.further[k] = rng.choice([8800, 9100, 9700]), rng.choice([10000, 10150])
            case.lines.append(f"further {i} {k} {r.further[k][0]} {r.further[k][1]}")
        unit_price = F(case.px[asset], 10**(8 + dec))  # of one token unit, in dollars

        def amount(index):
            if style == "crumbs":
                return rng.randrange(1, 40)
            if style == "extreme":
                return log_int(rng, 1, 2**rng.choice([60, 90, 108]))
            worth = F(10 ** rng.uniform(-6 if rng.random() < 0.1 else 1.5, 6))
            return max(1, int(worth / unit_price * ja.RAY / index))

        supply = amount(liq) if rng.random() < 0.75 else 0
        debt = amount(bor) if rng.random() < 0.5 else 0
        if i == 0:
            supply = supply or amount(liq)
        if i == n - 1:
            debt = debt or amount(bor)
        positions[i] = [r, rng.random() < 0.85, supply, debt]
    bare = rng.random() < 0.05  # next to no collateral left
    if bare:
        for v in positions.values():
            v[2] = rng.randrange(3) if v[2] else 0
    positions = {i: v for i, v in positions.items() if v[2] or v[3]}
    case.judge = account(emode, positions)
    if not bare:
        scale_to_health(rng, case)
    return case


def scale_to_health(rng, case):
    """Scales the debts so that the health factor is of interest; 0.95 and 1 are met closely and exactly."""
    a = case.judge
    _, debt, hf, _ = a.calculate_user_account_data(case.px)
    if debt == 0 or hf == 0:
        return
    target = rng.choice([rng.uniform(0.3, 1.1), rng.uniform(0.93, 1.001), rng.uniform(0.9999, 1.0001)])
    for v in a.positions.values():
        if v[3]:
            v[3] = min(2**108, max(1, int(F(v[3]) * hf / F(target) / ja.WAD)))
    if rng.random() < 0.5:  # walk one debt to the last scaled unit that is still healthy
        v = rng.choice([v for v in a.positions.values() if v[3]])
        lo, hi = 0, v[3] * 4
        while hi - lo > 1:
            mid = v[3] = (lo + hi) // 2
            if a.liquidatable(case.px):
                hi = mid
            else:
                lo = mid
        v[3] = max(1, lo + rng.randrange(-1, 2))


def threshold_price(rng, case):
    """Two adjacent prices of one asset between which the verdict changes, as {asset: price} pairs; or None."""
    asset = rng.choice(sorted(case.px))

    def verdict(p):
        return liquidatable(case, {**case.px, asset: p})

    here = verdict(case.px[asset])
    other = None
    for k in range(1, 60):
        for p in (case.px[asset] * (1000 + k * k) // 1000, case.px[asset] * 1000 // (1000 + k * k)):
            if 1 <= p <= INT64 and verdict(p) != here:
                other = p
                break
        if other is not None:
            break
    if other is None:
        return None
    a, b = case.px[asset], other
    while abs(a - b) > 1:
        mid = (a + b) // 2
        if verdict(mid) == here:
            a = mid
        else:
            b = mid
    return [{**case.px, asset: a}, {**case.px, asset: b}]


def liquidatable(case, px):
    return case.judge.liquidatable(px) if case.lending else case.judge.health(px)[0]
