# SPDX-License-Identifier: Apache-2.0
"""Cases for auctions_diff.py: curves and their inverse, clip, flip, flap, flop, Euler's discount, Aloe's share."""
import copy

from auctions_common import ALL, START, compare, near, tried
from judge_auctions import (ALOE_N, EXP, FLAP, FLIP, FLOP, LINEAR, RAD, RAY, STAIR, WAD, WORD, Clip, Curve, English, Revert, Room, aloe,
                            aloe_curve, evk, require, rpow)


# ---- curves

def some_curve(r):
    kind = r.randrange(3)
    cut = r.choice([0, 1, RAY // 2, RAY - 1, RAY - 2, RAY - 10**r.randint(0, 26), RAY, r.randint(0, RAY), RAY * 99 // 100, RAY * 9999 // 10000])
    return Curve(kind, r.choice([0, 1, 2, r.randint(1, 10**5), 36000]), r.choice([1, 2, 90, r.randint(1, 300)]), cut)


def check_curves(d, check, r, cases):
    for _ in range(cases):
        k = some_curve(r)
        top = r.choice([0, 1, r.getrandbits(r.randint(1, 165)), 10**r.randint(20, 40), r.getrandbits(256)])
        dur = r.choice([0, 1, k.tau, near(r, k.tau, 1), r.randint(0, 10**5), k.step, near(r, 5 * k.step, 1), 2**40])
        compare(check, d, "price of a curve", f"price {k.text()} {top} {dur}", lambda: [k.price(top, dur)])
        x, n = r.getrandbits(r.randint(1, 140)), r.choice([0, 1, 2, 3, r.randint(0, 200)])
        base = r.choice([RAY, WAD, 1, 3, 10**27 + 1])
        compare(check, d, "rpow", f"rpow {x} {n} {base}", lambda: [rpow(x, n, base)])
    why, _ = d.ask(f"price {STAIR} 0 0 {RAY} 5 5")
    check("price of a curve", why == "math", "step 0")


def check_inverse(d, check, r, cases):
    """The first second at or below a limit: brute force where it is near, samples where it is far."""
    for _ in range(cases):
        k = some_curve(r)
        k.cut = min(k.cut, RAY)
        top = r.choice([1, 2, r.getrandbits(r.randint(1, 160)), RAY, 5 * RAY, 10**30, r.randint(1, 1000)]) or 1
        last = r.choice([0, 1, r.randint(0, 300), r.randint(0, 2000), r.randint(0, 10**6), 2**40])
        kind = r.randrange(5)
        limit = [0, top, top - 1, r.randint(0, top), near(r, k.price(top, min(last, r.randint(0, 400))), 1)][kind]
        why, (found, first, at) = d.ask(f"first {k.text()} {top} {limit} {last}")
        what = (k.text(), top, limit, last, found, first, at)
        check("inverse of a curve", why is None, *what)
        end = at if found else last + 1
        check.seen[f"inverse: kind {k.kind} {'found' if found else 'never'} {'first' if first else 'unproved'}"] += 1
        if found:
            check("inverse of a curve", at <= last and k.price(top, at) <= limit, *what)
            check("inverse of a curve", at == 0 or k.price(top, at - 1) > limit, *what)
        step = k.step if k.kind == STAIR else 1
        tried = range(0, end, step) if end // step <= 250 else [r.randrange(end) for _ in range(10)] + [end - 1 - i * step for i in range(30)]
        if first or not found:
            bad = next((t for t in tried if k.price(top, t) <= limit), None)
            check("inverse of a curve", bad is None or (not first and not found), *what, "earlier:", bad)
        if found and at and k.kind != LINEAR:
            check("the first second is proved", bool(first) == proof(k.cut, ((limit + 1) * RAY - 1) // top, at // step), *what)
    for _ in range(cases // 4):  # so flat that the proof is out of reach from some 2,048 times the cut's units
        m = r.randint(1, 20)
        k, n = Curve(EXP, 0, 1, RAY - m), m * r.choice([r.randint(500, 5000), 2048 + r.randint(-2, 2), 1024 + r.randint(-2, 2)])
        limit = k.price(RAY, n)
        _, (found, first, at) = d.ask(f"first {k.text()} {RAY} {limit} {r.choice([n, 2 * n, 2**40])}")
        check("the first second is proved", (found, at, bool(first)) == (1, n, proof(k.cut, limit, n)), m, n, found, first, at)
        check.seen["flat: proved" if first else "flat: unproved"] += 1
    for text in (f"{EXP} 0 1 {RAY + 1} 5 1 9", f"{STAIR} 0 0 {RAY} 5 1 9", f"{EXP} 0 1 {RAY} {ALL} 1 9"):
        check("inverse of a curve", d.ask("first " + text)[0] is not None, text)


def proof(cut, power, n):
    """A power at or before n that no rounding can bring an earlier one below: n units of rounding on both."""
    return any(back >= n or rpow(cut, n - back, RAY) > power + 2 * n for back in (2**i for i in range(13)))


def check_noise(d, check, r, cases):
    """Powers of few units, where rounding makes steps unequal: the first second by trying all."""
    for _ in range(cases):
        k = Curve(EXP, 0, 1, r.choice([RAY - 1, RAY - 2, RAY - 3, RAY // 2, RAY // 2 + 1, RAY // 3, RAY * 2 // 3, RAY * 9 // 10, RAY - r.randint(1, 300)]))
        top = RAY
        n = r.randint(1, 700) if k.cut < RAY * 95 // 100 else r.randint(1, 300)
        limit = k.price(top, n) + r.choice([-1, 0, 0, 1])
        if not 0 <= limit < top:
            continue
        why, (found, first, at) = d.ask(f"first {k.text()} {top} {limit} 1000")
        want = next((t for t in range(1001) if k.price(top, t) <= limit), None)
        check("inverse near zero", (found, at) == ((1, want) if want is not None else (0, 0)), k.text(), limit, found, first, at, want)


# ---- clip

def some_clip(r):
    big = r.random() < 0.1
    unit = r.choice([1, WAD])
    curve = r.choice([Curve(LINEAR, r.choice([1, 60, 3600])), Curve(STAIR, 0, r.choice([1, 7, 90]), RAY - r.randint(0, RAY // 20)),
                      Curve(EXP, 0, 1, RAY - r.randint(0, RAY // 50))])
    chost = r.choice([0, 1, 20 * RAD, 22 * RAD, r.getrandbits(r.randint(1, 160))])
    c = Clip(curve, r.choice([RAY, RAY * 5 // 4, 0, r.getrandbits(95)]), r.choice([0, RAY * 3 // 10, RAY // 2, RAY, r.randint(0, RAY)]), r.choice([0, 60, 300, 3600]),
             r.choice([0, WAD // 50, 2**64 - 1]), r.choice([0, 100 * RAD, 2**192 - 1]), chost, r.choice([0, 0, 0, 0, 0, 0, 1, 2, 3]))
    tab = r.getrandbits(256) if big else r.choice([110 * RAD, 0, 1, near(r, chost), 2 * chost, r.getrandbits(r.randint(1, 170))])
    lot = r.getrandbits(256) if big else r.choice([40 * unit, 0, 1, r.getrandbits(r.randint(1, 80))])
    return c, tab, lot


def clip_step(d, check, r, c, now):
    """One random operation on both."""
    feed = (r.choice([4 * WAD, 3 * WAD, r.getrandbits(r.randint(1, 80)), 0]), r.random() < 0.95, r.choice([RAY, RAY, RAY, RAY * 11 // 10, 0]))
    ft = f"{feed[0]} {int(feed[1])} {feed[2]}"
    op = r.choice(["take"] * 6 + ["status", "status", "redo", "redo", "upchost", "yank", "stop"])
    if op == "take":
        try:
            price = c.status(now)[0] if c.running else 1
        except Revert:
            price = 1
        amts = [c.lot, c.lot + 1, max(0, c.lot - 1), 0, 1, ALL, r.randint(0, c.lot)]
        if price:
            amts += [near(r, c.tab // price, 1), near(r, max(0, c.tab - c.chost) // price, 1), c.tab // price // 2]
        amt, most = r.choice(amts), r.choice([ALL, ALL, price, max(0, price - 1)])
        call = r.choice([0, 0, 1, 1, 2, 3, 4])
        coin, raises = r.choice([(ALL // 2, 0), (0, min(c.tab, ALL // 4)), (0, max(0, c.tab - 1)), (c.tab, 1), (ALL, 1)])
        compare(check, d, "take", f"take {now} {amt} {most} {coin} {call} {raises}",
                lambda: tried(c, lambda: c.take(now, amt, most, coin, call, raises)) + c.state(), lambda: [0] * 10 + [coin] + c.state())
        check.seen["take with dust rule" if c.running and c.tab == c.chost else "take"] += 1
    elif op == "status":
        compare(check, d, "status", f"status {now}", lambda: [c.status(now)[0], int(c.status(now)[1])])
    elif op == "redo":
        done, got = compare(check, d, "redo", f"redo {ft} {now}", lambda: [tried(c, lambda: c.redo(feed, now))] + c.state(), lambda: [0] + c.state())
        check.seen["redo: paid" if done and got[0] else "redo: unpaid" if done else "redo: refused"] += 1
    elif op == "upchost":
        dust, chop = r.choice([20 * RAD, 0, r.getrandbits(200)]), r.choice([WAD, WAD * 11 // 10, r.getrandbits(100)])

        def model():
            chost = dust * chop
            require(chost < WORD, "math")
            c.chost = chost // WAD
            return [c.chost]
        compare(check, d, "upchost", f"upchost {dust} {chop}", model)
    elif op == "yank" and r.random() < 0.3:
        compare(check, d, "yank", "yank", lambda: [tried(c, c.yank)] + c.state(), lambda: [0] + c.state())
    elif op == "stop":
        c.stopped = r.choice([0, 0, 0, 1, 2, 3])
        d.ask(f"stop {c.stopped}")


def check_clips(d, check, r, cases):
    for _ in range(cases):
        c, tab, lot = some_clip(r)
        d.ask(c.line())
        dirt = r.choice([tab, tab + r.randint(0, 10**50), max(0, tab - 1)]) % WORD
        c.room = Room(ALL, dirt, ALL, r.choice([dirt, dirt, tab % WORD]))
        d.ask(f"room {ALL} {c.room.Dirt} {ALL} {c.room.dirt}")
        now = START
        feed = (r.choice([4 * WAD, 1, r.getrandbits(r.randint(1, 80)), 0]), r.random() < 0.97, r.choice([RAY, RAY, RAY, RAY + 7, 0]))
        usr = r.random() < 0.97
        compare(check, d, "kick", f"kick {feed[0]} {int(feed[1])} {feed[2]} {now} {tab} {lot} {int(usr)}",
                lambda: [tried(c, lambda: c.kick(feed, now, tab, lot, usr))] + c.state(), lambda: [0] + c.state())
        if c.running and c.tail <= 300:
            why, (at,) = d.ask("redoat")
            try:
                check("the second a reset is due", at == c.redo_at(), c.line(), c.top, at)
            except Revert:
                check("the second a reset is due", why is not None or at >= START, c.line(), c.top, at)
        for _ in range(r.randint(1, 6)):
            now += r.choice([0, 0, 1, 30, c.tail, c.tail + 1, r.randint(0, 200)])
            clip_step(d, check, r, c, now if r.random() < 0.98 else START - 1)


# ---- English auctions

def check_english(d, check, r, cases):
    for _ in range(cases):
        kind = r.randrange(3)
        ttl, tau = r.choice([(10800, 172800), (10800, 172800), (20, 90), (0, 0), (5, 3), (2**47, 2**47)])
        a = English(kind, r.random() < 0.95, r.choice([WAD * 105 // 100, WAD, 0, WAD * 105 // 100 + 1, r.getrandbits(r.randint(1, 130))]), r.choice([WAD * 3 // 2, WAD, r.getrandbits(100)]),
                    ttl, tau, r.choice([0, 10, RAD]), r.choice([ALL, 500 * RAD, 10]))
        d.ask(a.line())
        now, unit = START, r.choice([1, WAD, RAD])
        tab, lot, bid = r.choice([100, 50 * unit, r.getrandbits(200)]), r.choice([100, 100 * unit, r.getrandbits(190)]), r.choice([0, 0, 1, 10 * unit])
        if kind == FLOP:
            bid = r.choice([10 * RAD, 1])

        def step(name, line, call):
            return compare(check, d, name, line, lambda: call() + a.state(), lambda: [0, 0, 0] + a.state())
        step("english kick", f"ekick {now} 9 {tab} {lot} {bid}", lambda: a.kick(now, 9, tab, lot, bid))
        for _ in range(r.randint(2, 9)):
            now += r.choice([0, 1, 1, 1, 2, 2, 3, 100 if tau > 100 else 0, r.choice([ttl, ttl + 1, max(0, ttl - 1), tau, tau + 1])])
            now = now if r.random() < 0.9 else max(now, r.choice([a.end, a.tic]) + r.randint(-1, 1))
            who = r.choice([1, 2, a.guy or 1])
            least_ok, least, most_ok, most, due = d.ask("enext")[1]
            lot2 = r.choice([a.lot, a.lot, most, most + 1, max(0, most - 1), a.lot * WAD * 100 // (105 * WAD), 0])
            bid2 = r.choice([a.bid, least, least, max(0, least - 1), a.tab, near(r, a.tab, 1), a.bid + 1])
            bids = {FLIP: ["dent"] * 6 + ["tend"] if a.bid == a.tab else ["tend"] * 6 + ["dent"], FLAP: ["tend"] * 6 + ["dent"], FLOP: ["dent"] * 6 + ["tend"]}[kind]
            op = r.choice(bids * 2 + ["tick", "deal", "deal"])
            if op in ("tend", "dent"):
                if r.random() < 0.8:
                    lot2, bid2 = (a.lot, bid2) if op == "tend" else (lot2, a.bid)
                lot2, bid2 = lot2 % WORD, bid2 % WORD
                state = copy.deepcopy(a)
                good, _ = step(f"{a.WHO[kind]}{op}", f"e{op} {now} {who} {lot2} {bid2}", lambda: getattr(a, op)(now, who, lot2, bid2))
                limits(check, state, op, now, least_ok, least, most_ok, most)
            elif op == "tick":
                step(f"{a.WHO[kind]}tick", f"etick {now}", lambda: a.tick(now))
            else:
                state = copy.deepcopy(a)
                good, _ = step(f"{a.WHO[kind]}deal", f"edeal {now}", lambda: a.deal(now))
                if state.guy and state.tic and (kind == FLIP or state.live) and (kind != FLAP or state.fill >= state.lot):
                    check("when an English auction is over", good == (now >= due), now, due, state.state())


def limits(check, a, op, now, least_ok, least, most_ok, most):
    """The least bid and the most collateral are what the auction takes, and one beyond is not."""
    def takes(lot, bid):
        b = copy.deepcopy(a)
        try:
            getattr(b, op)(now, 7, lot, bid)
            return True
        except Revert:
            return False
    try:
        a.running(now)
        a.add48(now, a.ttl)
    except Revert:
        return
    if op == "tend" and a.kind != FLOP and a.bid * a.beg < WORD and least * WAD < WORD and least_ok:
        check("least bid", takes(a.lot, least) and not takes(a.lot, least - 1), a.state(), a.beg, least)
    if op == "dent" and a.kind != FLAP and a.lot * WAD < WORD and most_ok and a.beg * (most + 1) < WORD:
        check("most collateral", takes(most, a.bid) and not takes(most + 1, a.bid), a.state(), a.beg, most)


# ---- price-driven and time-driven

def check_discount(d, check, r, cases):
    for _ in range(cases):
        lv = r.choice([0, 1, 10**18, r.getrandbits(r.randint(1, 110)), r.getrandbits(250)])
        adj = r.choice([lv, lv + 1, max(0, lv - 1), 0, r.randint(0, lv + 1), lv * 95 // 100])
        liab = r.choice([0, 1, 10**6, r.getrandbits(r.randint(1, 112)), r.getrandbits(113)])
        cv = r.choice([0, 1, lv, lv * 100 // 95, near(r, lv * 115 // 100), r.getrandbits(r.randint(1, 110))])
        bal, most = r.choice([0, 1, 10**18, r.getrandbits(112)]), r.choice([0, 1, 1500, 2000, 9999, 10000])
        text = f"disc {adj} {lv} {liab} {cv} {bal} {most}"
        good, got = compare(check, d, "discount", text + " 0 0", lambda: evk(adj, lv, liab, cv, bal, most))
        if good:
            check.seen["discount: " + ("none" if not got[0] else "free" if not cv else "capped" if got[1] > adj * WAD // lv else "all the collateral" if cv < lv * WAD // max(1, got[1]) else "of the debt")] += 1
            part = r.choice([0, got[2], got[2] + 1, got[2] // 2, r.randint(0, got[2])])
            compare(check, d, "discount, a part", text + f" 1 {part}", lambda: evk(adj, lv, liab, cv, bal, most, part))
        value, factor = r.choice([1, 7, 10**18, r.getrandbits(100) + 1]), r.choice([WAD, WAD - WAD * most // 10000, near(r, WAD - WAD * most // 10000, 1), r.randint(0, WAD)])
        why, (at,) = d.ask(f"reached {value} {most} {factor}")
        floor = WAD - WAD * most // 10000

        def f(a):
            return max(a * WAD // value, floor)
        if why is None:
            check("price at which a discount is reached", f(at) <= factor and at <= value and (at == value or f(at + 1) > factor), value, most, factor, at)
        else:
            check("price at which a discount is reached", factor < floor, value, most, factor, why)


def check_time(d, check, r, cases):
    for _ in range(cases):
        t = r.choice([0, 1, 12, 169, r.randint(0, 4000), r.randint(0, ALOE_N + 10), ALOE_N - 1, ALOE_N, ALOE_N + 1])
        why, (share,) = d.ask(f"tcurve {t}")
        check("share over time", (why is None and share == aloe_curve(t)) if t < ALOE_N else why is not None, t, why, share)
        price = r.choice([1 << 128, r.getrandbits(r.randint(1, 140)), 0])
        v = [r.choice([0, 1, WAD, r.getrandbits(r.randint(1, 104))]) for _ in range(4)]
        if r.random() < 0.02:
            v[r.randrange(4)] = r.getrandbits(255)
        close = r.choice([0, 1, 5000, 6837, 6838, 9999, 10000, 10001])
        compare(check, d, "amounts over time", f"tamounts {price} {' '.join(map(str, v))} {t} {close}", lambda: aloe(price, *v, t, close))
        want = r.choice([aloe_curve(min(t, ALOE_N - 1)), near(r, aloe_curve(r.randint(0, ALOE_N - 1)), 1), 0, 10**12, 10**18, near(r, 10**12, 10**11)])
        _, (at,) = d.ask(f"tfirst {want}")
        check("second at which a share is given", 0 <= at <= ALOE_N and (at == ALOE_N or aloe_curve(at) >= want) and (at == 0 or aloe_curve(at - 1) < want), want, at)
        warned, now = r.choice([(START, START + 300), (START, START + 299), (START, START), (START, START + r.randint(0, 10**6))])
        why, (at,) = d.ask(f"telapsed {warned} {now}")
        check("grace after a warning", (why, at) == ((None, now - warned - 300) if now >= warned + 300 else ("Aloe: grace", 0)), warned, now, why, at)
