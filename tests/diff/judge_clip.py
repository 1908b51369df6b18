# SPDX-License-Identifier: Apache-2.0
"""Maker's clip as the cascade's auctions need it, in exact integers: dss src/clip.sol and src/abaci.sol, and the house that
sells the lots (docs/lab/scenarios.md, "Auctions in a cascade")."""
WAD, RAY, RAD = 10**18, 10**27, 10**45
OF_MONEY = 10**37  # rad in 1e-8 units of account


def rpow(x, n, base):
    """Maker's, each product rounded half up."""
    z = x if n % 2 else base
    n //= 2
    while n:
        x = (x * x + base // 2) // base
        if n % 2:
            z = (z * x + base // 2) // base
        n //= 2
    return z


class Lot:
    def __init__(self, owner, index, unit, feed, tab, lot, terms, now):
        self.owner, self.index, self.unit, self.tab, self.lot, self.terms = owner, index, unit, tab, lot, terms
        self.resets, self.over, self.missing = 0, False, 0
        self.reset(feed, now)

    def reset(self, feed, now):
        self.top, self.tic = feed * 10**9 * self.terms["buf"] * 10**21 // RAY, now

    def price(self, now):
        n = (now - self.tic) // self.terms["step"]
        return self.top * rpow(self.terms["cut"] * 10**21, n, RAY) // RAY

    def due(self, now):
        return now - self.tic > self.terms["tail"] or self.price(now) * RAY // self.top < 4 * RAY // 10

    def quote(self, now, amount):
        price, slice_ = self.price(now), min(self.lot, amount)
        owe = slice_ * price
        if owe > self.tab:
            owe = self.tab
            slice_ = owe // price
        return owe, slice_


class House:
    def __init__(self, world, terms):
        self.w, self.terms, self.lots = world, terms, []
        self.kicked = self.raised = self.missing = self.returned = self.takes = 0

    def feed(self, index):
        return self.w.px[self.w.asset(index)] * 10**10  # prices of 8 decimals

    def begin(self, owner, index, units, tab):
        dec = self.w.instruments[index][1].unit  # 10^decimals
        tab = max(1, tab) * OF_MONEY
        if units <= 0 or self.feed(index) * 10**9 * self.terms["buf"] * 10**21 // RAY <= 0:
            return False
        self.lots.append(Lot(owner, index, WAD // dec, self.feed(index), tab, units * (WAD // dec), self.terms, self.w.now))
        self.kicked += tab
        self.w.note("lot")
        return True

    def step(self):
        w = self.w
        if w.keeper["absent"][0] <= w.step < w.keeper["absent"][1]:
            return
        for l in self.lots:
            if l.over:
                continue
            if l.due(w.now):
                if l.resets < self.terms["resets"] and self.feed(l.index) > 0:
                    l.reset(self.feed(l.index), w.now)
                    l.resets += 1
                    w.note("lot reset")
                else:
                    l.missing = l.tab
                    w.note("lot that nobody wants")
                    self.end(l)
            else:
                self.bid(l)

    def bid(self, l):
        w, amount = self.w, l.lot
        for k in range(7):
            owe, slice_ = l.quote(w.now, amount >> k)
            if slice_ == 0:
                return
            net = list(w.net)
            gain, fair, unsold = w.trade(net, l.index, slice_ // l.unit)
            left = gain - -(-owe // OF_MONEY) - w.gas()
            if left <= 0:
                w.note("bid does not pay")
                continue
            w.net = net
            w.note("whole lot" if slice_ == l.lot else "part of a lot")
            l.tab, l.lot = l.tab - owe, l.lot - slice_
            self.raised += owe
            self.takes += 1
            w.sum["keeper"] += left
            w.sum["slippage"] += fair - gain
            w.sum["unsold"] += unsold
            if l.lot == 0:
                l.missing = l.tab
                w.note("lot sold short" if l.tab else "lot sold")
                self.end(l)
            elif l.tab == 0:
                w.note("lot with something left")
                self.returned += w.tokens(l.index, l.lot // l.unit)
                w.give(l.owner, l.index, l.lot // l.unit)
                self.end(l)
            return

    def end(self, l):
        l.over = True
        self.missing += l.missing
        if l.missing:
            self.w.sum["booked"] += self.w.draw(-(-l.missing // OF_MONEY), 1)

    def adds_up(self):
        return self.kicked == self.raised + self.missing + sum(l.tab for l in self.lots if not l.over)
