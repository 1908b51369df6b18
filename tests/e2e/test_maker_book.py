#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Maker's vaults and Liquity's troves, end to end: made, written out and read back the same, run through a crash on
two devices that agree, audited, settled by the paper venue, replayed, killed and resumed; a new rate of Dai and new totals
of the system, pushed into a run, reach the rows; recovery mode leaves the owner what is not owed.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, tripline

RULES = {"maker-dog-1": {"liquidation_ratio", "hole", "total_hole", "debt_dust", "chop", "chip", "tip"},
         "liquity-1": {"system_coll", "system_debt", "pool_deposits"}}
NEEDED = {"maker-dog-1": "total_hole", "liquity-1": "system_debt"}
ALL = set().union(*RULES.values()) | {"exchange_rate", "borrow_shares"}
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-vaults-")


def at(*path):
    return os.path.join(work, *path)


def write(name, what):
    with open(at(name), "w") as f:
        json.dump(what, f, indent=1)
    return at(name)


must("gen", "-q", "-o", at("crash.pcap"), "--path", "crash", "--seconds", 6, "--rate", 100, "--seed", SEED)
must("gen", "-q", "-o", at("fall.pcap"), "--path", "crash", "--seconds", 20, "--rate", 200, "--seed", SEED)
must("gen", "-q", "-o", at("calm.pcap"), "--path", "calm", "--seconds", 10, "--rate", 1000, "--seed", SEED)


def imported(name, what):
    return tripline("accounts", "import", "--db", at(name + ".db"), write(name + ".json", what))


