#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline lab auction: random files of each kind against exact Python integers written from the contracts' sources
(tests/diff/judge_auctions.py), the keeper's side against a search of its own, text against JSON, the examples and the document's
results, refusals with file, line and remedy. Prints TAP. Environment: TRIPLINE, SEED.
"""
import collections
import json
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [HERE, os.path.join(HERE, os.pardir, "diff")]
import judge_auctions as judge  # noqa: E402
from judge_auctions import RAD, RAY, WAD, Clip, Curve, English, Revert  # noqa: E402
from keeper import SEED, finish, must, report, tripline  # noqa: E402

CASES = 60  # of each kind
KINDS = ["clip", "english", "discount", "time"]
PPM = 10**6
DOC = os.path.join(HERE, os.pardir, os.pardir, "docs", "econ", "auctions.md")
seen = collections.Counter()
wrong = []


def check(good, what, *of):
    if not good and len(wrong) < 5:
        wrong.append((what,) + of)


def told(value):
    """An amount of the JSON as the integer it is."""
    return None if value is None else int(value)


def why_is(got, want, what, *of):
    """The same refusal; arithmetic has other words."""
    check(got == want or (want == "math" and got in judge.MATH), what, got, want, *of)
    seen["refused" if want else "accepted"] += 1


def run(state):
    p = tripline("lab", "auction", "-", "--json", input=json.dumps(state))
    if p.returncode != 0:
        raise RuntimeError(f"{p.stderr}{json.dumps(state)}")
    return json.loads(p.stdout)


def tried(f, *args):
    """Result and refusal."""
    try:
        return f(*args), None
    except Revert as e:
        return None, str(e)


def text_fields(state):
    """Amounts as texts, as a file has them: no reader's double comes between."""
    return {k: str(v) if isinstance(v, int) and not isinstance(v, bool) and v >= 1 << 53 else v for k, v in state.items()}


# ---- clip

