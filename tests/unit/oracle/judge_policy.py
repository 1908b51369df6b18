#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole policies, judged: docs/oracle.md in Python, written from the document. judge_policy.py SEED COUNT prints
    t TEXT                                     a line of a policy file
    e                                          the file is whole: read it, start its only asset
    o SOURCE PRICE TIME TS TAKEN               a value (PRICE 0: one that cannot be a price)
    f SOURCE FLAGS                             2 = gapped, 4 = halted, 8 = state not sure, set or cleared
    x                                          the operator resumes
    v NOW CONF PRICE TIME LIVE REASON BY GUARD  the evaluation
Prices have 2 decimals in the text and are quanta elsewhere."""
import random
import sys
from fractions import Fraction as F
from math import floor

from judge_guard import Stable
from judge_median import pyth
from judge_tick import price as tick_price
from judge_tick import tick_at_price
from judge_twap import Ring

NONE, ABSENT, RANGE, GAP, HALTED, GUARD, STALE, WARMUP, HALT = range(9)
NOBODY, SOURCES, FALLBACK, LAST_GOOD = range(4)
NO_GUARD, TOP = 255, 2**63 - 1


class Source:
    def __init__(self, role, name, venue="deribit", field="mark", **keys):
        self.role, self.name, self.venue, self.field, self.keys = role, name, venue, field, keys
        self.price = self.time = self.ts = 0
        self.bad, self.flags, self.due = False, 0, 0

    def text(self):
        return "%s %s %s %s%s" % (self.role, self.venue, self.name, self.field,
                                  "".join(" %s=%d" % k for k in self.keys.items()))

    def take(self, price, time, ts):
        if ts and ts < self.ts:
            return False
        self.bad = price <= 0
        if not self.bad:
            self.price = price
            if not ts or ts > self.ts:
                self.time = time
        self.ts = ts or self.ts
        return True

    def reason(self, now, reference):
        if self.bad:
            return RANGE
        if not self.price:
            return ABSENT
        if self.flags & 10:
            return GAP
        if self.flags & 4:
            return HALTED
        grace = self.keys.get("grace_ms", 0)
        late = False
        if "threshold_bps" in self.keys:
            if reference and F(abs(reference - self.price), self.price) > F(self.keys["threshold_bps"], 10**4):
                self.due = self.due or now
                late = now - self.due > grace * 10**6
            else:
                self.due = 0
        age = self.keys.get("max_age_ms") or (self.keys["heartbeat_ms"] + grace if "heartbeat_ms" in self.keys else 0)
        return STALE if late or (age and now - self.time > age * 10**6) else NONE


class Guard:
    def __init__(self, kind, then, **keys):
        self.kind, self.then, self.keys = kind, then, keys
        self.since = 0

    def text(self):
        return "guard %s then=%s%s" % (self.kind, self.then, "".join(" %s=%s" % k for k in self.keys.items()))


def money(q):
    return "%d.%02d" % (q // 100, q % 100)


class Policy:
    """Of sources (all roles, in the file's order) and guards; times of limits in ms, as in the text."""

    def __init__(self, sources, guards=(), how="single", quorum=0, min_live=0, mean=None, window=2, partial=False,
                 publish=False, too_few="hold", last_good=0, back=0):
        self.sources, self.guards = sources, list(guards)
        self.how, self.quorum, self.too_few, self.last_good, self.back = how, quorum, too_few, last_good, back
        n = sum(s.role == "source" for s in sources)
        self.min_live = min_live or quorum or n // 2 + 1
        self.mean, self.window, self.partial, self.publish = mean, window, partial, publish
        self.ring = Ring(-(-self.window // 127), 128)
        self.stable, self.poked, self.poked_at, self.poked_since = Stable(), 0, 0, 0
        self.good = self.previous = self.good_at = self.time = self.anchor = self.anchor_at = 0
        self.halted, self.halted_by, self.fallen = False, NO_GUARD, False

    def timed(self):
        """Whether time alone may change its price or hold (docs/oracle.md, Time)."""
        return bool(self.mean or self.how != "single" or self.too_few != "hold"
                    or any("threshold_bps" in s.keys for s in self.sources)
                    or any(g.kind in ("rate", "cap") or g.keys.get("of") == "stable" or "confirm_ms" in g.keys
                           or g.then not in ("hold", "clamp") for g in self.guards))

    def text(self, asset="X"):
        yield "asset %s   # judged" % asset
        yield from (s.text() for s in self.sources)
        yield "aggregate " + self.how + (" quorum=%d" % self.quorum if self.quorum else "")
        yield "min_live %d" % self.min_live
        if self.mean:
            yield "twap %s window_ms=%d warmup=%s" % (self.mean, self.window, "partial" if self.partial else "hold")
        yield "publish " + ("twap" if self.publish else "spot")
        yield "too_few " + self.too_few
        limits = (" return_bps=%d" % self.back if self.back else "") + \
            (" last_good_ms=%d" % self.last_good if self.last_good else "")
        yield "limits" + limits
        yield from (g.text() for g in self.guards)

    # ---- the past

    def remember(self, price, now):
        for g in self.guards:
            if g.kind == "band" and not self.quanta(g, "low") <= price <= self.quanta(g, "high"):
                return
        if self.mean:
            self.ring.write(now // 10**6, tick_at_price(price) if self.mean == "geometric" else price)
        if any(g.keys.get("of") == "stable" for g in self.guards):
            self.stable.update(now // 10**9, price)

    @staticmethod
    def quanta(g, key):
        return int(g.keys[key].replace(".", ""))

    def reach(self, now):
        span = now // 10**6 - self.ring.points[0] if self.ring.points else 0
        return self.window if span >= self.window else span if self.partial else 0

    def mean_price(self, now):
        back = self.reach(now)
        if not self.ring.points or (back == 0 and not self.partial):
            return 0
        v = self.ring.writes[-1][1] if back == 0 else self.ring.mean(now // 10**6, back, 0)
        return tick_price(v) if self.mean == "geometric" else v

    # ---- guards

    def fires(self, g, price, now, reference, mean, conf):
        """(fires, price)"""
        ref = {"reference": reference, "previous": self.previous, "twap": mean, "stable": self.stable.price,
               None: None}[g.keys.get("of")]
        if ref == 0:
            return g.keys["of"] != "previous", price
        to, hard = price, None
        if g.kind == "band":
            to = min(max(price, self.quanta(g, "low")), self.quanta(g, "high"))
        elif g.kind == "deviation":
            room = floor(ref * F(g.keys["bps"], 10**4))
            to = min(max(price, ref - room, 1), ref + room)
        elif g.kind == "rate" and self.anchor:
            k = 1 + min((now - self.anchor_at) // (g.keys["every_ms"] * 10**6), 1000)
            room = floor(self.anchor * F(k * g.keys["bps"], 10**4))
            to = min(max(price, self.anchor - room, 1), self.anchor + room)
        elif g.kind == "cap":
            s = self.quanta(g, "snapshot")
            growth = s * g.keys["yearly_bps"] // 10000 // (365 * 86400)
            seconds = now // 10**9 - g.keys["at"]
            if seconds < 0:
                return True, price
            to = min(price, s + growth * seconds)
        elif g.kind == "confidence":
            hard = conf > 0 and 10**6 * conf // price > 100 * g.keys["bps"]
        elif g.kind == "jump":
            hard = F(abs(price - ref), max(price, ref)) > F(g.keys["bps"], 10**4)
        elif g.kind == "ratio":
            hard = max(price, ref) // min(price, ref) > g.keys["max"]
        elif g.kind == "trend":
            half, ms = self.reach(now) // 2, now // 10**6
            if half == 0:
                hard = not self.partial
            else:
                hard = abs(self.ring.mean(ms, 2 * half, 0) - self.ring.mean(ms, 2 * half, half)) > g.keys["ticks"]
        if hard is not None:
            return hard, price
        return (False, to) if g.then == "clamp" else (to != price, price)

    def judge(self, price, now, reference, mean, conf, own):
        fired = []
        for i, g in enumerate(self.guards):
            f, price = self.fires(g, price, now, reference, mean, conf)
            if own:
                if not f:
                    g.since = 0
                else:
                    g.since = g.since or now
                    confirm = g.keys.get("confirm_ms", 0)
                    f = not (confirm and now - g.since >= confirm * 10**6)
            if f:
                fired.append(i)
        halts = [i for i in fired if self.guards[i].then == "halt"]
        return (halts + fired + [NO_GUARD])[0], price

    # ---- evaluation

    def living(self, role, now, reference):
        """[(number, source)], the first reason of the others, whether one of those has a gap or a halt"""
        alive, worst, broken = [], 99, False
        for i, s in enumerate(self.sources):
            if s.role == role:
                r = s.reason(now, reference)
                if r == NONE:
                    alive.append((i, s))
                else:
                    worst = min(worst, r)
                    broken = broken or s.flags != 0
        return alive, worst, broken

    def aggregate(self, alive, now):
        """(price, confidence, age)"""
        since = sorted((s.time for _, s in alive), reverse=True)[self.min_live - 1]
        prices = sorted((s.price for _, s in alive))
        if self.how == "weighted":
            prices = sorted(s.price for _, s in alive for _ in range(s.keys.get("weight", 1)))
        if self.how == "maker":
            fresh = sorted((s for _, s in alive if s.time > self.poked_at), key=lambda s: -s.time)[:self.quorum]
            if len(fresh) == self.quorum:
                self.poked = sorted(s.price for s in fresh)[self.quorum // 2]
                self.poked_at = now
                self.poked_since = min(s.time for s in fresh)
            return self.poked, 0, self.poked_since
        if self.how == "pyth":
            votes = [(s.price, max(floor(s.price * F(s.keys["conf_bps"], 10**4)), 1)) for _, s in alive]
            return pyth(votes, self.min_live)[1:] + (since,)
        return prices[len(prices) // 2], 0, since

    def fallback(self, now, reference, mean):
        """(price, time, live)"""
        alive, _, _ = self.living("fallback", now, reference)
        live = sum(1 << i for i, _ in alive)
        if not alive:
            return 0, 0, live
        price = sorted(s.price for _, s in alive)[len(alive) // 2]
        guard, price = self.judge(price, now, reference, mean, 0, False)
        return (price if guard == NO_GUARD else 0), max(s.time for _, s in alive), live

    def accept(self, price, time, now):
        for g in self.guards:
            if g.kind == "rate" and (not self.anchor or now - self.anchor_at >= g.keys["every_ms"] * 10**6):
                self.anchor, self.anchor_at = price, now
        self.good = self.previous = price
        self.good_at, self.time = now, time

    def eval(self, now):
        self.conf = 0
        refs, _, _ = self.living("reference", now, 0)
        reference = sorted(s.price for _, s in refs)[len(refs) // 2] if refs else 0
        alive, worst, broken = self.living("source", now, reference)
        live = sum(1 << i for i, _ in refs + alive)
        price, time, reason, guard, action = 0, 0, NONE, NO_GUARD, self.too_few
        if len(alive) < self.min_live:
            reason = worst
            if broken and action == "last_good":
                action = "hold"
        else:
            price, self.conf, time = self.aggregate(alive, now)
            reason = NONE if price else ABSENT
        if price:
            self.remember(price, now)
        mean = self.mean_price(now) if self.mean else 0
        if price and self.publish:
            price = mean
            reason = NONE if price else WARMUP
        if price:
            guard, price = self.judge(price, now, reference, mean, self.conf, True)
            if guard != NO_GUARD:
                reason, action = GUARD, self.guards[guard].then
                action = "hold" if action == "clamp" else action
        if self.halted:
            return self.good, self.time, live, HALT, NOBODY, self.halted_by
        if reason == NONE and self.fallen and self.back:
            other, _, _ = self.fallback(now, reference, mean)
            if other and F(abs(price - other), min(price, other)) > F(self.back, 10**4):
                reason, action = GUARD, "fallback"
        if reason == NONE:
            self.fallen = False
            self.accept(price, time, now)
            return price, time, live, NONE, SOURCES, guard
        if action == "halt" and (guard != NO_GUARD or self.good):
            self.halted, self.halted_by = True, guard
            return self.good, self.time, live, HALT, NOBODY, guard
        if action == "fallback":
            other, since, more = self.fallback(now, reference, mean)
            live |= more
            if other:
                self.fallen = True
                self.accept(other, since, now)
                return other, since, live, NONE, FALLBACK, NO_GUARD
        if action == "last_good" and self.good and now - self.good_at <= self.last_good * 10**6:
            return self.good, self.time, live, NONE, LAST_GOOD, guard
        return self.good, self.time, live, reason, NOBODY, guard

    def resume(self):
        self.halted, self.halted_by = False, NO_GUARD
        self.previous = self.anchor = 0


def uses_mean(guards):
    return any(g.keys.get("of") == "twap" or g.kind == "trend" for g in guards)


def random_guards(rng, p, how, mean):
    refs = ["reference", "previous", "stable"] + (["twap"] if mean else [])
    kinds = ["band", "deviation", "deviation", "jump", "ratio", "rate", "cap"]
    kinds += ["trend"] if mean == "geometric" else []
    kinds += ["confidence"] * 2 if how == "pyth" else []
    guards = []
    for kind in rng.sample(kinds, rng.randint(0, 4)):
        keys = {"band": lambda: dict(low=money(p * 3 // 4), high=money(p * 5 // 4)),
                "deviation": lambda: dict(bps=rng.choice((10, 100, 1000)), of=rng.choice(refs)),
                "jump": lambda: dict(bps=rng.choice((10, 100, 1000)), of=rng.choice(refs)),
                "ratio": lambda: dict(max=rng.choice((1, 2)), of=rng.choice(refs)),
                "rate": lambda: dict(bps=rng.choice((1, 20, 200)), every_ms=rng.choice((1, 20, 500))),
                "cap": lambda: dict(snapshot=money(p), at=rng.choice((0, 1, 3)),
                                    yearly_bps=rng.choice((0, 968, 10**6))),
                "confidence": lambda: dict(bps=rng.choice((1, 10, 100, 1000))),
                "trend": lambda: dict(ticks=rng.choice((1, 20, 200)))}[kind]()
        clamps = kind in ("band", "deviation", "rate", "cap")
        then = rng.choice(("hold", "fallback", "last_good", "halt") + ("clamp", "clamp") * clamps)
        if then != "clamp" and rng.random() < 0.4:
            keys["confirm_ms"] = rng.choice((1, 50, 400))
        guards.append(Guard(kind, then, **keys))
    return guards


def random_sources(rng, n, how, guards, actions):
    sources, threshold = [], rng.random() < 0.3
    for i in range(n):
        keys = {"weight": rng.randint(1, 4)} if rng.random() < 0.7 else {}
        if how == "pyth":
            keys["conf_bps"] = rng.choice((1, 10, 500, 9999))
        if threshold and i == 0:
            keys.update(heartbeat_ms=rng.choice((500, 5000)), threshold_bps=rng.choice((10, 100)),
                        grace_ms=rng.choice((0, 50, 500)))
        else:
            keys["max_age_ms"] = rng.choice((0, 100, 1000))
        sources.append(Source("source", "S%d" % i, **keys))
    if threshold or any(g.keys.get("of") == "reference" for g in guards):
        for i in range(rng.randint(1, 3)):
            sources.append(Source("reference", "S%d" % i, max_age_ms=rng.choice((0, 100))))
    if "fallback" in actions:
        for i in range(rng.randint(1, 3)):
            sources.append(Source("fallback", "S%d" % i, max_age_ms=rng.choice((0, 300))))
    rng.shuffle(sources)
    return sources


def random_policy(rng):
    """(policy, a price that it is about)"""
    p = rng.randint(1000, 10**7)
    n = rng.randint(1, 6)
    how = rng.choice(("single", "single", "pyth")) if n == 1 else rng.choice(("median", "weighted", "maker", "pyth"))
    quorum = rng.choice([q for q in (1, 3, 5) if q <= n]) if how == "maker" else 0
    mean = rng.choice((None, None, "geometric", "arithmetic"))
    guards = random_guards(rng, p, how, mean)
    too_few = rng.choice(("hold", "hold", "fallback", "last_good", "halt"))
    actions = [g.then for g in guards] + [too_few]
    return Policy(random_sources(rng, n, how, guards, actions), guards, how, quorum, rng.randint(max(quorum, 1), n),
                  mean, rng.choice((2, 50, 3000)), rng.random() < 0.5,
                  mean is not None and (not uses_mean(guards) or rng.random() < 0.3), too_few,
                  rng.choice((1, 100, 2000)) if "last_good" in actions else 0,
                  rng.choice((0, 10, 300)) if "fallback" in actions else 0), p


def scenario(rng):
    p, level = random_policy(rng)
    for line in p.text():
        print("t", line)
    print("e")
    now = rng.choice((10**9, 2**32 * 10**6 - 10**9))  # the second: milliseconds wrap during the run
    ts = 10**6
    for _ in range(rng.randint(1, 60)):
        now += rng.choice((0, 1, 10**5, 10**6, 3 * 10**6, 40 * 10**6, 400 * 10**6, 4 * 10**9 + 7))
        ts += rng.randrange(3)
        level = max(level * rng.choice((1000, 1000, 1001, 999, 1010, 985, rng.choice((1000, 1300, 600)))) // 1000, 100)
        for i, s in enumerate(p.sources):
            if rng.random() < 0.6:
                price = rng.choice((level, level, level + rng.randint(-level // 1000, level // 1000),
                                    rng.choice((level, level * 3 // 2, level // 3, 0))))
                stamp = rng.choice((ts, ts, 0, max(ts - rng.randrange(5), 1)))
                print("o", i, price, now, stamp, int(s.take(price, now, stamp)))
            if rng.random() < 0.1:
                s.flags = rng.choice((0, 0, 2, 4, 6, 8))
                print("f", i, s.flags)
        if rng.random() < 0.05:
            p.resume()
            print("x")
        what = p.eval(now)
        print("v", now, p.conf, *what)


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        scenario(rng)


if __name__ == "__main__":
    main()
