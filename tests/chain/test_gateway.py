#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateway to a chain on the real pool, contract and exchange: ready, cold and batched orders, a lost race, a
cancellation, a replacement, a reorganisation, a kill between send and receipt. What is told is what the chain shows: the
profit the growth of the contract's balances, the gas what the sending keys have paid. Prints TAP. Environment: B."""
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "diff")]
import fixture  # noqa: E402
import judge_evm as judge  # noqa: E402
import tap  # noqa: E402
from flashbench import CHECK, LOAN, FlashBench  # noqa: E402

DRIVER = Path(os.environ.get("B", "build")) / "chain/gateway_live"
WAIT_S = 240
GWEI = 10**9
SECRETS = (0x51, 0x52)
KEYS = ["0x" + judge.address(s).hex() for s in SECRETS]
GAS = 700_000


class Keeper:
    """The gateway in a process of its own. replies: {revision: [(status, success, instrument, block, profit, gas, reason)]}."""

    def __init__(self, bench, log, *args, users=()):
        self.b, self.replies = bench, {}
        cmd = [str(DRIVER), str(log), "31337", bench.contract, bench.router, "--node", bench.node.url]
        for r in bench.d["reserves"]:
            cmd += ["--token", r["address"]]
        env = dict(os.environ, **{f"KEY{i}": "%064x" % s for i, s in enumerate(SECRETS)})
        self.process = subprocess.Popen(cmd + list(args), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._line("started")
        for n, u in enumerate(users):
            self.say(f"user {n} {u}")
        self.wait(lambda: self.counters()["nodes"] == "1", "a node that is well")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.split())

    def _take(self, timeout):
        w = self.lines.get(timeout=timeout)
        if w[0] != "reply":
            return w
        status, _, revision, ok, instrument, block, profit, gas, paid = [w[1], *map(int, w[2:10])]
        self.replies.setdefault(revision, []).append((status, bool(ok), instrument, block, profit, gas, " ".join(w[10:])))
        return None

    def _line(self, word):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            w = self._take(max(0.01, end - time.monotonic()))
            if w and w[0] == word:
                return w[1:]
        raise RuntimeError(f"no {word}")

    def say(self, *lines):
        self.process.stdin.write("".join(x + "\n" for x in lines))
        self.process.stdin.flush()

    def counters(self):
        self.say("counters")
        w = self._line("counters")
        return dict(zip(w[::2], w[1::2]))

    def wait(self, what, name):
        end = time.monotonic() + WAIT_S
        while not what():
            if time.monotonic() > end:
                raise RuntimeError(f"never: {name}; replies {self.replies}")
            time.sleep(0.05)

    def last(self, revision):
        try:
            while True:
                self._take(0.001)
        except queue.Empty:
            return (self.replies.get(revision) or [("",)])[-1]

    def until(self, revision, status, mine=True):
        """The last thing told of an order, once it is this; blocks are mined and their states taken meanwhile."""
        def told():
            if self.last(revision)[0] == status:
                return True
            if mine:
                self.block()
            return False
        self.wait(told, f"{revision} {status}")
        return self.last(revision)

    def block(self):
        self.b.node.mine()
        self.applied()

    def applied(self):
        self.say(f"applied {int(self.b.node.rpc('eth_blockNumber'), 16)}")

    def pending(self, n=1):
        """Until so many transactions of the keys wait in the pool."""
        def there():
            counts = [[int(self.b.node.rpc("eth_getTransactionCount", k, tag), 16) for tag in ("pending", "latest")] for k in KEYS]
            return sum(p - c for p, c in counts) >= n
        self.wait(there, f"{n} pending")

    def settle(self):
        self.wait(lambda: self.block() or self.counters()["flights"] == "0", "all settled")

    def close(self, kill=False):
        if self.process.poll() is None:
            if kill:
                self.process.send_signal(signal.SIGKILL)
            else:
                self.say("quit")
            self.process.wait(timeout=WAIT_S)
        try:
            while True:
                self._take(0.1)
        except queue.Empty:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close(kill=bool(exc[0]))


