# SPDX-License-Identifier: Apache-2.0
"""Mango v4 in Python integers, from the program's source (docs/protocols/mango-v4.md names the files). An I80F48 is its
bits; an f64 is Python's float, which rounds as IEEE 754 does. Here: the number, an account, its health and phase;
judge_mango_orders.py has the instructions and the answer.
"""
import struct
from collections import Counter
from copy import deepcopy
from fractions import Fraction as F

ONE = 1 << 48
LOW, HIGH = -(1 << 127), (1 << 127) - 1
I64 = 1 << 63
NO_SCALE = 0x7fefffffffffffff
INIT, MAINT, END = 0, 1, 2
seen = Counter()


class Refused(Exception):
    pass


def fit(v):
    if not LOW <= v <= HIGH:
        raise Refused("panic: overflow")
    return v


def add(*v):
    s = v[0]
    for x in v[1:]:
        s = fit(s + x)
    return s


def sub(a, b):
    return fit(a - b)


def mul(*v):
    p = v[0]
    for x in v[1:]:
        p = fit((p * x) >> 48)
    return p


def div(a, b):
    if b == 0:
        raise Refused("panic: division by zero")
    q = (abs(a) << 48) // abs(b)
    return fit(-q if (a < 0) != (b < 0) else q)


def ceil(a):
    return fit(-((-a) >> 48) << 48)


def i64(v):
    if not -I64 <= v < I64:
        raise Refused("panic: overflow")
    return v


def u64(v):
    if not 0 <= v < 2 * I64:
        raise Refused("panic: overflow")
    return v


def clamp(v):
    return max(-I64, min(I64 - 1, v))


def whole(v):
    return fit(i64(v) << 48)


def double(a):
    return a / ONE  # Python rounds the quotient of integers once, to even


def fixed(f):
    if f != f or f in (float("inf"), float("-inf")):
        raise Refused("panic: overflow")
    return fit(round(F(f) * ONE))


