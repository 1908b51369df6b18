#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Branches, caches and TLB of the hot path, for each packet of a warm stretch (tests/bench/hot/hot_loop.c).

usage: perf_stat.py PROGRAM [--packets N]
Measured: the processor's counters of that thread in user mode, by perf_event_open, as `perf stat` reads them; where the
machine gives none (most virtual ones), the table says so. Simulated: callgrind's caches (--cache-sim, write-allocate, two
levels, sizes from the processor) and branch predictor (--branch-sim), which are models of their own: good for comparing two
versions of the program, no statement about this processor. Nothing fails here but the program itself.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

RUNS = (("model", "auto"), ("vector", "avx2"))  # callgrind knows no AVX-512
SIMULATED = (("instructions", "Ir"), ("conditional branches", "Bc"), ("  mispredicted", "Bcm"),
             ("indirect branches", "Bi"), ("  mispredicted", "Bim"), ("data reads", "Dr"), ("  first-level misses", "D1mr"),
             ("  last-level misses", "DLmr"), ("data writes", "Dw"), ("  first-level misses", "D1mw"),
             ("  last-level misses", "DLmw"), ("instruction misses, first level", "I1mr"),
             ("instruction misses, last level", "ILmr"))


def measured(program, run, packets):
    p = subprocess.run([program, *run, str(packets)], stdout=subprocess.PIPE, text=True, check=True)
    return [line.split("\t") for line in p.stdout.splitlines()]


def simulated(program, run, packets):
    """Counts of hot_stretch() and all that it calls, by callgrind's event names."""
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "out")
        subprocess.run(["valgrind", "--tool=callgrind", "--cache-sim=yes", "--branch-sim=yes", "--collect-atstart=no",
                        "--toggle-collect=hot_stretch", "--callgrind-out-file=" + out, program, *run, str(packets)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        with open(out, encoding="utf-8") as f:
            lines = f.read().splitlines()
    events = next(x for x in lines if x.startswith("events:")).split()[1:]
    totals = next(x for x in lines if x.startswith(("totals:", "summary:"))).split()[1:]
    return dict(zip(events, map(int, totals)))


def show(program, run, packets):
    rows = measured(program, run, packets)
    n = int(rows[0][1])
    print("\n%s, %s: %d packets (synthetic), %s orders; figures for each packet" % (*run, n, rows[1][1]))
    for row in rows[2:]:
        value = "%12.3f" % (float(row[1]) / n) if row[1] != "-" else "%12s" % "-"
        print("  measured   %-34s %s  (%s)" % (row[0], value, row[2]))
    if not shutil.which("valgrind"):
        print("  simulated  no valgrind here")
        return
    counts = simulated(program, run, packets)
    for name, event in SIMULATED:
        print("  simulated  %-34s %12.3f" % (name, counts.get(event, 0) / n))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--packets", type=int, default=20000)
    args = parser.parse_args()
    for run in RUNS:
        show(args.program, run, args.packets)
    return 0


sys.exit(main())
