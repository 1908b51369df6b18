#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline decode on CME captures of every make: file formats, link layers, tags, lines and channels on any address,
recovery feeds in the same file, cut frames. All are made of the real capture, and judged by the reader that is
generated from the XMLs.

Prints TAP. Environment: TRIPLINE (binary), SHARED (schemas, captures; skipped where they are missing), SEED.
"""
import csv
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cme_reader as reader  # noqa: E402
from keeper import SEED, TRIPLINE, finish, report, skip, tripline  # noqa: E402
from test_decode_cme import CAPTURE, SCHEMAS, build_message, decode, difference  # noqa: E402

A, B = ("224.0.31.11", 14320, "10.0.0.1"), ("224.0.32.11", 15320, "10.0.0.1")
PACKETS = 1200  # of the real capture, both lines
ETHERNET, RAW, SLL, IPV4, SLL2 = 1, 101, 113, 228, 276


class Packet:
    """A datagram on its way: time, payload, where it is sent; line and channel only for the expectation."""

    def __init__(self, ts, payload, to, channel=320):
        self.ts, self.payload, self.to, self.channel = ts, payload, to, channel


# ---- writing captures

def ip_of(p):
    group, port, source = p.to
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(p.payload), 0, 0x4000, 9, 17, 0,
                       bytes(map(int, source.split("."))), bytes(map(int, group.split("."))))
    return head + struct.pack(">HHHH", 9, port, 8 + len(p.payload), 0) + p.payload


def wrap(p, link, tags=()):
    """The frame: tags are the types of its VLAN tags, outermost first."""
    kinds = [*tags, 0x0800]
    behind = b"".join(struct.pack(">HH", 905, k) for k in kinds[1:])
    ip = ip_of(p)
    if link in (RAW, IPV4):
        return ip
    if link == SLL:
        return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kinds[0]) + behind + ip
    if link == SLL2:
        return struct.pack(">HHIHBB8s", kinds[0], 0, 3, 1, 0, 6, bytes(8)) + behind + ip
    return bytes(12) + struct.pack(">H", kinds[0]) + behind + ip


def pcap(path, frames, link=ETHERNET, order="<", nano=True):
    """frames: (ns, bytes kept, length on the wire)"""
    with open(path, "wb") as f:
        f.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
        for ts, data, wire in frames:
            f.write(struct.pack(order + "IIII", ts // 10**9, ts % 10**9 // (1 if nano else 1000), len(data), wire) + data)


def pcapng(path, frames, link=ETHERNET, order="<", nano=True):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))
    with open(path, "wb") as f:
        f.write(block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)))
        resolution = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0) if nano else b""
        f.write(block(1, struct.pack(order + "HHI", link, 0, 0) + resolution))
        for ts, data, wire in frames:
            t = ts if nano else ts // 1000
            f.write(block(6, struct.pack(order + "IIIII", 0, t >> 32, t & 0xFFFFFFFF, len(data), wire) + data))


# ---- what is expected

def expected(schemas, packets, unit=1):
    """{channel: rows}: of each live number the first copy in the file, in the order of the numbers; recovery datagrams
    (Packet.channel is a tuple then) as they come."""
    out, best = {}, {}
    for p in packets:
        seq = struct.unpack_from("<I", p.payload)[0]
        key = (p.channel, seq)
        if isinstance(p.channel, int) and key not in best:
            best[key] = p
    for (channel, _), p in sorted(best.items(), key=lambda b: b[0]):
        rows = reader.rows_of(schemas, p.payload, p.ts // unit * unit, p.to[0], p.to[1])
        out.setdefault(channel, []).extend([str(channel)] + r[1:] for r in rows)
    return out


def by_channel(rows):
    out = {}
    for r in rows:
        out.setdefault(int(r[0]), []).append(r)
    return out


def compare(schemas, name, path, packets, keys=None, unit=1):
    """keys: what the decoder may call each channel, where that is not its number."""
    rows, status, errors = decode(path)
    got, want = by_channel(rows), expected(schemas, packets, unit)
    wrong = []
    for channel, w in want.items():
        fits = (keys or {}).get(channel, lambda k, c=channel: k == c)
        mine = [k for k in got if fits(k)]
        diff = difference([r[1:] for k in mine for r in got.pop(k)], [r[1:] for r in w])
        if diff or len(mine) != 1:
            wrong.append("channel %s as %s: %s" % (channel, mine, diff))
    if got:
        wrong.append("channels nobody sent: %s" % sorted(got))
    report(status == 0 and not wrong and want, "%s, %d rows" % (name, sum(map(len, want.values()))),
           wrong[:2] or "status %d: %s" % (status, errors))


def frames(packets, link=ETHERNET, tags=()):
    out = []
    for p in packets:
        data = wrap(p, link, tags)
        out.append((p.ts, data, len(data)))
    return out


def real():
    """The capture's first packets: both lines in the file's order."""
    out = []
    for ts, link, data, wire in reader.deribit_reader.records(CAPTURE):
        group, port, payload, _ = reader.datagram(link, data, wire)
        out.append(Packet(ts, payload, A if port == A[1] else B))
        assert group in (A[0], B[0])
        if len(out) == PACKETS:
            return out
    return out


def readdress(packets, a, b, channel=320):
    return [Packet(p.ts, p.payload, a if p.to == A else b, channel) for p in packets]


def another(packets, seq=0, ids=5_000_000, later=700, channel=321):
    """A second channel: other numbers, times and instruments, the same kinds of messages."""
    out = []
    for p in packets:
        data = bytearray(p.payload)
        number, sent = struct.unpack_from("<IQ", data)
        struct.pack_into("<IQ", data, 0, number + seq, sent + later)
        at = 12
        while at < len(data):
            size, block, template = struct.unpack_from("<HHH", data, at)
            if template in (32, 42):
                n = data[at + 10 + block + 2]
                for e in range(n):
                    where = at + 10 + block + 3 + 32 * e + 12
                    struct.pack_into("<i", data, where, struct.unpack_from("<i", data, where)[0] + ids)
            at += size
        out.append(Packet(p.ts + later, bytes(data), p.to, channel))
    return out


def merged(*streams):
    return sorted((p for s in streams for p in s), key=lambda p: p.ts)


# ---- tests

def formats(schemas, where, packets):
    for write, kind in ((pcap, "pcap"), (pcapng, "pcapng")):
        for order in "<>":
            for nano in (True, False):
                path = os.path.join(where, kind)
                write(path, frames(packets), order=order, nano=nano)
                compare(schemas, "%s, %s-endian, %s" % (kind, "little" if order == "<" else "big", "ns" if nano else "us"),
                        path, packets, unit=1 if nano else 1000)


def links(schemas, where, packets):
    path = os.path.join(where, "links.pcap")
    q = (0x8100,), (0x9100,), (0x88A8, 0x8100), (0x9100, 0x8100), (0x8100, 0x8100)
    cases = [(ETHERNET, "Ethernet", t) for t in ((), *q)] + [(RAW, "raw IP", ()), (IPV4, "IPv4", ())]
    cases += [(k, n, t) for k, n in ((SLL, "SLL"), (SLL2, "SLL2")) for t in ((), q[0], q[2])]
    for link, name, tags in cases:
        pcap(path, frames(packets, link, tags), link)
        compare(schemas, "%s, tags %s" % (name, " ".join("%04x" % t for t in tags) or "none"), path, packets)


def lines(schemas, where, packets):
    path = os.path.join(where, "lines.pcap")
    for name, to in (("A", A), ("B", B)):
        only = [p for p in packets if p.to == to]
        pcap(path, frames(only))
        compare(schemas, "line %s alone" % name, path, only)
    g, h, src = "239.1.1.7", "239.1.1.9", "10.9.9.9"
    cases = (("groups that are not CME's", (g, 14320, A[2]), (h, 15320, A[2]), 320),
             ("one port, two groups", (g, 14320, A[2]), (h, 14320, A[2]), 320),
             ("one port and group, two senders", (g, 14320, A[2]), (g, 14320, src), 320),
             ("ports of two channels", (g, 14320, A[2]), (h, 14321, A[2]), 320),
             ("ports that are not CME's", (g, 30001, A[2]), (h, 30002, A[2]), 30001),
             ("one such port, two groups", (g, 30001, A[2]), (h, 30001, A[2]), 30001),
             ("one such port, .31 and .32", (A[0], 30001, A[2]), (B[0], 30001, A[2]), 30001),
             ("two such ports, two senders, one group", (g, 30001, A[2]), (g, 30002, src), 30001),
             ("A's port is CME's, B's not", (g, 14320, A[2]), (h, 30002, A[2]), 320))
    for name, a, b, channel in cases:
        mine = readdress(packets, a, b, channel)
        for lead, first in (("from the first copy on", 0), ("begun between two copies", 3)):
            gone = {struct.unpack_from("<I", p.payload)[0] for p in mine[:2 * first]}
            some = [p for p in mine if p.to == b or struct.unpack_from("<I", p.payload)[0] not in gone]
            pcap(path, frames(some))
            keys = {channel: lambda k, c=channel: k in (c, b[1], b[1] - 14000)}
            compare(schemas, "A and B: %s, %s" % (name, lead), path, some, keys)


def piped(schemas, where, packets):
    """What can be read only once, as on a port: nothing is known of later datagrams."""
    path = os.path.join(where, "piped.pcap")
    mine = readdress(packets, ("239.1.1.7", 30001, A[2]), ("239.1.1.9", 30002, A[2]), 30001)
    pcap(path, frames(mine))
    with open(path, "rb") as f:
        p = subprocess.run([TRIPLINE, "decode", "-"], stdin=f, capture_output=True, text=True, timeout=240)
    got = [r[1:] for r in csv.reader(p.stdout.splitlines()[1:])]
    want = [r[1:] for r in next(iter(expected(schemas, mine).values()))]
    diff = difference(got, want)
    report(p.returncode == 0 and diff is None, "A and B on unknown ports through a pipe, %d rows" % len(want), diff)


def gaps(path):
    p = tripline("decode", "--stats", "-o", os.devnull, path)
    return int(re.search(r"^gaps\s+(\d+)", p.stderr, re.M).group(1)), p.stderr


def lagging(schemas, where, packets):
    """B far behind, on addresses that say nothing, A losing datagrams: B's are used, as on CME's own addresses."""
    path = os.path.join(where, "lag.pcap")
    a, b = ("239.1.1.7", 30001, A[2]), ("239.1.1.9", 30002, A[2])
    mine = [Packet(p.ts + 20_000_000 * (p.to == b), p.payload, p.to, p.channel)
            for i, p in enumerate(readdress(packets, a, b, 30001)) if p.to == b or i % 50 != 49]
    mine = merged(mine)
    pcap(path, frames(mine))
    keys = {30001: lambda k: k in (30001, 30002)}
    compare(schemas, "B 20 ms behind on unknown ports, losses on A are none", path, mine, keys)
    report(gaps(path)[0] == 0, "no gap in that", gaps(path)[1][-600:])


def channels(schemas, where, packets):
    path = os.path.join(where, "channels.pcap")
    g, src = ["239.1.1.%d" % i for i in range(6)], A[2]
    fresh = {321: lambda k: k >= 60000}
    cases = (
        ("CME's ports", A, B, ("224.0.31.12", 14321, src), ("224.0.32.12", 15321, src), 320, {}),
        ("one port, four groups", (g[0], 14320, src), (g[1], 14320, src), (g[2], 14320, src), (g[3], 14320, src), 320,
         fresh),
        ("CME's group and port of A and of B are two channels", A, A, B, B, 320, fresh),
        ("ports that are not CME's", (g[0], 30001, src), (g[1], 30002, src), (g[2], 30003, src), (g[3], 30004, src),
         30001, {321: lambda k: k in (30003, 30004), 30001: lambda k: k in (30001, 30002)}),
        ("one such port", (g[0], 30001, src), (g[1], 30001, src), (g[2], 30001, src), (g[3], 30001, src), 30001, fresh),
        ("one such port and group, four senders", (g[0], 30001, src), (g[0], 30001, "10.0.0.2"),
         (g[0], 30001, "10.0.0.3"), (g[0], 30001, "10.0.0.4"), 30001, fresh))
    for name, a, b, c, d, channel, keys in cases:
        for how, seq in (("equal numbers", 0), ("numbers far apart", 7_000_000), ("numbers 5 apart", 5)):
            first = readdress(packets, a, b, channel)
            second = [Packet(p.ts, p.payload, c if p.to == A else d, 321) for p in another(packets, seq)]
            mine = merged(first, second)
            pcap(path, frames(mine))
            compare(schemas, "two channels, %s, %s" % (name, how), path, mine, keys)


def feeds(schemas, where, packets, rng):
    """Snapshots, definitions and orders in the same file as the live feed, on CME's groups and on others."""
    path = os.path.join(where, "feeds.pcap")
    heartbeat = struct.pack("<5H", 10, 0, 12, 1, 9)
    layouts = (("CME's groups", A, ("224.0.31.32", 14320), ("224.0.31.53", 14320), ("233.72.75.11", 23320), 320),
               ("other groups", ("239.1.1.1", 14320, A[2]), ("239.1.1.2", 14320), ("239.1.1.3", 14320),
                ("239.1.1.4", 23320), 320),
               ("one group for all", ("239.1.1.1", 14320, A[2]), ("239.1.1.1", 14320), ("239.1.1.1", 14320),
                ("239.1.1.1", 14320), 320),
               ("unknown ports", ("239.1.1.1", 30001, A[2]), ("239.1.1.2", 30002), ("239.1.1.3", 30003),
                ("239.1.1.4", 30004), 30001))
    for name, live, books, definitions, orders, channel in layouts:
        mine, extra, seqs = [], [], {}
        for p in packets:
            if p.to != A:
                continue
            mine.append(Packet(p.ts, p.payload, live, channel))
            to, ids = rng.choice(((books, (38, 52)), (definitions, (27, 54, 55, 56)), (orders, (44, 53)), (live[:2], (43, 47))))
            if to == live[:2] and ids == (43, 47):
                continue  # of the live feed: it would need a number there
            seq = seqs[to] = seqs.get(to, 0) % 40 + 1
            version = 9
            body = build_message(rng, schemas.message(ids[-1] if version > 8 else ids[0], version), version)
            if ids[0] == 27:
                body = body[:11] + struct.pack("<I", 40) + body[15:]  # TotNumReports
            if rng.random() < 0.2 and name != "one group for all":
                body = heartbeat
            head = struct.pack("<IQ", seq, p.ts)
            extra.append(Packet(p.ts + 1, head + body, (*to, A[2])))
        pcap(path, frames(merged(mine, extra)))
        rows, status, errors = decode(path)
        want = [r for rows in expected(schemas, mine).values() for r in rows]
        for p in extra:
            want += reader.rows_of(schemas, p.payload, p.ts, p.to[0], p.to[1])
        key = lambda r: (int(r[4]), int(r[5]), int(r[8]))  # noqa: E731
        diff = difference(sorted(([*r[1:]] for r in rows), key=lambda r: key([0] + r)),
                          sorted(([*r[1:]] for r in want), key=lambda r: key([0] + r)))
        lost, text = gaps(path)
        report(status == 0 and diff is None and lost == 0,
               "live, snapshots, definitions, orders and their heartbeats on %s, %d rows" % (name, len(want)),
               diff or text[-900:] + errors)


