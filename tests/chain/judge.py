# SPDX-License-Identifier: Apache-2.0
"""The other side of the comparison: tripline's rules, asked through tests/diff/rules_driver.c, given what the chain says
of a market and of an account."""
import os
import subprocess
from copy import copy
from dataclasses import dataclass

from market import HEALTHY

DRIVER = os.path.join(os.environ.get("B", "build"), "chain/rules_driver")
ALL = 2**127 - 1  # more debt than anyone has
COUNTS_WITHOUT_THRESHOLD = ("aave-3.6", "aave-3.7")
PARTIES = ("account", "liquidator", "venue", "pool", "deficit")
DEBT_UNIT = 10**22  # of the rules' requirement: they compare S 1e18 + D/2 with 1e22 D, or the like
DEBT_MAX = 10**18   # below it D/2 does not reach the collateral's digits


@dataclass
class Settlement:
    flows: dict     # (party, reserve id) -> token units, signed
    position: dict  # as in market.Account, afterwards


def market_lines(reserves, emodes, prices, now):
    out = ["reset"]
    for r in reserves:
        first, *further = [e for _, e in sorted(emodes.items()) if r.id in e.reserves] or [None]
        mode = f"{first.id} {first.lt} {first.lb}" if first else "0 0 0"
        out += [f"asset {r.id} 2 8 0",
                f"reserve {r.id} {r.decimals} {r.id} {r.lt} {r.lb} {r.fee} {mode} {r.liquidity_index} {r.borrow_index}",
                f"rates {r.id} 0 0 {r.liquidity_rate} {r.borrow_rate} {r.updated}",
                f"ramp {r.id} 0 0 0 0 {r.grace_until}",
                f"px {r.id} {prices[r.id]}"]
        out += [f"further {r.id} {e.id} {e.lt} {e.lb}" for e in further]
    return out + [f"now {now * 10**9}"]


def account_lines(rule, a):
    out = [f"account {rule} - 0 {a.emode} 0"]
    for i, (collateral, supply, debt) in sorted(a.position.items()):
        out.append(f"pos {i} {int(collateral)} 0 0 {supply} {debt}")
    return out + ["validate"]


def ask(lines):
    p = subprocess.run([DRIVER], input="\n".join(lines) + "\n", text=True, capture_output=True, check=True)
    return p.stdout.splitlines()


def full_thresholds(rule, reserves, emodes):
    """The same market with every threshold 100 %: then the weighted collateral is the collateral. Before 3.6 a threshold
    of 0 takes the supply out of it, and stays."""
    rs, es = [copy(r) for r in reserves], {i: copy(e) for i, e in emodes.items()}
    for r in rs:
        r.lt, r.lb = (10000, 10000) if r.lt or rule in COUNTS_WITHOUT_THRESHOLD else (0, 0)
    for e in es.values():
        e.lt, e.lb = 10000, 10000
    return rs, es


def health_of(equity, requirement):
    """(debt, health factor) of what a rule's health says."""
    debt, rest = divmod(requirement, DEBT_UNIT)
    assert rest == 0 and debt < DEBT_MAX, f"requirement {requirement}"
    return debt, equity * 10**18 // requirement if debt else HEALTHY


def health(rule, accounts, reserves, emodes, prices, now):
    """(collateral, debt, health factor, liquidatable) of each account, or the rule's refusal as a text."""
    full = full_thresholds(rule, reserves, emodes)
    out, asked = [], [line for a in accounts for line in account_lines(rule, a) + ["health"]]
    answers = ask(market_lines(reserves, emodes, prices, now) + asked + market_lines(*full, prices, now) + asked)
    assert len(answers) == 4 * len(accounts)
    for n in range(len(accounts)):
        told, given = answers[2 * n:2 * n + 2]
        if told != "ok":
            out.append(told)
            continue
        liquidatable, equity, requirement = map(int, given.split())
        full_equity = int(answers[2 * len(accounts) + 2 * n + 1].split()[1])
        out.append((full_equity // DEBT_UNIT, *health_of(equity, requirement), bool(liquidatable)))
    return out


def size(rule, account, market, target_ppm, dust):
    """What rule->size proposes: (debt reserve, amount, collateral reserve), or None. market: of market_lines."""
    told, given = ask(market + account_lines(rule, account) + [f"size {target_ppm} {dust}"])
    w = given.split()
    return None if told != "ok" or w[0] == "none" else (int(w[4]), int(w[5]), int(w[6]))


def settle(rule, account, market, debt, amount, collateral):
    """Settlement, or the refusal as a text."""
    told, given = ask(market + account_lines(rule, account) + [f"settle 2 {debt} {min(amount, ALL)} {collateral} 0"])
    w = given.split()
    if told != "ok" or w[0] == "err":
        return told if told != "ok" else " ".join(w[1:])
    n = int(w[1])
    flows, rest = {}, w[2 + 3 * n:]
    for i in range(n):
        party, reserve, amount = int(w[2 + 3 * i]), int(w[3 + 3 * i]), int(w[4 + 3 * i])
        key = PARTIES[party], reserve
        flows[key] = flows.get(key, 0) + amount
    position = {}
    for i in range(int(rest[1])):
        p = rest[2 + 7 * i:9 + 7 * i]
        position[int(p[0])] = (p[1] == "1", int(p[4]), int(p[5]))
    return Settlement(flows, position)
