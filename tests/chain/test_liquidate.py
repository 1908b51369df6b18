#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Liquidations that the contract executes against rule->settle: debt repaid, collateral seized, fee, deficit and what the
account has left, to the last unit; and what the contract refuses, with the reason. Market versions 3.6 and 1.19.
Prints TAP."""
import os
import random
import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import judge  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from market import Market, NO_REASON, RpcError  # noqa: E402
from node import words  # noqa: E402
from test_health import RULES, SEED  # noqa: E402

WRITTEN, TRADED = 1200, 200
ROUNDS, EACH = 6, 100
SHOWN = 3
ALL = 2**256 - 1
# What the rule says, and the contracts' names for it (3.6, 1.19).
REASONS = (("not liquidatable", {"HealthFactorNotBelowThreshold", "HEALTH_FACTOR_NOT_BELOW_THRESHOLD"}),
           ("no debt", {"SpecifiedCurrencyNotBorrowedByUser", "SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER"}),
           ("no enabled collateral", {"CollateralCannotBeLiquidated", "COLLATERAL_CANNOT_BE_LIQUIDATED"}),
           ("grace period", {"LiquidationGraceSentinelCheckFailed"}),
           ("MustNotLeaveDust", {"MustNotLeaveDust"}),
           # So small an amount leaves dust as well, of which the contract may speak first.
           ("rounds to nothing",
            {"InvalidBurnAmount", "InvalidAmount", "INVALID_BURN_AMOUNT", "INVALID_AMOUNT", "MustNotLeaveDust"}))


class Bench:
    """One market, its liquidator and what has been seen."""

    def __init__(self, m, rule, rnd):
        self.m, self.rule, self.rnd = m, rule, rnd
        self.who = m.node.rpc("eth_accounts")[2]
        self.emodes = m.emodes()
        self.seen, self.wrong = Counter(), []
        for r in m.d["reserves"]:
            m.give(r, self.who, 10**9 * 10**int(r["decimals"]))
            m.act(self.who, "token", "approve", m.d["pool"], ALL, to=r["address"])

    def market(self, at):
        return judge.market_lines(self.m.reserves(), self.emodes, self.m.prices(), at)

    def liquidate(self, user, debt, amount, coll):
        """The same call to both. debt, coll: reserve ids."""
        m, at = self.m, self.m.node.now() + self.rnd.choice((1, 2, 12, 600))
        before = m.accounts([user])[0]
        said = judge.settle(self.rule, before, self.market(at), debt, amount, coll)
        r = m.d["reserves"]
        data = m.data("pool", "liquidationCall", r[coll]["address"], r[debt]["address"], user, amount, False)
        tx = m.node.send(self.who, m.d["pool"], data)
        m.node.mine(at)
        receipt = m.node.receipt(tx)
        if int(receipt["status"], 16) == 1:
            problem = self.differs(said, receipt, before, debt, coll)
        else:
            problem = self.refused(said, data, coll)
        if problem:
            self.wrong.append(f"{before} debt {debt} amount {amount} collateral {coll} at {at}: {problem}")

    def refused(self, said, data, coll):
        """The reverted call again on the block it was in: its reason."""
        try:
            self.m.node.call(self.m.d["pool"], data, frm=self.who)
            return "reverted as a transaction, succeeds as a call"
        except RpcError as e:
            reason = self.m.reason(e)
        self.seen["refused: " + reason] += 1
        if not isinstance(said, str):
            return f"the contract refuses ({reason}), the rule settles {said}"
        if reason == NO_REASON:  # the contract divides by a bonus of 0: a reserve that is collateral in an eMode alone
            return None if self.m.reserves()[coll].lb == 0 else f"the contract gives no reason, the rule: {said}"
        expected = next((names for text, names in REASONS if text in said), set())
        return None if reason in expected else f"the contract says {reason}, the rule: {said}"

    def events(self, receipt):
        """(repaid, seized, fee, {reserve: deficit}) from the logs."""
        t, m = self.m.topics, self.m
        repaid, seized, fee, deficit = None, None, 0, Counter()
        treasury = int(m.d["treasury"], 16)
        ids = {r["address"].lower(): r["id"] for r in m.d["reserves"]}
        atokens = {r["aToken"].lower() for r in m.d["reserves"]}
        for log in receipt["logs"]:
            topic, body = log["topics"], words(bytes.fromhex(log["data"][2:]))
            if topic[0] == t["LiquidationCall"]:
                repaid, seized = body[:2]
            elif topic[0] == t.get("DeficitCreated"):
                deficit[ids["0x" + topic[2][26:].lower()]] += body[0]
            elif topic[0] == t["Transfer"] and log["address"].lower() in atokens and int(topic[2], 16) == treasury:
                fee += body[0] if int(topic[1], 16) else 0  # from nobody: the treasury's own interest
        return repaid, seized, fee, deficit

    def differs(self, said, receipt, before, debt, coll):
        if isinstance(said, str):
            return f"the contract settles, the rule refuses: {said}"
        repaid, seized, fee, deficit = self.events(receipt)
        ours = Counter({r: -v for (party, r), v in said.flows.items() if party == "deficit"})
        paid, got = -said.flows.get(("liquidator", debt), 0), said.flows.get(("liquidator", coll), 0)
        theirs = (repaid, seized) if debt != coll else (repaid - seized, seized - repaid)
        after = self.m.accounts([before.address])[0].position
        same = after == said.position
        self.count(before, after, deficit, fee, debt, coll)
        if (paid, got) != theirs:
            return f"liquidator: contract {theirs}, rule {(paid, got)}"
        if fee != said.flows.get(("venue", coll), 0):
            return f"fee: contract {fee}, rule {said.flows.get(('venue', coll), 0)}"
        if +deficit != +ours:
            return f"deficit: contract {dict(deficit)}, rule {dict(ours)}"
        return None if same else f"left: contract {after}, rule {said.position}"

    def count(self, before, after, deficit, fee, debt, coll):
        self.seen["liquidations"] += 1
        self.seen["with a deficit"] += bool(deficit)
        self.seen["with deficits in several reserves"] += len(deficit) > 1
        self.seen["with a fee"] += bool(fee)
        self.seen["in an eMode"] += bool(before.emode)
        self.seen["debt left"] += after.get(debt, (0, 0, 0))[2] > 0
        self.seen["all the debt"] += after.get(debt, (0, 0, 0))[2] == 0
        self.seen["all the collateral"] += after.get(coll, (0, 0, 0))[1] == 0
        self.seen["several debts"] += sum(p[2] > 0 for p in before.position.values()) > 1

    # ---- what is tried

    def breached(self, accounts):
        data = self.m.account_data([a.address for a in accounts])
        below = [a for a, d in zip(accounts, data) if d[2] < 10**18]
        return below, [a for a, d in zip(accounts, data) if 10**18 <= d[2] < 2 * 10**18]

    def one(self, a):
        """A liquidation of some kind of this account."""
        rnd = self.rnd
        debts = [r for r, p in a.position.items() if p[2]]
        colls = [r for r, p in a.position.items() if p[0] and p[1]]
        kind = rnd.choice(("size", "all", "all", "part", "tiny"))
        if kind == "size":
            found = judge.size(self.rule, a, self.market(self.m.node.now() + 1), rnd.choice((1000000, 1050000, 1250000)), 0)
            if found:
                return self.liquidate(a.address, *found)
        if not debts or not colls:
            return None
        debt, coll = rnd.choice(debts), rnd.choice(colls)
        whole = a.position[debt][2]
        amount = ALL if kind in ("all", "size") else max(1, int(whole * rnd.random())) if kind == "part" else rnd.randint(1, 50)
        return self.liquidate(a.address, debt, amount, coll)

    def wrong_calls(self, breached, healthy, n):
        """Calls that each break one condition."""
        rnd, ids = self.rnd, range(len(self.m.d["reserves"]))
        for a in rnd.sample(healthy, min(n, len(healthy))):
            self.one(a)
        for a in rnd.sample(breached, min(n, len(breached))):
            debts = [r for r, p in a.position.items() if p[2]]
            colls = [r for r, p in a.position.items() if p[0] and p[1]]
            if not debts or not colls:
                continue
            self.liquidate(a.address, rnd.choice([r for r in ids if r not in debts]), ALL, rnd.choice(colls))
            self.liquidate(a.address, rnd.choice(debts), ALL, rnd.choice([r for r in ids if r not in colls]))

    def grace(self, accounts, n):
        """A reserve that was paused: nothing of it is liquidated until its grace period is over."""
        m, r = self.m, self.m.d["reserves"][0]
        pause = next(s for s in m.abi["configurator"] if s == "setReservePause(address,bool,uint40)")
        for paused, seconds in ((True, 0), (False, 3600)):
            m.act(m.d["admin"], "configurator", pause, r["address"], paused, seconds)
        mine = [a for a in accounts if r["id"] in a.position and a.position[r["id"]][0]]
        for a in mine[:n]:
            debts = [d for d, p in a.position.items() if p[2]]
            self.liquidate(a.address, debts[0], ALL, r["id"])
        m.pass_time(3700)
        for a in mine[:n]:
            debts = [d for d, p in a.position.items() if p[2]]
            self.liquidate(a.address, debts[0], ALL, r["id"])


def crash(m, rnd, k):
    prices = m.prices()
    fall = rnd.choice((0.01, 0.03, 0.08, 0.15)) if k else 0
    coins = [i for i, p in enumerate(prices) if p > 2 * 10**8]
    factor = [(1 - fall * rnd.random() * (i in coins)) * rnd.lognormvariate(0, 0.01) for i in range(len(prices))]
    m.report({i: max(1, round(p * f)) for i, (p, f) in enumerate(zip(prices, factor))})
    m.pass_time(rnd.choice((12, 3600, 5 * 86400)))


def version(v):
    rnd = random.Random(f"{SEED} liquidate {v}")
    with Market(v) as m:
        made = m.populate(SEED + 1, WRITTEN, TRADED)
        b = Bench(m, RULES[v], rnd)
        users = made["traded"] + made["written"]
        for k in range(ROUNDS):
            crash(m, rnd, k)
            below, healthy = b.breached(m.accounts(users))
            for a in rnd.sample(below, min(EACH, len(below))):
                b.one(a)
            below, healthy = b.breached(m.accounts(users))
            b.wrong_calls(below, healthy, 5)
        if v != "1.19":
            b.grace(b.breached(m.accounts(users))[0], 10)
        verdict(v, b)


def verdict(v, b):
    print(f"# {v}: {dict(sorted(b.seen.items()))}", flush=True)
    refusals = sum(n for k, n in b.seen.items() if k.startswith("refused"))
    tap.report(not b.wrong, f"{v}: {b.seen['liquidations']} liquidations and {refusals} refusals: {len(b.wrong)} differences",
               "\n".join(b.wrong[:SHOWN]))
    wanted = dict.fromkeys(
        ("liquidations", "with a fee", "in an eMode", "debt left", "all the debt", "all the collateral", "several debts"), 20)
    reasons = [names for text, names in REASONS if text in ("not liquidatable", "no debt", "no enabled collateral")]
    if v != "1.19":
        wanted |= {"with a deficit": 20, "with deficits in several reserves": 3}
        reasons += [names for text, names in REASONS if text in ("MustNotLeaveDust", "grace period")]
    absent = [w for w, least in wanted.items() if b.seen[w] < least]
    absent += [str(names) for names in reasons if not any(b.seen["refused: " + n] for n in names)]
    tap.report(not absent, f"{v}: every kind occurred", f"too few: {absent}; seen {dict(b.seen)}")


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"# SEED={SEED}", flush=True)
    for v in fixture.VERSIONS:
        version(v)
    tap.finish()


if __name__ == "__main__":
    main()
