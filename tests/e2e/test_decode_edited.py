#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline decode on captures made of the real Deribit one: cut, with fields, groups, strings and messages that no
schema has yet, on two lines that lose, repeat and reorder. Judge: deribit_reader.py on the edited packets, clean.

Prints TAP. Environment: TRIPLINE, SHARED (skipped without the capture), SEED.
"""
import csv
import io
import os
import random
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import deribit_reader as reader  # noqa: E402
from keeper import SEED, SHARED, finish, report, skip, tripline  # noqa: E402

CAPTURE = os.path.join(SHARED, "captures", "deribit_legacy_sample_v1_6.pcapng")
STEP = 100000  # ns between packets: what is reordered comes within the time that a hole is waited for
T0 = 1790000000 * 10**9


# ---- editing messages

def parts_of(data):
    """Each message of a datagram as [template, version, root, groups, strings]; a group: [block, [entries]]."""
    at, out = 8, []
    while at < len(data):
        block, template, _, version, n_groups, n_texts = struct.unpack_from("<6H", data, at)
        root, at = data[at + 12:at + 12 + block], at + 12 + block
        groups, texts = [], []
        for _ in range(n_groups):
            size, count, inner, texts_inner = struct.unpack_from("<4H", data, at)
            assert inner == texts_inner == 0
            groups.append([size, [data[at + 8 + size * i:at + 8 + size * (i + 1)] for i in range(count)]])
            at += 8 + size * count
        for _ in range(n_texts):
            texts.append(data[at + 1:at + 1 + data[at]])
            at += 1 + data[at]
        out.append([template, version, root, groups, texts])
    return out


def bytes_of(message):
    template, version, root, groups, texts = message
    out = struct.pack("<6H", len(root), template, 1, version, len(groups), len(texts)) + root
    for size, entries in groups:
        out += struct.pack("<4H", size, len(entries), 0, 0) + b"".join(entries)
    return out + b"".join(bytes([len(t)]) + t for t in texts)


def unknown(rng, templates):
    groups = [[3, [rng.randbytes(3) for _ in range(rng.randrange(3))]] for _ in range(rng.randrange(3))]
    return [rng.choice(templates), rng.randrange(1, 9), rng.randbytes(rng.randrange(40)), groups,
            [rng.randbytes(rng.randrange(9)) for _ in range(rng.randrange(3))]]


def grown(rng, message):
    """A later version: fields appended to root and entries, a group more, a string more."""
    template, version, root, groups, texts = message
    if template == 1003 and rng.random() < 0.1:  # the ticker of 2022
        ident, ts = struct.unpack_from("<I", root)[0], struct.unpack_from("<Q", root, 5)[0]
        return [1003, 1, struct.pack("<IQ", ident, ts) + root[61:93], [], []]
    if rng.random() < 0.4:
        return message
    more = rng.randbytes(rng.randrange(1, 20))
    groups = [[size + 5, [e + rng.randbytes(5) for e in entries]] for size, entries in groups]
    if groups or rng.random() < 0.3:
        groups = groups + [[2, [b"xy"] * rng.randrange(3)]]
    return [template, max(version, 2) + rng.randrange(4), root + more, groups, texts + [b"more"] * rng.randrange(2)]


def edited(rng, data):
    messages = []
    for m in parts_of(data):
        if rng.random() < 0.1:
            # What comes first is what the datagram is recognised by.
            messages.append(unknown(rng, [1011, 1042, 1099] + [999, 65000] * bool(messages)))
        messages.append(grown(rng, m))
    if rng.random() < 0.1:
        messages.append(unknown(rng, [1042, 65000]))
    body = b"".join(bytes_of(m) for m in messages)
    if len(body) > 1400:
        return data
    return struct.pack("<H", len(body)) + data[2:8] + body


# ---- captures

def write(path, frames):
    """frames: (ns, group, port, payload), in any order of time."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for ns, group, port, payload in sorted(frames, key=lambda x: x[0]):
            udp = struct.pack(">HHHH", 5000, port, 8 + len(payload), 0) + payload
            ip = struct.pack(">BBHHHBBHI", 0x45, 0, 20 + len(udp), 0, 0, 16, 17, 0, 0x0a000001)
            ip += bytes(map(int, group.split(".")))
            frame = bytes(12) + b"\x08\x00" + ip + udp
            f.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(frame), len(frame)) + frame)


def key_of(payload):
    return struct.unpack_from("<HI", payload, 2)


def value(text):
    text = str(text)
    try:
        return float(text) if text and text != "nan" else text
    except ValueError:
        return text