def clip_file(r):
    calc = r.choice(["linear", "stairstep", "exponential"])
    f = {"kind": "clip", "calc": calc, "buf": r.randrange(10**27, 14 * 10**26), "cusp": r.randrange(10**26, 9 * 10**26), "tail": r.randrange(20, 400)}
    if calc == "linear":
        f["tau"] = r.randrange(20, 500)
    else:
        f["cut"] = r.randrange(95 * 10**25, 10**27)
    if calc == "stairstep":
        f["step"] = r.choice([1, 1, 3, 20])
    f.update(chip=r.choice([0, 10**16]), tip=r.choice([0, 2 * RAD]), chost=r.choice([0, 5 * RAD, 100 * RAD]), stopped=r.choice([0] * 9 + [1, 2, 3]))
    f.update(val=r.randrange(1, 100 * WAD), at=r.randrange(10**9), tab=r.choice([0, 1] + [r.randrange(1, 500 * RAD)] * 9), lot=r.choice([0] + [r.randrange(1, 50 * WAD)] * 9))
    if r.random() < 0.7:
        f.update(gas=r.randrange(3 * RAD), profit=r.choice([0, RAD]), lead_ns=r.randrange(10**9))
        if r.random() < 0.6:
            f.update(value=f["val"] * 10**9 * r.randrange(80, 110) // 100, slippage_ppm=r.choice([0, 3000, 50000]))
        else:
            size = r.randrange(f["lot"] + 1, 100 * WAD + f["lot"])
            f.update(pool_collateral=size, pool_coin=size * f["val"] * 10**9, pool_fee_ppm=3000)
        if r.random() < 0.3:
            f["total"] = r.randrange(1, 200 * RAD)
    if r.random() < 0.3:
        f["limit"] = r.randrange(1, 100 * RAY)
    f["steps"] = []
    for _ in range(r.randrange(6)):
        at = f["at"] + r.randrange(f["tail"] + 10)
        if r.random() < 0.7:
            s = {"do": "take", "at": at, "amt": r.choice([r.randrange(1, f["lot"] + 2), f["lot"], max(1, f["tab"] * r.randrange(80, 120) // 100 // (f["val"] * 10**9))]), "coin": r.choice([1 << 200, 5 * RAD])}
        else:
            s = {"do": "redo", "at": at, "val": f["val"] * r.randrange(50, 100) // 100}
        f["steps"].append(text_fields(s))
    if r.random() < 0.9:  # at the start, a part that leaves too little: the contract leaves chost
        f["steps"].insert(0, text_fields({"do": "take", "at": f["at"], "amt": max(1, f["tab"] * r.randrange(60, 100) // 100 // (f["val"] * f["buf"] // WAD + 1)), "coin": 1 << 200}))
    return f


def proceeds(f, q):
    if "pool_coin" in f:
        paid = q * (PPM - f["pool_fee_ppm"])
        return f["pool_coin"] * paid // (f["pool_collateral"] * PPM + paid)
    return q * f["value"] * (PPM - f["slippage_ppm"]) // PPM


def offers(f, k, now, r):
    """Of many amounts: net, slice, owe, out, of those within the limit."""
    price, done = k.status(now)
    if done or k.stopped >= 3:
        return []
    edge = max(0, k.tab - k.chost)
    most = min(edge, f.get("total", edge)) // price if price else 0
    amounts = {1, most, most // 2, most // 3, k.lot, k.lot - 1} | {r.randrange(1, most + 1) for _ in range(40) if most}
    out = []
    for amt in amounts:
        got, _ = tried(k.quote, now, amt, 1 << 255)
        if amt > 0 and got and got[2] and got[1] <= f.get("total", 1 << 255):
            sold = proceeds(f, got[2])
            out.append((sold - got[1] - f["gas"], got[2], got[1], sold))
    return out


def keeper_rows(f, k, answer, r):
    least, at = max(1, f["profit"]), None
    for row in answer["over"]:
        have = offers(f, k, row["at"], r)
        check((row["net"] is not None) == bool(have), "a row has an offer where there is one", row, f)
        if not have or row["net"] is None:
            seen["no offer"] += 1
            check(not row["pays"] and row["why"], "no offer does not pay, and why", row)
            continue
        net, owe = told(row["net"]), told(row["owe"])
        check(net == told(row["out"]) - owe - f["gas"] and told(row["out"]) == proceeds(f, told(row["slice"])), "net of a row", row, f)
        check(net >= max(have)[0] - 2, "no amount is better", row, max(have), f)
        check(row["pays"] == (net >= least), "pays", row)
        seen["pays" if row["pays"] else "does not pay"] += 1
        at = row["at"] if row["pays"] and at is None else at
    check(answer["first_pays"] == (at is not None), "a first second is told when one pays", answer, f)
    if at is not None and answer["first_pays"]:
        check(answer["first_at"] == at, "the first second", at, answer["first_at"], f)
        price, owe, part, _ = k.quote(at, told(answer["first_amt"]), 1 << 255)
        out = proceeds(f, part)
        check([told(answer["first_" + n]) for n in ("price", "owe", "slice", "out", "net")] == [price, owe, part, out, out - owe - f["gas"]], "the first purchase", answer)
        check(int(answer["wake_ns"]) == at * 10**9 - f["lead_ns"], "wake", answer)
        seen["first"] += 1


def clip_steps(f, k, answer):
    for s, row in zip(f["steps"], answer["steps"]):
        s = {n: v if n == "do" else int(v) for n, v in s.items()}
        k.room.Dirt = k.room.dirt = k.tab
        if s["do"] == "take":
            got, why = tried(k.take, s["at"], s["amt"], 1 << 255, s["coin"], 0, 0)
            want = [None] * 5 if why else got[:3] + [got[5], got[6] - got[1] if got[7] else None]
            have = [told(row[n]) for n in ("price", "slice", "owe", "back", "missing")]
            have[1], have[2] = have[2], have[1]
            seen["adjusted"] += bool(not why and got[8])
        else:
            got, why = tried(k.redo, (s["val"], True, RAY), s["at"])
            want, have = [got], [told(row["earns"])]
        check(have == want, s["do"], have, want, f)
        why_is(row["refused"], why, s["do"], f)
        check([told(row["tab"]), told(row["lot"])] == [k.tab, k.lot], "left", row, f)
        check(row["redo_at"] is None if not k.running else row["redo_at"] == k.redo_at(), "redo after a step", row, f)
    check(len(answer["steps"]) == len(f["steps"]), "a row for each step", answer)


def clip_case(r):
    f = clip_file(r)
    answer = run(dict(text_fields(f), every=1))
    k = Clip(Curve(judge.LINEAR if "tau" in f else judge.STAIR if "step" in f else judge.EXP, f.get("tau", 0), f.get("step", 1), f.get("cut", 0)),
             f["buf"], f["cusp"], f["tail"], f["chip"], f["tip"], f["chost"], f["stopped"])
    coin, why = tried(k.kick, (f["val"], True, RAY), f["at"], f["tab"], f["lot"], True)
    why_is(answer["refused"], why, "kick", f)
    if why:
        check(not answer["over"] and not answer["steps"], "nothing after a refused kick", answer)
        return
    seen[f["calc"]] += 1
    check([told(answer["top"]), told(answer["kick_earns"]), answer["redo_at"]] == [k.top, coin, k.redo_at()], "kick", answer, f)
    check([row["at"] for row in answer["over"]] == list(range(f["at"], k.redo_at() + 1)), "every second until the reset", f)
    for row in answer["over"]:
        price, done = k.status(row["at"])
        check([told(row["price"]), row["reset"], row["after"]] == [price, done, row["at"] - f["at"]], "price", row, price, f)
    if "limit" in f:
        at = next((t for t in range(10**4) if k.curve.price(k.top, t) <= f["limit"]), None)
        check(at is None or answer["limit_at"] == f["at"] + at, "limit", answer["limit_at"], at, f)
    if "gas" in f:
        keeper_rows(f, k, answer, r)
        after = Clip(k.curve, k.buf, k.cusp, k.tail, k.chip, k.tip, k.chost, k.stopped)
        after.running, after.tab, after.lot, after.top, after.tic = True, k.tab, k.lot, k.top, k.tic
        coin, why = tried(after.redo, (f["val"], True, RAY), k.redo_at())
        check(answer["redo_pays"] == (not why and coin - f["gas"] >= max(1, f["profit"])), "a reset that pays", answer, f)
    clip_steps(f, k, answer)


# ---- english

def english_case(r):
    kind = r.randrange(3)
    f = {"kind": "english", "type": ["flip", "flap", "flop"][kind], "beg": r.choice([105 * 10**16, 103 * 10**16]), "ttl": r.randrange(1, 50),
         "tau": r.randrange(1, 200), "at": r.randrange(10**9), "lot": r.randrange(1, 100) * (RAD if kind == 1 else WAD)}
    if kind == 0:
        f["tab"] = r.randrange(1, 50 * RAD)
    if kind == 1:
        f["lid"] = r.choice([1 << 200, 50 * RAD])
    if kind == 2:
        f.update(pad=15 * 10**17, bid=r.randrange(1, 50 * RAD))
    keeper = kind == 0 and r.random() < 0.7
    if keeper:
        f.update(value=r.randrange(2 * RAY), gas=r.randrange(RAD), slippage_ppm=r.choice([0, 20000]), total=r.choice([1 << 199, 20 * RAD]))
    a, at, steps = English(kind, True, f["beg"], f.get("pad", 0), f["ttl"], f["tau"], 0, f.get("lid", 0)), f["at"], []
    rows = [(None, tried(a.kick, at, 1, f.get("tab", 0), f["lot"], f.get("bid", 0))[1], list(a.state()))]
    for _ in range(0 if rows[0][1] else r.randrange(12)):
        at += r.choice([0, 1, 5, 20, f["ttl"], f["ttl"] + 1])
        do = r.choice(["tend", "tend", "tend", "dent", "dent", "tick", "deal"])
        s = {"do": do, "at": at}
        if do in ("tend", "dent"):
            who = s["who"] = r.randrange(2, 5)
            bid = r.choice([a.tab, a.bid, a.bid * 106 // 100 + 1, -(-f["beg"] * a.bid // WAD)]) if do == "tend" else a.bid
            lot = a.lot if do == "tend" else r.choice([a.lot, a.lot * 9 // 10, a.lot * WAD // f["beg"], a.lot * WAD // f["beg"] + 1])
            s.update(bid=bid, lot=lot)
            got, why = tried(a.tend if do == "tend" else a.dent, at, who, lot, bid)
        else:
            lost = a.tab - a.bid
            got, why = tried(a.tick if do == "tick" else a.deal, at)
            got = str(lost) if do == "deal" and kind == 0 and not why else None
        steps.append(text_fields(s))
        rows.append((got, why, list(a.state())))
    answer = run(dict(text_fields(f), steps=steps))
    why_is(answer["refused"], rows[0][1], "kick", f)
    check(len(answer["steps"]) == (0 if rows[0][1] else len(rows)), "rows", answer)
    for row, (moves, why, state) in zip(answer["steps"], rows):
        seen[row["do"] + (" refused" if why else "")] += 1
        guy, bid, lot, _, tic, end, _ = state
        if row["do"] != "kick":
            why_is(row["refused"] if row["refused"] not in ("a flop has no tend", "a flap has no dent") else why, why, row["do"], f, steps)
        check([row["guy"] or 0, told(row["bid"]), told(row["lot"])] == [guy, bid, lot], "state", row, state, f, steps)
        lost = moves if isinstance(moves, str) else None  # of a flip at its deal: what was not bid of the tab
        check([told(row[n]) for n in ("refund", "income", "back")] == ([None] * 3 if lost or not moves else moves), "moves", row, moves)
        check(row["missing"] == lost, "missing", row, lost)
        check(row["due"] == ((tic if tic and tic < end else end) + 1 if guy else None), "due", row, state)
        if keeper:
            english_keeper(f, row, state)


def english_keeper(f, row, state):
    a = English(0, True, f["beg"], 0, f["ttl"], f["tau"], 0, 0)
    a.guy, a.bid, a.lot, a.tab, a.tic, a.end, _ = state
    if not a.guy:
        check([row["keeper"], row["why"]] == ["waits", "over"], "over", row)
        return
    bid, lot, dent = a.bid, a.lot, a.bid == a.tab
    if dent:
        lot = min(a.lot - 1, a.lot * WAD // f["beg"])
    else:
        bid = min(a.tab, max(a.bid + 1, -(-f["beg"] * a.bid // WAD)))
    net = lot * f["value"] * (PPM - f["slippage_ppm"]) // PPM - bid - f["gas"]
    _, why = tried(a.dent if dent else a.tend, row["at"], 3, lot, bid) if lot >= 0 else (0, "math")
    why = "ours" if state[0] == 3 else why or ("price" if net < 1 else "limit" if bid > f["total"] else None)
    check(row["why"] == why or why == "math", "why the keeper waits", row, why, f)
    if not why:
        check([row["keeper"], told(row["would_bid"]), told(row["would_lot"]), told(row["net"])] == ["dent" if dent else "tend", bid, lot, net], "keeper", row, f)
    seen["keeper bids" if not why else "keeper waits"] += 1


# ---- by the price, by time

def keeper_of(f, worth, cost):
    out = worth * (PPM - f["slippage_ppm"]) // PPM
    return out, out - cost - f["gas"]


def discount_case(r):
    value = r.randrange(1, 10**12)
    f = {"kind": "discount", "liability_value": value, "liability": r.randrange(1, 10**20), "collateral_value": value * r.randrange(50, 150) // 100,
         "balance": r.randrange(1, 10**20), "max_discount": r.choice([0, 500, 1500, 10000]), "gas": r.randrange(value // 50 + 1), "slippage_ppm": r.choice([0, 5000])}
    high = r.randrange(1, PPM + 1)
    f.update(adjusted=value * r.randrange(80, 120) // 100, from_ppm=high, to_ppm=max(0, high - r.randrange(2000)), by_ppm=r.randrange(2, 50))
    f["factor"] = r.randrange(WAD // 2, WAD)
    if r.random() < 0.3:
        f["repay"] = r.randrange(1, f["liability"] + 1)
    answer, first = run(dict(text_fields(f))), None
    for ppm in range(f["from_ppm"], f["to_ppm"] - 1, -1):
        part = (f["adjusted"] * ppm // PPM, value, f["liability"], f["collateral_value"] * ppm // PPM, f["balance"], f["max_discount"])
        got, why = tried(judge.evk, *part, f.get("repay"))
        net = None
        if got and got[0]:
            out, net = keeper_of(f, got[3] * part[3] // f["balance"], -(-got[2] * value // f["liability"]))
            first = ppm if net >= 1 and first is None else first
        if (f["from_ppm"] - ppm) % f["by_ppm"]:
            continue
        row = answer["over"][(f["from_ppm"] - ppm) // f["by_ppm"]]
        check(row["ppm"] == ppm, "ppm", row)
        why_is(row["refused"], why, "discount", row, f)
        seen["violation" if got and got[0] else "healthy"] += 1
        want = got[1:] + [out, net] if got and got[0] else [None] * 5
        check([told(row[n]) for n in ("factor", "repay", "yield", "out", "net")] == want, "discount", row, want, f)
    check([answer["first_pays"], answer["first_ppm"]] == [first is not None, first], "first price that pays", answer["first_ppm"], first, f)
    seen["discount pays" if first is not None else "discount never pays"] += 1
    reached = told(answer["reached_adjusted"])
    if reached is None:
        check(f["factor"] < WAD - WAD * f["max_discount"] // 10000, "the discount does not grow so far", f)
    else:
        low = WAD - WAD * f["max_discount"] // 10000
        factor = lambda v: max(v * WAD // value, low)  # noqa: E731
        check(factor(reached) <= f["factor"] < factor(reached + 1), "reached", reached, f)


def time_case(r):
    one = 1 << 128
    debt0, debt1 = r.choice([0, r.randrange(1, 10**12)]), r.choice([0, r.randrange(1, 10**12)])
    f = {"kind": "time", "price_x128": r.randrange(one // 100, 100 * one), "assets0": r.randrange(10**12), "assets1": r.randrange(1, 10**12), "debt0": debt0, "debt1": debt1,
         "warned": r.randrange(10**9), "close": r.choice([10000, 5000, r.randrange(1, 10001)]), "gas": r.randrange(10**7), "slippage_ppm": r.choice([0, 2000])}
    f["share"] = r.randrange(12 * 10**11)
    begins = f["warned"] + 300
    low = r.choice([f["warned"], begins, begins + judge.ALOE_N - 100])
    f.update({"from": low, "until": low + r.randrange(900), "every": r.randrange(1, 40)})
    answer = run(text_fields(f))

    def at(t):
        got, why = tried(judge.aloe, f["price_x128"], f["assets0"], f["assets1"], debt0, debt1, t, f["close"])
        if why:
            return None, None, None, why
        out, net = keeper_of(f, got[1] + got[0] * f["price_x128"] // one, got[3] - (-got[2] * f["price_x128"] // one))
        return got, out, net, None

    for row in answer["over"]:
        t = row["at"] - begins
        got, out, net, why = at(t) if t >= 0 else (None, None, None, "Aloe: grace")
        why_is(row["refused"], why, "time", row, f)
        check([told(row[n]) for n in ("out0", "out1", "repay0", "repay1", "out", "net")] == (got + [out, net] if got else [None] * 6), "time", row, got, f)
        check(told(row["share"]) == (judge.aloe_curve(t) if 0 <= t < judge.ALOE_N else None), "share", row)
        check(row["pays"] == (net is not None and net >= 1), "pays", row)
        seen["before all" if 0 <= t < judge.ALOE_N else "grace" if t < 0 else "all"] += 1
    first = answer["first_at"]
    if answer["first_pays"]:
        t = first - begins
        check((at(t)[2] or 0) >= 1 and (t == 0 or (at(t - 1)[2] or 0) < 1) and told(answer["first_net"]) == at(t)[2], "first second", answer, f)
    else:
        check(all((at(t)[2] or 0) < 1 for t in (0, 100, 1000, 10**5, judge.ALOE_N - 1, judge.ALOE_N)), "never pays", f)
    seen["time pays" if answer["first_pays"] else "time never pays"] += 1
    t = answer["share_at"] - begins
    check(t == judge.ALOE_N or judge.aloe_curve(t) >= f["share"] > (judge.aloe_curve(t - 1) if t else -1), "share_at", t, f)


# ---- text, examples, refusals

DIGITS = {"price": 27, "top": 27, "slice": 18, "amt": 18, "owe": 45, "out": 45, "net": 45}


def scaled(v, digits):
    """As the text has it: cut behind the ninth place, or behind the third that is not 0."""
    sign, v = "-" * (v < 0), str(abs(v)).rjust(digits + 1, "0")
    whole, frac = v[:len(v) - digits], v[len(v) - digits:]
    keep = max(9, len(frac) - len(frac.lstrip("0")) + 3) if whole == "0" else 9
    frac = frac[:keep].rstrip("0")
    return sign + whole + ("." + frac if frac else "")


def examples():
    doc = open(DOC, encoding="utf-8").read()
    blocks = ["\n".join(re.sub(r" {2,}", " ", x).strip() for x in b.splitlines()) for b in re.findall(r"```\n(.*?)```", doc, re.S)]
    for kind in KINDS:
        text = must("lab", "auction", "--example", kind)
        plain, as_json = (must("lab", "auction", "-", *o, input=text) for o in ([], ["--json"]))
        answer, lines = json.loads(as_json), plain.splitlines()
        report(json.loads(text)["kind"] == answer["kind"] == kind, f"{kind}: its example works", as_json)
        rows = len(answer["over"]) + len(answer["steps"])
        report(sum(bool(re.match(r" *(\d|kick|tend|dent|tick|deal|take|redo) ?", x)) and "  " in x for x in lines) >= rows > 5, f"{kind}: a line for each row", plain)
        flat = [re.sub(r" {2,}", " ", x).strip() for x in lines]
        block = next((b for b in blocks if b.startswith(f"kind {kind}")), "")
        report(block and all(x in flat for x in block.splitlines() if x != "..."), f"{kind}: gives what the document shows", plain)
    answer = json.loads(must("lab", "auction", "-", "--json", input=must("lab", "auction", "--example", "clip")))
    plain = must("lab", "auction", "-", input=must("lab", "auction", "--example", "clip"))
    words = plain.split("\n\n")[1].splitlines()
    head, bad = words[0].split(), []
    for line, row in zip(words[1:], answer["over"]):
        for name, shown in zip(head, line.split()):
            v = row[name]
            want = "-" if v is None else ("yes" if v else "no") if isinstance(v, bool) else scaled(int(v), DIGITS[name]) if name in DIGITS else str(v)
            bad += [] if shown == want else [(name, shown, want)]
    report(not bad and len(words) - 1 == len(answer["over"]), "text is JSON in whole units", bad[:3])
    first = [x.split()[1] for x in plain.splitlines() if x.startswith("first_at")]
    report(first == ["604411225"] and answer["redo_at"] == 604411200 + 120, "first second and reset of the contract's own test auction", plain)


def edges():
    """Just the least profit pays, one unit less does not; and no price in between is passed over."""
    for kind, name, start, later in (("discount", "first_ppm", 937766, -1), ("time", "first_at", 1700000474, 1)):
        base = json.loads(must("lab", "auction", "--example", kind))
        net = told(run(base)["first_net"])
        got = [run(dict(base, profit=net + k))[name] for k in (0, 1)]
        report(got == [start, start + later], f"{kind}: the least profit to the unit", got)
    base = json.loads(must("lab", "auction", "--example", "discount"))
    got = [run(dict(base, from_ppm=PPM - k))["first_ppm"] for k in (0, 1)]
    report(got == [937766] * 2, "discount: every millionth is looked at", got)


def refusals():
    base = {k: json.loads(must("lab", "auction", "--example", k)) for k in KINDS}

    def fault(state, *wanted):
        text = state if isinstance(state, str) else json.dumps(state, indent=1)
        p = tripline("lab", "auction", "-", input=text)
        report(p.returncode == 1 and not p.stdout and re.match(r"tripline lab auction: stdin:\d+: ", p.stderr) and all(w in p.stderr for w in wanted), f"fault told: {wanted[-1]}", p)

    def without(kind, name):
        return {k: v for k, v in base[kind].items() if k != name}

    fault("{\n", ":2: ", "no JSON: ", "--example")
    fault("", "no JSON: ")
    fault("[]", "a state is an object")
    fault("{}", '"kind" is missing')
    fault({"kind": "dutch"}, '"kind" must be one of "clip", "english", "discount", "time"')
    for kind, names in (("clip", "calc cut step buf cusp tail val tab lot"), ("english", "type beg ttl tau tab lot"), ("discount", "adjusted liability balance max_discount"),
                        ("time", "price_x128 assets0 debt1")):
        for n in names.split():
            fault(without(kind, n), f'"{n}" is missing')
        fault(dict(base[kind], nonsense=1), ":%d: " % (len(json.dumps(base[kind], indent=1).splitlines())), '"nonsense" is not known here')
    fault(dict(base["clip"], cut="0.99"), ":4: ", '"cut" must be an integer')
    fault(without("clip", "value"), '"value" is missing', "or a pool")
    fault(dict(base["clip"], pool_coin=1, pool_collateral=1), "leave one out")
    fault(dict(base["clip"], every=0), '"every" is 0')
    fault(dict(base["clip"], **{"from": 1}), '"from" is before 604411200')
    fault(dict(base["clip"], until=604411199), '"until" is before "from"')
    fault(dict(base["clip"], every=1, until=604411200 + 1000), '1001 rows, 1000 are the most')
    fault(dict(base["clip"], steps=[{"do": "buy"}]), '"do" must be one of "take", "redo"')
    fault(dict(base["clip"], steps=[{"do": "redo", "amt": 1}]), '"amt" is not known here')
    fault(dict(base["clip"], steps=[{"do": "take"}] * 1000), "999 are the most")
    fault(dict(base["english"], type="flop", pad=WAD, bid=1, tab=1), "a flip only")
    fault(dict(base["english"], guy=0), '"guy" is 0')
    fault(dict(base["discount"], by_ppm=0), '"by_ppm" is 0')
    fault(dict(base["discount"], by_ppm=1), 'a larger "by_ppm"')
    fault(dict(base["discount"], to_ppm=1000000, from_ppm=1), "the price falls")
    fault(dict(base["time"], close=10001), '"close" must be an integer from 0 to 10000')
    for words, code, wanted in (([], 2, "a file is needed"), (["a", "b"], 2, "too many words: b"), (["--example", "x"], 2, "not x"), (["--example", "clip", "a"], 2, "takes no file"),
                                (["--nonsense", "-"], 2, "wrong option"), (["/nonexistent"], 1, "/nonexistent: cannot be opened"), (["/"], 1, "/: cannot be read")):
        p = tripline("lab", "auction", *words)
        report(p.returncode == code and not p.stdout and wanted in p.stderr, f"exit {code}: {wanted}", p)
    p = tripline("lab", "auction", "--help")
    report(p.returncode == 0 and all(k in p.stdout for k in KINDS) and "Exit status" in p.stdout, "help", p)
    report("auction " in must("lab", "--help"), "lab's help names it")
    answer = run(dict(base["clip"], steps=[{"do": "take", "at": 604411310}]))["steps"][0]
    report(answer["over"] and told(answer["missing"]) == int(base["clip"]["tab"]) - told(answer["owe"]) > 0, "a lot that does not bring its tab: what is missing", answer)
    answer = run(dict(base["english"], steps=[{"do": "tend", "at": 1583971300, "bid": str(30 * RAD)}, {"do": "deal", "at": 1583982101}]))["steps"][2]
    report(told(answer["missing"]) == 20 * RAD, "a flip dealt below its tab: what is missing", answer)
    answer = run(dict(base["clip"], stopped=3))
    report(answer["refused"] == "Clipper/stopped-incorrect" and not answer["over"], "a refused kick is a result", answer)


def main():
    for kind, case in (("clip", clip_case), ("english", english_case), ("discount", discount_case), ("time", time_case)):
        r = random.Random(f"{SEED} {kind}")
        for _ in range(CASES):
            case(r)
        report(not wrong, f"{kind}: {CASES} files as the contracts' integers have them", wrong)
        wrong.clear()
    for branch in ("linear", "stairstep", "exponential", "refused", "pays", "does not pay", "no offer", "first", "adjusted", "tend", "dent", "deal", "tick", "tend refused", "dent refused",
                   "keeper bids", "keeper waits", "violation", "healthy", "discount pays", "discount never pays", "before all", "all", "grace", "time pays", "time never pays"):
        report(seen[branch] > 2, f"reached: {branch}", seen)
    examples()
    edges()
    refusals()
    finish()


if __name__ == "__main__":
    main()
