#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prices as a market's oracle gives them, followed block by block: a price source of each kind behind the real AaveOracle,
random walks of feeds, ratios, parameters and time; each group against formulas of its own in Python, each block's end against
the oracle. Then what goes wrong: a source that lies, undone blocks, a fallback, pending updates. Prints TAP.

Environment: SEED (default random), BLOCKS (default 150), CHAIN_DIR, B."""
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from price_market import ABSENT, DAY, DIFFERS, FREE, READ, TIME, TX, UNREAD, UNSURE, ZERO  # noqa: E402
from price_market import Live, PriceMarket, judge, selector  # noqa: E402

SEED = int(os.environ.get("SEED") or str(random.SystemRandom().getrandbits(32)), 0)
BLOCKS = int(os.environ.get("BLOCKS", "150"))
ETH, STABLE, RATE, PEGGED, PLAIN = "eth", "stable", "rate", "pegged", "plain"  # feeds
START = {ETH: 3000 * 10**8, STABLE: 10**8, RATE: 112 * 10**16, PEGGED: 98 * 10**16, PLAIN: 15 * 10**8}
DECIMALS = {ETH: 8, STABLE: 8, RATE: 18, PEGGED: 18, PLAIN: 8}
NAMES = ["feed", "capped ratio", "capped ratio of a feed", "capped stable", "fixed", "product", "unknown kind", "no source",
         "adapter on an adapter", "aggregator without a proxy", "wrong from the start"]
MODELLED = [0, 1, 2, 3, 4, 5, 8, 9]


class World:
    """What the contracts were told, and what that makes of each asset."""

    def __init__(self, m):
        self.m, self.now = m, m.node.now()
        self.feed = dict(START)
        self.aggregator = {k: m.aggregator(DECIMALS[k], v) for k, v in START.items()}
        self.proxy = {k: m.deploy("FeedProxy", a) for k, a in self.aggregator.items()}
        self.ratio, self.most, self.fixed = 1_150_000_000_000_000_000, 104_000_000, 10**8
        self.provider = m.deploy("RatioProvider", self.ratio)
        self.at = {1: m.deploy("CappedRatio", self.proxy[ETH], self.provider, 18),
                   2: m.deploy("CappedRatioFeed", self.proxy[ETH], self.proxy[RATE], 18),
                   3: m.deploy("CappedStable", self.proxy[STABLE], self.most), 4: m.deploy("FixedPrice", self.fixed),
                   5: m.deploy("ProductPrice", self.proxy[PEGGED], self.proxy[ETH], 8),
                   6: m.deploy("Discounted", self.proxy[ETH], self.now + 10**7)}
        self.at[8] = m.deploy("CappedRatio", self.at[3], self.provider, 18)
        self.at[10] = m.deploy("Impostor", self.proxy[ETH], self.provider, 18)
        m.mined(self.at[10], "setOff(int256)", 77)
        self.at.update({0: self.proxy[ETH], 9: self.aggregator[PLAIN], 7: ZERO})
        self.cap = {}
        for i, yearly in ((1, 900), (2, 700), (8, 500), (10, 900)):
            self.set_cap(i, 1_149_999_999_000_000_000 if i != 2 else 1_119_999_990_000_000_000, yearly)
        m.node.mine()
        self.fallback = m.deploy("Fallback")
        self.assets = ["0x" + f"{0xa55e7000 + i:040x}" for i in range(len(NAMES))]
        m.mined(self.fallback, "set(address,uint256)", self.assets[7], 4242)
        m.mined(m.oracle, "setFallbackOracle(address)", self.fallback)
        m.sources([(self.assets[i], self.at[i]) for i in range(len(NAMES)) if i != 7])

    def set_cap(self, i, snapshot, yearly):
        since = self.m.node.now() - DAY
        self.m.tx(self.at[i], "setCap(uint256,uint256,uint256)", snapshot, since, yearly)
        generation = 1 if i == 2 else 2
        self.cap[i] = (snapshot, since, judge.growth(snapshot, yearly, generation), judge.GENERATIONS[generation])

    def prices(self, now, feed=None):
        """By the formulas; assets without one are left out."""
        f = feed or self.feed
        most = {i: judge.cap(*self.cap[i], now) for i in (1, 2, 8)}
        stable = judge.capped_stable(f[STABLE], self.most)
        return {0: f[ETH], 1: judge.capped_ratio(f[ETH], self.ratio, most[1], 18),
                2: judge.capped_ratio(f[ETH], f[RATE], most[2], 18), 3: stable, 4: self.fixed,
                5: judge.product(f[PEGGED], f[ETH], 8, 26), 8: judge.capped_ratio(stable, self.ratio, most[8], 18), 9: f[PLAIN]}

    # ---- what a block may bring

    def report(self, rng, odd):
        """One transaction of the reporter: several feeds at once."""
        last = {k: self.feed[k] if START[k] // 2 < self.feed[k] < 2 * START[k] else START[k] for k in START}
        new = {k: int(last[k] * rng.uniform(0.97, 1.03)) for k in rng.sample(sorted(START), rng.randint(1, 4))}
        if odd:
            new[rng.choice(sorted(new))] = rng.choice((0, -5))
        self.feed.update(new)
        m = self.m
        return m.tx(m.d["reporter"], "report(address[],int256[])", [self.aggregator[k] for k in new], list(new.values())), new

    def settle(self, live):
        """Every feed at its first answer, and a fallback."""
        aggregators, answers = list(self.aggregator.values()), [START[k] for k in self.aggregator]
        self.m.tx(self.m.d["reporter"], "report(address[],int256[])", aggregators, answers)
        self.m.mined(self.m.oracle, "setFallbackOracle(address)", self.fallback)
        self.feed = dict(START)
        live.block(self.m)
        self.m.node.mine()
        live.block(self.m)

    def other(self, rng, live):
        m, what = self.m, rng.choice(("ratio", "ratio", "cap", "most", "fixed", "phase", "fallback", "no fallback", "source"))
        if what == "ratio":
            self.ratio = int(self.ratio * rng.uniform(0.9999, 1.0003)) if rng.random() < 0.9 else 0
            self.ratio = self.ratio or 1_150_000_000_000_000_000
            m.tx(self.provider, "set(int256)", self.ratio)
        elif what == "cap":
            self.set_cap(rng.choice((1, 2, 8)), int(self.ratio * rng.uniform(0.995, 1.001)), rng.randint(0, 2000))
        elif what == "most":
            self.most = rng.randint(99_000_000, 105_000_000)
            m.tx(self.at[3], "setPriceCap(int256)", self.most)
        elif what == "fixed":
            self.fixed = rng.randint(10**7, 10**9)
            m.tx(self.at[4], "setPrice(int256)", self.fixed)
        elif what == "phase":
            k = rng.choice((ETH, STABLE, RATE, PEGGED))
            self.feed[k] = START[k] + rng.randint(-START[k] // 50, START[k] // 50)
            self.aggregator[k] = m.aggregator(DECIMALS[k], self.feed[k])
            live.block(m)
            m.tx(self.proxy[k], "proposeAggregator(address)", self.aggregator[k])
            m.tx(self.proxy[k], "confirmAggregator(address)", self.aggregator[k])
        elif what == "source":
            self.at[4] = m.deploy("FixedPrice", self.fixed + 1)
            live.block(m)
            self.fixed += 1
            m.tx(m.oracle, "setAssetSources(address[],address[])", [self.assets[4]], [self.at[4]])
        elif what == "fallback":
            m.tx(self.fallback, "set(address,uint256)", self.assets[rng.choice((0, 3, 7))], rng.choice((0, 5 * 10**7)))
        m.tx(m.oracle, "setFallbackOracle(address)", ZERO if what == "no fallback" else self.fallback)
        return what


def compare(w, live, block):
    """Prices and holds as the consumer knows them against the oracle, at this block's hash."""
    wrong = []
    for i, a in enumerate(w.assets):
        said = w.m.price(a, {"blockHash": block})
        hold, price = live.hold.get(i), live.price.get(i)
        want = (ABSENT, 0) if not said else (FREE, said)
        if hold == DIFFERS and said:
            want = (DIFFERS, said)
        if (hold, price) != want:
            wrong.append(f"{NAMES[i]}: told {(hold, price)}, the oracle {want}")
    return wrong


