#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two lines under loss, delay, copies and reordering (`tripline gen --lines 2 --impair`, `--from CAPTURE`): with loss
on one line nothing is lost; with loss on both, the gap is declared, its prices held, and then recovered.

What was lost is found by reading the captures here (deribit_reader's parsers, struct), not taken from tripline.
Prints TAP. Environment: TRIPLINE, SHARED, SEED.
"""
import collections
import csv
import io
import os
import random
import struct
import tempfile

from keeper import SEED, SHARED, finish, must, number, report, skip, tripline
import deribit_reader as reader

CME = os.path.join(SHARED, "captures", "cme_mdp3_v8_fx_20160927_AB.pcapng")
DERIBIT = os.path.join(SHARED, "captures", "deribit_legacy_sample_v1_6.pcapng")
NS = 10**9
ONE = ("A:drop=0.05", "B:drop=0.2", "A:drop=0.02,reorder=0.05/2;B:delay=100us..400us,dup=0.02",
       "A:delay=300us;B:drop=0.1,dup=0.05,delay=0us..600us")
J_FRAME, J_COMMANDS, J_ORDER = 4, 8, 11


# ---- what files hold

def datagrams(path):
    """(ts, group, port, payload) of each UDP datagram."""
    for ts, link, frame, wire in reader.records(path):
        udp = reader.udp_of(link, frame, wire)
        if udp:
            yield ts, udp[0], udp[1], udp[2]


def deribit_number(payload):
    _, channel, seq = struct.unpack_from("<HHI", payload)
    return channel, seq


def cme_number(payload):
    return 0, struct.unpack_from("<I", payload)[0]


def lost(whole, impaired, number_of):
    """(numbers not to be expected, runs of those that no line brought, their count). A stream begins with the first
    number that comes: what another line brings from before it is old."""
    sent, came, first = collections.defaultdict(set), collections.defaultdict(set), {}
    for _, _, _, payload in datagrams(whole):
        stream, seq = number_of(payload)
        sent[stream].add(seq)
    for _, _, _, payload in datagrams(impaired):
        stream, seq = number_of(payload)
        came[stream].add(seq)
        first.setdefault(stream, seq)
    gone = {(c, s) for c in sent for s in sent[c] if s not in came[c] or s < first[c]}
    inner = {(c, s) for c, s in gone if came[c] and first[c] < s < max(came[c])}
    return gone, sum((c, s - 1) not in inner for c, s in inner), len(inner)


def decode(path):
    p = tripline("decode", "--stats", path)
    rows = list(csv.reader(io.StringIO(p.stdout)))
    return rows[0], rows[1:], p


def counter(p, name):
    return number(p.stderr, r"(?m)^%s\s+(\d+)$" % name)


def anonymous(rows, columns, stream=None):
    """Rows without what tells the lines apart; by stream where one may wait while others go on, so that a ticker may
    know its name sooner or later than without loss."""
    of_line = ("cap_ts_ns", "group", "port", "cap_ts", "winner_group", "channel", "name")
    drop = [columns.index(c) for c in of_line if c in columns]
    if stream is not None:
        rows = sorted(rows, key=lambda r: int(r[stream]))
    return [(r[3] if stream is not None else None, [v for i, v in enumerate(r) if i not in drop]) for r in rows]


def difference(got, want):
    for i, (g, w) in enumerate(zip(got, want)):
        if g != w:
            return "row %d\n got %s\nwant %s" % (i, g, w)
    return None if len(got) == len(want) else "%d rows, expected %d" % (len(got), len(want))


def journal(path):
    """(type, payload) of each record (docs/journal.md)."""
    with open(path, "rb") as f:
        data = f.read()
    at = 32
    while at + 16 <= len(data):
        word = struct.unpack_from("<I", data, at)[0]
        if word == 0:
            return
        yield word >> 24, data[at + 16:at + 16 + (word & 0xFFFFFF)]
        at += 16 + (word & 0xFFFFFF)


def ticks_of(path):
    """(asset -> prices told to the device, in order; receive times of the packets that made orders)"""
    ticks, now, order_ns = collections.defaultdict(list), 0, []
    for kind, data in journal(path):
        if kind == J_FRAME:
            now = struct.unpack_from("<Q", data)[0]
        elif kind == J_ORDER:
            order_ns.append(now)
        elif kind == J_COMMANDS:
            for at in range(0, len(data), 32):
                if data[at] == 2:  # docs/registers.md, tick
                    asset = struct.unpack_from("<H", data, at + 2)[0] & 0xFFF
                    ticks[asset].append(int.from_bytes(data[at + 8:at + 13], "little"))
    return ticks, order_ns


# ---- Deribit, generated

def one_line(where, whole, store, clean):
    columns, want, _ = decode(whole)
    path = os.path.join(where, "one.pcap")
    for spec in ONE:
        must("gen", "-q", "-o", path, *TRAFFIC, "--lines", 2, "--impair", spec)
        _, rows, p = decode(path)
        # Where a hole was waited for, other channels went on: each channel's rows are the same.
        diff = difference(anonymous(rows, columns, 3), anonymous(want, columns, 3))
        gone, _, _ = lost(whole, path, deribit_number)
        report(p.returncode == 0 and diff is None and not gone and counter(p, "gaps") == 0 and
               counter(p, "duplicates") > 1000, "deribit, loss on one line: every row is there: " + spec,
               diff or p.stderr[-800:])
    # The last of them through the whole job, against the run without loss.
    p = run(where, "one", path, store)
    ticks, _ = ticks_of(os.path.join(where, "one", "journal"))
    report(p.returncode == 0 and "0 gaps (0 missing)" in p.stdout and "held        none" in p.stdout and
           "missed=0 unconfirmed_orders=0" in p.stdout, "deribit, loss on one line: nothing is held", p.stdout)
    report(ticks == clean, "deribit, loss on one line: the device hears the same prices as without loss",
           {a: (len(ticks[a]), len(clean[a])) for a in clean})


def both_lines(where, whole, store, clean):
    path = os.path.join(where, "both.pcap")
    must("gen", "-q", "-o", path, *TRAFFIC, "--lines", 2, "--impair",
         "A:drop=0.4,during=2s..12s;B:drop=0.4,dup=0.01,delay=100us..300us,during=2s..12s")
    columns, want, _ = decode(whole)
    gone, gaps, missing = lost(whole, path, deribit_number)
    _, rows, p = decode(path)
    want = [r for r in want if (int(r[3]), int(r[4])) not in gone]
    diff = difference(anonymous(rows, columns, 3), anonymous(want, columns, 3))
    report(p.returncode == 0 and diff is None and missing > 100, "deribit, loss on both: every other row is there",
           diff or (missing, p.stderr[-800:]))
    report((counter(p, "gaps"), counter(p, "missing")) == (gaps, missing),
           "deribit, loss on both: exactly what neither line brought is declared, %d gaps, %d packets" % (gaps, missing),
           p.stderr[-800:])
    p = run(where, "both", path, store)
    ticks, orders = ticks_of(os.path.join(where, "both", "journal"))
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout and
           "%d gaps (%d missing)" % (gaps, missing) in p.stdout, "deribit, loss on both: the run counts the same", p.stdout)
    report(number(p.stdout, r"held .*\bgap (\d+)") > 0, "deribit, loss on both: orders were held for the gap", p.stdout)
    end = next(datagrams(whole))[0] + 12 * NS
    report(any(t > end for t in orders), "deribit, loss on both: orders go out again afterwards",
           [t - end for t in orders[-5:]])
    last = {a: (ticks[a][-1:], clean[a][-1]) for a in clean if ticks[a][-1:] != clean[a][-1:]}
    report(not last and len(clean) > 8 and ticks != clean,
           "deribit, loss on both: the final prices of all %d assets equal the lossless run's" % len(clean), last)
    p = tripline("replay", os.path.join(where, "both", "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "deribit, loss on both: the run replays",
           p.stdout + p.stderr)


def run(where, name, source, store):
    return tripline("run", "--quiet", "--accounts", store, "--capture", source, "--dir", os.path.join(where, name),
                    "--device", "model", "--audit")


TRAFFIC = ("--seed", SEED, "--path", "crash", "--seconds", 20, "--rate", 300)


def deribit(where):
    whole, store = os.path.join(where, "whole.pcap"), os.path.join(where, "accounts.db")
    must("gen", "-q", "-o", whole, *TRAFFIC)
    must("accounts", "gen", "--db", store, "--accounts", 240, "--seed", SEED)
    p = run(where, "whole", whole, store)
    report(p.returncode == 0, "deribit, without loss", p.stdout + p.stderr)
    clean, _ = ticks_of(os.path.join(where, "whole", "journal"))
    one_line(where, whole, store, clean)
    both_lines(where, whole, store, clean)


# ---- the file itself

def records(path):
    return [(ts, frame, wire) for ts, _, frame, wire in reader.records(path)]


def the_file(where):
    whole, path, again = (os.path.join(where, n + ".pcap") for n in ("w", "p", "q"))
    options = ("--seed", SEED, "--packets", 3000)
    must("gen", "-q", "-o", whole, *options, "--corrupt", 5)
    must("gen", "-q", "-o", path, *options, "--corrupt", 5, "--lines", 2)
    frames = records(whole)
    two = records(path)
    report(two[::2] == frames, "gen --lines 2: line A is the one line", len(two))
    pairs = zip(frames, two[1::2])
    same = all(a[0] == b[0] and a[2] == b[2] and len(a[1]) == len(b[1]) for a, b in pairs)
    r = reader.read(path)
    groups = {g for _, g, p, d in datagrams(path) if reader.is_feed(d)}
    want = {"239.111.%d.%d" % (line, c) for line in (111, 112) for c in (0, 1, 3, 4, 10)}
    checksums = [x for x in r.problems if x.endswith("checksum")]
    report(same and groups == want and not checksums, "gen --lines 2: line B has its groups, right checksums, same content",
           (groups, r.problems[:3]))
    spec = "A:drop=0.1,dup=0.1;B:delay=1ms..3ms,reorder=0.1/5"
    must("gen", "-q", "-o", path, *options, "--lines", 2, "--impair", spec)
    must("gen", "-q", "-o", again, *options, "--lines", 2, "--impair", spec)
    report(records(path) == records(again), "gen --impair: a seed gives the same file")
    must("gen", "-q", "-o", again, "--seed", SEED ^ 1, "--from", whole, "--impair", "A:")
    report(records(again) == frames, "gen --from: with nothing to impair the frames are as they were")
    stamps = [ts for ts, _, _ in records(path)]
    report(stamps == sorted(stamps), "gen --impair: frames are in order of time")


def usage(where):
    whole, out, text = (os.path.join(where, n) for n in ("w.pcap", "x.pcap", "text"))
    with open(text, "w") as f:
        f.write("no capture at all\n" * 4)
    noise = os.path.join(where, "noise.pcap")
    with open(noise, "wb") as f:
        f.write(struct.pack("<IHHiIIIIIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1, 1, 1, 4, 4) + b"\1\2\3\4")
    cases = [(("--impair", "C:drop=1"), 2, "no line"), (("--impair", "A:drop=2"), 2, "drop=2"),
             (("--impair", "A:delay=5"), 2, "delay=5"), (("--impair", "B:drop=0.1"), 2, "--lines 2"),
             (("--lines", 3), 2, "--lines 3"), (("--lines", 0), 2, "--lines 0"),
             (("--from", whole), 2, "only copy"), (("--from", whole, "--impair", "A:", "--rate", 5), 2, "--rate"),
             (("--from", text, "--impair", "A:"), 1, "not readable"),
             (("--from", os.path.join(where, "none"), "--impair", "A:"), 1, "none"),
             (("--from", noise, "--impair", "A:"), 1, "no known protocol"),
             (("--from", whole, "--impair", "B:drop=0.5"), 1, "no line B"),
             (("--from", os.path.join(where, "p.pcap"), "--lines", 2), 1, "a line B already")]
    for args, status, word in cases:
        p = tripline("gen", "-o", out, *args)
        report(p.returncode == status and word in p.stderr, "gen refuses %s" % " ".join(map(str, args)).replace(where, ""),
               p.stderr)
    with open(whole, "rb") as f:
        data = f.read()
    with open(text, "wb") as f:
        f.write(data[:-7])
    p = tripline("gen", "-o", out, "--from", text, "--impair", "A:")
    report(p.returncode == 1 and "breaks off" in p.stderr, "gen --from: a capture that breaks off is named", p.stderr)
    p = tripline("gen", "-o", "/dev/full", "--from", whole, "--impair", "A:")
    report(p.returncode == 1 and "/dev/full" in p.stderr, "gen --from: a full disk", p.stderr)


# ---- real captures

def real(where, name, source, number_of, options, specs, compare):
    if not os.path.exists(source):
        return skip("%s, impaired" % name, "no captures beside the project")
    path = os.path.join(where, name + ".pcap")
    columns, want, _ = decode(source)
    for spec, both in specs:
        must("gen", "-q", "-o", path, "--seed", SEED, "--from", source, *options, "--impair", spec)
        gone, gaps, missing = lost(source, path, number_of)
        _, rows, p = decode(path)
        left = [r for r in want if compare(r) not in gone]
        stream = None if number_of is cme_number else columns.index("channel")
        diff = difference(anonymous(rows, columns, stream), anonymous(left, columns, stream))
        exact = (counter(p, "gaps"), counter(p, "missing")) == (gaps, missing)
        report(p.returncode == 0 and diff is None and exact and (missing > 20 if both else missing == 0),
               "%s: %s: %d of %d rows, %d gaps, %d packets lost" % (name, spec, len(rows), len(want), gaps, missing),
               diff or (gaps, missing, p.stderr[:900]))


def main():
    print("# SEED=%d" % SEED)
    with tempfile.TemporaryDirectory(prefix="tl-imp-") as where:
        for part in (deribit, the_file, usage):
            try:
                part(where)
            except Exception as e:  # one part's crash must not hide the others
                report(False, part.__name__, repr(e))
        one = [("A:drop=0.2", False), ("B:drop=0.2,dup=0.1", False), ("A:drop=1", False),
               ("A:drop=0.1,reorder=0.1/2;B:delay=50us..200us", False)]
        both = [("A:drop=0.15;B:drop=0.15,delay=20us..100us", True)]
        real(where, "cme", CME, cme_number, (), one + both, lambda r: (0, int(r[1])))
        # Line B without delay: a channel's first packets come in bursts, and a line never heard yet is not waited for.
        real(where, "deribit-real", DERIBIT, deribit_number, ("--lines", 2),
             one[:2] + [("A:drop=0.3,dup=0.1;B:dup=0.2", False), ("A:drop=0.15;B:drop=0.15", True)],
             lambda r: (int(r[3]), int(r[4])))
    finish()


if __name__ == "__main__":
    main()
