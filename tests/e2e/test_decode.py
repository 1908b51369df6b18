#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline decode and gen against the published decode of a real capture and against an independent reader.

Prints TAP. Environment: TRIPLINE (binary), SHARED (captures and golden files; tests that need them are skipped
where they are missing), SEED.
"""
import csv
import hashlib
import io
import math
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import deribit_reader as reader  # noqa: E402
from keeper import SEED, SHARED, TRIPLINE, finish, report, skip  # noqa: E402

CAPTURE = os.path.join(SHARED, "captures", "deribit_legacy_sample_v1_6.pcapng")
GOLDEN = os.path.join(SHARED, "golden", "deribit_v1_6.prices.csv")
# gen -o X --seed 7 --path crash --packets 3000 --rate 1000: a seed means the same bytes everywhere.
PINNED = "343670e94b10ed118e372a68da4c8c16b076cd340517419ed56dd1b5084aa504"


def run(*args, **kw):
    return subprocess.run([TRIPLINE, *map(str, args)], capture_output=True, timeout=240, **kw)


def decode(path, *options):
    """(rows as lists of text, exit status, text on stderr); the header is checked."""
    p = run("decode", *options, path)
    rows = list(csv.reader(io.StringIO(p.stdout.decode())))
    if rows and rows[0] != reader.COLUMNS:
        raise AssertionError("columns are " + ",".join(rows[0]))
    return rows[1:], p.returncode, p.stderr.decode()


def value(text):
    """What a CSV field means, so that spelling does not matter."""
    text = str(text)
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return "nan" if math.isnan(number) else number


def difference(got, want):
    """None when all rows are equal by value, else where they differ."""
    for i, (g, w) in enumerate(zip(got, want)):
        if [value(x) for x in g] != [value(x) for x in w]:
            return "row %d\n got %s\nwant %s" % (i, g, w)
    if len(got) != len(want):
        return "%d rows, expected %d" % (len(got), len(want))
    return None


def stats_of(text):
    out = {}
    for line in text.splitlines():
        name, _, number = line.rpartition(" ")
        if number.isdigit():
            out[name.strip()] = int(number)
    return out


def generate(path, *options):
    p = run("gen", "-o", path, *options)
    if p.returncode:
        raise AssertionError("gen: " + p.stderr.decode())


# ---- real captures

def golden():
    if not (os.path.exists(CAPTURE) and os.path.exists(GOLDEN)):
        skip("golden: decode of the real capture", "no captures beside the project")
        skip("golden: the independent reader itself", "no captures beside the project")
        return
    with open(GOLDEN, newline="") as f:
        want = list(csv.reader(f))[1:]
    rows, status, errors = decode(CAPTURE, "--stats")
    report(status == 0 and difference(rows, want) is None, "golden: decode of the real capture, %d rows" % len(want),
           difference(rows, want) or errors)
    n = stats_of(errors)
    report((n["frames"], n["packets"], n["tickers"], n["indexes"], n["instruments"], n["gaps"], n["duplicates"],
            n["bad layouts"]) == (5066, 5066, 4211, 468, 388, 0, 0, 0), "golden: counters", errors)
    r = reader.read(CAPTURE)
    # Captured where it was sent: checksums are the kernel's to fill in later, or were.
    problems = [p for p in r.problems if not p.endswith("checksum")]
    report(difference(r.rows, want) is None and not problems and r.gaps == 0,
           "golden: the independent reader itself", difference(r.rows, want) or problems[:3])


def noise():
    """Captures of other venues: their own protocol's where it is known, nothing's otherwise."""
    known = run("decode", "--help").stdout.decode().split("Protocols:")[1].split("\n")[0].split()
    names = [("cboe_cfe_pitch_1.1.6_20190501.pcap", 12015, None), ("cme_mdp3_v8_fx_20160927_AB.pcapng", 10000, "cme"),
             ("cde_v1.2_OrderPutMessage.pcap", 1, "cde"), ("cde_v1.2_OrderDeleteMessage.pcap", 1, "cde"),
             ("cde_v1.2_StartOfOutrightInstrumentSnapshotMessage.pcap", 1, "cde")]
    for name, frames, protocol in names:
        path = os.path.join(SHARED, "captures", name)
        if not os.path.exists(path):
            skip("noise: " + name, "no captures beside the project")
            continue
        for option in ((), ("--protocol", "deribit")):
            p = run("decode", "--stats", *option, path)
            errors = p.stderr.decode()
            n = stats_of(errors)
            ignored = sum(v for k, v in n.items() if k.startswith("ignored"))
            if protocol in known:
                ok = n["packets"] == frames and ignored == 0 and ("protocol %28s" % protocol).split() == errors.split()[:2]
                ok = ok and (p.returncode, not p.stdout) == ((3, True) if option else (0, False))
            else:
                ok = p.returncode == 3 and not p.stdout and n["frames"] == ignored == frames
                ok = ok and "no known protocol" in errors
            report(ok, "noise: %s is taken for nothing but %s %s" % (name, protocol if protocol in known else "noise",
                                                                     " ".join(option)), errors)


# ---- generated captures

def by_channel(rows):
    """Rows of each channel in their order: where packets are lost, a channel waits while others go on."""
    return sorted(rows, key=lambda row: int(row[3]))


def same_names(got, want):
    """A ticker that waited may have got its name in the meantime."""
    return [g[:9] + w[9:10] + g[10:] if w[9] == "" and w[6] == 1003 else g for g, w in zip(got, want)] + got[len(want):]


def compare_generated(where, name, *options):
    """Decodes by both; returns (rows, the reader's result, counters)."""
    path = os.path.join(where, "g.pcap")
    generate(path, *options)
    rows, status, errors = decode(path, "--stats")
    r = reader.read(path)
    n = stats_of(errors)
    if n["gaps"]:
        want = by_channel(r.rows)
        diff = difference(same_names(by_channel(rows), want), want)
    else:
        diff = difference(rows, r.rows)
    counted = (n["frames"], n["packets"], n["gaps"], n["missing"], n["duplicates"])
    want = (r.frames, r.packets, r.gaps, r.missing, r.duplicates)
    ignored = sum(v for k, v in n.items() if k.startswith("ignored"))
    report(status == 0 and diff is None and len(rows) > 0 and counted == want and ignored == r.ignored,
           "gen: %s: decode equals the independent reader" % name, diff or (counted, want, ignored, r.ignored))
    return rows, r, n


def clean_stream(where):
    for path in ("calm", "trend", "crash", "gap"):
        options = ("--seed", SEED, "--path", path, "--packets", 6000, "--rate", 300)
        rows, r, n = compare_generated(where, path, *options)
        report(not r.problems and r.ignored == 0 and r.gaps == 0 and r.duplicates == 0 and r.frames == 6000,
               "gen: %s: sequences, lengths and checksums are right" % path, r.problems[:5])
        report(n["bad layouts"] == 0 and n["messages"] == sum(r.templates.values()),
               "gen: %s: every message is walked" % path, n)
        if path == "calm":
            variety(r)
            definitions(r)
        shape(path, rows)


def variety(r):
    wanted = {1000, 1001, 1002, 1003, 1004, 1005, 1006, 1008, 1009, 1010, 1042}
    report(wanted <= set(r.templates), "gen: all templates occur", sorted(r.templates))
    report(set(r.tags) == {0, 1, 2} and r.ip_options > 0, "gen: VLAN tags and IP options occur", r.tags)
    report(any(k > 5 for k in r.per_packet) and r.per_packet[1] > 0, "gen: packets with one and many messages",
           r.per_packet)
    versions = {row[7] for row in r.rows if row[6] == 1003}
    sides = {row[13] == 0.0 for row in r.rows if row[6] == 1003}
    lasts = {math.isnan(row[17]) for row in r.rows if row[6] == 1003 and row[7] == 2}
    report(versions == {1, 2} and sides == {True, False} and lasts == {True, False},
           "gen: both ticker layouts, empty sides and absent last prices occur", (versions, sides, lasts))


def definitions(r):
    want = {"BTC-PERPETUAL": (1, 1), "ETH-PERPETUAL": (1, 4), "BTC_USDC-PERPETUAL": (2, 10),
            "ETH_USDC-PERPETUAL": (2, 10), "SOL_USDC-PERPETUAL": (2, 10), "XRP_USDC-PERPETUAL": (2, 10),
            "DOGE_USDC-PERPETUAL": (2, 10), "PEPE_USDC-PERPETUAL": (2, 10), "BTC-25DEC26": (1, 3)}
    got, templates, first = {}, set(), {}
    for row in r.rows:
        first.setdefault(row[8], row)
    for ident, entries in r.definitions.items():
        kinds = {e[1:] for e in entries}
        name, kind, type_, size, tick = sorted(kinds)[0]
        channels = {row[3] % 100 for row in r.rows if row[8] == ident}
        if len(kinds) == 1 and kind == 0 and size > 0 and tick > 0 and len(channels) == 1:
            got[name] = (type_, channels.pop())
        templates |= {e[0] for e in entries}
    report(got == want and templates == {1000, 1010}, "gen: instruments, their types and channels", (got, templates))
    indexes = {row[9] for row in r.rows if row[6] == 1008}
    want = {"btc_usd", "eth_usd", "btc_usdc", "eth_usdc", "sol_usdc", "xrp_usdc", "doge_usdc", "pepe_usdc", "usdc_usd"}
    report(indexes == want, "gen: price indexes", indexes)


def series(rows, name, column):
    key = 9 if column == "index" else 8
    at = reader.COLUMNS.index(column)
    return [float(row[at]) for row in rows if row[key] == name and row[at] != ""]


def shape(path, rows):
    """The path does what its name says, in the index and in the marks."""
    for what, prices in (("index", series(rows, "btc_usd", "index")), ("mark", series(rows, "101", "mark"))):
        start, end, low = prices[0], prices[-1], min(prices)
        steps = [b / a - 1 for a, b in zip(prices, prices[1:])]
        jumps = [s for s in steps if abs(s) > 0.05]
        ok = abs(start / 64000 - 1) < 0.01
        if path == "calm":
            ok = ok and max(map(abs, steps)) < 0.005 and abs(end / start - 1) < 0.02
        elif path == "trend":
            ok = ok and -0.15 < end / start - 1 < -0.09 and not jumps
        elif path == "crash":
            ok = ok and -0.30 < low / start - 1 < -0.20 and -0.22 < end / start - 1 < -0.08
        else:
            ok = ok and len(jumps) == 1 and -0.13 < jumps[0] < -0.11
        report(ok, "gen: %s: shape of the %s path" % (path, what), (start, low, end, jumps))
    peg = series(rows, "usdc_usd", "index")
    report(max(abs(p - 1) for p in peg) < 0.003, "gen: %s: usdc_usd stays near 1" % path, (min(peg), max(peg)))


def impaired(where):
    rng = random.Random(SEED)
    for name, options in (("drop", ("--drop", 3)), ("dup", ("--dup", 4)), ("corrupt", ("--corrupt", 25)),
                          ("all", ("--drop", 2.5, "--dup", 2, "--corrupt", 30))):
        seed = rng.randrange(2**63)
        _, r, n = compare_generated(where, "impaired (%s), seed %d" % (name, seed), "--seed", seed, "--packets", 8000,
                                    *options)
        ok = (r.gaps > 0) == ("--drop" in options) and (r.duplicates > 0) == ("--dup" in options)
        ok = ok and (r.ignored > 0) == ("--corrupt" in options)
        report(ok, "gen: impaired (%s): impairments are there" % name, (r.gaps, r.duplicates, r.ignored))
        if name == "corrupt":
            reasons = {k for k in n if k.startswith("ignored")}
            report(len(reasons) == 11 and r.ignored == n["frames"] - 8000, "gen: damage of every kind, all ignored", n)


def reproducible(where):
    a, b = os.path.join(where, "a.pcap"), os.path.join(where, "b.pcap")
    options = ("--path", "crash", "--packets", 3000, "--rate", 1000)
    generate(a, "--seed", 7, *options)
    generate(b, "--seed", 8, *options)
    with open(a, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    with open(b, "rb") as f:
        other = hashlib.sha256(f.read()).hexdigest()
    report(digest == PINNED, "gen: a seed gives the same bytes on every machine", digest)
    report(digest != other, "gen: another seed gives others")
    p = run("gen", "-o", "-", "--seed", 7, *options)
    report(hashlib.sha256(p.stdout).hexdigest() == PINNED, "gen: -o - writes the same to standard output", p.stderr)


def chosen(where):
    path = os.path.join(where, "c.pcap")
    generate(path, "--instruments", "SOL_USDC-PERPETUAL,BTC-PERPETUAL", "--seconds", 2, "--rate", 500)
    r = reader.read(path)
    names = {n for entries in r.definitions.values() for (_, n, *_) in entries}
    indexes = {row[9] for row in r.rows if row[6] == 1008}
    report(names == {"SOL_USDC-PERPETUAL", "BTC-PERPETUAL", "BTC-25DEC26"} and r.frames == 1000 and
           indexes == {"btc_usd", "sol_usdc", "usdc_usd"}, "gen: chosen instruments and length in seconds",
           (names, indexes, r.frames))
    generate(path, "--packets", 300, "--rate", 1)  # rounds of definitions are longer than their period here
    r = reader.read(path)
    prices = [row for row in r.rows if row[2] == 6100]
    report(len(prices) > 120 and not r.problems, "gen: prices are sent between definitions at any rate", len(prices))


def interrupted(where):
    path = os.path.join(where, "i.pcap")
    p = subprocess.Popen([TRIPLINE, "gen", "-o", path, "--packets", "1000000000", "--rate", "100000"],
                         stderr=subprocess.PIPE)
    while p.poll() is None and (not os.path.exists(path) or os.path.getsize(path) < 3000000):
        time.sleep(0.01)
    p.send_signal(signal.SIGINT)
    _, errors = p.communicate(timeout=240)
    rows, status, _ = decode(path)
    report(p.returncode == 1 and b"interrupted" in errors and status == 0 and len(rows) > 1000,
           "gen: Ctrl-C leaves a whole capture", errors)


# ---- files that are not as they should be

def cut_files(where):
    rng = random.Random(SEED)
    whole, cut = os.path.join(where, "w.pcap"), os.path.join(where, "cut.pcap")
    generate(whole, "--packets", 200, "--seed", SEED)
    rows, _, _ = decode(whole)
    with open(whole, "rb") as f:
        data = f.read()
    ends, at = [24], 24
    while at < len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        ends.append(at)
    bad = None
    for size in [25, 40, ends[1] - 1] + [rng.randrange(25, len(data)) for _ in range(25)]:
        with open(cut, "wb") as f:
            f.write(data[:size])
        got, status, errors = decode(cut)
        if (status, len(errors) > 0) != ((0, False) if size in ends else (1, True)) and not (size in ends and not got):
            bad = (size, status, errors)
        if got != rows[:len(got)] or (size > len(data) - 2000 and not got):
            bad = (size, "rows are no prefix")
    report(bad is None, "decode: a file cut anywhere gives the rows before the cut and exit status 1", bad)


def broken_files(where):
    path = os.path.join(where, "x")
    for name, content, status, text in (
            ("an empty file", b"", 1, "x"),
            ("a file of another kind", b"not a capture at all, just some text\n" * 4, 1, "expected a pcap"),
            ("a capture without packets", struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1), 3, "no known"),
            ("an unsupported link type", struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 105), 1,
             "IEEE802_11 (105)")):
        with open(path, "wb") as f:
            f.write(content)
        p = run("decode", path)
        report(p.returncode == status and text in p.stderr.decode() and path in p.stderr.decode(),
               "decode: %s: exit status %d and a message" % (name, status), p.stderr.decode())
    p = run("decode", os.path.join(where, "missing"))
    report(p.returncode == 1 and b"No such file" in p.stderr and p.stderr.count(b"missing") == 1,
           "decode: a missing file", p.stderr)
    p = run("decode", "-o", "/dev/full", os.path.join(where, "w.pcap"))
    report(p.returncode == 1 and b"/dev/full" in p.stderr, "decode: a full disk", p.stderr)
    p = run("gen", "-o", "/dev/full")
    report(p.returncode == 1 and b"/dev/full" in p.stderr, "gen: a full disk", p.stderr)
    source, link = os.path.join(where, "w.pcap"), os.path.join(where, "link.pcap")
    with open(source, "rb") as f:
        before = f.read()
    os.symlink(source, link)
    for args in (["decode", "-o", source, source], ["decode", "-o", link, source],
                 ["gen", "-o", link, "--from", source, "--impair", "A:drop=1%"]):
        p = run(*args)
        with open(source, "rb") as f:
            whole = f.read() == before
        report(p.returncode == 2 and b"itself" in p.stderr and whole, args[0] + ": the input is not written over",
               p.stderr)
    p = run("decode", "--protocol", "cme", source)
    report(p.returncode == 3 and b"nothing of cme in" in p.stderr and not p.stdout, "decode: only another protocol",
           p.stderr)