class Rig:
    def __init__(self):
        self.b = b = FlashBench("3.6")
        self.index = {r["symbol"]: i for i, r in enumerate(b.d["reserves"])}
        for k in KEYS:
            b.fund(k)
            b.do(b.owner, "setCaller", k, True)
        self.amount = 11700 * b.units("USDC", 1)
        self.users = [b.borrower("WETH", 10, "USDC", 23500) for _ in range(14)]
        self.healthy = b.borrower("WETH", 10, "USDC", 5000)
        b.price("WETH", 0.935)
        self.users.append(self.healthy)
        self.revision = 0
        self.before = b.holdings(), sum(b.ether(k) for k in KEYS)
        self.told = {}  # the last mined reply of each order, over all keepers

    def line(self, what, user, least=0, amount=None):
        self.revision += what == "offer" or what == "submit"
        return (f"{what} {user} {self.revision} {self.index['USDC']} {amount or self.amount} {self.index['WETH']} {least} {GAS} "
                f"{GWEI} -")

    def keep(self, k):
        for revision, replies in k.replies.items():
            self.told[revision] = replies[-1]

    def check(self):
        """Everything told against everything that is so."""
        b = self.b
        profit = {}
        for status, ok, instrument, _, amount, *_ in self.told.values():
            if status == "mined" and ok:
                symbol = b.d["reserves"][instrument]["symbol"]
                profit[symbol] = profit.get(symbol, 0) + amount
        grown = {s: v - self.before[0][s] for s, v in b.holdings().items() if v != self.before[0][s]}
        gas = sum(r[5] for r in self.told.values() if r[0] == "mined")
        paid = self.before[1] - sum(b.ether(k) for k in KEYS)
        return profit == grown and gas == paid, (profit, grown, gas, paid)


def plain(rig, folder):
    with Keeper(rig.b, folder / "log", users=rig.users) as k:
        offer = rig.line("offer", 0, least=300 * 10**6)
        k.say(offer)
        time.sleep(0.5)
        k.say(offer.replace("offer", "submit"))
        k.pending()
        rig.b.node.mine()
        time.sleep(1)
        held = k.last(1)
        k.applied()
        r = k.until(1, "mined", mine=False)
        tap.report(held == ("",) and r[1] and r[4] > 300 * 10**6 and k.counters()["ready"] == "1",
                   "a ready order: sent, mined, told once its account's state is taken", k.replies)
        k.settle()
        k.say(rig.line("submit", 1))
        r = k.until(2, "mined")
        tap.report(r[1] and k.counters()["cold"] == "1", "a cold order is made, signed and sent", k.replies)
        k.settle()
        k.say(rig.line("submit", 14))
        r = k.until(3, "mined")
        tap.report(not r[1] and "healthy" in r[6] and r[5] > 0, "the account is healthy: reverted, with the reason and its gas", r)
        k.settle()
        k.say(rig.line("submit", 2, least=10**12))
        r = k.until(4, "mined")
        tap.report(not r[1] and "price" in r[6], "too little is gained: reverted, with the reason", r)
        k.settle()
        rig.keep(k)
    tap.report(*swap(rig.check(), "profit and gas told are those of the chain"))


def swap(result, name):
    return result[0], name, result[1]


def batch(rig, folder):
    with Keeper(rig.b, folder / "log", "--batch", users=rig.users) as k:
        first = rig.revision + 1
        k.say(rig.line("submit", 2), rig.line("submit", 3))
        k.pending(2)  # no key is free
        k.say(*[rig.line("submit", u) for u in (4, 14, 5, 6)])
        for n in range(first, first + 6):
            k.until(n, "mined")
        ok = [k.last(n)[1] for n in range(first, first + 6)]
        tap.report(ok == [True, True, True, False, True, True], "what waits for a key shares a transaction", k.replies)
        tap.report("healthy" in k.last(first + 3)[6] and k.counters()["batched"] == "4", "of it an item fails, with its reason")
        k.settle()
        rig.keep(k)
    tap.report(*swap(rig.check(), "profit and gas told are those of the chain"))


def replaced(rig, folder):
    with Keeper(rig.b, folder / "log", "--bump-ms", "400", users=rig.users) as k:
        k.say(rig.line("submit", 7))
        k.wait(lambda: k.counters()["replaced"] != "0", "replaced")
        tap.report(k.until(rig.revision, "mined")[1], "one that is stuck is replaced and told once", k.replies)
        k.settle()
        rig.keep(k)
    with Keeper(rig.b, folder / "log", "--give-up-ms", "300", users=rig.users) as k:
        k.say(rig.line("submit", 8))
        k.pending()
        time.sleep(1.5)
        r = k.until(rig.revision, "mined")
        tap.report(not r[1] and r[6] == "cancelled" and r[5] > 0, "one that is given up is cancelled", r)
        k.settle()
        rig.keep(k)
    tap.report(*swap(rig.check(), "profit and gas told are those of the chain"))


