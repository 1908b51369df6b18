#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instruments' parameters pushed to the venue of a live run: a cut of a lending threshold, a raise of a perpetual's
maintenance. Who was above maintenance before and is not now is liquidated, the audit holds, the journal replays; so do
a keeper that was killed meanwhile and one whose venue was. What cannot be is refused with file, line and instrument.
Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from keeper import DEADLINE, SEED, TRIPLINE, finish, halted_at, must, number, report, size_of, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-market-")
capture = os.path.join(work, "calm.pcap")
db = os.path.join(work, "accounts.db")
must("gen", "-q", "-o", capture, "--path", "calm", "--seconds", 30, "--rate", 1000, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 600, "--seed", SEED)
market = {i["name"]: i for i in json.loads(must("accounts", "export", "--db", db, "--market"))["instruments"]}
LENDING, PERPETUAL = "WETH", "BTC_USDC-PERPETUAL"


def at(name, *path):
    return os.path.join(work, name, *path)


def command(name, *more):
    return [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model",
            "--audit", "--no-lockstep", *more]


class Venue:
    """A process of its own, which a keeper's death does not end."""

    def __init__(self, name):
        os.makedirs(at(name), exist_ok=True)
        self.args = [TRIPLINE, "venue", "--socket", at(name, "s"), "--state", at(name, "venue.db"), "--accounts", db,
                     "--fsync", "off"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args)

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=DEADLINE)


def write(name, text):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def push(sock, instruments=(), accounts=(), name="push.json"):
    return tripline("accounts", "push", "--socket", sock,
                    write(name, json.dumps({"instruments": list(instruments), "accounts": list(accounts)}, indent=1)))


def cut(bps):
    return {**market[LENDING], "lt_bps": market[LENDING]["lt_bps"] - bps}


def raised(ppm):
    tiers = [{**t, "rate_ppm": t["rate_ppm"] + ppm} for t in market[PERPETUAL]["tiers"]]
    return {**market[PERPETUAL], "tiers": tiers}


def clearly_due(*instruments):
    """Accounts that these parameters put below maintenance at the first prices by more than a calm market moves."""
    def health(store):
        out = {}
        for line in must("accounts", "show", "--db", store, "--capture", capture).splitlines()[1:]:
            f = line.split()
            if f and f[0].isdigit() and f[-2].replace(".", "", 1).isdigit():
                out[int(f[0])] = float(f[-2])
        return out
    store = os.path.join(work, "changed.db")
    shutil.copy(db, store)
    must("accounts", "import", "--db", store, write("changed.json", json.dumps({"instruments": list(instruments)})))
    before, after = health(db), health(store)
    return {i for i in after if before.get(i, 0) > 1.001 and after[i] < 0.995}


def filled(name):
    con = sqlite3.connect(at(name, "venue.db"))
    out = {i for i, in con.execute("SELECT account FROM orders WHERE status = 1")}
    con.close()
    return out


def halted_midway(name, whole, *more):
    """A run that stands still somewhere in its capture; whole: bytes of a whole run's journal."""
    journal = at(name, "journal")
    return halted_at(command(name, *more), journal, size_of(journal) + whole * 3 // 10)


def judge(what, name, code, out):
    report(code == 0 and "missed=0 unconfirmed_orders=0" in out, "%s: the audit holds" % what, out)
    p = tripline("replay", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: it replays" % what, p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0, "%s: books balance" % what, p.stdout + p.stderr)
    return p.stdout


def nothing_pushed():
    p = subprocess.run(command("none"), capture_output=True, text=True, timeout=DEADLINE)
    report(p.returncode == 0 and "parameters  " not in p.stdout, "without a push there is none", p.stdout + p.stderr)
    return size_of(at("none", "journal")), filled("none")


def pushed_into_a_run(whole, without):
    """Two pushes into a run, one after the other; the second does not take back the first."""
    p = halted_midway("live", whole)
    sock = at("live", "venue.sock")
    one, two = push(sock, [cut(700)]), push(sock, [raised(20000)])
    p.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=DEADLINE)
    report(one.returncode == 0 and "1 of 1 instruments changed, parameters are of version 2" in one.stdout
           and two.returncode == 0 and "version 3" in two.stdout, "the venue takes both", one.stderr + two.stderr)
    text = judge("pushed into a run", "live", p.returncode, out + err)
    report(number(out, r"parameters +(\d+) changes taken, 0 refused") == 2 and number(text, r"market=(\d+)") == 3,
           "the keeper is told of both", out + err)
    for what, instruments in (("cut of a threshold", [cut(700)]), ("raise of a maintenance", [raised(20000)])):
        due = clearly_due(*instruments) - without
        report(len(due) > 3 and due <= filled("live"), "%s: %d accounts that were above it are liquidated" % (what, len(due)),
               sorted(due - filled("live")))


def keeper_away(whole, without):
    """Killed; the venue lives on and takes parameters and an account that is valid only with them."""
    v = Venue("away")
    p = halted_midway("away", whole, "--venue", at("away", "s"))
    p.kill()
    p.communicate()
    one = push(at("away", "s"), [cut(500), raised(15000)])
    p = halted_midway("away", whole, "--venue", at("away", "s"))
    p.kill()  # once more, with the new parameters in its journal
    p.communicate()
    p = subprocess.run(command("away", "--venue", at("away", "s")), capture_output=True, text=True, timeout=DEADLINE)
    report(one.returncode == 0 and "2 of 2 instruments" in one.stdout, "while the keeper is away", one.stderr)
    due = clearly_due(cut(500), raised(15000)) - without
    report(len(due) > 5 and due <= filled("away"), "a keeper that resumes has the venue's parameters: %d accounts" % len(due),
           sorted(due - filled("away")))
    v.end()
    judge("kill -9 of the keeper, and resumed", "away", p.returncode, p.stdout + p.stderr)


def venue_away(whole, without):
    """The venue is killed and started again while the keeper runs; the push comes to its second life."""
    v = Venue("venue")
    p = halted_midway("venue", whole, "--venue", at("venue", "s"))
    first = push(at("venue", "s"), [cut(400)])
    v.end(signal.SIGKILL)
    v.start()
    second = push(at("venue", "s"), [raised(12000)])
    p.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=DEADLINE)
    v.end()
    report(first.returncode == 0 and second.returncode == 0 and "version 3" in second.stdout, "across kill -9 of the venue",
           first.stderr + second.stderr)
    report(number(out, r"parameters +(\d+) changes taken") == 2, "the keeper is told of both, once", out + err)
    due = clearly_due(cut(400), raised(12000)) - without
    report(len(due) > 3 and due <= filled("venue"), "all are liquidated: %d accounts" % len(due), sorted(due - filled("venue")))
    judge("kill -9 of the venue", "venue", p.returncode, out + err)


