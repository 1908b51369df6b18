#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tripline check`: the example of docs/device.md on every device, waveform, refusals. Prints TAP.

env TRIPLINE: the program (default build/tripline). Run from the project root.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from tap import finish, report  # noqa: E402

PROGRAM = os.environ.get("TRIPLINE", "build/tripline")


def check(*args):
    run = subprocess.run([PROGRAM, "check", *args], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout, run.stderr


def example():
    """Commands and events of the documentation's example."""
    with open("docs/device.md", encoding="utf-8") as f:
        blocks = re.findall(r"```\n(.*?)```", f.read(), re.S)
    at = next(i for i, b in enumerate(blocks) if b.startswith("band "))
    return blocks[at], blocks[at + 1]


def main():
    commands, events = example()
    with tempfile.TemporaryDirectory() as tmp:
        path, wave = os.path.join(tmp, "x.cmd"), os.path.join(tmp, "x.fst")
        with open(path, "w", encoding="utf-8") as f:
            f.write(commands)
        for args in (["--device", "model"], ["--device", "sim"], [], ["--device", "model+sim"],
                     ["--device", "vector"], ["--device", "vector", "--isa", "scalar"], ["--device", "vector+model", "--threads", "2"], ["--device", "sim+vector"],
                     ["--stall-in", "50", "--stall-out", "90", "--seed", "7"]):
            report(check(*args, path) == (0, events, ""), f"the documented example gives its events: {' '.join(args)}")
        code, out, _ = check("--trace", wave, "--stamps", path)
        stamps = [tuple(map(int, m)) for m in re.findall(r"in=(\d+) out=(\d+)", out)]
        report(code == 0 and len(stamps) == 5 and all(b > a for a, b in stamps), "--stamps prints cycles")
        report(os.path.getsize(wave) > 1000, "--trace writes a waveform")
        code, out, _ = check("--echo", "--device", "model", path)
        echoed = "".join(line[2:] + "\n" for line in out.splitlines() if line.startswith("> "))
        with open(path, "w", encoding="utf-8") as f:
            f.write(echoed)
        report(code == 0 and check("--device", "model", path) == (0, events, ""), "--echo prints commands that can be read again")
        code, out, _ = check("--counters", path)
        report(code == 0 and " commands=8 events=5 " in out and " triggers=2 " in out, "--counters")
        with open(path, "w", encoding="utf-8") as f:
            f.write("nop\ntick asset=1\n")
        code, out, err = check(path)
        report(code == 1 and out == "" and f"{path}:2: tick needs price=" in err, "a faulty line is named")
        code, _, err = check("--device", "abacus", path)
        report(code == 1, "a faulty file comes before an unknown device")
        with open(path, "w", encoding="utf-8") as f:
            f.write("nop\n")
        code, _, err = check("--device", "abacus", path)
        report(code == 1 and "abacus" in err and "model" in err and "sim" in err, "an unknown device is refused, with those there are")
        code, _, err = check("--device", "vector", "--isa", "mmx", path)
        report(code == 1 and "'mmx'" in err and "scalar" in err, "an unknown instruction set is refused, with those there are")
        code, out, _ = check("--device", "vector", "--isa", "scalar", "--geometry", "3x5x7", "--counters", path)
        report(code == 0 and "# vector 3x5x7 " in out and "# instruction set: scalar" in out, "--isa and --geometry reach the device")
        code, _, err = check("--trace", os.path.join(tmp, "no", "x.fst"), path)
        report(code == 1 and "waveform" in err, "a waveform that cannot be written is refused")
        code, _, err = check(os.path.join(tmp, "none.cmd"))
        report(code == 1 and "none.cmd" in err, "a missing file is named")
        for bad in ([], [path, path], ["--stall-in", "100", path], ["--seed", "x", path], ["--threads", "0", path], ["--threads", "65", path], ["--geometry", "1x2", path], ["--what", path]):
            code, out, err = check(*bad)
            report(code == 2 and out == "" and err != "", f"usage error: {' '.join(os.path.basename(b) for b in bad)}")
        code, out, err = check("--help")
        report(code == 0 and "usage: tripline check" in out and err == "", "--help")
    finish()


if __name__ == "__main__":
    main()
