# SPDX-License-Identifier: Apache-2.0
"""Layouts of Deribit Starbase and Coinbase Derivatives from the venues' XML, and the judges of their decoders.

Shares nothing with the C code: offsets are summed up here from the types of the XML, packets are built with struct,
and the rows that they must give are said here. Schemas' own facts that no XML at hand has (Starbase's version 0,
CDE's message 43) are written out as lists of types.
"""
import os
import random
import struct
import subprocess
import xml.etree.ElementTree as ET

SIZES = {"int8": 1, "uint8": 1, "char": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8,
         "uint64": 8, "double": 8, "price": 8, "expiry": 8}
CODES = {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q",
         "uint64": "Q", "double": "d", "price": "q"}


class Field:
    def __init__(self, name, kind, size, at, since=0, names=None):
        self.name, self.kind, self.size, self.at, self.since, self.names = name, kind, size, at, since, names

    def __repr__(self):
        return "%s@%d+%d %s %d %s" % (self.name, self.at, self.size, self.kind, self.since, self.names)


class Message:
    def __init__(self, name, template, fields, groups):
        self.name, self.template, self.fields, self.groups = name, template, fields, groups
        self.used = max(f.at + f.size for f in fields)


class Schema:
    """messages by template; names: {type: (is a set, {value: name})}; composites: {name: [(field, at, size)]}."""

    def __init__(self, path, header, instrument_header=None):
        self.header, self.prefix = header, instrument_header
        root = ET.parse(path).getroot()
        self.id, self.version = int(root.get("id")), int(root.get("version"))
        self.types = {t.get("name"): t for t in root.find("types")}
        self.names, self.composites, self.messages = {}, {}, {}
        for name, t in self.types.items():
            self._names(name, t)
            if t.tag == "composite":
                for inner in t:
                    self._names(inner.get("name"), inner, name)
                self._composite(name, t)
        for m in root:
            if m.tag.endswith("}message") and m.get("name") != "DummyMessage":
                self._message(m)

    def _names(self, name, t, inside=None):
        if t.tag == "enum":
            kind = t.get("encodingType")
            self.names[(inside, name)] = (False, {ord(v.text) if kind == "char" else int(v.text): v.get("name")
                                                  for v in t})
        elif t.tag == "set":
            self.names[(inside, name)] = (True, {int(v.text): v.get("name") for v in t})

    def _composite(self, name, t):
        at, out = 0, []
        for inner in t:
            if inner.get("presence") == "constant":
                continue
            size = SIZES[inner.get("encodingType") or inner.get("primitiveType")] * int(inner.get("length") or 1)
            out.append((inner.get("name"), at, size))
            at += size
        self.composites[name] = (out, at)

    def _kind(self, type_name):
        """(kind, size, names) of a type's name."""
        if type_name in SIZES:
            return type_name, SIZES[type_name], None
        t = self.types[type_name]
        if type_name == "Price":
            return "price", 8, None
        if t.tag == "type":
            base, n = t.get("primitiveType"), int(t.get("length") or 1)
            return ("text", n, None) if base == "char" and n > 1 else (base, SIZES[base] * n, None)
        if t.tag == "composite":
            return ("price" if type_name.startswith("Price") else "expiry"), self.composites[type_name][1], None
        base = t.get("encodingType")
        return ("charenum" if base == "char" else base), SIZES[base], type_name

    def _message(self, m):
        at, fields, groups = self.header, [], []
        first = int(m.get("sinceVersion") or 0)
        for f in m:
            if f.tag == "group":
                groups.append(sum(self._kind(x.get("type"))[1] for x in f))
                continue
            since = max(first, int(f.get("sinceVersion") or 0))
            if f.get("type") == self.prefix:
                for name, off, size in self.composites[self.prefix][0]:
                    inner = next(x for x in self.types[self.prefix] if x.get("name") == name)
                    kind = inner.get("encodingType") or inner.get("primitiveType")
                    names = name if inner.tag in ("enum", "set") else None
                    fields.append(Field(name, kind, size, at + off, 0, names))
                at += self.composites[self.prefix][1]
                continue
            kind, size, names = self._kind(f.get("type"))
            fields.append(Field(f.get("name"), kind, size, at, since, names))
            at += size
        self.messages[int(m.get("id"))] = Message(m.get("name"), int(m.get("id")), fields, groups)


def literal(name, template, header, types, since=0):
    """A message from [(field, kind, names or None)]; text kinds as text64."""
    fields, at = [], header
    for field, kind, names in types:
        size = int(kind[4:]) if kind.startswith("text") else SIZES[kind]
        fields.append(Field(field, "text" if kind.startswith("text") else kind, size, at, since, names))
        at += size
    return Message(name, template, fields, [])


