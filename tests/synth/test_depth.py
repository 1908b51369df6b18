#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The analysis behind `make synth` on netlists small enough to count by hand."""
import os
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "rtl/synth")]
import fpga  # noqa: E402
import netlist  # noqa: E402
import synth  # noqa: E402
import tables  # noqa: E402
from tap import finish, report  # noqa: E402

OUTPUTS = {"O", "Q", "CO", "P", "DOUTADOUT", "SPO", "DPO", "Q31"} | {"DO" + x for x in "ABCDEFGH"}


class Maker:
    """Builds what write_json would have written. Nets are named by strings; "0" and "1" are constants."""

    def __init__(self, inputs=("clk",), outputs=()):
        self.bits, self.cells, self.nets = {}, {}, {}
        self.ports = {n: {"direction": "input", "bits": [self.bit(n)]} for n in inputs}
        self.ports.update({n: {"direction": "output", "bits": [self.bit(n)]} for n in outputs})

    def bit(self, name):
        if name in ("0", "1"):
            return name
        if name not in self.bits:
            self.bits[name] = len(self.bits) + 2
            self.nets[name] = {"hide_name": 0, "bits": [self.bits[name]]}
        return self.bits[name]

    def cell(self, kind, name=None, parameters=None, **pins):
        conn = {p: [self.bit(n) for n in (nets if isinstance(nets, list) else [nets])] for p, nets in pins.items()}
        directions = {p: "output" if p in OUTPUTS else "input" for p in pins}
        self.cells[name or "$%d" % len(self.cells)] = {"type": kind, "port_directions": directions, "connections": conn,
                                                       "parameters": parameters or {}}
        return self

    def ff(self, q, d, **pins):
        return self.cell("FDRE", C="clk", D=d, Q=q, **pins)

    def lut(self, out, *ins, init="8"):
        return self.cell("LUT%d" % len(ins), O=out, parameters={"INIT": init}, **{"I%d" % i: n for i, n in enumerate(ins)})

    def carry(self, s, di, o, co, ci="0", cyinit="0"):
        return self.cell("CARRY4", S=s, DI=di, O=o, CO=co, CI=ci, CYINIT=cyinit)

    def net(self):
        return netlist.Netlist({"cells": self.cells, "ports": self.ports, "netnames": self.nets})

    def depth(self, frm="reg", to="reg"):
        return netlist.deepest(netlist.paths(self.net()), frm, to)


def four(prefix):
    return ["%s%d" % (prefix, i) for i in range(4)]


def same(name, got, want):
    report(got == want, name, "got %r, want %r" % (got, want))


def refuses(name, act, text):
    try:
        act()
        report(False, name, "was taken")
    except netlist.Unexpected as e:
        report(text in str(e), name, str(e))


def levels():
    same("a register behind a register: no level", Maker().ff("a_q", "x").ff("b_q", "a_q").depth(), 0)
    chain = Maker().ff("a_q", "x").lut("n1", "a_q").lut("n2", "n1", "a_q").cell("INV", I="n2", O="n3").ff("b_q", "n3")
    same("LUTs and an inverter: one level each", chain.depth(), 3)
    worst = netlist.paths(chain.net())[("reg", "reg")][0]
    same("the path is named from register to register", (worst.start, worst.end), ("a_q", "b_q"))
    same("and every net between", [n for _, n in worst.steps], ["a_q", "n1", "n2", "n3"])
    bits = Maker().ff("a_q", "x").lut("l", "a_q").ff("b_q[0]", "a_q").ff("b_q[1]", "l").ff("b_q[2]", "a_q")
    found = netlist.paths(bits.net())[("reg", "reg")]
    same("bits of a register are one destination, its deepest is told", [(p.group, p.end) for p in found],
         [("b_q[*]", "b_q[1]")])
    for pin in ("CE", "R"):
        m = Maker().ff("a_q", "x").lut("n", "a_q").ff("b_q", "a_q", **{pin: "n"})
        same("a register's %s ends a path" % pin, m.depth(), 1)
    mux = Maker().ff("a_q", "x").lut("n", "a_q").cell("MUXF7", I0="n", I1="a_q", S="a_q", O="m").ff("b_q", "m")
    refuses("a wide multiplexer is refused", mux.net, "MUXF7")


