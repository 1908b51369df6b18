# SPDX-License-Identifier: Apache-2.0
"""A plain liquidator in Python in the keeper's place: proves that the world works and that the judges see what is wrong."""
from flashbench import LOAN
from run_judge import Booked


class StandIn:
    """Works account by account with one of the world's keys, for which the node signs."""

    def __init__(self, world, judge):
        self.w, self.judge, self.booked = world, judge, Booked()
        self.orders = 0

    def round(self, least_usd):
        """Liquidates everybody for whom it is worth that much; how many."""
        done = 0
        _, found = self.judge.left(least_usd)
        for user, _, coll, debt, amount in found:
            self.orders += 1
            key = self.w.keys[self.orders % len(self.w.keys)]
            order = self.w.order(user, coll, debt, amount=amount, flags=LOAN)
            sent = self.w.send(key, self.w.driver.single(order))
            self.booked.gas += sent.cost * sent.price
            tx = self.w.node.rpc("eth_getBlockByNumber", hex(sent.block), False)["transactions"][0]
            self.booked.mined.append((self.orders, tx, sent.ok))
            if sent.ok:
                r = sent.results[0]
                symbol = self.judge.symbol[r.debt.lower()]
                self.booked.profit[symbol] = self.booked.profit.get(symbol, 0) + r.profit
                done += 1
        return done
