#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stages=split: two orders of a lending account where they earn more than one. Whole runs over a crash, kill -9 between the
two. The judge reads the journal's bytes and knows nothing of the desk. Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import re
import shutil
import struct
import tempfile

from journal_reader import records
from keeper import SEED, TRIPLINE, finish, killed_amid, must, number, report, size_of, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-split-")
capture = os.path.join(work, "trend.pcap")
db = os.path.join(work, "accounts.db")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 20, "--rate", 50, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 600, "--seed", SEED)
lending = {int(m.group(1)) for m in re.finditer(r"^\s*(\d+)\s.*aave-", must("accounts", "show", "--db", db), re.M)}

REPLY, ORDER, STAGE, STAGED = 7, 11, 22, 23
HEALTHY, PARTIAL, FULL, SPLIT, FILLED, SENT = 0, 2, 3, 3, 1, 0


class Judge:
    """Of each lending account: parts and wholes handed over and not taken back, in turn."""

    def __init__(self, path):
        self.faults, self.pairs, self.alone, self.others, self.carried = [], 0, 0, 0, 0
        self.state, self.key, last = {}, {}, None  # by account: what its last order was
        for kind, p in records(path):
            if kind in (STAGE, STAGED):
                account, epoch, revision, policy, _ = struct.unpack_from("<IIIBB", p)
                now, before = p[14], p[14 + 46]
                last = (account, epoch, revision, policy, now, before)
                self.carried += kind == STAGED and now == PARTIAL
                if kind == STAGE and account not in lending:
                    self.faults.append("a stage of a margin account: %d" % account)
            elif kind == ORDER and p[18] == SENT:
                self.order(struct.unpack_from("<IIII", p), last)
            elif kind == REPLY and p[1] in range(1, 4):
                key = struct.unpack_from("<IIII", p, 2)
                was = self.key.pop(key, None)
                if was is not None and p[1] != FILLED:
                    self.state[key[1]] = was
        self.between = sum(s == PARTIAL for s in self.state.values())

    def order(self, key, last):
        account = key[1]
        if account not in lending:
            self.others += 1
            return
        if last is None or last[:3] != key[1:] or last[3] != SPLIT:
            self.faults.append("%s: an order without a transition" % (key,))
            return
        now, before = last[4], last[5]
        was = self.state.get(account, HEALTHY)
        if now == PARTIAL and was == PARTIAL and before == PARTIAL:
            self.faults.append("%s: a second part" % (key,))
        if (now, before) not in ((PARTIAL, 0), (PARTIAL, 6), (FULL, PARTIAL), (FULL, 0), (FULL, 6)):
            self.faults.append("%s: from %d to %d" % (key, before, now))
        self.pairs += (now, before) == (FULL, PARTIAL)
        self.alone += now == FULL and before != PARTIAL
        self.key[key] = before
        self.state[account] = now if now == PARTIAL else HEALTHY


def args(name, *more):
    return ["run", "--quiet", "--accounts", db, "--capture", capture, "--dir", os.path.join(work, name), "--audit", *more]


def judged(name, p):
    path = os.path.join(work, name, "journal")
    j = Judge(path)
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "%s: the run ends well" % name, p.stdout[-2000:] + p.stderr)
    report(not j.faults, "%s: an order for each transition, the second after the first" % name, "\n".join(j.faults[:20]))
    replay = tripline("replay", "--audit", path)
    report(replay.returncode == 0 and "replay: identical" in replay.stdout, "%s: replays" % name, replay.stdout + replay.stderr)
    ledger = tripline("venue", "ledger", "--state", os.path.join(work, name, "venue.db"))
    report(ledger.returncode == 0, "%s: books balance" % name, ledger.stdout + ledger.stderr)
    return j


def check_whole():
    p = tripline(*args("split", "--device", "model+vector", "--set", "stages=split"))
    j = judged("split", p)
    report(j.pairs > 0 and j.alone > 0 and j.others > 0, "pairs of orders, single ones, and margin accounts without stages", (j.pairs, j.alone, j.others))
    report("model==vector: identical" in p.stdout, "split: model==vector", p.stdout[-400:])
    told = [number(p.stdout, r"stages.*?(\d+) " + name) for name in ("partial", "full")]
    report(told[0] >= j.pairs and told[1] == j.pairs + j.alone, "the summary counts them", (told, j.pairs, j.alone))


def check_refused():
    p = tripline(*args("refused", "--device", "model", "--set", "stages=split", "--venue-arg=--refuse=30"))
    judged("refused", p)
    report(number(p.stdout, r"(\d+) taken back") > 0, "refused: taken back, and tried again", p.stdout)


def check_kill():
    """kill -9 between the two orders of an account; the same journal goes on, with the second."""
    command = [TRIPLINE] + args("kill", "--device", "model", "--set", "stages=split", "--venue-arg=--delay-us=20000")
    path = os.path.join(work, "kill", "journal")
    died = killed_amid(command, lambda: size_of(path) > 32 and Judge(path).between)
    before = Judge(path)
    report(died and before.between > 0, "killed while %d accounts stood between their two orders" % before.between)
    last = tripline(*command[1:])
    after = judged("kill", last)
    report(after.carried > 0, "kill -9 between: the state is carried over", after.carried)
    report(after.pairs > before.pairs, "kill -9 between: the second order leaves after the restart", (before.pairs, after.pairs))


def check_usage():
    p = tripline(*args("bad", "--set", "stages=split", "--set", "worth=2", "--set", "min_profit_e8=1"))
    report(p.returncode == 2 and "stages=split" in p.stderr and "worth" in p.stderr, "split and worth together are refused", p.stderr)


check_whole()
check_refused()
check_kill()
check_usage()
shutil.rmtree(work)
finish()
