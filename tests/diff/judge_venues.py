# SPDX-License-Identifier: Apache-2.0
"""Hyperliquid and Binance USD-M in exact fractions, written from their help pages: tiers are looked up by notional here, prices are
found segment by segment, and the pages' own price formulas are put to them."""
from fractions import Fraction as F
from math import ceil, floor

E8, E16, PPM = 10**8, 10**16, 10**6


def some(r, bits):
    return r.getrandbits(r.randint(1, bits)) or 1


def text(f):
    return f"{f.numerator}/{f.denominator}"


class Tiers:
    """floors, rates and deductions in units of money; maintenance(n) by the tier that n lies in."""

    def __init__(self, floors, rates, first=F(0)):
        self.floors, self.rates, self.cuts = floors, rates, [first]
        for k in range(1, len(floors)):
            self.cuts.append(self.cuts[-1] + floors[k] * (rates[k] - rates[k - 1]))

    def at(self, notional):
        return max(k for k, x in enumerate(self.floors) if x <= notional)

    def maintenance(self, notional):
        k = self.at(notional)
        return notional * self.rates[k] - self.cuts[k]


class Position:
    def __init__(self, size, entry, mark, tiers):
        self.size, self.entry, self.mark, self.tiers = F(size, E8), F(entry, E8), F(mark, E8), tiers
        self.notional = abs(self.size) * self.mark
        self.mm = tiers.maintenance(self.notional)
        self.upnl = self.size * (self.mark - self.entry)


def safe_prices(parts, rest):
    """(low, high) of the prices p >= 0 with rest + sum of size * p - maintenance(|size| p) >= 0; None: there is none; high None: no end.
    Between two edges of tiers the sum is a line."""
    def health(p):
        return rest + sum(x.size * p - x.tiers.maintenance(abs(x.size) * p) for x in parts)
    edges = sorted({f / abs(x.size) for x in parts for f in x.tiers.floors} | {F(0)})
    edges.append(edges[-1] + 1)
    good = []
    for i, (a, b) in enumerate(zip(edges, edges[1:])):
        ha, hb = health(a), health(b)
        slope = (hb - ha) / (b - a)
        last = i == len(edges) - 2  # the last line goes on for ever
        if ha >= 0:
            good.append(a)
        if slope != 0:
            root = a - ha / slope
            if root >= a and (last or root <= b):
                good.append(root)
        if last and (slope > 0 or (slope == 0 and ha >= 0)):
            good.append(None)
    if not good:
        return None
    return min(g for g in good if g is not None), None if None in good else max(good)


# ---- Hyperliquid

def hl_tiers(d):
    return Tiers([F(t["from"], E8) for t in d], [F(1, 2 * t["leverage"]) for t in d])


def hl_position(d):
    return Position(d["size"], d["entry"], d["mark"], hl_tiers(d["tiers"]))


def hl_action(d, equity, mm, seen):
    wait = d.get("cooldown", "whole") == "wait"
    cooling = "partial_at" in d and d["time"] - d["partial_at"] < d.get("cooldown_ms", 30000)
    got = "adl" if equity < 0 else "backstop" if equity < F(2, 3) * mm else "none" if equity >= mm else "cooldown" if wait and cooling else "book"
    seen(got)
    if mm and equity == mm:
        seen("equity is maintenance")
    if mm and equity == F(2, 3) * mm:
        seen("equity is two thirds")
    return got


def hl_order(d, p, x, action, seen):
    if action != "book":
        return 0
    size, wait = abs(p["size"]), d.get("cooldown", "whole") == "wait"
    limit = F(d.get("partial_above", 100000 * E8), E8)
    seen("notional is the limit" if x.notional == limit else "notional beside it")
    if x.notional <= limit:
        seen("small: whole")
        return size
    if "partial_at" in d and (wait or d["time"] - d["partial_at"] < d.get("cooldown_ms", 30000)):
        seen("whole after a part: " + ("wait" if wait else "in the cooldown"))
        return size
    lot = p.get("lot", 1)
    part = size * d.get("partial_ppm", 200000) // PPM // lot * lot
    seen("part" if part >= lot else "part of a lot")
    return min(max(part, lot), size)