def compare(where, name, clean, frames, lost, checks):
    """Rows of `frames` are those of the clean packets but for the lost ones; only receive time and group may be the
    other line's, and where packets waited, a name may have come in the meantime."""
    path = os.path.join(where, "x.pcap")
    write(path, [(T0 + STEP * i, g, p, d) for i, (g, p, d) in enumerate(clean)])
    judge = reader.read(path)
    want = [r for r in judge.rows if (r[3], r[4]) not in lost]
    write(path, frames)
    p = tripline("decode", "--stats", path)
    rows = list(csv.reader(io.StringIO(p.stdout)))
    stats = {}
    for line in p.stderr.splitlines():
        head, _, number = line.rpartition(" ")
        if number.isdigit():
            stats[head.strip()] = int(number)

    def plain(row):
        return [value(x) for x in row[3:9]] + [value(x) for x in row[10:]] + [row[9] if row[8] == "" else ""]
    got = sorted((plain(r) for r in rows[1:]), key=lambda r: r[0])
    expected = sorted((plain(r) for r in want), key=lambda r: r[0])
    bad = [(g, w) for g, w in zip(got, expected) if g != w][:2]
    named = [r for r in rows[1:] if r[8] and r[9] and r[9] != judge.names.get(int(r[8]))]
    counted = {k: stats.get(k) for k in checks}
    report(rows[0] == reader.COLUMNS and not bad and len(got) == len(expected) > 100 and not named
           and counted == checks and p.returncode == 0,
           "edited: %s: %d rows" % (name, len(expected)),
           "%d rows, exit %d, %s\n%s\n%s\n%s" % (len(got), p.returncode, counted, bad, named[:2], p.stderr[-600:]))


def line_b(group):
    a, b, _, d = group.split(".")
    return ".".join((a, b, "112", d))


def two_lines(rng, clean, drop_a, drop_b):
    """Both lines with their losses, copies and swaps of neighbours; (frames, what neither brought)."""
    frames, lost = [], set()
    first, last = {}, {}
    for i, (_, _, d) in enumerate(clean):
        first.setdefault(key_of(d)[0], i)
        last[key_of(d)[0]] = i
    edges = set(first.values()) | set(last.values())
    for i, (g, p, d) in enumerate(clean):
        ns = T0 + STEP * 10 * i
        brought = False
        for line, drop in ((0, drop_a), (1, drop_b)):
            if i not in edges and drop(i, rng):
                continue
            brought = True
            late = rng.choice([0, 0, 0, STEP * 12]) if i not in edges else 0
            for _ in range(1 + (rng.random() < 0.05)):
                frames.append((ns + late + 30000 * line, line_b(g) if line else g, p, d))
        if not brought:
            lost.add(key_of(d))
    return frames, lost


def main():
    print("# SEED=%d" % SEED)
    if not os.path.exists(CAPTURE):
        skip("edited: captures made of the real one", "no captures beside the project")
        finish()
        return
    rng = random.Random(SEED)
    real = [u[:3] for u in (reader.udp_of(link, f, w) for _, link, f, w in reader.records(CAPTURE)) if u]

    def in_order(packets):
        return [(T0 + STEP * i, g, p, d) for i, (g, p, d) in enumerate(packets)]
    with tempfile.TemporaryDirectory() as where:
        start = rng.randrange(500, 3000)
        some = real[start:start + 2000]
        compare(where, "cut out of the middle", some, in_order(some), set(), {"gaps": 0, "missing": 0, "duplicates": 0})
        later = [(g, p, edited(rng, d)) for g, p, d in real]
        compare(where, "later versions and unknown messages", later, in_order(later), set(),
                {"gaps": 0, "bad layouts": 0})
        moved = [("10.1.2.%d" % (key_of(d)[0] % 7), 7000 + key_of(d)[0] % 3, d) for _, _, d in later[:3000]]
        compare(where, "groups and ports of a relay, shared by channels", moved, in_order(moved), set(), {"gaps": 0})
        frames, lost = two_lines(rng, later, lambda i, r: r.random() < 0.1 and i % 2 == 0,
                                 lambda i, r: r.random() < 0.1 and i % 2 == 1)
        compare(where, "two lines, losses on one at a time", later, frames, lost, {"gaps": 0, "missing": 0})
        frames, lost = two_lines(rng, later, lambda i, r: i % 97 == 0 or r.random() < 0.02 and i % 2 == 0,
                                 lambda i, r: i % 97 == 0 or r.random() < 0.02 and i % 2 == 1)
        compare(where, "two lines, losses on both", later, frames, lost, {"missing": len(lost)})
    finish()


main()
