#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of dydx-v4-1, end to end: made, written out and read back the same, refused where a term is wrong, run through a crash on two
devices side by side with the audit, settled by the paper venue, replayed; killed in the middle and gone on; one liquidation of an account
in a second, in parts within the limits of a block; the fund earns, pays, and is not asked for more than its limit.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import collections
import re

from book_kit import at, audited, balances, changed, command, ended, generated, killed, made, orders_sent, reads_back, refused, replays
from keeper import finish, report

RULE, SECOND, BTC = "dydx-v4-1", 10**9, "BTC_USDC-PERPETUAL"
PRICES = {"BTC_USDC-PERPETUAL": 64000, "ETH_USDC-PERPETUAL": 3200, "SOL_USDC-PERPETUAL": 150, "XRP_USDC-PERPETUAL": "0.52"}


generated("crash.pcap", "crash")
generated("trend.pcap", "trend", 300, 15)


def cash_of(ledger):
    return {party: int(v) for party, v in re.findall(r"cash/USDC +(\w+) +(-?\d+)", ledger)}


def run(name, db, capture):
    p = ended(command(name, db, capture, "model+vector"))
    audited(p, name + ": the audit holds")
    report("model==vector: identical" in p.stdout, name + ": model and vector say the same", p.stdout)
    n = re.search(r"orders +(\d+) handed over.*: (\d+) filled, 0 refused", p.stdout)
    report(n and int(n[1]) == int(n[2]) > 20, name + ": orders are filled, none refused", p.stdout)
    replays(name, name + ": replays")
    return cash_of(balances(name, name + ": the ledger adds up")), list(orders_sent(at(name, "journal")))


def killed_twice(db):
    """kill -9 in the middle, twice, then to the end: the ledger adds up, and the journal replays."""
    argv = command("killed", db, "crash.pcap", "model")
    for _ in range(2):
        report(killed("killed", argv, (60000,)), "killed while it ran")
    audited(ended(argv), "goes on after kill -9")
    replays("killed", "replays what was killed")
    balances("killed", "killed: the ledger adds up")


def refuses(name, change, why):
    """An import of the book with one thing changed is refused with the reason."""
    refused(changed("wrong", whole, change, "linear"), "refuses " + name, why)


db = made("a", 300, "--perp", RULE, *[x for n, p in PRICES.items() for x in ("--price", "%s=%s" % (n, p))])
whole = reads_back("a")
refuses("a penalty", lambda w, x: x[BTC].update(penalty_ppm=2500), "penalty_ppm must be 0")
refuses("a tier that is not the margin", lambda w, x: x[BTC]["tiers"][0].update(rate_ppm=29999), "its rate_ppm initial_ppm x maintenance_ppm")
refuses("no initial margin", lambda w, x: x[BTC].pop("initial_ppm"), "initial_ppm and maintenance_ppm must be")
refuses("no tick", lambda w, x: x[BTC].pop("subticks_per_tick"), "subticks_per_tick must be")
refuses("a term of Drift", lambda w, x: x[BTC].update(perp_imf="0.001"), "a term of another protocol")
refuses("a state that is none", lambda w, x: w["accounts"][0].update(rule_state="5:7"), "rule_state")

cash, left = run("crash", db, "crash.pcap")
report(cash.get("venue", 0) > 0 and cash.get("liquidator", 0) > 0 > cash.get("deficit", 0), "the fund earns its fee and pays, who fills earns the spread", cash)
per_second = collections.Counter((account, ns // SECOND) for account, _, ns in left)
accounts = collections.Counter(account for account, _, _ in left)
report(max(per_second.values()) == 1, "one liquidation of an account in a second", per_second.most_common(3))
report(max(accounts.values()) > 2 and any(not full for _, full, _ in left), "parts follow one another", accounts.most_common(3))


def poor(w, x):
    for y in x.values():
        y.update(max_insurance_lost="0.000001")


def unlimited(w, x):
    for y in x.values():
        for name in ("max_insurance_lost", "max_notional_liquidated", "max_position_portion_ppm"):
            y.pop(name)


p = changed("poor", whole, poor, "linear")
cash, _ = run("poor", "poor.db", "crash.pcap")
report(p.returncode == 0 and -1000 < cash.get("deficit", 0) <= 0, "a fund that may pay nothing pays nothing: bankruptcy prices", cash)
p = changed("unlimited", whole, unlimited, "linear")
cash, left = run("trend", "unlimited.db", "trend.pcap")
report(p.returncode == 0 and sum(full for _, full, _ in left) > 5, "without limits whole accounts go", left[:5])
killed_twice(db)

finish()
