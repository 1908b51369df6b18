#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deribit Starbase against layouts computed from the venue's XML (sbe_xml.py). Prints TAP.

usage: test_decode_starbase.py PROGRAM   (the unit test's program). Environment: TRIPLINE, SHARED, SEED.
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

MAY, AUGUST = "Deribit.Starbase.MarketData.2102.v1.2026-05.xml", "Deribit.Starbase.MarketData.2102.v1.2026-08-07.xml"
GROUP_A = 0xe0000cc1
TYPES = {1: "INCREMENTAL_UPDATE", 2: "SNAPSHOT", 4: "RETRANSMIT", 5: "INCREMENTAL_UPDATE|RETRANSMIT"}
STATUS, TYPE, FLAGS, TRADE = "InstrumentStatus", "InstrumentType", "InstrumentFlags", "TradeFlags"


def i64(*names):
    return [(n, "int64", None) for n in names]


def price(*names):
    return [(n, "price", None) for n in names]


def version0():
    """Version 0's own layouts, of which there is no XML at hand: its fields in order, as published then."""
    order = i64("orderId", "instrumentId")
    put = order + i64("quantityMantissa") + price("price")
    snapshot = i64("instrumentId", "incrementalTimestamp", "incrementalSeqNum")
    lists = [
        ("Instrument", 10, i64("instrumentId") + [("symbol", "text64", None), ("name", "text128", None),
                                                  ("baseCurrency", "text8", None), ("quoteCurrency", "text8", None)]
         + price("baseIncrement", "tickSize", "strikePrice", "largeTickSize0", "largeTickThreshold0",
                 "largeTickSize1", "largeTickThreshold1") + i64("creationTime", "expiryTime")
         + [("logicalExpiry", "expiry", None), ("flags", "uint32", FLAGS), ("type", "int8", TYPE),
            ("status", "int8", STATUS), ("quantityExponent", "int8", None)]),
        ("TradingStatusUpdate", 12, i64("instrumentId") + [("tradingStatus", "int8", STATUS)]),
        ("InstrumentInfo", 13, i64("instrumentId") + price("minSellPrice", "maxBuyPrice", "indexPrice", "markPrice")),
        ("InstrumentRef", 14, i64("instrumentId") + [("currentFunding", "double", None), ("funding8h", "double", None)]
         + price("estimatedDeliveryPrice", "deliveryPrice", "settlementPrice")),
        ("BidPut", 20, put), ("AskPut", 21, put),
        ("BidQtyReduced", 22, order + i64("quantityMantissa")), ("AskQtyReduced", 23, order + i64("quantityMantissa")),
        ("BidDelete", 24, order), ("AskDelete", 25, order),
        ("TradeSummary", 30, i64("instrumentId", "takerOrderId", "totalFilledMantissa")
         + price("deepestPrice", "markPrice", "indexPrice")
         + [("impliedVolatility", "double", None), ("takerFlags", "uint32", TRADE)]),
        ("Trade", 31, i64("matchId", "instrumentId", "makerOrderId", "fillQtyMantissa") + price("fillPrice")
         + [("makerFlags", "uint32", TRADE)]),
        ("BlockTrade", 33, i64("matchId", "instrumentId", "blockTradeId", "blockRfqId", "fillQtyMantissa")
         + price("fillPrice", "markPrice", "indexPrice")
         + [("impliedVolatility", "double", None), ("takerFlags", "uint32", TRADE), ("numberOfLegs", "uint16", None)]),
        ("SnapshotHeader", 100, snapshot),
        ("SnapshotTrailer", 101, i64("instrumentId", "timestamp", "incrementSeqNum")),
        ("EndOfCycle", 119, [("activeInstrumentCount", "int32", None)]),
        ("RetransmitRequest", 200, i64("beginSeqNum") + [("messageCount", "uint8", None)]),
        ("RetransmitReject", 202, i64("retryDelayNanos") + [("details", "text40", None),
                                                            ("reason", "int8", "RetransmitRejectReason")]),
    ]
    return {t: sbe_xml.literal(n, t, 16, fields) for n, t, fields in lists}


def layouts(schemas):
    """[(version, message, bytes used)] of everything that a length may mean."""
    out = [(0, m, m.used) for m in version0().values()]
    had = {(t, m.used) for t, m in version0().items()}
    for s in schemas:
        out += [(1, m, m.used) for m in s.messages.values()]
        # The venue's sample says version 0 and has version 1's layouts; only the index (12) is not told from what
        # version 0 had.
        out += [(0, m, m.used) for m in s.messages.values() if m.template != 12 and (m.template, m.used) not in had]
    newest = schemas[-1].messages
    out += [(2, m, m.used) for m in newest.values() if m.template != 33]
    return out + [(2, newest[33], 104)]  # version 2: 88 bytes of body, of which the first 78 are known


# ---- (a) the tables

def tables(tool, schemas):
    c_layouts, names, headers, rest = sbe_xml.tables_of(tool.tables())
    for s in schemas:
        for which, composite in (("packet", "PacketHeader"), ("message", "mdMessageHeader")):
            fields, size = s.composites[composite]
            report(headers[which] == fields + [("-", size, 0)], "tables: %s of version %d" % (composite, s.version),
                   headers[which])
    s = schemas[-1]
    dims, dim_size = s.composites["groupSizeEncoding"]
    want = [["G", *map(str, [dims[0][1], dims[1][1], dim_size, *s.messages[10].groups])]]
    report(rest == want, "tables: groups", rest)
    for (name, is_set), values in names.items():
        key = next(k for k in s.names if (k[0] if name == "PacketHeader" else k[1]) == name
                   and (name != "flags" or k[0] == "mdMessageHeader"))
        report(s.names[key] == (is_set, values), "tables: names of " + name, (s.names[key], values))
    wrong, seen = [], set()
    for version, m, used in layouts(schemas):
        fits = [i for i, x in enumerate(c_layouts) if x[1] == m.template and x[2] <= version <= x[3] and x[4] == used]
        fields = [(f.name, f.at, f.size, f.kind, f.names) for f in m.fields]
        if len(fits) != 1:
            wrong.append("%s v%d %d: %d layouts" % (m.name, version, used, len(fits)))
            continue
        x = c_layouts[fits[0]]
        seen.add(fits[0])
        if x[0] != m.name or x[5] != len(m.groups) or [(*f[:4], f[5]) for f in x[6]] != fields:
            wrong.append("%s v%d: %s, not %s" % (m.name, version, x, fields))
    report(not wrong, "tables: every layout of the schemas, each offset, size, type", "\n".join(wrong[:5]))
    report(len(seen) == len(c_layouts), "tables: no layout that no schema has",
           [x[:5] for i, x in enumerate(c_layouts) if i not in seen])


# ---- (b) rows

class Builder:
    def __init__(self, rng, names):
        self.rng, self.names = rng, names

    def names_of(self, f):
        return self.names.get((None, f.names)) if f.names else None

    def message(self, version, m, used, pad=True, tail=0):
        """(bytes, cells of its row); tail: bytes of fields that are newer than all we know."""
        rng = self.rng
        body = bytearray(used - 16)
        row = {}
        for f in m.fields:
            raw = sbe_xml.pack(f, sbe_xml.random_value(rng, f, self.names_of(f)))
            body[f.at - 16:f.at - 16 + f.size] = raw
            row[f.name] = sbe_xml.cell(f, raw, self.names_of(f))
        for size, column in zip(m.groups, ("largeTickSizes", "legs")):
            n, extra = rng.randrange(4), rng.choice([0, 0, 5])
            body += struct.pack("<HH", size + extra, n)
            entries = []
            for _ in range(n):
                pair = rng.randrange(-9, 2**40), rng.randrange(-9, 9)
                body += struct.pack("<q" + ("q" if size == 16 else "b"), *pair) + bytes(extra)
                entries.append("%d:%d" % pair)
            row[column] = "|".join(entries)
        body += rng.randbytes(tail)
        if pad:
            body += bytes(-len(body) % 8)
        flags, time = rng.randrange(4), rng.randrange(2**62)
        row.update(template=str(m.template), message=m.name, version=str(version), transact_time=str(time),
                   msg_flags="|".join(n for b, n in ((1, "startOfTransaction"), (2, "endOfTransaction")) if flags & b))
        return struct.pack("<HHHHq", 16 + len(body), m.template, version, flags, time) + bytes(body), row


def packet(seq, kind, messages, channel=44849, sending=1790000000123456789, count=None):
    return struct.pack("<qqiHH", sending, seq, channel, kind, len(messages) if count is None else count) \
        + b"".join(messages)


def row_problem(got, want, always):
    """None, or what differs; columns that are not spoken of must be empty."""
    for k, v in got.items():
        w = want.get(k, "")
        if k not in always and not sbe_xml.same(v, w):
            return "%s: got %r, want %r (%s)" % (k, v, w, want["message"])
    missing = [k for k in want if k not in got]
    return "no column for %s" % missing if missing else None


HEAD = ("cap_ts_ns", "group", "port", "line", "channel", "packet_type", "seq", "msg_idx", "sending_time")


def rows(tool, schemas, rng):
    b = Builder(rng, schemas[-1].names)
    kinds = layouts(schemas)
    datagrams, want = [], []
    for n in range(600):
        parts = [b.message(*rng.choice(kinds), pad=rng.random() < 0.8) for _ in range(rng.randrange(1, 7))]
        if n < len(kinds):
            parts[0] = b.message(*kinds[n])
        if int(parts[0][1]["template"]) in (200, 202):
            parts.insert(0, b.message(1, schemas[-1].messages[12], 32))
        seq, kind, skip_n = rng.randrange(2**40), rng.choice([1, 2, 4, 5]), rng.randrange(len(parts))
        skip_n = 0 if rng.random() < 0.7 else skip_n
        datagrams.append((GROUP_A + rng.choice([0, 16, 32, 48]), 4220, skip_n, 0, 0,
                          packet(seq, kind, [p[0] for p in parts])))
        want.append((seq, kind, skip_n, [p[1] for p in parts]))
    results = tool.run("--rows", datagrams)
    problems, seen = [], set()
    for d, (lines, v), (seq, kind, skip_n, expected) in zip(datagrams, results, want):
        line = (d[0] - GROUP_A) // 16 % 2
        if v["drop"] or v["seq"] != seq or v["count"] != len(expected) or v["snapshot"] != (kind == 2) \
                or v["line"] != line or len(lines) != len(expected) - skip_n:
            problems.append("%s for %d rows" % (v, len(expected)))
            continue
        for i, (got, row) in enumerate(zip(lines, expected[skip_n:])):
            head = [got[x] for x in HEAD[3:]]
            if head != ["AB"[line], "44849", TYPES[kind], str(seq + skip_n + i), str(skip_n + i),
                        "1790000000123456789"]:
                problems.append("head %s" % head)
            p = row_problem(got, row, HEAD)
            problems += [p] if p else []
            seen.add((row["template"], row["version"]))
    report(not problems and len(results) == len(datagrams), "rows: %d datagrams, %d templates and versions" % (
        len(datagrams), len(seen)), "\n".join(problems[:5]))
    return [d[5] for d in datagrams]


def lengths(tool, schemas):
    """Every length from the header up: decoded where it is a layout's, else refused, and never another layout."""
    fits = {}
    for version, m, used in layouts(schemas):
        used += 4 * len(m.groups)
        for n in {used, used + (-used % 8)}:
            fits[(version, m.template, n)] = m.name
    # In versions above 2 fields may have been appended to the newest layouts.
    for version, m, used in [x for x in layouts(schemas) if x[0] == 2]:
        if m.groups:
            used += 4 * len(m.groups)
            fits.update({(3, m.template, n): m.name for n in {used, used + (-used % 8)}})
        else:
            fits.update({(3, m.template, n): m.name for n in range(used, 400)})
    known = {(v, m.template) for v, m, _ in layouts(schemas)} | {(3, m.template) for m in schemas[-1].messages.values()}
    datagrams, want = [], []
    for version in (0, 1, 2, 3):
        for template in range(1, 210):
            if template in (200, 202):
                continue
            sizes = range(16, 340) if (version, template) in known else (16, 32, 48)
            for n in sizes:
                m = struct.pack("<HHHHq", n, template, version, 3, 5) + bytes(n - 16)
                datagrams.append((GROUP_A, 4220, 0, 0, 0, packet(1, 1, [m])))
                want.append((version, template, n))
    bad = unknown = 0
    problems = []
    for (lines, v), key in zip(tool.run("--rows", datagrams), want):
        name = fits.get(key, "")
        if len(lines) != 1 or lines[0]["message"] != name:
            problems.append("%s: %s" % (key, lines))
        # Id 0 is nobody's: such messages are refused too, but not their layout; only rows are looked at for them.
        if key[:2] in known and not name and v["bad"] != bad + 1:
            problems.append("%s: not refused" % (key,))
        if key[:2] not in known and v["unknown"] != unknown + 1:
            problems.append("%s: not counted as unknown" % (key,))
        bad, unknown = v["bad"], v["unknown"]
    report(not problems, "lengths: %d of them" % len(want), "\n".join(problems[:5]))


# ---- messages out

def messages(tool):
    """A short story told by hand: definition, index, mark, book, trade, gap, join."""
    def msg(template, body, version=1, flags=3, time=77):
        body += bytes(-len(body) % 8)
        return struct.pack("<HHHHq", 16 + len(body), template, version, flags, time) + body
    definition = struct.pack("<q128sq64s8s8sqqqqbbBb", 501, b"ETH-PERPETUAL", 9, b"ETH", b"ETH", b"USD", -2**63, -2**63,
                             1, 50000000, -3, 0, 4, 0) + struct.pack("<HHHH", 16, 0, 9, 0)
    put = struct.Struct("<qqqqq")
    story = [
        (1, 100, [msg(10, definition), msg(11, struct.pack("<q128s", 9, b"eth_usd")),
                  msg(12, struct.pack("<qq", 9, 3000 * 10**9)),
                  msg(14, struct.pack("<qqqq", 501, 1, 2, 3001 * 10**9))]),
        (2, 7, [msg(100, struct.pack("<qqq", 501, 5, 103)), msg(20, put.pack(1, 501, 25, 2999 * 10**9, 1)),
                msg(21, put.pack(2, 501, 30, 3002 * 10**9, 2)), msg(101, struct.pack("<qqq", 501, 5, 103))]),
        (1, 104, [msg(30, struct.pack("<qqqqqqiI", 501, 8, 25, 2999 * 10**9, -2**63, 3000 * 10**9, 1, 3), flags=1),
                  msg(31, struct.pack("<qqqqqI", 4, 501, 1, 25, 2999 * 10**9, 0), flags=0),
                  msg(24, struct.pack("<qq", 1, 501), flags=2)]),
        (1, 107, []),
        (1, 107, [msg(16, struct.pack("<qb", 501, 5))]),
    ]
    results = tool.run("--messages", [(GROUP_A, 4220, 0, 0, 0, packet(s, k, m)) for k, s, m in story])
    got = [[{k: v for k, v in (x.split("=", 1) for x in line.split(" "))} for line in lines] for lines, _ in results]
    want = [
        [dict(kind="3", id="501", has="state,", state="1", inst_kind="0", inst_type="2", index_id="9",
              tick="50000000e-9", name="ETH-PERPETUAL"),
         dict(kind="2", id="9", has="index,", index="3000000000000e-9", name="eth_usd"),
         dict(kind="1", id="501", has="mark,state,", state="1", mark="3001000000000e-9", ts="77", name="")],
        [dict(kind="4", id="501", state="1", has="bid,ask,state,", bid="2999000000000e-9", bid_amount="25e-3",
              ask="3002000000000e-9", ask_amount="30e-3")],
        [dict(kind="5", id="501", state="1", has="index,last,state,liquidation,", last="2999000000000e-9",
              index="3000000000000e-9"),
         dict(kind="5", id="501", state="1", has="last,state,amount,", amount="25e-3"),
         dict(kind="4", id="501", has="ask,state,", ask="3002000000000e-9", ask_amount="30e-3")],
        [],
        [dict(kind="6", id="501", has="state,", state="2")],
    ]
    shape = [[{k: m.get(k) for k in w} for m, w in zip(ms, ws)] for ms, ws in zip(got, want)]
    report(shape == want and [len(x) for x in got] == [len(x) for x in want], "messages: what comes out of a session",
           "got %s\nwant %s" % (got, want))
    beat = results[3][1]
    report(beat["heartbeat"] == 1 and beat["seq"] == 107 and beat["count"] == 0, "messages: heartbeat", beat)


# ---- the command

def command(schemas, rng):
    """tripline decode on a capture file: the same rows as the tool's, through the arbiter."""
    b = Builder(rng, schemas[-1].names)
    kinds = [x for x in layouts(schemas) if x[1].template not in (200, 202)]
    datagrams, want, seq = [], [], 5000
    for n in range(120):
        parts = [b.message(*rng.choice(kinds)) for _ in range(rng.randrange(1, 5))]
        line = 0 if n < 60 else 1  # the venue fails over to line B
        datagrams.append((GROUP_A + 16 * line, 4220, packet(seq, 1, [p[0] for p in parts])))
        want += [dict(p[1], seq=str(seq + i), line="AB"[line]) for i, p in enumerate(parts)]
        seq += len(parts)
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "starbase.pcap")
        sbe_xml.write_pcap(path, datagrams)
        p = tripline("decode", path)
    lines = list(csv.DictReader(io.StringIO(p.stdout)))
    problems = [x for x in (row_problem(g, {k: v for k, v in w.items() if k not in ("seq", "line")}, HEAD)
                            for g, w in zip(lines, want)) if x]
    problems += [(g["seq"], g["line"]) for g, w in zip(lines, want) if (g["seq"], g["line"]) != (w["seq"], w["line"])]
    report(p.returncode == 0 and len(lines) == len(want) and not problems,
           "decode: %d rows of a capture, over a failover" % len(want),
           "%d rows, exit %d, %s %s" % (len(lines), p.returncode, p.stderr[-500:], problems[:3]))


