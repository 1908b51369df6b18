#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tripline chain`: borrowers found by their logs, read and followed through transfers, liquidations, switches, eModes,
parameters, reorganisations and kill -9. The store is held against what the contracts say, asked here and by
`tripline chain audit`. Market versions 3.6 and 1.19. Prints TAP."""
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from market import Market  # noqa: E402

TRIPLINE = os.path.join(os.environ.get("B", "build"), "tripline")
SEED = int(os.environ.get("SEED", 20261121))
TRADED = {"3.6": int(os.environ.get("CHAIN_ACCOUNTS", 300)), "1.19": 300}
RULES = {"3.6": "aave-3.6", "1.19": "aave-1.19"}
ACTIONS, PHASES = 60, 5
ALL = 2**256 - 1
FOREVER = 2**34 - 1
WAIT_S = 240


class Bench:
    def __init__(self, m, rule, tmp):
        self.m, self.rule, self.rnd = m, rule, random.Random(f"{SEED} {m.version}")
        self.db = os.path.join(tmp, f"{m.version}.db")
        self.liquidator = m.node.rpc("eth_accounts")[2]
        self.done, self.users = {}, []

    # ---- tripline

    def args(self, *more, url=None):
        return [TRIPLINE, "chain", more[0], "--node", url or self.m.node.url, "--pool", self.m.d["pool"], "--db", self.db,
                *more[1:]]

    def index(self, *more):
        args = self.args("index", "--rule", self.rule, *more)
        return subprocess.run(args, text=True, capture_output=True, check=False, timeout=300)

    def follow(self, url=None):
        return subprocess.Popen(self.args("index", "--rule", self.rule, "--follow", "--audit", "5", url=url),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def audit(self):
        return subprocess.run(self.args("audit"), text=True, capture_output=True, check=False, timeout=300)

    def block(self):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=10) as c:
            return c.execute("SELECT block, phase FROM chain_meta").fetchone()

    def at_head(self):
        end = time.monotonic() + WAIT_S
        head = int(self.m.node.rpc("eth_blockNumber"), 16)
        while time.monotonic() < end:
            try:
                if self.block() == (head, 4):
                    return True
            except sqlite3.Error:
                pass
            time.sleep(0.05)
        return False

    # ---- what people do; the pool may refuse

    def do(self, frm, contract, name, *args, to=None):
        n = self.m.node
        n.rpc("anvil_setBalance", frm, hex(10**21))
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

    def liquidate(self):
        user = self.rnd.choice(self.users)
        a = self.m.accounts([user])[0]
        debts = [r for r, p in a.position.items() if p[2]]
        colls = [r for r, p in a.position.items() if p[0] and p[1]]
        if not debts or not colls:
            return
        prices = self.m.prices()
        debt, coll = self.rnd.choice(debts), self.rnd.choice(colls)
        self.m.report({coll: max(1, prices[coll] * self.rnd.randrange(50, 90) // 100)})
        r = self.m.d["reserves"]
        self.do(self.liquidator, "pool", "liquidationCall", r[coll]["address"], r[debt]["address"], user, ALL,
                self.rnd.random() < 0.5)
        self.m.report({coll: prices[coll]})

    def parameters(self):
        rnd, d = self.rnd, self.m.d
        r = rnd.choice(d["reserves"])["address"]
        admin = d["admin"]
        kinds = [("setLiquidationProtocolFee", (r, rnd.randrange(0, 3000))),
                 ("setReservePause(address,bool)", (r, rnd.random() < 0.5)),
                 ("configureReserveAsCollateral", (r, 5000, rnd.randrange(6000, 8500), 10500)),
                 ("setReserveFactor", (r, 1500))]
        if self.m.version == "3.6":
            kinds += [("setAssetCollateralInEMode", (r, rnd.randrange(1, 5), rnd.random() < 0.5)),
                      ("setReservePause(address,bool,uint40)", (r, False, 3600))]
        name, args = rnd.choice(kinds)
        self.do(admin, "configurator", name, *args)

    def action(self):
        rnd, d = self.rnd, self.m.d
        user, other, r = rnd.choice(self.users), rnd.choice(self.users), rnd.choice(d["reserves"])
        what = rnd.randrange(8)
        if what == 0:
            self.do(user, "aToken", "transfer", other, rnd.randrange(1, 10**6), to=r["aToken"])
        elif what == 1:
            self.do(user, "pool", "setUserUseReserveAsCollateral", r["address"], rnd.random() < 0.5)
        elif what == 2:
            self.do(user, "pool", "setUserEMode", rnd.randrange(0, 3))
        elif what == 3:
            self.do(user, "pool", "withdraw", r["address"], rnd.choice((ALL, 1000)), user)
        elif what == 4:
            self.m.give(r, self.liquidator, 10**6)
            self.do(self.liquidator, "pool", "repay", r["address"], rnd.randrange(1, 10**6), 2, user)
        elif what == 5:
            self.liquidate()
        elif what == 6:
            self.parameters()
        else:
            self.newcomer()
        if rnd.random() < 0.2:
            self.m.pass_time(rnd.randrange(1, 100000))

    # ---- the store against the chain

    def stored(self):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as c:
            ids = {i: "0x" + a.hex() for a, i in c.execute("SELECT address, id FROM chain_accounts")}
            reserve = dict(c.execute("SELECT instrument, reserve FROM chain_reserves"))
            out = {ids[i]: (e, {}) for i, e in c.execute("SELECT id, emode FROM accounts")}
            rows = c.execute("SELECT account, instrument, supply, debt, collateral FROM positions")
            for i, k, supply, debt, coll in rows:
                out[ids[i]][1][reserve[k]] = (bool(coll), int(supply), int(debt))
            rows = c.execute("SELECT id, lt_bps, fee_bps, grace_until FROM instruments")
            market = {reserve[i]: (lt, fee, grace) for i, lt, fee, grace in rows}
        return out, market

    def compare(self, name):
        """Everybody who was ever seen, also those who must not be there."""
        stored, market = self.stored()
        wrong = []
        for a in self.m.accounts(self.users):
            held = {r: (c, s if c else 0, d) for r, (c, s, d) in a.position.items() if d or (c and s)}
            owes = any(d for _, _, d in held.values())
            have = stored.get(a.address.lower())
            if have is None and not owes:
                continue
            if have != (a.emode, held):
                wrong.append((a.address, have, (a.emode, held)))
        for r in self.m.reserves():
            paused = self.m.get("pool", "getConfiguration", r.address)[0] >> 60 & 1
            if market[r.id] != (r.lt, r.fee, FOREVER if paused else r.grace_until):
                wrong.append((r.symbol, market[r.id], (r.lt, r.fee, r.grace_until, paused)))
        return tap.report(not wrong, f"{self.m.version}: {name}: {len(stored)} accounts are the contract's", wrong[:2])


def killed_while_searching(b):
    """The first index, ended by kill -9 again and again."""
    kills = 0
    while True:
        p = subprocess.Popen(b.args("index", "--rule", b.rule, "--range", "7"), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        try:
            p.wait(0.01 + 0.04 * kills)
            break
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.communicate()
            kills += 1
    out, err = p.communicate()
    tap.report(p.returncode == 0 and kills > 0, f"{b.m.version}: the first index, killed on the way", f"{kills} kills, {out}{err}")
    print(f"# killed {kills} times", flush=True)


def audited(b, name):
    p = b.audit()
    print("# " + p.stdout.strip().splitlines()[-1] if p.stdout else "# no output", flush=True)
    tap.report(p.returncode == 0, f"{b.m.version}: {name}: audit", p.stdout + p.stderr)


def live(b, phase, ipc):
    """One life of a follower: it follows, the chain reorganises, it is ended (by kill -9 in every other life)."""
    p, good = b.follow(ipc if phase % 2 else None), True
    try:
        for k in range(ACTIONS):
            b.action()
            if k % 20 == 10:
                good &= b.at_head()
                b.m.node.rpc("anvil_reorg", b.rnd.randrange(1, 12), [])
        if phase % 2 == 0:
            tap.report(good and b.at_head(), f"{b.m.version}: life {phase}: at the head", b.block())
    finally:
        p.send_signal(signal.SIGKILL if phase % 2 else signal.SIGTERM)
        out = p.communicate()[0]
    if phase % 2 == 0:
        good = p.returncode == 0 and ", 0 differences" in out and ", 3 reorganisations" in out
        tap.report(good, f"{b.m.version}: life {phase} follows 3 reorganisations and ends well", out)
        print("# " + out.strip().replace("\n", "\n# "), flush=True)


def version(v, tmp):
    rule = RULES[v]
    ipc = os.path.join(tmp, f"{v}.ipc")
    with Market(v, ipc=ipc) as m:
        b = Bench(m, rule, tmp)
        b.users = m.populate(SEED, 0, TRADED[v])["traded"]
        for r in m.d["reserves"]:
            m.give(r, b.liquidator, 10**9 * 10**int(r["decimals"]))
            m.act(b.liquidator, "token", "approve", m.d["pool"], ALL, to=r["address"])
        killed_while_searching(b)
        b.compare("found")
        audited(b, "found")
        for phase in range(PHASES):
            live(b, phase, ipc)
        p = b.index()
        tap.report(p.returncode == 0, f"{v}: resumed", p.stdout + p.stderr)
        b.compare("after all")
        audited(b, "after all")
        print(f"# {v}: done {b.done}", flush=True)
        kinds = ("transfer", "setUserUseReserveAsCollateral", "setUserEMode", "withdraw", "repay", "liquidationCall", "borrow",
                 "setReservePause")
        tap.report(all(b.done.get(k) for k in kinds), f"{v}: every kind of change occurred", b.done)


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"# SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory() as tmp:
        for v in fixture.VERSIONS:
            version(v, tmp)
    tap.finish()


if __name__ == "__main__":
    main()
