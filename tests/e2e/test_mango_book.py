#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Mango v4, end to end: borrowers as the generator makes them, and accounts with perps that settle in a token; written
out and read back the same, run through a crash on two devices with the audit, settled by the paper venue, replayed on
the other device, killed and started again.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile

from keeper import SEED, TRIPLINE, finish, must, report, tripline

ONE = 1 << 48
RULE = "mango-v4-1"
START = {"BTC_USDC-PERPETUAL": 64000, "SOL_USDC-PERPETUAL": 150}
PERP = dict(maint_base_asset_weight_fx=0.95, init_base_asset_weight_fx=0.9, maint_base_liab_weight_fx=1.05, init_base_liab_weight_fx=1.1,
            maint_overall_asset_weight_fx=0.9, init_overall_asset_weight_fx=0.5, base_liquidation_fee_fx=0.01,
            perp_platform_liquidation_fee_fx=0.002, positive_pnl_liquidation_fee_fx=0.01)
print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-mango-")
capture = os.path.join(work, "crash.pcap")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 6, "--rate", 100, "--seed", SEED)


def at(name):
    return os.path.join(work, name)


def load(name):
    with open(at(name)) as f:
        return json.load(f)


def save(name, book):
    with open(at(name), "w") as f:
        json.dump(book, f)


def round_trip(name):
    """Store -> JSON -> store -> JSON, and through CSV on top of the same market."""
    must("accounts", "export", "--db", at(name + ".db"), "-o", at(name + ".json"))
    must("accounts", "import", "--db", at(name + ".2.db"), at(name + ".json"))
    must("accounts", "export", "--db", at(name + ".2.db"), "-o", at(name + ".2.json"))
    must("accounts", "export", "--db", at(name + ".db"), "--csv", "-o", at(name + ".csv"))
    must("accounts", "import", "--db", at(name + ".2.db"), at(name + ".csv"))
    must("accounts", "export", "--db", at(name + ".2.db"), "-o", at(name + ".3.json"))
    first, second, third = load(name + ".json"), load(name + ".2.json"), load(name + ".3.json")
    report(first == second == third, name + ": what is exported reads back the same, as JSON and as CSV")
    return first


def perp_account(r, book_id, market):
    """Long or short SOL and BTC on USDC, some with SOL beside it; a crash liquidates the longs that stand near."""
    positions, cover = [], 0.0
    for name in r.sample(sorted(START), r.choice([1, 1, 2])):
        decimals = market[name]["size_decimals"]
        lot = int(market[name].get("lot_quanta", 1))
        worth = 10 ** r.uniform(3, 6)
        size = int(worth / START[name] * 10**decimals) // lot * lot * r.choice([1, 1, 1, -1])
        entry = START[name] * r.uniform(0.96, 1.04)
        quote = -int(size * entry * 10**6 / 10**decimals * ONE)
        profit = size / 10**decimals * START[name] + quote / ONE / 10**6
        cover += worth * 0.05 - (profit * (0.8 if profit > 0 else 1))
        positions.append({"instrument": name, "size": str_of(size, decimals), ("supply" if quote > 0 else "debt"): str(abs(quote))})
    usdc = max(cover, 0) * r.uniform(1.02, 1.6) + r.choice([0, 50])
    bits = int(usdc * 10**6 * ONE)
    positions.append({"instrument": "USDC", "supply": str(bits), "collateral": True})
    if r.random() < 0.3:
        positions.append({"instrument": "SOL", "supply": str(int(r.uniform(0.1, 3) * 10**9 * ONE)), "collateral": True})
    return {"id": book_id, "name": "perp-%d" % book_id, "rule": RULE, "currency": "USDC", "positions": positions}


def str_of(v, decimals):
    text = str(abs(v)).rjust(decimals + 1, "0")
    text = text[:-decimals] + "." + text[-decimals:] if decimals else text
    return ("-" if v < 0 else "") + text


def mixed():
    """The generated book with its perp markets turned into Mango's, its other accounts left out, perp accounts added."""
    r, book = random.Random(SEED), load("borrowers.json")
    for x in book["instruments"]:
        if x["kind"] == "linear":
            x.update({k: str(int(v * ONE)) for k, v in PERP.items()}, fee_ppm=0, tiers=[{"floor": "0", "rate_ppm": 50000}])
        if x["name"] == "SOL_USDC-PERPETUAL":
            x["lot"], x["lot_quanta"] = str_of(10, x["size_decimals"]), 10
    market = {x["name"]: dict(x) for x in book["instruments"]}
    for x in book["instruments"]:
        x.pop("lot_quanta", None)
    book["accounts"] = [a for a in book["accounts"] if a["rule"] == RULE] + [perp_account(r, 100000 + i, market) for i in range(250)]
    for a in book["accounts"][::9]:
        a["rule_state"] = "1"  # being liquidated: ends above -1 with the initial weights
    save("mixed.in.json", book)
    must("accounts", "import", "--db", at("mixed.db"), at("mixed.in.json"))


