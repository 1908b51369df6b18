#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of binance-usdm-1 and hyperliquid-1, end to end: made, written out and read back the same, run through a crash on two devices
side by side with the audit, settled by the paper venue, replayed; killed in the middle and gone on; Hyperliquid's part, its cooldown in
the account, and the whole.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import re
import shutil

from book_kit import at, audited, balances, changed, command, ended, generated, killed, made, orders_sent, reads_back, refused, replays
from keeper import finish, report

BN, HL, BTC = "binance-usdm-1", "hyperliquid-1", "BTC_USDC-PERPETUAL"
PRICES = {"BTC_USDC-PERPETUAL": 64000, "ETH_USDC-PERPETUAL": 3200, "SOL_USDC-PERPETUAL": 150, "XRP_USDC-PERPETUAL": "0.52"}


capture = generated("crash.pcap", "crash")
decline = generated("trend.pcap", "trend", 600, 15)  # slow enough that a part is followed by the rest


def book(rule):
    db = made(rule, 300, "--perp", rule, *[x for n, p in PRICES.items() for x in ("--price", "%s=%s" % (n, p))])
    return db, reads_back(rule, rule + ": ")


def refuses(rule, whole, name, change, why):
    """An import of the book with one thing changed is refused with the reason."""
    refused(changed("wrong", whole, change, "linear"), "%s: refuses %s" % (rule, name), why)


def run(rule, db, capture, *more):
    name = rule + "-run"
    shutil.rmtree(at(name), ignore_errors=True)
    p = ended(command(name, db, capture, "model+vector", *more))
    audited(p, rule + ": the audit holds")
    report("model==vector: identical" in p.stdout, rule + ": model and vector say the same", p.stdout)
    orders = re.search(r"orders +(\d+) handed over.*: (\d+) filled, 0 refused", p.stdout)
    report(orders and int(orders[1]) == int(orders[2]) > 20, rule + ": orders are filled, none refused", p.stdout)
    report("no-profit" not in p.stdout, rule + ": orders that earn nothing go all the same", p.stdout)
    replays(name, rule + ": replays")
    return balances(name, rule + ": the ledger adds up")



def parties(ledger):
    return {p: int(v) for p, v in re.findall(r"cash/USDC +(\w+) +(-?\d+)", ledger)}


def killed_twice(rule, db):
    """kill -9 in the middle, twice, then to the end: the ledger is as it would be, and the journal replays."""
    name = rule + "-killed"
    argv = command(name, db, capture, "model")
    for _ in range(2):
        report(killed(name, argv, (60000,)), rule + ": killed while it ran")
    audited(ended(argv), rule + ": goes on after kill -9")
    replays(name, rule + ": replays what was killed")
    balances(name, rule + ": its ledger adds up")


def staged(path):
    """Of each order that left: (account, full, ns since this account's last order for a part, None: there was none)."""
    parts, out = {}, []
    for account, full, now in orders_sent(path):
        out.append((account, full, now - parts[account] if account in parts else None))
        if not full:
            parts[account] = now
    return out


def penalty(whole, linear):
    linear[BTC]["penalty_ppm"] = 2500


db, whole = book(BN)
refuses(BN, whole, "a penalty", penalty, "penalty_ppm must be 0")
refuses(BN, whole, "a term of Hyperliquid", lambda w, x: x[BTC].update(lot="0.001"), "a term of another protocol")
refuses(BN, whole, "a state", lambda w, x: w["accounts"][0].update(rule_state="5:0"), "rule_state")
ledger = run(BN, db, capture)
p = parties(ledger)
report(p.get("venue", 0) > 0 and p.get("liquidator", 0) == 0, BN + ": the fund takes over, nobody else earns", ledger)
killed_twice(BN, db)

db, whole = book(HL)
refuses(HL, whole, "a penalty", penalty, "penalty_ppm must be 0")
refuses(HL, whole, "a rate of no leverage", lambda w, x: x[BTC]["tiers"][0].update(rate_ppm=10001), "of a whole leverage")
ledger = run(HL, db, capture)
p = parties(ledger)
report(p.get("venue", 0) > 0 and p.get("liquidator", 0) == 0, HL + ": the vault takes over what falls far", ledger)
killed_twice(HL, db)

# A decline. Parts within 30 s of a part are nobody's; a second one is, afterwards, and needs the clock alone to have gone on.
run(HL, db, decline)
orders = staged(at(HL + "-run", "journal"))
again = [(full, since) for _, full, since in orders if since is not None]
report(sum(not full for _, full, _ in orders) > 5, HL + ": parts leave first", orders)
report(all(full for full, since in again if since < 29 * 10**9) and any(full for full, since in again if since < 29 * 10**9), HL + ": in the cooldown all of it goes", again)
report(any(not full for full, since in again if since >= 30 * 10**9), HL + ": after the cooldown again a part", again)

# The rule stages itself: the desk's own stages pass it by, and the same orders leave.
run(HL, db, decline, "--set", "stages=hyperliquid")
report(staged(at(HL + "-run", "journal")) == orders, HL + ": stages=hyperliquid changes nothing")

finish()
