# SPDX-License-Identifier: Apache-2.0
"""The cascade of docs/lab/scenarios.md in exact Python integers and Fractions, written from that text: no boxes, no
searches by halves where a plain one does. Perpetuals and lending are judge_perp and judge_aave."""
import copy
from dataclasses import replace
from fractions import Fraction as F
from math import ceil, isqrt
from statistics import NormalDist

import judge_aave as ja
import judge_losses as jl
import judge_perp as jp
from judge_clip import House
from judge_depth import ONE

FACTOR, MONEY = 10**12, 10**8
HEALTHY, WARNED, PARTIAL, FULL, BACKSTOP, BANKRUPT, CLOSED = range(7)
MASK = 2**64 - 1


def splitmix64(x):
    x = (x + 0x9e3779b97f4a7c15) & MASK
    z = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
    return z ^ (z >> 31)


def trunc(a, b):
    return a // b if a >= 0 else -(-a // b)


class Member:
    """An account with its liquidation state."""

    def __init__(self, number, account):
        self.id, self.a, self.lending = number, account, not isinstance(account, jp.Account)
        self.at, self.until, self.ran, self.orders, self.due, self.tried = HEALTHY, 0, False, 0, 0, -1
        self.asked = self.failed = False

    def open(self):
        return bool(self.a.positions)


