#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Health of every account as the contract says it against the rule: collateral, debt and health factor, to the last unit,
after prices have moved and interest has run. Market versions 3.6 and 1.19. Prints TAP."""
import os
import random
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import judge  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from market import Market  # noqa: E402

RULES = {"3.6": "aave-3.6", "1.19": "aave-1.19"}
SEED = int(os.environ.get("SEED", 20261121))
WRITTEN, TRADED = int(os.environ.get("CHAIN_ACCOUNTS", 3000)), 300
ROUNDS = 8
SHOWN = 3


def compare(name, m, rule, accounts, reserves, emodes):
    now, prices = m.node.now(), m.prices()
    chain = m.account_data([a.address for a in accounts])
    ours = judge.health(rule, accounts, reserves, emodes, prices, now)
    wrong = [(a, c, o) for a, c, o in zip(accounts, chain, ours)
             if isinstance(o, str) or c != o[:3] or o[3] != (c[2] < 10**18)]
    why = "\n".join(f"{a}\n  chain {c}\n  rule  {o}" for a, c, o in wrong[:SHOWN])
    below = sum(c[2] < 10**18 for c in chain)
    tap.report(not wrong and 0 < below < len(chain),
               f"{name}: {len(accounts)} accounts, {below} below one, {len(wrong)} differences", why or "none below one, or all")


def stir(m, rnd, k):
    """New prices for some reserves, and time."""
    prices = m.prices()
    moved = rnd.sample(range(len(prices)), rnd.randint(1, len(prices)))
    m.report({i: max(1, round(prices[i] * rnd.lognormvariate(0, 0.04))) for i in moved})
    m.pass_time((1, 12, 3600, 86400, 3 * 86400, 30 * 86400, 180 * 86400)[k % 7])
    if k % 2:
        m.touch()


def version(v):
    rule, rnd = RULES[v], random.Random(f"{SEED} {v}")
    with Market(v) as m:
        made = m.populate(SEED, WRITTEN, TRADED)
        users = made["traded"] + made["written"]
        print(f"# {v}: {len(users)} accounts, steps that the pool refused: {made['refused']}", flush=True)
        tap.report(sum(made["refused"].values()) < TRADED // 10, f"{v}: accounts made by transactions", made["refused"])
        emodes, reserves, accounts = m.emodes(), m.reserves(), m.accounts(users)
        shared = {r.id for r in reserves if sum(r.id in e.reserves for e in emodes.values()) > 1}
        print(f"# {v}: {rule}; {sum(a.emode != 0 for a in accounts)} in an eMode, "
              f"{sum(a.emode != 0 and any(c and r in shared for r, (c, _, _) in a.position.items()) for a in accounts)} "
              "with collateral that is in several", flush=True)
        compare(f"{v}: as made", m, rule, accounts, m.reserves(), emodes)
        for k in range(ROUNDS):
            stir(m, rnd, k)
            compare(f"{v}: round {k + 1}", m, rule, accounts, m.reserves(), emodes)


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print(f"# SEED={SEED}", flush=True)
    for v in fixture.VERSIONS:
        version(v)
    tap.finish()


if __name__ == "__main__":
    main()
