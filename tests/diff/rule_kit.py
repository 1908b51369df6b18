# SPDX-License-Identifier: Apache-2.0
"""What the judges of the rules of accounts have in common: a driver built over the rules, questions with a judge for each answer, the
count of what was wrong and of what was reached, wrong versions of the sources. For *_rule_diff.py and loans_diff.py, from the project root.

The driver is linked with the project's own build of the rules ($B/lib, brought up to date first); a wrong version is compiled in front
of them.
"""
import collections
import fcntl
import os
import subprocess
import sys
import tempfile
from glob import glob

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)
INT64 = 2**63 - 1
SEED = tap.seed(1)
BUILD = os.environ.get("B", "build")
LIBS = [f"{BUILD}/lib/{x}.a" for x in ("accounts", "base")]
CC = os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w"]


class Check:
    """rules: what is reached is counted for each of them, seen[rule][what]; else seen[what]."""

    def __init__(self, rules=None):
        self.lines, self.asked, self.bad, self.n = [], [], collections.defaultdict(list), collections.Counter()
        self.seen = {r: collections.Counter() for r in rules} if rules else collections.Counter()

    def that(self, name, good, *what):
        """what: shown when it is wrong; what can be called is called then."""
        self.n[name] += 1
        if not good:
            self.bad[name].append(" ".join(str(x() if callable(x) else x) for x in what)[:3000])

    def ask(self, line, judge):
        self.lines.append(line)
        self.asked.append((line, judge))

    def run(self, exe):
        self.bad.clear()
        try:
            done = subprocess.run([exe], input="\n".join(self.lines) + "\n", capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            self.that("the driver answers", False, "not within two minutes")
            return self
        answers = done.stdout.splitlines()
        if done.returncode or len(answers) != len(self.asked):
            self.that("the driver answers", False, done.returncode, len(answers), len(self.asked), done.stderr[-1000:])
            return self
        for (line, judge), answer in zip(self.asked, answers):
            try:
                judge(answer.split())
            except Exception as e:  # what the judge cannot follow is wrong too
                self.that("every answer makes sense", False, f"{line}: {answer}: {e!r}")
        return self


def told(case):
    return "; ".join(case.lines())


def parse_rows(words):
    """[(level, c, slack, [(asset, coefficient)])]"""
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


def compile_to(o, source, folder=None):
    subprocess.run(CC + ([f"-I{folder}/host"] if folder else []) + ["-Ihost", "-Itests/diff", "-c", source, "-o", o], check=True, capture_output=True, text=True)
    return o


def objects_of(out, file, text):
    """Of a wrong version of a source, or of a header, for which all from its folder on is compiled anew."""
    folder = f"{out}.src"
    wrong = f"{folder}/{file}"
    os.makedirs(os.path.dirname(wrong))
    with open(wrong, "w", encoding="utf-8") as f:
        f.write(text)
    if not file.endswith(".h"):
        return [compile_to(f"{out}.o", wrong, folder)]
    return [compile_to(f"{out}.{x.replace('/', '_')}.o", x, folder) for x in sorted(glob(os.path.dirname(file) + "/**/*.c", recursive=True))]


def driver_of(folder, source="tests/diff/rules_driver.c"):
    """Its object, and the rules that it is linked with."""
    os.makedirs(BUILD, exist_ok=True)
    with open(f"{BUILD}/.rules.lock", "w") as lock:  # judges run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "B=" + BUILD, *LIBS], check=True, stdout=sys.stderr)
    return compile_to(f"{folder}/driver.o", source)


def build(out, driver, changed=None):
    """driver: its object. changed: (file, text) of a wrong version."""
    made = objects_of(out, *changed) if changed else []
    subprocess.run(CC + [driver, *made, *LIBS, "-lm", "-o", out], check=True, capture_output=True, text=True)
    return out


def parts(mutant):
    """A wrong version is (file, text, replacement), with a name in front or without: name, file, text, replacement."""
    *name, file, old, new = mutant
    return name[0] if name else f"{' '.join(old.split())[:60]} -> {' '.join(new.split())[:50]}", file, old, new


def mutants(folder, driver, judge, wrong):
    for i, m in enumerate(wrong):
        name, file, old, new = parts(m)
        with open(file, encoding="utf-8") as f:
            text = f.read()
        if text.count(old) != 1:
            tap.report(False, f"mutant {i + 1}: {name}", f"{file}: {old!r} is there {text.count(old)} times")
            continue
        k = judge(build(f"{folder}/m{i}", driver, (file, text.replace(old, new))), file)
        tap.report(bool(k.bad), f"mutant {i + 1}: {name} # {', '.join(k.bad)[:80]}", "not found")


def report(k, reached):
    for name, n in sorted(k.n.items()):
        tap.report(name not in k.bad, f"{name} ({n})", f"{len(k.bad[name])} of {n}: {k.bad[name][:1]}")
    for rule, names in (reached if isinstance(reached, dict) else {"": reached}).items():
        seen = k.seen[rule] if rule else k.seen
        missing = [x for x in names if not seen[x]]
        tap.report(not missing, f"{rule and rule + ': '}reached: " + ", ".join(f"{x} {seen[x]}" for x in names), f"never: {missing}; seen: {dict(seen)}")


def main(judge, reached, wrong, driver="tests/diff/rules_driver.c"):
    """judge(exe, file) -> Check that has run; file: of the wrong version that it is to find, None: all must be right. reached: names that
    must have been seen, or for each rule its names."""
    with tempfile.TemporaryDirectory() as t:
        o = driver_of(t, driver)
        if "--mutants" in sys.argv:
            mutants(t, o, judge, wrong)
        else:
            report(judge(build(f"{t}/driver", o), None), reached)
    tap.finish()
