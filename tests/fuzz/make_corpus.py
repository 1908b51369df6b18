#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpora of the feed's fuzzers: make_corpus.py [FOLDER] (default tests/fuzz/corpus).

Small and synthetic, no byte of a real capture. `feed` and `deribit`: packets of `tripline gen`. `cme`, `starbase`,
`cde`: messages of every template, built from the venues' XML by the readers in tests/e2e, which share nothing with the
decoders; a few instruments and orders in all of them, so that definitions, books, snapshots and trades meet.
Environment: TRIPLINE (binary, default build/tripline), SHARED (folder with schemas/, default ../shared).
"""
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "e2e"))
import sbe_xml  # noqa: E402
import test_decode_cme as cme  # noqa: E402

TRIPLINE = os.environ.get("TRIPLINE", "build/tripline")
SCHEMAS = os.path.join(os.environ.get("SHARED", "../shared"), "schemas")
MOST = 3000  # bytes of a file
IDS = (44, 45)


# ---- tripline gen's packets

def frames(*options):
    data = subprocess.run([TRIPLINE, "gen", "-q", "-o", "-", *options], check=True, capture_output=True).stdout
    at = 24
    while at < len(data):
        have, wire = struct.unpack_from("<II", data, at + 8)
        yield data[at + 16:at + 16 + have], wire
        at += 16 + have


def payload_of(frame):
    at = 12
    while frame[at:at + 2] != b"\x08\x00":
        at += 4
    ip = frame[at + 2:]
    header, total = (ip[0] & 15) * 4, struct.unpack_from(">H", ip, 2)[0]
    return ip[header + 8:total]


def record(flags, data):
    return struct.pack("<BH", flags, len(data)) + data


def as_frame(frame, wire):
    return record(8 if len(frame) < wire else 0, frame)


def as_payload(frame):
    return record(4, payload_of(frame))


def templates(payload):
    at, out = 8, []
    while at < len(payload):
        block, template, _, version, groups, texts = struct.unpack_from("<6H", payload, at)
        out.append("%d" % template)
        if groups or texts:
            return out + ["more"]  # enough to tell packets apart
        at += 12 + block
    return out


def kinds():
    """One frame of each kind that the generator sends, by the templates in it."""
    seen = {}
    for frame, wire in frames("--packets", "3000", "--seed", "3"):
        seen.setdefault("-".join(templates(payload_of(frame))[:3]), (frame, wire))
    return seen


def joined(records):
    """As many whole records as fit a file."""
    out = b""
    for r in records:
        if len(out) + len(r) > MOST:
            break
        out += r
    return out


def feed_files():
    files = {}
    for name, (frame, wire) in kinds().items():
        files["payload-" + name] = as_payload(frame)
        if len(files) % 4 == 0:
            files["frame-" + name] = as_frame(frame, wire)
    one = ("--instruments", "BTC-PERPETUAL")
    files["sequence"] = joined(as_payload(f) for f, _ in frames("--packets", "60", "--seed", "4", "--drop", "20",
                                                                "--dup", "20", *one))
    files["two-lines"] = joined(as_frame(f, w) for f, w in frames(
        "--packets", "60", "--seed", "6", "--lines", "2", "--impair", "A:drop=0.2;B:drop=0.2,reorder=0.2/2", *one))
    damaged = [as_frame(f, w) for f, w in frames("--packets", "60", "--seed", "5", "--corrupt", "100", *one)]
    for i in range(0, len(damaged), 12):
        files["damaged-%d" % (i // 12)] = joined(damaged[i:i + 12])
    return files


def deribit_files():
    files = {name: record(0, payload_of(frame)) for name, (frame, _) in kinds().items()}
    for i in range(4):
        options = ("--packets", "80", "--seed", str(i), "--instruments", "BTC-PERPETUAL,ETH-PERPETUAL")
        lossy = ("--drop", "10") if i % 2 else ()
        files["session-%d" % i] = joined(record(0, payload_of(f)) for f, _ in frames(*options, *lossy))
    return files


# ---- CME: every template of some versions, and sessions

def cme_fixed(rng, state):
    """What a message must say for its content to be used, by the field's name."""
    state["rpt"] = state.get("rpt", 0) + 1
    return {"SecurityID": rng.choice(IDS), "RptSeq": state["rpt"], "MDUpdateAction": rng.choice((0, 0, 1, 1, 2, 3, 4, 5)),
            "MDPriceLevel": rng.randrange(1, 4), "MDEntryPx": rng.randrange(1, 10**12), "MDEntrySize": rng.randrange(1, 99),
            "DisplayFactor": 10**rng.choice((7, 9, 5)), "MinPriceIncrement": 10**7, "SecurityUpdateAction": ord("A"),
            "MDSecurityTradingStatus": 17, "SecurityTradingStatus": 17, "MatchEventIndicator": 128,
            "LastMsgSeqNumProcessed": 1, "MDEntryType": rng.choice(b"0011")}


