#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make lint-rtl` as a TAP result."""
import os
import subprocess
import sys

p = subprocess.run(["make", "--no-print-directory", "lint-rtl", "B=" + os.environ.get("B", "build")],
                   capture_output=True, text=True)
for line in (p.stdout + p.stderr).splitlines():
    print("# " + line)
print("%sok 1 - the RTL is clean in Verilator and Yosys\n1..1" % ("" if p.returncode == 0 else "not "))
sys.exit(p.returncode != 0)
