#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rule mango-v4 (docs/protocols/mango-v4.md) against exact Python integers (judge_mango.py): random accounts with their
thresholds hit to the unit, extreme values, and the cases of the program's own tests.

  mango_diff.py             TAP on stdout
  mango_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: SEED (default 1), CASES (default 9000), CC, TRIPLINE. Run from the project root.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap
from judge_mango import END, MAINT, NO_SCALE, ONE, Cache, Refused, World, bits32, bits64, seen
from judge_mango_orders import judge as answer_of
from mango_cases import run_cases
from protocol_judge import Driver, mutants

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "9000"))
MORE = ["host/accounts/rules/mango/i80f48.c"]
# What must have been reached, and how often at least in 9000 cases.
REACHED = {x: 20 for x in """deposit: part of a debt|deposit: dusted|deposit: all of a debt|withdraw: dusted|withdraw: of deposits
withdraw: a loan with its fee|asset weight scaled|liab weight scaled|liab weight without limit|maint weights shifted|maint weights on the way
funding settled|loss cut by the settle limit|perp: asks are the worse|perp: bids are the worse|perp: profit weighted|order's own price counts
oracle's price counts|reserved crosses 0|open orders: base is the worse|open orders: quote is the worse|token: needed|token: possible|token: limit
token: nothing|token bankruptcy: insured|token bankruptcy: socialized|perp: 1 reduce a loss|perp: 2 settle|perp: 3 reduce to settle
perp: 4 settle again|perp: 5 reduce a profit|perp: limits shared|loss: settled|loss: insured|loss: socialized|status: liquidatable
status: not liquidatable|status: became not liquidatable|phase 0|phase 1|phase 2|phase 3|token_liq_with_token|perp_liq_base_or_positive_pnl
perp_liq_negative_pnl_or_bankruptcy|token_liq_bankruptcy|refused HasOpenOrUnsettledSerum3Orders|refused HasOpenPerpOrders
refused HasLiquidatableTokenPosition|refused HasLiquidatablePerpBasePosition|refused HasOpenPerpTakerFills|refused HasLiquidatablePositivePerpPnl
refused RequireGtViolated|refused TokenAssetLiquidationDisabled|refused SomeError|refused panic: assertion
no health: panic: overflow""".replace("\n", "|").split("|")}
REACHED.update({"refused RequireEqViolated": 3, "refused panic: overflow": 5, "refused ProfitabilityMismatch": 3, "phase 0": 10})


def fx(r, low, high):
    """A value between, with all 48 bits of fraction at random."""
    return int(r.uniform(low, high) * (1 << 20)) << 28 | r.getrandbits(28)


def scale(r, low, high):
    """Of any magnitude between 10^low and 10^high."""
    return fx(r, 0.1, 1) * 10 ** r.randint(0, high - low) // 10 ** max(-low, 0) * 10 ** max(low, 0) or 1


def price(r):
    return r.choice([ONE, scale(r, -3, 3), fx(r, 0.5, 20)])


def weights(r, name=""):
    a, m = sorted((r.uniform(0, 1), r.uniform(0.5, 1)))
    v = [fx(r, x, x) if r.random() < 0.9 else r.choice([0, ONE]) for x in (a, m)]
    return {f"init_{name}asset_weight": v[0], f"maint_{name}asset_weight": v[1], f"init_{name}liab_weight": 2 * ONE - v[0] + r.choice([0, fx(r, 0, 0.5)]),
            f"maint_{name}liab_weight": 2 * ONE - v[1]}


