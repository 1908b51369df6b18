#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A venue on which everything that can follow does, each by another policy and estimator, and a keeper in a crash: perpetuals'
maintenance rates climb inside their bounds and by ramps with tiers ascending, eMode thresholds keep their distance from the
reserve's, deposits and an implied volatility lower thresholds. The keeper is told of each change, its rows follow, the audit
misses nothing, both devices agree, the journal replays; a venue that dies goes on from the multiple it has. What means nothing
for the instrument's kind is refused with the reason. Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from math import isqrt

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, tripline
from market_bytes import Market

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-dynamic-kinds-")
OFF = ("--venue-arg=--fsync", "--venue-arg=off")
FAST = {"dead_bps": 1, "rate_mbps": 20000, "least": 2}
HIGH = {"sigma0_ppm": 2000000, **FAST}
SPECS = {
    "WETH": {"estimator": "garman-klass", "period_s": 2, "window": 5, "k_bps": 3, "min_bps": 6000, **HIGH, "sigma0_ppm": 1000000},
    "WBTC": {"policy": "scaled", "quote": 1000, "min_bps": 7000, **FAST},
    "SOL": {"policy": "implied", "n_tenths": 20, "base_bps": 7500, "min_bps": 6500, **FAST},
    "BTC_USDC-PERPETUAL": {"estimator": "realised", "window": 20, "k_bps": 400, "max_bps": 20000, **HIGH},
    "ETH_USDC-PERPETUAL": {"policy": "open-interest", "lower": 1, "upper": 100, "max_bps": 13000, **FAST},
    "SOL_USDC-PERPETUAL": {"policy": "size", "estimator": "ewma", "k_bps": 200, "max_bps": 15000, **HIGH},
    "BTC-PERPETUAL": {"estimator": "parkinson", "period_s": 1, "window": 2, "k_bps": 1000, "max_bps": 20000, **HIGH, "sigma0_ppm": 200000},
}
LINEAR = ("BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL")
PERPETUALS = [x for x in SPECS if "PERPETUAL" in x]


def at(*path):
    return os.path.join(work, *path)


def text(name, **more):
    return ",".join("%s=%s" % x for x in {"instrument": name, **SPECS[name], **more}.items())


def follow(*names):
    return [x for n in names or SPECS for x in ("--venue-dynamic", text(n))]


def made(name, seconds, rate, accounts, tiers=None):
    capture, db = at(name + ".pcap"), at(name + ".db")
    must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", seconds, "--rate", rate, "--seed", SEED)
    must("accounts", "gen", "--db", db, "--accounts", accounts, "--seed", SEED, "--near", 500000)
    if tiers:  # of linear perpetuals, so many; no portfolio and nothing else that would cross
        book = json.loads(must("accounts", "export", "--db", db))
        for i in book["instruments"]:
            if i["kind"] == "linear":
                i["tiers"] = i["tiers"][:tiers]
        with open(at(name + ".json"), "w") as f:
            json.dump(book, f)
        db = at(name + ".few.db")
        must("accounts", "import", "--db", db, at(name + ".json"))
    return capture, db


def run(name, inputs, device, *more):
    return subprocess.run([TRIPLINE, "run", "--quiet", "--accounts", inputs[1], "--capture", inputs[0], "--dir", at(name), "--device", device,
                           "--audit", "--no-lockstep", *OFF, *more], capture_output=True, text=True, timeout=DEADLINE)


def versions(name):
    con = sqlite3.connect(at(name, "venue.db"))
    out = [Market(v).of for v, in con.execute("SELECT value FROM market ORDER BY version")]
    con.close()
    return out


def judged(what, name, p, agrees=None):
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "%s: the audit holds" % what, p.stdout + p.stderr)
    if agrees:
        report(agrees + ": identical" in p.stdout, "%s: the devices agree" % what, p.stdout)
    r = tripline("replay", at(name, "journal"))
    report(r.returncode == 0 and "replay: identical" in r.stdout, "%s: it replays" % what, r.stdout + r.stderr)
    r = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(r.returncode == 0 and number(r.stdout, r"filled=(\d+)") > 0, "%s: books balance, orders were filled" % what, r.stdout + r.stderr)


