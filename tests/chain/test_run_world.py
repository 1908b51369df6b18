#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The world of chain/run by itself: borrowers breach in the order that was planned, the oracle follows the market's packets, the
node misbehaves as told, and the judges see what is wrong. A plain liquidator in Python stands in for the keeper. Prints TAP."""
import copy
import os
import random
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "diff")]
import fixture  # noqa: E402
import node as chain  # noqa: E402
import judge_evm  # noqa: E402
import run_keeper  # noqa: E402
import run_wire  # noqa: E402
import tap  # noqa: E402
from flashbench import DRIVER  # noqa: E402
from node import RpcError  # noqa: E402
from run_judge import ONE, Booked, Judge  # noqa: E402
from run_proxy import HONEST, KEEP, SWALLOW, Proxy  # noqa: E402
from run_standin import StandIn  # noqa: E402
from run_world import DEVIATION, GWEI, Line, Operator, World, prices_of  # noqa: E402

SEED = int(os.environ.get("SEED", "") or random.randrange(2**32))
BTC, ETH = 64000.0, 3200.0
LOWEST = {"WETH": 0.88, "wstETH": 0.88, "WBTC": 0.88, "LINK": 0.86}
LEAST_USD = 1.0


def one_by_one(w, users, plans):
    """Each is healthy a hundredth above its factor and liquidatable a hundredth below."""
    wrong = []
    base = dict(w.now_prices)
    for u, (coll, debt, _, factor) in zip(users, plans):
        if debt not in ("USDC", "USDT", "DAI"):
            continue
        seen = []
        for f in (factor * 1.01, factor * 0.99):
            at = w.snapshot()
            w.set_prices({coll: base[coll] * f})
            seen.append(w.m.account_data([u])[0][2] < ONE)
            w.restore(at)
        w.now_prices.update(base)
        wrong += [(coll, factor, seen)] if seen != [False, True] else []
    tap.report(not wrong, f"{len(users)} borrowers breach where it was planned", wrong)


def judged(j, booked):
    """What does not hold."""
    return [what for ok, what, _ in j.verdicts(booked) if not ok]


def tampered(j, booked):
    """Each wrong booking, with the word of the verdict that must notice it."""
    def change(f):
        b = copy.deepcopy(booked)
        f(b)
        return b
    symbol = next(iter(booked.profit))
    key, tx, ok = booked.mined[0]
    cases = [("a unit of profit too much", "profit", lambda b: b.profit.update({symbol: b.profit[symbol] + 1})),
             ("a token's profit left out", "profit", lambda b: b.profit.pop(symbol)),
             ("profit in another token", "profit", lambda b: b.profit.update(LINK=1)),
             ("a wei of gas too little", "gas", lambda b: setattr(b, "gas", b.gas - 1)),
             ("a transaction left out", "every transaction", lambda b: b.mined.pop(0)),
             ("a success booked as a failure", "every transaction", lambda b: b.mined.__setitem__(0, (key, tx, not ok))),
             ("an order under two transactions", "no order", lambda b: b.mined.append((key, booked.mined[1][1], True))),
             ("an outcome booked twice", "no order's outcome", lambda b: b.mined.append(b.mined[0])),
             ("one booked that is not in the chain", "every transaction", lambda b: b.mined.append((99, "0x" + "ab" * 32, True)))]
    for name, word, f in cases:
        seen = judged(j, change(f))
        tap.report(any(word in s for s in seen), f"noticed: {name}", seen)


def standin():
    with World(SEED, prices_of(BTC, ETH, ETH)) as w:
        plans = w.near_plan(16, LOWEST)
        users = w.near(plans)
        w.far(24)
        one_by_one(w, users, plans)
        w.begin()
        j = Judge(w)
        s = StandIn(w, j)
        for f in (0.95, 0.90, 0.87):
            w.set_prices(prices_of(BTC * f, ETH * f, ETH))
            w.align(w.node)
            w.miner.mine()
            rounds = 0
            while s.round(LEAST_USD) and rounds < 20:
                rounds += 1
        low, found = j.left(LEAST_USD)
        tap.report(not found, f"nothing is left that is worth it, {len(low)} accounts below 1 are not", found)
        j.close()
        n = len(j.ours())
        tap.report(n >= 10 and not judged(j, s.booked), f"{n} liquidations: all verdicts hold", judged(j, s.booked))
        tampered(j, s.booked)
        unbooked(w, j, s)
        w.set_prices(prices_of(BTC * 0.8, ETH * 0.8, ETH))
        low, found = j.left(LEAST_USD)
        tap.report(found and len(low) > len(found) - 1, "noticed: accounts that are worth it were left", (low, found))


def unbooked(w, j, s):
    """What the keys do beside the orders, what others do, and a liquidation before its time."""
    early = copy.copy(j.liquidations[0])
    early.block = j.first + 1
    j.liquidations.append(early)
    seen = judged(j, s.booked)
    tap.report(any("liquidatable" in x for x in seen), "noticed: a liquidation before the oracle's price", seen)
    j.liquidations.pop()
    order = w.order(w.users_near[0], "WETH", "USDC")
    sent = w.send(w.keys[0], w.driver.single(order))  # reverts, or not: it costs its gas
    seen = judged(j.close(), s.booked)
    tap.report(any("gas" in x for x in seen) and any("every transaction" in x for x in seen),
               "noticed: a transaction that nobody booked", (seen, sent.ok))
    j.foreign.add(w.node.rpc("eth_getBlockByNumber", hex(sent.block), False)["transactions"][0])
    tap.report(not sent.ok and not judged(j.close(), s.booked), "unless it is known for somebody else's", judged(j, s.booked))
    for r in w.d["reserves"][2:3]:  # somebody pays in: then the contract has more than was booked
        w.m.act(w.arb, "token", "transfer", w.contract, 1, to=r["address"])
    seen = judged(j.close(), s.booked)
    tap.report(any("profit" in x for x in seen), "noticed: a unit that came from elsewhere", seen)


def oracle_follows(folder):
    """The operator, against a path that a capture has."""
    path = run_wire.capture(run_keeper.TRIPLINE, folder / "market.pcap", path="trend", seconds=30, rate=200, seed=SEED % 2**32)
    p = run_wire.price_path(path)
    first = p.at("eth_usd", 0)
    with World(SEED, prices_of(p.at("btc_usd", 0), first, first), n_keys=1) as w:
        w.begin()
        at = [0.0]
        op = Operator(w, lambda: prices_of(p.at("btc_usd", at[0]), p.at("eth_usd", at[0]), first))
        worst, last = 0.0, None
        while at[0] < 30:
            op.work()
            w.miner.mine()
            says = dict(zip((r["symbol"] for r in w.d["reserves"]), w.m.prices()))
            worst = max([worst] + [abs(v / (says[s] / 1e8) - 1) for s, v in op.look().items()])
            last = says
            at[0] += 0.25
        tap.report(worst <= DEVIATION * 1.0001, f"the oracle is never {DEVIATION:.1%} off after the next block", worst)
        fell = last["WETH"] / (first * 1e8)
        tap.report(fell < 0.9 and 10 < len(op.reports) < 100, f"it fell to {fell:.3f} in {len(op.reports)} reports", op.reports)
        op.settle()
        w.miner.mine()
        tap.report(w.m.prices()[0] == round(op.look()["WETH"] * 1e8), "settled: exactly the market's price")
        pair = next(q for q in w.pairs if (q["a"], q["b"]) == ("WETH", "USDC"))
        r0, r1, _ = chain.words(w.node.call(pair["address"], w.pair_call("getReserves()")))
        a, b = (r0, r1) if int(w.tokens["WETH"], 16) < int(w.tokens["USDC"], 16) else (r1, r0)
        price = b / 1e6 / (a / 1e18) * w.now_prices["USDC"]
        tap.report(abs(price / op.look()["WETH"] - 1) < 0.01 and op.swaps > 5, "the exchange follows", (price, op.swaps))


def packets(folder, network):
    if network:
        tap.skip("packets on a wire", network)
        return
    path = run_wire.capture(run_keeper.TRIPLINE, folder / "two.pcap", path="calm", seconds=2, rate=100, seed=1)
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    ear.bind((run_wire.RX, 0))
    ear.settimeout(1)
    player = run_wire.Player(path)
    begin = time.monotonic()
    player.play()
    player.join()
    took, got = time.monotonic() - begin, []
    try:
        while len(got) < len(player.frames):
            got.append(ear.recv(65536))
    except TimeoutError:
        pass
    player.close()
    ear.close()
    got, want = ([run_wire.payload(f) for f in x] for x in (got, [f for _, f in player.frames]))
    tap.report(got == want and None not in got and len(got) >= 200, "every packet of a capture comes, in order",
               [(a, b) for a, b in zip(got, want) if a != b][:2])
    tap.report(took > player.length * 0.95, "at the pace of its stamps", (took, player.length))


def proxies():
    with chain.Node() as n:
        n.impersonate()
        p = Proxy(n)
        line = Line(n)
        line.port = int(p.url.rsplit(":", 1)[1])
        raw = signed()
        n.rpc("anvil_setBalance", raw[2], hex(10**18))
        n.mine()
        tap.report(line.rpc("eth_blockNumber") == n.rpc("eth_blockNumber") and line.batch([("eth_chainId", []), ("eth_blockNumber", [])])
                   == ["0x7a69", n.rpc("eth_blockNumber")], "an honest proxy passes on")
        p.mode = SWALLOW
        ok = line.rpc("eth_sendRawTransaction", raw[0]) == raw[1] and n.rpc("eth_getTransactionByHash", raw[1]) is None
        tap.report(ok and line.rpc("eth_chainId"), "one that swallows says the hash and loses the transaction")
        p.mode = KEEP
        line.rpc("eth_sendRawTransaction", raw[0])
        kept = n.rpc("eth_getTransactionByHash", raw[1]) is None
        tap.report(kept and p.release(n) == [] and n.rpc("eth_getTransactionByHash", raw[1]), "one that keeps lets go when told")
        p.delay, p.mode = 0.2, HONEST
        begin = time.monotonic()
        line.rpc("eth_chainId")
        tap.report(time.monotonic() - begin >= 0.2, "a slow one is slow")
        p.delay = 0.0
        p.cut()
        refused = []
        for _ in range(2):
            try:
                line.rpc("eth_chainId")
            except (OSError, ValueError, chain.http.client.HTTPException) as e:
                refused.append(e)
        tap.report(len(refused) == 2 and p.cut_off >= 1, "one that is cut says nothing", refused)
        p.mode = HONEST
        tap.report(line.rpc("eth_chainId") == "0x7a69", "and comes back")
        line.close()
        p.close()


def signed():
    """A transfer of nothing: (bytes, hash, sender)."""
    t = {"type": 2, "chain": 31337, "nonce": 0, "tip": GWEI, "fee": 100 * GWEI, "gas": 21000, "to": b"\x11" * 20, "value": 0,
         "data": b"", "access": []}
    tx = judge_evm.signed(t, 0x77)
    return "0x" + tx.hex(), "0x" + judge_evm.keccak(tx).hex(), "0x" + judge_evm.address(0x77).hex()


def journal_reader(folder):
    """Bookings out of bytes made here by the description."""
    def record(kind, payload):
        return struct.pack("<IIII", len(payload) | kind << 24, 0, 0, 0) + payload

    def mined(status, account, ok, tx, profit, gas, block=5, paid=0, instrument=2):
        key = struct.pack("<4I", 1, account, 1, 1)
        body = run_keeper.MINED_FORMAT.pack(ok, instrument if ok else 0, block, tx * 32, *(v.to_bytes(16, "little") for v in (profit, gas, paid)))
        return record(run_keeper.REPLY, bytes([run_keeper.MINED_VERSION, status]) + key + b"\x01x" + body)
    m, u = run_keeper.MINED, run_keeper.UNDONE
    data = bytes(32) + record(4, b"frame") + mined(m, 2, 1, b"a", 10**20, 7) + mined(m, 4, 1, b"b", 5, 3, paid=2) + mined(m, 6, 0, b"c", 0, 9)
    data += mined(u, 4, 1, b"b", 5, 3, paid=2) + mined(u, 2, 1, b"a", 10**20, 7) + mined(m, 2, 1, b"a", 10**20 + 1, 8, block=6, paid=1)
    data += record(7, bytes([1, 2]) + bytes(17)) + mined(m, 8, 1, b"d", 1, 1)[:-1]
    (folder / "journal").write_bytes(data)
    b = run_keeper.booked(folder / "journal", ["WETH", "WBTC", "USDC"])
    want = Booked({"USDC": 10**20 + 1}, 18, [("d1-a2-e1-r1", "0x" + "61" * 32, True), ("d1-a6-e1-r1", "0x" + "63" * 32, False)])
    tap.report((b.profit, b.gas, sorted(b.mined)) == (want.profit, want.gas, want.mined), "a journal's bookings: undone ones do not count, a torn one neither", b)


def main():
    why = chain.missing() or fixture.missing()
    if why or not Path(DRIVER).exists():
        tap.skip("world", why or f"{DRIVER} is missing: make test-chain")
        tap.finish()
    print(f"# SEED={SEED}", flush=True)
    network = run_wire.own_network()
    with tempfile.TemporaryDirectory() as d:
        folder = Path(d)
        for part in (standin, proxies, lambda: journal_reader(folder), lambda: packets(folder, network), lambda: oracle_follows(folder)):
            try:
                part()
            except (RuntimeError, RpcError, OSError, AssertionError) as e:
                tap.report(False, getattr(part, "__name__", "part"), repr(e))
    tap.finish()


if __name__ == "__main__":
    main()
