#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One book of the rules of nine protocols, and new parameters for all of them pushed into the venue of a running keeper: larger than
the device (boxes) and not, model and vector side by side. Whoever the push puts below maintenance is liquidated, nothing is missed, the
run replays. Among them what no row of an account shows: the debt's rate of a vault, and the quote market's buffer, which accounts of Drift
that are being liquidated need not hold. What takes that market away is refused. An account of a rule with a memory that comes by a push
brings the clock.

Prints TAP. Environment: TRIPLINE, SEED, KEEP (a directory to leave the runs in).
"""
import decimal
import json
import os
import re
import shutil
import signal
import tempfile

from keeper import DEADLINE, SEED, TRIPLINE, finish, halted_at, must, number, report, tripline

print("# SEED=%d" % SEED)
work = os.environ.get("KEEP") or tempfile.mkdtemp(prefix="tl-rules-")
QUOTE = "USDC.drift"
capture = os.path.join(work, "calm.pcap")
must("gen", "-q", "-o", capture, "--path", "calm", "--seconds", 10, "--rate", 400, "--seed", SEED)


def at(*path):
    return os.path.join(work, *path)


def scaled(text, ppm):
    """A decimal string times 1 + ppm, with as many decimals as it has, or 6."""
    digits = max(len(text.partition(".")[2]), 6)
    v = int(decimal.Decimal(text).scaleb(digits)) * (1000000 + ppm) // 1000000
    return format(decimal.Decimal(v).scaleb(-digits).normalize(), "f")


# What a push changes of one instrument.
def dai_rate(i):  # the debt's reserve alone, whose asset no row of a vault has
    i["borrow_index"] = scaled(i["borrow_index"], 30000)


def vault_ratio(i):
    i["liquidation_ratio"] = scaled(i["liquidation_ratio"], 60000)


def system(i):
    i["system_coll"] = scaled(i["system_coll"], -250000)


def ltv(i):
    i["lt_bps"] -= 500


def pre_lltv(i):
    i["pre_lltv"] = scaled(i["pre_lltv"], -70000)


def interest(i):
    i["borrow_assets"] = scaled(i["borrow_assets"], 50000)


def weight(i):
    if i["name"] == QUOTE:
        i["liquidation_buffer"] = "0.12"
        return
    i["lt_bps"] -= 600
    i["liability_weight"] = scaled(i["liability_weight"], 60000)


def mango_weight(i):
    i["maint_liab_weight_fx"] = str(int(i["maint_liab_weight_fx"]) * 107 // 100)


def first_tier(i):
    for t in i["tiers"]:
        t["rate_ppm"] += 20000


def dydx(i):
    i["tiers"][0]["rate_ppm"] = 36000
    i["maintenance_ppm"] = "720000"


def leverage(i):
    i["tiers"] = [{"floor": "0", "rate_ppm": 50000}]


RULES = (("maker-dog-1", "--lending", dai_rate), ("liquity-1", "--lending", system), ("evk-1", "--lending", ltv),
         ("morpho-pre-liquidation-1", "--lending", pre_lltv), ("drift-v2-1", "--lending", weight),
         ("mango-v4-1", "--lending", mango_weight), ("dydx-v4-1", "--perp", dydx), ("binance-usdm-1", "--perp", first_tier),
         ("hyperliquid-1", "--perp", leverage))
CHANGE = {rule: change for rule, _, change in RULES}


def whole():
    """One market and one book of all rules; each has instruments of its own, over the same prices."""
    out, rule_of = {"assets": None, "instruments": [], "accounts": []}, {}
    for rule, option, _ in RULES:
        must("accounts", "gen", "--db", at("one.db"), "--force", "--accounts", 250, "--near", 150000, "--seed", SEED, option, rule)
        one = json.loads(must("accounts", "export", "--db", at("one.db")))
        mine = [a for a in one["accounts"] if a["rule"] == rule]
        held = {p["instrument"] for a in mine for p in a["positions"]}
        out["assets"] = one["assets"]
        for i in one["instruments"]:
            if i["name"] in held or "liquidation_buffer" in i:
                i["name"] += "." + rule.split("-")[0]
                out["instruments"].append(i)
                rule_of[i["name"]] = rule
        for a in mine:
            a["id"] = len(out["accounts"]) + 1
            for p in a["positions"]:
                p["instrument"] += "." + rule.split("-")[0]
            if rule == "drift-v2-1" and all(p["instrument"] != QUOTE for p in a["positions"]):
                a["rule_state"] = "1"  # being liquidated, without a position in the quote market
            out["accounts"].append(a)
    return out, rule_of


def store(name, book):
    with open(at(name + ".json"), "w") as f:
        json.dump(book, f)
    if os.path.exists(at(name + ".db")):
        os.remove(at(name + ".db"))
    must("accounts", "import", "--db", at(name + ".db"), at(name + ".json"))
    return at(name + ".db")


def health(db):
    out = {}
    for line in must("accounts", "show", "--db", db, "--capture", capture).splitlines()[1:]:
        f = line.split()
        if f and f[0].isdigit() and f[-2].replace(".", "", 1).isdigit():
            out[int(f[0])] = float(f[-2])
    return out


def push(run, instruments, accounts=(), name="push.json"):
    with open(at(name), "w") as f:
        json.dump({"instruments": instruments, "accounts": list(accounts)}, f)
    return tripline("accounts", "push", "--socket", at(run, "venue.sock"), at(name))


def halted(run, db, geometry, size, capture):
    """A run that stands still once its journal has so many bytes."""
    shutil.rmtree(at(run), ignore_errors=True)
    return halted_at([TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at(run), "--device",
                      "model+vector", "--geometry", geometry, "--audit", "--no-lockstep", "--venue-arg=--fsync",
                      "--venue-arg=off"], at(run, "journal"), size)


def ended(what, run, p):
    out, err = p.communicate(timeout=DEADLINE)
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0 model==vector: identical" in out, what + ": nothing is missed", out + err)
    q = tripline("replay", at(run, "journal"))
    report(q.returncode == 0 and "replay: identical" in q.stdout, what + ": replays", q.stdout + q.stderr)
    return out + err


def pushed(what, run, geometry, db, book, rule_of, instruments, due):
    p = halted(run, db, geometry, 400000, capture)
    names = [i for i in book["instruments"] if i["name"] == QUOTE]
    gone = push(run, [{k: v for k, v in names[0].items() if k not in ("liquidation_buffer", "initial_pct", "liquidation_slots")}],
                name="gone.json")
    one = push(run, instruments)
    p.send_signal(signal.SIGCONT)
    out = ended(what, run, p)
    report(gone.returncode == 1 and "needs one reserve with liquidation_buffer" in gone.stderr, what + ": no quote market, refused",
           gone.stdout + gone.stderr)
    report(one.returncode == 0 and "version 2" in one.stdout and number(out, r"parameters +(\d+) changes taken, 0 refused") == 1,
           what + ": parameters are taken", one.stdout + one.stderr + out)
    text = must("report", at(run, "journal"))
    for rule, _, change in RULES:
        mine = {a["id"] for a in book["accounts"] if a["id"] in due and a["rule"] == rule}
        lost = {i for i in mine if "-a%d-" % i not in text}
        # dYdX's orders wait for a price at which the chain makes one and who fills it earns by it.
        waits = len(mine) // 4 if rule == "dydx-v4-1" else 0
        report(mine and len(lost) <= waits, "%s, %s: %d accounts are due and ordered" % (what, rule, len(mine)), sorted(lost)[:9])
    bare = {a["id"] for a in book["accounts"] if a.get("rule_state", "0:0") == "1"} & due
    report(bare, what + ": some of them without the quote market whose buffer it is", sorted(bare))


def brought():
    """Accounts of dydx-v4-1, which remember the second of their last order, come to a book without any."""
    rule, long = "dydx-v4-1", at("long.pcap")
    must("gen", "-q", "-o", long, "--path", "calm", "--seconds", 100, "--rate", 20, "--seed", SEED)
    must("accounts", "gen", "--db", at("one.db"), "--force", "--accounts", 250, "--near", 600000, "--seed", SEED, "--perp", rule)
    one = json.loads(must("accounts", "export", "--db", at("one.db")))
    for i in one["instruments"]:
        if i["kind"] == "linear":
            dydx(i)
    mine = [a for a in one["accounts"] if a["rule"] == rule]
    p = halted("brought", store("others", {**one, "accounts": [a for a in one["accounts"] if a["rule"] != rule]}), "64x64x64", 40000, long)
    for a in mine:
        a["id"] += len(one["accounts"])  # new ones come after all others
    said = push("brought", [], mine)
    p.send_signal(signal.SIGCONT)
    out = ended("brought by a push", "brought", p)
    n = re.search(r"orders +(\d+) handed over.*: (\d+) filled, 0 refused", out)
    report(said.returncode == 0 and n and int(n[1]) == int(n[2]) > 20, "the clock runs for accounts that a push has brought: one order a second",
           said.stderr + out)


brought()
book, rule_of = whole()
instruments = json.loads(json.dumps(book["instruments"]))
for i in instruments:
    CHANGE[rule_of[i["name"]]](i)
db, after = store("whole", book), store("after", {**book, "instruments": instruments})
was, now = health(db), health(after)
due = {i for i in now if was.get(i, 0) > 1.001 and now[i] < 0.995}
pushed("boxes", "boxes", "4x16x64", db, book, rule_of, instruments, due)
pushed("all on the device", "flat", "64x64x64", db, book, rule_of, instruments, due)
if not os.environ.get("KEEP"):
    shutil.rmtree(work)
finish()
