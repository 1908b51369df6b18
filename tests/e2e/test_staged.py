#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Liquidation in stages: one order for a transition, a part, its cooldown, the rest, the backstop; kill -9 in a cooldown.

Whole runs over a crash. The judge reads the journal's bytes itself and knows nothing of the desk: who was sent an
order when, and what the venue answered. Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import re
import shutil
import struct
import tempfile

from journal_reader import records
from keeper import SEED, TRIPLINE, finish, killed_amid, must, number, report, size_of, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-staged-")
capture = os.path.join(work, "crash.pcap")
decline = os.path.join(work, "trend.pcap")  # slow enough that a part is followed by the rest
brisk = os.path.join(work, "brisk.pcap")  # drift: an order a second for each account due; this many are enough
db = os.path.join(work, "accounts.db")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 30, "--rate", 100, "--seed", SEED)
must("gen", "-q", "-o", decline, "--path", "trend", "--seconds", 600, "--rate", 15, "--seed", SEED)
must("gen", "-q", "-o", brisk, "--path", "trend", "--seconds", 200, "--rate", 15, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 1000, "--seed", SEED)

HEADER, FRAME, CLOCK, REPLY, ORDER, READ, STAGE, STAGED = 1, 4, 5, 7, 11, 17, 22, 23
COOLDOWN = 30 * 10**9
HEALTHY, WARNED, PARTIAL, FULL, BACKSTOP, BANKRUPT, CLOSED = range(7)
FILLED, SENT = 1, 0


def stage_of(payload):
    account, epoch, revision, policy, still_open = struct.unpack_from("<IIIBB", payload)
    now, before = (struct.unpack_from("<BBQQQQIq", payload, 14 + 46 * i) for i in (0, 1))
    return {"account": account, "epoch": epoch, "revision": revision, "policy": policy, "open": still_open,
            "at": now[0], "before": before[0], "until": now[3], "orders": now[5], "orders_before": before[5]}


class Judge:
    """Goes through a journal. Its own idea of a cooldown: 30 s from an order for a part that was not refused."""

    def __init__(self, path):
        self.faults, self.seen, self.now, self.stage = [], {}, 0, {}
        self.until, self.sent, self.carried, self.waiting = {}, {}, 0, 0
        self.within = False
        last = None
        for kind, p in records(path):
            if kind == HEADER:
                self.now = 0  # the capture begins anew
                self.within = b"stages_rest=1" in p
            elif kind in (FRAME, CLOCK, READ):
                self.now = max(self.now, struct.unpack_from("<Q", p)[0])
            elif kind == STAGE:
                last = stage_of(p)
                self.stage[last["account"]] = last
            elif kind == STAGED:
                self.carried += 1
            elif kind == ORDER and p[18] == SENT:
                self.order(struct.unpack_from("<IIII", p), p[16], last)
                last = None
            elif kind == REPLY and p[1] != FILLED and p[1] < 4:
                self.undo(struct.unpack_from("<IIII", p, 2))
        self.waiting = sum(1 for until in self.until.values() if until > self.now)

    def order(self, key, full, last):
        account = key[1]
        if last is None or (last["account"], last["epoch"], last["revision"]) != key[1:]:
            if account in self.stage or not self.unstaged(account):
                self.faults.append("%s: an order without a transition" % (key,))
            return
        what = (last["before"], last["at"])
        if what[0] == what[1] and last["policy"] == 1:
            self.faults.append("%s: ordered twice for state %d" % (key, what[1]))
        if last["orders"] != last["orders_before"] + 1:
            self.faults.append("%s: order %d after %d" % (key, last["orders"], last["orders_before"]))
        if (account, last["orders"]) in self.sent:
            self.faults.append("%s: the transition had its order" % (key,))
        cooling = self.now < self.until.get(account, 0)
        if last["policy"] == 1 and cooling and what[1] not in (BACKSTOP, BANKRUPT) and not (self.within and full):
            self.faults.append("%s: an order in the cooldown" % (key,))
        if last["policy"] == 1 and (what[1] == PARTIAL) == bool(full):
            self.faults.append("%s: state %d, full %d" % (key, what[1], full))
        if what[1] == PARTIAL and last["policy"] == 1:
            self.until[account] = self.now + COOLDOWN
        self.sent[account, last["orders"]] = key
        kind = what + (cooling,)
        self.seen[kind] = self.seen.get(kind, 0) + 1

    def unstaged(self, account):
        return account in lending

    def undo(self, key):
        for at in [at for at, k in self.sent.items() if k == key]:
            del self.sent[at]
            if self.stage.get(at[0], {}).get("at") == PARTIAL:
                self.until.pop(at[0], None)


def accounts_of_lending():
    text = must("accounts", "show", "--db", db)
    return {int(m.group(1)) for m in re.finditer(r"^\s*(\d+)\s.*aave-", text, re.M)}


def args(name, *more, source=capture):
    return ["run", "--quiet", "--accounts", db, "--capture", source, "--dir", os.path.join(work, name), "--audit",
            "--venue-arg=--fsync=off", *more]  # no power is lost here


def ends_well(p, what):
    return report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, what, p.stdout[-3000:] + p.stderr)


def judged(name, what):
    path = os.path.join(work, name, "journal")
    j = Judge(path)
    report(not j.faults and j.sent, "%s: an order for each transition and none without" % what, "\n".join(j.faults[:20]))
    p = tripline("replay", "--audit", path)
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: replays" % what, p.stdout + p.stderr)
    ledger = tripline("venue", "ledger", "--state", os.path.join(work, name, "venue.db"))
    report(ledger.returncode == 0, "%s: books balance" % what, ledger.stdout + ledger.stderr)
    return j


