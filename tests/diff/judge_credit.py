# SPDX-License-Identifier: Apache-2.0
"""Aave V4's and Euler's liquidation in exact Python integers, from the contracts' public source (docs/protocols/aave-v4.md,
docs/protocols/evk.md name repositories and commits). A revert without a name is Arithmetic; `seen` counts branches."""
from collections import Counter
from fractions import Fraction as F

WORD, WAD, RAY, BPS = 2**256, 10**18, 10**27, 10**4
ALL = WORD - 1
seen = Counter()


class Arithmetic(Exception):
    pass


class Refused(Exception):
    pass


def u(x):
    """Solidity's uint256: what leaves the range reverts."""
    if not 0 <= x < WORD:
        raise Arithmetic
    return x


def down(a, b, d):
    u(a * b)
    if d == 0:
        raise Arithmetic
    return a * b // d


def up(a, b, d):
    return u(down(a, b, d) + (a * b % d != 0))


def take(tag, truth=True):
    """Notes that a branch was taken; the truth again."""
    if truth:
        seen[tag] += 1
    return truth


# ---- Aave V4: a state is the rule's own dict

DEFAULTS = dict(paused=False, frozen=False, added_assets=0, added_shares=0, drawn_index=RAY, liquidity=ALL, collateral=False,
                supplied_shares=0,
                drawn_shares=0, premium_shares=0, premium_offset=0, collateral_factor=0, max_bonus=BPS, fee=0)
DUST = 1000 * 10**26
MILLION = 10**6


