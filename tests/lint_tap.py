#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lint targets of the Makefile as TAP results: one a target.

usage: tests/lint_tap.py TARGET...     e.g. tests/lint_tap.py lint-format lint-clang
"""
import os
import re
import subprocess
import sys

CLEAN = {
    "lint-rtl": "the RTL is clean in Verilator and Yosys",
    "lint-format": "every C and C++ file is as clang-format leaves it",
    "synth-quick": "32 lanes are within the budgets of area and depth, docs/synthesis.md is current",
    "lint-layers": "every include keeps to the layers; no module or header is in a circle",
    "lint-clang": "clang has no warning about any C file, tests included",
}
FORMAT_VERSION = 14  # Debian 12's; another one formats differently, which says nothing about the sources


def why_not(target):
    """Why a target cannot be judged here, or None."""
    if target != "lint-format":
        return None
    p = subprocess.run(["clang-format", "--version"], capture_output=True, text=True)
    found = re.search(r"version (\d+)", p.stdout)
    if found and int(found.group(1)) == FORMAT_VERSION:
        return None
    return "clang-format %d is the reference, here is: %s" % (FORMAT_VERSION, p.stdout.strip() or p.stderr.strip())


def lint(target):
    """Runs one target; its output as comments. True when it is clean."""
    p = subprocess.run(["make", "--no-print-directory", target, "B=" + os.environ.get("B", "build")],
                       capture_output=True, text=True)
    for line in (p.stdout + p.stderr).splitlines():
        print("# " + line)
    return p.returncode == 0


def main():
    targets, failed = sys.argv[1:], 0
    if not targets or any(t not in CLEAN for t in targets):
        sys.exit("usage: tests/lint_tap.py TARGET...   of: %s" % " ".join(CLEAN))
    for number, target in enumerate(targets, 1):
        skip = why_not(target)
        good = skip is not None or lint(target)
        failed += not good
        print("%sok %d - %s%s" % ("" if good else "not ", number, CLEAN[target], " # SKIP " + skip if skip else ""),
              flush=True)
    print("1..%d" % len(targets))
    sys.exit(1 if failed else 0)


main()
