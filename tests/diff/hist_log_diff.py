#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Histogram logs against a reader of the format written from its description: every value is in the bucket that is read
back, headers and intervals say what was told; `tripline run --histograms` writes what its summary counts. Prints TAP.
Environment: SEED, CC (default gcc), TRIPLINE. Run from the project root."""
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from hist_log import MOST, decode, percentile  # noqa: E402
from tap import finish, report, seed  # noqa: E402

SEED = seed(20261121)
TRIPLINE = os.path.abspath(os.environ.get("TRIPLINE", "build/tripline"))
SOURCES = ["tests/diff/hist_log_driver.c", "host/base/hist_log.c", "host/base/hist.c"]


def bucket(v):
    """By the format: 256 values have a bucket of their own (two digits want 200), then 128 an octave."""
    v = min(v, MOST)
    shift = max(0, v.bit_length() - 8)
    return v if shift == 0 else 128 * shift + (v >> shift)


def draw(r, kind):
    n = r.choice((0, 1, 2, 50, 2000))
    if kind == 0:
        return [r.randrange(300, 700) for _ in range(n)]
    if kind == 1:
        return [r.getrandbits(64) >> r.randrange(64) for _ in range(n)]
    if kind == 2:
        return [r.choice((0, 1, 127, 128, 255, 256, 257, 2**62, MOST, MOST + 1, 2**64 - 1)) for _ in range(n)]
    return [r.randrange(2**20)] * n


def real_run(work):
    """Stages of a run, read back: as many values as its summary says, and its medians."""
    def must(*args):
        return subprocess.run([TRIPLINE, *args], capture_output=True, text=True, timeout=240, check=True).stdout
    capture, db, log = (os.path.join(work, n) for n in ("a.pcap", "a.db", "a.hlog"))
    must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", "10", "--rate", "200", "--seed", str(SEED))
    must("accounts", "gen", "--db", db, "--accounts", "60", "--seed", str(SEED))
    out = must("run", "--quiet", "--accounts", db, "--capture", capture, "--device", "model", "--dir", os.path.join(work, "d"),
               "--histograms", log)
    said = {m[0]: (int(m[1]), int(m[2])) for m in re.findall(r"^  (\S+)\s+n=(\d+)\s+min \d+\s+p50 (\d+)", out, re.M)}
    said.pop("trigger", None)  # cycles
    lines = [x.split(",") for x in open(log).read().splitlines() if x.startswith("Tag=")]
    got = {x[0][4:]: decode(x[4]) for x in lines}
    same = {t: sum(c) for t, c in got.items()} == {t: n for t, (n, _) in said.items()}
    report(same and len(got) >= 4, "a run's stages have as many values as its summary says", "%s\n%s" % (sorted(got), out))
    report(all(percentile(c, 50) == said[t][1] for t, c in got.items()), "and its medians", out)
    p = subprocess.run([TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--device", "model", "--dir",
                        os.path.join(work, "e"), "--histograms", work + "/no/such.hlog"], capture_output=True, text=True, timeout=240)
    report(p.returncode == 1 and "no/such.hlog" in p.stderr and "packets" not in p.stdout, "a file that cannot be made is told at the start", p.stderr)


def main():
    with tempfile.TemporaryDirectory() as work:
        driver = os.path.join(work, "driver")
        subprocess.run([os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O1", "-Ihost", *SOURCES, "-lz", "-o", driver], check=True)
        compare(driver)
        real_run(work)


def compare(driver):
    print("# SEED=%d" % SEED)
    r = random.Random(SEED)
    sets = [("stage%d" % i, r.randrange(10**12), r.randrange(1, 10**11), draw(r, i % 4)) for i in range(60)]
    many = [(7, 64), (1000, 2**55), (5000, 2**62 + 5), (2**40, 63), (2**50, 8192)]  # lengths of a number's encoding
    sets.append(("many", 0, 1, many))
    lines = "".join("%s %d %d %s\n" % (t, a, b, " ".join("%d*%d" % x if isinstance(x, tuple) else str(x) for x in v)) for t, a, b, v in sets)
    start = 1700000000123456789
    p = subprocess.run([driver, str(start)], input=lines, capture_output=True, text=True, timeout=240)
    out = p.stdout.splitlines()
    report(p.returncode == 0 and len(out) == 4 + len(sets), "a line for each interval", p.stderr)
    report(out[1] == "#[Histogram log format version 1.3]" and out[2].startswith("#[StartTime: 1700000000.123 ")
           and out[3] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"', "the head", "\n".join(out[:4]))
    wrong = []
    for line, (tag, a, b, values) in zip(out[4:], sets):
        got_tag, got_a, got_b, got_max, text = line.split(",")
        want = {}
        for v, n in (x if isinstance(x, tuple) else (x, 1) for x in values):
            want[bucket(v)] = want.get(bucket(v), 0) + n
        values = [x[0] if isinstance(x, tuple) else x for x in values]
        got = {i: c for i, c in enumerate(decode(text)) if c}
        if got != want or got_tag != "Tag=" + tag:
            wrong.append("%s: buckets %s, not %s" % (tag, got, want))
        if abs(float(got_a) - a / 1e9) > 6e-4 or abs(float(got_b) - b / 1e9) > 6e-4:
            wrong.append("%s: interval %s %s" % (tag, got_a, got_b))
        if abs(float(got_max) - max(values, default=0) / 1e6) > 6e-4 + 1e-9 * max(values, default=0) / 1e6:
            wrong.append("%s: maximum %s" % (tag, got_max))
    report(not wrong, "every value is in the bucket that is read back", "\n".join(wrong[:3]))
    p = subprocess.run([driver], input="a,b 0 1 5\n", capture_output=True, text=True, timeout=240)
    report(p.returncode == 1 and "is no tag" in p.stderr, "a tag that would break the line is refused", p.stderr)


main()
finish()