def hl_price(d, p, x, equity, mm, seen):
    """The page's formula, at the tier of the price it gives."""
    side, size = (1 if p["size"] > 0 else -1), abs(x.size)
    found = []
    for k, rate in enumerate(x.tiers.rates):
        required = mm - x.mm + x.notional * rate - x.tiers.cuts[k]  # maintenance by this tier's line
        price = x.mark - side * (equity - required) / size / (1 - rate * side)
        if price >= 0 and x.tiers.at(size * price) == k:
            found.append(price)
            seen(f"price in tier {k}" if k < 2 else "price in tier 2 or more")
    if not found:
        return "never" if side > 0 else "always", None
    assert len(set(found)) == 1
    if side > 0 and found[0] == 0:
        return "never", None
    return text(found[0] * E8), ceil(found[0] * E8) if side > 0 else floor(found[0] * E8)


def hl_expect(d, seen):
    xs = [hl_position(p) for p in d.get("positions", [])]
    cross = [x for p, x in zip(d.get("positions", []), xs) if "isolated_margin" not in p]
    equity, mm = F(d.get("usdc", 0), E8) + sum(x.upnl for x in cross), sum((x.mm for x in cross), F(0))
    action = hl_action(d, equity, mm, seen) if cross else "none"
    out = {"equity": int(equity * E16), "maintenance": ceil(mm * E16), "health": floor((equity - mm) * E16), "action": action}
    any_ = action != "none"
    for i, (p, x) in enumerate(zip(d.get("positions", []), xs)):
        def put(name, v):
            out[f"position[{i}].{name}"] = v
        put("notional", int(x.notional * E16))
        put("maintenance", ceil(x.mm * E16))
        put("tier", x.tiers.at(x.notional))
        e, m, act = equity, mm, action
        if "isolated_margin" in p:
            seen("isolated")
            e, m = F(p["isolated_margin"], E8) + x.upnl, x.mm
            act = hl_action(d, e, m, seen)
            put("equity", int(e * E16))
            put("health", floor((e - m) * E16))
            put("action", act)
        any_ |= act != "none"
        put("order", hl_order(d, p, x, act, seen))
        price, last = hl_price(d, p, x, e, m, seen)
        seen("price " + price if last is None else "price")
        put("liq_price", price)
        if last is not None:
            put("last_price", last)
        bounds = safe_prices([x], e - x.size * x.mark - (m - x.mm))
        want = "always" if bounds is None else bounds[0] if p["size"] > 0 else bounds[1]
        assert price == (want if isinstance(want, str) else "never" if want in (0, None) and p["size"] > 0 else text(want * E8)), (price, want, d)
    out["liquidatable"] = any_
    index = []
    for i, c in enumerate(d.get("adl", [])):
        v = F(c["mark"], c["entry"]) * F(abs(c["size"]) * c["mark"], c["account_value"] * E8) if c["account_value"] > 0 else None
        seen("adl ranked" if v is not None else "adl not ranked")
        index.append(v)
        out[f"adl[{i}].index"] = "none" if v is None else text(v)
    ranked = sorted((i for i, v in enumerate(index) if v is not None), key=lambda i: (-index[i], i))
    for rank, i in enumerate(ranked):
        out[f"adl[{i}].rank"] = rank
        if rank and index[ranked[rank - 1]] == index[i]:
            seen("adl tie")
    return out


LADDERS = [[40], [50], [3], [40, 20], [25, 15], [20, 10], [10, 5, 3], [40, 25, 10, 5, 3]]


