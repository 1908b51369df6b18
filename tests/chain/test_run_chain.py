#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tripline run --chain` through faults: nodes that die, delay and lose, transactions that are stuck, nonces taken, races lost, no
relay, a reorganisation, kill -9. After each the chain must agree with the journal. Prints TAP. Environment: B, TRIPLINE, SEED,
ONLY_FAULT (one of them, by name)."""
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "diff")]
import fixture  # noqa: E402
import judge_evm  # noqa: E402
import node as chain  # noqa: E402
import run_wire  # noqa: E402
import tap  # noqa: E402
from flashbench import DRIVER, NOBODY  # noqa: E402
from node import RpcError, hexed  # noqa: E402
from run_keeper import TRIPLINE  # noqa: E402
from run_proxy import HONEST, KEEP, SWALLOW  # noqa: E402
from run_scene import Scene  # noqa: E402
from run_world import FEE_CAP, GWEI  # noqa: E402

SEED = int(os.environ.get("SEED", "") or random.randrange(2**32))
ONLY = os.environ.get("ONLY_FAULT", "")
MAX = 2**256 - 1


def tell(name, s, gone=None):
    for ok, what, seen in s.judgement(gone):
        tap.report(ok, f"{name}: {what}", seen)


def decoded(raw):
    return judge_evm.decode(bytes.fromhex(raw[2:]))


def orders_sent(s):
    """The transactions that came and call the contract (others are cancellations)."""
    return [t for t in map(decoded, s.sent()) if "0x" + t["to"].hex() == s.w.contract.lower()]


def hash_of(raw):
    return "0x" + judge_evm.keccak(bytes.fromhex(raw[2:])).hex()


# ---- the faults. Each plays its story and says what the story itself must have shown.

def nothing(name, s):
    s.begin()
    s.market_falls()
    quiet = not orders_sent(s)
    s.oracle_falls()
    tap.report(quiet, f"{name}: the market alone sends nothing", s.sent())
    tap.report(s.until_sent() and s.until_clear(), f"{name}: the oracle's word does", (len(s.sent()), s.low()))


def node_killed(name, s):
    s.begin()
    s.market_falls()
    s.oracle_falls()
    came = s.until_sent()
    s.proxies[0].cut()
    clear = s.until_clear()
    tap.report(came and clear and s.proxies[0].cut_off > 0, f"{name}: the other node carries on", (came, s.low(), s.proxies[0].cut_off))
    s.honest()


def node_slow(name, s):
    s.begin()
    s.proxies[0].delay, s.proxies[1].delay = 0.15, 0.05
    s.market_falls()
    s.oracle_falls()
    tap.report(s.until_sent() and s.until_clear(), f"{name}: late, but all of it", s.low())
    s.honest()


def sends_lost(name, s):
    s.begin()
    s.market_falls()
    for p in s.proxies:
        p.mode = SWALLOW
    s.oracle_falls()
    came = s.until_sent()
    lost = set(s.sent())
    s.blocks(2)
    for p in s.proxies:
        p.mode, p.raw = HONEST, []
    clear = s.until_clear()
    again = lost & set(s.sent())
    tap.report(came and clear and again, f"{name}: {len(again)} of {len(lost)} are sent again, byte for byte", (came, s.low()))


def stuck(name, s):
    s.begin()
    s.market_falls()
    s.w.fall(0.90, line=s.line)
    s.w.align(s.line)
    s.w.miner.mine()
    came = s.until_sent()
    first = {(t["sender"], t["nonce"]): t["fee"] for t in orders_sent(s)}
    s.w.miner.fixed = max(first.values()) * 6 // 5
    s.blocks(4)
    waited = not s.judge.close().by_us()

    def replaced():
        return any(t["fee"] > first.get((t["sender"], t["nonce"]), MAX) for t in map(decoded, s.sent()))
    bumped = s.until(replaced, s.blocks)
    s.w.miner.fixed = None
    tap.report(came and waited and bumped, f"{name}: under the base fee nothing moves, then its fees rise", (came, waited, bumped))
    tap.report(s.until_clear(), f"{name}: in a block in the end", s.low())


def nonce_taken(name, s):
    s.begin()
    s.market_falls()
    s.oracle_falls()
    came = s.until_sent()
    ours = orders_sent(s)[0]
    tx = {"from": "0x" + ours["sender"].hex(), "to": NOBODY, "nonce": hex(ours["nonce"]), "gas": hex(21000),
          "maxFeePerGas": hex(FEE_CAP), "maxPriorityFeePerGas": hex(500 * GWEI)}
    h = s.line.rpc("eth_sendTransaction", tx)
    s.judge.foreign.add(h)
    s.w.miner.mine()
    took = s.line.rpc("eth_getTransactionReceipt", h) is not None
    tap.report(came and took and s.until_clear(), f"{name}: somebody else's is mined, the account is liquidated all the same", s.low())


def race_lost(name, s):
    w = s.w
    s.begin()
    s.market_falls()
    s.oracle_falls()
    came = s.until_sent()
    for u in s.users:  # half of each debt at least, and before ours
        a = w.m.accounts([u])[0]
        debt = next(r for r, (_, _, d) in a.position.items() if d)
        coll = next(r for r, (on, x, _) in a.position.items() if on and x)
        data = w.m.data("pool", "liquidationCall", w.d["reserves"][coll]["address"], w.d["reserves"][debt]["address"], u, MAX, False)
        s.line.rpc("eth_sendTransaction", {"from": w.arb, "to": w.d["pool"], "data": hexed(data), "gas": hex(1_500_000),
                                           "maxFeePerGas": hex(FEE_CAP), "maxPriorityFeePerGas": hex(700 * GWEI)})
    s.blocks()
    clear = s.until_clear()
    done = s.judge.close()
    failed = [h for h, ok in done.by_us().items() if not ok]
    rival = [x for x in done.liquidations if not x.ours]
    tap.report(came and clear and failed and len(rival) == len(s.users), f"{name}: {len(rival)} lost, {len(failed)} undone in the block",
               (came, s.low(), failed))


def no_relay(name, s):
    s.begin()
    s.market_falls()
    s.oracle_falls()
    tap.report(s.until_sent() and s.until_clear(), f"{name}: by the public pool", s.low())


def reorganised(name, s):
    s.begin()
    s.market_falls()
    s.oracle_falls()
    came = s.until_sent()
    s.blocks()  # ours are in it
    inside = s.until(lambda: s.judge.close().by_us() and s.keeper.booked().mined, s.blocks)
    before = s.judge.close().by_us()
    depth = s.judge.head() - min(int(r["blockNumber"], 16) for r in s.judge.receipts.values()) + 1
    s.line.rpc("anvil_reorg", depth, [])
    gone = not s.judge.close().by_us()
    clear = s.until_clear()
    tap.report(came and inside and gone, f"{name}: {len(before)} transactions taken back, {depth} blocks", (came, inside, gone))
    tap.report(clear and s.judge.close().by_us(), f"{name}: in other blocks in the end", s.low())


def killed(name, s, mined_meanwhile):
    s.begin()
    s.market_falls()
    if not mined_meanwhile:
        for p in s.proxies:
            p.mode = KEEP
    s.oracle_falls()
    came = s.until_sent()
    s.keeper.kill()
    if mined_meanwhile:
        s.blocks(2)
    s.keeper.start()
    for p in s.proxies:
        p.mode = HONEST
    late = s.proxies[0].release(s.line)  # what was on its way arrives after all
    clear = s.until_clear()
    n = len(s.judge.close().by_us())
    tap.report(came and clear and n, f"{name}: goes on, {n} transactions of both lives", (came, s.low(), late))


def killed_then_mined(name, s):
    killed(name, s, True)


def killed_on_the_way(name, s):
    killed(name, s, False)


def predicted(name, s):
    s.begin()
    s.market_falls()
    came = s.until_sent()
    s.blocks(3)
    early = s.judge.close()
    marked = [end for _, end in s.keeper.orders()]
    tap.report(came and not early.liquidations and all(end.endswith("(on a predicted price)") for end in marked) and marked,
               f"{name}: {len(marked)} orders on the market's word, marked; the contract finds the accounts healthy", marked)
    s.oracle_falls()
    tap.report(s.until_clear(), f"{name}: on the oracle's word they are liquidated", s.low())
    told = [end for _, end in s.keeper.orders()]
    tap.report(any(not end.endswith("(on a predicted price)") for end in told), f"{name}: by orders that rest on no prediction", told)


BUMP = {"bump_after_s": 2, "fee_max_gwei": 10000}
DEEP = {"confirmations": 8}  # the blocks that are taken back are none that counted as final
FAULTS = [("no fault", nothing, {}), ("node killed", node_killed, {}), ("nodes slow", node_slow, {}),
          ("sends lost", sends_lost, {}), ("stuck", stuck, BUMP), ("nonce taken", nonce_taken, {}), ("race lost", race_lost, {}),
          ("no relay", no_relay, {"relay": True}), ("reorganised", reorganised, DEEP), ("killed, then mined", killed_then_mined, {}),
          ("killed on the way", killed_on_the_way, {}), ("predicted", predicted, {"args": ["--set", "predicted_max_e8=5000000000000"]})]


def play(n, name, story, settings, folder):
    seed = SEED + n
    print(f"# {name}: SEED={SEED} (its own: {seed})", flush=True)
    if settings.pop("relay", None):
        settings["relay"] = {"builders": f"[\"http://127.0.0.1:{chain.free_port()}\"]", "key": folder / "relay-key"}
    args = settings.pop("args", ())
    begin = time.monotonic()
    with Scene(seed % 2**32, folder, settings, args) as s:
        try:
            story(name, s)
            tell(name, s)
        except (RuntimeError, RpcError, OSError, AssertionError, StopIteration, IndexError) as e:
            tap.report(False, name, f"{e!r}\n{s.keeper.text()[-1500:]}")
        summary = re.findall(r"^.*(?:ready|mined|undone|receipt).*$", s.keeper.text(), re.M)
        print("# " + "\n# ".join([f"{time.monotonic() - begin:.1f} s", *summary[:6]]), flush=True)


def main():
    missing = [x for x in (TRIPLINE, DRIVER) if not Path(x).exists()]
    why = chain.missing() or fixture.missing() or (f"{missing[0]} is missing: make test-chain" if missing else run_wire.own_network())
    if why:
        tap.skip("run --chain", why)
        tap.finish()
    for n, (name, story, settings) in enumerate(FAULTS):
        if ONLY in name:
            with tempfile.TemporaryDirectory() as folder:
                play(n, name, story, dict(settings), Path(folder))
    tap.finish()


if __name__ == "__main__":
    main()
