# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: TAP output, the binary under test, its journals and ledgers."""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from tap import finish, report, skip  # noqa: E402,F401  (handed on)

TRIPLINE = os.path.abspath(os.environ.get("TRIPLINE", "build/tripline"))
SHARED = os.environ.get("SHARED", "../shared")
SEED = int(os.environ.get("SEED", "20261120"))
DEADLINE = 240  # seconds: a hang, not a measure of speed


def tripline(*args, **kw):
    """Runs a subcommand to its end; .stdout and .stderr are text."""
    kw.setdefault("timeout", DEADLINE)
    return subprocess.run([TRIPLINE, *map(str, args)], capture_output=True, text=True, **kw)


def must(*args, **kw):
    p = tripline(*args, **kw)
    if p.returncode != 0:
        raise RuntimeError("%s: exit %d: %s" % (" ".join(map(str, args)), p.returncode, p.stderr))
    return p.stdout


def killed_at(command, journal, size):
    """Runs the command and ends it by SIGKILL once its journal has so many bytes; was it still running?"""
    p, end = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), time.monotonic() + DEADLINE
    while p.poll() is None and time.monotonic() < end and (not os.path.exists(journal) or os.path.getsize(journal) < size):
        time.sleep(0.001)
    p.kill()
    return p.wait(timeout=DEADLINE) == -signal.SIGKILL


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
