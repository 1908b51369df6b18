#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of Morpho Blue positions with a pre-liquidation contract, end to end: made, written out and read back the same, run through a
crash on two devices with the audit, killed and resumed, settled by the paper venue, replayed. Where prices fall slowly parts are repaid
that Morpho itself would leave alone.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, tripline

RULE, TERMS = "morpho-pre-liquidation-1", {"pre_lltv", "pre_lcf1", "pre_lcf2", "pre_lif1", "pre_lif2"}
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-prel-")


def at(*name):
    return os.path.join(work, *name)


for path in ("crash", "calm"):
    must("gen", "-q", "-o", at(path + ".pcap"), "--path", path, "--seconds", 6, "--rate", 100, "--seed", SEED)


def command(name, db, path, device, *more):
    return [TRIPLINE, "run", "--quiet", "--audit", "--accounts", at(db), "--capture", at(path + ".pcap"), "--dir", at(name), "--device", device,
            "--venue-arg=--fsync", "--venue-arg=off", *more]


def run(what, name, db, path, device, devices=None):
    p = subprocess.run(command(name, db, path, device), capture_output=True, text=True, timeout=DEADLINE)
    text = p.stdout + p.stderr
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in text, "%s: the audit holds" % what, text)
    if devices:
        report("%s: identical" % devices in text, "%s: the devices agree" % what, text)
    p = tripline("replay", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: it replays" % what, p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, "%s: the ledger adds up" % what, p.stdout + p.stderr)
    return p.stdout


def changed(name, change):
    with open(at("book.json")) as f:
        book = json.load(f)
    book["accounts"] = [a for a in book["accounts"] if a["rule"] == RULE]
    change(book, {x["name"]: x for x in book["instruments"] if x["kind"] == "reserve"})
    with open(at(name + ".json"), "w") as f:
        json.dump(book, f)
    return tripline("accounts", "import", "--db", at(name + ".db"), at(name + ".json"))


def taken(ledger):
    return sum(int(x) for x in re.findall(r"token/\S+ +liquidator +(\d+)", ledger))


def round_trip():
    must("accounts", "gen", "--db", at("book.db"), "--accounts", 600, "--near", 400000, "--seed", SEED, "--lending", RULE)
    must("accounts", "export", "--db", at("book.db"), "-o", at("book.json"))
    must("accounts", "import", "--db", at("again.db"), at("book.json"))
    must("accounts", "export", "--db", at("again.db"), "-o", at("back.json"))
    with open(at("book.json")) as f, open(at("back.json")) as g:
        first, second = f.read(), g.read()
    report(first == second, "what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    x = json.loads(first)
    report(all(TERMS <= set(i) for i in x["instruments"] if i["kind"] == "reserve"), "the reserves have its terms", x["instruments"][-1])
    report(sum(a["rule"] == RULE for a in x["accounts"]) > 80, "borrowers")
    for what, term, why in (("a preLltv at the LLTV", {"pre_lltv": "0.83"}, "PreLltvTooHigh"), ("no contract", {"pre_lltv": "0"}, "morpho-blue-1 is the rule without one"),
                            ("a falling incentive", {"pre_lif1": "1.05"}, "PreLIFDecreasing"), ("another protocol's term", {"cool_off_s": "5"}, "a term of another protocol")):
        p = changed("wrong", lambda b, r: r["WETH"].update(term))
        report(p.returncode == 1 and re.search(why, p.stderr), "refused: " + what, p.stderr)


def killed():
    for seconds in (0.5, 0.8):
        p = subprocess.Popen(command("killed", "book.db", "crash", "model", "--venue-arg=--delay-us=3000"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            p.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
    run("kill -9, and resumed", "killed", "book.db", "crash", "model")


def before_morpho():
    """The same positions without the contract, in a market that hardly moves."""
    def blue(book, reserves):
        for x in reserves.values():
            for term in TERMS:
                x.pop(term, None)
        for a in book["accounts"]:
            a["rule"] = "morpho-blue-1"
    p = changed("blue", blue)
    report(p.returncode == 0, "the same positions under morpho-blue-1", p.stderr)
    own = taken(run("calm, Morpho's own", "own", "blue.db", "calm", "model"))
    pre = taken(run("calm, with the contract", "pre", "book.db", "calm", "vector+model", "vector==model"))
    report(pre > 0 and own == 0, "parts are repaid before Morpho's own threshold", (own, pre))


round_trip()
for device, agree in (("model", None), ("vector+model", "vector==model")):
    ledger = run("a crash on " + device, "crash-" + device, "book.db", "crash", device, agree)
    report(number(ledger, r"token/WETH +liquidator +(\d+)") > 0, "a crash on %s: loans were liquidated" % device, ledger)
killed()
before_morpho()
shutil.rmtree(work)
finish()