def expected(w, txs, before, now, old):
    """Groups of a block of reports only: by time, then by each transaction."""
    out, at = [], dict(before)
    feed = dict(old)
    for tx, new in [(None, {})] + txs:
        feed.update(new)
        prices = w.prices(now, feed)
        changes = {i: (FREE, p) for i, p in prices.items() if at[i] != p}
        at.update(prices)
        if changes:
            out.append((TX if tx else TIME, tx or "0x" + "00" * 32, changes))
    return out


def report_block(w, live, rng):
    """Feeds only: every group is foretold by the formulas."""
    before, old = {i: live.price[i] for i in MODELLED}, dict(w.feed)
    odd = rng.random() < 0.05
    txs = [w.report(rng, odd) for _ in range(rng.randint(0, 3))]
    w.m.node.mine(w.m.node.now() + rng.choice((1, 12, 12, 3600, 30 * DAY)))
    order = {t: int(w.m.node.receipt(t)["transactionIndex"], 16) for t, _ in txs}
    txs.sort(key=lambda t: order[t[0]])
    last = dict(old)
    for _, new in txs:
        last.update(new)
    w.feed = last
    now, told = live.block(w.m)
    positive = all(v > 0 for v in list(old.values()) + [v for _, n in txs for v in n.values()])
    if not positive or any(live.hold[i] != FREE for i in MODELLED):
        return "odd", []
    groups = [(e[1], e[3], e[4]) for e in told if e[0] == "group"]
    foretold = [g for g in groups if g[0] in (TX, TIME)]
    read = [i for g in groups if g[0] == READ for i in g[2] if i in MODELLED]
    want = expected(w, txs, before, now, old)
    wrong = [f"told {foretold}, foretold {want}"] if foretold != want else []
    return "exact", wrong + [f"{NAMES[i]} came by reading" for i in read]


