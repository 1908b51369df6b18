#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Synthesises the core for UltraScale+ and iCE40, holds the result against budgets.toml and keeps docs/synthesis.md.

usage: synth.py --build DIR [--quick] [--only TEXT] [--check DOC | --write DOC] SOURCES
  --quick   only the runs marked quick
  --only    only runs whose name contains TEXT
  --write   puts the tables into DOC; runs without a result are named there
  --check   fails when the tables in DOC differ by more than the tolerances
Results are kept in DIR by a hash of what they depend on; DIR/NAME.paths names the deepest paths. Exit 1 when a budget is
exceeded or something has no rule, naming it.
"""
import argparse
import hashlib
import json
import os
import re
import sys
import time
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fpga  # noqa: E402
import ice40  # noqa: E402
import netlist  # noqa: E402
import tables  # noqa: E402
from tool import Failure, share, slug, version  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def used_by(top, sources):
    """Sources that the design is made of: of modules, which have a file each, those that are named from the top down. All where
    the top is not among them."""
    modules = {os.path.splitext(os.path.basename(s))[0]: s for s in sources}
    if top not in modules:
        return sources
    packages = {name for name in modules if name.endswith("_pkg")}
    found, new = set(), {top} | packages
    while new:
        found |= new
        named = set()
        for name in new:
            with open(modules[name], encoding="utf-8") as f:
                named |= instances(f.read())
        new = (named & modules.keys()) - found
    return [modules[name] for name in sorted(found)]


def digest(run, sources, own):
    """Changes when anything does that a result depends on (of a run, budgets excepted)."""
    what = {k: v for k, v in run.items() if k in ("name", "top", "params", "registers", "device", "package", "seeds")}
    h = hashlib.sha256((json.dumps(what, sort_keys=True) + version()).encode())
    headers = [os.path.join(d, f) for d in sorted({os.path.dirname(s) for s in sources})
               for f in sorted(os.listdir(d or ".")) if f.endswith(".svh")]
    for path in sorted(used_by(run.get("top"), sources)) + headers + [os.path.join(HERE, f) for f in own + ["tool.py"]]:
        with open(path, "rb") as f:
            h.update(hashlib.sha256(f.read()).digest())
    return h.hexdigest()


def over(result, run, limits):
    """What exceeds its budget and by how much."""
    found = []

    def at_most(what, value, budget):
        if budget is not None and value > budget:
            found.append("%s %g, budget %g: %g too many" % (what, value, budget, value - budget))

    lanes = run["params"]["LANES"]
    at_most("LUT", result["lut"], run.get("lut"))
    at_most("DSP48E2", result["dsp"], run["dsp_lane"] * lanes)
    at_most("RAMB36", result["bram"], run["bram_lane"] * lanes if "bram_lane" in run else None)
    for key, what in (("depth", "levels between registers"), ("depth_in", "levels from a port"),
                      ("depth_out", "levels to a port"), ("into_dsp", "levels before a multiplier"),
                      ("out_of_dsp", "levels after a multiplier")):
        at_most(what, result[key], run.get(key, limits[key]))
    if result["depth"] > run.get("depth", limits["depth"]):
        found.append("the deepest path is %s" % result["worst"])
    return found


def too_slow(result, run):
    slowest = min(result["mhz"])
    if slowest < run["mhz_at_least"]:
        return ["%.1f MHz, at least %g wanted" % (slowest, run["mhz_at_least"])]
    return []


def vendor_cells():
    """Names of the vendors' primitives, from Yosys's libraries."""
    names = set()
    for lib in ("xilinx/cells_sim.v", "xilinx/cells_xtra.v", "ice40/cells_sim.v"):
        with open(os.path.join(share(), lib), encoding="utf-8") as f:
            names |= set(re.findall(r"^module\s+\\?(\w+)", f.read(), re.M))
    if len(names) < 100:
        raise Failure("no list of vendors' cells in " + share())
    return names


def instances(text):
    """Names that stand where a Verilog source instantiates a module."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return {m.group(1) for m in re.finditer(r"\b([A-Za-z_]\w*)\s*(?:#\s*\(|\s[A-Za-z_]\w*\s*\()", text)}


def vendor_primitives(sources):
    """Complaints about a vendor's cells in the sources."""
    cells, found = vendor_cells(), []
    for path in sources:
        with open(path, encoding="utf-8") as f:
            found += ["%s: vendor primitive %s" % (path, name) for name in sorted(instances(f.read()) & cells)]
    return found


def kept(path, key):
    """The result of an earlier run if it was of the same things, else None."""
    try:
        with open(path, encoding="utf-8") as f:
            old = json.load(f)
        return old["result"] if old["key"] == key else None
    except (OSError, ValueError, KeyError):
        return None


def perform(run, sources, build, own, act):
    """The result of a run and the seconds it took, None when it was kept."""
    path, key = os.path.join(build, slug(run["name"]) + ".result"), digest(run, sources, own)
    result = kept(path, key)
    if result is not None:
        return result, None
    begin = time.monotonic()
    result = act(run)
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        json.dump({"key": key, "result": result}, f)
    os.replace(path + ".tmp", path)
    return result, time.monotonic() - begin


def arguments():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--build", required=True)
    p.add_argument("--budgets", default=os.path.join(HERE, "budgets.toml"))
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only", default="")
    p.add_argument("--check")
    p.add_argument("--write")
    p.add_argument("sources", nargs="+")
    return p.parse_args()


def flows(args, budgets):
    """(run, files of ours it depends on, how to make its result, how to judge it) of all runs asked for."""
    for run in budgets["run"]:
        yield (dict(run, registers=budgets["memories"]["registers"]), ["fpga.py", "netlist.py"],
               lambda r: fpga.synthesise(r, args.sources, args.build), lambda result, r: over(result, r, budgets["limits"]))
    for run in budgets["ice40"]:
        yield (run, ["ice40.py", "ice40_wrap.sv"], lambda r: ice40.place_and_route(r, args.sources, args.build),
               too_slow)


def run_all(args, budgets):
    """Results by name of what was asked for, and what was wrong."""
    results, wrong = {}, vendor_primitives(args.sources)
    for run, own, act, judge in flows(args, budgets):
        if (args.quick and not run.get("quick")) or args.only not in run["name"]:
            continue
        print("  SYNTH %-26s" % run["name"], end=" ", flush=True)
        try:
            result, seconds = perform(run, args.sources, args.build, own, act)
        except (Failure, netlist.Unexpected) as e:
            print("failed", flush=True)
            wrong.append("%s: %s" % (run["name"], e))
            continue
        results[run["name"]] = result
        print("%s (%s)" % (tables.line(result), "kept" if seconds is None else "%.0f s" % seconds), flush=True)
        wrong += ["%s: %s" % (run["name"], w) for w in result["complaints"] + judge(result, run)]
    return results, wrong


def main():
    args = arguments()
    os.makedirs(args.build, exist_ok=True)
    with open(args.budgets, "rb") as f:
        budgets = tomllib.load(f)
    results, wrong = run_all(args, budgets)
    if not results and not wrong:
        wrong.append("no run is named like that")
    if args.check:
        wrong += tables.differences(args.check, results, budgets["tolerance"])
    for w in wrong:
        print("FAIL " + w)
    if args.write and results:
        tables.write(args.write, results, budgets)
    print("synth: %d runs, %s" % (len(results), "%d failures" % len(wrong) if wrong else "all within budget"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