def hl_random_tiers(r, notional):
    levs = r.choice(LADDERS)
    edges = sorted({max(1, r.choice([notional, notional + r.randint(-1, 1), notional * r.randint(50, 150) // 100, some(r, 50)])) for _ in levs[1:]})
    return [{"from": f, "leverage": lev} for f, lev in zip([0] + edges, levs)]


def one_position(r, tiers):
    mark = r.choice([r.randint(1, 10**13), 10**13, some(r, 40)])
    size = r.choice([-1, 1]) * (r.choice([some(r, 40), 10**8, max(1, 10**21 // mark), max(1, some(r, 60) * E8 // mark)]))
    size = max(-2**62, min(2**62, size))
    entry = r.choice([mark, max(0, mark * r.randint(70, 130) // 100), max(0, mark + r.randint(-3, 3))])
    return {"size": size, "entry": entry, "mark": mark, "tiers": tiers(r, abs(size) * mark // E8)}


def near(r, target):
    """Money around a limit, 1e-8."""
    return int(target * E8) + r.choice([0, 0, 1, -1, -r.randint(0, 10**9), r.randint(0, 10**9)])


def clamp(v):
    return max(-2**62, min(2**62, v))


def hl_state(r):
    d = {"time": 10**6, "positions": []}
    if r.random() < .03:  # a position of exactly the limit
        d["partial_above"] = 10**13
    for _ in range(r.choice([1, 1, 1, 2, 3])):
        p = one_position(r, hl_random_tiers)
        if r.random() < .2:
            p["size"], p["mark"], p["entry"] = r.choice([(10**8, 10**13, 10**13), (-2 * 10**8, 5 * 10**12, 10**12), (3 * 10**8, 10**13, 10**13)])
        if r.random() < .5:
            p["lot"] = r.choice([1, 10**3, 10**6, abs(p["size"])])
        d["positions"].append(p)
    xs = [hl_position(p) for p in d["positions"]]
    if r.random() < .3:
        p, x = d["positions"][0], xs[0]
        p["isolated_margin"] = clamp(near(r, r.choice([x.mm, x.mm * 2 / 3, F(0), x.mm * 9 / 10, x.mm * 5]) - x.upnl))
        xs = xs[1:]
    mm, upnl = sum((x.mm for x in xs), F(0)), sum((x.upnl for x in xs), F(0))
    d["usdc"] = clamp(near(r, r.choice([mm, mm, mm * 2 / 3, F(0), mm * 9 / 10, mm * 20, mm * 1000, -mm]) - upnl))
    if r.random() < .5:
        d["partial_at"] = d["time"] - r.choice([0, 29999, 30000, 30001, r.randint(0, 60000)])
    if r.random() < .5:
        d["cooldown"] = r.choice(["wait", "whole"])
    if r.random() < .1:
        d["cooldown_ms"], d["partial_ppm"] = 10000, 333333
    if r.random() < .3:
        d["adl"] = [{"size": r.choice([-1, 1]) * some(r, 50), "entry": some(r, 45), "mark": some(r, 45),
                     "account_value": r.choice([some(r, 55), 0, -5, some(r, 10)])} for _ in range(r.randint(1, 6))]
        if r.random() < .4:
            d["adl"].append(dict(d["adl"][0], size=-d["adl"][0]["size"]))
    return d


HL_MUST = ["none", "book", "cooldown", "backstop", "adl", "equity is maintenance", "equity is two thirds", "notional is the limit", "small: whole", "part",
           "part of a lot", "whole after a part: wait", "whole after a part: in the cooldown", "price in tier 0", "price in tier 1", "price in tier 2 or more",
           "price never", "price always", "price", "isolated", "adl ranked", "adl not ranked", "adl tie"]


# ---- Binance USD-M

def bn_tiers(d):
    return Tiers([F(t["floor"], E8) for t in d], [F(t["rate_ppm"], PPM) for t in d], F(d[0].get("cum", 0), E8))


def bn_position(d):
    return Position(d["size"], d["entry"], d["mark"], bn_tiers(d["brackets"]))


def bn_action(d, balance, mm, seen):
    if balance >= mm:
        seen("margin holds")
        if balance == mm != 0:
            seen("balance is maintenance")
        return "none"
    step = d.get("step", "start")
    got = {"start": "cancel orders", "orders cancelled": "ioc"}.get(step)
    if not got:
        got = "adl" if "insurance_fund" in d and F(d["insurance_fund"], E8) + balance < 0 else "take over"
    seen(got)
    return got


def ratio(mm, balance):
    return ceil(mm / balance * PPM) if balance > 0 else "unbounded"


def page_formula(d, parts, wallet, others_mm, others_upnl, price, seen):
    """LP1 of the help page with the brackets at that price; it must give the price back."""
    k = [x.tiers.at(abs(x.size) * price) for x in parts]
    up = wallet - others_mm + others_upnl + sum(x.tiers.cuts[i] for x, i in zip(parts, k)) - sum(x.size * x.entry for x in parts)
    down = sum(abs(x.size) * x.tiers.rates[i] for x, i in zip(parts, k)) - sum(x.size for x in parts)
    if down == 0:
        return
    seen("page's formula in a higher bracket" if any(k) else "page's formula")
    for x, i in zip(parts, k):  # at an edge the line below gives the same
        if x.tiers.floors[i] == abs(x.size) * price:
            return
    assert up / down == price, (up / down, price, d)


def bn_prices(d, i, p, xs, put, seen):
    ps = d["positions"]
    iso = "isolated_wallet" in p
    same = [j for j, q in enumerate(ps) if j == i or (not iso and "isolated_wallet" not in q and q["symbol"] == p["symbol"])]
    parts = [xs[j] for j in same]
    others = [] if iso else [xs[j] for j, q in enumerate(ps) if j not in same and "isolated_wallet" not in q]
    wallet = F(p["isolated_wallet"] if iso else d.get("wallet", 0), E8)
    mm, upnl = sum((x.mm for x in others), F(0)), sum((x.upnl for x in others), F(0))
    rest = wallet + upnl - sum(x.size * x.entry for x in parts)
    if len(parts) == 2:
        seen("both sides of a hedge")
    bounds = safe_prices(parts, rest - mm)
    if bounds is None:
        put("liquidated", "always")
        seen("always")
    elif bounds == (0, None):
        put("liquidated", "never")
        seen("never")
    else:
        put("liquidated", "")
        low, high = bounds
        if low > 0:
            put("liq_low", text(low * E8))
            put("last_low", ceil(low * E8))
            page_formula(d, parts, wallet, mm, upnl, low, seen)
        if high is not None:
            put("liq_high", text(high * E8))
            put("last_high", floor(high * E8))
            page_formula(d, parts, wallet, mm, upnl, high, seen)
        seen("low and high" if low > 0 and high is not None else "one bound")
    size = sum(x.size for x in parts)
    if size == 0:
        seen("no bankruptcy price")
        return
    price = -rest / size
    put("bankruptcy", text(price * E8))
    put("bankruptcy_price", ceil(price * E8) if p["size"] > 0 else floor(price * E8))


def bn_expect(d, seen):
    ps = d.get("positions", [])
    xs = [bn_position(p) for p in ps]
    cross = [x for p, x in zip(ps, xs) if "isolated_wallet" not in p]
    balance, mm = F(d.get("wallet", 0), E8) + sum(x.upnl for x in cross), sum((x.mm for x in cross), F(0))
    action = bn_action(d, balance, mm, seen) if cross else "none"
    out = {"balance": int(balance * E16), "maintenance": ceil(mm * E16), "health": floor((balance - mm) * E16),
           "margin_ratio_ppm": ratio(mm, balance), "action": action}
    any_ = action != "none"
    for i, (p, x) in enumerate(zip(ps, xs)):
        def put(name, v):
            out[f"position[{i}].{name}"] = v
        put("maintenance", ceil(x.mm * E16))
        put("bracket", x.tiers.at(x.notional))
        if "isolated_wallet" in p:
            seen("isolated")
            b = F(p["isolated_wallet"], E8) + x.upnl
            act = bn_action(d, b, x.mm, seen)
            put("balance", int(b * E16))
            put("health", floor((b - x.mm) * E16))
            put("margin_ratio_ppm", ratio(x.mm, b))
            put("action", act)
            any_ |= act != "none"
        bn_prices(d, i, p, xs, put, seen)
    out["liquidatable"] = any_
    return out


def bn_random_brackets(r, notional):
    rates = r.choice([[4000], [4000, 5000, 10000, 25000], [10000, 25000, 50000, 100000, 125000, 500000], [25000, 10**6], [5000, 6500, 65000]])
    edges = sorted({max(1, r.choice([notional, notional + r.randint(-1, 1), notional * r.randint(30, 200) // 100, some(r, 50)])) for _ in rates[1:]})
    d = [{"floor": f, "rate_ppm": rate} for f, rate in zip([0] + edges, rates)]
    if r.random() < .2:  # as the venue tells them
        t = bn_tiers(d)
        for x, cut in zip(d, t.cuts):
            if (cut * E8).denominator == 1 and cut * E8 < 2**63:
                x["cum"] = int(cut * E8)
    return d


def bn_state(r):
    d = {"positions": []}
    hedge = r.random() < .5
    if hedge:
        d["mode"] = "hedge"
    for i in range(r.choice([1, 1, 2, 3])):
        p = one_position(r, bn_random_brackets)
        p["brackets"] = p.pop("tiers")
        p["symbol"] = f"S{i}"
        d["positions"].append(p)
        if hedge and r.random() < .7:
            q = dict(p, size=-p["size"], entry=max(0, p["entry"] * r.randint(80, 120) // 100))
            if r.random() < .7:
                q["size"] = -max(1, abs(p["size"]) * r.randint(90, 110) // 100) * (1 if p["size"] > 0 else -1)
            d["positions"].append(q)
    iso = d["positions"][0]["symbol"] if r.random() < .3 else None
    xs = []
    for p in d["positions"]:
        x = bn_position(p)
        if p["symbol"] == iso:
            p["isolated_wallet"] = clamp(near(r, r.choice([x.mm, x.mm, x.notional / 20, F(0), x.mm * 9 / 10]) - x.upnl))
        else:
            xs.append(x)
    mm, upnl, all_ = (sum((getattr(x, n) for x in xs), F(0)) for n in ("mm", "upnl", "notional"))
    d["wallet"] = clamp(near(r, r.choice([mm, mm, mm * 3 / 2, all_ / 10, all_ * 2, F(0), mm / 2, -mm]) - upnl))
    if r.random() < .6:
        d["step"] = r.choice(["start", "orders cancelled", "ioc sent", "ioc sent"])
    if r.random() < .4:
        d["insurance_fund"] = r.choice([0, some(r, 50), max(0, min(2**62, -d["wallet"] - int(upnl * E8) + r.randint(-1, 1)))])
    return d


BN_MUST = ["margin holds", "balance is maintenance", "cancel orders", "ioc", "take over", "adl", "page's formula", "page's formula in a higher bracket",
           "both sides of a hedge", "always", "never", "one bound", "low and high", "no bankruptcy price", "isolated"]

# freqtrade's tests, from the venue's own example: wallet 1535443.01; rounded to cents
ETH = {"symbol": "ETHUSDT", "size": 368397900000, "entry": 145684000000, "mark": 133518000000,
       "brackets": [{"floor": 0, "rate_ppm": 100000, "cum": 13536500000000}]}
BTC = {"symbol": "BTCUSDT", "size": 10948800000, "entry": 3248198000000, "mark": 3196727000000,
       "brackets": [{"floor": 0, "rate_ppm": 25000, "cum": 1630000000000}]}
WALLET = 153544301000000
BN_VECTORS = [({"positions": [dict(ETH, isolated_wallet=WALLET)]}, 0, "1114.78"), ({"positions": [dict(BTC, isolated_wallet=WALLET)]}, 0, "18778.73"),
              ({"wallet": WALLET, "positions": [ETH, BTC]}, 0, "1153.26"), ({"wallet": WALLET, "positions": [ETH, BTC]}, 1, "26316.89")]


def cents(fraction):
    a, b = map(int, fraction.split("/"))
    return f"{round(F(a, b) / 10**6) / 100:.2f}"