AFTER = ("--set", "stages_rest=after")  # the judge's reading; the announced one has a check of its own


def whole(policy, name, source, more=AFTER):
    p = tripline(*args(name, "--device", "model+vector", "--set", "stages=" + policy, *more, source=source))
    ends_well(p, "%s: model and vector agree, nothing missed, nothing unconfirmed" % name)
    report("model==vector: identical" in p.stdout, "%s: model==vector" % name, p.stdout[-500:])
    j = judged(name, name)
    told = [number(p.stdout, r"stages.*?(\d+) " + name) for name in ("partial", "full", "backstop", "bankrupt")]
    report(sum(told) == len(j.sent), "%s: the summary counts the orders of each stage" % name, (told, len(j.sent)))
    return p, j


def check_hyperliquid():
    p, j = whole("hyperliquid", "decline", decline)
    report(any(k[1] == PARTIAL for k in j.seen), "a part leaves first", j.seen)
    report(0 <= number(p.stdout, r"still watched (\d+)") <= j.waiting, "who waits at the end is in a cooldown",
           (j.waiting, p.stdout))
    report(number(p.stdout, r"held.*stage (\d+)") > 0, "waiting accounts are told", p.stdout)
    report((PARTIAL, FULL, False) in j.seen, "the rest leaves when the cooldown is over", j.seen)
    report((PARTIAL, BACKSTOP, True) in j.seen, "the backstop does not wait for it", j.seen)
    p, j = whole("hyperliquid", "crash", capture)
    report(0 <= number(p.stdout, r"still watched (\d+)") <= j.waiting, "after the crash too", (j.waiting, p.stdout))


def check_within():
    """The announced reading: within the cooldown every order is for the whole."""
    p, j = whole("hyperliquid", "within", decline, ())
    report(any(k[1] == FULL and k[2] for k in j.seen), "within: the rest does not wait for the cooldown", j.seen)
    report(not any(k == (PARTIAL, PARTIAL, True) for k in j.seen), "within: no second part in it", j.seen)


def check_drift():
    _, j = whole("drift", "drift", brisk)
    report(any(k[1] == PARTIAL for k in j.seen), "shares grow with time", j.seen)
    _, k = whole("drift", "quick", brisk, ("--set", "stages_ramp_ms=1000", "--set", "stages_ramp_initial=5000", "--set", "stages_ramp_steps=2"))
    report(k.sent and k.seen != j.seen, "another ramp has other orders", (k.seen, j.seen))


def check_none():
    p = tripline(*args("none", "--device", "model", "--set", "stages=none"))
    kinds = {k for k, _ in records(os.path.join(work, "none", "journal"))}
    report(p.returncode == 0 and "stages" not in p.stdout and not kinds & {STAGE, STAGED}, "none: nothing of it", p.stdout)


def check_refused():
    """Refused orders are taken back, and their transition happens again."""
    p = tripline(*args("refused", "--device", "model", "--set", "stages=hyperliquid", *AFTER, "--venue-arg=--refuse=30"))
    ends_well(p, "refusals: the run ends well")
    judged("refused", "refusals")
    report(number(p.stdout, r"(\d+) taken back") > 0,
           "refusals: transitions are taken back", p.stdout)


def check_kill():
    """kill -9 while a cooldown runs; the same journal goes on."""
    command = [TRIPLINE] + args("kill", "--device", "model", "--set", "stages=hyperliquid", *AFTER, "--venue-arg=--delay-us=20000")
    path = os.path.join(work, "kill", "journal")
    died = killed_amid(command, lambda: size_of(path) > 32 and Judge(path).waiting)
    before = Judge(path)
    report(died and before.waiting, "killed while %d accounts waited" % before.waiting)
    last = tripline(*command[1:])
    ends_well(last, "kill -9 in a cooldown: the next run ends well")
    after = judged("kill", "kill -9 in a cooldown")
    report(after.carried > 0, "kill -9 in a cooldown: stages are carried over", after.carried)
    # A run without stages ignores what was carried; one with another policy begins anew.
    other = tripline(*args("kill", "--device", "model", "--set", "stages=drift"))
    report(other.returncode == 0 and "replay: identical" in tripline("replay", path).stdout,
           "another policy goes on with the same journal", other.stdout + other.stderr)


def check_usage():
    p = tripline(*args("bad", "--set", "stages=often"))
    report(p.returncode == 2 and "hyperliquid" in p.stderr, "an unknown policy is refused, the known ones are named", p.stderr)
    for bad in ("stages_rest=never", "stages_ramp_ms=0", "stages_ramp_initial=10001", "stages_ramp_steps=0"):
        p = tripline(*args("bad", "--set", bad))
        report(p.returncode == 2 and bad in p.stderr, "%s is refused" % bad, p.stderr)
    p = tripline(*args("bad", "--device", "model", "--set", "stages=drift", "--set", "stages_ramp_ms=5", "--set", "stages_ramp_steps=6"))
    report(p.returncode != 0 and "stages_ramp_steps=6" in p.stderr, "more steps than milliseconds are refused", p.stderr)


lending = accounts_of_lending()
check_none()
check_hyperliquid()
check_within()
check_drift()
check_refused()
check_kill()
check_usage()
shutil.rmtree(work)
finish()
