#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The test runner's own tests: what it counts, what it calls a failure, and that its last line can be trusted.

Also that docs/testing.md shows the suites as they are, and that no test program is left out of suites.toml.
Prints TAP. Seconds: about 5.
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "tests" / "run_tests.py"
DEADLINE = 240  # seconds: a hang, not a measure of speed
count = failed = 0


def check(name, good, detail=""):
    global count, failed
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)
    if not good:
        failed += 1
        print("".join(f"# {line}\n" for line in str(detail).splitlines()), end="", flush=True)


def run(*args, **env):
    p = subprocess.run([sys.executable, RUNNER, *map(str, args)], capture_output=True, text=True,
                       env=os.environ | env, timeout=DEADLINE, check=False)
    return p.returncode, p.stdout, p.stderr


def script(tmp, name, text):
    path = tmp / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def expect(tmp, name, text, last, status, *fragments, kind="tap", needs=(), timeout=60):
    """One suite whose program is text; the runner's last line, status and parts of its output."""
    path = script(tmp, re.sub(r"\W+", "_", name), text)
    args = ["--suite", "suite-x", kind, path]
    for n in needs:
        args += ["--needs", n]
    code, out, err = run(*args, "--timeout", timeout)
    lines = out.splitlines()
    missing = [f for f in fragments if f not in out]
    check(name, code == status and lines and lines[-1] == last and not missing,
          f"status {code}, missing {missing}, output:\n{out}{err}")


def counting(tmp):
    expect(tmp, "passes", "echo 1..2; echo ok 1 - a; echo 'ok 2 - b'", "2 passed, 0 failed, 0 skipped", 0)
    expect(tmp, "no plan, no numbers", "echo ok; echo 'ok - b'; echo noise", "2 passed, 0 failed, 0 skipped", 0)
    expect(tmp, "failure", "echo ok 1 - a; echo 'not ok 2 - is broken'; echo why >&2; exit 1",
           "1 passed, 1 failed, 0 skipped", 1, "FAILED suite-x", "- is broken", "    why")
    expect(tmp, "failure with exit status 0", "echo 'not ok 1 - is broken'",
           "0 passed, 1 failed, 0 skipped", 1)
    expect(tmp, "skip of one", "echo ok 1 - a; echo 'ok 2 - veth # SKIP needs root'",
           "1 passed, 0 failed, 1 skipped", 0, "SKIP suite-x: veth: needs root")
    expect(tmp, "skip of all", "echo '1..0 # SKIP no captures here'",
           "0 passed, 0 failed, 1 skipped", 0, "SKIP suite-x: no captures here")
    expect(tmp, "a failure marked SKIP is a failure", "echo 'not ok 1 - a # SKIP no'; exit 1",
           "0 passed, 1 failed, 0 skipped", 1)


def breaking(tmp):
    expect(tmp, "crash", "echo ok 1 - a; kill -SEGV $$", "1 passed, 1 failed, 0 skipped", 1, "ended by SIGSEGV")
    expect(tmp, "no TAP", "echo all is well", "0 passed, 1 failed, 0 skipped", 1, "reported no test",
           "    all is well")
    expect(tmp, "exit status alone", "echo ok 1 - a; exit 3", "1 passed, 1 failed, 0 skipped", 1,
           "exit status 3 although no test failed")
    expect(tmp, "plan not met", "echo 1..3; echo ok 1 - a; echo ok 2 - b", "2 passed, 1 failed, 0 skipped", 1,
           "planned 3 tests, but 2 reported")
    expect(tmp, "bail out", "echo ok 1 - a; echo 'Bail out! no disk'", "1 passed, 1 failed, 0 skipped", 1,
           "Bail out! no disk")
    expect(tmp, "timeout ends children too", "echo ok 1 - a; sleep 60 & echo $! >" + str(tmp / "pid") +
           "; wait", "1 passed, 1 failed, 0 skipped", 1, "took longer than its 5 s", timeout=5)
    check("no process is left after a timeout", is_gone(int((tmp / "pid").read_text())))
    expect(tmp, "child left behind", "sleep 60 & echo $! >" + str(tmp / "pid") + "; echo ok 1 - a",
           "1 passed, 0 failed, 0 skipped", 0)
    check("no process is left after a pass", is_gone(int((tmp / "pid").read_text())))
    code, out, _ = run("--suite", "s", "tap", tmp / "does-not-exist")
    check("program missing", code == 1 and out.endswith("0 passed, 1 failed, 0 skipped\n"), out)


