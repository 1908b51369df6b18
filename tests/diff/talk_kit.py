# SPDX-License-Identifier: Apache-2.0
"""What the judges have in common that talk with a driver line by line, where a question may follow from the answer before: the driver's
process, checks and branches counted by name, wrong versions of the sources. For *_diff.py, from the project root. Environment: SEED, CC,
DRIVER (a ready driver; otherwise it is compiled into a temporary folder).
"""
import collections
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

SEED = tap.seed(1)
CC = os.environ.get("CC", "gcc").split()
STOPPED = (RuntimeError, AssertionError, BrokenPipeError, ValueError, ArithmeticError, LookupError, AttributeError)


class Driver:
    def __init__(self, exe):
        self.p = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def send(self, *lines):
        self.p.stdin.write("".join(line + "\n" for line in lines))

    def ask(self, *lines):
        """The one line that answers them."""
        self.send(*lines)
        self.p.stdin.flush()
        answer = self.p.stdout.readline()
        if not answer:
            raise RuntimeError("driver stopped at: " + lines[-1])
        return answer.strip()

    def words(self, *lines):
        return self.ask(*lines).split()

    def ints(self, *lines):
        return [int(x) for x in self.words(*lines)]

    def end(self):
        self.p.stdin.close()
        if self.p.wait() != 0:
            raise RuntimeError("driver: status %d" % self.p.returncode)


class Checks:
    def __init__(self):
        self.rows, self.notes, self.seen = {}, [], collections.Counter()

    def __call__(self, name, good, *what):
        row = self.rows.setdefault(name, [0, 0, ""])
        row[0] += 1
        if not good:
            row[1] += 1
            row[2] = row[2] or " ".join(map(str, what))[:3000]

    def hit(self, what, n=1):
        """A branch was taken so often; one that is named and never taken fails."""
        self.seen[what] += n if isinstance(n, int) else bool(n)

    def failed(self):
        return [name for name, row in self.rows.items() if row[1]]


def compiled(folder, source, name):
    out = os.path.join(folder, name.replace("/", "_") + ".o")
    subprocess.run([*CC, "-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-Ihost", "-Idrivers", "-c", source, "-o", out], check=True)
    return out


def linked(folder, objects):
    exe = os.path.join(folder, "driver")
    subprocess.run([*CC, *objects, "-lm", "-o", exe], check=True)
    return exe


def mutants(folder, sources, wrong, judge):
    """wrong: (name, file, text that occurs exactly once, replacement)."""
    sound = {s: compiled(folder, s, s) for s in sources}
    for name, file, old, new in wrong:
        with open(file, encoding="utf-8") as f:
            text = f.read()
        if text.count(old) != 1:
            tap.report(False, name, f"the text to change occurs {text.count(old)} times in {file}")
            continue
        path = os.path.join(folder, os.path.basename(file))
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        try:
            check = judge(linked(folder, [compiled(folder, path, "wrong") if s == file else o for s, o in sound.items()]))
            what = "; ".join(check.failed())
        except STOPPED as e:
            what = f"stopped: {type(e).__name__}"
        tap.report(what, f"found: {name} # {what[:120]}", "not found")


def main(doc, judge, cases, sources, folder, wrong, few, wanted=()):
    """judge(exe, cases) -> Checks. wrong: versions of files in the folder, found with so few cases. wanted: branches to be taken."""
    if sys.argv[1:] not in ([], ["--mutants"]):
        print(doc, file=sys.stderr)
        sys.exit(2)
    cases = int(os.environ.get("CASES", cases))
    print(f"# {os.path.basename(sys.argv[0])} SEED={SEED} CASES={cases}")
    with tempfile.TemporaryDirectory(prefix="talk.") as out:
        if sys.argv[1:]:
            mutants(out, sources, [(name, folder + file, *texts) for name, file, *texts in wrong], lambda exe: judge(exe, few))
            tap.finish()
        check = judge(os.environ.get("DRIVER") or linked(out, [compiled(out, s, s) for s in sources]), cases)
    for name, (n, bad, first) in check.rows.items():
        tap.report(not bad, f"{name} # {n} checks", f"{bad} failed; first: {first}")
    for note in check.notes + [f"{n} times: {what}" for what, n in sorted(check.seen.items())]:
        print("# " + note)
    if wanted or check.seen:
        missing = [w for w in {**dict.fromkeys(wanted), **check.seen} if not check.seen[w]]
        tap.report(not missing, "every branch that matters was taken", "never: " + ", ".join(missing))
    tap.finish()
