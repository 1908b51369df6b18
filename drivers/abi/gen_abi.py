#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the C header, the SystemVerilog package or the documentation table from abi.toml.

usage: gen_abi.py {c|sv|md|hash} abi.toml

The definition is checked first: names unique, fields inside the beat, no two fields of a beat over the same bit,
registers aligned and apart, numbers that fit the fields and the bits they are meant for. Any fault is an error with
exit status 1.
"""
import hashlib
import json
import sys
import tomllib

WORD = 64
# Bits of the registers STATUS and CONTROL, whose texts in abi.toml say what they mean.
STATUS_BITS = {"idle": 0, "clearing": 1, "loading": 2, "halted": 3}
CONTROL_BITS = {"enable": 0, "quiet": 1, "reset": 31}
ERROR_BITS, FLAG_BITS = range(1, 16), range(16, 32)  # of ERROR_FLAGS

def fail(text):
    raise SystemExit(f"abi.toml: {text}")


def elements(field):
    """(lsb, width) of every element of a field; one for a scalar."""
    for i in range(field.get("count", 1)):
        yield field["lsb"] + i * field.get("stride", 0), field["width"]


def check_layout(name, fields, bits):
    used = {}
    for field in fields:
        for lsb, width in elements(field):
            if width < 1 or width > WORD or lsb < 0 or lsb + width > bits:
                fail(f"{name}.{field['name']}: bits {lsb}+{width} do not fit")
            for bit in range(lsb, lsb + width):
                if bit in used:
                    fail(f"{name}: bit {bit} belongs to {used[bit]} and to {field['name']}")
                used[bit] = field["name"]
        if field.get("used", field["width"]) > field["width"]:
            fail(f"{name}.{field['name']}: more bits used than there are")


def check_unique(what, values):
    seen = set()
    for value in values:
        if value in seen:
            fail(f"{what}: {value} occurs twice")
        seen.add(value)


def command_fields(cmd):
    return [{"name": "opcode", "lsb": 0, "width": 8}] + cmd["fields"] + [{"name": "gen", "lsb": 248, "width": 8}]


def event_fields(abi, evt):
    return [{"name": "kind", "lsb": 0, "width": 8}] + evt["fields"] + abi["event_common"]["fields"]


def check_pairs(abi):
    """Asset and coefficient of a pair stand side by side, and alike in ROW and COEF."""
    shapes = set()
    for cmd in abi["command"]:
        fields = {f["name"]: f for f in cmd["fields"]}
        if "coef" in fields and "count" in fields["coef"]:
            a, c = fields["asset"], fields["coef"]
            if a["count"] != c["count"] or a["stride"] != c["stride"]:
                fail(f"{cmd['name']}: coef and asset are not pairs")
            shapes.add((a["lsb"] - c["lsb"], a["stride"], a["width"], c["width"], c["used"]))
    if len(shapes) != 1:
        fail("ROW and COEF pack pairs differently")


def check_numbers(abi):
    for what, key, fit in (("cause", "value", ERROR_BITS), ("error", "value", ERROR_BITS), ("flag", "bit", FLAG_BITS)):
        check_unique(f"{what} number", [x[key] for x in abi[what]])
        check_unique(f"{what} name", [x["name"] for x in abi[what]])
        for x in abi[what]:
            if x[key] not in fit:
                fail(f"{what} {x['name']}: {x[key]} is not in {fit.start}..{fit.stop - 1}")
    if abi["beat_bits"] % abi["window"]["word_bits"] or abi["window"]["word_bits"] % 8:
        fail("window: a beat is no whole number of words, or a word no whole number of bytes")
    if not 5 <= abi["window"]["address_bits"] <= 16:
        fail("window: address_bits is not in 5..16")


def check(abi):
    bits = abi["beat_bits"]
    for cmd in abi["command"]:
        check_layout(cmd["name"], command_fields(cmd), bits)
    for evt in abi["event"]:
        check_layout(evt["struct"], event_fields(abi, evt), bits)
    for what, key in (("command", "opcode"), ("event", "kind")):
        check_unique(f"{what} number", [x[key] for x in abi[what]])
        check_unique(f"{what} name", [x["name"] for x in abi[what]])
    for rec in abi["record"]:
        check_layout(rec["name"], rec["fields"], bits)
    check_unique("struct", [c["name"] for c in abi["command"]] + [e["struct"] for e in abi["event"]] +
                 [r["name"] for r in abi["record"]])
    check_pairs(abi)
    check_numbers(abi)
    words = []
    for reg in abi["register"]:
        if reg["access"] not in ("ro", "rw", "rc"):
            fail(f"register {reg['name']}: no access '{reg['access']}'")
        size = reg.get("bits", 32) // 8
        if reg["offset"] % size:
            fail(f"register {reg['name']}: offset not aligned")
        words += range(reg["offset"], reg["offset"] + size, 4)
    check_unique("register word", words)
    check_unique("register name", [r["name"] for r in abi["register"]])
    if max(words) > 0xFFC:
        fail("registers: an offset does not fit 12 bits")


def without_docs(node):
    if isinstance(node, dict):
        return {k: without_docs(v) for k, v in node.items() if k != "doc"}
    if isinstance(node, list):
        return [without_docs(v) for v in node]
    return node


def abi_hash(abi):
    """64 bits over everything but the documentation texts."""
    text = json.dumps(without_docs(abi), sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def pairs_in(abi, name):
    """Coefficients that a beat of this command holds."""
    return next(f["count"] for c in abi["command"] if c["name"] == name for f in c["fields"] if f["name"] == "coef")


def halting(abi):
    return sum(1 << x["bit"] for x in abi["flag"] if x.get("halt"))


# ------------------------------------------------------------------------------------------------- C
def c_type(field):
    if field["width"] == 1:
        return "bool"
    size = next(s for s in (8, 16, 32, 64) if field["width"] <= s)
    return f"{'' if field.get('signed') else 'u'}int{size}_t"


def c_struct(name, doc, fields):
    out = [f"// {doc}", f"struct abi_{name} {{"]
    for f in sorted(fields, key=lambda f: f["lsb"]):
        dim = f"[{f['count']}]" if "count" in f else ""
        note = f" ({f['used']} of {f['width']} bits)" if "used" in f else f" ({f['width']} bits)"
        out.append(f"    {c_type(f)} {f['name']}{dim}; // {f['doc']}{note}")
    if not fields:
        out.append("    uint8_t unused; // C has no empty struct")
    return out + ["};"]


def c_place(f, index, lsb):
    return f"{f['name']}[{index}]" if "count" in f else f["name"], lsb


def c_pack(name, number, fields):
    """number: what the first byte holds, 0 for a record, whose fields begin there."""
    out = [
        f"static inline void abi_pack_{name}(struct beat *b, const struct abi_{name} *m)",
        "{",
        f"    b->w[0] = {number:#x}u;",
        "    b->w[1] = b->w[2] = b->w[3] = 0;",
    ]
    if not fields:
        out.append("    (void)m;")
    for f in fields:
        for i, (lsb, width) in enumerate(elements(f)):
            value = f"(uint64_t)m->{c_place(f, i, lsb)[0]}"
            out.append(f"    abi_put(b, {lsb}, {width}, {value});")
    return out + ["}"]


def c_unpack(name, fields):
    out = [f"static inline void abi_unpack_{name}(const struct beat *b, struct abi_{name} *m)", "{"]
    if not fields:
        out += ["    (void)b;", "    m->unused = 0;"]
    for f in fields:
        for i, (lsb, width) in enumerate(elements(f)):
            get = f"abi_get_signed(b, {lsb}, {width})" if f.get("signed") else f"abi_get(b, {lsb}, {width})"
            get = f"{get} != 0" if width == 1 else f"({c_type(f)}){get}"
            out.append(f"    m->{c_place(f, i, lsb)[0]} = {get};")
    return out + ["}"]


C_HEAD = """\
// SPDX-License-Identifier: Apache-2.0
// Made by drivers/abi/gen_abi.py from drivers/abi/abi.toml. Do not edit.
// Command and event beats of a device, and its registers. abi_pack_x() fills a whole beat (fields are cut to
// their width, the rest is 0), abi_unpack_x() reads the fields of a beat whose opcode or kind is already known.
#ifndef TRIPLINE_ABI_H
#define TRIPLINE_ABI_H