def reorganised(rig, folder):
    with Keeper(rig.b, folder / "log", users=rig.users) as k:
        k.say(rig.line("submit", 9))
        k.pending()
        k.block()
        k.until(rig.revision, "mined", mine=False)
        rig.b.node.rpc("anvil_reorg", 1, [])
        k.until(rig.revision, "undone")
        k.say(rig.line("submit", 9))
        busy = k.until(rig.revision, "refused", mine=False)
        r = k.until(rig.revision - 1, "mined")
        tap.report(r[1] and "on its way" in busy[6], "a block is gone: undone, its account barred, then mined again", k.replies)
        k.settle()
        rig.keep(k)
    tap.report(*swap(rig.check(), "profit and gas told are those of the chain"))


def killed(rig, folder):
    k = Keeper(rig.b, folder / "log", "--batch", users=rig.users)
    first = rig.revision + 1
    k.say(rig.line("submit", 10), rig.line("submit", 11))
    k.pending(2)
    k.say(rig.line("submit", 12), rig.line("submit", 13))
    k.block()
    for n in (first, first + 1):
        k.until(n, "mined", mine=False)
    k.pending(1)
    k.close(kill=True)
    rig.keep(k)
    with Keeper(rig.b, folder / "log", "--batch", users=rig.users) as k:
        opened = k.counters()["open"]
        k.say(rig.line("submit", 12))
        busy = k.until(rig.revision, "refused", mine=False)
        r = [k.until(n, "mined") for n in (first + 2, first + 3)]
        tap.report(opened != "0" and "on its way" in busy[6], "kill -9 with a batch on its way: its accounts are barred")
        tap.report(all(x[1] for x in r), "its orders are told by the next run, each under its key", k.replies)
        k.settle()
        tap.report(k.counters()["open"] == "0", "nothing is open")
        rig.keep(k)
    tap.report(*swap(rig.check(), "profit and gas told are those of the chain"))


def access_lists(rig, _):
    """Whether a list of what is touched (EIP-2930) would save gas; docs/transactions.md says what follows."""
    b = rig.b
    one, other = [b.borrower("WETH", 10, "USDC", 21500) for _ in range(2)]
    b.price("WETH", 0.9)
    tx = {"from": b.sender, "to": b.contract, "gas": hex(2_000_000), "maxFeePerGas": hex(100 * GWEI)}
    o = [dict(tx, data="0x" + b.driver.single(b.order(u, "WETH", "USDC", amount=rig.amount // 2, flags=LOAN | CHECK)).hex())
         for u in (one, other)]
    whole, stale = [b.node.rpc("eth_createAccessList", x, "latest")["accessList"] for x in o]
    used = {}
    for name, access in (("none", None), ("whole", whole), ("addresses only", [dict(x, storageKeys=[]) for x in whole]),
                         ("another account's", stale)):
        number = b.snapshot()
        sent = b.node.rpc("eth_sendTransaction", dict(o[0], **({"accessList": access} if access else {})))
        b.node.mine()
        receipt = b.node.receipt(sent)
        used[name] = int(receipt["gasUsed"], 16) if int(receipt["status"], 16) else None
        b.restore(number)
    print(f"# access lists: {len(whole)} addresses, {sum(len(x['storageKeys']) for x in whole)} slots; gas used", used)
    ok = None not in used.values() and used["none"] * 0.97 < used["whole"] and used["addresses only"] > used["none"] * 0.999
    tap.report(ok, "a list of addresses saves nothing, a whole one less than 3 %", used)


def main():
    why = fixture.missing()
    if why or not DRIVER.exists():
        tap.skip("gateway", why or f"{DRIVER} is missing: make test-chain")
        tap.finish()
    rig = Rig()
    with tempfile.TemporaryDirectory() as folder:
        for part in (plain, batch, replaced, reorganised, killed, access_lists):
            try:
                part(rig, Path(folder))
            except (RuntimeError, queue.Empty, OSError) as e:
                tap.report(False, part.__name__, repr(e))
    rig.b.node.close()
    tap.finish()


main()