def carries():
    def adder(first_s, links):
        """A chain of `links` CARRY4 behind registers a_q0..3, its last sum into a register."""
        m = Maker()
        for i in range(4):
            m.ff("a_q%d" % i, "x").lut("s%d" % i, "a_q%d" % i)
        for k in range(links):
            m.carry(four(first_s), four("a_q"), four("o%d_" % k), four("c%d_" % k), ci="c%d_3" % (k - 1) if k else "0")
        return m.ff("b_q", "o%d_3" % (links - 1))
    same("a LUT and a carry chain of one", adder("s", 1).depth(), 2)
    same("a chain of sixteen is as deep as one", adder("s", 16).depth(), 2)
    two = adder("s", 2).lut("t0", "o1_3").carry(four("t"), ["0"] * 4, four("p"), four("d")).ff("c_q", "p3")
    same("a second chain behind a LUT counts again", two.depth(), 4)
    fed = adder("s", 1).carry(["0"] * 4, ["0"] * 4, four("p"), four("d"), cyinit="c0_3").ff("c_q", "p0")
    same("a carry that enters another chain by CYINIT counts again", fed.depth(), 3)
    entry = Maker().ff("a_q", "x").lut("l", "a_q").carry(["0"] * 4, ["0"] * 4, four("o"), four("c"), ci="l").ff("b_q", "o0")
    same("a chain that starts at a LUT is a level", entry.depth(), 2)
    late = Maker().ff("a_q", "x").lut("l1", "a_q").lut("l2", "l1").carry(["a_q", "a_q", "a_q", "l2"], ["0"] * 4, four("o"),
                                                                      four("c"))
    same("sum 0 does not wait for bit 3", late.ff("b_q", "o0").depth(), 1)
    same("sum 3 does", late.ff("c_q", "o3").depth(), 3)
    data = Maker().ff("a_q", "x").lut("l1", "a_q").lut("l2", "l1").carry(["a_q"] * 4, ["a_q", "l2", "0", "0"], four("o"),
                                                                      four("c")).ff("b_q", "o1")
    same("sum 1 does not wait for the data of bit 1", data.depth(), 1)
    same("its carry does", data.ff("c_q", "c1").depth(), 3)


def memories():
    def ram(addr, out):
        m = Maker().ff("a_q", "x").ff("w_q", "x").lut("la", "a_q").lut("lw", "w_q").lut("lw2", "lw")
        pins = {"ADDR" + x: [addr] * 5 for x in "ABCDEFG"}
        m.cell("RAM32M16", name="mem", WCLK="clk", WE="lw", DIA=["lw2"] * 2, ADDRH=["w_q"] * 5, DOA=["d", "e"], **pins)
        return m.lut("l1", out).ff("b_q", "l1")
    same("address to data of a LUT memory is a level, LUTs around it theirs", ram("la", "d").depth(), 3)
    same("content that goes out counts the read", ram("0", "d").depth(), 2)
    found = {p.end: p.levels for p in netlist.paths(ram("0", "d").net())[("reg", "reg")]}
    same("write data and enable end paths", (found["mem DIA"], found["mem WE"]), (2, 1))
    found = [p.end for p in netlist.paths(ram("la", "d").net())[("reg", "reg")]]
    report("mem ADDRH" in found and "mem ADDRA" not in found, "a write address ends a path, a read address does not", found)
    single = Maker().ff("a_q", "x").lut("l", "a_q").cell("RAM64X1S", name="m", WCLK="clk", WE="0", D="0", O="o", A0="l",
                                                        **{"A%d" % i: "0" for i in range(1, 6)}).ff("b_q", "o")
    found = {p.end: p.levels for p in netlist.paths(single.net())[("reg", "reg")]}
    same("a single-port memory is read and written at its address", found, {"b_q": 2, "m A0": 1})
    block = Maker().ff("a_q", "x").lut("l", "a_q").cell("RAMB36E2", name="r", CLKARDCLK="clk", ADDRARDADDR=["l"],
                                                       DOUTADOUT=["o"]).lut("k", "o").ff("b_q", "k")
    same("block RAM ends and starts paths", block.depth(), 1)
    srl = Maker().ff("a_q", "x").cell("SRL16E", CLK="clk", D="a_q", CE="1", Q="q", A0="0", A1="0", A2="0", A3="0")
    same("a shift register's output counts as a read", srl.lut("l", "q").ff("b_q", "l").depth(), 2)


