#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Protocols of isolated positions (docs/protocols/morpho-blue.md, morpho-pre-liquidation.md, liquity-v1.md) against
exact Python integers (judge_isolated.py) and the figures of the protocols' own tests.

  isolated_diff.py             TAP on stdout
  isolated_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: SEED (default 1), CASES (default 6000 for each protocol), TRIPLINE (the binary; otherwise a small driver is
compiled), CC. Run from the project root.
"""
import os
import random
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap  # noqa: E402
from isolated_mutants import MUTANTS  # noqa: E402
from judge_isolated import CCR, MCR, PANIC, SCALE, U128, U256, W, WORDS, Revert, blue, liquity, pre  # noqa: E402
from protocol_judge import Driver, mutants  # noqa: E402

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "6000"))
HERE = "host/protocols/"
CORES = "host/accounts/rules/"
MORE = {"morpho-blue": [CORES + "morpho/morpho_math.c"], "liquity-v1": [],
        "morpho-pre-liquidation": [CORES + "morpho/morpho_math.c", CORES + "morpho/morpho_blue.c", HERE + "morpho_blue_eval.c"]}
LLTV = [W * x // 1000 for x in (980, 965, 945, 915, 860, 770, 625, 385)]


def ceil(a, b):
    return -(-a // b)


def log(r, lo, hi):
    """Each order of magnitude as often."""
    a, b = max(lo, 1).bit_length(), max(lo, hi, 1).bit_length()
    return min(max(r.getrandbits(r.randint(a, b)), lo), hi)


def near(r, v, top=U256):
    return min(max(v + r.choice([0, 0, 1, -1, 2, -2, r.randint(-9, 9)]), 0), top - 1)


def same(got, want, state):
    """The results that the model gives are those of the rule."""
    for k, v in want.items():
        g = got.get(k)
        good = g in WORDS if v == PANIC else g == v and isinstance(g, bool) == isinstance(v, bool)
        assert good, f"{k}: {g}, not {v}, of {state}"


# ---- Morpho

def market(r, extremes=True):
    """A market and a position in it. Mostly possible ones."""
    top = U128 - 1 if extremes and r.random() < .1 else 10**30
    ba = log(r, 0, top)
    bs = min(ba * 1000 * r.choice([1000, 1000, r.randint(700, 1000)]), U128 - 1)
    if r.random() < .1:
        bs = log(r, 0, U128 - 1)
    sa = min(ba + log(r, 0, top), U128 - 1)
    shares = r.choice([bs, bs // r.randint(1, 1000), log(r, 0, max(bs, 1)), 0 if r.random() < .2 else bs])
    if r.random() < .03:
        shares = log(r, 0, U128 - 1)
    return {"market": {"supply_assets": sa if r.random() > .03 else log(r, 0, ba), "supply_shares": min(sa * 10**6, U128 - 1),
                       "borrow_assets": ba, "borrow_shares": bs, "fee": r.choice([0, 0, W // 10, W // 4, r.randrange(W // 4)]),
                       "lltv": r.choice(LLTV + [r.randrange(W), W - 1, 0 if r.random() < .2 else 1])},
            "position": {"borrow_shares": shares, "collateral": log(r, 0 if r.random() < .1 else 1, top)}}


def interest(r, s):
    if r.random() < .5:
        s["rate"] = r.choice([log(r, 0, 10**11), log(r, 0, 10**11), log(r, 0, 10**20), log(r, 0, U256 - 1)])
        s["elapsed"] = r.choice([0, 1, 12, r.randrange(10**8), log(r, 0, 2**64)])
    return s


def owed_after(s):
    """The model's market when its interest is in, or None: that reverts."""
    m = blue(s)[1]
    try:
        return m, m.assets_up(m.shares)
    except Revert:
        return None, 0


def threshold(owed, coll, lltv):
    if owed == 0:
        return 0
    if not coll or not lltv:
        return None
    p = ceil(ceil(owed * W, lltv) * SCALE, coll)
    return p if p < U256 else None


