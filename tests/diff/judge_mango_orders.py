# SPDX-License-Identifier: Apache-2.0
"""The four liquidating instructions of Mango v4 in Python integers (judge_mango.py has the account). A state is the
document that the rule reads; judge(state) is the answer it must give.
"""
from judge_mango import (END, HIGH, I64, INIT, MAINT, ONE, Cache, PerpInfo, Refused, World, add, ceil, check, div, fit,
                         given, i64, mul, recover, require, seen, sub, u64, whole)


def token_liq(w, o):
    require(o["asset"] != o["liab"], "SomeError")
    h = Cache(w)
    end = h.health(END)
    h.after1()
    out = dict.fromkeys("liab_needed liab_possible liab_transfer asset_to_liqor asset_from_liqee platform_fee loan_origination_fee".split(), 0)
    out["health_after"] = end
    if check(w, h) != "liquidatable":
        return out
    A, L = w.token(o["asset"]), w.token(o["liab"])
    ia, il = h.at[A.index], h.at[L.index]
    a0, l0 = A.native(), L.native()
    require(a0 > 0, "RequireGtViolated")
    require(not A.disable_asset_liquidation, "TokenAssetLiquidationDisabled")
    require(l0 < 0, "RequireGtViolated")
    for_liqor = mul(add(ONE, L.liquidation_fee), add(ONE, A.liquidation_fee))
    total = mul(add(ONE, L.liquidation_fee, L.platform_liquidation_fee), add(ONE, A.liquidation_fee, A.platform_liquidation_fee))
    adjusted = mul(L.oracle_price, total)
    b = h.balances(END)
    most = max(min(o.get("max_liab", HIGH), sub(0, l0), sub(0, b[il])), 0)
    max_asset = max(min(a0, b[ia]), 0)
    require(most > 0 and max_asset > 0, "RequireGtViolated")
    needed = div(sub(0, end), sub(mul(L.oracle_price, L.init_liab_weight), mul(adjusted, A.init_asset_weight)))
    possible = div(mul(max_asset, A.oracle_price), adjusted)
    liab = max(min(needed, possible, most), 0)
    seen["token: " + ("nothing" if liab == 0 else "needed" if liab == needed else "possible" if liab == possible else "limit")] += 1
    base = div(mul(liab, L.oracle_price), A.oracle_price)
    to, away = mul(base, for_liqor), mul(base, total)
    A.fees = add(A.fees, sub(away, to))
    L.deposit("position", liab, True)
    loan = L.withdraw("liqor_position", liab, True, not L.liqor_in_use)
    A.deposit("liqor_position", to, not A.liqor_in_use)
    A.withdraw("position", away, False, True)
    h.spot[il] = add(h.spot[il], sub(L.native(), l0))
    h.spot[ia] = add(h.spot[ia], sub(A.native(), a0))
    end = h.health(END)
    recover(w, end)
    out.update(liab_needed=needed, liab_possible=possible, liab_transfer=liab, asset_to_liqor=to, asset_from_liqee=away,
               platform_fee=away - to, loan_origination_fee=loan, health_after=end)
    return out


def token_bankruptcy(w, o):
    h = Cache(w)
    h.after2()
    w.liquidating = True
    L = w.token(o["liab"])
    i, start = h.at[L.index], L.native()
    balance = h.balances(END)[i]
    require(start < 0 and balance < 0, "RequireGtViolated")
    left = loss = min(sub(0, start), sub(0, balance))
    own = L.index == 0
    rate = ONE if own or w.fund_unknown else div(mul(L.oracle_price, add(ONE, L.liquidation_fee)), w.token(0).oracle_price)
    vault = w.vault if L.group_insurance_fund else 0
    pay = min(u64(ceil(mul(min(left, o.get("max_liab", HIGH)), rate)) >> 48), vault)
    liab, loan, lost = div(pay << 48, rate), 0, 0
    if pay:
        seen["token bankruptcy: insured"] += 1
        L.deposit("position", liab, True)
        left = sub(left, sub(L.native(), start))
        if own:
            require(liab == pay << 48, "RequireEqViolated")
        else:
            w.token(0).deposit("liqor_position", pay << 48, not w.token(0).liqor_in_use)
            loan = L.withdraw("liqor_position", liab, True, not L.liqor_in_use)
    if pay == vault and left > 0:
        seen["token bankruptcy: socialized"] += 1
        lost = left
        L.deposit_index = sub(L.deposit_index, div(left, L.indexed_deposits))
        credit = min(left, mul(L.borrow_index, L.indexed_borrows))
        if credit > 0:
            L.deposit("position", credit, True)
        require(L.position == 0, "RequireEqViolated")
    h.spot[i] = add(h.spot[i], sub(L.native(), start))
    end = h.health(END)
    recover(w, end)
    w.vault -= pay
    return dict(loss=loss, insurance_transfer=pay, liab_transfer=liab, socialized_loss=lost, loan_origination_fee=loan, health_after=end)


