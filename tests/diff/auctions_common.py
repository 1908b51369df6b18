# SPDX-License-Identifier: Apache-2.0
"""What the cases of auctions_diff.py have in common: the driver, the counted checks, a comparison of both sides."""
import collections
import copy
import subprocess

from judge_auctions import MATH, WORD, Revert

ALL = WORD - 1
START = 604411200  # the clock of the contracts' own tests


class Driver:
    def __init__(self, exe):
        self.p = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line):
        """(why, values); why is None when nothing failed"""
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        answer = self.p.stdout.readline()
        if not answer:
            raise RuntimeError(f"driver stopped at: {line}")
        why, values = answer.split("|")
        why = why.strip()
        return None if why == "-" else "math" if why in MATH else why, [int(x) for x in values.split()]


class Checks:
    """One row of TAP for each name; branches counted in .seen."""

    def __init__(self):
        self.rows, self.seen = {}, collections.Counter()

    def __call__(self, name, good, *what):
        row = self.rows.setdefault(name, [0, 0, ""])
        row[0] += 1
        if not good:
            row[1] += 1
            row[2] = row[2] or " ".join(map(str, what))[:1500]

    def failures(self):
        return sum(r[1] for r in self.rows.values())


def compare(check, d, name, line, model, nothing=list):
    """The driver's answer to line is what model() gives, or reverts as it does and then tells nothing(); True: no revert."""
    why, got = d.ask(line)
    try:
        want, refused = model(), None
    except Revert as r:
        want, refused = nothing(), str(r)
    check.seen[f"{name}: {refused or 'done'}"] += 1
    check(name, why == refused and got[:len(want)] == list(want), line, "got", why, got, "want", refused, want)
    return refused is None, got


def near(r, v, spread=2):
    return max(0, v + r.randint(-spread, spread))


def tried(c, step):
    """As a contract does: all of it or nothing."""
    before = copy.deepcopy(c.__dict__)
    try:
        return step()
    except Revert:
        c.__dict__ = before
        raise
