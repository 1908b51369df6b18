#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a waveform of one tick that triggers, with a GTKWave save file that explains it, and opens it where that is possible.

usage: tests/waves/waves.py BUILD-DIR    writes BUILD-DIR/waves/tick.fst, tick.gtkw, and the names of opcodes and kinds
"""
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import wave

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = """\
band asset=0 lo=0 hi=100000 price=1000
row row=0 h=5 0:-1
tick asset=0 price=1010 group=1
"""
LANE = "u_core.u_lane_array.g_lane[0].u_lane."
HEX, BIT, SIGNED, NAMED = "@22", "@28", "@420", "@2022"
RED, ORANGE, YELLOW, GREEN, BLUE = 1, 2, 3, 4, 5
# (group, its comment, colour, [(signal, format)])
GROUPS = (
    ("clock", "", GREEN, [("clk_i", BIT), ("rst_ni", BIT), ("u_core.cycle_i", "@24")]),
    ("command window (AXI4)", "the host's write of the TICK beat: its last word completes it", BLUE,
     [("s_axi_awvalid", BIT), ("s_axi_awready", BIT), ("s_axi_awaddr", HEX), ("s_axi_wvalid", BIT), ("s_axi_wready", BIT),
      ("s_axi_wdata", HEX), ("s_axi_wstrb", HEX)]),
    ("commands at the core", "A: the TICK is taken, cycle 0", BLUE,
     [("u_core.s_axis_tvalid", BIT), ("u_core.s_axis_tready", BIT), ("u_core.u_frontend.opcode", NAMED), ("u_core.s_axis_tdata", HEX)]),
    ("lane 0: a, read the coefficient", "", YELLOW, [(LANE + "a_rd_i", BIT), (LANE + "a_addr_i", HEX)]),
    ("lane 0: m, coefficient and price change meet", "", YELLOW,
     [(LANE + "m_acc_i", BIT), (LANE + "m_coef", SIGNED), (LANE + "m_delta_i", SIGNED)]),
    ("lane 0: p and s, products and their sum", "", YELLOW,
     [(LANE + "p_low_q", SIGNED), (LANE + "p_high_q", SIGNED), (LANE + "product", SIGNED)]),
    ("lane 0: h, the new H, its sign is the answer", "B: H + product is below zero, the row is armed: a hit", ORANGE,
     [(LANE + "h_act_i", BIT), (LANE + "sum", SIGNED), ("u_core.u_lane_array.armed", HEX), (LANE + "h_hit_i", BIT), ("u_core.h_hit", HEX)]),
    ("events at the core", "C: the TRIGGER is valid", RED,
     [("u_core.m_axis_tvalid", BIT), ("u_core.m_axis_tready", BIT), ("u_core.m_axis_tdata", HEX)]),
    ("event ring (AXI4)", "D: the record, phase bit set, is on its way to host memory", RED,
     [("m_axi_awvalid", BIT), ("m_axi_awready", BIT), ("m_axi_awaddr", HEX), ("m_axi_wvalid", BIT), ("m_axi_wready", BIT),
      ("m_axi_wdata", HEX)]),
)
MARKERS = (  # name, what is looked for after the marker before it
    ("TICK taken", ("u_core.s_axis_tvalid", "u_core.s_axis_tready")),
    ("hit", (LANE + "h_hit_i",)),
    ("TRIGGER valid", ("u_core.m_axis_tvalid",)),
    ("record written", ("m_axi_wvalid",)),
)
TICK = 2  # opcode


def find_markers(w):
    """Times of the markers: the rising edges that begin their cycles."""
    edges, out = w.edges("clk_i"), []
    k = next(k for k, t in enumerate(edges) if all(w.before(s, t) for s in MARKERS[0][1])
             and w.before("u_core.s_axis_tdata", t) & 0xFF == TICK)
    for _, signals in MARKERS:
        while not all(w.before(s, edges[k]) for s in signals):
            k += 1
        out.append((k, edges[k - 1]))
    return out


def save_file(w, fst, names, markers):
    """The GTKWave save file, as text."""
    times = [t for _, t in markers]
    out = ["[*] made by make waves", f'[dumpfile] "{fst}"', f"[timestart] {times[0] - 8}", "[size] 1700 1000", "[pos] -1 -1",
           "*-2.700000 " + " ".join(map(str, [times[0]] + times + [-1] * (26 - len(times)))) + " "]
    out += [f"[markername] {chr(65 + i)}{name}" for i, (name, _) in enumerate(MARKERS)]
    out += ["[sst_width] 240", "[signals_width] 330"]
    for group, comment, colour, signals in GROUPS:
        out += ["@800200", f"-{group}"] + (["@200", f"-{comment}"] if comment else [])
        for signal, form in signals:
            if signal not in w.declared:
                raise SystemExit(f"the waveform has no signal {w.top}.{signal}: bring tests/waves/waves.py up to date")
            out += [f"[color] {colour}", form] + ([f"^1 {names}"] if form == NAMED else []) + [w.declared[signal]]
        out += ["@1000200", f"-{group}"]
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = Path(sys.argv[1]).resolve()
    folder = build / "waves"
    folder.mkdir(parents=True, exist_ok=True)
    commands, fst, save, names = (folder / n for n in ("tick.cmd", "tick.fst", "tick.gtkw", "opcodes.txt"))
    commands.write_text(COMMANDS, encoding="utf-8")
    run = subprocess.run([build / "tripline", "check", "--device", "sim", "--trace", fst, "--stamps", commands], capture_output=True,
                         text=True, check=False)
    if run.returncode or not run.stdout.startswith("trigger cause=tick row=0"):
        raise SystemExit(f"tripline check: {run.stdout}{run.stderr}")
    with open(ROOT / "drivers" / "abi" / "abi.toml", "rb") as f:
        abi = tomllib.load(f)
    names.write_text("".join(f"{c['opcode']:02x} {c['name'].upper()}\n" for c in abi["command"]), encoding="utf-8")
    wanted = {s for _, signals in MARKERS for s in signals} | {"clk_i", "u_core.s_axis_tdata"}
    w = wave.read_fst(folder / "fst2vcd", fst, "hc_top", only=wanted)
    markers = find_markers(w)
    save.write_text(save_file(w, fst, names, markers), encoding="utf-8")
    print(run.stdout.strip())
    print("markers: " + ", ".join(f"{chr(65 + i)} {name} in cycle {k - markers[0][0]}"
                                  for i, ((name, _), (k, _)) in enumerate(zip(MARKERS, markers))))
    print(f"{fst}\n{save}")
    viewer = shutil.which("gtkwave")
    if viewer and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        subprocess.Popen([viewer, save], start_new_session=True)
    else:
        print(f"{'no display' if viewer else 'no gtkwave'} here; elsewhere: gtkwave {save}")


if __name__ == "__main__":
    main()
