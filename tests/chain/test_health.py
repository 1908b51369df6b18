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

RULES = {"3.6": ("aave-3.6", "aave-3.5"), "1.19": ("aave-1.19",)}  # the first that this build has
SEED = int(os.environ.get("SEED", 20261121))
WRITTEN, TRADED = int(os.environ.get("CHAIN_ACCOUNTS", 3000)), 300
ROUNDS = 8
SHOWN = 3


def split(accounts, reserves, emodes, rule):
    """(comparable, apart): apart are those with collateral whose own threshold is 0, which aave-3.5 leaves out."""
    if rule != "aave-3.5":
        return accounts, []
    apart = [a for a in accounts if any(c and s and reserves[r].lt == 0 for r, (c, s, _) in a.position.items())]
    gone = {a.address for a in apart}
    return [a for a in accounts if a.address not in gone], apart


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
    rules = [r for r in RULES[v] if judge.known(r)]
    if not rules:
        tap.skip(f"{v}: health", f"this build has no rule {RULES[v][0]}")
        return
    rule, rnd = rules[0], random.Random(f"{SEED} {v}")
    with Market(v) as m:
        made = m.populate(SEED, WRITTEN, TRADED)
        users = made["traded"] + made["written"]
        print(f"# {v}: {len(users)} accounts, steps that the pool refused: {made['refused']}", flush=True)
        tap.report(sum(made["refused"].values()) < TRADED // 10, f"{v}: accounts made by transactions", made["refused"])
        emodes, reserves = m.emodes(), m.reserves()
        accounts, apart = split(m.accounts(users), reserves, emodes, rule)
        shared = {r.id for r in reserves if sum(r.id in e.reserves for e in emodes.values()) > 1}
        print(f"# {v}: {rule}; {sum(a.emode != 0 for a in accounts)} in an eMode, "
              f"{sum(a.emode != 0 and any(c and r in shared for r, (c, _, _) in a.position.items()) for a in accounts)} "
              "with collateral that is in several", flush=True)
        if apart:
            tap.skip(f"{v}: {len(apart)} accounts with collateral whose own threshold is 0",
                     "3.6 counts it, aave-3.5 does not, and this build has no rule aave-3.6")
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
