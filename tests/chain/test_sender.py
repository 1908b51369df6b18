#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signed transactions on a real node (anvil) and a relay: what becomes of an order that is stuck, whose nonce another sender
takes, whose node or relay is away, whose block is reorganised away, whose keeper is killed. Prints TAP. Environment: B."""
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
import judge_evm as judge  # noqa: E402
import node as chain  # noqa: E402
import tap  # noqa: E402
from mock_relay import Relay  # noqa: E402
from node import Node  # noqa: E402

DRIVER = Path(os.environ.get("B", "build")) / "chain/sender_live"
WAIT_S = 240
SECRET, RELAY_SECRET = 0x1234567, 0x7654321
SENDER = "0x" + judge.address(SECRET).hex()
RELAY_ID = "0x" + judge.address(RELAY_SECRET).hex()
TARGET = "0x00000000000000000000000000000000000abcde"
REVERTS = "0x00000000000000000000000000000000000bad00"
GWEI = 10**9
DEAD_URL = "http://127.0.0.1:1"


class Keeper:
    """The sender in a process of its own."""

    def __init__(self, log, nodes, relays=(), args=()):
        cmd = [str(DRIVER), str(log), "31337"]
        for n in nodes:
            cmd += ["--node", n]
        for r in relays:
            cmd += ["--relay", r]
        env = dict(os.environ, KEY0="%064x" % SECRET, RELAY_KEY="%064x" % RELAY_SECRET)
        self.process = subprocess.Popen(cmd + list(args), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env=env)
        self.lines, self.events = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()
        self.expect("started")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.split())

    def take(self, timeout):
        line = self.lines.get(timeout=timeout)
        if line[0] == "event":
            self.events.append(line[1:])
            return None
        return line

    def expect(self, word):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            line = self.take(max(0.01, end - time.monotonic()))
            if line and line[0] == word:
                return line[1:]
        raise RuntimeError(f"no {word}")

    def say(self, text, answer):
        self.process.stdin.write(text + "\n")
        return self.expect(answer)

    def until(self, what, then=None):
        """Waits for an event that begins with these words, "" for any; `then` is done again and again meanwhile. None: it
        never came."""
        words, end = what.split(), time.monotonic() + WAIT_S
        while time.monotonic() < end:
            for e in self.events:
                if all(w in ("_", v) for w, v in zip(words, e)):
                    return e
            try:
                self.take(0.1)
            except queue.Empty:
                if then:
                    then()
        print("#", what, "never came:", self.events)
        return None

    def ready(self, account=1, to=TARGET, expires_ms=20000):
        """Offers an order and waits until it may be sent; its name."""
        name = self.say(f"offer {account} {to} 0x{account:064x} 300000 1 {expires_ms} {GWEI} {2 * GWEI}", "offered")[1]
        end = time.monotonic() + WAIT_S
        while self.say(f"ready {name} 0", "ready") != ["1"]:
            if time.monotonic() > end:
                raise RuntimeError("never ready")
            time.sleep(0.02)
        return name

    def wait(self, what):
        """Until that is true of the counters; the caller's check says what was not."""
        end = time.monotonic() + WAIT_S
        while not what(self.counters()) and time.monotonic() < end:
            time.sleep(0.02)

    def fire(self, name, how="public"):
        return self.say(f"fire {name} 0 {how}", "fired")[0]

    def counters(self):
        line = self.say("counters", "counters")
        return {line[i]: line[i + 1] for i in range(0, len(line) - 1, 2)} | {"refusal": " ".join(line[line.index("refusal") + 1:])
                                                                             if "refusal" in line else ""}

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=WAIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            self.process.kill()
        self.close()


def funded(**args):
    n = Node(**args)
    n.rpc("evm_setAutomine", False)
    n.rpc("anvil_setBalance", SENDER, hex(10**18))
    n.rpc("anvil_setCode", REVERTS, "0x63deadbeef600052" + "6004601cfd")
    n.mine()
    return n


def nonce(n):
    return int(n.rpc("eth_getTransactionCount", SENDER, "latest"), 16)


def arrived(n, event):
    """Waits until the node has the transaction that was just sent."""
    end = time.monotonic() + WAIT_S
    while event and n.rpc("eth_getTransactionByHash", event[5]) is None and time.monotonic() < end:
        time.sleep(0.02)


def settle(k, n, outcome, account=1):
    return k.until(f"state {account} ended {outcome}", n.mine) is not None


