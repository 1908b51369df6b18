#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drift v2's rule (host/protocols/drift_v2*) against judge_drift.py: margin, state and order of random
accounts, most of them within a unit of a threshold, and the protocol's own published numbers.

  tests/diff/drift_diff.py             seed from SEED (printed), N cases
  tests/diff/drift_diff.py --mutants   wrong versions of the C; each must be found"""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import judge_drift  # noqa: E402
import tap  # noqa: E402
from drift_mutants import MUTANTS  # noqa: E402
from judge_drift import Margin, Refused, completed, taken  # noqa: E402
from judge_drift_orders import evaluate  # noqa: E402
from protocol_judge import Driver, mutants  # noqa: E402

NAME, MORE = "drift-v2", ["host/base/i128_checked.c"]
N = int(os.environ.get("N", "6000"))
KINDS = ["perp", "spot", "borrow_for_perp_pnl", "perp_pnl_for_deposit"]
NEEDED = """size premium|size premium counts|size discount counts|more than nine decimals|asset weight scaled by deposits|high leverage|pnl imbalance
funding|prediction short|prediction price above one|collateral buffer|spot asks worse|spot bids worse|perp bids worse|all sold by orders
custom ratio of a borrow|pnl discounted|initial pnl capped|margin below fee|asset weighs as much|rest of the asset|perp if fee below its most
spot if fee below its most|small shortage|ramp below all|ramp already used|fee grown|second liquidation keeps the slot|small position|partial perp
short liquidated|long liquidated|balance turned|dust liability|asset is not enough|after bankrupt|after being_liquidated|after normal
end liquidated perp|end liquidated spot|end liquidated borrow_for_perp_pnl|end liquidated perp_pnl_for_deposit|end exited perp|end exited spot
end exited_by_orders perp|end exited_by_orders spot|end orders_cancelled perp_pnl_for_deposit|end no_base perp|end nothing perp|end nothing spot
no margin: MathError|no margin: CastingFailure|no margin: InvalidMarginRatio|refused: SufficientCollateral|refused: UserBankrupt
refused: InvalidLiquidation|refused: PriceBandsBreached|refused: LiquidationDoesntSatisfyLimitPrice|refused: WrongSpotBalanceType
refused: CouldNotFindSpotPosition|refused: InvalidSpotPosition|refused: UserHasNoPositionInMarket|refused: InvalidPerpPositionToLiquidate
refused: TierViolationLiquidatingPerpPnl|refused: InvalidOracle|refused: InvalidBaseAssetAmountForLiquidatePerp|refused: InvalidMarginCalculation
refused: PositionDoesntHaveOpenPositionOrOrders|refused: InvalidPerpPosition|isolated near its threshold|at the threshold|one below|one above
at the exit""".replace("\n", "|").split("|")


def log(r, low, high):
    return int(low * (high / low)**r.random())


def spot_market(r, index):
    decimals = 6 if index == 0 else r.choice([5, 6, 8, 9, 9, 9, 12])
    m = dict(market_index=index, decimals=decimals, price=10**6 if index == 0 else log(r, 10**4, 10**11), cumulative_deposit_interest=10**10,
             cumulative_borrow_interest=10**10, maintenance_asset_weight=10_000, maintenance_liability_weight=10_000, scaled_balance=0)
    if index == 0:
        if r.random() < 0.2:
            m["price"] = r.randrange(950_000, 1_050_000)
        return m
    m.update(maintenance_asset_weight=r.choice([0, 5000, 8000, 9000, 9500, 10_000]), maintenance_liability_weight=r.choice([10_000, 10_500, 11_000, 12_000, 15_000]),
             liquidator_fee=r.choice([0, 5000, 10_000, 50_000]), if_liquidation_fee=r.choice([0, 1000, 20_000]), cumulative_deposit_interest=r.randrange(10**10, 2 * 10**10),
             cumulative_borrow_interest=r.randrange(10**10, 2 * 10**10), imf_factor=r.choice([0, 0, 100, 3000, 100_000]),
             asset_tier=r.choice(judge_tiers("asset")), scale_initial_asset_weight_start=r.choice([0, 10**9, 10**13]), deposit_balance=log(r, 1, 10**18))
    m["initial_asset_weight"] = max(0, m["maintenance_asset_weight"] - r.choice([0, 1000]))
    m["initial_liability_weight"] = m["maintenance_liability_weight"] + r.choice([0, 1000])
    m["scaled_balance"] = min(2**60, max(1, log(r, 10**5, 10**10) * 10**9 // m["price"] * r.choice([1, 1, 10])))
    m["borrow"] = r.random() < 0.5
    if r.random() < 0.15:
        m["open_orders"] = r.randrange(1, 4)
        size = min(2**61, max(1, m["scaled_balance"] * 10**decimals // 10**9))
        m["open_bids"], m["open_asks"] = r.choice([0, size, size * 2, size // 3]), -r.choice([0, size, size * 3, size // 2])
        if r.random() < 0.15:
            m["scaled_balance"] = 0
        if r.random() < 0.3:  # all that there is
            tokens = judge_drift.token_amount({**judge_drift.SPOT, **m}, m["scaled_balance"], m["borrow"])
            m["open_asks" if not m["borrow"] else "open_bids"] = min(2**62, tokens) * (1 if m["borrow"] else -1)
    return m


def judge_tiers(kind):
    return ["Collateral", "Collateral", "Protected", "Cross", "Isolated", "Unlisted"] if kind == "asset" else ["A", "A", "B", "C", "Speculative", "HighlySpeculative", "Isolated"]


def perp_market(r, index):
    price = log(r, 10**4, 10**11)
    ratio = r.choice([300, 500, 1000, 2500])
    p = dict(market_index=index, price=price, margin_ratio_maintenance=ratio, margin_ratio_initial=ratio * 2, liquidator_fee=r.choice([0, 5000, 10_000, 25_000]),
             if_liquidation_fee=r.choice([0, 2000, 20_000, 50_000]), order_step_size=r.choice([1, 1000, 10**6]), imf_factor=r.choice([0, 0, 50, 1000, 20_000]),
             contract_tier=r.choice(judge_tiers("contract")), unrealized_pnl_imf_factor=r.choice([0, 1000]))
    if r.random() < 0.1:
        p["liquidator_fee"] = r.choice([(ratio + 200) * 100, ratio * 100 + r.randrange(40_000)])
    if r.random() < 0.15:
        p["prediction"], p["price"] = True, r.choice([r.randrange(1, 10**6), 10**6, 1_100_000])
    step = p["order_step_size"]
    base = max(step, log(r, 10**6, 10**11) * 10**9 // p["price"] // step * step)
    p["base_asset_amount"] = base * r.choice([1, -1])
    p["quote_asset_amount"] = -p["base_asset_amount"] * p["price"] // 10**9 + r.randrange(-10**7, 10**7)
    if r.random() < 0.4:
        p["unrealized_pnl_maintenance_asset_weight"] = r.choice([0, 5000, 9000])
        p["unrealized_pnl_initial_asset_weight"] = r.choice([0, 5000, 10_000])
        p["unrealized_pnl_max_imbalance"], p["net_user_pnl"] = r.choice([0, 10**9]), r.choice([0, 10**9, 10**9 + 1, 10**12, -5])
    if r.random() < 0.5:
        for k in ("cumulative_funding_rate_long", "cumulative_funding_rate_short", "last_cumulative_funding_rate"):
            p[k] = r.randrange(-10**9, 10**9)
    if r.random() < 0.3:
        p["open_orders"] = r.randrange(1, 4)
        p["open_bids"], p["open_asks"] = r.choice([0, base, base * 5]), -r.choice([0, base, base * 5])
    if r.random() < 0.3:
        p["high_leverage_margin_ratio_maintenance"], p["high_leverage_margin_ratio_initial"] = r.choice([0, 100, 200]), r.choice([0, 200, 400])
    if r.random() < 0.1:
        p["settlement"], p["expiry_price"] = True, r.choice([p["price"], p["price"] // 2, 0, -5])
    if r.random() < 0.15:
        p["isolated"], p["isolated_scaled_balance"] = True, log(r, 1, 10**13)
        if r.random() < 0.3:
            p["being_liquidated"] = True
    if index > 0 and r.random() < 0.1:  # nothing but orders, or an isolated deposit
        p.update(base_asset_amount=0, quote_asset_amount=0)
    return p


def for_pnl(r, kind, spots, perps):
    """What an order that needs a profit or a loss finds."""
    if kind == "borrow_for_perp_pnl":
        perps[0].update(base_asset_amount=0, quote_asset_amount=log(r, 1, 10**11), settlement=False)
        return
    perps[0].update(base_asset_amount=0, quote_asset_amount=-log(r, 1, 10**11))
    if len(spots) > 1 and r.random() < 0.7:
        spots[1]["borrow"] = False
    if r.random() < 0.5:
        for m in spots[1:]:
            m["asset_tier"] = r.choice(["Unlisted", "Cross"])
        perps[0]["contract_tier"] = r.choice(["A", "A", "Speculative"])
    if r.random() < 0.3:
        del perps[1:]
    if r.random() < 0.15:  # safer than the loss, but orders only
        perps[0].update(contract_tier="C", isolated=False, isolated_scaled_balance=0)
        perps[1:] = [{**perp_market(r, 1), "base_asset_amount": 0, "quote_asset_amount": 0, "open_orders": 2, "contract_tier": "A", "isolated": False,
                      "isolated_scaled_balance": 0, "open_bids": 0, "open_asks": 0}]
    elif r.random() < 0.3:
        perps[0].update(isolated=True, isolated_scaled_balance=log(r, 1, 10**13))


def order(r, kind, spots, perps):
    o = dict(kind=kind, max=r.choice([2**64 - 1, log(r, 1, 10**12), log(r, 10**9, 10**15)]))
    if kind != "spot":
        o["perp"] = r.choice([0] * 9 + [len(perps) - 1, 7])
    if kind == "perp_pnl_for_deposit" and perps[0].get("isolated") and r.random() < 0.8:
        o["asset"] = 0
    elif kind in ("spot", "perp_pnl_for_deposit"):
        o["asset"] = r.choice([0, 0, min(1, len(spots) - 1), min(1, len(spots) - 1), 1, 5][:6 if kind == "spot" and r.random() < 0.3 else 4])
    if kind in ("spot", "borrow_for_perp_pnl"):
        o["liability"] = len(spots) - 1 if r.random() < 0.95 else r.choice([0, 6])
    return o


def account(r, kind):
    spots = [spot_market(r, 0)] + [spot_market(r, i) for i in range(1, r.choice([1, 2, 3, 4]) if kind == "perp" else r.choice([2, 3, 3]))]
    perps = [perp_market(r, i) for i in range(r.choice([1, 1, 2, 3]) if "perp" in kind else r.choice([0, 0, 1]))]
    if kind in ("spot", "borrow_for_perp_pnl"):
        spots[-1]["borrow"] = True
    if "pnl" in kind:
        for_pnl(r, kind, spots, perps)
    for p in perps:
        if not p.get("isolated"):
            p.pop("being_liquidated", None)
    user = dict(last_active_slot=r.choice([0, 900, 1000]), margin_mode=r.choice(["Default"] * 5 + ["HighLeverageMaintenance", "HighLeverage"]))
    if r.random() < 0.4:
        user.update(being_liquidated=True, liquidation_margin_freed=r.choice([0, log(r, 1, 10**10)]))
    elif r.random() < 0.2:
        user["liquidation_margin_freed"] = log(r, 1, 10**10)
    if r.random() < 0.3:
        user["max_margin_ratio"] = r.choice([100, 2000, 10_000, 12_000])
    return dict(slot=r.choice([1000, 1001, 1200, 2499, 2500, 9000, 60_000]), liquidation_margin_buffer_ratio=r.choice([200] * 8 + [0, 1000]),
                initial_pct_to_liquidate=r.choice([0, 1000, 2000, 10_000]), liquidation_duration=r.choice([0, 150, 150, 250]), user=user, spot=spots, perp=perps,
                order=order(r, kind, spots, perps))


def net_quote(s, tokens):
    q = s["spot"][0]
    q["scaled_balance"], q["borrow"] = min(2**63, abs(tokens) * 1000), tokens < 0


def aim(r, s):
    """Moves the quote balance so that the account stands near a threshold."""
    margin_of = lambda: Margin(completed(s))
    at = r.choice(["start", "exit", "deep", "deep", "deep", "deep", "far"])
    if s["user"].get("being_liquidated") and r.random() < 0.2:
        at = "exit"
    off = r.choice([-1, 0, 1])
    net = 0
    try:
        for _ in range(3):
            net_quote(s, net)
            c = margin_of().cross
            if at == "exit":
                have = c.collateral + c.buffer - c.plus
                net += off - have
            else:
                want = off if at == "start" else -log(r, 10, max(20, c.requirement)) if at == "deep" else r.randrange(-10**9, 10**9)
                net += want - (c.collateral - c.requirement)
                if at != "start":
                    break
        net_quote(s, net)
        c = margin_of().cross
        for name, d in (("at the threshold", 0), ("one below", -1), ("one above", 1)):
            taken[name] += c.collateral - c.requirement == d
        taken["at the exit"] += c.plus > 0 and c.collateral + c.buffer == c.plus
    except Refused:
        net_quote(s, r.randrange(-10**9, 10**12))


def aim_isolated(r, s, p):
    try:
        side = Margin(completed(s)).isolated.get(p["market_index"])
        if side is None:
            return
        lacks = side.plus - side.collateral - side.buffer if r.random() < 0.4 else side.requirement - side.collateral
        tokens = p["isolated_scaled_balance"] // 1000 + lacks + r.choice([-1, 0, 1, -(abs(lacks) // 3) - 5])
        p["isolated_scaled_balance"] = max(0, min(2**62, tokens * 1000))
        taken["isolated near its threshold"] += tokens >= 0
    except Refused:
        pass


def disturb(r, s):
    """One thing that is wrong, or extreme."""
    one = r.choice(s["spot"] + s["perp"])
    o, spots = s["order"], s["spot"]
    key, value = r.choice([("price", 0), ("price", -1), ("price", 2**63 - 1), ("oracle", "TooVolatile"), ("oracle", "NonPositive"), ("oracle", "StaleForMargin"),
                           ("liquidation_paused", True), ("liquidation_paused", True), ("twap_5min", one["price"] * 2), ("twap_5min", one["price"] * 2 // 3),
                           ("twap_5min", one["price"] * 2 // 3 + 1), ("twap_5min", 0), ("twap_5min", -2**63), ("open_orders", 3), ("liquidator_fee", 999_999),
                           ("liquidator_fee", 10**6 + 1), ("imf_factor", 2**32 - 1), ("bankrupt", 0), ("balance", 0), ("extreme", 0), ("step", 0), ("step", 0),
                           ("interest", 0), ("base", 0), ("base", 0), ("base", 0), ("order", 0), ("quote", 0), ("divergence", 0)])
    if key == "bankrupt":
        s["user"]["bankrupt"] = True
    elif key == "balance":
        one = r.choice(spots)
        one["scaled_balance"] = r.choice([0, 1, 2**64 - 1])
    elif key == "extreme":
        for p in s["perp"][:1]:
            k = r.choice(["base_asset_amount", "quote_asset_amount", "open_bids", "cumulative_funding_rate_long", "last_cumulative_funding_rate"])
            p[k] = r.choice([2**63 - 1, -2**63, 2**127 - 1] if k.startswith("cumul") else [2**63 - 1, -2**63])
    elif key == "step":
        for p in s["perp"]:
            p["order_step_size"] = r.choice([0, 7, 10**12])
    elif key == "interest":
        k = r.choice(["cumulative_deposit_interest", "cumulative_borrow_interest"])
        one = r.choice(spots)
        one[k] = r.choice([0, 1, 2**128 - 1, 2**100])
        if r.random() < 0.3:  # tokens of 128 bits
            one.update(decimals=19, scaled_balance=3, **{k: 2**126})
    elif key == "base":
        for p in s["perp"][:1]:
            p.update(base_asset_amount=0, open_orders=r.choice([0, 1]), open_bids=0, open_asks=0)
    elif key == "order":
        o["max"] = r.choice([0, 1, 2**64 - 1])
    elif key == "divergence":
        s["oracle_twap_5min_percent_divergence"] = r.choice([500_001, 10**6, 2**63, 2**64 - 1])
        one["twap_5min"] = min(2**63 - 1, max(1, one["price"] * r.randrange(1, 30) // 10))
    elif key == "quote":
        spots[0].update(scaled_balance=0, borrow=True, open_orders=1)
    else:
        one[key] = max(-2**63, min(2**63 - 1, value)) if isinstance(value, int) and key != "imf_factor" else value


def limit(r, s):
    o = s["order"]
    perps = [p["price"] + d for p in s["perp"][:1] for d in (-p["price"] // 100, 0, p["price"] // 100)]
    o["limit_price"] = max(0, min(2**64 - 1, r.choice([0, 1, 10**6, log(r, 1, 10**12)] + perps)))


def exact_limit(r, s):
    """The price that the order has without a limit, and its neighbours."""
    a, o = evaluate(s), s["order"]
    if not a.get("order.transfer"):
        return
    if o["kind"] == "perp":
        p = next(p for p in s["perp"] if p["market_index"] == o["perp"])
        price = p["expiry_price"] if p.get("settlement") else p["price"]
        fee = price * a["order.fee_rate"] // 10**6
        at = price - fee if p["base_asset_amount"] >= 0 else price + fee
    else:
        decimals = {p["market_index"]: p["decimals"] for p in s["spot"]}
        got, owed = decimals[o["asset"]] if "asset" in o else 6, decimals[o["liability"]] if "liability" in o else 6
        at = a["order.received"] * 10**6 // 10**got * 10**owed // a["order.transfer"]
    o["limit_price"] = max(0, min(2**64 - 1, at + r.choice([-1, 0, 0, 1])))


def small(r, s):
    """An account of a few dollars."""
    for p in s["perp"]:
        step = p["order_step_size"]
        p["base_asset_amount"] = max(step, r.randrange(1, 60 * 10**6) * 10**9 // p["price"] // step * step) * r.choice([1, -1]) if p["base_asset_amount"] else 0
        p["quote_asset_amount"] = -p["base_asset_amount"] * p["price"] // 10**9 if p["base_asset_amount"] else r.choice([1, -1]) * r.randrange(1, 12 * 10**6)


def case(r):
    s = account(r, r.choice(KINDS))
    if r.random() < 0.25:
        small(r, s)
    if r.random() < 0.2:
        disturb(r, s)
    if r.random() < 0.2:
        limit(r, s)
    if r.random() < 0.9:
        aim(r, s)
    for p in s["perp"]:
        if p.get("isolated") and r.random() < 0.8:
            aim_isolated(r, s, p)
    if r.random() < 0.2:
        disturb(r, s)
    if r.random() < 0.1:
        del s["order"]
    elif r.random() < 0.1 and "limit_price" not in s["order"]:
        exact_limit(r, s)
    if r.random() < 0.5 and s["user"]["margin_mode"] != "HighLeverage":
        s["initial"], s["strict"] = True, r.random() < 0.5
        for m in s["spot"] + s["perp"]:
            if r.random() < 0.5 and "twap_5min" not in m:
                m["twap_5min"] = min(2**63 - 1, max(1, m["price"] * r.randrange(90, 110) // 100))
    return s


def difference(got, want):
    for k in list(want) + list(got):
        if k not in got or k not in want or got[k] != want[k]:
            return f"{k}: rule {got.get(k)!r}, judge {want.get(k)!r}"
    return None


def numbers(got):
    return {k: int(v) if isinstance(v, str) and v.lstrip("-").isdigit() else v for k, v in got.items()}


# --- published numbers: programs/drift/src/math/liquidation/tests.rs, each as an account in which they come about
QUOTE = {**spot_market(random.Random(1), 0), "price": 10**6}


def solve(s, shortage):
    """The quote deposit with which the account lacks that much, in the calculation that the order uses."""
    net_quote(s, 0)
    c = Margin(completed(s)).cross
    net_quote(s, c.plus - c.collateral - c.buffer - shortage)
    assert not s["spot"][0]["borrow"]
    return s


def perp_vector(shortage, ratio, fee, if_most, base=10**11, **more):
    p = dict(market_index=0, price=10**8, margin_ratio_maintenance=ratio - 200, liquidator_fee=fee, if_liquidation_fee=if_most, base_asset_amount=base,
             quote_asset_amount=-base // 10 - 10**9)
    s = dict(slot=0, spot=[QUOTE.copy()], perp=[p], user=dict(being_liquidated=True), order=dict(kind="perp", perp=0, max=2**64 - 1))
    return solve({**s, **more}, shortage)


def spot_vector(shortage, asset, asset_fee, liability, fee, if_most, borrowed=10**10, decimals=9):
    base = dict(cumulative_deposit_interest=10**10, cumulative_borrow_interest=10**10, price=10**8)
    a = dict(base, market_index=1, decimals=6, maintenance_asset_weight=asset, maintenance_liability_weight=20_000, liquidator_fee=asset_fee, scaled_balance=5 * 10**6)
    b = dict(base, market_index=2, decimals=decimals, maintenance_asset_weight=0, maintenance_liability_weight=liability - 200, liquidator_fee=fee,
             if_liquidation_fee=if_most, scaled_balance=borrowed, borrow=True)
    s = dict(slot=0, spot=[QUOTE.copy(), a, b], user=dict(being_liquidated=True), order=dict(kind="spot", asset=1, liability=2, max=2**64 - 1))
    return solve(s, shortage)


D = 10**6
VECTORS = [
    ("base to cover, no fee", perp_vector(10 * D, 1000, 0, 0), "order.to_cover", 10**9),
    ("base to cover, one percent", perp_vector(10 * D, 1000, 10_000, 0), "order.to_cover", 1_111_111_111),
    ("base to cover, one percent to each", perp_vector(10 * D, 1000, 10_000, 10_000), "order.to_cover", 1_250_000_000),
    ("insurance fee of a perp", perp_vector(20 * D, 500, 10_000, 50_000, 10**10), "order.if_fee_rate", 19_000),
    ("insurance fee, little missing", perp_vector(D, 500, 10_000, 50_000, 10**10), "order.if_fee_rate", 37_050),
    ("insurance fee, too much missing", perp_vector(1000 * D, 500, 10_000, 50_000, 10**10), "order.if_fee_rate", 0),
    ("insurance fee, liquidator's above margin", perp_vector(20 * D, 500, 100_000, 50_000, 10**10), "order.if_fee_rate", 0),
    ("fee after 10000 slots", perp_vector(10 * D, 700, 20_000, 0, slot=10_000), "order.fee_rate", 30_000),
    ("fee after 10 slots", perp_vector(10 * D, 700, 20_000, 0, slot=10), "order.fee_rate", 20_000),
    ("fee at its most", perp_vector(10 * D, 700, 20_000, 0, slot=100_000), "order.fee_rate", 50_000),
    ("all when 49 dollars are missing", perp_vector(49 * D, 1000, 0, 0, slot=1, initial_pct_to_liquidate=1000, liquidation_duration=10), "order.max_pct", 10_000),
    ("liability to cover", spot_vector(10 * D, 8000, 0, 12_000, 0, 0), "order.to_cover", 250_000_000),
    ("liability to cover, ten percent", spot_vector(10 * D, 8000, 100_000, 12_000, 100_000, 0), "order.to_cover", 449_984_250),
    ("liability to cover, insurance", spot_vector(10 * D, 8000, 0, 12_000, 0, 10_000), "order.to_cover", 257_731_958),
    ("liability to cover, both", spot_vector(10 * D, 8000, 100_000, 12_000, 100_000, 10_000), "order.to_cover", 475_669_504),
    ("insurance fee of a borrow", spot_vector(5 * D, 10_000, 10_000, 11_000, 0, 50_000, 10**9), "order.if_fee_rate", 36_363),
    ("insurance fee of a borrow, little", spot_vector(D, 10_000, 10_000, 11_000, 0, 50_000, 10**9), "order.if_fee_rate", 50_000),
    ("insurance fee of a borrow, much", spot_vector(100 * D, 10_000, 10_000, 11_000, 0, 50_000, 10**9), "order.if_fee_rate", 0),
]


def check(driver, r, n):
    states = [case(r) for _ in range(n)]
    for s, got in zip(states, driver.ask_all(states)):
        why = got.get("error") or difference(numbers(got), evaluate(s))
        assert why is None, f"{why}\n{s}"


def no_states():
    """States that are none, and a word of what is said of them."""
    good = dict(spot=[QUOTE.copy()])
    spot, perp = dict(QUOTE, market_index=1), dict(VECTORS[0][1]["perp"][0])
    yield {}, "quote market"
    yield dict(spot=[spot]), "quote market"
    yield dict(spot=[QUOTE.copy(), QUOTE.copy()]), "twice"
    yield dict(good, perp=[perp, perp]), "twice"
    yield dict(good, perp=[dict(perp, bankrupt=True)]), "isolated"
    yield dict(spot=[dict(QUOTE, open_bids=-1)]), "open_bids"
    yield dict(spot=[dict(QUOTE, decimals=20)]), "decimals"
    yield dict(spot=[dict(QUOTE, oracle="Late")]), "oracle"
    yield dict(good, order=dict(kind="perp", perp=0, max=2**64)), "max"
    yield dict(good, order=dict(kind="spot", asset=0, max=1)), "liability"
    yield dict(good, user=dict(margin_mode="HighLeverage"), initial=True), "initial"
    yield dict(good, surplus=1), "surplus"


def check_refusals(driver):
    for s, word in no_states():
        got = driver.ask(s)
        assert word in got.get("error", ""), f"{s}: {got}, expected an error with {word!r}"


def check_vectors(driver):
    for name, s, key, want in VECTORS:
        got = numbers(driver.ask(s))
        assert got.get(key) == want, f"{name}: {key} {got.get(key)}, published {want}; refused {got.get('refused')!r}"
        why = difference(got, evaluate(s))
        assert why is None, f"{name}: {why}"


known = []  # cases and their answers for all wrong versions: the judge takes longer than the rule


def judge(driver, r):
    if not known:
        known.extend((s, evaluate(s)) for s in [v[1] for v in VECTORS] + [case(r) for _ in range(5000)])
    for at in range(0, len(known), 500):
        part = known[at:at + 500]
        for (s, want), got in zip(part, driver.ask_all([s for s, _ in part])):
            why = difference(numbers(got), want)
            assert why is None, why


def main():
    if sys.argv[1:] == ["--mutants"]:
        mutants(NAME, MUTANTS, judge, MORE, report=tap.report)
        tap.finish()
    seed = tap.seed(1)
    print(f"# SEED={seed}")
    with Driver(NAME, more=MORE) as driver:
        for name, act in (("published numbers", lambda: check_vectors(driver)), ("states that are none", lambda: check_refusals(driver)),
                          (f"{N} accounts", lambda: check(driver, random.Random(seed), N))):
            why = ""
            try:
                act()
            except AssertionError as e:
                why = str(e)
            tap.report(not why, name, why)
    missing = [k for k in NEEDED if not taken[k]]
    tap.report(not missing, f"{len(NEEDED)} branches were taken", "never: " + ", ".join(missing))
    if os.environ.get("VERBOSE"):
        print("\n".join(f"# {v:7} {k}" for k, v in sorted(taken.items())))
    tap.finish()


if __name__ == "__main__":
    main()
