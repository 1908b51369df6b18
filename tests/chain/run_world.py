# SPDX-License-Identifier: Apache-2.0
"""What a keeper lives in, on a local node: the 3.6 market with the liquidation contract, an exchange at the market's prices,
borrowers whom falling prices breach one after the other, somebody who makes blocks, an oracle operator who reports what the
market has moved by, and an arbitrageur. Everything random comes from one seed. Amounts in token units, prices in dollars."""
import json
import random
import threading
import time
from bisect import bisect_right
from pathlib import Path

import judge_evm
from flashbench import ETHER, FlashBench, Order
from node import GAS, Node, RpcError, address, encode, hexed, words

GWEI = 10**9
MAX = 2**256 - 1
FOREVER = 2**40
BLOCK_TXS = 25           # that many steps of borrowers fit into a block
STEP_GAS = 1_000_000
LOTS = 10**9             # whole tokens that an arbitrageur brings
DEVIATION = 0.005        # the operator reports when the market is farther than this from the last report
WORLD_TIP, REPORT_TIP = 2 * GWEI, 5 * GWEI
FEE_CAP = 1000 * GWEI
FEE_LOW, FEE_HIGH = 10 * GWEI, 40 * GWEI  # between these the base fee walks
SETUP_S = 7200           # blocks until begin() are a second each, however quickly they are made
STABLE = ("USDC", "USDT", "DAI")
WEALTH = hex(10**26)


class Line(Node):
    """A further connection to a node that runs: a connection serves one thread."""

    def __init__(self, node):  # pylint: disable=super-init-not-called
        self.port, self.url, self.http, self.number = node.port, node.url, None, 0

    def close(self):
        if self.http:
            self.http.close()

    def send(self, frm, to, data, gas=GAS, value=0, tip=WORLD_TIP):
        return self.rpc("eth_sendTransaction", {"from": frm, "to": to, "data": hexed(data), "gas": hex(gas), "value": hex(value),
                                                "maxFeePerGas": hex(FEE_CAP), "maxPriorityFeePerGas": hex(tip)})


class PricePath:
    """Prices along a capture: {"btc": [...], "eth": [...]} by seconds from its begin."""

    def __init__(self, rows):
        self.t, self.v = {}, {}
        for t, name, price in rows:
            self.t.setdefault(name, []).append(t)
            self.v.setdefault(name, []).append(price)

    def at(self, name, t):
        return self.v[name][max(0, bisect_right(self.t[name], t) - 1)]

    def lowest(self, name):
        return min(self.v[name])


def prices_of(btc, eth, eth_first):
    """Of the assets that move. LINK is on no feed of ours: the oracle is all that is heard of it."""
    return {"WBTC": btc, "WETH": eth, "wstETH": 1.18 * eth, "LINK": 15 * (eth / eth_first) ** 1.2}


