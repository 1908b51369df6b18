# SPDX-License-Identifier: Apache-2.0
"""TAP on standard output, for test scripts. A script adds tests/ to sys.path, reports, and ends with finish()."""
import os
import sys

count = failed = 0


def seed(default):
    """Of a randomised test: SEED of the environment, or its own."""
    text = os.environ.get("SEED") or str(default)
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 2**64:
        sys.exit(f"SEED={text}: a whole number from 0 to 2^64 - 1 is wanted")
    return value


def report(ok, name, why=""):
    """One result; why (what was seen) is shown when it is a failure. Returns ok."""
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
    """The plan, and the process's end: 1 when something failed."""
    print("1..%d" % count)
    sys.exit(1 if failed else 0)
