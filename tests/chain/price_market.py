# SPDX-License-Identifier: Apache-2.0
"""A market whose oracle has a price source of each kind, and a process that follows it (prices_live)."""
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "diff")]
import judge_evm  # noqa: E402
import judge_prices as judge  # noqa: E402
from market import Market  # noqa: E402
from node import CHAIN_DIR, GAS, RpcError, encode, word, words  # noqa: E402

LIVE = Path(os.environ.get("B", "build")) / "chain/prices_live"
DAY = 86400
WAIT_S = 240
ZERO = "0x" + "00" * 20
TX, TIME, READ, UNSURE = 1, 2, 3, 4
FREE, UNREAD, ABSENT, DIFFERS = 0, 1, 2, 3


def selector(text):
    return "0x" + judge_evm.keccak(text.encode())[:4].hex()


class PriceMarket(Market):
    """Contracts beside the fixture's market, which stays as it is; assets are addresses without tokens."""

    def __init__(self, version="3.6", **args):
        super().__init__(version, **args)
        self.admin = self.d["admin"]
        self.oracle = self.d["oracle"]
        self.provider = self.d["provider"]

    def tx(self, to, signature, *args, **more):
        """Into the pool; mined with the next block."""
        data = "0x" + encode(selector(signature), *args).hex()
        return self.node.rpc("eth_sendTransaction", {"from": self.admin, "to": to, "data": data, "gas": hex(GAS), **more})

    def mined(self, *args, **more):
        tx = self.tx(*args, **more)
        self.node.mine()
        assert int(self.node.receipt(tx)["status"], 16) == 1, args
        return tx

    def deploy(self, name, *args):
        code = json.loads((CHAIN_DIR / "artifacts" / f"{name}.json").read_text())["bytecode"]
        return self.create(code, b"".join(map(word, args)))

    def create(self, code, args):
        tx = self.node.rpc("eth_sendTransaction", {"from": self.admin, "data": code + args.hex(), "gas": hex(GAS)})
        self.node.mine()
        return self.node.receipt(tx)["contractAddress"]

    def aggregator(self, decimals, answer):
        """Aggregator(uint8, string, int256), the text empty."""
        code = json.loads((CHAIN_DIR / "artifacts/Aggregator.json").read_text())["bytecode"]
        return self.create(code, word(decimals) + word(96) + word(answer) + word(0))

    def sources(self, pairs):
        self.mined(self.oracle, "setAssetSources(address[],address[])", [a for a, _ in pairs], [s for _, s in pairs])

    def price(self, asset, block="latest"):
        """What the oracle answers; None when it reverts."""
        try:
            return words(self.node.call(self.oracle, encode(selector("getAssetPrice(address)"), asset), block))[0]
        except RpcError:
            return None

    def block(self, which="latest"):
        return self.node.rpc("eth_getBlockByNumber", which, False)


class Live:
    """The follower as a process: its lines by block, prices and holds as its consumer knows them."""

    def __init__(self, m, assets, urls, refresh=None):
        env = dict(os.environ, **({"REFRESH_BLOCKS": str(refresh)} if refresh else {}))
        self.p = subprocess.Popen([LIVE, m.oracle, m.provider, ",".join(assets), *urls], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, env=env, bufsize=1)
        self.lines, self.price, self.hold = queue.Queue(), {}, {}
        self.notices = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.p.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def _next(self):
        line = self.lines.get(timeout=WAIT_S)
        if line is None:
            raise RuntimeError(f"the follower ended: {self.p.wait()}")
        w = line.split()
        if w[0] == "notice":
            self.notices.append(line[7:])
        if w[0] in ("group", "candidate"):
            changes = {int(c.split(":")[0]): (int(c.split(":")[1]), int(c.split(":")[2])) for c in w[4 if w[0] == "group" else 3:]}
            if w[0] == "group":
                for i, (hold, price) in changes.items():
                    self.hold[i], self.price[i] = hold, price
                return "group", int(w[1]), int(w[2]), w[3], changes
            return "candidate", int(w[1]), w[2], changes
        return tuple(w)

    def until(self, kind, *match):
        """All that comes up to that line, the line included."""
        out = []
        while True:
            e = self._next()
            out.append(e)
            if e[0] == kind and all(str(m) in map(str, e[1:]) for m in match):
                return out

    def block(self, m):
        """Up to the end of the chain's latest block."""
        b = m.block()
        return int(b["timestamp"], 16), self.until("end", b["hash"])

    def states(self):
        self.p.stdin.write("?\n")
        self.p.stdin.flush()
        out = self.until("done")
        return {int(e[1]): e for e in out if e[0] == "state"}, {e[0]: e for e in out}

    def close(self):
        self.p.stdin.close()
        return self.p.wait(timeout=WAIT_S)


__all__ = ["ABSENT", "DAY", "DIFFERS", "FREE", "Live", "PriceMarket", "READ", "TIME", "TX", "UNREAD", "UNSURE", "ZERO", "judge",
           "selector"]
