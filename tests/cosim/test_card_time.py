#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs card_time of every geometry built below BUILD-DIR as one TAP stream.

usage: tests/cosim/test_card_time.py BUILD-DIR
"""
import os
import re
import subprocess
import sys
from pathlib import Path


def main():
    folder = Path(sys.argv[1]) / "card_time"
    programs = sorted(p for p in folder.iterdir() if p.suffix == "" and os.access(p, os.X_OK)) if folder.is_dir() else []
    if not programs:
        sys.exit("tests/cosim/test_card_time.py: nothing built in %s" % folder)
    count = failed = 0
    for p in programs:
        run = subprocess.run([str(p)], capture_output=True, text=True, errors="replace")
        results = re.findall(r"^(ok|not ok) \d+ - (.*)$", run.stdout, re.MULTILINE)
        if run.returncode and all(verdict == "ok" for verdict, _ in results):
            results.append(("not ok", "exit status %d: %s" % (run.returncode, (run.stdout + run.stderr).strip()[-200:])))
        for verdict, text in results:
            count += 1
            failed += verdict != "ok"
            print("%s %d - %s: %s" % (verdict, count, p.name, text), flush=True)
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


main()