def unknown(rng):
    body = rng.randbytes(8 * rng.randrange(6))
    row = dict(template=str(rng.choice([77, 150, 999])), message="", version="1", msg_flags="", transact_time="5")
    return struct.pack("<HHHHq", 16 + len(body), int(row["template"]), 1, 0, 5) + body, row


def live_session(rng, one, channel, group):
    """A channel's live datagrams over a failover, with losses, retransmissions that fill some of them, heartbeats that
    show some; (datagrams, rows, numbers lost)."""
    out, rows, seq, lost = [], [], 1000 * channel, 0
    for n in range(300):
        line = 0 if n < 150 else 16
        parts = [one() for _ in range(rng.randrange(1, 6))]
        d = packet(seq, 1, [p[0] for p in parts], channel)
        what = rng.random() if 3 < n < 290 and n != 150 else 1
        if what < 0.04:  # lost, and shown by the next one or by a heartbeat
            if rng.random() < 0.5:
                out.append((group + line, 4220, packet(seq + len(parts), 1, [], channel)))
            lost += len(parts)
        else:
            if what < 0.08:  # lost, but sent again by request after the one that follows
                late = [(0x0a000009, 4240, packet(seq, rng.choice([4, 5]), [p[0] for p in parts], channel))]
            else:
                late = []
                out.append((group + line, 4220, d))
            name = "B" if line and not late else "A"
            rows += [dict(p[1], seq=str(seq + i), line=name, channel=str(channel)) for i, p in enumerate(parts)]
            if late:
                seq += len(parts)
                parts = [one() for _ in range(2)]
                out.append((group + line, 4220, packet(seq, 1, [p[0] for p in parts], channel)))
                out += late
                rows += [dict(p[1], seq=str(seq + i), line="AB"[line // 16], channel=str(channel))
                         for i, p in enumerate(parts)]
        seq += len(parts)
        if rng.random() < 0.1:
            out.append((group + line, 4220, packet(seq, 1, [], channel)))
        if n == 150:  # the first of the other line come again
            out.append((group + line, 4220, d))
    return out, rows, lost


def session(schemas, rng):
    """Two channels, each live and snapshots, mixed: versions 0 to 4, padded or not, appended fields, unknown templates."""
    b = Builder(rng, schemas[-1].names)
    kinds = [x for x in layouts(schemas) if x[1].template not in (200, 202)]
    newest = [m for m in schemas[-1].messages.values() if m.template not in (200, 202, 33) and not m.groups]

    def one():
        what = rng.random()
        if what < 0.1:
            return unknown(rng)
        if what < 0.3:
            m = rng.choice(newest)
            return b.message(rng.randrange(3, 5), m, m.used, rng.random() < 0.5, rng.randrange(30))
        return b.message(*rng.choice(kinds), pad=rng.random() < 0.7)
    streams, want, lost = [], {}, 0
    for k, channel in enumerate((44849, 44851)):
        live, rows, n = live_session(rng, one, channel, GROUP_A + 2 * k)
        lost += n
        want[(channel, 1)] = rows
        snaps, rows, seq = [], [], 70000
        for _ in range(100):
            parts = [one() for _ in range(rng.randrange(1, 4))]
            snaps.append((GROUP_A - 1 + 2 * k, 4230, packet(seq, 2, [p[0] for p in parts], channel)))
            rows += [dict(p[1], seq=str(seq + i), line="A", channel=str(channel)) for i, p in enumerate(parts)]
            seq += len(parts)
        want[(channel, 2)] = rows
        streams += [live, snaps]
    datagrams = []
    while any(streams):
        datagrams.append(rng.choice([s for s in streams if s]).pop(0))
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "starbase.pcap")
        sbe_xml.write_pcap(path, datagrams)
        p = tripline("decode", "--stats", path)
    got = {}
    for x in csv.DictReader(io.StringIO(p.stdout)):
        got.setdefault((int(x["channel"]), 2 if x["packet_type"] == "SNAPSHOT" else 1), []).append(x)
    problems = []
    for key, rows in want.items():
        have = got.get(key, [])
        problems += ["%s: %d rows, not %d" % (key, len(have), len(rows))] * (len(have) != len(rows))
        for g, w in zip(have, rows):
            cells = {k: v for k, v in w.items() if k not in ("seq", "line", "channel")}
            bad = row_problem(g, cells, HEAD + (("msg_flags", "transact_time") if not w["message"] else ()))
            if bad or (g["seq"], g["line"], g["channel"]) != (w["seq"], w["line"], w["channel"]):
                problems.append("%s: %s %s %s" % (key, w["seq"], w["line"], bad))
    counted = [x.split()[-1] for x in p.stderr.splitlines() if x.split()[:1] == ["missing"]]
    report(p.returncode == 0 and not problems and counted == [str(lost)] and lost > 0,
           "decode: a session of %d rows, %d messages lost" % (sum(map(len, want.values())), lost),
           "%s %s %s" % (problems[:4], counted, p.stderr[-900:]))


def main():
    tool = sbe_xml.Tool(sys.argv[1])
    rng = sbe_xml.seeded(SEED)
    messages(tool)
    paths = [sbe_xml.schema_path(SHARED, x) for x in (MAY, AUGUST)]
    if all(os.path.exists(x) for x in paths):
        schemas = [sbe_xml.Schema(x, 16) for x in paths]
        tables(tool, schemas)
        packets = rows(tool, schemas, rng)
        lengths(tool, schemas)
        sbe_xml.damage(tool, packets[:60], rng, report)
        command(schemas, rng)
        session(schemas, rng)
    else:
        for name in ("tables", "rows", "lengths", "damage", "decode"):
            skip(name, "no schemas beside the project")
    sbe_xml.foreign(tool, SHARED, report, skip,
                    ["cde_v1.2_%s.pcap" % x for x in ("OrderDeleteMessage", "OrderPutMessage",
                                                      "StartOfOutrightInstrumentSnapshotMessage")])
    finish()


main()
