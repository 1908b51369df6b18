#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Auctions end to end: the venue sells collateral by auction, the keeper bids at the second at which it pays, a rival
comes earlier or later, resets, limits, kill -9 of both sides, replay.

The judge reads the journal's bytes and the venue's database itself. Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time
from fractions import Fraction as F

from journal_reader import records
from keeper import DEADLINE, SEED, TRIPLINE, finish, halt, must, number, report, size_of, tripline, until

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-auctions-")
db, capture = os.path.join(work, "a.db"), os.path.join(work, "crash.pcap")
must("gen", "-q", "-o", capture, "--path", "crash", "--seconds", 24, "--rate", 60, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 300, "--near", 400000, "--seed", SEED)

HEADER, FRAME, CLOCK, REPLY, ORDER, READ, AUCTION, BID, BUDGET = 1, 4, 5, 7, 11, 17, 24, 25, 26
FILLED, REFUSED, TAKEN, BID_EPOCH = 1, 2, 9, 0xffffffff
KICKED, BOUGHT, RESET = range(3)
RAY = 10**27
SPEC = "cut_ppm=960000,chip_bps=20,tail=12,cusp_bps=6000,dust_e8=20000000000"
GAS = ["--set", "auction_gas_e8=200000000"]


def at(*name):
    return os.path.join(work, *name)


def auction_of(p):
    n, version, account, coll, debt, event, by, second = struct.unpack_from("<IIIHHBIQ", p, 1)
    slice_, owe = int.from_bytes(p[30:46], "little"), int.from_bytes(p[46:78], "little")
    at_ = 78 + 1 + 16 + 6 * 32 + 8
    running = p[at_]
    tab, lot, top = (int.from_bytes(p[at_ + 1 + 32 * i:at_ + 33 + 32 * i], "little") for i in range(3))
    return {"id": n, "version": version, "event": event, "by": by, "second": second, "slice": slice_, "owe": owe, "running": running,
            "tab": tab, "lot": lot, "top": top, "tic": struct.unpack_from("<Q", p, at_ + 97)[0]}


def bid_of(p):
    key = struct.unpack_from("<IIII", p, 1)
    what, version = struct.unpack_from("<BI", p, 17)
    return key, what, version, struct.unpack_from("<q", p, 86)[0]


class Judge:
    """Goes through a journal: what was told of each auction, what was bid on it, and what became of that."""

    def __init__(self, path):
        self.faults, self.state, self.flight, self.keys, self.value = [], {}, {}, set(), {}
        self.taken, self.refused, self.others, self.resets, self.told, self.carried, self.now = set(), 0, 0, 0, 0, 0, 0
        for kind, p in records(path):
            if kind == HEADER:
                self.now = 0
                self.state = {}  # told anew
            elif kind in (FRAME, CLOCK, READ):
                self.now = max(self.now, struct.unpack_from("<Q", p)[0])
            elif kind == AUCTION:
                self.tell(auction_of(p))
            elif kind == BUDGET:
                self.carried = struct.unpack_from("<q", p)[0]
            elif kind == BID:
                self.bid(*bid_of(p))
            elif kind == REPLY:
                self.reply(p)

    def tell(self, a):
        was = self.state.get(a["id"])
        self.told += 1
        if was and a["version"] <= was["version"]:
            return
        if was and a["lot"] > was["lot"] or was and a["running"] and not was["running"]:
            self.faults.append("auction %d: grows" % a["id"])
        self.others += a["event"] == BOUGHT and a["by"] == 0
        self.state[a["id"]] = a

    def bid(self, key, what, version, value):
        a = self.state.get(key[1])
        if not a or a["version"] != version or not a["running"]:
            self.faults.append("%s: a bid on version %d, known is %s" % (key, version, a))
        if key[1] in self.flight:
            self.faults.append("%s: a bid while another is in flight" % (key,))
        if key in self.keys:
            self.faults.append("%s: a key twice" % (key,))
        if key[3] <= max((k[3] for k in self.keys if k[1] == key[1]), default=0):
            self.faults.append("%s: revisions go back" % (key,))
        if a and a["tic"] > self.now // 10**9 + 1:
            self.faults.append("%s: bids before the auction began" % (key,))
        self.keys.add(key)
        self.value[key] = value
        self.flight[key[1]] = key
        self.resets += what == 1

    def reply(self, p):
        status, key = p[1], struct.unpack_from("<IIII", p, 2)
        note = None
        if p[0] == 4:
            i = 19 + p[18]
            n = struct.unpack_from("<H", p, i)[0]
            note = auction_of(p[i + 2:i + 2 + n])
        if key[2] == BID_EPOCH:
            if key not in self.keys:
                self.faults.append("%s: a reply to no bid" % (key,))
            if self.flight.get(key[1]) == key:
                del self.flight[key[1]]
            self.refused += status != TAKEN
            if status == TAKEN:
                self.taken.add(key)
        if note:
            self.tell(note)

    def open(self):
        return len(self.flight)