class World(FlashBench):
    """The market at these prices, with keys for a keeper. Until start() it stands still: the caller makes blocks."""

    def __init__(self, seed, prices, n_keys=4):
        super().__init__("3.6")
        self.seed, self.rnd = seed, random.Random(f"{seed} world")
        self.secrets = [self.rnd.randrange(1, judge_evm.N) for _ in range(n_keys)]
        self.keys = ["0x" + judge_evm.address(s).hex() for s in self.secrets]
        for k in self.keys:
            self.fund(k, 100)
            self.do(self.owner, "setCaller", k, True)
        self.miner = self.operator = None
        self.users_near, self.users_far = [], []
        self.node.mine(max(self.node.now() + 1, int(time.time()) - SETUP_S))  # the chain's clock is the world's from begin() on
        self.arb = f"0x{0xa4b << 144:040x}"
        self.stock(self.arb)
        self.now_prices = {r["symbol"]: int(r["price"]) / 1e8 for r in self.d["reserves"]}
        self.pairs = list(self.d["uniswap"]["pairs"])
        for stable in ("USDT", "DAI"):
            self.pool("WETH", stable, 20_000)
        self.set_prices(prices)
        for _ in range(3):  # pairs depend on each other by nothing but their prices; rounds take what fees left over
            self.align(self.node)
            self.node.mine()

    # ---- prices

    def set_prices(self, prices):
        """The oracle's, at once."""
        self.m.report({self.reserve[s]["id"]: round(p * 1e8) for s, p in prices.items()})
        self.now_prices.update(prices)

    def fall(self, factor, symbols=("WETH", "wstETH", "WBTC", "LINK"), line=None):
        """The oracle's prices of these times a factor: sends the report, makes no block."""
        self.now_prices.update({s: self.now_prices[s] * factor for s in symbols})
        return self.send_report({s: self.now_prices[s] for s in symbols}, line or self.node)

    def send_report(self, prices, line, tip=REPORT_TIP):
        symbols = sorted(prices)
        data = self.m.data("reporter", "report", [self.reserve[s]["aggregator"] for s in symbols],
                           [round(prices[s] * 1e8) for s in symbols])
        return Line.send(line, self.d["admin"], self.d["reporter"], data, tip=tip)

    def align(self, line):
        """Swaps that bring the pairs to the world's prices; no block."""
        sent = []
        for p in self.pairs:
            a, b = self.reserve[p["a"]], self.reserve[p["b"]]
            r0, r1, _ = words(line.call(p["address"], self.pair_call("getReserves()")))
            ra, rb = (r0, r1) if int(a["address"], 16) < int(b["address"], 16) else (r1, r0)
            ra, rb = ra / 10**int(a["decimals"]), rb / 10**int(b["decimals"])
            want = (ra * rb * self.now_prices[p["b"]] / self.now_prices[p["a"]]) ** 0.5
            if abs(want / ra - 1) < 0.001:
                continue
            into, amount, path = (a, want - ra, (a, b)) if want > ra else (b, ra * rb / want - rb, (b, a))
            units = int(amount / 0.997 * 10**int(into["decimals"]))
            data = self.m.data("router", "swapExactTokensForTokens", units, 0, [r["address"] for r in path], self.arb, FOREVER)
            sent.append(Line.send(line, self.arb, self.router, data, gas=STEP_GAS))
        return sent

    def pool(self, a, b, whole):
        """A further pair of the exchange, with so much of `a` in it."""
        both = [self.reserve[s] for s in (a, b)]
        units = [int(whole * self.now_prices[a] / self.now_prices[s]) * 10**int(self.reserve[s]["decimals"]) for s in (a, b)]
        self.m.act(self.arb, "router", "addLiquidity", *(r["address"] for r in both), *units, 0, 0, self.arb, FOREVER,
                   to=self.router)
        ask = encode("0x" + judge_evm.keccak(b"getPair(address,address)")[:4].hex(), *(r["address"] for r in both))
        self.pairs.append({"a": a, "b": b, "address": address(words(self.node.call(self.d["uniswap"]["factory"], ask))[0])})

    def order(self, user, collateral, debt, **more):
        """As the keeper sells: in one pool, or where there is none in two by way of WETH."""
        direct = collateral == debt or any({p["a"], p["b"]} == {collateral, debt} for p in self.pairs)
        return Order(user, self.tokens[debt], self.tokens[collateral], self.router, via=[] if direct else [self.d["weth"]], **more)

    def pair_call(self, name):
        return encode(self.d["abi"]["pair"]["functions"][name])

    def stock(self, who):
        """Plenty of every token, with the router and the pool allowed to take it."""
        self.node.rpc("anvil_setBalance", who, WEALTH)
        for r in self.d["reserves"]:
            self.m.give(r, who, LOTS // (1000 if r["symbol"] == "WETH" else 1) * 10**int(r["decimals"]))
            for spender in (self.router, self.d["pool"]):
                self.m.act(who, "token", "approve", spender, MAX, to=r["address"])

    # ---- borrowers

    def step(self, txs):
        for i in range(0, len(txs), BLOCK_TXS):
            sent = [("eth_sendTransaction", [{**t, "gas": hex(STEP_GAS)}]) for t in txs[i:i + BLOCK_TXS]]
            hashes = self.node.batch(sent)
            self.node.mine()
            for r in self.node.batch([("eth_getTransactionReceipt", [h]) for h in hashes]):
                assert r and int(r["status"], 16) == 1, "a borrower's step was refused"

    def near(self, plans):
        """Borrowers made to breach: (collateral, debt, dollars, factor): liquidatable from where the collateral's price
        has fallen to below that factor of today's against the debt's. Their addresses, in order."""
        users = [f"0x{0xb0b << 144 | self.users + k + 1:040x}" for k in range(len(plans))]
        self.users += len(plans)
        self.node.batch([("anvil_setBalance", [u, WEALTH]) for u in users])
        mint, approve, supply, borrow = [], [], [], []
        for u, (coll, debt, dollars, factor) in zip(users, plans):
            c, d = self.reserve[coll], self.reserve[debt]
            amount = int(dollars / self.now_prices[coll] * 10**int(c["decimals"]))
            owed = int(dollars * c["lt"] / 10000 * factor / self.now_prices[debt] * 10**int(d["decimals"]))
            tx = {"from": u, "to": c["address"]}
            if coll == "WETH":
                mint.append({**tx, "data": hexed(self.m.data("weth", "deposit")), "value": hex(amount)})
            else:
                mint.append({**tx, "data": hexed(self.m.data("token", "mint", u, amount))})
            approve.append({**tx, "data": hexed(self.m.data("token", "approve", self.d["pool"], MAX))})
            pool = {"from": u, "to": self.d["pool"]}
            supply.append({**pool, "data": hexed(self.m.data("pool", "supply", c["address"], amount, u, 0))})
            borrow.append({**pool, "data": hexed(self.m.data("pool", "borrow", d["address"], owed, 2, 0, u))})
        for s in (mint, approve, supply, borrow):
            self.step(s)
        self.users_near += users
        return users

    def near_plan(self, n, lowest):
        """n borrowers that breach one after the other while each collateral falls to `lowest` ({symbol: factor})."""
        plans = []
        for k in range(n):
            coll = ("WETH", "WBTC", "LINK", "wstETH")[k % 4]
            r = self.reserve[coll]
            top = r["ltv"] / r["lt"] * 0.998
            bottom = min(top, lowest[coll] * 1.01)
            factor = top - (top - bottom) * (k // 4 + 0.5) / (n // 4 + 1)
            plans.append((coll, self.rnd.choice(STABLE), 10 ** self.rnd.uniform(4.0, 5.3), factor))
        return plans

    def far(self, n):
        """Others, of every shape (js/accounts.js); some of them breach too."""
        self.users_far += self.m.populate(self.rnd.randrange(2**32), 0, n)["traded"]

    def everyone(self):
        return self.users_near + self.users_far

    # ---- time

    def begin(self):
        """Blocks come by mine() alone from here on, with the world's clock and a price of gas that means something."""
        self.miner = Miner(self)

    def close(self):
        if self.operator:
            self.operator.stop()
        if self.miner:
            self.miner.stop()

    def __exit__(self, *exc):
        self.close()
        super().__exit__(*exc)


class Worker:
    """A thread that does work() again and again. What it dies of is kept in `failed`."""

    def __init__(self, world, pause):
        self.world, self.pause, self.failed = world, pause, None
        self.line, self._end, self._thread = Line(world.node), threading.Event(), None

    def start(self):
        self._end.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        next_ = time.monotonic()
        try:
            while not self._end.is_set():
                self.work()
                next_ = max(next_ + self.pause, time.monotonic())
                self._end.wait(next_ - time.monotonic())
        except (OSError, RpcError, ValueError, KeyError) as e:
            self.failed = e

    def stop(self):
        self._end.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def work(self):
        raise NotImplementedError


class Miner(Worker):
    """Blocks once a second, or by hand (mine). A base fee that walks between 10 and 40 gwei unless it is set."""

    def __init__(self, world, pause=1.0):
        super().__init__(world, pause)
        self.rnd, self.fee, self.fixed, self.lock, self.blocks = random.Random(f"{world.seed} miner"), 20.0, None, threading.Lock(), 0
        self.mine()

    def mine(self):
        with self.lock:
            self.fee = min(FEE_HIGH / GWEI, max(FEE_LOW / GWEI, self.fee * self.rnd.uniform(0.95, 1.055)))
            self.line.rpc("anvil_setNextBlockBaseFeePerGas", hex(self.fixed if self.fixed else int(self.fee * GWEI)))
            self.line.mine(max(self.line.now() + 1, int(time.time())))
            self.blocks += 1

    def work(self):
        self.mine()


class Operator(Worker):
    """Looks at the market and reports what is farther than DEVIATION from the last report; the arbitrageur keeps the pairs
    at the market's prices meanwhile. look(): {symbol: dollars}. reports: (time, symbols)."""

    def __init__(self, world, look, pause=0.1):
        super().__init__(world, pause)
        self.look, self.told, self.reports, self.swaps = look, dict(look()), [], 0
        self._aligned = None  # block in which it was last looked at: swaps that are under way are not seen
        world.operator = self

    def work(self):
        now = self.look()
        off = {s: p for s, p in now.items() if abs(p / self.told[s] - 1) > DEVIATION}
        if off:
            self.world.send_report(off, self.line)
            self.told.update(off)
            self.reports.append((time.monotonic(), sorted(off)))
        block = self.line.rpc("eth_blockNumber")
        if block != self._aligned:
            self.world.now_prices.update(now)
            self.swaps += len(self.world.align(self.line))
            self._aligned = block

    def settle(self):
        """A last report of where the market stands, however little it has moved."""
        now = self.look()
        self.world.send_report(now, self.line)
        self.told.update(now)


def save(path, value):
    Path(path).write_text(json.dumps(value))


__all__ = ["DEVIATION", "ETHER", "GWEI", "Line", "Miner", "Operator", "PricePath", "STABLE", "World", "Worker", "prices_of", "save"]
