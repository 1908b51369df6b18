# SPDX-License-Identifier: Apache-2.0
"""The liquidation contract (host/exec/evm/contracts/Liquidator.sol) on a real pool with a real exchange, for tests.
Every call is encoded and every event and error is decoded by host/exec/evm, through flash_driver.c."""
import json
import os
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import fixture
from market import Market
from node import CHAIN_DIR, RpcError, encode, word, words

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parents[1] / "host/exec/evm/contracts/Liquidator.sol"
DRIVER = os.path.join(os.environ.get("B", "build"), "chain/flash_driver")
LOAN, CHECK, PAY_OUT = 1, 2, 4
ALL = 2**256 - 1
NOBODY = "0x" + "00" * 20
ETHER = 10**18
PREMIUM = 5  # basis points of a loan


def compiled(out=CHAIN_DIR / "flash", source=CONTRACT):
    """The folder with the compiled contracts; made again when a source has changed."""
    sources = [source, HERE / "js/compile_flash.js", HERE / "js/node.js", *(HERE / "flash").glob("*.sol")]
    env = dict(os.environ, CHAIN_DIR=str(CHAIN_DIR))
    cmd = ["node", HERE / "js/compile_flash.js", out, *([] if source == CONTRACT else [source])]
    fixture.step(out.name, fixture.digest(*sources), out / "Liquidator.json", lambda: subprocess.run(cmd, check=True, env=env))
    return out


def bare(a):
    return a[2:].lower()


def dynamic(selector, *args):
    """A call whose arguments may be bytes."""
    head, tail = b"", b""
    for a in args:
        if isinstance(a, bytes):
            head += word(32 * len(args) + len(tail))
            tail += word(len(a)) + a + bytes(-len(a) % 32)
        else:
            head += word(a)
    return bytes.fromhex(selector[2:]) + head + tail


@dataclass
class Order:
    user: str
    debt: str
    collateral: str
    router: str = NOBODY
    amount: int = ALL
    min_profit: int = 0
    tip: int = 0
    share: int = 0
    flags: int = LOAN
    via: list = field(default_factory=list)
    tip_via: list = field(default_factory=list)

    def text(self):
        path = [",".join(map(bare, p)) or "-" for p in (self.via, self.tip_via)]
        return " ".join([bare(self.user), bare(self.debt), bare(self.collateral), bare(self.router), f"{self.amount:064x}",
                         f"{self.min_profit:064x}", str(self.tip), str(self.share), str(self.flags), *path])


@dataclass
class Why:
    reason: str
    name: str = ""
    text: str = ""
    args: list = field(default_factory=list)


@dataclass
class Result:
    done: bool
    user: str
    debt: str
    collateral: str
    repaid: int = 0
    seized: int = 0
    premium: int = 0
    profit: int = 0
    paid: int = 0
    why: Why = None


def why(text):
    reason, name, string, args = text.split("|")
    return Why(reason, name, string, [int(a, 16) for a in args.split(",") if a])


class Driver:
    def __init__(self):
        self.p = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().rstrip("\n")

    def calldata(self, line):
        """Bytes and what else the answer says."""
        answer = self.ask(line)
        assert answer != "refused", line
        data, *rest = answer.split(" ")
        return bytes.fromhex(data), rest

    def single(self, order):
        return self.calldata("single " + order.text())[0]

    def batch(self, orders, required, gas_each):
        """(calldata, gas for the whole)"""
        data, (gas,) = self.calldata(f"batch {required} {gas_each} " + " ".join(o.text() for o in orders))
        return data, int(gas)

    def revert(self, data):
        return why(self.ask("revert " + (data.hex() or "-")))

    def result(self, contract, log):
        topics = ",".join(bare(t) for t in log["topics"])
        w = self.ask(f"result {bare(contract)} {bare(log['address'])} {topics} {bare(log['data']) or '-'}").split(" ", 4)
        if w[0] == "other":
            return None
        who = ["0x" + a for a in w[1:4]]
        if w[0] == "failed":
            return Result(False, *who, why=why(w[4]))
        return Result(True, *who, *(int(x, 16) for x in w[4].split(" ")))

    def close(self):
        self.p.stdin.close()
        self.p.stdout.close()
        self.p.wait()


@dataclass
class Sent:
    """What became of a transaction. cost: gas used."""
    ok: bool
    cost: int
    results: list
    logs: list
    why: Why
    block: int
    price: int