def link_types(where):
    """The same packets without Ethernet: raw IP, and Linux cooked headers of both versions."""
    source, path = os.path.join(where, "w.pcap"), os.path.join(where, "l.pcap")
    want, _, _ = decode(source)
    heads = {101: b"", 228: b"", 113: bytes(14) + b"\x08\x00", 276: b"\x08\x00" + bytes(18)}
    for link, head in heads.items():
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link))
            for ts, _, frame, _ in reader.records(source):
                at = 12
                while frame[at:at + 2] != b"\x08\x00":
                    at += 4
                data = head + frame[at + 2:]
                f.write(struct.pack("<IIII", ts // 10**9, ts // 1000 % 10**6, len(data), len(data)) + data)
        rows, status, errors = decode(path)
        micro = [[str(int(r[0]) // 1000 * 1000)] + r[1:] for r in want]
        report(status == 0 and difference(rows, micro) is None, "decode: link type %d, microsecond stamps" % link,
               difference(rows, micro) or errors)


def usage():
    for args in (["decode"], ["decode", "a", "b"], ["decode", "--nonsense", "a"], ["gen"], ["gen", "-o", "x", "y"],
                 ["gen", "-o", "x", "--path", "up"], ["gen", "-o", "x", "--rate", "0"], ["gen", "-o", "x", "--rate", "5x"],
                 ["gen", "-o", "x", "--seed", "-1"], ["gen", "-o", "x", "--drop", "101"], ["gen", "-o", "x", "--dup", "nan"],
                 ["gen", "-o", "x", "--seconds", "1", "--packets", "1"], ["gen", "-o", "x", "--instruments", "BTC"],
                 ["gen", "-o", "x", "--instruments", ""], ["decode", "--protocol", "none", "x"], ["gen", "-o", "x", "--seconds", "4000000000"]):
        p = run(*args)
        report(p.returncode == 2 and p.stderr and not p.stdout, "usage error: " + " ".join(args), p.stderr)
    for name in ("decode", "gen"):
        p = run(name, "--help")
        report(p.returncode == 0 and p.stdout.startswith(b"usage: tripline " + name.encode()) and not p.stderr,
               name + " --help", p.stderr)


def main():
    print("# seed %d" % SEED)
    golden()
    noise()
    with tempfile.TemporaryDirectory() as where:
        for part in (clean_stream, impaired, reproducible, chosen, interrupted, cut_files, broken_files, link_types):
            try:
                part(where)
            except Exception as e:  # a crash of one part must not hide the others
                report(False, part.__name__, repr(e))
    usage()
    finish()


if __name__ == "__main__":
    main()
