# SPDX-License-Identifier: Apache-2.0
"""Who bears a loss, in exact Python integers and fractions, from docs/econ/losses.md and docs/econ/staged.md: a second
writing of host/econ that shares nothing with it."""
from dataclasses import dataclass, field, replace
from fractions import Fraction as F
from math import ceil, floor

MOST = 2**61
PPM = 10**6
MARKET, FUND, ADL, SOCIAL, DEFICIT = 1, 2, 4, 8, 16
BITMEX, HYPERLIQUID, SIDED, DYDX = range(4)
BANKRUPTCY, PRIOR = range(2)
RATE, EXACT = range(2)


def trunc(x):
    return floor(x) if x >= 0 else ceil(x)


def sign(x):
    return (x > 0) - (x < 0)


@dataclass
class Rules:
    steps: int
    each_fill: bool = False
    fee_ppm: int = 0
    rank: int = BITMEX
    at: int = BANKRUPTCY
    adl_solvent: bool = False
    solvent_only: bool = False
    looked: int = 0
    most: int = 0
    social: int = RATE
    name: str = "custom"

    def text(self):
        if self.name != "custom":
            return self.name
        return "custom %d %d %d %d %d %d %d %d %d %d" % (
            self.steps, self.each_fill, self.fee_ppm, self.rank, self.at, self.adl_solvent, self.solvent_only, self.looked, self.most, self.social)


PRESETS = [
    Rules(MARKET | FUND | ADL, True, 5000, DYDX, BANKRUPTCY, False, True, 500, name="dydx"),
    Rules(MARKET | FUND | SOCIAL | DEFICIT, social=RATE, name="drift"),
    Rules(MARKET | FUND | SOCIAL | DEFICIT, social=EXACT, name="mango"),
    Rules(MARKET | FUND | ADL | DEFICIT, True, PPM, BITMEX, BANKRUPTCY, name="bitmex"),
    Rules(MARKET | ADL | DEFICIT, rank=HYPERLIQUID, at=PRIOR, name="hyperliquid"),
]


@dataclass
class Account:
    cash: int = 0
    size: int = 0
    cost: int = 0

    def trade(self, d, q):
        new = self.size + d
        if self.size * d >= 0:
            self.cost -= q
        elif sign(new) in (0, sign(self.size)):
            self.cost = trunc(F(self.cost * abs(new), abs(self.size)))
        else:
            self.cost = trunc(F(-q * abs(new), abs(d)))
        self.size, self.cash = new, self.cash + q


