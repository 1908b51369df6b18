# SPDX-License-Identifier: Apache-2.0
"""One iCE40 run: Yosys, then nextpnr once per seed. Says what frequency the placed and routed core reaches."""
import json
import os
import re

from tool import read_sources, run, slug, yosys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = "ice40_wrap"
CARELESS_MHZ = 100  # asked for, above what is reached, so that nextpnr goes on optimising


def _critical(log):
    """The first and the last cell that nextpnr names on the last critical path of a log, without what it added."""
    part = log.rsplit("Critical path report for clock", 1)[-1]
    named = re.findall(r"Source (\S+?)(?:_SB_\S*)?_(?:LC|RAM)\.\S*|Sink (\S+?)(?:_SB_\S*)?_(?:LC|RAM)\.\S*", part)
    cells = [re.sub(r"\[\d+\]|_\d+$|^u_core\.", "", a or b) for a, b in named]
    return "%s → %s" % (cells[0], cells[-1]) if cells else "?"


def place_and_route(what, sources, build):
    """Logic cells, block RAMs and the MHz of each seed."""
    base = os.path.join(build, slug(what["name"]))
    script = read_sources(list(sources) + [os.path.join(HERE, "ice40_wrap.sv")], TOP, what["params"])
    blocks = "-dsp" if what["device"] == "up5k" else ""
    # This part has no LUT memory: what asks for it is built of registers.
    yosys(script + "setattr -unset ram_style m:*\nsynth_ice40 -abc2 %s -top %s -json %s.json\n" % (blocks, TOP, base), base)
    mhz, worst = [], []
    for seed in what["seeds"]:
        log = "%s.%d.pnr" % (base, seed)
        report = log + ".json"
        run(["nextpnr-ice40", "--" + what["device"], "--package", what["package"], "--json", base + ".json", "--seed",
             str(seed), "--freq", str(CARELESS_MHZ), "--timing-allow-fail", "--report", report, "-q", "-l", log], log)
        with open(report, encoding="utf-8") as f:
            said = json.load(f)
        mhz.append(round(max(c["achieved"] for c in said["fmax"].values()), 1))
        with open(log, encoding="utf-8") as f:
            worst.append(_critical(f.read()))
        used = said["utilization"]
    os.unlink(base + ".json")
    return {"device": "%s-%s" % (what["device"], what["package"]), "lc": used["ICESTORM_LC"]["used"],
            "bram": used["ICESTORM_RAM"]["used"], "mhz": mhz, "worst": worst[mhz.index(min(mhz))], "complaints": []}
