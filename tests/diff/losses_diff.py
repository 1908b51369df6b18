#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host/econ: who bears a loss (docs/econ/losses.md) and how an account is liquidated in stages (docs/econ/staged.md),
against judge_losses.py, published vectors and brute force. Random sequences of events: after each one every account, the
fund and the deficit are the judge's, money and sizes are conserved to the unit, the fund is at its floor or above.

  losses_diff.py             TAP on stdout (about 10 s)
  losses_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 3 min)

Environment: CASES (sequences, default 400), and that of talk_kit.py. Run from the project root.
"""
import random
from fractions import Fraction as F
from math import ceil, floor

import judge_losses as jl
from losses_mutants import MUTANTS
from talk_kit import SEED, Checks, Driver, main

FOLDER = "host/econ/"
SOURCES = [FOLDER + f for f in "margin.c fund.c bankruptcy.c adl.c socialise.c waterfall.c staged.c policy.c".split()]
SOURCES += ["tests/diff/losses_driver.c", "host/base/wide.c"]
WAD = 10**18


def some(r, bits):
    """Log-uniform, so that small numbers and their roundings are common."""
    return r.getrandbits(r.randint(1, bits)) + 1


# ---- published

def check_vectors(d, check):
    # dYdX liquidations_test.go, TestGetBankruptcyPriceInQuoteQuantums: BTC at 50,000 (500 quote units a base unit), 10 %
    d.words("market 1 500 500 1 100000 0 0 -1 0")
    for cash, size, delta, want in [(-4501 * 10**6, 10**7, -10**7, 4501 * 10**6), (5499 * 10**6, -10**7, 10**7, -5499 * 10**6),
                                    (-5000 * 10**6, 10**7, -10**7, 5000 * 10**6), (-5000 * 10**6, 10**7, -5 * 10**6, 2500 * 10**6),
                                    (5000 * 10**6, -10**7, 5 * 10**6, -2500 * 10**6), (5000 * 10**6, -10**7, 10**7, -5000 * 10**6),
                                    (-5100 * 10**6, 10**7, -10**7, 5100 * 10**6), (4900 * 10**6, -10**7, 10**7, -4900 * 10**6),
                                    (-13 * 10**6, 10**8, -21347, 2776), (13 * 10**6, -10**8, 21347, -2775), (10**6, 10**8, -10**8, -10**6)]:
        d.words(f"set 0 {cash} {size} 0")
        check("dYdX: published bankruptcy prices", d.ints(f"of 0 {delta}") == [want], cash, size, delta)
    # two positions: 0.004 BTC and 0.1 ETH at 3,000; 10 left of a requirement of 50, of which ETH is 30
    for dvalue, want in ((-300 * 10**6, 294 * 10**6), (300 * 10**6, -306 * 10**6)):
        check("dYdX: published bankruptcy prices", d.ints(f"bankruptcy {dvalue} 10000000 30000000 50000000") == [1, want], dvalue)
    check("dYdX: the fee's cap is 5,000 ppm", d.ints("delta 12500000000 0 5000") == [62500000])
    # Drift math/liquidation/tests.rs
    check("Drift: published funding rate", d.ints(f"rate {100 * 10**6} {11 * 10**9} {7 * 10**9}")[:2] == [1, 9090910000])
    check("Drift: published funding rate", d.ints("rate 1000000 0 1")[0] == 0, "no open interest")
    one = 10**10
    for loss, deposits, plain, capped in [(11 * 10**6, 120 * 10**6, 916666667, 916666667), (10**8, 10**8, one, one - 1), (10**8 + 1, 10**8, one + 100, one - 1),
                                          (10**8 - 1, 10**8, one - 100, one - 100), (10**8, 10**3, 10**15, one - 1), (10**8, 0, 0, 0)]:
        check("Drift: published deposit index", d.ints(f"index {one} {loss} {deposits}")[:2] == [plain, capped], loss, deposits)
    check("Drift: published ramp", d.ints(f"ramp {49 * 10**6} 0 1 10 1000") == [10000])
    check("Drift: published ramp", d.ints("ramp 50000000 0 1 10 1000") == [2000], "one slot of ten and a tenth")


# ---- the market

def compare(d, check, m, total, what):
    have, want = d.ints("dump"), []
    for a in m.account:
        want += [a.cash, a.size, a.cost]
    quota = m.quota if m.quota >= 0 else 2**100
    want += [m.balance, quota, m.deficit, m.money()]
    check("every account, the fund and the deficit are the judge's", have == want, what, have, want)
    check("money is conserved to the unit", sum(have[0:-4:3]) + have[-4] - have[-2] == total == have[-1], what, total, have)
    check("sizes are conserved to the unit", sum(have[1:-4:3]) == 0, what, have)
    check("the fund is never below its floor", have[-4] >= m.floor, what, have[-4], m.floor)
    check("a deficit is never below 0", have[-2] >= 0, what)


def small_market(r):
    n = r.randint(3, 9)
    bits = r.choice([5, 12, 30, 40])
    price = some(r, r.choice([4, 10, 24]))
    low = r.choice([0, 0, 1, some(r, bits)])
    return jl.Market([jl.Account() for _ in range(n)], price, price, r.choice([1, 1, 7, 1000, 10**9]), r.choice([1, 5000, 30000, 50000, 100000, 333333]),
                     low + r.choice([0, 0, 1, some(r, bits + 6)]), low, r.choice([-1, -1, 0, some(r, bits)]), r.random() < 0.4), bits


def some_rules(r):
    if r.random() < 0.5:
        return r.choice(jl.PRESETS)
    return jl.Rules(r.randint(0, 31) | r.choice([0, jl.ADL]), r.random() < 0.5, r.choice([0, 1, 5000, 10**6]), r.randrange(4), r.randrange(2), r.random() < 0.3,
                    r.random() < 0.5, r.choice([0, 0, 1, 2]), r.choice([0, 0, 1, 2]), r.randrange(2))


def event(d, check, r, m, bits):
    """One event on both sides; returns by how much money came in, and what happened."""
    n, kind = len(m.account), r.choices(["trade", "price", "funding", "run", "withdraw", "deposit", "cover"], [4, 4, 1, 6, 1, 1, 1])[0]
    who = r.randrange(n)
    if kind == "trade":
        a, b, size, price = who, r.randrange(n), some(r, bits), max(1, m.price * r.randint(95, 105) // 100)
        line = f"trade {a} {b} {size} {price}"
        check("a trade is taken or refused", d.ints(line) == [m.trade(a, b, size, price)], line)
        return 0, line
    if kind == "price":
        m.prior, m.price = m.price, max(1, m.price * r.choice([r.randint(97, 103), r.randint(50, 150), 100]) // 100 + r.randint(-1, 1))
        line = f"price {m.price}"
        d.words(line)
        return 0, line
    if kind == "funding":
        rate = r.randint(-m.price, m.price) // r.choice([1, 10, 100])
        check("funding is paid or refused", d.ints(f"funding {rate}") == [m.funding(rate)])
        return 0, f"funding {rate}"
    if kind in ("withdraw", "cover"):
        want = r.choice([-1, 0, some(r, bits + 8), max(0, m.balance - m.floor) + r.randint(-1, 1), m.deficit + 1])
        if kind == "withdraw":
            paid = m.withdraw(want)
            check("the fund's owners get what is above the floor", d.ints(f"withdraw {want}") == [paid], want)
            return -paid, f"withdraw {want}"
        paid = min(max(want, 0), m.deficit)
        m.deficit -= paid
        check("a deficit is paid off, no more", d.ints(f"cover {want}") == [paid], want)
        return paid, f"cover {want}"
    if kind == "deposit":
        amount = some(r, bits + 6) * r.choice([1, 1, -1])
        m.account[who].cash += amount
        d.words(f"deposit {who} {amount}")
        return amount, f"deposit {who} {amount}"
    return 0, run(d, check, r, m, bits, who)


def run(d, check, r, m, bits, who):
    weak = [i for i in range(len(m.account)) if m.equity(i) < m.need(m.account[i].size)]
    if weak and r.random() < 0.8:
        who = r.choice(weak)
    w, start = some_rules(r), r.randrange(2 * len(m.account))
    offers = [(r.randrange(len(m.account)), r.choice([some(r, bits), max(1, abs(m.account[who].size) // 2)]), max(1, m.price * r.choice([100, r.randint(60, 140)]) // 100))
              for _ in range(r.choice([0, 0, 1, 2, 4]))]
    if r.random() < 0.02:
        offers.append(r.choice([(len(m.account), 1, 1), (0, 0, 1), (0, 1, 0), (0, jl.MOST + 1, 1), (0, jl.MOST, m.per + 1)]))
    line = f"run {w.text()} {who} {start} {len(offers)}" + "".join(" %d %d %d" % o for o in offers)
    cash, equity = [a.cash for a in m.account], [m.equity(i) for i in range(len(m.account))]
    sizes, before, need = [a.size for a in m.account], m.balance, max(1, m.need(m.account[who].size))
    want = m.run(w, who, offers, start)
    have = d.ints(line)
    check("what a run tells is the judge's", have == want, line, have, want)
    if want[0] == 0:
        paid = dict(zip("ok sold deleveraged left fills fees fund others over booked".split(), have))
        check("the fund's change is what is told", m.balance - before == paid["fees"] + paid["over"] - paid["fund"], line)
        check("a position only shrinks", abs(sizes[who]) == paid["sold"] + paid["deleveraged"] + paid["left"], line)
        makers = {o[0] for o in offers}
        for i, a in enumerate(m.account):
            if i != who and i not in makers and a.size == sizes[i]:
                check("who is not deleveraged pays a socialised loss only", cash[i] - a.cash <= paid["others"] and (paid["others"] or cash[i] == a.cash), line, i)
        if w.at == jl.BANKRUPTCY and not offers and m.per == 1 and equity[who] < 0 and sizes[who] and paid["fund"] == paid["others"] == paid["booked"] == 0:
            # by size, but for the requirement's ceilings
            bears, unit = F(-equity[who], abs(sizes[who])), 1 + ceil(F(-equity[who], need))
            check("who is deleveraged bears the loss by size, no more", all(
                equity[i] - m.equity(i) <= bears * abs(a.size - sizes[i]) + paid["fills"] * unit for i, a in enumerate(m.account) if i != who), line)
        if w.at == jl.BANKRUPTCY and not offers and equity[who] >= 0:
            check("a solvent account's counterparties are not worse off than its equity allows",
                  all(m.equity(i) >= equity[i] - 2 * len(m.account) for i in range(len(m.account)) if i != who), line)
    return line


def check_market(d, check, r, cases):
    for _ in range(cases):
        m, bits = small_market(r)
        d.words(f"market {len(m.account)} {m.price} {m.prior} {m.per} {m.ppm} {m.balance} {m.floor} {m.quota} {int(m.whole)}")
        total = m.balance
        for i, a in enumerate(m.account):
            a.cash = max(0, r.choice([1, 1, 4]) * some(r, bits) * m.price // m.per // r.choice([1, 3, 20]))
            total += a.cash
            d.words(f"set {i} {a.cash} 0 0")
        steps = []
        for _ in range(r.randint(5, 60)):
            came, what = event(d, check, r, m, bits)
            total += came
            steps.append(what)
            compare(d, check, m, total, steps[-4:])
            if check.failed():
                return
        for k, v in m.seen.items():
            check.hit(k, v)


def check_social(d, check, r, cases):
    """Losses without a position, over an open interest of any size: where a rate takes too much, and where too little."""
    for _ in range(cases):
        n, bits = r.randint(2, 6), r.choice([4, 31, 40])
        m = jl.Market([jl.Account() for _ in range(n)], 1, 1, r.choice([1, 10**9]), 50000, *(r.choice([0, 5]) for _ in "bf"), -1, False)
        m.balance += m.floor
        m.account[0].cash = -some(r, r.choice([3, 12, 40]))
        for i in range(1, n - 1, 2):
            size = some(r, bits)
            m.account[i], m.account[i + 1] = jl.Account(some(r, bits), size, 0), jl.Account(some(r, bits), -size, 0)
        d.words(f"market {n} 1 1 {m.per} 50000 {m.balance} {m.floor} -1 0")
        for i, a in enumerate(m.account):
            d.words(f"set {i} {a.cash} {a.size} {a.cost}")
        total, w = m.money(), r.choice([p for p in jl.PRESETS if p.name in ("drift", "mango")])
        before = [a.cash for a in m.account]
        want = m.run(w, 0, [], 0)
        check("what a run tells is the judge's", d.ints(f"run {w.text()} 0 0 0") == want, w, before, want)
        compare(d, check, m, total, (w.name, before))
        for k, v in m.seen.items():
            check.hit(k, v)


def check_ranks(d, check, r, cases):
    for _ in range(cases):
        big = r.random() < 0.3
        n, price = r.randint(1, 14), some(r, 30) if big else some(r, 6)
        m = jl.Market([jl.Account() for _ in range(n)], price, price, r.choice([1, 3, 10**9]), 50000, 0, 0, -1, False)
        d.words(f"market {n} {price} {price} {m.per} 50000 0 0 -1 0")
        few = [r.randint(-9, 9) for _ in range(3)]
        for i, a in enumerate(m.account):
            a.size = r.choice([1, -1]) * min(some(r, 58), jl.MOST * m.per // price) if big else r.choice(few)
            v = m.value(a.size)
            a.cost = (r.choice([0, v, jl.sign(v) * some(r, 58)]) if big else v + r.randint(-20, 20))
            a.cash = r.choice([-1, 1]) * some(r, 60) if big else -v + r.randint(-2, 40)
            d.words(f"set {i} {a.cash} {a.size} {a.cost}")
        for side in (1, -1):
            for rank in range(4):
                start = r.randrange(20)
                want = m.order(side, rank, start)
                check("rankings are those of exact fractions", d.ints(f"order {side} {rank} {start}") == want, rank, side, m.account, price, want)
                if rank != jl.DYDX and len({m.score(i, rank) for i in want}) < len(want):
                    check.hit("a tie in the ranking")


def check_extremes(d, check, r):
    """At the ends of the ranges: exact still, and refused one unit beyond."""
    top = jl.MOST
    for rank in range(4):
        for case in range(12):
            size = r.choice([top, top - 1, 1])
            a = [jl.Account(r.choice([top, -top, top - 1]), size, r.choice([top, 1, -top])), jl.Account(r.choice([top, -top + 1, 1]), -size, r.choice([-top, -1, top])),
                 jl.Account(r.choice([top, 1]), r.choice([0, 1, -1]), 0)]
            a[2].size = 0
            m = jl.Market(a, 1, 1, 1, 10**6, top, 0, -1, False)
            if case % 4 == 3:
                setattr(a[case % 3], r.choice(["cash", "cost"]), r.choice([top + 1, -top - 1]))
            d.words(f"market 3 1 1 1 1000000 {top} 0 -1 0")
            for i, x in enumerate(a):
                d.words(f"set {i} {x.cash} {x.size} {x.cost}")
            for side in (1, -1):
                if case % 4 != 3:
                    check("rankings are those of exact fractions", d.ints(f"order {side} {rank} 0") == m.order(side, rank, 0), a)
            total = m.money()
            w = jl.Rules(r.randint(0, 31) | jl.ADL, r.random() < 0.5, 10**6, rank, r.randrange(2), True, False, 0, 0, r.randrange(2))
            offers = [(2, top // 2, r.choice([1, 2])), (2, r.choice([1, top]), 1)][:r.randint(0, 2)]
            line = f"run {w.text()} 0 0 {len(offers)}" + "".join(" %d %d %d" % o for o in offers)
            want = m.run(w, 0, offers, 0)
            check("what a run tells is the judge's", d.ints(line) == want, line, a)
            compare(d, check, m, total, line)
            for k, v in m.seen.items():
                check.hit(k, v)
    for size, price in ((top + 1, 1), (1, top + 1), (0, 1), (1, 0), (top, 2), (-1, 1)):
        check("a trade beyond the range is refused", d.ints(f"trade 0 1 {size} {price}") == [0], size, price)
    check("funding beyond the range is refused", d.ints(f"funding {top + 1}") == [0])


# ---- spreading a loss

def check_spread(d, check, r, cases):
    for _ in range(cases):
        loss, bits = some(r, 62), r.choice([3, 20, 61])
        weight = [r.choice([0, some(r, bits)]) for _ in range(r.randint(1, 9))]
        have = d.ints(f"exact {loss} {len(weight)} " + " ".join(map(str, weight)))
        if not sum(weight):
            check("shares: nobody to pay", have == [0], weight)
            continue
        check("shares sum to the loss, each its exact share within a unit",
              have == [1] + jl.exact(loss, weight) and sum(have[1:]) == loss and all(abs(p - F(loss * w, sum(weight))) < 1 for p, w in zip(have[1:], weight)), loss, weight, have)
        size = [some(r, r.choice([20, 50])) for _ in range(r.randint(1, 6))]
        total = 0
        for s in size:
            ok, rate, pay = d.ints(f"rate {loss} {sum(size)} {s}")
            check("Drift: rate and payment", ok == 1 and rate == ceil(F(loss * 10**9, sum(size))) * 1000 and pay == floor(F(rate * s, 10**12)), loss, size, s)
            total += pay
        check("Drift: the payments miss the loss by less than a unit an account, and exceed it by the rate's last unit",
              loss - len(size) < total <= loss + F(sum(size), 10**9), loss, size, total)
        index, deposits = some(r, 60), r.choice([0, some(r, 60)])
        have = d.ints(f"index {index} {loss} {deposits}")
        fall = ceil(F(index * loss, deposits)) if deposits else 0
        check("Drift: deposit index", have[:2] == [fall, min(fall, index - 1)], index, loss, deposits)
        mango = index - floor(F(loss << 48, deposits)) if deposits else 0
        check("Mango: deposit index", have[2:] == [int(deposits > 0), mango], index, loss, deposits, have)


def check_pool(d, check, r, cases):
    for _ in range(cases):
        bits = r.choice([4, 40])
        fund, low, quota, whole = some(r, bits), r.choice([0, 1, some(r, bits)]), r.choice([-1, some(r, bits)]), r.randrange(2)
        fund += low
        m = jl.Market([], 1, 1, 1, 0, fund, low, quota, bool(whole))
        d.words(f"market 0 1 1 1 0 {fund} {low} {quota} {whole}")
        cash, borrowed, deficit = some(r, bits), some(r, bits + 2), 0
        supplied, outside = cash + borrowed, fund
        d.words(f"pool {cash} {borrowed}")
        for _ in range(6):
            bad, how, use = min(borrowed, r.choice([0, some(r, bits), borrowed])), r.randrange(2), r.randrange(2)
            drawn = m.draw(bad) if use else 0
            have = d.ints(f"bad {bad} {how} {use}")
            check("a bad debt is the fund's, the suppliers' or booked", have == [drawn, 0 if how else bad - drawn, bad - drawn if how else 0], bad, how, have)
            cash, borrowed = cash + drawn, borrowed - bad
            supplied, deficit = supplied - (0 if how else bad - drawn), deficit + (bad - drawn if how else 0)
            amount = r.choice([-1, 0, some(r, bits), deficit + 1])
            paid = min(max(amount, 0), deficit)
            cash, deficit, outside = cash + paid, deficit - paid, outside + paid
            have = d.ints(f"poolcover {amount}")
            check("a pool's claims are what it holds, is owed, or has booked",
                  have == [paid, cash, borrowed, supplied, deficit, m.balance] and have[1] + have[2] + have[4] == have[3], have)
            check("the fund is never below its floor", have[5] >= low)


# ---- stages and policies

def some_stage(r):
    warn = r.choice([0, 1100000, 1050000])
    return jl.StageRule(warn, max(warn, r.choice([1100000, 1200000])), r.choice([0, 200000, 333333]), r.choice([0, 50, 100]), r.choice([0, 5, 30]), r.randrange(2),
                        *r.choice([(0, 0), (2, 3), (1, 2)]), r.random() < 0.2)


def check_stages(d, check, r, cases):
    for _ in range(cases):
        rule = some_stage(r)
        s, now, log = jl.Stage(rule), 0, []
        d.words(rule.text())
        need, value, buffer, parts = r.choice([10, 30, 1000]), 40, r.choice([0, 0, 20000, 100000]), []
        for _ in range(r.randint(10, 50)):
            now += r.choice([0, 1, 1, 3, 10, 30, -2])
            now = max(now, 0)
            value = r.choice([value + r.randint(-5, 5), value, need, need - 1, need + 1, need * 2 // 3, need * 2 // 3 + 1, -1, 0, need * 11 // 10, 3 * need])
            notional, is_open = r.choice([10, 49, 50, 51, 100, 101, 997]), r.random() < 0.93
            if r.random() < 0.5:
                end_value, end_need = value, need + ceil(F(notional * buffer, 10**6))
                check("Drift's buffer", d.ints(f"view {value} {need} {notional} {buffer}") == [end_need])
            else:
                end_value, end_need = value - r.randint(0, 9), need
            want = s.step(value, need, end_value, end_need, notional, is_open, now)
            have = d.words(f"step {value} {need} {end_value} {end_need} {notional} {int(is_open)} {now}")
            log.append((value, need, end_value, end_need, notional, is_open, now, have))
            check("a stage is the table's", have == want, rule, log[-4:], want)
            was, to, order = have[0], have[1], have[2] == "1"
            check("no order without a transition", not order or was != to, log[-2:])
            if rule.den and is_open and 0 <= value < F(need * rule.num, rule.den) and value < need:
                check("the backstop takes over at any time", to == jl.BACKSTOP, log[-2:])
            if was in (jl.PARTIAL, jl.FULL) and to in (jl.HEALTHY, jl.WARNED):
                check("a liquidation ends at its end, not at its start", end_value >= end_need, log[-2:])
            if order and to in (jl.PARTIAL, jl.FULL) and rule.rest == jl.AFTER and parts and was != jl.BANKRUPT and rule.part:
                if notional > rule.above and was in (jl.PARTIAL, jl.HEALTHY, jl.WARNED, jl.CLOSED):
                    check("no order of the book within a cooldown", s.now >= parts[-1] + rule.cooldown, log[-3:])
            if order and to == jl.PARTIAL:
                parts.append(s.now)
            check.hit(f"stage {was} to {to}" if was != to else "stage stays")
            if to == jl.PARTIAL and was != to and not order:
                check.hit("a second breach waits for the cooldown")
            if check.failed():
                return


def check_policies(d, check, r, cases):
    for _ in range(cases):
        size, ppm = some(r, 60), r.choice([0, 1, 200000, 999999, 1000000, 2000000])
        check("a part is rounded up, at most all", d.ints(f"part {size} {ppm}") == [min(size, ceil(F(size * ppm, 10**6)))], size, ppm)
        short, freed, gone, span, first = r.choice([49999999, 50000000, some(r, 60)]), r.choice([0, some(r, 50)]), some(r, 12), r.choice([0, 150, some(r, 12)]), r.choice([0, 1000, 10000])
        pct = 10000
        if short >= 50 * 10**6:
            pct = min(10000, gone * 10000 // span + first) if span else 10000
            pct = max((short + freed) * pct // 10000 - freed, 0) * 10000 // short
        check("Drift's ramp", d.ints(f"ramp {short} {freed} {gone} {span} {first}") == [pct], short, freed, gone, span, first)


WANTED = ["sold", "fund pays a part", "fund pays all", "fund pays nothing", "fill refused, the fund cannot", "fill paid by the fund", "fee capped",
          "fee is all above the bankruptcy price", "deleveraged by rank 0", "deleveraged by rank 1", "deleveraged by rank 2", "deleveraged by rank 3", "no overlap",
          "looked at no more", "matched no more", "social: too much", "social: too little", "social: exactly", "booked", "negative cash stays", "left open",
          "a maker flips", "own offer skipped", "refused", "a tie in the ranking", "a second breach waits for the cooldown"]
WANTED += [f"stage {a} to {b}" for a, b in (
    ("healthy", "warned"), ("healthy", "partial"), ("healthy", "full"), ("healthy", "backstop"), ("warned", "healthy"), ("warned", "partial"), ("partial", "full"),
    ("partial", "healthy"), ("partial", "backstop"), ("partial", "bankrupt"), ("full", "healthy"), ("full", "warned"), ("full", "backstop"), ("full", "bankrupt"),
    ("backstop", "healthy"), ("backstop", "bankrupt"), ("bankrupt", "full"), ("bankrupt", "backstop"), ("bankrupt", "closed"), ("full", "closed"),
    ("closed", "healthy"), ("closed", "partial"))]


def judge(exe, cases):
    check, d, r = Checks(), Driver(exe), random.Random(SEED)
    check_vectors(d, check)
    check_market(d, check, r, cases)
    check_social(d, check, r, cases)
    check_ranks(d, check, r, cases)
    check_extremes(d, check, r)
    check_spread(d, check, r, 2 * cases)
    check_pool(d, check, r, cases)
    check_stages(d, check, r, 2 * cases)
    check_policies(d, check, r, 2 * cases)
    d.end()
    return check


if __name__ == "__main__":
    main(__doc__, judge, 400, SOURCES, FOLDER, MUTANTS, 150, WANTED)
