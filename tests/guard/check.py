#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guard of the hot path: instructions of each unit of work, counted by callgrind, against counts.toml.

usage: check.py PROGRAM [--table | --update [--new-reference]]
PROGRAM is hot_guard, a release build. TAP on stdout; --table: a table, and exit status 1 where a count is not as recorded;
--update: counts.toml anew (`make guard-update`).
A count is exact and the same at every run; only the compiler, the C library and the sources change it, so counts made
with others are not judged. Valgrind shows every program the same processor, one with AVX2 and without AVX-512, whatever
the host has beyond that: what picks its code by the processor (the device, glibc's memcpy) picks the same everywhere.
"""
import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True  # leave nothing in the tree
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import tap  # noqa: E402

COUNTS = HERE / "counts.toml"
TOLERANCE = 0.2  # percent. Another run changes nothing, another layout of the heap has been seen to change 0.03 %
SECONDS_MAX = 400
FIGURES = {  # name: what one unit is
    "foreign": "frame of no known protocol",
    "no_price": "packet with an order book, no price of ours",
    "other_ticker": "packet with a ticker that nobody here needs",
    "same_price": "packet with a ticker, price as before",
    "tick": "packet with a ticker, new price, no flag",
    "tick_index": "packet with an index, new price, no flag",
    "tick_five": "packet with five tickers, new prices, no flag",
    "held": "tick that flags a row, confirmed, order held",
    "released": "tick after it: the account is armed again",
    "ready_perp": "tick to a ready order, perpetual",
    "ready_lending": "tick to a ready order, borrower",
    "cold_perp": "tick to an order made at the trigger, perpetual, few rows",
    "cold_lending": "tick to an order made at the trigger, borrower, few rows",
    "state_near": "new state of an account on the device",
    "state_far": "new state of an account beyond the boxes",
    "bare_tick": "packet with a ticker, new price, few rows on the device",
}


class Failed(Exception):
    """The program could not be counted; the text says why."""


def about(program):
    """Compiler and C library that the program was made with: ("gcc 12.2.0", "glibc 2.36")."""
    p = subprocess.run([program, "--about"], capture_output=True, text=True, check=True)
    compiler, libc = p.stdout.splitlines()
    return compiler, libc


def why_not(program):
    """Why nothing can be counted here, or None."""
    if platform.machine() != "x86_64":
        return "counted on x86-64 only, here is %s" % platform.machine()
    if not shutil.which("valgrind"):
        return "no valgrind here: make deps"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        flags = ""
    if " avx2 " not in flags:
        return "this processor has no AVX2"
    if about(program)[0].startswith("unfit"):
        return "not a release build"
    return None


def inclusive(text):
    """{figure: [calls, instructions]} of callgrind's output: what each call of figure_X cost, what it called included."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        if line.startswith("cfn=figure_"):
            at = found.setdefault(line.removeprefix("cfn=figure_"), [0, 0])
            at[0] += int(next(lines).removeprefix("calls=").split()[0])
            at[1] += int(next(lines).split()[1])
    return found


def count(program):
    """{figure: instructions of one unit}, in the program's order."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(program))) as d:
        out = os.path.join(d, "out")
        # An environment of its own: what stands in it moves the stack. Symbols bound at start, not when first called.
        p = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=figure_*", "--callgrind-out-file=" + out,
                            "--compress-strings=no", "--compress-pos=no", "--dump-line=no", os.path.abspath(program), "."],
                           cwd=d, env={"PATH": os.environ.get("PATH", ""), "LD_BIND_NOW": "1", "LC_ALL": "C"},
                           capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        if p.returncode != 0:
            raise Failed("%s under callgrind: exit status %d\n%s" % (program, p.returncode, p.stderr[-2000:]))
        found = inclusive(Path(out).read_text(encoding="utf-8"))
    counts = {}
    for line in p.stdout.splitlines():
        name, units = line.split()
        calls, cost = found.get(name, (0, 0))
        if calls != int(units):
            raise Failed("%s: %s units, of which callgrind has seen %d" % (name, units, calls))
        counts[name] = round(cost / calls, 1)
    return counts


def recorded():
    with open(COUNTS, "rb") as f:
        return tomllib.load(f)


def judge(name, now, kept):
    """(good, change in percent or None, what to say)."""
    was = kept["counts"].get(name)
    if was is None:
        return False, None, "not recorded: make guard-update"
    change = (now / was - 1) * 100
    if abs(change) <= kept["tolerance_percent"]:
        return True, change, ""
    if change > 0:
        return False, change, "more than recorded: mend it, or make guard-update and say why"
    return False, change, "fewer than recorded: make guard-update records the gain"


def update(counts, compiler, libc, program):
    width = max(len(n) for n in counts)
    with open(COUNTS, "w", encoding="utf-8") as f:
        f.write("# SPDX-License-Identifier: Apache-2.0\n"
                "# Written by `make guard-update`: instructions of one unit of work on the hot path, counted by callgrind\n"
                "# (docs/testing.md). Judged only with the same compiler and C library.\n"
                'compiler = "%s"\nlibc = "%s"\ntolerance_percent = %s\n\n[counts]\n' % (compiler, libc, TOLERANCE))
        for name, now in counts.items():
            f.write("%s = %s # %s\n" % (name.ljust(width), ("%.1f" % now).rjust(8), FIGURES.get(name, "")))
    print("%s: %d counts by %s of %s" % (COUNTS.name, len(counts), program, compiler))


def table(counts, kept):
    """Prints it; True when all is as recorded."""
    good_all = True
    print("%-18s %10s %10s %9s  %s" % ("", "recorded", "now", "change", "one unit (%s, %s)" % (kept["compiler"], kept["libc"])))
    for name in list(counts) + [n for n in kept["counts"] if n not in counts]:
        if name not in counts:
            good, change, why = False, None, "no longer counted: make guard-update"
        else:
            good, change, why = judge(name, counts[name], kept)
        good_all &= good
        print("%-18s %10s %10s %9s  %s%s" % (name, kept["counts"].get(name, "-"), counts.get(name, "-"),
                                             "-" if change is None else "%+.2f %%" % change, FIGURES.get(name, ""),
                                             why and "; " + why))
    return good_all


def other_reference(kept, compiler, libc):
    """Why the recorded counts do not apply, or None."""
    if (kept["compiler"], kept["libc"]) == (compiler, libc):
        return None
    return "recorded with %s and %s, here are %s and %s" % (kept["compiler"], kept["libc"], compiler, libc)


def test(program):
    skip = why_not(program)
    about_here = ("", "") if skip else about(program)
    kept = recorded()
    skip = skip or other_reference(kept, *about_here)
    if skip:
        tap.skip("instructions on the hot path are as recorded", skip)
        tap.finish()
    try:
        counts = count(program)
    except (Failed, subprocess.TimeoutExpired) as e:
        tap.report(False, "instructions on the hot path can be counted", e)
        tap.finish()
    for name, now in counts.items():
        good, change, why = judge(name, now, kept)
        print("# %s: %s instructions, recorded %s%s" % (name, now, kept["counts"].get(name, "nothing"),
                                                       "" if change is None else ", %+.2f %%" % change))
        tap.report(good, "as recorded: %s" % FIGURES.get(name, name), why)
    tap.report(set(kept["counts"]) <= set(counts), "every recorded figure is still counted",
               sorted(set(kept["counts"]) - set(counts)))
    tap.finish()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--new-reference", action="store_true", help="--update with another compiler or C library than before")
    args = parser.parse_args()
    if not args.table and not args.update:
        test(args.program)
    skip = why_not(args.program)
    if skip:
        sys.exit("guard: " + skip)
    compiler, libc = about(args.program)
    other = other_reference(recorded(), compiler, libc) if COUNTS.exists() else None
    if args.update and other and not args.new_reference:
        sys.exit("guard: %s: make guard-update NEW_REFERENCE=1 replaces them" % other)
    try:
        counts = count(args.program)
    except Failed as e:
        sys.exit("guard: %s" % e)
    if args.update:
        update(counts, compiler, libc, args.program)
        return
    good = table(counts, recorded())
    if other:
        print("guard: not judged: " + other)
    elif not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
