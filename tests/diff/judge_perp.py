# SPDX-License-Identifier: Apache-2.0
"""Independent judge of perp-linear-1, perp-inverse-1 and perp-portfolio-1, written from docs/rules.md.

Works in fractions of whole currency units: no quantum, no scaling, no tier look-up (all tiers are evaluated and
the largest taken). Only where the rule itself rounds does it round, by math.floor and math.ceil.
"""
from fractions import Fraction as F
from math import ceil, floor

LINEAR, INVERSE = 1, 2
ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)
ATTOS = 10**18
ATTO = F(1, ATTOS)  # the inverse rule's resolution


def up(x, quantum):
    return ceil(x / quantum) * quantum


class Perp:
    """Contract terms; floors of tiers in cash quanta, rates, fee and penalty in ppm."""

    def __init__(self, kind, index, asset, size_dec, price_dec, cash_dec, tiers, fee, penalty):
        self.kind, self.index, self.asset = kind, index, asset
        self.size_q, self.price_q = F(1, 10**size_dec), F(1, 10**price_dec)
        self.size_dec, self.price_dec = size_dec, price_dec
        self.cash_q = F(1, 10**cash_dec)
        self.tiers, self.fee, self.penalty = tiers, F(fee, 10**6), F(penalty, 10**6)
        self.settled = 0  # the position's funding index, in 1e-18
        self.weight = F(1)  # of an unrealised profit
        self.drift = F(0)  # what the instrument's has risen by since, in currency for a whole unit of size

    def funding(self, size, quantum):
        """What a signed quantity owes, rounded up."""
        if not self.drift:
            return F(0)
        over = self.size_q.denominator * self.drift.denominator * quantum.numerator
        return -(-size * self.drift.numerator * quantum.denominator // over) * quantum

    def margin(self, notional):
        """max_k(rate_k N - cum_k), cum_k by the recurrence of the published tables. All over one denominator."""
        n, d, cash = notional.numerator, notional.denominator, self.cash_q.denominator
        best = cum = previous = 0
        for k, (low, ppm) in enumerate(self.tiers):
            if k:
                cum += low * (ppm - previous)
            best = max(best, ppm * n * cash - cum * d)
            previous = ppm
        return F(best, 10**6 * d * cash)

    def top_rate(self):
        return F(max(r for _, r in self.tiers), 10**6)

    def value(self, size, entry, px):
        """pnl and notional of a signed quantity (quanta) at a price (quanta)."""
        one, tick = self.size_q.denominator, self.price_q.denominator
        if self.kind == LINEAR:
            return F(size * (px - entry), one * tick), F(abs(size) * px, one * tick)
        n = size * tick * ATTOS
        return F(n // (entry * one) + -n // (px * one), ATTOS), F(-(-abs(n) // (px * one)), ATTOS)

    def quote(self, qty, px):
        """Value of a quantity in the quote currency."""
        q = qty * self.size_q
        return q * px * self.price_q if self.kind == LINEAR else q


class Account:
    def __init__(self, kind, cash_dec, cash, positions, scenarios=()):
        self.kind, self.cash_dec, self.cash = kind, cash_dec, cash
        self.scenarios = scenarios  # [{instrument: shock in ppm}], perp-portfolio-1 only
        self.positions = positions  # [(Perp, size, entry)]

    def exponent(self):
        """K: the value quantum is 10^-K."""
        if self.kind == INVERSE:
            return 18
        return max([self.cash_dec] + [i.size_dec + i.price_dec for i, _, _ in self.positions])

    def worst(self, px, which):
        """What these positions (by number) lose in the worst scenario; the market as it is counts as one."""
        if not self.scenarios:
            return F(0)
        held = [self.positions[i] for i in which]
        unit = 10 ** max([0] + [inst.size_dec + inst.price_dec for inst, _, _ in held])
        at_stake = [(inst.index, -s * px[inst.asset] * (unit // 10 ** (inst.size_dec + inst.price_dec))) for inst, s, _ in held]
        return F(max(0, *(sum(x[i] * v for i, v in at_stake if i in x) for x in self.scenarios)), 10**6 * unit)

    def health(self, px):
        """liquidatable, equity, requirement in whole units."""
        equity, need = F(self.cash, 10**self.cash_dec), F(0)
        for inst, size, entry in self.positions:
            pnl, notional = inst.value(size, entry, px[inst.asset])
            pnl -= inst.funding(size, F(1, 10**self.exponent()))
            equity += inst.weight * pnl if pnl > 0 and inst.weight != 1 else pnl
            need += inst.margin(notional)
        need += self.worst(px, range(len(self.positions)))
        return need > 0 and equity < need, equity, need

    # ---- size: docs/rules.md, "Size of a perpetual liquidation"

    def size(self, px, target_ppm, dust):
        liquidatable, equity, _ = self.health(px)
        if not liquidatable:
            return None
        target = F(max(target_ppm, 10**6), 10**6)
        quantum = F(1, 10**self.exponent())
        info, pad_equity, pad_need = [], F(0), F(0)
        for inst, size, entry in self.positions:
            p = px[inst.asset]
            notional = inst.value(size, entry, p)[1]
            one = inst.value(1, entry, p)[1]
            phi = inst.fee + inst.penalty
            pad_equity += 3 * inst.cash_q + (3 if inst.drift else 2) * quantum + phi * (one + quantum)
            pad_need += inst.top_rate() * quantum
            pad_need += one * max([F(0)] + [abs(F(x.get(inst.index, 0), 10**6)) for x in self.scenarios])
            # Closing turns the part of a profit that does not count into cash.
            unreal = inst.value(size, entry, p)[0] - inst.funding(size, quantum)
            info.append((inst.margin(notional), phi * notional - (1 - inst.weight) * max(unreal, 0)))
        whole = {i for i, (inst, s, _) in enumerate(self.positions) if inst.quote(abs(s), px[inst.asset]) < dust}
        while True:
            rest = [i for i in range(len(info)) if i not in whole]
            left = equity - pad_equity - sum((info[i][1] for i in whole), F(0))
            need = target * (sum((info[i][0] for i in rest), F(0)) + self.worst(px, rest))
            cost = sum((info[i][1] for i in rest), F(0))
            num, den = need + target * pad_need - left, need - cost
            if num <= 0:
                f = F(0)
            elif den <= 0 or num >= den:
                f = F(1)
            else:
                f = up(num / den, F(1, 10**9))
            qty, grown = {}, False
            for i in rest:
                inst, s, _ = self.positions[i]
                qty[i] = ceil(abs(s) * f)
                remains = abs(s) - qty[i]
                if qty[i] and (remains == 0 or inst.quote(remains, px[inst.asset]) < dust):
                    whole.add(i)
                    grown = True
            if not grown:
                break
        legs, value, reward = [], 0, 0
        for i, (inst, s, entry) in enumerate(self.positions):
            q = abs(s) if i in whole else qty[i]
            if q == 0:
                continue
            p = px[inst.asset]
            legs.append((inst.index, q))
            value += floor(inst.quote(q, p) * 10**8)
            penalty = self.closing(inst, s, entry, q, p)[1] * inst.cash_q
            reward += floor(penalty * (1 if inst.kind == LINEAR else p * inst.price_q) * 10**8)
        return len(whole) == len(self.positions), value, reward, legs

    # ---- settlement: docs/rules.md, "Settlement of a perpetual liquidation"

    def closing(self, inst, size, entry, qty, p):
        """pnl less funding, penalty and fee of closing qty, in cash quanta."""
        part = qty if size > 0 else -qty
        pnl, notional = inst.value(part, entry, p)
        pnl -= inst.funding(part, F(1, 10**self.exponent()))
        return (floor(pnl / inst.cash_q), ceil(notional * inst.penalty / inst.cash_q),
                ceil(notional * inst.fee / inst.cash_q))

    def settle(self, px, legs):
        """Flows {party: cash quanta} and the account afterwards; None when it must be refused."""
        if not self.health(px)[0] or not legs:
            return None
        held = {inst.index: k for k, (inst, _, _) in enumerate(self.positions)}
        if len({i for i, _ in legs}) != len(legs):
            return None
        after = {inst.index: [inst, s, e] for inst, s, e in self.positions}
        pnl = penalty = fee = 0
        for index, qty in legs:
            if index not in held:
                return None
            inst, size, entry = self.positions[held[index]]
            if not 0 < qty <= abs(size):
                return None
            a, b, c = self.closing(inst, size, entry, qty, px[inst.asset])
            pnl, penalty, fee = pnl + a, penalty + b, fee + c
            after[index][1] -= qty if size > 0 else -qty
        rest = [tuple(v) for v in after.values() if v[1] != 0]
        cash = self.cash + pnl - penalty - fee
        deficit = -cash if not rest and cash < 0 else 0
        if not -2**100 < cash + deficit < 2**100:
            return None
        flows = {ACCOUNT: cash + deficit - self.cash, LIQUIDATOR: penalty, VENUE: fee, POOL: -pnl, DEFICIT: -deficit}
        return flows, Account(self.kind, self.cash_dec, cash + deficit, rest, self.scenarios)