def walk(w, live, rng):
    wrong, kinds, groups = [], {}, []
    for n in range(BLOCKS):
        if n < 4 or rng.random() < 0.65:
            if n < 4:
                w.m.node.mine()
                live.block(w.m)
                kind = "quiet"
            else:
                kind, bad = report_block(w, live, rng)
                groups += [f"block {n}: {b}" for b in bad]
        else:
            kind = w.other(rng, live)
            for _ in range(rng.randint(0, 2)):
                w.report(rng, False)
            w.m.node.mine(w.m.node.now() + rng.choice((1, 12, 3600)))
            live.block(w.m)
            w.m.node.mine()
            live.block(w.m)
            latest = bytes.fromhex(selector("latestAnswer()")[2:])
            w.feed = {k: int.from_bytes(w.m.node.call(a, latest), "big", signed=True) for k, a in w.aggregator.items()}
        kinds[kind] = kinds.get(kind, 0) + 1
        wrong += [f"block {n} ({kind}): {x}" for x in compare(w, live, w.m.block()["hash"])]
    name = f"{BLOCKS} steps, {len(w.assets)} assets: prices at each block's end are the oracle's ({kinds})"
    tap.report(not wrong, name, "\n".join(wrong[:8]))
    exact = kinds.get("exact", 0)
    tap.report(not groups and exact > BLOCKS // 5,
               f"{exact} blocks of reports: one group a transaction and one for time, as the formulas say", "\n".join(groups[:5]))
    w.settle(live)
    states = live.states()[0]
    wrong = [f"{NAMES[i]}: {s}" for i, s in states.items()
             if (s[2] == "modelled") != (i in MODELLED) or (i in MODELLED and s[-2] != "0")]
    tap.report(not wrong, "every kind with a model is modelled and has never differed; the others are polled",
               "\n".join(wrong + [n for n in live.notices if "block" in n]))
    tap.report(int(states[10][-2]) == 1 and not any(int(h) == DIFFERS for h in live.hold.values()),
               "an adapter that answers the getters but computes something else is found before it counts", states[10])
    explained = sum(int(s[-1]) for s in states.values())
    tap.report(explained > 0, f"{explained} differences explained by a replaced aggregator or a parameter without an event")


def lies(w, live):
    """A model that was believed differs: held at once, polled, believed again; the third time for good."""
    m, i = w.m, 10
    m.mined(w.at[i], "setOff(int256)", 0)
    live.block(m)
    m.sources([(w.assets[i], w.at[1])])
    live.block(m)
    m.sources([(w.assets[i], w.at[i])])
    seen = []
    for lie in range(3):
        for _ in range(5):
            m.node.mine()
            live.block(m)
        seen.append(live.states()[0][i][2])
        m.mined(w.at[i], "setOff(int256)", 5)
        live.block(m)
        seen += [live.hold[i], live.price[i] == m.price(w.assets[i])]
        m.mined(w.at[i], "setOff(int256)", 0)
        live.block(m)
        seen += [live.hold[i]]
    for _ in range(5):
        m.node.mine()
        live.block(m)
    seen += [live.states()[0][i][2], live.hold[i]]
    tap.report(seen == ["modelled", DIFFERS, True, DIFFERS] * 3 + ["polled", FREE],
               "a model that begins to differ: held, the oracle's price, free when equal again; given up after three times", seen)
    told = [n for n in live.notices if "modelled price" in n]
    tap.report(len(told) >= 3, "each is told", live.notices[-5:])
    for _ in range(2):
        m.sources([(w.assets[i], w.at[1])])
        live.block(m)
    for _ in range(4):
        m.node.mine()
        live.block(m)
    m.sources([(w.assets[i], w.at[i])])


