#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of tripline, and of the venue, at random instants of a run, and restart (P6).

After each crash the run is continued on the same journal. Then: books balance, no account was settled twice for
one state, every order that may have been sent has a known outcome, and the journal replays identically.
Prints TAP. Environment: TRIPLINE, SEED, ROUNDS.
"""
import os
import random
import shutil
import signal
import subprocess
import tempfile

from keeper import DEADLINE, SEED, TRIPLINE, finish, killed_at, must, number, orders, report, size_of, tripline, until

ROUNDS = int(os.environ.get("ROUNDS", "4"))
print("# SEED=%d ROUNDS=%d" % (SEED, ROUNDS))
rng = random.Random(SEED)
work = tempfile.mkdtemp(prefix="tl-crash-")
capture = os.path.join(work, "crash.pcap")
db = os.path.join(work, "accounts.db")
must("gen", "-o", capture, "--path", "crash", "--seconds", 20, "--rate", 200, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 240, "--seed", SEED)


def command(name):
    # A slow venue makes orders in flight the usual state, so that crashes hit them.
    return [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", os.path.join(work, name),
            "--device", "model", "--audit", "--venue-arg=--delay-us=3000"]


def journal_of(name):
    return os.path.join(work, name, "journal")


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(p) for p in out]


def whole_run():
    """Bytes of a whole run's journal, so that instants can be spread over it."""
    must(*command("whole")[1:])
    return size_of(journal_of("whole"))


def judge(name, what, last):
    d = os.path.join(work, name)
    ledger = tripline("venue", "ledger", "--state", os.path.join(d, "venue.db"))
    report(ledger.returncode == 0, "%s: books balance, one fill an epoch" % what, ledger.stdout + ledger.stderr)
    report(last.returncode == 0 and "missed=0 unconfirmed_orders=0" in last.stdout, "%s: the last run ends well" % what,
           last.stdout + last.stderr)
    rep = tripline("report", os.path.join(d, "journal")).stdout
    found = orders(rep)
    keys = [k for k, _ in found]
    report(found and not [k for k, o in found if o.startswith("no reply")],
           "%s: every order that was handed over has a known outcome" % what, rep[-3000:])
    report(len(set(keys)) == len(keys), "%s: no key was used for two orders" % what, keys)
    p = tripline("replay", os.path.join(d, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: every segment replays" % what,
           p.stdout + p.stderr)
    return rep


def kill_tripline(whole):
    """Several crashes of one journal, then a run to the end."""
    died = 0
    for _ in range(ROUNDS):
        died += killed_at(command("kill"), journal_of("kill"), size_of(journal_of("kill")) + rng.uniform(0.05, 0.8) * whole)
    last = tripline(*command("kill")[1:])
    rep = judge("kill", "kill -9 of tripline", last)
    report(died > 0, "kill -9 of tripline: %d of %d runs were killed" % (died, ROUNDS), rep)
    report(rep.count("resumed:") >= 1, "kill -9 of tripline: restarts looked their orders up", rep)


def kill_venue(whole):
    killed = 0
    p = subprocess.Popen(command("venue"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(ROUNDS):
        size = size_of(journal_of("venue")) + rng.uniform(0.05, 0.2) * whole
        until(p, lambda: size_of(journal_of("venue")) >= size)
        for child in children(p.pid):
            try:
                os.kill(child, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
    out, err = p.communicate(timeout=DEADLINE)
    last = subprocess.CompletedProcess(p.args, p.returncode, out, err)
    judge("venue", "kill -9 of the venue", last)
    report(killed > 0, "kill -9 of the venue: %d times" % killed)
    report(number(out, r"(\d+) outstanding") == 0, "kill -9 of the venue: no order is left without an outcome", out)


whole = whole_run()
kill_tripline(whole)
kill_venue(whole)
shutil.rmtree(work)
finish()