def put_fixed(block, fields, fixed):
    for name, value in fixed.items():
        f = fields.get(name)
        if f is None or f.constant is not None or f.primitive is None or f.length != 1 or f.offset + f.size > len(block):
            continue
        size = struct.calcsize("<" + cme.reader.PACK[f.primitive])
        block[f.offset:f.offset + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")


def cme_message(rng, message, version, state):
    data = bytearray(cme.build_message(rng, message, version))
    at = 10 + struct.unpack_from("<H", data, 2)[0]
    root = data[10:at]
    put_fixed(root, message.fields, cme_fixed(rng, state))
    if "Symbol" in message.fields:
        symbol = message.fields["Symbol"]
        root[symbol.offset:symbol.offset + symbol.size] = b"SYM%d" % rng.choice(IDS) + bytes(symbol.size - 5)
    data[10:at] = root
    for g in message.groups:
        if version < g.since:
            break
        size, count = struct.unpack_from("<H", data, at)[0], data[at + g.count_at]
        at += g.header
        for _ in range(count):
            entry = data[at:at + size]
            put_fixed(entry, g.fields, cme_fixed(rng, state))
            data[at:at + size] = entry
            at += size
    return bytes(data)


def cme_files():
    rng, schemas, files = random.Random(1), cme.reader.Schemas(SCHEMAS), {}
    for version in (5, 8, 9, 13):
        parts = [cme_message(rng, m, version, {}) for m in cme.known(schemas, version)]
        parts = [p for p in parts if len(p) < 1400]
        for i in range(0, len(parts), 8):
            files["v%d-templates-%d" % (version, i // 8)] = joined(
                record(0, cme.header(seq, seq) + p) for seq, p in enumerate(parts[i:i + 8]))
        for n in range(2):
            files["v%d-session-%d" % (version, n)] = cme_session(rng, schemas, version, n)
    return files


def cme_session(rng, schemas, version, n):
    have = {m.id: m for m in cme.known(schemas, version)}
    old = version < 9
    define, full = (27, 38) if old else (54, 52)
    live = (32, 32, 32, 42, 36) if old else (46, 46, 46, 48, 47)
    if version == 5:
        full = next(i for i in (38, 16) if i in have)
    out, state = [], {}
    for seq in range(3):
        out.append(record(0, cme.header(seq, seq) + cme_message(rng, have[define], version, state)))
    for seq in range(2):  # recovery: its own numbers
        out.append(record(2, cme.header(seq, seq) + cme_message(rng, have[full], version, state)))
    for seq in range(3, 30):
        template = rng.choice(live + ((4, 30, 12) if n else ()))
        if template in have:
            out.append(record(0, cme.header(seq, seq) + cme_message(rng, have[template], version, state)))
    return joined(out)


# ---- Starbase and CDE

SMALL = {"instrumentId": IDS, "orderId": range(1, 9), "makerOrderId": range(1, 9), "takerOrderId": range(1, 9),
         "quantityMantissa": range(1, 50), "quantityExponent": (-3, 0), "indexId": (9,), "snapshotSeqNum": range(1, 4)}


def f24_value(rng, f):
    if f.name in SMALL:
        return rng.choice(SMALL[f.name])
    if f.kind == "price":
        return rng.choice((10**9 * rng.randrange(1, 9), -2**63, 0))
    return sbe_xml.random_value(rng, f, None)


def f24_body(rng, m, header):
    body = bytearray(m.used - header)
    for f in m.fields:
        v = f24_value(rng, f)
        raw = b"NAME-%d" % rng.choice(IDS) + bytes(f.size - 7) if f.kind == "text" and f.size > 7 else sbe_xml.pack(f, v)
        body[f.at - header:f.at - header + f.size] = raw
    return bytes(body)


def starbase_message(rng, m):
    body = f24_body(rng, m, 16) + b"".join(struct.pack("<HH", g, 0) for g in m.groups)
    body += bytes(-len(body) % 8)
    return struct.pack("<HHHHq", 16 + len(body), m.template, 1, rng.randrange(4), 77) + body


def cde_message(rng, m):
    body = f24_body(rng, m, 10)
    block = len(body)
    body += bytes(-(10 + block) % 8)
    return struct.pack("<5H", 10 + len(body), block, m.template, 1201, 7) + body


def starbase_packet(seq, kind, messages, instrument):
    return struct.pack("<qqiHH", 1790000000123456789, seq, 44849, kind, len(messages)) + b"".join(messages)


def cde_packet(seq, kind, messages, instrument):
    return struct.pack("<qqHBBi", 1790000000123456789, seq, 44849, kind, len(messages), instrument) + b"".join(messages)


def f24_files(schema, message, packet, define, first, order, last, live):
    rng, files = random.Random(2), {}
    found = list(schema.messages.values())
    for i in range(0, len(found), 6):
        files["templates-%d" % (i // 6)] = joined(
            record(0, packet(seq, 1, [message(rng, m)], 0)) for seq, m in enumerate(found[i:i + 6]))
    for n in range(8):
        def some(ids):
            return [message(rng, schema.messages[t]) for t in ids]
        out, seq = [], 100
        if define:
            out.append(record(0, packet(seq, 1, some(define), 0)))
            seq += len(define)
        parts = some([first] + [rng.choice(order) for _ in range(5)] + [last])
        out.append(record(2, packet(7, 2, parts[:3], 44)))
        out.append(record(2, packet(7 if packet is cde_packet else 10, 2, parts[3:], 44)))
        for k in range(12):
            parts = some([rng.choice(live) for _ in range(rng.randrange(0, 4))])
            out.append(record(rng.choice((0, 0, 0, 1, 8, 16)), packet(seq, 1, parts, 0)))
            seq += len(parts) + (k == n)  # a gap in each
        files["session-%d" % n] = joined(out)
    return files


def starbase_files():
    s = sbe_xml.Schema(os.path.join(SCHEMAS, "Deribit.Starbase.MarketData.2102.v1.2026-08-07.xml"), 16)
    return f24_files(s, starbase_message, starbase_packet, [10, 10, 11], 100, (20, 21), 101,
                     (12, 14, 16, 20, 20, 21, 21, 22, 23, 24, 25, 30, 31, 33))


def cde_files():
    name = "Coinbase.Derivatives.MarketDataApi.Sbe.v1.7.xml"
    s = sbe_xml.Schema(os.path.join(SCHEMAS, name), 10, "InstrumentHeader")
    live = [t for t in s.messages if t < 100]
    return f24_files(s, cde_message, cde_packet, [], 110, (120,), 122, live)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "tests/fuzz/corpus"
    files = size = 0
    for name, made in (("feed", feed_files()), ("deribit", deribit_files()), ("cme", cme_files()),
                       ("starbase", starbase_files()), ("cde", cde_files())):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for old in os.listdir(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name, old))
        for file, content in made.items():
            with open(os.path.join(folder, name, file), "wb") as f:
                f.write(content)
        files += len(made)
        size += sum(map(len, made.values()))
    print("%d files, %d bytes" % (files, size))


if __name__ == "__main__":
    main()
