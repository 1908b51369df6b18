# SPDX-License-Identifier: Apache-2.0
"""Cases for auctions_diff.py: numbers that the contracts' own tests publish, and the protocol maker-dog."""
import copy

from auctions_cases import some_clip
from auctions_common import ALL, START, near, tried
from judge_auctions import ALOE_N, EXP, LINEAR, MATH, RAD, RAY, STAIR, WAD, WORD, Curve, Revert, Room, bark, require


# ---- what the contracts' own tests say

def check_published(d, check):
    def price(k, top, dur):
        return d.ask(f"price {k.text()} {top} {dur}")[1][0]
    stair = Curve(STAIR, 0, 90, RAY * 99 // 100)
    for dur, want in [(0, 1950 * RAY), (89, 1950 * RAY), (90, 1930500 * 10**24), (900, 1763545046267168755519500000000)]:
        check("published: curves", price(stair, 1950 * RAY, dur) == want, dur)
    check("published: curves", price(Curve(EXP, 0, 1, RAY * 9999 // 10000), 1950 * RAY, 60) == 1938334448365982423065266514050)
    check("published: curves", price(Curve(LINEAR, 36000), 1950 * RAY, 1) == 1949945833333333333333333332900)
    for i in range(11):  # abaci.t.sol, test_linear_decrease
        check("published: curves", price(Curve(LINEAR, 3600), 1000 * RAY, 360 * i) == (1000 - 100 * i) * RAY, i)
    for i in range(5):  # test_continuous_exp_decrease, within a thousandth
        check("published: curves", abs(price(Curve(EXP, 0, 1, 999230132966 * 10**15), 4000 * RAY, 900 * i) - 4000 * RAY // 2**i) <= RAY // 1000, i)
    published_clip(d, check)
    for t, want in [(0, 0), (12, 415240559229), (24, 606056042223), (36, 715682709971), (48, 786848126590), (60, 836772585073), (120, 958397119151), (168, 999929300389),
                    (180, 1007204752788), (240, 1033528701917), (300, 1050000037841), (600, 1084617392593), (710, 1090202965242), (900, 1096723751201), (1800, 1109270590650),
                    (3600, 1116034555698), (86400, 1149634653251), (2 * 86400, 1189774687552), (3 * 86400, 1249847696897), (4 * 86400, 1349964268391),
                    (5 * 86400, 1550340596798), (6 * 86400, 2152834947272), (ALOE_N - 1, 103568839061681797)]:  # BalanceSheet.t.sol
        check("published: Aloe's share over time", d.ask(f"tcurve {t}")[1] == [want], t)
    e = 10**18
    for t, want in [(180, [335734917596000000, 671469835192000000, e // 2, e // 2]), (3300, [371792510098000000, 743585020196000000, e // 2, e // 2])]:
        check("published: Aloe's amounts", d.ask(f"tamounts {1 << 128} {e} {2 * e} {e // 2} {e // 2} {t} 10000")[1] == want, t)
    check("published: Aloe's amounts", d.ask(f"tamounts {1 << 128} {e} 0 {e} 0 {ALOE_N} 10000")[1] == [e, 0, e, 0])


def published_clip(d, check):
    """clip.t.sol: takes of a sale of 40 for 110, from 5 down by 1 % a second."""
    def begin(curve=Curve(STAIR, 0, 1, RAY * 99 // 100), cusp=3, tip=0, chip=0):
        d.ask(f"clip {curve.text()} {RAY * 5 // 4} {RAY * cusp // 10} 3600 {chip} {tip} {22 * RAD} 0")
        d.ask(f"room {1000 * RAD} {110 * RAD} {1000 * RAD} {110 * RAD}")
        return d.ask(f"kick {4 * WAD} 1 {RAY} {START} {110 * RAD} {40 * WAD} 1")

    def take(amt, most, after=0):
        return d.ask(f"take {START + after} {amt} {most} {1000 * RAD} 0 0")
    name = "published: clip.t.sol"
    check(name, begin()[1][4] == 5 * RAY)
    for amt in (25, 22):  # test_take_over_tab, test_take_at_tab
        begin()
        _, v = take(amt * WAD, 5 * RAY)
        check(name, v[1:3] == [110 * RAD, 22 * WAD] and v[5] == 18 * WAD and v[10] == 890 * RAD and v[-2:] == [0, 0], amt, v)
    begin()  # test_take_under_tab
    _, v = take(11 * WAD, 5 * RAY)
    check(name, v[12:14] == [55 * RAD, 29 * WAD] and v[-2:] == [55 * RAD, 55 * RAD], v)
    begin()  # test_take_full_lot_partial_tab: all dirt goes
    _, v = take(40 * WAD, 25 * RAY // 10, 69)
    check(name, v[2] == 40 * WAD and v[10] - 900 * RAD < RAD // 10 and v[-2:] == [0, 0], v)
    begin()
    check(name, take(22 * WAD, 4 * RAY)[0] == "Clipper/too-expensive")
    begin()  # test_take_bid_recalculates_due_to_chost_check
    _, v = take(18 * WAD, 5 * RAY)
    check(name, v[12:14] == [22 * RAD, 40 * WAD - 88 * RAD // (5 * RAY)], v)
    check(name, d.ask(f"status {START + 60}")[1][0] == 2735783211953807380973706855)
    begin()  # test_take_bid_fails_no_partial_allowed
    _, v = take(176 * WAD // 10, 5 * RAY)
    check(name, v[12:14] == [22 * RAD, 224 * WAD // 10], v)
    check(name, take(WAD, 5 * RAY)[0] == "Clipper/no-partial-purchase")
    check(name, take(22 * RAD // (5 * RAY), 5 * RAY)[0] is None)
    begin(Curve(LINEAR, 36000), 5)  # test_auction_reset_tail
    redo = f"redo {3 * WAD} 1 {RAY} "
    check(name, d.ask(redo + str(START + 3600))[0] == "Clipper/cannot-reset" and d.ask("redoat")[1] == [START + 3601])
    check(name, d.ask(redo + str(START + 3601))[1][4:6] == [375 * RAY // 100, START + 3601])
    begin(Curve(LINEAR, 3600), 5)  # test_auction_reset_cusp
    check(name, d.ask(redo + str(START + 1800))[0] == "Clipper/cannot-reset" and d.ask("redoat")[1] == [START + 1801])
    check(name, d.ask(redo + str(START + 1801))[1][4:6] == [375 * RAY // 100, START + 1801])
    begin(tip=100 * RAD, chip=WAD // 50)  # test_redo_incentive
    check(name, d.ask(f"redo {4 * WAD} 1 {RAY} {START + 300}")[1][0] == 100 * RAD + 110 * RAD // 50)
    check(name, d.ask(f"status {START + 400}")[1][0] == 1830161706366147524653080130)
    take(38 * WAD, 5 * RAY, 400)
    check(name, d.ask(f"redo {4 * WAD} 1 {RAY} {START + 700}")[1][:3] == [0, 1, 110 * RAD - 38 * WAD * 1830161706366147524653080130])


# ---- maker-dog

def some_vault(r):
    ink, art = r.choice([40 * WAD, 1, r.getrandbits(r.randint(1, 90))]), r.choice([100 * WAD, 1, 0, r.getrandbits(r.randint(1, 95))])
    rate = r.choice([RAY, RAY * 102 // 100, 0, r.getrandbits(92)])
    spot = r.choice([2 * RAY, 0, near(r, art * rate // max(1, ink), 1), r.getrandbits(r.randint(1, 95))])
    dust, chop = r.choice([20 * RAD, 0, near(r, art * rate, 1), art * rate // 3, r.getrandbits(150)]), r.choice([WAD, WAD * 11 // 10, WAD * 113 // 100, 0])
    v = {"ink": ink, "art": art, "rate": rate, "spot": spot, "dust": dust, "chop": chop, "live": r.random() < 0.97}
    if r.random() < 0.03:
        v[r.choice(["ink", "art", "rate"])] = r.getrandbits(256)
    tab = art * rate * chop // WAD
    hole = r.choice([1000 * RAD, near(r, tab, 1), max(0, tab - v["dust"] + r.randint(-1, 1)), tab // 2, v["dust"] * chop // WAD, 0, tab * 8 // 10]) % WORD
    dirt = r.choice([0, 0, 1, hole, max(0, hole - 1)])
    return v, Room(hole if r.random() < 0.5 else 10**52, dirt if r.random() < 0.5 else 0, hole, dirt)


def check_dog(dog, check, r, cases):
    for _ in range(cases):
        v, room = some_vault(r)
        s = dict(v, total_hole=room.Hole, total_dirt=room.Dirt, hole=room.hole, dirt=room.dirt)
        c, now = None, START
        if r.random() < 0.6:
            c, _, _ = some_clip(r)
            feed = (r.choice([4 * WAD, 0, r.getrandbits(70)]), r.random() < 0.95, RAY)
            if r.random() < 0.5:  # one that begins, so that the steps have something to work on
                v.update(ink=40 * WAD, art=100 * WAD, rate=RAY, spot=2 * RAY, dust=20 * RAD, chop=WAD * 11 // 10, live=True)
                room, feed, c.buf, c.stopped, c.cusp, c.tail = Room(10**48, 0, r.choice([10**48, 60 * RAD]), 0), (4 * WAD, True, RAY), RAY, 0, RAY // 3, 100
                s = dict(v, total_hole=room.Hole, total_dirt=room.Dirt, hole=room.hole, dirt=room.dirt)
            c.room = room
            s["clip"] = dict(calc=["linear", "stairstep", "exponential"][c.curve.kind], tau=c.curve.tau, step=c.curve.step, cut=c.curve.cut, buf=c.buf, cusp=c.cusp, tail=c.tail,
                             chip=c.chip, tip=c.tip, chost=c.chost, stopped=c.stopped, val=feed[0], has=feed[1], par=feed[2], at=now)
        want = {}
        try:
            unsafe = v["spot"] > 0 and v["ink"] * v["spot"] < v["art"] * v["rate"] and max(v["ink"] * v["spot"], v["art"] * v["rate"]) < WORD
            before = copy.deepcopy(room.__dict__)
            names = ("dart", "dink", "due", "tab", "partial", "whole_for_dust")
            b = bark(v, room)
            if c:
                want["coin"] = c.kick(feed, now, b[3], b[1], True)
            want.update(zip(names, b), refused="")
        except Revert as e:
            room.__dict__ = before
            want = dict.fromkeys(names, 0, ) | {"refused": str(e)}
        want.update(dirt=room.dirt, total_dirt=room.Dirt, liquidatable=unsafe)
        steps, expected = dog_steps(r, c, v, now) if c else ([], [])
        if steps:
            s["steps"] = steps
        got = dog.ask(s)
        if got.get("refused") in MATH:
            got["refused"] = "math"
        check.seen[f"bark: {want['refused'] or ('partial' if want['partial'] else 'whole for dust' if want['whole_for_dust'] else 'all')}"] += 1
        check("bark", all(got.get(k) == x for k, x in want.items()), s, "got", got, "want", want)
        for i, e in enumerate(expected):
            mine = {k: got.get(f"step[{i}].{k}") for k in e}
            mine["refused"] = "math" if mine["refused"] in MATH else mine["refused"]
            check("bark, then steps", mine == e, s, i, "got", mine, "want", e)
    refused = [{}, {"ink": 1}, dict(s, extra=1), dict(s, ink=-1), dict(s, clip={"calc": "none"}), dict(s, steps=[{"do": "dance"}]), dict(s, ink=2**256)]
    for doc in refused:
        check("what is no state", "error" in dog.ask(doc), doc)
    check_example(dog, check)


def dog_steps(r, c, v, now):
    """Random steps and what each must answer."""
    steps, expected = [], []
    for _ in range(r.randint(0, 4)):
        now += r.choice([0, 1, 60, c.tail, c.tail + 1])
        op = r.choice(["take", "take", "take", "status", "redo", "yank", "upchost"])
        s, e = {"do": op, "at": now}, {"refused": ""}
        try:
            if op == "take":
                s["amt"] = r.choice([c.lot, c.lot // 2, 1, ALL])
                call = r.choice([0, 1, 2])
                s["coin"], raises = r.choice([(ALL // 2, 0), (0, c.tab), (0, 0)])
                if call:
                    s["raises"] = raises
                    s["callback_fails"] = call == 2
                t = tried(c, lambda: c.take(now, s["amt"], ALL, s["coin"], call, raises))
                e.update(price=t[0], owe=t[1], slice=t[2], tab=t[3], lot=t[4], back=t[5], over=bool(t[7]))
            elif op == "status":
                e["price"], done = c.status(now)
                e["needs_redo"] = c.running and done
            elif op == "redo":
                f = (r.choice([3 * WAD, 0]), True, RAY)
                s.update(val=f[0], has=True, par=RAY)
                e["coin"] = tried(c, lambda: c.redo(f, now))
                e["top"] = c.top
            elif op == "yank":
                e["lot"] = tried(c, c.yank)
            else:
                require(v["dust"] * v["chop"] < WORD, "math")
                c.chost = e["chost"] = v["dust"] * v["chop"] // WAD
        except Revert as x:
            e = {"refused": str(x)}
        if op == "take":
            e["dirt"] = c.room.dirt
        steps.append(s)
        expected.append(e)
    return steps, expected


def check_example(dog, check):
    """The numbers of test_partial_liquidation_hole_limit, and steps that the random ones leave out."""
    s = dict(ink=40 * WAD, art=100 * WAD, rate=RAY, spot=2 * RAY, dust=20 * RAD, chop=WAD * 11 // 10, total_hole=1000 * RAD, hole=75 * RAD)
    got = dog.ask(s)
    check("published: bark", got["tab"] == 75 * RAD - RAY // 5 and got["partial"] and got["dink"] == 40 * WAD * (got["tab"] * WAD // RAY // s["chop"]) // (100 * WAD), got)
    for hole, rate, dust, tab, lot in [(80 * RAD, RAY, 20 * RAD, 80 * RAD, 32 * WAD), (80 * RAD + RAY, RAY, 20 * RAD, 100 * RAD, 40 * WAD),
                                       (816 * RAD // 10, RAY * 102 // 100, 204 * RAD // 10, 816 * RAD // 10, 32 * WAD), (100 * RAD, RAY * 102 // 100, 20 * RAD, 102 * RAD, 40 * WAD)]:
        got = dog.ask(dict(s, chop=WAD, hole=hole, rate=rate, dust=dust))
        check("published: bark", (got["tab"], got["dink"], got["refused"]) == (tab, lot, ""), hole, got)
    clip = dict(calc="linear", tau=3600, buf=RAY * 5 // 4, cusp=RAY // 2, tail=3600, val=4 * WAD, at=START)
    steps = [{"do": "first", "limit": 4 * RAY}, {"do": "plan", "pool_collateral": 10**6 * WAD, "pool_coin": 4 * 10**6 * RAD, "profit": RAD}, {"do": "plan"},
             {"do": "status"}, {"do": "plan", "once": 0, "pool_collateral": 10**6 * WAD, "pool_coin": 4 * 10**6 * RAD}]
    got = dog.ask(dict(s, hole=1000 * RAD, clip=clip, steps=steps))
    check("steps of a keeper", got["step[0].at"] == START + 720 and got["step[0].proved"] is True and got["step[3].redo_at"] == START + 1801, got)
    check("steps of a keeper", got["step[1].pays"] and got["step[1].at"] > START + 720 and got["step[1].net"] >= RAD and got["step[1].refused"] == "", got)
    check("steps of a keeper", not got["step[2].pays"] and got["step[2].refused"] == "price" and got["step[4].refused"] == "limit" and got["step[4].at"] == START + 1801, got)
