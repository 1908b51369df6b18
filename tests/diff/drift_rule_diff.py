#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drift-v2-1, the rule of accounts (docs/rules.md, "Drift"), against the program in exact Python integers (judge_drift.py,
judge_drift_orders.py): health, rows that never miss and how far below it they are, sizes, settlement to the last unit, what the
account remembers, refusals. About half of the accounts stand within three units of their threshold.

  drift_rule_diff.py             TAP on stdout
  drift_rule_diff.py --mutants   wrong versions of the sources, each of which must be found

Environment: SEED (default 1), CASES (default 700), CC (default gcc). Run from the project root.
"""
import collections
import os
import random
import sys
from fractions import Fraction as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from drift_rule_cases import U63, make
from drift_rule_mutants import MUTANTS
from rule_kit import ACCOUNT, DEFICIT, LIQUIDATOR, POOL, SEED, VENUE, Check, main, parse_rows, told
from judge_drift import Refused, asset_weight, liability_weight, premium_weight, token_amount

CASES = int(os.environ.get("CASES", "700"))
REACHED = ("liquidatable", "healthy", "at the threshold", "under way: liquidatable", "under way: recovered", "bankrupt", "no margin", "high leverage",
           "a sign changes inside the band", "quote's price cut", "several of one asset", "orders: bids worse", "orders: asks worse", "orders of a balance", "orders cancelled", "orders were all", "all of it ordered away", "perp", "perp whole", "spot", "borrow_for_perp_pnl", "perp_pnl_for_deposit",
           "exits", "ends by covering", "goes bankrupt", "a borrow resolved", "a loss resolved", "nothing yet", "no size", "refused", "a leg less than allowed", "token pool rounds")


def ask_health(k, c, px):
    k.lines += c.px_lines(px)
    go, have, need = c.health(px)
    k.seen["liquidatable" if go else "healthy"] += 1
    k.seen["at the threshold"] += go and need - have <= 3 or not go and 0 < need <= have <= need + 3
    k.seen["under way: liquidatable" if go else "under way: recovered"] += c.flags == 1
    k.seen["bankrupt"] += c.flags == 2
    k.seen["no margin"] += (have, need) == (0, 0)
    k.seen["all of it ordered away"] += (have, need) == (0, 0) and any(s["orders"] and s["bal"] for s in c.spots)
    k.seen["orders of a balance"] += any(s["bids"] or s["asks"] for s in c.spots)
    for p in c.perps:
        k.seen["orders: bids worse" if abs(p["size"] + p["bids"]) > abs(p["size"] - p["asks"]) else "orders: asks worse"] += p["orders"] > 0
    k.seen["high leverage"] += c.high and any(p["hi"] for p in c.perps)
    k.ask("health", lambda got: k.that("health", got == [str(int(go)), str(have), str(need)], (got, go, have, need, px, told(c))))
    return go, have, need


def lower(row, px):
    return row[1] + sum(a * px[i] for i, a in row[3]) - row[2]


def digits(c):
    """10^-(6 + this) is the rows' quantum."""
    d = max([6] + [c.assets[p["asset"]][0] for p in c.perps])
    return 13 + d + (c.assets[0][0] - 6 if c.perps else 0)


def chords(c, bands, s):
    """The most that lies between health and a row within the bands, beside the slack, in 1e-6 dollars: a profit's kink, the product with the
    quote's price, and what cut prices take off what is owed."""
    q, most = bands[0], F(0)
    d0 = F(10)**c.assets[0][0]
    b = c.buffer if c.flags & 1 else 0
    for p in c.perps:
        lo, hi = bands[p["asset"]]
        worst = max(abs(p["size"]), abs(p["size"] + p["bids"]), abs(p["size"] - p["asks"]))
        move = F(worst * (hi - lo) * 10**6, 10**(p["sd"] + c.assets[p["asset"]][0]))
        most += move * F(10000 + b - p["w"], 10000) * F(q[1]) / d0
        most += move * 3 * max(1, F(ratio(c, p) + b, 10000)) * F(q[1] - q[0]) / d0
        held = F(worst, 10**p["sd"])
        owed = held * hi / F(10)**c.assets[p["asset"]][0] + F(abs(p["quote"]), 10**6)
        both = 3 + F(ratio(c, p) + b, 10000)
        most += both * q[1] / d0 * (held + 4) + both * owed + both * held / 10**6 if max(c.assets[p["asset"]][0], c.assets[0][0]) > 6 else 0
    for x in s["spot"]:
        if x["open_orders"]:
            most += of_orders(c, bands, x, b)
        elif x["borrow"] and c.assets[c.spots[x["market_index"]]["asset"]][0] > 6:
            t = token_amount(x, x["scaled_balance"], True)
            most += F(t * (liability_weight(x, t, "maintenance") + b), 10000 * 10**x["decimals"])
    return most


