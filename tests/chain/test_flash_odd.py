#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The liquidation contract among tokens, routers and callers that behave badly: tokens that return nothing, keep a fee,
say no, call around or burn gas, in the place of the pool's own; a router on the list that cheats. Whatever happens, the
contract loses nothing, nobody enters twice, no allowance stays. Prints TAP."""
import sys
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from flashbench import LOAN, PAY_OUT, compiled, dynamic  # noqa: E402
from test_flash import breached, check, refused, run, same, want  # noqa: E402


def silent_debt(b):
    """The debt token returns nothing and changes allowances only to and from zero (as USDT does). Half of what is
    offered is taken, so that an allowance is left over and must be taken back before the next."""
    b.become("USDT", "SilentToken")
    users = [b.borrower("WETH", 10, "USDT", 23500) for _ in range(4)]
    b.price("WETH", 0.935)
    path = {"via": [b.tokens["USDC"]], "amount": b.units("USDT", 20000)}
    b.give("USDT", b.contract, b.units("USDT", 50000))
    for user, flags in zip(users, (LOAN, LOAN | PAY_OUT, 0, PAY_OUT)):
        o = b.order(user, "WETH", "USDT", flags=flags, **path)
        before = b.holdings()
        r = check(b, b.one(o), o, before)
        want(0 < r.repaid < o.amount, "less than offered was taken")


def silent_collateral(b):
    b.become("USDT", "SilentToken")
    user = b.borrower("USDT", 30000, "USDC", 22000)
    b.price("USDT", 0.92)
    o = b.order(user, "USDT", "USDC", amount=b.units("USDC", 11000))
    before = b.holdings()
    check(b, b.one(o), o, before)


def fee_debt(b):
    """A debt token that keeps a hundredth of every transfer. A loan arrives short; with own money the exchange promises
    more than arrives, and what arrives decides."""
    user = breached(b)[0]
    b.become("USDC", "FeeToken")
    o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 11000))
    refused(b.one(o), "panic")
    b.give("USDC", b.contract, b.units("USDC", 20000))
    before = b.holdings()
    number = b.snapshot()
    sent = b.one(replace(o, flags=0))
    want(sent.ok and sent.results[0].profit > 0, f"{sent.why}")
    profit = sent.results[0].profit
    same((b.balance("USDC") - before["USDC"], b.open_allowances()), (profit, []), "what it says is what it has")
    b.restore(number)
    refused(b.one(replace(o, flags=0, min_profit=profit + 1)), "no profit", "NoProfit(")
    same((b.holdings(), b.open_allowances()), (before, []), "holdings")


def fee_collateral(b):
    """A collateral that keeps a fee: the pair gets too little."""
    user = b.borrower("LINK", 4000, "WETH", 12)
    b.price("LINK", 0.8)
    b.become("LINK", "FeeToken")
    before = b.holdings()
    refused(b.one(b.order(user, "LINK", "WETH", amount=b.units("WETH", 5))), "route", "Error(string)")
    same((b.holdings(), b.open_allowances()), (before, []), "holdings")


def refusing(b):
    """A token that returns false, for the owner's payment."""
    user = breached(b)[0]
    b.become("USDC", "RefusingToken")
    b.do(b.owner, "refuse", b.owner, contract="RefusingToken", to=b.tokens["USDC"])
    o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 11000), flags=LOAN | PAY_OUT)
    before = b.holdings()
    refused(b.one(o), "token", "TokenRefused(")
    same(b.holdings(), before, "holdings")
    b.give("USDC", b.contract, 10)
    refused(b.send(b.owner, b.call_data("Liquidator", "rescue", b.tokens["USDC"], b.owner, 1)), "token", "TokenRefused(")
    want(b.one(replace(o, flags=LOAN)).ok, "without paying out")
    nothing = b.call_data("Liquidator", "rescue", b.stranger, b.owner, 1)
    refused(b.send(b.owner, nothing), "token", "TokenRefused(")


def entries(b, o, other):
    """What somebody within a liquidation might call: (who is called, with what, why it is refused)."""
    again, params = b.driver.single(other), bytes(96)
    usdc = b.tokens["USDC"]
    item = bytes.fromhex(b.selector("Liquidator", "item")[2:])
    loan = dynamic(b.m.selector("pool", "flashLoanSimple"), b.contract, b.tokens["WBTC"], 10**6, params, 0)
    callback = dynamic(b.selector("Liquidator", "executeOperation"), usdc, 1, 1, b.contract, params)
    return [(b.contract, again, "Busy()"),
            (b.contract, b.driver.batch([other], 0, 800_000)[0], "Busy()"),
            (b.contract, item + again[4:], "NotSelf()"),
            (b.contract, b.call_data("Liquidator", "rescue", usdc, b.stranger, 1), "NotOwner()"),
            (b.contract, b.call_data("Liquidator", "setRouter", b.router, False), "NotOwner()"),
            (b.contract, callback, "NotPool()"),
            (b.d["pool"], loan, "NotInitiator()")]


def prove_refused(b, order, other, who, contract):
    """Each entry tried from within, by `who`, which is on the list of callers."""
    b.do(b.owner, "setCaller", who, True)
    for target, data, name in entries(b, order, other):
        b.do(b.stranger, "aim", target, data, contract=contract, to=who)
        number = b.snapshot()
        before = b.holdings()
        sent = b.one(order)
        want(sent.ok, f"{name}: {sent.why}")
        tries, succeeded, reason = (b.get(n, contract=contract, to=who)[0] for n in ("tries", "succeeded", "reason"))
        same(b.driver.revert(reason.to_bytes(32, "big")[:4]).name, name, "entered again")
        want(tries and not succeeded, f"{name}: {tries} tries, succeeded {succeeded}")
        same(b.holdings(), before | {"USDC": before["USDC"] + sent.results[0].profit}, "holdings")
        same(b.open_allowances([who]), [], "allowances")
        b.restore(number)


