# SPDX-License-Identifier: Apache-2.0
"""Cases for auctions_diff.py: the keeper, against every amount and every second of small auctions."""
import copy

from auctions_common import ALL, START, near
from judge_auctions import EXP, FLIP, LINEAR, RAD, RAY, STAIR, WAD, WORD, Clip, Curve, English, Revert


def best_of(c, now, out, room):
    """Profit before gas of the best purchase at one second, by trying every amount; None: nothing legal within room."""
    best = None
    for amt in range(1, c.lot + 1):
        try:
            _, owe, part, _ = c.quote(now, amt, ALL)
        except Revert:
            continue
        if part and owe <= room:
            best = max(out(part) - owe, best if best is not None else -WORD)
    return best


def small_sale(d, r, lot, price):
    """A concave sale over 0..lot units, in the driver too: (function, slop)."""
    if r.random() < 0.5:
        steps = sorted((r.randint(0, 2 * price) for _ in range(lot)), reverse=True)
        out = [sum(steps[:i]) for i in range(lot + 1)]
        d.ask(f"table 0 {lot + 1} " + " ".join(map(str, out)))
        return lambda q: out[min(q, lot)], 0
    x, y, fee = r.randint(1, 4 * lot), r.randint(1, 6 * lot * price), r.choice([0, 3000, 100000])
    d.ask(f"pool {x} {y} {fee} 1")
    return lambda q: y * q * (10**6 - fee) // (x * 10**6 + q * (10**6 - fee)), 1