def plain(folder):
    with funded(ipc=folder / "ipc") as n, Keeper(folder / "log", [str(folder / "ipc"), n.url]) as k:
        name = k.ready()
        k.process.stdin.write("kill 1\n")
        tap.report(k.fire(name) == "refused", "the kill switch holds at the last moment")
        k.process.stdin.write("kill 0\n")
        tap.report(k.fire(name) == "sent", "a ready order is sent over both ways to the node")
        pending = k.until("state 1 pending")
        n.mine()
        mined = k.until("state 1 mined")
        tap.report(pending and mined and mined[5] == n.rpc("eth_getBlockByNumber", "latest", False)["transactions"][0],
                   "pending, then mined under the hash that was signed", k.events)
        tap.report(settle(k, n, "success") and nonce(n) == 1, "settled after its confirmations", k.events)
        k.fire(k.ready(2, REVERTS))
        ok = k.until("state 2 mined reverted", n.mine) and k.until("reason 2")
        tap.report(ok and ok[6:] == ["error", "0xdeadbeef"], "a revert comes with its reason", k.events)
        tap.report(settle(k, n, "reverted", 2), "and ends as reverted", k.events)


def stuck(folder):
    with funded() as n, Keeper(folder / "log", [n.url]) as k:
        k.fire(k.ready())
        k.until("state 1 pending")
        again = k.until("replaced 1")
        arrived(n, again)
        n.mine()
        mined = k.until("state 1 mined")
        ok = again and mined and mined[5] == again[5]
        tap.report(ok, "an order that is stuck is replaced, the replacement is mined", k.events)
        tap.report(settle(k, n, "success") and nonce(n) == 1, "it counts once", k.events)
    with funded() as n, Keeper(folder / "log-2", [n.url], args=["--bump-ms", "100000", "--give-up-ms", "500"]) as k:
        k.fire(k.ready())
        arrived(n, k.until("cancels 1"))
        tap.report(settle(k, n, "cancelled"), "one that is given up is cancelled", k.events)


def taken(folder):
    with funded() as n, Keeper(folder / "log", [n.url], args=["--bump-ms", "100000"]) as k:
        k.fire(k.ready())
        k.until("state 1 pending")
        n.rpc("anvil_impersonateAccount", SENDER)
        n.rpc("eth_sendTransaction", {"from": SENDER, "to": TARGET, "nonce": "0x0", "gas": hex(21000),
                                      "maxFeePerGas": hex(100 * GWEI), "maxPriorityFeePerGas": hex(50 * GWEI)})
        n.mine()
        seen = k.until("state 1 taken")
        tap.report(seen and settle(k, n, "taken"), "a nonce that another sender took ends the order as taken", k.events)
        ok = k.fire(k.ready(2)) == "sent" and settle(k, n, "success", 2) and nonce(n) == 2
        tap.report(ok, "the next order has the next nonce", k.events)


def node_killed(folder):
    n = funded()
    n.dump(folder / "state")
    with Keeper(folder / "log", [n.url], args=["--bump-ms", "100000"]) as k:
        k.fire(k.ready())
        first = k.until("state 1 pending")
        n.close()
        time.sleep(0.3)
        n = Node(state=folder / "state", port=n.port)  # as it was before: its pool is lost
        n.rpc("evm_setAutomine", False)
        ok = settle(k, n, "success")
        tap.report(ok and k.until("state 1 mined")[5] == first[5] and int(k.counters()["resent"]) >= 1,
                   "a node that dies with its pool and comes back: the same bytes are sent again, once is counted", k.events)
        tap.report(nonce(n) == 1, "one transaction in all", nonce(n))
    n.close()


def reorganised(folder):
    with funded() as n, Keeper(folder / "log", [n.url], args=["--bump-ms", "100000"]) as k:
        k.fire(k.ready())
        k.until("state 1 pending")
        n.mine()
        first = k.until("state 1 mined")
        n.rpc("anvil_reorg", 1, [])
        gone = k.until("reorged 1", n.mine)
        ok = settle(k, n, "success")
        hashes = {e[5] for e in k.events if e[:3] == ["state", "1", "mined"]}
        tap.report(gone and ok and hashes == {first[5]} and nonce(n) == 1,
                   "a block that is reorganised away: told, the same bytes mined again", k.events)