class FlashBench:
    """A market with the contract deployed: owner, two callers, the real router on its list. Blocks on demand."""

    def __init__(self, version, code=None):
        self.m, self.driver = Market(version), Driver()
        self.node, self.d = self.m.node, self.m.d
        code = code or compiled()
        self.made = {f.stem: json.loads(f.read_text()) for f in code.glob("*.json")}
        accounts = self.node.rpc("eth_accounts")
        self.owner, self.sender, self.other, self.stranger = accounts[3:7]
        self.tokens = {r["symbol"]: r["address"] for r in self.d["reserves"]}
        self.reserve = {r["symbol"]: r for r in self.d["reserves"]}
        self.router = self.d["uniswap"]["router"]
        self.contract = self.deploy("Liquidator", self.d["pool"], self.d["weth"], self.owner)
        for caller in (self.sender, self.other):
            self.do(self.owner, "setCaller", caller, True)
        self.do(self.owner, "setRouter", self.router, True)
        self.users = 0
        name = "updateFlashloanPremiumTotal" if version == "1.19" else "updateFlashloanPremium"
        self.m.act(self.d["admin"], "configurator", name, PREMIUM)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.driver.close()
        self.node.close()

    # ---- transactions

    def deploy(self, name, *args):
        data = self.made[name]["bytecode"] + b"".join(map(word, args)).hex()
        tx = self.node.rpc("eth_sendTransaction", {"from": self.d["admin"], "data": data, "gas": hex(16_000_000)})
        self.node.mine()
        receipt = self.node.receipt(tx)
        assert int(receipt["status"], 16) == 1, name
        return receipt["contractAddress"]

    def selector(self, contract, name):
        found = [s for sig, s in self.made[contract]["functions"].items() if sig.split("(")[0] == name]
        assert len(found) == 1, name
        return found[0]

    def call_data(self, contract, name, *args):
        make = dynamic if any(isinstance(a, bytes) for a in args) else encode
        return make(self.selector(contract, name), *args)

    def do(self, frm, name, *args, contract="Liquidator", to=None):
        """A call of the contract, or of another, that must succeed."""
        sent = self.send(frm, self.call_data(contract, name, *args), to=to)
        assert sent.ok, f"{name}: {sent.why}"
        return sent

    def get(self, name, *args, contract="Liquidator", to=None):
        return words(self.node.call(to or self.contract, self.call_data(contract, name, *args)))

    def send(self, frm, data, value=0, gas=16_000_000, to=None):
        to = to or self.contract
        tx = self.node.send(frm, to, data, gas, value)
        self.node.mine()
        r = self.node.receipt(tx)
        ok = int(r["status"], 16) == 1
        results = [x for x in (self.driver.result(self.contract, log) for log in r["logs"]) if x]
        cost, block, price = (int(r[k], 16) for k in ("gasUsed", "blockNumber", "effectiveGasPrice"))
        reason = None if ok else self.refusal(frm, data, value, to, block - 1)
        return Sent(ok, cost, results, r["logs"], reason, block, price)

    def refusal(self, frm, data, value=0, to=None, block="latest"):
        """Why a call would be undone, or None."""
        tx = {"from": frm, "to": to or self.contract, "data": "0x" + data.hex(), "value": hex(value)}
        try:
            self.node.rpc("eth_call", tx, hex(block) if isinstance(block, int) else block)
            return None
        except RpcError as e:
            return self.driver.revert(e.data)

    def one(self, order, frm=None, value=0):
        return self.send(frm or self.sender, self.driver.single(order), value)

    def many(self, orders, required=0, gas_each=800_000, frm=None, value=0, gas=None):
        data, enough = self.driver.batch(orders, required, gas_each)
        return self.send(frm or self.sender, data, value, gas or min(enough, 16_700_000))

    def needs(self, order, value=0):
        """The least gas limit with which an order goes through: more than it uses, as refunds come after."""
        tx = {"from": self.sender, "to": self.contract, "data": "0x" + self.driver.single(order).hex(), "value": hex(value)}
        return int(self.node.rpc("eth_estimateGas", tx), 16)

    # ---- the market

    def units(self, symbol, whole):
        return round(whole * 10**6) * 10**int(self.reserve[symbol]["decimals"]) // 10**6

    def fund(self, address, ether=1000):
        self.node.rpc("anvil_setBalance", address, hex(ether * ETHER))

    def give(self, symbol, to, amount):
        """Units of a token, to anyone."""
        if symbol == "WETH":
            self.m.give(self.reserve[symbol], self.stranger, amount)
            self.m.act(self.stranger, "token", "transfer", to, amount, to=self.tokens[symbol])
        else:
            self.m.act(self.stranger, "token", "mint", to, amount, to=self.tokens[symbol])

    def borrower(self, collateral, supplied, debt, borrowed):
        """A new account, by transactions. Amounts in whole tokens."""
        self.users += 1
        user = f"0x{0xb0b << 144 | self.users:040x}"
        self.fund(user)
        amount = self.units(collateral, supplied)
        self.give(collateral, user, amount)
        self.m.act(user, "token", "approve", self.d["pool"], amount, to=self.tokens[collateral])
        self.m.act(user, "pool", "supply", self.tokens[collateral], amount, user, 0)
        self.m.act(user, "pool", "borrow", self.tokens[debt], self.units(debt, borrowed), 2, 0, user)
        return user

    def price(self, symbol, factor):
        """The oracle's price times a factor."""
        r = self.reserve[symbol]
        self.m.report({r["id"]: round(self.m.prices()[r["id"]] * factor)})

    def order(self, user, collateral, debt, **more):
        """A loan's, with the pairs that there are."""
        direct = any({p["a"], p["b"]} == {collateral, debt} for p in self.d["uniswap"]["pairs"])
        hub = "USDC" if "WETH" in (collateral, debt) or "USDT" in (collateral, debt) else "WETH"
        via = [] if direct or collateral == debt else [self.tokens[hub]]
        o = Order(user, self.tokens[debt], self.tokens[collateral], self.router, via=via)
        return replace(o, **more)

    def become(self, symbol, kind):
        """The reserve's token has another contract's code from now on."""
        decimals = int(self.reserve[symbol]["decimals"])
        data = self.made[kind]["bytecode"] + (word(64) + word(decimals) + word(1) + b"T".ljust(32, b"\0")).hex()
        tx = self.node.rpc("eth_sendTransaction", {"from": self.d["admin"], "data": data, "gas": hex(16_000_000)})
        self.node.mine()
        code = self.node.rpc("eth_getCode", self.node.receipt(tx)["contractAddress"], "latest")
        self.node.rpc("anvil_setCode", self.tokens[symbol], code)

    # ---- what is where

    def balance(self, symbol, who=None):
        return words(self.node.call(self.tokens[symbol], self.m.data("token", "balanceOf", who or self.contract)))[0]

    def allowance(self, symbol, spender):
        return words(self.node.call(self.tokens[symbol], self.m.data("token", "allowance", self.contract, spender)))[0]

    def ether(self, who=None):
        return int(self.node.rpc("eth_getBalance", who or self.contract, "latest"), 16)

    def holdings(self):
        return {s: self.balance(s) for s in self.tokens} | {"ether": self.ether()}

    def open_allowances(self, spenders=()):
        return [(s, a) for s in self.tokens for a in (self.d["pool"], self.router, *spenders) if self.allowance(s, a)]

    def moved(self, sent, who=None):
        """{token: what came minus what went} of the ERC-20 transfers of a receipt."""
        who, net = int(who or self.contract, 16), {}
        for log in sent.logs:
            if log["topics"][0] == self.m.topics["Transfer"] and len(log["topics"]) == 3:
                value = int(log["data"], 16)
                for side, sign in ((log["topics"][1], -1), (log["topics"][2], 1)):
                    if int(side, 16) == who:
                        net[log["address"].lower()] = net.get(log["address"].lower(), 0) + sign * value
        return {t: v for t, v in net.items() if v}

    def event(self, sent, name):
        """The words of the pool's events of this name."""
        return [words(bytes.fromhex(log["data"][2:])) for log in sent.logs
                if log["topics"][0] == self.d["abi"]["pool"]["events"][name]["topic"]]

    def sale(self, path, amount, block):
        """What Uniswap V2 gives for an amount along token addresses, by its formula, as of a block."""
        get = {s: encode(self.d["abi"]["pair"]["functions"][s]) for s in ("getReserves()", "token0()")}
        names = {a.lower(): s for s, a in self.tokens.items()}
        for a, b in zip(path, path[1:]):
            both = {names[a.lower()], names[b.lower()]}
            pair = next(p["address"] for p in self.d["uniswap"]["pairs"] if {p["a"], p["b"]} == both)
            r0, r1, _ = words(self.node.call(pair, get["getReserves()"], hex(block)))
            first = words(self.node.call(pair, get["token0()"], hex(block)))[0] == int(a, 16)
            into, out = (r0, r1) if first else (r1, r0)
            amount = amount * 997 * out // (into * 1000 + amount * 997)
        return amount

    def snapshot(self):
        return self.node.rpc("evm_snapshot")

    def restore(self, number):
        assert self.node.rpc("evm_revert", number)


def main():
    made = json.loads((compiled() / "Liquidator.json").read_text())
    print(f"{CHAIN_DIR / 'flash/Liquidator.json'}: abi and bytecode; {len(made['runtime']) // 2 - 1} bytes of code")
    print("constructor(address pool, address weth, address owner)")


if __name__ == "__main__":
    main()
