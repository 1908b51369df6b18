#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tripline rule eval aave-v3` against the contracts in Python integers (judge_aave.py, judge_aave_versions.py): random accounts of every
version, most at the edge of health, of the close factor, of the dust rule or of their last collateral.

  aave_eval_diff.py             TAP
  aave_eval_diff.py --mutants   wrong versions of the C must be found

Environment: SEED, CASES, TRIPLINE, CC.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import judge_aave as j  # noqa: E402
import judge_aave_versions as jv  # noqa: E402
import tap  # noqa: E402
from aave_eval_mutants import MUTANTS  # noqa: E402
from protocol_judge import Driver, mutants  # noqa: E402

NAME = "aave-v3"
MORE = [f"host/accounts/rules/aave/aave_{x}.c" for x in ("health", "liquidate", "row", "shift", "versions")] + [
    f"host/accounts/{x}.c" for x in ("moving", "terms", "decimal", "reciprocal")] + ["host/base/i128_checked.c"]
N = int(os.environ.get("CASES", "12000"))
VERSIONS = [name.split("-")[1] for name in jv.RULES]
NEEDED = [f"{v}: {x}" for v in VERSIONS for x in ("healthy", "no debt", "called", "HealthFactorNotBelowThreshold", "eMode counts")] + [
    f"{v}: {x}" for v in VERSIONS if v != "1.19" for x in ("deficit", "deficit elsewhere", "MustNotLeaveDust")] + [
    "CollateralCannotBeLiquidated", "SpecifiedCurrencyNotBorrowedByUser", "LiquidationGraceSentinelCheckFailed", "InvalidBurnAmount", "part of the debt",
    "same reserve", "at the threshold", "a unit of price below it"]
seen = {}


def note(tag):
    seen[tag] = seen.get(tag, 0) + 1


def reserve(r):
    decimals = r.choice((0, 6, 8, 18, 18))
    lt = r.choice((0, 5000, 7500, 8250, 10000))
    x = dict(price=int(10**r.uniform(0, 13)), decimals=decimals, liquidation_threshold=lt, liquidation_bonus=r.choice((10000, 10450, 10500, 11000, 20000)),
             liquidation_fee=r.choice((0, 1000, 2333, 10000)))
    if r.random() < 0.2:
        x.update(emode_threshold=r.choice((9000, 9500)), emode_bonus=r.choice((10100, 10200)))
    if r.random() < 0.5:
        x.update(liquidity_index=r.randrange(j.RAY, 3 * j.RAY), borrow_index=r.randrange(j.RAY, 3 * j.RAY))
    if r.random() < 0.02:
        x["grace"] = True
    return x


def worth(r, x, usd):
    """A scaled balance of about so many dollars, within the rule's range whatever the other tokens' decimals."""
    return min(max(1, int(usd * 10**8 * 10**x["decimals"] / x["price"] * r.uniform(0.999, 1.001))), 2**45 * 10**x["decimals"])


def case(r):
    usd = 10**r.choice((r.uniform(2.9, 3.7), r.uniform(3.3, 6), r.uniform(-2, 12)))
    rows = [reserve(r) for _ in range(r.choice((1, 2, 2, 2, 3, 4)))]
    for x in rows:
        if r.random() < 0.6:
            x.update(scaled_supply=worth(r, x, usd * r.choice((1, 1, 0.5, 0.001))))
        if r.random() < 0.95 and ("scaled_supply" in x or r.random() < 0.1):
            x["collateral"] = True
        if r.random() < 0.55:
            x["scaled_debt"] = worth(r, x, usd * r.uniform(0.3, 1.2))
    s = dict(version=r.choice(VERSIONS), reserves=rows)
    near(r, s)
    if r.random() < 0.9:
        held = [i for i, x in enumerate(rows) if x.get("scaled_supply")] or [0]
        owed = [i for i, x in enumerate(rows) if x.get("scaled_debt")] or [0]
        every = range(len(rows))
        s["order"] = dict(collateral=r.choice(held if r.random() < 0.95 else every), debt=r.choice(owed if r.random() < 0.95 else every))
        if r.random() < 0.5:
            debt = rows[s["order"]["debt"]]
            s["order"]["debt_to_cover"] = r.choice((0, 1, 10**40, worth(r, debt, usd * r.random()), int(debt.get("scaled_debt", 0) * r.random())))
    return s


