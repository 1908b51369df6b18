#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Depth end to end: books of the feed in every profit figure, bids on auctions among them, the same without them as
before, a run that is killed and goes on and replays; `tripline lab sell` over files and captures.

The book is rebuilt here once more, from the journal's own frames, and each order's slippage worked out again in fractions.
Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import sqlite3
import struct
import tempfile
from fractions import Fraction as F

from journal_reader import records
from keeper import SEED, TRIPLINE, finish, killed_amid, must, report, size_of, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-depth-")


def at(name):
    return os.path.join(work, name)


capture, plain, db = at("books.pcap"), at("plain.pcap"), at("accounts.db")
shape = ("--path", "crash", "--seconds", 20, "--rate", 100, "--seed", SEED)
must("gen", "-q", "-o", capture, *shape, "--books", 8)
must("gen", "-q", "-o", plain, *shape)
must("accounts", "gen", "--db", db, "--accounts", 300, "--near", 400000, "--seed", SEED)
QUIET = ("--quiet", "--device", "model", "--venue-arg=--fsync", "--venue-arg=off", "--accounts", db)


def settings(**kw):
    return [x for k, v in kw.items() for x in ("--set", "%s=%s" % (k, v))]


def run(name, *args):
    p = tripline("run", *QUIET, "--audit", "--dir", at(name), *args)
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, name + ": runs, and the audit holds", p.stdout + p.stderr)
    replays(name)
    return must("report", at(name) + "/journal")


def replays(name):
    p = tripline("replay", at(name) + "/journal")
    report(p.returncode == 0 and "replay: identical" in p.stdout, name + ": replays", p.stdout + p.stderr)


# ---- the judge's books, out of the journal's bytes

FRAME, REPLY, READY, ORDER = 4, 7, 10, 11


def payload(frame):
    """UDP payload and port of an Ethernet frame, VLAN tags and IP options included."""
    pos = 12
    while frame[pos:pos + 2] in (b"\x81\x00", b"\x88\xa8"):
        pos += 4
    pos += 2
    pos += (frame[pos] & 15) * 4
    return frame[pos + 8:], struct.unpack_from(">H", frame, pos + 2)[0]


class Books:
    """Deribit's 1001 and 1004: the generator tells whole books, and each change in one message."""

    def __init__(self):
        self.book, self.mark = {}, {}

    def take(self, frame):
        data, port = payload(frame)
        if port not in (6100, 6101):
            return
        pos = 8
        while pos + 12 <= len(data):
            block, template, _, _, groups, _ = struct.unpack_from("<HHHHHH", data, pos)
            body = pos + 12
            if template == 1001:
                ident, _, prev, change = struct.unpack_from("<IQQQ", data, body)
                self.levels(data, body + block, ident, 2, prev, change)
            elif template == 1004:
                ident, _, change = struct.unpack_from("<IQQ", data, body)
                self.levels(data, body + block, ident, 1, None, change)
            elif template == 1003 and block > 61:  # not a quote alone
                self.mark[struct.unpack_from("<I", data, body)[0]] = F(struct.unpack_from("<d", data, body + 53)[0])
            pos = self.end(data, pos)

    def levels(self, data, pos, ident, price_at, prev, change):
        size, count = struct.unpack_from("<HH", data, pos)
        if prev is None:
            if ident not in self.book:
                self.book[ident] = {"change": change, 0: {}, 1: {}}
            elif self.book[ident]["change"] != change:
                return
        elif ident not in self.book or self.book[ident]["change"] != prev:
            self.book.pop(ident, None)
            return
        book = self.book[ident]
        book["change"] = change
        for k in range(count):
            entry = pos + 8 + k * size
            price, amount = struct.unpack_from("<dd", data, entry + price_at)
            if amount:
                book[data[entry]][F(price)] = F(amount)
            else:
                book[data[entry]].pop(F(price), None)

    @staticmethod
    def end(data, pos):
        """Behind a message: its block, groups of flat entries, strings. What nests is not asked about."""
        block, template, _, _, groups, strings = struct.unpack_from("<HHHHHH", data, pos)
        pos += 12 + block
        for _ in range(groups):
            size, count, inner, texts = struct.unpack_from("<HHHH", data, pos)
            if inner or texts:
                return len(data)
            pos += 8 + size * count
        for _ in range(strings):
            pos += 1 + data[pos]
        return pos


