#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make waves` where there is no display: files, markers, signals that exist. Prints TAP. env B: build directory."""
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from tap import finish, report  # noqa: E402

build = Path(os.environ.get("B", "build"))
env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
run = subprocess.run([sys.executable, HERE / "waves.py", build], capture_output=True, text=True, check=False, env=env)
report(run.returncode == 0 and "elsewhere: gtkwave" in run.stdout, "the waveform is written, and said where", run.stdout + run.stderr)
found = re.search(r"in=(\d+) out=(\d+)", run.stdout)
cycles = [int(x) for x in re.findall(r"in cycle (\d+)", run.stdout)]
report(found and len(cycles) == 4 and cycles == sorted(set(cycles)) and cycles[0] == 0
       and cycles[2] == int(found[2]) - int(found[1]), "the markers stand where the event's own stamps say", run.stdout)
save = build / "waves" / "tick.gtkw"
text = save.read_text("utf-8") if save.exists() else ""
report(text.count("@800200") == text.count("@1000200") > 5 and text.count("[color]") > 20 and text.count("[markername]") == 4,
       "the save file has groups, colours and markers")
finish()
