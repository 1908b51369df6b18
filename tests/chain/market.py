# SPDX-License-Identifier: Apache-2.0
"""A deployed market as its contracts tell it: reserves, categories, prices, accounts. Everything here is read from the
node; nothing is taken from what the deployment meant to do."""
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import fixture
from node import CHAIN_DIR, RpcError, array, encode, words

USERS_A_CALL = 150  # a call's gas is bounded by a block's
HEALTHY = 2**256 - 1
NO_REASON = "no reason given"


@dataclass
class Reserve:
    """One reserve as of its last update; indexes and rates in RAY, thresholds in basis points."""
    id: int
    symbol: str
    address: str
    decimals: int
    lt: int
    lb: int
    fee: int
    category: int  # 1.19 only
    liquidity_index: int
    liquidity_rate: int
    borrow_index: int
    borrow_rate: int
    updated: int
    grace_until: int


@dataclass
class Emode:
    id: int
    lt: int
    lb: int
    reserves: set  # ids of the reserves that are collateral in it


@dataclass
class Account:
    address: str
    emode: int
    position: dict = field(default_factory=dict)  # reserve id -> (collateral?, scaled supply, scaled debt)


class Market:
    def __init__(self, version, **node_args):
        self.version, self.d = version, fixture.market(version)
        self.node = fixture.node(version, **node_args)
        self.node.impersonate()
        self.abi = {c: v["functions"] for c, v in self.d["abi"].items()}
        self.topics = {name: e["topic"] for c in ("pool", "aToken") for name, e in self.d["abi"][c]["events"].items()}
        self.tokens = [t for r in self.d["reserves"] for t in (r["aToken"], r["vToken"])]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.node.close()

    def selector(self, contract, name):
        """Of the function with this name; where there are several, name has the argument types too."""
        found = [s for sig, s in self.abi[contract].items() if sig == name or sig.split("(")[0] == name]
        assert len(found) == 1, f"{contract}.{name}: {len(found)} functions"
        return found[0]

    def get(self, contract, name, *args, to=None):
        return words(self.node.call(to or self.d[contract], encode(self.selector(contract, name), *args)))

    def data(self, contract, name, *args):
        return encode(self.selector(contract, name), *args)

    def act(self, frm, contract, name, *args, to=None, timestamp=None):
        """A transaction in a block of its own; its receipt, which must say success."""
        tx = self.node.send(frm, to or self.d[contract], self.data(contract, name, *args))
        self.node.mine(timestamp)
        receipt = self.node.receipt(tx)
        assert int(receipt["status"], 16) == 1, f"{contract}.{name} reverted"
        return receipt

    # ---- accounts

    def populate(self, seed, written, traded):
        """Makes borrowers (js/accounts.js); their addresses and what the pool refused while they were made."""
        out = CHAIN_DIR / f"accounts-{os.getpid()}.json"
        try:
            script, description = Path(__file__).with_name("js") / "accounts.js", CHAIN_DIR / f"market-{self.version}.json"
            subprocess.run(["node", script, self.node.url, description, str(seed), str(written), str(traded), out], check=True,
                           env=dict(os.environ, CHAIN_DIR=str(CHAIN_DIR)))
            made = json.loads(out.read_text())
        finally:
            out.unlink(missing_ok=True)
        return made

    def _lens(self, name, users, *args):
        out = []
        for i in range(0, len(users), USERS_A_CALL):
            data = self.data("lens", name, *args, users[i:i + USERS_A_CALL])
            answer, tries = self.node.call(self.d["lens"], data), 0
            while not answer and tries < 20:  # anvil may answer nothing when it has taken blocks back
                time.sleep(0.05)
                answer, tries = self.node.call(self.d["lens"], data), tries + 1
            out += array(answer)
        return out

    def accounts(self, users):
        settings = self._lens("settings", users, self.d["pool"])
        scaled = self._lens("scaled", users, self.tokens)
        out, n = [], len(self.tokens)
        for k, u in enumerate(users):
            config, emode = settings[2 * k:2 * k + 2]
            a = Account(u, emode)
            for r in range(n // 2):
                supply, debt = scaled[k * n + 2 * r:k * n + 2 * r + 2]
                if supply or debt:
                    a.position[r] = (bool(config >> (2 * r + 1) & 1), supply, debt)
            out.append(a)
        return out

    def account_data(self, users):
        """getUserAccountData: (collateral, debt, health factor) of each."""
        w = self._lens("data", users, self.d["pool"])
        return [tuple(w[i:i + 3]) for i in range(0, len(w), 3)]

    # ---- reserves

    def reserves(self):
        asked = [self.data("pool", "getReserveData", r["address"]) for r in self.d["reserves"]]
        calls = [("eth_call", [{"to": self.d["pool"], "data": "0x" + data.hex()}, "latest"]) for data in asked]
        out = []
        for r, raw in zip(self.d["reserves"], self.node.batch(calls)):
            w = words(bytes.fromhex(raw[2:]))
            c = w[0]
            grace = self.get("pool", "getLiquidationGracePeriod", r["address"])[0] if self.version != "1.19" else 0
            lt, lb, decimals, fee, category = c >> 16 & 0xffff, c >> 32 & 0xffff, c >> 48 & 255, c >> 152 & 0xffff, c >> 168 & 255
            out.append(Reserve(w[7], r["symbol"], r["address"], decimals, lt, lb, fee, category, *w[1:5], w[6], grace))
        assert [r.id for r in out] == list(range(len(out)))
        return out

    def emodes(self):
        out = {}
        for e in self.d["emodes"]:
            if self.version == "1.19":
                ltv_lt_lb = self.get("pool", "getEModeCategoryData", e["id"])[1:]
                members = {r.id for r in self.reserves() if r.category == e["id"]}
            else:
                ltv_lt_lb = self.get("pool", "getEModeCategoryCollateralConfig", e["id"])
                bitmap = self.get("pool", "getEModeCategoryCollateralBitmap", e["id"])[0]
                members = {i for i in range(128) if bitmap >> i & 1}
            out[e["id"]] = Emode(e["id"], ltv_lt_lb[1], ltv_lt_lb[2], members)
        return out

    def prices(self):
        tokens = [r["address"] for r in self.d["reserves"]]
        return array(self.node.call(self.d["oracle"], self.data("oracle", "getAssetsPrices", tokens)))

    def report(self, answers):
        """New answers {reserve id: price}, all in one transaction."""
        ids = sorted(answers)
        aggregators = [self.d["reserves"][i]["aggregator"] for i in ids]
        self.act(self.d["admin"], "reporter", "report", aggregators, [answers[i] for i in ids])

    def pass_time(self, seconds):
        self.node.mine(self.node.now() + seconds)

    def touch(self):
        """One unit supplied to every reserve: brings its indexes and rates to now."""
        for r in self.d["reserves"]:
            unit = 10 ** int(r["decimals"])
            self.give(r, self.d["supplier"], unit)
            self.act(self.d["supplier"], "pool", "supply", r["address"], unit, self.d["supplier"], 0)

    def give(self, r, to, amount):
        if r["symbol"] != "WETH":
            return self.act(to, "token", "mint", to, amount, to=r["address"])
        self.node.rpc("anvil_setBalance", to, hex(amount + 10**24))
        tx = self.node.send(to, r["address"], self.data("weth", "deposit"), value=amount)
        self.node.mine()
        return self.node.receipt(tx)

    def reason(self, error):
        """The protocol's name of what a call was refused for."""
        data = error.data
        if data[:4] == bytes.fromhex("08c379a0"):
            text = data[68:68 + int.from_bytes(data[36:68], "big")].decode()
            return self.d["errors"].get(text, text)
        return self.d["errors"].get("0x" + data[:4].hex(), "0x" + data.hex()) if data else NO_REASON


__all__ = ["Account", "Emode", "HEALTHY", "Market", "NO_REASON", "Reserve", "RpcError"]
