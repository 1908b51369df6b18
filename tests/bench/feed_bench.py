#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Table of the feed benchmark: nanoseconds and instructions of each decoder beside two references.

usage: feed_bench.py PROGRAM [--captures DIR] [--passes N] [--compiler NAME]
Measured, not tested: figures depend on machine and load, and nothing fails here but the program itself.
Instructions: the processor's counter (perf_event_open) where it may be used, else
callgrind on one fixed pass, else "-" and the reason.
"""
import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SUBJECTS = ("feed", "walk", "schema")


def cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def times(args):
    """Rows of the program: case, subject, packets, messages, delivered, batches, mean and percentiles."""
    p = subprocess.run([args.program, "--captures", args.captures, "--passes", str(args.passes)],
                       stdout=subprocess.PIPE, text=True, check=True)
    return [line.split("\t") for line in p.stdout.splitlines()]


def callgrind(args, case, subject):
    """Instructions of one pass, or None."""
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=bench_pass",
                            "--callgrind-out-file=" + os.path.join(d, "out"), args.program,
                            "--captures", args.captures, "--case", case, "--subject", subject, "--passes", "1"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    m = re.search(r"Collected\s*:\s*(\d+)", p.stderr)
    return int(m.group(1)) if p.returncode == 0 and m else None


def counted(args, case, subject):
    """Instructions of one pass by the processor's counter, or None."""
    p = subprocess.run([args.program, "--captures", args.captures, "--case", case, "--subject", subject,
                        "--passes", "1", "--count"], stdout=subprocess.PIPE, text=True, check=False)
    fields = p.stdout.strip().split("\t")
    return int(fields[6]) if p.returncode == 0 and len(fields) > 6 and fields[6] != "-" else None


def counter(args, rows):
    """(function that counts, how it does it)"""
    if counted(args, *rows[0][:2]) is not None:
        return counted, "the processor's counter, user mode"
    if shutil.which("valgrind"):
        return callgrind, "callgrind (perf_event_open has no counter here)"
    return None, "- : perf_event_open has no counter here, and valgrind is not installed"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--captures", default="../shared/captures")
    p.add_argument("--passes", type=int, default=200)
    p.add_argument("--compiler", default="")
    args = p.parse_args()
    rows = times(args)
    count, how = counter(args, rows)
    print("Feed decoders, measured (a benchmark, not a test).")
    print(f"machine:      {cpu()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"compiler:     {args.compiler or 'not said'}")
    print(f"instructions: {how}")
    print("ns of a packet: over batches of 32 packets; ns of a message: the median's share. Messages: of accepted"
          "\ndatagrams, copies not. (made): generated here, synthetic. walk: libpcap, touches the payload only;"
          "\nschema: the same fields through tables, no order, books or nulls.\n")
    print(f"{'case':<24} {'subject':<7} {'packets':>7} {'messages':>8} | {'mean':>7} {'p50':>7} {'p90':>7} {'p99':>7}"
          f" {'p99.9':>8} {'p99.99':>8} | {'ns/msg':>7} | {'ins/pkt':>8} {'ins/msg':>8}")
    for row in rows:
        case, subject, packets, messages = row[0], row[1], int(row[2]), int(row[3])
        ns = [float(x) for x in row[6:12]]
        n = count(args, case, subject) if count else None
        ins = (f"{n / packets:8.0f}", f"{n / messages:8.0f}") if n is not None else (f"{'-':>8}", f"{'-':>8}")
        print(f"{case:<24} {subject:<7} {packets:>7} {messages:>8} | " + " ".join(f"{x:7.1f}" for x in ns[:4]) +
              f" {ns[4]:8.1f} {ns[5]:8.1f} | {ns[1] * packets / messages:7.1f} | {ins[0]} {ins[1]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
