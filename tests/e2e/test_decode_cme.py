#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline decode on CME MDP 3.0: the published decode of a real capture, and datagrams of every template and schema
version, whole, cut and damaged, against a reader that is generated from the XMLs.

Prints TAP. Environment: TRIPLINE (binary), SHARED (schemas, captures; tests that need them are skipped where they
are missing), SEED.
"""
import csv
import io
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cme_reader as reader  # noqa: E402
from keeper import SEED, SHARED, TRIPLINE, finish, report, skip  # noqa: E402

CAPTURE = os.path.join(SHARED, "captures", "cme_mdp3_v8_fx_20160927_AB.pcapng")
GOLDEN = os.path.join(SHARED, "golden", "cme_mdp3_v8.1_example.csv")
SCHEMAS = os.path.join(SHARED, "schemas")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "host", "feed")
VERSIONS = range(5, 14)
T0 = 1_500_000_000_000_000_000
STEP = 20_000_000  # between datagrams: longer than any of them is kept back


def decode(path):
    p = subprocess.run([TRIPLINE, "decode", path], capture_output=True, timeout=240)
    rows = list(csv.reader(io.StringIO(p.stdout.decode("latin-1"))))
    if rows and rows[0] != reader.COLUMNS:
        raise AssertionError("columns are " + ",".join(rows[0]))
    if any(len(r) != len(reader.COLUMNS) for r in rows):
        raise AssertionError("a row is cut off: " + p.stderr.decode("latin-1"))
    return rows[1:], p.returncode, p.stderr.decode("latin-1")


def difference(got, want):
    for i, (g, w) in enumerate(zip(got, want)):
        if g != w:
            return "row %d\n got %s\nwant %s" % (i, g, w)
    return None if len(got) == len(want) else "%d rows, expected %d" % (len(got), len(want))


# ---- building captures

def frame(payload, port=14310, group="224.0.31.1"):
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 9, 17, 0, bytes((10, 0, 0, 1)),
                     bytes(map(int, group.split("."))))
    return bytes(12) + b"\x08\x00" + ip + struct.pack(">HHHH", 9, port, 8 + len(payload), 0) + payload


def write(path, payloads):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for i, payload in enumerate(payloads):
            data = frame(payload)
            ts = T0 + i * STEP
            f.write(struct.pack("<IIII", ts // 10**9, ts % 10**9, len(data), len(data)) + data)


def expected(schemas, payloads):
    out = []
    for i, payload in enumerate(payloads):
        out += reader.rows_of(schemas, payload, T0 + i * STEP, "224.0.31.1", 14310) or []
    return out


def in_order(rows):
    """Recovery feeds are not held back with the live ones: by capture time, message, entry."""
    return sorted(rows, key=lambda r: (int(r[4]), int(r[5]), int(r[8])))


def compare(schemas, where, name, payloads):
    path = os.path.join(where, "c.pcap")
    write(path, payloads)
    rows, status, errors = decode(path)
    want = expected(schemas, payloads)
    diff = difference(in_order(rows), in_order(want))
    return report(status == 0 and diff is None and want, "%s, %d datagrams, %d rows" % (name, len(payloads), len(want)),
                  diff or "status %d: %s" % (status, errors))


def put_field(rng, block, field):
    """A value of every sort: null, edges of the type, names and values without one."""
    if field.constant is not None or field.length != 1 or field.offset + field.size > len(block):
        return
    pack = "<" + reader.PACK[field.primitive]
    bits = 8 * struct.calcsize(pack)
    signed = pack[1].islower()
    values = [0, 1, -1 if signed else 1, (1 << (bits - signed)) - 1, -(1 << (bits - 1)) if signed else (1 << bits) - 2,
              rng.getrandbits(bits - signed), rng.getrandbits(min(bits - signed, 7))]
    values += [field.null] * 2 if field.null is not None else []
    values += list(field.names) * 2 if field.kind == "enum" else []
    struct.pack_into(pack, block, field.offset, rng.choice(values))


def build_message(rng, message, version):
    grown = version >= 10 or message.id < 46
    root = bytearray(rng.randbytes(message.block + (rng.choice((0, 0, 5)) if grown else 0)))
    for field in message.fields.values():
        put_field(rng, root, field)
    body = bytes(root)
    for g in message.groups:
        if version < g.since:
            break
        count = rng.choice((0, 1, 2, 5))
        size = g.block + rng.choice((0, 0, 0, 8))
        header = bytearray(g.header)
        struct.pack_into("<H", header, 0, size)
        header[g.count_at] = count
        body += bytes(header)
        for _ in range(count):
            block = bytearray(rng.randbytes(size))
            for field in g.fields.values():
                put_field(rng, block, field)
            body += bytes(block)
    return struct.pack("<5H", 10 + len(body), len(root), message.id, 1, version) + body


def known(schemas, version):
    """Templates that a message of that version may have."""
    return [m for m in (schemas.message(t, version) for t in schemas.templates()) if m.since <= version]


def header(seq, ts=0):
    return struct.pack("<IQ", seq, T0 + ts)


# ---- tests

def golden(schemas):
    if not (os.path.exists(CAPTURE) and os.path.exists(GOLDEN)):
        skip("golden: decode of the real capture", "no captures beside the project")
        skip("golden: the reader made from the XML", "no captures beside the project")
        return
    with open(GOLDEN, newline="") as f:
        want = list(csv.reader(f))[1:]
    rows, status, errors = decode(CAPTURE)
    report(status == 0 and difference(rows, want) is None, "golden: decode of the real capture, both lines, %d rows"
           % len(want), difference(rows, want) or errors)
    diff = difference(reader.read(schemas, CAPTURE), want)
    report(diff is None, "golden: the reader made from the XML", diff)


def lines(schemas, where, rng):
    """The real capture with losses on either line: nothing is lost but what both have lost."""
    if not os.path.exists(CAPTURE):
        skip("lines: losses on one line, on both", "no captures beside the project")
        return
    records = list(reader.deribit_reader.records(CAPTURE))
    seqs = [struct.unpack_from("<I", reader.deribit_reader.udp_of(link, data, wire)[2])[0]
            for _, link, data, wire in records]
    numbers = sorted(set(seqs))
    for name, both in (("one line", ()), ("both lines", set(rng.sample(numbers[50:-50], 40)))):
        lost, left = set(), set()
        for i, seq in enumerate(seqs):
            # The first copy may go when the second is still to come, the second only when the first was there.
            if seq in both or (rng.random() < 0.2 and (seq in left or seq in seqs[i + 1:i + 400])):
                lost.add(i)
            else:
                left.add(seq)
        path = os.path.join(where, "lines.pcap")
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
            for i, (ts, _, data, wire) in enumerate(records):
                if i not in lost:
                    f.write(struct.pack("<IIII", ts // 10**9, ts % 10**9, len(data), wire) + data)
        rows, status, errors = decode(path)
        want = [r for r in reader.read(schemas, CAPTURE) if int(r[1]) in left]
        anonymous = [[r[:3] + r[5:] for r in x] for x in (rows, want)]
        diff = difference(*anonymous)
        report(status == 0 and diff is None and len(lost) > 500 and left == set(numbers) - set(both),
               "lines: %d copies lost on %s, %d numbers gone" % (len(lost), name, len(numbers) - len(left)), diff or errors)


def lagging(where):
    """Line B behind, datagrams lost on A alone, also in bursts of hundreds that B has yet to bring, or B behind A in
    the file: every row all the same."""
    if not os.path.exists(CAPTURE):
        skip("lines: one behind", "no captures beside the project")
        return
    path = os.path.join(where, "lag.pcap")
    want = [r[:3] + r[5:] for r in decode(CAPTURE)[0]]
    for late, lost in ((48, (500, 1501, 2502, 4000)), (48, range(1, 5000, 20)), (90, range(3, 5000, 50)), (None, ())):
        out, seen = [], 0
        for ts, link, data, wire in reader.deribit_reader.records(CAPTURE):
            slow = struct.pack(">H", 15320) in data[34:46]
            seen += not slow
            if slow or seen not in lost:
                out.append((ts + (late or 0) * 1_000_000 * slow, data, wire, slow))
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
            for ts, data, wire, slow in sorted(out, key=lambda r: r[0] if late else r[3]):
                f.write(struct.pack("<IIII", ts // 10**9, ts % 10**9, len(data), wire) + data)
        got = [r[:3] + r[5:] for r in decode(path)[0]]
        diff = difference(got, want)
        report(diff is None and len(out) == 10000 - len(lost), "lines: B %s, %d losses on A are none" % (
            "%d ms behind" % late if late else "after A in the file", len(lost)), diff)


def constants():
    """(name: number of the enum blocks in cme_wire.h, names that are templates)"""
    with open(os.path.join(SOURCE, "cme_wire.h")) as f:
        text = f.read()
    ids = re.search(r"enum cme_template_id \{(.*?)\}", text, re.S).group(1)
    return ({n: int(v, 0) for n, v in re.findall(r"\b(CME_\w+)\s*=\s*(0x[0-9a-f]+|\d+)\b", text)},
            set(re.findall(r"\bCME_\w+", ids)))


def facts(schemas):
    """What the rows do not show: offsets of definitions, status and snapshots, in every XML that has them."""
    (c, ids), wrong, seen = constants(), [], 0
    common = {"CME_DEF_EVENT": "MatchEventIndicator", "CME_DEF_REPORTS": "TotNumReports",
              "CME_DEF_UPDATE": "SecurityUpdateAction", "CME_DEF_STATUS": "MDSecurityTradingStatus",
              "CME_DEF_GROUP": "SecurityGroup", "CME_DEF_ASSET": "Asset", "CME_DEF_SYMBOL": "Symbol",
              "CME_DEF_ID": "SecurityID", "CME_DEF_TYPE": "SecurityType", "CME_DEF_CFI": "CFICode"}
    with open(os.path.join(SOURCE, "cme_table.c")) as f:
        source = f.read()
    table = {c[n]: tuple(map(int, v)) for n, *v in
             re.findall(r"\{(CME_DEF_\w+),\s*(\d+),\s*(\d+),\s*(\d+),\s*\d, \d\}", source)}
    for s in schemas.all:
        for m in s.messages.values():
            checks = []
            if m.name.startswith("MDInstrumentDefinition"):
                checks = [(k, c[k], m.fields[v].offset) for k, v in common.items()]
                tick, factor, unit = table[m.id]
                checks += [("tick", tick, m.fields["MinPriceIncrement"].offset),
                           ("factor", factor, m.fields["DisplayFactor"].offset),
                           ("unit", unit, m.fields["UnitOfMeasureQty"].offset if "UnitOfMeasureQty" in m.fields else 0),
                           ("symbol", c["CME_DEF_SYMBOL_SIZE"], m.fields["Symbol"].size)]
                feeds = m.groups[c["CME_DEF_GROUPS_FEEDS"]]
                checks += [("feeds", feeds.name, "NoMDFeedTypes"), ("feed entry", c["CME_FEED_ENTRY"], feeds.block),
                           ("depth", c["CME_FEED_DEPTH"], feeds.fields["MarketDepth"].offset)]
            elif m.id == 30:
                checks = [(k, c["CME_STATUS_" + k], m.fields[v].offset) for k, v in
                          (("GROUP", "SecurityGroup"), ("ASSET", "Asset"), ("STATUS", "SecurityTradingStatus"))]
            elif m.id in (38, 52, 69):
                checks = [("last", c["CME_SNAP_LAST_SEQ"], m.fields["LastMsgSeqNumProcessed"].offset),
                          ("status", c["CME_SNAP_STATUS"], m.fields["MDSecurityTradingStatus"].offset)]
            seen += len(checks)
            wrong += ["v%d %d %s: %s, XML %s" % (s.version, m.id, *x) for x in checks if x[1] != x[2]]
        actions = {v.get("name"): int(v.text) for v in s.types["MDUpdateAction"]}
        states = {v.get("name"): int(v.text) for v in s.types["SecurityTradingStatus"]}
        for name, want in (("CME_NEW", actions["New"]), ("CME_CHANGE", actions["Change"]),
                           ("CME_DELETE", actions["Delete"]), ("CME_DELETE_THRU", actions["DeleteThru"]),
                           ("CME_DELETE_FROM", actions["DeleteFrom"]), ("CME_OVERLAY", actions["Overlay"]),
                           ("CME_STATUS_READY", states["ReadyToTrade"]), ("CME_STATUS_NO_CHANGE", states["NoChange"])):
            seen += 1
            if c[name] != want:
                wrong.append("v%d %s" % (s.version, name))
        for name, ident in c.items():
            if name in ids and not any(ident in x.messages for x in schemas.all):
                wrong.append("template %s is in no XML" % name)
    report(not wrong and seen > 200, "facts that rows do not show equal every XML's, %d of them" % seen, wrong[:8])


def every_template(schemas, where, rng):
    for version in VERSIONS:
        payloads, seq = [], 1
        for message in known(schemas, version):
            for _ in range(25):
                payloads.append(header(seq, seq) + build_message(rng, message, version))
                seq += 1
        compare(schemas, where, "version %d: every template, all fields" % version, payloads)


def mixed(schemas, where, rng):
    payloads = []
    for seq in range(1, 400):
        version = rng.choice(VERSIONS)
        parts = [build_message(rng, rng.choice(known(schemas, version)), version) for _ in range(rng.randrange(1, 7))]
        payloads.append(header(seq, seq) + b"".join(parts)[:60000] if sum(map(len, parts)) < 60000 else
                        header(seq, seq) + parts[0])
    unknown = struct.pack("<5H", 17, 3, 99, 1, 14) + bytes(7)
    payloads.append(header(400, 400) + unknown)
    compare(schemas, where, "several messages a datagram, templates nobody knows", payloads)


def sample(schemas, rng):
    return [build_message(rng, m, v) for v in (8, 9, 13) for m in known(schemas, v) if m.id not in (16,)]


def cut(schemas, where, rng):
    payloads = []
    for body in (rng.choice(sample(schemas, rng)) for _ in range(40)):
        data = body + rng.choice(sample(schemas, rng))
        for end in range(0, len(data) + 1, max(1, len(data) // 90)):
            payloads.append(header(len(payloads) + 1, len(payloads)) + data[:end])
            shorter = bytearray(body[:end])
            if len(shorter) >= 10:
                struct.pack_into("<H", shorter, 0, len(shorter))
                payloads.append(header(len(payloads) + 1, len(payloads)) + bytes(shorter))
    compare(schemas, where, "cut datagrams and cut messages", payloads)


def mutated(schemas, where, rng):
    payloads = []
    bodies = sample(schemas, rng)
    for _ in range(6000):
        data = bytearray(rng.choice(bodies))
        for _ in range(rng.choice((1, 1, 2))):
            data[rng.randrange(min(len(data), rng.choice((10, 40, 4000))))] = rng.randrange(256)
        payloads.append(header(len(payloads) + 1, len(payloads)) + bytes(data))
    compare(schemas, where, "single bytes changed", payloads)


def main():
    if not os.path.exists(os.path.join(SCHEMAS, "Cme.Futures.Mdp3.Sbe.v1.13.xml")):
        skip("CME decode", "no schema XMLs beside the project")
        finish()
    schemas = reader.Schemas(SCHEMAS)
    rng = random.Random(SEED)
    print("# SEED=%d" % SEED)
    golden(schemas)
    facts(schemas)
    with tempfile.TemporaryDirectory() as where:
        lines(schemas, where, rng)
        lagging(where)
        every_template(schemas, where, rng)
        mixed(schemas, where, rng)
        cut(schemas, where, rng)
        mutated(schemas, where, rng)
    finish()


if __name__ == "__main__":
    main()
