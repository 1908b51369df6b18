#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A venue whose liquidation thresholds follow the volatility of its own marks, and a keeper in a crash: the keeper is told
of each change, its rows are made anew, the audit misses nothing, both devices agree, the journal replays; so after kill -9
of the keeper or of the venue. Every version of the parameters in the venue's database is inside its bounds and no faster
than its rate; a calm market changes nothing. What cannot be followed is refused with the reason. Prints TAP.
Environment: TRIPLINE, SEED.
"""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile

from keeper import DEADLINE, SEED, TRIPLINE, finish, killed_at, must, number, report, size_of, tripline
from market_bytes import Market

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-dynamic-")
BASE_SPEC = {"k_bps": 1, "sigma0_ppm": 10000000, "min_bps": 6000, "dead_bps": 1, "rate_mbps": 20000, "least": 2, "lambda_ppm": 700000}
OFF = ("--venue-arg=--fsync", "--venue-arg=off")


def at(name, *path):
    return os.path.join(work, name, *path)


def spec(**more):
    return ",".join("%s=%s" % x for x in {"instrument": "WETH", **BASE_SPEC, **more}.items())


def made(name, path, seconds, rate, accounts):
    """A capture and borrowers only, half of them near the edge: their orders carry the reserves' marks."""
    capture, db, every = (os.path.join(work, name + end) for end in (".pcap", ".db", ".all.db"))
    must("gen", "-q", "-o", capture, "--path", path, "--seconds", seconds, "--rate", rate, "--seed", SEED)
    must("accounts", "gen", "--db", every, "--accounts", accounts, "--seed", SEED, "--near", 500000)
    book = json.loads(must("accounts", "export", "--db", every))
    book["accounts"] = [a for a in book["accounts"] if a["rule"].startswith("aave")]
    with open(db + ".json", "w") as f:
        json.dump(book, f)
    must("accounts", "import", "--db", db, db + ".json")
    return capture, db


def command(name, inputs, device, *more):
    return [TRIPLINE, "run", "--quiet", "--accounts", inputs[1], "--capture", inputs[0], "--dir", at(name), "--device", device,
            "--audit", "--no-lockstep", *OFF, *more]


def versions(name, instrument="WETH"):
    con = sqlite3.connect(at(name, "venue.db"))
    out = [(x["lt"], *x["ramp"][:1], *x["ramp"][2:]) for x in (Market(v).of[instrument] for v, in con.execute("SELECT value FROM market ORDER BY version"))]
    con.close()
    return out


def threshold(v, t):
    lt, begin, start, end = v
    return lt if not begin or t >= end else begin if t <= start else lt + (begin - lt) * (end - t) // (end - start)


def sound(name, what, rate, low, dead, least=1, instrument="WETH"):
    """Each version inside its bounds, ramps from where it stood, beyond the dead band and no faster than the rate."""
    v = versions(name, instrument)
    top, wrong = v[0][0], []
    for was, now in zip(v, v[1:]):
        lt, begin, start, end = now
        if was == now:
            continue  # another instrument's
        if not low <= lt <= top or begin > top or (begin and not (begin > lt and (begin - lt) * 1000 <= rate * (end - start))):
            wrong.append((was, now))
        if begin and not (abs(lt - was[0]) > dead and threshold(was, start) <= begin <= threshold(was, start) + 1):
            wrong.append((was, now))
    report(len(v) >= least and not wrong, "%s: %d versions, inside bounds, ramps not faster than their rate" % (what, len(v)), wrong or v)
    return v


def judged(what, name, p, agrees=None):
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "%s: the audit holds" % what, p.stdout + p.stderr)
    if agrees:
        report(agrees + ": identical" in p.stdout, "%s: the devices agree" % what, p.stdout)
    r = tripline("replay", at(name, "journal"))
    report(r.returncode == 0 and "replay: identical" in r.stdout, "%s: it replays" % what, r.stdout + r.stderr)
    r = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(r.returncode == 0 and number(r.stdout, r"filled=(\d+)") > 0, "%s: books balance, orders were filled" % what, r.stdout + r.stderr)


def run(*args):
    return subprocess.run(command(*args), capture_output=True, text=True, timeout=DEADLINE)


