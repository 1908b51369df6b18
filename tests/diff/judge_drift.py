# SPDX-License-Identifier: Apache-2.0
"""The judge's own account of Drift v2 (docs/protocols/drift-v2.md), in Python's exact integers, from the protocol's
sources: margin, the state of a liquidation, its size and what it leaves. Nothing of it is taken from the project's C.
A state is the JSON object that the rule reads; evaluate() gives what the rule should answer. Errors are exceptions, as
in the program, so that the first one ends everything. taken: how often each branch was taken."""
import collections
import copy
import math

U32, U64, U128 = 2**32 - 1, 2**64 - 1, 2**128 - 1
taken = collections.Counter()


class Refused(Exception):
    pass


def refuse(name):
    raise Refused(name)


def unsigned(v, bits=128, why="MathError"):
    return v if 0 <= v < 2**bits else refuse(why)


def signed(v, bits=128, why="MathError"):
    return v if -2**(bits - 1) <= v < 2**(bits - 1) else refuse(why)


def cast_u(v, bits=128):
    return unsigned(v, bits, "CastingFailure")


def cast_i(v, bits=128):
    return signed(v, bits, "CastingFailure")


def div(a, b):
    """Toward zero."""
    if b == 0:
        refuse("MathError")
    return a // b if (a < 0) == (b < 0) else -(-a // b)


