#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coinbase Derivatives against layouts computed from the venue's XML (sbe_xml.py). Prints TAP.

usage: test_decode_cde.py PROGRAM   (the unit test's program). Environment: TRIPLINE, SHARED, SEED.
"""
import csv
import io
import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sbe_xml  # noqa: E402
from keeper import SEED, SHARED, finish, report, skip, tripline  # noqa: E402

OLD, NEW = "Coinbase.Derivatives.MarketDataApi.Sbe.v1.2.xml", "Coinbase.Derivatives.MarketDataApi.Sbe.v1.7.xml"
GROUP = 0xe9f6fa87
TYPES = {1: "INCREMENTAL_UPDATE", 2: "SNAPSHOT", 4: "RETRANSMIT", 5: "INCREMENTAL_UPDATE|RETRANSMIT"}
FUNDING_NAMES = {(None, "FundingRateFlags"): (True, {0: "isFinal"})}
# What version 7 calls otherwise than version 2: same place, same type.
RENAMED = {"priceIncrement": "tickSize", "contractSize": "oldContractSize"}


def funding(prefix):
    """Message 43, of which there is no XML at hand: offsets 32 to 80 by the venue's documentation."""
    m = sbe_xml.literal("FundingRate", 43, 32, [("fundingRate", "int64", None), ("futuresMarkPrice", "price", None),
                                                ("spotMarkPrice", "price", None), ("fairValue", "price", None),
                                                ("finalFundingRateTimestamp", "int64", None),
                                                ("correlationId", "int64", None),
                                                ("fundingFlags", "uint8", "FundingRateFlags")])
    m.fields = prefix + m.fields
    return m


def schema_of(name):
    s = sbe_xml.Schema(sbe_xml.schema_path(SHARED, name), 10, "InstrumentHeader")
    prefix = [f for f in s.messages[21].fields if f.at < 32]
    s.messages[43] = funding(prefix)
    s.names.update(FUNDING_NAMES)
    return s


def names_of(s, f):
    if not f.names:
        return None
    return s.names.get((None, f.names)) or s.names[("InstrumentHeader", f.names)]


def ends(m):
    """{version: bytes used}: where the fields of each version that has the message end."""
    first = min(f.since for f in m.fields if m.template > 99 or f.at >= 32)
    return {v: max(f.at + f.size for f in m.fields if f.since <= v) for v in range(first, 8)}


# ---- (a) the tables

def tables(tool, old, new):
    c_layouts, names, headers, rest = sbe_xml.tables_of(tool.tables())
    for s in (old, new):
        for which, composite in (("packet", "PacketHeader"), ("message", "messageHeader")):
            fields, size = s.composites[composite]
            report(headers[which] == fields + [("-", size, 0)], "tables: %s of version %d" % (composite, s.version),
                   headers[which])
        report(rest == [["S", str(s.id)]], "tables: schema id of version %d" % s.version, rest)
    seen = set()
    for (name, is_set), values in names.items():
        keys = [k for k in new.names if (k[0] if name == "PacketHeader" else k[1]) == name
                and new.names[k] == (is_set, values)]
        report(bool(keys), "tables: names of " + name + " in version 7", values)
        seen.update(keys)
        for k in (k for k in keys if k in old.names):
            report(old.names[k][0] == is_set and old.names[k][1].items() <= values.items(),
                   "tables: names of %s in version 2" % name, old.names[k])
    left = [k for k in new.names if k not in seen and k[1] != "Side"]  # the type that no field has
    report(not left, "tables: all enumerations", left)
    wrong, by_id = [], {x[1]: x for x in c_layouts}
    for m in new.messages.values():
        x = by_id.get(m.template)
        fields = [(f.name, f.at, f.size, f.kind, f.since, f.names) for f in m.fields]
        if not x or x[0] != m.name or x[4] != m.used or x[6] != fields:
            wrong.append("%s: %s\nnot %s" % (m.name, x, fields))
    report(not wrong and len(by_id) == len(c_layouts) == len(new.messages),
           "tables: every message of version 7, each offset, size, type, first version", "\n".join(wrong[:3]))
    wrong = []
    for m in old.messages.values():
        have = {f[0]: f for f in by_id[m.template][6]}
        for f in m.fields:
            name = f.name if have.get(f.name, (0, -1))[1] == f.at else RENAMED.get(f.name, f.name)
            if have.get(name, ())[1:4] != (f.at, f.size, f.kind):
                wrong.append("%s.%s: %s, not %s" % (m.name, f.name, have.get(name), f))
    report(not wrong, "tables: every message of version 2 is a prefix", "\n".join(wrong[:5]))


# ---- (b) rows

def message(rng, s, m, version, tail=0):
    """(bytes, cells of its row) as that version has it; tail: bytes of fields that are newer than all we know."""
    used = ends(m)[min(version, 7)]
    fields = [f for f in m.fields if f.at + f.size <= used]
    body, row = bytearray(used - 10), {}
    for f in fields:
        raw = sbe_xml.pack(f, sbe_xml.random_value(rng, f, names_of(s, f)))
        body[f.at - 10:f.at - 10 + f.size] = raw
        row[f.name] = sbe_xml.cell(f, raw, names_of(s, f))
    row.pop("reserved", None)
    body += rng.randbytes(tail)
    block = len(body)
    body += bytes(-(10 + block) % 8)
    row.update(template=str(m.template), message=m.name, version=str(version))
    return struct.pack("<5H", 10 + len(body), block, m.template, 1201, version) + bytes(body), row


def packet(seq, flags, messages, instrument=0, channel=44849, sending=1790000000123456789):
    return struct.pack("<qqHBBi", sending, seq, channel, flags, len(messages), instrument) + b"".join(messages)


HEAD = ("cap_ts_ns", "group", "port", "line", "channel", "packet_type", "seq", "msg_idx", "sending_time",
        "snapshotInstrumentId")


def row_problem(got, want):
    for k, v in got.items():
        if k not in HEAD and not sbe_xml.same(v, want.get(k, "")):
            return "%s: got %r, want %r (%s)" % (k, v, want.get(k, ""), want["message"])
    missing = [k for k in want if k not in got]
    return "no column for %s" % missing if missing else None


def some_message(rng, s, m=None):
    while m is None or m.template in (200, 202):
        m = rng.choice(list(s.messages.values()))
    version = rng.choice([v for v in (0, 1, 2, 5, 7, 7, 7, 9) if v >= min(ends(m))])
    return message(rng, s, m, version, rng.choice([0, 1, 8]) if version >= 7 else 0)


def rows(tool, s, rng):
    datagrams, want = [], []
    every = [m for m in s.messages.values() if m.template not in (200, 202)]
    for n in range(500):
        parts = [some_message(rng, s) for _ in range(rng.randrange(1, 7))]
        if n < len(every):
            parts.append(some_message(rng, s, every[n]))
        if n < 6:
            parts.append(message(rng, s, s.messages[200 + 2 * (n % 2)], 7))
        flags, seq, instrument = rng.choice([1, 2, 4, 5]), rng.randrange(2**40), rng.randrange(-5, 2**31)
        skip_n = rng.choice([0, 0, 0, rng.randrange(len(parts))])
        datagrams.append((GROUP, 5222, skip_n, 0, 0, packet(seq, flags, [p[0] for p in parts], instrument)))
        want.append((seq, flags, instrument, skip_n, [p[1] for p in parts]))
    results = tool.run("--rows", datagrams)
    problems, seen = [], set()
    for (lines, v), (seq, flags, instrument, skip_n, expected) in zip(results, want):
        snapshot = flags == 2
        if v["drop"] or v["seq"] != seq or v["count"] != len(expected) or v["snapshot"] != snapshot \
                or v["unordered"] != snapshot or len(lines) != len(expected) - skip_n:
            problems.append("%s for %d rows" % (v, len(expected)))
            continue
        for i, (got, row) in enumerate(zip(lines, expected[skip_n:])):
            head = [got[x] for x in HEAD[3:]]
            if head != ["A", "44849", TYPES[flags], str(seq + (0 if snapshot else skip_n + i)), str(skip_n + i),
                        "1790000000123456789", str(instrument) if snapshot else ""]:
                problems.append("head %s" % head)
            p = row_problem(got, row)
            problems += [p] if p else []
            seen.add((row["template"], row["version"]))
    report(not problems and len(results) == len(datagrams), "rows: %d datagrams, %d templates and versions" % (
        len(datagrams), len(seen)), "\n".join(problems[:5]))
    return [d[5] for d in datagrams]


def blocks(tool, s):
    """Every block length of every template: decoded where fields of some version end there, else refused."""
    datagrams, want = [], []
    for version in (2, 7, 8):
        for m in s.messages.values():
            if m.template in (200, 202):
                continue
            good = {x - 10 for x in ends(m).values()}
            for block in range(0, m.used + 12):
                ok = block in good or block >= m.used - 10
                body = bytes(block + -(10 + block) % 8)
                datagrams.append((GROUP, 5222, 0, 0, 0, packet(
                    1, 1 if m.template < 100 else 2,
                    [struct.pack("<5H", 10 + len(body), block, m.template, 1201, version) + body])))
                want.append((m.name if ok else "", m.template, block, version))
    problems = []
    bad = 0
    for (lines, v), (name, template, block, version) in zip(tool.run("--rows", datagrams), want):
        if len(lines) != 1 or lines[0]["message"] != name:
            problems.append("%d block %d version %d: %s" % (template, block, version, lines))
        if not name and v["bad"] != bad + 1:
            problems.append("%d block %d version %d: not refused" % (template, block, version))
        bad = v["bad"]
    report(not problems, "blocks: %d lengths" % len(want), "\n".join(problems[:5]))


# ---- (c) real captures

# What the captures' descriptions say of them.
TOLD = {
    "OrderDeleteMessage": [
        dict(channel="44849", seq="37426197", message="OrderDelete", orderId="43494942",
             flags="startOfTransaction"),
        dict(channel="44849", seq="37426198", message="OrderPut", side="SELL", quantity="23", price="32230000000",
             flags="endOfTransaction")],
    "OrderPutMessage": [
        dict(channel="44850", seq="9851123", message="OrderPut", side="BUY", quantity="6", price="91530000000",
             flags="startOfTransaction|endOfTransaction")],
    "StartOfOutrightInstrumentSnapshotMessage": [
        dict(packet_type="SNAPSHOT", message="StartOfOutrightInstrumentSnapshot", symbol="B5H22", contractSize="",
             logicalExpiry=""),
        dict(packet_type="SNAPSHOT", message="EndOfSnapshot", settlementPrice="", lastTradePrice="", lastTradeTime="",
             bestBidImpliedPrice="", nextAskImpliedPrice="", definitionFlags="")],
}


def judged(old, payload):
    """The rows of a datagram as the XML of its time says."""
    sending, seq, channel, flags, n, instrument = struct.unpack_from("<qqHBBi", payload)
    out, at = [], 24
    for i in range(n):
        frame, block, template, _, version = struct.unpack_from("<5H", payload, at)
        m = old.messages[template]
        row = dict(channel=str(channel), packet_type=TYPES[flags], seq=str(seq + (0 if flags == 2 else i)),
                   msg_idx=str(i), sending_time=str(sending), template=str(template), message=m.name,
                   version=str(version), snapshotInstrumentId=str(instrument) if flags == 2 else "")
        for f in m.fields:
            name = RENAMED.get(f.name, f.name)
            if f.at + f.size <= 10 + block and name != "reserved":
                row[name] = sbe_xml.cell(f, payload[at + f.at:at + f.at + f.size], names_of(old, f))
        out.append(row)
        at += frame
    return out if at == len(payload) else None


def captures(tool, old):
    for name, told in TOLD.items():
        path = os.path.join(SHARED, "captures", "cde_v1.2_%s.pcap" % name)
        if not os.path.exists(path):
            skip("capture: " + name, "no captures beside the project")
            continue
        (address, port, payload), = sbe_xml.pcap_payloads(path)
        want = judged(old, payload)
        report([{k: w[k] for k in t if k in w or t[k]} for w, t in zip(want, told)]
               == [{k: t[k] for k in t if k in w or t[k]} for w, t in zip(want, told)] and len(want) == len(told),
               "capture: the judge itself, " + name, want)
        (lines, v), = tool.run("--rows", [(address, port, 0, 0, 0, payload)])
        p = tripline("decode", path)
        piped = list(csv.DictReader(io.StringIO(p.stdout)))
        for how, got in (("", lines), ("tripline decode ", piped)):
            problems = [(k, x, w.get(k, "")) for g, w in zip(got, want) for k, x in g.items()
                        if k not in ("cap_ts_ns", "group", "port", "line") and x != w.get(k, "")]
            report(len(got) == len(want) and not problems and v["drop"] == v["bad"] == p.returncode == 0,
                   "capture: %s%s" % (how, name), problems[:5] or p.stderr[-500:])


# ---- messages out

def messages(tool):
    """A short story told by hand: snapshot over two packets and two lines, order, trade, funding, daily sequence."""
    def msg(template, body, version=7):
        block = len(body)
        body += bytes(-(10 + block) % 8)
        return struct.pack("<5H", 10 + len(body), block, template, 1201, version) + body

    def live(template, own, body, side=-128, flags=3, day=20000):
        return msg(template, struct.pack("<BbiIHhq", flags, side, 44, own, day, 0, 77) + body)

    def order(k, oid, price, qty):
        return msg(120, struct.pack("<Hiqqq", k, qty, 70, oid, price * 10**9))
    start = msg(110, struct.pack("<HI24s8s32sq8s8siiiHHHbb", 0, 10, b"BITZ26", b"BIT", b"Nano", 5 * 10**9, b"FFXXXX",
                                 b"USD", 1, 1, 3, 0, 0, 20000, 6, 1) + struct.pack("<q4h", 1000000, 0, 0, 0, 0))
    end = msg(122, struct.pack("<H", 4) + bytes(158))
    story = [
        (1, 100, 0, [live(43, 10, struct.pack("<qqqqqqB", 1, 65001 * 10**9, 65002 * 10**9, 3, -2**63, 0, 0))]),
        (2, 100, 44, [start, order(1, 1, 65000, 5)]),
        (2, 100, 44, [start]),
        (2, 100, 44, [order(2, 2, 65010, -7), order(3, 3, 65000, 2), end]),
        (1, 101, 0, [live(20, 11, struct.pack("<qqi", 4, 65001 * 10**9, 1), side=1, flags=1),
                     live(30, 12, struct.pack("<qqqqi", 9, 2, -2**63, 65010 * 10**9, 3), side=1, flags=0),
                     live(20, 13, struct.pack("<qqi", 2, 65010 * 10**9, 4), side=-1, flags=2)]),
        (1, 104, 0, []),
        (1, 104, 0, [live(21, 15, struct.pack("<q", 1), side=1)]),
        (1, 105, 0, [live(17, 1, struct.pack("<qqb", 1, 2, 2), day=20001)]),
    ]
    results = tool.run("--messages", [(GROUP, 5222, 0, 0, 0, packet(s, f, m, i)) for f, s, i, m in story])
    got = [[{k: v for k, v in (x.split("=", 1) for x in line.split(" "))} for line in lines] for lines, _ in results]
    contract = dict(kind="3", id="44", name="BITZ26", state="1", inst_kind="0", tick="5000000000e-9",
                    contract_size="1000000e-8")
    want = [
        [dict(kind="1", id="44", has="mark,index,state,", state="2", mark="65001000000000e-9", index="65002000000000e-9", ts="77")],
        [contract, dict(kind="6", id="44", has="state,", state="1")],
        [contract],
        [dict(kind="4", id="44", state="1", has="bid,ask,state,", bid="65000000000000e-9", bid_amount="7e0",
              ask="65010000000000e-9", ask_amount="7e0")],
        [dict(kind="5", id="44", has="last,state,amount,", last="65010000000000e-9", amount="3e0"),
         dict(kind="4", id="44", bid="65001000000000e-9", bid_amount="1e0", ask_amount="4e0")],
        [],
        [dict(kind="4", id="44", has="state,", state="2", bid=None, ask=None)],
        [dict(kind="6", id="44", state="2")],
    ]
    shape = [[{k: m.get(k) for k in w} for m, w in zip(ms, ws)] for ms, ws in zip(got, want)]
    report(shape == want and [len(x) for x in got] == [len(x) for x in want], "messages: what comes out of a session",
           "got %s\nwant %s" % (got, want))
    beat = results[5][1]
    report(beat["heartbeat"] == 1 and beat["seq"] == 104 and beat["count"] == 0, "messages: heartbeat", beat)


def command(s, rng):
    """tripline decode on lines A and B that cut the same messages into packets differently, each losing some: every
    message once, in order."""
    whole = [some_message(rng, s, rng.choice([m for m in s.messages.values() if m.template < 100]))
             for _ in range(400)]
    datagrams = []
    for line in range(2):
        at = 0
        while at < len(whole):
            n = rng.randrange(1, 5)
            lost = at % 50 < 8 if line == 0 else 20 <= at % 50 < 28
            if not lost or at == 0 or at + n >= len(whole):
                datagrams.append((at + n + 0.5 * line, (GROUP + 8 * line, 5222, packet(
                    9000 + at, 1, [x[0] for x in whole[at:at + n]]))))
            at += n
    datagrams.sort(key=lambda x: x[0])
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "cde.pcap")
        sbe_xml.write_pcap(path, [x[1] for x in datagrams])
        p = tripline("decode", "--stats", path)
    lines = list(csv.DictReader(io.StringIO(p.stdout)))
    problems = [x for x in (row_problem(g, w[1]) for g, w in zip(lines, whole)) if x]
    problems += [g["seq"] for i, g in enumerate(lines) if g["seq"] != str(9000 + i)]
    report(p.returncode == 0 and len(lines) == len(whole) and not problems,
           "decode: %d messages of two lines that cut them differently and lose some" % len(whole),
           "%d rows, exit %d, %s %s" % (len(lines), p.returncode, p.stderr[-900:], problems[:3]))