def token(r, index, worth=100):
    p = price(r)
    t = dict(index=index, oracle_price=p, **weights(r))
    if r.random() < 0.5:
        t["stable_price"] = max(1, int(p * r.uniform(0.7, 1.3)))
    t["deposit_index"], t["borrow_index"] = r.choice([(ONE, ONE), (fx(r, 1, 2), fx(r, 1, 3)), (10**6 * ONE, 10**6 * ONE), (fx(r, 0.2, 1), fx(r, 1, 3))])
    t["liquidation_fee"] = r.choice([0, fx(r, 0, 0.1)])
    t["platform_liquidation_fee"] = r.choice([0, fx(r, 0, 0.05)])
    t["loan_origination_fee_rate"] = r.choice([0, fx(r, 0, 0.01)])
    native = int(worth * ONE * ONE * r.choice([1, 1, 0.3, 10]) * r.uniform(0.2, 1)) // p * r.choice([1, 1, -1]) * (r.random() < 0.9)
    if r.random() < 0.1:
        native = r.choice([ONE - 1, ONE, ONE + 1, 1, -1, -ONE])
    t["position"] = (native << 48) // t["deposit_index" if native > 0 else "borrow_index"]
    t["liqor_position"] = r.choice([0, t["position"] // 2, -t["position"] // 3, fx(r, 0, 1000)])
    t["indexed_deposits"] = max(t["position"], 0) + max(t["liqor_position"], 0) + fx(r, 0, 2000)
    t["indexed_borrows"] = max(-t["position"], 0) + max(-t["liqor_position"], 0) + r.choice([0, fx(r, 0, 2000)])
    t["liqor_in_use"] = r.random() < 0.3
    t["in_use"] = r.random() < 0.2
    t["group_insurance_fund"] = r.random() < 0.7
    t["disable_asset_liquidation"] = r.random() < 0.05
    if r.random() < 0.4:
        held = t["deposit_index"] * t["indexed_deposits"] / ONE**2 * p / ONE
        t["deposit_scale_start_f64"] = r.choice([bits64(held * r.uniform(0.3, 1.5)), bits64(held), NO_SCALE, bits64(r.uniform(0.1, 1e5)), 0])
        owed = t["borrow_index"] * t["indexed_borrows"] / ONE**2 * p / ONE
        t["borrow_scale_start_f64"] = r.choice([bits64(owed * r.uniform(0.3, 1.5)), bits64(owed), NO_SCALE, bits64(r.uniform(0.1, 1e5)), 0])
        t["potential_serum_tokens"] = r.choice([0, r.randint(0, 1000), r.getrandbits(64) if r.random() < 0.1 else 3])
    if r.random() < 0.2:
        t["shift_start"], t["shift_end"] = 1000, 2000
        t["shift_duration_inv"] = r.choice([ONE // 1000, 0])
        t["shift_asset_target"], t["shift_liab_target"] = fx(r, 0, 1), fx(r, 1, 2)
    return t


def plain(position=0):
    """A token whose position is health."""
    return dict(index=99, oracle_price=ONE, position=position, init_asset_weight=ONE, maint_asset_weight=ONE, init_liab_weight=ONE, maint_liab_weight=ONE,
                indexed_deposits=10**6 * ONE, indexed_borrows=10**6 * ONE)


def spot(r, indices):
    b, q = r.sample(indices, 2)
    s = dict(base=b, quote=q)
    for side in ("base", "quote"):
        total = r.choice([0, r.randint(1, 100), r.randint(1, 10**6)])
        s[side + "_total"] = total
        s[side + "_free"] = r.choice([0, total, r.randint(0, total)])
    s["referrer_rebates"] = r.choice([0, 0, 1])
    if r.random() < 0.5:
        s["lowest_placed_ask_f64"] = bits64(r.choice([r.uniform(0.01, 30), 1 / 3, 5e-324, 2.0**-48]))
        s["highest_placed_bid_inv_f64"] = bits64(r.choice([r.uniform(0.001, 30), 0.1, 0.0]))
    return s


def perp(r, market, settle, base):
    p = dict(market=market, settle=settle, oracle_price=fx(r, 0.5, 20), base_lot_size=r.choice([1, 10, 10**4]), quote_lot_size=r.choice([1, 100]),
             open_interest=r.choice([0, 1, r.randint(1, 10**6)]))
    w = weights(r, "base_")
    w["init_base_asset_weight"] = min(w["init_base_asset_weight"], r.choice([ONE, fx(r, 0.3, 0.9)]))
    p.update(w)
    p["init_overall_asset_weight"] = r.choice([0, 0, ONE, fx(r, 0, 1), fx(r, 0.5, 1)])
    p["maint_overall_asset_weight"] = r.choice([p["init_overall_asset_weight"], fx(r, 0.5, 1)])
    if r.random() < 0.5:
        p["stable_price"] = int(p["oracle_price"] * r.uniform(0.7, 1.3))
    slack = min(2 * ONE - 1, max(1, ONE - w["init_base_asset_weight"]))
    p["base_liquidation_fee"] = r.choice([0, slack // r.randint(3, 9)])
    p["platform_liquidation_fee"] = r.choice([0, slack // r.randint(3, 9)])
    if r.random() < 0.03:
        p["base_liquidation_fee"] = slack + r.choice([-1, 0, 1])
    p["positive_pnl_liquidation_fee"] = r.choice([0, fx(r, 0, 0.3)])
    value = p["oracle_price"] * p["base_lot_size"]
    p["base_lots"] = base * max(1, (300 * ONE * r.randint(1, 4)) // value) if base else 0
    if base:
        p["base_lots"] = r.choice([p["base_lots"], base * r.randint(1, 5)])
    p["quote"] = -int(p["base_lots"] * value * r.uniform(0.3, 1.3)) if base else 0
    p["quote"] += fx(r, -150, 60)
    if r.random() < 0.5:
        p["long_funding"], p["short_funding"] = fx(r, -0.1, 0.1), fx(r, -0.1, 0.1)
        p["long_settled_funding"], p["short_settled_funding"] = r.choice([0, p["long_funding"]]), r.choice([0, p["short_funding"]])
    p["settle_limit_factor_f32"] = bits32(r.choice([-1.0, 0.2, 0.0, 1.5]))
    p["oneshot_settle_allowance"] = r.choice([0, fx(r, -200, 300), fx(r, 0, 20)])
    p["recurring_settle_allowance"] = r.choice([0, r.randint(-200, 200)])
    p["settled_in_window"] = r.choice([0, r.randint(-50, 50)])
    p["settle_window"] = r.choice([0, 0, 3])
    p["settle_window_size"] = r.choice([86400, 400])
    p["group_insurance_fund"] = r.random() < 0.7
    p["liqor_base_lots"], p["liqor_quote"] = r.choice([(0, 0), (r.randint(-50, 50), fx(r, -100, 100))])
    return p


def with_orders(r, p):
    p["bids_base_lots"], p["asks_base_lots"] = r.choice([(0, 0), (r.randint(0, 50), r.randint(0, 50))])
    if r.random() < 0.3:
        p["taker_base_lots"], p["taker_quote_lots"] = r.randint(-9, 9), r.randint(-99, 99)


def aim(r, s):
    """Moves health of the kind that decides to a target, by the plain token."""
    t = next((t for t in s["tokens"] if t["index"] == 99), None)
    if not t:
        return
    kind = END if s["being_liquidated"] else r.choice([MAINT, MAINT, END])
    target = r.choice([0, -1, 1, -ONE, -ONE - 1, 1 - ONE, -ONE // 2, fx(r, -5, 0)] + [fx(r, -300, 0)] * 6)
    try:
        have = Cache(World(s)).health(kind)
    except Refused:
        return
    p = t["position"] + target - have
    if s.get("order", {}).get("action") in ("token_liq_bankruptcy", "perp_liq_negative_pnl_or_bankruptcy") and p > 0:
        p = 0
    t["position"] = p


def base_state(r, n):
    s = dict(being_liquidated=r.random() < 0.6, now=r.choice([0, 1000, 1001, 1500, 1600, 1999, 2000, 86400, 10**6]))
    s["tokens"] = [token(r, i) for i in range(n)] + [plain(fx(r, -50, 50))]
    s["insurance_vault"] = r.choice([0, 1, r.randint(1, 200), 10**6])
    return s


def indices(s):
    return [t["index"] for t in s["tokens"]]


def max_liab(r):
    return r.choice([{}, {}, dict(max_liab=fx(r, 0, 50)), dict(max_liab=r.choice([0, 1, -1, ONE]))])


def state_token(r):
    s = base_state(r, r.randint(2, 4))
    if r.random() < 0.5:
        s["perps"] = [perp(r, 9, r.choice(indices(s)), r.choice([0, 0, 1, -1]))]
    a, l = r.sample(s["tokens"], 2)
    if r.random() < 0.85:
        a["position"] = abs(a["position"]) or ONE * 50
        l["position"] = -abs(l["position"]) or -ONE * 50
    s["order"] = dict(action="token_liq_with_token", asset=a["index"], liab=r.choice([l["index"]] * 30 + [a["index"]]), **max_liab(r))
    if r.random() < 0.08:
        s["spots"] = [spot(r, indices(s))]
    aim(r, s)
    return s


def state_perp(r):
    s = base_state(r, r.randint(1, 3))
    s["perps"] = [perp(r, 9, r.choice(indices(s)), r.choice([1, 1, -1, -1, 0]))]
    if r.random() < 0.3:
        s["perps"].append(perp(r, 10, r.choice(indices(s)), r.choice([1, -1, 0])))
    if r.random() < 0.07:
        with_orders(r, s["perps"][0])
    p = s["perps"][0]
    most = abs(p["base_lots"])
    most = r.choice([most, 2 * most, r.randint(0, most), 2**63 - 1])
    if (p["base_lots"] <= 0) == (r.random() < 0.96):
        most = -most
    s["order"] = dict(action="perp_liq_base_or_positive_pnl", market=9, max_base=most)
    s["order"].update(r.choice([{}, dict(max_pnl=r.randint(0, 100)), dict(max_pnl=r.randint(0, 20)), dict(max_pnl=0), dict(max_pnl=2**64 - 1)]))
    if r.random() < 0.4:
        p["oneshot_settle_allowance"], p["recurring_settle_allowance"] = fx(r, 5, 500), r.randint(10, 500)
        p["settle_limit_factor_f32"] = bits32(r.choice([0.2, 1.5]))
    if r.random() < 0.5:  # a profit by weight
        p["quote"] += abs(p["base_lots"] * p["base_lot_size"] * p["oracle_price"]) * r.randint(0, 10) // 10
    aim(r, s)
    return s


def bankrupt(r, s):
    for t in s["tokens"]:
        if t["position"] > 0 and r.random() < 0.93:
            t["position"] = r.choice([0, -t["position"] // 4, (ONE * (ONE - 1)) // t.get("deposit_index", ONE)])


def state_loss(r):
    s = base_state(r, r.randint(1, 3))
    settle = r.choice(indices(s))
    s["perps"] = [perp(r, 9, settle, 0)]
    if r.random() < 0.2:
        s["perps"].append(perp(r, 10, r.choice(indices(s)), 0))
    for p in s["perps"]:
        if p["quote"] > 0 and r.random() < 0.95:
            p["quote"] = -p["quote"]
        p["long_funding"] = p["short_funding"] = fx(r, -1, 1)
    if r.random() < 0.04:
        r.choice(s["perps"])["base_lots"] = r.choice([1, -1])
    if r.random() < 0.2:  # the second in which a window ends
        p = s["perps"][0]
        s["now"] = (p["settle_window"] + 1) * p["settle_window_size"]
        p["settled_in_window"], p["settle_limit_factor_f32"] = r.randint(-50, 50), bits32(0.2)
        p["recurring_settle_allowance"] = r.randint(1, 100)
    if r.random() < 0.02:
        s["perps"][0]["quote"] = 0
    if r.random() < 0.05:
        with_orders(r, s["perps"][0])
    if r.random() < 0.03:
        s["perps"][0]["taker_base_lots"], s["perps"][0]["taker_quote_lots"] = r.choice([(0, 1), (1, 0)])
    bankrupt(r, s)
    if r.random() < 0.6:
        t = next(t for t in s["tokens"] if t["index"] == settle)
        t["position"] = fx(r, 0, 60) * ONE // t.get("deposit_index", ONE)
    s["order"] = dict(action="perp_liq_negative_pnl_or_bankruptcy", market=9)
    s["order"].update(r.choice([{}, {}, dict(max_liab=r.randint(0, 100)), dict(max_liab=0)]))
    aim(r, s)
    return s


def state_bankruptcy(r):
    s = base_state(r, r.randint(1, 3))
    if r.random() < 0.3:
        s["perps"] = [perp(r, 9, r.choice(indices(s)), 0)]
        s["perps"][0]["quote"] = r.choice([-1, 1, -1]) * abs(s["perps"][0]["quote"])
    bankrupt(r, s)
    t = r.choice(s["tokens"])
    t["position"] = -abs(t["position"]) or -ONE * 7
    t["indexed_borrows"] = max(t["indexed_borrows"], -t["position"]) if r.random() < 0.95 else r.choice([0, -ONE])
    s["order"] = dict(action="token_liq_bankruptcy", liab=t["index"], **max_liab(r))
    aim(r, s)
    return s


def state_any(r):
    s = base_state(r, r.randint(2, 5))
    s["spots"] = [spot(r, indices(s)) for _ in range(r.randint(0, 3))]
    s["perps"] = [perp(r, 9 + i, r.choice(indices(s)), r.choice([-1, 0, 1])) for i in range(r.randint(0, 3))]
    for p in s["perps"]:
        with_orders(r, p)
    if r.random() < 0.05:
        s["spots"], s["perps"] = [], []
        for t in s["tokens"]:
            t["position"] = abs(t["position"])
        return s
    if r.random() < 0.5:
        s["order"] = r.choice([dict(action="token_liq_with_token", asset=0, liab=1), dict(action="token_liq_bankruptcy", liab=0)])
        if s["perps"] and r.random() < 0.5:
            s["order"] = dict(action=r.choice(["perp_liq_base_or_positive_pnl", "perp_liq_negative_pnl_or_bankruptcy"]), market=9)
    aim(r, s)
    return s


def state_edge(r):
    s = r.choice([state_token, state_perp, state_loss, state_bankruptcy, state_any])(r)
    for _ in range(r.randint(1, 3)):
        t = r.choice(s["tokens"])
        name = r.choice(["oracle_price", "stable_price", "position", "deposit_index", "borrow_index", "indexed_deposits", "indexed_borrows", "init_asset_weight",
                         "maint_liab_weight", "liquidation_fee", "liqor_position"])
        t[name] = r.choice([0, 1, -1, ONE, 2**127 - 1, -2**127, 2**80, 2**100, r.getrandbits(120), 2**r.randint(0, 126)])
        if s.get("perps") and r.random() < 0.4:
            p = r.choice(s["perps"])
            name = r.choice(["base_lots", "bids_base_lots", "taker_quote_lots", "liqor_base_lots", "recurring_settle_allowance", "settled_in_window"])
            p[name] = r.choice([2**63 - 1, -2**63, 2**40, 0])
            p[r.choice(["quote", "oneshot_settle_allowance", "oracle_price"])] = r.choice([2**127 - 1, -2**127, 2**100, 1, 0])
    return s


KINDS = [state_token] * 5 + [state_perp] * 6 + [state_loss] * 4 + [state_bankruptcy] * 3 + [state_any] * 4 + [state_edge] * 3


def made(r, n):
    return [r.choice(KINDS)(r) for _ in range(n)]


EXPECTED = {}


def expected(seed, n):
    """(states, answers); made once, wrong versions are asked the same."""
    if (seed, n) not in EXPECTED:
        states = made(random.Random(seed), n)
        EXPECTED[seed, n] = states, [answer_of(s) for s in states]
    return EXPECTED[seed, n]


def compare(d, seed, n):
    """The first difference, or None."""
    states, wants = expected(seed, n)
    for s, want, have in zip(states, wants, d.ask_all(states)):
        if have != want:
            keys = [k for k in {**want, **have} if have.get(k) != want.get(k)]
            return f"{ {k: (have.get(k), want.get(k)) for k in keys[:6]} } (rule, judge) for {s}"
    return None


def judge(d, r):
    why = compare(d, r.getrandbits(32), 4000)
    assert why is None, why
    for name, good, why in run_cases(d):
        assert good, name + ": " + why


REFUSED_STATES = [
    ("no weights", dict(tokens=[dict(index=0, oracle_price=ONE)]), "missing"),
    ("a token twice", dict(tokens=[plain(), plain()]), "twice"),
    ("a perp that settles in nothing", dict(perps=[dict(market=1, settle=5, oracle_price=ONE)]), "no token 5"),
    ("a negative scale", dict(tokens=[dict(plain(), deposit_scale_start_f64=bits64(-1.0))]), "f64"),
    ("an infinite price", dict(tokens=[plain(), dict(plain(), index=1)], spots=[dict(base=1, quote=99, lowest_placed_ask_f64=0x7ff << 52)]), "f64"),
    ("a field that nobody knows", dict(tokens=[], token=1), "token"),
    ("2^127", dict(tokens=[plain(2**127)]), "position"),
    ("bankruptcy without the fund's token", dict(tokens=[plain(-5)], order=dict(action="token_liq_bankruptcy", liab=99)), "insurance"),
    ("a position without a token", dict(tokens=[dict(plain(5), active=False)]), "position"),
]


def main():
    print(f"# seed {SEED}, {CASES} cases")
    with Driver("mango-v4", more=MORE) as d:
        why = compare(d, SEED, CASES)
        tap.report(why is None, f"mango-v4: {CASES} random accounts as the judge has them", why)
        share = max(CASES / 9000, 0)
        for name, least in REACHED.items():
            need = min(least, max(1, int(least * share)))
            if seen[name] < need:
                tap.report(False, f"mango-v4: reached: {name}", f"{seen[name]} times, {need} expected")
        tap.report(True, f"mango-v4: {len(REACHED)} branches counted")
        print("# " + ", ".join(f"{k}: {v}" for k, v in sorted(seen.items())))
        for name, good, why in run_cases(d):
            tap.report(good, f"mango-v4: the program's own test: {name}", why)
        for name, state, word in REFUSED_STATES:
            answer = d.ask(state)
            tap.report(word in answer.get("error", ""), f"mango-v4: no state: {name}", answer)
    tap.finish()


if __name__ == "__main__":
    if "--mutants" in sys.argv:
        from mango_mutants import MUTANTS
        mutants("mango-v4", MUTANTS, judge, more=MORE, seed=SEED, report=tap.report)
        tap.finish()
    main()
