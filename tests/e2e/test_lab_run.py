#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline lab list and lab run: built-in scenarios, a file of one's own, the same bytes from the same seed, errors with file,
line and remedy, files that are there. Prints TAP. Environment: TRIPLINE.
"""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from keeper import finish, must, number, report, tripline  # noqa: E402

SMALL = """name: small
title: "Small"
seed: 3
accounts: {generate: 400, near_ppm: 300000}
horizon_s: 3600
steps: 30
coins:
  - name: BTC
    assets: [BTC_USDC-PERPETUAL, BTC-PERPETUAL, btc_usd]
    path: {shape: gap, at: 5, fall_ppm: 60000}
    book: [{away_ppm: 1000, money: 2000000}]
    pool: 20000000
    half_life: 3
  - name: ETH
    assets: [ETH_USDC-PERPETUAL, ETH-PERPETUAL, eth_usd]
    path: {shape: csv, file: PRICES}
policy: {kind: full}
keeper: {orders: 0}
fund: {balance: 100000, floor: 1000, fees: true}
waterfall: bitmex
burst: {at: 7, events: 50, instrument: BTC_USDC-PERPETUAL}
"""


def check_reduction(folder, prices, plain):
    """The same scenario with gradual reduction, beside itself without."""
    path = os.path.join(folder, "reduce.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(SMALL.replace("PRICES", prices).replace("policy:", "reduce: {steps: 3, chance_ppm: 100000}\npolicy:"))
    out = must("lab", "run", path)
    report(number(out, r"Reduced beforehand\s+(\d+)") > 0 and "Conserved                        yes" in out, "accounts are reduced beforehand, money conserved", out)
    same = [number(plain, r"Liquidations\s+(\d+)"), number(plain, r"Lost\s+(\d+)")]
    report([number(out, r"Liquidations without reduction\s+(\d+)"), number(out, r"Lost without reduction\s+(\d+)")] == same, "beside it the run without, as it is without the key", (out, plain))
    report("Reduced" not in plain, "without the key nothing of it")
    alone = must("lab", "run", path, "--no-plain")
    report("without reduction" not in alone and "Reduced beforehand" in alone, "--no-plain leaves the second run out", alone)


def check_small(folder):
    path, prices = os.path.join(folder, "small.yaml"), os.path.join(folder, "prices.csv")
    page, data = os.path.join(folder, "small.html"), os.path.join(folder, "small.json")
    with open(prices, "w", encoding="utf-8") as f:
        f.write("0,1000000\n6,950000\n20,900000\n")
    with open(path, "w", encoding="utf-8") as f:
        f.write(SMALL.replace("PRICES", prices))
    out = must("lab", "run", path, "-o", page, "--json", data)
    report(number(out, r"Accounts\s+(\d+)") == 450, "accounts of the book and of the burst", out)
    report(number(out, r"Liquidations\s+(\d+)") > 50 and "Conserved                        yes" in out, "liquidations, money conserved", out)
    with_, without = number(out, r"Liquidations\s+(\d+)"), number(out, r"Liquidations without feedback\s+(\d+)")
    report(with_ >= without > 50, "feedback adds liquidations", out)
    report(number(out, r"Most at one instant\s+(\d+)") >= 50, "the burst is one instant", out)
    with open(page, encoding="utf-8") as f:
        text = f.read()
    report("Small" in text and "price with and without feedback" in text, "the page has the charts", text[:300])
    with open(data, encoding="utf-8") as f:
        report(bool(json.load(f)), "the JSON is JSON")
    report(must("lab", "run", path) == out, "the same seed, the same run")
    check_reduction(folder, prices, out)
    report(must("lab", "run", path, "--seed", 4) != out, "another seed, another run")
    report(must("lab", "run", path, "-q") == "", "quiet")
    p = tripline("lab", "run", path, "-o", page)
    report(p.returncode == 1 and "there already" in p.stderr and "--force" in p.stderr, "a page that is there stays", p)
    must("lab", "run", path, "-q", "-o", page, "--force")
    return path


def check_faults(folder, path):
    with open(path, encoding="utf-8") as f:
        good = f.read()
    bad = os.path.join(folder, "bad.yaml")

    def fault(what, *wanted):
        with open(bad, "w", encoding="utf-8") as f:
            f.write(what)
        p = tripline("lab", "run", bad)
        report(p.returncode == 1 and not p.stdout and all(w in p.stderr for w in wanted), "fault told: " + wanted[-1], p)

    fault(good.replace("steps: 30", "steps: 0"), "bad.yaml:6: steps: ", "a whole number from 1 to 100000 is wanted")
    fault(good.replace("horizon_s", "horizont"), "bad.yaml:5: horizont: ", "there is no such key here; known are name")
    fault(good.replace("waterfall: bitmex\n", ""), "the key waterfall is missing: add it")
    fault(good.replace("shape: gap", "shape: cliff"), "bad.yaml:10: shape: ", "one of these is wanted: flat slow_fall")
    fault(good.replace("floor: 1000,", "floor: 100001,"), "bad.yaml:19: fund: ", "floor is above balance")
    fault(good.replace("at: 7,", "at: 31,"), "burst: ", "after the last")
    fault(good.replace("btc_usd]", "btc_eur]"), "coin BTC (line 8", "the market has no asset btc_eur")
    fault(good.replace("fall_ppm: 60000", "fall_ppm: 60000, rebound_ppm: 70000"), "rebound_ppm: ", "more than fall_ppm")
    fault(good + "  x: [\n", "bad.yaml:", "not YAML")
    fault(good.replace("prices.csv", "none.csv"), "none.csv: ", "No such file")
    prices = os.path.join(folder, "prices.csv")
    with open(prices, "w", encoding="utf-8") as f:
        f.write("0,1000000\n6;950000\n")
    fault(good, "prices.csv:2: ", "STEP,PPM is wanted")
    p = tripline("lab", "run", "no-such-day")
    report(p.returncode == 1 and "`tripline lab list`" in p.stderr, "a scenario that is none", p)
    for args in ((), ("a", "b"), ("calm", "--seed", "x"), ("calm", "--nonsense")):
        p = tripline("lab", "run", *args)
        report(p.returncode == 2 and "--help" in p.stderr, "usage: run " + " ".join(args), p)


def main():
    out = must("lab", "list")
    report([line.split()[0] for line in out.splitlines()] == ["2020-03-12", "2025-10-10", "calm"] and out.count("synthetic") == 3, "built-in scenarios", out)
    with tempfile.TemporaryDirectory(prefix="lab_run.") as folder:
        check_faults(folder, check_small(folder))
    day = must("lab", "run", "2025-10-10", "--no-plain")
    report(number(day, r"Most at one instant\s+(\d+)") >= 22558 and "yes" in day, "2025-10-10: 22,558 and more at one instant, conserved", day)
    finish()


if __name__ == "__main__":
    main()