def silent(w, live):
    """An answer changes and no log tells: held, even where a cap hides it."""
    m, seen = w.m, []
    w.most = 99_000_000
    m.tx(w.at[3], "setPriceCap(int256)", w.most)
    m.tx(m.d["reporter"], "report(address[],int256[])", [w.aggregator[STABLE]], [101_000_000])
    for _ in range(4):
        m.node.mine()
        live.block(m)
    for slot in range(8):
        if int(m.node.rpc("eth_getStorageAt", w.aggregator[STABLE], hex(slot), "latest"), 16) == 101_000_000:
            m.node.rpc("anvil_setStorageAt", w.aggregator[STABLE], "0x" + f"{slot:064x}", "0x" + f"{102_000_000:064x}")
    m.node.mine()
    live.block(m)
    seen += [live.hold[3], live.price[3] == m.price(w.assets[3]) == w.most, live.hold[0]]
    for _ in range(3):
        m.node.mine()
        live.block(m)
    w.feed[STABLE] = 102_000_000
    tap.report(seen == [DIFFERS, True, FREE] and live.hold[3] == FREE,
               "a feed changes without a log: held, though a cap hides it", seen)


def undone(w, live, rng):
    m, wrong = w.m, []
    for depth in (1, 2, 3):
        snapshot = m.node.rpc("evm_snapshot")
        feed = dict(w.feed)
        for _ in range(depth):
            w.report(rng, False)
            m.node.mine()
            live.block(m)
        m.node.rpc("evm_revert", snapshot)
        w.feed = feed
        w.report(rng, False)
        m.node.mine(m.node.now() + 7)
        told = live.block(m)[1]
        names = [e[0] if e[0] != "group" else e[1] for e in told if e[0] in ("undone", "group")]
        held = [e for e in told if e[0] == "group" and e[1] == UNSURE]
        if names[:2] != ["undone", UNSURE] or any(h != UNREAD for h, _ in held[0][4].values()):
            wrong.append(f"{depth} undone: told {names}")
        wrong += compare(w, live, m.block()["hash"])
    tap.report(not wrong, "one to three blocks undone: all assets held, then the oracle's prices", "\n".join(wrong[:5]))


def pending(w, live):
    """Oracle reports in the pool: what they would make of the prices, and what becomes of them."""
    m = w.m
    ocr = m.deploy("OcrAggregator", 8, 3000 * 10**8)
    forwarder = m.deploy("Forwarder")
    m.tx(w.proxy[ETH], "proposeAggregator(address)", ocr)
    m.tx(w.proxy[ETH], "confirmAggregator(address)", ocr)
    m.node.mine()
    live.block(m)
    w.feed[ETH], w.aggregator[ETH] = 3000 * 10**8, ocr
    for _ in range(4):
        m.node.mine()
        live.block(m)
    one = bytes.fromhex(selector("transmit(bytes,bytes32[],bytes32[],bytes32)")[2:])
    two = bytes.fromhex(selector("transmit(bytes32[3],bytes,bytes32[],bytes32[],bytes32)")[2:])
    forward = bytes.fromhex(selector("forward(address,bytes)")[2:])
    wrong = []

    def send(to, data, **more):
        return m.node.rpc("eth_sendTransaction", {"from": m.admin, "to": to, "data": "0x" + data.hex(), "gas": hex(10**6), **more})

    def foretold(tx, answer):
        e = live.until("candidate", tx)[-1]
        would = w.prices(m.node.now(), dict(w.feed, **{ETH: answer}))
        want = {i: (FREE, p) for i, p in would.items() if p != live.price[i] and live.hold[i] == FREE}
        got = {i: c for i, c in e[3].items() if i in MODELLED}
        if got != want or not want:
            wrong.append(f"candidate {got}, foretold {want}")

    plain = judge.transmit(one, 1, 257, [2900 * 10**8, 2950 * 10**8, 2990 * 10**8])
    forwarded = forward + judge.row(int(ocr, 16), judge.transmit(two, 2, 513, [28 * 10**10, 281 * 10**9]))
    for n, (data, to, answer) in enumerate(((plain, ocr, 2950 * 10**8), (forwarded, forwarder, 281 * 10**9))):
        tx = send(to, data)
        foretold(tx, answer)
        m.node.mine()
        told = live.block(m)[1]
        w.feed[ETH] = answer
        if ("withdrawn", "1", tx) not in told or live.price[0] != answer:
            wrong.append(f"report {n}: {told}")
    tap.report(not wrong, "reports of OCR1 and, forwarded, OCR2: candidates with the prices that came when they were mined",
               "\n".join(wrong))
    wrong = []
    count = int(m.node.rpc("eth_getTransactionCount", m.admin, "latest"), 16)
    price = int(m.node.rpc("eth_gasPrice"), 16)
    first = send(ocr, judge.transmit(two, 2, 600, [27 * 10**10]), nonce=hex(count), gasPrice=hex(2 * price))
    foretold(first, 27 * 10**10)
    second = send(ocr, judge.transmit(two, 2, 601, [26 * 10**10]), nonce=hex(count), gasPrice=hex(3 * price))
    if ("withdrawn", "2", first) not in live.until("candidate", second):
        wrong.append("not replaced")
    m.node.rpc("anvil_dropTransaction", second)
    m.node.mine()
    live.block(m)
    if ("withdrawn", "3", second) not in live.until("withdrawn", second):
        wrong.append("not dropped")
    tap.report(not wrong, "a candidate is withdrawn when its transaction is replaced or dropped", wrong)