def run(name, spec, *more, lockstep=True):
    return tripline("run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model",
                    "--venue-arg=--fsync", "--venue-arg=off", "--venue-auctions", spec,
                    *([] if lockstep else ["--no-lockstep"]), *GAS, *more)


def venue_side(name):
    """(bids that took effect by key, auctions by id) as the venue has them."""
    c = sqlite3.connect(at(name, "venue.db"))
    taken = {(r[0], r[1], r[2], r[3]) for r in c.execute("SELECT desk, account, epoch, revision FROM orders WHERE status = 9")}
    rows = [bytes(r[0]) for r in c.execute("SELECT state FROM auction")]
    lots = {a["id"]: dict(a, lent=int.from_bytes(p[-24:-8], "little", signed=True)) for a, p in ((auction_of(p), p) for p in rows)}
    held = {r[0]: int(r[1]) for r in c.execute("SELECT currency, amount FROM balance WHERE party = 5")}
    debt = {}
    for currency, amount in c.execute("SELECT currency, amount FROM posting WHERE party = 5"):
        debt[currency] = debt.get(currency, 0) + int(amount)
    return taken, lots, held, debt


def ends_well(p, what, asked=True):
    """asked: the audit had something to ask; a run without lockstep may be over before the venue has answered its first bids."""
    return report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout and number(p.stdout, r"auctions missed=(\d+)") == 0
                  and (not asked or number(p.stdout, r"missed=0 of (\d+) judged") > 0), what, p.stdout[-4000:] + p.stderr)