def told(p):
    return number(p.stdout, r"parameters +(\d+) changes taken, 0 refused")


def a_crash(inputs):
    p = run("crash", inputs, "model+vector", "--venue-dynamic", spec(), "--venue-dynamic", spec(instrument="WBTC"))
    judged("model+vector", "crash", p, "model==vector")
    v = sound("crash", "model+vector", 20000, 6000, 1, 2)
    report(0 < told(p) <= len(v) + len(versions("crash", "WBTC")), "the keeper is told of %d changes before the capture ends" % told(p), p.stdout)
    report(any(x[1] for x in v), "the threshold falls by a ramp", v)


def on_the_rtl():
    inputs = made("small", "crash", 20, 30, 500)
    p = run("sim", inputs, "sim+model", "--venue-dynamic", spec(dead_bps=0))
    judged("sim+model", "sim", p, "model==rtl")
    report(told(p) > 0, "sim+model: the keeper is told of %d changes" % told(p), p.stdout)


def nothing_to_follow(inputs):
    """A deviation that is never reached: the threshold stays, and no version is made."""
    p = run("far", inputs, "vector", "--venue-dynamic", spec(sigma0_ppm=4294967295, max_bps=versions("crash")[0][0]))
    report(p.returncode == 0 and "parameters  " not in p.stdout and len(versions("far")) == 1, "below sigma0 at the high bound nothing changes",
           p.stdout + p.stderr)


def killed_and_resumed(inputs):
    whole, journal = size_of(at("crash", "journal")), at("kill", "journal")
    died = sum(killed_at(command("kill", inputs, "vector", "--venue-dynamic", spec()), journal, size_of(journal) + part * whole) for part in (0.2, 0.4))
    judged("kill -9 of the keeper", "kill", run("kill", inputs, "vector", "--venue-dynamic", spec()))
    sound("kill", "kill -9 of the keeper", 20000, 6000, 1)
    report(died > 0, "kill -9: %d of 2 runs were killed" % died)


def venue_dies(inputs):
    """Its process ends after every 60th fill and is started again: it goes on from the thresholds that it has."""
    p = run("venue", inputs, "vector", "--venue-dynamic", spec(), "--venue-arg=--crash-after", "--venue-arg=60")
    judged("kill -9 of the venue", "venue", p)
    sound("venue", "kill -9 of the venue", 20000, 6000, 1)


def refused(inputs):
    def check(what, said, *more, code=2):
        p = tripline("run", "--accounts", inputs[1], "--capture", inputs[0], "--dir", at("no"), *more)
        report(p.returncode == code and said in p.stderr, "refused: " + what, p.stdout + p.stderr)
    check("lockstep, with what to do", "--no-lockstep", "--venue-dynamic", spec())
    for what, said, text in [("no instrument", "are needed", "k_bps=1,min_bps=1"), ("an unknown key", "no such key: colour", spec(colour=1)),
                             ("no number", "takes a whole number", spec(k_bps="1e3")), ("no value", "no name=value", "instrument"),
                             ("bounds", "min_bps <= base_bps", spec(base_bps=5999)), ("a rate of 0", "rate_mbps is above 0", spec(rate_mbps=0)),
                             ("a negative number", "takes a whole number", spec(dead_bps=-1)), ("a lambda of 1", "lambda_ppm is", spec(lambda_ppm=1000000))]:
        check(what, said, "--no-lockstep", "--venue-dynamic", text)
        p = tripline("venue", "--socket", at("s"), "--state", at("v.db"), "--dynamic", text)
        report(p.returncode == 2 and said in p.stderr, "refused by the venue: " + what, p.stderr)
    for name in ("NOPE", "BTC_USDC-PERPETUAL"):
        check(name, "tripline run: --dynamic: %s is no reserve of this market" % name, "--no-lockstep", "--venue-dynamic", spec(instrument=name), code=1)
    check("another's venue", "--dynamic", "--no-lockstep", "--venue", at("s"), "--venue-dynamic", spec())


crash = made("crash", "crash", 40, 150, 2000)
a_crash(crash)
nothing_to_follow(crash)
killed_and_resumed(crash)
venue_dies(crash)
on_the_rtl()
refused(crash)
shutil.rmtree(work)
finish()
