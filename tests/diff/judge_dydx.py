# SPDX-License-Identifier: Apache-2.0
"""dYdX v4 in exact Python integers and fractions, written from the chain's Go source (see docs/protocols/dydx-v4.md)."""
from fractions import Fraction as F
from math import ceil, floor

PPM = 10**6
MAX64 = 2**64 - 1


class Range(Exception):
    pass


class Refused(Exception):
    pass


def trunc(f):
    return floor(f) if f >= 0 else -floor(-f)


def sign(v):
    return (v > 0) - (v < 0)


class Risk:
    def __init__(self, nc=0, imr=0, mmr=0):
        self.nc, self.imr, self.mmr = nc, imr, mmr

    def liquidatable(self):
        return self.mmr > 0 and self.mmr > self.nc

    def lines(self, prefix):
        return {prefix + "net_collateral": self.nc, prefix + "initial_margin": self.imr, prefix + "maintenance_margin": self.mmr,
                prefix + "health": self.nc - self.mmr, prefix + "liquidatable": self.liquidatable()}


class Perp:
    def __init__(self, d):
        self.d = d
        self.rate = F(d["price"]) * F(10)**(d["exponent"] + d["atomic_resolution"] + 6)
        self.interest = d.get("open_interest", 0)
        self.index = d.get("funding_index", 0)
        self.clob = F(10)**d["quantum_conversion_exponent"]

    def notional(self, q):
        if abs(q).bit_length() > 72:
            raise Range
        n = trunc(q * self.rate)
        if abs(n).bit_length() > 76:
            raise Range
        return n

    def imf(self, seen):
        base, low, up = self.d["initial_margin_ppm"], self.d.get("open_interest_lower_cap", 0), self.d.get("open_interest_upper_cap", 0)
        if abs(self.interest).bit_length() > 72:
            raise Range
        oi = trunc(self.interest * self.rate)
        if up == 0 or oi <= low:
            seen("open interest below its cap")
            return base
        if oi >= up:
            seen("open interest above its cap")
            return PPM
        seen("open interest between its caps")
        return base + floor(F((PPM - base) * (oi - low), up - low))

    def risk(self, q, custom, seen):
        n = self.notional(q)
        imr = ceil(F(abs(n) * max(self.imf(seen), custom), PPM))
        base = ceil(F(abs(n) * self.d["initial_margin_ppm"], PPM))
        return Risk(n, imr, ceil(F(base * self.d["maintenance_fraction_ppm"], PPM)))


class Account:
    def __init__(self, d, perps):
        self.usdc = d.get("usdc", 0)
        self.pos = {p["perpetual"]: dict(p) for p in d.get("positions", [])}
        self.order = list(self.pos)
        self.done, self.lost = d.get("notional_liquidated", 0), d.get("insurance_lost", 0)
        for k, p in self.pos.items():
            p.setdefault("funding_index", perps[k].index)

    def copy(self):
        a = object.__new__(Account)
        a.usdc, a.order, a.done, a.lost = self.usdc, self.order, self.done, self.lost
        a.pos = {k: dict(p) for k, p in self.pos.items()}
        return a

    def settle(self, perps):
        self.usdc += floor(F(sum(-(perps[k].index - p["funding_index"]) * p["quantums"] for k, p in self.pos.items()), PPM))
        for k, p in self.pos.items():
            p["funding_index"] = perps[k].index
        if abs(self.usdc).bit_length() > 80:
            raise Range

    def risk(self, perps, seen):
        r = Risk(self.usdc)
        for k in self.order:
            p = self.pos[k]
            x = perps[k].risk(p["quantums"], p.get("custom_imf_ppm", 0), seen)
            r.nc += x.nc + p.get("quote_balance", 0)
            r.imr += x.imr
            r.mmr += x.mmr
        return r


