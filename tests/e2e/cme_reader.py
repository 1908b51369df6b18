#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Independent reader of CME MDP 3.0 captures, driven by the schema XMLs.

Layouts, nulls and names are generated from the XML files at run time; nothing is shared with the C tables, so that
those can be judged by it. Rules of the rows: docs/feeds-cme.md.

As a program: cme_reader.py CAPTURE prints the rows as CSV, copies of the second line dropped. As a module:
Schemas(folder), rows_of(schemas, payload, ...), read(schemas, capture).
"""
import csv
import os
import re
import struct
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import deribit_reader  # noqa: E402  (its capture and network parsers)

COLUMNS = ("channel,seq,sending_time,winner_group,cap_ts,msg_idx,template,version,entry_idx,transact_time,match_event,"
           "security_id,rpt_seq,update_action,entry_type,level,px_mantissa,px_exponent,size,num_orders,order_id"
           ).split(",")
PACK = {"char": "B", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q",
        "uint64": "Q"}


def size_of(primitive):
    return struct.calcsize(PACK[primitive])


class Field:
    """One field with its place. kind: plain, enum, set, composite; constants have no place."""

    def __init__(self, name, offset, size, since):
        self.name, self.offset, self.size, self.since = name, offset, size, since
        self.constant = self.null = self.primitive = self.exponent = None
        self.kind, self.length, self.names, self.type = "plain", 1, {}, None

    def get(self, block, version):
        """Its value, None when absent. Enums give their name in that version, else the raw value."""
        if version < self.since:
            return None
        if self.constant is not None:
            return self.constant
        if self.offset + self.size > len(block):
            return None
        if self.length != 1:
            return block[self.offset:self.offset + self.size]
        value = struct.unpack_from("<" + PACK[self.primitive], block, self.offset)[0]
        if value == self.null:
            return None
        if self.kind == "enum":
            name, since = self.names.get(value, (None, 0))
            if name and version >= since:
                return name
            return chr(value) if self.primitive == "char" and 32 < value < 127 and chr(value) not in ',"' else value
        if self.kind == "set":
            return "|".join(self.names[bit][0] for bit in range(8) if value >> bit & 1)
        return value


class Group:
    def __init__(self, name, block, header, count_at, since):
        self.name, self.block, self.header, self.count_at, self.since = name, block, header, count_at, since
        self.fields = {}


class Message:
    def __init__(self, ident, name, block, since):
        self.id, self.name, self.block, self.since = ident, name, block, since
        self.fields, self.groups = {}, []


def number(text, primitive):
    if primitive == "char":
        return ord(text)
    return int(text)


class Schema:
    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self.version = int(root.get("version"))
        self.types = {t.get("name"): t for t in root.find("types")}
        self.messages = {}
        for m in root:
            if not m.tag.endswith("message"):
                continue
            message = Message(int(m.get("id")), m.get("name"), int(m.get("blockLength")), int(m.get("sinceVersion", 0)))
            self.add(message.fields, m)
            for g in m.findall("group"):
                message.groups.append(self.group(g))
            self.messages[message.id] = message

    def group(self, g):
        at = header = 0
        count_at = None
        for t in self.types[g.get("dimensionType")]:
            at = int(t.get("offset", at))
            if t.get("name") == "numInGroup":
                count_at = at
            at += size_of(t.get("primitiveType"))
            header = at
        group = Group(g.get("name"), int(g.get("blockLength")), header, count_at, int(g.get("sinceVersion", 0)))
        self.add(group.fields, g)
        return group

    def add(self, fields, parent):
        at = 0
        for f in parent.findall("field"):
            field = self.field(f, int(f.get("offset", at)))
            fields[field.name] = field
            if field.constant is None:
                at = field.offset + field.size

    def field(self, f, offset):
        field = Field(f.get("name"), offset, 0, int(f.get("sinceVersion", 0)))
        self.resolve(field, f.get("type"))
        return field

    def resolve(self, field, name):
        if name in PACK:
            field.primitive, field.size = name, size_of(name)
            return
        t = self.types[name]
        if t.tag == "type":
            field.primitive = t.get("primitiveType")
            field.length = int(t.get("length", 1))
            if t.get("presence") == "constant":
                text = t.text
                field.constant, field.size = text if field.primitive == "char" else int(text), 0
                return
            field.size = size_of(field.primitive) * field.length
            if t.get("nullValue") is not None:
                field.null = number(t.get("nullValue"), field.primitive)
        elif t.tag == "composite":
            field.kind, size = "composite", 0
            for part in t:
                if part.get("presence") == "constant":
                    if part.get("name") == "exponent":
                        field.exponent = int(part.text)
                    continue
                if part.get("name") == "mantissa":
                    field.primitive = part.get("primitiveType")
                    field.null = int(part.get("nullValue")) if part.get("nullValue") else None
                size += size_of(part.get("primitiveType"))
            field.size = size
            if field.primitive is None:
                field.length = size
        else:
            self.resolve(field, t.get("encodingType"))
            field.kind, field.type = t.tag, name
            # An enum's null is a value that is not in it; the encoding type's rule holds for sets of bits alike.
            for v in t:
                value = number(v.text, field.primitive if t.tag == "enum" else "uint8")
                field.names[value] = (v.get("name"), int(v.get("sinceVersion", 0)))


class Schemas:
    """All XMLs of a folder; a template is read by the oldest that is not older than the message."""

    def __init__(self, folder):
        found = [f for f in os.listdir(folder) if re.fullmatch(r"Cme\.Futures\.Mdp3\.Sbe\.v1\.\d+\.xml", f)]
        self.all = sorted((Schema(os.path.join(folder, f)) for f in found), key=lambda s: s.version)
        for s in self.all:
            for m in s.messages.values():
                for fields in [m.fields] + [g.fields for g in m.groups]:
                    self.later_names(fields)

    def later_names(self, fields):
        """Values that a later version has added, for messages of that version in a template that has gone since."""
        for f in fields.values():
            for s in self.all:
                for v in s.types[f.type] if f.kind == "enum" and f.type in s.types else ():
                    f.names.setdefault(number(v.text, f.primitive), (v.get("name"), int(v.get("sinceVersion", 0))))

    def message(self, template, version):
        having = [s for s in self.all if template in s.messages]
        if not having:
            return None
        newer = [s for s in having if s.version >= version]
        return (newer[0] if newer else having[-1]).messages[template]

    def templates(self):
        return sorted({t for s in self.all for t in s.messages})


# ---- network layers

def untag(data, header, kind):
    """Behind a link header whose network type is `kind`, up to two VLAN tags; None: not IPv4."""
    for _ in range(2):
        if kind not in (0x8100, 0x88A8, 0x9100):
            break
        kind = int.from_bytes(data[header + 2:header + 4], "big")
        header += 4
    return data[header:] if kind == 0x0800 else None


def datagram(link, data, wire):
    """(group, port, payload, source) of a captured frame, or None where it holds no whole UDP datagram."""
    kinds = {1: (12, 14), 113: (14, 16), 276: (0, 20)}
    if link in (101, 228):
        ip = data
    elif link in kinds:
        at, header = kinds[link]
        ip = untag(data, header, int.from_bytes(data[at:at + 2], "big"))
    else:
        return None
    if ip is None or len(ip) < 28 or ip[0] >> 4 != 4 or ip[9] != 17 or ip[6] & 0x3F or ip[7]:
        return None
    header, total = (ip[0] & 15) * 4, int.from_bytes(ip[2:4], "big")
    if header < 20 or total > len(ip) or wire < len(data) or total < header + 8:
        return None
    udp = ip[header:total]
    if int.from_bytes(udp[4:6], "big") != len(udp):
        return None
    return (".".join(map(str, ip[16:20])), int.from_bytes(udp[2:4], "big"), udp[8:], ".".join(map(str, ip[12:16])))


# ---- datagrams

def split(payload):
    """Offsets and sizes of the messages, or None when they are not exactly the payload."""
    at, out = 12, []
    while at < len(payload):
        if len(payload) - at < 10:
            return None
        size, block, _, schema, _ = struct.unpack_from("<5H", payload, at)
        if size < 10 + block or size > len(payload) - at or schema != 1:
            return None
        out.append((at, size))
        at += size
    return out


def probe(schemas, payload):
    """What docs/feeds-cme.md says of recognition."""
    if len(payload) < 22:
        return False
    size, block, template, schema, version = struct.unpack_from("<5H", payload, 12)
    least = min((s.messages[template].block for s in schemas.all if template in s.messages), default=0)
    if template in (27, 29, 41, 54, 55, 56, 58, 63):  # have grown: their oldest form
        least = {27: 213, 29: 193, 41: 211, 54: 216, 55: 213, 56: 195, 58: 255, 63: 309}[template]
    return schema == 1 and 4 <= template <= 127 and 1 <= version <= 63 and 10 + block <= size <= len(payload) - 12 \
        and block >= least


def groups_of(message, version, data, at, left):
    """[(entries as bytes)] of each group; None when one lies outside."""
    out = []
    for i, g in enumerate(message.groups):
        if version < g.since and i == len(message.groups) - 1 > 0 and g.since > message.since:
            break  # this version ends before it
        if left == 0 and (i > 0 or g.name != "NoMDEntries"):
            break
        if left < g.header:
            return None
        block, count = struct.unpack_from("<H", data, at)[0], data[at + g.count_at]
        if g.header + block * count > left:
            return None
        at += g.header
        out.append((g, [data[at + k * block:at + (k + 1) * block] for k in range(count)]))
        at += block * count
        left -= g.header + block * count
    return out


def text(value):
    return "" if value is None else str(value)


def value_of(name, places, version):
    """The field by the first of (fields, block) that has it; (field, value)."""
    for fields, block in places:
        if name in fields:
            return fields[name], fields[name].get(block, version)
    return None, None


def row(message, places, version):
    def get(name):
        return text(value_of(name, places, version)[1])
    price, px = value_of("MDEntryPx", places, version)
    size = get("MDEntrySize") if any("MDEntrySize" in p[0] for p in places) else get("MDDisplayQty")
    return [get("TransactTime"), get("MatchEventIndicator"), get("SecurityID"), get("RptSeq"), get("MDUpdateAction"),
            get("MDEntryType"), get("MDPriceLevel"), text(px), text(price.exponent if price else None), size,
            get("NumberOfOrders"), get("OrderID")]


def message_rows(schemas, data, at, size):
    """[(entry index, columns from transact_time on)], or None when the message is damaged."""
    _, block, template, _, version = struct.unpack_from("<5H", data, at)
    message = schemas.message(template, version)
    root = data[at + 10:at + 10 + block]
    if message is None:
        return template, version, [(0, [""] * 12)]
    groups = groups_of(message, version, data, at + 10 + block, size - 10 - block)
    if groups is None:
        return template, version, None
    places = [(message.fields, root)]
    entries = [(g, e) for g, e in groups if g.name == "NoMDEntries"]
    if not entries or not entries[0][1]:
        return template, version, [(0, row(message, places, version))]
    group, blocks = entries[0]
    return template, version, [(i, row(message, [(group.fields, e)] + places, version)) for i, e in enumerate(blocks)]


def channel_of(port):
    for base in (14000, 15000, 22000, 23000):
        if base <= port < base + 1000:
            return port - base
    return port


def rows_of(schemas, payload, ts, group, port):
    """Rows of one datagram (lists of text), or None when it is not recognised or not whole."""
    parts = split(payload) if probe(schemas, payload) else None
    if parts is None:
        return None
    out = []
    seq, sent = struct.unpack_from("<IQ", payload)
    for idx, (at, size) in enumerate(parts):
        template, version, rows = message_rows(schemas, payload, at, size)
        if rows is None:
            return None
        for entry, columns in rows:
            head = [channel_of(port), seq, sent, group, ts, idx, template, version, entry]
            out.append([str(v) for v in head] + columns)
    return out


def read(schemas, path):
    """Rows of a capture of one live channel; the first copy of each number wins."""
    out, seen = [], set()
    for ts, link, frame, wire in deribit_reader.records(path):
        udp = deribit_reader.udp_of(link, frame, wire)
        rows = rows_of(schemas, udp[2], ts, udp[0], udp[1]) if udp else None
        if rows is None or (rows[0][0], rows[0][1]) in seen:
            continue
        seen.add((rows[0][0], rows[0][1]))
        out += rows
    return out


def main():
    shared = os.environ.get("SHARED", "../shared")
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows(read(Schemas(os.path.join(shared, "schemas")), sys.argv[1]))


if __name__ == "__main__":
    main()
