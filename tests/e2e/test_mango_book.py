#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books of Mango v4, end to end: borrowers as the generator makes them, and accounts with perps that settle in a token; written
out and read back the same, run through a crash on two devices with the audit, settled by the paper venue, replayed on
the other device, killed and started again.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import random

from book_kit import at, audited, balances, command, ended, exported, generated, imported, killed, load, made, of_party, orders_sent, refused, replays
from keeper import SEED, finish, must, report

ONE = 1 << 48
RULE = "mango-v4-1"
START = {"BTC_USDC-PERPETUAL": 64000, "SOL_USDC-PERPETUAL": 150}
PERP = dict(maint_base_asset_weight_fx=0.95, init_base_asset_weight_fx=0.9, maint_base_liab_weight_fx=1.05, init_base_liab_weight_fx=1.1,
            maint_overall_asset_weight_fx=0.9, init_overall_asset_weight_fx=0.5, base_liquidation_fee_fx=0.01,
            perp_platform_liquidation_fee_fx=0.002, positive_pnl_liquidation_fee_fx=0.01)
generated("crash.pcap", "crash")


def round_trip(name):
    """Store -> JSON -> store -> JSON, and through CSV on top of the same market."""
    exported(name, name + ".json")
    must("accounts", "import", "--db", at(name + ".2.db"), at(name + ".json"))
    exported(name + ".2", name + ".2.json")
    must("accounts", "import", "--db", at(name + ".2.db"), exported(name, name + ".csv", "--csv"))
    exported(name + ".2", name + ".3.json")
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
        if r.random() < 0.3:
            sides = {side: str_of(abs(size) // lot // r.choice([1, 2, 5]) * lot, decimals) for side in r.sample(["open_bids", "open_asks"], r.choice([1, 2]))}
            if any(float(v) for v in sides.values()):
                positions[-1].update(sides, open_orders=r.choice([1, 4]))
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
    imported("mixed", book)


def run(book, device):
    """One geometry for both: which rows it holds decides for whom an order is made ready, and so what that order is sized at."""
    name, other = "%s-%s" % (book, device), "vector" if device == "model" else "model"
    audited(ended(command(name, book + ".db", "crash.pcap", device, "--geometry", "64x64x256")), "%s: the audit holds on %s" % (book, device))
    replays(name, "%s: %s replays" % (book, device))
    replays(name, "%s: the run of %s is the same on %s" % (book, device, other), "--audit", "--device", other)
    return balances(name, "%s: the ledger of %s adds up" % (book, device))


def killed_and_started_again():
    argv = command("killed", "mixed.db", "crash.pcap", "model", "--venue-arg=--delay-us=3000")
    died = killed("killed", argv, (60000,) * 3)
    p = ended(argv)
    audited(p, "killed %d times, the last run ends well" % died)
    replays("killed", "killed: every segment replays")
    balances("killed", "killed: the ledger adds up")


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
        p = imported("wrong", book)
        report(p.returncode == 1 and why in p.stderr and not os.path.exists(at("wrong.db")), "refuses " + what, p.stderr)
    for what, state in (("an unknown state", "2"), ("a second word of it", "1:1")):
        book = load("mixed.json")
        book["accounts"][-1]["rule_state"] = state
        refused(imported("wrong", book), "refuses " + what, "rule_state must be 0, or 1")
    book = load("mixed.json")
    a = book["accounts"][-1]
    a["positions"] = [p for p in a["positions"] if p["instrument"] != "USDC"]
    refused(imported("wrong", book), "refuses a perp without its token", "a position in the reserve of that name is needed")


made("borrowers", 400, "--lending", RULE)
first = round_trip("borrowers")
report(sum(a["rule"] == RULE for a in first["accounts"]) > 40, "borrowers are made", len(first["accounts"]))
reserves = [x for x in first["instruments"] if x["kind"] == "reserve"]
report(reserves and all("init_liab_weight_fx" in x and "deposit_index_fx" in x for x in reserves), "their banks have Mango's terms", reserves[:1])
mixed()
second = round_trip("mixed")
report(sum(a.get("rule_state") == "1:0" for a in second["accounts"]) > 20, "the flag is kept", len(second["accounts"]))
report(sum("open_orders" in p for a in second["accounts"] for p in a["positions"]) > 40, "and open orders", len(second["accounts"]))
refusals()
must("accounts", "gen", "--db", at("perps.db"), "--accounts", 400, "--near", 400000, "--seed", SEED, "--perp", RULE)
third = round_trip("perps")
both = [a for a in third["accounts"] if a["rule"] == RULE and any("size" in p for p in a["positions"]) and any("collateral" in p for p in a["positions"])]
report(len(both) > 100, "accounts with perps are made, their cash in a reserve", len(both))
for book, wanted in (("borrowers", ("token/WETH",)), ("mixed", ("token/WETH", "cash/USDC")), ("perps", ("cash/USDC",))):
    ledger, second = run(book, "model"), run(book, "vector")
    report(ledger == second, book + ": model and vector settle alike", ledger + second)
    sent = [list(orders_sent(at(book + device, "journal"))) for device in ("-model", "-vector")]
    report(sent[0] == sent[1], book + ": and send the same orders at the same instants", sent)
    for money in wanted:
        report(of_party(ledger, money, "liquidator") != 0, "%s: %s was moved" % (book, money), ledger)
killed_and_started_again()
finish()