#include <stdbool.h>
#include <stdint.h>
"""

C_BEAT = """\
// One beat of the command or the event stream: 256 bits, bit i is bit i % 64 of w[i / 64]. In memory little endian.
struct beat {
    uint64_t w[4];
};

// 1 <= width <= 64 and lsb + width <= 256; with constant arguments this folds to a shift and a mask.
static inline uint64_t abi_mask(unsigned width)
{
    return width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
}
static inline void abi_put(struct beat *b, unsigned lsb, unsigned width, uint64_t v)
{
    unsigned i = lsb / 64, s = lsb % 64;
    uint64_t m = abi_mask(width);
    b->w[i] = (b->w[i] & ~(m << s)) | (v & m) << s;
    if (s + width > 64)
        b->w[i + 1] = (b->w[i + 1] & ~(m >> (64 - s))) | (v & m) >> (64 - s);
}
static inline uint64_t abi_get(const struct beat *b, unsigned lsb, unsigned width)
{
    unsigned i = lsb / 64, s = lsb % 64;
    uint64_t v = b->w[i] >> s;
    if (s + width > 64)
        v |= b->w[i + 1] << (64 - s);
    return v & abi_mask(width);
}
static inline int64_t abi_get_signed(const struct beat *b, unsigned lsb, unsigned width)
{
    uint64_t v = abi_get(b, lsb, width), sign = UINT64_C(1) << (width - 1);
    return (int64_t)((v ^ sign) - sign);
}
// First byte: opcode of a command, kind of an event.
static inline uint8_t abi_opcode(const struct beat *b)
{
    return (uint8_t)b->w[0];
}

