#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Price policies over two venues, end to end: Deribit's real capture, merged with a session of Coinbase Derivatives
that is made here and misbehaves (spikes, drags, falls silent, halts, replays). What `tripline run` has told the device, read
from its journal beat by beat, must be what an independent reckoning makes of the rows that `tripline decode` prints:
docs/oracle.md in Python (tests/unit/oracle/judge_policy.py), price by price and group by group.

Prints TAP. Environment: TRIPLINE, SHARED, SEED.
"""
import csv
import io
import os
import random
import shutil
import struct
import sys
import tempfile
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "unit", "oracle"))
from deribit_reader import records, udp_of  # noqa: E402
from judge_policy import FALLBACK, NONE, Guard, Policy, Source  # noqa: E402
from keeper import SEED, SHARED, finish, must, report, skip, tripline  # noqa: E402

MS, SECOND = 10**6, 10**9
J_FRAME, J_CLOCK, J_COMMANDS = 4, 5, 8
TICK, BAND = 2, 3
BIT = 44  # the CDE instrument's id; its symbol is BITZ26


# ---- the second venue

def cde_message(template, own, at_ns, body, flags=3, side=-128):
    body = struct.pack("<BbiIHhq", flags, side, BIT, own, 20000, 0, at_ns) + body
    block = len(body)
    body += bytes(-(10 + block) % 8)
    return struct.pack("<5H", 10 + len(body), block, template, 1201, 7) + body


def cde_definition():
    body = struct.pack("<HI24s8s32sq8s8siiiHHHbb", 0, 10, b"BITZ26", b"BIT", b"Nano", 5 * 10**9, b"FFXXXX", b"USD", 1, 1,
                       3, 0, 0, 20000, 6, 1) + struct.pack("<q4h", 1000000, 0, 0, 0, 0)
    block = len(body)
    body += bytes(-(10 + block) % 8)
    return struct.pack("<5H", 10 + len(body), block, 110, 1201, 7) + body


def frame(address, port, payload):
    udp = struct.pack(">HHHH", 5000, port, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 16, 17, 0, 0x0a000001, address)
    total = sum(struct.unpack(">10H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return bytes(12) + b"\x08\x00" + head[:10] + struct.pack(">H", 0xffff - total) + head[12:] + udp


class Cde:
    """A session: its frames with their receive times."""

    def __init__(self):
        self.seq, self.own, self.frames = 9000, 1, []

    def send(self, at_ns, *messages, snapshot=False):
        head = struct.pack("<qqHBBi", at_ns, self.seq - snapshot, 44849, 2 if snapshot else 1, len(messages),
                           BIT if snapshot else 0)
        self.seq += 0 if snapshot else len(messages)
        self.frames.append((at_ns, frame(0xe9f6fa87, 5222, head + b"".join(messages))))

    def _own(self):
        self.own += 1
        return self.own

    def mark(self, at_ns, mark, spot, stamp=None):
        self.send(at_ns, cde_message(43, self._own(), stamp or at_ns,
                                     struct.pack("<qqqqqqB", 1, mark, spot, mark, -2**63, 0, 0)))

    def trade(self, at_ns, price):
        self.send(at_ns, cde_message(30, self._own(), at_ns, struct.pack("<qqqqi", 9, 2, -2**63, price, 3), side=1))

    def status(self, at_ns, is_open):
        self.send(at_ns, cde_message(17, self._own(), at_ns, struct.pack("<qqb", 1, 2, 1 if is_open else 2)))


def story(rng, index, start, end):
    """index(ns): the real index, about which the second venue trades."""
    v, now, halted = Cde(), start + 3 * MS + 7, False
    v.send(now, cde_definition(), snapshot=True)
    while True:
        now += rng.randrange(20, 120) * MS + rng.randrange(MS)
        t = (now - start) / SECOND
        if now >= end:
            return v.frames
        honest = index(now) * (10**6 + rng.randrange(-300, 300)) // 10**6
        if 30 < t < 36:
            continue  # silent
        if (45 < t < 50) != halted:
            halted = not halted
            v.status(now, not halted)
        elif rng.random() < 0.3:
            v.trade(now, 2 * honest if 20 < t < 21 else honest)
        elif 15 < t < 20:
            v.mark(now, honest + honest * int(t * 1000 - 15000) // 10**6, honest)  # dragged by 0.1 % a second
        elif 20 < t < 21:
            v.mark(now, honest * 2, honest)  # a spike
        elif 55 < t < 57:
            v.mark(now, honest * 9 // 10, honest, start + 40 * SECOND)  # old messages once more
        else:
            v.mark(now, honest, honest)


def merged(path, real, rng):
    """Writes both venues' frames in the order of their times."""
    frames = [(ns, data) for ns, link, data, wire in records(real) if udp_of(link, data, wire)]
    rows = decoded("deribit", real)
    told = [(int(r["cap_ts_ns"]), quanta(r["index"], 9)) for r in rows if r["name"] == "btc_usd"]

    def index(ns):
        return max((x for x in told if x[0] <= ns), default=told[0])[1]

    start, end = frames[0][0], frames[-1][0]
    frames += story(rng, index, start, end)
    frames.sort(key=lambda x: x[0])
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for ns, data in frames:
            f.write(struct.pack("<IIII", ns // SECOND, ns % SECOND, len(data), len(data)) + data)
    return frames


# ---- policies

def policies():
    d, c = "deribit", "cde"
    return {
        # the heaviest of three venues is not the majority; what is left is clamped to the second venue's spot
        "BTC-PERPETUAL": Policy(
            [Source("source", "BTC-PERPETUAL", d, "mark", weight=3, max_age_ms=10000),
             Source("source", "BITZ26", c, "mark", weight=2, max_age_ms=2000),
             Source("source", "btc_usd", d, "index", weight=2, max_age_ms=10000),
             Source("reference", "BITZ26", c, "index", max_age_ms=20000)],
            [Guard("deviation", "clamp", bps=5, of="reference")], "weighted"),
        "BTC_USDC-PERPETUAL": Policy(
            [Source("source", "BTC_USDC-PERPETUAL", d, "mark", max_age_ms=60000),
             Source("source", "BITZ26", c, "last", max_age_ms=4000),
             Source("source", "btc_usd", d, "index")],
            [], "median", mean="geometric", window=2000, partial=True, publish=True),
        "ETH-PERPETUAL": Policy(
            [Source("source", "ETH-PERPETUAL", d, "mark", max_age_ms=60000)],
            [Guard("rate", "clamp", bps=1, every_ms=500)]),
        "btc_usd": Policy(
            [Source("source", "btc_usd", d, "index", conf_bps=2),
             Source("source", "BITZ26", c, "mark", conf_bps=5, max_age_ms=1000),
             Source("source", "BITZ26", c, "last", conf_bps=10, max_age_ms=3000)],
            [Guard("confidence", "hold", bps=40)], "pyth", min_live=1),
        "eth_usd": Policy(
            [Source("source", "eth_usd", d, "index"), Source("source", "ETH-PERPETUAL", d, "mark"),
             Source("source", "ETH_USDC-PERPETUAL", d, "mark")], [], "maker", quorum=3),
        # alone on the second venue, with the first to fall back on
        "ETH_USDC-PERPETUAL": Policy(
            [Source("source", "BITZ26", c, "mark", max_age_ms=1500), Source("fallback", "btc_usd", d, "index")],
            [Guard("jump", "fallback", bps=3000, of="previous", confirm_ms=700)], too_few="fallback", back=20),
        # what the store would say, in words
        "sol_usd": Policy([Source("source", "sol_usd", d, "index", max_age_ms=60000)]),
        "usdc_usd": Policy([Source("source", "usdc_usd", d, "index", max_age_ms=86400000)]),
    }


def quanta(text, decimals):
    """A decoded double in quanta, half to even; 0: no price."""
    if text in ("", "nan"):
        return 0
    q = round(Fraction(float(text)) * 10**decimals)
    return q if 0 < q < 2**63 else 0


def decoded(protocol, path):
    return list(csv.DictReader(io.StringIO(must("decode", "--protocol", protocol, path))))


class Reckoning:
    """What the device must be told, from decoded rows alone."""

    def __init__(self, assets, rows):
        self.assets, self.rows = assets, rows  # [(name, decimals, policy or base's number)]; {ns: [(venue, row)]}
        self.price = [0] * len(assets)
        self.now = self.stepped = 0
        self.sources = [(a, s) for a, (_, _, p) in enumerate(assets) if isinstance(p, Policy) for s in p.sources]
        self.open, self.said, self.by = {}, {}, set()

    def hear(self, venue, name, field, text, ns, ts):
        for a, s in self.sources:
            if (s.venue, s.name, s.field) == (venue, name, field):
                unit = self.assets[a][1] if venue == "deribit" else self.assets[a][1] - 9
                price = quanta(text, unit) if venue == "deribit" else round(Fraction(int(text)) * Fraction(10)**unit)
                if s.take(price, ns, min(ts, max(ns, self.now) + SECOND)):
                    self.touched.add(a)

    def state(self, venue, name, is_open):
        for a, s in self.sources:
            if (s.venue, s.name) == (venue, name) and s.field != "index" and self.open.get((venue, name), True) != is_open:
                s.flags ^= 4
                self.touched.add(a)
        self.open[venue, name] = is_open

    def row(self, venue, r, ns):
        if venue == "deribit":
            ts = int(r["ts_ms"]) * MS
            if r["template"] == "1003" and r["name"]:
                self.state(venue, r["name"], r["state_or_price"] == "1")
                if r["mark"] != "nan":
                    self.hear(venue, r["name"], "mark", r["mark"], ns, ts)
            elif r["template"] == "1008":
                self.hear(venue, r["name"], "index", r["index"], ns, ts)
            return
        if r["message"] == "StartOfOutrightInstrumentSnapshot":
            self.said[BIT] = r["symbol"]
        name = self.said.get(int(r["instrumentId"] or 0))
        if name and r["message"] == "FundingRate":
            self.hear(venue, name, "mark", r["futuresMarkPrice"], ns, int(r["transactTime"]))
            self.hear(venue, name, "index", r["spotMarkPrice"], ns, int(r["transactTime"]))
        elif name and r["message"] == "Trade":
            self.hear(venue, name, "last", r["price"], ns, int(r["transactTime"]))
        elif name and r["message"] == "TradingStatusUpdate":
            self.state(venue, name, r["tradingStatus"] == "OPEN")

    def input(self, ns, rows):
        """A frame received with these rows, or the clock: assets whose prices changed."""
        self.touched = set()
        for venue, r in rows:
            self.row(venue, r, ns)
        self.now = max(self.now, ns)
        if self.now - self.stepped >= MS:
            self.stepped = self.now
            self.touched |= {a for a, (_, _, p) in enumerate(self.assets) if isinstance(p, Policy) and p.timed()}
        changed = set()
        for a in self.touched:
            price, _, _, reason, by, _ = self.assets[a][2].eval(self.now)
            self.by.add((self.assets[a][0], reason, by))
            if price and price != self.price[a]:
                self.price[a] = price
                changed.add(a)
        for a, (_, decimals, base) in enumerate(self.assets):
            if not isinstance(base, Policy) and base in changed:
                p = self.price[base]
                self.price[a] = (10**(decimals + self.assets[base][1]) + p // 2) // p
                changed.add(a)
        return sorted(changed)


# ---- the device's side

def journal_records(path):
    """(type, payload), as docs/journal.md says."""
    data, at = open(path, "rb").read(), 32
    while at + 16 <= len(data):
        n = int.from_bytes(data[at:at + 3], "little")
        yield data[at + 3], data[at + 16:at + 16 + n]
        at += 16 + n


def bits(beat, lsb, width):
    return int.from_bytes(beat, "little") >> lsb & (1 << width) - 1


class Device:
    """Follows the command stream: units from BAND, prices from TICK."""

    def __init__(self):
        self.shift = {}

    def phat(self, asset, price):
        s = self.shift[asset]
        return (2 * price + (1 << s) >> s + 1) if s > 0 else price << -s

    def band(self, beat, prices, wrong):
        asset, p = bits(beat, 16, 12), bits(beat, 144, 40)
        if not bits(beat, 8, 1):
            return
        length = prices[asset].bit_length()  # the unit with which the reference is in [2^31, 2^32), rounded to nearest
        for self.shift[asset] in (length - 32, length - 31):
            if self.phat(asset, prices[asset]) == p:
                return
        wrong.append("BAND of asset %d: %d is no unit of %d" % (asset, p, prices[asset]))


def compare(journal, frames, reckoning):
    """((ticks, groups), what is wrong, the device): each input's commands against what the reckoning says."""
    device, want, got, wrong, counts, at = Device(), [], [], [], [0, 0], 0

    def settle():
        if [(a, p) for a, p, _ in got] != want:
            wrong.append("at %d: told %s, not %s" % (reckoning.now, got, want))
        if [last for _, _, last in got] != [False] * (len(got) - 1) + [True] * bool(got):
            wrong.append("at %d: last is not the last: %s" % (reckoning.now, got))
        counts[0] += len(got)
        counts[1] += bool(got)

    for kind, payload in journal_records(journal):
        if kind in (J_FRAME, J_CLOCK):
            settle()
            got.clear()
            rows = ()
            if kind == J_FRAME:  # its time is the capture's in whole microseconds
                while frames[at][1] != payload[8:]:
                    at += 1
                rows = reckoning.rows.get(frames[at][0], ())
                at += 1
            changed = reckoning.input(struct.unpack_from("<Q", payload)[0], rows)
            # A price that gives its asset a unit is told by BAND alone.
            want = [(a, device.phat(a, reckoning.price[a])) for a in changed if a in device.shift]
        elif kind == J_COMMANDS:
            for i in range(0, len(payload), 32):
                beat = payload[i:i + 32]
                if beat[0] == TICK:
                    got.append((bits(beat, 16, 12), bits(beat, 64, 40), bool(bits(beat, 8, 1))))
                elif beat[0] == BAND:
                    device.band(beat, reckoning.price, wrong)
    settle()
    return counts, wrong, device


def market(db):
    """[(name, decimals, kind)] in the order of the device's columns."""
    lines = must("accounts", "show", "--db", db, "--market").splitlines()[1:]
    return [(x.split()[0], int(x.split()[3]), x.split()[1]) for x in lines[:lines.index("")]]


def reckoning_of(db, capture, mine):
    names = [name for name, _, _ in market(db)]
    assets = [(name, dec, names.index(name[2:]) if kind == "reciprocal" else mine[name])
              for name, dec, kind in market(db)]
    rows = {}
    for venue in ("deribit", "cde"):
        for r in decoded(venue, capture):
            rows.setdefault(int(r["cap_ts_ns"]), []).append((venue, r))
    return Reckoning(assets, rows)


def check(work, real):
    capture, db, conf = (os.path.join(work, x) for x in ("two.pcap", "a.db", "p.conf"))
    frames = merged(capture, real, random.Random(SEED))
    report(len({ns for ns, _ in frames}) == len(frames), "no two frames have one time")
    must("accounts", "gen", "--db", db, "--accounts", 120, "--seed", SEED, "--capture", real)
    mine = policies()
    with open(conf, "w") as f:
        for name, p in mine.items():
            f.write("\n".join(p.text(name)) + "\n")
    where = os.path.join(work, "run")
    p = tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", where, "--device",
                 "sim+model", "--oracle", conf)
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0 model==rtl: identical" in p.stdout,
           "a run over two venues", p.stdout + p.stderr)
    told = reckoning_of(db, capture, policies())
    (ticks, groups), wrong, seen = compare(os.path.join(where, "journal"), frames, told)
    report(set(seen.shift) == {a for a, p in enumerate(told.price) if p} and len(seen.shift) >= 6,
           "every asset that has a price has been told, reciprocals too", "%s %s" % (seen.shift, told.price))
    report(not wrong and ticks > 2000,
           "each of %d prices of %d assets in %d groups is what the rows say" % (ticks, len(seen.shift), groups),
           "\n".join(wrong[:5]))
    for name, reason, by in (("ETH_USDC-PERPETUAL", NONE, FALLBACK), ("btc_usd", 5, 0), ("BTC-PERPETUAL", NONE, 1),
                             ("eth_usd", NONE, 1)):
        report((name, reason, by) in told.by, "%s came to reason %d by %d" % (name, reason, by), sorted(told.by))
    # The comparison sees it when one weight, one window or one source is another.
    for what, change in (("a weight", lambda m: m["BTC-PERPETUAL"].sources[0].keys.update(weight=5)),
                         ("a window", lambda m: setattr(m["BTC_USDC-PERPETUAL"], "window", 1900)),
                         ("an age", lambda m: m["ETH_USDC-PERPETUAL"].sources[0].keys.update(max_age_ms=1400))):
        other = policies()
        change(other)
        _, wrong, _ = compare(os.path.join(where, "journal"), frames, reckoning_of(db, capture, other))
        report(wrong, "another policy (%s) would have been noticed" % what)


def main():
    print("# SEED=%d" % SEED)
    real = os.path.join(SHARED, "captures", "deribit_legacy_sample_v1_6.pcapng")
    if not os.path.exists(real):
        skip("policies over two venues", "%s is missing" % real)
        return finish()
    work = tempfile.mkdtemp(prefix="tl-policy-")
    try:
        check(work, real)
    finally:
        shutil.rmtree(work)
    return finish()


if __name__ == "__main__":
    main()
