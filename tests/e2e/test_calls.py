#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Margin calls: each crossing of a level once, with hysteresis, in the journal, the summary and the report; brute force
beside it; none without the keys; a restart calls nobody twice. Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import re
import shutil
import struct
import tempfile

from journal_reader import records
from keeper import SEED, finish, must, number, report, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-calls-")
db = os.path.join(work, "accounts.db")
must("accounts", "gen", "--db", db, "--accounts", 300, "--seed", SEED)
CALL, CALLED, HEADER = 27, 28, 1
LEVELS = ("margin_call1_ppm=300000", "margin_call2_ppm=100000", "margin_call3_ppm=20000")
SET = [x for k in LEVELS for x in ("--set", k)]


def args(name, *more):
    return ["run", "--quiet", "--accounts", db, "--dir", os.path.join(work, name), "--audit", "--device", "model", "--geometry", "64x64x256",
            "--set", "spare_accounts=16", *more]


def calls(path):
    """(account, level, entered, ns) of each session."""
    out = []
    for kind, p in records(path):
        if kind == HEADER:
            out.append([])
        elif kind == CALL:
            out[-1].append(struct.unpack("<IBBQ", p))
    return out


def faults(crossings, level=None):
    """A level is entered from the one outside it, once, and left from the inside."""
    level, bad = dict(level or {}), []
    for account, k, entered, _ in crossings:
        at = level.get(account, 0)
        if (at + 1 if entered else at) != k:
            bad.append((account, at, k, entered))
        level[account] = k if entered else k - 1
    return bad, level


def check_path(path, seconds, stages):
    capture, name = os.path.join(work, path + ".pcap"), path + stages
    must("gen", "-q", "-o", capture, "--path", path, "--seconds", seconds, "--rate", 40, "--seed", SEED)
    p = tripline(*args(name, "--capture", capture, "--set", "stages=" + stages, *SET))
    report(p.returncode == 0 and "missed_calls=0 unfounded_calls=0" in p.stdout, "%s: brute force misses no call" % name, p.stdout[-2500:] + p.stderr)
    journal = os.path.join(work, name, "journal")
    each = calls(journal)[-1]
    bad, level = faults(each)
    report(each and not bad, "%s: %d crossings, each once and in turn" % (name, len(each)), bad[:10])
    for k in (1, 2, 3):
        told = [number(p.stdout, r"level %d \(\d+ ppm\) %s" % (k, w)) for w in (r"(\d+) entered", r"\d+ entered, (\d+) left", r"\d+ entered, \d+ left, (\d+) standing")]
        mine = [sum(c[1] == k and c[2] == 1 for c in each), sum(c[1] == k and c[2] == 0 for c in each), sum(at >= k for at in level.values())]
        report(told == mine, "%s: the summary's level %d" % (name, k), (told, mine))
    text = must("report", journal)
    report(re.search(r"level 1: %d entered" % sum(c[1] == 1 and c[2] for c in each), text) and
           len(re.findall(r"^  \d+ .* (?:entered|left) level \d at \d+ ms$", text, re.M)) == len({c[0] for c in each}),
           "%s: the report tells them by level and by account" % name, text[-1500:])
    q = tripline("replay", "--audit", journal)
    report(q.returncode == 0 and "replay: identical" in q.stdout, "%s: replays" % name, q.stdout + q.stderr)
    return capture, journal, level


def check_restart(capture, journal, level):
    """The same prices again: who stands below a level has been called."""
    name = os.path.basename(os.path.dirname(journal))
    p = tripline(*args(name, "--capture", capture, *SET))
    carried = {struct.unpack("<IBBQ", d)[0]: struct.unpack("<IBBQ", d)[1] for k, d in records(journal) if k == CALLED}
    report(carried == {a: at for a, at in level.items() if at}, "restart: the calls that stand are carried over", (carried, level))
    bad, _ = faults(calls(journal)[-1], carried)
    report(p.returncode == 0 and not bad, "restart: nobody is called twice", bad[:10] or p.stdout + p.stderr)
    q = tripline("replay", "--audit", journal)
    report(q.returncode == 0 and "replay: identical" in q.stdout, "restart: replays", q.stdout + q.stderr)


def check_none(capture):
    p = tripline(*args("none", "--capture", capture))
    kinds = {k for k, _ in records(os.path.join(work, "none", "journal"))}
    report(p.returncode == 0 and "calls " not in p.stdout and CALL not in kinds, "none asked for: none made", p.stdout)
    one = tripline(*args("one", "--capture", capture, "--set", "margin_call1_ppm=50000", "--set", "margin_call_clear_ppm=0"))
    report(one.returncode == 0 and "missed_calls=0 unfounded_calls=0" in one.stdout and "level 2" not in one.stdout, "one level, without hysteresis", one.stdout)
    wide, narrow = (number(x.stdout, r"level 1 \(\d+ ppm\) (\d+)") for x in
                    (tripline(*args("wide", "--capture", capture, "--set", "margin_call1_ppm=50000", "--set", "margin_call_clear_ppm=100000")), one))
    report(0 < wide < narrow, "hysteresis calls less often", (wide, narrow))


def check_usage(capture):
    for bad, why in ((("margin_call1_ppm=300001",), "warn_ppm"), (("margin_call1_ppm=5", "margin_call2_ppm=5"), "margin_call2_ppm"),
                     (("margin_call2_ppm=5",), "margin_call2_ppm"), (("margin_call1_ppm=-1",), "margin_call1_ppm")):
        p = tripline(*args("bad", "--capture", capture, *[x for k in bad for x in ("--set", k)]))
        report(p.returncode == 2 and why in p.stderr, "%s is refused" % " ".join(bad), (p.returncode, p.stderr))
    p = tripline(*args("boxed", "--capture", capture, "--set", "margin_call1_ppm=5", "--set", "near_rows=100"))
    report(p.returncode == 1 and "--geometry" in p.stderr, "nested boxes are refused, with the remedy", (p.returncode, p.stderr))


trend = check_path("crash", 20, "none")
check_path("trend", 60, "hyperliquid")
check_restart(*trend)
check_none(trend[0])
check_usage(trend[0])
shutil.rmtree(work)
finish()