class Walk:
    """The steps of perp_liq_base_or_positive_pnl."""

    def __init__(self, h, i, per_lot, health, spot, uhupnl, lots, max_pnl):
        self.h, self.i, self.per_lot, self.health, self.spot, self.uhupnl = h, i, per_lot, health, spot, uhupnl
        self.lots, self.max_pnl, self.base, self.pnl = lots, max_pnl, 0, 0

    def room(self):
        return given(self.health, self.spot, self.h.weighted_one(self.i, END, False), self.h.weighted_one(self.i, END, True))

    def moved(self, change):
        new = add(self.spot, change)
        return new, add(sub(self.health, self.h.contribution(self.i, END, self.spot)), self.h.contribution(self.i, END, new))

    def reduce(self, name, limit, expected, actual):
        lots = i64(ceil(div(min(self.room(), limit), expected)) >> 48)
        lots = max(min(lots, self.lots - self.base), 0)
        seen[f"perp: {name}"] += lots > 0
        self.moved(mul(expected, whole(lots)))
        self.uhupnl = add(self.uhupnl, mul(self.per_lot, whole(lots)))
        self.spot, self.health = self.moved(mul(actual, whole(lots)))
        self.base += lots

    def settle(self, name, rate):
        amount = max(min(div(self.room(), rate), sub(self.max_pnl, self.pnl), self.uhupnl), 0)
        seen[f"perp: {name}"] += amount > 0
        self.spot, self.health = self.moved(mul(amount, rate))
        self.uhupnl = sub(self.uhupnl, amount)
        self.pnl = add(self.pnl, amount)