def small_world(d, r):
    """Units so small that every amount and every second can be tried."""
    curve = r.choice([Curve(LINEAR, r.randint(1, 60)), Curve(STAIR, 0, r.randint(1, 9), RAY - r.randint(0, RAY // 4)), Curve(EXP, 0, 1, RAY - r.randint(0, RAY // 10))])
    c = Clip(curve, 10**18, r.choice([0, RAY // 3, RAY // 2]), r.randint(0, 60), r.choice([0, WAD // 50]), r.choice([0, 5]), r.choice([0, 0, r.randint(0, 3000)]))
    d.ask(c.line())
    d.ask(f"room {ALL} {ALL} {ALL} {ALL}")
    lot, top = r.randint(1, 40), r.randint(1, 120)
    tab = r.choice([max(1, lot * top * r.randint(1, 150) // 100), near(r, c.chost) or 1, c.chost + r.randint(1, top)])
    d.ask(f"kick {top} 1 {RAY} {START} {tab} {lot} 1")
    c.kick((top, True, RAY), START, tab, lot, True)
    assert c.top == top
    return c


def check_bidder(d, check, r, cases):
    for _ in range(cases):
        c = small_world(d, r)
        out, slop = small_sale(d, r, c.lot, c.top)
        room = r.choice([ALL, ALL, r.randint(0, c.tab), c.tab, max(0, c.tab - c.chost)])
        total, spent = r.choice([(ALL, 0), (room + 5 if room < ALL else ALL, 5)])
        once = room if r.random() < 0.5 else ALL
        if once == ALL and room < ALL:
            total, spent = room + 7, 7
        _, (left,) = d.ask(f"budget {once} {total} {spent}")
        room = min(once, total - spent)
        check("limits of bidding", left == room, once, total, spent, left)
        gas, need = r.choice([0, 1, r.randint(0, c.lot * c.top // 4 + 1)]), r.choice([0, 1, r.randint(0, 200)])
        plan_at(d, check, r, c, out, slop, room, gas, need)
        plan_first(d, check, r, c, out, slop, room, gas, need)


def consistent(check, c, p, out, room, now_, gas, why):
    pays, at, amt, most, owe, part, got, net, _ = p
    price, want, piece, _ = c.quote(at, amt, ALL)
    check("a plan is what the auction gives", (owe, part, most, got) == (want, piece, price, out(part)) and owe <= room, p, want, piece, price)
    if pays:
        check("a plan is what the auction gives", net == got - owe - gas and why is None, p)


def plan_at(d, check, r, c, out, slop, room, gas, need):
    now = START + r.randint(0, c.tail)
    why, p = d.ask(f"plan 0 {now} 0 {gas} {need}")
    try:
        if c.status(now)[1]:
            check("the best purchase at one second", not p[0] and why == "reset", why, p)
            return
        best = best_of(c, now, out, room)
    except Revert:
        return
    least = max(need, 1)
    check.seen["plan: " + ("none" if best is None else "pays" if p[0] else "no")] += 1
    if best is None:
        check("the best purchase at one second", not p[0], p, why)
        return
    consistent(check, c, p, out, room, now, gas, why)
    check("the best purchase at one second", best - 2 * slop <= p[6] - p[4] <= best, c.line(), c.state(), now, p, best, slop)
    check("the best purchase at one second", bool(p[0]) == (p[6] - p[4] - gas >= least), p, gas, need)
    edge = p[6] - p[4] - gas
    if edge >= 1:
        check("pays from the least profit on", d.ask(f"plan 0 {now} 0 {gas} {edge}")[1][0] == 1 and d.ask(f"plan 0 {now} 0 {gas} {edge + 1}")[1][0] == 0, p, gas, edge)
    check.seen["plan: a part" if p[5] < c.lot and p[4] < c.tab else "plan: all"] += 1


def plan_first(d, check, r, c, out, slop, room, gas, need):
    now, least, lead = START + r.choice([0, 0, r.randint(0, 30)]), max(need, 1), r.choice([0, 10**9, 250 * 10**6])
    why, p = d.ask(f"plan 1 {now} {lead} {gas} {need}")
    at, due, sure, first = p[1], c.redo_at(), None, None
    check.seen["first: " + ("pays" if p[0] else "reset" if at == due else "?")] += 1
    for t in range(now, max(due, now)):
        best = best_of(c, t, out, room)
        if best is not None and best - gas >= least and first is None:
            first = t
        if best is not None and best - gas >= least + 2 * slop:
            sure = t
            break
    what = (c.line(), c.state(), now, p, why, first, sure, due, gas, need)
    if p[0]:
        consistent(check, c, p, out, room, at, gas, why)
        check("the first second that pays", first is not None and at >= first and (sure is None or at <= sure) and at < due, *what)
        check("the first second that pays", p[8] == max(0, at * 10**9 - lead), *what)
    else:
        check("the first second that pays", sure is None and at == due, *what)
    check.seen["first: later" if p[0] and at > now else "first: at once" if p[0] else "first: not"] += 1


def check_large_plans(d, check, r, cases):
    """Real amounts: no neighbour is better, and the second before does not pay."""
    for _ in range(cases):
        c = Clip(Curve(STAIR, 0, 90, RAY * 99 // 100), RAY * 13 // 10, RAY * 4 // 10, 8400, WAD // 1000, 0, r.choice([0, 8475 * RAD]))
        d.ask(c.line())
        lot = r.randint(1, 5000) * WAD + r.randint(0, WAD)
        val = r.randint(10, 3000) * WAD
        tab = lot * val * 10**9 // r.randint(110, 200) * 100
        d.ask(f"kick {val} 1 {RAY} {START} {tab} {lot} 1")
        c.kick((val, True, RAY), START, tab, lot, True)
        x, fee = lot * r.choice([1, 3, 20, 1000]), 3000
        y = x * (val * 10**9)
        d.ask(f"pool {x} {y} {fee} 1")
        room = r.choice([ALL, tab, tab // 3])
        d.ask(f"budget {room} {ALL} 0")
        gas = r.choice([0, 30 * RAD])

        def out(q):
            return y * q * (10**6 - fee) // (x * 10**6 + q * (10**6 - fee))
        why, p = d.ask(f"plan 1 {START} 0 {gas} {RAD}")
        if not p[0]:
            check.seen["large: not"] += 1
            continue
        check.seen["large: a part" if p[4] < tab and p[5] < lot else "large: all"] += 1
        consistent(check, c, p, out, room, p[1], gas, why)
        mine = p[6] - p[4]
        for amt in [lot, tab // p[3], p[2] * 9 // 10, p[2] * 11 // 10] + [p[2] + i for i in range(-3, 4)] + [r.randint(1, lot) for _ in range(5)]:
            try:
                _, owe, part, _ = c.quote(p[1], amt, ALL)
            except Revert:
                continue
            check("no other size is better", owe > room or not part or out(part) - owe <= mine + 2, p, amt, owe, part)
        if p[1] > START:
            why, q = d.ask(f"plan 0 {p[1] - 1} 0 {gas} {RAD}")
            check("the second before does not pay", not q[0], p, q)


def check_more_keeper(d, check, r, cases):
    for _ in range(cases):
        c = small_world(d, r)
        feed, gas, need, now = (r.randint(1, 100), True, RAY), r.randint(0, 9), r.randint(0, 9), START + r.choice([0, 20, 100])
        _, (pays, at, coin) = d.ask(f"predo {now} {feed[0]} 1 {RAY} {gas} {need}")
        due = max(c.redo_at(), now)
        b = copy.deepcopy(c)
        want = b.redo(feed, due)
        check("what a reset pays", (at, coin, pays) == (due, want, int(want - gas >= max(need, 1))), c.line(), c.state(), at, coin, pays, due, want)
        check.seen["reset pays" if pays else "reset does not pay"] += 1
        check_bid(d, check, r)


def check_bid(d, check, r):
    a = English(FLIP, True, WAD * 105 // 100, 0, 10, 100, 0, 0)
    d.ask(a.line())
    tab, lot, bid = r.randint(1, 300), r.randint(0, 60), r.randint(0, 300)
    bid = min(bid, tab) if r.random() < 0.6 else tab
    d.ask(f"ekick {START} 9 {tab} {lot} {bid}")
    a.kick(START, 9, tab, lot, bid)
    price = r.randint(1, 10)
    d.ask(f"table 0 {lot + 1} " + " ".join(str(price * q) for q in range(lot + 1)))
    once = r.choice([ALL, r.randint(0, 300)])
    d.ask(f"budget {once} {ALL} 0")
    now, gas, need, who = START + r.choice([0, 50, 99, 100, 101]), r.randint(0, 20), r.randint(0, 20), r.choice([1, 1, 1, 9])
    why, (pays, dent, bid2, lot2, net, at) = d.ask(f"pbid {now} {who} {gas} {need}")
    best = None  # the cheapest that is allowed
    options = [(lot, b) for b in range(bid + 1, tab + 1)] if bid < tab else [(q, bid) for q in range(lot - 1, -1, -1)]
    for q, b in options:
        try:
            t = copy.deepcopy(a)
            (t.dent if bid == tab else t.tend)(now, who, q, b)
            best = (b, q, min(t.tic, t.end) + 1)
            break
        except Revert:
            continue
    good = best is not None and who != 9 and price * best[1] - best[0] - gas >= max(need, 1) and best[0] <= once
    check.seen["bid: " + (why or ("dent" if dent else "tend"))] += 1
    check("a bid that pays", bool(pays) == good and (not good or (bid2, lot2, at, net) == (*best, price * best[1] - best[0] - gas)), tab, lot, bid, price, now, gas, need, why, bid2, lot2, best)
