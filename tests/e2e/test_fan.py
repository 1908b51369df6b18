#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job on several devices as one: more rows than one device holds, none missed, replay on other devices.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import shutil
import tempfile

from keeper import SEED, finish, must, number, report, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-fan-")
capture = os.path.join(work, "crash.pcap")
db = os.path.join(work, "accounts.db")


def run(name, device, *args):
    return tripline("run", "--quiet", "--accounts", db, "--capture", capture, "--dir", os.path.join(work, name),
                    "--device", device, "--audit", *args)


def replay(name, device):
    return tripline("replay", "--audit", "--device", device, os.path.join(work, name, "journal"))


def main():
    must("gen", "-o", capture, "--path", "crash", "--seconds", 15, "--rate", 200, "--seed", SEED)
    must("accounts", "gen", "--db", db, "--accounts", 450, "--seed", SEED)
    p = run("three", "model*3")
    report(p.returncode == 0 and "audit: missed=0 unconfirmed_orders=0" in p.stdout, "three models: nothing missed",
           p.stdout + p.stderr)
    report(number(p.stdout, r"orders\s+(\d+) handed") >= 10, "a crash liquidates dozens", p.stdout)
    for device in ("model", "model*3", "model*2", "sim,model*2", "sim*2,model+model"):
        r = replay("three", device)
        report(r.returncode == 0 and "replay: identical" in r.stdout, "its journal replays on %s" % device,
               r.stdout + r.stderr)
    r = replay("three", "sim*2")
    report(r.returncode == 1 and "96 x 16 rows" in r.stderr and "sim*2 has 64 x 16" in r.stderr,
           "a replay on devices with fewer rows is refused", r.stdout + r.stderr)
    p = run("rtl", "sim*2+model")
    report(p.returncode == 0 and "audit: missed=0 unconfirmed_orders=0 model==rtl: identical" in p.stdout,
           "two cards in simulation are one model", p.stdout + p.stderr)
    report(number(p.stdout, r"trigger\s+n=(\d+)") > 0, "tick-to-trigger is reported in cycles", p.stdout)
    r = replay("rtl", "model")
    report(r.returncode == 0 and "replay: identical" in r.stdout, "its journal replays on one model", r.stdout + r.stderr)
    p = run("mixed", "sim,model*2")
    report(p.returncode == 0 and "missed=0" in p.stdout and "no cycles" in p.stdout,
           "a mixed list; cycles are those of all members or none", p.stdout + p.stderr)
    p = run("wrong", "model*0")
    report(p.returncode == 1 and "model*0" in p.stderr and "NAME*COUNT" in p.stderr, "a wrong name is explained", p.stderr)


main()
shutil.rmtree(work)
finish()