def behind(w, live, rng):
    """The follower stands still while blocks are made: a few are read one by one, many are left out."""
    m, wrong = w.m, []
    for blocks in (10, 80):
        before = live.states()[1]["counters"]
        os.kill(live.p.pid, signal.SIGSTOP)
        for _ in range(blocks):
            w.report(rng, False)
            m.node.mine()
        os.kill(live.p.pid, signal.SIGCONT)
        live.block(m)
        after = live.states()[1]["counters"]
        new = {k: int(after[after.index(k) + 1]) - int(before[before.index(k) + 1]) for k in ("blocks", "gaps")}
        if new["gaps"] != (blocks > 64) or (blocks < 64 and new["blocks"] != blocks) or new["blocks"] > blocks:
            wrong.append(f"{blocks} blocks: {new}")
        wrong += compare(w, live, m.block()["hash"])
    tap.report(not wrong, "ten blocks behind: each is read; eighty: read anew at the head", "\n".join(wrong))


def sentinel(w, live):
    m, seen = w.m, []
    at = m.deploy("Sentinel")
    m.mined(m.provider, "setPriceOracleSentinel(address)", at)
    for allowed in (True, False):
        m.mined(at, "set(bool)", int(allowed))
        for _ in range(17):
            m.node.mine()
            live.block(m)
        seen.append(live.states()[1]["sentinel"][1])
    tap.report(seen == ["2", "3"], "a price sentinel is noted: allows, refuses", seen)


def short_walk(w, urls, rng, name):
    """The same over another transport, from a node that cannot be reached to one that can."""
    live = Live(w.m, w.assets, urls)
    wrong = []
    w.m.node.mine()
    live.block(w.m)
    for _ in range(8):
        w.report(rng, False)
        w.m.node.mine()
        live.block(w.m)
        wrong += compare(w, live, w.m.block()["hash"])
    tap.report(not wrong and live.close() == 0, name, "\n".join(wrong[:4]))


def market_119(tmp, rng):
    """The oracle of 1.19 answers alike."""
    ipc = os.path.join(tmp, "old.ipc")
    with PriceMarket("1.19", ipc=ipc) as m:
        short_walk(World(m), [ipc], rng, "the market of 1.19")


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"# SEED={SEED}")
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as tmp:
        ipc = os.path.join(tmp, "node.ipc")
        with PriceMarket(ipc=ipc) as m:
            w = World(m)
            live = Live(m, w.assets, [ipc])
            walk(w, live, rng)
            lies(w, live)
            silent(w, live)
            undone(w, live, rng)
            behind(w, live, rng)
            pending(w, live)
            sentinel(w, live)
            tap.report(live.close() == 0, "the follower ends in order")
            short_walk(w, [os.path.join(tmp, "nobody.ipc"), m.node.url], rng, "over HTTP, after a node that is not there")
        market_119(tmp, rng)
    tap.finish()


main()
