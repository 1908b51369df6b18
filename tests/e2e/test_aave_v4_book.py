#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of Aave V4, end to end: made, given premium debts, written out and read back the same, run through a crash on two devices with
the audit, killed and resumed, settled by the paper venue, replayed. Small loans are repaid whole, large ones to the target health.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from decimal import Decimal

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, tripline

RULE = "aave-v4-1"
print("# SEED=%d" % SEED)
sums = {}
work = tempfile.mkdtemp(prefix="tl-aave4-")


def at(*name):
    return os.path.join(work, *name)


for path in ("crash", "calm"):
    must("gen", "-q", "-o", at(path + ".pcap"), "--path", path, "--seconds", 6, "--rate", 100, "--seed", SEED)


def command(name, db, path, device, *more):
    return [TRIPLINE, "run", "--quiet", "--audit", "--accounts", at(db), "--capture", at(path + ".pcap"), "--dir", at(name), "--device", device,
            "--venue-arg=--fsync", "--venue-arg=off", *more]


def judged(what, name, code, text, devices=None):
    report(code == 0 and "missed=0 unconfirmed_orders=0" in text, "%s: the audit holds" % what, text)
    if devices:
        report("%s: identical" % devices in text, "%s: the devices agree" % what, text)
    p = tripline("replay", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: it replays" % what, p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, "%s: the ledger adds up" % what, p.stdout + p.stderr)
    return p.stdout


def run(what, name, db, path, device, devices=None):
    p = subprocess.run(command(name, db, path, device), capture_output=True, text=True, timeout=DEADLINE)
    return judged(what, name, p.returncode, p.stdout + p.stderr, devices)


def fees(ledger):
    """What the protocol has kept of all liquidations, in USDC."""
    return number(ledger, r"token/USDC +venue +(\d+)")


def imported(name, change):
    """A book of the borrowers alone, changed."""
    with open(at("book.json")) as f:
        book = json.load(f)
    book["accounts"] = [a for a in book["accounts"] if a["rule"] == RULE]
    change(book, {x["name"]: x for x in book["instruments"] if x["kind"] == "reserve"})
    with open(at(name + ".json"), "w") as f:
        json.dump(book, f)
    return tripline("accounts", "import", "--db", at(name + ".db"), at(name + ".json"))


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
    must("accounts", "gen", "--db", at("book.db"), "--accounts", 500, "--near", 400000, "--seed", SEED, "--lending", RULE)
    must("accounts", "export", "--db", at("book.db"), "-o", at("book.json"))
    p = imported("told", premiums("0.0004"))
    must("accounts", "export", "--db", at("told.db"), "-o", at("back.json"))
    must("accounts", "import", "--db", at("again.db"), at("back.json"))
    must("accounts", "export", "--db", at("again.db"), "-o", at("twice.json"))
    with open(at("back.json")) as f, open(at("twice.json")) as g:
        first, second = f.read(), g.read()
    x = json.loads(first)
    usdc = next(i for i in x["instruments"] if i["name"] == "USDC")
    report(p.returncode == 0 and first == second, "what is exported reads back the same", p.stderr)
    report({"added_assets", "added_shares", "target_health", "max_bonus_health", "bonus_factor_bps"} <= set(usdc), "the reserves have its terms", usdc)
    with open(at("told.json")) as f:
        told = json.load(f)

    def owed(book):
        return [(Decimal(p["size"]), Decimal(p["funding"])) for a in book["accounts"] for p in a["positions"] if Decimal(p["debt"]) > 0]
    report(len(owed(x)) > 100 and owed(told) == owed(x), "positions keep premium shares and offset", owed(x)[:4])


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
        p = imported("wrong", change)
        report(p.returncode == 1 and re.search(why, p.stderr), "refused: " + what, p.stderr)


def killed():
    began = time.monotonic()
    for part in (0.3, 0.6):
        p = subprocess.Popen(command("killed", "told.db", "crash", "model", "--venue-arg=--delay-us=3000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            p.communicate(timeout=0.2 + part)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
    p = subprocess.run(command("killed", "told.db", "crash", "model"), capture_output=True, text=True, timeout=DEADLINE)
    judged("kill -9, and resumed", "killed", p.returncode, p.stdout + p.stderr)
    print("# %.1f s" % (time.monotonic() - began))


def premium_counts():
    """Borrowers near their threshold fall below it by their premium alone."""
    for name, share in (("none", "0"), ("some", "0.05")):
        p = imported(name, premiums(share))
        report(p.returncode == 0, "a premium of %s of the debt is imported" % share, p.stderr)
        sums[name] = fees(run("calm, premium %s" % share, "calm-" + name, name + ".db", "calm", "vector+model", "vector==model"))
    report(sums["some"] > 3 * sums["none"], "a premium liquidates without a price", sums)


def pushed(what, name, *more):
    """Indexes rise by 5 % in the midst of a run, premiums with them: told to the venue, of no account."""
    with open(at("back.json")) as f:
        told = [{**x, "borrow_index": format(Decimal(x["borrow_index"]) * Decimal("1.05"), "f")} for x in json.load(f)["instruments"] if x["kind"] == "reserve"]
    with open(at("push.json"), "w") as f:
        json.dump({"instruments": told, "accounts": []}, f)
    p = subprocess.Popen(command(name, "told.db", "long", "vector+model", "--no-lockstep", *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + DEADLINE
    while not os.path.exists(at(name, "ready")) and time.monotonic() < end:
        time.sleep(0.002)
    p.send_signal(signal.SIGSTOP)
    q = tripline("accounts", "push", "--socket", at(name, "venue.sock"), at("push.json"))
    report(q.returncode == 0 and "parameters are of version 2" in q.stdout, "%s: the venue takes the indexes" % what, q.stdout + q.stderr)
    p.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=DEADLINE)
    report(number(out, r"parameters +(\d+) changes taken, 0 refused") == 1, "%s: the keeper is told" % what, out + err)
    kept = fees(judged(what, name, p.returncode, out + err, "vector==model"))
    report(kept > 3 * max(0, sums["none"]), "%s: indexes liquidate without a price" % what, (kept, sums))


round_trip()
refusals()
ledger = run("a crash", "crash", "told.db", "crash", "vector+model", "vector==model")
report(number(ledger, r"token/WETH +liquidator +(\d+)") > 0, "a crash: loans were liquidated", ledger)
report(number(ledger, r"token/WETH +venue +(\d+)") > 0, "a crash: the protocol had its fee", ledger)
report(number(ledger, r"token/USDC +deficit +-(\d+)") > 0, "a crash: deficits were reported", ledger)
killed()
premium_counts()
must("gen", "-q", "-o", at("long.pcap"), "--path", "calm", "--seconds", 6, "--rate", 500, "--seed", SEED)
pushed("indexes told in a run", "pushed")
pushed("indexes told in boxes", "boxed", "--geometry", "4x8x6")
shutil.rmtree(work)
finish()
