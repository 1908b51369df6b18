#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of Euler's vault kit, end to end: made, written out and read back the same, run through a crash on two devices with the
audit, killed and resumed, settled by the paper venue, replayed. An LTV that ramps down liquidates without a price, a cool-off keeps
orders back until its second.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, tripline

RULE, START = "evk-1", 1780272000  # the first second of `tripline gen`
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-evk-")


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


def taken(ledger):
    """Tokens of all reserves that liquidators have received."""
    return sum(int(x) for x in re.findall(r"token/\S+ +liquidator +(\d+)", ledger))


def imported(name, change):
    """A book of the borrowers alone, changed."""
    with open(at("book.json")) as f:
        book = json.load(f)
    book["accounts"] = [a for a in book["accounts"] if a["rule"] == RULE]
    change(book, {x["name"]: x for x in book["instruments"] if x["kind"] == "reserve"})
    with open(at(name + ".json"), "w") as f:
        json.dump(book, f)
    return tripline("accounts", "import", "--db", at(name + ".db"), at(name + ".json"))


def round_trip():
    must("accounts", "gen", "--db", at("book.db"), "--accounts", 500, "--near", 400000, "--seed", SEED, "--lending", RULE)
    must("accounts", "export", "--db", at("book.db"), "-o", at("book.json"))

    def state(book, reserves):
        reserves["WETH"].update(ramp_from_bps=8800, ramp_start=START, ramp_end=START + 100)
        reserves["USDC"]["cool_off_s"] = "12"
        for a in book["accounts"][::2]:
            a["rule_state"] = str(START - 5)
    p = imported("told", state)
    must("accounts", "export", "--db", at("told.db"), "-o", at("back.json"))
    must("accounts", "import", "--db", at("again.db"), at("back.json"))
    must("accounts", "export", "--db", at("again.db"), "-o", at("twice.json"))
    with open(at("back.json")) as f, open(at("twice.json")) as g:
        first, second = f.read(), g.read()
    x = json.loads(first)
    usdc = next(i for i in x["instruments"] if i["name"] == "USDC")
    report(p.returncode == 0 and first == second, "what is exported reads back the same", p.stderr)
    report({"max_discount_bps", "cool_off_s", "vault_assets", "vault_shares"} <= set(usdc), "the reserves have its terms", usdc)
    states = [a.get("rule_state") for a in x["accounts"]]
    report(len(states) > 60 and states[0] == "%d:0" % (START - 5) and states[1] is None, "accounts keep their last status check", states[:4])


def refusals():
    for what, change, why in (
            ("an incentive", lambda b, r: r["WETH"].update(lb_bps=10500), "discount follows from health"),
            ("an index", lambda b, r: r["WETH"].update(borrow_index="1.1"), "indexes must be 1"),
            ("a rate", lambda b, r: r["WETH"].update(liquidity_rate="0.1", told_at=5), "rates, ramps and grace periods"),
            ("a discount of 100 %", lambda b, r: r["WETH"].update(max_discount_bps="10000"), "max_discount_bps must be below"),
            ("a state of a future century", lambda b, r: b["accounts"][0].update(rule_state="99999999999"), "last status check"),
            ("a term of another protocol", lambda b, r: r["WETH"].update(close_factor="0.5"), "a term of another protocol")):
        p = imported("wrong", change)
        report(p.returncode == 1 and re.search(why, p.stderr), "refused: " + what, p.stderr)


def killed():
    began = time.monotonic()
    for part in (0.3, 0.6):
        p = subprocess.Popen(command("killed", "book.db", "crash", "model", "--venue-arg=--delay-us=3000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            p.communicate(timeout=0.2 + part)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
    p = subprocess.run(command("killed", "book.db", "crash", "model"), capture_output=True, text=True, timeout=DEADLINE)
    judged("kill -9, and resumed", "killed", p.returncode, p.stdout + p.stderr)
    print("# %.1f s" % (time.monotonic() - began))


def waiting():
    """Borrowers whose vault found them healthy as the capture began."""
    def cool(seconds):
        def change(book, reserves):
            for x in reserves.values():
                x["cool_off_s"] = str(seconds)
            for a in book["accounts"]:
                a["rule_state"] = str(START)
        return change
    sums = {}
    for seconds in (3, 3600):
        p = imported("cool%d" % seconds, cool(seconds))
        report(p.returncode == 0, "a cool-off of %d s is imported" % seconds, p.stderr)
        sums[seconds] = taken(run("cool-off of %d s" % seconds, "cooled%d" % seconds, "cool%d.db" % seconds, "crash", "vector+model", "vector==model"))
    report(sums[3] > 0 and sums[3600] == 0, "orders wait for the cool-off's end, and no longer", sums)


def ramps():
    def ramp(book, reserves):
        for x in reserves.values():
            x.update(ramp_from_bps=x["lt_bps"], ramp_start=START, ramp_end=START + 6, lt_bps=x["lt_bps"] - 1500)
    p = imported("ramp", ramp)
    report(p.returncode == 0, "a ramp is imported", p.stderr)
    still = taken(run("calm, no ramp", "still", "book.db", "calm", "model"))
    moved = taken(run("calm, and a ramp", "ramped", "ramp.db", "calm", "vector+model", "vector==model"))
    report(moved > 10 * still, "a ramp liquidates without a price", (still, moved))


round_trip()
refusals()
for device, agree in (("model", None), ("vector+model", "vector==model")):
    ledger = run("a crash on " + device, "crash-" + device, "book.db", "crash", device, agree)
    report(number(ledger, r"token/WETH +liquidator +(\d+)") > 0, "a crash on %s: loans were liquidated" % device, ledger)
    report(number(ledger, r"token/\w+ +deficit +-(\d+)") > 0, "a crash on %s: bad debt was socialised" % device, ledger)
killed()
waiting()
ramps()
shutil.rmtree(work)
finish()