// The window: byte 31 of beat k (from 0, since reset) in a window of `depth` beats.
static inline uint8_t abi_generation(uint64_t k, uint32_t depth)
{
    return (uint8_t)(k / depth + 1);
}
static inline void abi_set_generation(struct beat *b, uint8_t generation)
{
    abi_put(b, 248, 8, generation);
}
// The ring: the phase that record j (from 0, since reset) carries in a ring of 2^log2 records.
static inline bool abi_phase(uint64_t j, unsigned log2)
{
    return !(j >> log2 & 1);
}
static inline bool abi_event_phase(const struct beat *b)
{
    return b->w[3] >> 56 & 1;
}
"""


def c_enum(prefix, items, key, comment):
    out = [f"// {comment}", "enum {"]
    for x in items:
        out.append(f"    ABI_{prefix}{x['name'].upper()} = {x[key]:#x}, // {x['doc']}")
    return out + ["};"]


def c_registers(abi):
    out = ["// AXI4-Lite byte offsets; of 64-bit registers the low word, the high word follows.", "enum {"]
    for r in abi["register"]:
        out.append(f"    ABI_REG_{r['name'].upper()} = {r['offset']:#05x}, // {r['doc']}")
    status = ", ".join(f"ABI_STATUS_{k.upper()} = {1 << v}" for k, v in STATUS_BITS.items())
    out += ["};", "// Bits of STATUS.", f"enum {{ {status} }};", "// Bits of CONTROL."]
    return out + [f"#define ABI_CONTROL_{k.upper()} (1u << {v})" for k, v in CONTROL_BITS.items()]


def c_flags(abi):
    out = ["// Faults of the host interface: bits of ERROR_FLAGS, beside bit k for error code k.", "enum {"]
    for x in abi["flag"]:
        out.append(f"    ABI_FLAG_{x['name'].upper()} = 1u << {x['bit']}, // {x['doc']}")
    return out + [f"    ABI_FLAGS_HALT = {halting(abi):#x}, // those that stop the window until reset", "};"]


def c_mask(abi):
    mask = [0] * (abi["beat_bits"] // WORD)
    for f in abi["event_common"]["fields"]:
        if f.get("volatile"):
            for bit in range(f["lsb"], f["lsb"] + f["width"]):
                mask[bit // WORD] |= 1 << bit % WORD
    out = ["// Clears the fields in which back ends may differ (P3): " +
           ", ".join(f["name"] for f in abi["event_common"]["fields"] if f.get("volatile")) + ".",
           "static inline void abi_event_mask(struct beat *b)", "{"]
    out += [f"    b->w[{i}] &= ~UINT64_C({m:#018x});" for i, m in enumerate(mask) if m]
    out += ["}", "// Equal in every field that back ends must agree on.",
            "static inline bool abi_event_equal(const struct beat *a, const struct beat *b)", "{",
            "    struct beat x = *a, y = *b;", "    abi_event_mask(&x);", "    abi_event_mask(&y);",
            "    return x.w[0] == y.w[0] && x.w[1] == y.w[1] && x.w[2] == y.w[2] && x.w[3] == y.w[3];", "}"]
    return out


def gen_c(abi):
    out = [C_HEAD]
    out += [f"#define ABI_VERSION {abi['version']}u", f"#define ABI_MAGIC {abi['magic']:#x}u",
            f"#define ABI_HASH UINT64_C({abi_hash(abi):#018x})", "enum {"]
    out += [f"    ABI_{k.upper()}_BITS = {v}," for k, v in abi["width"].items()]
    out += [f"    ABI_DEFAULT_{k.upper()} = {v}," for k, v in abi["default"].items()]
    out += [f"    ABI_WINDOW_{k.upper()} = {v}," for k, v in abi["window"].items()]
    out += [f"    ABI_ROW_PAIRS = {pairs_in(abi, 'row')},  // coefficients in a ROW beat",
            f"    ABI_COEF_PAIRS = {pairs_in(abi, 'coef')}, // coefficients in a COEF beat", "};",
            f"#define ABI_PRICE_MAX UINT64_C({(1 << abi['width']['price']) - 1:#x})",
            f"#define ABI_ROW_ALL {(1 << abi['width']['row']) - 1:#x}u // row of an error: no single one",
            f"#define ABI_COEF_MAX {(1 << abi['width']['coef'] - 1) - 1}",
            f"#define ABI_COEF_MIN (-{1 << abi['width']['coef'] - 1})", ""]
    out += c_enum("CMD_", abi["command"], "opcode", "Commands: first byte of the beat.")
    out += c_enum("EVT_", abi["event"], "kind", "Events: first byte of the beat.")
    out += c_enum("CAUSE_", abi["cause"], "value", "What made a row fire.")
    out += c_enum("ERR_", abi["error"], "value", "Error codes.")
    out += c_flags(abi) + c_registers(abi) + ["", C_BEAT]
    for cmd in abi["command"]:
        out += c_struct(cmd["name"], f"Command {cmd['name'].upper()}. {cmd['doc']}", cmd["fields"])
        out += c_pack(cmd["name"], cmd["opcode"], cmd["fields"]) + c_unpack(cmd["name"], cmd["fields"]) + [""]
    for evt in abi["event"]:
        fields = evt["fields"] + abi["event_common"]["fields"]
        out += c_struct(evt["struct"], f"Event {evt['name'].upper()}. {evt['doc']}", fields)
        out += c_pack(evt["struct"], evt["kind"], fields) + c_unpack(evt["struct"], fields) + [""]
    for rec in abi["record"]:
        fields = rec["fields"]
        out += c_struct(rec["name"], f"Record. {rec['doc']}", fields)
        out += c_pack(rec["name"], 0, fields) + c_unpack(rec["name"], fields) + [""]
    return "\n".join(out + c_mask(abi) + ["", "#endif"]) + "\n"


# -------------------------------------------------------------------------------------------------- SV
def camel(name):
    return "".join(p.capitalize() for p in name.split("_"))


def sv_struct(name, fields, bits):
    """A packed struct over the whole beat, most significant field first; gaps become reserved fields."""
    flat = []
    for f in fields:
        for i, (lsb, width) in enumerate(elements(f)):
            flat.append((lsb, width, f["name"] + (str(i) if "count" in f else ""), f.get("signed", False)))
    out, top, gaps = ["  typedef struct packed {"], bits, 0
    for lsb, width, field, signed in sorted(flat, reverse=True) + [(-1, 1, None, False)]:
        if lsb + width < top:
            out.append(f"    logic [{top - lsb - width - 1}:0] reserved{gaps};")
            gaps += 1
        if field:
            out.append(f"    logic{' signed' if signed else ''} [{width - 1}:0] {field};")
        top = lsb
    return out + [f"  }} {name}_t;"]


def gen_sv(abi):
    bits = abi["beat_bits"]
    out = ["// SPDX-License-Identifier: Apache-2.0",
           "// Made by drivers/abi/gen_abi.py from drivers/abi/abi.toml. Do not edit.",
           "/* verilator lint_off UNUSED */ // not every design uses every constant", "package abi_pkg;"]
    out += [f"  localparam logic [31:0] Version = 32'd{abi['version']};",
            f"  localparam logic [31:0] Magic = 32'h{abi['magic']:08x};",
            f"  localparam logic [63:0] Hash = 64'h{abi_hash(abi):016x};",
            f"  localparam int unsigned BeatW = {bits};"]
    out += [f"  localparam int unsigned {camel(k)}W = {v};" for k, v in abi["width"].items()]
    row = abi["width"]["row"]  # in digits: Yosys takes '1 for 1 here
    out.append(f"  localparam logic [{row - 1}:0] RowAll = {row}'h{(1 << row) - 1:x};  // of an error: no single row")
    out += [f"  localparam int unsigned Default{camel(k)} = {v};" for k, v in abi["default"].items()]
    out += [f"  localparam logic [7:0] Cmd{camel(c['name'])} = 8'h{c['opcode']:02x};" for c in abi["command"]]
    out += [f"  localparam logic [7:0] Evt{camel(e['name'])} = 8'h{e['kind']:02x};" for e in abi["event"]]
    out += [f"  localparam logic [3:0] Cause{camel(c['name'])} = 4'd{c['value']};" for c in abi["cause"]]
    out += [f"  localparam logic [3:0] Err{camel(e['name'])} = 4'd{e['value']};" for e in abi["error"]]
    out += [f"  localparam int unsigned {camel(c)}Pairs = {pairs_in(abi, c)};" for c in ("row", "coef")]
    out += [f"  localparam int unsigned Flag{camel(x['name'])} = {x['bit']};" for x in abi["flag"]]
    out += [f"  localparam logic [31:0] FlagsHalt = 32'h{halting(abi):08x};"]
    out += [f"  localparam int unsigned Window{camel(k)} = {v};" for k, v in abi["window"].items()]
    for r in abi["register"]:
        out.append(f"  localparam logic [11:0] Reg{camel(r['name'])} = 12'h{r['offset']:03x};")
    out += [f"  localparam int unsigned Status{camel(k)} = {v};" for k, v in STATUS_BITS.items()]
    out += [f"  localparam int unsigned Control{camel(k)} = {v};" for k, v in CONTROL_BITS.items()]
    for cmd in abi["command"]:
        out += sv_struct(f"cmd_{cmd['name']}", command_fields(cmd), bits)
    for evt in abi["event"]:
        out += sv_struct(f"evt_{evt['struct']}", event_fields(abi, evt), bits)
    for rec in abi["record"]:
        out += sv_struct(f"rec_{rec['name']}", rec["fields"], bits)
    return "\n".join(out + ["endpackage"]) + "\n"


# -------------------------------------------------------------------------------------------------- docs
def md_fields(fields):
    out = ["", "| bits | field | meaning |", "|---|---|---|"]
    for f in sorted(fields, key=lambda f: f["lsb"]):
        place = f"{f['lsb'] + f['width'] - 1}:{f['lsb']}" if f["width"] > 1 else f"{f['lsb']}"
        if "count" in f:
            place += f" + {f['stride']}·i, i < {f['count']}"
        kind = " (signed)" if f.get("signed") else ""
        note = f"; must fit {f['used']} bits" if "used" in f else ""
        out.append(f"| {place} | {f['name']}{kind} | {f.get('doc', '')}{note} |")
    return out


MD_WINDOW = """
## Command window