def scaled(base, factor, shares):
    return [r - (-r * (factor - 10000) * s // 10**10) for r, s in zip(base, shares)]


def climbs(name, v, instrument, least=1):
    """Every version is a multiple inside the bounds of the configured rates, ascending."""
    first, spec = v[0][instrument], SPECS[instrument]
    base = [r for _, r in first["tiers"]]
    floors = [f for f, _ in first["tiers"]]
    shares = [isqrt(10**12 * f // floors[-1]) for f in floors] if spec.get("policy") == "size" else [10**6] * len(base)
    wrong, moved = [], 0
    for was, now in zip(v, v[1:]):
        have = [r for _, r in now[instrument]["tiers"]]
        moved += have != [r for _, r in was[instrument]["tiers"]]
        low = 10000 + (have[-1] - base[-1] - 1) * 10000 // base[-1]  # the last tier moves by a whole share
        fits = any(scaled(base, f, shares) == have for f in range(max(10000, low), min(spec["max_bps"], low + 10000 // base[-1] + 2) + 1))
        if not fits or have != sorted(set(have)) or [f for f, _ in now[instrument]["tiers"]] != floors:
            wrong.append(have)
    report(moved >= least and not wrong, "%s: %s: %d versions, each a multiple in its bounds, tiers ascend" % (name, instrument, moved), (base, wrong[:3]))
    return moved


def thresholds(name, v, instrument):
    low, wrong, moved = SPECS[instrument]["min_bps"], [], 0
    gap = v[0][instrument]["emode_lt"] - v[0][instrument]["lt"] if v[0][instrument]["emode"] else None
    for was, now in zip(v, v[1:]):
        x = now[instrument]
        moved += x["lt"] != was[instrument]["lt"]
        if not low <= x["lt"] <= v[0][instrument]["lt"]:
            wrong.append(x)
        if gap is not None and (x["emode_lt"] - x["lt"] != gap or (x["ramp"][1] or gap) - (x["ramp"][0] or 0) != gap):
            wrong.append(x)
    what = "" if gap is None else ", its eMode at %d bps from it" % gap
    report(moved > 0 and not wrong, "%s: %s: the threshold follows %d times, inside its bounds%s" % (name, instrument, moved, what), wrong[:3])
    return moved


def everything(inputs):
    p = run("all", inputs, "model+vector", *follow())
    judged("all policies", "all", p, "model==vector")
    v = versions("all")
    for name in SPECS:
        (climbs if name in PERPETUALS else thresholds)("all policies", v, name)
    told = number(p.stdout, r"parameters +(\d+) changes taken, 0 refused")
    report(0 < told <= len(v), "the keeper is told of %d of %d versions before the capture ends" % (told, len(v)), p.stdout)


def bounded(inputs):
    """One tier: a change of the rate is a shift of the rows' bound, so most of the boxes stay as they are."""
    p = run("shift", inputs, "model+vector", *follow(*LINEAR))
    judged("one tier", "shift", p, "model==vector")
    v = versions("shift")
    moved = sum(climbs("one tier", v, name, least=0) for name in LINEAR)
    shifted = number(p.stdout, r"of assets' rows (\d+) within the rules' bounds, 0 all made anew")
    anew = number(p.stdout, r"(\d+) accounts made anew when looked at")
    report(moved > 0 and 0 < shifted <= 2 * len(v), "one tier: %d changes, %d within the rules' bounds, none of all rows; %d accounts when looked at" % (moved, shifted, anew),
           [x for x in p.stdout.splitlines() if "param" in x])


def venue_dies(inputs):
    p = run("dies", inputs, "vector", *follow(*LINEAR, "WETH"), "--venue-arg=--crash-after", "--venue-arg=60")
    judged("kill -9 of the venue", "dies", p)
    v = versions("dies")
    moved = sum(climbs("kill -9 of the venue", v, name, least=0) for name in LINEAR)
    report(moved > 0, "kill -9 of the venue: rates went on moving, %d times" % moved)


def refused(inputs):
    def check(what, said, spec, code):
        p = tripline("run", "--accounts", inputs[1], "--capture", inputs[0], "--dir", at("no"), "--no-lockstep", "--venue-dynamic", spec)
        report(p.returncode == code and said in p.stderr, "refused: " + what, p.stdout + p.stderr)
    for what, said, spec in [("an unknown policy", "policy is volatility", text("WBTC", policy="moon")),
                             ("an unknown estimator", "estimator is ewma", text("WETH", estimator="best")),
                             ("a window of 0", "window is 1 to 256", text("WETH", window=0)),
                             ("bounds upside down", "10000 <= min_bps", text("BTC-PERPETUAL", min_bps=9000)),
                             ("open interest without an upper", "needs lower below upper", text("ETH_USDC-PERPETUAL", upper=1)),
                             ("no deposits", "needs quote above 0", text("WBTC", quote=0)),
                             ("no deviations", "n_tenths is 1", text("SOL", n_tenths=0)),
                             ("size of a reserve", "is for perpetuals", text("WETH", policy="size")),
                             ("deposits of a perpetual", "is for reserves", text("BTC-PERPETUAL", policy="scaled", quote=1)),
                             ("too many characters", "longer than", text("WETH", least="0" * 300 + "1"))]:
        check(what, said, spec, 2)
    for what, said, spec in [("a perpetual's factor on a reserve", "is no perpetual", text("WETH", max_bps=20000, min_bps=10000)),
                             ("a last tier beyond the notional", "max_bps is at most", text("BTC_USDC-PERPETUAL", max_bps=1000000))]:
        check(what, said, spec, 1)


crash = made("crash", 30, 120, 1200)
everything(crash)
bounded(made("one", 30, 120, 1200, tiers=1))
venue_dies(crash)
refused(crash)
shutil.rmtree(work)
finish()