def perp_liq(w, o):
    p = next(p for p in w.perps if p.market == o["market"])
    n = w.perps.index(p)
    h = Cache(w)
    start = h.health(END)
    h.after1()
    out = dict.fromkeys("base_transfer quote_to_liqee quote_to_liqor platform_fee pnl_transfer token_transfer settle_limit_recurring settle_limit_oneshot".split(), 0)
    out["health_after"] = start
    if check(w, h) != "liquidatable":
        return out
    require(not (p.taker_base_lots or p.taker_quote_lots), "HasOpenPerpTakerFills")
    T = w.token(p.settle)
    T.liqor_in_use = True
    p.settle_funding()
    p.update_window(w.now)
    max_base, max_pnl = max(o.get("max_base", 0), 1 - I64), o.get("max_pnl", 2 * I64 - 1) << 48
    i = h.at[p.settle]
    spot = h.balances(END)[i]
    per_lot = mul(whole(p.base_lot_size), p.oracle_price)
    limit = p.settle_limit()[1]
    long = p.base_lots > 0
    require(max_base >= 0 if long else max_base <= 0, "SomeError")
    if long:
        f_liqor = sub(ONE, p.base_liquidation_fee)
        f_all = sub(f_liqor, p.platform_liquidation_fee)
        gain = mul(per_lot, add(sub(0, p.init_base_asset_weight), f_all))
    else:
        f_liqor = add(ONE, p.base_liquidation_fee)
        f_all = add(f_liqor, p.platform_liquidation_fee)
        gain = mul(per_lot, sub(p.init_base_liab_weight, f_all))
    require(gain > 0, "panic: assertion")
    rate, overall = sub(ONE, p.positive_pnl_liquidation_fee), p.init_overall_asset_weight
    x = Walk(h, i, gain, start, spot, h.perp[n].uhupnl(END), min(i64(abs(p.base_lots)), abs(max_base)), max_pnl)
    if x.uhupnl < 0:
        x.reduce("1 reduce a loss", sub(0, x.uhupnl), gain, gain)
    if x.uhupnl >= 0 and rate > overall:
        x.settle("2 settle", rate - overall)
    if x.uhupnl >= 0 and x.pnl < max_pnl:
        x.reduce("3 reduce to settle", sub(max_pnl, x.pnl), mul(gain, rate), mul(gain, overall))
    if x.uhupnl >= 0 and rate > overall:
        x.settle("4 settle again", rate - overall)
    if x.health < -(ONE >> 1) and overall > 0:
        x.reduce("5 reduce a profit", HIGH, mul(gain, overall), mul(gain, overall))
    base = -x.base if long else x.base
    quote = mul(whole(-base), per_lot)
    q_liqee, q_liqor = mul(quote, f_all), mul(sub(0, quote), f_liqor)
    platform = max(sub(sub(0, q_liqor), q_liqee), 0)
    p.fees = add(p.fees, platform)
    if base:
        for who, by in (("base_lots", base), ("liqor_base_lots", -base)):
            old = getattr(p, who)
            setattr(p, who, i64(old + by))
            p.open_interest = i64(p.open_interest + i64(abs(old + by)) - i64(abs(old)))
        p.quote, p.liqor_quote = add(p.quote, q_liqee), add(p.liqor_quote, q_liqor)
    token = recurring = oneshot = 0
    if x.pnl > 0:
        once = max(ceil(p.oneshot_settle_allowance) >> 48, 0)
        more = max(limit - once, 0)
        pnl = max(ceil(p.pnl(p.oracle_price)) >> 48, 1)
        take = x.pnl >> 48
        total = max(pnl, take)
        top = i64(ceil(x.pnl) >> 48)
        shares = []
        for part in (more, once):
            fit(part * take)
            shares.append(i64(part * take // total))
        recurring = max(min(shares[0], top), 1)
        oneshot = max(min(shares[1], top - recurring), 0)
        seen["perp: limits shared"] += recurring > 1 and oneshot > 0
        token = mul(x.pnl, rate)
        p.liqor_quote = add(p.liqor_quote, x.pnl)
        p.book(x.pnl)
        T.deposit("position", token, not T.in_use)
        T.withdraw("liqor_position", token, False, False)
        h.spot[i] = add(h.spot[i], token)
    h.perp[n] = PerpInfo(p)
    end = h.health(END)
    recover(w, end)
    require(end >= start, "RequireGteViolated")
    return dict(base_transfer=base, quote_to_liqee=q_liqee, quote_to_liqor=q_liqor, platform_fee=platform, pnl_transfer=x.pnl,
                token_transfer=token, settle_limit_recurring=recurring, settle_limit_oneshot=oneshot, health_after=end)


def perp_loss(w, o):
    p = next(p for p in w.perps if p.market == o["market"])
    n = w.perps.index(p)
    h = Cache(w)
    start = h.health(END)
    h.after2()
    out = dict(max_settle=0, settlement=0, insurance_transfer=0, insured_loss=0, socialized_loss=0, health_after=start)
    if check(w, h) != "liquidatable":
        return out
    T = w.token(p.settle)
    T.liqor_in_use = True
    i = h.at[p.settle]
    most, spot = h.max_settle(p.settle), h.balances(END)[i]
    p.settle_funding()
    pnl = p.pnl(p.oracle_price)
    require(pnl < 0, "ProfitabilityMismatch")
    p.update_window(w.now)
    room = max(min(most, p.settleable_loss(pnl)), 0)
    max_liab = o.get("max_liab", 2 * I64 - 1) << 48
    amount = min(room, max_liab)
    if amount > 0:
        seen["loss: settled"] += 1
        p.liqor_quote = sub(p.liqor_quote, amount)
        p.book(-amount)
        T.deposit("liqor_position", amount, False)
        T.withdraw("position", amount, False, not T.in_use)
        h.spot[i] = sub(h.spot[i], amount)
    pay = insured = lost = 0
    if amount == room and p.pnl(p.oracle_price) < 0:
        price = w.fund_price()
        health_room = given(start, spot, mul(T.oracle_price, T.init_asset_weight), mul(T.oracle_price, T.init_liab_weight))
        all_loss = max(min(sub(0, p.pnl(p.oracle_price)), health_room), 0)
        to_liqor = max(min(all_loss, max_liab - amount), 0)
        vault = w.vault if p.group_insurance_fund else 0
        with_fee = mul(T.oracle_price, add(ONE, p.base_liquidation_fee))
        pay = min(u64(ceil(div(mul(to_liqor, with_fee), price)) >> 48), vault)
        insured = min(div(mul(pay << 48, price), with_fee), to_liqor)
        if pay:
            seen["loss: insured"] += 1
            fund = w.token(0)
            fund.deposit("liqor_position", pay << 48, not fund.liqor_in_use)
            p.book(-insured)
            p.liqor_quote = sub(p.liqor_quote, insured)
        rest = sub(all_loss, insured)
        if pay == vault and rest > 0:
            seen["loss: socialized"] += 1
            lost = rest
            each = div(-rest, whole(p.open_interest)) if p.open_interest else 0
            p.long_funding, p.short_funding = sub(p.long_funding, each), add(p.short_funding, each)
            p.book(-rest)
        w.vault -= pay
    h.perp[n] = PerpInfo(p)
    end = h.health(END)
    recover(w, end)
    return dict(max_settle=room, settlement=amount, insurance_transfer=pay, insured_loss=insured, socialized_loss=lost, health_after=end)


ACTIONS = dict(token_liq_with_token=token_liq, perp_liq_base_or_positive_pnl=perp_liq, perp_liq_negative_pnl_or_bankruptcy=perp_loss,
               token_liq_bankruptcy=token_bankruptcy)


AMOUNTS = dict(
    token_liq_with_token="liab_needed liab_possible liab_transfer asset_to_liqor asset_from_liqee platform_fee loan_origination_fee",
    perp_liq_base_or_positive_pnl="base_transfer quote_to_liqee quote_to_liqor platform_fee pnl_transfer token_transfer settle_limit_recurring settle_limit_oneshot",
    perp_liq_negative_pnl_or_bankruptcy="max_settle settlement insurance_transfer insured_loss socialized_loss",
    token_liq_bankruptcy="loss insurance_transfer liab_transfer socialized_loss loan_origination_fee")


def judge(state):
    out = dict(liquidatable=False)
    try:
        w = World(state)
        h = Cache(w)
        health = [h.health(k) for k in (INIT, MAINT, END)]
        balance, phase = h.balances(END), h.phase()
        was = w.liquidating
        status = check(w, h)
        w.liquidating = was
        seen["status: " + status] += 1
        seen[f"phase {phase}"] += 1
        out = dict(liquidatable=status == "liquidatable", status=status, health=health[END if was else MAINT], health_init=health[INIT],
                   health_maint=health[MAINT], health_liquidation_end=health[END], phase=phase)
        for i, t in enumerate(w.tokens):
            if t.active:
                k = h.at[t.index]
                out[f"token[{i}].balance"] = balance[k]
                out[f"token[{i}].init_asset_weight"], out[f"token[{i}].init_liab_weight"] = h.weight[k][INIT]
        o = w.order
        if not o:
            return out
        try:
            seen[o["action"]] += 1
            more = ACTIONS[o["action"]](w, o)
        except Refused as e:
            seen["refused " + str(e)] += 1
            out["refused"] = str(e)
            out.update(dict.fromkeys(AMOUNTS[o["action"]].split(), 0))
            return out
        out.update(more)
        for i, t in enumerate(w.tokens):
            out.update({f"after[{i}].{k}": v for k, v in dict(
                position=t.position, liqor_position=t.liqor_position, deposit_index=t.deposit_index, indexed_deposits=t.indexed_deposits,
                indexed_borrows=t.indexed_borrows, dust=t.dust, fees=t.fees).items()})
        if o["action"].startswith("perp"):
            p = next(p for p in w.perps if p.market == o["market"])
            out.update({f"perp.{k}": getattr(p, k) for k in (
                "base_lots quote oneshot_settle_allowance liqor_base_lots liqor_quote long_funding short_funding open_interest fees".split())})
        out.update(insurance_vault=w.vault, being_liquidated=w.liquidating, refused="")
        return out
    except Refused as e:
        seen["no health: " + str(e)] += 1
        return dict(liquidatable=False, refused=str(e))
