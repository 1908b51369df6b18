#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The liquidation contract on the real pool and a real exchange: what orders bring, to the unit, against the receipt's
transfers and the exchange's formula; what is refused, and by whom; payments to the block's maker; batches; gas.
Prints TAP and a table of gas; flash_mutants.py has wrong versions of the contract for it."""
import sys
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from flashbench import ALL, CHECK, ETHER, LOAN, NOBODY, PAY_OUT, FlashBench, Order, compiled, dynamic  # noqa: E402
from node import encode, words  # noqa: E402

gas = {}


class Problem(Exception):
    pass


def want(ok, what):
    if not ok:
        raise Problem(what)


def same(have, expected, what):
    want(have == expected, f"{what}: {have}, expected {expected}")


def refused(sent, reason, name=""):
    want(not sent.ok and sent.why, f"went through instead of {reason}: {sent.ok} {sent.results} {sent.why}")
    want(sent.why.reason == reason and sent.why.name.startswith(name), f"{sent.why}, expected {reason} {name}")


def check(b, sent, order, before):
    """A liquidation that went through: event, transfers, pool, exchange and holdings agree to the unit."""
    want(sent.ok, f"undone: {sent.why}")
    same(len(sent.results), 1, "events")
    r = sent.results[0]
    want(r.done, f"failed: {r.why}")
    same((r.user, r.debt, r.collateral), (order.user.lower(), order.debt.lower(), order.collateral.lower()), "event")
    (repaid, seized, *_), = b.event(sent, "LiquidationCall")
    same((r.repaid, r.seized), (repaid, seized), "repaid and seized as the pool says")
    loans = b.event(sent, "FlashLoan")
    same(len(loans), int(bool(order.flags & LOAN)), "loans")
    same(r.premium, loans[0][3] if loans else 0, "premium")
    sold = order.collateral.lower() != order.debt.lower()
    got = b.sale([order.collateral, *order.via, order.debt], seized, sent.block - 1) if sold else seized
    profit = got - repaid - r.premium
    share = profit * order.share // 10000
    same(r.profit, profit - share, "profit by the exchange's formula")
    want(r.profit >= order.min_profit, "profit below the least")
    kept = 0 if order.flags & PAY_OUT else r.profit
    # Unwrapping is no transfer.
    same(b.moved(sent), {order.debt.lower(): kept + share} if kept else {}, "transfers")
    if order.flags & PAY_OUT:
        same(b.moved(sent, b.owner), {order.debt.lower(): r.profit}, "transfers to the owner")
    after = b.holdings()
    names = {a.lower(): s for s, a in b.tokens.items()}
    expected = dict(before)
    expected[names[order.debt.lower()]] += kept
    same(after, expected, "holdings")
    same(b.open_allowances(), [], "allowances left")
    return r


# ---- what goes through

def liquidations(b):
    """The ways to liquidate, one after another, each on an account of its own."""
    usd = b.units("USDC", 1)
    eth = [b.borrower("WETH", 10, "USDC", 23500) for _ in range(4)]
    link = b.borrower("LINK", 4000, "USDC", 38000)
    b.price("WETH", 0.935)
    b.price("LINK", 0.86)
    b.give("USDC", b.contract, 50000 * usd)
    for name, o in (("flash", b.order(eth[0], "WETH", "USDC", amount=11700 * usd, min_profit=400 * usd)),
                    ("flash, all", b.order(eth[1], "WETH", "USDC")),
                    ("direct", b.order(eth[2], "WETH", "USDC", amount=11700 * usd, flags=0)),
                    ("flash, checked", b.order(eth[3], "WETH", "USDC", amount=11700 * usd, flags=LOAN | CHECK)),
                    ("flash, two pairs, paid out", b.order(link, "LINK", "USDC", flags=LOAN | PAY_OUT))):
        before, needed = b.holdings(), b.needs(o)
        sent = b.one(o, b.other)
        check(b, sent, o, before)
        gas[f"{b.m.version} {name}"] = sent.cost, needed


def two_collaterals(b):
    """An account whose debt is in one of its two collaterals."""
    user = b.borrower("WETH", 5, "WETH", 3)
    amount = b.units("LINK", 3000)
    b.give("LINK", user, amount)
    b.m.act(user, "token", "approve", b.d["pool"], amount, to=b.tokens["LINK"])
    b.m.act(user, "pool", "supply", b.tokens["LINK"], amount, user, 0)
    b.m.act(user, "pool", "borrow", b.tokens["WETH"], b.units("WETH", 10), 2, 0, user)
    b.price("LINK", 0.78)
    return user


def one_token(b):
    """Collateral and debt are one token: nothing is sold."""
    user = two_collaterals(b)
    o = b.order(user, "WETH", "WETH", router=NOBODY, amount=b.units("WETH", 2), min_profit=10**15)
    number = b.snapshot()
    before = b.holdings()
    r = check(b, b.one(o), o, before)
    want(r.profit == r.seized - r.repaid - r.premium > 0, "profit is the bonus less the premium")
    b.restore(number)
    b.give("WETH", b.contract, b.units("WETH", 2))
    before = b.holdings()
    check(b, b.one(replace(o, flags=0)), replace(o, flags=0), before)


# ---- what does not

def breached(b, n=1):
    users = [b.borrower("WETH", 10, "USDC", 23500) for _ in range(n)]
    b.price("WETH", 0.935)
    return users


def unprofitable(b):
    user, usd = breached(b)[0], b.units("USDC", 1)
    o = b.order(user, "WETH", "USDC", amount=11700 * usd)
    number = b.snapshot()
    first = b.one(o).results[0]
    profit = first.profit
    b.restore(number)
    before = b.holdings()
    for flags in (LOAN, 0):
        if not flags:
            b.give("USDC", b.contract, 20000 * usd)
            profit += first.premium
            before = b.holdings()
        refused(b.one(replace(o, min_profit=profit + 1, flags=flags)), "price", "Error(string)")
        same((b.holdings(), b.open_allowances()), (before, []), "holdings")
        number = b.snapshot()
        sent = b.one(replace(o, min_profit=profit, flags=flags))
        want(sent.ok, f"exactly the least profit: {sent.why}")
        same(sent.results[0].profit, profit, "exactly the least profit")
        b.restore(number)
    gas["3.6 unprofitable"] = b.one(replace(o, min_profit=10 * profit)).cost
    share = 2500
    kept = profit - profit * share // 10000
    refused(b.one(replace(o, flags=0, share=share, tip_via=[], min_profit=kept + 1)), "price", "Error(string)")


def unprofitable_one_token(b):
    o = b.order(two_collaterals(b), "WETH", "WETH", router=NOBODY, amount=b.units("WETH", 2))
    number = b.snapshot()
    profit = b.one(o).results[0].profit
    b.restore(number)
    sent = b.one(replace(o, min_profit=profit + 1))
    refused(sent, "no profit", "NoProfit(")
    same(sent.why.args[1] - sent.why.args[0], 1, "what is missing")


def healthy_again(b):
    user = breached(b)[0]
    b.price("WETH", 1.1)
    o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 11700))
    early, late = b.one(replace(o, flags=LOAN | CHECK)), b.one(o)
    refused(early, "healthy", "Healthy(uint256)")
    same(early.why.args[0], b.m.account_data([user])[0][2], "health factor")
    refused(late, "healthy", "HealthFactorNotBelowThreshold()")
    want(early.cost < late.cost, f"the early end costs {early.cost}, the pool's {late.cost}")
    gas["3.6 healthy again, checked"], gas["3.6 healthy again, not checked"] = early.cost, late.cost


def pool_refuses(b):
    """The pool's own refusals come through as reasons."""
    usd = b.units("USDC", 1)
    small = b.borrower("WETH", 0.75, "USDC", 1700)
    user = breached(b)[0]
    b.price("WETH", 0.94)
    o = b.order(user, "WETH", "USDC", amount=10000 * usd)
    refused(b.one(replace(o, user=small, amount=1000 * usd)), "dust", "MustNotLeaveDust()")
    refused(b.one(replace(o, debt=b.tokens["DAI"], via=[b.tokens["USDC"]])), "no debt", "SpecifiedCurrencyNotBorrowedByUser()")
    refused(b.one(replace(o, debt=b.tokens["DAI"], amount=ALL)), "no debt", "NoDebt()")
    refused(b.one(replace(o, collateral=b.tokens["WBTC"])), "no collateral", "CollateralCannotBeLiquidated()")
    refused(b.one(replace(o, amount=10**30)), "amount", "InvalidAmount()")
    refused(b.one(replace(o, flags=0)), "panic")  # the tests' token checks by arithmetic
    pause = next(s for s in b.m.abi["configurator"] if s == "setReservePause(address,bool,uint40)")
    b.m.act(b.d["admin"], "configurator", pause, b.tokens["WETH"], True, 0)
    refused(b.one(o), "reserve closed", "ReservePaused()")
    b.m.act(b.d["admin"], "configurator", pause, b.tokens["WETH"], False, 3600)
    refused(b.one(o), "grace period", "LiquidationGraceSentinelCheckFailed()")
    b.m.act(b.d["admin"], "configurator", "setReserveFlashLoaning", b.tokens["USDC"], False)
    refused(b.one(o), "no loan", "FlashloanDisabled()")
    refused(b.one(replace(o, router=b.d["pool"])), "no loan")