def token_enters(b):
    """The debt token calls back in from within every transfer."""
    users, hook = breached(b, 2), b.deploy("Caller")
    b.become("USDC", "HookToken")
    b.do(b.stranger, "listen", hook, contract="HookToken", to=b.tokens["USDC"])
    orders = [b.order(u, "WETH", "USDC", amount=b.units("USDC", 11000)) for u in users]
    prove_refused(b, *orders, hook, "Caller")
    b.do(b.owner, "proposeOwner", hook)  # even the owner cannot take what is borrowed
    b.do(b.stranger, "aim", b.contract, b.call_data("Liquidator", "acceptOwner"), contract="Caller", to=hook)
    b.do(b.stranger, "strike", contract="Caller", to=hook)
    same(b.get("owner")[0], int(hook, 16), "owner")
    rescue = b.call_data("Liquidator", "rescue", b.tokens["USDC"], hook, 1)
    b.do(b.stranger, "aim", b.contract, rescue, contract="Caller", to=hook)
    want(b.one(orders[0]).ok, "the order")
    reason = b.get("reason", contract="Caller", to=hook)[0].to_bytes(32, "big")[:4]
    same(b.driver.revert(reason).name, "Busy()", "rescue from within")


def router_enters(b):
    users, evil = breached(b, 2), evil_router(b, 5)
    terms = {"amount": b.units("USDC", 11000), "router": evil, "min_profit": b.units("USDC", 300)}
    orders = [b.order(u, "WETH", "USDC", **terms) for u in users]
    prove_refused(b, *orders, evil, "EvilRouter")


def evil_router(b, mode):
    evil = b.deploy("EvilRouter")
    b.do(b.owner, "setRouter", evil, True)
    b.do(b.stranger, "set", mode, contract="EvilRouter", to=evil)
    b.give("USDC", evil, b.units("USDC", 100000))
    return evil


def router_cheats(b):
    """A router on the list that takes without giving, takes too much, or gives a unit too little, with and without own
    money at stake; and one that takes less than it may."""
    user = breached(b)[0]
    b.give("USDC", b.contract, b.units("USDC", 50000))
    b.give("WETH", b.contract, b.units("WETH", 3))
    floor = b.units("USDC", 300)
    for mode, reason in ((0, "no profit"), (1, "no profit"), (2, "empty"), (4, "no profit"), (3, None)):
        evil = evil_router(b, mode)
        for flags in (LOAN, 0):
            o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 11000), router=evil, min_profit=floor, flags=flags)
            number = b.snapshot()
            before = b.holdings()
            sent = b.one(o)
            if reason:
                refused(sent, reason)
                same(b.holdings(), before, "holdings")
            else:
                want(sent.ok and sent.results[0].profit == floor, f"{sent.why}")
                half = sent.results[0].seized - sent.results[0].seized // 2
                kept = {"USDC": before["USDC"] + floor, "WETH": before["WETH"] + half}
                same(b.holdings(), before | kept, "holdings")
            same(b.open_allowances([evil]), [], "allowances")
            b.restore(number)


def bombs(b):
    """An item whose token burns all gas, or reverts with 100 kB, harms nobody else's."""
    users = breached(b, 2)
    bad = b.borrower("LINK", 4000, "USDC", 38000)
    b.price("LINK", 0.86)
    b.become("LINK", "BombToken")
    usd = b.units("USDC", 1)
    three = ((users[0], "WETH", 11000), (bad, "LINK", 19000), (users[1], "WETH", 11000))
    orders = [b.order(user, symbol, "USDC", amount=n * usd) for user, symbol, n in three]
    for mode, reason in ((1, "empty"), (2, "unknown")):
        b.do(b.stranger, "set", mode, contract="BombToken", to=b.tokens["LINK"])
        number = b.snapshot()
        sent = b.many(orders, required=2)
        want(sent.ok, f"{sent.why}")
        seen = [(r.done, r.why and r.why.reason) for r in sent.results]
        same(seen, [(True, None), (False, reason), (True, None)], f"bomb {mode}")
        same(b.open_allowances(), [], "allowances")
        b.restore(number)


def callers(b):
    """A contract as caller that takes no ether back: the order is undone, or goes through when nothing is left."""
    user, purse = breached(b)[0], b.deploy("Purse")
    b.do(b.owner, "setCaller", purse, True)
    b.do(b.stranger, "set", 1, contract="Purse", to=purse)
    o = b.order(user, "WETH", "USDC", amount=b.units("USDC", 11000), tip=7)
    data = dynamic(b.selector("Purse", "send"), b.contract, b.driver.single(o))
    refused(b.send(b.stranger, data, value=8, to=purse), "payment", "PaymentFailed(")
    want(b.send(b.stranger, data, value=7, to=purse).ok, "nothing left to give back")


TESTS = [("3.6", t) for t in (silent_debt, silent_collateral, fee_debt, fee_collateral, refusing, token_enters, router_enters,
                              router_cheats, bombs, callers)]
TESTS += [("1.19", silent_debt), ("1.19", token_enters)]


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    compiled()
    run(TESTS, tap.report)
    tap.finish()


if __name__ == "__main__":
    main()
