# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: TAP output, the binary under test, its journals and ledgers."""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from tap import finish, report, seed, skip  # noqa: E402,F401  (handed on)

TRIPLINE = os.path.abspath(os.environ.get("TRIPLINE", "build/tripline"))
SHARED = os.environ.get("SHARED", "../shared")
SEED = seed(20261120)
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


def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def until(p, condition):
    """Waits for the condition, which may look at files that the process writes; False: it ended before, or a hang."""
    end = time.monotonic() + DEADLINE
    while p.poll() is None and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.001)
    return False


def catches(p, sig):
    """Does the process have a handler for that signal by now?"""
    with open("/proc/%d/status" % p.pid) as f:
        m = re.search(r"^SigCgt:\s*(\w+)", f.read(), re.M)
    return m is not None and int(m[1], 16) >> (sig - 1) & 1


def frames_seen(d):
    """By the run in that folder, as it says itself; -1: it does not."""
    return number(tripline("top", "--dir", d, "--once").stdout, r"feed\s+(\d+) frames")


def halt(p):
    """Stops all threads of a child of ours, and returns when they stand still, or have ended."""
    p.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def halted_at(command, file, size):
    """Runs the command and halts it once a file that it writes has so many bytes: the process, output in pipes."""
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(p, lambda: size_of(file) >= size)
    halt(p)
    return p


def killed_at(command, journal, size):
    """Runs the command and ends it by SIGKILL once its journal has so many bytes; was it still running?"""
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(p, lambda: size_of(journal) >= size)
    p.kill()
    return p.wait(timeout=DEADLINE) == -signal.SIGKILL


def killed_amid(command, wanted):
    """Runs the command and ends it by SIGKILL where wanted() is true, which looks at files alone: the process stands still
    for its last look, so that it is true of its end. False: it ended before."""
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def halted():
        if not wanted():
            time.sleep(0.01)  # looking costs processor time, which the process needs
            return False
        halt(p)
        found = wanted()
        if not found:
            p.send_signal(signal.SIGCONT)
        return found
    until(p, halted)
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
