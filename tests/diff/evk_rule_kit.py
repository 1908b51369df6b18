# SPDX-License-Identifier: Apache-2.0
"""Builds rules_driver.c of a few files, asks it, and notes what was wrong: for evk_rule_diff.py and prel_rule_diff.py."""
import collections
import os
import subprocess
import sys
import tempfile
from glob import glob

import tap

ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)
INT64 = 2**63 - 1
HERE = "host/accounts/rules/"
SOURCES = ["tests/diff/rules_driver.c", "tests/diff/evk_rule_registry.c"] + [f"host/accounts/{x}.c" for x in ("moving", "reciprocal", "rowc", "terms")] + [
    f"host/base/{x}.c" for x in ("wide", "u256", "checked", "i128_checked")] + [HERE + "credit_common.c", HERE + "perp/perp_common.c"] + sorted(
    glob(HERE + "evk/*.c") + glob(HERE + "morpho/*.c"))


class Check:
    def __init__(self):
        self.lines, self.asked, self.bad, self.n, self.seen = [], [], collections.defaultdict(list), collections.Counter(), collections.Counter()

    def that(self, name, good, what):
        self.n[name] += 1
        if not good:
            self.bad[name].append(str(what)[:3000])

    def ask(self, line, judge):
        self.lines.append(line)
        self.asked.append((line, judge))

    def run(self, exe):
        done = subprocess.run([exe], input="\n".join(self.lines) + "\n", capture_output=True, text=True, timeout=120)
        answers = done.stdout.splitlines()
        if done.returncode or len(answers) != len(self.asked):
            self.that("the driver answers", False, (done.returncode, len(answers), len(self.asked), done.stderr[-1000:]))
            return self
        for (line, judge), answer in zip(self.asked, answers):
            try:
                judge(answer.split())
            except Exception as e:  # what the judge cannot follow is wrong too
                self.that("every answer makes sense", False, f"{line}: {answer}: {e!r}")
        return self


def parse_rows(words):
    w = iter(words)
    out = []
    for _ in range(int(next(w))):
        level, n, c, slack = (int(next(w)) for _ in range(4))
        out.append((level, c, slack, [(int(next(w)), int(next(w))) for _ in range(n)]))
    return out


def row_value(row, px):
    _, c, slack, terms = row
    return c + sum(a * px[i] for i, a in terms) - slack


def parse_settled(got):
    """{(party, instrument): amount}, {instrument: [enabled, supply, debt]}"""
    n = int(got[1])
    flows = collections.Counter()
    for x in range(n):
        party, i, amount = (int(v) for v in got[2 + 3 * x:5 + 3 * x])
        flows[party, i] += amount
    words = [int(v) for v in got[2 + 3 * n:]]
    return flows, {words[2 + 7 * x]: [bool(words[3 + 7 * x]), words[6 + 7 * x], words[7 + 7 * x]] for x in range(words[1])}


def build(out, objects, changed=None):
    """changed: (file, text) of a wrong version; what it does not touch is taken as it was compiled before."""
    cc, made = os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-ffunction-sections", "-Ihost"], []
    running = []
    for x in SOURCES:
        o = f"{objects}/{x.replace('/', '_')}.o"
        source = x
        if changed and x == changed[0]:
            o, source = f"{out}.o", f"{out}.c"
            with open(source, "w", encoding="utf-8") as f:
                f.write(changed[1])
        if source != x or not os.path.exists(o):
            running.append(subprocess.Popen(cc + ["-c", source, "-o", o]))
        made.append(o)
        if len(running) == 2:
            assert running.pop(0).wait() == 0
    assert all(p.wait() == 0 for p in running)
    subprocess.run(cc + ["-Wl,--gc-sections", *made, "-lm", "-o", out], check=True, capture_output=True, text=True)
    return out


def mutants(judge, wrong):
    with tempfile.TemporaryDirectory() as t:
        build(f"{t}/right", t)
        for i, (file, old, new) in enumerate(wrong):
            with open(file, encoding="utf-8") as f:
                text = f.read()
            assert text.count(old) == 1, f"{file}: {old!r} is there {text.count(old)} times"
            k = judge(build(f"{t}/m{i}", t, (file, text.replace(old, new))))
            tap.report(bool(k.bad), f"mutant {i + 1}: {' '.join(old.split())[:60]} -> {' '.join(new.split())[:50]}", "not found")
    tap.finish()


def finish(k, names):
    for name, n in sorted(k.n.items()):
        tap.report(name not in k.bad, f"{name} ({n})", f"{len(k.bad[name])} of {n}: {k.bad[name][:1]}")
    missing = [x for x in names if not k.seen[x]]
    tap.report(not missing, "reached: " + ", ".join(f"{x} {k.seen[x]}" for x in names), f"never: {missing}")
    tap.finish()


def main(judge, names, wrong):
    """judge(exe) -> Check"""
    if "--mutants" in sys.argv:
        mutants(judge, wrong)
    with tempfile.TemporaryDirectory() as t:
        finish(judge(build(f"{t}/driver", t)), names)