Beat k (k = 0, 1, ... since reset) is written to byte offset 32 · (k mod DEPTH) of the window, with
(⌊k / DEPTH⌋ + 1) mod 256 in its byte 31: its generation. DEPTH is a power of two and stands in WINDOW_DEPTH; the
window's addresses have {address_bits} bits. A beat is taken once each of its {words} words of {word_bits} bits has been
written since beat k − DEPTH was taken, and after beat k − 1; in which order and in which pieces the words arrive does not matter.
The host must not write beat k before beat k − DEPTH has been taken (credit: status record, or register TAKEN). A beat of another
generation, a write of part of a word or a write elsewhere stops the window until reset.

## Event ring

Record j (j = 0, 1, ... since reset) is an event beat at RING_BASE + 32 · (j mod 2^RING_LOG2) in host memory. It is never
written before the host has set RING_CONSUMED past record j − 2^RING_LOG2. Bit 0 of its byte 31 is the phase: 1 in the
first pass over the ring, 0 in the second, and so on. The host clears the ring before it enables it.

## Status record

Written to STATUS_BASE whenever a quarter of the window has been taken since the last one, and when the device
has nothing left to do; not in quiet mode.
"""


def md_window(abi):
    w = abi["window"]
    out = [MD_WINDOW.format(words=abi["beat_bits"] // w["word_bits"], **w).rstrip("\n")]
    for rec in abi["record"]:
        out += ["", rec["doc"]] + md_fields(rec["fields"])
    out += ["", "## Flags of the host interface", "", "Bits of ERROR_FLAGS.", "", "| bit | name | stops the window | meaning |",
            "|---|---|---|---|"]
    return out + [f"| {x['bit']} | {x['name'].upper()} | {'yes' if x.get('halt') else 'no'} | {x['doc']} |" for x in abi["flag"]]


def gen_md(abi):
    out = ["<!-- SPDX-License-Identifier: Apache-2.0 -->",
           "<!-- Made by drivers/abi/gen_abi.py from drivers/abi/abi.toml. Do not edit: `make registers`. -->",
           "# Beats and registers", "",
           f"ABI version {abi['version']}, hash `{abi_hash(abi):016x}`. What the commands do: [device.md](device.md).", "",
           f"A beat is {abi['beat_bits']} bits (32 bytes, little endian). Bits that no field covers are written 0 and "
           "ignored. Bits 7:0 of a command are its opcode, of an event its kind; bits 255:248 of a command are "
           "the generation of the command window (below), which the core ignores.", "", "## Widths", "",
           "| quantity | bits |", "|---|---|"]
    out += [f"| {k} | {v} |" for k, v in abi["width"].items()]
    out += ["", "Default geometry: " + ", ".join(f"{k.upper()} = {v}" for k, v in abi["default"].items()) + ".",
            "", "## Commands"]
    for cmd in abi["command"]:
        out += ["", f"### {cmd['name'].upper()} ({cmd['opcode']:#04x})", "", cmd["doc"]]
        out += md_fields(cmd["fields"]) if cmd["fields"] else []
    out += ["", "## Events", "", "In every event:"]
    out += md_fields(abi["event_common"]["fields"])
    volatile = ", ".join(f["name"] for f in abi["event_common"]["fields"] if f.get("volatile"))
    out += ["", f"Back ends may differ in {volatile}, and in nothing else (P3). Fields an event does not list are 0."]
    for evt in abi["event"]:
        out += ["", f"### {evt['name'].upper()} ({evt['kind']:#04x})", "", evt["doc"]] + md_fields(evt["fields"])
    for title, key in (("Causes", "cause"), ("Error codes", "error")):
        out += ["", f"## {title}", "", "| value | name | meaning |", "|---|---|---|"]
        out += [f"| {x['value']} | {x['name'].upper()} | {x['doc']} |" for x in abi[key]]
    out += md_window(abi)
    out += ["", "## Registers (AXI4-Lite)", "", "32-bit words. Of a 64-bit register the low word comes first; reading "
            "the low word of a 64-bit counter latches its high word. Unlisted offsets read 0; writes to read-only "
            "registers have no effect. rc: write 1 to clear; rw: reads what was written.", "", "| offset | name | bits | access | meaning |", "|---|---|---|---|---|"]
    for r in abi["register"]:
        out.append(f"| {r['offset']:#05x} | {r['name'].upper()} | {r.get('bits', 32)} | {r['access']} | {r['doc']} |")
    return "\n".join(out) + "\n"


def main():
    makers = {"c": gen_c, "sv": gen_sv, "md": gen_md, "hash": lambda a: f"{abi_hash(a):016x}\n"}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        raise SystemExit(__doc__)
    with open(sys.argv[2], "rb") as f:
        abi = tomllib.load(f)
    check(abi)
    sys.stdout.write(makers[sys.argv[1]](abi))


if __name__ == "__main__":
    main()
