#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline lab list and lab run: built-in scenarios, a file of one's own, the same bytes from the same seed, errors with file,
line and remedy, files that are there. Prints TAP. Environment: TRIPLINE.
"""
import json
import os
import stat
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from keeper import TRIPLINE, finish, must, number, report, tripline  # noqa: E402

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


def check_clip(folder, prices):
    """Loans whose collateral is auctioned while the cascade goes on."""
    path, page = os.path.join(folder, "clip.yaml"), os.path.join(folder, "clip.html")
    text = SMALL.replace("PRICES", prices).replace("fall_ppm: 60000", "fall_ppm: 300000")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "liquidation: {kind: clip, step_s: 120, cut_ppm: 900000}\n")
    out = must("lab", "run", path, "-o", page)
    raised, wanted, missing = (number(out, what + r"\s+(\d+)") for what in ("\n  Raised", "To be raised", "Not raised"))
    report(number(out, r"Lots\s+(\d+)") > 10 and number(out, r"Takes\s+(\d+)") > 0 and "Conserved                        yes" in out, "collateral of loans is auctioned, money conserved", out)
    report(0 < raised and raised + missing <= wanted + 2, "what was to be raised is raised, missing, or still for sale", out)
    report(must("lab", "run", path) == out, "auctions: the same seed, the same run")
    with open(page, encoding="utf-8") as f:
        report("Prices of the first lots" in f.read(), "the page has the auctions' prices against time")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    plain = must("lab", "run", path)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "liquidation: {kind: fixed}\n")
    report(must("lab", "run", path) == plain and "Lots" not in plain, "kind: fixed is what is without the key")


def parts(data, section, what):
    """Charts or tables of one part of the page, by title."""
    return {c["title"]: c for c in data[what] if c["section"] == section}


def check_risk(folder, prices):
    """Map and losses of the page against `lab map` and `lab var` of the same store; its calibration where the answer is known."""
    path, store, out = (os.path.join(folder, "risk" + end) for end in (".yaml", ".db", ".json"))
    must("accounts", "gen", "--db", store, "--accounts", 300, "--seed", 5)
    text = SMALL.replace("PRICES", prices).replace("{generate: 400, near_ppm: 300000}", "{store: %s}" % store)
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("burst"))

    def run(what):
        with open(path, "w", encoding="utf-8") as f:
            f.write(what)
        must("lab", "run", path, "-q", "--no-plain", "--json", out, "--force")
        with open(out, encoding="utf-8") as f:
            return json.load(f)

    data = run(text)
    again = run(text)
    report(data == again, "map, losses and calibration: the same seed, the same page")
    maps, args = parts(data, "map", "charts"), ("lab", "map", "--accounts", store, "--json")
    report(sorted(maps) == ["All coins by one factor", "BTC", "ETH"], "a map of all coins and one of each of the scenario's", sorted(maps))
    for title, more in (("All coins by one factor", ()), ("BTC", ("--asset", "BTC")), ("ETH", ("--asset", "ETH"))):
        want = json.loads(must(*args, *more))["points"]
        have = [s["y"] for s in maps[title]["series"]]
        near = [abs(a - p["value"]) <= 1e-6 * p["value"] + 1e-3 and abs(b - p["bad_debt"]) <= 1e-6 * p["bad_debt"] + 1e-3 for a, b, p in zip(*have, want)]
        report(len(near) == 41 and all(near) and max(have[0]) > 0, "the page's map is that of `lab map`: " + title, (have, want))
    tails = json.loads(must("lab", "var", "--accounts", store, "--seed", 3, "--horizon", f"{3600 / 86400:.12f}", "--json"))["tails"]
    rows = parts(data, "losses", "tables")["Bad debt at the horizon"]["rows"]
    report(len(rows) == 3 and all(abs(int(r[1]) - t["var"]) < 1 and abs(int(r[3]) - t["es"]) < 1 for r, t in zip(rows, tails)), "the page's losses are those of `lab var`", (rows, tails))

    def told(d):
        facts = {f["name"]: f["value"] for f in d["facts"] if f["section"] == "prediction"}
        rows = parts(d, "prediction", "tables")["Calibration"]["rows"]
        n, true = int(facts["Forecasts"].split(",")[0]), int(facts["Came true"].split(",")[0])
        base = float(facts["Brier score"].split()[-1])
        sums = sum(int(r[1]) for r in rows) == n and abs(sum(int(r[1]) * float(r[3][:-2]) for r in rows) / 100 - true) < 0.01 * n
        report(sums and n > 0 and abs(base - true / n * (1 - true / n)) < 1e-4, "calibration: bins sum to what was told and came true", (facts, rows))
        return n, true, rows

    flat = text.replace("shape: gap, at: 5, fall_ppm: 60000", "shape: flat").replace("shape: csv, file: %s" % prices, "shape: flat")
    n, true, rows = told(run(flat))
    report(true == 0 and len(rows) == 1 and float(rows[0][2][:-2]) == 0, "prices that stand: no chance told, nothing comes true", rows)
    steep = flat.replace("shape: flat", "shape: gap, at: 25, fall_ppm: 500000", 1)
    n, true, rows = told(run(steep))
    report(true > 0 and float(rows[0][2][:-2]) == 0 and float(rows[0][3][:-2]) > 0, "a gap that nothing announces comes true untold", rows)


def check_discount(folder, prices):
    """Loans at a discount that follows health, and what an auction gives back: any lending rule keeps its books."""
    path = os.path.join(folder, "discount.yaml")

    def run(rule, sale):
        with open(path, "w", encoding="utf-8") as f:
            f.write(SMALL.replace("PRICES", prices).replace("fall_ppm: 60000", "fall_ppm: 300000").replace("300000}", "300000, lending: %s}" % rule, 1) + "liquidation: {%s}\n" % sale)
        return must("lab", "run", path, "--no-plain")

    for rule in ("aave-3.5", "aave-1.19", "aave-v4-1", "comet-1", "compound-v2-1", "evk-1", "mango-v4-1", "morpho-blue-1"):
        both = [run(rule, sale) for sale in ("kind: clip, step_s: 120, cut_ppm: 900000", "kind: discount, discount_bps: 3000")]
        report(all("Conserved                        yes" in x for x in both) and (number(both[1], r"Taken at a discount\s+(\d+)") > 0) == (rule != "mango-v4-1"), rule + ": taken at a discount (Mango's stay with their rule), given back by auctions, conserved", both)
        report(0 <= number(both[1], r"Discount given\s+(\d+)") < 30, rule + ": no discount above the bound", both[1])
    report("Taken at a discount              0 " in run("maker-dog-1", "kind: discount"), "Maker's vaults stay with their rule")


def check_capture(folder, prices):
    """Prices from outside and a book out of a capture: factors worked out again from `tripline decode`."""
    capture, path, data = (os.path.join(folder, "capture" + end) for end in (".pcap", ".yaml", ".json"))
    must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 12, "--rate", 60, "--seed", 5, "--books", 8)
    rows = [line.split(",") for line in must("decode", capture).splitlines()]
    at, name, mark = (rows[0].index(x) for x in ("cap_ts_ns", "instrument_id", "mark"))
    named = {r[name] for r in rows[1:] if r[rows[0].index("name")] == "BTC_USDC-PERPETUAL"}
    marks = [(int(r[at]), float(r[mark])) for r in rows[1:] if r[name] in named and r[mark] not in ("", "nan")]
    text = SMALL.replace("PRICES", prices).replace("horizon_s: 3600", "horizon_s: 10")
    text = text.replace("path: {shape: gap, at: 5, fall_ppm: 60000}", "path: {shape: capture, file: %s, instrument: BTC_USDC-PERPETUAL}" % capture)
    late = text.replace("book: [{away_ppm: 1000, money: 2000000}]", "book: {capture: %s, instrument: BTC_USDC-PERPETUAL, at_s: 13}" % capture)
    with open(path, "w", encoding="utf-8") as f:
        f.write(late)
    p = tripline("lab", "run", path)
    report(p.returncode == 1 and "ends after 11 s: make at_s smaller" in p.stderr, "a book after the capture's end", p)
    book = text.replace("book: [{away_ppm: 1000, money: 2000000}]", "book: {capture: %s, instrument: BTC_USDC-PERPETUAL, at_s: 5}" % capture)

    def run(what, ok=True):
        with open(path, "w", encoding="utf-8") as f:
            f.write(what)
        return must("lab", "run", path, "--json", data, "--force") if ok else tripline("lab", "run", path)

    out = run(text)
    with open(data, encoding="utf-8") as f:
        have = next(c for c in json.load(f)["charts"] if c["title"].startswith("BTC: price"))["series"][0]["y"]
    with open(capture, "rb") as f:
        magic, sec, part = struct.unpack("<I20xII", f.read(32))
    first = sec * 10**9 + part * (1 if magic == 0xA1B23C4D else 1000)  # of nanoseconds, or micro
    moments = [first + 10**10 * k // 30 for k in range(31)]
    want = [100 * ([m for t, m in marks if t <= x] or [marks[0][1]])[-1] / marks[0][1] for x in moments]
    near = sum(abs(a - b) < 1e-6 for a, b in zip(have, want))
    report(len(have) == 31 and near == 31, "prices of the capture: %d of 31 steps as decoded" % near, list(zip(have, want)))
    with_book = run(book)
    report("Conserved                        yes" in with_book and with_book != out, "a capture's book in place of levels", with_book)
    report(run(book) == with_book, "a capture: the same run again")
    for what, said in [(text.replace("horizon_s: 10", "horizon_s: 100"), "make horizon_s of the scenario"), (text.replace("instrument: BTC_USDC-PERPETUAL}", "instrument: NONE}"), "nothing of an instrument NONE"),
                       (book.replace("instrument: BTC_USDC-PERPETUAL, at_s: 5", "instrument: NONE, at_s: 5"), "nothing of an instrument NONE"), (text.replace(capture, capture + "x"), "capture.pcapx"),
                       (text.replace(", instrument: BTC_USDC-PERPETUAL}", "}"), "shape: capture wants instrument")]:
        p = run(what, False)
        report(p.returncode == 1 and said in p.stderr, "fault told: " + said, p)


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
    check_clip(folder, prices)
    check_risk(folder, prices)
    check_discount(folder, prices)
    check_capture(folder, prices)
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
    fault(good.replace("btc_usd]", "btc_eur]"), "bad.yaml:8: coin BTC: ", "the market has no asset btc_eur")
    fault(good.replace("btc_usd]", "btc_usd, btc_usd]"), "bad.yaml:8: ", "asset btc_usd is named twice")
    fault(good.replace("gap, at: 5, fall_ppm: 60000", "crash_rebound, at: 5, fall_ppm: 60000, rebound_ppm: 70000"), "rebound_ppm: ", "more than fall_ppm")
    fault(good.replace("    half_life: 3\n", "    half_life: 3\n    depth: sea\n"), "depth: ", "one of these is wanted: curve book cpmm")
    fault(good.replace("    pool: 20000000\n", "    depth: cpmm\n"), "depth: ", "there is no pool")
    fault(good + "liquidation: {kind: dutch}\n", "bad.yaml:22: kind: ", "one of these is wanted: fixed clip discount")
    fault(good + "liquidation: {kind: discount, discount_bps: 10000}\n", "discount_bps: ", "a whole number from 1 to 9999 is wanted")
    fault(good + "liquidation: {kind: clip, cut_ppm: 1000000}\n", "cut_ppm: ", "a whole number from 1 to 999999 is wanted")
    fault(good + "  x: [\n", "bad.yaml:", "not YAML")
    fault(good + "---\n" + good, "bad.yaml:23: ", "a second document")
    fault(good.replace("name: small", 'name: "a\\eb"'), "bad.yaml:1: name: ", "in one line is wanted")
    fault(good.replace("shape: gap", "shape: flat"), "bad.yaml:10: fall_ppm: ", "does nothing with shape: flat")
    fault(good.replace(", fall_ppm: 60000", ""), "bad.yaml:10: shape: gap: ", "fall_ppm is missing")
    fault(good + "liquidation: {kind: fixed, discount_bps: 3}\n", "bad.yaml:22: discount_bps: ", "does nothing with kind: fixed")
    fault(good + "liquidation: {kind: clip, discount_bps: 3}\n", "discount_bps: ", "does nothing with kind: clip")
    fault(good.replace("{generate: 400, near_ppm: 300000}", "{store: a.db, lending: evk-1}"), "bad.yaml:4: lending: ", "does nothing with store")
    fault(good.replace("{generate: 400,", "{generate: 400, perp: evk-1,"), "bad.yaml:4: perp: ", "no rule for linear perpetuals")
    fault(good.replace("{generate: 400,", "{generate: 400, perp: drift-v2-1,"), "bad.yaml:21: burst: ", "have reserves")
    fault(good.replace("name: ETH", "name: BTC"), "BTC: ", "two coins of this name")
    fault(good.replace("seed: 3", "seed: 18446744073709551616"), "seed: ", "a whole number from 0 to 18446744073709551615 is wanted")
    with open(bad, "w", encoding="utf-8") as f:
        f.write(good.replace("seed: 3", "seed: 18446744073709551615").replace("{generate: 400,", "{generate: 400, perp: hyperliquid-1,"))
    out = must("lab", "run", bad, "--no-plain")
    report("seed 18446744073709551615" in out and number(out, r"Most at one instant\s+(\d+)") >= 50, "the greatest seed; a burst under another rule", out)
    fault(good.replace("prices.csv", "none.csv"), "none.csv: ", "No such file")
    prices = os.path.join(folder, "prices.csv")
    with open(prices, "w", encoding="utf-8") as f:
        f.write("0,1000000\n6;950000\n")
    fault(good, "prices.csv:2: ", "STEP,PPM is wanted")
    fault(good.replace(prices, folder), folder + ": ", "Is a directory")
    p = tripline("lab", "run", "no-such-day")
    report(p.returncode == 1 and "`tripline lab list`" in p.stderr, "a scenario that is none", p)
    usage = must("lab", "run", "--help")
    report(usage.startswith("usage: tripline lab run ") and "Exit status" in usage, "run has a help of its own", usage)
    report(must("lab", "list", "--help").startswith("usage: tripline lab list"), "list has a help")
    for args in ((), ("a", "b"), ("calm", "--seed", "x"), ("calm", "--nonsense")):
        p = tripline("lab", "run", *args)
        report(p.returncode == 2 and "--help" in p.stderr, "usage: run " + " ".join(args), p)


def check_outputs(folder, path):
    """What is read is never written over, what is no plain file never replaced, and nothing is worked for in vain."""
    with open(path, encoding="utf-8") as f:
        good = f.read()
    link, page, pipe = (os.path.join(folder, n) for n in ("link.html", "kept.html", "pipe"))
    for args, why in ((("-o", path), "is what is read"), (("--json", path), "is what is read"), (("-o", os.path.join(folder, "prices.csv")), "is what is read"),
                      (("-o", page, "--json", page), "give two names"), (("-o", folder), "is a folder"), (("-o", os.path.join(folder, "none", "p.html")), "cannot be written")):
        p = tripline("lab", "run", path, "-q", "--force", *args)
        report(p.returncode == 1 and why in p.stderr and args[1] in p.stderr, "%s: %s" % (why, args[0]), p)
    with open(path, encoding="utf-8") as f:
        report(f.read() == good, "the scenario is as it was")
    must("lab", "run", path, "-q", "-o", page)
    os.symlink(page, link)
    must("lab", "run", path, "-q", "-o", link, "--force")
    report(os.path.islink(link) and not os.path.islink(page), "a link stays a link, its target is replaced")
    os.mkfifo(pipe)
    with subprocess.Popen([TRIPLINE, "lab", "run", path, "-q", "-o", pipe, "--force"]) as p:
        got = subprocess.run(["cat", pipe], stdout=subprocess.PIPE, timeout=240, check=True).stdout
        with open(page, "rb") as f:
            report(p.wait(240) == 0 and got == f.read() and stat.S_ISFIFO(os.stat(pipe).st_mode), "a pipe is written to, not replaced")
    report(not [n for n in os.listdir(folder) if n.endswith(".part")], "nothing half-written is left", os.listdir(folder))
    if os.path.exists("/dev/full"):
        os.symlink("/dev/full", os.path.join(folder, "full"))  # the link, not the device, is what a defect would cost
        p = tripline("lab", "run", path, "-q", "-o", os.path.join(folder, "full"))
        report(p.returncode == 1 and "No space left" in p.stderr and os.path.islink(os.path.join(folder, "full")), "a full disk", p)
        for args in (("lab", "run", path), ("lab", "list"), ("lab", "map", "--generate", "9"), ("--help",)):
            with open("/dev/full", "w", encoding="utf-8") as full:
                p = subprocess.run([TRIPLINE, *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            report(p.returncode == 1 and "standard output: No space left" in p.stderr, "a full disk behind standard output: " + " ".join(args[:2]), p)


def main():
    out = must("lab", "list")
    report([line.split()[0] for line in out.splitlines()] == ["2020-03-12", "2025-10-10", "calm"] and out.count("synthetic") == 3, "built-in scenarios", out)
    with tempfile.TemporaryDirectory(prefix="lab_run.") as folder:
        path = check_small(folder)
        check_outputs(folder, path)
        check_faults(folder, path)
    day = must("lab", "run", "2025-10-10", "--no-plain")
    report(number(day, r"Most at one instant\s+(\d+)") >= 22558 and "yes" in day, "2025-10-10: 22,558 and more at one instant, conserved", day)
    finish()


if __name__ == "__main__":
    main()
