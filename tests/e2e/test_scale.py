#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job with more accounts than the device has rows, and more assets than it has columns: nested boxes, rows
evaluated on the host; audited by brute force at every update, replayed on other devices.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import shutil
import tempfile

from keeper import SEED, finish, must, number, report, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-scale-")
capture = os.path.join(work, "crash.pcap")
db = os.path.join(work, "accounts.db")


def run(name, device, *args):
    return tripline("run", "--quiet", "--accounts", db, "--capture", capture, "--dir", os.path.join(work, name),
                    "--device", device, "--audit", *args)


def holds(p, what):
    report(p.returncode == 0 and "audit: missed=0 unconfirmed_orders=0" in p.stdout, what, p.stdout + p.stderr)


def replays(name, *devices):
    for device in devices:
        r = tripline("replay", "--audit", "--device", device, os.path.join(work, name, "journal"))
        report(r.returncode == 0 and "replay: identical" in r.stdout, "%s: its journal replays on %s" % (name, device),
               r.stdout + r.stderr)


def main():
    must("gen", "-o", capture, "--path", "crash", "--seconds", 15, "--rate", 200, "--seed", SEED)
    must("accounts", "gen", "--db", db, "--accounts", 1200, "--seed", SEED)
    p = run("plain", "model")
    holds(p, "1,200 accounts on 512 rows: nothing missed")
    report(number(p.stdout, r"orders\s+(\d+) handed") >= 100, "a crash liquidates hundreds", p.stdout)
    report(number(p.stdout, r"boxes\s+(\d+) moved in the background") > 0 and
           number(p.stdout, r"after a jump \((\d+),") > 0 and number(p.stdout, r"(\d+) changes of tier") > 0,
           "boxes move in the background and after jumps", p.stdout)
    replays("plain", "model", "vector")

    p = run("rtl", "sim+model")
    holds(p, "the RTL and its model in nested boxes: nothing missed")
    report("model==rtl: identical" in p.stdout, "and identical", p.stdout)
    replays("rtl", "model")

    p = run("narrow", "vector+model", "--geometry", "16x8x6")
    holds(p, "128 rows and fewer columns than assets: nothing missed")
    report("vector==model: identical" in p.stdout, "and identical", p.stdout)
    report(number(p.stdout, r"host: (\d+) rows evaluated") > 0, "accounts without a column are evaluated on the host",
           p.stdout)
    replays("narrow", "model")

    p = run("tight", "model", "--set", "near_rows=10", "--set", "box_ppm=300", "--set", "slice=0")
    holds(p, "ten rows, a narrow box, no background work: nothing missed")
    report(number(p.stdout, r"\((\d+) rows\)") <= 10, "no more rows are used than allowed", p.stdout)
    replays("tight", "vector")

    p = run("room", "vector")
    holds(p, "the same accounts with room for all on the device: nothing missed")
    report("tiers " not in p.stdout, "then there are no boxes", p.stdout)


main()
shutil.rmtree(work)
finish()