def ceil(a, b):
    if b == 0:
        refuse("MathError")
    return -(-a // b)


def mul(a, b):
    return unsigned(a * b)


def saturate(v):
    return max(-2**127, min(2**127 - 1, v))


def wrapped(v):
    """u128 as i128, without a check."""
    return v - 2**128 if v >= 2**127 else v


SPOT = dict(twap_5min=None, oracle="Valid", liquidation_paused=False, asset_tier="Collateral", deposit_balance=0, scale_initial_asset_weight_start=0,
            initial_asset_weight=None, initial_liability_weight=None, imf_factor=0, liquidator_fee=0, if_liquidation_fee=0, borrow=False, open_orders=0,
            open_bids=0, open_asks=0)
PERP = dict(twap_5min=None, oracle="Valid", liquidation_paused=False, settlement=False, prediction=False, expiry_price=0, contract_tier="A",
            cumulative_funding_rate_long=0, cumulative_funding_rate_short=0, margin_ratio_initial=None, unrealized_pnl_maintenance_asset_weight=10000,
            unrealized_pnl_initial_asset_weight=10000, high_leverage_margin_ratio_maintenance=0, high_leverage_margin_ratio_initial=0, imf_factor=0,
            unrealized_pnl_imf_factor=0, unrealized_pnl_max_imbalance=0, net_user_pnl=0, liquidator_fee=0, if_liquidation_fee=0, order_step_size=1,
            last_cumulative_funding_rate=0, open_orders=0, open_bids=0, open_asks=0, max_margin_ratio=0, isolated=False, isolated_scaled_balance=0,
            being_liquidated=False, bankrupt=False)
USER = dict(being_liquidated=False, bankrupt=False, liquidation_margin_freed=0, last_active_slot=0, max_margin_ratio=0, margin_mode="Default")
RULES = dict(liquidation_margin_buffer_ratio=200, initial_pct_to_liquidate=10000, liquidation_duration=0, slot=0, oracle_twap_5min_percent_divergence=0,
             initial=False, strict=False)


def completed(state):
    s = {**RULES, **copy.deepcopy(state)}
    s["user"] = {**USER, **s.get("user", {})}
    s["spot"] = [{**SPOT, **p} for p in s["spot"]]
    s["perp"] = [{**PERP, **p} for p in s.get("perp", [])]
    for p in s["spot"] + s["perp"]:
        if p["twap_5min"] is None:
            p["twap_5min"] = p["price"]
    for p in s["spot"]:
        for side in ("asset", "liability"):
            if p[f"initial_{side}_weight"] is None:
                p[f"initial_{side}_weight"] = p[f"maintenance_{side}_weight"]
    for p in s["perp"]:
        if p["margin_ratio_initial"] is None:
            p["margin_ratio_initial"] = p["margin_ratio_maintenance"]
    return s


def has_orders(p):
    return p["open_orders"] != 0 or p["open_bids"] != 0 or p["open_asks"] != 0


def spot_available(p):
    return p["scaled_balance"] == 0 and p["open_orders"] == 0


def perp_available(p):
    unsettled = p["base_asset_amount"] == 0 and p["quote_asset_amount"] != 0
    return (p["base_asset_amount"] == 0 and not has_orders(p) and not unsettled and p["isolated_scaled_balance"] == 0
            and not (p["being_liquidated"] or p["bankrupt"]))


def token_amount(m, balance, borrow):
    scale = 10**(19 - m["decimals"])
    if borrow:
        return ceil(mul(balance, m["cumulative_borrow_interest"]), scale)
    return mul(balance, m["cumulative_deposit_interest"]) // scale


def spot_balance(m, tokens, borrow, up):
    v = div(mul(tokens, 10**(19 - m["decimals"])), m["cumulative_borrow_interest" if borrow else "cumulative_deposit_interest"])
    return unsigned(v + 1) if up and v != 0 else v


def token_value(tokens, decimals, price):
    if tokens == 0:
        return 0
    return signed(tokens * price) // 10**decimals


class Strict:
    def __init__(self, price, twap, on):
        self.current, self.min, self.max = price, min(price, twap) if on else price, max(price, twap) if on else price

    def value(self, tokens, decimals):
        return token_value(tokens, decimals, self.min if tokens > 0 else self.max)


def root(size):
    if size * 10 + 1 > U128:
        refuse("panic")
    return math.isqrt(size * 10 + 1)


def premium_weight(size, imf, weight):
    if imf == 0:
        return weight
    taken["size premium"] += 1
    v = cast_u(weight - weight // 5 + mul(root(size), imf) // (100_000 * 10**6 // 10**4), 32)
    taken["size premium counts"] += v > weight
    return max(weight, v)


def discount_weight(size, imf, weight):
    if imf == 0:
        return weight
    v = cast_u(1_100_000 * 10_000 // unsigned(10**6 + mul(root(size), imf) // 100_000), 32)
    taken["size discount counts"] += v < weight
    return min(weight, v)


def size9(m, tokens):
    unit = 10**m["decimals"]
    if unit > 10**9:
        taken["more than nine decimals"] += 1
        return tokens // (unit // 10**9)
    return (tokens * 10**9 if tokens * 10**9 <= U128 else refuse("panic")) // unit


def asset_weight(m, tokens, kind):
    size = size9(m, tokens)
    weight = m[f"{kind}_asset_weight"]
    if kind == "initial" and m["scale_initial_asset_weight_start"] > 0:
        deposits = cast_i(token_amount(m, m["deposit_balance"], False))
        value = cast_u(token_value(deposits, m["decimals"], m["price"]))
        if value >= m["scale_initial_asset_weight_start"]:
            taken["asset weight scaled by deposits"] += 1
            weight = cast_u(div(mul(weight, m["scale_initial_asset_weight_start"]), value), 32)
    return discount_weight(size, m["imf_factor"], weight)


def liability_weight(m, tokens, kind):
    return premium_weight(size9(m, tokens), m["imf_factor"], m[f"{kind}_liability_weight"])


def high_leverage(user, m, kind):
    on = user["margin_mode"] == "HighLeverage" or (user["margin_mode"] == "HighLeverageMaintenance" and kind == "maintenance")
    return on and m["high_leverage_margin_ratio_initial"] > 0 and m["high_leverage_margin_ratio_maintenance"] > 0


def margin_ratio(user, m, size, kind):
    if m["settlement"]:
        return 0
    if high_leverage(user, m, kind):
        taken["high leverage"] += 1
        ratio = m[f"high_leverage_margin_ratio_{kind}"]
    else:
        ratio = m[f"margin_ratio_{kind}"]
    return premium_weight(size, m["imf_factor"], ratio)


def pnl_weight(m, pnl, kind):
    weight = m[f"unrealized_pnl_{kind}_asset_weight"]
    if kind == "initial" and weight > 0 and 0 < m["unrealized_pnl_max_imbalance"] < m["net_user_pnl"]:
        taken["pnl imbalance"] += 1
        weight = cast_u(mul(weight, m["unrealized_pnl_max_imbalance"]) // m["net_user_pnl"], 32)
    if pnl <= 0:
        return 10_000
    if kind == "initial" and weight > 0:
        return discount_weight(mul(pnl, 1000), m["unrealized_pnl_imf_factor"], weight)
    return weight


def funding_rate(p):
    return p["cumulative_funding_rate_long" if p["base_asset_amount"] > 0 else "cumulative_funding_rate_short"]


def funding_payment(p):
    delta = signed(funding_rate(p) - p["last_cumulative_funding_rate"])
    if delta == 0:
        return 0
    taken["funding"] += 1
    size = unsigned(abs(delta) * abs(p["base_asset_amount"]), 192) // 10**6 // 10**3
    size = cast_i(unsigned(size, 128, "BnConversionError"))
    pays = -size if p["base_asset_amount"] > 0 else size
    return cast_i(div(pays if delta > 0 else -pays, 1000), 64)


def base_value(base, price):
    return mul(abs(base), max(price, 0)) // 10**9


def liability_value(p, base):
    if not p["prediction"]:
        return base_value(base, p["price"])
    price = abs(p["price"])
    if base < 0:
        taken["prediction short"] += 1
        taken["prediction price above one"] += price > 10**6
        price = max(0, 10**6 - price)
    return mul(abs(base), price) // 10**9


class Side:
    def __init__(self):
        self.collateral = self.buffer = self.requirement = self.plus = 0

    def meets(self):
        return self.collateral >= wrapped(self.requirement)

    def can_exit(self):
        return saturate(self.collateral + self.buffer) >= wrapped(self.plus)

    def shortage(self, ratio):
        if ratio == 0:
            refuse("InvalidMarginCalculation")
        return max(0, signed(cast_i(self.plus) - saturate(self.collateral + self.buffer)))


class Margin:
    """One margin calculation; track: ("spot" or "perp", market) or None."""

    def __init__(self, s, kind="maintenance", strict=False, ratio=None, track=None):
        self.s, self.kind, self.strict, self.track = s, kind, strict, track
        self.ratio = s["liquidation_margin_buffer_ratio"] if ratio is None else ratio
        self.cross, self.isolated, self.tracked, self.spot_liabilities = Side(), {}, 0, 0
        for p in s["spot"]:
            if not spot_available(p):
                self.spot(p)
        for p in s["perp"]:
            if not perp_available(p):
                self.perp(p)
        if self.spot_liabilities and self.cross.requirement == 0:
            refuse("InvalidMarginRatio")

    @staticmethod
    def read(price):
        if price == 0:
            refuse("MathError")
        cast_u(price, 64)

    def require(self, amount, liability, market):
        c = self.cross
        c.requirement = unsigned(c.requirement + amount)
        if self.ratio > 0:
            c.plus = unsigned(c.plus + unsigned(amount + mul(liability, self.ratio) // 10_000))
        if self.track == market:
            self.tracked = unsigned(self.tracked + amount)

    def add(self, amount):
        c = self.cross
        c.collateral = signed(c.collateral + amount)
        if self.ratio > 0 and amount < 0:
            taken["collateral buffer"] += 1
            c.buffer = signed(c.buffer + div(signed(amount * self.ratio), 10_000))

    def spot(self, p):
        self.read(p["price"])
        if self.strict and p["twap_5min"] <= 0:
            refuse("InvalidOracle")
        price = Strict(p["price"], p["twap_5min"], self.strict)
        tokens = cast_i(token_amount(p, p["scaled_balance"], p["borrow"])) * (-1 if p["borrow"] else 1)
        if p["market_index"] == 0:
            self.quote(p, tokens, price)
        else:
            self.other(p, tokens, price)

    def quote(self, p, tokens, price):
        if tokens == 0 and p["scaled_balance"] != 0:
            refuse("InvalidMarginRatio")
        value = price.value(tokens, p["decimals"])
        if not p["borrow"]:
            self.add(value)
            return
        if value == 0:
            refuse("InvalidMarginRatio")
        self.require(abs(value), abs(value), ("spot", 0))
        self.spot_liabilities += 1

    def weighted(self, p, tokens, value):
        if value == 0:
            return 0
        weight = asset_weight(p, abs(tokens), self.kind) if value > 0 else liability_weight(p, abs(tokens), self.kind)
        return div(signed(value * weight), 10_000)

    def filled(self, p, tokens, value, price, amount):
        order = token_value(-amount, p["decimals"], price.max)
        tokens, value = signed(tokens + amount), signed(value - order)
        weighted = self.weighted(p, tokens, value)
        return dict(tokens=tokens, orders=order, value=value, weighted=weighted, free=signed(weighted + order))

    def other(self, p, tokens, price):
        value = price.value(tokens, p["decimals"])
        if p["open_bids"] == 0 and p["open_asks"] == 0:
            worst = dict(tokens=tokens, orders=0, value=value, weighted=self.weighted(p, tokens, value))
        else:
            bid, ask = (self.filled(p, tokens, value, price, p[k]) for k in ("open_bids", "open_asks"))
            worst = ask if ask["free"] <= bid["free"] else bid
            taken["spot asks worse" if worst is ask else "spot bids worse"] += 1
        self.custom(p, worst)
        if worst["tokens"] == 0 and p["scaled_balance"] != 0:
            taken["all sold by orders"] += 1
            refuse("InvalidMarginRatio")
        here = ("spot", p["market_index"])
        self.require(p["open_orders"] * 10_000, 0, here)
        if worst["value"] > 0:
            self.add(worst["weighted"])
        elif worst["value"] < 0:
            if abs(worst["weighted"]) < abs(worst["value"]):
                refuse("InvalidMarginRatio")
            self.require(abs(worst["weighted"]), abs(worst["value"]), here)
            self.spot_liabilities += 1
        elif has_orders(p):
            self.spot_liabilities += 1
        if worst["orders"] > 0:
            self.add(worst["orders"])
        elif worst["orders"] < 0:
            self.require(abs(worst["orders"]), abs(worst["orders"]), ("spot", 0))

    def custom(self, p, worst):
        own = self.s["user"]["max_margin_ratio"] if self.kind == "initial" else 0
        if own == 0:
            return
        if worst["weighted"] < 0:
            taken["custom ratio of a borrow"] += 1
            weight = max(liability_weight(p, abs(worst["tokens"]), "initial"), unsigned(own + 10_000, 32))
            worst["weighted"] = div(signed(worst["value"] * weight), 10_000)
        elif worst["weighted"] > 0:
            weight = min(asset_weight(p, abs(worst["tokens"]), "initial"), max(0, 10_000 - own))
            worst["weighted"] = div(signed(worst["value"] * weight), 10_000)
        signed(worst["weighted"] + worst["orders"])

    def perp_amounts(self, p, quote):
        price = p["expiry_price"] if p["settlement"] else p["price"]
        funding = funding_payment(p)
        value = div(signed(p["base_asset_amount"] * max(price, 0)), 10**9) if p["base_asset_amount"] else 0
        pnl = signed(signed(value + p["quote_asset_amount"]) + funding)
        bids, asks = signed(p["base_asset_amount"] + p["open_bids"], 64), signed(p["base_asset_amount"] + p["open_asks"], 64)
        on_bids, on_asks = liability_value(p, bids), liability_value(p, asks)
        worst, liability = (asks, on_asks) if on_asks >= on_bids else (bids, on_bids)
        taken["perp bids worse"] += on_bids > on_asks
        liability = mul(liability, quote.max) // 10**6
        requirement = 0
        if not p["settlement"]:
            ratio = margin_ratio(self.s["user"], p, abs(worst), self.kind)
            if self.kind == "initial":
                ratio = max(ratio, self.s["user"]["max_margin_ratio"], p["max_margin_ratio"])
            requirement = mul(liability, ratio) // 10_000
        requirement = unsigned(requirement + p["open_orders"] * 10_000)
        weight = pnl_weight(p, pnl, self.kind)
        weighted = pnl
        if weight != 10_000:
            taken["pnl discounted"] += 1
            weighted = div(signed(weighted * weight), 10_000)
        rate = quote.min if pnl > 0 else quote.max if pnl < 0 else quote.current
        if rate != 10**6:
            weighted = div(signed(weighted * rate), 10**6)
        if self.kind == "initial":
            taken["initial pnl capped"] += weighted > 100 * 10**6
            weighted = min(weighted, 100 * 10**6)
        return requirement, liability, weighted

    def perp(self, p):
        q = self.s["spot"][0]
        self.read(q["price"])
        quote = Strict(q["price"], q["twap_5min"], self.strict)
        self.read(p["price"])
        requirement, liability, pnl = self.perp_amounts(p, quote)
        here = ("perp", p["market_index"])
        if not p["isolated"]:
            self.require(requirement, liability, here)
            self.add(pnl)
            return
        side = self.isolated[p["market_index"]] = Side()
        tokens = cast_i(token_amount(q, p["isolated_scaled_balance"], False))
        side.collateral = signed(quote.value(tokens, q["decimals"]) + pnl)
        side.requirement = requirement
        if self.ratio > 0:
            side.buffer = div(signed(pnl * self.ratio), 10_000) if pnl < 0 else 0
            side.plus = unsigned(requirement + mul(liability, self.ratio) // 10_000)
        if self.track == here:
            self.tracked = unsigned(self.tracked + requirement)


def bankrupt_cross(s):
    owes = False
    for p in s["spot"]:
        if p["scaled_balance"] > 0 and not p["borrow"]:
            return False
        owes |= p["scaled_balance"] > 0
    for p in (p for p in s["perp"] if not p["isolated"]):
        if p["base_asset_amount"] != 0 or p["quote_asset_amount"] > 0 or has_orders(p):
            return False
        owes |= p["quote_asset_amount"] < 0
    return owes


def bankrupt_isolated(p):
    return p["isolated_scaled_balance"] == 0 and p["base_asset_amount"] == 0 and p["quote_asset_amount"] < 0 and not has_orders(p)
