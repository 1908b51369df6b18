#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Margin calls: each crossing of a level once, with hysteresis, in the journal, the summary and the report; brute force
beside it; none without the keys; a restart calls nobody twice. The same in nested boxes, judged from the prices by
calls_judge.py as well, and after kill -9. Prints TAP. Environment: TRIPLINE, SEED.
"""
import json
import os
import re
import shutil
import struct
import tempfile

from calls_judge import judge
from journal_reader import records
from keeper import SEED, TRIPLINE, finish, killed_at, must, number, report, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-calls-")
db = os.path.join(work, "accounts.db")
must("accounts", "gen", "--db", db, "--accounts", 300, "--seed", SEED)
CALL, CALLED, HEADER = 27, 28, 1
LEVELS = ("margin_call1_ppm=300000", "margin_call2_ppm=100000", "margin_call3_ppm=20000")
SET = [x for k in LEVELS for x in ("--set", k)]
BOXED = ("--geometry", "16x8x6")  # fewer rows than accounts, fewer columns than assets
TURN = 64  # accounts called that are looked at after an update, where there are boxes


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


def check_boxes(capture):
    """With orders: brute force, and two devices."""
    p = tripline(*args("boxed", "--capture", capture, *SET, *BOXED, "--device", "model+vector"))
    report(p.returncode == 0 and "audit: missed=0" in p.stdout and "missed_calls=0 unfounded_calls=0" in p.stdout and "model==vector: identical" in p.stdout,
           "boxes: brute force misses nothing, model and vector agree", p.stdout[-2500:] + p.stderr)
    report(min(number(p.stdout, x) for x in (r"tiers .*?(\d+) beyond", r"host: (\d+)", r"(\d+) changes of tier", r"orders\s+(\d+)", r"(\d+) left")) > 0,
           "boxes: accounts in boxes and on the host, that move, calls and orders", p.stdout)
    bad, _ = faults(calls(os.path.join(work, "boxed", "journal"))[-1])
    report(not bad, "boxes: each crossing once and in turn", bad[:10])
    for device in ("model", "vector"):
        q = tripline("replay", "--audit", "--device", device, os.path.join(work, "boxed", "journal"))
        report(q.returncode == 0 and "replay: identical" in q.stdout, "boxes: replays on %s" % device, q.stdout + q.stderr)


def check_judged(capture):
    """Without orders, so that the book is what it was: every account at every price, from scratch. Then what has to be found."""
    must("accounts", "export", "--db", db, "-o", os.path.join(work, "accounts.json"))
    with open(os.path.join(work, "accounts.json")) as f:
        doc = json.load(f)
    ppm = tuple(int(k.split("=")[1]) for k in LEVELS)
    for name, more, turn in (("boxes", BOXED, TURN), ("few rows", (*BOXED, "--set", "near_rows=10", "--set", "box_ppm=300", "--set", "slice=0"), TURN), ("flat", (), None)):
        p = tripline(*args(name, "--capture", capture, *SET, "--set", "max_total_e8=1", *more))
        each = calls(os.path.join(work, name, "journal"))[-1]
        bad, n = judge(doc, capture, each, ppm, 10000, turn)
        report(p.returncode == 0 and "missed_calls=0 unfounded_calls=0" in p.stdout and ("tiers " in p.stdout) == (turn is not None) and not bad and
               min(sum(c[1:3] == (k, e) for c in each) for k in (1, 2, 3) for e in (0, 1)) > 0,
               "%s: %d crossings are those of %d healths at the capture's prices" % (name, len(each), n), bad[:10] or p.stdout[-2000:] + p.stderr)
    times, middle = sorted({c[3] for c in each}), [i for i, c in enumerate(each) if c[2]][len(each) // 3]
    late = each[middle][:3] + (times[times.index(each[middle][3]) + 1],)
    for wrong, what in ((each[:middle] + each[middle + 1:], "without a call"), (each[:middle] + [late] + each[middle + 1:], "a call an update late"),
                        (each + [(each[0][0], 1, 1, times[-1])], "a call too many"), ([c for c in each if c[2]], "none taken back")):
        report(judge(doc, capture, wrong, ppm, 10000, TURN)[0], "the judge finds a journal %s" % what)


def check_boxes_kill(capture):
    """kill -9 in a box: who stands below a level has been called, and is guarded at the next."""
    more = ("--capture", capture, *SET, *BOXED, "--venue-arg=--delay-us=2000")
    journal = os.path.join(work, "killed", "journal")
    died = killed_at([TRIPLINE] + args("killed", *more), journal, os.path.getsize(os.path.join(work, "boxed", "journal")) // 2)
    bad, before = faults(calls(journal)[-1])
    report(died and not bad and any(before.values()), "killed while %d accounts were called" % sum(at > 0 for at in before.values()), bad[:10])
    p = tripline(*args("killed", *more))
    carried = {struct.unpack("<IBBQ", d)[0]: struct.unpack("<IBBQ", d)[1] for k, d in records(journal) if k == CALLED}
    bad, _ = faults(calls(journal)[-1], carried)
    report(p.returncode == 0 and carried and not bad and "audit: missed=0" in p.stdout and "missed_calls=0 unfounded_calls=0" in p.stdout,
           "kill -9 in boxes: nobody is called twice or missed", bad[:10] or p.stdout + p.stderr)
    q = tripline("replay", "--audit", journal)
    report(q.returncode == 0 and "replay: identical" in q.stdout, "kill -9 in boxes: replays", q.stdout + q.stderr)


trend = check_path("crash", 20, "none")
check_path("trend", 60, "hyperliquid")
check_restart(*trend)
check_none(trend[0])
check_usage(trend[0])
crash = os.path.join(work, "crash.pcap")
check_boxes(crash)
check_boxes_kill(crash)
check_judged(crash)
shutil.rmtree(work)
finish()