def bankruptcy(perps, a, k, delta, total, seen):
    q = a.pos[k]["quantums"]
    if sign(q) * sign(delta) != -1 or abs(delta) > abs(q):
        raise Refused("ErrInvalidPerpetualPositionSizeDelta")
    old, new = perps[k].risk(q, 0, seen), perps[k].risk(q + delta, 0, seen)
    if total.mmr == 0:
        raise Refused("panic: division by zero")
    share = F(total.nc * abs(new.mmr - old.mmr), total.mmr)
    if share.denominator > 1:
        seen("bankruptcy price rounded")
    return -(new.nc - old.nc) - floor(share)


def remaining(a, c):
    if a.done > c["max_notional_liquidated"]:
        raise Refused("panic: ErrLiquidationExceedsSubaccountMaxNotionalLiquidated")
    return c["max_notional_liquidated"] - a.done


def size(perps, a, c, k, seen):
    q, p = a.pos[k]["quantums"], perps[k]
    n = abs(p.notional(q))
    most = max(min(c["min_position_notional_liquidated"], n), n * c["max_position_portion_liquidated_ppm"] // PPM)
    if a.pos[k].get("liquidated"):
        raise Refused("ErrSubaccountHasLiquidatedPerpetual")
    most = min(most, remaining(a, c))
    step = p.d["step_base_quantums"]
    if n <= most or abs(q) <= step:
        seen("the whole position")
        return -q, most
    base = trunc(most / p.rate) // step * step
    seen("a step" if base < step else "a part")
    return -sign(q) * min(max(base, step), abs(q)), most


def fillable(perps, a, c, k, r, seen):
    q = a.pos[k]["quantums"]
    own = perps[k].risk(q, 0, seen)
    abr = F(c["bankruptcy_adjustment_ppm"], PPM) * (1 - F(r.nc, r.mmr))
    seen("rating at its bound" if abr >= 1 else "rating within")
    price = (own.nc - min(max(abr, 0), 1) * F(c["spread_to_maintenance_margin_ratio_ppm"], PPM) * own.mmr) / q
    if price < 0:
        raise Refused("panic: Calculated fillable price is negative")
    return price


def subticks(p, price, is_long, seen):
    tick, v = p.d["subticks_per_tick"], price / p.clob
    v = ceil(v) if is_long else floor(v)
    v = (-(-v // tick) if is_long else v // tick) * tick
    bound = min(max(v, tick), MAX64 - MAX64 % tick)
    seen("price at a bound" if bound != v else "price free")
    return bound


def match(perps, a, c, k, fill, r, fund, seen):
    p, q = perps[k], a.pos[k]["quantums"]
    amount = fill["quantums"]
    if amount == 0:
        raise Refused("ErrInvalidQuantumsForInsuranceFundDeltaCalculation")
    paid = floor(fill["subticks"] * amount * p.clob)
    if paid.bit_length() > 80:
        raise Range
    at = bankruptcy(perps, a, k, -sign(q) * amount, r, seen)
    quote = paid if q > 0 else -paid
    delta = quote - at
    if delta > 0:
        cap = paid * c["max_liquidation_fee_ppm"] // PPM
        seen("fee at its cap" if cap < delta else "fee is what is left")
        delta = min(cap, delta)
    elif delta < 0:
        seen("the fund pays")
        if fund + delta < 0:
            raise Refused("ErrInsuranceFundHasInsufficientFunds")
    if a.pos[k].get("liquidated"):
        raise Refused("ErrSubaccountHasLiquidatedPerpetual")
    if p.notional(amount) > remaining(a, c):
        raise Refused("ErrLiquidationExceedsSubaccountMaxNotionalLiquidated")
    if delta < 0:
        if a.lost > c["max_quantums_insurance_lost"]:
            raise Refused("panic: ErrLiquidationExceedsSubaccountMaxInsuranceLost")
        if -delta > c["max_quantums_insurance_lost"] - a.lost:
            raise Refused("ErrLiquidationExceedsSubaccountMaxInsuranceLost")
    return quote, at, delta


def transition(old, new, seen):
    if new.nc >= new.imr:
        seen("well collateralised after")
        return
    no = "NewlyUndercollateralized" if old.imr <= old.nc else "StillUndercollateralized"
    if new.mmr > old.mmr:
        raise Refused(no)
    if new.mmr == 0 or old.mmr == 0:
        if not (new.mmr == old.mmr == 0 and new.nc > old.nc):
            raise Refused(no)
        return
    if F(new.nc, new.mmr) < F(old.nc, old.mmr):
        raise Refused(no)
    seen("less risky after")


def offset(perps, a, other, k, left, oracle, seen):
    theirs = other.pos.get(k, {}).get("quantums", 0)
    if sign(theirs) != sign(left):
        raise Refused("no position on the opposite side")
    delta = theirs if abs(left) > abs(theirs) else left
    total = a.risk(perps, seen)
    quote = perps[k].notional(-delta) if oracle else bankruptcy(perps, a, k, delta, total, seen)
    before = perps[k].interest
    perps[k].interest -= abs(delta)
    try:
        for acc, s in ((a, 1), (other, -1)):
            new = acc.copy()
            new.pos[k]["quantums"] += s * delta
            new.usdc += s * quote
            was, now = acc.risk(perps, seen), new.risk(perps, seen)
            if abs(new.usdc).bit_length() > 80:
                raise Range
            transition(was, now, seen)
    except (Refused, Range):
        perps[k].interest = before
        raise
    for acc, s in ((a, 1), (other, -1)):
        acc.pos[k]["quantums"] += s * delta
        acc.usdc += s * quote
    return delta, quote


def why_of(f):
    """(result, "") or (None, why)."""
    try:
        return f(), ""
    except Refused as e:
        return None, str(e)
    except Range:
        return None, "out of range"


def tell_order(d, perps, a, r, seen, out):
    c, k = d["config"], d["liquidate"]["perpetual"]

    def order():
        if not r.liquidatable():
            raise Refused("ErrSubaccountNotLiquidatable")
        if a.pos.get(k, {}).get("quantums", 0) == 0:
            raise Refused("ErrNoPerpetualPositionsToLiquidate")
        delta, most = size(perps, a, c, k, seen)
        price = fillable(perps, a, c, k, r, seen)
        ticks = subticks(perps[k], price, delta < 0, seen)
        if perps[k].d.get("final_settlement"):
            raise Refused("ErrLiquidationConflictsWithClobPairStatus")
        return delta, most, price, ticks, bankruptcy(perps, a, k, delta, r, seen)
    got, out["refused"] = why_of(order)
    seen("order: " + (out["refused"] or "made"))
    if not got:
        return
    delta, most, price, ticks, at = got
    out.update({"order.side": "sell" if delta < 0 else "buy", "order.quantums": abs(delta), "order.subticks": ticks,
                "order.fillable_price": f"{price.numerator}/{price.denominator}", "order.bankruptcy_quote": at, "order.notional_limit": most})
    fill = d["liquidate"].get("fill")
    if not fill:
        return
    got, out["fill.refused"] = why_of(lambda: match(perps, a, c, k, fill, r, d.get("insurance_fund", 0), seen))
    seen("fill: " + (out["fill.refused"] or "made"))
    if not got:
        return
    quote, at, fund = got
    out.update({"fill.crosses": fill["subticks"] >= ticks if delta < 0 else fill["subticks"] <= ticks, "fill.quote": quote,
                "fill.bankruptcy_quote": at, "fill.insurance_fund_delta": fund})
    after = a.copy()
    after.usdc += quote - fund
    after.pos[k]["quantums"] += sign(delta) * fill["quantums"]
    got, _ = why_of(lambda: after.risk(perps, seen))
    if got:
        out.update(got.lines("after."))


def tell_deleverage(d, perps, a, r, seen, out):
    k = d["deleverage"]["perpetual"]
    q = a.pos.get(k, {}).get("quantums", 0)
    kind = "none" if q == 0 else "bankruptcy" if r.nc < 0 else "oracle" if perps[k].d.get("final_settlement") else "none"
    out["deleverage.price"] = kind
    seen("deleverage: " + kind)
    if kind == "none":
        return
    left = -q
    for i, o in enumerate(d["deleverage"].get("against", [])):
        if left == 0:
            break
        other = Account(o, perps)

        def one():
            other.settle(perps)
            return offset(perps, a, other, k, left, kind == "oracle", seen)
        got, why = why_of(one)
        out[f"deleverage[{i}].refused"] = why
        seen("offset: " + (why or "made"))
        if got:
            out[f"deleverage[{i}].quantums"], out[f"deleverage[{i}].quote"] = got
            left -= got[0]
    out["deleverage.left"] = left
    got, _ = why_of(lambda: a.risk(perps, seen))
    if got:
        out.update(got.lines("deleveraged."))


def expect(d, seen):
    """The answer to a state, or None: it is refused as none."""
    perps = {p["id"]: Perp(p) for p in d["perpetuals"]}
    a = Account(d, perps)
    try:
        a.settle(perps)
        r = a.risk(perps, seen)
    except Range:
        seen("out of range")
        return None
    seen("liquidatable" if r.liquidatable() else "healthy")
    if r.mmr and abs(r.nc - r.mmr) <= 1:
        seen(f"health {r.nc - r.mmr}")
    out = {"usdc": a.usdc, **r.lines(""), "initially_collateralized": r.nc >= r.imr}
    if "liquidate" in d:
        tell_order(d, perps, a, r, seen, out)
    if "deleverage" in d:
        tell_deleverage(d, perps, a, r, seen, out)
    return out


# ---- states

def some(r, bits):
    return r.getrandbits(r.randint(1, bits)) or 1


def perpetual(r, k):
    exponent, resolution = r.choice([(-5, -8), (-6, -9), (-9, -6), (-10, -7), (-3, -10), (2, -8), (-5, 0)])
    base = r.choice([10**6, 500000, 200000, 50000, 33333, 20000, 1, r.randint(0, PPM)])
    d = {"id": k, "price": r.choice([5 * 10**9, 3 * 10**9, some(r, 40), 1]), "exponent": exponent, "atomic_resolution": resolution,
         "initial_margin_ppm": base, "maintenance_fraction_ppm": r.choice([500000, 600000, 1000000, r.randint(0, PPM)]),
         "step_base_quantums": r.choice([1, 10, 10**6, some(r, 40)]), "subticks_per_tick": r.choice([1, 5, 100000, some(r, 32)]),
         "quantum_conversion_exponent": r.choice([-9, -8, -9, 0, 1, -12, 12]), "open_interest": r.choice([0, some(r, 60)]),
         "funding_index": r.choice([0, r.randint(-10**9, 10**9)])}
    if r.random() < .6:
        oi = max(0, trunc(d["open_interest"] * Perp(d).rate))
        low = min(max(0, oi + r.choice([0, -1, 1, -some(r, 45), some(r, 45)])), MAX64)
        up = low + r.choice([0, 1, 2, some(r, 46), max(0, oi - low) + r.choice([0, 1])])
        d["open_interest_lower_cap"], d["open_interest_upper_cap"] = low, min(up, MAX64)
    if r.random() < .15:
        d["final_settlement"] = True
    return d


def account(r, perps, target=None):
    d = {"positions": []}
    for k in r.sample(sorted(perps), r.randint(1, len(perps))):
        p = {"perpetual": k, "quantums": r.choice([-1, 1]) * r.choice([some(r, 40), some(r, 40), 1, perps[k].d["step_base_quantums"] + r.randint(-1, 1)])}
        if r.random() < .2:
            p["quote_balance"] = r.randint(-10**9, 10**9)
        if r.random() < .4:
            p["funding_index"] = perps[k].index + r.randint(-10**7, 10**7)
        if r.random() < .2:
            p["custom_imf_ppm"] = r.randint(1, PPM)
        d["positions"].append(p)
    aim(r, d, perps, target)
    return d


def aim(r, d, perps, target):
    """Money that puts the account at an edge."""
    a = Account(dict(d, usdc=0), perps)
    try:
        a.settle(perps)
        x = a.risk(perps, lambda _: None)
    except Range:
        return
    goal = target if target is not None else r.choice([x.mmr, x.mmr, x.mmr * r.randint(1, 99) // 100, 0, -x.mmr * r.randint(1, 200) // 100, x.imr, x.mmr // 2])
    d["usdc"] = goal - x.nc + r.choice([0, 0, -1, 1, -2, -some(r, 20)])


def config(r):
    return {"bankruptcy_adjustment_ppm": r.choice([10**6, 10**6, 2 * 10**6, 1500001, 2**32 - 1]),
            "spread_to_maintenance_margin_ratio_ppm": r.choice([100000, 1500000, 1, 10**6, 2**32 - 1, 333333]),
            "max_liquidation_fee_ppm": r.choice([5000, 15000, 10**6, 1, 33333]),
            "max_position_portion_liquidated_ppm": r.choice([10**6, 10**5, 1, 333333, 500000]),
            "min_position_notional_liquidated": r.choice([0, 1000, some(r, 40), some(r, 20)]),
            "max_notional_liquidated": r.choice([10**14, some(r, 50), some(r, 40), 1]), "max_quantums_insurance_lost": r.choice([10**14, some(r, 40), 1])}


def state(r):
    d = {"perpetuals": [perpetual(r, k) for k in range(r.randint(1, 3))], "config": config(r)}
    if r.random() < .04:  # figures near the bounds
        d["perpetuals"][0].update(price=MAX64 - some(r, 60), exponent=-5, atomic_resolution=-1, initial_margin_ppm=r.choice([PPM, PPM - 1]),
                                  maintenance_fraction_ppm=PPM, quantum_conversion_exponent=r.choice([-12, 12]))
        d["config"].update(bankruptcy_adjustment_ppm=2**32 - 1, spread_to_maintenance_margin_ratio_ppm=r.choice([2**32 - 1, PPM]))
        huge = True
    else:
        huge = False
    perps = {p["id"]: Perp(p) for p in d["perpetuals"]}
    kind = r.random()
    d.update(account(r, perps, None if kind < .7 else -some(r, 35)))
    if huge:
        for p in d["positions"]:
            if p["perpetual"] == 0:
                p["quantums"] = r.choice([-1, 1]) * (4095 - r.choice([0, 0, some(r, 11), -1]))
        aim(r, d, perps, None)
    a = Account(d, perps)
    k = r.choice(a.order) if r.random() < .92 else r.choice(sorted(perps))
    if kind < .65:
        d["liquidate"] = {"perpetual": k}
        d["insurance_fund"] = r.choice([0, MAX64, some(r, 40)])
        if r.random() < .1:
            edge = min(MAX64, d["config"]["max_notional_liquidated"] + r.choice([-1, 0, 1, -some(r, 10)]))
            d["notional_liquidated"] = max(0, edge) if r.random() < .5 else some(r, 30)
        if r.random() < .1:
            d["insurance_lost"] = max(0, d["config"]["max_quantums_insurance_lost"] + r.choice([-1, 0, 1]))
        if r.random() < .05 and k in a.pos:
            next(p for p in d["positions"] if p["perpetual"] == k)["liquidated"] = True
        if k in a.pos and r.random() < .8:
            probe = expect(d, lambda _: None) or {}
            q = abs(a.pos[k]["quantums"])
            amount = r.choice([probe.get("order.quantums", 1), r.choice([0, q + 1, r.randint(0, q)]), q])
            fair = perps[k].rate / perps[k].clob
            near = F(abs(probe.get("order.bankruptcy_quote", 0)), max(1, probe.get("order.quantums", 1))) / perps[k].clob
            ticks = floor(r.choice([fair, near, F(probe.get("order.subticks", 1)), fair * F(r.randint(900, 1100), 1000), near * F(r.randint(999, 1001), 1000)]))
            d["liquidate"]["fill"] = {"quantums": amount, "subticks": min(MAX64, max(1, ticks + r.choice([-1, 0, 0, 1])))}
            if r.random() < .3:
                fund = (expect(d, lambda _: None) or {}).get("fill.insurance_fund_delta", 0)
                if fund < 0:
                    edge = r.choice([-1, 0])
                    if r.random() < .5:
                        d["insurance_fund"] = min(MAX64, -fund + edge)
                    elif -fund + edge > 0:
                        d["config"]["max_quantums_insurance_lost"] = min(MAX64, -fund + edge)
    else:
        d["deleverage"] = {"perpetual": k, "against": []}
        mine = a.pos.get(k, {"quantums": 1})["quantums"]
        for _ in range(r.randint(0, 4)):
            o = account(r, perps, r.choice([None, -some(r, 30), some(r, 50)]))
            for p in o["positions"]:
                if p["perpetual"] == k and r.random() < .8:
                    p["quantums"] = -sign(mine) * max(1, abs(mine) * r.randint(1, 150) // 100)
            if r.random() < .7:
                aim(r, o, perps, r.choice([None, some(r, 45), -some(r, 25)]))
            d["deleverage"]["against"].append(o)
    if r.random() < .02:
        d["positions"][0]["quantums"] = r.choice([-1, 1]) * (2**72 - r.choice([0, 1]) if r.random() < .5 else 2**71)
    return d


MUST = ["open interest below its cap", "open interest above its cap", "open interest between its caps", "bankruptcy price rounded", "the whole position",
        "a step", "a part", "rating at its bound", "rating within", "price at a bound", "price free", "fee at its cap", "fee is what is left",
        "the fund pays", "well collateralised after", "less risky after", "out of range", "liquidatable", "healthy", "health -1", "health 0", "health 1",
        "order: made", "order: ErrSubaccountNotLiquidatable", "order: ErrNoPerpetualPositionsToLiquidate", "order: ErrSubaccountHasLiquidatedPerpetual",
        "order: panic: ErrLiquidationExceedsSubaccountMaxNotionalLiquidated", "order: panic: Calculated fillable price is negative",
        "order: ErrLiquidationConflictsWithClobPairStatus", "fill: made", "fill: ErrInvalidQuantumsForInsuranceFundDeltaCalculation",
        "fill: ErrInvalidPerpetualPositionSizeDelta", "fill: ErrInsuranceFundHasInsufficientFunds",
        "fill: ErrLiquidationExceedsSubaccountMaxNotionalLiquidated",
        "fill: ErrLiquidationExceedsSubaccountMaxInsuranceLost", "deleverage: none", "deleverage: bankruptcy", "deleverage: oracle", "offset: made",
        "offset: no position on the opposite side", "offset: StillUndercollateralized", "offset: NewlyUndercollateralized"]

# x/clob/keeper/liquidations_test.go: balance in dollars, positions (BTC, ETH in base quantums), perpetual, delta, quote at bankruptcy
BANKRUPTCY = [(-4501, {0: 10**7}, 0, 4501 * 10**6), (5499, {0: -10**7}, 0, -5499 * 10**6), (-5000, {0: 10**7}, 0, 5000 * 10**6),
              (5000, {0: -10**7}, 0, -5000 * 10**6), (-5100, {0: 10**7}, 0, 5100 * 10**6), (4900, {0: -10**7}, 0, -4900 * 10**6),
              (-490, {0: 400000, 1: 10**8}, 1, 294 * 10**6), (510, {0: -400000, 1: -10**8}, 1, -306 * 10**6), (110, {0: 400000, 1: -10**8}, 1, -306 * 10**6)]
# ... and fillable prices; adjustment and spread, price
FILLABLE = [(-4501, {0: 10**7}, 0, 10**6, 100000, F(49999, 100)), (-4501, {0: 10**7}, 0, 2 * 10**6, 100000, F(49998, 100)),
            (-4501, {0: 10**7}, 0, 10**6, 200000, F(49998, 100)), (5499, {0: -10**7}, 0, 10**6, 100000, F(50001, 100)),
            (5499, {0: -10**7}, 0, 2 * 10**6, 100000, F(50002, 100)), (-5000, {0: 10**7}, 0, 10**6, 100000, F(495)),
            (5000, {0: -10**7}, 0, 10**6, 100000, F(505)), (-5500, {0: 10**7}, 0, 10**6, 100000, F(495)), (4500, {0: -10**7}, 0, 10**6, 100000, F(505)),
            (-490, {0: 400000, 1: 10**8}, 1, 10**6, 100000, F(372, 125)), (-4501, {0: 10**7}, 0, 2**32 - 1, 100000, F(495)),
            (-4501, {0: 10**7}, 0, 10**6, 1, F(4999999999, 10**7)), (-4501, {0: 10**7}, 0, 10**6, 10**6, F(49990, 100))]
# ... and the fund's part: balance, position, subticks, fee ppm, delta
FUND = [(-5100, 10**7, 56100000000, 5000, 28050000), (-5100, 10**7, 56100000000, 25000, 140250000), (-5100, 10**7, 56100000000, 10**6, 510000000),
        (4900, -10**7, 44100000000, 5000, 22050000), (4900, -10**7, 44100000000, 25000, 110250000), (4900, -10**7, 44100000000, 10**6, 490000000),
        (-5100, 10**7, 51051000000, 5000, 5100000), (4900, -10**7, 48951000000, 5000, 4900000), (-5100, 10**7, 51000000000, 5000, 0),
        (4900, -10**7, 49000000000, 5000, 0), (-5100, 10**7, 50490000000, 5000, -51000000), (4900, -10**7, 49490000000, 5000, -49000000),
        (4900, -10**7, 1, 5000, 0)]


def published(dollars, positions, k, adjustment=10**6, spread=100000, fee=5000):
    perps = [{"id": i, "price": p, "exponent": e, "atomic_resolution": x, "initial_margin_ppm": 200000, "maintenance_fraction_ppm": 500000,
              "step_base_quantums": 1, "subticks_per_tick": 1, "quantum_conversion_exponent": -8}
             for i, p, e, x in ((0, 5 * 10**9, -5, -8), (1, 3 * 10**9, -6, -9))]
    c = {"bankruptcy_adjustment_ppm": adjustment, "spread_to_maintenance_margin_ratio_ppm": spread, "max_liquidation_fee_ppm": fee,
         "max_position_portion_liquidated_ppm": 10**6, "min_position_notional_liquidated": 1000, "max_notional_liquidated": MAX64,
         "max_quantums_insurance_lost": MAX64}
    return {"perpetuals": perps, "config": c, "usdc": dollars * 10**6, "insurance_fund": MAX64,
            "positions": [{"perpetual": i, "quantums": q} for i, q in positions.items()], "liquidate": {"perpetual": k}}


def vectors():
    """(state, field, value) of the chain's own tests."""
    out = [(published(d, p, k), "order.bankruptcy_quote", want) for d, p, k, want in BANKRUPTCY]
    out += [(published(d, p, k, a, s), "order.fillable_price", f"{w.numerator}/{w.denominator}") for d, p, k, a, s, w in FILLABLE]
    for d, q, ticks, fee, want in FUND:
        s = published(d, {0: q}, 0, fee=fee)
        s["liquidate"]["fill"] = {"quantums": abs(q), "subticks": ticks}
        out.append((s, "fill.insurance_fund_delta", want))
    return out