def store_differs(without):
    """The venue's parameters count; a store of another market is refused."""
    must("accounts", "import", "--db", db, write("store.json", json.dumps({"instruments": [raised(15000)]})))
    p = subprocess.run(command("none"), capture_output=True, text=True, timeout=DEADLINE)
    report(p.returncode == 0 and filled("none") == without, "a store that was changed later changes nothing",
           p.stdout + p.stderr)
    other = os.path.join(work, "other.db")
    must("accounts", "gen", "--db", other, "--accounts", 600, "--seed", SEED, "--guard", 5)
    args = command("none")
    args[args.index(db)] = other
    p = subprocess.run(args, capture_output=True, text=True, timeout=DEADLINE)
    report(p.returncode == 1 and "the venue's market is not that of" in p.stderr and "asset" in p.stderr,
           "a store of another market is named", p.stderr)


def refused():
    v = Venue("refuse")
    sock = at("refuse", "s")

    def line_of(instrument, name):
        with open(os.path.join(work, name)) as f:
            for n, line in enumerate(f, 1):
                if '"%s"' % instrument in line:
                    return n

    def check(what, record, said, name, about=None):
        p = push(sock, [market[PERPETUAL], record], name=name)
        # An object's line is where it begins, the line before its first field.
        n = line_of(about or record["name"], name)
        report(p.returncode == 1 and said in p.stderr and ("%s:%d: " % (name, n - 1)) in p.stderr and record["name"] in p.stderr,
               "refused with file, line and instrument: %s" % what, p.stderr)

    def first(record):  # the name first, so that its line tells where the object begins
        return {"name": record["name"], **{k: v for k, v in record.items() if k != "name"}}

    check("one that the venue has not", first({**market[LENDING], "name": "NEW"}), "takes no new ones", "new.json")
    check("other decimals", first({**market[LENDING], "size_decimals": 3}), "decimals", "decimals.json")
    check("a bonus below one", first({**market[LENDING], "lb_bps": 9000}), "lb_bps", "range.json")
    far = [{"floor": "0", "rate_ppm": 10000}, {"floor": "1" + "0" * 26, "rate_ppm": 20000}]
    check("what an account is not valid with", first({**market["ETH_USDC-PERPETUAL"], "tiers": far}), "account ", "far.json")
    p = push(sock, [market[LENDING]])
    report(p.returncode == 0 and "0 of 1 instruments changed, parameters are of version 1" in p.stdout,
           "what there is already is no change", p.stdout + p.stderr)
    p = tripline("accounts", "push", "--socket", sock, write("asset.json", json.dumps(
        {"assets": [{"name": "btc_usd", "kind": "index", "source": "btc_usd", "decimals": 8, "stale_ms": 5}]})))
    report(p.returncode == 1 and "asset.json" in p.stderr and "btc_usd" in p.stderr, "assets cannot change", p.stderr)
    v.end()


whole, without = nothing_pushed()
pushed_into_a_run(whole, without)
keeper_away(whole, without)
venue_away(whole, without)
refused()
store_differs(without)
shutil.rmtree(work)
finish()
