# SPDX-License-Identifier: Apache-2.0
"""Independent judge of aave-3.5: the contract's text (v3.5.0) in Python integers, function by function under the
contract's own names, uint256 checked. The other versions are in judge_aave_versions.py, as what they do otherwise.
The policy of `size` is ours and follows docs/rules.md.
"""
RAY, WAD = 10**27, 10**18
PERCENTAGE_FACTOR = 10**4
UINT256 = 2**256
HEALTHY = UINT256 - 1
ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)

DEFAULT_LIQUIDATION_CLOSE_FACTOR = 5000
CLOSE_FACTOR_HF_THRESHOLD = 95 * 10**16
MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD = 2000 * 10**8
MIN_LEFTOVER_BASE = 1000 * 10**8


class Revert(Exception):
    pass


def u(x):
    if not 0 <= x < UINT256:
        raise Revert("uint256")
    return x


def div_up(a, b):
    return -(-a // b)


def percent_mul(v, p):
    return (u(v * p) + 5000) // PERCENTAGE_FACTOR


def percent_div(v, p):
    return (u(v * PERCENTAGE_FACTOR) + p // 2) // p


def percent_div_ceil(v, p):
    return div_up(u(v * PERCENTAGE_FACTOR), p)


class Reserve:
    def __init__(self, index, asset, decimals, lt, lb, fee, emode, emode_lt, emode_lb, liq_index, borrow_index):
        self.index, self.asset, self.unit = index, asset, 10**decimals
        self.lt, self.lb, self.fee = lt, lb, fee
        self.emode, self.emode_lt, self.emode_lb = emode, emode_lt, emode_lb
        self.further = {}  # category: (threshold, bonus), where it is collateral in several
        self.liq_index, self.borrow_index = liq_index, borrow_index
        self.grace = False  # in its liquidation grace period

    def a_balance(self, scaled):
        return u(scaled * self.liq_index) // RAY

    def v_balance(self, scaled):
        return div_up(u(scaled * self.borrow_index), RAY)

    def a_scaled(self, amount):
        """What burning or transferring an amount of aTokens takes of the scaled balance."""
        return div_up(u(amount * RAY), self.liq_index)

    def v_scaled(self, amount):
        return u(amount * RAY) // self.borrow_index

    def debt_base(self, amount, price):
        return div_up(u(amount * price), self.unit)

    binomial = False  # the formula of calculateCompoundedInterest


class Account:
    """positions: {reserve index: [Reserve, enabled, scaled supply, scaled debt]}"""

    def __init__(self, emode, positions):
        self.emode, self.positions = emode, positions

    def copy(self):
        return type(self)(self.emode, {k: list(v) for k, v in self.positions.items()})

    @staticmethod
    def counts(r, enabled):
        return r.lt != 0 and enabled

    def adjusted(self, px):
        """The collateral side of the test, 1e-12 of the base currency."""
        return self.calculate_user_account_data(px)[3]

    def terms(self, r):
        if self.emode in r.further:
            return r.further[self.emode]
        return (r.emode_lt, r.emode_lb) if self.emode != 0 and r.emode == self.emode else (r.lt, r.lb)

    def calculate_user_account_data(self, px):
        collateral = debt = weighted = 0
        for r, enabled, supply, owed in self.positions.values():
            if self.counts(r, enabled):
                balance = u(r.a_balance(supply) * px[r.asset]) // r.unit
                collateral += balance
                weighted = u(weighted + balance * self.terms(r)[0])
            if owed:
                debt = u(debt + r.debt_base(r.v_balance(owed), px[r.asset]))
        hf = HEALTHY if debt == 0 else u(u(weighted * WAD) + debt // 2) // debt // 10000
        return collateral, debt, hf, weighted

    def callable(self):
        """Is there a debt and a collateral (where there is one at all) out of their grace periods?"""
        debts = [r for r, _, _, owed in self.positions.values() if owed]
        colls = [r for r, enabled, supply, _ in self.positions.values() if supply and self.counts(r, enabled)]
        return any(not r.grace for r in debts) and (not colls or any(not r.grace for r in colls))

    def liquidatable(self, px):
        return self.calculate_user_account_data(px)[2] < WAD and self.callable()

    def health(self, px):
        """What the rule publishes: S 1e18 + floor(D/2) against 1e22 D (docs/rules.md)."""
        _, debt, hf, weighted = self.calculate_user_account_data(px)
        return hf < WAD and self.callable(), weighted * WAD + debt // 2, debt * 10**22

    def max_liquidatable(self, px, debt_r, coll_r):
        _, total, hf, _ = self.calculate_user_account_data(px)
        debt = debt_r.v_balance(self.positions[debt_r.index][3])
        coll = coll_r.a_balance(self.positions[coll_r.index][2])
        debt_base = debt_r.debt_base(debt, px[debt_r.asset])
        coll_base = u(coll * px[coll_r.asset]) // coll_r.unit
        least = MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD
        if coll_base >= least and debt_base >= least and hf > CLOSE_FACTOR_HF_THRESHOLD:
            cap = percent_mul(total, DEFAULT_LIQUIDATION_CLOSE_FACTOR)
            if debt_base > cap:
                return u(cap * debt_r.unit) // px[debt_r.asset]
        return debt

    def available_collateral(self, px, debt_r, coll_r, to_cover):
        """_calculateAvailableCollateralToLiquidate: collateral, debt, fee, value."""
        pd, pc, lb = px[debt_r.asset], px[coll_r.asset], self.terms(coll_r)[1]
        balance = coll_r.a_balance(self.positions[coll_r.index][2])
        base = u(pd * to_cover * coll_r.unit) // u(pc * debt_r.unit)
        most = self.percent_of_base(base, lb)
        if most > balance:
            amount = balance
            needed = self.percent_needed(u(pc * amount * debt_r.unit) // u(pd * coll_r.unit), lb)
        else:
            amount, needed = most, to_cover
        value = u(amount * pc) // coll_r.unit
        fee = 0
        if coll_r.fee != 0:
            if lb == 0:
                raise Revert("division by zero")
            bonus = u(amount - self.percent_without_bonus(amount, lb))
            fee = self.percent_fee(bonus, coll_r.fee)
            amount -= fee
        return amount, needed, fee, value

    percent_of_base, percent_needed = staticmethod(percent_mul), staticmethod(percent_div_ceil)
    percent_without_bonus, percent_fee = staticmethod(percent_div), staticmethod(percent_mul)

    def has_no_collateral_left(self, px, coll_r, amount, fee, value):
        return value == self.calculate_user_account_data(px)[0]

    def check_dust(self, px, debt_r, coll_r, amount, needed, fee):
        debt = debt_r.v_balance(self.positions[debt_r.index][3])
        balance = coll_r.a_balance(self.positions[coll_r.index][2])
        u(debt - needed)
        if needed < debt and amount + fee < balance:
            debt_ok = debt_r.debt_base(debt - needed, px[debt_r.asset]) >= MIN_LEFTOVER_BASE
            coll_ok = (balance - amount - fee) * px[coll_r.asset] // coll_r.unit >= MIN_LEFTOVER_BASE
            if not (debt_ok and coll_ok):
                raise Revert("MustNotLeaveDust")

    def check_amounts(self, px, debt_r, coll_r, amount, needed, fee, value):
        debt = debt_r.v_balance(self.positions[debt_r.index][3])
        self.check_dust(px, debt_r, coll_r, amount, needed, fee)
        burn = debt if self.has_no_collateral_left(px, coll_r, amount, fee, value) else needed
        if coll_r.a_scaled(amount) == 0 or debt_r.v_scaled(burn) == 0:
            raise Revert("InvalidBurnAmount")

    def execute_liquidation_call(self, px, debt_index, coll_index, to_cover):
        """Flows {(party, reserve): token units} and the account afterwards. Raises Revert."""
        hf = self.calculate_user_account_data(px)[2]
        if hf >= WAD:
            raise Revert("HealthFactorNotBelowThreshold")
        if debt_index not in self.positions or self.positions[debt_index][3] == 0 or to_cover <= 0:
            raise Revert("debt")
        if coll_index not in self.positions:
            raise Revert("collateral")
        coll_r, enabled, supply, _ = self.positions[coll_index]
        debt_r = self.positions[debt_index][0]
        if not self.counts(coll_r, enabled) or supply == 0:
            raise Revert("CollateralCannotBeLiquidated")
        if debt_r.grace or coll_r.grace:
            raise Revert("LiquidationGraceSentinelCheckFailed")
        cover = min(to_cover, self.max_liquidatable(px, debt_r, coll_r))
        amount, needed, fee, value = self.available_collateral(px, debt_r, coll_r, cover)
        self.check_amounts(px, debt_r, coll_r, amount, needed, fee, value)
        after = self.copy()
        a = after.positions
        balance = coll_r.a_balance(supply)
        debt = debt_r.v_balance(a[debt_index][3])
        none_left = self.has_no_collateral_left(px, coll_r, amount, fee, value)
        if self.disables(coll_r, supply, amount, fee, balance, none_left):
            a[coll_index][1] = False
        # who holds what of each token: own claims and debts of the account, tokens of the others
        flows = {}

        def move(party, index, x):
            flows[party, index] = flows.get((party, index), 0) + x

        burn = debt if none_left else needed
        a[debt_index][3] = u(a[debt_index][3] - debt_r.v_scaled(burn))
        deficits = {debt_index: debt - needed} if none_left else {}
        a[coll_index][2] = u(a[coll_index][2] - coll_r.a_scaled(amount))
        treasury = coll_r.a_scaled(fee)
        if treasury > a[coll_index][2]:
            treasury = a[coll_index][2]
            fee = coll_r.a_balance(treasury)
        a[coll_index][2] -= treasury
        if none_left:
            for index, pos in a.items():
                if pos[3]:
                    deficits[index] = pos[0].v_balance(pos[3])
                    pos[3] = 0
        move(LIQUIDATOR, debt_index, -needed)
        move(LIQUIDATOR, coll_index, amount)
        move(VENUE, coll_index, fee)
        for index, x in deficits.items():
            move(DEFICIT, index, -x)
        for index, (r, _, s0, d0) in self.positions.items():
            _, _, s1, d1 = a[index]
            move(ACCOUNT, index, r.a_balance(s1) - r.a_balance(s0) + r.v_balance(d0) - r.v_balance(d1))
        for index in self.positions:  # what is left over is the pool's
            rest = -sum(x for (party, i), x in flows.items() if i == index)
            move(POOL, index, rest)
        after.positions = {i: v for i, v in a.items() if v[2] or v[3]}
        return {k: x for k, x in flows.items() if x}, after

    @staticmethod
    def disables(coll_r, supply, amount, fee, balance, none_left):
        """Is the reserve no longer used as collateral after the call?"""
        return amount + fee == balance

    # ---- size: docs/rules.md, "Size of an Aave liquidation"

    def target_amount(self, px, debt_r, coll_r, target_ppm):
        """Debt to repay for the target, before any limit but the reserve's whole debt."""
        _, total, _, weighted = self.calculate_user_account_data(px)
        debt = debt_r.v_balance(self.positions[debt_r.index][3])
        lt, lb = self.terms(coll_r)
        t = max(target_ppm, 10**6)
        weighted, lt = self.weighted_bound(px, weighted, lt)
        den = 100 * t - lb * lt
        if den <= 0:
            return debt
        pd, pc = px[debt_r.asset], px[coll_r.asset]
        du = debt_r.borrow_index // RAY + 2
        cu = 2 * (coll_r.liq_index // RAY + 2) + 2
        d = total + div_up(du * pd, debt_r.unit) + 1
        s = weighted - lt * (div_up(cu * pc, coll_r.unit) + 1)
        return min(debt, div_up(div_up(100 * t * d - 10**4 * s, den) * debt_r.unit, pd))

    def weighted_bound(self, px, weighted, lt):
        """What the target is solved with: collateral side and threshold of the collateral seized."""
        return weighted, lt

    def least_left(self, debt_r, pd):
        """Token units of debt that are worth MIN_LEFTOVER_BASE."""
        return (MIN_LEFTOVER_BASE - 1) * debt_r.unit // pd + 1

    def pair_amount(self, px, debt_r, coll_r, target_ppm, dust):
        """(cover, max, amounts) for one pair, or None."""
        debt = debt_r.v_balance(self.positions[debt_r.index][3])
        balance = coll_r.a_balance(self.positions[coll_r.index][2])
        pd, pc, lb = px[debt_r.asset], px[coll_r.asset], self.terms(coll_r)[1]
        if lb == 0:
            return None
        most = self.max_liquidatable(px, debt_r, coll_r)
        cover = self.target_amount(px, debt_r, coll_r, target_ppm)
        cover = min(cover, most)
        if div_up((debt - cover) * pd, debt_r.unit) < dust * 10**8:
            cover = most
        amount, _, fee, _ = self.available_collateral(px, debt_r, coll_r, cover)
        if amount + fee == balance:
            cover = most
        keep_debt = self.least_left(debt_r, pd)
        seize = balance - div_up(MIN_LEFTOVER_BASE * coll_r.unit, pc)
        leave = 0
        if seize > 0:
            base = seize * 10**4 // lb
            leave = min(debt - keep_debt, ((base + 1) * debt_r.unit * pc - 1) // (coll_r.unit * pd))
        for k, c in enumerate((cover, most, min(leave, most))):
            if c <= 0:
                continue
            got = self.available_collateral(px, debt_r, coll_r, c)
            try:
                self.check_amounts(px, debt_r, coll_r, *got)
                return c, most, got
            except Revert as why:
                if k == 1 and str(why) != "MustNotLeaveDust":
                    return None
        return None

    def size(self, px, target_ppm, dust):
        if not self.liquidatable(px):
            return None
        debts = [(r.debt_base(r.v_balance(d), px[r.asset]), -i, r) for i, (r, _, _, d) in self.positions.items() if d and not r.grace]
        for _, _, debt_r in sorted(debts, key=lambda x: (-x[0], -x[1])):
            best = None
            for index in sorted(self.positions):
                coll_r, enabled, supply, _ = self.positions[index]
                if not self.counts(coll_r, enabled) or supply == 0 or coll_r.grace:
                    continue
                got = self.pair_amount(px, debt_r, coll_r, target_ppm, dust)
                if got is None:
                    continue
                cover, most, (amount, needed, _, _) = got
                paid = div_up(needed * px[debt_r.asset], debt_r.unit)
                reward = amount * px[coll_r.asset] // coll_r.unit - paid
                if best is None or reward > best[2]:
                    best = (cover == most, paid, reward, [(debt_r.index, cover), (index, 0)])
            if best:
                return best
        return None
