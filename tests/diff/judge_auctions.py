# SPDX-License-Identifier: Apache-2.0
"""The auctions of Maker (dss), Euler (EVK) and Aloe II in exact Python integers, written from the contracts' sources.
A Revert carries the contract's own name of the error, or "math" for arithmetic that would revert."""

WAD, RAY, RAD, WORD = 10**18, 10**27, 10**45, 1 << 256
LINEAR, STAIR, EXP = range(3)
FLIP, FLAP, FLOP = range(3)
MATH = {"arithmetic overflow", "arithmetic underflow", "division by zero", "now is before the auction's start", "a time beyond 48 bits"}


class Revert(Exception):
    pass


def require(good, why):
    if not good:
        raise Revert(why)


def u(v):
    require(0 <= v < WORD, "math")
    return v


def div(a, b):
    require(b != 0, "math")
    return a // b


def muldiv(a, b, d):
    return div(u(a * b), d)


def rpow(x, n, base):
    if n == 0:
        return base
    if x == 0:
        return 0
    z = x if n & 1 else base
    n >>= 1
    while n:
        x = div(u(u(x * x) + base // 2), base)
        if n & 1:
            z = div(u(u(z * x) + base // 2), base)
        n >>= 1
    return z


class Curve:
    def __init__(self, kind, tau=0, step=1, cut=0):
        self.kind, self.tau, self.step, self.cut = kind, tau, step, cut

    def text(self):
        return f"{self.kind} {self.tau} {self.step} {self.cut}"

    def price(self, top, dur):
        if self.kind == LINEAR:
            return 0 if dur >= self.tau else muldiv(top, muldiv(self.tau - dur, RAY, self.tau), RAY)
        n = div(dur, self.step) if self.kind == STAIR else dur
        return muldiv(top, rpow(self.cut, n, RAY), RAY)


class Room:
    def __init__(self, hole_all, dirt_all, hole, dirt):
        self.Hole, self.Dirt, self.hole, self.dirt = hole_all, dirt_all, hole, dirt

    def digs(self, rad):
        a, b = u(self.Dirt - rad), u(self.dirt - rad)
        self.Dirt, self.dirt = a, b


def bark(v, room):
    """v: ink, art, rate, spot, dust, chop, live. dart, dink, due, tab, partial, whole for dust."""
    require(v["live"], "Dog/not-live")
    require(v["spot"] > 0 and u(v["ink"] * v["spot"]) < u(v["art"] * v["rate"]), "Dog/not-unsafe")
    require(room.Hole > room.Dirt and room.hole > room.dirt, "Dog/liquidation-limit-hit")
    space = min(room.Hole - room.Dirt, room.hole - room.dirt)
    dart = min(v["art"], div(muldiv(space, WAD, v["rate"]), v["chop"]))
    partial = dusty = False
    if v["art"] > dart:
        if u((v["art"] - dart) * v["rate"]) < v["dust"]:
            dart, dusty = v["art"], True
        else:
            require(u(dart * v["rate"]) >= v["dust"], "Dog/dusty-auction-from-partial-liquidation")
            partial = True
    dink = muldiv(v["ink"], dart, v["art"])
    require(dink > 0, "Dog/null-auction")
    require(dart <= 1 << 255 and dink <= 1 << 255, "Dog/overflow")
    due = u(dart * v["rate"])
    tab = muldiv(due, v["chop"], WAD)
    a, b = u(room.Dirt + tab), u(room.dirt + tab)
    room.Dirt, room.dirt = a, b
    return dart, dink, due, tab, partial, dusty


class Clip:
    def __init__(self, curve, buf, cusp, tail, chip, tip, chost, stopped=0):
        self.curve, self.buf, self.cusp, self.tail = curve, buf, cusp, tail
        self.chip, self.tip, self.chost, self.stopped = chip, tip, chost, stopped
        self.room = Room(0, 0, 0, 0)
        self.clear()

    def clear(self):
        self.running, self.tab, self.lot, self.top, self.tic = False, 0, 0, 0, 0

    def line(self):
        return f"clip {self.curve.text()} {self.buf} {self.cusp} {self.tail} {self.chip} {self.tip} {self.chost} {self.stopped}"

    def state(self):
        return [int(self.running), self.tab, self.lot, self.top, self.tic, self.room.Dirt, self.room.dirt]

    def feed(self, f):
        val, has, par = f
        require(has, "Clipper/invalid-price")
        return muldiv(u(val * 10**9), RAY, par)

    def coin(self, tab):
        return u(self.tip + muldiv(tab, self.chip, WAD))

    def kick(self, f, now, tab, lot, usr):
        require(self.stopped < 1, "Clipper/stopped-incorrect")
        require(tab > 0, "Clipper/zero-tab")
        require(lot > 0, "Clipper/zero-lot")
        require(usr, "Clipper/zero-usr")
        top = muldiv(self.feed(f), self.buf, RAY)
        require(top > 0, "Clipper/zero-top-price")
        coin = self.coin(tab) if self.tip or self.chip else 0
        self.running, self.tab, self.lot, self.top, self.tic = True, tab, lot, top, now
        return coin

    def status(self, now):
        dur = u(now - self.tic)
        price = self.curve.price(self.top, dur)
        return price, dur > self.tail or muldiv(price, RAY, self.top) < self.cusp

    def redo(self, f, now):
        require(self.stopped < 2, "Clipper/stopped-incorrect")
        require(self.running, "Clipper/not-running-auction")
        require(self.status(now)[1], "Clipper/cannot-reset")
        price = self.feed(f)
        top = muldiv(price, self.buf, RAY)
        require(top > 0, "Clipper/zero-top-price")
        coin = 0
        if (self.tip or self.chip) and self.tab >= self.chost and u(self.lot * price) >= self.chost:
            coin = self.coin(self.tab)
        self.tic, self.top = now, top
        return coin

    def quote(self, now, amt, most):
        """price, owe, slice, adjusted"""
        require(self.stopped < 3, "Clipper/stopped-incorrect")
        require(self.running, "Clipper/not-running-auction")
        price, done = self.status(now)
        require(not done, "Clipper/needs-reset")
        require(most >= price, "Clipper/too-expensive")
        part, adjusted = min(self.lot, amt), False
        owe = u(part * price)
        if owe > self.tab:
            owe = self.tab
            part = div(owe, price)
        elif owe < self.tab and part < self.lot and self.tab - owe < self.chost:
            require(self.tab > self.chost, "Clipper/no-partial-purchase")
            owe, adjusted = self.tab - self.chost, True
            part = div(owe, price)
        return price, owe, part, adjusted

    def take(self, now, amt, most, coin, call, raises):
        price, owe, part, adjusted = self.quote(now, amt, most)
        tab, lot = self.tab - owe, self.lot - part
        require(call != 2 and (not call or coin + raises < WORD), "clipperCall")
        coin += raises if call else 0
        require(coin >= owe, "Vat/move")
        dug = tab + owe if lot == 0 else owe
        self.room.digs(dug)
        over = lot == 0 or tab == 0
        self.tab, self.lot = tab, lot
        if over:
            self.clear()
        return [price, owe, part, tab, lot, lot if over else 0, dug, int(over), int(adjusted), 0, coin - owe]

    def yank(self):
        require(self.running, "Clipper/not-running-auction")
        self.room.digs(self.tab)
        lot = self.lot
        self.clear()
        return lot

    def redo_at(self):
        """Brute force, for short tails."""
        for dur in range(self.tail + 2):
            if self.status(self.tic + dur)[1]:
                return self.tic + dur
        raise AssertionError("no reset after the tail")


class English:
    WHO = ["Flipper/", "Flapper/", "Flopper/"]

    def __init__(self, kind, live, beg, pad, ttl, tau, fill, lid):
        self.kind, self.live, self.beg, self.pad, self.ttl, self.tau, self.fill, self.lid = kind, live, beg, pad, ttl, tau, fill, lid
        self.guy = self.bid = self.lot = self.tab = self.tic = self.end = 0

    def line(self):
        return f"english {self.kind} {int(self.live)} {self.beg} {self.pad} {self.ttl} {self.tau} {self.fill} {self.lid}"

    def state(self):
        return [self.guy, self.bid, self.lot, self.tab, self.tic, self.end, self.fill]

    def must(self, good, why):
        require(good, self.WHO[self.kind] + why)

    def up(self):
        self.must(self.kind == FLIP or self.live, "not-live")

    @staticmethod
    def add48(a, b):
        require(a + b < 1 << 48, "math")
        return a + b

    def kick(self, now, guy, tab, lot, bid):
        self.up()
        fill = self.fill
        if self.kind == FLAP:
            fill = u(fill + lot)
            self.must(fill <= self.lid, "over-lid")
        end = self.add48(now, self.tau)
        self.fill, self.guy, self.tab, self.lot, self.bid, self.tic, self.end = fill, guy, tab, lot, bid, 0, end
        return [0, 0, 0]

    def tick(self, now):
        self.must(self.end < now, "not-finished")
        self.must(self.tic == 0, "bid-already-placed")
        lot = muldiv(self.pad, self.lot, WAD) if self.kind == FLOP else self.lot
        end = self.add48(now, self.tau)
        self.lot, self.end = lot, end
        return [0, 0, 0]

    def running(self, now):
        self.up()
        self.must(self.guy != 0, "guy-not-set")
        self.must(self.tic > now or self.tic == 0, "already-finished-tic")
        self.must(self.end > now, "already-finished-end")

    def tend(self, now, who, lot, bid):
        require(self.kind != FLOP, "a flop has no tend")
        self.running(now)
        self.must(lot == self.lot, "lot-not-matching")
        if self.kind == FLIP:
            self.must(bid <= self.tab, "higher-than-tab")
        self.must(bid > self.bid, "bid-not-higher")
        self.must(u(bid * WAD) >= u(self.beg * self.bid) or (self.kind == FLIP and bid == self.tab), "insufficient-increase")
        tic = self.add48(now, self.ttl)
        moves = [self.bid if who != self.guy else 0, bid - self.bid, 0]
        self.guy, self.bid, self.tic = who, bid, tic
        return moves

    def dent(self, now, who, lot, bid):
        require(self.kind != FLAP, "a flap has no dent")
        self.running(now)
        self.must(bid == self.bid, "not-matching-bid")
        if self.kind == FLIP:
            self.must(bid == self.tab, "tend-not-finished")
        self.must(lot < self.lot, "lot-not-lower")
        self.must(u(self.beg * lot) <= u(self.lot * WAD), "insufficient-decrease")
        tic = self.add48(now, self.ttl)
        moves = [bid if who != self.guy else 0, 0, self.lot - lot if self.kind == FLIP else 0]
        self.guy, self.lot, self.tic = who, lot, tic
        return moves

    def deal(self, now):
        self.up()
        self.must(self.tic != 0 and (self.tic < now or self.end < now), "not-finished")
        fill = u(self.fill - self.lot) if self.kind == FLAP else self.fill
        lot = self.lot
        self.fill = fill
        self.guy = self.bid = self.lot = self.tab = self.tic = self.end = 0
        return [0, 0, lot]


def evk(adjusted, liab_value, liab, coll_value, balance, most, desired=None):
    """violation, factor, repay, yield"""
    violation = factor = repay = gets = 0
    if liab and liab_value and adjusted <= liab_value:
        violation = 1
        factor = max(u(adjusted * WAD) // liab_value, WAD - WAD * most // 10000)
        if coll_value == 0:
            gets = balance
        else:
            pay_value, get_value = liab_value, muldiv(liab_value, WAD, factor)
            if coll_value < get_value:
                pay_value, get_value = u(coll_value * factor) // WAD, coll_value
            repay = u(pay_value * liab) // liab_value
            require(repay < 1 << 112, "E_AmountTooLargeToEncode")
            gets = u(get_value * balance) // coll_value
    if desired is not None:
        require(desired <= repay, "E_ExcessiveRepayAmount")
        if repay:
            gets = u(desired * gets) // repay
            repay = desired
    return [violation, factor, repay, gets]


ALOE_N = 7 * 86400 - 300


def aloe_curve(t):
    return 950000000000 + 103567889099532000 // (ALOE_N - t) - 22881182707500000000 // (20405429 + 10**6 * t)


def up(a, b):
    return -(-a // b)


def aloe(price, a0, a1, l0, l1, t, close):
    require(0 < close <= 10000, "Aloe: close")
    if t < ALOE_N:
        debt = u(u(l1 + u(up(l0 * price, 1 << 128))) * aloe_curve(t) * close)
        assets = u(u(a1 + u(up(a0 * price, 1 << 128))) * 10**16)
        out = [min(u(div(debt * a, assets)), a) for a in (a0, a1)]
    else:
        out = [u(a * close) // 10000 for a in (a0, a1)]
    pays = [u(x * close) // 10000 for x in (l0, l1)]
    require(any(pays), "Aloe: zero impact")
    return out + pays