def is_gone(pid):
    for _ in range(DEADLINE * 50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":  # ended, and waiting for whoever adopted it
            return True
        time.sleep(0.02)
    return False


def check_kind(tmp):
    tap = "printf '1..2\\nok 1 - t.c:x:a: Passed\\nnot ok 2 - t.c:x:b: Assertion failed\\n' >$CK_TAP_LOG_FILE_NAME"
    expect(tmp, "check program", tap + "; echo human; exit 1", "1 passed, 1 failed, 0 skipped", 1,
           "t.c:x:b: Assertion failed", "    human", kind="check")
    expect(tmp, "check program: stdout is no TAP", "echo ok 1 - a", "0 passed, 1 failed, 0 skipped", 1,
           "reported no test", kind="check")
    expect(tmp, "need unmet", "echo ok 1", "0 passed, 0 failed, 1 skipped", 0,
           "SKIP suite-x: /nonexistent/x is missing (get the captures)",
           needs=["file:/nonexistent/x|get the captures"])
    expect(tmp, "command unmet", "echo ok 1", "0 passed, 0 failed, 1 skipped", 0,
           "no-such-command is not installed", needs=["cmd:no-such-command"])
    expect(tmp, "need met", "echo ok 1", "1 passed, 0 failed, 0 skipped", 0, needs=["cmd:sh", "file:/"])


SUITES = '''
[[suite]]
name = "first"
cmd = "sh -c 'test \\"$COLOUR\\" = green && test -n \\"${B}\\" && echo ok 1 - env'"
kind = "tap"
shows = "the environment | arrives"
timeout = 60
budget = 1
env = { COLOUR = "green" }

[[suite]]
name = "second/one"
cmd = "echo 'not ok 1 - always'"
kind = "tap"
shows = "a failure"
timeout = 5
budget = 2.5
alone = true
'''


def suites_file(tmp):
    path = tmp / "suites.toml"
    path.write_text(SUITES)
    code, out, _ = run("--suites", path)
    check("two suites", code == 1 and out.endswith("\n1 passed, 1 failed, 0 skipped\n"), out)
    code, out, _ = run("--suites", path, "--only", "first")
    check("--only part", code == 0 and out.endswith("1 passed, 0 failed, 0 skipped\n"), out)
    code, out, _ = run("--suites", path, "--only", "second/*", "--jobs", 1)
    check("--only glob", code == 1 and out.endswith("0 passed, 1 failed, 0 skipped\n"), out)
    code, out, err = run("--suites", path, "--only", "third")
    check("--only nothing", code == 2 and "no suite to run" in err and "passed" not in out, err)
    code, out, _ = run("--suites", path, "--list")
    check("--list", code == 0 and out.startswith("first: ") and "second/one: echo" in out, out)
    doc = tmp / "doc.md"
    doc.write_text("before\n<!-- suites: begin (generated by tests/run_tests.py --table; do not edit) -->\n"
                   "<!-- suites: end -->\nafter\n")
    stale = run("--suites", path, "--table", "--check", doc)
    written = run("--suites", path, "--table", "--write", doc)
    fresh = run("--suites", path, "--table", "--check", doc)
    text = doc.read_text()
    check("--table --check, --write", (stale[0], written[0], fresh[0]) == (1, 0, 0) and
          "| first | the environment \\| arrives | 1 s |" in text and "| 2.5 s |" in text and
          text.startswith("before\n") and text.endswith("after\n"), (stale, written, fresh, text))
    for name, old, new, said in [
            ("unknown key", "alone", "aolne", "unknown key 'aolne'"),
            ("missing key", 'shows = "a failure"', "", "'shows' is missing"),
            ("wrong kind", 'kind = "tap"', 'kind = "tapp"', "'check' or 'tap'"),
            ("wrong type", "timeout = 5", 'timeout = "5"', "'timeout' has the wrong type"),
            ("budget above timeout", "budget = 2.5", "budget = 25", "budget <= timeout"),
            ("same name", "second/one", "first", "two suites are named 'first'"),
            ("wrong need", "alone = true", 'needs = ["disk:x"]', "need 'disk:x'"),
            ("no TOML", "[[suite]]", "[[suite", "suites.toml: ")]:
        path.write_text(SUITES.replace(old, new))
        code, out, err = run("--suites", path)
        check(f"suites file: {name}", code == 2 and said in err and out == "", f"{code} {out} {err}")
    check("suites file missing", run("--suites", tmp / "none.toml")[0] == 2)


def parallel(tmp):
    """Two suites that each wait for the other pass with two jobs only; one that is alone never overlaps."""
    meet = script(tmp, "meet", 'touch "$1"; for i in $(seq 100); do test -e "$2" && echo ok 1 - met && exit 0; '
                               'sleep 0.02; done; echo not ok 1 - alone; exit 1\n')
    a, b = tmp / "a", tmp / "b"
    two = ["--suite", "a", "tap", f"{meet} {a} {b}", "--suite", "b", "tap", f"{meet} {b} {a}"]
    code, out, _ = run(*two)
    check("two at a time", code == 0 and out.endswith("2 passed, 0 failed, 0 skipped\n"), out)
    a.unlink()
    b.unlink()
    code, out, _ = run(*two, "--jobs", 1)
    check("one at a time", code == 1 and out.endswith("1 passed, 1 failed, 0 skipped\n"), out)
    mine = script(tmp, "mine", f'mkdir {tmp}/lock && sleep 0.3 && rmdir {tmp}/lock && echo ok 1\n')
    path = tmp / "suites.toml"
    path.write_text("".join(f'[[suite]]\nname = "s{i}"\ncmd = "{mine}"\nkind = "tap"\nshows = "x"\n'
                            f'timeout = 9\nbudget = 5\nalone = true\n' for i in range(3)))
    code, out, _ = run("--suites", path)
    check("alone", code == 0 and out.endswith("3 passed, 0 failed, 0 skipped\n"), out)


def this_tree():
    suites = ROOT / "tests" / "suites.toml"
    doc = ROOT / "docs" / "testing.md"
    code, out, err = run("--table", "--check", doc)
    check("docs/testing.md shows the suites as they are", code == 0, out + err)
    text = suites.read_text()
    tests = sorted(p for pattern in ("unit/*/test_*.c", "*/test_*.py", "*/test_*.sh")
                   for p in (ROOT / "tests").glob(pattern))
    missing = [str(p.relative_to(ROOT)) for p in tests
               if not re.search(rf"[/ ]{re.escape(p.stem if p.suffix == '.c' else p.name)}\b", text)]
    check("every test program is in a suite", tests and not missing, "\n".join(missing))


def main():
    for part in (counting, breaking, check_kind, suites_file, parallel):
        with tempfile.TemporaryDirectory() as tmp:
            part(Path(tmp))
    this_tree()
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
