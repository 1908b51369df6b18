#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline rule eval: every protocol's example, answers as text and JSON, errors with file, line and remedy, and a judge that
asks and waits. Prints TAP. Environment: TRIPLINE.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from keeper import TRIPLINE, finish, must, report, tripline  # noqa: E402


def listed():
    return [line.split()[0] for line in must("rule", "list").splitlines() if " eval: " in line]


def check_example(name, folder):
    """The example is a state; text and JSON say the same, and the same again through standard input."""
    path = os.path.join(folder, name + ".json")
    example = must("rule", "eval", "--example", name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(example)
    text, one = must("rule", "eval", name, path), must("rule", "eval", name, path, "--json")
    answer = json.loads(one)
    rows = [line.split(None, 1) for line in text.splitlines()]
    as_text = {k: {"": "-", True: "true", False: "false"}.get(v, v) if isinstance(v, (str, bool)) else str(v) for k, v in answer.items()}
    report(dict((k, v.strip()) for k, v in rows) == as_text and len(rows) == len(answer), f"{name}: text as JSON", text + one)
    report(isinstance(answer.get("liquidatable"), bool), f"{name}: says whether it can be liquidated", one)
    report(one.count("\n") == 1 and len({line.rstrip().rfind("  ") for line in text.splitlines()}) <= len(rows), f"{name}: one line", one)
    p = tripline("rule", "eval", name, "-", "--json", input=json.dumps(json.loads(example)) + "\n\n")
    report(p.returncode == 0 and p.stdout == one, f"{name}: the same from standard input", p)
    p = tripline("rule", "eval", name, "-", "--json", input=example + example)
    report(p.returncode == 0 and p.stdout == one + one, f"{name}: the example as it is printed, twice, from standard input", p)


def check_faults(folder):
    state = json.loads(must("rule", "eval", "--example", "comet"))
    path = os.path.join(folder, "fault.json")

    def fault(text, *wanted):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        p = tripline("rule", "eval", "comet", path)
        report(p.returncode == 1 and not p.stdout and p.stderr.startswith("tripline rule eval: " + path + ":") and all(w in p.stderr for w in wanted),
               f"fault told: {wanted[-1]}", p)

    fault("{\n", ":2: ", "no JSON: ")
    fault("[]", ":1: ", "a state is an object")
    fault("{}", ":1: ", '"principal" is missing: add it')
    fault(json.dumps(dict(state, principal="1.5")), '"principal" must be an integer from -2^103')
    fault(json.dumps(dict(state, principal=str(2**103))), '"principal" must be an integer')
    fault(json.dumps(dict(state, borrow_index=-1)), '"borrow_index" must be an integer from 0 to 2^64 - 1')
    fault(json.dumps(dict(state, borrow_index=2**64)), '"borrow_index" must be an integer from 0 to 2^64 - 1')
    fault(json.dumps(dict(state, prinzipal=1), indent=0), '"prinzipal" is not known here')
    fault(json.dumps(dict(state, assets={})), '"assets" must be a list of objects')
    fault(json.dumps(dict(state, assets=[1])), 'every element of "assets" must be an object')
    fault(json.dumps(dict(state, assets=state["assets"] * 13)), "26 elements; 24 are the most")
    fault(json.dumps(dict(state, assets=[dict(state["assets"][0], name="x" * 101)])), '"name" must be a text in quotes, of at most 100 bytes')
    fault(json.dumps(dict(state, pool=1)), '"pool" must be an object')
    fault(json.dumps(dict(state, absorb_paused="yes")), '"absorb_paused" must be true or false')
    fault(json.dumps({k: v for k, v in state.items() if k != "pool"}), '"buy" needs "pool"')
    fault(json.dumps(dict(state, assets=[dict(a, name="WETH") for a in state["assets"]])), 'two of "assets" have the name "WETH"')
    text = must("rule", "eval", "--example", "comet").replace('"price": "270000000000"', '"price": "2e5"')
    line = next(i for i, t in enumerate(text.splitlines(), 1) if "2e5" in t)
    fault(text, f":{line}: ", '"price" must be an integer')
    for name, change, want in (("compound-v2", lambda s: s["markets"][0].update(name="cUSDC"), "and of one alone"), ("maker-dog", lambda s: s.pop("clip"), 'add "clip"'),
                               ("dydx-v4", lambda s: s["perpetuals"][0].update(exponent=9), "look for one in the wrong unit")):
        state = json.loads(must("rule", "eval", "--example", name))
        change(state)
        p = tripline("rule", "eval", name, "-", input=json.dumps(state))
        report(p.returncode == 1 and not p.stdout and "stdin:1: " in p.stderr and want in p.stderr, f"fault told: {want}", p)
    p = tripline("rule", "eval", "comet", os.path.join(folder, "none.json"))
    report(p.returncode == 1 and "none.json: cannot be opened: No such file" in p.stderr, "a file that is not there", p)
    p = tripline("rule", "eval", "comet", folder)
    report(p.returncode == 1 and "cannot be read" in p.stderr, "a folder is no file", p)


def check_lines():
    good = json.dumps(json.loads(must("rule", "eval", "--example", "comet")))
    p = tripline("rule", "eval", "comet", "-", "--json", input=f"{good}\n{{\n\n[]\n{good}")
    rows = [json.loads(x) for x in p.stdout.splitlines()]
    report(p.returncode == 1 and not p.stderr and len(rows) == 4 and rows[0] == rows[3] and "liquidatable" in rows[0], "lines: a fault stops nothing", p)
    report(rows[1]["error"].startswith("stdin:2: no JSON") and rows[2]["error"].startswith("stdin:4: a state is an object"), "lines: errors in line, with their line", rows)
    p = tripline("rule", "eval", "comet", "-", "--json", input='{"a": "}\\"{",\n "b": [\n]\n' + good + "\n {\n}\n]\n" + good)
    rows = [json.loads(x) for x in p.stdout.splitlines()]
    report([r.get("error", "")[:8] for r in rows] == ["stdin:4:", "", "stdin:5:", "stdin:7:", ""] or rows, "documents of several lines: an open one ends before the next", p)
    p = tripline("rule", "eval", "comet", "-", input=f"{good}\n{{\n{good}\n")
    report(p.returncode == 1 and p.stderr.startswith("tripline rule eval: stdin:2: ") and p.stdout.count("liquidatable") == 2 and p.stdout.count("\n\n") == 1,
           "lines as text: faults to standard error", p)
    p = tripline("rule", "eval", "comet", "-", "--json", input="")
    report(p.returncode == 0 and p.stdout == "", "no line, no answer", p)
    lines = json.dumps(json.loads(must("rule", "eval", "--example", "comet")), indent=1)
    p = tripline("rule", "eval", "comet", "-", input=lines)
    report(p.returncode == 0 and p.stdout == must("rule", "eval", "comet", "-", input=good), "a document of several lines", p)
    p = tripline("rule", "eval", "comet-1", "/dev/stdin", "--json", input=lines)
    report(p.returncode == 0 and p.stdout == must("rule", "eval", "comet", "-", "--json", input=good), "... and works, by the name of the rule of accounts too", p)
    with open("/dev/full", "w", encoding="utf-8") as full:
        p = subprocess.run([TRIPLINE, "rule", "eval", "comet", "-", "--json"], input=good + "\n", stdout=full, stderr=subprocess.PIPE, text=True)
    report(p.returncode == 1 and "cannot be written" in p.stderr, "answers that cannot be written are told", p)
    with subprocess.Popen([TRIPLINE, "rule", "eval", "comet", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as q:
        watch = threading.Timer(20, q.kill)
        watch.start()
        for _ in range(3):
            q.stdin.write(good + "\n")
            q.stdin.flush()
            answer = q.stdout.readline()
        watch.cancel()
        q.stdin.close()
        report("liquidatable" in answer and q.wait() == 0, "asks, waits for its answer, asks again", answer)


def check_usage():
    for words, why in ((["eval"], "a rule is needed"), (["eval", "comet"], "a file is needed"), (["eval", "comet", "a", "b"], "too many words: b"),
                       (["eval", "nix", "-"], "unknown rule: nix; known are"), (["eval", "aave-3.7", "-"], "aave-3.7 judges accounts of a book, not a state"), (["eval", "--example", "comet", "x"], "--example takes no file: x"),
                       (["list", "--json"], "belong to eval"), ([], "list, eval or margin is needed")):
        p = tripline("rule", *words)
        report(p.returncode == 2 and why in p.stderr and not p.stdout, f"usage: {' '.join(words)}", p)
    p = tripline("rule", "eval", "nix", "-")
    report(all(name in p.stderr for name in listed()), "an unknown rule: the known ones are told", p)
    report("rule eval" in must("rule", "--help") and "--example" in must("rule", "--help"), "help names it")


def check_margin():
    """The rule of several rows too: a breach that none of them says is a miss."""
    out = must("rule", "margin", "perp-portfolio-1", "-n", "200", "-k", "5").splitlines()[-1].split()
    report(out[0] == "perp-portfolio-1" and int(out[1]) > 50 and int(out[-2]) > 50 and out[-1] == "0", "margin: portfolio accounts, no breach missed", out)


def main():
    names = listed()
    report("comet" in names and names == sorted(names), "rule list names the protocols, in order", names)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            check_example(name, folder)
        check_faults(folder)
    check_lines()
    check_usage()
    check_margin()
    finish()


if __name__ == "__main__":
    main()
