#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a run on a chain is told (run/chain_line.h), by tests/chain/line_live.c: accounts as pairs, parameters, the
oracle's prices, the pools' reserves and the base fee, through borrowing, liquidations, new prices, sales and
reorganisations. At quiet moments everything is what the contracts say at that block. Prints TAP. SEED, ROUNDS."""
import os
import queue
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from market import Market  # noqa: E402
from node import encode, words  # noqa: E402

B = os.environ.get("B", "build")
TRIPLINE, LIVE = os.environ.get("TRIPLINE", f"{B}/tripline"), f"{B}/chain/line_live"
SEED, ROUNDS = int(os.environ.get("SEED", 20261121)), int(os.environ.get("ROUNDS", 12))
ALL = 2**256 - 1
WAIT_S = 240
FREE = 0


class Line:
    """The driver, and what a session would know by it."""

    def __init__(self, args):
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.account, self.price, self.hold = queue.Queue(), {}, {}, {}
        self.market = self.exits = None
        self.applied, self.block, self.broken, self.counters, self.states = 0, 0, [], {}, 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.p.stdout:
            self.lines.put(line.split())
        self.lines.put(None)

    def _take(self, w):
        if w[0] in ("loaded", "state"):
            held = {int(i): (c == "1", int(s), int(d)) for i, c, s, d in (x.split(":") for x in w[4:])}
            self.account[int(w[1])] = (int(w[3]), held)
            self.states += w[0] == "state"
        elif w[0] == "market":
            self.market = [tuple(map(int, x.split(":"))) for x in w[1:]]
        elif w[0] == "prices":
            for a, h, p in (map(int, x.split(":")) for x in w[2:]):
                self.hold[a] = h
                self.price[a] = p or self.price.get(a)
        elif w[0] == "told":
            self.block = int(w[1])
        elif w[0] == "exits":
            self.exits = int(w[1]), int(w[2]), int(w[3]), [tuple(map(int, x.split(":"))) for x in w[4:]]
        elif w[0] == "applied":
            self.applied = int(w[1])
        elif w[0] == "counters":
            self.counters = dict(zip(w[1::2], map(int, w[2::2])))
        elif w[0] != "candidate":
            self.broken.append(" ".join(w))

    def until(self, head, reserves):
        """All of that block is told, and the pools as they are there. False: not in time."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and not self.broken:
            if self.applied == head and self.block == head and self.exits and self.exits[3] == reserves:
                return True
            try:
                w = self.lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if w is None:
                return False
            self._take(w)
        return False

    def end(self):
        self.p.stdin.close()
        while (w := self.lines.get(timeout=WAIT_S)) is not None:
            self._take(w)
        return self.p.wait(WAIT_S)


