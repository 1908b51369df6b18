#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The keeper's bids on auctions (host/run/bids.c) against brute force: auctions so small that every amount at every second
can be tried. A bid has to leave at the very first second at which some purchase pays, within the limits, and never before;
what is bought is sold at the oracle's price less slippage, to a pool, or into a book; prices and books move, others buy, replies come or refuse, prices are held, the kill switch is thrown.

  bids_diff.py             TAP on stdout (about 10 s)
  bids_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: SEED (default 1), CASES (default 500), CC (default gcc). Run from the project root.
"""
import copy
import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402
from bids_mutants import MUTANTS  # noqa: E402
from judge_auctions import EXP, LINEAR, RAY, STAIR, WAD, Clip, Curve, Revert  # noqa: E402

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "500"))
START, NS, PPM, ALL = 1000, 10**9, 10**6, (1 << 256) - 1
SOURCES = ["tests/diff/bids_driver.c"] + ["host/" + x for x in (
    "run/bids.c run/bids_plan.c exec/auction.c engine/wheel.c econ/bidder.c econ/auction_clip.c econ/auction_curve.c"
    " accounts/rules/maker/dog.c econ/auction_english.c exec/exit/exit.c exec/exit/cpmm.c exec/exit/depth.c exec/exit/route.c"
    " exec/exit/route_merge.c base/u256.c base/wide.c base/checked.c base/pages.c").split()]
REACHED = ("bid at once|bid later|bid after a price|bid after another's purchase|reset|reset does not pay|limit|refused|held|killed|part|all"
           "|not before the reset|pool|lead|taken|book|bid after a book|a book's first levels alone|a book not known any more|below the best rate|behind a sale of ours|the market moved behind a sale").split("|")


class Wrong(Exception):
    pass


def ceil_div(a, b):
    return -(-a // b)


def compile_driver(out, folder="."):
    cc = os.environ.get("CC", "gcc").split()
    src = [f"{folder}/{f}" if os.path.exists(f"{folder}/{f}") else f for f in SOURCES]
    subprocess.run(cc + ["-std=c17", "-D_GNU_SOURCE", "-w", "-O1", f"-I{folder}/host", "-Ihost"] + src + ["-o", out], check=True, capture_output=True, text=True)
    return out


class Driver:
    def __init__(self, exe):
        self.p = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, *words):
        self.p.stdin.write(" ".join(map(str, words)) + "\n")
        self.p.stdin.flush()
        answer = self.p.stdout.readline()
        if not answer:
            raise Wrong("driver stopped at: %s" % (words,))
        return [int(x) for x in answer.split()]


class World:
    """One auction, its market, and what the keeper may."""

    def __init__(self, d, r, seen):
        self.d, self.r, self.seen = d, r, seen
        self.pc, self.pd = r.randint(5, 120), r.randint(1, 4)
        self.slip, self.lead = r.choice([0, 5000, 200000]), r.choice([0, 0, 250, 1000])
        e8 = 10**8
        self.gas, self.profit = r.choice([0, r.randint(0, 300 * e8)]), r.choice([0, 1, r.randint(0, 50 * e8)])
        self.once, self.total = r.choice([0, 0, r.randint(1, 2000 * e8)]), r.choice([0, 0, r.randint(1, 4000 * e8)])
        self.depth = r.choice([0, 0, r.randint(20, 20000) * e8])
        curve = r.choice([Curve(LINEAR, r.randint(2, 60)), Curve(STAIR, 0, r.randint(1, 9), RAY - r.randint(1, RAY // 4)), Curve(EXP, 0, 1, RAY - r.randint(1, RAY // 10))])
        chost = r.choice([0, 0, r.randint(0, 2000)]) * RAY
        self.book, self.fee = None, 0
        self.gone, self.fresh, self.books_seen, self.shown = 0, 0, 0, None  # units sold already, as the market stands
        self.c = Clip(curve, r.choice([RAY * 4 // 5, RAY, RAY * 6 // 5, RAY * 3 // 2]), r.choice([0, RAY // 3, RAY * 2 // 3]), r.randint(1, 40),
                      r.choice([0, WAD // 50]), r.choice([0, 200 * RAY]), chost)
        self.version, self.spent, self.revision, self.tic_ns = 0, 0, 0, 0
        d.ask("new", 4, self.slip, self.lead, self.depth, self.gas, self.profit, self.once, self.total, 0, 0, 0, 0)
        d.ask("price", self.pc, self.pd)
        lot = r.randint(1, 30)
        tab = max(1, lot * self.feed() * r.randint(20, 150) // 100)
        self.c.kick((self.pc, True, self.pd * 10**9), START, tab, lot, True)
        self.tell()

    def move_book(self):
        """Levels near the oracle's price, (thousandths of a debt unit, units); now and then none are known."""
        r, at = self.r, 1000 * self.pc * self.r.randint(85, 110) // (100 * self.pd)
        was, self.book, self.fee = self.book, [], r.choice([0, 500, 20000])
        for _ in range(r.randint(0, 6)):
            self.book.append((at, r.randint(1, 12)))
            at = max(0, at - r.randint(0, 1 + at // 8))
        if r.random() < 0.15:
            self.book, self.fee = None, PPM
        if was and self.book is None:
            self.seen.add("a book not known any more")
        rows = self.book or []
        side = r.randint(0, 1)
        self.books_seen += side == 0
        self.d.ask("book", side, self.fee, len(rows), *[x for row in rows for x in row])

    def sold(self, q):
        """Into the book, whole units of the debt; what stands at one price is one level."""
        levels, got = {}, 0
        for price, n in self.book:
            levels[price] = levels.get(price, 0) + n
        for price, n in levels.items():
            gross = min(n, q) * price // 1000
            got += gross - ceil_div(gross * self.fee, PPM)
            q -= min(n, q)
        return got

    def slack(self):
        """What the sale's rounding may cost a plan: two floors a level, whole units."""
        return (2 * (2 * len(self.book) + 2) * RAY if self.book is not None else 2 if self.depth else 0) * (2 if self.gone else 1)

    def look(self):
        """What the keeper has bought is sold where it was to be sold, until the collateral's book (without one its price) moves."""
        stands = self.books_seen or ("price", self.pc)
        if stands != self.shown:
            if self.gone:
                self.seen.add("the market moved behind a sale")
            self.gone, self.shown = 0, stands
        self.gone, self.fresh = self.gone + self.fresh, 0

    def feed(self):
        return RAY * self.pc // self.pd

    def state(self):
        c, k = self.c, self.c.curve
        return [1, self.version, k.kind, k.tau, max(k.step, 0), k.cut, c.buf, c.cusp, c.tail, c.chip, c.tip, c.chost, c.tab, c.lot, c.top, c.tic]

    def tell(self):
        self.version += 1
        return self.d.ask("tell", *self.state())

    def rad(self, e8, up=False):
        return ceil_div(e8 * 10**19, self.pd) if up else e8 * 10**19 // self.pd

    def e8(self, rad):
        return ceil_div(rad * self.pd, 10**19)

    def out(self, q):
        return self.whole(self.gone + q) - self.whole(self.gone)

    def whole(self, q):
        if self.book is not None:
            return self.sold(q) * RAY
        if self.depth == 0:
            return q * (self.feed() * (PPM - self.slip) // PPM)
        x = self.depth // (self.pc * 10**8)
        y, k = x * self.feed(), PPM - self.slip
        return 0 if x == 0 or q == 0 else y * q * k // (x * PPM + q * k)

    def room(self):
        once = self.rad(self.once) if self.once else ALL
        return min(once, self.rad(max(0, self.total - self.spent)) if self.total else ALL)

    def best(self, second, room):
        """Greatest profit after gas of a legal purchase; None: there is none."""
        found = None
        for amt in range(1, self.c.lot + 1):
            try:
                _, owe, part, _ = self.c.quote(second, amt, ALL)
            except Revert:
                continue
            if part and owe <= room:
                net = self.out(part) - owe - self.rad(self.gas, True)
                found = net if found is None else max(found, net)
        return found

    def pays(self, second):
        """True, False, or None where the sale's rounding decides."""
        self.look()
        if second < self.c.tic or self.due(second):
            return False
        least, best = max(1, self.rad(self.profit, True)), self.best(second, self.room())
        if best is None or best < least:
            return False
        return True if best >= least + self.slack() else None

    def due(self, second):
        try:
            return self.c.status(second)[1]
        except Revert:
            return True

    def reset_pays(self, second):
        k = copy.deepcopy(self.c)
        try:
            coin = k.redo((self.pc, True, self.pd * 10**9), second)
        except Revert:
            return False
        return coin - self.rad(self.gas, True) >= max(1, self.rad(self.profit, True))


def need(good, *what):
    if not good:
        raise Wrong(" ".join(map(str, what)))


def check_take(w, bid, second, how):
    n, rev, what, version, at, amt, most, value = bid
    price, owe, part, _ = w.c.quote(second, amt, ALL)
    best = w.best(second, w.room())
    got = w.out(part) - owe - w.rad(w.gas, True)
    need((n, version, at, most) == (1, w.version, second, price), "a bid on", bid, "at", second, w.version, price)
    need(rev == w.revision + 1, "revision", rev, w.revision)
    need(best - w.slack() <= got <= best, "amount: profit", got, "best", best)
    need(owe <= w.room() and value == w.e8(owe), "limits:", owe, w.room(), value)
    w.revision = rev
    if w.gone and (w.book or w.depth and w.book is None):
        w.seen.add("behind a sale of ours")
    for s in (how, "part" if part < w.c.lot else "all", "book" if w.book is not None else "pool" if w.depth else how, "lead" if w.lead else how):
        w.seen.add(s)
    if w.book is not None and part < min(w.c.lot, sum(n for _, n in w.book)):
        w.seen.add("a book's first levels alone")
    return amt, owe, value


def settle(w, bid, second, now):
    """The venue's answer; True: the auction goes on."""
    amt, owe, value = bid
    w.spent += value
    if w.r.random() < 0.25:
        w.seen.add("refused")
        w.spent -= value
        w.d.ask("reply", 1, w.revision, 2, now, 0)
        return True
    _, _, part, _ = w.c.quote(second, amt, ALL)
    take(w.c, owe, part)
    w.version += 1
    w.fresh += part
    w.seen.add("taken")
    w.d.ask("reply", 1, w.revision, 9, now, 1, *w.state())
    return w.c.lot > 0


def take(c, owe, part):
    c.tab, c.lot = c.tab - owe, c.lot - part
    if c.tab == 0 or c.lot == 0:
        c.clear()


def someone_buys(w, second):
    amt = w.r.randint(1, w.c.lot)
    try:
        _, owe, part, _ = w.c.quote(second, amt, ALL)
    except Revert:
        return False
    if part:
        take(w.c, owe, part)
        w.tell()
    return part > 0


def life(d, r, seen):
    """One auction second by second, at its very beginning (less the lead) and at some moment within."""
    w = World(d, r, seen)
    quiet_until, how, moved, flat = 0, "bid at once", 0, True
    hold, books = r.choice([0, 0, r.randint(1, 30)]), r.random() < 0.4
    if books:
        w.move_book()
    steps = r.randint(20, 70)
    for step in range(steps):
        second = START + step
        now = second * NS - w.lead * 10**6
        if step and r.random() < 0.06:
            w.pc = max(1, w.pc * r.randint(80, 125) // 100)
            d.ask("price", w.pc, w.pd)
            how, flat = "bid after a price", False
            moved += 1
        if books and r.random() < 0.08:
            w.move_book()
            how, flat = "bid after a book", False
            moved += 1
        if step and r.random() < 0.03 and w.c.lot and not w.due(second) and second > w.c.tic:
            how = "bid after another's purchase" if someone_buys(w, second) else how
            moved += 1
        if hold and step == hold:
            word = r.choice(["hold", "kill"])
            d.ask(word, 1)
            need(d.ask("run", now) == [0], word, "and a bid leaves")
            seen.add("held" if word == "hold" else "killed")
            d.ask(word, 0)
            quiet_until = now + NS if word == "hold" else quiet_until
            flat = False
        if w.c.lot == 0:
            break
        bids = d.ask("run", now)
        sent = [tuple(bids[1 + 8 * i:9 + 8 * i]) for i in range(bids[0])]
        need(len(sent) <= 1, "bids at once", sent)
        if now < quiet_until:
            if sent:  # the pause after a refusal or a hold may be over sooner for news
                quiet_until = 0
            else:
                continue
        want = w.pays(second)
        if w.due(second) and second >= w.c.tic:
            pays = w.reset_pays(second)
            need(bool(sent) == pays and (not sent or sent[0][2] == 1), "reset at", second, sent, pays)
            seen.add("reset" if pays else "reset does not pay")
            if not pays:
                continue
            w.revision = sent[0][1]
            w.c.redo((w.pc, True, w.pd * 10**9), second)
            w.version += 1
            d.ask("reply", 1, w.revision, 9, now, 1, *w.state())
            how = "bid later"
            moved += 1
            continue
        if want is None:
            if not sent:
                continue
        else:
            need(bool(sent) == want, "second", second, "pays", want, "sent", sent, w.state(), "best", w.best(second, w.room()), "price", w.pc, w.pd, "gone", w.gone, w.shown, w.book, w.depth)
        if not sent:
            if w.book and want is False and w.book[0][0] * RAY // 1000 * (PPM - w.fee) // PPM < w.c.status(second)[0]:
                seen.add("below the best rate")
            seen.add("limit" if w.best(second, ALL) is not None and w.best(second, w.room()) is None else "not before the reset")
            how = "bid later" if how == "bid at once" else how
            continue
        if not settle(w, check_take(w, sent[0], second, how), second, now):
            break
        if w.revision and w.c.lot:
            quiet_until = now + 7 * NS if w.version == sent[0][3] else now
            how = "bid later"
        moved += 1
    wakes, replans, plans, missed, judged, outstanding, followed = d.ask("counters")
    need(missed == 0, "missed", missed, "of", judged)
    need(outstanding == 0 and followed == (1 if w.c.lot else 0), "left", outstanding, followed)
    if not hold:
        need(replans <= 3 * (moved + 1) + 8, "planned anew:", replans, "for", moved, "changes in", steps, "seconds")
    if flat and not hold:
        need(wakes <= 2 * (moved + 1) + 8, "polled:", wakes, "wakes for", moved, "changes in", steps, "seconds")
    return judged


def judge(exe, cases, seed):
    d, seen, judged = Driver(exe), set(), 0
    for i in range(cases):
        r = random.Random(seed * 1000003 + i)
        try:
            judged += life(d, r, seen)
        except (Wrong, Revert) as x:
            raise Wrong("case %d: %s" % (i, x))
    d.p.stdin.close()
    d.p.wait()
    return seen, judged


def mutants():
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        for i, (name, file, old, new) in enumerate(MUTANTS):
            text = open(file).read()
            f = f"{folder}/{i}"
            os.makedirs(os.path.dirname(f"{f}/{file}"))
            known = old in text
            with open(f"{f}/{file}", "w") as out:
                out.write(text.replace(old, new, 1))
            good = False
            try:
                judge(compile_driver(f"{f}/driver", f), CASES, SEED)
                why = "not found" if known else "no such text"
            except (Wrong, ValueError, IndexError) as x:
                good, why = known, str(x)
            except subprocess.CalledProcessError as x:
                why = x.stderr
            found += good
            tap.report(good, name, why[:1500])
    print("# %d of %d found" % (found, len(MUTANTS)))


def main():
    print("# SEED=%d CASES=%d" % (SEED, CASES))
    if sys.argv[1:] == ["--mutants"]:
        mutants()
        tap.finish()
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen, judged = judge(compile_driver(f"{folder}/driver"), CASES, SEED)
            tap.report(True, "%d auctions second by second: each bid at the first second that pays, of the best amount" % CASES)
            tap.report(judged > 0, "the audit asked %d times and missed nothing" % judged)
            for name in REACHED:
                tap.report(name in seen, "reached: " + name)
        except Wrong as x:
            tap.report(False, "each bid at the first second that pays", str(x)[:3000])
    tap.finish()


if __name__ == "__main__":
    main()
