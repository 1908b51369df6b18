#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Accounts' states that no order brought: a venue whose owners never rest, a keeper killed and resumed among them,
owners' own client, a client that never reads. Prints TAP. Environment: TRIPLINE, SEED.
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

from keeper import DEADLINE, SEED, TRIPLINE, finish, halt, killed_at, must, number, report, size_of, tripline, until

print("# SEED=%d" % SEED)
rng = random.Random(SEED)
work = tempfile.mkdtemp(prefix="tl-updates-")
capture = os.path.join(work, "crash.pcap")
db = os.path.join(work, "accounts.db")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 20, "--rate", 1000, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 240, "--seed", SEED)


def at(name, *path):
    return os.path.join(work, name, *path)


def command(name, *more):
    return [TRIPLINE, "run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model",
            "--audit", "--no-lockstep", *more]


CHURN = ("--venue-churn", "3000", "--venue-arg=--fsync", "--venue-arg=off")


def judge(what, name, last):
    report(last.returncode == 0 and "missed=0 unconfirmed_orders=0" in last.stdout, "%s: the audit holds" % what,
           last.stdout + last.stderr)
    p = tripline("replay", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: it replays" % what, p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0 and number(p.stdout, r"filled=(\d+)") > 0, "%s: books balance, orders were filled" % what,
           p.stdout + p.stderr)


def owners_never_rest():
    p = subprocess.run(command("churn", *CHURN), capture_output=True, text=True, timeout=DEADLINE)
    judge("churn", "churn", p)
    report(number(p.stdout, r"states +taken (\d+)") > 100, "churn: the keeper was told of states", p.stdout)
    report("old" not in p.stdout.split("states ")[1].splitlines()[0], "churn: none of them older than what it knew",
           p.stdout)


def killed_and_resumed():
    whole, died = size_of(at("churn", "journal")), 0
    for _ in range(3):
        died += killed_at(command("kill", *CHURN), at("kill", "journal"), size_of(at("kill", "journal")) + rng.uniform(0.02, 0.3) * whole)
    judge("kill -9", "kill", subprocess.run(command("kill", *CHURN), capture_output=True, text=True, timeout=DEADLINE))
    report(died > 0, "kill -9: %d of 3 runs were killed" % died)


def lockstep_is_refused():
    p = tripline("run", "--accounts", db, "--capture", capture, "--dir", at("no"), "--venue-churn", 5)
    report(p.returncode == 2 and "--no-lockstep" in p.stderr, "churn in lockstep is refused, with what to do", p.stderr)


# ---- owners' own client

def write(name, text):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def push(name, text, sock):
    return tripline("accounts", "push", "--socket", sock, write(name, text))


def epoch(name, account):
    with sqlite3.connect(at(name, "venue.db")) as con:
        row = con.execute("SELECT epoch FROM account WHERE id = ?", (account,)).fetchone()
    return row[0] if row else None