def f64(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def bits64(f):
    return struct.unpack("<Q", struct.pack("<d", f))[0]


def bits32(f):
    return struct.unpack("<I", struct.pack("<f", f))[0]


def require(good, why):
    if not good:
        raise Refused(why)


TOKEN = dict(stable_price=None, deposit_index=ONE, borrow_index=ONE, indexed_deposits=0, indexed_borrows=0, shift_start=0, shift_end=0,
             shift_duration_inv=0, shift_asset_target=0, shift_liab_target=0, deposit_scale_start_f64=NO_SCALE,
             borrow_scale_start_f64=NO_SCALE, potential_serum_tokens=0, liquidation_fee=0, platform_liquidation_fee=0,
             loan_origination_fee_rate=0, disable_asset_liquidation=False, group_insurance_fund=False, position=0, in_use=False,
             liqor_position=0, liqor_in_use=False, active=True)
SPOT = dict(base_total=0, base_free=0, quote_total=0, quote_free=0, referrer_rebates=0, lowest_placed_ask_f64=0, highest_placed_bid_inv_f64=0)
PERP = dict(stable_price=None, base_lot_size=1, quote_lot_size=1, open_interest=0, base_liquidation_fee=0, platform_liquidation_fee=0,
            positive_pnl_liquidation_fee=0, long_funding=0, short_funding=0, settle_limit_factor_f32=0xbf800000, settle_window_size=86400,
            group_insurance_fund=False, base_lots=0, bids_base_lots=0, asks_base_lots=0, taker_base_lots=0, taker_quote_lots=0, quote=0,
            long_settled_funding=0, short_settled_funding=0, oneshot_settle_allowance=0, recurring_settle_allowance=0,
            settled_in_window=0, settle_window=0, liqor_base_lots=0, liqor_quote=0)


class Thing:
    def __init__(self, defaults, given):
        self.__dict__.update(defaults)
        self.__dict__.update(given)
        if self.__dict__.get("stable_price", 0) is None:
            self.stable_price = self.oracle_price

    def price(self, kind, liab):
        if kind != INIT:
            return self.oracle_price
        return (max if liab else min)(self.oracle_price, self.stable_price)


class Token(Thing):
    def __init__(self, given):
        super().__init__(TOKEN, given)
        self.dust = self.fees = 0

    def native(self, who="position"):
        p = getattr(self, who)
        return mul(p, self.deposit_index if p > 0 else self.borrow_index)

    def up(self, native, index):
        x = div(native, index)
        return add(x, 1) if mul(x, index) < native else x

    def deposit(self, who, amount, dusting):
        require(amount >= 0, "RequireGteViolated")
        native = self.native(who)
        if native < 0:
            new = add(native, amount)
            change = self.up(amount, self.borrow_index)
            indexed = add(getattr(self, who), change)
            if indexed < 0:
                seen["deposit: part of a debt"] += 1
                self.indexed_borrows = sub(self.indexed_borrows, change)
                setattr(self, who, indexed)
                return
            if new < ONE and dusting:
                seen["deposit: dusted"] += 1
                self.dust = add(self.dust, new)
                self.indexed_borrows = add(self.indexed_borrows, getattr(self, who))
                setattr(self, who, 0)
                return
            seen["deposit: all of a debt"] += 1
            self.indexed_borrows = add(self.indexed_borrows, getattr(self, who))
            setattr(self, who, 0)
            amount = max(new, 0)
        change = self.up(amount, self.deposit_index)
        self.indexed_deposits = add(self.indexed_deposits, change)
        setattr(self, who, add(getattr(self, who), change))

    def withdraw(self, who, amount, fee, dusting):
        require(amount >= 0, "RequireGteViolated")
        native = self.native(who)
        if native >= 0:
            new = sub(native, amount)
            if new >= 0:
                if new < ONE and dusting:
                    seen["withdraw: dusted"] += 1
                    self.dust = add(self.dust, new)
                    self.indexed_deposits = sub(self.indexed_deposits, getattr(self, who))
                    setattr(self, who, 0)
                else:
                    seen["withdraw: of deposits"] += 1
                    change = div(amount, self.deposit_index)
                    self.indexed_deposits = sub(self.indexed_deposits, change)
                    setattr(self, who, sub(getattr(self, who), change))
                return 0
            self.indexed_deposits = sub(self.indexed_deposits, getattr(self, who))
            setattr(self, who, 0)
            amount = sub(0, new)
        loan = 0
        if fee:
            loan = mul(self.loan_origination_fee_rate, amount)
            self.fees = add(self.fees, loan)
            amount = add(amount, loan)
            seen["withdraw: a loan with its fee"] += loan > 0
        change = div(amount, self.borrow_index)
        self.indexed_borrows = add(self.indexed_borrows, change)
        setattr(self, who, sub(getattr(self, who), change))
        return loan

    def weights(self, now):
        """(asset, liab) for each kind of health."""
        price = self.price(INIT, True)
        asset, liab = self.init_asset_weight, self.init_liab_weight
        if self.deposit_scale_start_f64 != NO_SCALE:
            start = f64(self.deposit_scale_start_f64)
            all_deposits = double(mul(self.deposit_index, self.indexed_deposits)) + float(self.potential_serum_tokens)
            quote = all_deposits * double(price)
            if quote > start:
                seen["asset weight scaled"] += 1
                asset = mul(asset, fixed(start / quote))
        if self.borrow_scale_start_f64 != NO_SCALE:
            start = f64(self.borrow_scale_start_f64)
            quote = double(mul(self.borrow_index, self.indexed_borrows)) * double(price)
            if quote > start:
                if start == 0.0:
                    seen["liab weight without limit"] += 1
                    liab = HIGH
                else:
                    seen["liab weight scaled"] += 1
                    liab = mul(liab, fixed(quote / start))
        m_asset, m_liab = self.maint_asset_weight, self.maint_liab_weight
        if self.shift_duration_inv and now > self.shift_start:
            if now >= self.shift_end:
                seen["maint weights shifted"] += 1
                m_asset, m_liab = self.shift_asset_target, self.shift_liab_target
            else:
                seen["maint weights on the way"] += 1
                scale = mul((now - self.shift_start) << 48, self.shift_duration_inv)
                m_asset = add(m_asset, mul(scale, sub(self.shift_asset_target, m_asset)))
                m_liab = add(m_liab, mul(scale, sub(self.shift_liab_target, m_liab)))
        return [(asset, liab), (m_asset, m_liab), (self.init_asset_weight, self.init_liab_weight)]


class Perp(Thing):
    def __init__(self, given):
        super().__init__(PERP, given)
        self.fees = 0

    def funding(self):
        if self.base_lots > 0:
            return mul(sub(self.long_funding, self.long_settled_funding), whole(self.base_lots))
        if self.base_lots < 0:
            return mul(sub(self.short_funding, self.short_settled_funding), whole(self.base_lots))
        return 0

    def settle_funding(self):
        f = self.funding()
        seen["funding settled"] += f != 0
        self.quote = sub(self.quote, f)
        self.oneshot_settle_allowance = sub(self.oneshot_settle_allowance, f)
        self.long_settled_funding, self.short_settled_funding = self.long_funding, self.short_funding

    def pnl(self, price):
        return add(self.quote, mul(whole(self.base_lots * self.base_lot_size), price))

    def factor(self):
        return struct.unpack("<f", struct.pack("<I", self.settle_limit_factor_f32))[0]

    def update_window(self, now):
        start = u64(self.settle_window * self.settle_window_size)
        end = u64(start + self.settle_window_size)
        if now >= end or now < start:
            require(self.settle_window_size, "panic: division by zero")
            require(now // self.settle_window_size < 1 << 32, "panic: overflow")
            self.settle_window, self.settled_in_window = now // self.settle_window_size, 0

    def settle_limit(self):
        if self.factor() < 0:
            return -I64, I64 - 1
        value = mul(self.stable_price, whole(self.base_lots * self.base_lot_size))
        unrealized = clamp(int(self.factor() * double(fit(abs(value)))))
        upnl = i64(ceil(fit(abs(add(self.quote, value)))) >> 48)
        high = i64(unrealized + min(i64(abs(self.recurring_settle_allowance)), upnl))
        low = i64(-high)
        o = self.oneshot_settle_allowance
        if o >= 0:
            high = clamp(high + clamp(ceil(o) >> 48))
        else:
            low = clamp(low + clamp(o >> 48))
        return min(low, 0), max(high, 0)

    def settleable_loss(self, pnl):
        if self.factor() < 0:
            return sub(0, pnl)
        low = min(clamp(self.settle_limit()[0] - self.settled_in_window), 0)
        seen["loss cut by the settle limit"] += pnl < low << 48
        return sub(0, max(pnl, low << 48))

    def book(self, amount):
        """record_settle: amount > 0 takes profit out, < 0 a loss."""
        self.quote = sub(self.quote, amount)
        o = self.oneshot_settle_allowance
        self.oneshot_settle_allowance = sub(o, max(min(amount, o), 0) if amount > 0 else min(max(amount, o), 0))


class PerpInfo:
    def __init__(self, p):
        self.p = p
        self.base_lots = i64(p.base_lots + p.taker_base_lots)
        taker = whole(i64(p.taker_quote_lots * p.quote_lot_size))
        self.quote = add(sub(p.quote, p.funding()), taker)

    def uhupnl(self, kind):
        p = self.p
        asset, liab = (p.maint_base_asset_weight, p.maint_base_liab_weight) if kind == MAINT else (p.init_base_asset_weight, p.init_base_liab_weight)

        def case(lots, order_price):
            net = whole(i64(i64(self.base_lots + lots) * p.base_lot_size))
            base = mul(net, liab if net < 0 else asset, p.price(kind, net < 0))
            return add(base, mul(-whole(i64(lots * p.base_lot_size)), order_price))
        bids, asks = case(p.bids_base_lots, p.price(kind, True)), case(i64(-p.asks_base_lots), p.price(kind, False))
        seen["perp: asks are the worse"] += asks < bids
        seen["perp: bids are the worse"] += bids < asks
        return add(self.quote, min(bids, asks))

    def hupnl(self, kind):
        v = self.uhupnl(kind)
        if v > 0:
            seen["perp: profit weighted"] += 1
            return mul(self.p.maint_overall_asset_weight if kind == MAINT else self.p.init_overall_asset_weight, v)
        return v


class World:
    def __init__(self, state):
        s = deepcopy(state)
        self.now, self.liquidating, self.vault = s.get("now", 0), s.get("being_liquidated", False), s.get("insurance_vault", 0)
        self.tokens = [Token(t) for t in s.get("tokens", [])]
        self.spots = [Thing(SPOT, x) for x in s.get("spots", [])]
        self.perps = [Perp(p) for p in s.get("perps", [])]
        for x in self.spots:
            self.token(x.base).in_use = self.token(x.quote).in_use = True
        for p in self.perps:
            self.token(p.settle).in_use = True
        self.order = s.get("order")
        self.fund_unknown = False

    def token(self, index):
        return next(t for t in self.tokens if t.index == index)

    def fund_price(self):
        return ONE if self.fund_unknown else self.token(0).oracle_price


class Cache:
    def __init__(self, w):
        self.w = w
        self.t = [t for t in w.tokens if t.active]
        self.at = {t.index: i for i, t in enumerate(self.t)}
        self.weight = [t.weights(w.now) for t in self.t]
        self.spot = [t.native() for t in self.t]
        for x in w.spots:
            b, q = self.at[x.base], self.at[x.quote]
            self.spot[b] = add(self.spot[b], x.base_free << 48)
            self.spot[q] = add(self.spot[q], x.quote_free << 48)
            require(x.base_free <= x.base_total and x.quote_free <= x.quote_total, "panic: overflow")
        self.perp = [PerpInfo(p) for p in w.perps]

    def balances(self, kind, only_profits=False):
        b = [0] * len(self.t)
        for p in self.perp:
            v, i = p.hupnl(kind), self.at[p.p.settle]
            if v > 0 or not only_profits:
                b[i] = add(b[i], v)
        return [add(x, y) for x, y in zip(b, self.spot)]

    def contribution(self, i, kind, balance):
        return mul(balance, self.weighted_one(i, kind, balance < 0))

    def weighted_one(self, i, kind, liab):
        return mul(self.weight[i][kind][1 if liab else 0], self.t[i].price(kind, liab))

    def reserved(self, kind):
        rows, most = [], [0] * len(self.t)
        for x in self.w.spots:
            b, q = self.at[x.base], self.at[x.quote]
            base, quote = x.base_total - x.base_free << 48, x.quote_total - x.quote_free << 48

            def other(amount, asset, liab, extreme):
                below = double(liab.price(kind, True))
                if below == 0.0:
                    raise Refused("panic: division by zero")
                v = fixed(double(mul(amount, asset.price(kind, False))) / below)
                if extreme:
                    seen["order's own price counts" if extreme < v else "oracle's price counts"] += 1
                    return min(v, extreme)
                return v
            as_base = add(base, other(quote, self.t[q], self.t[b], mul(quote, fixed(f64(x.highest_placed_bid_inv_f64)))))
            as_quote = add(quote, other(base, self.t[b], self.t[q], mul(base, fixed(f64(x.lowest_placed_ask_f64)))))
            most[b], most[q] = add(most[b], as_base), add(most[q], as_quote)
            rows.append((b, q, as_base, as_quote))
        return rows, most

    def sum(self, kind, balance):
        h = 0
        for i in range(len(self.t)):
            h = add(h, self.contribution(i, kind, balance[i]))
        rows, most = self.reserved(kind)
        for b, q, as_base, as_quote in rows:
            if as_base == 0 or as_quote == 0:
                continue

            def effect(i, reserved):
                top = add(balance[i], most[i])
                asset = reserved if top >= reserved else 0 if top < 0 else top
                seen["reserved crosses 0"] += 0 < asset < reserved
                wa, wl = self.weight[i][kind]
                return add(mul(asset, wa, self.t[i].price(kind, False)), mul(reserved - asset, wl, self.t[i].price(kind, True)))
            e = effect(b, as_base), effect(q, as_quote)
            seen["open orders: base is the worse" if e[0] < e[1] else "open orders: quote is the worse"] += 1
            h = add(h, min(e))
        return h

    def health(self, kind):
        return self.sum(kind, self.balances(kind))

    def max_settle(self, index):
        balance = self.balances(MAINT, True)
        i = self.at[index]
        return taken(self.sum(MAINT, balance), balance[i], self.weighted_one(i, MAINT, False), self.weighted_one(i, MAINT, True))

    def facts(self):
        b = self.balances(END)
        perps = self.w.perps
        return dict(
            orders_spot=any(x.base_total or x.quote_total or x.referrer_rebates for x in self.w.spots),
            orders_perp=any(p.bids_base_lots or p.asks_base_lots for p in perps),
            tokens=any(s < 0 and x < 0 for s, x in zip(self.spot, b)) and any(
                s >= ONE and x >= ONE and not t.disable_asset_liquidation for s, x, t in zip(self.spot, b, self.t)),
            borrows=any(s < 0 and x < 0 for s, x in zip(self.spot, b)),
            base=any(p.base_lots for p in self.perp),
            fills=any(p.taker_base_lots or p.taker_quote_lots for p in perps),
            gains=any(p.base_lots == 0 and p.quote > 0 for p in self.perp),
            losses=any(p.base_lots == 0 and p.quote < 0 for p in self.perp))

    def phase(self):
        f = self.facts()
        if f["orders_spot"] or f["orders_perp"]:
            return 1
        if f["tokens"] or f["base"] or f["fills"] or f["gains"]:
            return 2
        return 3 if f["borrows"] or f["losses"] else 0

    def after1(self):
        f = self.facts()
        require(not f["orders_spot"], "HasOpenOrUnsettledSerum3Orders")
        require(not f["orders_perp"], "HasOpenPerpOrders")

    def after2(self):
        self.after1()
        f = self.facts()
        require(not f["tokens"], "HasLiquidatableTokenPosition")
        require(not f["base"], "HasLiquidatablePerpBasePosition")
        require(not f["fills"], "HasOpenPerpTakerFills")
        require(not f["gains"], "HasLiquidatablePositivePerpPnl")


def taken(health, spot, asset, liab):
    if health <= 0:
        return 0
    got = 0
    if spot > 0:
        if asset > 0:
            most = div(health, asset)
            if most <= spot:
                return most
        got, health = spot, sub(health, mul(spot, asset))
    if health > 0:
        require(liab > 0, "RequireGtViolated")
        got = add(got, div(health, liab))
    return got


def given(health, spot, asset, liab):
    return taken(sub(0, health), sub(0, spot), liab, asset)


def recover(w, end):
    if w.liquidating and end > -ONE:
        w.liquidating = False
        return True
    return False


def check(w, h):
    if w.liquidating:
        return "became not liquidatable" if recover(w, h.health(END)) else "liquidatable"
    if h.health(MAINT) >= 0:
        return "not liquidatable"
    w.liquidating = True
    return "liquidatable"
