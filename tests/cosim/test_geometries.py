#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the co-simulation of every geometry built below BUILD-DIR and lets the Python judge check each record.

usage: tests/cosim/test_geometries.py BUILD-DIR    prints one TAP stream

Programs are named LANESxSLOTSxASSETS, with `netlist-` before it or `-short` (MUL_REG = 0) among what is behind it. Of those with more than MODEL_ROWS rows (make cosim-large) only the cycle counts are run: the model is too slow for them.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ABI = HERE.parent.parent / "drivers" / "abi" / "abi.toml"
MODEL_ROWS = 4096
count = failed = 0


def latency(lanes, mul_reg):
    """Cycles from TICK to TRIGGER in slot 0: beyond 32 lanes a broadcast stage and a join stage more."""
    return 4 + mul_reg + (2 if lanes > 32 else 0)


def take(name, command):
    """Runs one TAP program and passes its results on, renumbered."""
    global count, failed
    p = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace")
    results = [line for line in p.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
    for line in (p.stdout + p.stderr).splitlines():
        if line not in results and not line.startswith("1.."):
            print("# " + line.lstrip("# "))
    if not results or (p.returncode and not any(r.startswith("not ok") for r in results)):
        results.append("not ok 0 - exit status %d" % p.returncode)
    for r in results:
        verdict, _, text = r.partition(" - ")
        count += 1
        failed += verdict.startswith("not")
        print("%s %d - %s: %s" % ("not ok" if verdict.startswith("not") else "ok", count, name, text), flush=True)


def main():
    programs = sorted(p for p in (Path(sys.argv[1]) / "cosim").iterdir() if p.suffix == "" and os.access(p, os.X_OK))
    if not programs:
        sys.exit("tests/cosim/test_geometries.py: nothing built in %s/cosim" % sys.argv[1])
    with tempfile.TemporaryDirectory() as tmp:
        for p in programs:
            lanes, slots = map(int, re.search(r"(\d+)x(\d+)x\d+", p.name).groups())
            args = ["--latency", latency(lanes, 0 if "-short" in p.name else 1)]
            if lanes * slots > MODEL_ROWS:
                take(p.name, [p, *args, "--timing"])
                continue
            record = os.path.join(tmp, p.name + ".rec")
            take(p.name, [p, *args, "--record", record])
            take(p.name + " judge", [sys.executable, HERE / "judge.py", ABI, record])
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


main()
