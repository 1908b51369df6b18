# SPDX-License-Identifier: Apache-2.0
"""Independent judge of what moves with time, written from docs/rules.md ("Time") in Python integers: what a market told
at some second is worth at another. Nothing is known here of windows or rows."""
import copy
from fractions import Fraction as F

import judge_perp as jp

RAY, YEAR, CENTURY = 10**27, 365 * 86400, 100 * 365 * 86400


def ray_mul(a, b):
    return (a * b + RAY // 2) // RAY


def calculate_linear_interest(rate, seconds):
    return RAY + rate * seconds // YEAR


def calculate_compounded_interest(rate, seconds):
    x = rate * seconds // YEAR
    return RAY + x + ray_mul(x, x // 2 + ray_mul(x, x // 6))


def binomial_interest(rate, seconds):
    """calculateCompoundedInterest up to v3.3."""
    exp_minus_one, exp_minus_two = max(0, seconds - 1), max(0, seconds - 2)
    base_power_two = ray_mul(rate, rate) // (YEAR * YEAR)
    base_power_three = ray_mul(base_power_two, rate) // YEAR
    second_term = seconds * exp_minus_one * base_power_two // 2
    third_term = seconds * exp_minus_one * exp_minus_two * base_power_three // 6
    return RAY + rate * seconds // YEAR + second_term + third_term


class Told:
    """What is told of one instrument; all zero: nothing moves."""

    def __init__(self, funding_index=0, funding_rate=0, liquidity_rate=0, borrow_rate=0, told_at=0, ramp_from=0, emode_ramp_from=0,
                 ramp_start=0, ramp_end=0, grace_until=0):
        self.__dict__.update({k: v for k, v in locals().items() if k != "self"})

    def lines(self, i):
        return [f"rates {i} {self.funding_index} {self.funding_rate} {self.liquidity_rate} {self.borrow_rate} {self.told_at}",
                f"ramp {i} {self.ramp_from} {self.emode_ramp_from} {self.ramp_start} {self.ramp_end} {self.grace_until}"]

    def seconds(self, t):
        return max(0, min(t - self.told_at, CENTURY))

    def liquidity_index(self, told, t):
        return ray_mul(calculate_linear_interest(self.liquidity_rate, self.seconds(t)), told) if self.liquidity_rate else told

    def borrow_index(self, told, t, binomial=False):
        interest = binomial_interest if binomial else calculate_compounded_interest
        return ray_mul(interest(self.borrow_rate, self.seconds(t)), told) if self.borrow_rate else told

    def funding(self, t):
        return self.funding_index + self.funding_rate * self.seconds(t)

    def threshold(self, start, target, t):
        """getLTV: before the ramp its start, after it the target, else target + (start - target) left / duration, floored."""
        if not start or t >= self.ramp_end:
            return target
        left = min(self.ramp_end - t, self.ramp_end - self.ramp_start)
        return target + (start - target) * left // (self.ramp_end - self.ramp_start)

    def in_grace(self, t):
        return self.grace_until != 0 and not self.grace_until < t


def reserve_at(r, told, supply_t, debt_t, t):
    """The reserve with the supply index of one moment, the debt index of another and the rest at t."""
    out = copy.copy(r)
    out.liq_index, out.borrow_index = told.liquidity_index(r.liq_index, supply_t), told.borrow_index(r.borrow_index, debt_t, r.binomial)
    out.lt, out.emode_lt = told.threshold(told.ramp_from, r.lt, t), told.threshold(told.emode_ramp_from, r.emode_lt, t)
    out.grace = told.in_grace(t)
    return out


def perp_at(p, told, t):
    out = copy.copy(p)
    out.drift = F(told.funding(t) - p.settled, 10**18)
    return out


def case_at(case, told, t, worst=None):
    """The case as it is at second t; or, worst = (from, until), with each parameter at its worst of that span."""
    out = copy.copy(case)
    start, end = worst or (t, t)
    out.judge = copy.copy(case.judge)
    if case.lending:
        out.judge.positions = {i: [reserve_at(v[0], told[i], start, end, end)] + v[1:] for i, v in case.judge.positions.items()}
        return out
    out.judge.positions = []
    for p, size, entry in case.judge.positions:
        at = [perp_at(p, told[p.index], x) for x in (start, end)]
        out.judge.positions.append((max(at, key=lambda q: q.drift * (1 if size > 0 else -1)), size, entry))
    return out


def liquidatable(case, px):
    return case.judge.liquidatable(px) if case.lending else case.judge.health(px)[0]


__all__ = ["Told", "case_at", "jp", "liquidatable", "CENTURY", "YEAR", "RAY"]
