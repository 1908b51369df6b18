# SPDX-License-Identifier: Apache-2.0
"""Runs the instrumented co-simulations of a build directory, one after the other."""
import os
import shutil
import subprocess
import sys
from pathlib import Path


def programs(build):
    """The core against the model, the whole way over PCIe, flipped bits; each in its geometries."""
    found = sorted(p for kind in ("cosim", "pcie", "flip") for p in (Path(build) / kind).glob("*")
                   if p.suffix == "" and os.access(p, os.X_OK))
    return found or sys.exit(f"nothing built in {build}")


def run_all(build, args, counts, log=None, from_reset=False):
    """Runs every program with args (flips of bits without: they know what they need); their counts go to files in the directory counts (from_reset: of what came after the first
    reset), their monitor's log (which they write to the file log) to build/GEOMETRY.log. Returns the logs."""
    shutil.rmtree(counts, ignore_errors=True)
    Path(counts).mkdir(parents=True)
    logs = []
    for p in programs(build):
        if log:
            Path(log).unlink(missing_ok=True)
        env = {**os.environ, "COVERAGE": str(Path(counts) / f"{p.name}.{p.parent.name}")}
        if from_reset:
            env["COVERAGE_FROM_RESET"] = "1"
        run = subprocess.run([p, *([] if p.parent.name == "flip" else args)], capture_output=True, text=True, timeout=600, check=False, env=env)
        if run.returncode:
            raise SystemExit(f"{p} failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
        if log and p.parent.name != "flip":  # flipped bits: no function of the commands
            logs.append(shutil.move(log, Path(build) / f"{p.name}.{p.parent.name}.log"))
    return logs