def strangers(b):
    """Nobody but those on the lists, and nobody but the pool within a loan of ours."""
    user = breached(b)[0]
    o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 10000))
    single, many = b.driver.single(o), b.driver.batch([o], 0, 800_000)[0]
    for who in (b.stranger, b.owner):
        refused(b.send(who, single), "not allowed", "NotCaller()")
        refused(b.send(who, many), "not allowed", "NotCaller()")
    b.do(b.owner, "setCaller", b.other, False)
    refused(b.send(b.other, single), "not allowed", "NotCaller()")
    fresh = b.d["dataProvider"]
    refused(b.one(replace(o, router=fresh)), "not allowed", "RouterNotAllowed(")
    refused(b.one(replace(o, router=NOBODY)), "not allowed", "RouterNotAllowed(")
    b.do(b.owner, "setRouter", b.router, False)
    refused(b.one(o), "not allowed", "RouterNotAllowed(")
    b.do(b.owner, "setRouter", b.router, True)
    item = b.made["Liquidator"]["functions"]
    item = bytes.fromhex(next(s for sig, s in item.items() if sig.startswith("item("))[2:]) + single[4:]
    for who in (b.stranger, b.sender, b.owner):
        refused(b.send(who, item), "not allowed", "NotSelf()")
    params = b"".join(words_(1, 2, 3))
    for who in (b.stranger, b.sender, b.owner):
        data = dynamic(b.selector("Liquidator", "executeOperation"), b.tokens["USDC"], 1, 1, b.contract, params)
        refused(b.send(who, data), "not allowed", "NotPool()")
        data = dynamic(b.m.selector("pool", "flashLoanSimple"), b.contract, b.tokens["USDC"], 10**6, params, 0)
        refused(b.send(who, data, to=b.d["pool"]), "not allowed", "NotInitiator()")
    want(b.one(o).ok, "the order itself is good")