def pushed():
    csv = must("accounts", "export", "--db", db, "--csv").splitlines()
    head, first = csv[0], csv[1]
    field = dict(zip(head.split(","), first.split(",")))
    number_of = int(field["account"])
    mine = [line for line in csv[1:] if line.split(",")[head.split(",").index("account")] == field["account"]]
    whole = "\n".join([head, *mine]) + "\n"
    highest = max(int(line.split(",")[head.split(",").index("account")]) for line in csv[1:])

    def renumbered(to):
        at_id = head.split(",").index("account")
        rows = [line.split(",") for line in mine]
        for r in rows:
            r[at_id] = str(to)
        return "\n".join([head, *(",".join(r) for r in rows)]) + "\n"

    p = subprocess.Popen(command("push", "--venue-arg=--fsync", "--venue-arg=off", "--venue-arg=--delay-us=2000"),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(p, lambda: size_of(at("push", "ready")))
    halt(p)  # so that the run does not end before it has been told
    sock = at("push", "venue.sock")
    ok = push("one.csv", whole, sock)
    new = push("new.csv", renumbered(highest + 7), sock)
    p.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=DEADLINE)
    report(ok.returncode == 0 and "1 of 1" in ok.stdout and epoch("push", number_of) >= 1,
           "push: the venue takes a state under the next epoch", ok.stdout + ok.stderr)
    report(new.returncode == 0 and epoch("push", highest + 7) is not None, "push: and a new account",
           new.stdout + new.stderr)
    report(number(out, r"taken (\d+)") == 1 and number(out, r"new accounts (\d+)") == 1,
           "push: the keeper is told of both", out + err)
    last = subprocess.run(command("push"), capture_output=True, text=True, timeout=DEADLINE)
    judge("push, and another run with the new account", "push", last)
    v = subprocess.Popen([TRIPLINE, "venue", "--socket", sock, "--state", at("push", "venue.db"), "--fsync", "off"])
    p = push("between.csv", renumbered(highest + 3), sock)
    report(p.returncode == 1 and "between.csv" in p.stderr and "above all others" in p.stderr
           and epoch("push", highest + 3) is None, "push: a new id below another is refused, and said why", p.stderr)
    p = push("bad.csv", whole.replace(field["instrument"], "NOSUCH"), sock)
    report(p.returncode == 1 and "bad.csv:2" in p.stderr and "NOSUCH" in p.stderr,
           "push: an error in the file names file and line", p.stderr)
    changed_twice_while_waiting(sock, whole, renumbered(highest))
    return v, sock


def greet(sock):
    end = time.monotonic() + DEADLINE
    while True:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(DEADLINE)
        try:
            s.connect(sock)
            s.send(struct.pack("<BIH", 1, 0x56504C54, 7))
            return s, struct.unpack_from("<BIHQIQB", s.recv(65536))
        except OSError:
            s.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.005)


def changed_twice_while_waiting(sock, one, other):
    """A client without room: of an account that changes again it gets the newest state, after the other's."""
    s, hello = greet(sock)
    s.send(struct.pack("<BQIB", 6, hello[5], 0, 0))
    codes = [push("w%d.csv" % i, text, sock).returncode for i, text in enumerate((one, other, one))]
    s.send(struct.pack("<BQIB", 6, 0, 10, 0))
    told = [struct.unpack_from("<BQBBIIII", s.recv(65536)) for _ in range(2)]
    ids = [int(text.splitlines()[1].split(",")[0]) for text in (other, one)]
    report(codes == [0, 0, 0] and [x[1] for x in told] == [hello[5] + 2, hello[5] + 3] and [x[5] for x in told] == ids,
           "an account that changes again while a client waits comes once, after the others", told)
    s.close()


def a_client_that_never_reads(v, sock):
    v.terminate()
    v.wait(timeout=DEADLINE)
    v = subprocess.Popen([TRIPLINE, "venue", "--socket", sock, "--state", at("push", "venue.db"), "--fsync", "off",
                          "--churn", "20000"])

    deaf, _ = greet(sock)
    deaf.send(struct.pack("<BQIB", 6, 0, 1000000, 0))
    s, before = greet(sock)
    after, end = before, time.monotonic() + DEADLINE
    while after[5] < before[5] + 5000 and time.monotonic() < end:
        s.close()
        time.sleep(0.01)
        s, after = greet(sock)
    s.send(struct.pack("<BI", 4, 0))
    report(s.recv(65536)[0] == 0x84 and after[5] >= before[5] + 5000, "a client that never reads holds up nobody",
           "%d states told before, %d after" % (before[5], after[5]))
    told = [struct.unpack_from("<BQ", deaf.recv(65536)) for _ in range(50)]
    report(all(t[0] == 0x86 for t in told) and all(a[1] < b[1] for a, b in zip(told, told[1:])),
           "and gets its states in the order of their numbers", told)
    v.terminate()
    v.wait(timeout=DEADLINE)


lockstep_is_refused()
owners_never_rest()
killed_and_resumed()
a_client_that_never_reads(*pushed())
shutil.rmtree(work)
finish()
