#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the back end `vector`, with the instructions of a tick where valgrind is there.

usage: vector_bench.py PROGRAM [--ticks N] [--threads N] [--compiler NAME]
Measured, not tested: figures depend on machine and load, and nothing fails here but the program itself.
Instructions: callgrind on two runs of different length, the difference over the ticks between; callgrind has no AVX-512.
"""
import argparse
import platform
import re
import shutil
import subprocess

SHORT, LONG = 2000, 12000


def cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def instructions(program, isa, ticks):
    """Of a run of so many ticks, or None."""
    p = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--count", isa, "--ticks",
                        str(ticks)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    m = re.search(r"Collected\s*:\s*(\d+)", p.stderr)
    return int(m.group(1)) if p.returncode == 0 and m else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--ticks", type=int, default=200000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compiler", default="unknown compiler")
    args = parser.parse_args()
    print("%s; %s; %d thread%s" % (cpu(), args.compiler, args.threads, "s" * (args.threads > 1)), flush=True)
    subprocess.run([args.program, "--ticks", str(args.ticks), "--threads", str(args.threads)], check=True)
    if not shutil.which("valgrind"):
        print("instructions: not counted, no valgrind here")
        return
    for isa in ("avx2", "scalar"):
        few, many = (instructions(args.program, isa, n) for n in (SHORT, LONG))
        if few is None or many is None:
            print("instructions %s: not counted, callgrind failed" % isa)
        else:
            print("instructions %s: %.0f a tick of 4096 dense rows, submit, poll and the benchmark's own loop (callgrind)"
                  % (isa, (many - few) / (LONG - SHORT)))


main()