# ---- values and what a row says of them

NULLS = {"int8": -128, "int16": -2**15, "int32": -2**31, "int64": -2**63, "price": -2**63}


def random_value(rng, field, names):
    if field.kind == "text":
        n = rng.randrange(field.size + 1)
        return bytes(rng.choice(b"ABCdef019-_./ ,\"\x7f\xff") for _ in range(n))
    if field.kind == "expiry":
        return struct.pack("<4h", *(rng.choice([0, rng.randrange(1, 3000)]) for _ in range(4)))
    if field.kind == "double":
        return rng.choice([float("nan"), 0.0, -1.5, rng.random(), rng.uniform(-1e12, 1e12), 1e-300])
    if names and rng.random() < 0.8:
        is_set, values = names
        if is_set:
            return sum(1 << b for b in values if rng.random() < 0.5)
        return rng.choice(list(values))
    if field.kind == "charenum":
        return rng.randrange(256)
    if field.kind in NULLS and rng.random() < 0.2:
        return NULLS[field.kind]
    bits = 8 * field.size
    edge = rng.choice([0, 1, 2**(bits - 1) - 1, rng.getrandbits(bits - 1)])
    if field.kind.startswith("u"):
        return rng.choice([edge, 2**bits - 1])
    return rng.choice([edge, -edge])


def pack(field, v):
    if field.kind in ("text", "expiry"):
        return v.ljust(field.size, b"\0")
    if field.kind == "charenum":
        return bytes([v])
    return struct.pack("<" + CODES[field.kind], v)


def text_of(raw):
    return "".join(chr(b) if 32 <= b <= 126 and b not in b",\"" else "?" for b in raw.split(b"\0")[0])


def cell(field, raw, names):
    """The text of a field's bytes in a row; doubles as themselves, to be compared by value."""
    if field.kind == "text":
        return text_of(raw)
    if field.kind == "expiry":
        parts = struct.unpack("<4h", raw)
        return "/".join(str(p) if p else "" for p in parts) if any(parts) else ""
    if field.kind == "charenum":
        return "" if raw[0] == 0 else names[1].get(raw[0], str(raw[0]))
    v = struct.unpack("<" + CODES[field.kind], raw)[0]
    if field.kind == "double":
        return "" if v != v else v
    if names and names[0]:
        known = [n for b, n in sorted(names[1].items()) if v >> b & 1]
        rest = v & ~sum(1 << b for b in names[1])
        return "|".join(known + ([str(rest)] if rest else []))if v else ""
    if v == NULLS.get(field.kind):
        return ""
    return names[1].get(v, str(v)) if names else str(v)


def same(got, want):
    return (got != "" and float(got) == want) if isinstance(want, float) else got == want


# ---- the program under test

class Tool:
    """A unit test's program in its other life (tests/unit/feed/frame24test.h)."""

    def __init__(self, path):
        self.path = path

    def tables(self):
        out = subprocess.run([self.path, "--tables"], capture_output=True, text=True, check=True, timeout=240)
        return [line.split() for line in out.stdout.splitlines()]

    def run(self, mode, datagrams):
        """datagrams: (address, port, skip, gap, restart, payload). Gives for each (lines, verdict as a dict)."""
        text = "".join("%d %d %d %d %d %s\n" % (*d[:5], d[5].hex()) for d in datagrams)
        p = subprocess.run([self.path, mode], input=text, capture_output=True, text=True, timeout=300,
                           encoding="latin-1")
        if p.returncode != 0:
            raise AssertionError("%s %s: exit %d %s" % (self.path, mode, p.returncode, p.stderr[-2000:]))
        out, lines = [], []
        rows = p.stdout.split("\n")
        head = rows.pop(0).split(",") if mode == "--rows" else None
        for row in rows:
            if not row.startswith("#"):
                lines.append(row)
                continue
            verdict = dict(x.split("=") for x in row.split()[1:])
            verdict["mine"] = row.startswith("#mine")
            verdict = {k: v if k == "mine" else int(v) for k, v in verdict.items()}
            if head:
                for x in lines:
                    if x.count(",") != len(head) - 1:
                        raise AssertionError("%d columns, not %d: %s" % (x.count(",") + 1, len(head), x))
                lines = [dict(zip(head, x.split(","))) for x in lines]
            out.append((lines, verdict))
            lines = []
        return out


