#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tripline venue` from outside: its wire protocol spoken by an independent client, settlements recalculated in Python
integers, kill -9 at random instants, its ledger's verdict on sound and on tampered books, its command line.

Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, report, tripline

print("# SEED=%d" % SEED)
rng = random.Random(SEED)
work = tempfile.mkdtemp(prefix="tl-venue-")
store = os.path.join(work, "store.db")
state = os.path.join(work, "venue.db")
sock = os.path.join(work, "s")
MAGIC = 0x56504C54
HELLO, ORDER, LOOKUP, STATE, LEDGER = 1, 2, 3, 4, 5
WELCOME, REPLY, ABSENT, STATES, BALANCES, ERROR = 0x81, 0x82, 0x83, 0x84, 0x85, 0x8F
PEEK, FENCE = 0, 1
FILLED, REFUSED, UNKNOWN = 1, 2, 3
ACCOUNT, LIQUIDATOR, VENUE, POOL, DEFICIT = range(5)


class Venue:
    """The process; restarted by hand."""

    def __init__(self, *args, at=state, path=sock):
        self.args = [TRIPLINE, "venue", "--socket", path, "--state", at, "--accounts", store, "--fsync", "off", *args]
        self.path = path
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args, stderr=subprocess.PIPE, text=True)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        code = self.process.wait(timeout=DEADLINE)
        self.process.stderr.close()
        return code


class Client:
    def __init__(self, path=sock):
        end = time.monotonic() + DEADLINE
        while True:
            self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.s.settimeout(DEADLINE)
            try:
                self.s.connect(path)
                answer = self.ask(struct.pack("<BIH", HELLO, MAGIC, 7))
                break
            except OSError:
                self.s.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
        kind, magic, self.version, self.instance, self.accounts, self.told, self.does = struct.unpack_from("<BIHQIQB", answer)
        assert (kind, magic) == (WELCOME, MAGIC)

    def ask(self, packet):
        self.s.send(packet)
        answer = self.s.recv(65536)
        if not answer:
            raise ConnectionError("the venue hung up")
        return answer

    def order(self, o):
        return self.ask(o.packet)

    def lookup(self, mode, keys):
        self.s.send(struct.pack("<BBH", LOOKUP, mode, len(keys)) + b"".join(keys))
        return [self.s.recv(65536) for _ in keys]

    def close(self):
        self.s.close()


def key(account, epoch, revision, desk=1):
    return struct.pack("<4I", desk, account, epoch, revision)


class Order:
    def __init__(self, k, legs, marks, full=True):
        self.key, self.marks = k, marks
        self.bytes = struct.pack("<BBH", 1, full, len(legs)) + k + struct.pack("<qq", 0, 0)
        for instrument, qty in legs:
            self.bytes += struct.pack("<HQQ", instrument, qty & (2**64 - 1), qty >> 64)
        self.packet = struct.pack("<BQH", ORDER, 0, len(marks))
        for asset, price in marks:
            self.packet += struct.pack("<Hq", asset, price)
        self.packet += struct.pack("<H", len(self.bytes)) + self.bytes


def status(answer):
    """(status, key, reason) of a REPLY packet."""
    kind, version, st = struct.unpack_from("<BBB", answer)
    assert (kind, version) == (REPLY, 1), answer[:3]
    n = answer[19]
    return st, answer[3:19], answer[20:20 + n].decode()


# ---- the book, and settlement done over again in exact integers

class Position:
    def __init__(self, row):
        (self.instrument, size, self.entry, self.asset, self.size_dec, self.cash_dec, self.fee, self.penalty,
         self.price_dec, self.rate) = row
        self.size = int(size)


def linear_accounts():
    db = sqlite3.connect(store)
    out = []
    for ident, cash in db.execute("SELECT id, cash FROM accounts WHERE rule = 'perp-linear-1' ORDER BY id"):
        rows = db.execute(
            "SELECT p.instrument, size, entry, asset, size_decimals, i.cash_decimals, fee_ppm, penalty_ppm, a.decimals,"
            " (SELECT min(rate_ppm) FROM tiers t WHERE t.instrument = i.id)"
            " FROM positions p JOIN instruments i ON i.id = p.instrument JOIN assets a ON a.id = i.asset"
            " WHERE account = ? ORDER BY 1", (ident,))
        out.append((ident, int(cash), [Position(r) for r in rows]))
    db.close()
    return out


def equity_and_margin(cash, positions, marks):
    """Equity and a lower bound of the maintenance margin (lowest tier only), both in 10^-18 of a cash unit."""
    equity, margin = cash * 10 ** (18 - positions[0].cash_dec), 0
    for p in positions:
        scale = 10 ** (18 - p.size_dec - p.price_dec)
        equity += p.size * (marks[p.asset] - p.entry) * scale
        margin += abs(p.size) * marks[p.asset] * scale * p.rate // 10**6
    return equity, margin


