# SPDX-License-Identifier: Apache-2.0
"""One UltraScale+ run: Yosys, what it said, and the figures of the netlist."""
import os
import re

import netlist
from tool import read_sources, share, slug, yosys

SHOWN = 25  # destination groups of a class in a .paths file

# synth_xilinx with its own memory step left out and done here: Yosys 0.23 says 16 for the address bits of RAM512X1S in
# lutrams_xcu.txt, which ends in an error for a single-port memory of more than 128 words (lut_library mends a copy).
# Its LUT step too: ABC's script there restructures for area (dc2) before it maps, which costs a level on the longest paths;
# here `balance` stands in its place.
FLOW = """synth_xilinx {options} -run begin:map_memory
memory_libmap -logic-cost-rom 0.015625 -lib {lutrams} -lib +/xilinx/brams_xc4v.txt -D HAS_SIZE_36 -D HAS_CASCADE \\
  -D HAS_MIXWIDTH_SDP -D HAS_ADDRCE
techmap -map +/xilinx/lutrams_xc5v_map.v
techmap -map +/xilinx/brams_xcu_map.v
synth_xilinx {options} -run map_ffram:map_luts
opt_expr -mux_undef -noclkinv
abc -luts 2:2,3,6:5 -script +strash;&get,-n;&fraig,-x;&put;scorr;balance;strash;dch,-f;if;mfs2
clean
techmap -map +/xilinx/ff_map.v
xilinx_srl -fixed -minlen 3
techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6
xilinx_dffopt
opt_lut_ins -tech xilinx
synth_xilinx {options} -run finalize:
write_json {json}
"""
OPTIONS = "-family xcup -nowidelut -noiopad -noclkbuf -flatten -top "

# The RAMB36E2 pads of brams_xcu_map.v, and ABC on logic without registers, warn in any design.
HARMLESS = re.compile(r"Resizing cell port \S+ from \d+ bits to \d+ bits|network is combinational")


def lut_library(build):
    """A copy of the LUT memory library with RAM512X1S's nine address bits."""
    with open(os.path.join(share(), "xilinx/lutrams_xcu.txt"), encoding="utf-8") as f:
        text = f.read()
    path = os.path.join(build, "lutrams.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r'(option "ABITS" )16( \{\s*abits )16;', r"\g<1>9\g<2>9;", text))
    return path


def judge_log(text, registers):
    """Complaints about what Yosys had to say. registers: ends of the names of memories that may become flip-flops."""
    bad = set()
    for line in text.splitlines():
        memory = re.match(r"using FF mapping for memory (\S+)", line)
        if memory and not memory.group(1).endswith(tuple(registers)):
            bad.add("memory made of flip-flops: " + memory.group(1))
        if "implicitly declared" in line or re.match(r"\s*Latch inferred", line):
            bad.add(line.strip())
        elif "Warning:" in line and not HARMLESS.search(line):
            bad.add(line.strip())
    return sorted(bad)


def describe(path):
    """A path in words: where from, through what, to where."""
    middle = " ".join("%d:%s" % step for step in path.steps[1:])
    return "%2d  %s -> %s\n      via %s\n" % (path.levels, path.start, path.end, middle or "nothing")


def write_paths(found, title, target):
    """The deepest destination groups of each class of path."""
    with open(target, "w", encoding="utf-8") as f:
        f.write("%s\nlevels, start -> end of the deepest path to each destination, and the way there\n" % title)
        for (frm, to), group in sorted(found.items(), key=lambda kv: kv[0] != ("reg", "reg")):
            f.write("\n== %s to %s: %d destinations, deepest %d levels\n" % (frm, to, len(group), group[0].levels))
            f.writelines(describe(path) for path in group[:SHOWN])


def synthesise(run, sources, build):
    """The figures of a run; `complaints` is what must not be whatever the budgets are."""
    base = os.path.join(build, slug(run["name"]))
    out = base + ".json"
    flow = FLOW.format(json=out, options=OPTIONS + run["top"], lutrams=lut_library(build))
    text = yosys(read_sources(sources, run["top"], run["params"]) + flow, base)
    net = netlist.load(out, run["top"])
    os.unlink(out)
    found = netlist.paths(net)
    result = net.area()
    write_paths(found, "%s: %s" % (run["name"], result), base + ".paths")
    result["complaints"] = judge_log(text, run["registers"])
    clocks = net.clocks()
    if len(clocks) != 1:
        result["complaints"].append("not one clock but %d: %s" % (len(clocks), ", ".join(clocks)))
    for key, (frm, to) in {"depth": ("reg", "reg"), "depth_in": ("port", "reg"), "depth_out": ("reg", "port"),
                           "through": ("port", "port"), "into_dsp": ("reg", "dsp"),
                           "out_of_dsp": ("dsp", "reg")}.items():
        result[key] = netlist.deepest(found, frm, to)
    worst = found[("reg", "reg")][0]
    result["worst"] = "%s → %s" % (netlist.collapse(worst.start), netlist.collapse(worst.end))
    return result