def tables_of(lines):
    """(layouts as (name, template, vmin, vmax, used, groups, fields), names, headers, rest) of --tables."""
    layouts, names, headers, rest = [], {}, {}, []
    for x in lines:
        if x[0] == "E":
            names.setdefault((x[1], x[2] == "1"), {})[int(x[3])] = x[4]
        elif x[0] == "H":
            headers.setdefault(x[1], []).append((x[2], int(x[3]), int(x[4])))
        elif x[0] == "L":
            layouts.append((x[1], *map(int, x[2:]), []))
        elif x[0] == "F":
            layouts[-1][-1].append((x[1], int(x[2]), int(x[3]), x[4], int(x[5]), None if x[6] == "-" else x[6]))
        else:
            rest.append(x)
    return layouts, names, headers, rest


def pcap_payloads(path):
    """(link-layer frames' UDP payloads with address and port) of a classic pcap or a pcapng, Ethernet and IPv4 only."""
    data = open(path, "rb").read()
    frames = []
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        at = 0
        while at < len(data):
            kind, size = struct.unpack_from("<II", data, at)
            if kind == 6:
                n = struct.unpack_from("<I", data, at + 20)[0]
                frames.append(data[at + 28:at + 28 + n])
            at += size
    else:
        at = 24
        while at < len(data):
            n = struct.unpack_from("<I", data, at + 8)[0]
            frames.append(data[at + 16:at + 16 + n])
            at += 16 + n
    out = []
    for f in frames:
        at = 12
        while f[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        if f[at:at + 2] != b"\x08\x00" or f[at + 11] != 17:
            continue
        ip = at + 2
        udp = ip + 4 * (f[ip] & 15)
        size = struct.unpack_from(">H", f, udp + 4)[0]
        out.append((struct.unpack_from(">I", f, ip + 16)[0], struct.unpack_from(">H", f, udp + 2)[0],
                    f[udp + 8:udp + size]))
    return out


def write_pcap(path, datagrams):
    """Ethernet frames around (address, port, payload), nanosecond stamps."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i, (address, port, payload) in enumerate(datagrams):
            udp = struct.pack(">HHHH", 5000, port, 8 + len(payload), 0) + payload
            ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(udp), i & 65535, 0, 16, 17, 0, 0x0a000001, address)
            frame = bytes(12) + b"\x08\x00" + ip + udp
            f.write(struct.pack("<IIII", 1790000000, 1000 * i, len(frame), len(frame)) + frame)


def foreign(tool, shared, report, skip, also=()):
    """No other venue's datagram is taken: the captures named, and random bytes."""
    names = ["cme_mdp3_v8_fx_20160927_AB.pcapng", "deribit_legacy_sample_v1_6.pcapng",
             "cboe_cfe_pitch_1.1.6_20190501.pcap", *also]
    for name in names:
        path = os.path.join(shared, "captures", name)
        if not os.path.exists(path):
            skip("foreign: " + name, "no captures beside the project")
            continue
        datagrams = [(a, p, 0, 0, 0, x) for a, p, x in pcap_payloads(path)]
        mine = sum(v["mine"] for _, v in tool.run("--rows", datagrams))
        report(mine == 0 and len(datagrams) > 0, "foreign: none of %d datagrams of %s" % (len(datagrams), name), mine)


def damage(tool, packets, rng, report, address=0xe0000cc1):
    """Cut at every byte and with single bytes changed: refused or decoded, never anything else; what is cut gives
    no rows at all."""
    cut = [(address, 4220, 0, 0, 0, x[:n]) for x in packets for n in range(len(x))]
    results = tool.run("--rows", cut)
    bad = [i for i, (rows, v) in enumerate(results) if rows or v["drop"] == 0 and not v["heartbeat"]]
    report(not bad and len(results) == len(cut), "damage: %d datagrams cut short give nothing" % len(cut), bad[:5])
    changed = []
    for x in packets:
        for n in range(len(x)):
            y = bytearray(x)
            y[n] ^= 1 << rng.randrange(8)
            changed.append((address, 4220, 0, 0, 0, bytes(y)))
    for mode in ("--rows", "--messages"):
        results = tool.run(mode, changed)
        bad = [i for i, (rows, v) in enumerate(results) if rows and v["drop"] != 0]
        report(len(results) == len(changed) and not bad,
               "damage: %d datagrams with a changed bit, %s" % (len(changed), mode), bad[:5])


def schema_path(shared, name):
    return os.path.join(shared, "schemas", name)


def seeded(seed):
    print("# SEED=%d" % seed)
    return random.Random(seed)
