#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make run-chain`: tripline on a lending market of a local node, from the market's packets to liquidations in blocks, and then
the chain's own word on what it says it has earned.

    tests/chain/run_chain.py [--seconds N] [--near N] [--others N] [--keys N] [--seed N] [--dir DIR]

Prices fall for most of the time; an oracle operator reports what the market has moved by, so that the oracle lags. Exit status 0
only if the keeper's audit holds and every comparison with the chain does. Environment: B, TRIPLINE, CHAIN_DIR."""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "diff")]
import fixture  # noqa: E402
import node as chain  # noqa: E402
import run_wire  # noqa: E402
from flashbench import DRIVER  # noqa: E402
from node import RpcError  # noqa: E402
from run_judge import ONE, Judge  # noqa: E402
from run_keeper import TRIPLINE, Keeper  # noqa: E402
from run_world import Line, Operator, World, prices_of  # noqa: E402

CALM_S, LAST_S = 4, 40        # before prices fall; at most, after the last report
BLOCKS_AFTER = 6              # so many without a new liquidation, and nothing below 1 that is worth it
CONFIRMATIONS = 3
MIN_PROFIT_USD, LEFT_USD = 5, 10  # what the keeper asks for; what may not be left
RATE = 200
INTERRUPTED = 130


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--near", type=int, default=40, help="borrowers made to breach one after the other")
    p.add_argument("--others", type=int, default=200)
    p.add_argument("--keys", type=int, default=4)
    p.add_argument("--seed", type=int, default=20261121)
    p.add_argument("--device", default="sim+model")
    p.add_argument("--dir", help="keep the keeper's state here")
    return p.parse_args()


def missing():
    for program in (TRIPLINE, DRIVER):
        if not Path(program).exists():
            return f"{program} is missing: make run-chain builds it"
    return chain.missing() or fixture.missing() or run_wire.own_network()


class Show:
    """One line that is written over on a terminal, one line in ten elsewhere."""

    def __init__(self):
        self.tty, self.n = sys.stderr.isatty(), 0

    def __call__(self, text):
        self.n += 1
        if self.tty:
            print("\r\033[K" + text, end="", file=sys.stderr, flush=True)
        elif self.n % 10 == 1:
            print(text, file=sys.stderr, flush=True)

    def end(self):
        if self.tty:
            print(file=sys.stderr)


def liquidations(line, w, since):
    topic = w.d["abi"]["pool"]["events"]["LiquidationCall"]["topic"]
    return line.rpc("eth_getLogs", {"fromBlock": hex(since + 1), "toBlock": "latest", "address": w.d["pool"], "topics": [topic]})


def below_one(w):
    """How many; None when the node cannot say: it computes with the block that it is just making now and then."""
    try:
        return sum(h < ONE and d > 0 for _, d, h in w.m.account_data(w.everyone()))
    except RpcError:
        return None


def watch(o, w, keeper, judge, player, path):
    """The run itself; why it ended early, or None."""
    show, line, begin = Show(), Line(w.node), time.monotonic()
    keep_node = w.m.node
    w.m.node = line  # the miner and the operator have connections of their own, this is this thread's
    first = path.at("eth_usd", 0)
    op = Operator(w, lambda: prices_of(path.at("btc_usd", player.at), path.at("eth_usd", player.at), first))
    op.start()
    settled = last_new = None
    seen = 0
    try:
        while True:
            if not keeper.alive():
                return "tripline ended by itself"
            for worker in (w.miner, op):
                if worker.failed:
                    return f"the world stopped: {worker.failed!r}"
            n = len(liquidations(line, w, judge.first))
            low = below_one(w)
            if n != seen or last_new is None:
                seen, last_new = n, w.miner.blocks
            if player.done() and settled is None:
                op.stop()
                op.settle()
                settled = time.monotonic()
            now = op.look()
            show(f"{time.monotonic() - begin:5.0f} s  block {int(line.rpc('eth_blockNumber'), 16)}  WETH {now['WETH']:8.2f}  "
                 f"WBTC {now['WBTC']:9.2f}  {len(op.reports)} reports  {low} accounts below 1  {n} liquidated")
            quiet = w.miner.blocks - last_new >= BLOCKS_AFTER + CONFIRMATIONS
            if settled and quiet and w.miner.blocks and time.monotonic() - settled > BLOCKS_AFTER:
                return None
            if settled and time.monotonic() - settled > LAST_S:
                return None
            time.sleep(0.5)
    finally:
        show.end()
        op.stop()
        w.miner.stop()
        w.m.node = keep_node
        line.close()