def words_(*values):
    return [node.word(v) for v in values]


def malformed(b):
    """What the encoder in C refuses, made by hand, is refused by the contract too."""
    user = breached(b)[0]
    o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 10000))
    single = b.driver.single(o)

    def with_word(i, v):
        at = 4 + 32 + 32 * i
        return single[:at] + node.word(v) + single[at + 32:]
    refused(b.send(b.sender, with_word(7, 10000)), "order", "BadShare()")
    refused(b.send(b.sender, with_word(7, ALL)), "order", "BadShare()")
    many = bytearray(b.driver.batch([o], 1, 800_000)[0])
    many[4 + 32:4 + 64] = node.word(2)
    refused(b.send(b.sender, bytes(many)), "order", "BadRequired()")
    refused(b.send(b.sender, single[:-32]), "empty")
    want(not b.send(b.sender, with_word(5, ALL)).ok, "a least profit that overflows")
    same(b.driver.ask("single " + replace(o, share=10000).text()), "refused", "share in C")
    same(b.driver.ask("single " + replace(o, flags=8).text()), "refused", "flags in C")
    same(b.driver.ask("single " + replace(o, amount=0).text()), "refused", "amount in C")
    same(b.driver.ask("single " + replace(o, via=[user] * 5).text()), "refused", "way in C")
    same(b.driver.ask("single " + replace(o, collateral=o.debt, via=[user]).text()), "refused", "way of one token in C")
    same(b.driver.ask("batch 2 100 " + o.text()), "refused", "required in C")
    same(b.driver.ask("batch 0 0 " + o.text()), "refused", "gas in C")
    same(b.driver.ask("batch 0 100 " + " ".join([o.text()] * 65)), "refused", "items in C")


