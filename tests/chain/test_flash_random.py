#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random sequences of orders, alone and in batches, good and bad, among moving prices, with honest and cheating routers:
after each, the contract holds what it held and the profits it told of, to the unit, nobody has an allowance, its ether
is its own, and what was undone has changed nothing. Prints its seed, then TAP.

Environment: SEED, FLASH_STEPS (transactions, default 150)."""
import os
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from flashbench import ALL, CHECK, ETHER, LOAN, NOBODY, PAY_OUT, FlashBench, Order, compiled  # noqa: E402
from test_flash import Problem, same, want  # noqa: E402
from test_flash_odd import evil_router  # noqa: E402

SEED = int(os.environ.get("SEED", "1"), 0)
STEPS = int(os.environ.get("FLASH_STEPS", "150"))
MAKER = "0x00000000000000000000000000000000000ba5e5"
WRITTEN = 600


class Walk:
    def __init__(self, b, seed):
        self.b, self.rnd, self.seen = b, random.Random(f"{seed} flash"), Counter()
        made = b.m.populate(seed + 7, WRITTEN, 0)
        self.users = made["written"]
        b.node.rpc("anvil_setCoinbase", MAKER)
        self.evil = [evil_router(b, mode) for mode in (0, 1, 3, 4)]
        for symbol in b.tokens:
            for evil in self.evil:
                b.give(symbol, evil, b.units(symbol, 10**6))
            if self.rnd.random() < 0.7:
                b.give(symbol, b.contract, b.units(symbol, 1000))
        b.fund(b.contract, 3)

    def move(self):
        b, rnd = self.b, self.rnd
        prices = b.m.prices()
        b.m.report({i: max(1, round(p * rnd.lognormvariate(-0.004, 0.02))) for i, p in enumerate(prices)})
        b.m.pass_time(rnd.choice((1, 12, 3600, 86400)))

    def candidates(self):
        data = self.b.m.account_data(self.users)
        below = [u for u, d in zip(self.users, data) if d[2] < ETHER]
        return {a.address: a for a in self.b.m.accounts(below)}, [u for u, d in zip(self.users, data) if d[2] >= ETHER]

    def path(self, frm, to):
        """Tokens between the two on the exchange, or None."""
        near, queue = {}, [[frm]]
        for p in self.b.d["uniswap"]["pairs"]:
            near.setdefault(p["a"], []).append(p["b"])
            near.setdefault(p["b"], []).append(p["a"])
        while queue:
            way = queue.pop(0)
            if way[-1] == to:
                return [self.b.tokens[s] for s in way[1:-1]]
            queue += [way + [s] for s in near[way[-1]] if s not in way]
        return None

    def order(self, account):
        b, rnd, r = self.b, self.rnd, self.b.d["reserves"]
        debts = [i for i, p in account.position.items() if p[2]] or [0]
        colls = [i for i, p in account.position.items() if p[0] and p[1]] or [1]
        debt, coll = r[rnd.choice(debts)], r[rnd.choice(colls)]
        if rnd.random() < 0.05:
            debt = rnd.choice(r)
        owed = account.position.get(debt["id"], (0, 0, 10**6))[2]
        o = Order(account.address, debt["address"], coll["address"], self.router())
        if coll is not debt:
            o = replace(o, via=self.path(coll["symbol"], debt["symbol"]))
        if rnd.random() < 0.3:
            tip_via = self.path(debt["symbol"], "WETH") if debt["symbol"] != "WETH" else []
            o = replace(o, share=rnd.choice((1, 2500, 9999)), tip_via=tip_via)
        return replace(o, amount=rnd.choice((ALL, owed // 2 + 1, max(1, int(owed * rnd.random())))),
                       min_profit=rnd.choice((0, 0, 1, owed // 1000, owed // 10)), tip=rnd.choice((0, 0, 0, 1, 10**12)),
                       flags=rnd.choice((LOAN, LOAN, 0)) | rnd.choice((0, CHECK)) | rnd.choice((0, 0, PAY_OUT)))

    def router(self):
        x = self.rnd.random()
        return self.b.router if x < 0.8 else self.rnd.choice(self.evil if x < 0.95 else (NOBODY, self.b.d["oracle"]))

    def step(self):
        b, rnd = self.b, self.rnd
        below, healthy = self.candidates()
        if not below:
            return
        accounts = list(below.values())
        if rnd.random() < 0.1:
            accounts = b.m.accounts(rnd.sample(healthy, min(3, len(healthy))))
        n = rnd.choice((1, 1, 2, 5, 12))
        orders = [self.order(rnd.choice(accounts)) for _ in range(n)]
        value = rnd.choice((0, sum(o.tip for o in orders), 10**12))
        before, maker, owner, mine = b.holdings(), b.ether(MAKER), self.of_owner(), b.ether(b.sender)
        single = n == 1 and rnd.random() < 0.7
        if single:
            sent = b.one(orders[0], value=value)
        else:
            sent = b.many(orders, required=rnd.choice((0, 0, 1, n)), gas_each=1_200_000, value=value)
        self.judge(sent, orders, before, owner)
        priority = sent.cost * (sent.price - int(b.node.rpc("eth_getBlockByNumber", hex(sent.block), False)["baseFeePerGas"], 16))
        same(b.ether(MAKER) - maker - priority, sum(r.paid for r in sent.results), "ether of the block's maker")
        tips = sum(o.tip for o, r in zip(orders, sent.results) if r.done)
        same(mine - b.ether(b.sender) - sent.cost * sent.price, tips, "ether of the sender")

    def of_owner(self):
        return {s: self.b.balance(s, self.b.owner) for s in self.b.tokens}

    def judge(self, sent, orders, before, owner):
        b, names = self.b, {a.lower(): s for s, a in self.b.tokens.items()}
        self.seen["transactions" if sent.ok else f"undone: {sent.why.reason}"] += 1
        after, paid_out = dict(before), dict(owner)
        if sent.ok:
            same([r.user for r in sent.results], [o.user.lower() for o in orders], "an event for each item, in order")
        else:
            same(sent.results, [], "events of what was undone")
        for o, r in zip(orders, sent.results):
            self.seen["done" if r.done else f"failed: {r.why.reason}"] += 1
            if not r.done:
                continue
            self.seen["by a cheating router"] += o.router in self.evil and o.debt != o.collateral
            self.seen["with a share"] += r.paid > o.tip
            want(r.profit >= o.min_profit, f"profit {r.profit} of {o}")
            (paid_out if o.flags & PAY_OUT else after)[names[r.debt]] += r.profit
            if o.router == self.evil[2] and o.debt != o.collateral:  # it takes half of what it may
                after[names[r.collateral]] += r.seized - r.seized // 2
        odd = any(o.router == self.evil[2] and o.share for o in orders)  # ... of a share too
        have = b.holdings()
        if odd:
            want(all(have[s] >= after[s] for s in have), f"{have} less than {after}")
        else:
            same(have, after, "holdings")
        same(self.of_owner(), paid_out, "the owner's")
        same(b.open_allowances(self.evil), [], "allowances")


def walk(seed, steps, code=None):
    with FlashBench("3.6", code) as b:
        w = Walk(b, seed)
        for k in range(steps):
            if k % 5 == 0:
                w.move()
            try:
                w.step()
            except Problem as e:
                return w.seen, f"step {k}: {e}"
        return w.seen, ""


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"# SEED={SEED}", flush=True)
    compiled()
    seen, problem = walk(SEED, STEPS)
    print(f"# {dict(sorted(seen.items()))}")
    tap.report(not problem, f"{STEPS} transactions: nothing lost, nothing left behind", problem)
    kinds = ("done", "with a share", "by a cheating router", "failed: price", "failed: not allowed", "failed: healthy",
             "undone: too few")
    absent = [k for k in kinds if not seen[k]]
    tap.report(STEPS < 150 or not absent, "every kind occurred", f"not seen: {absent}")
    tap.finish()


if __name__ == "__main__":
    main()