def tell(verdicts):
    good = True
    for ok, what, seen in verdicts:
        print(f"  {'yes' if ok else 'NO '}  {what}" + ("" if ok else f": {seen}"))
        good &= bool(ok)
    return good


def verdict(o, w, keeper, judge, status):
    booked = keeper.booked()
    judge.close()
    low, found = judge.left(LEFT_USD)
    print("on chain")
    print(f"  {len(judge.ours())} liquidations by the contract, {len(judge.by_us())} transactions of {len(w.keys)} keys, "
          f"blocks {judge.first + 1} to {judge.head()}")
    for s, v in sorted(judge.gained.items()):
        print(f"  {s:7} {v / 10**int(w.reserve[s]['decimals']):18.6f} earned")
    print(f"  ETH     {sum(judge.spent.values()) / 10**18:18.6f} paid for gas")
    print("held against the chain")
    return tell([(status == 0, "tripline ended well and its audit holds", f"exit {status}"), *judge.verdicts(booked),
                 (len(judge.ours()) > 0, "there were liquidations", 0),
                 (not found, f"nobody is left who is worth {LEFT_USD} dollars ({len(low)} accounts are below 1)", found)])


def run(o, folder):
    total = max(20, o.seconds)
    fall = total - CALM_S - 8
    capture = run_wire.capture(TRIPLINE, folder / "market.pcap", path="trend", seconds=fall, rate=RATE, seed=o.seed)
    path = run_wire.price_path(capture)
    btc, eth = path.at("btc_usd", 0), path.at("eth_usd", 0)
    low = prices_of(path.lowest("btc_usd") / btc, path.lowest("eth_usd") / eth, 1)
    low["LINK"] /= 15
    low["wstETH"] /= 1.18
    print(f"seed {o.seed}: a market with {o.near} borrowers that will breach and {o.others} others", flush=True)
    with World(o.seed, prices_of(btc, eth, eth), o.keys) as w:
        w.near(w.near_plan(o.near, low))
        w.far(o.others)
        w.begin()
        state = Path(o.dir) if o.dir else folder
        args = ["--set", "worth=2", "--set", f"min_profit_e8={MIN_PROFIT_USD * 10**8}"]
        keeper = Keeper(w, state, settings={"confirmations": CONFIRMATIONS}, args=args, device=o.device)
        player = run_wire.Player(capture)
        try:
            keeper.start()
            print(f"tripline follows it: {' '.join(keeper.command())}", flush=True)
            judge = Judge(w)
            w.miner.start()
            time.sleep(CALM_S)
            player.play()
            why = watch(o, w, keeper, judge, player, path)
            status, text = keeper.stop() if keeper.alive() else (keeper.process.returncode, keeper.text())
            print(text, end="" if text.endswith("\n") else "\n")
            good = verdict(o, w, keeper, judge, status)
            if why:
                print(f"run-chain: {why}")
            return 0 if good and not why else 1
        finally:
            keeper.close()
            player.close()


def on_term(*_):
    raise KeyboardInterrupt


def main():
    o = options()
    why = missing()
    if why:
        print(f"run-chain: {why}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGINT, on_term)
    folder = Path(tempfile.mkdtemp(prefix="run-chain-"))
    try:
        if o.dir:
            os.makedirs(o.dir, exist_ok=True)
        return run(o, folder)
    except (RuntimeError, OSError) as e:
        print(f"run-chain: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrun-chain: interrupted; nothing of it is left running", file=sys.stderr)
        return INTERRUPTED
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
