#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline lab map and var: text and JSON, stores and generated books, determinism, history, errors with file, line and remedy.
Prints TAP. Environment: TRIPLINE.
"""
import json
import math
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from keeper import DEADLINE, TRIPLINE, catches, finish, must, report, tripline, until  # noqa: E402

GEN = ["--generate", "3000", "--seed", "5"]


def same_but_time(text):
    d = json.loads(text)
    for k in ("seconds", "threads", "looked", "exact"):
        d.pop(k)
    for k in ("seconds", "fast_seconds", "all_seconds"):
        d["naive"].pop(k)
    return d


def check_var():
    run = ["lab", "var", *GEN, "--paths", "300", "--json"]
    one, two = must(*run, "--threads", "1"), must(*run, "--threads", "3")
    a, b = same_but_time(one), same_but_time(two)
    report(a == b, "the figures do not depend on threads", one + two)
    report(a["naive"]["differ"] == 0 and a["naive"]["paths"] == 100 and a["naive"]["verdicts"] == 300000 and a["naive"]["worst"] < 1e-9, "the naive way agrees", one)
    tails = a["tails"]
    report([t["level"] for t in tails] == [0.95, 0.99, 0.999] and all(t["lo"] <= t["var"] <= t["hi"] and t["es"] >= t["var"] for t in tails), "levels", one)
    report(a["accounts"] == 3000 and a["paths"] == 300 and a["single"] + a["grouped"] <= 3000, "what was asked", one)
    other = same_but_time(must("lab", "var", "--generate", "3000", "--seed", "6", "--paths", "300", "--json"))
    report(other["tails"] != tails, "another seed, other figures")
    calm = json.loads(must(*run, "--vol", "0.001", "--df", "0"))
    report(calm["mean_bad_debt"] < a["mean_bad_debt"] and calm["looked"] < json.loads(one)["looked"], "calm prices: less debt, less looked at", calm)
    still = json.loads(must(*run, "--vol", "0"))
    report(still["mean_liquidatable"] == 0 and still["mean_bad_debt"] == 0, "prices that stay liquidate nobody", still)
    text = must("lab", "var", *GEN, "--paths", "200", "--jumps", "0.5,-0.3,0.1", "--horizon", "0.5")
    report("3000 accounts" in text and "equal: 0 of " in text and "99.9 %" in text and "times as long" in text, "text", text)


def check_store(folder):
    db = os.path.join(folder, "a.db")
    must("accounts", "gen", "--db", db, "-n", "3000", "--seed", "5")
    a = same_but_time(must("lab", "var", *GEN, "--paths", "50", "--json"))
    b = same_but_time(must("lab", "var", "--accounts", db, "--seed", "5", "--paths", "50", "--json"))
    report(a == b, "a store gives what its book, generated, gives", (a, b))
    drift = ["--generate", "300", "--seed", "5", "--perp", "drift-v2-1"]
    report(must("lab", "map", *drift) != must("lab", "map", *drift[:4]), "another rule of those who hold perpetuals")
    p = tripline("lab", "map", "--accounts", db, *drift[4:])
    report(p.returncode == 2 and "--lending and --perp belong to --generate" in p.stderr, "--perp is the generator's", p.stderr)
    p = tripline("lab", "map", *drift[:4], "--perp", "perp-inverse-1")
    report(p.returncode == 1 and "is not a rule for linear perpetuals" in p.stderr, "a rule of no linear perpetuals", p.stderr)
    p = tripline("lab", "var", "--accounts", os.path.join(folder, "none.db"))
    report(p.returncode == 1 and "none.db" in p.stderr, "a store that is not there", p.stderr)


def check_map():
    points = json.loads(must("lab", "map", *GEN, "--json"))["points"]
    report(len(points) == 41 and points[20]["move"] == 0 and points[20]["liquidatable"] == 0, "map: nobody at the start")
    down, up = [p["liquidatable"] for p in points[20::-1]], [p["liquidatable"] for p in points[20:]]
    report(down == sorted(down) and up == sorted(up) and down[-1] > 1000, "map: a bigger move liquidates no fewer", (down, up))
    btc = json.loads(must("lab", "map", *GEN, "--asset", "BTC", "--from", "-0.2", "--to", "0.1", "--points", "4", "--json"))
    same = json.loads(must("lab", "map", *GEN, "--asset", "BTC_USDC-PERPETUAL", "--from", "-0.2", "--to", "0.1", "--points", "4", "--json"))
    report(btc == same and btc["map"] == "BTC" and len(btc["points"]) == 4, "map: a coin by its own or an asset's name", btc)
    only = must("lab", "map", *GEN, "--points", "3", "--json", *[x for c in ("ETH", "SOL", "XRP", "DOGE", "PEPE") for x in ("--beta", c + "=0")])
    one = must("lab", "map", *GEN, "--points", "3", "--json", "--asset", "BTC")
    report(json.loads(only)["points"] == json.loads(one)["points"], "map: beta 0 of all others is the coin alone", only + one)
    text = must("lab", "map", *GEN, "--points", "5")
    report(text.count("\n") == 7 and "bad debt" in text, "map: text", text)


def check_history(folder):
    path = os.path.join(folder, "h.csv")
    coins = ["BTC", "ETH", "SOL", "XRP", "DOGE", "PEPE"]

    def write(rows, head="time," + ",".join(coins)):
        with open(path, "w", encoding="utf-8") as f:
            f.write(head + "\n" + "".join(f"{i}," + ",".join("%.9f" % x for x in r) + "\n" for i, r in enumerate(rows)))

    rows = [[100 * math.exp(0.05 * math.sin(i * (k + 3)) + 0.03 * math.cos(i * 1.7)) for k in range(6)] for i in range(61)]
    write(rows)
    d = json.loads(must("lab", "var", *GEN, "--paths", "200", "--history", path, "--json"))
    report(d["history"]["returns"] == 60 and len(d["history"]["kupiec"]) == 3, "history: simulated beside the drawn paths", d)
    x, t, p = d["history"]["kupiec"][0]["exceeded"], 60, 0.05
    f = lambda n, v: n * math.log(v) if n else 0  # noqa: E731
    want = -2 * (f(t - x, 1 - p) + f(x, p) - f(t - x, 1 - x / t) - f(x, x / t))
    report(abs(d["history"]["kupiec"][0]["lr"] - want) < 1e-9, "history: Kupiec's ratio", (d, want))
    week = json.loads(must("lab", "var", *GEN, "--paths", "200", "--history", path, "--horizon", "7", "--json"))
    report(all(abs(a["var"] / max(1, b["var"]) - 1) < 1e-6 for a, b in zip(week["tails"], d["tails"]) if b["var"]), "history: a row is a horizon, however many days that is", (week, d))
    report("Kupiec" in must("lab", "var", *GEN, "--paths", "100", "--history", path), "history: text")

    def fault(*wanted):
        p = tripline("lab", "var", *GEN, "--paths", "10", "--history", path)
        report(p.returncode == 1 and all(w in p.stderr for w in wanted), "fault told: " + wanted[-1], p.stderr)

    write(rows[:1])
    fault(path, "two rows of prices")
    write([r[:5] for r in rows], "time," + ",".join(coins[:5]))
    fault(path + ":1:", "no column for PEPE")
    write([rows[0], [0] * 6])
    fault(path + ":3:", "must be above 0")
    os.remove(path)
    fault(path, "No such file")


def check_usage():
    for words, wanted in ((["lab"], "usage: tripline lab"), (["lab", "nothing"], "no command called nothing"), (["lab", "var"], "--generate N"),
                          (["lab", "var", "--generate", "0"], "out of range"), (["lab", "var", *GEN, "--df", "2"], "out of range"),
                          (["lab", "var", *GEN, "--accounts", "x"], "either"), (["lab", "var", *GEN, "x"], "unknown word"),
                          (["lab", "var", *GEN, "--jumps", "1,2"], "1,2"), (["lab", "map", *GEN, "--from", "0.5", "--to", "0.5"], "below"),
                          (["lab", "var", *GEN, "--jumps", "1,0,0,5"], "1,0,0,5"), (["lab", "var", *GEN, "--lambda", "0.9"], "--lambda belongs"),
                          (["lab", "var", *GEN, "--history", "h.csv", "--vol", "0.1"], "the history tells them"),
                          (["lab", "map", *GEN, "--points", "1"], "out of range"), (["lab", "map", *GEN, "--beta", "BTC"], "COIN=B"),
                          (["lab", "map", *GEN, "--asset", "BTC", "--beta", "ETH=1"], "--beta belongs")):
        p = tripline(*words)
        report(p.returncode == 2 and not p.stdout and wanted in p.stderr, "usage: " + " ".join(words), p.stderr)
    for words in (["lab", "--help"], ["lab", "map", "--help"], ["lab", "var", "--help"]):
        report("Exit status" in must(*words), "help: " + " ".join(words))
    p = tripline("lab", "map", *GEN, "--asset", "NONE")
    report(p.returncode == 1 and "there are BTC, ETH" in p.stderr, "a coin that is not there", p.stderr)


def check_page(folder):
    for verb, more, title in (("map", [], "Liquidation map"), ("var", ["--paths", "50"], "Bad debt at risk")):
        page = os.path.join(folder, verb + ".html")
        must("lab", verb, *GEN, *more, "-o", page)
        with open(page, encoding="utf-8") as f:
            text = f.read()
        report(text.startswith("<!DOCTYPE html>") and title in text and "<svg" in text, verb + ": a page with a chart", text[:300])
        p = tripline("lab", verb, *GEN, *more, "-o", page)
        report(p.returncode == 1 and "--force" in p.stderr, verb + ": a file that is there stays", p.stderr)
        must("lab", verb, *GEN, *more, "-o", page, "--force")
        p = tripline("lab", verb, *GEN, *more, "--prices", page, "-o", page, "--force")
        report(p.returncode == 1 and page in p.stderr, verb + ": prices out of the page", p.stderr)
        p = tripline("lab", verb, "--generate", "100000000", "-o", page)
        report(p.returncode == 1 and "--force" in p.stderr, verb + ": refused before the work", p.stderr)
        p = tripline("lab", verb, *GEN, *more, "-o", os.path.join(folder, "none", "x.html"))
        report(p.returncode == 1 and "x.html" in p.stderr, verb + ": a folder that is not there", p.stderr)


def check_interrupt():
    p = subprocess.Popen([TRIPLINE, "lab", "var", "--generate", "100000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(p, lambda: catches(p, signal.SIGINT))
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=DEADLINE)
    report(p.returncode == 1 and out == "" and "interrupted" in err, "Ctrl-C", (p.returncode, out, err))


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_var()
        check_store(folder)
        check_map()
        check_history(folder)
        check_page(folder)
        check_usage()
        check_interrupt()
    finish()


if __name__ == "__main__":
    main()