class Spoke:
    def __init__(self, state):
        self.s = state
        self.r = [{**DEFAULTS, **x} for x in state["reserves"]]

    def supplied(self, r):
        return down(r["supplied_shares"], u(r["added_assets"] + MILLION), u(r["added_shares"] + MILLION))

    def debt(self, r, drawn_shares=None):
        shares = r["drawn_shares"] if drawn_shares is None else drawn_shares
        return up(shares, r["drawn_index"], RAY), u(u(r["premium_shares"] * r["drawn_index"]) - r["premium_offset"])

    def owed(self, r):
        drawn, premium = self.debt(r)
        return u(drawn + -(-premium // RAY))

    def account(self):
        self.worth = self.debts = self.weighted = self.n_collaterals = self.n_borrows = 0
        for r in self.r:
            unit = 10 ** r["decimals"]
            if r["collateral"] and r["collateral_factor"] > 0 and r["supplied_shares"] > 0:
                v = down(u(self.supplied(r) * r["price"]), WAD, unit)
                self.worth = u(self.worth + v)
                self.weighted = u(self.weighted + u(r["collateral_factor"] * v))
                self.n_collaterals += 1
            if r["drawn_shares"] > 0:
                self.debts = u(self.debts + up(u(self.owed(r) * r["price"]), WAD, unit))
                self.n_borrows += 1
        self.health = down(self.weighted, WAD, self.debts) // BPS if self.debts else ALL
        take("health 1", self.health == WAD)
        take("health just below 1", self.health == WAD - 1)
        return self

    def bonus(self, most):
        start = self.s["max_bonus_health"]
        take("bonus at its greatest, exactly", self.health == start)
        if take("bonus at its greatest", self.health <= start):
            return most
        take("bonus grows")
        take("bonus just above", self.health == start + 1)
        least = (most - BPS) * self.s["bonus_factor"] // BPS + BPS
        return least + (most - least) * (WAD - self.health) // (WAD - start)

    def check(self, k, d, o):
        supplied, owed = self.supplied(k), self.owed(d)
        for bad, name in ((o.get("self"), "SelfLiquidation"), (o["cover"] == 0, "InvalidDebtToCover"),
                          (k["paused"] or d["paused"], "ReservePaused"),
                          (supplied == 0, "ReserveNotSupplied"), (owed == 0, "ReserveNotBorrowed"), (self.health >= WAD,
                              "HealthFactorNotBelowThreshold"),
                          (k["collateral_factor"] == 0 or not k["collateral"], "CollateralCannotBeLiquidated"),
                          (o.get("receive_shares") and k["frozen"], "CannotReceiveShares")):
            if bad:
                raise Refused(name)
        return supplied, owed

    def amounts(self, k, d, o, owed, supplied, x):
        ku, du = 10 ** k["decimals"], 10 ** d["decimals"]
        x["bonus"] = lb = self.bonus(k["max_bonus"])
        target = self.s["target_health"]
        penalty = -(-(lb * WAD // BPS) * k["collateral_factor"] // BPS)
        x["debt_to_target"] = goal = up(self.debts, u(du * (target - self.health)), u((target - penalty) * d["price"] * WAD))
        debt = min(owed, o["cover"], goal)
        take("debt: all owed", debt == owed)
        take("debt: what the caller covers", debt == o["cover"] < min(owed, goal))
        take("debt: to the target", debt == goal < min(owed, o["cover"]))
        if debt < owed:
            left = down(owed - debt, u(d["price"] * WAD), du)
            take("debt left: 1000 USD exactly", left == DUST)
            take("debt left: just dust", DUST * 999999 // 1000000 <= left < DUST)
            if take("debt dust", left < DUST):
                debt = owed
        self.aim = debt == goal
        coll = down(debt, u(d["price"] * ku * lb), u(du * k["price"] * BPS))
        dusty = False
        if coll < supplied:
            left = down(supplied - coll, u(k["price"] * WAD), ku)
            dusty = left < DUST
            take("collateral left: 1000 USD exactly", left == DUST)
            take("collateral left: just dust", DUST * 999999 // 1000000 <= left < DUST)
        take("collateral: exactly all", coll == supplied)
        take("collateral dust, but all debt", dusty and debt == owed)
        if take("collateral too little", coll > supplied) or take("collateral dust", dusty and debt < owed):
            before, coll = debt, supplied
            debt = up(coll, u(k["price"] * du * BPS), u(d["price"] * ku * lb))
            self.aim = False
            take("debt raised by the dust of the collateral", debt > before)
        take("covers exactly what is needed", o["cover"] == debt)
        if o["cover"] < debt:
            take("covers one too little", o["cover"] == debt - 1)
            raise Refused("MustNotLeaveDust")
        fee = down(coll, u(k["fee"] * (lb - BPS)), u(lb * BPS))
        take("fee", fee > 0)
        x.update(repay=debt, seize=coll, received=coll - fee, fee=fee)

    def call(self, order, x):
        o = dict(order, cover=order.get("debt_to_cover", ALL))
        k, d = self.r[order["collateral"]], self.r[order["debt"]]
        x.update(supplied=0, owed=0)
        both = dict(supplied=self.supplied(k), owed=self.owed(d))
        x.update(both)
        supplied, owed = self.check(k, d, o)
        y = {}
        try:
            self.amounts(k, d, o, owed, supplied, y)
        except Refused:
            x.update(y)
            raise
        x.update(bonus=y["bonus"], debt_to_target=y["debt_to_target"])
        a, s = k["added_assets"] + MILLION, k["added_shares"] + MILLION
        taken = up(y["seize"], s, a)
        left = u(k["supplied_shares"] - taken)
        got = down(y["received"], s, a) if o.get("receive_shares") else up(y["received"], s, a)
        if not o.get("receive_shares") and y["received"] > k["liquidity"]:
            raise Refused("InsufficientLiquidity")
        drawn, premium = self.debt(d)
        paid = min(u(y["repay"] * RAY), premium)
        take("premium repaid in part", 0 < paid < premium)
        take("premium and some of the drawn", 0 < paid == premium and y["repay"] * RAY > paid)
        shares = down(u(y["repay"] - -(-paid // RAY)), RAY, d["drawn_index"])
        drawn_left = u(d["drawn_shares"] - shares)
        take("shares stay though all is taken", left > 0 and y["seize"] == supplied)
        deficit = left == 0 and self.n_collaterals <= 1 and (drawn_left > 0 or self.n_borrows > 1)
        take("no deficit: other collateral", left == 0 and self.n_collaterals > 1)
        take("no deficit: nothing owed", left == 0 and self.n_collaterals <= 1 and not deficit)
        take("deficit in another reserve", deficit and drawn_left == 0)
        x.update(y, shares_taken=taken, shares_received=got, drawn_shares_repaid=shares, premium_ray_repaid=paid, deficit=deficit)
        if take("deficit", deficit):
            for i, r in enumerate(self.r):
                n = drawn_left if r is d else r["drawn_shares"]
                if n:
                    a, b = self.debt(r, n)
                    x[f"deficit[{i}].drawn"] = a
                    x[f"deficit[{i}].premium_ray"] = b - (paid if r is d else 0)


CALL = ("supplied owed bonus debt_to_target repay seize received fee shares_taken shares_received drawn_shares_repaid premium_ray_repaid").split()


def aave(state):
    """What the rule must answer; None: the account's own arithmetic reverts."""
    try:
        p = Spoke(state).account()
    except Arithmetic:
        return None
    x = dict(liquidatable=p.health < WAD, health=p.health, collateral_value=p.worth, debt_value=p.debts, collaterals=p.n_collaterals,
             borrows=p.n_borrows)
    if "order" not in state:
        return x
    y, refused = {}, ""
    try:
        p.call(state["order"], y)
    except Refused as e:
        refused = str(e)
    except Arithmetic:
        refused = "arithmetic"
    take("refused: " + (refused or "no"))
    x.update({n: 0 for n in CALL}, deficit=False)
    x.update(refused=refused)
    x.update(y)
    if not refused and p.aim and 0 < x["repay"] < x["owed"]:
        reaches_target(p, state, x)
    return x


def reaches_target(p, state, x):
    """The closed form: what is left after the repayment is at the target, or just above, where health exceeds bonus * factor."""
    k, d = p.r[state["order"]["collateral"]], p.r[state["order"]["debt"]]
    worth = F(x["repay"] * d["price"] * WAD, 10 ** d["decimals"])
    lost = F(x["seize"] * k["price"] * WAD * k["collateral_factor"], 10 ** k["decimals"])
    if p.health * BPS * BPS > x["bonus"] * k["collateral_factor"] * WAD and worth < p.debts:
        assert (p.weighted - lost) * WAD >= state["target_health"] * BPS * (p.debts - worth), state
        take("the target is reached")


# ---- Euler

def ltv(k, now):
    if now >= k["target_timestamp"] or k["liquidation_ltv"] >= k.get("initial_ltv", 0):
        return k["liquidation_ltv"]
    take("LTV on its ramp")
    return k["liquidation_ltv"] + (k["initial_ltv"] - k["liquidation_ltv"]) * (k["target_timestamp"] - now) // k["ramp_duration"]


def liquidity(s, now):
    c = 0
    for k in s["collaterals"]:
        if k.get("enabled", True) and ltv(k, now) and k["balance"]:
            c = u(c + down(k["value"], ltv(k, now), BPS))
    return c, s["liability_value"] if s["liability"] else 0


def in_violation(c, debt):
    return not (c > debt or debt == 0)


def violation_at(s):
    """Second by second."""
    end = max([s["now"]] + [k["target_timestamp"] for k in s["collaterals"] if k.get("enabled", True)])
    stops = end if end - s["now"] < 400 else s["now"] + 400
    for t in range(s["now"], stops + 1):
        if in_violation(*liquidity(s, t)):
            return t
    assert stops == end
    return 0


def euler_refusal(s, o, k):
    cooling = s["now"] < s.get("last_status_check", 0) + s.get("cool_off", 0)
    who = dict(none="E_NoLiability", other="E_NotController", several="E_TransientState").get(s.get("controller", "this"))
    for bad, name in ((not o.get("liquidator_enabled", True), "E_ControllerDisabled"), (s.get("disabled"), "E_OperationDisabled"),
                      (o.get("self"), "E_SelfLiquidation"),
                      (k["target_timestamp"] == 0, "E_BadCollateral"), (who, who), (not k.get("enabled", True), "E_CollateralDisabled"),
                      (s.get("deferred"), "E_ViolatorLiquidityDeferred"), (cooling, "E_LiquidationCoolOff")):
        if bad:
            raise Refused(name)


def euler_most(s, k, c, debt, x):
    if not in_violation(c, debt):
        return
    factor, least = down(c, WAD, debt), WAD - WAD * s["max_discount"] // BPS
    take("discount at its greatest", factor < least)
    take("discount 1 - health", factor > least)
    x["discount_factor"] = factor = max(factor, least)
    if take("worthless collateral", k["value"] == 0):
        x["max_yield"] = k["balance"]
        return
    pay, get = debt, down(debt, WAD, factor)
    take("yield is exactly the collateral", k["value"] == get)
    if take("collateral short", k["value"] < get):
        pay, get = down(k["value"], factor, WAD), k["value"]
    x["max_repay"] = down(pay, s["liability"], debt)
    x["max_yield"] = down(get, k["balance"], k["value"])


def euler_call(s, o, c, debt, out):
    k, x = s["collaterals"][o["collateral"]], dict(discount_factor=0, max_repay=0, max_yield=0)
    euler_refusal(s, o, k)
    repay = got = 0
    if s["liability"]:
        if not s.get("oracle", True):
            raise Refused("E_NoPriceOracle")
        euler_most(s, k, c, debt, x)
        out.update(x)
        repay, got, wish = x["max_repay"], x["max_yield"], o.get("repay", ALL)
        if wish != ALL:
            if wish > repay:
                take("repay one too much", wish == repay + 1)
                raise Refused("E_ExcessiveRepayAmount")
            if repay:
                take("repay in part", 0 < wish < repay)
                repay, got = wish, down(wish, got, repay)
    if o.get("min_yield", 0) > got:
        raise Refused("E_MinYield")
    socialised = 0
    left = [j["balance"] - (got if j is k else 0) for j in s["collaterals"] if j.get("enabled", True) and j["target_timestamp"]]
    if s["liability"] > repay and not any(left):
        take("too small to socialise", debt == 10**6 - 1)
        take("least that is socialised", debt == 10**6)
        take("socialising is switched off", debt >= 10**6 and bool(s.get("dont_socialize")))
        if debt >= 10**6 and not s.get("dont_socialize"):
            socialised = s["liability"] - repay
            take("socialised")
    take("not socialised: another collateral", s["liability"] > repay and got == k["balance"] and any(left))
    out.update(x, repay=repay, socialised=socialised)
    out["yield"] = got


def euler(s):
    try:
        c, debt = liquidity(s, s["now"])
    except Arithmetic:
        return None
    bad = in_violation(c, debt)
    take("adjusted value equals the liability", bad and c == debt)
    take("adjusted value one above", c == debt + 1)
    cooling = s["now"] < s.get("last_status_check", 0) + s.get("cool_off", 0)
    free = s.get("oracle", True) and not s.get("deferred") and not s.get("disabled") and s.get("controller", "this") == "this" and not cooling
    x = dict(liquidatable=bad and free, health=min(ALL, c * WAD // debt) if debt else ALL, violation=bad, violation_at=violation_at(s),
             cooling=cooling,
             adjusted_value=c, liability_value=debt)
    take("a ramp brings the violation", x["violation_at"] > s["now"])
    x.update({f"collateral[{i}].ltv": ltv(k, s["now"]) for i, k in enumerate(s["collaterals"])})
    if "order" not in s:
        return x
    y, refused = dict.fromkeys("discount_factor max_repay max_yield repay yield socialised".split(), 0), ""
    try:
        euler_call(s, s["order"], c, debt, y)
    except Refused as e:
        refused = str(e)
    except Arithmetic:
        refused = "arithmetic"
    take("refused: " + (refused or "no"))
    return {**x, **y, "refused": refused}
