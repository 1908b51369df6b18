#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Line and functional coverage of rtl/ under the co-simulation; and that these judges are not blind. Prints TAP.

usage: tests/coverage/test_coverage.py [BUILD-DIR [BEATS]]    (default ${B}/coverage/line, 6000 beats a stream; env SEED)
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import run

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import tap  # noqa: E402


def tool(name, *args, **env):
    p = subprocess.run([sys.executable, HERE / name, *map(str, args)], capture_output=True, text=True, check=False,
                       env={**os.environ, **env})
    return p.returncode, p.stdout + p.stderr


def adopt(output):
    """Passes on the results of a tool."""
    why = []
    for line in output.splitlines():
        found = re.fullmatch(r"(not ok|ok) \d+ - (.*)", line)
        if found:
            tap.report(found[1] == "ok", found[2], "\n".join(why))
            why = []
        elif not line.startswith("1.."):
            why.append(line.lstrip("# "))
    if why:
        tap.report(False, "the tool ended in order", "\n".join(why))


def blind(counts, logs, tmp):
    """What has to be refused is refused."""
    file = next(p for p in sorted(counts.iterdir()))
    text = file.read_text("latin-1")
    key = next(k for k in re.findall(r"(?m)^C '(.*)' \d+$", text) if "v_line" in k and "\x01S\x02" in k)
    spoilt = tmp / "spoilt"
    spoilt.mkdir()
    for p in counts.iterdir():
        lines = p.read_text("latin-1").splitlines()
        at = re.search(r"f\x02[^\x01]*\x01l\x02\d+\x01", key)[0]
        (spoilt / p.name).write_text("\n".join(re.sub(r" \d+$", " 0", s) if at in s else s for s in lines), "latin-1")
    code, out = tool("coverage.py", "line", spoilt)
    tap.report(code == 1 and "not reached and not waived" in out, "a line that is not reached is refused", out)
    waivers = tmp / "stale.toml"
    waivers.write_text((HERE / "waivers.toml").read_text("utf-8")
                       + '\n[[line]]\nfile = "rtl/hc_core.sv"\ntext = "no such line"\nreason = "none"\n', "utf-8")
    code, out = tool("coverage.py", "line", counts, WAIVERS=str(waivers))
    tap.report(code == 1 and "no such line" in out, "a waiver for a line that is not there is refused", out)
    log = logs[0].read_text("ascii").splitlines(keepends=True)
    (tmp / "short.log").write_text("".join(log[:4000]), "ascii")
    code, out = tool("functional.py", tmp / "short.log")
    tap.report(code == 1 and "not hit 5 times:" in out, "bins that are not hit are named", out)
    at = next(i for i, s in enumerate(log) if s.startswith("e "))
    log[at] = log[at][:-2] + format(int(log[at][-2], 16) ^ 1, "x") + "\n"
    (tmp / "false.log").write_text("".join(log), "ascii")
    code, out = tool("functional.py", tmp / "false.log")
    tap.report(code == 1 and "not the judge's" in out, "a log with an event that is not the judge's is refused", out)


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.environ.get("B", "build"), "coverage", "line"))
    beats = sys.argv[2] if len(sys.argv) > 2 else "6000"
    counts = build / "counts"
    logs = run.run_all(build, ["--beats", beats], counts, build / "monitor.log")
    adopt(tool("coverage.py", "line", counts)[1])
    adopt(tool("functional.py", f"--json={build}/bins.json", *logs)[1])
    with tempfile.TemporaryDirectory() as tmp:
        blind(counts, logs, Path(tmp))
    tap.finish()


if __name__ == "__main__":
    main()
