#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A market whose reserves bear interest, months after it was told: what interest alone has put below maintenance is
filled by the venue, which judges at the keeper's second. Interest is in the books to the last unit (against integers
worked out here), also after kill -9, and in a state file from before the venue had a clock. Prints TAP.
Environment: TRIPLINE, SEED.
"""
import os
import random
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, killed_at, must, number, report, size_of, tripline

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "diff"))
import judge_moving as jm  # noqa: E402

START = 1780272000  # the first second of `tripline gen`
TOLD = START - 90 * 86400
ACCOUNTS = 1500
POOL, ACCOUNT = 3, 0
print("# SEED=%d" % SEED)
rng = random.Random(SEED)
work = tempfile.mkdtemp(prefix="tl-interest-")
capture = os.path.join(work, "calm.pcap")
db = os.path.join(work, "accounts.db")
must("gen", "-q", "-o", capture, "--path", "calm", "--seconds", 20, "--rate", 300, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", ACCOUNTS, "--seed", SEED, "--rates", TOLD)


def at(name, *path):
    return os.path.join(work, name, *path)


def command(name, *more):
    return [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model",
            "--audit", "--venue-arg=--fsync", "--venue-arg=off", *more]


def run(name, *more):
    return subprocess.run(command(name, *more), capture_output=True, text=True, timeout=DEADLINE)


def ledger(name):
    return tripline("venue", "ledger", "--state", at(name, "venue.db"))


def judge(what, name, last):
    report(last.returncode == 0 and "missed=0 unconfirmed_orders=0" in last.stdout, "%s: the audit holds" % what,
           last.stdout + last.stderr)
    p = tripline("replay", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: it replays" % what, p.stdout + p.stderr)
    p = ledger(name)
    report(p.returncode == 0, "%s: books balance with the interest in them" % what, p.stdout + p.stderr)
    return p.stdout


def due_at_once():
    """Accounts that are liquidatable at the first prices at START, and were not as told."""
    def liquidatable(*when):
        out = must("accounts", "show", "--db", db, "--capture", capture, *when)
        return {line.split()[0] for line in out.splitlines() if "LIQUIDATABLE" in line.upper()}
    return liquidatable("--at", START) - liquidatable()


def interest_is_filled():
    p = run("whole")
    text = judge("lockstep", "whole", p)
    due = due_at_once()
    con = sqlite3.connect(at("whole", "venue.db"))
    filled = {str(i) for i, in con.execute("SELECT account FROM orders WHERE status = 1")}
    con.close()
    print("# interest alone: %d accounts; filled %d, refused %d" % (
        len(due), number(text, r"filled=(\d+)"), number(text, r"refused=(\d+)")))
    report(len(due) > 20 and due <= filled, "what interest alone puts below maintenance is filled", sorted(due - filled))
    report(number(text, r"refused=(\d+)") == 0, "lockstep: the venue refuses nothing", text)
    report(number(text, r"second=(\d+)") >= START, "its clock is the keeper's", text)
    p = run("live", "--no-lockstep")
    text = judge("live", "live", p)
    report(due <= set(filled_in("live")) and number(text, r"refused=(\d+)") * 20 <= number(text, r"filled=(\d+)"),
           "live: as much is filled, next to nothing refused", text)


def filled_in(name):
    con = sqlite3.connect(at(name, "venue.db"))
    out = [str(i) for i, in con.execute("SELECT account FROM orders WHERE status = 1")]
    con.close()
    return out


def reserves():
    con = sqlite3.connect(db)
    out = {}
    for i, name, li, bi, lr, br, told in con.execute(
            "SELECT id, name, liquidity_index, borrow_index, liquidity_rate, borrow_rate, told_at FROM instruments"
            " WHERE kind = 'reserve'"):
        out[i] = name, int(li), int(bi), jm.Told(liquidity_rate=int(lr), borrow_rate=int(br), told_at=told)
    con.close()
    return out


def holding(reserve, supply, debt, second):
    _, li, bi, told = reserve
    if second:
        li, bi = told.liquidity_index(li, second), told.borrow_index(bi, second)
    return supply * li // jm.RAY - -(-debt * bi // jm.RAY)


def interest_is_posted():
    """Of accounts with one fill: its second is the account's, its balances before are the store's."""
    known = reserves()
    store, con = sqlite3.connect(db), sqlite3.connect(at("whole", "venue.db"))
    checked, wrong = 0, []
    for ident, second in con.execute("SELECT a.id, a.at FROM account a JOIN orders o ON o.account = a.id AND o.status = 1"
                                     " GROUP BY a.id HAVING count(*) = 1").fetchall():
        want = []
        for i, supply, debt in store.execute("SELECT instrument, supply, debt FROM positions WHERE account = ?"
                                             " ORDER BY 1", (ident,)):
            if i in known:
                more = holding(known[i], int(supply), int(debt), second) - holding(known[i], int(supply), int(debt), 0)
                want += [("token/" + known[i][0], ACCOUNT, more), ("token/" + known[i][0], POOL, -more)] if more else []
        got = [(c, p, int(a)) for c, p, a in con.execute(
            "SELECT currency, party, amount FROM posting WHERE account = ? ORDER BY id", (ident,))]
        checked += bool(want)
        if got[:len(want)] != want:
            wrong.append((ident, second, got, want))
    store.close()
    con.close()
    report(checked > 5 and not wrong, "%d accounts: interest is posted before the fill, as worked out in integers" % checked,
           wrong[:1])


def tampered():
    for what, sql in (("interest that was not posted", "DELETE FROM posting WHERE id IN (SELECT min(id) FROM posting"
                       " WHERE currency LIKE 'token/%' UNION SELECT min(id) + 1 FROM posting WHERE currency LIKE 'token/%')"),
                      ("books that say they are up to later", "UPDATE account SET at = at + 1000000 WHERE at > 0"),
                      ("an opening of another time", "UPDATE account SET opening_at = %d WHERE at > 0" % (TOLD + 1000000)),
                      ("a market told otherwise", "UPDATE account SET market = 2 WHERE at > 0")):
        os.makedirs(at("tampered"), exist_ok=True)
        for end in ("", "-wal", "-shm"):
            if os.path.exists(at("tampered", "venue.db" + end)):
                os.unlink(at("tampered", "venue.db" + end))
        shutil.copy(at("whole", "venue.db"), at("tampered", "venue.db"))
        con = sqlite3.connect(at("tampered", "venue.db"))
        con.execute(sql)
        con.commit()
        con.close()
        p = ledger("tampered")
        report(p.returncode == 1 and ("FAULT" in p.stdout or "damaged" in p.stderr), "the ledger notices %s" % what,
               p.stdout[-500:] + p.stderr)


def killed_and_resumed():
    whole, died = size_of(at("whole", "journal")), 0
    for _ in range(3):
        died += killed_at(command("kill", "--venue-arg=--delay-us=3000"), at("kill", "journal"),
                          size_of(at("kill", "journal")) + rng.uniform(0.1, 0.6) * whole)
    p = run("kill")
    text = judge("kill -9", "kill", p)
    report(died > 0 and number(text, r"filled=(\d+)") >= number(ledger("whole").stdout, r"filled=(\d+)"),
           "kill -9: %d of 3 runs were killed; as much is filled in the end" % died, text)


def from_before_the_clock():
    """The state's schema as it was: no versions of the market, no dates."""
    os.makedirs(at("old"))
    v = subprocess.Popen([TRIPLINE, "venue", "--socket", at("old", "s"), "--state", at("old", "venue.db"), "--accounts", db,
                          "--fsync", "off"])
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            s.connect(at("old", "s"))
            s.send(struct.pack("<BIH", 1, 0x56504C54, 7))
            s.recv(100)
            break
        except OSError:
            time.sleep(0.01)
        finally:
            s.close()
    v.terminate()
    v.wait(timeout=DEADLINE)
    con = sqlite3.connect(at("old", "venue.db"))
    con.executescript("INSERT INTO meta SELECT 'market', value FROM market; DROP TABLE market;"
                      + "".join("ALTER TABLE account DROP COLUMN %s;" % c
                                for c in ("opening_market", "opening_at", "market", "at"))
                      + "PRAGMA user_version = 0;")
    con.close()
    p = ledger("old")
    report(p.returncode == 1 and "start the venue once" in p.stderr, "a state from before the clock: the ledger says what to do",
           p.stdout + p.stderr)
    p = run("old")
    text = judge("a state from before the clock", "old", p)
    report(number(text, r"filled=(\d+)") == number(ledger("whole").stdout, r"filled=(\d+)"),
           "a state from before the clock is brought up to date and goes on", text)
    con = sqlite3.connect(at("old", "venue.db"))
    con.execute("PRAGMA user_version = 3")
    con.close()
    p, v = ledger("old"), run("old")
    report(p.returncode == 1 and "another version" in p.stderr and v.returncode == 1 and "another version" in v.stderr,
           "a state of a later version is named", p.stderr + v.stderr)


interest_is_filled()
interest_is_posted()
tampered()
killed_and_resumed()
from_before_the_clock()
shutil.rmtree(work)
finish()