def numbered(raw, row, k):
    """The snapshot message with snapshotSeqNum k."""
    return raw[:10] + struct.pack("<H", k) + raw[12:], dict(row, snapshotSeqNum=str(k))


def unknown(rng):
    block = rng.randrange(40)
    body = rng.randbytes(block) + bytes(-(10 + block) % 8)
    row = dict(template=str(rng.choice([13, 99, 130, 999])), message="", version="8")
    return struct.pack("<5H", 10 + len(body), block, int(row["template"]), 1201, 8) + body, row


def one_snapshot(rng, s):
    start = s.messages[rng.choice([110, 111, 112])]
    parts = [some_message(rng, s, start)] + [some_message(rng, s, s.messages[120]) for _ in range(rng.randrange(12))] \
        + [some_message(rng, s, s.messages[122])]
    parts = [numbered(*x, k) for k, x in enumerate(parts)]
    return parts + [unknown(rng)] * (rng.random() < 0.2)


def cut(rng, whole, seq_of, flags, instrument, lose, sending=1790000000123456789):
    """The messages in packets of any number; those that `lose` says so of are missing: (place, payload)."""
    at, out = 0, []
    while at < len(whole):
        n = rng.randrange(1, 5)
        if not lose(at, n):
            out.append((at + min(n, len(whole) - at), packet(
                seq_of(at), flags, [x[0] for x in whole[at:at + n]], instrument, sending=sending)))
        at += n
    return out


