# SPDX-License-Identifier: Apache-2.0
"""Compound III and Compound v2 in Python's integers, from their contracts (docs/protocols/comet.md, compound-v2.md). A
revert is an exception that carries the contract's name of the error. For lending_diff.py."""

E15, E18 = 10**15, 10**18


class Refused(Exception):
    pass


def u256(v):
    """Solidity 0.8: what leaves the word reverts."""
    if v < 0:
        raise Refused("arithmetic underflow")
    if v >= 2**256:
        raise Refused("arithmetic overflow")
    return v


def i256(v):
    if not -2**255 <= v < 2**255:
        raise Refused("arithmetic overflow")
    return v


def div(a, b):
    if b == 0:
        raise Refused("division by zero")
    return a // b


def signed256(v):
    if v >= 2**255:
        raise Refused("InvalidInt256")
    return v


class Comet:
    def __init__(self, s):
        self.s, self.assets = s, s.get("assets", [])

    @staticmethod
    def price(p):
        if p <= 0:
            raise Refused("BadPrice")
        return p

    @staticmethod
    def factor(n, f):
        return u256(n * f) // E18

    def present(self, p):
        if p >= 0:
            return p * self.s["supply_index"] // E15
        if -p >= 2**103:
            raise Refused("arithmetic overflow")
        return -(-p * self.s["borrow_index"] // E15)

    def value(self, a):
        return div(u256(a["balance"] * self.price(a["price"])), a["scale"])

    def view(self):
        """(liquidity where the loop stopped, liquidatable)"""
        if self.s["principal"] >= 0:
            return 0, False
        pv = self.present(self.s["principal"])
        n = i256(pv * self.price(self.s["base_price"]))
        if self.s["base_scale"] == 0:
            raise Refused("division by zero")
        liquidity = -(-n // self.s["base_scale"])
        for a in self.assets:
            if a["balance"]:
                if liquidity >= 0:
                    return liquidity, False
                liquidity += signed256(self.factor(self.value(a), a["liquidate_factor"]))
        return liquidity, liquidity < 0

    def absorb(self):
        s = self.s
        if s.get("absorb_paused"):
            raise Refused("Paused")
        if not self.view()[1]:
            raise Refused("NotLiquidatable")
        old, price, worth, out = self.present(s["principal"]), self.price(s["base_price"]), 0, {}
        for i, a in enumerate(self.assets):
            v = self.value(a) if a["balance"] else 0
            worth = u256(worth + self.factor(v, a["liquidation_factor"]))
            out.update({f"seize[{i}].asset": a["name"], f"seize[{i}].amount": a["balance"], f"seize[{i}].value": v})
        credit = div(u256(worth * s["base_scale"]), price)
        new = max(0, old + signed256(credit))
        principal = div(u256(new * E15), s["supply_index"])
        if principal >= 2**104:
            raise Refused("InvalidUInt104")
        if principal >= 2**103:
            raise Refused("InvalidInt104")
        if "pool" in s:
            supply = s["pool"]["total_supply"] + principal
            if supply >= 2**104:
                raise Refused("arithmetic overflow")
            borrow = u256(s["pool"]["total_borrow"] + s["principal"])
            out["reserves_after"] = self.reserves(supply, borrow)
        paid = new - old
        out.update(balance=old, credit_value=worth, credit=credit, new_balance=new, new_principal=principal, paid_out=paid,
                   paid_out_value=div(u256(paid * price), s["base_scale"]))
        return out

    def reserves(self, supply=None, borrow=None):
        p, s = self.s["pool"], self.s
        supply = p["total_supply"] if supply is None else supply
        borrow = p["total_borrow"] if borrow is None else borrow
        return p["balance"] - supply * s["supply_index"] // E15 + borrow * s["borrow_index"] // E15

    def quote(self, a, base):
        price = self.price(a["price"])
        discount = self.factor(self.s["pool"]["store_front_factor"], u256(E18 - a["liquidation_factor"]))
        low = self.factor(price, u256(E18 - discount))
        return div(div(u256(u256(self.price(self.s["base_price"]) * base) * a["scale"]), low), self.s["base_scale"])

    def buy(self, absorbed):
        """absorbed: what absorb() gave, or None: the market as it is."""
        b, p = self.s["buy"], self.s["pool"]
        if self.s.get("buy_paused"):
            raise Refused("Paused")
        reserves = absorbed["reserves_after"] if absorbed else self.reserves()
        if reserves >= 0 and reserves >= p["target_reserves"]:
            raise Refused("NotForSale")
        of = [a for a in self.assets if a["name"] == b["asset"]]
        if not of:
            raise Refused("BadAsset")
        got = self.quote(of[0], b["base_amount"])
        if got < b.get("min_amount", 0):
            raise Refused("TooMuchSlippage")
        if got > b["collateral_reserves"] + (of[0]["balance"] if absorbed else 0):
            raise Refused("InsufficientReserves")
        if got >= 2**128:
            raise Refused("InvalidUInt128")
        return got

    def told(self):
        out, absorbed, why = {}, None, ""
        try:
            out["health"], out["liquidatable"] = self.view()
            out["view_refused"] = ""
        except Refused as e:
            out.update(health=0, liquidatable=False, view_refused=str(e))
        try:
            absorbed = self.absorb()
        except Refused as e:
            why = str(e)
        out["absorb_refused"] = why
        if "pool" in self.s:
            out["reserves"] = self.reserves()
        out.update(absorbed or {})
        if "buy" in self.s:
            out.update(refused="", bought=0)
            try:
                if self.s["buy"].get("after_absorb") and why:
                    raise Refused(why)
                out["bought"] = self.buy(absorbed if self.s["buy"].get("after_absorb") else None)
            except Refused as e:
                out["refused"] = str(e)
        return out


class CompoundV2:
    def __init__(self, s):
        self.s, self.m = s, s.get("markets", [])

    @staticmethod
    def mul(a, b):
        return u256(a * b) // E18

    def sums(self):
        coll = debt = 0
        for m in self.m:
            if not m.get("entered", True):
                continue
            if m["price"] == 0:
                raise Refused("PRICE_ERROR")
            per_token = self.mul(self.mul(m["collateral_factor"], m["exchange_rate"]), m["price"])
            coll = u256(coll + self.mul(per_token, m["tokens"]))
            debt = u256(debt + self.mul(m["price"], m["borrow"]))
        return coll, debt

    @staticmethod
    def deprecated(m):
        return m["collateral_factor"] == 0 and m.get("borrow_paused", False) and m.get("reserve_factor", 0) == E18

    def liquidate(self):
        r = self.s["repay"]
        b, c = (next(m for m in self.m if m["name"] == r[k]) for k in ("borrowed", "collateral"))
        amount = r["amount"]
        if not (b.get("listed", True) and c.get("listed", True)):
            raise Refused("MARKET_NOT_LISTED")
        if self.deprecated(b):
            if b["borrow"] < amount:
                raise Refused("Can not repay more than the total borrow")
        else:
            coll, debt = self.sums()
            if debt <= coll:
                raise Refused("INSUFFICIENT_SHORTFALL")
            if amount > self.mul(self.s["close_factor"], b["borrow"]):
                raise Refused("TOO_MUCH_REPAY")
        if amount == 0:
            raise Refused("LiquidateCloseAmountIsZero")
        if amount == 2**256 - 1:
            raise Refused("LiquidateCloseAmountIsUintMax")
        u256(b["borrow"] - amount)
        if 0 in (b["price"], c["price"]):
            raise Refused("LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED")
        above = self.mul(self.s["liquidation_incentive"], b["price"])
        below = self.mul(c["price"], c["exchange_rate"])
        seize = self.mul(div(u256(above * E18), below), amount)
        if c["tokens"] < seize:
            raise Refused("LIQUIDATE_SEIZE_TOO_MUCH")
        if self.s.get("seize_paused"):
            raise Refused("seize is paused")
        kept = self.mul(seize, c.get("seize_share", 28 * 10**15))
        return {"seize_tokens": seize, "protocol_tokens": kept, "liquidator_tokens": u256(seize - kept), "protocol_amount": self.mul(c["exchange_rate"], kept)}

    def told(self):
        coll = debt = 0
        out = {"view_refused": ""}
        try:
            coll, debt = self.sums()
        except Refused as e:
            out["view_refused"] = str(e)
        out.update(collateral=coll, borrows=debt, liquidity=max(0, coll - debt), shortfall=max(0, debt - coll), liquidatable=False)
        for i, m in enumerate(self.m):
            if m["borrow"]:
                opened = m.get("listed", True) and (debt > coll or self.deprecated(m))
                out["liquidatable"] = out["liquidatable"] or opened
                most = m["borrow"] if self.deprecated(m) else self.s["close_factor"] * m["borrow"] // E18
                if self.s["close_factor"] * m["borrow"] >= 2**256 and not self.deprecated(m):
                    most = 0
                out.update({f"market[{i}].name": m["name"], f"market[{i}].deprecated": self.deprecated(m), f"market[{i}].most": most if opened else 0})
        if "repay" in self.s:
            out.update(refused="", seize_tokens=0, protocol_tokens=0, liquidator_tokens=0, protocol_amount=0)
            try:
                out.update(self.liquidate())
            except Refused as e:
                out["refused"] = str(e)
        return out