def multipliers():
    m = Maker().ff("a_q", "x").lut("l", "a_q").cell("DSP48E2", name="mul", A=["l"], B=["a_q"], P=["p"]).lut("k", "p")
    m.lut("k2", "k").ff("b_q", "k2").ff("m_q", "p")
    same("no path between registers leads through a multiplier", m.depth(), 0)
    same("levels before it", m.depth("reg", "dsp"), 1)
    same("and after it", m.depth("dsp", "reg"), 2)
    same("a register fed by it could be the multiplier's", m.net().area()["ff_dsp"], 1)


def ports():
    m = Maker(inputs=("clk", "in"), outputs=("out", "thru")).lut("l", "in").ff("a_q", "l").lut("out", "a_q")
    m.lut("t1", "in").lut("t2", "t1").lut("thru", "t2")
    same("port to register, register to port and port to port are told apart",
         (m.depth("port", "reg"), m.depth("reg", "port"), m.depth("port", "port"), m.depth()), (1, 1, 3, 0))


def area():
    m = Maker().ff("a_q", "x").lut("l", "a_q", "x").lut("l2", "x").cell("SRL16E", CLK="clk", D="l", Q="q")
    for i in range(3):
        m.cell("INV", I="a_q", O="i%d" % i)
    m.cell("RAM32M16", WCLK="clk", DOA=["d", "e"]).cell("RAM64X1S", WCLK="clk", O="f").cell("RAMB18E2", CLKARDCLK="clk")
    got = m.net().area()
    same("LUTs: two, one inverter of three equal ones, eight and one of memories, one shift register", got["lut"], 13)
    same("memory and shift register apart", (got["lutram"], got["srl"]), (9, 1))
    same("half a block RAM, a register", (got["bram"], got["ff"]), (0.5, 1))


def refusals():
    refuses("a latch is refused", Maker().cell("LDCE", G="g", D="x", Q="q").net, "LDCE")
    refuses("a module that was not synthesised is refused", Maker().cell("hc_lane", O="o").net, "hc_lane")
    refuses("a net with two drivers is refused", Maker().lut("n", "a").lut("n", "b").net, "two drivers of n")
    loop = Maker().lut("a", "b").lut("b", "a").ff("q", "a")
    refuses("a combinational loop is refused", lambda: netlist.paths(loop.net()), "loop")
    gated = Maker().lut("g", "clk", "en").cell("FDRE", C="g", D="x", Q="q")
    refuses("a clock made by logic is refused", gated.net().clocks, "clock made by logic: g")
    same("the one clock is named", Maker().ff("a_q", "x").net().clocks(), ["clk"])


def sources():
    """What a kept result depends on."""
    rtl = os.path.join(ROOT, "rtl")
    files = [os.path.join(rtl, f) for f in sorted(os.listdir(rtl)) if f.endswith(".sv")]
    core = [os.path.basename(f) for f in synth.used_by("hc_core", files)]
    report("hc_lane.sv" in core and "hc_pkg.sv" in core, "a core depends on the lanes two modules below it, and on the package", core)
    report("hc_window.sv" not in core, "a core does not depend on the host interface", core)
    same("all of it is in the whole device", sorted(synth.used_by("hc_top", files)), files)
    same("a top that is elsewhere may depend on anything", synth.used_by("wrap", files), files)


