#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules aave-v4 and evk (docs/protocols/) against exact Python integers: random states and states at every threshold and
beside it, the contracts' own test vectors, refusals, states that are none.

  credit_diff.py             TAP on stdout (about 10 s)
  credit_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 2 min)

Environment: SEED (default 1), CASES (default 2000), and what protocol_judge.py reads. Run from the project root.
"""
import os
import random
import sys
from functools import partial

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
import judge_credit as j  # noqa: E402
import tap  # noqa: E402
from credit_mutants import AAVE_MUTANTS, EVK_MUTANTS  # noqa: E402
from judge_credit import ALL, BPS, DUST, MILLION, RAY, WAD  # noqa: E402
from protocol_judge import Driver, mutants  # noqa: E402

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "2000"))


def some(r, bits):
    return r.getrandbits(r.randint(1, bits))


def near(r, x, by=1, least=0):
    return max(least, x + r.randint(-by, by))


def put(state, **fields):
    return {**state, **fields}


def with_reserve(state, i, **fields):
    return put(state, reserves=[put(x, **fields) if n == i else x for n, x in enumerate(state["reserves"])])


def with_order(state, **fields):
    return put(state, order=put(state["order"], **fields))


# ---- Aave V4

def dynamic(r):
    cf = r.choice([0, 1, 5000, 7800, 8300, 9000, 9999, r.randint(1, 9999)])
    most = max(BPS, (BPS - 1) * BPS // max(cf, 1))  # the greatest bonus that goes with it
    while -(-most * cf // BPS) >= BPS:
        most -= 1
    bonus = min(most, r.choice([BPS, BPS + 1, 10500, 11000, 12000, most, r.randint(BPS, most)]), 2**32 - 1)
    return dict(collateral_factor=cf, max_bonus=bonus, fee=r.choice([0, 1, 1000, BPS, r.randint(0, BPS)]))


def reserve(r, dollars):
    decimals = r.choice([0, 6, 8, 18, 18, 18, r.randint(0, 18)])
    price = r.choice([10**8, 10**8, 2000 * 10**8, 90000 * 10**8, r.randint(1, 10**14), 1])
    amount = max(1, int(dollars * 1e8) * 10**decimals // price)
    x = dict(price=price, decimals=decimals, **dynamic(r))
    if r.random() < 0.8:
        shares = min(2**119, amount)
        x.update(collateral=r.random() < 0.9, supplied_shares=shares)
        if r.random() < 0.7:
            x.update(added_shares=shares + some(r, 90))
            x.update(added_assets=x["added_shares"] * r.choice([1000, 1050, 1999, 800]) // 1000)
    if r.random() < 0.6:
        i = r.choice([RAY, RAY + 1, RAY * 3 // 2, RAY + some(r, 90)])
        x.update(drawn_index=i, drawn_shares=max(1, min(2**119, amount * r.randint(500, 900) // 1000 * RAY // i)))
        if r.random() < 0.6:
            ps = min(x["drawn_shares"] * r.choice([0, 1, 20, 300]) // 1000, 2**198 // i)  # the offset is an int200
            x.update(premium_shares=ps, premium_offset=ps * i - r.choice([0, 1, RAY, some(r, 90), ps * (i - RAY),
                x["drawn_shares"] * RAY // r.randint(5, 1000)]))
    if r.random() < 0.05:
        x[r.choice(["paused", "frozen"])] = True
    if r.random() < 0.1:
        x["liquidity"] = some(r, 100)
    return x


def aave_state(r):
    dollars = 10 ** r.choice([r.uniform(2.5, 4), r.uniform(0, 8)])
    n = r.randint(1, 4)
    while True:
        s = dict(target_health=WAD + r.choice([0, 0, 1, WAD // 20, WAD // 4, some(r, 60), 2**126]),
                 max_bonus_health=r.choice([0, WAD * 8 // 10, WAD * 99 // 100, WAD - 1, r.randint(0, WAD - 1)]),
                 bonus_factor=r.choice([0, 1, 5000, BPS, r.randint(0, BPS)]), reserves=[reserve(r, dollars) for _ in range(n)])
        debts = [i for i, x in enumerate(s["reserves"]) if x.get("drawn_shares")]
        colls = [i for i, x in enumerate(s["reserves"]) if x.get("collateral")]
        if debts and colls:
            break
    o = dict(collateral=r.choice(colls), debt=r.choice(debts))
    if r.random() < 0.05:
        o = dict(collateral=r.randrange(n), debt=r.randrange(n))
    if r.random() < 0.4:
        o["debt_to_cover"] = r.choice([some(r, 100), 0, 1, ALL])
    if r.random() < 0.3:
        o["receive_shares"] = True
    if r.random() < 0.02:
        o["self"] = True
    return put(s, order=o)


def at_health(r, s, wanted):
    """The order's debt set so that health comes out at about `wanted`."""
    p = j.Spoke(s)
    try:
        p.account()
        d = p.r[s["order"]["debt"]]
        other = p.debts - (-(-p.owed(d) * d["price"] * WAD // 10 ** d["decimals"]) if d["drawn_shares"] else 0)
    except j.Arithmetic:
        return s
    worth = p.weighted * WAD // BPS // max(1, wanted) - other
    tokens = worth * 10 ** d["decimals"] // (d["price"] * WAD)
    shares = tokens * RAY // d["drawn_index"]
    return with_reserve(s, s["order"]["debt"], drawn_shares=near(r, min(max(1, shares), 2**120 - 2), 1, 1), premium_shares=0,
                        premium_offset=0)


def around(s):
    """The same call with just enough to cover, and with one less and more."""
    x = j.aave(s)
    if x is None or not x["repay"]:
        return []
    k = s["order"]["collateral"]
    return ([with_order(s, debt_to_cover=v) for v in (x["repay"], x["repay"] - 1, x["repay"] + 1, x["debt_to_target"] - 1)]
            + [with_reserve(s, k, liquidity=v) for v in (x["received"], x["received"] - 1) if 0 <= v < 2**128])


def debt_dust(r, s):
    """Covers all but about 1000 USD of the debt."""
    p = j.Spoke(s)
    d = p.r[s["order"]["debt"]]
    try:
        owed = p.owed(d)
    except j.Arithmetic:
        return s
    dust = -(-DUST * 10 ** d["decimals"] // (d["price"] * WAD))
    return with_order(s, debt_to_cover=max(1, near(r, owed - dust)))


def collateral_dust(r, s):
    """Leaves about 1000 USD of the collateral, or none of it."""
    x = j.aave(s)
    if x is None or not x["seize"]:
        return s
    k = j.Spoke(s).r[s["order"]["collateral"]]
    dust = -(-DUST * 10 ** k["decimals"] // (k["price"] * WAD))
    left = r.choice([0, dust, dust, near(r, dust, 2), dust // 2])
    s = with_reserve(s, s["order"]["collateral"], supplied_shares=max(0, near(r, x["seize"] + left)), added_assets=0, added_shares=0)
    return with_order(put(s, max_bonus_health=WAD - 1), debt_to_cover=x["repay"]) if r.random() < 0.7 else s


def aave_cases(r, n):
    for _ in range(n):
        s = aave_state(r)
        yield s
        h = r.choice([WAD, WAD, WAD + 1, s["max_bonus_health"], WAD * r.randint(300, 1000) // 1000, WAD * 99 // 100])
        t = at_health(r, s, h)
        yield t
        t = at_health(r, s, r.choice([s["max_bonus_health"], WAD * r.randint(700, 999) // 1000]))
        yield from around(t)
        yield debt_dust(r, t)
        t = collateral_dust(r, t)
        yield t
        if r.random() < 0.5:
            yield from around(t)
        if r.random() < 0.2:
            yield {k: v for k, v in s.items() if k != "order"}
    yield from exact_aave(r, n)


def exact_aave(r, n):
    """Wei of one dollar: health, bonus and both kinds of dust to the last unit. Several small reserves for the deficits."""
    for _ in range(n // 2):
        cf, bonus = r.choice([5000, 8000]), r.choice([BPS, 10500, 12000])
        owed = near(r, r.choice([1, 900, 1999, 5000]) * WAD, 1)
        h = r.choice([WAD, WAD - 1, WAD * 8 // 10, WAD * 8 // 10 + 1, WAD * r.randint(500, 999) // 1000])
        worth = -(-owed * h * BPS // (cf * WAD))
        coll = dict(price=10**8, decimals=18, collateral=True, supplied_shares=near(r, worth), collateral_factor=cf, max_bonus=bonus,
                    fee=r.choice([0, 1000]))
        s = dict(target_health=WAD + r.choice([0, WAD // 4]), max_bonus_health=WAD * 8 // 10, bonus_factor=5000,
                 reserves=[coll, dict(price=10**8, decimals=18, drawn_shares=owed)], order=dict(collateral=0, debt=1))
        if r.random() < 0.4:  # a second debt, a second collateral, or both
            s["reserves"].append(dict(price=10**8, decimals=18, drawn_shares=r.choice([1, WAD]), premium_shares=5,
                                      premium_offset=5 * RAY - r.choice([0, 1, RAY])))
        if r.random() < 0.2:
            s["reserves"].append(dict(coll, supplied_shares=r.choice([1, WAD])))
        yield s
        dust = near(r, 1000 * WAD, 1)
        if owed > dust:
            yield with_order(s, debt_to_cover=owed - dust)
            x = j.aave(with_order(s, debt_to_cover=owed - 1000 * WAD))
            yield with_order(with_reserve(s, 0, supplied_shares=max(1, x["seize"] + dust)), debt_to_cover=x["repay"] or 1)
            yield with_order(with_reserve(s, 0, supplied_shares=max(1, x["seize"] + dust)), debt_to_cover=(x["repay"] or 1) + 999 * WAD)
        if r.random() < 0.3:  # one unit of debt that health and collateral just allow
            yield with_reserve(s, 0, supplied_shares=r.choice([1, 2, WAD // 2]))
        if r.random() < 0.2:  # all debt for all the collateral: exactly, or one off; another debt may stay
            exact = near(r, owed * bonus // BPS, 1)
            yield put(with_reserve(s, 0, supplied_shares=exact, collateral_factor=r.choice([1000, 5000])), max_bonus_health=WAD - 1)
        if r.random() < 0.1:
            two = put(s, reserves=[dict(coll, supplied_shares=owed * bonus // BPS), s["reserves"][1],
                                   dict(price=10**8, decimals=18, drawn_shares=owed * r.randint(1, 9))])
            yield two  # one debt is repaid with all there is, the other stays
        if r.random() < 0.1:  # less is repaid than the premium
            t = with_reserve(s, 1, premium_shares=0, premium_offset=-r.randint(0, 300 * WAD) * RAY - r.choice([0, 1, RAY - 1]))
            yield with_order(with_reserve(t, 0, supplied_shares=coll["supplied_shares"] // 2),
                             debt_to_cover=r.randint(1, 100) * WAD + r.randint(0, 1))
        if r.random() < 0.1:  # more than 256 bits somewhere
            yield with_reserve(s, r.choice([0, 1]), price=r.choice([2**127, 2**60, 2**100]), supplied_shares=r.choice([2**119, WAD]),
                               drawn_shares=r.choice([2**119, WAD]))
        if r.random() < 0.1:  # as much, by health alone
            yield with_reserve(with_reserve(s, 0, price=2 ** r.randint(52, 76), supplied_shares=2**119), 1, price=2 ** r.randint(52, 66),
                               drawn_shares=2**119)
        if r.random() < 0.2:  # a share that is worth less than a unit
            yield with_reserve(s, 0, supplied_shares=coll["supplied_shares"] * 3 + 2, added_assets=10**30, added_shares=3 * 10**30)
        if r.random() < 0.2:
            yield with_order(s, receive_shares=True)


AAVE_SEEN = """health 1|health just below 1|bonus at its greatest|bonus at its greatest, exactly|bonus grows|bonus just above
debt: all owed|debt: what the caller covers
debt: to the target|debt left: 1000 USD exactly|debt left: just dust|debt dust|collateral left: 1000 USD exactly
collateral left: just dust|collateral: exactly all
collateral too little|collateral dust|collateral dust, but all debt|debt raised by the dust of the collateral
covers exactly what is needed|covers one too little|fee
premium repaid in part|premium and some of the drawn|shares stay though all is taken|deficit|deficit in another reserve
no deficit: other collateral|no deficit: nothing owed|the target is reached
refused: no|refused: SelfLiquidation|refused: InvalidDebtToCover|refused: ReservePaused|refused: ReserveNotSupplied
refused: ReserveNotBorrowed
refused: HealthFactorNotBelowThreshold|refused: CollateralCannotBeLiquidated|refused: CannotReceiveShares|refused: MustNotLeaveDust
refused: InsufficientLiquidity
refused: arithmetic|account: arithmetic""".replace("\n", "|").split("|")


def aave_vectors():
    """The public suite's: LiquidationLogic.{LiquidationAmounts,LiquidationBonus,DebtToTargetHealthFactor}.t.sol."""
    k = dict(price=10**8, decimals=6, collateral=True, supplied_shares=11000 * 10**6, collateral_factor=5000, max_bonus=12000, fee=1000)
    d = dict(price=2000 * 10**8, decimals=18, drawn_shares=5 * WAD)
    s = dict(target_health=WAD, max_bonus_health=8 * WAD // 10, bonus_factor=5000, reserves=[k, d, dict(k, supplied_shares=5000 * 10**6)],
             order=dict(collateral=0, debt=1, debt_to_cover=3 * WAD))
    yield s, dict(health=8 * WAD // 10, seize=6000 * 10**6, received=5900 * 10**6, repay=25 * WAD // 10, refused="")
    yield put(s, reserves=[dict(k, supplied_shares=3000 * 10**6), d, dict(k, supplied_shares=13000 * 10**6)]), dict(
        health=8 * WAD // 10, seize=3000 * 10**6, received=2950 * 10**6, repay=125 * WAD // 100, refused="")
    for health, bonus in ((WAD - 1, 10500), (96 * WAD // 100, 10600), (8 * WAD // 10, 11000)):
        yield dict(s, reserves=[dict(k, decimals=18, supplied_shares=2 * health, max_bonus=11000), dict(d, price=10**8, drawn_shares=WAD)],
                   order=dict(collateral=0, debt=1)), dict(health=health, bonus=bonus)
    for target, price, decimals, want in ((125 * WAD // 100, 1, 0, 9000), (125 * WAD // 100, 1, 6, 9000 * 10**6),
                                          (125 * WAD // 100, 1, 18, 9000 * WAD), (WAD, 2000, 0, 4),
                                          (WAD, 2000, 6, 4 * 10**6), (WAD, 2000, 18, 4 * WAD)):
        yield dict(s, target_health=target, reserves=[dict(k, decimals=18, supplied_shares=16000 * WAD, max_bonus=15000),
                                                      dict(d, price=price * 10**8, decimals=decimals,
                                                           drawn_shares=10000 // price * 10**decimals)],
                   order=dict(collateral=0, debt=1)), dict(health=8 * WAD // 10, debt_to_target=want)


def aave_faults():
    s = next(aave_vectors())[0]
    for field, bad in (("target_health", WAD - 1), ("max_bonus_health", WAD), ("bonus_factor", 10001), ("reserves", []), ("surprise", 1),
                       ("target_health", 2**128)):
        yield put(s, **{field: bad})
    for field, bad in (("price", 0), ("price", 2**128), ("decimals", 19), ("collateral_factor", 10000), ("max_bonus", 9999),
                       ("max_bonus", 20000), ("fee", 10001), ("drawn_index", RAY - 1),
                       ("supplied_shares", 2**120), ("premium_shares", 1), ("premium_offset", 1), ("premium_offset", 2**199)):
        yield with_reserve(s, 0, **{field: bad})
    for field, bad in (("collateral", 3), ("debt", 3), ("why", 0)):
        yield with_order(s, **{field: bad})
    for gone in ("target_health", "max_bonus_health", "bonus_factor"):
        yield {k: v for k, v in s.items() if k != gone}


# ---- Euler

def collateral(r, now, worth):
    end = r.choice([1, now, now + 1, now + r.randint(1, 60), now - 5])
    x = dict(balance=r.choice([0, 1, some(r, 100), WAD]), liquidation_ltv=r.choice([0, 1, 9000, BPS, r.randint(0, BPS)]),
             target_timestamp=end)
    if end > now or r.random() < 0.5:
        x.update(initial_ltv=r.choice([0, BPS, r.randint(0, BPS), x["liquidation_ltv"]]),
                 ramp_duration=max(0, end - now) + r.choice([0, 0, r.randint(0, 1000)]))
    x["value"] = r.choice([0, some(r, 80), worth, worth, worth]) if x["balance"] else 0
    if r.random() < 0.08:
        x["enabled"] = False
    if r.random() < 0.05:
        x.update(target_timestamp=0, liquidation_ltv=0, initial_ltv=0, ramp_duration=0)
    return x


def euler_state(r):
    now, worth = 1_700_000_000 + r.randint(0, 10**6), 10 ** r.randint(0, 24) + some(r, 20)
    s = dict(now=now, liability=r.choice([0, 1, some(r, 112), 5 * WAD]), max_discount=r.choice([0, 1, 2000, 9999, r.randint(0, 9999)]),
             collaterals=[collateral(r, now, worth) for _ in range(r.randint(1, 4))],
             order=dict(collateral=0))
    s["order"]["collateral"] = r.randrange(len(s["collaterals"]))
    s["liability_value"] = r.choice([0, 1, 10**6, 10**6 - 1, worth, worth * r.randint(1, 30) // 10, some(r, 90)]) if s["liability"] else 0
    if r.random() < 0.15:
        s.update(cool_off=r.choice([1, 5, 65535]), last_status_check=now - r.choice([0, 1, 4, 5, 6]))
    for field, v, p in (("dont_socialize", True, 0.15), ("oracle", False, 0.03), ("deferred", True, 0.03), ("disabled", True, 0.03),
                        ("controller", r.choice(["none", "other", "several", "this"]), 0.06)):
        if r.random() < p:
            s[field] = v
    for field, v, p in (("self", True, 0.03), ("liquidator_enabled", False, 0.03), ("min_yield", r.choice([0, 1, some(r, 90)]), 0.1),
                        ("repay", r.choice([0, 1, some(r, 112), ALL]), 0.3)):
        if r.random() < p:
            s["order"][field] = v
    return s


def around_euler(r, s):
    x = j.euler(s)
    if x is None or not x["violation"]:
        return
    for wish in (x["max_repay"], x["max_repay"] + 1, x["max_repay"] - 1, x["max_repay"] // 3):
        if wish >= 0:
            yield with_order(s, repay=wish)
    for least in (x["yield"], x["yield"] + 1):
        yield with_order(s, min_yield=least)


def euler_cases(r, n):
    for _ in range(n):
        s = euler_state(r)
        yield s
        c = j.liquidity(s, s["now"])[0]
        if s["liability"] and c:
            t = put(s, liability_value=near(r, c, least=1))  # at the threshold
            yield t
            t = put(s, liability_value=c * r.randint(100, 200) // 100 + 1)
            yield t
            yield from around_euler(r, t)
            k = s["order"]["collateral"]
            x = j.euler(t)
            if x and x["discount_factor"]:  # the yield is all there is, or one more or less
                worth = near(r, x["liability_value"] * WAD // x["discount_factor"])
                if t["collaterals"][k]["balance"]:
                    other = [dict(v, liquidation_ltv=0, initial_ltv=0) if i == k else v for i, v in enumerate(t["collaterals"])]
                    yield put(t, collaterals=[dict(v, value=worth) if i == k else v for i, v in enumerate(other)])
        if r.random() < 0.5:  # one collateral alone: the debt that stays is socialised, or not
            k = dict(s["collaterals"][0], enabled=True, target_timestamp=r.choice([1, s["now"]]), initial_ltv=0, ramp_duration=0)
            k.update(value=r.choice([0, 1, 10**5, 7 * 10**5]) if k["balance"] else 0)
            others = [dict(v, enabled=r.random() < 0.3) for v in s["collaterals"][1:]] + [dict(balance=WAD, value=some(r, 20),
                liquidation_ltv=0, target_timestamp=0)]
            t = dict(now=s["now"], liability=s["liability"] or 7, liability_value=r.choice([10**6 - 1, 10**6, 10**6 + 1, some(r, 70)]),
                     max_discount=s["max_discount"],
                     collaterals=[k] + r.choice([[], others]), dont_socialize=r.random() < 0.2, order=dict(collateral=0))
            yield t
            yield from around_euler(r, t)
        if r.random() < 0.15:  # a ramp alone takes the account there, at an exact second
            length = r.randint(1, 60)
            k = dict(balance=WAD, value=10**9, initial_ltv=r.randint(5000, BPS), liquidation_ltv=r.randint(0, 5000),
                     target_timestamp=s["now"] + r.randint(0, length), ramp_duration=length)
            yield dict(now=s["now"], liability=1, liability_value=r.randint(k["liquidation_ltv"],
                k["initial_ltv"]) * 10**5 + r.randint(-1, 1), max_discount=2000,
                       collaterals=[k, dict(k, value=r.choice([0, 10**5]))], order=dict(collateral=0))
        if r.random() < 0.1:
            k = dict(balance=r.choice([1, ALL, 2**200]), value=r.choice([2**243, 2**200, ALL, 1]), liquidation_ltv=r.choice([1, BPS]),
                     target_timestamp=1)
            yield put(s, liability=max(1, s["liability"]), liability_value=r.choice([2**196, 2**200, 2**250, ALL]),
                      collaterals=[k, dict(k)], order=dict(collateral=0))
        if r.random() < 0.1:
            k = dict(balance=2 ** r.randint(90, 130), value=2 ** r.randint(110, 180), liquidation_ltv=9000, target_timestamp=1)
            yield dict(now=s["now"], liability=2**111, liability_value=k["value"] * r.randint(80, 99) // 100, max_discount=2000,
                       collaterals=[k], order=dict(collateral=0))
            yield {k: v for k, v in s.items() if k != "order"}
            yield put(s, liability=0, liability_value=0, oracle=False, controller="this", order=dict(collateral=0, repay=1))


EVK_SEEN = """LTV on its ramp|adjusted value equals the liability|adjusted value one above|a ramp brings the violation
discount at its greatest|discount 1 - health|worthless collateral
yield is exactly the collateral|collateral short|repay one too much|repay in part|too small to socialise|least that is socialised
socialising is switched off|socialised
not socialised: another collateral|refused: no|refused: E_ControllerDisabled|refused: E_OperationDisabled|refused: E_SelfLiquidation
refused: E_BadCollateral|refused: E_NoLiability
refused: E_NotController|refused: E_TransientState|refused: E_CollateralDisabled|refused: E_ViolatorLiquidityDeferred
refused: E_LiquidationCoolOff|refused: E_NoPriceOracle
refused: E_ExcessiveRepayAmount|refused: E_MinYield|refused: arithmetic|account: arithmetic""".replace("\n", "|").split("|")


def euler_vectors():
    """The public suite's test/unit/evault/modules/Liquidation/full.t.sol."""
    now = 1_700_000_000

    def vault(owed, worth, balance, value, ltv_now=3000, more=(), **extra):
        k = dict(balance=balance, value=value, liquidation_ltv=ltv_now, target_timestamp=now)
        return dict(now=now, liability=owed, liability_value=worth, max_discount=2000, collaterals=[k, *more], order=dict(collateral=0),
                    **extra)
    yield vault(5 * WAD, 11 * WAD, 100 * WAD, 40 * WAD), dict(violation=False, max_repay=0, max_yield=0)  # noViolation
    yield with_order(vault(5 * WAD, 11 * WAD, 100 * WAD, 40 * WAD), repay=1), dict(refused="E_ExcessiveRepayAmount")
    yield vault(5 * WAD, 125 * WAD // 10, 100 * WAD, 40 * WAD), dict(health=96 * WAD // 100, max_repay=5 * WAD)  # basicFullLiquidation
    yield vault(17 * WAD, 459 * WAD // 10, 100 * WAD, 40 * WAD,
                9900), dict(max_yield=100 * WAD)  # extremeCollateralFactors, debtSocialization
    x = 40 * WAD * (396 * 10**17 * WAD // (459 * 10**17)) // WAD * 17 * WAD // (459 * 10**17)
    yield vault(17 * WAD, 459 * WAD // 10, 100 * WAD, 40 * WAD, 9900), dict(repay=x, socialised=17 * WAD - x)
    one = dict(balance=1, value=2, liquidation_ltv=9500, target_timestamp=now)
    yield vault(17 * WAD, 459 * WAD // 10, 100 * WAD, 40 * WAD, 9900, [one]), dict(max_yield=100 * WAD, socialised=0)
    yield vault(5 * WAD, 11 * WAD, 100 * WAD, 40 * WAD, 1), dict(max_repay=5 * WAD, health=363636363636363)  # minCollateralFactor
    yield vault(5 * WAD, 11 * WAD, 100 * WAD, 40 * WAD, 0), dict(max_repay=5 * WAD,
                                                                 max_yield=100 * WAD * (11 * WAD * WAD // (8 * WAD // 10)) // (40 * WAD))  # zeroLTVCollateral
    yield vault(5 * WAD, 11 * WAD, 100 * WAD, 0), dict(max_repay=0, max_yield=100 * WAD, socialised=5 * WAD)  # zeroCollateralWorth
    yield vault(5 * WAD, 11 * WAD, 100 * WAD, 0, dont_socialize=True), {"repay": 0, "yield": 100 * WAD, "socialised": 0}
    yield vault(5 * WAD, 11 * WAD, 0, 0), dict(max_repay=0, max_yield=0, socialised=5 * WAD)
    yield vault(2, 40, 45, 18), dict(adjusted_value=5, health=125 * WAD // 1000, max_repay=0, max_yield=45)  # RepayAdjustedRoundsToZero
    yield vault(3000, 6, 1, 15), dict(max_repay=3000, max_yield=0)  # zeroYieldValue
    yield with_order(vault(3000, 6, 1, 15), min_yield=1), dict(refused="E_MinYield")
    for age, ltv_then, about in ((0, 3000, 0), (10, 2850, 0), (15, 2775, 0), (17, 2745, 2755), (18, 2730, None), (50, 2250, 3361),
                                 (70, 1950, 3437), (100, 1500, 3437)):  # ltvRamping
        s = vault(5 * WAD, 11 * WAD, 100 * WAD, 40 * WAD)
        s.update(now=now + age)
        s["collaterals"][0].update(liquidation_ltv=1500, initial_ltv=3000, target_timestamp=now + 100, ramp_duration=100)
        yield s, {"collateral[0].ltv": ltv_then, "violation_at": now + max(age, 17), **({} if about is None else {"about": about})}


def euler_faults():
    s = next(euler_vectors())[0]

    def k(**f):
        return put(s, collaterals=[put(s["collaterals"][0], **f)])
    for field, bad in (("max_discount", 10000), ("now", 2**48), ("liability", 2**112), ("liability", 0), ("controller", "me"),
                       ("cool_off", 65536), ("what", 1), ("collaterals", [])):
        yield put(s, **{field: bad})
    for f in (dict(liquidation_ltv=10001), dict(initial_ltv=10001), dict(target_timestamp=0),
              dict(target_timestamp=s["now"] + 2, ramp_duration=1), dict(balance=0), dict(more=1)):
        yield k(**f)
    yield put(s, collaterals=s["collaterals"] * 11)
    yield with_order(s, collateral=1)
    for gone in ("now", "liability", "liability_value", "max_discount"):
        yield {k: v for k, v in s.items() if k != gone}


# ---- both

PARTS = {"aave-v4": (aave_cases, j.aave, aave_vectors, aave_faults, AAVE_SEEN, AAVE_MUTANTS),
         "evk": (euler_cases, j.euler, euler_vectors, euler_faults, EVK_SEEN, EVK_MUTANTS)}


def check_vectors(d, vectors):
    n = 0
    for state, want in vectors():
        got = d.ask(state)
        about = want.pop("about", None)
        assert all(got[k] == v for k, v in want.items()), (state, want, got)
        assert about is None or abs(got["max_yield"] - about * WAD // 100) < WAD // 100, (state, about, got)
        n += 1
    return n


def check_faults(d, faults):
    n = 0
    for state in faults():
        got = d.ask(state)
        assert list(got) == ["error"], (state, got)
        n += 1
    return n


REVERTS = ("arithmetic overflow", "arithmetic underflow", "division by zero")  # which comes first is not held against the contract


def check_cases(d, cases, model, r, n):
    states = list(cases(r, n))
    for s, got in zip(states, d.ask_all(states)):
        want = model(s)
        if got.get("refused") in REVERTS:
            got["refused"] = "arithmetic"
        if j.take("account: arithmetic", want is None):
            assert "arithmetic" in got.get("error", ""), (s, got)
        else:
            assert got == want, (s, {k: (got.get(k), want.get(k)) for k in {**want, **got} if got.get(k) != want.get(k)})
    return len(states)


def everything(part, n, d, r):
    cases, model, vectors, faults, _, _ = PARTS[part]
    check_vectors(d, vectors)
    check_faults(d, faults)
    check_cases(d, cases, model, r, n)


def attempt(name, check):
    try:
        n = check()
        tap.report(True, f"{name}: {n}")
    except AssertionError as e:
        tap.report(False, name, str(e)[:3000])


def main():
    if sys.argv[1:] == ["--mutants"]:
        for part, (_, _, _, _, _, table) in PARTS.items():
            mutants(part, table, partial(everything, part, 250), seed=SEED, report=tap.report)
        tap.finish()
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    print(f"# credit_diff SEED={SEED} CASES={CASES}")
    for part, (cases, model, vectors, faults, tags, _) in PARTS.items():
        j.seen.clear()
        with Driver(part) as d:
            attempt(f"{part}: vectors of the contracts' own tests", lambda: check_vectors(d, vectors))
            attempt(f"{part}: states that are none are refused", lambda: check_faults(d, faults))
            attempt(f"{part}: equal to exact integers", lambda: check_cases(d, cases, model, random.Random(SEED), CASES))
        few = [t for t in tags if j.seen[t] < 3]
        tap.report(not few, f"{part}: every branch taken at least three times", f"{few}")
        print(f"# {part}: " + ", ".join(f"{t} {j.seen[t]}" for t in tags))
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