def judged(name, what):
    j = Judge(at(name, "journal"))
    report(not j.faults and (j.keys or name == "wall"), "%s: one bid at a time, on what is known, under a key of its own" % what, "\n".join(j.faults[:20]))
    p = tripline("replay", "--audit", at(name, "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "%s: replays" % what, p.stdout + p.stderr)
    p = tripline("venue", "ledger", "--state", at(name, "venue.db"))
    report(p.returncode == 0 and "conservation: holds" in p.stdout, "%s: books balance" % what, p.stdout[-3000:] + p.stderr)
    taken, lots, held, posted = venue_side(name)
    report(taken == j.taken, "%s: what the venue sold is what the keeper knows of" % what, (taken ^ j.taken))
    left = sum(a["lot"] - a["lent"] for a in lots.values())
    report(left == sum(held.values()) == sum(posted.values()) and not any(a["lent"] for a in lots.values() if not a["running"]),
           "%s: the venue holds what is left of the lots, and owes what is left of the debts" % what, (left, held, posted))
    return j, lots


def check_lockstep():
    p = run("plain", SPEC)
    ends_well(p, "lockstep: nothing missed, nothing unconfirmed")
    j, lots = judged("plain", "lockstep")
    report(j.taken and not j.others, "lockstep: nobody else buys", (j.others, len(j.taken)))
    report(number(p.stdout, r"auctions +(\d+) followed") == len(lots) > 10, "lockstep: every auction is followed", p.stdout)
    wakes, plans = number(p.stdout, r"(\d+) wakes"), number(p.stdout, r"(\d+) plans")
    seconds = sum(1 for _ in range(24)) * len(lots)
    report(0 < wakes < seconds // 4, "lockstep: woken, not polled", (wakes, plans, seconds))
    again = run("again", SPEC)
    bids = [[p for k, p in records(at(n, "journal")) if k in (BID, AUCTION)] for n in ("plain", "again")]
    report(again.returncode == 0 and bids[0] == bids[1] and bids[0], "lockstep: repeats exactly", (len(bids[0]), len(bids[1])))


def check_curves():
    for spec in ("curve=linear,tau=14,buf_bps=11000,tail=10", "curve=stairstep,step=3,cut_ppm=900000,tail=20,rule=aave-3.5"):
        name = spec[6:10]
        ends_well(run(name, spec, "--set", "auction_depth_e8=100000000000000", "--set", "auction_lead_ms=200"), "%s: nothing missed" % spec)
        judged(name, spec)


def check_resets():
    ends_well(run("resets", "cut_ppm=960000,chip_bps=50,tail=4,cusp_bps=6000"), "resets: nothing missed")
    j, _ = judged("resets", "resets")
    report(j.resets > 0 and len(j.taken) > j.resets, "resets: for their incentive, and takes after them", (j.resets, len(j.taken)))


def started(name):
    """By order that began an auction: (its reward, what the venue's own auction says who began it gets by its tab, tip and
    chip), both in 1e-8 by the debt's price that the order's value tells; and how many orders began none."""
    path, orders, pairs, others = at(name, "journal"), {}, [], 0
    for kind, p in records(path):
        if kind == ORDER and p[18] == 0:
            orders[p[:16]] = struct.unpack_from("<qq", p, 19)
        elif kind == REPLY and p[2:18] in orders and p[1] == FILLED:
            if p[0] != 4:
                others += 1
                continue
            i = 19 + p[18]
            s = p[i + 2:i + 2 + struct.unpack_from("<H", p, i)[0]]
            terms = [int.from_bytes(s[95 + 32 * k:127 + 32 * k], "little") for k in range(6)]  # cut, buf, cusp, chip, tip, chost
            tab, (value, reward) = auction_of(s)["tab"], orders[p[2:18]]
            pairs.append((reward, F(terms[4] + tab * terms[3] // 10**18) * value / (F(tab) / F(113, 100))))
    return pairs, others


def check_starting():
    """An auction is started for what that pays, not for the bonus, which is for who buys the lot."""
    spec = SPEC + ",chop_bps=11300,tip_e8=300000000"
    ends_well(run("start", spec), "starting: nothing missed")
    judged("start", "starting")
    pairs, _ = started("start")
    # A ready order at other prices than it was made for counts more value and less reward, by how far they are.
    near = sum(got >= want * 999 / 1000 for got, want in pairs)
    report(len(pairs) > 10 and near > len(pairs) // 2 and all(want / 2 <= got <= want + 2 for got, want in pairs), "starting: an order's reward is tip and chip", pairs[:5])
    least = int(sorted(r for r, _ in pairs)[len(pairs) // 2])
    ends_well(run("profit", spec, "--set", "min_profit_e8=%d" % least), "starting, with a least profit: nothing missed", asked=False)
    some, _ = started("profit")
    report(0 < len(some) < len(pairs) and min(r for r, _ in some) >= least, "starting: only what pays that", (least, some[:5], len(some), len(pairs)))
    p = run("free", "cut_ppm=960000", "--set", "min_profit_e8=1")
    report(p.returncode == 0 and not started("free")[0], "starting: for nothing no auction begins", (p.stdout, p.stderr))
    p = run("other", "rule=evk-1," + spec, "--set", "min_profit_e8=%d" % least)
    pairs, others = started("other")
    report(p.returncode == 0 and not pairs and others > 0, "starting: what another rule's accounts have is sold at once, by the bonus", (p.stdout, p.stderr))


def check_maker():
    """Who barks brings and takes nothing: the vault itself is what is sold, for its debt and its own chop."""
    vaults = at("vaults.db")
    must("accounts", "gen", "--db", vaults, "--accounts", 300, "--near", 400000, "--seed", SEED, "--lending", "maker-dog-1")
    p = run("vaults", "rule=maker-dog-1," + SPEC, "--accounts", vaults, "--set", "auction_total_e8=%d" % (200000 * 10**8))  # some stay as they began
    ends_well(p, "vaults of Maker: nothing missed")
    j, lots = judged("vaults", "vaults of Maker")
    untouched = [a for a in lots.values() if a["version"] == 1]
    report(len(lots) > 10 and j.taken and untouched and all(a["tab"] == a["lent"] * RAY * 113 // 100 for a in untouched),
           "vaults of Maker: %d are auctioned, for 113 %% of what they owed" % len(lots), (p.stdout, untouched[:3]))
    c = sqlite3.connect(at("vaults", "venue.db"))
    kept = [r for r in c.execute("SELECT currency, amount FROM balance WHERE party = 2") if not r[0].endswith("USDC") and r[0].startswith("token") and int(r[1])]
    report(not kept, "vaults of Maker: the venue keeps no collateral", kept)


def check_small():
    """Purchases so small that there is no end of them: the run in lockstep does not wait for one."""
    ends_well(run("small", "cut_ppm=960000,tail=12", "--set", "auction_once_e8=1", "--set", "auction_gas_e8=0"), "purchases without end: the run ends well")
    j, _ = judged("small", "purchases without end")
    report(len(j.taken) > 16, "purchases without end: more than one at a time", len(j.taken))


def check_rival():
    p = run("rival", SPEC + ",rival_pct=70,rival_from_bps=9700,rival_to_bps=10300", lockstep=False)
    ends_well(p, "rival: nothing missed", asked=False)
    j, lots = judged("rival", "rival")
    report(j.others > 0 and j.taken, "rival: some are bought by it, some by the keeper", (j.others, len(j.taken)))
    p = run("wall", SPEC + ",rival_pct=100,rival_part_pct=100,wall=1", lockstep=False)
    report(p.returncode == 0, "rival by the wall clock: the run ends well", p.stdout[-3000:] + p.stderr)
    j, lots = judged("wall", "rival by the wall clock")
    report(j.others > 0, "rival by the wall clock: does not wait for the keeper's time", j.others)


def check_limits():
    once, total = 50 * 10**8, 400 * 10**8
    limits = ["--set", "auction_once_e8=%d" % once, "--set", "auction_total_e8=%d" % total]
    spec = "cut_ppm=960000,tail=12,cusp_bps=6000"
    ends_well(run("limits", spec, *limits), "limits: nothing within them is missed")
    j, _ = judged("limits", "limits")
    paid = sum(j.value[k] for k in j.taken)
    report(0 < paid <= total and max(j.value.values()) <= once, "limits: of a purchase and in all", (paid, max(j.value.values())))
    ends_well(run("limits", spec, *limits), "limits: the next run ends well")
    j, _ = judged("limits", "limits, two runs")
    report(sum(j.value[k] for k in j.taken) <= total and j.carried == paid, "limits: in all means of all runs", (paid, j.carried, sum(j.value[k] for k in j.taken)))
    p = tripline("run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at("off"), "--device", "model", "--venue-auctions", spec,
                 "--set", "auctions=0", "--venue-arg=--fsync", "--venue-arg=off")
    report(p.returncode == 0 and not any(k in (BID, AUCTION) for k, _ in records(at("off", "journal"))), "auctions=0: none is followed", p.stdout)


def child_of(pid):
    """The venue's process."""
    for thread in os.listdir("/proc/%d/task" % pid):
        for p in open("/proc/%d/task/%s/children" % (pid, thread)).read().split():
            if open("/proc/%s/cmdline" % p, "rb").read().split(b"\0")[1:2] == [b"venue"]:
                return int(p)
    return 0


def state_of(pid):
    """Of all threads, as /proc has it: T where one stands still; Z where there is none any more."""
    try:
        return {open("/proc/%d/task/%s/stat" % (pid, t)).read().rsplit(")", 1)[1].split()[0] for t in os.listdir("/proc/%d/task" % pid)}
    except (FileNotFoundError, ProcessLookupError):
        return {"Z"}


def stop_venue(pid):
    os.kill(pid, signal.SIGSTOP)
    while not state_of(pid) <= set("TZX"):
        time.sleep(0.001)


def kill_at(command, effect):
    """SIGKILL while a bid has no outcome that was not written when the venue stood still: it cannot have seen it. effect: then
    the venue goes on while the keeper stands still, until the bid is in its books, and the keeper dies with the answer
    untaken. The bid's key."""
    path, books = at("kill", "journal"), at("kill", "venue.db")
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def unseen_bid(venue):
        known = Judge(path).keys
        for _ in range(40):  # else it is something else that waits for an answer
            new = [k for k in Judge(path).flight.values() if k not in known]
            if new or p.poll() is not None:
                return new[0] if new else None
            time.sleep(0.01)
        return None

    def in_its_books(venue, key):
        halt(p)  # sent, or to be sent still
        os.kill(venue, signal.SIGCONT)
        for _ in range(40):
            if key in venue_side("kill")[0]:
                return True
            time.sleep(0.01)
        stop_venue(venue)
        done = key in venue_side("kill")[0]
        if not done:
            p.send_signal(signal.SIGCONT)
        return done

    def found():
        venue = child_of(p.pid) if size_of(path) > 32 and os.path.exists(books) and any(a["running"] for a in Judge(path).state.values()) else 0
        if not venue:
            return None
        stop_venue(venue)
        key, end = unseen_bid(venue), time.monotonic() + DEADLINE
        while key and effect and time.monotonic() < end and not in_its_books(venue, key):
            time.sleep(0.05)
        if not key:
            os.kill(venue, signal.SIGCONT)
            time.sleep(0.02)
        elif not effect:
            os.kill(venue, signal.SIGKILL)
        return key
    hit = []
    until(p, lambda: hit.append(found()) or hit[-1])
    p.kill()
    died = p.wait(timeout=DEADLINE) == -signal.SIGKILL
    return died, hit[-1] if hit else None


def killed_with_a_bid(command, effect):
    died, key = kill_at(command, effect)
    j, more = Judge(at("kill", "journal")), venue_side("kill")[0]
    report(died and key in j.flight.values() and (key in more) == effect, "killed with %d bids in flight, of which one %s" % (
        j.open(), "took effect" if effect else "was not seen"), (died, key, j.flight))


def check_kill():
    """kill -9 between a bid and its outcome; the same journal goes on."""
    command = [TRIPLINE, "run", "--quiet", "--audit", "--accounts", db, "--capture", capture, "--dir", at("kill"), "--device", "model",
                "--venue-arg=--fsync", "--venue-arg=off", "--venue-auctions", SPEC, *GAS]
    killed_with_a_bid(command, True)
    killed_with_a_bid(command, False)
    last = tripline(*command[1:])
    ends_well(last, "kill -9: the next run ends well")
    j, _ = judged("kill", "kill -9")
    report(not j.open(), "kill -9: every bid has an outcome", j.flight)


def check_venue_dies():
    p = run("dies", SPEC, "--venue-arg=--crash-after=25")
    ends_well(p, "the venue dies again and again: the run ends well")
    judged("dies", "the venue dies")


def check_versions():
    sock, state = at("v.sock"), at("v.db")
    p = subprocess.Popen([TRIPLINE, "venue", "--socket", sock, "--state", state, "--accounts", db, "--fsync", "off", "--auctions", SPEC])
    answer = b""
    try:
        end = time.monotonic() + DEADLINE
        while not os.path.exists(sock) and time.monotonic() < end:
            time.sleep(0.02)
        for version, want in ((6, 0x8f), (7, 0x81)):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.connect(sock)
            s.send(b"\x01" + b"TLPV" + struct.pack("<H", version))
            answer = s.recv(4096)
            report(answer[0] == want, "a peer of wire version %d is %s" % (version, "greeted" if want == 0x81 else "refused"), answer)
            s.close()
    finally:
        p.terminate()
        p.wait(timeout=DEADLINE)


def plain_run(name):
    return ("run", "--quiet", "--accounts", db, "--capture", capture, "--dir", at(name), "--device", "model", "--venue-arg=--fsync", "--venue-arg=off")


def check_usage():
    for spec, why in (("often=1", "cut_ppm"), ("cut_ppm=2000000", "1 to 1000000"), ("curve=round", "stairstep"), ("rule=perp-linear-1", "lending rule"),
                      ("rule=liquity-1", "goes to a pool"), ("dust_e8=9223372036854775808", "9223372036854775807")):
        p = run("bad", spec)
        report(p.returncode == 2 and why in p.stderr, "usage: %s" % spec, p.stderr)
    p = run("bad", SPEC + ",rival_pct=5")
    report(p.returncode == 2 and "--no-lockstep" in p.stderr, "usage: a rival is not for lockstep", p.stderr)
    p = tripline(*plain_run("idle"), "--set", "auctions=5")
    report(p.returncode == 1 and "sells nothing by auction" in p.stderr and "--venue-auctions SPEC" in p.stderr, "usage: auctions=N of a venue without", p.stderr)
    p = tripline(*plain_run("short"), "--audit", *GAS, "--venue-arg=--auct=" + SPEC)
    ends_well(p, "a venue's own --auctions, abbreviated: its greeting has it followed")
    report(number(p.stdout, r"auctions +(\d+) followed") > 10, "and bid on", p.stdout)
    p = tripline(*plain_run("hidden"), "--venue-arg=--auct=" + SPEC + ",rival_pct=5")
    report(p.returncode == 1 and "--no-lockstep" in p.stderr, "usage: a rival by whatever option is not for lockstep", p.stderr)
    p = tripline(*plain_run("churn"), "--venue-arg=--chur=5")
    report(p.returncode == 1 and "--no-lockstep" in p.stderr, "usage: nor are states of the venue's own", p.stderr)
    p = tripline("run", "--accounts", db, "--capture", capture, "--chain", at("none.yaml"), "--set", "worth=2", "--set", "min_profit_e8=1", "--set", "auctions=5")
    report(p.returncode == 2 and "leave auctions out" in p.stderr, "usage: on a chain no auction is told", p.stderr)
    for setting in ("auction_gas_e8=5", "kick_tip_e8=5", "polled=1"):
        p = tripline("run", "--accounts", db, "--capture", capture, "--chain", at("none.yaml"), "--set", "worth=2", "--set", "min_profit_e8=1", "--set", setting)
        report(p.returncode == 2 and "leave" in p.stderr, "usage: a setting without effect: " + setting, p.stderr)
    p = tripline("venue", "--socket", at("x"), "--state", at("y"), "--auctions", "tail=0")
    report(p.returncode == 2 and "tail" in p.stderr, "usage: of the venue", p.stderr)


check_lockstep()
check_curves()
check_resets()
check_starting()
check_maker()
check_small()
check_rival()
check_limits()
check_kill()
check_venue_dies()
check_versions()
check_usage()
shutil.rmtree(work)
finish()
