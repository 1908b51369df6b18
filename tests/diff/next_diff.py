# SPDX-License-Identifier: Apache-2.0
"""host/run/next.c in exact integers, all that it calls being the driver's: what an oracle that follows a market is said to be, what
its next prices make of an account's chance, whose order is worth a turn and how much, at which prices it is made, how long it is
kept. Written from docs/lab/prediction.md and the headers. SEED, CASES; --mutants: wrong versions must be found (next_mutants.py)."""
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from predict_diff import Checks, Driver

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", 2000))
SOURCE, CERTAIN, PPM, MS, KEPT, NEVER = "host/run/next.c", 2**32, 10**6, 10**6, 1024, -1  # NEVER: 2^64 - 1 as the driver prints it
WANTED = ["waits", "follows", "no price told", "no price of the market", "the told price for want of another", "overdue", "not due", "never due", "no candidate", "as it is is most",
          "a candidate is most", "certain now", "prepared", "not prepared", "prepared but staged", "prepared but paired", "by horizon", "odd", "even", "made for one", "none likely enough",
          "none liquidates", "a likelier one does not liquidate", "of another asset", "of two as likely the first", "a price is missing", "kept", "not kept", "kept already", "list full",
          "off as near", "off as flagged", "off as the other is near", "off as nothing threatens", "made anew"]


def build(folder, text):
    path = os.path.join(folder, "next.c")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    exe = os.path.join(folder, "driver")
    subprocess.run(os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-Ihost", "-I.", "-Idrivers", "-I" + os.path.join(os.environ.get("B", "build"), "gen"), path,
                                                          "tests/diff/next_driver.c", "-o", exe], check=True, capture_output=True)
    return exe