def of_orders(c, bands, x, b):
    """Both sides as good as each other: the row then takes the worse with the buffer. And what a cut price takes off what is owed."""
    asset = c.spots[x["market_index"]]["asset"]
    d, (lo, hi) = c.assets[asset][0], bands[asset]
    t = token_amount(x, x["scaled_balance"], x["borrow"]) * (-1 if x["borrow"] else 1)
    after = [t + x["open_bids"], t + x["open_asks"]]
    weight = [asset_weight(x, v, "maintenance") if v > 0 else liability_weight(x, -v, "maintenance") for v in after]
    free = [F(v * w, 10000) - o for v, w, o in zip(after, weight, (x["open_bids"], x["open_asks"]))]
    unit = F(10**6, 10**(x["decimals"] + d))
    all_ = sum(abs(v) * w for v, w in zip(after, weight)) / F(10000) + x["open_bids"] - x["open_asks"]
    most = all_ / 10**x["decimals"] if d > 6 else F(0)
    if abs(free[0] - free[1]) * lo * unit <= 2 * (sum(weight) / F(10000) + 6):
        most += 2 * (F(b, 10000) * sum(abs(v) for v in after + [x["open_bids"]]) * hi * unit + 2 * (sum(weight) / F(10000) + 6))
    return most


def ratio(c, p):
    base = max(abs(p["size"]), abs(p["size"] + p["bids"]), abs(p["size"] - p["asks"])) * 10**(9 - p["sd"])
    return premium_weight(base, p["imf"], max(p["ratio"], p["hi"]))


def near(r, p, band, by):
    lo = max(band[0] + 1, p - by)
    return max(1, r.randint(lo, max(lo, min(band[1] - 1, p + by))))