class Bench:
    def __init__(self, m, tmp):
        self.m, self.rnd, self.db = m, random.Random(SEED), os.path.join(tmp, "line.db")
        self.users = m.populate(SEED, 0, 60)["traded"]
        self.liquidator = m.node.rpc("eth_accounts")[2]
        self.pairs = [p["address"] for p in m.d["uniswap"]["pairs"]]
        self.router = m.d["uniswap"]["router"]
        self.done = {}
        for r in m.d["reserves"]:
            m.give(r, self.liquidator, 10**6 * 10**int(r["decimals"]))
            for spender in (m.d["pool"], self.router):
                m.act(self.liquidator, "token", "approve", spender, ALL, to=r["address"])

    def index(self):
        return subprocess.run([TRIPLINE, "chain", "index", "--node", self.m.node.url, "--pool", self.m.d["pool"], "--db", self.db,
                               "--rule", "aave-3.6"], text=True, capture_output=True, check=False, timeout=300)

    def open(self, url):
        return Line([LIVE, self.db, self.m.d["pool"], self.router, self.m.d["weth"], "31337", ",".join(self.pairs), url])

    def tables(self):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=10) as c:
            ids = {"0x" + a.hex(): i for a, i in c.execute("SELECT address, id FROM chain_accounts")}
            instrument = dict(c.execute("SELECT reserve, instrument FROM chain_reserves"))
        return ids, instrument

    # ---- what people do; the pool may refuse

    def do(self, frm, contract, name, *args, to=None):
        n = self.m.node
        n.rpc("anvil_setBalance", frm, hex(10**22))
        tx = n.send(frm, to or self.m.d[contract], self.m.data(contract, name, *args))
        n.mine()
        good = int(n.receipt(tx)["status"], 16) == 1
        key = name.split("(")[0]
        self.done[key] = self.done.get(key, 0) + good
        return good

    def newcomer(self):
        user = "0x" + self.rnd.randbytes(20).hex()
        weth, usdc = self.m.d["reserves"][0], self.m.d["reserves"][2]
        self.m.node.rpc("anvil_setBalance", user, hex(10**20))
        self.m.give(usdc, user, 10**10)
        self.do(user, "token", "approve", self.m.d["pool"], ALL, to=usdc["address"])
        self.do(user, "pool", "supply", usdc["address"], 10**10, user, 0)
        if self.do(user, "pool", "borrow", weth["address"], 10**17, 2, 0, user):
            self.users.append(user)

    def sale(self):
        a, b = self.rnd.sample(self.m.d["reserves"], 2)
        pair = next((p for p in self.m.d["uniswap"]["pairs"] if {p["a"], p["b"]} == {a["symbol"], b["symbol"]}), None)
        if pair:
            sold = self.rnd.randrange(1, 100) * 10**int(a["decimals"]) // 10
            self.do(self.liquidator, "router", "swapExactTokensForTokens", sold, 0, [a["address"], b["address"]], self.liquidator,
                    2**40, to=self.router)

    def liquidation(self):
        a = self.m.accounts([self.rnd.choice(self.users)])[0]
        debts = [r for r, p in a.position.items() if p[2]]
        colls = [r for r, p in a.position.items() if p[0] and p[1]]
        if debts and colls:
            debt, coll = self.rnd.choice(debts), self.rnd.choice(colls)
            r = self.m.d["reserves"]
            self.m.report({coll: max(1, self.m.prices()[coll] * self.rnd.randrange(60, 95) // 100)})
            self.do(self.liquidator, "pool", "liquidationCall", r[coll]["address"], r[debt]["address"], a.address, ALL, False)

    def action(self):
        rnd, d = self.rnd, self.m.d
        user, r = rnd.choice(self.users), rnd.choice(d["reserves"])
        what = rnd.randrange(6)
        if what == 0:
            self.newcomer()
        elif what == 1:
            held = self.m.accounts([user])[0].position
            r = next((d["reserves"][i] for i, p in held.items() if p[2]), r)
            self.do(self.liquidator, "pool", "repay", r["address"], rnd.randrange(1, 10**6), 2, user)
        elif what == 2:
            self.do(user, "pool", "setUserUseReserveAsCollateral", r["address"], rnd.random() < 0.5)
        elif what == 3:
            self.liquidation()
        elif what == 4:
            self.sale()
        else:
            ids = rnd.sample(range(len(d["reserves"])), rnd.randrange(1, 4))
            prices = self.m.prices()
            self.m.report({i: prices[i] * rnd.randrange(980, 1021) // 1000 for i in ids})
            self.done["report"] = self.done.get("report", 0) + 1

    # ---- against the contracts

    def pools(self, block):
        """(token0, token1, reserves) of each pair, as instruments."""
        get = {s: encode(self.m.d["abi"]["pair"]["functions"][s]) for s in ("getReserves()", "token0()")}
        _, instrument = self.tables()
        by_symbol = {r["symbol"]: (int(r["address"], 16), instrument[int(r["id"])]) for r in self.m.d["reserves"]}
        out = []
        for p in self.m.d["uniswap"]["pairs"]:
            r0, r1, _ = words(self.m.node.call(p["address"], get["getReserves()"], hex(block)))
            first = words(self.m.node.call(p["address"], get["token0()"], hex(block)))[0]
            (x, i), (_, j) = by_symbol[p["a"]], by_symbol[p["b"]]
            out.append((i, j, r0, r1) if x == first else (j, i, r0, r1))
        return out

    def at_head(self, line):
        head = int(self.m.node.rpc("eth_blockNumber"), 16)
        return line.until(head, self.pools(head)), head

    def compare(self, line, name):
        n, wrong = self.m.node, []
        good, head = self.at_head(line)
        if not good:
            wrong.append(("not at the head", head, line.applied, line.block, line.exits and line.exits[:3], line.broken[:2]))
        ids, instrument = self.tables()
        half = len(instrument)
        for a in self.m.accounts(self.users):
            held = {instrument[r]: (c, s if c else 0, d) for r, (c, s, d) in a.position.items() if d or (c and s)}
            i = ids.get(a.address.lower())
            if i is None:
                wrong += [(a.address, "owes and is not known")] if any(d for _, _, d in held.values()) else []
            elif line.account.get(2 * i) != (a.emode, held):
                wrong.append((a.address, line.account.get(2 * i), (a.emode, held)))
        for r in self.m.reserves():
            asset, lt, liquidity, borrow = line.market[instrument[r.id]]
            twin = line.market[instrument[r.id] + half]
            if (lt, liquidity, borrow) != (r.lt, r.liquidity_index, r.borrow_index) or twin[1:] != (lt, liquidity, borrow):
                wrong.append((r.symbol, lt, liquidity, borrow, r.lt, r.liquidity_index, r.borrow_index))
            price = self.m.prices()[r.id]
            if line.hold.get(asset) != FREE or line.price.get(asset) != price:
                wrong.append((r.symbol, line.hold.get(asset), line.price.get(asset), price))
        if line.exits:
            fee = int(n.rpc("eth_getBlockByNumber", hex(line.exits[0]), False)["baseFeePerGas"], 16)
            if line.exits[1] != fee or line.exits[2] != instrument[0]:
                wrong.append(("base fee, native", line.exits[:3], fee))
        tap.report(not wrong, f"{name}: {len(self.users)} users, prices, pools are the contracts'", wrong[:3])


def whole(b, ipc):
    p = b.index()
    tap.report(p.returncode == 0, "index", p.stdout + p.stderr)
    b.m.node.mine()  # a block that the store does not have yet
    line = b.open(f"ipc:{ipc}")
    for k in range(3):  # models are verified for three blocks
        b.m.node.mine()
    b.compare(line, "at the start")
    reorgs = 0
    for k in range(ROUNDS):
        for _ in range(5):
            b.action()
        if k % 3 == 2:
            b.at_head(line)
            b.m.node.rpc("anvil_reorg", b.rnd.randrange(1, 4), [])
            b.m.node.mine()
            reorgs += 1
        b.compare(line, f"round {k}")
    rc = line.end()
    n = line.counters
    tap.report(rc == 0 and not line.broken and n["differences"] == 0 and n["price_differences"] == 0 and n["audited"] > 0 and
               n["price_audits"] > 0 and n["reorgs"] >= reorgs, "ends well, no differences", (rc, line.broken[:3], n))
    need = ("borrow", "repay", "report", "liquidationCall", "swapExactTokensForTokens", "setUserUseReserveAsCollateral")
    tap.report(all(b.done.get(k) for k in need) and line.states > 0, "every kind of change occurred", b.done)
    print(f"# {n} {b.done}")


def refusals(b):
    """What does not fit is said at once."""
    d = b.m.d
    reserve = d["reserves"][1]["aToken"]
    for name, word, args in (
            ("no store", "chain index", [b.db + ".none", d["pool"], b.router, d["weth"], "31337", b.pairs[0]]),
            ("another pool", "follows the pool", [b.db, d["weth"], b.router, d["weth"], "31337", b.pairs[0]]),
            ("a token that is no reserve", "no reserve", [b.db, d["pool"], b.router, reserve, "31337", b.pairs[0]]),
            ("no pair", "no pair", [b.db, d["pool"], b.router, d["weth"], "31337", d["weth"]]),
            ("no router", "no router", [b.db, d["pool"], d["oracle"], d["weth"], "31337", b.pairs[0]]),
            ("a pair twice", "another one", [b.db, d["pool"], b.router, d["weth"], "31337", f"{b.pairs[0]},{b.pairs[0]}"])):
        p = subprocess.run([LIVE, *args, b.m.node.url], text=True, capture_output=True, check=False,
                           stdin=subprocess.DEVNULL, timeout=240)
        tap.report(p.returncode == 1 and word in p.stderr, f"refused: {name}", f"{p.returncode} {p.stderr}")


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"# SEED={SEED} ROUNDS={ROUNDS}", flush=True)
    with tempfile.TemporaryDirectory() as tmp:
        ipc = os.path.join(tmp, "line.ipc")
        with Market("3.6", ipc=ipc) as m:
            b = Bench(m, tmp)
            whole(b, ipc)
            refusals(b)
    tap.finish()


if __name__ == "__main__":
    main()
