#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Maker's vaults and Liquity's troves, end to end: made, written out and read back the same, run through a crash on
two devices that agree, audited, settled by the paper venue, replayed, killed and resumed; a new rate of Dai and new totals
of the system, pushed into a run, reach the rows; recovery mode leaves the owner what is not owed.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import copy
import json
import sqlite3

from book_kit import (at, audited, balances, command, ended, generated, imported, killed, made, of_party, reads_back, refused, replays, save,
                      told_midway)
from keeper import finish, must, number, report, tripline

RULES = {"maker-dog-1": {"liquidation_ratio", "hole", "total_hole", "debt_dust", "chop", "chip", "tip"},
         "liquity-1": {"system_coll", "system_debt", "pool_deposits"}}
NEEDED = {"maker-dog-1": "total_hole", "liquity-1": "system_debt"}
ALL = set().union(*RULES.values()) | {"exchange_rate", "borrow_shares"}


generated("crash.pcap", "crash")
generated("fall.pcap", "crash", 20, 200)
generated("calm.pcap", "calm", 10, 1000)


def book(rule):
    db = made(rule, 400, "--lending", rule)
    doc = reads_back(rule, rule + ": ")
    reserves = [x for x in doc["instruments"] if x["kind"] == "reserve"]
    mine = [a for a in doc["accounts"] if a["rule"] == rule]
    report(len(reserves) > 1 and all(set(x) & ALL == RULES[rule] for x in reserves), rule + ": the reserves have its terms", reserves[:1])
    report(len(mine) > 40 and all(float(p["debt"]) == 0 or p["instrument"] == "USDC" for a in mine for p in a["positions"]),
           rule + ": dollars are owed, coins are supplied", mine[:2])
    for field, value, why in (("liquidity_rate", "0.1", "rates, ramps and grace periods"), ("close_factor", "0.5", "close_factor"), ("lt_bps", 8000, "lt_bps must be 0"),
                              (NEEDED[rule], None, "needs")):
        wrong = copy.deepcopy(doc)
        for x in wrong["instruments"]:
            if x["kind"] == "reserve":
                x.update({field: value, "told_at": 5 if field == "liquidity_rate" else None, "lb_bps": 10500})
        refused(imported("%s.%s" % (rule, field), wrong), "%s: refuses %s" % (rule, "a reserve without " + field if value is None else field), why)
    return db


def judge(what, name, p, more=""):
    audited(p, what + ": the audit holds", more)
    replays(name, what + ": replays")
    return balances(name, what + ": the ledger adds up")


def filled(name, rule, db):
    ids = {r[0] for r in sqlite3.connect(db).execute("SELECT id FROM accounts WHERE rule = ?", (rule,))}
    return {r[0] for r in sqlite3.connect(at(name, "venue.db")).execute("SELECT account FROM orders WHERE status = 1")} & ids


def crash(rule, db):
    name = rule + "-both"
    p = ended(command(name, db, "crash.pcap", "model+vector"))
    ledger = judge(rule + ": through a crash", name, p, " model==vector: identical")
    taken = [t for t in ("WETH", "WBTC", "SOL") if of_party(ledger, "token/" + t, "venue") > 0]
    report(len(filled(name, rule, db)) > 20 and taken and of_party(ledger, "token/USDC", "liquidator") > 0 and of_party(ledger, "token/USDC", "accounts") > 0,
           rule + ": %d were liquidated, debts and collateral gone, the keeper paid" % len(filled(name, rule, db)), ledger)
    p = ended(command(rule + "-vector", db, "crash.pcap", "vector"))
    judge(rule + ": vector alone", rule + "-vector", p)
    report(filled(name, rule, db) == filled(rule + "-vector", rule, db), rule + ": the same accounts with boxes and without",
           filled(name, rule, db) ^ filled(rule + "-vector", rule, db))


def weighed(rule, db):
    """Orders by what they earn after a way out: there is none, and these need none."""
    name = rule + "-worth"
    p = ended(command(name, db, "crash.pcap", "model", "--set", "worth=1", "--set", "min_profit_e8=1"))
    judge(rule + ": with worth", name, p)
    report(filled(name, rule, db) == filled(rule + "-both", rule, db), rule + ": ordered without a way out too", filled(name, rule, db) ^ filled(rule + "-both", rule, db))


def resumed(rule, db):
    name = rule + "-killed"
    argv = command(name, db, "crash.pcap", "model")
    judge("%s: killed %d times and resumed" % (rule, killed(name, argv)), name, ended(argv))


def calm(rule, db):
    p = ended(command(rule + "-calm", db, "calm.pcap", "model"))
    judge(rule + ": a calm market", rule + "-calm", p)
    return filled(rule + "-calm", rule, db)


def pushed(rule, db, device, change, what, without):
    """A run that stands still midway is told new parameters: who is below the line with them is liquidated."""
    name = "%s-push-%s" % (rule, device)
    market = json.loads(must("accounts", "export", "--db", db, "--market"))["instruments"]
    file = save(name + ".push.json", {"instruments": change(market)})
    p, said = told_midway(command(name, db, "calm.pcap", device, "--no-lockstep"), name,
                          lambda: tripline("accounts", "push", "--socket", at(name, "venue.sock"), file))
    judge("%s: %s on %s" % (rule, what, device), name, p)
    by_it = filled(name, rule, db) - without
    report(said.returncode == 0 and number(p.stdout, r"parameters +(\d+) changes taken, 0 refused") == 1 and len(by_it) > 8,
           "%s: %s on %s: %d are liquidated by it" % (rule, what, device, len(by_it)), said.stderr + p.stdout + p.stderr)


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
    p = ended(command("trove", at("trove.db"), "fall.pcap", "model+vector"))
    ledger = judge("recovery mode", "trove", p, " model==vector: identical")
    gone, paid = -of_party(ledger, "token/WETH", "accounts"), of_party(ledger, "token/WETH", "liquidator")
    report(0 < gone < 100 * 10**18 and paid == gone // 200 and of_party(ledger, "token/USDC", "liquidator") == 200 * 10**18,
           "recovery mode: closed above 110 %%, %.1f of 100 stay the owner's" % (100 - gone / 1e18), ledger)


for rule in RULES:
    db = book(rule)
    crash(rule, db)
    resumed(rule, db)
    weighed(rule, db)
    without = calm(rule, db)
    for device in ("model", "vector"):
        pushed(rule, db, device, *((new_rate, "a new rate") if rule == "maker-dog-1" else (new_totals, "new totals")), without)
recovery(at("liquity-1.db"))
finish()