def price(r, s, lltv):
    m, owed = owed_after(s)
    at = threshold(owed, s["position"]["collateral"], lltv) if m else None
    if r.random() < .04:
        return log(r, 0, U256 - 1) if r.random() < .7 else 0
    if at is None:
        return log(r, 0, 10**45)
    return min(r.choice([near(r, at), at * r.randint(1, 120) // 100, at * r.randint(90, 110) // 100, max(at - 1, 0)]), U256 - 1)


def order(r, s, m, p, lif):
    coll, shares = s["position"]["collateral"], s["position"]["borrow_shares"]
    if r.random() < .06:
        return r.choice([{}, {"seize": 0, "repay_shares": 0}, {"seize": 1, "repay_shares": 1}])
    covered = 0
    if m:
        try:
            covered = m.convert(0, shares, p, lif)[0]  # what all shares are worth in collateral
        except Revert:
            pass
    if covered > coll and r.random() < .3:
        return {"seize": coll}
    if r.random() < .5:
        return {"seize": r.choice([coll, near(r, coll), log(r, 1, max(coll, 1)), near(r, covered), 1, coll * r.randint(1, 100) // 100,
                                   log(r, 1, U256 - 1)])}
    return {"repay_shares": r.choice([shares, near(r, shares), log(r, 1, max(shares, 1)), 1, shares * r.randint(1, 100) // 100,
                                      log(r, 1, U256 - 1)])}


def brim(r):
    """Where the collateral's product with the price fits 256 bits, and rounding it up does not."""
    s = plain(10**30, log(r, 10**24, 10**29), log(r, 1, 10**30), 1, 0)
    s["price"] = (U256 - 1) // s["position"]["collateral"]
    return {**s, "order": {"seize": s["position"]["collateral"]}}


def blue_state(r):
    if r.random() < .01:
        return brim(r)
    s = interest(r, market(r))
    s["price"] = 0
    s["price"] = price(r, s, s["market"]["lltv"])
    m = owed_after(s)[0]
    if r.random() < .05 and 0 < worth(m, s["price"]) < U128:  # just enough for all shares
        s["position"]["collateral"] = near(r, worth(m, s["price"]), U128)
    if r.random() < .9:
        s["order"] = order(r, s, m, s["price"], m.lif() if m else W)
    return s


def worth(m, p):
    """What all shares seize, 0 where that fails."""
    try:
        return m.convert(0, m.shares, p, m.lif())[0] if m else 0
    except Revert:
        return 0


def check_blue(got, s, seen):
    want, m = blue(s)
    same(got, want, s)
    if want["failed"]:
        seen["failed " + want["failed"]] += 1
    else:
        check_threshold(got["threshold_price"], m, s, m.lltv, seen)
        seen["liquidatable" if want["liquidatable"] else "healthy"] += 1
        if want["liquidatable"]:
            check_whole(got, s, m, seen)
        if s.get("elapsed") and s.get("rate") and m.interest:
            seen["interest"] += 1
            seen["fee shares"] += m.fee_shares > 0
    if "order" in s:
        seen["refused: " + want["refused"]] += 1
        if not want["refused"]:
            seen["seize" if s["order"].get("seize") else "repay"] += 1
            seen["bad debt"] += want["bad_debt_shares"] > 0
            seen["one unit too much repaid"] += want["repaid_assets"] > m.ba
            seen["nothing seized"] += want["seized"] == 0
            seen["lif at its most"] += m.lif() == 115 * W // 100
            seen["bad debt above the market's"] += clamped(m, want)


def clamped(m, want):
    """The shares written off are worth more than the market is owed."""
    m.pay_back(want["repaid_shares"])
    return want["bad_debt_shares"] > 0 and m.assets_up(want["bad_debt_shares"]) > m.ba


def check_threshold(at, m, s, lltv, seen):
    """By what it means: healthy at it, not one below; without the contract's 256 bits."""
    owed, coll = m.assets_up(m.shares), s["position"]["collateral"]

    def fine(p):
        return coll * p // SCALE * lltv // W >= owed
    if at == "none":
        assert not fine(U256 - 1), f"a threshold exists in {s}"
        seen["no threshold"] += 1
    else:
        assert fine(at) and (at == 0 or not fine(at - 1)), f"threshold {at} of {s}"
        seen["at the threshold"] += s["price"] == at
        seen["one below the threshold"] += s["price"] == at - 1


def check_whole(got, s, m, seen):
    whole = {"seize": got["whole.seize"], "repay_shares": got["whole.repay_shares"]}
    x = blue({**s, "order": whole})[0]
    assert x["refused"] in ("", PANIC) or (whole["seize"] == 0 == s["position"]["collateral"]), f"whole {whole}: {x['refused']} of {s}"
    if not x["refused"]:
        assert x["after.position_shares"] == 0 or x["after.position_collateral"] == 0, f"whole {whole} leaves something of {s}"
        assert whole["repay_shares"] or blue({**s, "order": {"repay_shares": m.shares}})[0]["refused"], f"whole {whole} writes off too much of {s}"
        seen["just enough for all shares"] += worth(m, s["price"]) == s["position"]["collateral"]
        seen["whole by shares" if whole["repay_shares"] else "whole by collateral"] += 1


def pre_state(r):
    s = interest(r, market(r, r.random() < .3))
    lltv = s["market"]["lltv"] = r.choice(LLTV) if r.random() < .9 else r.randrange(W)
    low = r.choice([lltv * r.randint(50, 99) // 100, lltv * r.randint(50, 99) // 100, lltv - 1, near(r, lltv), r.randrange(lltv)]) if lltv else 0
    top = W * W // max(lltv, 1)
    lif = sorted(r.choice([W, r.randint(W, top), r.randint(W, top), top]) for _ in "12")
    lcf = sorted(r.choice([0, W, r.randrange(W), r.randrange(2 * W)]) for _ in "12")
    if r.random() < .06:
        r.choice([lif.reverse, lcf.reverse, lambda: lif.__setitem__(1, top + 1), lambda: lif.__setitem__(0, W - 1),
                  lambda: lcf.__setitem__(slice(0, 2), [W + 1, 2 * W]), lambda: lcf.__setitem__(1, U256 - 1)])()
    s["pre"] = {"lltv": low, "lif1": lif[0], "lif2": lif[1], "lcf1": lcf[0], "lcf2": lcf[1]}
    s["price"] = 0
    edge = r.choice([lltv, low, low + (lltv - low) * r.randint(0, 100) // 100 if lltv > low else low])
    s["price"] = price(r, s, max(edge, 1))
    if r.random() < .4:
        s["market_price"] = r.choice([s["price"] * r.randint(60, 120) // 100 % U256, near(r, s["price"])])
    if r.random() < .03:
        s["authorized"] = False
    if r.random() < .9:
        want, m = pre(s)
        s["order"] = order(r, s, m, s["price"], want.get("lif", W))
        most = want.get("repayable_shares")
        if most and r.random() < .4:
            s["order"] = {"repay_shares": max(near(r, most), 1)}
        if want.get("lcf", 0) >= W and r.random() < .3:  # nothing is owed then, so the market's oracle is not asked
            s.update({"market_price": U256 - 1, "order": {"repay_shares": m.shares}})
    return s


def check_pre(got, s, seen):
    want, m = pre(s)
    same(got, want, s)
    seen["failed: " + want["failed"]] += 1
    if "health.borrowed" in want:
        check_threshold(got["price_from"], m, s, m.lltv, seen)
        check_threshold(got["price_below"], m, s, s["pre"]["lltv"], seen)
        assert want["quotient"] <= W, f"quotient of {s}"
        seen["quotient one"] += want["quotient"] == W
        seen["everything may be repaid"] += want["lcf"] >= W
    if "order" in s:
        seen["refused: " + want["refused"]] += 1
        if not want["refused"]:
            seen["seize" if s["order"].get("seize") else "repay"] += 1
            seen["all that is allowed"] += want["repaid_shares"] == want["repayable_shares"]
            seen["no shares left"] += want["after.position_shares"] == 0


# ---- Liquity

def trove(r, y, p, tcr):
    """A trove at a ratio that matters, with something spread to it."""
    debt = r.choice([2000 * W, r.randint(2000 * W, 10**6 * W), log(r, 1, 10**30)])
    ratio = r.choice([W, MCR, tcr, W + 1, r.randint(W // 2, W), r.randint(W, MCR), r.randint(W, MCR), r.randint(MCR, CCR),
                      r.randint(min(MCR, tcr), max(MCR, tcr)), r.randint(CCR, 9 * W)])
    coll = near(r, ceil(ratio * debt, p) if p else W)
    t = {"coll": coll, "debt": debt, "stake": coll if r.random() < .6 else coll * r.randint(50, 100) // 100}
    if y["l_coll"] or y["l_debt"]:
        t["coll_snapshot"] = y["l_coll"] * r.choice([0, 50, 99, 100]) // 100
        t["debt_snapshot"] = y["l_debt"] * r.choice([0, 50, 99, 100]) // 100
    return t


def pending(y, t):
    return [t["stake"] * (y["l_" + k] - t.get(k + "_snapshot", 0)) // W for k in ("coll", "debt")]


def system(r, y, p, troves, tcr):
    """Pools that hold these troves and others, at about this ratio in all."""
    more = [sum(x) for x in zip([0, 0], *(pending(y, t) for t in troves))]
    own = [sum(t[k] for t in troves) for k in ("coll", "debt")]
    debt = own[1] + more[1] + r.choice([0, log(r, 1, 10**27), (own[1] + 1) * r.randint(0, 30)])
    coll = max(near(r, ceil(tcr * debt, p) if p else W), own[0] + more[0])
    y.update({"active_coll": coll - more[0], "active_debt": debt - more[1], "default_coll": more[0] + r.randrange(3),
              "default_debt": more[1] + r.randrange(3)})
    y["total_stakes"] = sum(t["stake"] for t in troves) + r.choice([0 if r.random() < .2 else 1, coll, log(r, 1, 10**25)])


def pool(r, troves):
    debts = [t["debt"] for t in troves] or [W]
    d = r.choice([0, near(r, debts[0]), near(r, sum(debts)), sum(debts) * 2, near(r, sum(debts) + W), r.randrange(sum(debts) + 1), near(r, W),
                  near(r, sum(debts[:2])), log(r, 1, 10**28)])
    p = {"deposits": d, "p": r.choice([W, W, 10**9, 1, r.randint(1, W), r.randint(1, 10**10)]), "sum": log(r, 0, 10**40)}
    p.update({"scale": r.randrange(4), "epoch": r.randrange(3), "coll_error": r.choice([0, r.randrange(d + 1)]),
              "debt_error": r.choice([0, 0, r.randrange(d + 1), log(r, 1, 10**30), log(r, 1, d * W), near(r, max(d - W, 0) * W)])})
    return p


def liquity_state(r):
    p = r.choice([200 * W, r.randint(1, 5000 * W), log(r, 1, 10**24), 0 if r.random() < .05 else 100 * W])
    tcr = r.choice([CCR, CCR - 1, r.randint(CCR, 3 * W), r.randint(MCR, CCR), r.randint(MCR, CCR), r.randint(CCR - W // 50, CCR), r.randint(W, MCR)])
    y = {"l_coll": r.choice([0, log(r, 1, W)]), "l_debt": r.choice([0, log(r, 1, 100 * W)]), "coll_error": log(r, 0, 10**22),
         "debt_error": log(r, 0, 10**22)}
    troves = [trove(r, y, p, tcr) for _ in range(r.choice([1, 1, 2, 3, 5, 8, 0 if r.random() < .1 else 4]))]
    system(r, y, p, troves, tcr)
    n = len(troves)
    y["troves"] = r.choice([n, n + 1, n + 1, n + 40])
    s = {"price": p, "system": y, "pool": pool(r, troves), "troves": troves}
    if r.random() < .3:
        s["version"] = "2025"
    if r.random() < .35:
        s["call"] = "sequence"
        troves.sort(key=lambda t: t["coll"] * p // t["debt"])
    elif r.random() < .1 and n:
        troves[r.randrange(n)].update({"active": False, "debt": 0, "coll": 0, "coll_snapshot": 0, "debt_snapshot": 0})
    if r.random() < .05:
        broken = r.choice(["active_coll", "active_debt", "default_debt", "default_coll", "total_stakes", "l_coll", "l_debt"])
        y[broken] = r.choice([0, y[broken] // 2, U256 - 1])
    return at_scale(r, s) if r.random() < .1 else s


def at_scale(r, s):
    """P so that it becomes 10^9, where a new scale begins, or one less."""
    s["pool"]["p"] = W
    x = liquity(s)[1]
    if s["pool"]["scale"] == x.scale and s["pool"]["epoch"] == x.epoch and x.p < W:
        s["pool"]["p"] = ceil(10**9 * W, x.p) - r.randrange(2)
    return s


def check_liquity(got, s, seen):
    want, x = liquity(s)
    same(got, want, s)
    seen["refused: " + want["refused"]] += 1
    check_liquity_prices(got, s, x)
    if want["refused"]:
        return
    version = s.get("version", "deployed")
    mode = "recovery" if want["recovery"] else "normal"
    seen[f"{mode} {s.get('call', 'batch')}"] += 1
    seen["back to normal"] += want["back_to_normal"]
    for i, p in x.parts.items():
        seen[f"{mode} {p['branch']}"] += 1
        seen["ratio exactly 100 %"] += p.get("icr") == W and want["recovery"]
        seen["ratio exactly MCR"] += p.get("icr") == MCR
        seen["not active"] += "icr" not in p
        seen["spread to before"] += p.get("debt", 0) > s["troves"][i]["debt"]
        seen["surplus"] += p.get("surplus", 0) > 0
    seen["call ended early"] += len(x.parts) < len(s["troves"])
    seen[f"{version} pool used"] += x.total["offset_debt"] > 0
    seen["P exactly 10^9"] += x.p == 10**9 and x.scale == s["pool"]["scale"]
    seen["pool emptied"] += x.epoch > s["pool"]["epoch"]
    seen[f"{version} scales {x.scale - s['pool']['scale']}"] += x.epoch == s["pool"]["epoch"]


def check_liquity_prices(got, s, x):
    y = s["system"]
    for at, coll, debt, level in [(got.get("price_recovery"), y["active_coll"] + y["default_coll"], y["active_debt"] + y["default_debt"], CCR)] + [
            (got.get(f"trove[{i}].price_mcr"), p["coll"], p["debt"], MCR) for i, p in x.parts.items() if "icr" in p]:
        if at is not None and debt:
            assert coll * at // debt >= level and (at == 0 or coll * (at - 1) // debt < level), f"price {at} for {level} of {s}"
        elif at is None:
            assert coll == 0 or ceil(level * debt, coll) >= U256 or coll >= U256 or debt >= U256 or got.get("refused") != "", f"no price for {level} of {s}"


# ---- what the protocols' own tests say

LIF = dict(zip(LLTV, (1006036217303822937, 1010611419909044972, 1016776817488561260, 1026167265264238070, 1043841336116910229,
                      1074113856068743286, 1126760563380281690, 115 * W // 100)))


def plain(supplied, borrowed, coll, lltv, p, shares=None):
    bs = borrowed * 10**6 if shares is None else shares
    return {"market": {"supply_assets": supplied, "supply_shares": supplied * 10**6, "borrow_assets": borrowed, "borrow_shares": bs,
                       "lltv": lltv}, "position": {"borrow_shares": bs, "collateral": coll}, "price": p}


def published_blue(d):
    for lltv, lif in LIF.items():
        same(d.ask(plain(W, W, W, lltv, SCALE)), {"lif": lif}, lltv)
    # LiquidateIntegrationTest.testSeizedAssetsRoundUp
    s = {**plain(100 * W, 300, 400, 3 * W // 4, SCALE - W // 100), "order": {"repay_shares": 1}}
    same(d.ask(s), {"liquidatable": True, "refused": "", "seized": 0, "repaid_assets": 1}, s)
    # testBadDebtOverTotalBorrowAssets: one share for nothing makes the bad debt larger than the market's; it goes through
    s = {**plain(W, W, 10 * W, 8 * W // 10, SCALE // 100, W * 10**6 + 1), "order": {"seize": 10 * W}}
    got = d.ask(s)
    same(got, {"refused": "", "seized": 10 * W, "after.borrow_assets": 0, "after.borrow_shares": 0, "after.position_shares": 0}, s)
    assert got["after.supply_assets"] + got["bad_debt_assets"] == W, got
    s["position"]["collateral"] = 100 * W * 10
    same(d.ask(s), {"refused": "position is healthy"}, s)


def published_pre(d):
    s = plain(W, W, 2 * W, 86 * W // 100, SCALE)
    s["pre"] = {"lltv": 40 * W // 100, "lcf1": W // 10, "lcf2": W // 2, "lif1": W, "lif2": 104 * W // 100}
    for change, words in (({"lltv": s["market"]["lltv"]}, "PreLltvTooHigh"), ({"lif1": W - 1}, "PreLIFTooLow"), ({"lcf1": W}, "PreLCFDecreasing"),
                          ({"lcf1": W + 1, "lcf2": 2 * W}, "PreLCFTooHigh"), ({"lif1": 105 * W // 100}, "PreLIFDecreasing"),
                          ({"lif2": W * W // s["market"]["lltv"] + 1}, "PreLIFTooHigh"), ({}, "")):
        got = d.ask({**s, "pre": {**s["pre"], **change}})
        same(got, {"failed": words, "liquidatable": not words}, change)
    # PreLiquidationTest: nothing and both are refused; what the close factor allows is accepted, one share more is not
    most = d.ask(s)["repayable_shares"]
    for o, words in (({}, "InconsistentInput"), ({"seize": 1, "repay_shares": most}, "InconsistentInput"), ({"repay_shares": most}, ""),
                     ({"repay_shares": most + 1}, "PreLiquidationTooLarge")):
        same(d.ask({**s, "order": o}), {"refused": words}, o)


def published_liquity(d):
    """SP_P_TruncationTest: pool of 2000.000000000000002001 LUSD, troves of 2000 LUSD and 15 ETH at a price of 100."""
    deposits, state = 2000000000000000002001, {"p": W, "scale": 0, "coll_error": 0, "debt_error": 0}
    for change, p, scale in ((0, 10**9, 1), (0, 1, 2), (2 * 10**12, 1, 3)):
        s = {"price": 100 * W, "system": {"active_coll": 100045 * W, "active_debt": 106000 * W, "total_stakes": 100045 * W, "troves": 4},
             "pool": {**state, "deposits": deposits + change}, "troves": [{"coll": 15 * W, "debt": 2000 * W, "stake": 15 * W}]}
        got = d.ask(s)
        same(got, {"refused": "", "pool.p": p, "pool.scale": scale, "trove[0].branch": "offset"}, s)
        state = {k: got["pool." + k] for k in state}
        if scale == 2:  # without more deposits the third one fails, as that test says
            again = {**s, "pool": {**state, "deposits": deposits}}
            same(d.ask(again), {"refused": "StabilityPool: P is zero"}, again)
    # GasCompensationTest: 0.5 % of the collateral
    for coll, gas in ((100 * W, W // 2), (10001 * 10**15, 50005 * 10**12), (37500 * 10**15, 187500 * 10**12), (3 * 10**26, 15 * 10**23)):
        s = {"price": W, "system": {"active_coll": 10**30, "active_debt": 10**29, "total_stakes": 10**30, "troves": 4}, "pool": {"deposits": 0},
             "troves": [{"coll": coll, "debt": coll, "stake": coll}]}
        same(d.ask(s), {"sum.gas_coll": gas, "sum.gas_lusd": 200 * W, "trove[0].icr": W}, s)


# ---- running it

TOPICS = {"morpho-blue": (blue_state, check_blue, published_blue), "morpho-pre-liquidation": (pre_state, check_pre, published_pre),
          "liquity-v1": (liquity_state, check_liquity, published_liquity)}
REACHED = {
    "morpho-blue": ["liquidatable", "healthy", "seize", "repay", "interest", "fee shares", "bad debt", "bad debt above the market's",
                    "one unit too much repaid", "nothing seized", "lif at its most", "no threshold", "at the threshold",
                    "one below the threshold", "whole by shares", "whole by collateral", "just enough for all shares", "failed PANIC", "failed max uint128 exceeded",
                    "refused: inconsistent input", "refused: position is healthy", "refused: max uint128 exceeded", "refused: PANIC"],
    "morpho-pre-liquidation": ["seize", "repay", "all that is allowed", "no shares left", "quotient one", "everything may be repaid"] + [
        "refused: " + x for x in ("PreLltvTooHigh", "PreLCFDecreasing", "PreLCFTooHigh", "PreLIFTooLow", "PreLIFDecreasing", "PreLIFTooHigh",
                                  "InconsistentInput", "LiquidatablePosition", "NotPreLiquidatablePosition", "PreLiquidationTooLarge",
                                  "zero assets", "unauthorized", "insufficient collateral", PANIC)],
    "liquity-v1": ["back to normal", "ratio exactly 100 %", "ratio exactly MCR", "not active", "spread to before", "surplus", "call ended early",
                   "pool emptied", "P exactly 10^9", "deployed pool used", "2025 pool used", "deployed scales 1", "2025 scales 1", "2025 scales 2"] + [
        f"{m} {b}" for m in ("normal", "recovery") for b in ("left", "offset", "mixed", "spread", "batch", "sequence")] + ["recovery capped"] + [
        "refused: " + x for x in ("TroveManager: nothing to liquidate", "TroveManager: Only one trove in the system",
                                  "TroveManager: Calldata address array must not be empty", "StabilityPool: P is zero", PANIC)],
}


def compare(name, d, r, cases, seen):
    make, check, published = TOPICS[name]
    published(d)
    for done in range(0, cases, 250):  # a wrong version is mostly found in the first of them
        states = [make(r) for _ in range(min(250, cases - done))]
        for s, got in zip(states, d.ask_all(states)):
            assert "error" not in got, f"{got['error']} of {s}"
            check(got, s, seen)


def topic(name, r):
    seen = Counter()
    try:
        with Driver(name, more=MORE[name]) as d:
            compare(name, d, r, CASES, seen)
        tap.report(True, f"{name}: {CASES} random states and the published figures")
    except AssertionError as e:
        tap.report(False, f"{name}: {CASES} random states and the published figures", str(e)[:3000])
        return
    few = [k for k in REACHED[name] if seen[k] < 3]
    for k in sorted(seen):
        print(f"# {name}: {k}: {seen[k]}")
    tap.report(not few or CASES < 6000, f"{name}: every branch was taken", f"hardly ever: {few}")


def main():
    print(f"# SEED={SEED} CASES={CASES}")
    if sys.argv[1:] == ["--mutants"]:
        for name, table in MUTANTS.items():
            mutants(name, table, lambda d, r, name=name: compare(name, d, r, 2500, Counter()), MORE[name], SEED, tap.report)
    else:
        for name in TOPICS:
            topic(name, random.Random(f"{SEED} {name}"))
    tap.finish()


if __name__ == "__main__":
    main()
