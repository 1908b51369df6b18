#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Drift v2 end to end, accounts with perpetuals and borrowers: made, written out and read back the same, as CSV too;
run through a crash on two devices with the audit, settled by the paper venue, replayed, killed and gone on with; what an account
remembers of its liquidation; refusals.

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

from keeper import SEED, TRIPLINE, finish, must, report, tripline

RULE = "drift-v2-1"
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-drift-")


def at(name):
    return os.path.join(work, name)


capture = at("crash.pcap")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 6, "--rate", 100, "--seed", SEED)


def book(kind, *options):
    db, out, back = at(kind + ".db"), at(kind + ".json"), at(kind + ".back.json")
    must("accounts", "gen", "--db", db, "--accounts", 400, "--near", 400000, "--seed", SEED, *options)
    must("accounts", "export", "--db", db, "-o", out)
    must("accounts", "import", "--db", at(kind + ".2.db"), out)
    must("accounts", "export", "--db", at(kind + ".2.db"), "-o", back)
    with open(out) as f, open(back) as g:
        first, second = f.read(), g.read()
    report(first == second, kind + ": what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    return db, json.loads(first)


def run(kind, db, device):
    name = "%s-%s" % (kind, device)
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", device,
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "%s: the audit holds on %s" % (kind, device), p.stdout + p.stderr)
    p = tripline("replay", os.path.join(at(name), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: %s replays" % (kind, device), p.stdout + p.stderr)
    ledger = tripline("venue", "ledger", "--state", os.path.join(at(name), "venue.db"))
    report(ledger.returncode == 0 and "conservation: holds to the last unit" in ledger.stdout, "%s: the ledger of %s adds up" % (kind, device), ledger.stdout + ledger.stderr)
    return ledger.stdout


def of_party(ledger, what, party):
    m = re.search(r"%s +%s +(-?\d+)" % (what, party), ledger)
    return int(m[1]) if m else 0


def refused(whole, change, why, name):
    wrong = json.loads(json.dumps(whole))
    change(wrong)
    with open(at("wrong.json"), "w") as f:
        json.dump(wrong, f)
    p = tripline("accounts", "import", "--db", at("wrong-%s.db" % name.replace(" ", "-")), at("wrong.json"))
    report(p.returncode == 1 and re.search(why, p.stderr) and "wrong.json:" in p.stderr, "refuses " + name, p.stderr)


def kill_and_go_on(db):
    """Killed in the middle and started again: the journal replays, the ledger adds up."""
    argv = [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at("killed"), "--device", "model", "--venue-arg=--fsync", "--venue-arg=off"]
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(0.7)
    os.killpg(p.pid, signal.SIGKILL)
    p.wait()
    q = tripline(*argv[1:])
    report(q.returncode == 0, "a killed run goes on", q.stdout + q.stderr)
    q = tripline("replay", os.path.join(at("killed"), "journal"))
    report(q.returncode == 0 and "replay: identical" in q.stdout, "and replays", q.stdout + q.stderr)
    q = tripline("venue", "ledger", "--state", os.path.join(at("killed"), "venue.db"))
    report(q.returncode == 0 and "conservation: holds to the last unit" in q.stdout, "and its ledger adds up", q.stdout + q.stderr)


db, whole = book("perpetuals", "--perp", RULE)
ids = sqlite3.connect(db).execute("SELECT count(*) FROM accounts WHERE rule = ?", (RULE,)).fetchone()[0]
report(ids > 200, "accounts with perpetuals and borrowers", ids)
mixed = [a for a in whole["accounts"] if len({"size" in p for p in a["positions"]}) == 2]
report(len(mixed) > 100, "accounts hold perpetuals and reserves", len(mixed))
quote = next(x for x in whole["instruments"] if "liquidation_buffer" in x)
report(quote["name"] == "USDC" and quote["size_decimals"] == 9, "the quote's reserve has the program's terms", quote)

must("accounts", "export", "--db", db, "--csv", "-o", at("book.csv"))
shutil.copy(db, at("csv.db"))
must("accounts", "import", "--db", at("csv.db"), at("book.csv"))
must("accounts", "export", "--db", at("csv.db"), "-o", at("csv.json"))
with open(at("csv.json")) as f:
    report(json.load(f) == whole, "through CSV it is the same")

ledgers = [run("perpetuals", db, device) for device in ("model", "vector")]
for ledger in ledgers:
    # A loss taken over for a deposit costs the liquidator cash, so that its sum may have either sign.
    report(of_party(ledger, "cash/USDC", "liquidator") != 0 and of_party(ledger, "cash/USDC", "venue") > 0, "positions were taken over, the fund has its fee", ledger)
    report(of_party(ledger, "token/USDC", "liquidator") != 0, "borrows were taken over", ledger)
kill_and_go_on(db)

p = tripline("lab", "var", "--accounts", db, "--paths", 200)
report(p.returncode == 0 and re.search(r"equal: 0 of \d+ verdicts differ", p.stdout), "value at risk by rows is that of the exact rule", p.stdout + p.stderr)
with open(at("day.yaml"), "w") as f:
    f.write("""name: day
title: "Day"
seed: 3
accounts: {store: %s}
horizon_s: 3600
steps: 30
coins:
  - name: BTC
    assets: [BTC_USDC-PERPETUAL, BTC-PERPETUAL, btc_usd]
    path: {shape: gap, at: 5, fall_ppm: 90000}
    book: [{away_ppm: 1000, money: 2000000}]
    pool: 20000000
    half_life: 3
policy: {kind: full}
keeper: {orders: 0}
fund: {balance: 100000, floor: 1000, fees: true}
waterfall: drift
""" % db)
p = tripline("lab", "run", at("day.yaml"))
report(p.returncode == 0 and re.search(r"Conserved +yes", p.stdout), "a cascade conserves its money", p.stdout + p.stderr)
db, loans = book("borrowers", "--lending", RULE)
run("borrowers", db, "model")

account = mixed[0]
place = whole["accounts"].index(account)


def state(value):
    return lambda b: b["accounts"][place].__setitem__("rule_state", value)


kept = json.loads(json.dumps(whole))
state("%d:7000000" % (1 | 4 | 4000000000 << 3))(kept)
with open(at("kept.json"), "w") as f:
    json.dump(kept, f)
must("accounts", "import", "--db", at("kept.db"), at("kept.json"))
must("accounts", "export", "--db", at("kept.db"), "-o", at("kept.back.json"))
with open(at("kept.back.json")) as f:
    report(json.load(f)["accounts"][place]["rule_state"] == "32000000005:7000000", "what an account remembers is kept")

refused(whole, state("3:0"), "being liquidated or bankrupt, not both", "both flags")
refused(whole, lambda b: b["accounts"][place].__setitem__("cash", "5"), "no cash", "cash")
refused(whole, lambda b: b["accounts"][place].__setitem__("positions", [p for p in account["positions"] if p["instrument"] != "USDC"]),
        "need a position in the quote's reserve", "perpetuals without the quote")
refused(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "USDC").pop("liquidation_buffer"), "liquidation_buffer", "a market without a quote")
refused(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "WETH").__setitem__("exchange_rate", "1"), "term of another protocol", "a foreign term")
refused(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "WETH").__setitem__("size_decimals", 18), "size_decimals must be 9|decimals", "tokens that are no scaled balances")
refused(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "BTC_USDC-PERPETUAL")["tiers"].append({"floor": "100000", "rate_ppm": 50000}), "one tier", "maintenance tiers")
p = tripline("accounts", "gen", "--db", at("no.db"), "--perp", "comet-1")
report(p.returncode == 2 and "no rule for linear perpetuals" in p.stderr, "--perp takes rules of perpetuals", p.stderr)
p = tripline("accounts", "gen", "--db", at("no.db"), "--perp", RULE, "--lending", "aave-3.5")
report(p.returncode == 1 and "--lending must name it too" in p.stderr, "and its reserves are its own", p.stderr)
p = tripline("rule", "margin", RULE)
report(p.returncode == 0 and re.search(r"%s .* 0\n" % RULE, p.stdout), "no breach without a flag at random prices", p.stdout + p.stderr)
shutil.rmtree(work)
finish()
