#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the unit-test programs of one build and prints their results as one TAP stream.

usage: tests/unit_tap.py BUILD-DIR [SHARE/SHARES] [MODULE...]     e.g. tests/unit_tap.py build/asan journal exec
1/2 and 2/2: every second program from the first and from the second on, for two suites side by side.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TIMEOUT = 240  # seconds; a hang, not a measure of speed


def run(program):
    """(result lines without number, all output) of one check program."""
    with tempfile.TemporaryDirectory() as d:
        log = os.path.join(d, "tap")
        env = {"CK_DEFAULT_TIMEOUT": "60", "CK_TIMEOUT_MULTIPLIER": "4", **os.environ, "CK_TAP_LOG_FILE_NAME": log, "CK_VERBOSITY": "silent"}
        try:
            p = subprocess.run([str(program)], env=env, capture_output=True, text=True, timeout=TIMEOUT,
                               errors="replace")
            status, output = p.returncode, p.stdout + p.stderr
        except subprocess.TimeoutExpired as e:
            status, output = -1, "timeout after %d s\n%s" % (TIMEOUT, e.stdout or "")
        lines = Path(log).read_text(errors="replace").splitlines() if os.path.exists(log) else []
    results = [line for line in lines if line.startswith(("ok ", "not ok "))]
    if not results:
        results = ["not ok 0 - gave no results (exit status %d)" % status]
    elif status != 0 and not any(r.startswith("not ok") for r in results):
        results.append("not ok 0 - exit status %d although every test passed" % status)
    return results, output


def main():
    build, modules = Path(sys.argv[1]) / "unit", sys.argv[2:]
    share, shares = map(int, modules.pop(0).split("/")) if modules and "/" in modules[0] else (1, 1)
    programs = sorted(p for p in build.glob("*/test_*") if p.suffix == "" and os.access(p, os.X_OK))
    if modules:
        programs = [p for p in programs if p.parent.name in modules]
    programs = programs[share - 1::shares]
    if not programs:
        sys.exit("tests/unit_tap.py: no programs in %s" % build)
    count = failed = 0
    for p in programs:
        results, output = run(p)
        for line in output.splitlines():
            print("# " + line)
        for r in results:
            count += 1
            failed += r.startswith("not ok")
            verdict, _, rest = r.partition(" - ")
            print("%s %d - %s/%s: %s" % (verdict.rsplit(" ", 1)[0], count, p.parent.name, p.name, rest), flush=True)
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


main()
