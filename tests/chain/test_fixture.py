#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The chain fixture itself: nodes that end with their owners and take nobody's place, pinned packages, and markets that
are what docs/chain.md says. Prints TAP."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from market import Market  # noqa: E402
from node import Node, array  # noqa: E402

GONE_S = 240


def refuses(what, **args):
    try:
        Node(**args).close()
    except RuntimeError as e:
        return tap.report("is taken" in str(e), f"a taken {what} is refused", e)
    return tap.report(False, f"a taken {what} is refused", "started")


def gone(pid):
    end = time.monotonic() + GONE_S
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def dies_with(number):
    owner = subprocess.Popen([sys.executable, HERE / "fixture.py", "--run", "3.6"], stdout=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # ignored where this runs in the background
    pid = json.loads(owner.stdout.readline())["pid"]
    alive = Path(f"/proc/{pid}").exists()
    owner.send_signal(number)
    owner.wait()
    tap.report(alive and gone(pid), f"the node ends with its owner: {signal.Signals(number).name}", f"{pid}, alive before: {alive}")


def nodes():
    with tempfile.TemporaryDirectory() as tmp:
        ipc = os.path.join(tmp, "node.ipc")
        with Node(ipc=ipc) as n:
            refuses("port", port=n.port)
            refuses("socket", ipc=ipc)
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(ipc)
                s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}\n')
                tap.report(b'"0x7a69"' in s.recv(4096), "JSON-RPC over the unix socket")
            pid = n.process.pid
        tap.report(gone(pid) and not os.path.exists(ipc), "close ends the node and takes its socket away")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        dies_with(number)


def packages():
    p = json.loads((HERE / "package.json").read_text())
    pinned = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
    loose = [f"{k} {v}" for part in ("devDependencies", "overrides") for k, v in p[part].items() if not pinned.fullmatch(v)]
    tap.report(not loose, "every package is pinned", loose)
    text = (HERE / "package-lock.json").read_text()
    tap.report('"resolved"' not in text and "://" not in re.sub(r'"url": "[^"]*"', "", text), "the lock file names no registry")
    again = subprocess.run([sys.executable, HERE / "fixture.py", "--build"], capture_output=True, text=True, check=True)
    tap.report(again.stdout == "", "building again does nothing", again.stdout)


def feeds(v, m):
    prices = m.prices()
    tap.report(prices == [int(r["price"]) for r in m.d["reserves"]], f"{v}: the oracle gives the prices of the description", prices)
    r, events = m.d["reserves"][0], m.d["abi"]["aggregator"]["events"]
    block = int(m.node.rpc("eth_blockNumber"), 16)
    m.report({0: 111, 1: 222})
    wanted = {"fromBlock": hex(block + 1), "toBlock": "latest", "topics": [events["AnswerUpdated"]["topic"]]}
    logs = m.node.rpc("eth_getLogs", wanted)
    said = [(g["address"].lower(), int(g["topics"][1], 16)) for g in logs]
    want = [(m.d["reserves"][i]["aggregator"].lower(), p) for i, p in ((0, 111), (1, 222))]
    tap.report(said == want and len({g["transactionHash"] for g in logs}) == 1,
               f"{v}: aggregators tell several answers in one transaction", said)
    for act in ("proposeAggregator", "confirmAggregator"):
        m.act(m.d["admin"], "feed", act, m.d["reserves"][2]["aggregator"], to=r["feed"])
    now = m.get("feed", "aggregator", to=r["feed"])[0]
    phase = m.get("feed", "phaseId", to=r["feed"])[0]
    tap.report(now == int(m.d["reserves"][2]["aggregator"], 16) and m.prices()[0] == prices[2] and phase == 2,
               f"{v}: a proxy's aggregator is replaced, and the oracle's price with it", m.prices())


def shape(v, m):
    reserves, emodes = m.reserves(), m.emodes()
    decimals = sorted(r.decimals for r in reserves)
    tap.report(len(reserves) >= 6 and decimals.count(6) == 2 and 8 in decimals and 18 in decimals,
               f"{v}: reserves of 6, 8 and 18 decimals", decimals)
    shared = [r.symbol for r in reserves if sum(r.id in e.reserves for e in emodes.values()) > 1]
    tap.report(bool(shared) == (v != "1.19"), f"{v}: categories that share reserves: {shared or 'none, as it must be'}")


def exchange(v, m):
    """A small sale at each pair gives what the oracle's prices say less the fee of 0.3 %."""
    by, price = {r["symbol"]: r for r in m.d["reserves"]}, m.prices()
    wrong = []
    for p in m.d["uniswap"]["pairs"]:
        a, b = by[p["a"]], by[p["b"]]
        amount = 10 ** int(a["decimals"])
        out = array(m.node.call(m.d["uniswap"]["router"], m.data("router", "getAmountsOut", amount, [a["address"], b["address"]])))
        fair = price[a["id"]] * 10 ** int(b["decimals"]) / price[b["id"]]
        if not 0.995 < out[1] / fair < 0.998:
            wrong.append((p, out, fair))
    n = len(m.d["uniswap"]["pairs"])
    tap.report(not wrong and n == len(m.d["reserves"]), f"{v}: {n} exchange pairs at the oracle's prices", wrong)


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    nodes()
    packages()
    for v in fixture.VERSIONS:
        with Market(v) as m:
            shape(v, m)
            exchange(v, m)
            feeds(v, m)
    tap.finish()


if __name__ == "__main__":
    main()
