# SPDX-License-Identifier: Apache-2.0
"""Independent judges of the other versions of Aave v3, each as what its contracts do otherwise than v3.5.0 (judge_aave.py),
in the contracts' order and under their names: core 1.19.3, v3.3.0, v3.4.0, v3.6.0, v3.7.
"""
import judge_aave as j
from judge_aave import RAY, WAD, PERCENTAGE_FACTOR, Revert, div_up, u


def ray_mul(a, b):
    return (u(a * b) + RAY // 2) // RAY


def ray_div(a, b):
    return (u(a * RAY) + b // 2) // b


def wad_div(a, b):
    return u(u(a * WAD) + b // 2) // b


class HalfUpReserve(j.Reserve):
    """AToken.balanceOf, VariableDebtToken.balanceOf, _burnScaled, _transfer and _getUserDebtInBaseCurrency up to v3.4."""

    def a_balance(self, scaled):
        return ray_mul(scaled, self.liq_index)

    def v_balance(self, scaled):
        return ray_mul(scaled, self.borrow_index)

    def a_scaled(self, amount):
        return ray_div(amount, self.liq_index)

    def v_scaled(self, amount):
        return ray_div(amount, self.borrow_index)

    def debt_base(self, amount, price):
        return u(amount * price) // self.unit


class BinomialReserve(HalfUpReserve):
    binomial = True


class Account34(j.Account):
    percent_needed = staticmethod(j.percent_div)

    def average(self, px):
        """C, avgLiquidationThreshold, the thresholds of what is worth anything, D."""
        total = weighted = debt = 0
        thresholds = set()
        for r, enabled, supply, owed in self.positions.values():
            if r.lt != 0 and enabled:
                value = u(ray_mul(supply, r.liq_index) * px[r.asset]) // r.unit
                total, weighted = total + value, weighted + value * self.terms(r)[0]
                thresholds |= {self.terms(r)[0]} if value else set()
            debt += u(ray_mul(owed, r.borrow_index) * px[r.asset]) // r.unit
        return total, weighted // total if total else 0, thresholds, debt

    def calculate_user_account_data(self, px):
        total, average, _, debt = self.average(px)
        hf = j.HEALTHY if debt == 0 else wad_div(j.percent_mul(total, average), debt)
        return total, debt, hf, j.Account.calculate_user_account_data(self, px)[3]

    def adjusted(self, px):
        total, average, _, _ = self.average(px)
        return j.percent_mul(total, average) * PERCENTAGE_FACTOR

    def health(self, px):
        """What the rule publishes, in the quantum of the other versions."""
        _, debt, hf, _ = self.calculate_user_account_data(px)
        return hf < WAD and self.callable(), self.adjusted(px) * WAD + debt // 2 * 10**4, debt * 10**22

    # ---- size

    def weighted_bound(self, px, weighted, lt):
        total, _, thresholds, _ = self.average(px)
        if len(thresholds) > 1:
            return weighted - total - 5000, max(0, lt - 1)
        return weighted - 5000, lt

    def least_left(self, debt_r, pd):
        return div_up(j.MIN_LEFTOVER_BASE * debt_r.unit, pd)


class Account33(Account34):
    pass  # the interest differs, and that self-liquidation is allowed


class Account119(Account33):
    """No dust rule, no deficit; the close factor is of the reserve's debt."""

    def max_liquidatable(self, px, debt_r, coll_r):
        hf = self.calculate_user_account_data(px)[2]
        debt = debt_r.v_balance(self.positions[debt_r.index][3])
        return j.percent_mul(debt, j.DEFAULT_LIQUIDATION_CLOSE_FACTOR if hf > j.CLOSE_FACTOR_HF_THRESHOLD else PERCENTAGE_FACTOR)

    def check_dust(self, px, debt_r, coll_r, amount, needed, fee):
        u(debt_r.v_balance(self.positions[debt_r.index][3]) - needed)

    def has_no_collateral_left(self, px, coll_r, amount, fee, value):
        return False


class Account36(j.Account):
    """The reserve's own configuration no longer supersedes an eMode's: whatever is enabled counts."""

    @staticmethod
    def counts(r, enabled):
        return enabled


class Account37(Account36):
    @staticmethod
    def percent_of_base(v, p):  # percentMulFloor
        return u(v * p) // PERCENTAGE_FACTOR

    @staticmethod
    def percent_without_bonus(v, p):  # percentDivFloor
        return u(v * PERCENTAGE_FACTOR) // p

    @staticmethod
    def percent_fee(v, p):  # percentMulCeil
        return div_up(u(v * p), PERCENTAGE_FACTOR)

    def consumed(self, coll_r, amount, fee):
        return min(coll_r.a_scaled(amount) + coll_r.a_scaled(fee), self.positions[coll_r.index][2])

    def has_no_collateral_left(self, px, coll_r, amount, fee, value):
        burnt = coll_r.a_balance(self.consumed(coll_r, amount, fee))
        return u(burnt * px[coll_r.asset]) // coll_r.unit == self.calculate_user_account_data(px)[0]

    def disables(self, coll_r, supply, amount, fee, balance, none_left):
        return none_left or self.consumed(coll_r, amount, fee) == supply


RULES = {
    "aave-1.19": (BinomialReserve, Account119),
    "aave-3.3": (BinomialReserve, Account33),
    "aave-3.4": (HalfUpReserve, Account34),
    "aave-3.5": (j.Reserve, j.Account),
    "aave-3.6": (j.Reserve, Account36),
    "aave-3.7": (j.Reserve, Account37),
}

__all__ = ["RULES", "Revert"]
