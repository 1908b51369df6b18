#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of dydx-v4-1, end to end: made, written out and read back the same, refused where a term is wrong, run through a crash on two
devices side by side with the audit, settled by the paper venue, replayed; killed in the middle and gone on; one liquidation of an account
in a second, in parts within the limits of a block; the fund earns, pays, and is not asked for more than its limit.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import collections
import json
import os
import re
import shutil
import struct
import tempfile
import time

from keeper import SEED, TRIPLINE, finish, killed_at, must, report, tripline

RULE, SECOND = "dydx-v4-1", 10**9
PRICES = {"BTC_USDC-PERPETUAL": 64000, "ETH_USDC-PERPETUAL": 3200, "SOL_USDC-PERPETUAL": 150, "XRP_USDC-PERPETUAL": "0.52"}
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-dydx-")


def at(name):
    return os.path.join(work, name)


capture, decline = at("crash.pcap"), at("trend.pcap")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 6, "--rate", 100, "--seed", SEED)
must("gen", "-q", "-o", decline, "--path", "trend", "--seconds", 300, "--rate", 15, "--seed", SEED)


def book():
    db, out, back = at("a.db"), at("a.json"), at("b.json")
    must("accounts", "gen", "--db", db, "--accounts", 300, "--near", 400000, "--seed", SEED, "--perp", RULE,
         *[x for n, p in PRICES.items() for x in ("--price", "%s=%s" % (n, p))])
    must("accounts", "export", "--db", db, "-o", out)
    must("accounts", "import", "--db", at("b.db"), out)
    must("accounts", "export", "--db", at("b.db"), "-o", back)
    with open(out) as f, open(back) as g:
        first, second = f.read(), g.read()
    report(first == second, "what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    return db, json.loads(first)


def imported(whole, name, change):
    wrong = json.loads(json.dumps(whole))
    change(wrong, [x for x in wrong["instruments"] if x["kind"] == "linear"])
    with open(at("changed.json"), "w") as f:
        json.dump(wrong, f)
    return tripline("accounts", "import", "--db", at(name), at("changed.json"))


def changed(whole, name, change, why):
    """An import of the book with one thing changed is refused with the reason."""
    p = imported(whole, "wrong.db", change)
    report(p.returncode == 1 and re.search(why, p.stderr), "refuses " + name, p.stderr)


def records(path):
    """(type, payload) of each whole record of a journal."""
    with open(path, "rb") as f:
        data = f.read()
    i = 32
    while i + 16 <= len(data):
        word = struct.unpack_from("<I", data, i)[0]
        kind, n = word >> 24, word & 0xffffff
        if kind == 0 or i + 16 + n > len(data):
            return
        if kind != 255:
            yield kind, data[i + 16:i + 16 + n]
        i += 16 + n


def orders(path):
    """Of each order that left: (account, full, second)."""
    FRAME, CLOCK, ORDER, READ, SENT = 4, 5, 11, 17, 0
    now, out = 0, []
    for kind, p in records(path):
        if kind in (FRAME, CLOCK, READ):
            now = max(now, struct.unpack_from("<Q", p)[0])
        elif kind == ORDER and p[18] == SENT:
            out.append((struct.unpack_from("<I", p, 4)[0], p[16], now // SECOND))
    return out


def run(name, db, capture):
    shutil.rmtree(at(name), ignore_errors=True)
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model+vector",
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, name + ": the audit holds", p.stdout + p.stderr)
    report("model==vector: identical" in p.stdout, name + ": model and vector say the same", p.stdout)
    n = re.search(r"orders +(\d+) handed over.*: (\d+) filled, 0 refused", p.stdout)
    report(n and int(n[1]) == int(n[2]) > 20, name + ": orders are filled, none refused", p.stdout)
    p = tripline("replay", os.path.join(at(name), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, name + ": replays", p.stdout + p.stderr)
    return ledger(name), orders(os.path.join(at(name), "journal"))


def ledger(name):
    p = tripline("venue", "ledger", "--state", os.path.join(at(name), "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, name + ": the ledger adds up", p.stdout + p.stderr)
    return {party: int(v) for party, v in re.findall(r"cash/USDC +(\w+) +(-?\d+)", p.stdout)}


def killed(db):
    """kill -9 in the middle, twice, then to the end: the ledger adds up, and the journal replays."""
    d = at("killed")
    cmd = [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", d, "--device", "model",
           "--venue-arg=--fsync", "--venue-arg=off"]
    for size in (60000, 120000):
        report(killed_at(cmd, os.path.join(d, "journal"), size), "killed while it ran")
        time.sleep(.3)
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", d, "--device", "model",
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "goes on after kill -9", p.stdout + p.stderr)
    p = tripline("replay", os.path.join(d, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "replays what was killed", p.stdout + p.stderr)
    ledger("killed")


db, whole = book()
changed(whole, "a penalty", lambda w, x: x[0].update(penalty_ppm=2500), "penalty_ppm must be 0")
changed(whole, "a tier that is not the margin", lambda w, x: x[0]["tiers"][0].update(rate_ppm=29999), "its rate_ppm initial_ppm x maintenance_ppm")
changed(whole, "no initial margin", lambda w, x: x[0].pop("initial_ppm"), "initial_ppm and maintenance_ppm must be")
changed(whole, "no tick", lambda w, x: x[0].pop("subticks_per_tick"), "subticks_per_tick must be")
changed(whole, "a term of Drift", lambda w, x: x[0].update(perp_imf="0.001"), "a term of another protocol")
changed(whole, "a state that is none", lambda w, x: w["accounts"][0].update(rule_state="5:7"), "rule_state")

cash, left = run("crash", db, capture)
report(cash.get("venue", 0) > 0 and cash.get("liquidator", 0) > 0 > cash.get("deficit", 0), "the fund earns its fee and pays, who fills earns the spread", cash)
per_second = collections.Counter((account, second) for account, _, second in left)
accounts = collections.Counter(account for account, _, _ in left)
report(max(per_second.values()) == 1, "one liquidation of an account in a second", per_second.most_common(3))
report(max(accounts.values()) > 2 and any(not full for _, full, _ in left), "parts follow one another", accounts.most_common(3))


def poor(w, x):
    for y in x:
        y.update(max_insurance_lost="0.000001")


def unlimited(w, x):
    for y in x:
        for name in ("max_insurance_lost", "max_notional_liquidated", "max_position_portion_ppm"):
            y.pop(name)


p = imported(whole, "poor.db", poor)
cash, _ = run("poor", at("poor.db"), capture)
report(p.returncode == 0 and -1000 < cash.get("deficit", 0) <= 0, "a fund that may pay nothing pays nothing: bankruptcy prices", cash)
p = imported(whole, "unlimited.db", unlimited)
cash, left = run("trend", at("unlimited.db"), decline)
report(p.returncode == 0 and sum(full for _, full, _ in left) > 5, "without limits whole accounts go", left[:5])
killed(db)

shutil.rmtree(work)
finish()
