# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: TAP output, the binary under test, its journals and ledgers."""
import os
import re
import subprocess
import sys

TRIPLINE = os.path.abspath(os.environ.get("TRIPLINE", "build/tripline"))
SHARED = os.environ.get("SHARED", "../shared")
SEED = int(os.environ.get("SEED", "20261120"))
DEADLINE = 240  # seconds: a hang, not a measure of speed

count = failed = 0


def report(ok, name, why=""):
    global count, failed
    count += 1
    if not ok:
        failed += 1
        print("# " + str(why).strip().replace("\n", "\n# "))
    print("%sok %d - %s" % ("" if ok else "not ", count, name), flush=True)
    return ok


def skip(name, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, why), flush=True)


def finish():
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


def tripline(*args, **kw):
    """Runs a subcommand to its end; .stdout and .stderr are text."""
    kw.setdefault("timeout", DEADLINE)
    return subprocess.run([TRIPLINE, *map(str, args)], capture_output=True, text=True, **kw)


def must(*args, **kw):
    p = tripline(*args, **kw)
    if p.returncode != 0:
        raise RuntimeError("%s: exit %d: %s" % (" ".join(map(str, args)), p.returncode, p.stderr))
    return p.stdout


def number(text, pattern):
    """The first group of pattern as a number; -1 where the text has none."""
    m = re.search(pattern, text)
    return int(m.group(1)) if m else -1


def orders(report_text):
    """(key, outcome) of each order line of `tripline report`."""
    out = []
    for line in report_text.splitlines():
        m = re.match(r"\s+(d\d+-a\d+-e\d+-r\d+)\s+\S+\s+\S+\s+\S+\s+\S+\s+(.*)", line)
        if m:
            out.append((m.group(1), m.group(2)))
    return out