def run(book, device):
    name = "%s-%s" % (book, device)
    p = tripline("run", "--quiet", "--audit", "--accounts", at(book + ".db"), "--capture", capture, "--dir", at(name), "--device", device,
                 "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "%s: the audit holds on %s" % (book, device), p.stdout + p.stderr)
    p = tripline("replay", os.path.join(at(name), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: %s replays" % (book, device), p.stdout + p.stderr)
    other = "vector" if device == "model" else "model"
    p = tripline("replay", "--audit", "--device", other, os.path.join(at(name), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: the run of %s is the same on %s" % (book, device, other), p.stdout + p.stderr)
    ledger = tripline("venue", "ledger", "--state", os.path.join(at(name), "venue.db"))
    report(ledger.returncode == 0 and "conservation: holds to the last unit" in ledger.stdout, "%s: the ledger of %s adds up" % (book, device),
           ledger.stdout + ledger.stderr)
    return ledger.stdout


def killed():
    """Killed in the middle of its run, and started again until the end."""
    line = ["run", "--quiet", "--audit", "--accounts", at("mixed.db"), "--capture", capture, "--dir", at("killed"), "--device", "model",
            "--venue-arg=--delay-us=3000"]
    died, r = 0, random.Random(SEED)
    for _ in range(3):
        p = subprocess.Popen([TRIPLINE, *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            p.communicate(timeout=r.uniform(0.1, 0.5))
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.communicate()
            died += 1
    p = tripline(*line)
    report(died > 0 and p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "killed %d times, the last run ends well" % died, p.stdout + p.stderr)
    p = tripline("replay", os.path.join(at("killed"), "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "killed: every segment replays", p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", os.path.join(at("killed"), "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout, "killed: the ledger adds up", p.stdout + p.stderr)


def refusals():
    """Each names the account or the instrument, and what to do."""
    for what, change, why in (
            ("a rate", {"USDC": {"liquidity_rate": "0.1", "told_at": 5}}, "tell deposit_index_fx and borrow_index_fx"),
            ("a term of another protocol", {"USDC": {"exchange_rate": "1"}}, "a term of another protocol"),
            ("weights the wrong way round", {"SOL": {"init_asset_weight_fx": str(2 * ONE)}}, "not below init_asset_weight_fx"),
            ("a price with too many decimals", {"SOL": {"size_decimals": 18}}, "decimals together"),
            ("funding", {"SOL_USDC-PERPETUAL": {"funding_rate": "0.1", "told_at": 5}}, "with their funding settled"),
            ("a size of broken lots", {"SOL_USDC-PERPETUAL": {"lot": "7777.77"}}, "not a multiple of its lot")):
        book = load("mixed.json")
        for x in book["instruments"]:
            x.update(change.get(x["name"], {}))
        save("wrong.json", book)
        p = tripline("accounts", "import", "--db", at("wrong.db"), at("wrong.json"))
        report(p.returncode == 1 and why in p.stderr and not os.path.exists(at("wrong.db")), "refuses " + what, p.stderr)
    for what, state in (("an unknown state", "2"), ("a second word of it", "1:1")):
        book = load("mixed.json")
        book["accounts"][-1]["rule_state"] = state
        save("wrong.json", book)
        p = tripline("accounts", "import", "--db", at("wrong.db"), at("wrong.json"))
        report(p.returncode == 1 and "rule_state must be 0, or 1" in p.stderr, "refuses " + what, p.stderr)
    book = load("mixed.json")
    a = book["accounts"][-1]
    a["positions"] = [p for p in a["positions"] if p["instrument"] != "USDC"]
    save("wrong.json", book)
    p = tripline("accounts", "import", "--db", at("wrong.db"), at("wrong.json"))
    report(p.returncode == 1 and "a position in the reserve of that name is needed" in p.stderr, "refuses a perp without its token", p.stderr)


must("accounts", "gen", "--db", at("borrowers.db"), "--accounts", 400, "--near", 400000, "--seed", SEED, "--lending", RULE)
first = round_trip("borrowers")
report(sum(a["rule"] == RULE for a in first["accounts"]) > 40, "borrowers are made", len(first["accounts"]))
reserves = [x for x in first["instruments"] if x["kind"] == "reserve"]
report(reserves and all("init_liab_weight_fx" in x and "deposit_index_fx" in x for x in reserves), "their banks have Mango's terms", reserves[:1])
mixed()
second = round_trip("mixed")
report(sum(a.get("rule_state") == "1:0" for a in second["accounts"]) > 20, "the flag is kept", len(second["accounts"]))
refusals()
for book, wanted in (("borrowers", ("token/WETH",)), ("mixed", ("token/WETH", "cash/USDC"))):
    for ledger in [run(book, device) for device in ("model", "vector")]:
        for money in wanted:
            taken = re.search(re.escape(money) + r" +liquidator +(-?\d+)", ledger)
            report(taken and int(taken[1]) != 0, "%s: %s was moved" % (book, money), ledger)
killed()
shutil.rmtree(work)
finish()
