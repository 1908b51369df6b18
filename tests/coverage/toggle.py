#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the toggle-instrumented co-simulations and writes the page of docs/ (`make coverage`).

usage: tests/coverage/toggle.py BUILD-DIR LINE-BUILD-DIR PAGE BEATS    prints TAP
"""
import subprocess
import sys
from pathlib import Path

import run

build, line, page, beats = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
run.run_all(build, ["--beats", beats], build / "counts", from_reset=True)
command = [sys.executable, Path(__file__).with_name("coverage.py"), "toggle", build / "counts", page, line / "counts", line / "bins.json"]
sys.exit(subprocess.run(command, check=False).returncode)
