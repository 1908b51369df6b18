#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline accounts on books of many accounts: round trips, an error in the last line, interruptions, progress. Prints TAP.

Environment: TRIPLINE (binary, default build/tripline), SEED. Run from the project's root.
"""
import csv
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, report

ACCOUNTS = 100000
work = tempfile.TemporaryDirectory(prefix="tripline-large-")
print("# SEED=%d" % SEED)


def run(*args):
    return subprocess.run([TRIPLINE, "accounts", *map(str, args)], cwd=work.name, capture_output=True, text=True,
                          timeout=DEADLINE)


def path(name):
    return os.path.join(work.name, name)


def content(name):
    """What a store holds, as a fingerprint; None when it does not hold anything that can be read."""
    p = run("export", "--db", name)
    return hashlib.sha256(p.stdout.encode()).hexdigest() if p.returncode == 0 else None


def fingerprint(name):
    with open(path(name), "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def leftovers():
    return [f for f in os.listdir(work.name) if f.endswith(("-journal", ".part"))]


# ---- round trips
p = run("gen", "--db", "big.db", "-n", ACCOUNTS, "--seed", SEED)
report(p.returncode == 0 and "%d accounts" % ACCOUNTS in p.stdout and not p.stderr, "gen", p.stdout + p.stderr)
p = run("export", "--db", "big.db", "--csv", "-o", "big.csv")
report(p.returncode == 0 and not p.stdout + p.stderr, "export as CSV", p.stderr)
p = run("export", "--db", "big.db", "--market", "-o", "market.json")
with open(path("market.json"), encoding="utf-8") as f:
    market = json.load(f)
report(p.returncode == 0 and set(market) == {"assets", "instruments"}, "export of the market", p.stderr)
with open(path("big.csv"), newline="", encoding="utf-8") as f:
    rows = list(csv.DictReader(f))
ids = [int(r["account"]) for r in rows]
report(ids == sorted(ids) and len(set(ids)) == ACCOUNTS, "an independent reader finds every account in it", len(set(ids)))
p = run("import", "--db", "again.db", "market.json", "big.csv")
report(p.returncode == 0 and "%d accounts from big.csv" % ACCOUNTS in p.stdout, "import of the CSV", p.stderr)
big = content("big.db")
report(big and content("again.db") == big, "to the same book")
run("export", "--db", "again.db", "--csv", "-o", "again.csv")
report(fingerprint("big.csv") == fingerprint("again.csv"), "whose CSV is the same to the byte")

# Rows in any order; the account's own columns stay with the first row of each.
random.Random(SEED).shuffle(rows)
own = ["name", "rule", "currency", "cash", "cash_decimals", "emode"]
first = {r["account"]: r for r in rows if r["rule"]}
with open(path("mixed.csv"), "w", newline="", encoding="utf-8") as f:
    out = csv.DictWriter(f, rows[0].keys())
    out.writeheader()
    for r in rows:
        a = first.pop(r["account"], None)
        out.writerow({**r, **{k: a[k] if a else "" for k in own}})
p = run("import", "--db", "mixed.db", "market.json", "mixed.csv")
report(p.returncode == 0 and content("mixed.db") == big, "rows in any order give the same book", p.stderr)

# ---- an error in the last line
with open(path("big.csv"), encoding="utf-8") as f:
    text = f.read()
with open(path("bad.csv"), "w", encoding="utf-8") as f:
    last = dict.fromkeys(rows[0], "") | {"account": ACCOUNTS + 1, "rule": "perp-linear-1", "instrument": "BTC_USDC-PERPETUAL", "size": 1, "entry": "x"}
    f.write(text + ",".join(map(str, last.values())) + "\n")
line = text.count("\n") + 1
before = fingerprint("again.db")
p = run("import", "--db", "again.db", "bad.csv")
report(p.returncode == 1 and "bad.csv:%d: entry: 'x' is not a number" % line in p.stderr, "an error in the last line is named",
       p.stderr)
report(fingerprint("again.db") == before, "and the store is as it was")
run("import", "--db", "new.db", "market.json")
empty = content("new.db")
p = run("import", "--db", "new.db", "bad.csv")
report(p.returncode == 1 and empty and content("new.db") == empty, "nor is anything of it in one without accounts", p.stderr)


# ---- interruptions: whatever the moment, a store is as it was or complete
def interrupted(args, db, sig, written=0):
    """Sends sig once the command has begun to write to its store and that has grown by so many bytes; returns how it ended."""
    size = os.path.getsize(path(db)) if os.path.exists(path(db)) else 0
    p = subprocess.Popen([TRIPLINE, "accounts", *map(str, args)], cwd=work.name, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + DEADLINE
    while p.poll() is None and time.monotonic() < end and not (
            os.path.exists(path(db + "-journal")) and os.path.getsize(path(db)) >= size + written):
        time.sleep(0.001)
    p.send_signal(sig)
    out, err = p.communicate(timeout=DEADLINE)
    return p.returncode, out, err


code, out, err = interrupted(["gen", "--db", "cut.db", "-n", 5000000], "cut.db", signal.SIGINT)
report(code == 1 and "interrupted" in err and not os.path.exists(path("cut.db")), "Ctrl-C in gen leaves no store",
       "%d %s%s" % (code, out, err))
code, out, err = interrupted(["gen", "--db", "again.db", "--force", "-n", 5000000], "again.db", signal.SIGTERM)
report(code == 1 and "interrupted" in err and fingerprint("again.db") == before, "nor changes one that was there",
       "%d %s%s" % (code, out, err))
code, out, err = interrupted(["gen", "--db", "again.db", "--force", "-n", 5000000], "again.db", signal.SIGKILL, 1)
torn = fingerprint("again.db") != before
report(code == -signal.SIGKILL and torn and content("again.db") == big, "kill -9 leaves what there was",
       "%d %s%s, torn %s" % (code, out, err, torn))
report(fingerprint("again.db") == before, "to the byte, once it has been opened")
code, out, err = interrupted(["import", "--db", "again.db", "mixed.csv"], "again.db", signal.SIGINT)
report(code in (0, 1) and ("interrupted" in err) == (code == 1) and content("again.db") == big,
       "Ctrl-C in import: as it was or complete", "%d %s%s" % (code, out, err))
os.mkfifo(path("pipe.csv"))
p = subprocess.Popen([TRIPLINE, "accounts", "import", "--db", "again.db", "pipe.csv"], cwd=work.name,
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
with open(path("pipe.csv"), "w", encoding="utf-8") as f:
    f.write(text)
out, err = p.communicate(timeout=DEADLINE)
report(p.returncode == 0 and content("again.db") == big, "import from a pipe", err)
report(not leftovers(), "nothing is left behind", leftovers())

# ---- progress
p = run("gen", "--db", "slow.db", "-n", 10)
report(p.returncode == 0 and not p.stderr, "quick work shows no progress", p.stderr)
p = subprocess.Popen([TRIPLINE, "accounts", "gen", "--db", "slow2.db", "--progress", "-n", "50000000"], cwd=work.name,
                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
line = p.stderr.readline()
p.send_signal(signal.SIGINT)
rest = p.communicate(timeout=DEADLINE)[1]
report(re.fullmatch(r"accounts gen: generating, \d+ accounts, \d+ %, \d+ a second\n", line), "slow work does, when asked for",
       line)
report("interrupted" in rest, "until it is interrupted", rest)
p = run("export", "--db", "big.db", "-o", "no/such/file.json")
report(p.returncode == 1 and "no/such/file.json" in p.stderr, "export to nowhere", p.stderr)
with open(path("kept.json"), "w", encoding="utf-8") as f:
    f.write("mine")
p = run("export", "--db", "missing.db", "-o", "kept.json")
with open(path("kept.json"), encoding="utf-8") as f:
    report(p.returncode == 1 and f.read() == "mine", "an export that fails leaves the file that was there", p.stderr)
p = run("export", "--db", "big.db", "-o", "/dev/full")
report(p.returncode == 1 and "/dev/full" in p.stderr, "export to a full disk", p.stderr)
p = run("export", "--db", "big.db", "--csv", "--market")
report(p.returncode == 2 and "two files" in p.stderr, "--csv and --market exclude each other", p.stderr)

work.cleanup()
finish()