def marks_against(positions, ppm):
    """Every price moved from the entry against its position."""
    return {p.asset: p.entry + (-1 if p.size > 0 else 1) * p.entry * ppm // 10**6 for p in positions}


def adverse(cash, positions):
    """Marks at which the account is liquidatable for sure: just so, or far beyond ruin. None when there are none."""
    if len({p.asset for p in positions}) < len(positions):
        return None
    lo, hi = 0, 990000
    equity, margin = equity_and_margin(cash, positions, marks_against(positions, hi))
    if equity >= margin:
        return None
    while hi - lo > 1:
        mid = (lo + hi) // 2
        equity, margin = equity_and_margin(cash, positions, marks_against(positions, mid))
        lo, hi = (lo, mid) if equity < margin else (mid, hi)
    return marks_against(positions, hi if rng.random() < 0.5 else rng.randint(hi, 990000))


def full_close(cash, positions, marks):
    """Flows of closing everything at the marks: party -> cash quanta."""
    cash_dec = positions[0].cash_dec
    k = max([cash_dec] + [p.size_dec + p.price_dec for p in positions])
    unit = 10 ** (k - cash_dec)
    pnl = penalty = fee = 0
    for p in positions:
        scale = 10 ** (k - p.size_dec - p.price_dec)
        notional = abs(p.size) * marks[p.asset] * scale
        pnl += p.size * (marks[p.asset] - p.entry) * scale // unit
        penalty += -(-notional * p.penalty // (unit * 10**6))
        fee += -(-notional * p.fee // (unit * 10**6))
    left = cash + pnl - penalty - fee
    deficit = max(0, -left)
    flows = {ACCOUNT: pnl - penalty - fee + deficit, LIQUIDATOR: penalty, VENUE: fee, POOL: -pnl, DEFICIT: -deficit}
    return {party: v for party, v in flows.items() if v}


def orders_of(accounts, revision=1):
    for ident, cash, positions in accounts:
        marks = adverse(cash, positions)
        if marks:
            legs = [(p.instrument, abs(p.size)) for p in positions]
            yield Order(key(ident, 0, revision), legs, list(marks.items())), full_close(cash, positions, marks)


def postings(at=state):
    db = sqlite3.connect(at)
    out = {}
    for k, party, amount in db.execute("SELECT key, party, amount FROM posting"):
        out.setdefault(bytes(k), {})[party] = int(amount)
    db.close()
    return out


def ledger(at=state):
    return tripline("venue", "ledger", "--state", at)


# ---- tests

def check_protocol(accounts):
    venue = Venue()
    c = Client()
    report(c.version == 7 and c.accounts == 300, "HELLO is answered with version and accounts", (c.version, c.accounts))
    o, want = next(orders_of(accounts[:1]))
    report(c.lookup(PEEK, [o.key])[0] == bytes([ABSENT]) + o.key, "a peek at an unknown key: absent")
    first = c.order(o)
    report(status(first)[0] == FILLED, "an order settles", status(first))
    report(c.order(o) == first, "the same bytes again: the stored reply")
    report(c.lookup(PEEK, [o.key]) == [first] == c.lookup(FENCE, [o.key]), "looked up: the stored reply")
    changed = Order(o.key, [(i, q + 1) for i, q in [(0, 1)]], o.marks)
    answer = c.order(changed)
    report(answer[0] == ERROR and answer[1] == 2, "other bytes under the key: a violation", answer)
    report(postings()[o.key] == want, "flows are those of exact integers", (postings()[o.key], want))
    fenced = key(accounts[1][0], 0, 7)
    report(status(c.lookup(FENCE, [fenced])[0])[0] == UNKNOWN, "a fenced key is unknown")
    o2, _ = next(orders_of(accounts[1:2], 7))
    report(status(c.order(o2))[0] == UNKNOWN, "and refused from then on")
    o3, _ = next(orders_of(accounts[1:2], 8))
    report(status(c.order(Order(key(accounts[1][0], 1, 1), [(0, 1)], o3.marks)))[0] == REFUSED, "another epoch: refused")
    report("no mark" in status(c.order(Order(o3.key, [(0, 1)], [])))[2], "without marks: refused")
    report(status(c.order(Order(key(999999, 0, 1), [(0, 1)], o3.marks)))[0] == REFUSED, "no such account: refused")
    for packet in (b"\0", b"\2", b"\2" + b"\0" * 8 + b"\xff\xff", o.packet[:-1], o.packet + b"\0", b"\3\0\0\0",
                   b"\3\2\1\0" + o.key):
        if c.ask(packet)[0] != ERROR:
            report(False, "malformed packets are refused", packet)
            break
    else:
        report(True, "malformed packets are refused")
    states = c.ask(struct.pack("<BI", STATE, accounts[2][0]))
    report(states[0] == STATES and struct.unpack_from("<H", states, 2)[0] > 1, "states are paged from an id")
    kind, last, _, filled, _, _, violations, rows = struct.unpack_from("<BB5QH", c.ask(struct.pack("<BI", LEDGER, 0)))
    report((kind, filled, violations) == (BALANCES, 1, 1) and rows >= 4 and last, "the ledger over the wire")
    second = tripline("venue", "--socket", sock + "2", "--state", state)
    report(second.returncode == 1 and "another venue" in second.stderr, "one venue a state", second.stderr)
    third = tripline("venue", "--socket", sock, "--state", state + "3", "--accounts", store)
    report(third.returncode == 1 and "another process listens" in third.stderr, "one venue a socket", third.stderr)
    report(venue.stop() == 0 and not os.path.exists(sock), "SIGTERM ends it in order")
    venue.start()
    c2 = Client()
    report(c2.instance == c.instance and c2.order(o) == first, "the next life remembers")
    c.close()
    c2.close()
    report(venue.stop(signal.SIGINT) == 0, "so does SIGINT")
    report(ledger().returncode == 0, "the ledger holds", ledger().stdout)


def check_kills(accounts):
    """Each order is sent until it is answered, while the venue dies at random instants; a stale socket is replaced."""
    at = os.path.join(work, "kills.db")
    venue = Venue("--delay-us", "1500", at=at)
    wanted, kills, resent = {}, 0, 0
    for o, flows in orders_of(accounts):
        wanted[o.key] = flows
        while True:
            c = Client()
            try:
                c.s.send(o.packet)
                if rng.random() < 0.4:
                    time.sleep(rng.random() * 0.004)
                    venue.kill()
                    kills += 1
                    venue.start()
                answer = c.s.recv(65536)
                c.close()
                if answer:
                    break
            except OSError:
                c.close()
            resent += 1
        if status(answer)[0] != FILLED:
            report(False, "orders are filled across kills", status(answer))
            break
    venue.stop()
    got = postings(at)
    print("# %d orders, %d kills, %d sent again" % (len(wanted), kills, resent))
    report(kills > 10 and len(wanted) > 50, "the venue was killed often enough", (kills, len(wanted)))
    ruined = sum(DEFICIT in flows for flows in wanted.values())
    report(5 < ruined < len(wanted) - 5, "some accounts are ruined, some are not", ruined)
    report(got == wanted, "every order has its exact effect, once", "postings differ")
    text = ledger(at)
    report(text.returncode == 0 and "filled=%d " % len(wanted) in text.stdout, "the ledger holds after kills", text.stdout)


def check_aids(accounts):
    at = os.path.join(work, "refuse.db")
    venue = Venue("--refuse", "40", "--seed", "5", at=at)
    c = Client()
    first = [status(c.order(o))[0] for o, _ in orders_of(accounts)]
    c.close()
    venue.stop()
    share = first.count(REFUSED) / len(first)
    report(0.2 < share < 0.6, "--refuse refuses about its share", share)
    report(ledger(at).returncode == 0, "and the ledger holds")
    at = os.path.join(work, "crash.db")
    venue = Venue("--crash-after", "2", at=at)
    c = Client()
    rest = list(orders_of(accounts[:2]))
    c.order(rest[0][0])
    try:
        c.order(rest[1][0])
        report(False, "--crash-after kills before the reply")
    except OSError:
        report(venue.process.wait(timeout=DEADLINE) == -signal.SIGKILL, "--crash-after kills before the reply")
    c.close()
    venue.process.stderr.close()
    report(rest[1][0].key in postings(at), "with the settlement on disk")


def check_currencies():
    """Linear and inverse accounts of three currencies: each balances in books of its own."""
    at = os.path.join(work, "currencies.db")
    db = sqlite3.connect(store)
    accounts = db.execute("SELECT c.id, c.currency, p.instrument, p.size, p.entry, i.asset FROM accounts c"
                          " JOIN positions p ON p.account = c.id JOIN instruments i ON i.id = p.instrument"
                          " WHERE c.rule LIKE 'perp%' GROUP BY c.id HAVING count(*) = 1 ORDER BY 1").fetchall()
    db.close()
    venue = Venue(at=at)
    c = Client()
    filled = {}
    for ident, currency, instrument, size, entry, asset in accounts:
        mark = entry // 3 if int(size) > 0 else entry * 3
        if status(c.order(Order(key(ident, 0, 1), [(instrument, abs(int(size)))], [(asset, mark)])))[0] == FILLED:
            filled[ident] = currency
    c.close()
    venue.stop()
    report({"USDC", "BTC", "ETH"} == set(filled.values()), "accounts of three currencies are liquidated", filled)
    db = sqlite3.connect(at)
    posted = set(db.execute("SELECT account, currency FROM posting"))
    sums = {}
    for currency, amount in db.execute("SELECT currency, amount FROM posting"):
        sums[currency] = sums.get(currency, 0) + int(amount)
    db.close()
    report(posted == {(i, "cash/" + cur) for i, cur in filled.items()}, "each is booked in its own currency", posted)
    report(sums == {"cash/USDC": 0, "cash/BTC": 0, "cash/ETH": 0}, "whose books sum to zero", sums)
    text = ledger(at)
    report(text.returncode == 0 and all(("cash/%s " % x) in text.stdout for x in ("USDC", "BTC", "ETH")),
           "the ledger agrees", text.stdout)
    old = os.path.join(work, "older.db")
    db = sqlite3.connect(at)
    db.execute("VACUUM INTO ?", (old,))
    db.close()
    db = sqlite3.connect(old)
    db.execute("UPDATE market SET value = x'b1' || substr(value, 2)")
    db.commit()
    db.close()
    text = ledger(old)
    report(text.returncode == 1 and "another version of tripline" in text.stderr, "a state from before currencies is named",
           text.stderr)


def check_tampering():
    faults = {
        "a posting": "UPDATE posting SET amount = amount + 1 WHERE id = 1",
        "a balance": "UPDATE balance SET amount = amount + 1 WHERE party = 0",
        "a lost posting": "DELETE FROM posting WHERE id = 2",
        "a lost order": "DELETE FROM orders WHERE status = 1",
        "an account put back": "UPDATE account SET state = opening",
        "cash in another currency": "UPDATE account SET state = swap(state)",
    }
    for name, sql in faults.items():
        copy = os.path.join(work, "tampered.db")
        for f in (copy, copy + "-wal", copy + "-shm"):
            if os.path.exists(f):
                os.unlink(f)
        shutil.copy(state, copy)
        db = sqlite3.connect(copy)
        db.create_function("swap", 1, lambda b: b.replace(b"\4USDC", b"\4USDT", 1))
        db.execute(sql)
        db.commit()
        db.close()
        p = ledger(copy)
        report(p.returncode == 1 and "FAULT" in p.stdout and "BROKEN" in p.stdout, "the ledger notices " + name,
               p.stdout[-400:] + p.stderr)


def check_command_line():
    p = tripline("venue", "--help")
    report(p.returncode == 0 and all(o in p.stdout for o in ("--socket", "--fsync", "--crash-after", "ledger")),
           "--help is complete")
    for args in ((), ("--socket", "x"), ("--nope",), ("--fsync", "maybe"), ("--refuse", "101"), ("--delay-us", "-1"),
                 ("--seed", "1x"), ("ledger",), ("ledger", "extra", "--state", "x"), ("--socket",)):
        p = tripline("venue", *args)
        if p.returncode != 2 or not p.stderr:
            report(False, "usage errors: exit 2 with a message", (args, p.returncode))
            break
    else:
        report(True, "usage errors: exit 2 with a message")
    fresh = os.path.join(work, "fresh.db")
    for name, what, args in (
            ("no store for a new state", "--accounts", ("--socket", sock, "--state", fresh)),
            ("no such store", "none.db",
             ("--socket", sock, "--state", fresh, "--accounts", os.path.join(work, "none.db"))),
            ("no such folder", "/nonexistent/x.db", ("--socket", sock, "--state", "/nonexistent/x.db")),
            ("socket path too long", "shorter", ("--socket", "/" + "s" * 200, "--state", fresh, "--accounts", store)),
            ("a file where the socket goes", "not a socket",
             ("--socket", store, "--state", fresh, "--accounts", store)),
            ("ledger of nothing", "/nonexistent/x.db", ("ledger", "--state", "/nonexistent/x.db")),
            ("ledger of something else", store, ("ledger", "--state", store))):
        p = tripline("venue", *args)
        report(p.returncode == 1 and what in p.stderr, "failure is explained: " + name, p.stderr)
    report(os.path.getsize(store) > 0, "a file in the socket's place is left alone")


def main():
    must("accounts", "gen", "--db", store, "--accounts", "300", "--seed", SEED)
    accounts = [a for a in linear_accounts() if adverse(a[1], a[2])]
    report(len(accounts) > 90, "a book with linear accounts that prices can break", len(accounts))
    try:
        check_protocol(accounts)
        check_kills(accounts[:100])
        check_aids(accounts)
        check_currencies()
        check_tampering()
        check_command_line()
    finally:
        shutil.rmtree(work)
    finish()


main()