def judgement():
    run = {"params": {"LANES": 2}, "lut": 100, "dsp_lane": 2, "bram_lane": 1}
    limits = {"depth": 6, "depth_in": 6, "depth_out": 6, "into_dsp": 1, "out_of_dsp": 1}
    fine = {"lut": 100, "dsp": 4, "bram": 2.0, "depth": 6, "depth_in": 6, "depth_out": 6, "into_dsp": 1, "out_of_dsp": 1,
            "worst": "a → b"}
    same("figures at their budgets pass", synth.over(fine, run, limits), [])
    for key, value, text in (("lut", 117, "LUT 117, budget 100: 17 too many"), ("dsp", 5, "DSP48E2 5, budget 4"),
                             ("bram", 2.5, "RAMB36 2.5, budget 2"), ("depth", 7, "levels between registers 7, budget 6"),
                             ("depth_in", 7, "from a port"), ("into_dsp", 2, "before a multiplier")):
        found = synth.over(dict(fine, **{key: value}), run, limits)
        report(found and text in found[0], "%s over its budget is named with the excess" % key, found)
    for said, text in (("Warning: Identifier `\\x' is implicitly declared.", "implicitly declared"),
                       ("Latch inferred for signal `\\m.\\x'", "Latch"), ("using FF mapping for memory m.u.x", "m.u.x"),
                       ("Warning: Wire m.x is used but has no driver.", "no driver")):
        found = fpga.judge_log("line\n%s\n" % said, [])
        report(len(found) == 1 and text in found[0], "the log's %r is a complaint" % text, found)
    quiet = "Warning: Resizing cell port m.a.DIN from 64 bits to 32 bits.\nusing FF mapping for memory m.u.small\n"
    same("what is expected is not", fpga.judge_log(quiet, ["u.small"]), [])
    cells = {"RAMB36E2", "SB_MAC16", "LUT6"}
    text = "// LUT6 x (\nRAMB36E2 #(.A(1)) u (.x(y));\n  SB_MAC16 m (.a(b));\nlogic LUT6_like; assign y = LUT6(x);\n"
    same("a vendor's cells are seen where they are instantiated", synth.instances(text) & cells, {"RAMB36E2", "SB_MAC16"})


def documents():
    run = {"name": "core"}
    result = {"lut": 1000, "lutram": 10, "srl": 0, "ff": 500, "ff_dsp": 90, "dsp": 4, "bram": 1.5, "depth": 6,
              "worst": "a → b", "depth_in": 3, "depth_out": 1, "through": 0, "into_dsp": 0, "out_of_dsp": 0}
    tolerance = {"lut": 0.02, "ff": 0.02}
    with tempfile.TemporaryDirectory() as tmp:
        doc = os.path.join(tmp, "d.md")
        with open(doc, "w", encoding="utf-8") as f:
            f.write("head\n%s\n%s\ntail\n" % (tables.BEGIN, tables.END))
        stdout, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")
        tables.write(doc, {"core": result}, {"run": [run], "ice40": []})
        sys.stdout = stdout
        with open(doc, encoding="utf-8") as f:
            text = f.read()
        report(text.startswith("head\n") and text.endswith("tail\n") and "| core | 1000 |" in text, "tables go between the "
               "markers and leave the rest", text)
        same("what was written is what is compared", tables.differences(doc, {"core": result}, tolerance), [])
        near = {"core": dict(result, lut=1019)}
        same("a difference within the tolerance passes", tables.differences(doc, near, tolerance), [])
        for key, value in (("lut", 1021), ("dsp", 5), ("depth", 5), ("bram", 2.0)):
            found = tables.differences(doc, {"core": dict(result, **{key: value})}, tolerance)
            report(len(found) == 1, "%s that has changed is told" % key, found)
        found = tables.differences(doc, {"new": result}, tolerance)
        report(len(found) == 1 and "says nothing" in found[0], "a run that the document lacks is told", found)


for part in (levels, carries, memories, multipliers, ports, area, refusals, judgement, documents):
    part()
finish()
