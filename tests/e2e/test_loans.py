#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Morpho Blue, Compound III and Compound v2, end to end: made, written out and read back the same, run through a
crash on two devices with the audit, settled by the paper venue, replayed.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import sqlite3
import tempfile

from keeper import SEED, finish, must, report, tripline

TERMS = {"morpho-blue-1": {"borrow_assets", "borrow_shares"}, "comet-1": set(), "compound-v2-1": {"exchange_rate", "close_factor"}}
ALL = set().union(*TERMS.values())
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-loans-")
capture = os.path.join(work, "crash.pcap")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 6, "--rate", 100, "--seed", SEED)


def at(name):
    return os.path.join(work, name)


def book(rule):
    db, out, back = at(rule + ".db"), at(rule + ".json"), at(rule + ".back.json")
    must("accounts", "gen", "--db", db, "--accounts", 400, "--near", 400000, "--seed", SEED, "--lending", rule)
    must("accounts", "export", "--db", db, "-o", out)
    must("accounts", "import", "--db", at(rule + ".2.db"), out)
    must("accounts", "export", "--db", at(rule + ".2.db"), "-o", back)
    with open(out) as f, open(back) as g:
        first, second = f.read(), g.read()
    reserves = [x for x in json.loads(first)["instruments"] if x["kind"] == "reserve"]
    report(first == second, rule + ": what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    report(len(reserves) > 1 and all(set(x) & ALL == TERMS[rule] for x in reserves), rule + ": the reserves have its terms", reserves[:1])
    for extra, why in (("rate", "rates, ramps and grace periods"), ("foreign", "a term of another protocol")):
        wrong = json.loads(first)
        for x in wrong["instruments"]:
            if x["kind"] == "reserve":
                x.update({"liquidity_rate": "0.1", "told_at": 5} if extra == "rate" else {"borrow_shares": "1"} if rule != "morpho-blue-1" else {"close_factor": "0.5"})
        with open(at("wrong.json"), "w") as f:
            json.dump(wrong, f)
        p = tripline("accounts", "import", "--db", at(rule + extra + ".db"), at("wrong.json"))
        report(p.returncode == 1 and re.search(why, p.stderr), "%s: refuses a %s of another protocol" % (rule, "term" if extra == "foreign" else "rate"), p.stderr)
    return db


def run(rule, db, device):
    name = "%s-%s" % (rule, device)
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", device,
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "%s: the audit holds on %s" % (rule, device), p.stdout + p.stderr)
    p = tripline("replay", os.path.join(at(name), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: %s replays" % (rule, device), p.stdout + p.stderr)
    ledger = tripline("venue", "ledger", "--state", os.path.join(at(name), "venue.db"))
    report(ledger.returncode == 0 and "conservation: holds to the last unit" in ledger.stdout, "%s: the ledger of %s adds up" % (rule, device), ledger.stdout + ledger.stderr)
    return ledger.stdout


for rule in TERMS:
    db = book(rule)
    ids = [str(r[0]) for r in sqlite3.connect(db).execute("SELECT id FROM accounts WHERE rule = ?", (rule,))]
    report(len(ids) > 40, rule + ": borrowers", len(ids))
    for ledger in [run(rule, db, device) for device in ("model", "vector")]:
        taken = re.search(r"token/WETH +liquidator +(\d+)", ledger)
        report(taken and int(taken[1]) > 0, rule + ": loans were liquidated", ledger)
shutil.rmtree(work)
finish()
