#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of Aave V4, end to end: made, given premium debts, written out and read back the same, run through a crash on two devices with
the audit, killed and resumed, settled by the paper venue, replayed. Small loans are repaid whole, large ones to the target health.

Prints TAP. Environment: TRIPLINE, SEED.
"""
from decimal import Decimal

from book_kit import (at, borrowers, changed, command, generated, judged, load, reads_back, refused, resumed, run,
                      save, told_midway)
from keeper import finish, number, report, tripline

RULE = "aave-v4-1"
sums = {}

for path in ("crash", "calm"):
    generated(path + ".pcap", path)


def fees(ledger):
    """What the protocol has kept of all liquidations, in USDC."""
    return number(ledger, r"token/USDC +venue +(\d+)")


def premiums(share):
    """A tenth of the debt in premium shares, whose premium is a share of the debt."""
    def change(book, reserves):
        for p in (p for a in book["accounts"] for p in a["positions"] if Decimal(p["debt"]) > 0):
            r = reserves[p["instrument"]]
            unit = Decimal(1).scaleb(-r["size_decimals"])
            debt, index = Decimal(p["debt"]), Decimal(r["borrow_index"])
            size = (debt / 10).quantize(unit)
            p["size"] = format(size, "f")
            p["funding"] = format((size * index - debt * Decimal(share)).quantize(Decimal("1e-18")), "f")
    return change


def round_trip():
    changed("told", whole, premiums("0.0004"))
    x = reads_back("told")
    usdc = next(i for i in x["instruments"] if i["name"] == "USDC")
    report({"added_assets", "added_shares", "target_health", "max_bonus_health", "bonus_factor_bps"} <= set(usdc), "the reserves have its terms", usdc)

    def owed(book):
        return [(Decimal(p["size"]), Decimal(p["funding"])) for a in book["accounts"] for p in a["positions"] if Decimal(p["debt"]) > 0]
    report(len(owed(x)) > 100 and owed(load("told.json")) == owed(x), "positions keep premium shares and offset", owed(x)[:4])


def refusals():
    def first_debt(book):
        return next(p for p in book["accounts"][0]["positions"] if Decimal(p["debt"]) > 0)
    for what, change, why in (
            ("no target health", lambda b, r: r["WETH"].pop("target_health"), "needs its target_health"),
            ("a health of the greatest bonus of 1", lambda b, r: r["USDC"].update(max_bonus_health="1"), "InvalidLiquidationConfig"),
            ("a bonus that outruns its factor", lambda b, r: r["WETH"].update(lb_bps=12500), "InvalidCollateralFactorAndMaxLiquidationBonus"),
            ("a supply index", lambda b, r: r["WETH"].update(liquidity_index="1.1"), "liquidity_index must be 1"),
            ("assets without shares", lambda b, r: r["WETH"].pop("added_shares"), "go together"),
            ("a rate", lambda b, r: r["WETH"].update(borrow_rate="0.1", told_at=5), "rates, ramps and grace periods"),
            ("premium shares below 0", lambda b, r: first_debt(b).update(size="-1"), "premium shares"),
            ("an offset of no shares", lambda b, r: first_debt(b).update(funding="1"), "premium shares"),
            ("a term of another protocol", lambda b, r: r["WETH"].update(close_factor="0.5"), "a term of another protocol")):
        refused(changed("wrong", whole, change), "refused: " + what, why)


def premium_counts():
    """Borrowers near their threshold fall below it by their premium alone."""
    for name, share in (("none", "0"), ("some", "0.05")):
        p = changed(name, whole, premiums(share))
        report(p.returncode == 0, "a premium of %s of the debt is imported" % share, p.stderr)
        sums[name] = fees(run("calm, premium %s" % share, "calm-" + name, name + ".db", "calm.pcap", "vector+model", "vector==model"))
    report(sums["some"] > 3 * sums["none"], "a premium liquidates without a price", sums)


def pushed(what, name, *more):
    """Indexes rise by 5 % in the midst of a run, premiums with them: told to the venue, of no account."""
    told = [{**x, "borrow_index": format(Decimal(x["borrow_index"]) * Decimal("1.05"), "f")} for x in load("told.out.json")["instruments"] if x["kind"] == "reserve"]
    file = save("push.json", {"instruments": told, "accounts": []})
    p, q = told_midway(command(name, "told.db", "long.pcap", "vector+model", "--no-lockstep", *more), name,
                       lambda: tripline("accounts", "push", "--socket", at(name, "venue.sock"), file))
    report(q.returncode == 0 and "parameters are of version 2" in q.stdout, "%s: the venue takes the indexes" % what, q.stdout + q.stderr)
    report(number(p.stdout, r"parameters +(\d+) changes taken, 0 refused") == 1, "%s: the keeper is told" % what, p.stdout + p.stderr)
    kept = fees(judged(what, name, p, "vector==model"))
    report(kept > 3 * max(0, sums["none"]), "%s: indexes liquidate without a price" % what, (kept, sums))


whole = borrowers("book", 500, RULE)
round_trip()
refusals()
ledger = run("a crash", "crash", "told.db", "crash.pcap", "vector+model", "vector==model")
report(number(ledger, r"token/WETH +liquidator +(\d+)") > 0, "a crash: loans were liquidated", ledger)
report(number(ledger, r"token/WETH +venue +(\d+)") > 0, "a crash: the protocol had its fee", ledger)
report(number(ledger, r"token/USDC +deficit +-(\d+)") > 0, "a crash: deficits were reported", ledger)
resumed("kill -9, and resumed", "killed", "told.db", "crash.pcap", "model", ("--venue-arg=--delay-us=3000",))
premium_counts()
generated("long.pcap", "calm", 6, 500)
pushed("indexes told in a run", "pushed")
pushed("indexes told in boxes", "boxed", "--geometry", "4x8x6")
finish()
