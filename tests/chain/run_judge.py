# SPDX-License-Identifier: Apache-2.0
"""What the chain itself says of a keeper's run, held against what the keeper has booked. Nothing here is taken from the
keeper but `Booked`."""
from collections import Counter
from dataclasses import dataclass, field

from flashbench import ALL, LOAN
from node import address, words
from run_world import FEE_HIGH

ONE = 10**18
PARTS = (1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01)  # of a debt, tried for what may be left to earn
BASE = 10**8
LIQUIDATIONS = "LiquidationCall"


@dataclass
class Booked:
    """By the keeper. profit: {symbol: token units}; gas: wei; mined: [(order's key, transaction's hash, success)], as
    told last of each hash that is still in the chain."""
    profit: dict = field(default_factory=dict)
    gas: int = 0
    mined: list = field(default_factory=list)


@dataclass
class Liquidation:
    block: int
    index: int
    tx: str
    user: str
    collateral: str
    debt: str
    repaid: int
    seized: int
    ours: bool


class Judge:
    """Made when the run begins; `close` looks at the chain as it is then. Expects that nobody makes blocks meanwhile."""

    def __init__(self, world):
        self.w, self.node, self.m = world, world.node, world.m
        self.symbol = {r["address"].lower(): r["symbol"] for r in world.d["reserves"]}
        self.first = self.head()
        self.tokens, self.wei = self.holdings()
        self.liquidations, self.sent, self.receipts = [], [], {}
        self.gained, self.spent = {}, {}
        self.foreign = set()  # hashes of transactions of the keys that somebody else has made

    def head(self):
        return int(self.node.rpc("eth_blockNumber"), 16)

    def holdings(self):
        w = self.w
        return {s: w.balance(s) for s in w.tokens}, {k: w.ether(k) for k in w.keys}

    # ---- what happened

    def close(self):
        """Reads all that came since: liquidations, and the keys' transactions with their receipts."""
        last = self.head()
        topic = self.w.d["abi"]["pool"]["events"][LIQUIDATIONS]["topic"]
        logs = self.node.rpc("eth_getLogs", {"fromBlock": hex(self.first + 1), "toBlock": hex(last),
                                             "address": self.w.d["pool"], "topics": [topic]})
        self.liquidations = [self._liquidation(log) for log in logs]
        keys = {k.lower() for k in self.w.keys}
        blocks = self.node.batch([("eth_getBlockByNumber", [hex(n), True]) for n in range(self.first + 1, last + 1)])
        by_keys = [t for b in blocks for t in b["transactions"] if t["from"].lower() in keys]
        self.sent = [t for t in by_keys if t["hash"] not in self.foreign]
        got = self.node.batch([("eth_getTransactionReceipt", [t["hash"]]) for t in self.sent])
        self.receipts = {r["transactionHash"]: r for r in got}
        tokens, wei = self.holdings()
        self.gained = {s: tokens[s] - self.tokens[s] for s in tokens if tokens[s] != self.tokens[s]}
        self.spent = {k: self.wei[k] - wei[k] for k in wei}
        for t in by_keys:
            if t["hash"] in self.foreign:
                r = self.node.receipt(t["hash"])
                key = next(k for k in self.spent if k.lower() == t["from"].lower())
                self.spent[key] -= int(r["gasUsed"], 16) * int(r["effectiveGasPrice"], 16) + int(t["value"], 16)
        return self

    def _liquidation(self, log):
        coll, debt, user = (address(int(t, 16)) for t in log["topics"][1:4])
        repaid, seized, by, _ = words(bytes.fromhex(log["data"][2:]))
        return Liquidation(int(log["blockNumber"], 16), int(log["transactionIndex"], 16), log["transactionHash"], user,
                           self.symbol[coll], self.symbol[debt], repaid, seized, by == int(self.w.contract, 16))

    def ours(self):
        return [x for x in self.liquidations if x.ours]

    def by_us(self):
        """{hash: success} of the keys' transactions that are in the chain."""
        return {h: int(r["status"], 16) == 1 for h, r in self.receipts.items()}

    # ---- verdicts: (holds, what, seen)

    def money(self, booked):
        profit = {s: v for s, v in booked.profit.items() if v}
        spent = sum(self.spent.values())
        return [(profit == self.gained, "profit booked is what the contract holds more of, token by token", (profit, self.gained)),
                (booked.gas == spent, "gas booked is what the keys have less, to the wei", (booked.gas, spent))]

    def receipts_agree(self):
        """The chain with itself: else the other comparisons prove nothing."""
        cost = Counter()
        for t in self.sent:
            r = self.receipts[t["hash"]]
            cost[t["from"].lower()] += int(r["gasUsed"], 16) * int(r["effectiveGasPrice"], 16)
            cost[t["from"].lower()] += int(t["value"], 16) if int(r["status"], 16) == 1 and t["to"] != t["from"] else 0
        want = {k.lower(): v for k, v in self.spent.items()}
        return cost == {k: v for k, v in want.items() if v}, "the keys' receipts sum up to what the keys have less", (cost, want)

    def once(self, booked):
        """No effect twice, and none that is not booked, under one order's key each."""
        orders = Counter(k for k, _, ok in booked.mined if ok)
        told = {h: 0 for _, h, _ in booked.mined}
        for _, h, ok in booked.mined:
            told[h] += ok
        chain = {h: 0 for h in self.by_us()}
        for x in self.ours():
            chain[x.tx] = chain.get(x.tx, 0) + 1
        return [(len(booked.mined) == len({(k, h) for k, h, _ in booked.mined}), "no order's outcome is booked twice", booked.mined),
                (all(n == 1 for n in orders.values()), "no order took effect twice", [k for k, n in orders.items() if n > 1]),
                (told == chain, "every transaction of the keys in the chain is booked, each with as many effects as it has",
                 {h: (told.get(h), chain.get(h)) for h in told.keys() | chain.keys() if told.get(h) != chain.get(h)})]

    def rightful(self):
        """Each of ours was of an account that the oracle's price had made liquidatable: below 1 at the end of the block
        before, or a report stands in front of it in its block."""
        wrong, same_block = [], 0
        for x in self.ours():
            if self.below_one(x.user, x.block - 1):
                continue
            if self.report_before(x.block, x.index):
                same_block += 1
            else:
                wrong.append(x)
        return not wrong, f"every liquidation was of an account that the oracle's price made liquidatable ({same_block} of " \
                          f"{len(self.ours())} in the block of the report)", wrong

    def below_one(self, user, block):
        data = self.m.data("pool", "getUserAccountData", user)
        return words(self.node.call(self.w.d["pool"], data, hex(block)))[5] < ONE

    def report_before(self, block, index):
        txs = self.node.rpc("eth_getBlockByNumber", hex(block), True)["transactions"]
        return any(t["to"] and t["to"].lower() == self.w.d["reporter"].lower() for t in txs[:index])

    def verdicts(self, booked):
        return [self.receipts_agree(), *self.money(booked), *self.once(booked), self.rightful()]

    # ---- what was left

    def left(self, least_usd):
        """Accounts that are liquidatable now with what could be had of each, profit after gas of at least so much."""
        users = self.w.everyone()
        low = [u for u, (_, debt, h) in zip(users, self.m.account_data(users)) if h < ONE and debt]
        found = [(u, *best) for u in low for best in [self.best(u)] if best and best[0] >= least_usd]
        return low, found

    def best(self, user):
        """(dollars, collateral, debt, amount) of the best call that the node itself lets through, or None."""
        a, prices = self.m.accounts([user])[0], self.m.prices()
        debts = [r for r, (_, _, d) in a.position.items() if d]
        colls = [r for r, (on, s, _) in a.position.items() if on and s]
        out, reserves = [], self.w.d["reserves"]
        for d in debts:
            owed = words(self.node.call(reserves[d]["vToken"], self.m.data("token", "balanceOf", user)))[0]
            for c in colls:
                for part in PARTS:
                    amount = ALL if part == 1 else int(owed * part)
                    got = self.tried(user, reserves[c]["symbol"], reserves[d]["symbol"], amount, prices)
                    out += [(got, reserves[c]["symbol"], reserves[d]["symbol"], amount)] if got is not None else []
        return max(out, default=None)

    def tried(self, user, coll, debt, amount, prices):
        """Dollars of that call, after gas at the most that it costs in this world, done and undone again; None: refused."""
        w, at = self.w, self.w.snapshot()
        try:
            s = w.one(w.order(user, coll, debt, amount=amount, flags=LOAN))
            if not s.ok:
                return None
            r = w.reserve[debt]
            earned = s.results[0].profit * prices[r["id"]] / 10**int(r["decimals"]) / BASE
            return earned - s.cost * max(s.price, FEE_HIGH) / 10**18 * prices[w.reserve["WETH"]["id"]] / BASE
        finally:
            w.restore(at)


__all__ = ["Booked", "Judge", "Liquidation"]