def cut(schemas, where, packets):
    """A capture that kept too little of some packets: whole where the other line has them, else missing."""
    path = os.path.join(where, "cut.pcap")
    for name, both in (("A", False), ("both lines", True)):
        out, mine, seen = [], [], 0
        for p in packets:
            data = wrap(p, ETHERNET)
            number = struct.unpack_from("<I", p.payload)[0]
            short = number % 9 == 4 and (both or p.to == A)
            seen += short
            out.append((p.ts, data[:len(data) - 1 - number % 60] if short else data, len(data)))
            if not short:
                mine.append(p)
        pcap(path, out)
        compare(schemas, "%d frames cut off on %s" % (seen, name), path, mine)
        text = gaps(path)[1]
        report("ignored truncated          %d" % seen in text, "they are counted", text[-600:])


def main():
    if not os.path.exists(CAPTURE) or not os.path.exists(os.path.join(SCHEMAS, "Cme.Futures.Mdp3.Sbe.v1.13.xml")):
        skip("CME captures of every make", "no captures or no schema XMLs beside the project")
        finish()
    schemas, rng = reader.Schemas(SCHEMAS), random.Random(SEED)
    print("# SEED=%d" % SEED)
    packets = real()
    with tempfile.TemporaryDirectory() as where:
        formats(schemas, where, packets)
        links(schemas, where, packets)
        lines(schemas, where, packets)
        piped(schemas, where, packets)
        lagging(schemas, where, packets)
        channels(schemas, where, packets)
        feeds(schemas, where, packets, rng)
        cut(schemas, where, packets)
    finish()


if __name__ == "__main__":
    main()