def account(s):
    kind, holder = jv.RULES[f"aave-{s['version']}"]
    positions = {}
    for i, x in enumerate(s["reserves"]):
        own = kind(i, i, x["decimals"], x["liquidation_threshold"], x["liquidation_bonus"], x["liquidation_fee"], 1 if "emode_threshold" in x else 0,
                   x.get("emode_threshold", 0), x.get("emode_bonus", 0), x.get("liquidity_index", j.RAY), x.get("borrow_index", j.RAY))
        own.grace = x.get("grace", False)
        positions[i] = [own, x.get("collateral", False), x.get("scaled_supply", 0), x.get("scaled_debt", 0)]
    return holder(1 if any("emode_threshold" in x for x in s["reserves"]) else 0, positions)


def near(r, s):
    """Moves a collateral's price to a health of 1, of 0.95, or one quantum beside them."""
    priced = [x for x in s["reserves"] if x.get("scaled_supply") and x.get("collateral")]
    if not priced or r.random() < 0.25:
        return
    x, goal = r.choice(priced), r.choice((j.WAD, j.WAD, 95 * 10**16, 80 * 10**16))
    low, high = 1, 10**15
    while low < high:  # the least price at which health is at the goal
        x["price"] = (low + high) // 2
        if hf_of(s) >= goal:
            high = x["price"]
        else:
            low = x["price"] + 1
    edge = goal == j.WAD and low < 10**15
    x["price"] = max(1, low - r.choice((0, 1, 1, 1, 1, low // 1000, low // 50)))
    if edge and hf_of(s) >= j.WAD:
        note("at the threshold")
    elif edge and x["price"] == low - 1:
        note("a unit of price below it")


def prices(s):
    return {i: x["price"] for i, x in enumerate(s["reserves"])}


def hf_of(s):
    return account(s).calculate_user_account_data(prices(s))[2]


def refusal(a, px, o):
    """In the order of validateLiquidationCall."""
    coll_r, enabled, supply, _ = a.positions[o["collateral"]]
    debt_r = a.positions[o["debt"]][0]
    if coll_r.grace or debt_r.grace:
        return "LiquidationGraceSentinelCheckFailed"
    if a.calculate_user_account_data(px)[2] >= j.WAD:
        return "HealthFactorNotBelowThreshold"
    if not a.counts(coll_r, enabled) or supply == 0:
        return "CollateralCannotBeLiquidated"
    if a.positions[o["debt"]][3] == 0:
        return "SpecifiedCurrencyNotBorrowedByUser"
    return "InvalidBurnAmount" if o.get("debt_to_cover", 1) == 0 else None


def called(a, px, o):
    cover = o.get("debt_to_cover", 2**256 - 1)
    coll_r, debt_r = a.positions[o["collateral"]][0], a.positions[o["debt"]][0]
    flows, after = a.execute_liquidation_call(px, o["debt"], o["collateral"], cover)
    amount, needed, _, _ = a.available_collateral(px, debt_r, coll_r, min(cover, a.max_liquidatable(px, debt_r, coll_r)))
    fee, lost = flows.get((j.VENUE, o["collateral"]), 0), {i: -x for (party, i), x in flows.items() if party == j.DEFICIT}
    none = [None, False, 0, 0]
    c, d = after.positions.get(o["collateral"], none), after.positions.get(o["debt"], none)
    if needed < debt_r.v_balance(a.positions[o["debt"]][3]):
        note("part of the debt")
    if o["collateral"] == o["debt"]:
        note("same reserve")
    return {"repay": needed, "seize": amount + fee, "received": amount, "fee": fee, "scaled_supply_left": c[2], "scaled_debt_left": d[3],
            "collateral_left": bool(c[2] and c[1]), "deficit": any(lost.values()), **{f"deficit[{i}].amount": x for i, x in sorted(lost.items()) if x}}


NOTHING = {"repay": 0, "seize": 0, "received": 0, "fee": 0, "deficit": False}


def expected(s):
    a, px, v = account(s), prices(s), s["version"]
    collateral, debt, hf, _ = a.calculate_user_account_data(px)
    weighted = sum(u for u in (r.a_balance(n) * px[r.asset] // r.unit * a.terms(r)[0] for r, e, n, _ in a.positions.values() if a.counts(r, e)))
    want = {"liquidatable": a.liquidatable(px), "health": hf, "collateral_value": collateral, "debt_value": debt,
            "average_threshold": weighted // collateral if collateral else 0}
    note(f"{v}: {'no debt' if hf == j.HEALTHY else 'healthy' if hf >= j.WAD else 'below 1'}")
    if any("emode_threshold" in x and x.get("scaled_supply") for x in s["reserves"]):
        note(f"{v}: eMode counts")
    if "order" not in s:
        return want
    why, told = refusal(a, px, s["order"]), None
    if not why:
        try:
            told = called(a, px, s["order"])
        except jv.Revert as e:
            why = "MustNotLeaveDust" if str(e) == "MustNotLeaveDust" else "InvalidBurnAmount"
    tag = why or "called"
    note(f"{v}: {tag}" if f"{v}: {tag}" in NEEDED else tag)
    if told and told["deficit"]:
        note(f"{v}: deficit")
        if any(k.startswith("deficit[") and k != f"deficit[{s['order']['debt']}].amount" for k in told):
            note(f"{v}: deficit elsewhere")
    return {**want, "refused": why or "", **(told or NOTHING)}


def check(driver, r, n):
    states = [case(r) for _ in range(n)]
    for s, got in zip(states, driver.ask_all(states)):
        want = expected(s)
        wrong = {k: (got.get(k, got.get("error")), x) for k, x in want.items() if got.get(k) != x}
        more = [k for k in got if k not in want and not k.endswith("_left")]
        assert not wrong and not more, f"got and expected {wrong}, {more} of {s}"


def no_states():
    good = dict(version="3.7", reserves=[dict(price=1, decimals=6)])
    yield dict(good, version="3.8"), "version"
    yield {"reserves": []}, "version"
    for field, bad, word in (("price", 0, "price"), ("price", 2**63, "price"), ("decimals", 19, "decimals"), ("liquidation_threshold", 10001, "threshold"),
                             ("liquidation_bonus", 20001, "bonus"), ("liquidation_bonus", 9999, "bonus"), ("liquidation_fee", 10001, "fee"),
                             ("liquidity_index", j.RAY - 1, "index"), ("borrow_index", 2**100, "borrow_index"), ("scaled_supply", 2**127, "scaled_supply"),
                             ("scaled_debt", -1, "scaled_debt"), ("emode_threshold", 9000, "emode_bonus"), ("surplus", 1, "surplus"),
                             ("scaled_supply", 2**126, "balance out of range")):
        yield dict(good, reserves=[dict(good["reserves"][0], liquidation_threshold=8000, liquidation_bonus=10500) | {field: bad}]), word
    yield dict(good, reserves=good["reserves"] * 33), "32"
    yield dict(good, reserves=[], order=dict(collateral=0, debt=0)), "reserves"
    yield dict(good, order=dict(collateral=1, debt=0)), "collateral"


def check_faults(driver):
    for s, word in no_states():
        got = driver.ask(s)
        assert word in got.get("error", ""), f"{s}: {got}, expected an error with {word!r}"


def judge(driver, r):
    check_faults(driver)
    for _ in range(6):
        check(driver, r, 500)


def main():
    if sys.argv[1:] == ["--mutants"]:
        mutants(NAME, MUTANTS, judge, MORE, report=tap.report)
        tap.finish()
    seed = tap.seed(1)
    print(f"# SEED={seed}")
    with Driver(NAME, more=MORE) as driver:
        for name, act in (("states that are none", lambda: check_faults(driver)), (f"{N} accounts", lambda: check(driver, random.Random(seed), N))):
            why = ""
            try:
                act()
            except AssertionError as e:
                why = str(e)
            tap.report(not why, name, why)
    missing = [k for k in NEEDED if not seen.get(k)]
    tap.report(not missing, f"{len(NEEDED)} branches were taken", "never: " + ", ".join(missing))
    if os.environ.get("VERBOSE"):
        print("\n".join(f"# {v:7} {k}" for k, v in sorted(seen.items())))
    tap.finish()


if __name__ == "__main__":
    main()
