#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Drift v2 end to end, accounts with perpetuals and borrowers: made, written out and read back the same, as CSV too;
run through a crash on two devices with the audit, settled by the paper venue, replayed, killed and gone on with; what an account
remembers of its liquidation; refusals.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import copy
import json
import re
import shutil
import sqlite3

from book_kit import at, audited, balances, command, ended, exported, generated, imported, killed, load, made, of_party, reads_back, refused, replays
from keeper import finish, must, report, tripline

RULE = "drift-v2-1"


generated("crash.pcap", "crash")


def book(kind, *options):
    db = made(kind, 400, *options)
    return db, reads_back(kind, kind + ": ")


def run(kind, db, device):
    name = "%s-%s" % (kind, device)
    audited(ended(command(name, db, "crash.pcap", device)), "%s: the audit holds on %s" % (kind, device))
    replays(name, "%s: %s replays" % (kind, device))
    return balances(name, "%s: the ledger of %s adds up" % (kind, device))


def refuses(whole, change, why, name):
    wrong = copy.deepcopy(whole)
    change(wrong)
    p = imported("wrong", wrong)
    refused(p, "refuses " + name, "wrong.json:.*(%s)" % why)


def kill_and_go_on(db):
    """Killed in the middle and started again: the journal replays, the ledger adds up."""
    argv = command("killed", db, "crash.pcap", "model")
    died, p = killed("killed", argv), ended(argv)
    report(died and p.returncode == 0, "a killed run goes on", (died, p.stdout + p.stderr))
    replays("killed", "and replays")
    balances("killed", "and its ledger adds up")


db, whole = book("perpetuals", "--perp", RULE)
ids = sqlite3.connect(db).execute("SELECT count(*) FROM accounts WHERE rule = ?", (RULE,)).fetchone()[0]
report(ids > 200, "accounts with perpetuals and borrowers", ids)
mixed = [a for a in whole["accounts"] if len({"size" in p for p in a["positions"]}) == 2]
report(len(mixed) > 100, "accounts hold perpetuals and reserves", len(mixed))
quote = next(x for x in whole["instruments"] if "liquidation_buffer" in x)
report(quote["name"] == "USDC" and quote["size_decimals"] == 9, "the quote's reserve has the program's terms", quote)

shutil.copy(db, at("csv.db"))
must("accounts", "import", "--db", at("csv.db"), exported("perpetuals", "book.csv", "--csv"))
exported("csv", "csv.json")
report(load("csv.json") == whole, "through CSV it is the same")

ledgers = [run("perpetuals", db, device) for device in ("model", "vector")]
for ledger in ledgers:
    # A loss taken over for a deposit costs the liquidator cash, so that its sum may have either sign.
    report(of_party(ledger, "cash/USDC", "liquidator") != 0 and of_party(ledger, "cash/USDC", "venue") > 0, "positions were taken over, the fund has its fee", ledger)
    report(of_party(ledger, "token/USDC", "liquidator") != 0, "borrows were taken over", ledger)
kill_and_go_on(db)

# Open orders: told, written out and read back, counted from the start, gone with the first liquidation.
ordered = copy.deepcopy(whole)
for n, a in enumerate(ordered["accounts"]):
    for p in [p for p in a["positions"] if a["rule"] == RULE and n % 3 == 0]:
        if "size" in p:
            p.update(open_orders="2", open_bids=p["size"].lstrip("-"))
        elif p["instrument"] != "USDC":
            p.update(open_orders="1", open_asks="0.001")
with open(at("ordered.json"), "w") as f:
    json.dump(ordered, f)
must("accounts", "import", "--db", at("ordered.db"), at("ordered.json"))
must("accounts", "export", "--db", at("ordered.db"), "-o", at("ordered.back.json"))
must("accounts", "export", "--db", at("ordered.db"), "--csv", "-o", at("ordered.csv"))
must("accounts", "import", "--db", at("ordered.db"), at("ordered.csv"))
must("accounts", "export", "--db", at("ordered.db"), "-o", at("ordered.csv.json"))
with open(at("ordered.back.json")) as f, open(at("ordered.csv.json")) as g:
    back, csv = json.load(f), json.load(g)
told = [(p["instrument"], p["open_orders"]) for a in back["accounts"] for p in a["positions"] if "open_orders" in p]
report(back == csv and len(told) > 60 and {"1", "2"} == {n for _, n in told}, "open orders are kept, through CSV too", told[:5])
one = next(a for a in back["accounts"] if any("open_bids" in p for p in a["positions"]))
shown = must("accounts", "show", "--db", at("ordered.db"), one["id"])
report("open orders 2: buy " in shown, "and shown", shown)
due = [must("accounts", "show", "--db", x, "--capture", at("crash.pcap")).count("LIQUIDATABLE") for x in (db, at("ordered.db"))]
report(due[0] == 0 and due[1] > 5, "they count: some are liquidatable at once", due)
run("ordered", at("ordered.db"), "model")

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


kept = copy.deepcopy(whole)
state("%d:7000000" % (1 | 4 | 4000000000 << 3))(kept)
imported("kept", kept)
exported("kept", "kept.back.json")
report(load("kept.back.json")["accounts"][place]["rule_state"] == "32000000005:7000000", "what an account remembers is kept")

refuses(whole, state("3:0"), "being liquidated or bankrupt, not both", "both flags")
refuses(whole, lambda b: b["accounts"][place].__setitem__("cash", "5"), "no cash", "cash")
refuses(whole, lambda b: b["accounts"][place].__setitem__("positions", [p for p in account["positions"] if p["instrument"] != "USDC"]),
        "need a position in the quote's reserve", "perpetuals without the quote")
refuses(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "USDC").pop("liquidation_buffer"), "liquidation_buffer", "a market without a quote")
refuses(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "WETH").__setitem__("exchange_rate", "1"), "term of another protocol", "a foreign term")
refuses(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "WETH").__setitem__("size_decimals", 18), "size_decimals must be 9|decimals", "tokens that are no scaled balances")
refuses(whole, lambda b: next(x for x in b["instruments"] if x["name"] == "BTC_USDC-PERPETUAL")["tiers"].append({"floor": "100000", "rate_ppm": 50000}), "one tier", "maintenance tiers")
p = tripline("accounts", "gen", "--db", at("no.db"), "--perp", "comet-1")
report(p.returncode == 2 and "no rule for linear perpetuals" in p.stderr, "--perp takes rules of perpetuals", p.stderr)
p = tripline("accounts", "gen", "--db", at("no.db"), "--perp", RULE, "--lending", "aave-3.5")
report(p.returncode == 1 and "--lending must name it too" in p.stderr, "and its reserves are its own", p.stderr)
p = tripline("rule", "margin", RULE)
report(p.returncode == 0 and re.search(r"%s .* 0\n" % RULE, p.stdout), "no breach without a flag at random prices", p.stdout + p.stderr)
finish()
