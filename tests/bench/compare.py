#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two commits in one run, by turns, so that whatever else the machine does meets both alike (`make bench-compare`).

usage: compare.py --base COMMIT [--head COMMIT] [--build DIR] [--rounds N]
Without --head it is the working tree, built in DIR as `make build` does; commits are built in git worktrees below
DIR/compare, which stay for the next time. Measured, not a test: times depend on machine and load. A ratio is head/base
of one round, where the two ran one right after the other: the median says which is faster, the quartiles how far to
believe it. Of a least time the best of all rounds counts. Instructions (callgrind, as `make guard`) say it exactly, but
know no cache and no branch.
What is run: the guard's program of this tree on each commit's libraries (units of the hot path, ns), and each
commit's own `tripline run` on one generated capture (stages, ns). A commit that lacks what one of them needs is told,
and that one left out.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # leave nothing in the tree
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "guard"))
import check  # noqa: E402

UNIT_ROUNDS = 2  # of the guard's program, in each of ours
SECONDS_MAX = 300
STAGE = re.compile(r"^  ([a-z][a-z-]*) +n=\d+ +min (\d+) +p50 (\d+)", re.M)
SENDS = ("send", "send-cold")  # the disk's and the kernel's time


def git(*args):
    p = subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True, check=False)
    if p.returncode != 0:
        sys.exit("bench-compare: git %s: %s" % (" ".join(args), p.stderr.strip()))
    return p.stdout.strip()


class Side:
    """One of the two: its tree, its build directory, its programs (None: could not be made)."""

    def __init__(self, role, commit, build):
        self.role, self.missing = role, []
        if commit is None:
            self.tree, self.build = ROOT, build
            self.name = "%s and what is not committed" % git("rev-parse", "--short", "HEAD")
        else:
            self.tree, self.build = build / "compare" / role, Path("build")
            self.name = git("log", "-1", "--format=%h %s", commit)
            self.check_out(git("rev-parse", "--verify", commit + "^{commit}"))
        self.programs = self.tree / self.build
        self.tripline = self.make("tripline", "tripline run")
        self.guard = self.make("compare/hot_guard", "the guard's program", "-f", "Makefile", "-f",
                               ROOT / "tests/bench/compare.mk", "GUARD_FROM=%s" % ROOT)

    def check_out(self, commit):
        git("worktree", "prune")
        if (self.tree / ".git").exists():
            git("-C", str(self.tree), "checkout", "-q", "--detach", commit)
        else:
            git("worktree", "add", "-q", "--detach", "--force", str(self.tree), commit)

    def make(self, what, why, *args):
        print("building %s: %s (%s)" % (self.role, what, self.name), flush=True)
        p = subprocess.run(["make", "-s", *map(str, args), "B=%s" % self.build, "%s/%s" % (self.build, what)], cwd=self.tree,
                           env=clean_environment(), capture_output=True, text=True, check=False)
        if p.returncode == 0:
            return str(self.programs / what)
        said = [line for line in (p.stdout + p.stderr).splitlines() if re.search(r"error:|undefined reference|\*\*\*", line)]
        self.missing.append("%s cannot be built at %s: %s" % (why, self.name, said[0] if said else "make failed"))
        return None


def clean_environment():
    """Without the settings of a make that called us."""
    return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "B", "VARIANT")}


class Failed(Exception):
    """A program of one of the two ended badly; the text says how."""


def run(command):
    p = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    if p.returncode != 0:
        raise Failed("%s: exit status %d: %s" % (command[0], p.returncode, (p.stderr.strip().splitlines() or ["no word"])[-1]))
    return p.stdout


# ---- what is run: each gives {measure: ns} of one run of one side, and the program it needs

def units(side, work):
    """Units of the hot path by the guard's program."""
    times = {}
    for line in run([side.guard, work, "--time", UNIT_ROUNDS]).splitlines():
        name, _, least, median, _ = line.split()
        times["%s min" % name], times["%s p50" % name] = int(least), int(median)
    return times