off = run("off", "--capture", plain)
before = run("none", "--capture", capture)
books = run("feed", "--capture", capture, *settings(depth="feed"))
report("slippage" not in off and "slippage" not in before, "without depth nothing of it is in the journal")
rows = re.findall(r"^  (d\S+) +(\S+) +(\S+) +(\S+) +(-?[\d.]+\??|-) +(-?[\d.]+)  (.*)$", books, re.M)
told = [r for r in rows if r[4] != "-"]
known = [r for r in told if not r[4].endswith("?")]
report(len(known) > 20 and len(known) > len(told) * 9 // 10, "most orders of perpetuals know their slippage", "%d of %d" % (len(known), len(told)))
report(any(float(r[4]) > 0.0004 * float(r[3]) for r in known), "slippage that counts", known[:5])
report(all(float(r[5]) >= 0 for r in rows), "nothing leaves at a loss", [r for r in rows if float(r[5]) < 0][:3])
gross = {k: (value, float(reward)) for k, value, reward in re.findall(r"^  (d\S+) +\S+ +\S+ +(\S+) +(-?[\d.]+)  ", before, re.M)}
first = [r for r in known if r[0].endswith("e0-r1") and gross.get(r[0], ("",))[0] == r[3]]  # the same order, at the same moment
off_by = [(r, gross[r[0]]) for r in first if abs(gross[r[0]][1] - float(r[4]) - float(r[5])) > 0.011]
# One refused at first for want of profit goes later than without depth, and its reward is of then.
report(len(first) > 10 and len(off_by) < len(first) // 10, "reward less slippage is the profit", "%d %s" % (len(first), off_by[:3]))
needed = run("required", "--capture", plain, *settings(depth="required"))
report(not re.search(r"^  d\S+ .*\?", needed, re.M), "required: no order of a perpetual on a guess")
guess = run("guess", "--capture", plain, *settings(depth="feed", depth_unknown_ppm=1000))
unsure = [(float(v), float(s)) for v, s in re.findall(r"^  d\S+ +\S+ +\S+ +(\S+) +([\d.]+)\? ", guess, re.M)]
exact = [abs(s - v / 1000) <= 0.011 for v, s in unsure]  # less where a ready order was worth more when it was made, or a leg has its book
over = [(v, s) for v, s in unsure if s > v / 1000 + 0.011]
report(sum(exact) > 10 and not over, "without a book what is supposed", "%d of %d %s" % (sum(exact), len(exact), over[:3]))
thin = tripline("run", *QUIET, "--dir", at("bad"), "--capture", capture, *settings(depth="some"))
report(thin.returncode == 2 and "none feed required" in thin.stderr, "an unknown depth is refused with what there is", thin.stderr)

# ---- every known slippage again, by the books of the journal's frames

IDS = {"BTC-PERPETUAL": 101, "ETH-PERPETUAL": 102, "BTC_USDC-PERPETUAL": 201, "ETH_USDC-PERPETUAL": 202, "SOL_USDC-PERPETUAL": 203,
       "XRP_USDC-PERPETUAL": 204, "DOGE_USDC-PERPETUAL": 205, "PEPE_USDC-PERPETUAL": 206}
c = sqlite3.connect(db)
decimals = dict(c.execute("SELECT name, decimals FROM assets"))
instrument = [(name, kind, size) for name, kind, size in c.execute("SELECT name, kind, size_decimals FROM instruments ORDER BY id")]
long = {(a, i): int(size) > 0 for a, i, size in c.execute("SELECT account, instrument, size FROM positions")}
first_id = min(r[0] for r in c.execute("SELECT id FROM instruments"))


def quanta(name, x):
    return F(round(x * 10 ** decimals[name]), 10 ** decimals[name])


def up(x):
    return -((-x.numerator) // x.denominator)


def leg_cost(books, account, i, qty, before):
    """1e-8 units of account, where so much of the book is gone before; None: not known or not enough."""
    name, kind, digits = instrument[i]
    book, sell, mark = books.book.get(IDS[name]), long[account, i + first_id], quanta(name, books.mark[IDS[name]])
    if not book or (book[0] and book[1] and max(book[1]) >= min(book[0])):
        return None
    left, lost, traded = F(qty, 10**digits), 0, 0
    for at_, amount in sorted(book[1 if sell else 0].items(), reverse=sell):
        price, here = quanta(name, at_), F(round(amount * 10**8), 10**8)
        gone = min(before, here)
        before, here = before - gone, min(left, here - gone)
        left -= here
        worse = mark - price if sell else price - mark
        lost += up(here * worse * 10**8 / (price if kind == "inverse" else 1))
        traded += up(here * 10**8 * (mark / price if kind == "inverse" else price))
        if left == 0:
            return max(0, lost + up(F(traded * 500, 10**6)))
    return None


class Taken:
    """What orders take of a side before another's: in flight, and filled until a look at it finds the book changed. Looks that
    brought no order are not in the journal, so how many of the fills count is sometimes open."""

    def __init__(self):
        self.flight, self.fills = {}, []  # of a fill: what, the book's side then and at the last look since

    def reply(self, key, filled, levels):
        qty = self.flight.pop(key, 0)
        if filled and qty:
            self.fills.append([qty, levels, None])

    def before(self, levels):
        """All that it may be."""
        while self.fills and self.fills[0][2] not in (None, levels):
            self.fills.pop(0)
        for k, (_, _, looked) in enumerate(self.fills):
            if looked not in (None, levels):
                self.fills = self.fills[k + 1:]
                break
        for f in self.fills:
            f[2] = levels
        sure = next((k for k, f in enumerate(self.fills) if f[1] == levels), len(self.fills))
        return [sum(self.flight.values()) + sum(f[0] for f in self.fills[k:]) for k in range(sure + 1)]


def judged(name, rest):
    """Slippages that are not those of the journal's frames; of what kinds those were that are; how many orders stood behind
    others, and how many of these earned nothing there."""
    judge, legs, wrong, agreed, behind, vain = Books(), {}, [], {"linear": 0, "inverse": 0, "several": 0, "short": 0}, 0, 0
    taken, sides = {}, {}

    def levels(side):
        i, sell = side
        book = judge.book.get(IDS[instrument[i][0]])
        return tuple(sorted(book[1 if sell else 0].items())) if book else ()

    for kind, p in records(at(name) + "/journal"):
        if kind == FRAME:
            judge.take(p[8:])
        elif kind == READY:
            n = struct.unpack_from("<H", p, 16 + 2)[0]
            legs[p[:16]] = [(struct.unpack_from("<H", p, 52 + 18 * k)[0], int.from_bytes(p[54 + 18 * k:70 + 18 * k], "little")) for k in range(n)]
        elif kind == REPLY and p[2:18] in sides:
            for side in sides.pop(p[2:18]):
                taken[side].reply(p[2:18], p[1] == 1, levels(side))
        elif kind == ORDER and p[17] & 4 and p[18] == 0 and instrument[legs[p[:16]][0][0]][1] != "reserve":
            key, (reward, slip) = struct.unpack_from("<IIII", p), struct.unpack_from("<qq", p, 27)
            sides[p[:16]] = [(i, long[key[1], i + first_id]) for i, _ in legs[p[:16]]]
            sums, alone, sure = {0}, 0, False
            for side, (i, qty) in zip(sides[p[:16]], legs[p[:16]]):
                may = taken.setdefault(side, Taken()).before(levels(side))
                sure |= min(may) > 0
                cost = [leg_cost(judge, key[1], i, qty, b) for b in may]
                first = leg_cost(judge, key[1], i, qty, 0)
                sums = {x + y for x in sums for y in cost if y is not None}
                alone = None if None in (alone, first) else alone + first
                taken[side].flight[p[:16]] = F(qty, 10**instrument[i][2])
            if not p[17] & 8:
                continue
            if slip not in sums if rest else slip != alone:
                wrong.append((key, slip, alone, sums))
            behind += sure and slip != alone
            vain += not sums or reward + slip < min(sums)
            agreed[instrument[legs[p[:16]][0][0]][1]] += 1
            agreed["several"] += len(legs[p[:16]]) > 1
            agreed["short"] += not sides[p[:16]][0][1]
    return wrong, agreed, behind, vain


wrong, agreed, behind, vain = judged("feed", True)
report(not wrong and all(agreed.values()), "each slippage again, by what other orders leave of the books of the journal's frames", "%s %s" % (agreed, wrong[:3]))
report(behind > 20 and vain == 0, "orders behind others on thin books, and each earns", "%d behind others, %d in vain" % (behind, vain))
run("alone", "--capture", capture, *settings(depth="feed", depth_by=2))
wrong, agreed, _, vain = judged("alone", False)
report(not wrong and all(agreed.values()), "as in journals from before: each order by all of its book", "%s %s" % (agreed, wrong[:3]))
report(vain > 0, "of which some earn nothing behind the others", vain)
print("# behind others: %d; in vain where each sees all of it: %d" % (behind, vain))

# ---- kill -9, go on, replay

name = "killed"
dir_ = at(name)
args = [TRIPLINE, "run", *QUIET, "--dir", dir_, "--capture", capture, *settings(depth="feed")]
journal = os.path.join(dir_, "journal")
report(killed_amid([str(a) for a in args], lambda: size_of(journal) and sum(1 for k, x in records(journal) if k == ORDER and x[17] & 8) > 10),
       "killed amid its orders")
replays(name)
go_on = tripline("run", *QUIET, "--audit", "--dir", dir_, "--capture", capture, *settings(depth="feed"))
report(go_on.returncode == 0 and "missed=0 unconfirmed_orders=0" in go_on.stdout, "goes on", go_on.stdout + go_on.stderr)
replays(name)

# ---- own money, the collateral's book

policy = at("books.conf")
with open(policy, "w") as f:
    for asset, coin in (("btc_usd", "BTC"), ("eth_usd", "ETH"), ("sol_usdc", "SOL")):
        f.write("asset %s\n  source deribit %s index\n  reference deribit %s_USDC-PERPETUAL mark\n"
                "  guard deviation bps=3000 of=reference then=hold\n" % (asset, asset, coin))
worth = dict(worth=1, worth_gas=308000, worth_premium_bps=0, min_profit_e8=1)
lend = run("worth", "--capture", capture, "--oracle", policy, *settings(depth="feed", **worth))
without = run("worthless", "--capture", capture, "--oracle", policy, *settings(**worth))
lending = {str(r[0]) for r in c.execute("SELECT id FROM accounts WHERE rule LIKE 'aave%'")}


def lent(text):
    return [k for k in re.findall(r"^  d1-a(\d+)-\S+ .*filled", text, re.M) if k in lending]


report(not lent(without) and "no exit" in without, "without depth there is no way out of collateral")
report(len(lent(lend)) > 3, "the feed's books are one", len(lent(lend)))
repaid, legs = {}, {}
for kind, p in records(at("worth") + "/journal"):
    if kind == READY:
        legs[p[:16]] = [(struct.unpack_from("<H", p, 52)[0], 0)]
    elif kind == ORDER and p[18] == 0 and instrument[legs[p[:16]][0][0]][1] == "reserve":
        repaid.setdefault(instrument[legs[p[:16]][0][0]][0], []).append(struct.unpack_from("<q", p, 27)[0])
report(len(repaid.get("USDC", ())) > 0 and sum(map(len, repaid.values())) > len(repaid["USDC"]) and min(map(min, repaid.values())) > 0,
       "debts in coins are bought back out of their books", {k: len(v) for k, v in repaid.items()})

# ---- bids on auctions: each pays by the books of its moment

AUCTION, BID, GAS = 24, 25, 2 * 10**8
SPEC = "cut_ppm=960000,chip_bps=20,tail=12,cusp_bps=6000,dust_e8=20000000000"
COIN = {"WBTC": "BTC_USDC-PERPETUAL", "WETH": "ETH_USDC-PERPETUAL", "SOL": "SOL_USDC-PERPETUAL"}  # USDC is what they are quoted in


def auction_of(p):
    number, version, _, coll, debt = struct.unpack_from("<IIIHH", p, 1)
    tab, lot = (int.from_bytes(p[296 + 32 * i:328 + 32 * i], "little") for i in range(2))
    return number, {"version": version, "coll": coll, "debt": debt, "tab": tab, "lot": lot}


def traded(books, i, want, sell, fee=F(500, 10**6)):
    """What selling `want` tokens brings, or what buying them costs, in units of account; None: not known."""
    if instrument[i][0] not in COIN:
        return None
    book, money = books.book.get(IDS[COIN[instrument[i][0]]]), F(0)
    if not book:
        return None
    for at_, amount in sorted(book[1 if sell else 0].items(), reverse=sell):
        here = min(want, amount)
        want, money = want - here, money + here * at_
    return money * (1 - fee) if sell else money / (1 - fee) if want == 0 else None


def bids_of(name):
    """(what it brings, what it costs) of each purchase, in units of account, by the books as the judge has them."""
    books, state, out = Books(), {}, []
    for kind, p in records(at(name) + "/journal"):
        note = b""
        if kind == FRAME:
            books.take(p[8:])
        elif kind == AUCTION:
            note = p
        elif kind == REPLY and p[0] == 4:
            note = p[21 + p[18]:]
        elif kind == BID and p[17] == 0:
            a = state[struct.unpack_from("<I", p, 5)[0]]
            amount, price = (int.from_bytes(p[22 + 32 * k:54 + 32 * k], "little") for k in range(2))
            owe = min(min(amount, a["lot"]) * price, a["tab"])
            sold, paid = F(owe // price, 10**instrument[a["coll"]][2]), F(owe, 10**27 * 10**instrument[a["debt"]][2])
            brings = traded(books, a["coll"], sold, True)
            cost = traded(books, a["debt"], paid, False) or F(struct.unpack_from("<q", p, 86)[0], 10**8)
            out.append((sold if brings is None else brings, cost + F(GAS, 10**8), instrument[a["debt"]][0], a["version"]))
        if len(note) >= 400:
            number, now = auction_of(note)
            if number not in state or now["version"] > state[number]["version"]:
                state[number] = now
    return out


def auctions(name, mode, *args):
    run(name, "--capture", capture, "--venue-auctions", SPEC, *settings(depth=mode, auction_gas_e8=GAS), *args)
    return bids_of(name)


kept = auctions("auctions", "required", "--oracle", policy)
at_a_loss = [b for b in kept if b[0] < b[1] * (1 - F(1, 10**6))]
report(len(kept) > 20 and not at_a_loss, "each of %d bids pays by the books of its moment" % len(kept), [tuple(map(str, b)) for b in at_a_loss[:5]])
print("# bids by debt: %s, of lots in parts: %d" % ({d: sum(b[2] == d for b in kept) for d in {b[2] for b in kept}}, sum(v > 1 for *_, v in kept)))
blind = auctions("guessed", "none", "--oracle", policy)
report(sorted(b[1] for b in blind) != sorted(b[1] for b in kept), "by a supposed slippage they are others")
report(auctions("unseen", "required") == [], "required: no bid without a book")
told = must("report", at("auctions") + "/journal")
report("planned profit" in told and "settles at its marks" in told and "for who buys the lot" in told, "the report says what is planned, and by what the venue settles")

# ---- lab sell

ways = {"sell": "ETH", "sell_decimals": 18, "for": "USDC", "for_decimals": 6, "ways": [
    {"name": "A", "book": {"lot": "0.001", "fee_ppm": 500, "bids": [["3000.5", "4"], ["3000.0", "10"], ["2999", "30"]]}},
    {"name": "B", "book": {"lot": "0.01", "fee_ppm": 200, "bids": [["3000.1", "7"], [2998, 25]]}},
    {"name": "pool", "pool": {"in": "4000", "out": "12000000"}}]}
with open(at("ways.json"), "w") as f:
    json.dump(ways, f)
out = json.loads(must("lab", "sell", 50, "--ways", at("ways.json"), "--json"))
part = {w["name"]: F(w["part"]) for w in out["ways"]}
levels = sorted([(F(price) * (1 - F(fee, 10**6)), F(amount), n) for n, fee, rows in (("A", 500, (("3000.5", 4), ("3000", 10), ("2999", 30))), ("B", 200, (("3000.1", 7), ("2998", 25))))
                 for price, amount in rows], reverse=True)
left, want, best = F(50), {"A": F(0), "B": F(0), "pool": F(0)}, F(0)
for price, amount, n in levels:
    take = min(left, amount)
    want[n] += take
    best += take * price
    left -= take
report(part == want, "fifty into the best levels of two books", "%s %s" % (part, want))
report(0 <= best - F(out["brings"]) < F(1, 10**4), "what that brings", "%s %s" % (best, out["brings"]))
top = levels[0][0]
report(abs(out["slippage_bps"] - float((1 - best / 50 / top) * 10000)) < 1e-6, "slippage against the first unit", out["slippage_bps"])
more = json.loads(must("lab", "sell", 500, "--ways", at("ways.json"), "--json", "--price", 3000))
prices = [w["next_price"] for w in more["ways"]]
report(more["reference"] == 3000 and 0 <= 500 - F(more["sold"]) < F(1, 10**9) and F(more["ways"][2]["part"]) > 0 and prices[0] == 0, "the books end, the pool goes on", more)
text = must("lab", "sell", 50, "--ways", at("ways.json"))
report("slippage" in text and "next unit" in text and "alone" in text, "as text", text)
cap = json.loads(must("lab", "sell", 1, "--capture", capture, "--instrument", "ETH_USDC-PERPETUAL", "--at", 5, "--fee-ppm", 500, "--json"))
late = json.loads(must("lab", "sell", 1, "--capture", capture, "--instrument", "ETH_USDC-PERPETUAL", "--json"))
report(cap["sold"] == "1" and cap["slippage_bps"] >= 0 and cap["average"] > 2000, "a book out of a capture", cap)
report(cap["average"] != late["average"], "at another moment another", late)
both = json.loads(must("lab", "sell", 20, "--ways", at("ways.json"), "--capture", capture, "--instrument", 202, "--lot", "0.01", "--json"))
report(len(both["ways"]) == 4 and F(both["brings"]) >= F(both["alone_brings"]), "a capture's book beside a file's ways", both)


def refused(code, want, *args):
    p = tripline("lab", "sell", *args)
    report(p.returncode == code and want in p.stderr, "refused: " + want, "%d %s" % (p.returncode, p.stderr))


for change, want in (({"ways": []}, "ways.json:1: ways: a list of ways"), ({"ways": [{"pool": {"in": 1}}]}, "out: is missing"), ({"ways": [{}]}, "one of book and pool"),
                     ({"ways": [{"book": {"bids": [[1, 2], [2, 2]]}}]}, "best first"), ({"wayz": 1}, "known are sell"), ({"price": 0}, "ways.json:1: price: out of range: 0.000000001 to "), ({"ways": [{"pool": {"in": 1, "out": 1, "keep": 1, "of": 10}}]}, "fee must be below half"),
                     ({"ways": [{"pool": {"in": "0.1234567890123456789", "out": 1}}]}, "in: ")):
    with open(at("ways.json"), "w") as f:
        json.dump({**ways, **change}, f)
    refused(1, want, 5, "--ways", at("ways.json"))
with open(at("ways.json"), "w") as f:
    f.write("{\n \"ways\": [\n")
refused(1, "ways.json:", 5, "--ways", at("ways.json"))
refused(1, "No such file", 5, "--ways", at("none.json"))
refused(1, "nothing of an instrument XX", 5, "--capture", capture, "--instrument", "XX")
refused(1, "no whole book", 5, "--capture", plain, "--instrument", 9001)
refused(2, "the amount is missing", "--ways", at("ways.json"))
refused(2, "--capture needs --instrument", 5, "--capture", capture)
refused(2, "without --capture", 5, "--ways", at("ways.json"), "--lot", 1)
refused(2, "one of --ways and --capture", 5)
refused(2, "--fee-ppm", 5, "--capture", capture, "--fee-ppm", 1000000)
report(must("lab", "sell", "--help").startswith("usage: tripline lab sell"), "help")
report("sell" in must("lab", "--help"), "in the list of commands")
shutil.rmtree(work)
finish()