def administration(b):
    for name, args in (("setCaller", (b.stranger, True)), ("setRouter", (b.router, True)), ("proposeOwner", (b.stranger,)),
                       ("rescue", (b.tokens["USDC"], b.stranger, 1)), ("acceptOwner", ())):
        for who in (b.stranger, b.sender, b.d["admin"]):
            refused(b.send(who, b.call_data("Liquidator", name, *args)), "not allowed", "NotOwner()")
    refused(b.send(b.owner, b.call_data("Liquidator", "setRouter", b.stranger, True)), "not allowed", "NotContract(")
    b.do(b.owner, "proposeOwner", b.other)
    same(b.get("owner")[0], int(b.owner, 16), "the owner until the next accepts")
    refused(b.send(b.stranger, b.call_data("Liquidator", "acceptOwner")), "not allowed", "NotOwner()")
    b.do(b.other, "acceptOwner")
    same((b.get("owner")[0], b.get("pendingOwner")[0]), (int(b.other, 16), 0), "owner")
    refused(b.send(b.owner, b.call_data("Liquidator", "setCaller", b.stranger, True)), "not allowed", "NotOwner()")
    refused(b.send(b.other, b.call_data("Liquidator", "acceptOwner")), "not allowed", "NotOwner()")
    b.give("USDC", b.contract, 5000)
    b.do(b.other, "rescue", b.tokens["USDC"], b.stranger, 4000)
    same((b.balance("USDC"), b.balance("USDC", b.stranger)), (1000, 4000), "tokens rescued")
    refused(b.send(b.other, b.call_data("Liquidator", "rescue", b.tokens["USDC"], b.stranger, 1001)), "panic")
    refused(b.send(b.stranger, b"", value=5), "not allowed", "NotCaller()")
    b.fund(b.contract, 7)
    before = b.ether(b.d["treasury"])
    b.do(b.other, "rescue", NOBODY, b.d["treasury"], 3 * ETHER)
    same((b.ether(), b.ether(b.d["treasury"]) - before), (4 * ETHER, 3 * ETHER), "ether rescued")


# ---- payments to the block's maker

MAKER = "0x00000000000000000000000000000000000ba5e5"


