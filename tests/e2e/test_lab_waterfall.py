#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tripline lab waterfall`: random files of every venue, each event's accounts, fund, deficit and indexes against exact
Python integers (judge_losses.py, and the pools and deposits here); its text, examples, errors and exit codes. Prints TAP.
Environment: TRIPLINE, SEED, CASES (files of each venue, default 25)."""
import json
import os
import random
import re
import sys
import tempfile

from keeper import SEED, finish, must, report, tripline

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "diff"))
import judge_losses as jl  # noqa: E402

CASES = int(os.environ.get("CASES", "25"))
PERPS = {p.name: p for p in jl.PRESETS}
r = random.Random(SEED)
folder = tempfile.TemporaryDirectory(prefix="lab_waterfall.")
at = os.path.join(folder.name, "w.json")
seen = {}


def hit(what):
    seen[what] = seen.get(what, 0) + 1


def some(bits):
    return r.getrandbits(r.randint(1, bits)) + 1


def play(doc):
    with open(at, "w", encoding="utf-8") as f:
        json.dump(doc, f)
    return json.loads(must("lab", "waterfall", at, "--json"), parse_float=lambda x: 1 / 0)


def ints(d):
    return {k: int(v) for k, v in d.items() if k not in ("name", "before")}


def a_fund(low, whole):
    """The file's fund, and the judge's (balance, floor, quota, whole)."""
    f = {"balance": r.choice([0, some(8), some(20)])}
    for key, v in (("floor", some(6)), ("quota", some(12)), ("whole", r.random() < 0.5)):
        if r.random() < 0.3:
            f[key] = v
    return f, (f["balance"], f.get("floor", low), f.get("quota", -1), f.get("whole", whole))


# ---- perpetuals

def perp_event(m, w, n):
    """(event, what it must tell) applied to the judge's market; None: not this one now."""
    kind = r.choices(["mark", "trade", "funding", "bankrupt", "deposit", "withdraw", "fund_in", "fund_out", "cover"], [4, 3, 1, 9, 1, 1, 1, 1, 1])[0]
    who, name = r.randrange(n), "a%d".__mod__
    if kind == "mark":
        m.prior, m.price = m.price, max(1, m.price * r.choice([r.randint(97, 103), r.randint(60, 140)]) // 100)
        return {"do": kind, "price": m.price}, {"price": m.price, "prior": m.prior}, 0
    if kind == "trade":
        b, size, price = r.randrange(n), some(8), max(1, m.price * r.randint(95, 105) // 100)
        return m.trade(who, b, size, price) and ({"do": kind, "buyer": name(who), "seller": name(b), "size": size, "price": price}, {"size": size, "price": price}, 0)
    if kind == "funding":
        rate = r.randint(-m.price, m.price) // 10
        return m.funding(rate) and ({"do": kind, "rate": rate}, {"rate": rate}, 0)
    if kind == "bankrupt":
        weak = [i for i in range(n) if m.equity(i) < m.need(m.account[i].size)]
        if not weak:
            return None
        who, start = r.choice(weak), r.randrange(9)
        offers = [(r.randrange(n), r.choice([some(8), abs(m.account[who].size) + 1]), max(1, m.price * r.randint(70, 110) // 100)) for _ in range(r.choice([0, 1, 1, 3]))]
        out = m.run(w, who, offers, start)
        assert out[0] == 0
        _, sold, deleveraged, left, fills, fees, fund, others, over, booked = out
        for what, v in (("sold", sold), ("deleveraged", deleveraged), ("left", left), ("fund", fund), ("others", others), ("booked", booked), ("fees", fees)):
            if v:
                hit(what)
        return {"do": kind, "account": name(who), "start": start, "offers": [{"account": name(a), "size": s, "price": p} for a, s, p in offers]}, {
            "sold": sold, "deleveraged": deleveraged, "adl_fills": fills, "left": left, "fees": fees, "from_fund": fund, "from_others": others, "over": over, "booked": booked}, 0
    amount = r.choice([0, some(6), some(12)])
    if kind in ("deposit", "withdraw"):
        d = amount if kind == "deposit" else -amount
        a = m.account[who]
        if d < 0 and m.equity(who) + d < m.need(a.size):
            return None
        a.cash += d
        return {"do": kind, "account": name(who), "amount": amount}, {"paid": amount}, d
    if kind == "fund_in":
        m.balance += amount
        return {"do": kind, "amount": amount}, {"asked": amount, "paid": amount}, amount
    if kind == "fund_out":
        paid = m.withdraw(amount)
        hit("withdrawn to the floor" if paid < amount else "withdrawn")
        return {"do": kind, "amount": amount}, {"asked": amount, "paid": paid}, -paid
    paid = min(amount, m.deficit)
    m.deficit -= paid
    if paid:
        hit("deficit covered")
    return {"do": kind, "amount": amount}, {"asked": amount, "paid": paid}, paid


def snapshot(m):
    return [{"size": a.size, "cash": a.cash, "equity": m.equity(i)} for i, a in enumerate(m.account)]


def perp(venue, w):
    """One random file; the first difference, or None."""
    price, per, ppm = some(10), r.choice([1, 1, 7, 1000]), r.choice([1, 30000, 100000])
    fund, f = a_fund(1 if venue == "drift" else 0, venue == "dydx")
    n = r.randint(3, 7)
    m = jl.Market([jl.Account() for _ in range(n)], price, price, per, ppm, *f)
    doc = {"venue": venue, "mark": price, "per": per, "maintenance_ppm": ppm, "fund": fund, "accounts": [], "events": []}
    if per == 1:
        del doc["per"]
    sizes = [r.choice([1, -1]) * some(9) for _ in range(n - 1)]
    for i, size in enumerate(sizes + [-sum(sizes)]):
        entry, own = max(1, price * r.randint(80, 120) // 100), some(14) // r.choice([1, 4])
        cost = m.value(size, entry)
        m.account[i] = jl.Account(own - cost, size, cost)
        doc["accounts"].append({"name": "a%d" % i, "collateral": own, "size": size, "entry": entry})
    start, came, want = m.money(), 0, []
    while len(want) < 25:
        before = snapshot(m)
        made = perp_event(m, w, n)
        if not made:
            continue
        event, told, d = made
        came += d
        doc["events"].append(event)
        want.append((event, told, before, snapshot(m), {"fund": m.balance, "deficit": m.deficit, "money": m.money()}))
        assert m.money() == start + came
    out = play(doc)
    for (event, told, before, after, state), e in zip(want, out["events"]):
        shown = {a["name"]: (ints(a["before"]), ints(a)) for a in e["accounts"]}
        if event["do"] == "mark":
            weak = {"a%d" % i for i in range(n) if after[i]["equity"] < -(-abs(jl.trunc(jl.F(after[i]["size"] * event["price"], per))) * ppm // 10**6)}
            good = set(shown) == weak
        else:
            good = set(shown) == {"a%d" % i for i in range(n) if before[i] != after[i]}
        good = good and all(shown[k] == (before[int(k[1:])], after[int(k[1:])]) for k in shown)
        if not good or e["do"] != event["do"] or ints(e["is"]) != told or ints(e["state"]) != state:
            return doc, e, told, before, after, state
    end, last = ints(out["end"]), [ints(a) for a in out["accounts"]]
    good = len(out["events"]) == len(want) and last == snapshot(m) and end["money"] == end["start"] + end["came_in"] and (end["start"], end["came_in"]) == (start, came)
    return None if good and out["conserved"] is True else (doc, out["end"], start, came)


# ---- pools and deposit indexes

class Fund:
    def __init__(self, f):
        self.balance, self.floor, self.quota, self.whole = f

    pays, draw, withdraw, hit = jl.Market.pays, jl.Market.draw, jl.Market.withdraw, lambda self, what: hit(what)


def fund_event(f, kind):
    amount = some(14)
    paid = f.withdraw(amount) if kind == "fund_out" else amount
    f.balance += amount if kind == "fund_in" else 0
    return {"do": kind, "amount": amount}, {"asked": amount, "paid": paid}


def pool(venue, _):
    fund, f = a_fund(0, False)
    f, cash, borrowed, deficit = Fund(f), some(20), some(20), r.choice([0, some(10)])
    supplied, want = cash + borrowed + deficit, []
    doc = {"venue": venue, "fund": fund, "pool": {"cash": cash, "borrowed": borrowed, "supplied": supplied, "deficit": deficit}, "events": []}
    for _ in range(25):
        kind = r.choice(["bad_debt", "bad_debt", "fund_in", "fund_out", "cover"])
        if kind == "bad_debt":
            amount = min(borrowed, r.choice([0, some(14), borrowed // 2]))
            paid = f.draw(amount)
            left = amount - paid
            cash, borrowed = cash + paid, borrowed - amount
            supplied, deficit = (supplied - left, deficit) if venue == "morpho" else (supplied, deficit + left)
            event, told = {"do": kind, "amount": amount}, {"bad": amount, "from_fund": paid, "from_suppliers": left * (venue == "morpho"), "booked": left * (venue == "aave")}
        elif kind == "cover":
            amount = some(14)
            paid = min(amount, deficit)
            cash, deficit = cash + paid, deficit - paid
            event, told = {"do": kind, "amount": amount}, {"asked": amount, "paid": paid}
        else:
            event, told = fund_event(f, kind)
        doc["events"].append(event)
        want.append((told, {"fund": f.balance, "cash": cash, "borrowed": borrowed, "supplied": supplied, "deficit": deficit, "money": f.balance + cash + borrowed}))
    have = [(ints(e["is"]), ints(e["state"])) for e in play(doc)["events"]]
    return None if have == want else (doc, have, want)


def index(venue, _):
    mango, fund_doc = venue == "mango-deposits", a_fund(0 if venue == "mango-deposits" else 1, False)
    fund, f = fund_doc[0], Fund(fund_doc[1])
    unit = 2**48 if mango else r.choice([10**13, 10**10, 10])
    ix = unit * r.choice([1000, 1234]) // 1000 if mango else r.choice([10**10, some(40)])
    scaled = [some(r.choice([20, 45])) for _ in range(r.randint(1, 4))]
    doc = {"venue": venue, "fund": fund, "index": ix, "accounts": [{"name": "d%d" % i, "scaled": s} for i, s in enumerate(scaled)], "events": []}
    if unit != 10**13 and not mango:
        doc["unit"] = unit
    capped = mango or r.random() < 0.5
    if not capped:
        doc["capped"] = False
    want, claims = [], lambda: sum(scaled) * ix // unit
    if claims() > 2**61:
        return None
    backing = claims()
    for _ in range(12):
        kind = r.choice(["bad_debt", "bad_debt", "fund_in", "fund_out"])
        was = [s * ix // unit for s in scaled]
        if kind == "bad_debt":
            amount = r.choice([0, some(12), f.pays(claims()) + claims() // 3, claims()])
            left = amount - f.pays(amount)
            if left > claims():
                continue
            paid, before, had = f.draw(amount), ix, claims()
            if left and mango:
                ix -= left * 2**48 // sum(scaled)
            elif left:
                ix -= min(-(-ix * left // had), ix - 1 if capped else ix)
                hit("index kept at 1" if ix == 1 else "index at 0" if ix == 0 else "index fell")
            backing -= left
            event, told = {"do": kind, "amount": amount}, {"bad": amount, "from_fund": paid, "from_depositors": had - claims(), "index_fall": before - ix}
            moved = before != ix
        else:
            moved, (event, told) = False, fund_event(f, kind)
        doc["events"].append(event)
        rows = [(w, s * ix // unit) for w, s in zip(was, scaled)] if moved else []
        want.append((told, {"fund": f.balance, "index": ix, "claims": claims(), "backing": backing, "money": f.balance + backing}, rows))
    if not want:
        return None
    have = [(ints(e["is"]), ints(e["state"]), [(int(a["before"]["tokens"]), int(a["tokens"])) for a in e["accounts"]]) for e in play(doc)["events"]]
    return None if have == want else (doc, [(h, w) for h, w in zip(have, want) if h != w][:1])


for venue, w in PERPS.items():
    bad = next(filter(None, (perp(venue, w) for _ in range(CASES))), None)
    report(bad is None, venue + ": every event's accounts, fund, deficit and money are the judge's", bad)
for venue, one in (("aave", pool), ("morpho", pool), ("drift-deposits", index), ("mango-deposits", index)):
    bad = next(filter(None, (one(venue, None) for _ in range(CASES))), None)
    report(bad is None, venue + ": fund, losses and balances are exact integers'", bad)
WANTED = ["sold", "deleveraged", "left", "fund", "others", "booked", "fees", "withdrawn", "withdrawn to the floor", "deficit covered", "fund pays a part",
          "fund pays nothing", "index fell", "index kept at 1", "index at 0"]
report(all(k in seen for k in WANTED), "every step was taken", [k for k in WANTED if k not in seen])

# ---- text, examples, standard input
for venue in [*PERPS, "aave", "morpho", "drift-deposits", "mango-deposits"]:
    example = must("lab", "waterfall", "--example", venue)
    out = must("lab", "waterfall", "-", input=example)
    report(json.loads(example)["venue"] == venue and out.startswith(venue + ": ") and ": conserved\n" in out, venue + ": its example is played", out)
example = must("lab", "waterfall", "--example")
out = must("lab", "waterfall", "-", input=example)
report(re.search(r"bankrupt long: sold 4, deleveraged 6, adl_fills 1, left 0, fees 0, from_fund 20,", out) and "short-6           size -6 -> 0" in out,
       "dYdX by hand: four sold with the fund's 20, six deleveraged at 95", out)
out = must("lab", "waterfall", "-", input=example.replace('"balance": 20', '"balance": 19'))
report("sold 0, deleveraged 10, adl_fills 2" in out and "fund 19, deficit 0" in out, "with 19 in the fund nothing is sold", out)
big = json.loads(example)
big["accounts"][3]["collateral"] = str(2**61)
report(play(big)["accounts"][3]["cash"] == str(2**61 - 360), "beyond 2^53 a number is text, and exact")

# ---- errors: file, line, field, remedy


def refused(change, *words):
    doc = json.loads(example)
    change(doc)
    p = tripline("lab", "waterfall", "-", input=json.dumps(doc, indent=0))
    good = p.returncode == 1 and p.stdout == "" and re.match(r"tripline lab waterfall: stdin:\d+: ", p.stderr) and all(w in p.stderr for w in words)
    report(good, "refused: " + " ".join(words), (p.returncode, p.stdout, p.stderr))


refused(lambda d: d.update(venue="ftx"), "venue", "wanted: dydx drift")
refused(lambda d: d.update(marc=1), "marc", "known are: venue mark")
refused(lambda d: d.pop("mark"), "mark", "add it")
refused(lambda d: d.update(mark=0), "mark", "1 to 2^61")
refused(lambda d: d.update(mark=1.5), "mark")
refused(lambda d: d.update(maintenance_ppm=1000001), "maintenance_ppm", "1000000")
refused(lambda d: d["fund"].update(balance=-1), "balance", "0 to 2^61")
refused(lambda d: d["fund"].update(balance=2**61 + 1), "balance", "0 to 2^61")
refused(lambda d: d["fund"].update(whole=1), "whole", "true or false")
refused(lambda d: d["accounts"].pop(1), "accounts", "counterparties")
refused(lambda d: d["accounts"][1].update(name="long"), "name", "another account's")
refused(lambda d: d["accounts"][1].update(size=-2**61, entry=2), "size", "larger units")
refused(lambda d: d.update(events=[]), "events", "1 to 10000")
refused(lambda d: d["events"][0].update(do="bad_debt"), "do", "mark trade funding")
refused(lambda d: d["events"][0].update(account="long"), "account", "known are: do price")
refused(lambda d: d["events"][1].update(account="nobody"), "account", "add it to `accounts`")
refused(lambda d: d["events"][1]["offers"][0].update(size=0), "size", "1 to 2^61")
refused(lambda d: d["events"].pop(0), "bankrupt", "move the mark first")
refused(lambda d: d["events"].insert(0, {"do": "withdraw", "account": "long", "amount": 1}), "withdraw", "take less")
refused(lambda d: d["events"].insert(0, {"do": "mark", "price": 2**61}), "mark", "larger units")
refused(lambda d: d["events"][1]["offers"][0].update(price=2**61), "bankrupt", "larger units")
example = must("lab", "waterfall", "--example", "morpho")
refused(lambda d: d["events"][0].update(amount=800001), "bad_debt", "more than is borrowed")
refused(lambda d: d["pool"].update(cash=1), "pool", "must be what is supplied")
refused(lambda d: d.pop("pool"), "pool", "add it")
example = must("lab", "waterfall", "--example", "drift-deposits")
refused(lambda d: d.update(events=[{"do": "bad_debt", "amount": 120001001}]), "bad_debt", "smaller amount")  # the fund gives 1000: one too much
p = tripline("lab", "waterfall", at + ".none")
report(p.returncode == 1 and "w.json.none: No such file" in p.stderr, "a file that is not there", p.stderr)
p = tripline("lab", "waterfall", "-", input='{"venue": "dydx",\n "mark": }')
report(p.returncode == 1 and "stdin:2: " in p.stderr, "no JSON: its line", p.stderr)
for args in ((), ("--wrong", at), (at, "more"), ("--example", "ftx"), ("--example", "--json")):
    p = tripline("lab", "waterfall", *args)
    report(p.returncode == 2 and "--help" in p.stderr and not p.stdout, "wrong usage: " + " ".join(map(os.path.basename, args)), p.stderr)
report(must("lab", "waterfall", "--help").startswith("usage: tripline lab waterfall") and "waterfall" in must("lab", "--help"), "help, and in the list of commands")
finish()