def ask_rows(k, c):
    r, warn = c.r, c.r.choice([0, 1000, 50000])
    px, bands, rows = c.px(), {}, []
    for a, (d, p) in c.assets.items():
        ppm = r.choice([100, 10000, 200000])
        k.lines.append(f"grid {a} {p} {ppm}")
        bands[a] = (max(1, p - p * ppm // 10**6 - 1), p + p * ppm // 10**6 + 1)
    k.seen["quote's price cut"] += c.assets[0][0] > 6 and bool(c.perps)
    own = [p["asset"] for p in c.perps] + [s["asset"] for s in c.spots]
    k.seen["several of one asset"] += len(own) != len(set(own))
    for p in c.perps:
        d = c.assets[p["asset"]][0]
        ends = [p["size"] * x * 10**6 + p["quote"] * 10**(p["sd"] + d) > 0 for x in bands[p["asset"]]]
        k.seen["a sign changes inside the band"] += ends[0] != ends[1] and (p["w"] < 10000 or c.flags == 1)
    k.ask(f"rows {warn}", lambda got: rows.__setitem__(slice(None), parse_rows(got)))
    k.ask("bent", lambda got: k.that("bends", got == [str(int(bool(c.perps)))], (got, told(c))))
    unit, room = 10**digits(c), chords(c, bands, c.state(px))
    probes = [px] + [{a: p if r.random() < 0.2 else near(r, p, bands[a], p // 10000 * i) for a, p in px.items()} for i in (1, 1, 100)]
    probes.append({a: r.choice([bands[a][0] + 1, max(bands[a][0] + 1, bands[a][1] - 2)]) for a in px})
    for at in probes:
        at = {a: min(U63, p) for a, p in at.items()}
        go, have, need = ask_health(k, c, at)

        def judge(got, at=at, go=go, have=have, need=need):
            if c.flags == 2:
                k.that("no rows of a bankrupt account", not rows, (rows, told(c)))
            if not rows:
                owes = c.perps or any(s["held"] and (s["bal"] < 0 or s["orders"]) for s in c.spots)
                k.that("rows wherever something is owed, the margin calculated or not", c.flags == 2 or not owes, told(c))
                k.that("rows where there is something to liquidate", not go, (at, told(c)))
                return
            k.that("number of rows", len(rows) == 1 + (warn > 0), (rows, told(c)))
            low = lower(rows[0], at)
            if not in_grid(at):
                return
            k.that("rows never miss", not go or low < 0, (rows, at, have, need, told(c)))
            if got[0] != "err":
                k.that("compiled rows never miss", not go or int(got[0]) < 0, (got, at, told(c)))
            if (have, need) != (0, 0):
                gap = (have - need) * unit - low
                k.that("rows are nowhere above health", gap >= 0, (gap, rows, at, have, need, told(c)))
                k.that("rows are no further below it than slack, chords and planes say", gap <= 2 * rows[0][2] + (room + 8) * unit,
                       (float(gap) / unit, float(room), float(rows[0][2]) / unit, at, have, need, told(c)))
                if warn:
                    k.that("warnings come first", have * 10**6 >= need * (10**6 + warn) or lower(rows[1], at) < 0, (rows, at, told(c)))

        def in_grid(at):
            return all(bands[a][0] + 1 <= p <= bands[a][1] - 2 or p == px[a] for a, p in at.items())
        k.ask("hat", judge)
    k.lines += c.px_lines(px)


def worth(c, s, i, tokens, up):
    v = tokens * s["spot"][0 if i is None else next(n for n, x in enumerate(s["spot"]) if x["market_index"] == i)]["price"] * 100
    dec = 6 if i is None else c.spots[i]["dec"]
    return -(-v // 10**dec) if up else v // 10**dec


def judged(c, px, order, s0):
    """(legs' quantity, whole, value, reward) of an order without a limit, None where there is none."""
    try:
        s, out = c.run(px, order)
    except Refused:
        return None
    if out["end"] != "liquidated" or out["transfer"] == 0:
        return None
    t = out["transfer"]
    if order["kind"] == "perp":
        p = c.perps[order["perp"]]
        step = 10**(9 - p["sd"])
        return t // step, t == abs(p["size"]) * step, worth(c, s0, None, out["received"], False), worth(c, s0, None, out["fee"], False)
    i = order.get("liability")
    owed = -c.perps[order["perp"]]["quote"] if i is None else tokens(s0, i)  # without base there is no funding
    value = worth(c, s0, i, t, True)
    got = worth(c, s0, order.get("asset"), out["received"], False)
    return t * (1 if i is None else 10**(9 - c.spots[i]["dec"])), t == owed, value, got - value


def tokens(s, i):
    x = next(x for x in s["spot"] if x["market_index"] == i)
    return token_amount(x, x["scaled_balance"], x["borrow"])


def ask_size(k, c):
    px = c.px()
    s0 = c.state(px)
    all_ = {}
    nothing = False
    for order, legs in c.orders():
        all_[legs] = judged(c, px, order, s0)
        try:
            nothing |= c.run(px, order)[1]["end"] == "nothing"
        except Refused:
            pass
    k.seen["nothing yet"] += nothing
    fine = {x: v for x, v in all_.items() if v}

    def judge(got):
        if got == ["none"]:
            k.seen["no size"] += 1
            k.that("a size where there is one", not fine, (fine, told(c)))
            return
        k.that("no size where there is none", bool(fine), (got, told(c)))
        full, value, reward, n = (int(x) for x in got[:4])
        legs = tuple(int(x) for x in got[4::2])
        qty = [int(x) for x in got[5::2]]
        k.that("a size that the program takes", legs in fine and n == len(legs) and qty[1:] == [0] * (n - 1), (got, all_, told(c)))
        want = fine.get(legs)
        k.that("its quantity, value and reward", want and (qty[0], bool(full), value, reward) == want, (got, want, told(c)))
        k.that("the best of all orders", reward == max(v[3] for v in fine.values()), (got, all_, told(c)))
    k.ask("size 1000000 0", judge)
    return fine


def ask_settle(k, c, fine):
    r, px = c.r, c.px()
    some = c.orders()
    if not some:
        return
    order, legs = r.choice([x for x in some if x[1] in fine] or some) if r.random() < 0.9 else r.choice(some)
    full = fine.get(legs, (10**6,))[0]
    qty = max(1, r.choice([full, full, 2**63, max(1, full // 2), r.randint(1, 2 * full), max(1, full // 1000)]))
    kind = order["kind"]
    scale = 10**(9 - c.perps[order["perp"]]["sd"]) if kind == "perp" else F(1, 10**(9 - c.spots[order["liability"]]["dec"])) if "liability" in order else 1
    limit = (2**63 - 1) // scale if kind == "perp" else 2**200
    most = int(min(qty, limit) * scale)
    wanted = None
    s0 = c.state(px)
    try:
        wanted = c.run(px, dict(order, max=most))
    except Refused as e:
        k.seen["refused"] += 1
    line = f"settle {len(legs)} " + " ".join(f"{x} {qty if n == 0 else 0}" for n, x in enumerate(legs))
    if wanted is None:
        k.ask(line, lambda got: k.that("what the program refuses", got[0] == "err" and got[1] != "CHANGED", (got, line, told(c))))
        return
    s, out = wanted
    k.seen[kind] += out["end"] == "liquidated"
    k.seen["perp whole"] += kind == "perp" and out["transfer"] == abs(c.perps[order["perp"]]["size"]) * scale
    k.seen["exits"] += out["end"] == "exited"
    had = any(x["orders"] for x in c.spots + c.perps)
    k.seen["orders were all"] += out["end"] == "exited_by_orders"
    k.seen["orders cancelled"] += out["end"] == "liquidated" and had
    k.seen["ends by covering"] += out["end"] == "liquidated" and not s["user"]["being_liquidated"] and not s["user"]["bankrupt"]
    k.seen["a leg less than allowed"] += out["end"] == "liquidated" and out["transfer"] == most
    due = parties(c, order, out)
    resolve(k, c, s, due)
    quote = lambda x: sum(p["quote_asset_amount"] for p in x["perp"])

    def judge(got):
        if got[0] != "ok":
            k.that("what the program takes", False, (got, line, told(c)))
            return
        n = int(got[1])
        sums, mine = collections.Counter(), collections.Counter()
        for x in range(n):
            party, i, amount = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
            sums[i] += amount
            mine[party, i] += amount
        words = [int(v) for v in got[2 + 3 * n:]]
        pos = {words[2 + 7 * x]: tuple(words[3 + 7 * x:9 + 7 * x]) for x in range(words[1])}
        k.that("positions after it", pos == after(c, s) and words[0] == 0, (pos, after(c, s), line, told(c)))
        k.that("flows sum to zero", not any(sums.values()), (got, line, told(c)))
        k.that("the account's cash flow is what its quotes moved", mine[ACCOUNT, -1] == quote(s) - quote(s0), (got, line, told(c)))
        for i, x in enumerate(s["spot"]):
            at = c.at["spot", x["market_index"]]
            moved = c.holding(x) - c.holding(s0["spot"][i])
            k.that("the account's token flow is what it holds more", mine[ACCOUNT, at] == moved, (got, line, told(c)))
            k.seen["token pool rounds"] += mine[POOL, at] != 0
        for i in list(c.at.values()) + [-1]:
            for party in (LIQUIDATOR, VENUE, DEFICIT):
                k.that("everybody's flow", mine[party, i] == due[party, i], (got, party, i, due[party, i], line, told(c)))
    k.ask(line, judge)
    left = []
    for x in sorted([(c.at["spot", y["market_index"]], 10**(9 - y["decimals"]), y) for y in s["spot"] if y["market_index"]] +
                    [(c.at["perp", y["market_index"]], 1, y) for y in s["perp"]], key=lambda v: v[0]):
        n, unit, y = x
        if y["open_orders"]:
            step = 10**(9 - c.perps[y["market_index"]]["sd"]) if "base_asset_amount" in y else 1
            left += [n, y["open_orders"], y["open_bids"] * unit // step, -y["open_asks"] * unit // step]
    k.ask("ordered", lambda got: k.that("orders after it", got == [str(v) for v in left] + ["."], (got, left, line, told(c))))
    u = s["user"]
    word = int(u["being_liquidated"]) | 2 * int(u["bankrupt"]) | 4 * c.high | u["last_active_slot"] << 3
    k.ask("remembers", lambda got: k.that("what it remembers", got == [str(word), str(u["liquidation_margin_freed"])], (got, word, u, line, told(c))))


def resolve(k, c, s, due):
    """A bankrupt user's debts paid by the fund and by other users (controller/liquidation.rs, resolve_perp_bankruptcy and
    resolve_spot_bankruptcy), and User::exit_bankruptcy."""
    if not s["user"]["bankrupt"]:
        return
    k.seen["goes bankrupt"] += 1
    for x in s["spot"]:
        owed = -c.holding(x)
        k.seen["a borrow resolved"] += owed > 0
        due[DEFICIT, c.at["spot", x["market_index"]]] -= owed
        x["scaled_balance"] = 0
    for x in s["perp"]:
        k.seen["a loss resolved"] += x["quote_asset_amount"] < 0
        due[DEFICIT, -1] += x["quote_asset_amount"]
        x["quote_asset_amount"] = 0
    s["user"].update(being_liquidated=False, bankrupt=False, liquidation_margin_freed=0)


def parties(c, order, out):
    """Who pays and gets what beside the account and the pool: {(party, instrument): amount}, -1 cash."""
    due = collections.Counter()
    if out["end"] != "liquidated":
        return due
    kind, token = order["kind"], lambda i, v: v * 10**(9 - c.spots[i]["dec"])
    if kind == "perp":
        due[LIQUIDATOR, -1], due[VENUE, -1] = out["fee"], out["if_fee"]
    if kind in ("spot", "borrow_for_perp_pnl"):
        i = order["liability"]
        due[LIQUIDATOR, c.at["spot", i]] -= token(i, out["transfer"])
        due[VENUE, c.at["spot", i]] += token(i, out["if_fee"])
    if kind in ("spot", "perp_pnl_for_deposit"):
        due[LIQUIDATOR, c.at["spot", order["asset"]]] += token(order["asset"], out["received"])
    if kind == "borrow_for_perp_pnl":
        due[LIQUIDATOR, -1] = out["received"]
    if kind == "perp_pnl_for_deposit":
        due[LIQUIDATOR, -1] = -out["transfer"]
    return due


def after(c, s):
    """Positions as the driver tells them: collateral, size, entry, supply, debt, funding."""
    out = {}
    for x in s["spot"]:
        i = x["market_index"]
        if c.spots[i]["held"] and (i == 0 or x["scaled_balance"] or x["open_orders"]):
            b = x["scaled_balance"]
            out[c.at["spot", i]] = (int(b > 0 and not x["borrow"]), 0, 0, 0 if x["borrow"] else b, b if x["borrow"] else 0, 0)
    for x in s["perp"]:
        i, q = x["market_index"], x["quote_asset_amount"]
        size = x["base_asset_amount"] // 10**(9 - c.perps[i]["sd"])
        if size or q or x["open_orders"]:
            out[c.at["perp", i]] = (0, size, 0, max(q, 0), max(-q, 0), x["last_cumulative_funding_rate"] * 10**9)
    return out


def spoil(k, c):
    """A line changed so that validate must refuse it, each for its own reason."""
    r, lines = c.r, c.lines()
    held = [x for x in lines if x.startswith("pos ")]

    def before(lines, more):
        lines.insert(next(i for i, x in enumerate(lines) if x.startswith("account")), more)
    ways = [("emode", lambda: lines.__setitem__(next(i for i, x in enumerate(lines) if x.startswith("account")), "account drift-v2-1 USDC 6 1 0")),
            ("cash", lambda: lines.__setitem__(next(i for i, x in enumerate(lines) if x.startswith("account")), "account drift-v2-1 USDC 6 0 5")),
            ("both flags", lambda: lines.__setitem__(next(i for i, x in enumerate(lines) if x.startswith("memory")), "memory 3 0")),
            ("two quotes", lambda: [before(lines, x) for x in (f"reserve {len(c.at)} 9 0 10000 10000 0 0 0 0 {10**27} {10**27}", f"put {len(c.at)} liability_weight 10000",
                                                               f"put {len(c.at)} liquidation_buffer 5")]),
            ("no buffer", lambda: lines.remove(f"put {c.at['spot', 0]} liquidation_buffer {c.buffer}"))]
    if held:
        ways.append(("foreign term", lambda: before(lines, f"put {held[0].split()[1]} {'close_factor' if c.order[int(held[0].split()[1])][0] == 'spot' else 'lot'} 5")))
        at = lines.index(r.choice(held))
        words = lines[at].split()
        perp = words[1] in [str(c.at["perp", i]) for i in range(len(c.perps))]
        both = words[:5] + ["7", "7"] + words[7:]
        ways.append(("both sides", lambda: lines.__setitem__(at, " ".join(both))))
        if perp:
            ways.append(("entry", lambda: lines.__setitem__(at, " ".join(words[:4] + ["5"] + words[5:]))))
            ways.append(("funding between", lambda: lines.__setitem__(at, " ".join(words[:7] + ["5"]))))
            ways.append(("two tiers", lambda: before(lines, f"perp {words[1]} 1 5 USDC 6 {c.perps[0]['asset']} 0 0 0 2 0 30000 1000 50000")))
            ways.append(("half a basis point", lambda: before(lines, f"perp {words[1]} 1 5 USDC 6 {c.perps[0]['asset']} 0 0 0 1 0 30050")))
            ways.append(("a funding rate", lambda: before(lines, f"rates {words[1]} 0 1 0 0 5")))
            ways.append(("size", lambda: lines.__setitem__(at, " ".join(words[:3] + [str(2**63)] + words[4:]))))
        elif not lines[at + 1].startswith("orders"):
            i = c.order[int(words[1])][1]
            unit = 10**(9 - c.spots[i]["dec"])
            if i == 0 or unit > 1:
                ways.append(("orders", lambda: lines.insert(at + 1, "orders 1 0 0" if i == 0 else f"orders 1 {unit - 1} {unit + 1}")))
        if not perp:
            ways.append(("not collateral", lambda: lines.__setitem__(at, " ".join(words[:2] + ["0", "0", "0", "9", "0"]))))
            ways.append(("interest rate", lambda: before(lines, f"rates {words[1]} 0 0 5 0 5")))
            ways.append(("ramp", lambda: before(lines, f"ramp {words[1]} 9000 0 1 5 0")))
            ways.append(("balance", lambda: lines.__setitem__(at, " ".join(words[:2] + ["1", "0", "0", str(2**63), "0"]))))
        ways.append(("coarse price", lambda: before(lines, f"asset {asset_of(c, int(words[1]))} 2 5 0")))
    if c.perps:
        ways.append(("no quote held", lambda: lines.remove(next(x for x in held if x.split()[1] == str(c.at["spot", 0])))))
    name, spoilt = r.choice(ways)
    spoilt()
    k.lines += lines
    k.ask("validate", lambda got: k.that(f"refused: {name}", got[0] == "err", (got, lines)))


def asset_of(c, n):
    kind, i = c.order[n]
    return (c.spots if kind == "spot" else c.perps)[i]["asset"]


def bits_of(c, n):
    kind, i = c.order[n]
    if kind == "perp":
        p = c.perps[i]
        return 62, 62, (abs(p["size"]) + 2 * (p["bids"] + p["asks"])).bit_length()
    s = c.spots[i]
    b, more = s["bal"], 2 * (s["bids"] + s["asks"])
    return (max(b, 0) + more).bit_length(), (max(-b, 0) + more).bit_length(), 0


def drive(k, c):
    k.lines += c.lines()
    k.ask("validate", lambda got: k.that("validates", got == ["ok"], (got, told(c))))
    n = c.r.choice(list(c.at.values()))
    k.ask("fits %d %d %d %d" % (n, *bits_of(c, n)), lambda got: k.that("within: what it has", got == ["1"], (got, n, told(c))))
    k.ask(f"fits {n} 63 63 63", lambda got: k.that("within: beyond all", got == ["0"], (got, n, told(c))))
    ask_rows(k, c)
    fine = ask_size(k, c)
    ask_settle(k, c, fine)
    if c.r.random() < 0.5:
        spoil(k, c)


def asked(seed, cases):
    k, r = Check(), random.Random(seed)
    for _ in range(cases):
        drive(k, make(r))
    return k


print(f"# SEED={SEED} CASES={CASES}")
main(lambda exe, file: asked(SEED, min(CASES, 500) if file else CASES).run(exe), REACHED, MUTANTS, "tests/diff/drift_rule_driver.c")
