# SPDX-License-Identifier: Apache-2.0
"""The cases of the program's own tests (health/cache.rs test_health0 and test_health1, token_liq_with_token.rs,
perp_liq_base_or_positive_pnl.rs, perp_liq_negative_pnl_or_bankruptcy.rs), with their expected values and tolerances. Those
tests call the inner function; here the whole instruction runs, so the account is in liquidation from the start. Where the
test expects an error, nothing may be moved.
"""
import re
import struct

ONE = 1 << 48


def q(f):
    return round(f * ONE)


def token(index, price, init, maint, native=0.0, **more):
    """mock_bank_and_oracle, with the position that a deposit or withdrawal of `native` leaves."""
    index_of = 10**6 * ONE
    indexed = -(-q(native) // 10**6)  # a deposit rounds up, a withdrawal down: both towards more
    t = dict(index=index, oracle_price=q(price), deposit_index=index_of, borrow_index=index_of, init_asset_weight=q(1 - init), init_liab_weight=q(1 + init),
             maint_asset_weight=q(1 - maint), maint_liab_weight=q(1 + maint), position=indexed, indexed_deposits=max(indexed, 0), indexed_borrows=max(-indexed, 0))
    t.update(more)
    return t


def perp(market, settle, price, base, pnl, **more):
    p = dict(market=market, settle=settle, oracle_price=q(price), init_base_asset_weight=q(1 - base[0]), init_base_liab_weight=q(1 + base[0]),
             maint_base_asset_weight=q(1 - base[1]), maint_base_liab_weight=q(1 + base[1]), init_overall_asset_weight=q(1 - pnl[0]),
             maint_overall_asset_weight=q(1 - pnl[1]), quote_lot_size=100, base_lot_size=10)
    p.update(more)
    return p


def f64(f):
    return struct.unpack("<Q", struct.pack("<d", f))[0]


def near(name, answer, **want):
    """want: name=(value, tolerance) or a whole number; after_0_x is after[0].x, perp_x perp.x."""
    for k, v in want.items():
        k = re.sub(r"^after_(\d)_", r"after[\1].", re.sub(r"^perp_", "perp.", k))
        v, slack = v if isinstance(v, tuple) else (v, None)
        have = answer.get(k)
        good = have is not None and (have == v if slack is None else abs(have - q(v)) < q(slack))
        if not good:
            return name, False, f"{k} is {have if slack is None else have and have / ONE}, expected {v}: {answer}"
    return name, True, ""


HEALTH = [  # token1..3, (quote, base) reserved in 1_2 and 1_3, perp lots, quote, bids, asks; bank settings; extremes; expected
    ((100, -10, 0), (20, 15), (0, 0), (3, -131, 7, 11), {}, {}, 0.8 * (100 + 95 + 10 * 50 * 0.8 + (-131 - 350)) - 75),
    ((-100, 10, 0), (20, 15), (0, 0), (-10, -131, 7, 11), {}, {}, 1.2 * (-100 + -21 * 50 * 1.2 + (-131 + 550)) + (50 + 95) * 0.5),
    ((0, 0, 0), (0, 0), (0, 0), (-1, 100, 0, 0), {}, {}, 0.8 * 0.95 * (100 - 60)),
    ((0, 0, 0), (0, 0), (0, 0), (1, -100, 0, 0), {}, {}, 1.2 * (-100 + 40)),
    ((0, 0, 0), (0, 0), (0, 0), (10, 100, 0, 0), {}, {}, 0.8 * 0.95 * 500),
    ((0, 0, 0), (0, 0), (0, 0), (30, -100, 0, 0), {}, {}, 0.8 * 0.95 * 1100),
    ((-100, -10, -10), (1, 1), (1, 1), (0, 0, 0, 0), {}, {}, -120 - 75 - 150 + 7.2 + 13.2),
    ((-14, -10, -10), (1, 1), (1, 1), (0, 0, 0, 0), {}, {}, -16.8 - 75 - 150 + 3.6 + 2.4 + 9.6 + 2.4),
    ((-100, -100, -1), (0, 0), (10, 1), (0, 0, 0, 0), {}, {}, -120 - 750 - 15 + 15 + 5),
    ((-100, -100, -1), (100, 0), (10, 1), (0, 0, 0, 0), {}, {}, -120 - 750 - 15 + 96 + 16 + 16),
    ((100, 100, 100), (0, 0), (0, 0), (0, 0, 0, 0), {0: (100, 0, 1000, 0, 0), 1: (1500, 0, 5000, 0, 0), 2: (10000, 0, 10000, 0, 0)}, {},
     80 + 250 * (5000 / 7500) + 500 * 0.1),
    ((-100, -100, -100), (0, 0), (0, 0), (0, 0, 0, 0), {0: (0, 100, 0, 1000, 0), 1: (0, 1500, 0, 5000, 0), 2: (0, 10000, 0, 10000, 0)}, {},
     -120 - 750 * 1.5 - 1500 * 10),
    ((-100, 0, 0), (0, 0), (0, 0), (1, 100, 0, 0), {}, {}, 0.8 * (-100 + 0.95 * 140)),
    ((100, 0, 0), (0, 0), (0, 0), (-1, -100, 0, 0), {}, {}, 1.2 * -60),
    ((-100, -10, 0), (1, 1), (11, 1), (0, 0, 0, 0), {}, {"ask2": 3.0, "bid3": 1 / 12}, -120 - 75 + 4.8 + (11 / 12 + 1) * 5),
    ((-100, -10, 0), (1, 1), (11, 1), (0, 0, 0, 0), {}, {"ask2": 6.0, "bid3": 1 / 9}, -120 - 75 + 7.2 + 2.1 * 5),
    ((100, 100, 100), (0, 100), (0, 100), (0, 0, 0, 0), {}, {}, 80 + 250 + 500 + 250 + 500),
    ((100, 100, 100), (0, 100), (0, 100), (0, 0, 0, 0), {1: (100, 0, 500, 0, 100), 2: (600, 0, 5000, 0, 100)}, {},
     80 + 125 + 500 * 5 / 7 + 125 + 500 * 5 / 7),
]


def health_cases(d):
    s = dict(tokens=[token(0, 1, 0.2, 0.1, 100), token(4, 5, 0.5, 0.3, -10)],
             spots=[dict(base=4, quote=0, quote_total=21, base_total=18, quote_free=1, base_free=3, referrer_rebates=2)],
             perps=[perp(9, 0, 5, (0.2, 0.1), (0.05, 0.02), base_lots=3, quote=q(-310), bids_base_lots=7, asks_base_lots=11, taker_base_lots=1, taker_quote_lots=2)])
    yield near("test_health0", d.ask(s), health_init=((100 + 96 + 11 * 50 * 0.8 + (-310 + 200 - 350)) * 0.8 - 7 * 5 * 1.5, 0.001))
    for i, (spot, oo2, oo3, (lots, quote, bids, asks), banks, extreme, want) in enumerate(HEALTH):
        tokens = [token(*t, n) for t, n in zip([(0, 1, 0.2, 0.1), (4, 5, 0.5, 0.3), (5, 10, 0.5, 0.3)], spot)]
        for k, (deposits, borrows, start, borrow_start, potential) in banks.items():
            tokens[k].update(indexed_deposits=deposits * ONE // 10**6, indexed_borrows=borrows * ONE // 10**6, potential_serum_tokens=potential)
            if start:
                tokens[k]["deposit_scale_start_f64"] = f64(float(start))
            if borrow_start:
                tokens[k]["borrow_scale_start_f64"] = f64(float(borrow_start))
        spots = [dict(base=4, quote=0, quote_total=oo2[0], base_total=oo2[1]), dict(base=5, quote=0, quote_total=oo3[0], base_total=oo3[1])]
        if extreme:
            spots[0]["lowest_placed_ask_f64"], spots[1]["highest_placed_bid_inv_f64"] = f64(extreme["ask2"]), f64(extreme["bid3"])
        s = dict(tokens=tokens, spots=spots, perps=[perp(9, 0, 5, (0.2, 0.1), (0.05, 0.02), base_lots=lots, quote=q(quote), bids_base_lots=bids, asks_base_lots=asks)])
        yield near(f"test_health1 {i}", d.ask(s), health_init=(want, 0.001))


TOKEN = [  # weights; asset spot, asset perp, liab spot, liab perp, other; asset and liab after (None: an error); max
    ("nothing", (0.9, 0.9, 0.9), (0, 0, 0, 0, 0), None, 100),
    ("no liabs1", (0.9, 0.9, 0.9), (1, 0, 0, 0, 0), None, 100),
    ("no liabs2", (0.9, 0.9, 0.9), (1, 0, 1, -1, 0), None, 100),
    ("no assets1", (0.9, 0.9, 0.9), (0, 0, -1, 0, 0), None, 100),
    ("no assets2", (0.9, 0.9, 0.9), (99.999, -100, -1, 0, 0), None, 100),
    ("no perps1", (0.9, 0.9, 0.9), (10, 0, -11, 0, 0), (0, -1), 100),
    ("no perps1, limited", (0.9, 0.9, 0.9), (10, 0, -11, 0, 0), (8, -9), 2),
    ("no perps2", (0.8, 0.8, 0.8), (10, 0, -9, 0, 0), (3, -2), 100),
    ("no perps2, other health1", (0.8, 0.8, 0.8), (10, 0, -9, 0, 0.4), (4, -3), 100),
    ("no perps2, other health2", (0.8, 0.8, 0.8), (10, 0, -9, 0, -0.4), (2, -1), 100),
    ("perp assets1", (0.8, 0.8, 0.5), (5, 6, -9, 0, 0), (0, -4), 100),
    ("perp assets2", (0.8, 0.8, 0.5), (5, 14, -9, 0, 0), (2, -6), 100),
    ("perp assets3", (0.8, 0.8, 0.5), (0, 14, -9, 0, 0), None, 100),
    ("perp liabs1", (0.8, 0.8, 0.5), (10, 0, -4, -5, 0), (6, 0), 100),
    ("perp liabs2", (0.8, 0.8, 0.5), (10, 0, -8, -1, 0), (3, -1), 100),
    ("perp liabs3", (0.8, 0.8, 0.5), (10, 0, 0, -9, 0), None, 100),
]


def moved_nothing(name, a):
    good = "refused" in a and (a["refused"] != "" or not any(a.get(k) for k in ("liab_transfer", "settlement", "insurance_transfer", "socialized_loss")))
    return name, good, str(a)


def weighted(t, w, maint=True):
    t.update(init_asset_weight=q(w), init_liab_weight=q(2 - w))
    if maint:
        t.update(maint_asset_weight=q(w), maint_liab_weight=q(2 - w))
    return t


def token_cases(d):
    for name, (aw, lw, pw), (a, ap, l, lp, other), want, most in TOKEN:
        tokens = [weighted(token(0, 1, 0, 0, a, liqor_position=0), aw), weighted(token(1, 1, 0, 0, l, liqor_position=1000 * ONE // 10**6), lw), token(2, 1, 0, 0, other)]
        perps = [perp(10, 0, 1, (0.2, 0.1), (1 - pw, 0.1), base_lot_size=1, quote=q(ap)), perp(9, 1, 1, (0.2, 0.1), (1 - pw, 0.1), base_lot_size=1, quote=q(lp))]
        s = dict(tokens=tokens, perps=perps, being_liquidated=True, order=dict(action="token_liq_with_token", asset=0, liab=1, max_liab=most * ONE))
        answer = d.ask(s)
        if want is None:
            yield moved_nothing("token " + name, answer)
        else:
            per = 10**6
            yield near("token " + name, answer, refused="", after_0_position=(want[0] / per, 0.01 / per), after_1_position=(want[1] / per, 0.01 / per))
    a = token(0, 1, 0, 0, 10, stable_price=q(0.5), deposit_scale_start_f64=f64(505.0), indexed_deposits=1010 * ONE // 10**6)
    l = token(1, 1, 0.4, 0.2, -9, stable_price=q(1.25), borrow_scale_start_f64=f64(3.75), indexed_borrows=9 * ONE // 10**6, indexed_deposits=1000 * ONE // 10**6,
              liqor_position=1000 * ONE // 10**6)
    answer = d.ask(dict(tokens=[a, l], order=dict(action="token_liq_with_token", asset=0, liab=1, max_liab=100 * ONE)))
    yield near("token stable price", answer, health_init=(10 * 0.5 * 0.5 - 9 * 1.25 * 1.4 * 3, 0.1), health_liquidation_end=(10 - 9 * 1.4, 0.1),
               health_maint=(10 - 9 * 1.2, 0.1), after_0_position=(3.5e-6, 1e-8), after_1_position=(-2.5e-6, 1e-8), health_after=(0, 0.01))


PERP = [  # base weight, overall weight, fee; spot, base, quote, other; spot, base, quote after; max base, max pnl
    ("nothing", (0.9, 0.9, 0), (0, 0, 0, 0), (0, 0, 0), (0, 100)),
    ("neg base liq 1", (0.5, 0.5, 0), (5, -10, 0, 0), (5, -9, -1), (-1, 100)),
    ("neg base liq 2", (0.5, 0.5, 0), (5, -10, 0, 0), (5, 0, -10), (-20, 100)),
    # ten times the program's numbers: above -1 the account leaves liquidation before anything is done
    ("neg base liq 3, tenfold", (0.5, 0.5, 0), (50, -40, 0, 0), (50, -20, -20), (-200, 100)),
    ("pos base liq 1", (0.5, 0.5, 0), (5, 20, -20, 0), (5, 19, -19), (1, 100)),
    ("pos base liq 2", (0.5, 0.5, 0), (0, 20, -30, 0), (0, 0, -10), (100, 100)),
    ("pos base liq 3", (0.5, 0.5, 0), (5, 20, -20, 0), (5, 10, -10), (100, 100)),
    ("pos perp health 1", (0.5, 0.8, 0), (-20, 20, 5, 0), (0, 10, -5), (100, 100)),
    ("pos perp health 2-1", (0.5, 0.5, 0), (-19, 20, 10, 0), (-1, 20, -8), (100, 100)),
    ("pos perp health 2-2", (0.5, 0.5, 0), (-25, 20, 10, 0), (0, 10, -5), (100, 100)),
    ("pos perp health 2-3", (0.5, 0.5, 0), (-23, 20, 10, 0), (-2, 10, -1), (100, 21)),
    ("pos perp health 2-4", (0.5, 0.5, 0), (-25, 20, 10, 0), (-4, 18, -9), (2, 100)),
    ("pos perp health 2-5", (0.5, 0.5, 0), (-25, 20, 10, 0), (-4, 16, -7), (4, 21)),
    ("pos perp health 4", (0.5, 0.5, 0), (-20, 20, 10, 0), (-15, 10, 15), (10, 5)),
    ("pos perp health 5", (0.5, 0.5, 0), (-20, 20, 10, 0), (-20, 0, 30), (100, 0)),
    ("pos perp health 6", (0.5, 0, 0), (-20, 20, 10, 0), (-20, 20, 10), (10, 0)),
    ("pos perp health 7", (0.5, 0, 0), (-20, 20, 10, 0), (-15, 20, 5), (10, 5)),
    ("pos perp health 8", (0.5, 0, 0), (-30, 20, 10, 0), (-7.5, 15, -7.5), (5, 30)),
    ("pos perp health 9", (0.5, 0, 0), (-25, 20, 10, 0), (0, 10, -5), (200, 200)),
    ("other token 1", (0.5, 0, 0), (2, 60, -35, -2), (2, 50, -25), (200, 200)),
    ("other token 2", (0.5, 0, 0), (-7, 60, -20, -3), (3, 60, -30), (200, 200)),
    ("other token 3", (0.5, 0, 0), (-7, 60, -30, -3), (3, 40, -20), (200, 200)),
    ("other token 4", (0.5, 0.5, 0), (-7, 60, -20, -3), (-7, 40, 0), (200, 0)),
    ("all phases 1", (0.5, 0.5, 0), (-7, 70, -40, -100), (3, 0, 20), (200, 10)),
    ("all phases 2", (0.5, 0.5, 0), (-7, 70, -30, -100), (8, 10, 15), (60, 15)),
    ("settle fee 1", (0.5, 0.5, 0.25), (-7, 70, -30, -100), (8, 10, 10), (60, 20)),
    ("settle fee 2", (0.5, 0.5, 0.25), (-7, 70, -30, -12), (8, 24, -4), (60, 20)),
    ("settle fee 3", (0.5, 0.5, 0.25), (-7, 70, -30, -6), (5.75, 45, -22), (60, 20)),
    # tenfold for the same reason
    ("settle fee 4, tenfold", (0.5, 0.5, 0.25), (-70, 700, -300, 40), (-55, 700, -320), (600, 200)),
]


def perp_cases(d):
    for name, (bw, ow, fee), (spot, base, quote, other), want, (max_base, max_pnl) in PERP:
        p = perp(9, 0, 1, (1 - bw, 0.1), (1 - ow, 0.02), base_lot_size=1, base_lots=base, quote=q(quote), positive_pnl_liquidation_fee=q(fee),
                 oneshot_settle_allowance=q(quote + base), settle_limit_factor_f32=0x3e4ccccd, open_interest=abs(base))
        s = dict(tokens=[token(0, 1, 0, 0, spot, liqor_position=1000 * ONE // 10**6), token(1, 1, 0, 0, other)], perps=[p], being_liquidated=True,
                 order=dict(action="perp_liq_base_or_positive_pnl", market=9, max_base=max_base, max_pnl=max_pnl))
        answer = d.ask(s)
        yield near("perp " + name, answer, refused="", after_0_position=(want[0] / 10**6, 1e-8), perp_base_lots=want[1], perp_quote=(want[2], 0.01),
                   perp_liqor_base_lots=base - want[1], perp_liqor_quote=(quote - want[2], 0.01), after_0_liqor_position=((1000 - want[0] + spot) / 10**6, 1e-8))
    p = perp(9, 0, 1, (0.4, 0.2), (0.05, 0.02), base_lot_size=1, base_lots=30, quote=q(-30), stable_price=q(0.5), open_interest=30, init_base_liab_weight=q(1.2))
    answer = d.ask(dict(tokens=[token(0, 1, 0, 0, 5), token(1, 1, 0, 0)], perps=[p], order=dict(action="perp_liq_base_or_positive_pnl", market=9, max_base=100, max_pnl=0)))
    yield near("perp stable price", answer, health_init=(5 - 30 + 9, 0.1), health_liquidation_end=(5 - 30 + 18, 0.1), health_maint=(5 - 30 + 24, 0.1),
               perp_base_lots=12, health_after=(5 - 12 + 7.2, 0.1))


LOSS = [  # weight, settle price, insurance price; settle token, pnl, other, insurance, settle limit; liqee's settle token and pnl;
    # liqor's settle token, pnl, insurance, socialized loss; max
    ("nothing", (0.9, 1, 1), (0, 0, 0, 0, 0), None, None, 100),
    ("settle 1", (0.9, 2, 3), (40, -50, -36, 6, 100), (30, -40), (10, -10, 0, 0), 10),
    ("settle 2", (0.9, 2, 3), (40, -50, -36, 100, 100), (20, -21), (20, -29, 6, 0), 29),
    ("settle 3", (0.9, 2, 3), (40, -50, -36, 100, 10), (30, -31), (10, -19, 6, 0), 19),
    ("settle 4", (0.9, 2, 3), (5, -20, 30, 0, 100), (-13.63, 0), (18.63, -18.63, 0, 1.36), 100),
    ("no insurance 1", (0.9, 2, 1), (0, -5, 2.2, 0, 0), (0, -1), (0, 0, 0, 4), 0),
    ("no insurance 2", (0.9, 2, 1), (4, -5, -3.6, 0, 0), (4, -2), (0, 0, 0, 3), 0),
    ("no insurance 3", (0.9, 2, 1), (4, -5, -3.6, 0, 0), (4, -2), (0, 0, 0, 3), 100),
    ("insurance 1", (0.9, 2, 3), (40, -50, -36, 6, 0), (40, -20), (0, -9, 6, 21), 100),
    ("insurance 2", (0.9, 2, 3), (40, -50, -36, 6, 0), (40, -47), (0, -3, 2, 0), 3),
    ("insurance 3", (0.9, 2, 3), (40, -50, -36, 1000, 0), (40, -20), (0, -30, 20, 0), 100),
    ("everything 1", (0.9, 2, 3), (40, -50, -36, 6, 100), (20, 0), (20, -29, 6, 21), 40),
    ("everything 2", (0.9, 2, 3), (10, -50, 9, 6, 100), (-4.1, 0), (14.1, -23.1, 6, 26.9), 40),
]


def loss_cases(d):
    for name, (w, price, insured), (spot, pnl, other, vault, limit), liqee, liqor, most in LOSS:
        p = perp(9, 1, 1, (0.2, 0.1), (1, 0.1), base_lot_size=1, quote=q(pnl), open_interest=1, group_insurance_fund=True, recurring_settle_allowance=limit,
                 settle_limit_factor_f32=0x3e4ccccd)
        s = dict(tokens=[token(0, insured, 0, 0, active=False), weighted(token(1, price, 0, 0, spot), w), token(2, 1, 0, 0, other)], perps=[p], being_liquidated=True,
                 insurance_vault=vault, order=dict(action="perp_liq_negative_pnl_or_bankruptcy", market=9, max_liab=most))
        answer = d.ask(s)
        if liqee is None:
            yield moved_nothing("loss " + name, answer)
            continue
        yield near("loss " + name, answer, refused="", after_1_position=(liqee[0] / 10**6, 1e-8), perp_quote=(liqee[1], 0.1),
                   after_1_liqor_position=(liqor[0] / 10**6, 1e-8), perp_liqor_quote=(liqor[1], 0.1), after_0_liqor_position=(liqor[2] / 10**6, 1e-8),
                   perp_long_funding=(liqor[3], 0.1))


def rounding_cases(d):
    """src/i80f48.rs test_i80f48_mul_rounding: a product rounds to minus infinity. Here as health."""
    from fractions import Fraction
    for sign, text in ((1, "13.726375969298193"), (-1, "-13.726375969298196")):
        one = dict(init_asset_weight=ONE, init_liab_weight=ONE, maint_asset_weight=ONE, maint_liab_weight=ONE)
        answer = d.ask(dict(tokens=[dict(index=0, oracle_price=q(0.04), position=sign * 96590783907000000, **one)]))
        good = abs(Fraction(answer["health"], ONE) - Fraction(text)) < Fraction(1, 2 * ONE)
        yield f"rounding {text}", good, str(answer)


def run_cases(d):
    """(name, good, why) of each."""
    for part in (rounding_cases, health_cases, token_cases, perp_cases, loss_cases):
        yield from part(d)