class World:
    """spec: start {asset: quanta}, coins [(assets, factors, Depth)], policy, close, target, dust, keeper dict, fund, floor,
    fees, waterfall dict (rules: of judge_losses), seed, steps, horizon. instruments: by index, ("perp", jp.Perp) or
    ("reserve", reserve)."""

    def __init__(self, spec, instruments, members):
        self.__dict__.update(spec)
        self.instruments, self.members = instruments, members
        self.coin_of = {a: k for k, (assets, _, _) in enumerate(self.coins) for a in assets}
        self.net, self.px, self.queue, self.events, self.rows = [0] * len(self.coins), dict(self.start), [], [], []
        self.mark, self.balance, self.adl_start = [FACTOR] * len(self.coins), self.fund, 0
        self.sum = dict.fromkeys("value slippage keeper fees_in unsold lost from_fund from_adl socialised booked adl_fills refused".split(), 0)
        self.seen, self.told, self.doubts, self.reduced = {}, {}, [], [0, 0, 0]
        self.last, self.variance, self.known = [0] * len(self.coins), [0] * len(self.coins), 0
        self.house = House(self, self.clip) if self.clip else None

    def note(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def asset(self, i):
        return self.instruments[i][1].asset

    def unit(self, i):
        kind, x = self.instruments[i]
        return 10**(x.size_dec + 8) if kind == "perp" else x.unit * 10**8

    def tokens(self, i, n, px=None):
        return n * (px or self.px)[self.asset(i)] * MONEY // self.unit(i)

    def prices(self):
        for k, (assets, _, depth) in enumerate(self.coins):
            self.mark[k] = self.outside[k] * depth.price(self.net[k]) // ONE
            for a in assets:
                self.px[a] = max(1, self.start[a] * self.mark[k] // FACTOR)

    def trade(self, net, i, qty):
        """gain, fair, unsold of selling (qty > 0) or buying."""
        k = self.coin_of.get(self.asset(i))
        if k is None:
            fair = self.tokens(i, qty)
            return fair, fair, 0
        sign = 1 if qty > 0 else -1
        q, depth = self.tokens(i, abs(qty), self.start), self.coins[k][2]
        to, unsold = net[k] + sign * q, 0
        room = depth.room(to > 0)
        if sign * to > room:
            unsold = min(q, sign * to - room)
            to -= sign * unsold
            self.note("more than the depth takes")
        gain = depth.value(to) - depth.value(net[k])
        if qty < 0 and unsold:
            self.note("a purchase that finds nobody")
            gain -= 2 * unsold  # owed, at the most that a purchase may cost
        gain = gain * self.outside[k] // FACTOR
        net[k] = to
        return gain, sign * (q * self.mark[k] // FACTOR), unsold

    # ---- states

    def view(self, m):
        """breached, bankrupt, hopeless (below two thirds), notional"""
        bad, equity, need = m.a.health(self.px)
        notional = 1
        if self.policy == "staged":
            notional = 0 if m.lending else sum(self.tokens(p.index, abs(s)) for p, s, _ in m.a.positions)
        return bad, bad and equity < 0, bad and 3 * equity < 2 * need, notional

    def step_state(self, m):
        """One look; True: an order is wanted."""
        bad, bankrupt, hopeless, notional = self.view(m)
        was, staged = m.at, self.policy == "staged"
        cooling = m.ran and self.now < m.until
        if bankrupt:
            to = BANKRUPT
        elif not m.open():
            to = CLOSED
        elif was in (PARTIAL, FULL, BACKSTOP, BANKRUPT) and not bad:
            to = HEALTHY
        elif bad and staged and hopeless:
            to = BACKSTOP
        elif was == PARTIAL:
            to = PARTIAL if cooling else FULL
        elif was in (FULL, BACKSTOP):
            to = was
        elif was == BANKRUPT:
            to = FULL
        elif not bad:
            to = HEALTHY
        elif not staged:
            to = FULL
        else:
            to = PARTIAL if cooling or notional > 100000 * MONEY else FULL
        m.at = to
        if to == was:
            return False
        self.note("state %d" % to)
        order = to in (PARTIAL, FULL, BACKSTOP, BANKRUPT) and not (to == PARTIAL and cooling)
        if to == PARTIAL and order:
            m.until, m.ran = self.now + 30, True
        return order

    # ---- one liquidation

    def legs(self, m):
        part = self.policy == "close_factor" or m.at == PARTIAL
        if not m.lending and (part or self.policy != "target" or m.at == BANKRUPT):
            ppm = self.close if part and m.at != BANKRUPT else 10**6
            return [(p.index, -(-abs(s) * ppm // 10**6)) for p, s, _ in m.a.positions]
        got = m.a.size(self.px, self.target if self.policy == "target" else 2**32 - 1, self.dust)
        return got[3] if got else None

    def settle(self, m, legs):
        """Flows [(party, instrument or None, amount)] and the account after."""
        if m.lending:
            try:
                flows, after = m.a.execute_liquidation_call(self.px, legs[0][0], legs[1][0], legs[0][1])
            except ja.Revert:
                return None
            return [(p, i, x) for (p, i), x in flows.items()], after
        got = m.a.settle(self.px, legs)
        return got and ([(p, None, x) for p, x in got[0].items()], got[1])

    # ---- loans beside their rule: at a discount, and what comes back from an auction

    def loan(self, m, i):
        """balance, debt in tokens"""
        r, v = self.instruments[i][1], m.a.positions[i]
        return v[2] * r.liq_index // ja.RAY, -(-v[3] * r.borrow_index // ja.RAY)

    def set_supply(self, m, i, tokens, least=False):
        """The most scaled units that are worth so many tokens; returns how far the balance moves."""
        r, v = self.instruments[i][1], m.a.positions[i]
        was = self.loan(m, i)[0]
        v[2] = ((tokens + 1) * ja.RAY - 1) // r.liq_index
        return self.loan(m, i)[0] - was

    def give(self, m, i, units):
        if i not in m.a.positions:
            m.a.positions[i] = [self.instruments[i][1], True, 0, 0]
            m.a.positions = dict(sorted(m.a.positions.items()))
            self.note("given back to who had none of it")
        self.set_supply(m, i, self.loan(m, i)[0] + units)
        if m.a.positions[i][2] == 0:
            del m.a.positions[i]

    def discount_call(self, m, halvings):
        """Flows and the account after a call that repays a part of the most; None: there is none. Euler's checkLiquidation
        (src/EVault/modules/Liquidation.sol) on the account's health, the reserves worth most."""
        m = copy.deepcopy(m)
        _, equity, need = m.a.health(self.px)
        worth = {i: (self.tokens(i, self.loan(m, i)[0]), -(-self.loan(m, i)[1] * self.px[self.asset(i)] * MONEY // self.unit(i))) for i in m.a.positions}
        debts = [i for i, v in m.a.positions.items() if v[3]]
        colls = [i for i, v in m.a.positions.items() if v[2] and v[1]]
        d = max(debts, key=lambda i: (worth[i][1], -i))
        k = max(colls, key=lambda i: (worth[i][0], -i)) if colls else None
        owes, value, has = self.loan(m, d)[1], worth[k][0] if colls else 0, self.loan(m, k)[0] if colls else 0
        adjusted = equity * worth[d][1] // need
        factor = max(adjusted * ja.WAD // worth[d][1], ja.WAD - ja.WAD * self.discount // 10**4)
        self.note("the greatest discount" if adjusted * ja.WAD // worth[d][1] < factor else "a discount as of health")
        if value == 0:
            pay, got = 0, has
            self.note("worthless collateral")
        else:
            money, gets = worth[d][1], worth[d][1] * ja.WAD // factor
            if value < gets:
                money, gets = value * factor // ja.WAD, value
            pay, got = money * owes // worth[d][1], gets * has // value
        if halvings:
            part = pay >> halvings
            if part == 0:
                return None
            pay, got = part, part * got // pay
        flows = []
        v, r = m.a.positions[d], self.instruments[d][1]
        left = owes - pay
        v[3] = min(v[3], (left - 1) * ja.RAY // r.borrow_index + 1) if left else 0
        flows.append((jp.LIQUIDATOR, d, -pay))
        if got:
            self.set_supply(m, k, has - got)
            flows.append((jp.LIQUIDATOR, k, got))
        if not any(v[2] and v[1] for v in m.a.positions.values()):
            for i, v in m.a.positions.items():
                if v[3]:
                    flows.append((jp.DEFICIT, i, -self.loan(m, i)[1]))
                    v[3] = 0
        m.a.positions = {i: v for i, v in m.a.positions.items() if v[2] or v[3]}
        return flows, m.a

    def at_discount(self, m):
        for k in range(7):
            got = self.discount_call(m, k)
            if got is None:
                return "refused" if k == 0 else "unpaid"
            flows, after = got
            net, keeper, value, slip, unsold = list(self.net), 0, 0, 0, 0
            for p, i, x in flows:
                if p == jp.LIQUIDATOR and x:
                    gain, fair, out = self.trade(net, i, x)
                    keeper, slip, unsold = keeper + gain, slip + fair - gain, unsold + out
                    value += self.tokens(i, -x) if x < 0 else 0
            if keeper <= self.gas():
                self.note("a discount that does not pay yet")
                continue
            self.note("all at a discount" if k == 0 else "a part at a discount")
            self.finish(m, None, flows, None, net, after, (value, slip, keeper - self.gas(), unsold))
            return "executed"
        return "unpaid"

    def gas(self):
        k = self.keeper
        return k["spike_gas"] if k["spike"][0] <= self.step < k["spike"][1] else k["gas"]

    def execute(self, m):
        if m.lending and self.discount:
            return self.at_discount(m)
        legs = self.legs(m)
        got = legs and self.settle(m, legs)
        if not got:
            return "refused"
        flows, after = got
        net, keeper, value, slip, unsold, held, lots = list(self.net), 0, 0, 0, 0, None, []
        deficit = sum(-x for p, i, x in flows if p == jp.DEFICIT and i is None)
        if deficit > 0:
            held = max(range(len(legs)), key=lambda k: (self.tokens(*legs[k]), -k))
        order = sorted((x for x in flows if x[0] == jp.LIQUIDATOR), key=lambda x: (x[2] > 0)) if m.lending else flows
        for p, i, x in order:
            if p != jp.LIQUIDATOR or x == 0:
                continue
            if i is None:
                keeper += x * 100
                continue
            if m.lending and self.house and x > 0:
                lots.append((i, x))
                continue
            gain, fair, out = self.trade(net, i, x)
            keeper, slip, unsold = keeper + gain, slip + fair - gain, unsold + out
            if x < 0:
                value += self.tokens(i, -x)
        if not m.lending:
            value = sum(self.tokens(i, q) for i, q in legs)
            size = {p.index: s for p, s, _ in m.a.positions}
            for k, (i, q) in enumerate(legs):
                if m.at != BACKSTOP and k != held:
                    gain, fair, out = self.trade(net, i, q if size[i] > 0 else -q)
                    keeper, slip, unsold = keeper + gain - fair, slip + fair - gain, unsold + out
        if m.lending and self.house:
            tab, keeper = -keeper, 0
            for i, x in lots:  # Aave has one
                if not self.house.begin(m, i, x, tab):
                    gain, _, out = self.trade(net, i, x)
                    keeper, unsold = gain - tab, unsold + out
        keeper -= self.gas()
        if self.keeper["must_pay"] and keeper <= 0 and not (m.lending and self.house):
            return "unpaid"
        self.finish(m, legs, flows, held, net, after, (value, slip, keeper, unsold))
        return "executed"

    def finish(self, m, legs, flows, held, net, after, sums):
        if self.fees:
            fee = sum(x * 100 for p, i, x in flows if p == jp.VENUE and i is None)
            self.balance += fee
            self.sum["fees_in"] += fee
        for name, x in zip(("value", "slippage", "keeper", "unsold"), sums):
            self.sum[name] += x
        self.events.append((self.step, self.round, m.id, m.at, sums[0], sums[2]))
        self.losses(m, legs, flows, held)
        self.net, m.a = net, after
        m.asked, m.orders = False, m.orders + 1
        if m.at != PARTIAL:
            m.at = WARNED
        if not m.open():
            self.step_state(m)

    def draw(self, need, unit):
        room = max(0, self.balance - self.floor) // unit
        pay = (need if need <= room else 0) if self.waterfall["rules"].each_fill else min(need, room)
        if not self.waterfall["rules"].steps & jl.FUND:
            pay = 0
        if pay < need:
            self.note("more than the fund has")
        self.balance -= pay * unit
        self.sum["lost"] += need * unit
        self.sum["from_fund"] += pay * unit
        return need - pay

    def losses(self, m, legs, flows, held):
        for p, i, x in flows:
            if p != jp.DEFICIT or x >= 0:
                continue
            if i is not None:
                self.note("bad debt")
                self.sum["booked"] += self.draw(-(x * self.px[self.asset(i)] * MONEY // self.unit(i)), 1)
                continue
            left = self.draw(-x, 100)
            index = legs[held][0]
            was_long = next(s for p2, s, _ in m.a.positions if p2.index == index) > 0
            l = self.left.setdefault((index, was_long), [0, 0])
            l[0] += legs[held][1]
            l[1] += left
            self.bankrupt.append((m, index, was_long, legs[held][1]))

    # ---- the round's end

    def profit(self, p, size, entry):
        return size * (self.px[p.asset] - entry) * 10**6 // 10**(p.size_dec + 8)

    def market_of(self, index, size, loss):
        """The others and, last, the bankrupt side as judge_losses has them; None: no such price."""
        perp = self.instruments[index][1]
        if perp.size_dec + 8 > 24:
            return None
        per, px, prior = 10**(perp.size_dec + 2), self.px[perp.asset], self.prior[perp.asset]
        value = lambda s, p: trunc(s * p, per)
        views = []
        for m in self.members:
            held = [] if m.lending else [(s, e) for p, s, e in m.a.positions if p.index == index]
            v = jl.Account()
            if held:
                s, e = held[0]
                equity = m.a.cash + sum(self.profit(*x) for x in m.a.positions)
                v = jl.Account(equity - value(s, px), s, trunc(s * e, per))
                if max(abs(x) for x in (v.cash, v.size, v.cost, value(s, px), value(s, prior))) > jl.MOST:
                    v = jl.Account()
                    self.note("an account too large for a waterfall")
            views.append(v)
        views.append(jl.Account(-loss - value(size, px), size))
        return jl.Market(views, px, prior, per, 0, 0, 0, -1, False)

    def shut(self, m, index, qty, pays):
        k = next(k for k, x in enumerate(m.a.positions) if x[0].index == index)
        p, size, entry = m.a.positions[k]
        sign = 1 if size > 0 else -1
        gain = self.profit(p, sign * qty, entry)
        rest = size - sign * qty
        positions = m.a.positions[:k] + ([(p, rest, entry)] if rest else []) + m.a.positions[k + 1:]
        if not positions:
            pays = min(pays, max(m.a.cash + gain, 0))
        m.a = jp.Account(m.a.kind, m.a.cash_dec, m.a.cash + gain - pays, positions)
        return pays

    def down_the_steps(self, index, was_long, l):
        """Deleveraging and socialising are judge_losses'; here what they make of accounts with several positions."""
        w = self.waterfall["rules"]
        size = (l[0] if was_long else -l[0]) if w.steps & jl.ADL else 0
        market = self.market_of(index, size, l[1])
        if market is None:
            return
        before = [replace(v) for v in market.account]
        had = [market.equity(k) for k in range(len(self.members))]
        start = splitmix64((self.seed + self.adl_start) & MASK) >> 1
        self.adl_start += 1
        out = market.run(w, len(self.members), [], start)
        if out[0]:
            self.note("refused by the waterfall")
            return
        for k in market.seen:
            self.note("waterfall: " + k)
        _, _, gone, _, fills, _, _, _, over, _ = out
        for k, m in enumerate(self.members):
            pays = had[k] - market.equity(k)
            if market.account[k].size != before[k].size:
                if pays > max(had[k], 0):
                    self.note("deleveraged for more than it has")
                pays = self.shut(m, index, abs(market.account[k].size - before[k].size), min(pays, max(had[k], 0)))
                self.sum["from_adl"] += pays * 100
                self.adl += pays * 100
                self.note("deleveraged")
            elif pays:
                m.a.cash -= pays
                self.sum["socialised"] += pays * 100
                self.social += pays * 100
                self.note("socialised")
            l[1] -= pays
        l[0] -= gone
        self.sum["adl_fills"] += fills
        for name in ("fees_in", "socialised"):
            self.sum[name] += over * 100 if name == "fees_in" else -over * 100
        self.social -= over * 100
        self.balance += over * 100
        l[1] += over
        if over:
            self.note("a rate rounded up")
        if l[1] < 0:
            self.note("deleveraging leaves something over")
            owners = [(m, q) for m, i, long, q in self.bankrupt if (i, long) == (index, was_long)]
            all_, upto, over = sum(q for _, q in owners), 0, -l[1]
            for m, q in sorted(owners, key=lambda x: x[0].id):
                part = over * (upto + q) // all_ - over * upto // all_
                upto += q
                m.a.cash += part
            self.sum["from_adl"] -= over * 100
            self.adl -= over * 100
            l[1] = 0

    def round_end(self):
        for (index, was_long), l in sorted(self.left.items()):
            if l[1] > 0:
                self.down_the_steps(index, was_long, l)
            if l[1] > 0:
                self.note("booked")
            self.sum["booked"] += max(0, l[1]) * 100
            if l[0] > 0:
                gain, fair, out = self.trade(self.net, index, l[0] if was_long else -l[0])
                self.sum["slippage"] += fair - gain
                self.sum["unsold"] += out
        self.left, self.bankrupt = {}, []

    # ---- gradual reduction

    def learn(self):
        memory = min(self.known, 16)
        for k, was in enumerate(self.last):
            if was:
                move = trunc((self.mark[k] - was) * 2**32, was)
                move = max(-2**31, min(2**31, move))
                self.variance[k] = (self.variance[k] * memory + move * move) // (memory + 1)
        self.last = list(self.mark)
        self.known += self.step > 0

    def share(self, m):
        """The least share in ppm with which the chance of a breach is at most the wanted one; sigma a step from the marks, two
        coins correlated by 0.7, both tails of a normal distribution (reflection). In doubles: compared to 3 ppm."""
        bad, equity, need = m.a.health(self.px)
        room, moves = float(equity - need), []
        for p, s, e in m.a.positions:
            notional = p.value(s, e, self.px[p.asset])[1]
            slope = (p.margin(notional * (1 + F(1, 10**9))) - p.margin(notional)) * 10**9
            k = self.coin_of.get(p.asset)
            x = float((notional if s > 0 else -notional) - slope)
            moves.append((k, 0.0 if k is None else x * isqrt(self.variance[k] << 32) / 2.0**48))
        by = {}
        for k, x in moves:
            by[k] = by.get(k, 0.0) + x
        sigma = (0.3 * sum(x * x for x in by.values()) + 0.7 * sum(by.values())**2)**0.5 * self.reduce[0]**0.5
        if room <= 0 or sigma == 0:
            return 0
        most = (2**32 * self.reduce[1] // 10**6 + 0.5) / 2**32
        far = -NormalDist().inv_cdf(min(most, 1.0) / 2)
        return max(0, min(10**6, ceil((1 - room / sigma / far) * 10**6))) if far > 0 else 0

    def reduce_some(self):
        if not self.reduce:
            return
        self.learn()
        for m in self.members:
            told = self.told.get((self.step, m.id), 0)
            if m.lending or not m.open():
                continue
            mine = self.share(m)
            if m.asked or m.failed or m.at not in (HEALTHY, WARNED):
                self.note("likely but in liquidation" if mine else "in liquidation")
                if told:
                    self.doubts.append((self.step, m.id, told, "in liquidation"))
                continue
            if abs(told - mine) > 3:
                self.doubts.append((self.step, m.id, told, mine))
            if told:
                self.reduced[0] += self.reduce_one(m, told)

    def reduce_one(self, m, ppm):
        any_ = False
        for p, s, _ in list(m.a.positions):
            qty, net = -(-abs(s) * ppm // 10**6), list(self.net)
            gain, fair, unsold = self.trade(net, p.index, qty if s > 0 else -qty)
            if unsold:
                self.note("a part that the depth does not take")
                continue
            self.net = net
            self.note("reduced at a gain" if gain > fair else "reduced")
            paid = self.shut(m, p.index, qty, -((gain - fair) // 100))
            self.reduced[1] += abs(fair)
            self.reduced[2] += fair - gain
            self.sum["slippage"] += fair - gain
            self.sum["keeper"] += paid * 100 - (fair - gain)
            any_ = True
        return any_

    # ---- steps

    def ask(self):
        asked = 0
        for m in self.members:
            if m.asked or m.failed or m.orders >= 16:
                continue
            if self.step_state(m):
                m.asked, m.due = True, self.step + self.keeper["latency"]
                self.queue.append(m)
                asked += 1
        return asked

    def serve(self):
        done, kept = 0, []
        for m in self.queue:
            absent = self.keeper["absent"]
            if not self.budget or absent[0] <= self.step < absent[1] or m.due > self.step or m.tried == self.step:
                kept.append(m)
                continue
            if not m.a.health(self.px)[0]:
                self.step_state(m)
                m.asked = False
                self.recovered += 1
                self.note("recovered")
                continue
            self.step_state(m)
            m.tried = self.step
            x = self.execute(m)
            self.note(x)
            if x == "executed":
                done += 1
                self.budget -= 1
            elif x == "unpaid":
                self.unpaid += 1
                kept.append(m)
            else:
                m.failed, m.asked = True, False
                self.sum["refused"] += 1
        self.queue = kept
        return done

    def run(self):
        self.left, self.bankrupt = {}, []
        for self.step in range(self.steps + 1):
            self.now = self.horizon * self.step // self.steps
            self.prior = dict(self.px)
            self.budget = self.keeper["orders"] or 2**64
            self.outside = [f[self.step] for _, f, _ in self.coins]
            self.recovered = self.unpaid = self.adl = self.social = 0
            if self.step:
                self.net = [trunc(n * d.keep, ONE) for n, (_, _, d) in zip(self.net, self.coins)]
            for m in self.members:
                m.orders = 0
            breached = executed = 0
            if self.house and self.house.lots:
                self.prices()
                self.house.step()
            for self.round in range(10000):
                self.prices()
                asked = self.ask()
                done = self.serve()
                self.round_end()
                breached, executed = breached + asked, executed + done
                if not asked and not done:
                    break
            self.reduce_some()
            self.prices()
            row = [self.step, breached, executed, self.recovered, len(self.queue), self.unpaid]
            for k in range(len(self.coins)):
                row += [self.mark[k], self.net[k]]
            self.rows.append(row + [self.balance, self.sum["booked"], self.adl, self.social])