def stages(side, work):
    """Stages of `tripline run` on the capture."""
    text = run([side.tripline, "run", "--quiet", "--accounts", work / "accounts.db", "--capture", work / "crash.pcap", "--device",
                "vector", "--no-lockstep", "--dir", tempfile.mkdtemp(dir=work)])
    times = {}
    for name, least, median in STAGE.findall(text):
        if name not in SENDS:
            times["run: %s min" % name], times["run: %s p50" % name] = int(least), int(median)
    return times


MEASURES = ((units, "guard"), (stages, "tripline"))


def make_load(side, work):
    """A synthetic capture and book by `side`, which both read."""
    run([side.tripline, "gen", "-q", "-o", work / "crash.pcap", "--path", "crash", "--seconds", 60, "--rate", 200, "--seed", 7])
    run([side.tripline, "accounts", "gen", "--force", "--db", work / "accounts.db", "--accounts", 240, "--seed", 7])


# ---- by turns

def usable(base, head, work):
    """What both can run; the run that tries it warms up. Says what cannot."""
    good = []
    for line in base.missing + head.missing:
        print("left out: " + line)
    for what, needs in MEASURES:
        if not getattr(base, needs) or not getattr(head, needs):
            continue
        try:
            if what == stages:
                make_load(base, work)
            for side in (base, head):
                what(side, work)
            good.append(what)
        except Failed as e:
            print("left out: %s do not run: %s" % (what.__name__, e))
    if not good:
        sys.exit("bench-compare: nothing that both can run")
    return good


def measure(base, head, measures, rounds, work):
    """{measure: [(base, head) of each round]}"""
    pairs = {}
    for k in range(1, rounds + 1):
        if sys.stderr.isatty():
            print("\rround %d of %d " % (k, rounds), end="\r", file=sys.stderr, flush=True)
        for what in measures:
            seen = {}
            for side in (base, head) if k % 2 else (head, base):
                seen[side.role] = what(side, work)
            for name in seen["base"]:
                if seen["base"][name] and name in seen["head"]:
                    pairs.setdefault(name, []).append((seen["base"][name], seen["head"][name]))
    return pairs


def print_times(pairs):
    """p50: medians of the rounds, and of their ratios; min: the best of all rounds, and its ratio."""
    print("%-28s %9s %9s %8s   %s" % ("ns, measured", "base", "head", "ratio", "quartiles of the rounds' ratios, range"))
    for name, values in pairs.items():
        ratios = sorted(h / b for b, h in values)
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        if name.endswith(" min"):
            was, now = (min(v[i] for v in values) for i in (0, 1))
            middle = now / was
        else:
            was, now = (statistics.median(v[i] for v in values) for i in (0, 1))
        print("%-28s %9.0f %9.0f %8.3f   %.3f to %.3f, %.3f to %.3f" % (
            name, was, now, middle, low, high, ratios[0], ratios[-1]))


def print_counts(base, head):
    skip = check.why_not(head.guard)
    if skip:
        print("\ninstructions: not counted, %s" % skip)
        return
    was, now = check.count(base.guard), check.count(head.guard)
    print("\n%-28s %9s %9s %8s" % ("instructions, exact", "base", "head", "ratio"))
    for name in now:
        print("%-28s %9.1f %9.1f %8.4f   %s" % (name, was[name], now[name], now[name] / was[name], check.FIGURES.get(name, "")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--head")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    if not args.base or args.rounds < 1:
        sys.exit("bench-compare: which commit to compare with? make bench-compare BASE=commit [HEAD=commit] [ROUNDS=n]")
    base = Side("base", args.base, ROOT / args.build)
    head = Side("head", args.head, ROOT / args.build if args.head else args.build)
    work = Path(tempfile.mkdtemp(dir=base.tree / base.build))
    try:
        measures = usable(base, head, work)
        print("base: %s\nhead: %s\n%d rounds by turns; loads are synthetic" % (base.name, head.name, args.rounds), flush=True)
        print_times(measure(base, head, measures, args.rounds, work))
    except Failed as e:
        sys.exit("bench-compare: %s" % e)
    finally:
        shutil.rmtree(work)
    if units in measures:
        print_counts(base, head)


main()
