# SPDX-License-Identifier: Apache-2.0
"""Runs of Yosys, shared by the flows."""
import os
import re
import shutil
import subprocess

YOSYS = os.environ.get("YOSYS", "yosys")


class Failure(Exception):
    """A run that has no result; the text says why."""


def slug(name):
    """A run's name as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def share():
    """Yosys's library folder, which it finds from where its binary is."""
    where = shutil.which(YOSYS)
    if where is None:
        raise Failure("there is no " + YOSYS)
    return os.path.join(os.path.dirname(os.path.realpath(where)), "../share/yosys")


def version():
    return subprocess.run([YOSYS, "-V"], capture_output=True, text=True, check=True).stdout.strip()


def run(command, log):
    """A command with low priority, for it may take minutes; raises Failure with the end of what it said."""
    done = subprocess.run(["nice"] + command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure("%s failed, see %s: %s" % (command[0], log, (done.stderr or done.stdout).strip()[-1500:]))


def yosys(script, base):
    """Runs a script, kept as base.ys; the text of the log base.log."""
    with open(base + ".ys", "w", encoding="utf-8") as f:
        f.write(script)
    run([YOSYS, "-q", "-l", base + ".log", base + ".ys"], base + ".log")
    with open(base + ".log", encoding="utf-8", errors="replace") as f:
        return f.read()


def read_sources(sources, top, params):
    """The script's start: sources read, the top module with its parameters, under its own name."""
    lines = ["read_verilog -sv -I%s %s" % (d, " ".join(s for s in sources if os.path.dirname(s) == d))
             for d in dict.fromkeys(os.path.dirname(s) for s in sources)]
    chparams = "".join(" -chparam %s %s" % kv for kv in params.items())
    return "\n".join(lines + ["hierarchy -check -top %s%s" % (top, chparams), "rename -top " + top, ""])