def payments(b):
    usd = b.units("USDC", 1)
    users = breached(b, 3)
    whale = b.borrower("USDC", 30000, "WETH", 8)
    b.price("USDC", 0.9)
    b.price("WETH", 1.2)
    for u in users:
        want(b.m.account_data([u])[0][2] > ETHER, "meant to be healthy")
    b.node.rpc("anvil_setCoinbase", MAKER)
    b.fund(b.contract, 5)  # its own ether, which is nobody's tip
    before, maker = b.holdings(), b.ether(MAKER)
    o = b.order(whale, "USDC", "WETH", share=3000, tip=10**15)
    sent = b.one(o, value=10**16)
    r = check(b, sent, o, before)
    gross = r.profit + r.paid - o.tip
    same(r.paid - o.tip, gross * 3000 // 10000, "share of a profit in WETH")
    tips = sent.cost * max(0, sent.price - base_fee(b, sent.block))
    same(b.ether(MAKER) - maker, r.paid + tips, "ether of the block's maker")
    b.price("WETH", 0.65)
    o = b.order(users[0], "WETH", "USDC", amount=11000 * usd, share=5000, min_profit=usd)
    before, maker = b.holdings(), b.ether(MAKER)
    sent = b.one(o)
    want(sent.ok, f"share by way of the exchange: {sent.why}")
    r = sent.results[0]
    tips = sent.cost * max(0, sent.price - base_fee(b, sent.block))
    want(r.paid > 0 and b.ether(MAKER) - maker == r.paid + tips, "ether of the block's maker")
    (repaid, seized, *_), = b.event(sent, "LiquidationCall")
    want(abs(r.profit * 2 - profit_of(b, o, sent, seized, repaid)) <= 1, "half of the profit is left")
    same(b.holdings(), before | {"USDC": before["USDC"] + r.profit}, "holdings")
    same(b.open_allowances(), [], "allowances")
    refused(b.one(replace(o, user=users[1], tip=2), value=1), "payment", "TipAboveValue()")
    o = replace(o, user=users[1], share=0, tip=3)
    mine = b.ether(b.sender)
    sent = b.one(o, value=10)
    same(mine - b.ether(b.sender), 3 + sent.cost * sent.price, "what is not spent comes back")
    gas["3.6 flash, tip"] = sent.cost
    o = replace(o, user=users[2], tip=1)
    refused(b.one(o, value=0), "payment", "TipAboveValue()")
    same(b.ether(), 5 * ETHER, "its own ether")


def base_fee(b, number):
    return int(b.node.rpc("eth_getBlockByNumber", hex(number), False)["baseFeePerGas"], 16)


def profit_of(b, o, sent, seized, repaid):
    premium = b.event(sent, "FlashLoan")[0][3]
    return b.sale([o.collateral, *o.via, o.debt], seized, sent.block - 1) - repaid - premium


def bad_makers(b):
    """A block maker that refuses, enters again, or burns gas."""
    users, purse = breached(b, 2), b.deploy("Purse")
    b.node.rpc("anvil_setCoinbase", purse)
    b.do(b.owner, "setCaller", purse, True)
    o = b.order(users[0], "WETH", "USDC", amount=b.units("USDC", 11000), tip=1000)
    b.do(b.stranger, "set", 1, contract="Purse", to=purse)
    refused(b.one(o, value=1000), "payment", "PaymentFailed(")
    again = b.driver.single(replace(o, user=users[1], tip=0))
    b.do(b.stranger, "set", 2, contract="Purse", to=purse)
    for target, data in ((b.contract, again), (b.contract, b.call_data("Liquidator", "rescue", b.tokens["USDC"], purse, 1))):
        b.do(b.stranger, "aim", target, data, contract="Purse", to=purse)
        number = b.snapshot()
        sent = b.one(o, value=1000)
        want(sent.ok and len(sent.results) == 1, f"{sent.why}")
        tries, succeeded, reason = (b.get(n, contract="Purse", to=purse)[0] for n in ("tries", "succeeded", "reason"))
        same((tries, succeeded), (1, 0), "entered again")
        reason = reason.to_bytes(32, "big")[:4]
        same(b.driver.revert(reason).name, "Busy()" if data == again else "NotOwner()", "why it was refused")
        b.restore(number)
    b.do(b.stranger, "set", 3, contract="Purse", to=purse)
    want(not b.one(o, value=1000).ok, "a maker that burns the gas undoes the order")
    b.do(b.stranger, "set", 0, contract="Purse", to=purse)
    want(b.one(o, value=1000).ok, "a maker that takes it")


# ---- many at once

def batches(b):
    usd = b.units("USDC", 1)
    users = breached(b, 12)
    orders = [b.order(u, "WETH", "USDC", amount=11700 * usd, min_profit=usd) for u in users]
    bad = {2: replace(orders[2], min_profit=10**6 * usd), 5: replace(orders[5], router=b.d["dataProvider"]),
           8: replace(orders[8], collateral=b.tokens["DAI"]), 9: replace(orders[1])}
    mixed = [bad.get(i, o) for i, o in enumerate(orders[:10])]
    number = b.snapshot()
    before = b.holdings()
    sent = b.many(mixed, required=6)
    want(sent.ok, f"{sent.why}")
    expected = [(o.user.lower(), i not in bad) for i, o in enumerate(mixed)]
    same([(r.user, r.done) for r in sent.results], expected, "an event for each, in order")
    reasons = [r.why.reason for r in sent.results if not r.done]
    same(reasons, ["price", "not allowed", "no collateral", "healthy"], "reasons")
    total = sum(r.profit for r in sent.results)
    same(b.holdings(), before | {"USDC": before["USDC"] + total}, "holdings")
    same(b.moved(sent), {b.tokens["USDC"].lower(): total}, "transfers")
    same(b.open_allowances(), [], "allowances")
    same([w[:2] for w in b.event(sent, "LiquidationCall")], [[r.repaid, r.seized] for r in sent.results if r.done], "pool")
    b.restore(number)
    number = b.snapshot()
    late, few = b.many(mixed, required=7), b.many(mixed, required=9)
    refused(late, "too few", "TooFew(")
    refused(few, "too few", "TooFew(")
    same(few.why.args, [4], "those done before it was certain")
    want(few.cost < late.cost * 0.8, f"ended early: {few.cost} instead of {late.cost}")
    same(b.holdings(), before, "holdings")
    b.restore(number)
    number = b.snapshot()
    sent = b.many(orders[:10], required=10)
    want(sent.ok and all(r.done for r in sent.results), f"{sent.why}")
    gas["3.6 batch of 10"] = sent.cost
    b.restore(number)
    sent = b.many(orders[:1], required=1)
    gas["3.6 batch of 1"] = sent.cost
    want(sent.ok, "batch of one")


def batch_gas(b):
    """The gas of an item is its own; a batch that gets too little says so for the items that it did not try."""
    usd = b.units("USDC", 1)
    users = breached(b, 6)
    orders = [b.order(u, "WETH", "USDC", amount=11700 * usd) for u in users]
    number = b.snapshot()
    each = b.needs(orders[0]) + 20000
    for given, tried in ((None, 6), (each * 3, 2)):
        sent = b.many(orders, gas_each=each, gas=given)
        want(sent.ok, f"{sent.why}")
        done = [r.done for r in sent.results]
        want(len(done) == 6 and done == sorted(done, reverse=True), f"{sent.results}")
        want(sum(done) >= tried and (given is None or sum(done) < 6), f"{sum(done)} of 6 with {given}")
        same({r.why.reason for r in sent.results if not r.done}, {"gas"} if given else set(), "reasons")
        b.restore(number)
        number = b.snapshot()
    sent = b.many(orders[:2], gas_each=250_000)
    same([r.why.reason for r in sent.results], ["empty", "empty"], "items that ran out of gas")


def batch_payments(b):
    users = breached(b, 4)
    b.node.rpc("anvil_setCoinbase", MAKER)
    orders = [b.order(u, "WETH", "USDC", amount=b.units("USDC", 11000), tip=t) for u, t in zip(users, (10, 1000, 20, 5))]
    orders[2] = replace(orders[2], min_profit=10**15)
    b.fund(b.contract, 5)
    before, mine = b.ether(MAKER), b.ether(b.sender)
    sent = b.many(orders, value=100)
    same([(r.done, r.paid, r.why and r.why.name) for r in sent.results],
         [(True, 10, None), (False, 0, "TipAboveValue()"), (False, 0, "Error(string)"), (True, 5, None)], "payments")
    tips = sent.cost * max(0, sent.price - base_fee(b, sent.block))
    paid = b.ether(MAKER) - before - tips, mine - b.ether(b.sender) - sent.cost * sent.price
    same(paid, (15, 15), "paid by the caller, only for what was done")
    same(b.ether(), 5 * ETHER, "its own ether")


# ---- the code itself

def instructions(code):
    """Opcodes of a contract's code without what is pushed."""
    i, out = 0, set()
    while i < len(code):
        out.add(code[i])
        i += 1 + (code[i] - 0x5f if 0x60 <= code[i] <= 0x7f else 0)
    return out


def code(b):
    made = b.made["Liquidator"]
    runtime = bytes.fromhex(made["runtime"][2:])
    seen = instructions(runtime)
    for op, name in ((0xf2, "callcode"), (0xf4, "delegatecall"), (0xff, "selfdestruct"), (0xf0, "create"), (0xf5, "create2")):
        want(op not in seen, name)
    want(0xf1 in seen and 0xfa in seen, "calls are seen")
    want(len(runtime) < 24576, f"{len(runtime)} bytes")
    names = {sig.split("(")[0] for sig in made["functions"]}
    known = {"POOL", "WETH", "owner", "pendingOwner", "callers", "routers", "liquidate", "liquidateMany", "item", "executeOperation",
             "setCaller", "setRouter", "proposeOwner", "acceptOwner", "rescue"}
    same(names, known, "every entry is known to these tests")
    for name, selector in (("liquidate", "single"), ("liquidateMany", "batch")):
        o = Order(b.owner, b.tokens["USDC"], b.tokens["WETH"])
        data = b.driver.single(o) if selector == "single" else b.driver.batch([o], 0, 1)[0]
        same("0x" + data[:4].hex(), b.selector("Liquidator", name), "selector in C")
    known = {b.driver.revert(bytes.fromhex(s[2:])).name.split("(")[0] for s in made["errors"]}
    same(known, set(made["errors"].values()), "errors known in C")
    unknown = [n for s, n in b.d["errors"].items() if b.driver.revert(bytes.fromhex(s[2:])).name.split("(")[0] != n]
    same(unknown, [], "errors of the pool known in C")


TESTS = [("3.6", liquidations), ("1.19", liquidations), ("3.6", one_token), ("3.6", unprofitable), ("3.6", unprofitable_one_token),
         ("3.6", healthy_again), ("3.6", pool_refuses), ("3.6", strangers), ("3.6", malformed), ("3.6", administration),
         ("3.6", payments), ("3.6", bad_makers), ("3.6", batches), ("3.6", batch_gas), ("3.6", batch_payments), ("3.6", code)]


def run(tests, report, compiled_in=None, stop=False):
    """All tests (stop: up to the first failure), each on the market as deployed; what failed."""
    failed = []
    for version in dict.fromkeys(v for v, _ in tests):
        with FlashBench(version, compiled_in) as b:
            for test in (t for v, t in tests if v == version):
                number = b.snapshot()
                try:
                    test(b)
                    problem = ""
                except (Problem, AssertionError, IndexError, TypeError, ValueError, node.RpcError) as e:
                    problem = f"{type(e).__name__}: {e}"
                    failed.append(test.__name__)
                report(not problem, f"{version}: {test.__name__.replace('_', ' ')}", problem)
                if failed and stop:
                    return failed
                b.restore(number)
    return failed


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    compiled()
    run(TESTS, tap.report)
    print("# gas used, gas limit needed (refunds come after)")
    for name, g in gas.items():
        used, needed = g if isinstance(g, tuple) else (g, "")
        print(f"# {used:8d} {needed:>8}  {name}")
    tap.finish()


if __name__ == "__main__":
    main()
