#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of binance-usdm-1 and hyperliquid-1, end to end: made, written out and read back the same, run through a crash on two devices
side by side with the audit, settled by the paper venue, replayed; killed in the middle and gone on; Hyperliquid's part, its cooldown in
the account, and the whole.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import struct
import tempfile
import time

from keeper import SEED, TRIPLINE, finish, killed_at, must, report, tripline

BN, HL = "binance-usdm-1", "hyperliquid-1"
PRICES = {"BTC_USDC-PERPETUAL": 64000, "ETH_USDC-PERPETUAL": 3200, "SOL_USDC-PERPETUAL": 150, "XRP_USDC-PERPETUAL": "0.52"}
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-venues-")


def at(name):
    return os.path.join(work, name)


capture, decline = at("crash.pcap"), at("trend.pcap")  # a decline is slow enough that a part is followed by the rest
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 6, "--rate", 100, "--seed", SEED)
must("gen", "-q", "-o", decline, "--path", "trend", "--seconds", 600, "--rate", 15, "--seed", SEED)


def book(rule):
    db, out, back = at(rule + ".db"), at(rule + ".json"), at(rule + ".back.json")
    must("accounts", "gen", "--db", db, "--accounts", 300, "--near", 400000, "--seed", SEED, "--perp", rule,
         *[x for n, p in PRICES.items() for x in ("--price", "%s=%s" % (n, p))])
    must("accounts", "export", "--db", db, "-o", out)
    must("accounts", "import", "--db", at(rule + ".2.db"), out)
    must("accounts", "export", "--db", at(rule + ".2.db"), "-o", back)
    with open(out) as f, open(back) as g:
        first, second = f.read(), g.read()
    report(first == second, rule + ": what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    return db, json.loads(first)


def changed(rule, whole, name, change, why):
    """An import of the book with one thing changed is refused with the reason."""
    wrong = json.loads(json.dumps(whole))
    linear = [x for x in wrong["instruments"] if x["kind"] == "linear"]
    change(wrong, linear)
    with open(at("wrong.json"), "w") as f:
        json.dump(wrong, f)
    p = tripline("accounts", "import", "--db", at(rule + name + ".db"), at("wrong.json"))
    report(p.returncode == 1 and re.search(why, p.stderr), "%s: refuses %s" % (rule, name), p.stderr)


def run(rule, db, capture, *more):
    name = rule + "-run"
    shutil.rmtree(at(name), ignore_errors=True)
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model+vector", *more,
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, rule + ": the audit holds", p.stdout + p.stderr)
    report("model==vector: identical" in p.stdout, rule + ": model and vector say the same", p.stdout)
    orders = re.search(r"orders +(\d+) handed over.*: (\d+) filled, 0 refused", p.stdout)
    report(orders and int(orders[1]) == int(orders[2]) > 20, rule + ": orders are filled, none refused", p.stdout)
    report("no-profit" not in p.stdout, rule + ": orders that earn nothing go all the same", p.stdout)
    p = tripline("replay", os.path.join(at(name), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, rule + ": replays", p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", os.path.join(at(name), "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, rule + ": the ledger adds up", p.stdout + p.stderr)
    return p.stdout


def parties(ledger):
    return {p: int(v) for p, v in re.findall(r"cash/USDC +(\w+) +(-?\d+)", ledger)}


def killed(rule, db):
    """kill -9 in the middle, twice, then to the end: the ledger is as it would be, and the journal replays."""
    d = at(rule + "-killed")
    cmd = [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", d, "--device", "model",
           "--venue-arg=--fsync", "--venue-arg=off"]
    for size in (60000, 120000):
        report(killed_at(cmd, os.path.join(d, "journal"), size), rule + ": " + "killed while it ran")
        time.sleep(.3)
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", d, "--device", "model",
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, rule + ": goes on after kill -9", p.stdout + p.stderr)
    p = tripline("replay", os.path.join(d, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, rule + ": replays what was killed", p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", os.path.join(d, "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, rule + ": its ledger adds up", p.stdout + p.stderr)


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


def staged(path):
    """Of each order that left: (account, full, ns since this account's last order for a part, None: there was none)."""
    FRAME, CLOCK, ORDER, READ, SENT = 4, 5, 11, 17, 0
    now, parts, out = 0, {}, []
    for kind, p in records(path):
        if kind in (FRAME, CLOCK, READ):
            now = max(now, struct.unpack_from("<Q", p)[0])
        elif kind == ORDER and p[18] == SENT:
            account, full = struct.unpack_from("<I", p, 4)[0], p[16]
            out.append((account, full, now - parts[account] if account in parts else None))
            if not full:
                parts[account] = now
    return out


def penalty(whole, linear):
    linear[0]["penalty_ppm"] = 2500


db, whole = book(BN)
changed(BN, whole, "a penalty", penalty, "penalty_ppm must be 0")
changed(BN, whole, "a term of Hyperliquid", lambda w, x: x[0].update(lot="0.001"), "a term of another protocol")
changed(BN, whole, "a state", lambda w, x: w["accounts"][0].update(rule_state="5:0"), "rule_state")
ledger = run(BN, db, capture)
p = parties(ledger)
report(p.get("venue", 0) > 0 and p.get("liquidator", 0) == 0, BN + ": the fund takes over, nobody else earns", ledger)
killed(BN, db)

db, whole = book(HL)
changed(HL, whole, "a penalty", penalty, "penalty_ppm must be 0")
changed(HL, whole, "a rate of no leverage", lambda w, x: x[0]["tiers"][0].update(rate_ppm=10001), "of a whole leverage")
ledger = run(HL, db, capture)
p = parties(ledger)
report(p.get("venue", 0) > 0 and p.get("liquidator", 0) == 0, HL + ": the vault takes over what falls far", ledger)
killed(HL, db)

# A decline. Parts within 30 s of a part are nobody's; a second one is, afterwards, and needs the clock alone to have gone on.
run(HL, db, decline)
orders = staged(os.path.join(at(HL + "-run"), "journal"))
again = [(full, since) for _, full, since in orders if since is not None]
report(sum(not full for _, full, _ in orders) > 5, HL + ": parts leave first", orders)
report(all(full for full, since in again if since < 29 * 10**9) and any(full for full, since in again if since < 29 * 10**9), HL + ": in the cooldown all of it goes", again)
report(any(not full for full, since in again if since >= 30 * 10**9), HL + ": after the cooldown again a part", again)

# The rule stages itself: the desk's own stages pass it by, and the same orders leave.
run(HL, db, decline, "--set", "stages=hyperliquid")
report(staged(os.path.join(at(HL + "-run"), "journal")) == orders, HL + ": stages=hyperliquid changes nothing")

shutil.rmtree(work)
finish()