def book(rule):
    db, out, back = at(rule + ".db"), at(rule + ".json"), at(rule + ".back.json")
    must("accounts", "gen", "--db", db, "--accounts", 400, "--near", 400000, "--seed", SEED, "--lending", rule)
    must("accounts", "export", "--db", db, "-o", out)
    must("accounts", "import", "--db", at(rule + ".2.db"), out)
    must("accounts", "export", "--db", at(rule + ".2.db"), "-o", back)
    with open(out) as f, open(back) as g:
        first, second = f.read(), g.read()
    doc = json.loads(first)
    reserves = [x for x in doc["instruments"] if x["kind"] == "reserve"]
    mine = [a for a in doc["accounts"] if a["rule"] == rule]
    report(first == second, rule + ": what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    report(len(reserves) > 1 and all(set(x) & ALL == RULES[rule] for x in reserves), rule + ": the reserves have its terms", reserves[:1])
    report(len(mine) > 40 and all(float(p["debt"]) == 0 or p["instrument"] == "USDC" for a in mine for p in a["positions"]),
           rule + ": dollars are owed, coins are supplied", mine[:2])
    for field, value, why in (("liquidity_rate", "0.1", "rates, ramps and grace periods"), ("close_factor", "0.5", "close_factor"), ("lt_bps", 8000, "lt_bps must be 0"),
                              (NEEDED[rule], None, "needs")):
        wrong = json.loads(first)
        for x in wrong["instruments"]:
            if x["kind"] == "reserve":
                x.update({field: value, "told_at": 5 if field == "liquidity_rate" else None, "lb_bps": 10500})
        p = imported("%s.%s" % (rule, field), wrong)
        report(p.returncode == 1 and re.search(why, p.stderr),
               "%s: refuses %s" % (rule, "a reserve without " + field if value is None else field), p.stderr)
    return db


def judge(what, name, code, out, more=""):
    report(code == 0 and "missed=0 unconfirmed_orders=0" + more in out, what + ": the audit holds", out)
    p = tripline("replay", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, what + ": replays", p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, what + ": the ledger adds up", p.stdout + p.stderr)
    return p.stdout


def command(name, db, capture, *more):
    return [TRIPLINE, "run", "--quiet", "--audit", "--accounts", db, "--capture", at(capture), "--dir", at(name), "--venue-arg=--fsync", "--venue-arg=off", *more]


def party(ledger, token, who):
    m = re.search(r"token/%s +%s +(-?\d+)" % (token, who), ledger)
    return int(m[1]) if m else 0


def filled(name, rule, db):
    ids = {r[0] for r in sqlite3.connect(db).execute("SELECT id FROM accounts WHERE rule = ?", (rule,))}
    return {r[0] for r in sqlite3.connect(at(name, "venue.db")).execute("SELECT account FROM orders WHERE status = 1")} & ids


def crash(rule, db):
    name = rule + "-both"
    began = time.monotonic()
    p = subprocess.run(command(name, db, "crash.pcap", "--device", "model+vector"), capture_output=True, text=True, timeout=DEADLINE)
    took = time.monotonic() - began
    ledger = judge(rule + ": through a crash", name, p.returncode, p.stdout + p.stderr, " model==vector: identical")
    taken = [t for t in ("WETH", "WBTC", "SOL") if party(ledger, t, "venue") > 0]
    report(len(filled(name, rule, db)) > 20 and taken and party(ledger, "USDC", "liquidator") > 0 and party(ledger, "USDC", "accounts") > 0,
           rule + ": %d were liquidated, debts and collateral gone, the keeper paid" % len(filled(name, rule, db)), ledger)
    p = subprocess.run(command(rule + "-vector", db, "crash.pcap", "--device", "vector"), capture_output=True, text=True, timeout=DEADLINE)
    judge(rule + ": vector alone", rule + "-vector", p.returncode, p.stdout + p.stderr)
    report(filled(name, rule, db) == filled(rule + "-vector", rule, db), rule + ": the same accounts with boxes and without",
           filled(name, rule, db) ^ filled(rule + "-vector", rule, db))
    return took


def weighed(rule, db):
    """Orders by what they earn after a way out: there is none, and these need none."""
    name = rule + "-worth"
    p = subprocess.run(command(name, db, "crash.pcap", "--device", "model", "--set", "worth=1", "--set", "min_profit_e8=1"), capture_output=True, text=True, timeout=DEADLINE)
    judge(rule + ": with worth", name, p.returncode, p.stdout + p.stderr)
    report(filled(name, rule, db) == filled(rule + "-both", rule, db), rule + ": ordered without a way out too", filled(name, rule, db) ^ filled(rule + "-both", rule, db))


def killed(rule, db, took):
    name, died = rule + "-killed", 0
    for part in (0.35, 0.7):
        p = subprocess.Popen(command(name, db, "crash.pcap", "--device", "model"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            p.communicate(timeout=part * took)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.communicate()
            died += 1
    p = subprocess.run(command(name, db, "crash.pcap", "--device", "model"), capture_output=True, text=True, timeout=DEADLINE)
    judge("%s: killed %d times and resumed" % (rule, died), name, p.returncode, p.stdout + p.stderr)


def calm(rule, db):
    p = subprocess.run(command(rule + "-calm", db, "calm.pcap", "--device", "model"), capture_output=True, text=True, timeout=DEADLINE)
    judge(rule + ": a calm market", rule + "-calm", p.returncode, p.stdout + p.stderr)
    return filled(rule + "-calm", rule, db)


def pushed(rule, db, device, change, what, without):
    """A run that stands still midway is told new parameters: who is below the line with them is liquidated."""
    name = "%s-push-%s" % (rule, device)
    p = subprocess.Popen(command(name, db, "calm.pcap", "--device", device, "--no-lockstep"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + DEADLINE
    while not os.path.exists(at(name, "ready")) and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(0.05)
    p.send_signal(signal.SIGSTOP)
    market = json.loads(must("accounts", "export", "--db", db, "--market"))["instruments"]
    said = tripline("accounts", "push", "--socket", at(name, "venue.sock"), write(name + ".push.json", {"instruments": change(market)}))
    p.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=DEADLINE)
    judge("%s: %s on %s" % (rule, what, device), name, p.returncode, out + err)
    by_it = filled(name, rule, db) - without
    report(said.returncode == 0 and number(out, r"parameters +(\d+) changes taken, 0 refused") == 1 and len(by_it) > 8,
           "%s: %s on %s: %d are liquidated by it" % (rule, what, device, len(by_it)), said.stderr + out + err)


def new_rate(market):
    return [{**x, "borrow_index": str(float(x["borrow_index"]) * 1.03)} for x in market if x["name"] == "USDC"]


def new_totals(market):
    return [{**x, "system_debt": str(int(float(x["system_debt"])) * 125 // 100)} for x in market if x["kind"] == "reserve" and x["name"] != "USDC"]


def recovery(db):
    """One trove at 145 % in a system at 165 %: the crash makes it recovery mode, and 1.1 of its debt is taken, no more."""
    doc = json.loads(must("accounts", "export", "--db", db))
    prices = {"WETH": 3200}
    doc["accounts"] = [{"id": 7, "name": "trove", "rule": "liquity-1", "positions": [
        {"instrument": "WETH", "supply": "100", "debt": "0", "collateral": True},
        {"instrument": "USDC", "supply": "0", "debt": str(100 * prices["WETH"] * 100 // 145), "collateral": False}]}]
    p = imported("trove", doc)
    report(p.returncode == 0, "recovery mode: a trove", p.stderr)
    p = subprocess.run(command("trove", at("trove.db"), "fall.pcap", "--device", "model+vector"), capture_output=True, text=True, timeout=DEADLINE)
    ledger = judge("recovery mode", "trove", p.returncode, p.stdout + p.stderr, " model==vector: identical")
    gone, paid = -party(ledger, "WETH", "accounts"), party(ledger, "WETH", "liquidator")
    report(0 < gone < 100 * 10**18 and paid == gone // 200 and party(ledger, "USDC", "liquidator") == 200 * 10**18,
           "recovery mode: closed above 110 %%, %.1f of 100 stay the owner's" % (100 - gone / 1e18), ledger)


for rule in RULES:
    db = book(rule)
    killed(rule, db, crash(rule, db))
    weighed(rule, db)
    without = calm(rule, db)
    for device in ("model", "vector"):
        pushed(rule, db, device, *((new_rate, "a new rate") if rule == "maker-dog-1" else (new_totals, "new totals")), without)
recovery(at("liquity-1.db"))
shutil.rmtree(work)
finish()
