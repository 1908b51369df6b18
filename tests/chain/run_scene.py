# SPDX-License-Identifier: Apache-2.0
"""A small world with a keeper in it, for faults: the oracle's price falls when told, blocks come when told, two nodes that are
proxies in front of one. At the end the same judgement for every fault."""
import time
from pathlib import Path

import run_wire
from flashbench import ETHER
from run_judge import ONE, Judge
from run_keeper import TRIPLINE, Keeper
from run_proxy import HONEST, Proxy
from run_world import Line, World, prices_of

CONFIRMATIONS = 3
BORROWERS = 6
FALL = 0.90              # of WETH, and WBTC's: below every borrower's factor
WAIT_S = 40
BLOCK_S = 0.4            # between blocks made in a loop: the keeper may follow
LEFT_USD = 10
GAP_S = 2.0              # of the capture: prices jump in its middle
PENDING = ("no reply", "")
RIVAL = f"0x{0x717a1 << 140:040x}"


class Scene:
    """world, judge, keeper, proxies (a, b) and a connection of this thread's (line)."""

    def __init__(self, seed, folder, settings=None, args=(), near=BORROWERS):
        self.folder = Path(folder)
        capture = run_wire.capture(TRIPLINE, self.folder / "market.pcap", path="gap", seconds=int(2 * GAP_S), rate=200, seed=seed)
        path = run_wire.price_path(capture)
        btc, eth = path.at("btc_usd", 0), path.at("eth_usd", 0)
        self.w = World(seed, prices_of(btc, eth, eth), n_keys=2)
        try:
            self.users = self.w.near(self.plans(near))
            self.w.begin()
            self.line = Line(self.w.node)
            self.proxies = [Proxy(self.w.node), Proxy(self.w.node)]
            settings = {"confirmations": CONFIRMATIONS, "stall_s": 0, **(settings or {})}
            self.confirmations = settings["confirmations"]
            self.keeper = Keeper(self.w, self.folder, [p.url for p in self.proxies], settings,
                                 ["--set", "worth=2", "--set", "min_profit_e8=500000000", *args], device="model")
            self.player = run_wire.Player(capture)
        except BaseException:
            self.w.__exit__()
            raise
        self.judge = None

    def plans(self, n):
        """Borrowers at whose factor the market is not yet when the run begins, and is well below after the fall."""
        rnd = self.w.rnd
        return [(("WETH", "WBTC")[k % 2], rnd.choice(("USDC", "USDT")), 10 ** rnd.uniform(4.3, 5.0), rnd.uniform(0.915, 0.93))
                for k in range(n)]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.keeper.close()
        self.player.close()
        for p in self.proxies:
            p.close()
        self.line.close()
        self.w.__exit__(*exc)

    # ---- the story

    def begin(self):
        """The keeper is up, the market's calm half has been sent, the contract's and the keys' money is counted."""
        self.keeper.start()
        self.judge = Judge(self.w)
        self.player.play(GAP_S - 0.5)
        self.player.join()
        self.blocks(2)

    def market_falls(self):
        """The market's price jumps; the oracle has not said so."""
        self.player.play()
        self.player.join()
        self.blocks(2)

    def oracle_falls(self):
        """The report, in a block."""
        self.w.fall(FALL, line=self.line)
        self.w.align(self.line)
        self.w.miner.mine()

    def blocks(self, n=1):
        for _ in range(n):
            self.w.miner.mine()
            time.sleep(BLOCK_S)

    def sent(self):
        """Transactions that came to either node, as bytes."""
        return list(dict.fromkeys(raw for p in self.proxies for raw in p.raw))

    def until(self, what, then=None, seconds=WAIT_S):
        """Waits; `then` is done again and again meanwhile. Whether it came true."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                return False
            if then:
                then()
            time.sleep(0.02)
        return True

    def until_sent(self, n=1):
        return self.until(lambda: len(self.sent()) >= n)

    def low(self):
        return [u for u, (_, debt, h) in zip(self.users, self.w.m.account_data(self.users)) if debt and h < ONE]

    def until_clear(self, seconds=WAIT_S):
        """Blocks until nobody is below 1, then those that make the last one final."""
        clear = self.until(lambda: not self.low(), self.blocks, seconds)
        self.blocks(self.confirmations + 3)
        return clear

    def honest(self):
        for p in self.proxies:
            p.mode, p.delay = HONEST, 0.0

    def fund(self, who):
        self.w.node.rpc("anvil_setBalance", who, hex(100 * ETHER))

    # ---- the judgement

    def judgement(self, gone=None):
        """[(holds, what, seen)]. gone: exit status and output of a keeper that was stopped before."""
        status, text = gone or self.keeper.stop()
        booked = self.keeper.booked()
        self.judge.close()
        low, found = self.judge.left(LEFT_USD)
        orders = self.keeper.orders()
        unsaid = [(k, v) for k, v in orders if v.strip() in PENDING]
        report = self.keeper.replay()
        known = {k for k, _ in orders} | self.keeper.ready()
        return [(status == 0, "ends well, its audit holds", text[-1500:]), *self.judge.verdicts(booked),
                (not found, f"nobody is left who is worth it ({len(low)} below 1)", found),
                (orders and not unsaid, "each order ends in a stated state", unsaid or "no orders"),
                (all(k in known for k, _, ok in booked.mined if ok), "each effect is an order's of the journal",
                 [k for k, _, _ in booked.mined if k not in known]),
                (report is None, "the journal replays exactly", report)]


__all__ = ["RIVAL", "Scene"]
