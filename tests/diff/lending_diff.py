#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline rule eval comet and compound-v2 against judge_lending: random states of real and of tiny sizes, at thresholds and
one unit beside them, at the limits of their types, and the vectors of the contracts' own tests.

  lending_diff.py             TAP on stdout
  lending_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 6000 of each protocol), TRIPLINE, CC. Run from the project root.
"""
import collections
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap
from judge_lending import E15, E18, Comet, CompoundV2, Refused
from lending_mutants import COMET, COMPOUND_V2
from protocol_judge import Driver, mutants

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "6000"))
BATCH = 500


def size(r, bits):
    return r.getrandbits(r.randint(1, bits))


def edge(r, bits):
    return r.choice([0, 1, 2**bits - 1, 2**bits - 2, 2**(bits - 1), 2**(bits - 1) - 1, size(r, bits)])


# ---- comet

def comet_asset(r, i, tiny):
    scale = 10 ** r.choice([0, 1, 2] if tiny else [6, 8, 18])
    return {"name": f"A{i}", "balance": r.choice([0, size(r, 8)]) if tiny else r.choice([0, size(r, 90), int(10 ** r.uniform(0, 6) * scale)]),
            "price": size(r, 6) if tiny else int(10 ** r.uniform(4, 13)), "scale": scale,
            "liquidate_factor": r.choice([E18, E18 // 2, r.randint(0, E18)]), "liquidation_factor": r.choice([0, E18, r.randint(E18 // 2, E18)])}


def comet_random(r):
    tiny = r.random() < 0.4
    s = {"principal": -size(r, 8) if tiny else -int(10 ** r.uniform(3, 20)), "supply_index": r.randint(E15, 2 * E15), "borrow_index": r.randint(E15, 2 * E15),
         "base_price": size(r, 4) if tiny else r.randint(9 * 10**7, 4 * 10**11), "base_scale": r.choice([1, 10] if tiny else [10**6, 10**18]),
         "assets": [comet_asset(r, i, tiny) for i in range(r.randint(0, 5))]}
    if r.random() < 0.05:
        s["principal"] = -s["principal"]
    if r.random() < 0.05:
        s["absorb_paused"] = True
    if r.random() < 0.05:
        s["buy_paused"] = True
    return s


def comet_close(r, s):
    """Moves the debt to where the test turns, if there is such a place, and one beside."""
    full = sum(a["balance"] * a["price"] // a["scale"] * a["liquidate_factor"] // E18 for a in s["assets"])
    at = full * s["base_scale"] // s["base_price"] if s["base_price"] else 0
    s["borrow_index"] = r.choice([E15, s["borrow_index"]])
    p = at * E15 // s["borrow_index"] + r.randint(-2, 2)
    if 0 < p < 2**103:
        s["principal"] = -p


def comet_pool(r, s):
    p = abs(s["principal"])
    pool = s["pool"] = {"balance": r.choice([0, size(r, 80), p]), "total_supply": size(r, 80), "total_borrow": min(2**104 - 1, r.choice([p, p + size(r, 60), p, max(0, p - 1)])),
                        "target_reserves": 0, "store_front_factor": r.choice([0, E18, E18 // 2, r.randint(0, E18)])}
    pool["total_supply"] = min(2**104 - 1, r.choice([pool["total_supply"], (pool["balance"] + pool["total_borrow"]) * r.randint(0, 110) // 100]))
    reserves = Comet(s).reserves()
    pool["target_reserves"] = r.choice([0, max(0, reserves + r.randint(-1, 1)), size(r, 90), 2**100])
    if not s["assets"] or r.random() < 0.3:
        return
    a = r.choice(s["assets"])
    b = s["buy"] = {"asset": a["name"] if r.random() < 0.97 else "none", "base_amount": r.choice([0, size(r, 8), p, size(r, 90)]), "collateral_reserves": size(r, 90)}
    if r.random() < 0.5:
        b["after_absorb"] = True
    try:
        out = Comet(s).quote(a, b["base_amount"])
    except Refused:
        return
    b["min_amount"] = r.choice([0, out, out + 1, max(0, out - 1)])
    stock = r.choice([out, max(0, out - 1), out + 1, 2**90]) - (a["balance"] if b.get("after_absorb") else 0)
    b["collateral_reserves"] = min(max(0, stock), 2**128 - 1)


def comet_limits(r, s):
    """At the limits of types; most of these revert somewhere."""
    for key, bits in (("supply_index", 64), ("borrow_index", 64), ("base_scale", 64), ("base_price", 255)):
        if r.random() < 0.25:
            s[key] = edge(r, bits)
    if r.random() < 0.3:
        s["principal"] = -r.choice([2**103, 2**103 - 1, 2**102, size(r, 103)])
    if r.random() < 0.2:
        s["base_price"] = -size(r, 255)
    for a in s["assets"]:
        if r.random() < 0.5:
            a["balance"] = r.choice([edge(r, 128), a["balance"]])
            a["price"] = r.choice([edge(r, 255), -edge(r, 255), a["price"]])
            a["scale"] = r.choice([edge(r, 64), a["scale"]])
        for k in ("liquidate_factor", "liquidation_factor"):
            if r.random() < 0.2:
                a[k] = edge(r, 64)


def huge_principal(r, s):
    """What is left over after absorbing, at the limits of uint104 and int104."""
    s.update(principal=-r.randint(1, 1000), base_price=10**8, base_scale=10**6, supply_index=E15, borrow_index=E15)
    s.pop("absorb_paused", None)
    target = r.choice([2**103, 2**104]) + r.randint(-1, 1) - s["principal"]
    s["assets"] = [{"name": "A0", "balance": target, "price": 10**8, "scale": 10**6, "liquidate_factor": 0, "liquidation_factor": E18}]
    if r.random() < 0.2:  # more than an int256 of base
        s.update(principal=-2**70, base_price=1, base_scale=2**63)
        s["assets"][0].update(balance=2**127 - r.randint(0, 1), price=2**65 * r.choice([1, 2, 3]), scale=1)
    elif r.random() < 0.5:
        s["assets"][0]["balance"] = size(r, 80) + 1000
        s["pool"] = {"balance": 0, "total_supply": 2**104 + r.randint(-2, 2) - (s["assets"][0]["balance"] + s["principal"]), "total_borrow": 1000,
                     "target_reserves": 1, "store_front_factor": 0}
        s["pool"]["total_supply"] = min(s["pool"]["total_supply"], 2**104 - 1)


def comet_state(r):
    s = comet_random(r)
    kind = r.random()
    if kind < 0.4:
        comet_close(r, s)
    if kind > 0.85:
        comet_limits(r, s)
    if 0.8 < kind < 0.85:
        huge_principal(r, s)
    elif 0.78 < kind < 0.8:  # a product at the end of int256
        s["principal"], s["borrow_index"], s["base_scale"] = -2**r.randint(0, 102), E15, r.choice([1, 1, 7, 10**6])
        s["base_price"] = 2**255 // -s["principal"] + r.randint(-1, 1)
        s["base_price"] = min(s["base_price"], 2**255 - 1)
    elif r.random() < 0.6:
        comet_pool(r, s)
    return s


def comet_branches(s, out):
    yield "view refused: " + out["view_refused"]
    yield "absorb: " + out["absorb_refused"]
    if "refused" in out:
        yield "buy: " + out["refused"]
    if s["principal"] < 0 and not out["view_refused"]:
        yield f"health {out['health']}" if -2 < out["health"] < 2 else "health far"
        held = [a for a in s["assets"] if a["balance"]]
        if not out["liquidatable"] and held and any(a["price"] <= 0 for a in held):
            yield "a bad price behind the end is not read"
    if out["absorb_refused"] == "":
        yield "something is left" if out["new_balance"] else "nothing is left"
        if "reserves_after" in out and "refused" in out and s["buy"].get("after_absorb"):
            yield "bought after absorbing"


COMET_NEEDED = ["view refused: BadPrice", "view refused: arithmetic overflow", "view refused: division by zero", "absorb: InvalidInt256",
                "absorb: ", "absorb: Paused", "absorb: NotLiquidatable", "absorb: arithmetic underflow", "absorb: arithmetic overflow", "absorb: InvalidUInt104",
                "absorb: InvalidInt104", "buy: ", "buy: Paused", "buy: NotForSale", "buy: BadAsset", "buy: TooMuchSlippage", "buy: InsufficientReserves",
                "buy: BadPrice", "health 0", "health 1", "health -1", "a bad price behind the end is not read", "something is left", "nothing is left",
                "bought after absorbing"]

# ---- compound v2


def v2_market(r, i, tiny):
    dec = r.choice([0, 1, 2] if tiny else [6, 8, 18])
    m = {"name": f"c{i}", "price": size(r, 6) * E18 // r.choice([1, 7]) if tiny else int(10 ** r.uniform(-3, 5) * 10**9) * 10 ** (27 - dec),
         "collateral_factor": r.choice([0, r.randint(0, E18 * 9 // 10), E18 // 2]),
         "exchange_rate": E18 * r.randint(1, 5) // r.choice([1, 3]) if tiny else int(2 * 10**8 * r.uniform(1, 1.5)) * 10 ** (dec + 18 - 8 - 2 - 8 + 8),
         "tokens": r.choice([0, size(r, 8) if tiny else int(10 ** r.uniform(2, 14))]), "borrow": r.choice([0, size(r, 8) if tiny else int(10 ** r.uniform(0, 7) * 10**dec)])}
    for key, low in (("listed", False), ("entered", False), ("borrow_paused", True)):
        if r.random() < (0.3 if key == "borrow_paused" else 0.03):
            m[key] = low
    if r.random() < 0.3:
        m["reserve_factor"] = r.choice([E18, E18, E18 - 1, 10**17])
    if r.random() < 0.1:
        m.update(collateral_factor=0, borrow_paused=True, reserve_factor=E18)
    if r.random() < 0.3:
        m["seize_share"] = r.choice([0, E18, E18 + 1, r.randint(0, E18)])
    return m


def v2_close(r, s):
    """One market's borrow to where the shortfall begins, and one beside."""
    of = [m for m in s["markets"] if m["price"] and m.get("entered", True)]
    if not of:
        return
    m = r.choice(of)
    m["borrow"] = 0
    try:
        coll, debt = CompoundV2(s).sums()
    except Refused:
        return
    if coll >= debt:
        m["borrow"] = min((coll - debt) * E18 // m["price"] + r.randint(0, 2), 2**200)


def v2_order(r, s):
    b, c = r.choice(s["markets"]), r.choice(s["markets"])
    with_debt, with_tokens = [m for m in s["markets"] if m["borrow"]], [m for m in s["markets"] if m["tokens"]]
    if with_debt and r.random() < 0.95:
        b = r.choice(with_debt)
    if with_tokens and r.random() < 0.95:
        c = r.choice(with_tokens)
    most = b["borrow"] if CompoundV2.deprecated(b) else s["close_factor"] * b["borrow"] // E18
    amount = r.choice([most, most + 1, max(0, most - 1), b["borrow"], b["borrow"] + 1, r.randint(0, most), 0])
    o = s["repay"] = {"borrowed": b["name"], "collateral": c["name"], "amount": min(amount, 2**256 - 1)}
    if r.random() < 0.5 and b["price"]:  # at the end of the collateral
        worth = c["tokens"] * (c["price"] * c["exchange_rate"] // E18) * E18 // max(1, s["liquidation_incentive"] * b["price"])
        o["amount"] = min(most, max(0, worth + r.randint(-1, 1)), 2**256 - 1)


def v2_limits(r, s):
    for key in ("close_factor", "liquidation_incentive"):
        if r.random() < 0.15:
            s[key] = edge(r, 256)
    for m in s["markets"]:
        for key in ("price", "collateral_factor", "exchange_rate", "tokens", "borrow", "seize_share"):
            if r.random() < 0.06:
                m[key] = edge(r, 256)


def v2_state(r):
    tiny = r.random() < 0.4
    s = {"close_factor": r.choice([E18 // 2, E18, r.randint(E18 // 20, E18), 2 * E18]), "liquidation_incentive": r.choice([108 * 10**16, E18, r.randint(E18, 2 * E18)]),
         "markets": [v2_market(r, i, tiny) for i in range(r.randint(0, 5))]}
    kind = r.random()
    if r.random() < 0.05:
        s["seize_paused"] = True
    if kind < 0.3:
        v2_close(r, s)
    if kind > 0.85:
        v2_limits(r, s)
    if r.random() < 0.03 and s["markets"]:
        r.choice(s["markets"])["price"] = 0
    if s["markets"] and r.random() < 0.85:
        v2_order(r, s)
    if "repay" in s and kind > 0.985:  # an amount that no close factor refuses
        b = next(m for m in s["markets"] if m["name"] == s["repay"]["borrowed"])
        b.update(collateral_factor=0, borrow_paused=True, reserve_factor=E18, borrow=2**256 - 1)
        s["repay"]["amount"] = 2**256 - 1
    if "repay" in s and 0.83 < kind < 0.85:  # a collateral of which a token is worth nothing
        for m in s["markets"]:
            m.update(collateral_factor=0, borrow_paused=True, reserve_factor=E18, borrow=max(m["borrow"], s["repay"]["amount"]))
            m["exchange_rate"] = r.choice([0, m["exchange_rate"], (E18 - r.randint(0, 1)) // max(1, m["price"]) + r.randint(0, 1)])
    return s


def v2_branches(s, out):
    yield "view: " + out["view_refused"]
    if "refused" in out:
        yield "repay: " + out["refused"]
    if not out["view_refused"] and out["borrows"]:
        yield "just short" if 0 < out["shortfall"] <= max(m["price"] for m in s["markets"]) // E18 + 2 else "not just short"
        yield "equal: not short" if out["collateral"] == out["borrows"] else "unequal"
    if any(k.endswith(".deprecated") and v for k, v in out.items()):
        yield "deprecated"
        if out["liquidatable"] and not out["shortfall"]:
            yield "liquidatable without a shortfall"


V2_NEEDED = ["view: PRICE_ERROR", "view: arithmetic overflow", "repay: ", "repay: MARKET_NOT_LISTED", "repay: PRICE_ERROR", "repay: INSUFFICIENT_SHORTFALL",
             "repay: TOO_MUCH_REPAY", "repay: Can not repay more than the total borrow", "repay: LiquidateCloseAmountIsZero", "repay: LiquidateCloseAmountIsUintMax",
             "repay: arithmetic underflow", "repay: arithmetic overflow", "repay: division by zero", "repay: LIQUIDATE_SEIZE_TOO_MUCH", "repay: seize is paused",
             "repay: LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED", "just short", "equal: not short", "deprecated", "liquidatable without a shortfall"]

# ---- vectors of the contracts' own tests


def comet_vectors():
    comp = {"name": "COMP", "balance": 0, "price": 200 * 10**8, "scale": E18, "liquidate_factor": E18, "liquidation_factor": E18}
    base = {"principal": -100, "supply_index": E15, "borrow_index": E15, "base_price": 10**8, "base_scale": 10**6, "assets": [comp]}
    pool = {"balance": 0, "total_supply": 0, "total_borrow": 100, "target_reserves": 101, "store_front_factor": E18 // 2}
    yield "absorb-test: one account of 100", dict(base, pool=pool), {"absorb_refused": "", "paid_out": 100, "paid_out_value": 10**4, "new_principal": 0, "reserves": 100, "reserves_after": 0}
    yield "absorb-test: total borrows underflow", dict(base, pool=dict(pool, total_borrow=0)), {"absorb_refused": "arithmetic underflow"}
    quote = dict(base, assets=[dict(comp, liquidation_factor=6 * 10**17)], pool=pool, buy={"asset": "COMP", "base_amount": 200 * 10**6, "collateral_reserves": 10**30})
    yield "quote-collateral-test: 1.25 COMP for 200 USDC", quote, {"bought": 125 * 10**16}


def v2_vectors():
    ether, usd = 10**18, 10**18
    base = {"close_factor": E18 // 2, "liquidation_incentive": 108 * 10**16,
            "markets": [{"name": "a", "price": usd, "collateral_factor": E18 // 2, "exchange_rate": E18, "tokens": 100 * ether, "borrow": 0, "seize_share": 28 * 10**15},
                        {"name": "b", "price": usd, "collateral_factor": 0, "exchange_rate": E18, "tokens": 0, "borrow": 50 * ether + 1}],
            "repay": {"borrowed": "b", "collateral": "a", "amount": 25 * ether}}
    yield "by hand: a shortfall of 1, half may be repaid, 1.08 of it seized, 2.8 % of that kept", base, {
        "shortfall": 1, "refused": "", "market[1].most": 25 * ether, "seize_tokens": 27 * ether, "protocol_tokens": 756 * 10**15, "liquidator_tokens": 26244 * 10**15}


PROTOCOLS = {"comet": (comet_state, lambda s: Comet(s).told(), comet_branches, COMET_NEEDED, comet_vectors, COMET),
             "compound-v2": (v2_state, lambda s: CompoundV2(s).told(), v2_branches, V2_NEEDED, v2_vectors, COMPOUND_V2)}


def run(name, driver, r, cases, seen):
    state, judge, branches, _, vectors, _ = PROTOCOLS[name]
    for what, s, want in vectors():
        got = driver.ask(s)
        assert {k: got.get(k) for k in want} == want, (what, got, want)
    for _ in range(0, cases, BATCH):
        states, wanted = [], []
        while len(states) < BATCH:
            states.append(state(r))
            wanted.append(judge(states[-1]))
        for s, w, got in zip(states, wanted, driver.ask_all(states)):
            assert got == w, (s, {k: (got.get(k), w.get(k)) for k in set(w) | set(got) if got.get(k) != w.get(k)})
            for b in branches(s, w):
                seen[b] += 1


def main():
    if "--mutants" in sys.argv:
        for name, p in PROTOCOLS.items():
            mutants(name, p[5], lambda d, r, n=name: run(n, d, r, CASES, collections.Counter()), seed=SEED, report=tap.report)
        tap.finish()
    print(f"# SEED={SEED}, {CASES} states of each")
    for name, p in PROTOCOLS.items():
        seen, why = collections.Counter(), ""
        with Driver(name) as d:
            try:
                run(name, d, random.Random(SEED), CASES, seen)
            except AssertionError as e:
                why = str(e)[:3000]
        tap.report(not why, f"{name}: as the judge has it, and the contracts' own tests", why)
        print("# " + ", ".join(f"{k}: {n}" for k, n in sorted(seen.items())))
        missing = [b for b in p[3] if not seen[b]]
        tap.report(bool(why) or not missing, f"{name}: every branch was reached", missing)
    tap.finish()


if __name__ == "__main__":
    main()