def killed(folder):
    with funded() as n:
        k = Keeper(folder / "log", [n.url])
        k.ready()
        k.kill()  # before the trigger: it may have been sent, for all that the next run knows
        k = Keeper(folder / "log", [n.url])
        ok = k.until("cancels 1") and settle(k, n, "cancelled") and nonce(n) == 1
        tap.report(ok, "kill -9 before the trigger: fenced by a cancellation", k.events)
        k.fire(k.ready(2))
        k.until("state 2 pending")
        k.kill()
        n.mine()
        k = Keeper(folder / "log", [n.url])
        tap.report(settle(k, n, "success", 2) and nonce(n) == 2, "kill -9 between send and receipt: found by its hash", k.events)
        tap.report(k.counters()["resent"] == "0", "nothing was sent again")
        k.fire(k.ready(3))
        k.kill()  # at once: the node may have it or not
        k = Keeper(folder / "log", [n.url])
        end = k.until("state 3 ended", n.mine)
        ok = end and end[3] in ("success", "cancelled") and nonce(n) == 3
        tap.report(ok, "kill -9 at the send: one effect at most", k.events)
        k.close()
        k = Keeper(folder / "log", [n.url])
        tap.report(k.counters()["recovered"] == "0", "all settled: nothing to look up after a clean end")
        k.close()


def by_relay(folder):
    with funded() as n:
        relay = Relay(n, RELAY_ID)
        with Keeper(folder / "log", [n.url], [relay.url, relay.url]) as k:
            name = k.ready()
            time.sleep(0.3)  # bundles for the next block are made in the background
            tap.report(k.fire(name, "relay") == "sent", "a bundle goes to two builders")
            k.wait(lambda c: int(c["accepted"]) >= 2)
            relay.build()
            mined = k.until("state 1 mined success")
            c = k.counters()
            ok = mined and relay.included == [mined[5]] and not relay.refused
            tap.report(ok, "authenticated, included in the block aimed at", relay.refused)
            ok = c["cold"] == "0" and int(c["accepted"]) >= 2 and c["odd"] == "0"
            tap.report(ok, "prepared beforehand; its hash is the bundle's", c)
            tap.report(settle(k, n, "success"), "settled")
            at = int(n.rpc("eth_blockNumber"), 16)
            relay.rivals = {at + 1, at + 2, at + 3, at + 4}
            name = k.ready(2)
            k.fire(name, "relay")
            for _ in range(4):
                time.sleep(0.4)
                relay.build()
            blocks = sorted({b for b, _ in relay.taken if b > at})
            tap.report(len(blocks) == 3, "outbid: aimed at three blocks, one after the other", blocks)
            tap.report(len({t for b, txs in relay.taken if b > at for t in txs}) == 1, "with the same bytes")
            ok = settle(k, n, "success", 2)
            tap.report(ok and k.counters()["fell_back"] == "1" and nonce(n) == 2, "then by the public pool", k.events)
        with Keeper(folder / "log-2", [n.url], [relay.url], ["--private-only"]) as k:
            before = nonce(n)
            k.fire(k.ready(3, REVERTS), "relay")
            end = k.until("state 3 ended not-included", relay.build)
            ok = end and nonce(n) == before and relay.dropped
            tap.report(ok, "private only: a bundle that would revert is dropped, costs nothing", k.events)
            name = k.ready(4)
            tap.report(k.fire(name, "relay") == "sent" and k.until("state 4 ended success", relay.build) and nonce(n) == before + 1,
                       "its nonce is the next order's", k.events)
        relay.signer = "0x" + "11" * 20
        with Keeper(folder / "log-3", [n.url], [relay.url]) as k:
            k.fire(k.ready(5), "relay")
            k.wait(lambda c: "unknown signer" in c["refusal"])
            tap.report("unknown signer" in k.counters()["refusal"], "a builder that refuses is told", k.counters())
            tap.report(settle(k, n, "success", 5), "and the public pool takes over", k.events)
        relay.close()
        with Keeper(folder / "log-4", [n.url], [DEAD_URL]) as k:
            name = k.ready(6)
            tap.report(k.fire(name, "relay") == "no-node" and k.fire(name) == "sent" and settle(k, n, "success", 6),
                       "relay down: said at once, the order goes by the public pool", k.events)


def main():
    why = chain.missing()
    if why or not DRIVER.exists():
        tap.skip("sender", why or f"{DRIVER} is missing: make test-chain")
        tap.finish()
    for part in (plain, stuck, taken, node_killed, reorganised, killed, by_relay):
        with tempfile.TemporaryDirectory() as folder:
            try:
                part(Path(folder))
            except (RuntimeError, queue.Empty, OSError) as e:
                tap.report(False, part.__name__, repr(e))
    tap.finish()


main()
