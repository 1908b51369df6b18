# SPDX-License-Identifier: Apache-2.0
"""The second half of judge_drift.py: what a liquidation takes, what it leaves, and the whole answer of the rule."""
from judge_drift import (U64, U128, Margin, Refused, bankrupt_cross, bankrupt_isolated, cast_i, cast_u, ceil, completed, div, funding_payment, funding_rate,
                         has_orders, high_leverage, margin_ratio, mul, base_value, perp_available, pnl_weight, refuse, signed, spot_available, spot_balance,
                         taken, token_amount, token_value, unsigned)

CONTRACT = ["A", "B", "C", "Speculative", "HighlySpeculative", "Isolated"]
ASSET = ["Collateral", "Protected", "Cross", "Isolated", "Unlisted"]


def base_to_cover(shortage, ratio, fee, if_fee, price, quote_price):
    ratio = unsigned(ratio * 100, 32)
    if price == 0 or ratio <= fee:
        taken["margin below fee"] += 1
        return U64
    top = mul(shortage, 10**9)
    p = cast_u(price)
    frees = mul(mul(p, cast_u(quote_price)) // 10**6, ratio - fee) // 10**6
    return cast_u(div(top, unsigned(frees - mul(p, if_fee) // 10**6)), 64)


def scales(a, b):
    """10^(a-b) to multiply with, 10^(b-a) to divide by."""
    return 10**max(0, a - b), 10**max(0, b - a)


def liability_to_cover(shortage, give, owe, if_fee):
    if give["weight"] >= owe["weight"]:
        taken["asset weighs as much"] += 1
        return U128
    up, down = scales(owe["decimals"], 6)
    own = owe["weight"] * 10
    other = div(mul(give["weight"] * 10, give["multiplier"]), owe["multiplier"])
    if other >= own:
        taken["asset weighs as much"] += 1
        return U128
    top = mul(mul(shortage, up), 10**6 * 10**4 * 10)
    p = cast_u(owe["price"])
    frees = mul(p, own - other)
    costs = mul(mul(mul(p, if_fee) // 10**6, owe["weight"]), 10)
    return max(1, div(top, unsigned(frees - costs)) // down)


def implied(give, owe):
    up, down = scales(owe["decimals"], give["decimals"])
    v = mul(mul(mul(give["amount"], up), cast_u(give["price"])), owe["multiplier"])
    return ceil(ceil(v, mul(cast_u(owe["price"]), give["multiplier"])), down)


def asset_for(give, owe, transfer):
    up, down = scales(give["decimals"], owe["decimals"])
    v = mul(mul(mul(transfer, up), cast_u(owe["price"])), give["multiplier"])
    v = max(1, div(v, mul(cast_u(give["price"]), owe["multiplier"])) // down)
    up, down = scales(give["decimals"], 6)
    left = mul(mul(abs(v - give["amount"]), give["price"]) // 10**6, up) // down
    if left < 10**6:
        taken["rest of the asset"] += v != give["amount"]
        return give["amount"]
    return v


def perp_if_fee(shortage, base, ratio, fee, price, quote_price, most):
    ratio = unsigned(ratio * 100, 32)
    if price == 0 or quote_price == 0 or ratio <= fee or base == 0:
        return 0
    p = mul(cast_u(price), cast_u(quote_price)) // 10**6
    lacks = div(mul(mul(shortage, 10**9) // base, 10**6), p)
    v = unsigned(max(0, ratio - fee - min(lacks, 2**32 - 1)) * 19, 32) // 20
    taken["perp if fee below its most"] += 0 < v < most
    return min(most, v)


def spot_if_fee(shortage, give, owe, most):
    if give["weight"] >= owe["weight"] or owe["price"] == 0 or owe["amount"] == 0 or owe["multiplier"] == 0:
        return 0
    own = owe["weight"] * 100
    other = div(mul(give["weight"] * 100, give["multiplier"]), owe["multiplier"])
    lacks = div(mul(mul(shortage, 10**6), 10**owe["decimals"]) // owe["amount"], owe["price"])
    v = mul(max(0, max(0, own - other) - lacks), 10**6) // own
    taken["spot if fee below its most"] += 0 < v < most
    return min(most, v)


def max_pct(s, shortage):
    if shortage < 50 * 10**6:
        taken["small shortage"] += 1
        return 10_000
    elapsed = unsigned(s["slot"] - s["user"]["last_active_slot"], 64)
    pct = elapsed * 10_000 // s["liquidation_duration"] if s["liquidation_duration"] else 10_000
    pct = min(10_000, pct + s["initial_pct_to_liquidate"])
    taken["ramp below all"] += pct < 10_000
    freed = s["user"]["liquidation_margin_freed"]
    most = mul(unsigned(shortage + freed), pct) // 10_000
    taken["ramp already used"] += most <= freed
    return mul(max(0, most - freed), 10_000) // shortage


def liquidation_fee(s, m):
    fee = m["liquidator_fee"]
    if high_leverage(s["user"], m, "maintenance"):
        ratio = m["high_leverage_margin_ratio_maintenance"] * 100
        fee = min(fee, ratio - ratio // 5)
    most = min(unsigned(m["liquidator_fee"] * 3, 32), min(m["margin_ratio_maintenance"] * 100, 2**32 - 1))
    elapsed = unsigned(s["slot"] - s["user"]["last_active_slot"], 64)
    if elapsed < 1500:
        return fee
    taken["fee grown"] += 1
    return min(min(fee + min(elapsed, 2**32 - 1), 2**32 - 1), most)


def step_up(v, step):
    if step == 0:
        refuse("MathError")
    return v if v % step == 0 else unsigned(v + step, 64) - v % step


def bands(price, twap, most):
    most = cast_i(max(most, 500_000), 64)
    away = signed(price - twap, 64)
    if away == -2**63 or twap == -2**63:
        refuse("panic" if away == -2**63 else "MathError" if abs(away) * 10**6 >= 2**63 else "panic")
    if div(signed(abs(away) * 10**6, 64), abs(twap)) >= most:
        refuse("PriceBandsBreached")


class Order:
    def __init__(self, s, o):
        self.s, self.o, self.iso = s, o, None
        self.out = dict(end="liquidated", shortage=0, max_pct=0, to_cover=0, transfer=0, received=0, fee_rate=0, if_fee_rate=0, fee=0, if_fee=0,
                        margin_freed=0)

    # --- positions and markets
    def perp(self, index):
        for p in self.s["perp"]:
            if p["market_index"] == index and not perp_available(p):
                return p
        return refuse("UserHasNoPositionInMarket")

    def spot(self, index):
        for p in self.s["spot"]:
            if p["market_index"] == index:
                return p
        return refuse("CouldNotFindSpotPosition")

    def paused(self, kind, index):
        if any(p["market_index"] == index and p["liquidation_paused"] for p in self.s[kind]):
            refuse("InvalidLiquidation")

    def bankrupt(self):
        if (self.iso or self.s["user"])["bankrupt"]:
            refuse("UserBankrupt")

    def valid(self, m):
        if m["oracle"] in ("NonPositive", "TooVolatile"):
            refuse("InvalidOracle")

    def settle(self, p):
        rate = funding_rate(p)
        if rate != p["last_cumulative_funding_rate"]:
            paid = funding_payment(p)
            p["last_cumulative_funding_rate"] = cast_i(rate, 64)
            p["quote_asset_amount"] = signed(p["quote_asset_amount"] + paid, 64)

    # --- the account's state
    def flags(self):
        return self.iso or self.s["user"]

    def under_way(self):
        return self.flags()["being_liquidated"] or self.flags()["bankrupt"]

    def side(self, m):
        return m.isolated[self.iso["market_index"]] if self.iso else m.cross

    def enter(self):
        if self.under_way():
            return
        u = self.s["user"]
        others = u["being_liquidated"] or u["bankrupt"] or any(p["isolated"] and (p["being_liquidated"] or p["bankrupt"]) for p in self.s["perp"])
        if others:
            taken["second liquidation keeps the slot"] += 1
        else:
            u["last_active_slot"] = self.s["slot"]
        if not self.iso:
            u["liquidation_margin_freed"] = 0
        self.flags()["being_liquidated"] = True

    def leave(self):
        self.flags()["being_liquidated"] = self.flags()["bankrupt"] = False
        if not self.iso:
            self.s["user"]["liquidation_margin_freed"] = 0

    def freed(self, amount):
        self.out["margin_freed"] = unsigned(self.out["margin_freed"] + cast_u(amount, 64), 64)
        if not self.iso:
            u = self.s["user"]
            u["liquidation_margin_freed"] = unsigned(u["liquidation_margin_freed"] + amount, 64)

    def shortage(self, m):
        return self.side(m).shortage(self.s["liquidation_margin_buffer_ratio"])

    def begin(self, track):
        """True: go on, with self.m"""
        self.m = Margin(self.s, track=track)
        if not self.under_way() and self.side(self.m).meets():
            refuse("SufficientCollateral")
        if self.under_way() and self.side(self.m).can_exit():
            self.leave()
            self.out["end"] = "exited"
            return False
        self.enter()
        return True

    def cancel(self):
        open_ = [p for p in (self.s["spot"] if not self.iso else []) if p["open_orders"]]
        open_ += [p for p in self.s["perp"] if p["open_orders"] and (p is self.iso if self.iso else not p["isolated"])]
        for p in open_:
            p["open_orders"] = p["open_bids"] = p["open_asks"] = 0
        return bool(open_)

    def cancelled(self, track, any_, violation=False):
        if not any_:
            return True
        before = self.shortage(self.m)
        self.m = Margin(self.s, track=track)
        self.freed(max(0, before - self.shortage(self.m)))
        healthy = self.side(self.m).can_exit()
        if healthy or violation:
            self.out["end"] = "exited_by_orders" if healthy else "orders_cancelled"
            if healthy:
                self.leave()
            return False
        return True

    def tracked(self):
        all_ = self.side(self.m).requirement
        return div(mul(self.out["shortage"], self.m.tracked), all_) if all_ else 0

    def pct(self):
        return 10_000 if self.iso else max_pct(self.s, self.out["shortage"])

    def finish(self):
        after = Margin(self.s)
        self.freed(max(0, self.out["shortage"] - self.shortage(after)))
        if self.out["transfer"] >= self.out["to_cover"]:
            self.leave()
        elif bankrupt_isolated(self.iso) if self.iso else bankrupt_cross(self.s):
            self.flags()["being_liquidated"], self.flags()["bankrupt"] = False, True

    # --- a perpetual position
    def liquidate_perp(self):
        s, o, out = self.s, self.o, self.out
        p = self.perp(o["perp"])
        self.iso = p if p["isolated"] else None
        self.bankrupt()
        if p["liquidation_paused"]:
            refuse("InvalidLiquidation")
        self.settle(p)
        track = ("perp", p["market_index"])
        if not self.begin(track):
            return
        if p["base_asset_amount"] == 0 and not has_orders(p):
            refuse("PositionDoesntHaveOpenPositionOrOrders")
        any_ = self.cancel()
        self.valid(p)
        if not self.cancelled(track, any_):
            return
        price = p["expiry_price"] if p["settlement"] else p["price"]
        if p["base_asset_amount"] == 0:
            out["end"] = "no_base"
            return
        step = p["order_step_size"]
        most = o["max"] - o["max"] % step if step else refuse("MathError")
        if most == 0:
            refuse("InvalidBaseAssetAmountForLiquidatePerp")
        if not p["settlement"]:
            bands(price, p["twap_5min"], s["oracle_twap_5min_percent_divergence"])
        base, quote = abs(p["base_asset_amount"]), s["spot"][0]["price"]
        ratio = unsigned(margin_ratio(s["user"], p, base, "maintenance") + s["liquidation_margin_buffer_ratio"], 32)
        out["shortage"] = self.shortage(self.m)
        out["fee_rate"] = liquidation_fee(s, p)
        out["if_fee_rate"] = perp_if_fee(self.tracked(), base, ratio, out["fee_rate"], price, quote, p["if_liquidation_fee"])
        out["to_cover"] = base_to_cover(out["shortage"], ratio, out["fee_rate"], out["if_fee_rate"], price, quote)
        if out["to_cover"] != U64:
            out["to_cover"] = step_up(out["to_cover"], step)
        out["max_pct"] = self.pct()
        allowed = cast_u(min(U128, out["to_cover"] * out["max_pct"]) // 10_000, 64)
        if allowed == 0:
            out["end"] = "nothing"
            return
        least = 0 if cast_u(base_value(base, price), 64) > 50 * 10**6 else base
        taken["small position"] += least > allowed
        out["transfer"] = step_up(min(base, most, max(allowed, least)), step)
        self.perp_limit(p, price)
        value = cast_u(base_value(out["transfer"], price), 64)
        out["received"] = value
        out["fee"] = cast_i(mul(value, out["fee_rate"]) // 10**6, 64)
        out["if_fee"] = cast_i(mul(value, out["if_fee_rate"]) // 10**6, 64)
        taken["partial perp"] += out["transfer"] < base
        taken["short liquidated" if p["base_asset_amount"] < 0 else "long liquidated"] += 1
        sign = 1 if p["base_asset_amount"] >= 0 else -1
        moved, paid = cast_i(out["transfer"], 64), cast_i(value, 64)
        p["quote_asset_amount"] = signed(p["quote_asset_amount"] + sign * paid, 64)
        p["base_asset_amount"] = signed(p["base_asset_amount"] - sign * moved, 64)
        p["quote_asset_amount"] = signed(p["quote_asset_amount"] - out["fee"], 64)
        p["quote_asset_amount"] = signed(p["quote_asset_amount"] - out["if_fee"], 64)
        if abs(p["base_asset_amount"]) % step:
            refuse("InvalidPerpPosition")
        self.finish()

    def perp_limit(self, p, price):
        limit = self.o.get("limit_price")
        if limit is None:
            return
        at = cast_u(price)
        fee = mul(at, self.out["fee_rate"]) // 10**6
        if not (unsigned(at - fee) <= limit if p["base_asset_amount"] >= 0 else at + fee >= limit):
            refuse("LiquidationDoesntSatisfyLimitPrice")

    # --- transfers
    def deposit_leg(self, m, balance):
        tokens = token_amount(m, balance, False)
        if tokens == 0:
            refuse("InvalidSpotPosition")
        return dict(amount=tokens, decimals=m["decimals"], price=m["price"], weight=m["maintenance_asset_weight"],
                    multiplier=unsigned(10**6 + m["liquidator_fee"], 32))

    def market_valid(self, m):
        if m["market_index"] != 0:
            self.valid(m)

    def deposit(self, m):
        self.market_valid(m)
        if self.iso:
            return self.deposit_leg(m, self.iso["isolated_scaled_balance"])
        if m["borrow"]:
            refuse("WrongSpotBalanceType")
        return self.deposit_leg(m, m["scaled_balance"])

    def borrow(self, m):
        self.market_valid(m)
        if not m["borrow"]:
            refuse("WrongSpotBalanceType")
        tokens = token_amount(m, m["scaled_balance"], True)
        if tokens == 0:
            refuse("InvalidSpotPosition")
        return dict(amount=tokens, decimals=m["decimals"], price=m["price"], weight=m["maintenance_liability_weight"],
                    multiplier=unsigned(10**6 - m["liquidator_fee"], 32))

    def pnl(self, p, profit):
        pnl = p["quote_asset_amount"]
        if p["base_asset_amount"] != 0 or (pnl <= 0 if profit else pnl >= 0) or (profit and p["isolated"]):
            refuse("InvalidPerpPositionToLiquidate")
        return dict(amount=abs(pnl), decimals=6, price=self.s["spot"][0]["price"], weight=pnl_weight(p, pnl, "maintenance") if profit else 10_000,
                    multiplier=unsigned(10**6 + (p["liquidator_fee"] if profit else -p["liquidator_fee"]), 32))

    def update(self, m, at, key, tokens, borrow):
        """Adds tokens on the side borrow to the scaled balance at[key]."""
        own = at.get("borrow", False) if key == "scaled_balance" else False
        if own != borrow:
            have = token_amount(m, at[key], own)
            if have != 0:
                less = spot_balance(m, tokens, own, own) if have > tokens else at[key]
                at[key] = unsigned(at[key] - cast_u(less, 64), 64)
                tokens -= min(have, tokens)
            if tokens == 0:
                return
            if key != "scaled_balance":
                refuse("CantUpdateSpotBalanceType")
            taken["balance turned"] += 1
            at["borrow"] = borrow
        at[key] = unsigned(at[key] + cast_u(spot_balance(m, tokens, borrow, borrow), 64), 64)

    def transfer(self, give, owe, asset=None, liability=None, perp=None, if_most=None):
        s, o, out = self.s, self.o, self.out
        out["shortage"] = self.shortage(self.m)
        owe["weight"] = unsigned(owe["weight"] + s["liquidation_margin_buffer_ratio"], 32)
        if if_most is not None:
            out["if_fee_rate"] = spot_if_fee(self.tracked(), give, owe, if_most)
        out["to_cover"] = liability_to_cover(out["shortage"], give, owe, out["if_fee_rate"])
        out["max_pct"] = self.pct()
        allowed = min(U128, out["to_cover"] * out["max_pct"]) // 10_000
        if allowed == 0:
            out["end"] = "nothing"
            return
        by_asset = implied(give, owe)
        worth = token_value(cast_i(owe["amount"]), owe["decimals"], owe["price"]) if liability else owe["amount"]
        least = owe["amount"] if worth <= 10 * 10**6 else 0
        taken["dust liability"] += least > allowed
        out["transfer"] = min(o["max"], owe["amount"], max(allowed, least), by_asset)
        taken["asset is not enough"] += out["transfer"] == by_asset < min(o["max"], owe["amount"], max(allowed, least))
        out["received"] = asset_for(give, owe, out["transfer"])
        if out["transfer"] == 0 or out["received"] == 0:
            refuse("InvalidLiquidation")
        if if_most is not None:
            for m in (liability, asset):
                bands(m["price"], m["twap_5min"], s["oracle_twap_5min_percent_divergence"])
        if o.get("limit_price") is not None:
            v = mul(mul(out["received"], 10**6) // 10**give["decimals"], 10**owe["decimals"]) // out["transfer"]
            if v < o["limit_price"]:
                refuse("LiquidationDoesntSatisfyLimitPrice")
        out["if_fee"] = mul(out["transfer"], out["if_fee_rate"]) // 10**6
        if liability:
            self.update(liability, liability, "scaled_balance", unsigned(out["transfer"] - out["if_fee"]), False)
        if asset:
            at, key = (self.iso, "isolated_scaled_balance") if self.iso else (asset, "scaled_balance")
            self.update(asset, at, key, out["received"], True)
        if perp:
            change = -cast_i(out["received"], 64) if liability else cast_i(out["transfer"], 64)
            perp["quote_asset_amount"] = signed(perp["quote_asset_amount"] + change, 64)
        self.finish()

    def liquidate_spot(self):
        o = self.o
        self.bankrupt()
        self.paused("spot", o["asset"])
        self.paused("spot", o["liability"])
        asset, liability = self.spot(o["asset"]), self.spot(o["liability"])
        give, owe = self.deposit(asset), self.borrow(liability)
        track = ("spot", o["liability"])
        if self.begin(track) and self.cancelled(track, self.cancel()):
            self.transfer(give, owe, asset, liability, if_most=liability["if_liquidation_fee"])

    def liquidate_borrow_for_perp_pnl(self):
        o = self.o
        self.bankrupt()
        self.paused("perp", o["perp"])
        self.paused("spot", o["liability"])
        p, liability = self.perp(o["perp"]), self.spot(o["liability"])
        self.settle(p)
        give, owe = self.pnl(p, True), self.borrow(liability)
        if self.begin(None) and self.cancelled(None, self.cancel()):
            self.transfer(give, owe, None, liability, p)

    def liquidate_perp_pnl_for_deposit(self):
        o = self.o
        p = self.perp(o["perp"])
        self.iso = p if p["isolated"] else None
        self.bankrupt()
        self.paused("spot", o["asset"])
        self.paused("perp", o["perp"])
        if self.iso and o["asset"] != 0:
            refuse("CouldNotFindSpotPosition")
        asset = self.spot(o["asset"])
        self.settle(p)
        give, owe = self.deposit(asset), self.pnl(p, False)
        if not self.begin(None):
            return
        any_ = self.cancel()
        violation = self.tier_violation(p)
        if not self.cancelled(None, any_, violation):
            return
        if violation:
            refuse("TierViolationLiquidatingPerpPnl")
        self.transfer(give, owe, asset, None, p)

    def tier_violation(self, p):
        if self.iso:
            return False
        best_asset = min([ASSET.index(x["asset_tier"]) for x in self.s["spot"] if not spot_available(x) and x["borrow"]], default=4)
        best = min([CONTRACT.index(x["contract_tier"]) for x in self.s["perp"] if not perp_available(x)] + [4])
        own = CONTRACT.index(p["contract_tier"])
        safe = own <= best and (best_asset == 4 or (best_asset >= 2 and own <= 2))
        return not safe

    def run(self):
        {"perp": self.liquidate_perp, "spot": self.liquidate_spot, "borrow_for_perp_pnl": self.liquidate_borrow_for_perp_pnl,
         "perp_pnl_for_deposit": self.liquidate_perp_pnl_for_deposit}[self.o["kind"]]()
        taken["end " + self.out["end"] + " " + self.o["kind"]] += 1


def name_of(flags):
    return "bankrupt" if flags["bankrupt"] else "being_liquidated" if flags["being_liquidated"] else "normal"


def liquidatable(side, flags):
    return not flags["bankrupt"] and not (side.can_exit() if flags["being_liquidated"] else side.meets())


def told(a, name, side):
    a[f"{name}collateral"], a[f"{name}requirement"], a[f"{name}collateral_buffer"] = side.collateral, side.requirement, side.buffer
    a[f"{name}requirement_with_buffer"], a[f"{name}can_exit"] = side.plus, side.can_exit()


def ramp(s, m):
    u = dict(s["user"])
    try:
        shortage = m.cross.shortage(s["liquidation_margin_buffer_ratio"])
        if not (u["being_liquidated"] or u["bankrupt"]):
            u["liquidation_margin_freed"] = 0
            if not any(p["isolated"] and (p["being_liquidated"] or p["bankrupt"]) for p in s["perp"]):
                u["last_active_slot"] = s["slot"]
        return shortage, max_pct({**s, "user": u}, shortage)
    except Refused:
        return 0, 0


def margin_answer(s, a):
    m = Margin(s)
    found = {p["market_index"]: p for p in s["perp"]}
    a["liquidatable"] = liquidatable(m.cross, s["user"]) or any(liquidatable(x, found[i]) for i, x in m.isolated.items())
    told(a, "health.", m.cross)
    a["cross.liquidatable"], a["cross.bankruptcy"] = liquidatable(m.cross, s["user"]), bankrupt_cross(s)
    a["shortage"], a["max_pct"] = ramp(s, m)
    for n, (i, x) in enumerate(m.isolated.items()):
        a[f"isolated[{n}].market_index"], a[f"isolated[{n}].liquidatable"] = i, liquidatable(x, found[i])
        a[f"isolated[{n}].bankruptcy"] = bankrupt_isolated(found[i])
        told(a, f"isolated[{n}].", x)


def initial_answer(s, a):
    a["initial.refused"], a["initial.meets"], a["initial.collateral"], a["initial.requirement"] = "", False, 0, 0
    try:
        m = Margin(s, "initial", s["strict"], 0)
        a["initial.meets"] = m.cross.meets() and all(x.meets() for x in m.isolated.values())
        a["initial.collateral"], a["initial.requirement"] = m.cross.collateral, m.cross.requirement
    except Refused as e:
        a["initial.refused"] = str(e)


def order_answer(s, a):
    run = Order(s, s["order"])
    a["refused"] = ""
    run.run()
    a.update({"order." + k: v for k, v in run.out.items()})
    a["after.state"] = name_of(s["user"])
    a["after.liquidation_margin_freed"], a["after.last_active_slot"] = s["user"]["liquidation_margin_freed"], s["user"]["last_active_slot"]
    for i, p in enumerate(s["spot"]):
        a[f"after.spot[{i}].scaled_balance"], a[f"after.spot[{i}].borrow"] = p["scaled_balance"], p["borrow"]
        a[f"after.spot[{i}].open_orders"] = p["open_orders"]
    for i, p in enumerate(s["perp"]):
        a[f"after.perp[{i}].base"], a[f"after.perp[{i}].quote"] = p["base_asset_amount"], p["quote_asset_amount"]
        a[f"after.perp[{i}].open_orders"] = p["open_orders"]
        if p["isolated"]:
            a[f"after.perp[{i}].state"], a[f"after.perp[{i}].scaled_balance"] = name_of(p), p["isolated_scaled_balance"]
    taken["after " + a["after.state"]] += 1


def evaluate(state):
    s, a = completed(state), {}
    try:
        margin_answer(s, a)
        why = ""
    except Refused as e:
        a, why = {"liquidatable": False}, str(e)
        taken["no margin: " + why] += 1
    if s["initial"] and not why:
        initial_answer(s, a)
    if "order" not in s:
        a["refused"] = why
        return a
    try:
        order_answer(s, a)
    except Refused as e:
        a["refused"] = str(e)
        taken["refused: " + str(e)] += 1
    return a
