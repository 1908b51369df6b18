# SPDX-License-Identifier: Apache-2.0
"""A mapped netlist (Yosys `write_json`) with UltraScale+ primitives: what it takes and how deep its logic is.

Levels: a LUT or inverter is one, a carry chain one however many CARRY4 it has, an asynchronous read of a LUT memory one
(also when the path starts at the memory's content). Flip-flops, block RAM, LUT memory writes and shift registers end a
path. A DSP48E2 ends and starts paths of a class of its own. Wide multiplexers are not expected (-nowidelut).

Nothing here guesses: a primitive that is not listed, a second driver, a clock made by logic or a combinational loop
raises Unexpected.
"""
import json
import re
from collections import Counter, namedtuple


class Unexpected(Exception):
    """The netlist holds something this analysis has no rule for."""


LUTS = {"INV": 1, "LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "LUT5": 1, "LUT6": 1}
FFS = {"FDRE", "FDSE", "FDCE", "FDPE"}
SHIFTS = {"SRL16E": 1, "SRLC32E": 1}
BRAMS = {"RAMB36E2": 2, "RAMB18E2": 1}  # in halves of a RAMB36
CONSTANTS = {"GND", "VCC"}
CLOCKS = {"C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK"}


def _quad(letters):
    return {"DO" + x: ("ADDR" + x,) for x in letters}


def _pins(prefix, n):
    return tuple("%s%d" % (prefix, i) for i in range(n))


# LUT memories: LUTs taken, output -> address pins of its read, address pins that also write.
MEMORIES = {
    "RAM32M": (4, _quad("ABCD"), ("ADDRD",)),
    "RAM64M": (4, _quad("ABCD"), ("ADDRD",)),
    "RAM32M16": (8, _quad("ABCDEFGH"), ("ADDRH",)),
    "RAM64M8": (8, _quad("ABCDEFGH"), ("ADDRH",)),
    "RAM32X16DR8": (8, _quad("ABCDEFGH"), ("ADDRH",)),
    "RAM64X8SW": (8, {"O": ("A",)}, ("A", "WSEL")),
    "RAM32X1S": (1, {"O": _pins("A", 5)}, _pins("A", 5)),
    "RAM64X1S": (1, {"O": _pins("A", 6)}, _pins("A", 6)),
    "RAM128X1S": (2, {"O": _pins("A", 7)}, _pins("A", 7)),
    "RAM256X1S": (4, {"O": ("A",)}, ("A",)),
    "RAM512X1S": (8, {"O": ("A",)}, ("A",)),
    "RAM32X1D": (2, {"SPO": _pins("A", 5), "DPO": _pins("DPRA", 5)}, _pins("A", 5)),
    "RAM64X1D": (2, {"SPO": _pins("A", 6), "DPO": _pins("DPRA", 6)}, _pins("A", 6)),
    "RAM128X1D": (4, {"SPO": ("A",), "DPO": ("DPRA",)}, ("A",)),
    "RAM256X1D": (8, {"SPO": ("A",), "DPO": ("DPRA",)}, ("A",)),
}
DSPS = {"DSP48E2"}
KNOWN = set(LUTS) | FFS | set(SHIFTS) | set(BRAMS) | CONSTANTS | set(MEMORIES) | DSPS | {"CARRY4"}

# One end of a path: class is reg, port or dsp.
Path = namedtuple("Path", "levels start end steps group")


class Netlist:
    """One flat module. bits are Yosys's integers; constants are the strings 0, 1, x."""

    def __init__(self, module):
        self.cells = module["cells"]
        self.ports = module["ports"]
        self.names = _names(module["netnames"])
        self.driver = {}  # bit -> (cell name, port, index)
        self.types = Counter(c["type"] for c in self.cells.values())
        strange = sorted(t for t in self.types if t not in KNOWN)
        if strange:
            raise Unexpected("primitives without a rule: " + ", ".join("%s (%d)" % (t, self.types[t]) for t in strange))
        inputs = {b for p in self.ports.values() if p["direction"] == "input" for b in p["bits"]}
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "output":
                    continue
                for i, bit in enumerate(bits):
                    if isinstance(bit, str):
                        continue
                    if bit in self.driver or bit in inputs:
                        raise Unexpected("two drivers of " + self.name(bit))
                    self.driver[bit] = (name, port, i)

    def name(self, bit):
        """A name from the source when the bit has one."""
        if isinstance(bit, str):
            return bit
        if bit in self.names:
            return self.names[bit]
        name, port, _ = self.driver.get(bit, ("bit%s" % bit, "", 0))
        kind = self.cells[name]["type"] if name in self.cells else ""
        return kind if name.startswith("$") else "%s.%s" % (name, port)

    def area(self):
        """Counts. lut is all LUTs, equal ones once; lutram and srl are those of them that are memory or shift registers."""
        t = self.types
        logic = len({_function(c) for c in self.cells.values() if c["type"] in LUTS})
        lutram = sum(n * MEMORIES[k][0] for k, n in t.items() if k in MEMORIES)
        srl = sum(n * SHIFTS[k] for k, n in t.items() if k in SHIFTS)
        return {
            "lut": logic + lutram + srl, "lutram": lutram, "srl": srl,
            "ff": sum(n for k, n in t.items() if k in FFS),
            "ff_dsp": self._ffs_beside_dsps(),
            "carry4": t["CARRY4"],
            "dsp": sum(n for k, n in t.items() if k in DSPS),
            "bram": sum(n * BRAMS[k] for k, n in t.items() if k in BRAMS) / 2,
        }

    def _ffs_beside_dsps(self):
        """Flip-flops fed by a multiplier directly: a DSP's own registers would take them."""
        n = 0
        for cell in self.cells.values():
            if cell["type"] in FFS:
                d = self.driver.get(cell["connections"]["D"][0])
                n += d is not None and self.cells[d[0]]["type"] in DSPS
        return n

    def clocks(self):
        """Names of all nets that clock something; each must be an input of the module."""
        bits = set()
        for cell in self.cells.values():
            for port in CLOCKS & set(cell["connections"]):
                bits |= {b for b in cell["connections"][port] if not isinstance(b, str)}
        for bit in bits:
            if bit in self.driver:
                raise Unexpected("a clock made by logic: " + self.name(bit))
        return sorted(self.name(b) for b in bits)


def _function(cell):
    """Equal for LUTs that compute the same of the same inputs. ABC writes an inverter of its own at each place that
    wants one, the reset pins of a register's bits say; any tool behind it makes one of them."""
    pins = tuple(sorted((p, tuple(b)) for p, b in cell["connections"].items() if cell["port_directions"][p] == "input"))
    return cell["type"], cell.get("parameters", {}).get("INIT"), pins


def _names(netnames):
    """bit -> the name nearest to its driver: a register's (_q), else an output's, else the shortest; inputs last."""
    best = {}
    for name, net in netnames.items():
        if net["hide_name"]:
            continue
        leaf = name.rsplit(".", 1)[-1].split("[")[0]
        rank = (0 if leaf.endswith("_q") else 1 if leaf.endswith("_o") else 3 if leaf.endswith("_i") else 2, len(name))
        wide, base = len(net["bits"]) > 1, net.get("offset", 0)
        for i, bit in enumerate(net["bits"]):
            if not isinstance(bit, str) and (bit not in best or rank < best[bit][0]):
                best[bit] = (rank, "%s[%d]" % (name, i + base) if wide else name)
    return {bit: name for bit, (_, name) in best.items()}


# ---- depth

def _bits(cell, ports):
    return [b for p in ports for b in cell["connections"].get(p, ()) if not isinstance(b, str)]


def _arcs(net, cell, port, index):
    """(bits this output depends on within the cycle, with the levels of each), or None where a path starts."""
    kind, conn = cell["type"], cell["connections"]
    if kind in LUTS:
        return [(b, 1) for p, bits in conn.items() if cell["port_directions"][p] == "input"
                for b in bits if not isinstance(b, str)]
    if kind == "CARRY4":
        last = index if port == "CO" else index - 1
        bits = conn["S"][:index + 1] + conn["DI"][:max(last + 1, 0)] + conn.get("CYINIT", [])
        arcs = [(b, 1) for b in bits if not isinstance(b, str)]
        for b in conn.get("CI", []):
            if not isinstance(b, str):
                d = net.driver.get(b)
                chain = d is not None and d[1] == "CO" and net.cells[d[0]]["type"] == "CARRY4"
                arcs.append((b, 0 if chain else 1))
        return arcs
    if kind in MEMORIES:
        return [(b, 1) for b in _bits(cell, MEMORIES[kind][1][port])]
    if kind in SHIFTS and port == "Q":
        return [(b, 1) for b in _bits(cell, _pins("A", 4) + ("A",))]
    return None


def _starts_here(cell):
    """Class and levels of a path that starts in this cell, or None."""
    kind = cell["type"]
    if kind in MEMORIES or kind in SHIFTS:
        return "reg", 1
    if kind in FFS or kind in BRAMS:
        return "reg", 0
    return ("dsp", 0) if kind in DSPS else None


def _order(net):
    """Output bits in topological order with their arcs."""
    order, state = [], {}
    for root in net.driver:
        if root in state:
            continue
        stack = [(root, None)]
        while stack:
            bit, visit = stack.pop()
            if visit is None:
                if bit in state:
                    if state[bit] == 1:
                        raise Unexpected("combinational loop through " + net.name(bit))
                    continue
                name, port, index = net.driver[bit]
                arcs = _arcs(net, net.cells[name], port, index)
                state[bit] = 1
                visit = (iter(arcs or ()), arcs)
            it, arcs = visit
            for b, _ in it:
                if b in net.driver and state.get(b) != 2:
                    stack.append((bit, visit))
                    stack.append((b, None))
                    break
            else:
                state[bit] = 2
                order.append((bit, arcs))
    return order


def arrivals(net):
    """{class: {bit: (levels, previous bit or None)}}: the longest way to each bit from starts of each class."""
    at = {"reg": {}, "port": {}, "dsp": {}}
    for p in net.ports.values():
        if p["direction"] == "input":
            for b in p["bits"]:
                at["port"][b] = (0, None)
    for bit, arcs in _order(net):
        start = _starts_here(net.cells[net.driver[bit][0]])
        if start:
            at[start[0]][bit] = (start[1], None)
        for table in at.values():
            best = table.get(bit)
            for b, cost in arcs or ():
                got = table.get(b)
                if got is not None and (best is None or got[0] + cost > best[0]):
                    best = (got[0] + cost, b)
            if best is not None:
                table[bit] = best
    return at


def _ends(net):
    """(class, bit, name of the end) of everything that takes a value at the clock edge or leaves the module."""
    for name, p in net.ports.items():
        if p["direction"] == "output":
            for i, b in enumerate(p["bits"]):
                yield "port", b, "%s[%d]" % (name, i) if len(p["bits"]) > 1 else name
    for name, cell in net.cells.items():
        kind, conn = cell["type"], cell["connections"]
        if kind in LUTS or kind in CONSTANTS or kind == "CARRY4":
            continue
        reads = set()
        if kind in MEMORIES:
            reads = {p for pins in MEMORIES[kind][1].values() for p in pins} - set(MEMORIES[kind][2])
        elif kind in SHIFTS:
            reads = set(_pins("A", 4)) | {"A"}
        label = net.name(conn["Q"][0]) if kind in FFS or kind in SHIFTS else name
        for port, bits in conn.items():
            if cell["port_directions"][port] == "input" and port not in CLOCKS and port not in reads:
                for b in bits:
                    yield ("dsp" if kind in DSPS else "reg"), b, "%s %s" % (label, "" if port == "D" else port)


def collapse(name):
    """A name without bit numbers and instance numbers: what belongs to one group."""
    return re.sub(r"(\.\d+)+(\.genblk\S*)?", "", re.sub(r"\[\d+\]", "[*]", name)).strip()


def _steps(net, table, bit):
    """The way to a bit, first to last: (levels, name)."""
    way = []
    while bit is not None:
        levels, before = table[bit]
        way.append((levels, net.name(bit)))
        bit = before
    return way[::-1]


def paths(net):
    """{(start class, end class): [worst path of each destination group, deepest first]}."""
    at = arrivals(net)
    worst = {}
    for to, bit, label in _ends(net):
        if isinstance(bit, str):
            continue
        group = collapse(label)
        for frm, table in at.items():
            got = table.get(bit)
            if got is not None:
                key = (frm, to, group)
                if key not in worst or got[0] > worst[key][0]:
                    worst[key] = (got[0], bit, label.strip())
    result = {}
    for (frm, to, group), (levels, bit, label) in worst.items():
        steps = _steps(net, at[frm], bit)
        result.setdefault((frm, to), []).append(Path(levels, steps[0][1], label, steps, group))
    for found in result.values():
        found.sort(key=lambda p: (-p.levels, p.group))
    return result


def deepest(found, frm, to):
    """Levels of the deepest path of a class; 0 when there is none."""
    return found[(frm, to)][0].levels if found.get((frm, to)) else 0


def load(path, top):
    """The module `top` of a JSON netlist; everything in it must be a primitive."""
    with open(path, encoding="utf-8") as f:
        return Netlist(json.load(f)["modules"][top])
