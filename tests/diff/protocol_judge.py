# SPDX-License-Identifier: Apache-2.0
"""How a judge asks a protocol's rule in C (docs/protocols.md), and how it is held against wrong versions of it.

A judge is a function judge(ask, random) -> None that raises AssertionError at the first difference; ask(dict) -> dict.
Integers travel as decimal strings to the rule and come back as Python ints; a state that is refused as no state comes
back as {"error": "..."}.

  with Driver("comet") as d: d.ask({...})      build/tripline (TRIPLINE names another), or compiled when there is none
  with Driver("comet", folder=f) as d: ...     compiled from the sources below folder
  mutants("comet", MUTANTS, judge)             each wrong version must be found

Run from the project root. CC (default gcc). A mutant is (file, old text, new text) or (file, old, new, n-th place from 0).
"""
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTOCOLS = "host/protocols"
CORES = "host/accounts/rules"  # arithmetic that a rule of accounts uses too
SHARED = ["tests/diff/protocol_driver.c", "host/base/u256.c", "host/base/checked.c", "host/base/wide.c", "host/accounts/json.c"] + [
    f"{PROTOCOLS}/{x}.c" for x in ("state", "outcome", "registry", "evaluate")]


def symbol(name):
    """The object's name behind protocol_."""
    return name.replace("-", "_").replace(".", "_")


def sources(name, more=()):
    """Of one protocol alone: <name>.c, <name>_*.c and what all have in common."""
    own = sorted(f for d in (PROTOCOLS, CORES + "/*") for x in (".c", "_*.c") for f in glob.glob(f"{ROOT}/{d}/{symbol(name)}{x}"))
    return SHARED + [os.path.relpath(f, ROOT) for f in own] + list(more)


def compile_driver(name, out, folder=ROOT, more=(), flags=("-O1",)):
    """more: further sources that the protocol needs. Raises CalledProcessError when it does not compile."""
    cc = os.environ.get("CC", "gcc").split()
    subprocess.run(cc + ["-std=c17", "-D_GNU_SOURCE", "-w", *flags, f"-DPROTOCOLS(X)=X({symbol(name)})", f"-I{folder}/host", f"-I{ROOT}/host"]
                   + [f"{folder}/{f}" if os.path.exists(f"{folder}/{f}") else f"{ROOT}/{f}" for f in sources(name, more)] + ["-o", out, "-lm"],
                   check=True, capture_output=True, text=True)
    return out


def sent(v):
    """As the rule reads it: integers as text, so that nothing on the way makes a double of them."""
    if isinstance(v, dict):
        return {k: sent(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [sent(x) for x in v]
    return str(v) if isinstance(v, int) and not isinstance(v, bool) else v


class Driver:
    """exe: a ready driver (then nothing is compiled); folder: compile from there; else the binary, else compile."""

    def __init__(self, name, folder=None, more=(), exe=None):
        self.name, self.temp = name, None
        binary = os.environ.get("TRIPLINE", f"{ROOT}/build/tripline")
        if exe:
            command = [exe, name]
        elif folder is None and os.path.exists(binary):
            command = [binary, "rule", "eval", "--json", name, "-"]
        else:
            self.temp = tempfile.mkdtemp()
            command = [compile_driver(name, f"{self.temp}/driver", folder or ROOT, more), name]
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, state):
        return self.ask_text(json.dumps(sent(state)))

    def ask_text(self, line):
        try:
            self.p.stdin.write(line + "\n")
            self.p.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.p.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name}: the driver stopped (status {self.p.wait()}) at: {line}")
        return json.loads(answer)

    def ask_all(self, states):
        """Many at once: some twenty times faster than one after another."""
        lines = [json.dumps(sent(s)) + "\n" for s in states]
        feeder = threading.Thread(target=lambda: (self.p.stdin.writelines(lines), self.p.stdin.flush()))
        feeder.start()
        answers = []
        for line in lines:
            answer = self.p.stdout.readline()
            if not answer:
                raise RuntimeError(f"{self.name}: the driver stopped (status {self.p.wait()}) at: {line}")
            answers.append(json.loads(answer))
        feeder.join()
        return answers

    def close(self):
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass
        status = self.p.wait()
        if self.temp:
            shutil.rmtree(self.temp)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def changed(text, old, new, place=0):
    at = -1
    for _ in range(place + 1):
        at = text.find(old, at + 1)
        if at < 0:
            raise ValueError(f"not in the source: {old!r} (place {place})")
    if place == 0 and text.count(old) > 1:
        raise ValueError(f"more than once in the source, name the place: {old!r}")
    return text[:at] + new + text[at + len(old):]


def found(name, mutant, judge, more=(), seed=1, timeout=60):
    """How a wrong version was noticed, or None: it was not. A mutant of None is the right version."""
    with tempfile.TemporaryDirectory() as t:
        if mutant:
            file, old, new, *place = mutant
            if "/" not in file:
                file = os.path.relpath(next(f for d in (PROTOCOLS, CORES, CORES + "/*") for f in glob.glob(f"{ROOT}/{d}/{file}")), ROOT)
            os.makedirs(os.path.dirname(f"{t}/{file}"))
            with open(f"{ROOT}/{file}", encoding="utf-8") as f:
                text = f.read()
            with open(f"{t}/{file}", "w", encoding="utf-8") as f:
                f.write(changed(text, old, new, *place))
        d = Driver(name, exe=compile_driver(name, f"{t}/driver", t, more))
        watch = threading.Timer(timeout, d.p.kill)  # a version that never ends is found too
        watch.start()
        try:
            judge(d, random.Random(seed))
            return None
        except (AssertionError, RuntimeError, KeyError) as e:
            return f"{type(e).__name__}: {e}"
        finally:
            watch.cancel()
            d.p.kill()
            d.close()


def mutants(name, table, judge, more=(), seed=1, report=None):
    """Every wrong version must be found by judge(driver, random); the judge itself limits its cases. report(ok, name, why)
    as in tap.py. The number of those that were not found."""
    how = found(name, None, judge, more, seed)
    if how:
        raise RuntimeError(f"{name}: the judge refuses the right version: {how[:2000]}")
    missed = 0
    for i, m in enumerate(table):
        how = found(name, m, judge, more, seed)
        missed += how is None
        text = f"{name} mutant {i + 1}: {' '.join(m[1].split())[:50]} -> {' '.join(m[2].split())[:50]}"
        if report:
            report(how is not None, text, "not found")
        else:
            print(("found   " if how else "MISSED  ") + text, file=sys.stderr, flush=True)
    return missed
