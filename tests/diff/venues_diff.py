#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of dYdX v4, Hyperliquid and Binance USD-M (docs/protocols/) against exact Python integers and fractions.

  venues_diff.py             TAP on stdout (about 7 s)
  venues_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 5 min)

Environment: SEED (default 1), CASES (default 2000 a venue), CC, TRIPLINE (see protocol_judge.py). Run from the project root.
"""
import os
import random
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import judge_dydx as dydx
import judge_venues as venues
import tap
from protocol_judge import Driver, mutants
from venues_mutants import MUTANTS

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "2000"))
TIERS = ["host/accounts/rules/venue/venue_tiers.c"]


def hl_fixed():
    """300,000 USDC at 40x: maintenance 3,750, two thirds of it 2,500; every edge of money against every edge of time."""
    tiers = [{"from": 0, "leverage": 40}]
    for usdc in (375000000000, 374999999999, 250000000000, 249999999999, 0, -1):
        for ago in (None, 0, 29999, 30000):
            for reading in ("whole", "wait"):
                for lot in (1, 3 * 10**8):
                    d = {"time": 10**6, "cooldown": reading, "usdc": usdc,
                         "positions": [{"size": 3 * 10**8, "entry": 10**13, "mark": 10**13, "lot": lot, "tiers": tiers}]}
                    yield d if ago is None else dict(d, partial_at=10**6 - ago)
    for above in (299999 * 10**8 + 10**8 - 1, 300000 * 10**8, 300000 * 10**8 + 1):
        yield dict(d, usdc=374999999999, partial_above=above)


def dydx_fixed():
    return [s for s, _, _ in dydx.vectors()]


def bn_fixed():
    return [s for s, _, _ in venues.BN_VECTORS]


def wrong_dydx():
    good = dydx.published(-4501, {0: 10**7}, 0)

    def with_(**k):
        return dict(good, **k)
    perp, config = good["perpetuals"][0], good["config"]
    yield "a field nobody knows", with_(colour=1)
    yield "a fraction", with_(usdc="1.5")
    yield "a position of an unknown perpetual", with_(positions=[{"perpetual": 9, "quantums": 1}])
    yield "a position twice", with_(positions=good["positions"] * 2)
    yield "a perpetual twice", with_(perpetuals=[perp, perp])
    yield "no configuration", {k: v for k, v in good.items() if k != "config"}
    for name, v in (("price", 0), ("initial_margin_ppm", 10**6 + 1), ("maintenance_fraction_ppm", 10**6 + 1), ("step_base_quantums", 0),
                    ("subticks_per_tick", 0), ("quantum_conversion_exponent", 13), ("quantum_conversion_exponent", -13), ("exponent", 33),
                    ("open_interest_lower_cap", 1), ("price", 2**64)):
        yield f"{name} {v}", with_(perpetuals=[dict(perp, **{name: v})])
    for name, v in (("bankruptcy_adjustment_ppm", 999999), ("spread_to_maintenance_margin_ratio_ppm", 0), ("max_liquidation_fee_ppm", 0),
                    ("max_liquidation_fee_ppm", 10**6 + 1), ("max_position_portion_liquidated_ppm", 0), ("max_notional_liquidated", 0),
                    ("max_quantums_insurance_lost", 0)):
        yield f"{name} {v}", with_(config=dict(config, **{name: v}))


def wrong_hl():
    p = {"size": 1, "entry": 1, "mark": 1, "tiers": [{"from": 0, "leverage": 40}]}

    def tiers(*t):
        return {"positions": [dict(p, tiers=[{"from": f, "leverage": lev} for f, lev in t])]}
    yield "no tier", tiers()
    yield "tiers that do not begin at 0", tiers((1, 40))
    yield "tiers that do not rise", tiers((0, 40), (0, 20))
    yield "leverages that do not fall", tiers((0, 20), (5, 20))
    yield "a leverage of 0", tiers((0, 0))
    yield "no common denominator", tiers(*((i, lev) for i, lev in enumerate((251, 241, 239, 233, 229))))
    yield "no size", {"positions": [dict(p, size=0)]}
    yield "no mark", {"positions": [dict(p, mark=0)]}
    yield "no lot", {"positions": [dict(p, lot=0)]}
    yield "a partial liquidation to come", {"time": 5, "partial_at": 6, "positions": [p]}
    yield "a reading nobody knows", {"cooldown": "sleep", "positions": [p]}
    yield "too many positions", {"positions": [p] * 21}
    yield "a candidate without an entry price", {"adl": [{"size": 1, "entry": 0, "mark": 1, "account_value": 1}]}


def wrong_bn():
    p = {"symbol": "A", "size": 5, "entry": 1, "mark": 1, "brackets": [{"floor": 0, "rate_ppm": 4000}]}

    def brackets(*t):
        return {"positions": [dict(p, brackets=[dict(zip(("floor", "rate_ppm", "cum"), x)) for x in t])]}
    yield "no bracket", brackets()
    yield "brackets that do not begin at 0", brackets((1, 4000))
    yield "brackets that do not rise", brackets((0, 4000), (0, 5000))
    yield "rates that do not rise", brackets((0, 4000), (5, 4000))
    yield "an amount that leaves a gap", brackets((0, 4000, 0), (1000000, 5000, 1001))
    yield "a symbol twice in one-way mode", {"positions": [p, dict(p, size=-5)]}
    yield "two longs in a hedge", {"mode": "hedge", "positions": [p, p]}
    yield "two marks of a symbol", {"mode": "hedge", "positions": [p, dict(p, size=-5, mark=2)]}
    yield "one side isolated", {"mode": "hedge", "positions": [p, dict(p, size=-5, isolated_wallet=2)]}
    yield "no size", {"positions": [dict(p, size=0)]}
    yield "a step nobody knows", {"step": "end", "positions": [p]}


class Venue:
    def __init__(self, name, state, expect, fixed, wrong, must, more=()):
        self.name, self.state, self.expect, self.fixed, self.wrong, self.must, self.more = name, state, expect, fixed, wrong, must, list(more)
        self.seen, self.cases = Counter(), None

    def prepare(self, r, cases):
        """States and answers, once for all versions that are asked."""
        if self.cases is None:
            states = list(self.fixed()) + [self.state(r) for _ in range(cases)]
            self.cases = [(s, self.expect(s, lambda what: self.seen.update([what]))) for s in states]
        return self.cases

    def difference(self, driver, r, cases):
        """(number of differences, the first)."""
        bad, first = 0, ""
        pending = self.prepare(r, cases)
        for (s, want), got in zip(pending, driver.ask_all([s for s, _ in pending])):
            if ("error" not in got) if want is None else got != want:
                bad += 1
                keys = [] if want is None else [k for k in {**want, **got} if want.get(k) != got.get(k)]
                first = first or f"{s}: {[(k, want.get(k), got.get(k)) for k in keys][:6] or got}"
        return bad, first[:3000]


VENUES = [Venue("dydx-v4", dydx.state, dydx.expect, dydx_fixed, wrong_dydx, dydx.MUST),
          Venue("hyperliquid", venues.hl_state, venues.hl_expect, hl_fixed, wrong_hl, venues.HL_MUST, TIERS),
          Venue("binance-usdm", venues.bn_state, venues.bn_expect, bn_fixed, wrong_bn, venues.BN_MUST, TIERS)]


def published(d, name):
    if name == "dydx-v4":
        return [(field, want, d.ask(s).get(field)) for s, field, want in dydx.vectors()]
    if name == "binance-usdm":
        return [("liquidation price", want, venues.cents(d.ask(s)[f"position[{i}].liq_low"])) for s, i, want in venues.BN_VECTORS]
    return []


def judge(v):
    with Driver(v.name, more=v.more) as d:
        bad, first = v.difference(d, random.Random(SEED), CASES)
        tap.report(bad == 0, f"{v.name}: {len(v.cases)} states as the judge has them", f"{bad} differ; {first}")
        missed = [m for m in v.must if not v.seen[m]]
        tap.report(not missed, f"{v.name}: every branch was taken", f"never: {missed}")
        print(f"# {v.name}: " + ", ".join(f"{m} {v.seen[m]}" for m in v.must))
        vectors = published(d, v.name)
        if vectors:
            wrong = [x for x in vectors if x[1] != x[2]]
            tap.report(not wrong, f"{v.name}: {len(vectors)} published figures", wrong)
        taken = [what for what, s in v.wrong() if "error" not in d.ask(s)]
        tap.report(not taken, f"{v.name}: {len(list(v.wrong()))} states that are none are refused", taken)


def main():
    print(f"# venues_diff SEED={SEED} CASES={CASES}")
    if sys.argv[1:] == ["--mutants"]:
        for v in VENUES:
            def told(driver, r, v=v):
                bad, first = v.difference(driver, r, 3000)
                assert bad == 0, first
                for _, want, got in published(driver, v.name):
                    assert want == got
                for what, s in v.wrong():
                    assert "error" in driver.ask(s), what
            mutants(v.name, MUTANTS[v.name], told, more=v.more, seed=SEED, report=tap.report)
    elif sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    else:
        for v in VENUES:
            judge(v)
    tap.finish()


if __name__ == "__main__":
    main()