def session(s, rng):
    """Live messages and three rounds of snapshots on lines A and B, which cut both as they like; in the first round each
    line loses some that the other has, in the others, where nothing has changed, none: rows are there once a round."""
    live = [some_message(rng, s, rng.choice([m for m in s.messages.values() if m.template < 100]))
            if rng.random() < 0.9 else unknown(rng) for _ in range(400)]
    datagrams, want, order = [], [], 0
    for line in range(2):
        for place, d in cut(rng, live, lambda at: 9000 + at, 1, 0,
                            lambda at, n: 0 < at < 390 and (at % 50 < 8 if line == 0 else 20 <= at % 50 < 28)):
            datagrams.append((place, line, GROUP + 8 * line, d))
    snapshots = {i: one_snapshot(rng, s) for i in range(1, 30)}
    for turn, after in enumerate((0, 10**9, 10**9 + 10**8)):
        for instrument, whole in snapshots.items():
            order += 5
            for line in range(2):
                lost = set() if turn else {k for k in range(len(whole)) if k % 2 == line and rng.random() < 0.3}
                for place, d in cut(rng, whole, lambda at: 9100, 2, instrument,
                                    lambda at, n: any(k in lost for k in range(at, at + n))
                                    and all(k % 2 == line for k in range(at, min(at + n, len(whole)))),
                                    1790000000123456789 + after):
                    datagrams.append((1000 * turn + order + place / 100, line, GROUP - 1 + 8 * line, d))
            want += [(turn, instrument, x[1]) for x in whole]
    datagrams.sort(key=lambda x: (x[0], x[1]))
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "cde.pcap")
        sbe_xml.write_pcap(path, [(g, 5222, d) for _, _, g, d in datagrams])
        p = tripline("decode", "--stats", path)
    lines = list(csv.DictReader(io.StringIO(p.stdout)))
    rows = [x for x in lines if x["packet_type"] == "INCREMENTAL_UPDATE"]
    problems = [x for x in (row_problem(g, w[1]) for g, w in zip(rows, live)) if x]
    problems += [g["seq"] for i, g in enumerate(rows) if g["seq"] != str(9000 + i)]
    snaps = {}
    for g in (x for x in lines if x["packet_type"] == "SNAPSHOT"):
        snaps.setdefault((g["snapshotInstrumentId"], g["template"], g["snapshotSeqNum"]), []).append(g)
    expected = {}
    for turn, instrument, row in want:
        expected.setdefault((str(instrument), row["template"], row.get("snapshotSeqNum", "")), []).append(row)
    for key, rows_of in expected.items():
        got = snaps.pop(key, [])
        problems += ["%s: %d times" % (key, len(got))] * (len(got) != len(rows_of))
        problems += [x for x in (row_problem(g, rows_of[0]) for g in got) if x]
    report(p.returncode == 0 and not problems and not snaps and len(rows) == len(live)
           and {x["line"] for x in lines if x["packet_type"] == "SNAPSHOT"} == {"A", "B"},
           "decode: a session on two lines that cut live messages and snapshots differently: %d and %d rows" % (
               len(live), len(want)), "%s %d rows %s" % (problems[:4], len(rows), p.stderr[-700:]))


def main():
    tool = sbe_xml.Tool(sys.argv[1])
    rng = sbe_xml.seeded(SEED)
    messages(tool)
    if all(os.path.exists(sbe_xml.schema_path(SHARED, x)) for x in (OLD, NEW)):
        old, new = schema_of(OLD), schema_of(NEW)
        tables(tool, old, new)
        packets = rows(tool, new, rng)
        blocks(tool, new)
        sbe_xml.damage(tool, packets[:40], rng, report, GROUP)
        command(new, rng)
        session(new, rng)
        captures(tool, old)
    else:
        for name in ("tables", "rows", "blocks", "damage", "decode", "captures"):
            skip(name, "no schemas beside the project")
    sbe_xml.foreign(tool, SHARED, report, skip)
    finish()


main()
