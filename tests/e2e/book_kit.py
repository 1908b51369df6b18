# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole runs share: a directory of their own, captures, books and their way through files, runs with the audit,
what is asked of each run, kill -9, a venue that is told something midway, the records of a journal.

Importing it makes the directory, which goes with the test, and prints the seed."""
import atexit
import copy
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

from journal_reader import records
from keeper import DEADLINE, SEED, TRIPLINE, halted_at, killed_at, must, report, size_of, tripline

UNSYNCED = ("--venue-arg=--fsync", "--venue-arg=off")
work = tempfile.mkdtemp(prefix="tl-%s-" % os.path.basename(sys.argv[0])[5:-3])
atexit.register(shutil.rmtree, work, ignore_errors=True)
print("# SEED=%d" % SEED)


def at(*name):
    return os.path.join(work, *name)


def load(name):
    with open(at(name)) as f:
        return json.load(f)


def save(name, doc):
    with open(at(name), "w") as f:
        json.dump(doc, f, indent=1)
    return at(name)


def generated(name, path, seconds=6, rate=100, *more):
    must("gen", "-q", "-o", at(name), "--path", path, "--seconds", seconds, "--rate", rate, "--seed", SEED, *more)
    return at(name)


# ---- books

def exported(name, out, *more):
    """The store name.db as the file out; its path."""
    must("accounts", "export", "--db", at(name + ".db"), *more, "-o", at(out))
    return at(out)


def imported(name, doc):
    return tripline("accounts", "import", "--db", at(name + ".db"), save(name + ".json", doc))


def reads_back(name, what=""):
    """Store -> JSON -> store -> JSON. The book."""
    must("accounts", "import", "--db", at(name + ".again.db"), exported(name, name + ".out.json"))
    with open(at(name + ".out.json")) as f, open(exported(name + ".again", name + ".back.json")) as g:
        first, second = f.read(), g.read()
    report(first == second, what + "what is exported reads back the same", "%d and %d bytes" % (len(first), len(second)))
    return json.loads(first)


def made(name, accounts, *more):
    """A store of so many accounts, many of them near the edge."""
    must("accounts", "gen", "--db", at(name + ".db"), "--accounts", accounts, "--near", 400000, "--seed", SEED, *more)
    return at(name + ".db")


def borrowers(name, accounts, rule):
    """A store that is made; its book, of the rule's borrowers alone."""
    made(name, accounts, "--lending", rule)
    exported(name, name + ".json")
    doc = load(name + ".json")
    return {**doc, "accounts": [a for a in doc["accounts"] if a["rule"] == rule]}


def changed(name, doc, change, kind="reserve"):
    """A book with change(book, its instruments of the kind by name), imported."""
    doc = copy.deepcopy(doc)
    change(doc, {x["name"]: x for x in doc["instruments"] if x["kind"] == kind})
    return imported(name, doc)


def refused(p, says, why):
    report(p.returncode == 1 and re.search(why, p.stderr), says, p.stderr)


# ---- runs

def command(name, db, capture, device, *more):
    """`tripline run` with the audit, in a directory of that name; store and capture by name or path."""
    return [TRIPLINE, "run", "--quiet", "--audit", "--accounts", at(db), "--capture", at(capture), "--dir", at(name), "--device", device, *UNSYNCED, *more]


def ended(argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE)


def audited(p, says, more=""):
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" + more in p.stdout, says, p.stdout + p.stderr)


def replays(name, says, *more):
    p = tripline("replay", *more, at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, says, p.stdout + p.stderr)


def balances(name, says, filled=False):
    """The venue's ledger."""
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0 and "conservation: holds to the last unit" in p.stdout and (not filled or re.search(r"filled=[1-9]", p.stdout)), says,
           p.stdout + p.stderr)
    return p.stdout


def judged(what, name, p, agree=None, again="it replays", books="the ledger adds up", filled=False):
    """What is asked of every run, by its directory and its end; agree: of two devices that say the same. The venue's ledger."""
    audited(p, what + ": the audit holds")
    if agree:
        report(agree + ": identical" in p.stdout, what + ": the devices agree", p.stdout)
    replays(name, "%s: %s" % (what, again))
    return balances(name, "%s: %s" % (what, books), filled)


def taken(ledger):
    """Tokens of all reserves that liquidators have received."""
    return sum(int(x) for x in re.findall(r"token/\S+ +liquidator +(\d+)", ledger))


def of_party(ledger, money, party):
    m = re.search(r"%s +%s +(-?\d+)" % (money, party), ledger)
    return int(m[1]) if m else 0


def run(what, name, db, capture, device, agree=None, more=(), **kw):
    """A run to its end, judged. The venue's ledger."""
    return judged(what, name, ended(command(name, db, capture, device, *more)), agree, **kw)


def killed(name, argv, steps=(60000, 60000)):
    """kill -9, each time that the journal has grown by so many bytes. How often that found the run alive."""
    path, died = at(name, "journal"), 0
    for step in steps:
        died += killed_at(argv, path, size_of(path) + step)
    return died


def resumed(what, name, db, capture, device, slow=(), **kw):
    """Killed twice, with the venue made slow, then run to its end and judged."""
    if killed(name, command(name, db, capture, device, *slow)) == 0:
        raise RuntimeError(name + ": no run was killed")
    return run(what, name, db, capture, device, **kw)


def told_midway(argv, name, tell):
    """A run that stands still once it is ready, while tell() is called: its end, and what tell() gave."""
    p = halted_at(argv, at(name, "ready"), 1)
    said = tell()
    p.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=DEADLINE)
    return subprocess.CompletedProcess(argv, p.returncode, out, err), said


# ---- journals

HEADER, FRAME, CLOCK, REPLY, READY, ORDER, READ = 1, 4, 5, 7, 10, 11, 17
SENT = 0


def orders_sent(path):
    """(account, full, stream time) of each order that left."""
    now = 0
    for kind, p in records(path):
        if kind in (FRAME, CLOCK, READ):
            now = max(now, struct.unpack_from("<Q", p)[0])
        elif kind == ORDER and p[18] == SENT:
            yield struct.unpack_from("<I", p, 4)[0], p[16], now