@dataclass
class Market:
    account: list
    price: int
    prior: int
    per: int
    ppm: int
    balance: int
    floor: int
    quota: int  # < 0: none
    whole: bool
    deficit: int = 0
    seen: dict = field(default_factory=dict)

    def hit(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def value(self, size, price=None):
        return trunc(F(size * (price or self.price), self.per))

    def equity(self, i):
        return self.account[i].cash + self.value(self.account[i].size)

    def need(self, size):
        return ceil(F(abs(self.value(size)) * self.ppm, PPM))

    def money(self):
        return sum(a.cash for a in self.account) + self.balance - self.deficit

    # ---- fund
    def pays(self, need):
        room = max(self.balance - self.floor, 0)
        if self.quota >= 0:
            room = min(room, self.quota)
        if need <= 0 or (self.whole and room < need):
            return 0
        return min(room, need)

    def draw(self, need):
        paid = self.pays(need)
        if 0 < paid < need:
            self.hit("fund pays a part")
        elif paid == need > 0:
            self.hit("fund pays all")
        elif need > 0:
            self.hit("fund pays nothing")
        self.balance -= paid
        if self.quota >= 0:
            self.quota -= paid
        return paid

    def withdraw(self, want):
        paid = min(max(want, 0), max(self.balance - self.floor, 0))
        self.balance -= paid
        return paid

    # ---- bankruptcy price
    def bankruptcy(self, i, d):
        a = self.account[i]
        dn = self.value(a.size + d) - self.value(a.size)
        need, left = self.need(a.size), self.need(a.size + d)
        e = self.equity(i)
        share = F(need - left, need) if need else F(abs(d), abs(a.size))
        q = -dn - floor(e * share)
        assert 0 <= q + dn + e * share < 1  # rounded up, by less than a unit
        return q

    # ---- rank
    def score(self, i, rank):
        a = self.account[i]
        n, e = self.value(a.size), self.equity(i)
        entry, notional = max(abs(a.cost), 1), max(abs(n), 1)
        if rank == BITMEX:
            pnl, lev = F(n - a.cost, entry), F(notional, e)
            return pnl * lev if pnl > 0 else pnl / lev
        if rank == SIDED and a.size < 0:
            return F(entry, notional) * F(notional, e)
        return F(notional, entry) * F(notional, e)

    def order(self, side, rank, start):
        those = [i for i, a in enumerate(self.account) if sign(a.size) == side]
        if rank == DYDX:
            k = start % len(those) if those else 0
            return those[k:] + those[:k]
        those = [i for i in those if self.equity(i) > 0]
        return sorted(those, key=lambda i: (-self.score(i, rank), i))

    # ---- the steps
    def fits(self, who, offers):
        def small(*v):
            return all(abs(x) <= MOST for x in v)
        if who >= len(self.account):
            return False
        for p in (self.price, self.prior):
            if not (0 < p <= MOST) or any(not small(a.cash, a.size, a.cost, self.value(a.size, p)) for a in self.account):
                return False
        return all(o[0] < len(self.account) and 0 < o[1] <= MOST and 0 < o[2] <= MOST for o in offers) and \
            sum(self.value(o[1], o[2]) for o in offers) <= MOST

    def swap(self, who, other, d, q):
        if sign(self.account[other].size - d) == -sign(self.account[other].size) != 0:
            self.hit("a maker flips")
        self.account[who].trade(d, q)
        self.account[other].trade(-d, -q)

    def run(self, w, who, offers, start):
        """Returns the driver's answer."""
        if not self.fits(who, offers):
            self.hit("refused")
            return [-1] + [0] * 9
        a, out = self.account[who], dict.fromkeys("sold deleveraged left fills fees fund others over booked".split(), 0)
        if w.steps & MARKET:
            self.to_market(w, who, offers, out)
        e = self.equity(who)
        if a.size and (e < 0 or w.adl_solvent):
            if not w.each_fill and w.steps & FUND:
                paid = self.draw(-e)
                a.cash += paid
                out["fund"] += paid
            if w.steps & ADL:
                self.to_adl(w, who, start, out)
        if a.size == 0 and a.cash < 0:
            self.resolve(w, who, out)
        out["left"] = abs(a.size)
        if out["left"]:
            self.hit("left open")
        return [0] + list(out.values())

    def to_market(self, w, who, offers, out):
        a = self.account[who]
        for maker, size, price in offers:
            if a.size == 0:
                break
            if maker == who:
                self.hit("own offer skipped")
                continue
            d = -sign(a.size) * min(abs(a.size), size)
            q = -self.value(d, price)
            if w.each_fill:
                delta = q - self.bankruptcy(who, d)
                if delta > 0:
                    cap = floor(F(abs(q) * w.fee_ppm, PPM))
                    self.hit("fee capped" if cap < delta else "fee is all above the bankruptcy price")
                    delta = min(delta, cap)
                    out["fees"] += delta
                    self.balance += delta
                elif delta < 0:
                    if not w.steps & FUND or self.pays(-delta) != -delta:
                        self.hit("fill refused, the fund cannot")
                        break
                    out["fund"] += self.draw(-delta)
                    self.hit("fill paid by the fund")
                a.cash -= delta
            self.swap(who, maker, d, q)
            self.hit("sold")
            out["sold"] += abs(d)

    def to_adl(self, w, who, start, out):
        a = self.account[who]
        queue = self.order(-sign(a.size), w.rank, start)
        if w.looked and len(queue) > w.looked:
            self.hit("looked at no more")
            queue = queue[:w.looked]
        for other in queue:
            if a.size == 0 or (w.most and out["fills"] == w.most):
                if a.size:
                    self.hit("matched no more")
                break
            b = self.account[other]
            d = -sign(a.size) * min(abs(a.size), abs(b.size))
            q = self.bankruptcy(who, d) if w.at == BANKRUPTCY else -self.value(d, self.prior)
            if w.solvent_only:
                after = replace(b)
                after.trade(-d, -q)
                if after.cash + self.value(after.size) < 0:
                    self.hit("no overlap")
                    continue
            self.swap(who, other, d, q)
            self.hit("deleveraged by rank %d" % w.rank)
            out["deleveraged"] += abs(d)
            out["fills"] += 1

    def resolve(self, w, who, out):
        a = self.account[who]
        if w.steps & FUND:
            paid = self.draw(-a.cash)
            a.cash += paid
            out["fund"] += paid
        if a.cash < 0 and w.steps & SOCIAL:
            loss = -a.cash
            pay = self.spread(w, loss)
            for i, p in enumerate(pay):
                self.account[i].cash -= p
            used = min(sum(pay), loss)
            out["others"] += sum(pay)
            out["over"] += sum(pay) - used
            self.balance += sum(pay) - used
            a.cash += used
            self.hit("social: too much" if sum(pay) > loss else "social: too little" if sum(pay) < loss else "social: exactly")
        if a.cash < 0 and w.steps & DEFICIT:
            out["booked"] += -a.cash
            self.deficit -= a.cash
            a.cash = 0
            self.hit("booked")
        if a.cash < 0:
            self.hit("negative cash stays")

    def spread(self, w, loss):
        size = [abs(a.size) for a in self.account]
        if not sum(size):
            return [0] * len(size)
        if w.social == RATE:
            rate = ceil(F(loss * 10**9, sum(size))) * 1000
            return [floor(F(rate * s, 10**12)) for s in size]
        pay = exact(loss, size)
        assert sum(pay) == loss and all(abs(p - F(loss * s, sum(size))) < 1 for p, s in zip(pay, size))
        return pay

    def trade(self, a, b, size, price):
        """a buys from b; False: refused."""
        q = self.value(size, price)
        if a == b or not 0 < size <= MOST or not 0 < price <= MOST or q > MOST:
            return False
        x, y = replace(self.account[a]), replace(self.account[b])
        x.trade(size, -q)
        y.trade(-size, q)
        if any(abs(v) > MOST for z in (x, y) for v in (z.cash, z.size, z.cost, self.value(z.size))):
            self.hit("trade refused")
            return False
        self.account[a], self.account[b] = x, y
        return True

    def funding(self, rate):
        if any(max(abs(a.cash), abs(a.cost), abs(self.value(a.size)), abs(rate * a.size) // self.per) > MOST for a in self.account):
            return False
        for a in self.account:
            q = F(abs(rate) * abs(a.size), self.per)
            q = -ceil(q) if a.size * rate > 0 else floor(q)
            a.cash += q
            self.balance -= q
        return True


def exact(loss, weight):
    upto = [sum(weight[:i]) for i in range(len(weight) + 1)]
    mark = [ceil(F(loss * u, upto[-1])) for u in upto]
    return [y - x for x, y in zip(mark, mark[1:])]


# ---- stages

HEALTHY, WARNED, PARTIAL, FULL, BACKSTOP, BANKRUPT, CLOSED = "healthy warned partial full backstop bankrupt closed".split()
AFTER, WITHIN = range(2)


@dataclass
class StageRule:
    warn: int
    clear: int
    part: int
    above: int
    cooldown: int
    rest: int
    num: int
    den: int
    equal: bool

    def text(self):
        return "rule %d %d %d %d %d %d %d %d %d" % (self.warn, self.clear, self.part, self.above, self.cooldown, self.rest, self.num, self.den, self.equal)


class Stage:
    """States as the page's table has them, row by row."""

    def __init__(self, rule):
        self.r, self.at, self.since, self.until, self.now, self.orders = rule, HEALTHY, 0, None, 0, 0

    def step(self, value, need, end_value, end_need, notional, is_open, now):
        r, self.now = self.r, max(self.now, now)
        low = value <= need if r.equal else value < need
        cool = self.until is not None and self.now < self.until
        busy = self.at in (PARTIAL, FULL, BACKSTOP, BANKRUPT)
        edge = r.clear if self.at == WARNED else r.warn
        rest = WARNED if r.warn and value < F(need * edge, PPM) else HEALTHY
        if value < 0:
            to = BANKRUPT
        elif not is_open:
            to = CLOSED
        elif busy and not low and end_value >= end_need:
            to = rest
        elif low and r.den and value < F(need * r.num, r.den):
            to = BACKSTOP
        elif self.at in (FULL, BACKSTOP):
            to = self.at
        elif self.at == BANKRUPT:
            to = FULL
        elif self.at == PARTIAL:
            done = not cool if r.rest == AFTER else self.now > self.since
            to = FULL if done else PARTIAL
        elif not low:
            to = rest
        elif not r.part:
            to = FULL
        elif cool:
            to = PARTIAL if r.rest == AFTER else FULL
        else:
            to = PARTIAL if notional > r.above else FULL
        was, order, size = self.at, 0, 0
        if to != was:
            order = int(to in (FULL, BACKSTOP, BANKRUPT) or (to == PARTIAL and not cool))
            if order:
                self.orders += 1
                size = min(notional, ceil(F(notional * r.part, PPM))) if to == PARTIAL else notional
                if to == PARTIAL:
                    self.until = min(self.now + r.cooldown, 2**64 - 1)
            self.at, self.since = to, self.now
        return [was, to, str(order), str(size), str(self.orders)]