class Asset:
    def __init__(self, r, i, n, now):
        self.px = r.randrange(10**6, 10**9) * 16 + i  # told prices name their assets
        if r.random() < 0.04:
            self.px = r.choice((0, -1 - i))
        self.by, self.waits = r.randrange(n), r.random() < 0.4
        self.result = r.choice((0, -5, r.randrange(1, 10**10), r.randrange(1, 10**10)))
        self.vol, self.changed = r.randrange(2**40), now - r.randrange(10**11)
        self.next = sorted(((max(1, self.px + r.randrange(-10**6, 10**6)), r.choice((r.randrange(2**31), CERTAIN // 10, CERTAIN // 4))) for _ in range(r.randrange(4))), key=lambda c: -c[1])
        while sum(c[1] for c in self.next) > CERTAIN:
            self.next.pop()

    def words(self):
        return [self.px, self.by, int(self.waits), self.result, self.vol, self.changed, len(self.next)] + [x for c in self.next for x in c]


class World:
    def __init__(self, r, **fixed):
        self.n, self.now = r.choice((1, 2, 3, 6)), 10**15
        self.horizon, self.deviation = r.randrange(1, 10**6), r.choice((0, 5000))
        self.due_ms, self.visible, self.keep = r.choice((0, 1, 50_000, 3_600_000)), r.choice((0, 333_333, 900_000, PPM)), r.choice((1, 100_000, 250_000, 400_000))
        self.predict, self.by, self.staged, self.paired = 1, r.randrange(2), int(r.random() < 0.2), int(r.random() < 0.6)
        self.turns, self.groups, self.prepared = r.randrange(1, 1000), r.randrange(10**6), int(r.random() < 0.5)
        for k, v in fixed.items():
            setattr(self, k, v)
        self.asset = [Asset(r, i, self.n, self.now) for i in range(self.n)]

    def words(self):
        return ([self.n, self.now, self.horizon, self.deviation, self.due_ms, self.visible, self.keep, self.predict, self.by, self.staged, self.paired, self.turns, self.groups, self.prepared]
                + [x for a in self.asset for x in a.words()])

    def feed(self, i, seen, within):
        """What is to be asked of asset i's oracle; None: nothing, as one of the prices is missing."""
        a = self.asset[i]
        m = self.asset[a.by]
        seen["waits" if m.waits else "follows"] += 1
        if a.px <= 0:
            seen["no price told"] += 1
            return None
        market = m.px
        if m.waits:
            market = m.result if m.result > 0 else a.px  # the update that waits is no market
            seen["the told price for want of another"] += m.result <= 0
        if market <= 0:
            seen["no price of the market"] += 1
            return None
        since, due = self.now - a.changed, NEVER
        if self.due_ms:
            due = max(0, self.due_ms * MS - since)
        seen["never due" if due < 0 else "overdue" if due == 0 else "not due"] += 1
        return [-1, a.px, market, m.vol, self.deviation, due, m.px if m.waits else 0, CERTAIN * self.visible // PPM if m.waits else 0, within or self.horizon]


def chance(h, within):
    return CERTAIN if h <= 0 else (h * 2654435761 + within * 97) % CERTAIN


def breach(w, h, row, seen, within=0):
    """The most that one price's candidates make of it, and what was asked for on the way."""
    asked, most = [], chance(h, within)
    seen["certain now"] += most == CERTAIN
    as_is = most
    for i, coef in row:
        feed = w.feed(i, seen, within)
        asked += feed or []
        nxt = w.asset[i].next if feed else []
        seen["no candidate"] += not nxt
        p = sum(q * chance(h + coef * (price - w.asset[i].px), within) for price, q in nxt) + (CERTAIN - sum(q for _, q in nxt)) * as_is
        most = max(most, p // CERTAIN)
    seen["as it is is most" if most == as_is else "a candidate is most"] += 1
    return most, asked


def row_of(r, w):
    return [(i, r.choice((-1, 1)) * r.randrange(1, 1000)) for i in r.sample(range(w.n), r.randrange(1, w.n + 1)) if w.asset[i].px]


def row_words(row):
    return [len(row)] + [x for c in row for x in c]


def check_breach(ask, check, r, w):
    row, h = row_of(r, w), r.choice((r.randrange(-5, 2), r.randrange(10**6), r.randrange(10**9)))
    want, asked = breach(w, h, row, check.seen)
    got = ask("breach", h, *row_words(row))
    check("what an oracle is said to be", got[:-1] == asked, w.words(), row, got[:-1], asked)
    check("the chance with its next prices", got[-1] == want, w.words(), h, row, got[-1], want)


def check_value(ask, check, r, w):
    row, h, i = row_of(r, w), r.randrange(-5, 10**9), r.randrange(100)
    got = ask("value", i, h, *row_words(row))
    odd = w.paired and i % 2
    nothing = w.by and w.prepared and not w.staged and not w.paired
    if w.prepared:
        check.seen["by horizon" if not w.by else "prepared" if nothing else "prepared but staged" if w.staged else "prepared but paired"] += 1
    check.seen["not prepared"] += not w.prepared
    check.seen["odd" if odd else "even"] += w.paired
    if nothing:
        check("an order that is as good as a new one gains nothing", got == [0, 0], w.words(), got)
        return
    within = (w.turns * 1000 + w.groups) * w.by
    p, asked = (chance(h + 1, within), [])
    if w.paired and not odd:
        p, asked = breach(w, h, row, check.seen, within)
    of = i - i % 2 if w.paired else i
    check("an order's value: chance until its turn, the pair's reward", got == [-2, 1] + asked + [-3, h, p, of * 1000 + 7, of + 3, 0] + [4711, 0], w.words(), i, got)


def threat(w, own, least, seen):
    """The prices at which the order is made: told ones but for the likeliest that liquidates, the first of equals. None: none."""
    px, best, passed = [a.px for a in w.asset], None, 0
    if any(px[i] <= 0 for i, _ in own):
        seen["a price is missing"] += 1
        return None
    floor = CERTAIN * w.keep // PPM
    for i, _ in own:
        if w.feed(i, seen, 0) is None:
            continue
        for price, p in w.asset[i].next:
            at = [price if j == i else x for j, x in enumerate(px)]
            if p < floor:
                continue
            if sum(q * at[j] for j, q in own) >= least:
                passed = max(passed, p)
            elif best is None or p > best[0]:
                best = (p, at, i)
            else:
                seen["of two as likely the first"] += p == best[0]
    if best:
        seen["made for one"] += 1
        seen["a likelier one does not liquidate"] += passed > best[0]
        seen["of another asset"] += best[2] != own[0][0]
        return best[1]
    seen["none liquidates" if passed else "none likely enough"] += 1
    return None


def open_account(ask, r, w, i):
    own = [(a, r.randrange(1, 9)) for a in r.sample(range(w.n), r.randrange(1, w.n + 1))]
    worth = sum(q * w.asset[a].px for a, q in own)
    least = worth + r.choice((-10**6, 0, -3 * 10**5, 10**6, -10**8))
    ask("account", i, least, len(own), *[x for c in own for x in c])
    return own, least


def without_questions(got):
    """The driver says what it is asked besides what is done: nine numbers from -1, two from -2."""
    out, k = [], 0
    while k < len(got):
        step = {-1: 9, -2: 2}.get(got[k], 0)
        if not step:
            return got[k:]
        out.append(got[k:k + step])
        k += step
    return []


def check_prices(ask, check, r, w):
    own, least = open_account(ask, r, w, 2)
    want = threat(w, own, least, check.seen)
    got = without_questions(ask("prices", 2))
    check("the prices that an order is made for", got == ([1] + want if want else [0]), w.words(), own, least, got, want)


class Keeping:
    """Pairs whose nobody is near any more, and groups that go by."""

    def __init__(self, ask, check, r, pairs):
        self.ask, self.check, self.r = ask, check, r
        self.pairs = pairs
        self.kept = ask("list")[0]
        for e in ask("list")[1:]:  # those of the case before: they are near, and go
            ask("near", e, 1, 0)
            ask("review")
        check("nobody is left of those who were near", len(ask("list")) == 1)
        self.list, self.state = [], {}

    def world(self, **fixed):
        self.w = World(self.r, paired=1, **fixed)
        self.ask("set", *self.w.words())
        for e in self.pairs:
            own, least = open_account(self.ask, self.r, self.w, e)
            px = threat(self.w, own, least, self.check.seen) if self.w.keep and self.w.predict else None
            self.state[e] = px

    def near(self, e):
        """(even near, odd near, odd flagged)"""
        s = self.r.choice(((0, 0, 0),) * 5 + ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
        self.ask("near", e, s[0], 0)
        self.ask("near", e + 1, s[1], s[2])
        return s

    def done(self, e, px):
        return [-4, e] + px if px else [-5, e]

    def keep(self, e):
        px, was = self.state[e], e in self.list
        if px and not was and len(self.list) == KEPT:
            self.check.seen["list full"] += 1
            px = None
        got = without_questions(self.ask("keep", e))
        self.check.seen["kept already" if px and was else "kept" if px else "not kept"] += 1
        if px:
            self.kept += 1
            self.list += [] if was else [e]
        self.check("kept for what threatens, else retired", got == self.done(e, px), e, got, px)
        self.same()

    def same(self):
        got = self.ask("list")
        self.check("who is kept, and how often one was", got[0] == self.kept and sorted(got[1:]) == sorted(self.list), got, self.kept, self.list)

    def groups(self):
        """Each of those kept is looked at in half as many groups, rounded up, as they are, where nobody leaves; else in four times as many."""
        state = {e: self.near(e) for e in self.pairs}
        due, all_of_them = set(self.list), len(self.list)
        for group in range(2 * all_of_them + 2):
            if group == (all_of_them + 1) // 2 and len(self.list) == all_of_them:
                self.check("two are looked at with a group", not due, due)
            got, seen = self.ask("review"), []
            while got := without_questions(got):
                size = 2 + self.w.n if got[0] == -4 else 2
                seen.append(got[:size])
                got = got[size:]
            left = set(self.list) - set(self.ask("list")[1:])
            self.check("at most two of those kept are looked at with a group", len(seen) <= 2 and len(left) <= 2, seen, left)
            for e in {s[1] for s in seen} | left:
                near, px = any(state[e]), self.state[e]
                mine = [s for s in seen if s[1] == e]
                due.discard(e)
                if near:
                    self.check.seen["off as near" if state[e][0] else "off as the other is near" if state[e][1] else "off as flagged"] += 1
                    self.check("who is near again is the engine's business", e in left and not mine, e, mine, left)
                else:
                    self.check.seen["made anew" if px else "off as nothing threatens"] += 1
                    self.check("who is not: made for what threatens, else retired and off", mine[:1] == [self.done(e, px)] and (e in left) == (px is None), e, mine, px)
                if e in left:
                    self.list.remove(e)
        self.check("each has had its turn", not due, due)
        self.same()


def check_keeping(ask, check, r):
    k = Keeping(ask, check, r, [2 * i for i in range(r.randrange(1, 12))])
    settings = r.choice(({}, {}, {}, {"keep": 0}, {"predict": 0}))  # a session's stay as they are
    for _ in range(3):
        k.world(**settings)
        for e in r.sample(k.pairs, len(k.pairs)):
            k.near(e)
            k.keep(e)
        k.groups()


def check_full(ask, check, r):
    """No more than there is room for, however many threaten."""
    k = Keeping(ask, check, r, [])
    k.world(n=1, keep=1)
    a = k.w.asset[0]
    a.px, a.by, a.waits, a.next = 1000, 0, False, [(900, CERTAIN // 2)]
    ask("set", *k.w.words())
    for e in range(0, 2 * KEPT + 8, 2):
        ask("account", e, 950, 1, 0, 1)
        got = without_questions(ask("keep", e))
        full = e >= 2 * KEPT
        check.seen["list full"] += full
        check("no more are kept than there is room for", got == ([-5, e] if full else [-4, e, 900]), e, got)
    got = without_questions(ask("keep", 0))
    check("who is in a full list stays", got == [-4, 0, 900], got)
    check("the list is as long as it says", len(ask("list")) == 1 + KEPT)


def run(exe, cases, seed=SEED):
    r, check, d = random.Random(seed), Checks(), Driver(exe)
    try:
        for n in range(cases):
            w = World(r)
            d.ask("set", *w.words())
            check_breach(d.ask, check, r, w)
            check_value(d.ask, check, r, w)
            check_prices(d.ask, check, r, w)
            if n % 8 == 0:
                check_keeping(d.ask, check, r)
        check_full(d.ask, check, r)
    finally:
        d.p.stdin.close()
        d.p.wait(10)
        d.p.stdout.close()
    return check


def main():
    text = open(SOURCE, encoding="utf-8").read()
    with tempfile.TemporaryDirectory(prefix="next.") as folder:
        if "--mutants" in sys.argv:
            from next_mutants import MUTANTS
            found = 0
            for name, _, old, new in MUTANTS:
                if text.count(old) != 1:
                    tap.report(False, f"{name}: the text occurs {text.count(old)} times")
                    continue
                try:
                    bad = any(row[1] for row in run(build(folder, text.replace(old, new)), CASES // 10).rows.values())
                except (RuntimeError, ValueError, OSError, LookupError):
                    bad = True
                found += bad
                tap.report(bad, name)
            print(f"# {found} of {len(MUTANTS)} found")
        else:
            print(f"# SEED={SEED} CASES={CASES}")
            check = run(build(folder, text), CASES)
            for name, (n, bad, what) in check.rows.items():
                tap.report(bad == 0, f"{name}: {n} times", what)
            tap.report(all(check.seen[x] for x in WANTED), "every branch that matters was taken", [x for x in WANTED if not check.seen[x]])
    tap.finish()


if __name__ == "__main__":
    main()
