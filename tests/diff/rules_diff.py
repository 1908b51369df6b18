#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Protocol rules (docs/rules.md) against independent judges in exact Python integers and fractions.

  rules_diff.py             random accounts; TAP on stdout (about 30 s)
  rules_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 20 min)

Environment: SEED (default 1), CASES (accounts of each rule, default 300), CC (default gcc), RULES_DRIVER (a ready
driver; otherwise it is compiled into a temporary folder). Run from the project root.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zlib
from fractions import Fraction as F
from glob import glob

import judge_aave as ja
import judge_aave_versions as jv
import judge_perp as jp
import rules_gen as gen
import rule_kit
from rules_mutants import MUTANTS

SEED = rule_kit.SEED
CASES = int(os.environ.get("CASES", "300"))
RULES = ("perp-linear-1", "perp-inverse-1", gen.PORTFOLIO, *jv.RULES)
LIQUIDATE = 0
AVERAGES = ("aave-1.19", "aave-3.3", "aave-3.4")
SOURCES = ["tests/diff/rules_driver.c", "host/accounts/moving.c", "host/accounts/reciprocal.c", "host/accounts/rowc.c", "host/accounts/terms.c"] + [
    f"host/base/{x}.c" for x in ("wide", "u256", "checked", "i128_checked")] + sorted(
    glob("host/accounts/rules/**/*.c", recursive=True))


class Found(Exception):
    """A check failed, and one is enough."""


class Session:
    """The driver's script: lines, and for each line that answers, who judges the answer."""

    def __init__(self):
        self.lines, self.asked, self.checks, self.case = [], [], {}, None
        self.hasty = False  # stop at the first failure
        self.disagreed = {}  # prices at which an average and the linear test judge otherwise, by rule

    def send(self, lines):
        self.lines += lines

    def ask(self, line, judge):
        self.lines.append(line)
        self.asked.append((line, self.case, judge))

    def check(self, name, good, what=""):
        row = self.checks.setdefault(name, [0, 0, ""])
        row[0] += 1
        if not good:
            row[1] += 1
            row[2] = row[2] or f"{what}"[:4000]
            if self.hasty:
                raise Found(name)

    def run(self, exe):
        done = subprocess.run([exe], input="\n".join(self.lines) + "\n", capture_output=True, text=True)
        answers = done.stdout.splitlines()
        if done.returncode != 0 or len(answers) != len(self.asked):
            raise RuntimeError(f"driver: status {done.returncode}, {len(answers)} of {len(self.asked)} answers; {done.stderr[-2000:]}")
        for (line, case, judge), answer in zip(self.asked, answers):
            self.case = case
            if answer == "refused":
                continue
            try:
                judge(answer.split())
            except (ja.Revert, ValueError, IndexError) as e:  # an impossible state or a malformed answer
                self.check("every answer makes sense", False, f"{line}: {answer}: {e!r}")

    def failures(self):
        return sum(bad for _, bad, _ in self.checks.values())


def where(case, *more):
    return " ".join(map(str, more)) + " | " + "; ".join(case.lines + case.account_lines())


# ---- health

def quantum_exponent(case):
    """The rule publishes equity and requirement in 10^-this."""
    return case.judge.exponent() + 6


def expect_health(s, case, px, name):
    s.send(case.px_lines(px))
    bad, equity, need = case.judge.health(px)
    if case.rule in AVERAGES:  # the reason for these rules
        weighted, debt = (case.judge.calculate_user_account_data(px)[k] for k in (3, 1))
        s.disagreed[case.rule] = s.disagreed.get(case.rule, 0) + (debt != 0 and (weighted < 10**4 * debt) != bad)
    if not case.lending:
        q = 10 ** quantum_exponent(case)
        equity, need = equity * q, need * q
        assert equity.denominator == need.denominator == 1
    want = [str(int(bad)), str(int(equity)), str(int(need))]
    s.ask("health", lambda got: s.check(f"{case.rule}: {name}", got == want, where(case, px, got, want)))


# ---- rows (P1)

class Row:
    def __init__(self, words):
        self.level, n, self.c, self.slack = (int(next(words)) for _ in range(4))
        self.terms = [(int(next(words)), int(next(words))) for _ in range(n)]

    def lower(self, px):
        return self.c + sum(a * px[i] for i, a in self.terms) - self.slack

    def gross(self, px):
        return abs(self.c) + sum(abs(a) * px[i] for i, a in self.terms)


def row_unit(case):
    """Value quanta of the LIQUIDATE and WARN rows in one unit of account (times 1e4 for lending)."""
    if case.lending:
        e = 12 + max(v[0].unit for v in case.judge.positions.values()).__str__().count("0")
    elif case.rule != "perp-inverse-1":
        e = case.judge.exponent() + 6
    else:
        e = max([18] + [p.size_dec + case.recip_dec[p.asset] for p, _, _ in case.judge.positions]) + 6
    return 10**e, 10**(e + 6)


def exact_h(case, px, warn):
    """Exact H of the row in whole units: warn 0, or the level that scales the requirement."""
    scale = F(10**6 + warn, 10**6)
    if case.lending:
        debt = case.judge.calculate_user_account_data(px)[1]
        return F(case.judge.adjusted(px), 10**12) - F(debt, 10**8) * scale
    _, equity, need = case.judge.health(px)
    return equity - need * scale


def slack_bound(case, px, lo_px, hi_px):
    """Furthest that the documented slack and chords can put a row below H, in whole units: every slack twice (once
    as allowed for, once as it happens), and each chord's gap at px, the chord taken over a wider band."""
    total = F(0)
    if case.lending:
        for r, enabled, supply, debt in case.judge.positions.values():
            if supply and case.judge.counts(r, enabled):
                total += 2 * F(case.judge.terms(r)[0], 10**12)
            if debt:
                total += 2 * F(10**4, 10**12)
        return total + (average_lost(case, px, lo_px, hi_px) if case.rule in AVERAGES else 0)
    fine = 1 / F(row_unit(case)[0])
    for inst, size, entry in case.judge.positions:
        edges = [inst.value(size, entry, p[inst.asset])[1] for p in (lo_px, hi_px, px)]
        n0, n1, n = edges
        m0, m1, m = (inst.margin(x) for x in edges)
        slope = (m1 - m0) / (n1 - n0) if n1 != n0 else F(0)
        total += max(F(0), m0 + slope * (n - n0) - m)
        if case.rule == "perp-inverse-1":
            r = 10 ** case.recip_dec[inst.asset]
            total += (2 * jp.ATTO + abs(size) * inst.size_q / r) * (1 + inst.top_rate())
            total += fine * (abs(r / (lo_px[inst.asset] * inst.price_q) - r / (hi_px[inst.asset] * inst.price_q)) + 4)
        else:
            total += fine * (hi_px[inst.asset] - lo_px[inst.asset] + 2) + profit_chord(case, inst, size, entry, lo_px, hi_px, px, fine)
    return total


def average_lost(case, px, lo_px, hi_px):
    """What the bounds of an average may lose: nothing where all thresholds are the same, else 1 bp of the collateral, and what
    the average is higher at px than in the middle; a base unit for percentMul."""
    total, average, thresholds, _ = case.judge.average(px)
    if len(thresholds) < 2:
        return 2 * F(5000, 10**12)
    middle = case.judge.average({i: round((lo_px[i] + hi_px[i]) / 2) for i in px})[1]
    return F(total, 10**12) * (2 + max(0, average - middle)) + 2 * F(5000, 10**12)


def profit_chord(case, inst, size, entry, lo_px, hi_px, px, fine):
    """How far the chord over the band lies below what the position's unrealised profit counts for."""
    owed = inst.funding(size, F(1, 10**case.judge.exponent()))
    u0, u1, u = (inst.value(size, entry, p[inst.asset])[0] - owed for p in (lo_px, hi_px, px))
    g0, g1, g = (min(x, inst.weight * x) for x in (u0, u1, u))
    if (u0 > 0) == (u1 > 0):
        return F(0)
    return g - g0 - (g1 - g0) / (u1 - u0) * (u - u0) + fine * (hi_px[inst.asset] - lo_px[inst.asset] + 2)


def expect_rows(s, rng, case, near):
    if 0 in case.all_prices(case.px).values():
        return  # an extreme price without a reciprocal
    warn = rng.choice([0, 1, 20000, 250000])
    ppm = rng.choice([1, 5000, 10000, 50000])
    for i in case.row_assets():
        s.send([f"grid {i} {case.all_prices(case.px)[i]} {ppm}"])
    rows = []

    def on_rows(got):
        words = iter(got)
        rows.clear()  # the script is run again for each mutant
        if got[0] == "err":
            s.check(f"{case.rule}: every accepted account has rows", False, where(case, got))
            return
        rows.extend(Row(words) for _ in range(int(next(words))))
        has_need = case.lending and any(v[3] for v in case.judge.positions.values()) or (
            not case.lending and case.judge.positions)
        s.check(f"{case.rule}: every accepted account has rows", len(rows) == (0 if not has_need else 1 + scenarios(case) + (warn > 0)), where(case, got))

    s.ask(f"rows {warn}", on_rows)
    inside = [case.px] + [random_inside(rng, case, ppm) for _ in range(3)]
    inside.append({i: band_edge(rng, p, ppm) if case.rule != "perp-inverse-1" else p for i, p in case.px.items()})
    inside += [px for px in near if within(case, px, ppm)]
    wide = 2 * ppm + 10  # surely outside the band
    lo = {i: F(p) * (10**6 - wide) / 10**6 for i, p in case.px.items()}
    hi = {i: F(p) * (10**6 + wide) / 10**6 for i, p in case.px.items()}
    for px in inside:
        judge_rows(s, case, rows, px, warn, lo, hi, ppm)


def scenarios(case):
    return len(case.judge.scenarios) if case.rule == gen.PORTFOLIO else 0


def off_centre(case, px):
    """How far two scenarios can be apart by the band's middle not being px: by a step of its grid, or a quantum."""
    return sum((8 * abs(s) * i.size_q * i.price_q * F(px[i.asset] + 2**31, 2**30) for i, s, _ in case.judge.positions), F(0))


def judge_rows(s, case, rows, px, warn, lo, hi, ppm):
    every = case.all_prices(px)
    bad = gen.liquidatable(case, px)

    def on_hat(got):
        if not rows:
            s.check(f"{case.rule}: P1, the rule is liquidatable only where the row is below 0", not bad, where(case, px))
            return
        low, unit = min(r.lower(every) for r in rows if r.level == LIQUIDATE), row_unit(case)
        name = f"{case.rule}: P1, "
        s.check(name + "the rule is liquidatable only where the row is below 0", not bad or low < 0, where(case, px, low))
        s.check(name + "the row is never above exact H", F(low, unit[0]) <= exact_h(case, px, 0), where(case, px, low))
        room, gap = slack_bound(case, px, lo, hi), exact_h(case, px, 0) - F(low, unit[0])
        s.check(f"{case.rule}: the row is as close to exact H as documented", gap <= room, where(case, px, float(gap), float(room)))
        if warn:
            w = rows[-1].lower(every)
            if case.rule != gen.PORTFOLIO:
                s.check(name + "the WARN row is never above its exact H", F(w, unit[1]) <= exact_h(case, px, warn), where(case, px, w))
            elif px is case.px:
                s.check(f"{case.rule}: the WARN row is that of the scenario which is worst in the middle of the bands",
                        F(w, unit[1]) <= exact_h(case, px, warn) + off_centre(case, px), where(case, px, w))
        if got[0] == "err":
            s.check(f"{case.rule}: every row compiles", False, where(case, got))
            return
        s.check(f"{case.rule}: every row compiles", True)
        s.check(name + "Ĥ of the compiled row is below 0 at every breach", not bad or int(got[0]) < 0, where(case, px, got))

    s.send(case.px_lines(px))
    s.ask("hat", on_hat)


def random_inside(rng, case, ppm):
    return {i: inside_band(rng, case, i, p, ppm) for i, p in case.px.items()}


def inside_band(rng, case, i, price, ppm):
    for _ in range(8):
        half = price * ppm // 10**6
        p = rng.choice([price - half, price + half, rng.randint(price - half, price + half)])
        if 1 <= p <= gen.INT64 and within(case, {i: p}, ppm):
            return p
    return price


def band_edge(rng, ref, ppm):
    """First or last price of the band that the row compiler makes of ref -+ ppm (docs/numerics.md)."""
    shift = max(0, ref.bit_length() - 32)
    if shift and (ref + (1 << shift - 1)) >> shift == 2**32:
        shift += 1
    half = 1 << shift - 1 if shift else 0
    lo, hi = max(1, ref - ref * ppm // 10**6), min(gen.INT64, ref + ref * ppm // 10**6)
    if rng.random() < 0.5:
        return max(1, ((lo + half) >> shift << shift) - half)
    return min(gen.INT64, ((hi + half) >> shift << shift) + half - 1 if shift else hi)


def within(case, px, ppm):
    """Inside the bands that the grids were given (in reciprocals for inverse rules)."""
    refs, now = case.all_prices(case.px), case.all_prices({**case.px, **px})
    return all(max(1, refs[i] - refs[i] * ppm // 10**6) <= now[i] <= refs[i] + refs[i] * ppm // 10**6 for i in case.row_assets())


# ---- size and settlement

def expect_size(s, rng, case, px):
    target = rng.choice([1000001, 1010000, 1050000, 1200000, 3000000])
    dust = rng.choice([0, 0, 10, 100, 5000])
    want = case.judge.size(px, target, dust)
    s.send(case.px_lines(px))
    if want is None:
        s.ask(f"size {target} {dust}", lambda got: s.check(f"{case.rule}: size equals the judge's", got == ["none"], where(case, px, target, dust, got)))
        return
    full, value, reward, legs = want
    words = [str(int(full)), str(value), str(reward), str(len(legs))] + [str(x) for leg in legs for x in leg]
    s.ask(f"size {target} {dust}", lambda got: s.check(f"{case.rule}: size equals the judge's", got == words, where(case, px, target, dust, got, words)))
    after = expect_settle(s, case, px, legs)
    check_target(s, case, px, after, target, full, dust)


def settle_line(legs):
    return f"settle {len(legs)} " + " ".join(f"{i} {q}" for i, q in legs)


def state_words(case, account):
    if case.lending:
        rows = [(i, int(v[1]), 0, 0, v[2], v[3], 0) for i, v in sorted(account.positions.items())]
        return ["0", str(len(rows))] + [str(x) for r in rows for x in r]
    rows = [(p.index, 0, size, entry, 0, 0, p.settled) for p, size, entry in account.positions]
    return [str(account.cash), str(len(rows))] + [str(x) for r in rows for x in r]


def judged_settlement(case, px, legs):
    if case.lending:
        try:
            if len(legs) != 2 or legs[1][1] != 0:
                return None
            return case.judge.execute_liquidation_call(px, legs[0][0], legs[1][0], legs[0][1])
        except ja.Revert:
            return None
    got = case.judge.settle(px, legs)
    return got and ({(party, -1): x for party, x in got[0].items() if x}, got[1])


def expect_settle(s, case, px, legs):
    """Account afterwards by the judge, or None when it must be refused. The driver's account is put back."""
    want = judged_settlement(case, px, legs)
    name = f"{case.rule}: settlement equals the judge's"

    def on_settle(got):
        if want is None:
            s.check(f"{case.rule}: illegal settlements are refused, the account unchanged", got[0] == "err" and "CHANGED" not in got, where(case, px, legs, got))
            return
        if got[0] != "ok":
            s.check(name, False, where(case, px, legs, got))
            return
        n, flows, sums, rest = int(got[1]), {}, {}, got[2:]
        for k in range(n):
            party, inst, x = (int(w) for w in rest[3 * k:3 * k + 3])
            flows[party, inst] = flows.get((party, inst), 0) + x
            sums[inst] = sums.get(inst, 0) + x
        flows = {k: x for k, x in flows.items() if x}
        s.check(name, flows == want[0] and rest[3 * n:] == state_words(case, want[1]), where(case, px, legs, got, want[0], state_words(case, want[1])))
        s.check(f"{case.rule}: flows sum to zero", not any(sums.values()), where(case, px, legs, got))
        s.check(f"{case.rule}: the account changes by its flows", account_delta(case, rest[3 * n:]) == {k[1]: x for k, x in flows.items() if k[0] == 0},
                where(case, px, legs, got))

    s.ask(settle_line(legs), on_settle)
    s.send(case.account_lines())
    s.ask("validate", lambda got: None)
    return want and want[1]


def account_delta(case, state):
    """Change of cash, or of (balance - debt) of each token, from the driver's state words."""
    if not case.lending:
        # realised P&L is in the cash; the rest of the state must be the old one less the legs (state_words)
        d = int(state[0]) - case.judge.cash
        return {-1: d} if d else {}
    after = {int(state[2 + 7 * k]): (int(state[6 + 7 * k]), int(state[7 + 7 * k])) for k in range(int(state[1]))}
    out = {}
    for i, (r, _, supply, debt) in case.judge.positions.items():
        s1, d1 = after.get(i, (0, 0))
        d = r.a_balance(s1) - r.v_balance(d1) - r.a_balance(supply) + r.v_balance(debt)
        if d:
            out[i] = d
    return out


def check_target(s, case, px, after, target, full, dust):
    """An order that is not full restores the target exactly; a full perpetual order closes the account."""
    name = f"{case.rule}: after a partial order health is at the target or above"
    if after is None:
        return  # cash out of range
    if case.lending:
        if not full and dust == 0 and not clipped(case, px, target):
            debt = after.calculate_user_account_data(px)[1]
            s.check(name, after.adjusted(px) * 10**6 >= 10**4 * target * debt, where(case, px, target))
        return
    if full:
        s.check(f"{case.rule}: a full order closes the account, never below zero", not after.positions and after.cash >= 0, where(case, px, target))
    else:
        _, equity, need = after.health(px)
        s.check(name, equity * 10**6 >= need * target, where(case, px, target, dust))


def clipped(case, px, target):
    """True when the contract or the dust rule made the order smaller than the target needs."""
    legs = case.judge.size(px, target, 0)[3]
    debt_r, coll_r = (case.judge.positions[i][0] for i, _ in legs)
    return case.judge.target_amount(px, debt_r, coll_r, target) > legs[0][1]


def random_legs(rng, case):
    if case.lending:
        every = list(case.judge.positions)
        debt, coll = rng.choice(every), rng.choice(every)
        r, _, _, owed = case.judge.positions[debt]
        most = r.v_balance(owed)
        return [(debt, rng.choice([most, most + 1, max(1, most // 2), gen.log_int(rng, 1, max(1, most)), 0, 2**120])), (coll, rng.choice([0, 0, 0, 1]))]
    legs = []
    for p, size, _ in case.judge.positions:
        if rng.random() < 0.7:
            legs.append((p.index, rng.choice([abs(size), rng.randint(1, abs(size)), 1] if rng.random() < 0.9 else [0, abs(size) + 1, -1])))
    if rng.random() < 0.05:
        legs.append(rng.choice([(77, 1), legs[0] if legs else (0, 0)]))
    return legs


def crumb_legs(rng, case):
    """A unit or two of a debt: what may burn nothing."""
    of = [[i for i, p in case.judge.positions.items() if p[k]] for k in (3, 2)]
    debt, coll = (rng.choice(x or list(case.judge.positions)) for x in of)
    return [(debt, rng.choice([1, 1, 2])), (coll, 0)]


# ---- the run

def one_case(s, rng, rule, style):
    case = (gen.equal_case(rng, rule) if style == "equal" else
            gen.aave_case(rng, rule, style) if rule in jv.RULES else gen.perp_case(rng, rule, style))
    s.case = case
    s.send(case.lines + case.account_lines() + case.px_lines(case.px))

    def on_validate(got):
        s.check(f"{rule}: everyday accounts are accepted", got == ["ok"] or style == "extreme", where(case, got))
        s.check(f"{rule}: a refusal of an extreme account says that it is a matter of range", got == ["ok"] or "range" in " ".join(got), where(case, got))
        s.accepted[rule, style, got == ["ok"]] = s.accepted.get((rule, style, got == ["ok"]), 0) + 1

    s.ask("validate", on_validate)
    expect_health(s, case, case.px, "health equals the judge's")
    near = gen.threshold_price(rng, case) or []
    for px in near:
        expect_health(s, case, px, "health equals the judge's at the threshold price and one quantum beside it")
    wild = {i: gen.log_int(rng, 1, gen.INT64) for i in case.px} if style == "extreme" else random_inside(rng, case, 200000)
    expect_health(s, case, wild, "health equals the judge's at wild prices")
    for px in [case.px, wild] + near:
        expect_size(s, rng, case, px)
        s.send(case.px_lines(px))
        expect_settle(s, case, px, random_legs(rng, case))
        if case.lending:
            expect_settle(s, case, px, crumb_legs(random.Random(SEED + len(s.asked)), case))
    expect_rows(s, rng, case, near)


def reciprocals(s, rng, n):
    def judge(p, dp, dr):
        want = gen.reciprocal(p, dp, dr) if p > 0 and dp <= 18 and dr <= 18 else 0
        s.ask(f"reciprocal {p} {dp} {dr}", lambda got: s.check("reciprocal_price equals round(10^(dp+dr) / p)", got == [str(want)], f"{p} {dp} {dr} {got} {want}"))

    for p, dp, dr in ((0, 0, 0), (-5, 2, 2), (1, 18, 18), (1, 0, 18), (2, 0, 0), (3, 0, 0), (gen.INT64, 18, 18), (1, 19, 0), (4, 0, 1), (16, 0, 2)):
        judge(p, dp, dr)
    for _ in range(n):
        judge(gen.log_int(rng, 1, gen.INT64), rng.randrange(19), rng.randrange(19))


GOOD = {
    "perp-linear-1": ["asset 0 1 2 0", "perp 0 1 3 USDC 8 0 0 500 5000 2 0 5000 1000 10000", "account perp-linear-1 USDC 8 0 5", "pos 0 0 7 100 0 0"],
    gen.PORTFOLIO: ["asset 0 1 2 0", "perp 0 1 3 USDC 8 0 0 500 5000 1 0 5000", "scenario 0 1 0 -5", "account perp-portfolio-1 USDC 8 0 5", "pos 0 0 7 100 0 0"],
    "perp-inverse-1": ["asset 0 1 2 0", "asset 1 3 16 0", "perp 0 2 0 BTC 8 0 1 500 5000 1 0 5000", "account perp-inverse-1 BTC 8 0 5", "pos 0 0 7 100 0 0"],
}
BROKEN = {  # line number in GOOD, replacement
    "perp-linear-1": [(1, "perp 0 2 3 USDC 8 0 0 500 5000 1 0 5000"), (1, "perp 0 1 3 USDC 6 0 0 500 5000 1 0 5000"), (1, "perp 0 1 3 USDC 8 9 0 500 5000 1 0 5000"),
                      (1, "perp 0 1 3 USDC 8 0 0 500 5000 0"), (1, "perp 0 1 3 USDC 8 0 0 500 5000 1 1 5000"), (1, "perp 0 1 3 USDC 8 0 0 500 5000 1 0 0"),
                      (1, "perp 0 1 3 USDC 8 0 0 500 5000 1 0 1000001"), (1, "perp 0 1 3 USDC 8 0 0 500 5000 2 0 5000 0 6000"), (1, "perp 0 1 3 USDC 8 0 0 500 5000 2 0 5000 10 4000"),
                      (1, "perp 0 1 3 USDC 8 0 0 600000 500000 1 0 5000"), (1, "perp 0 1 3 USDC 8 0 0 500 5000 1 0 5000\nweight 0 1000001"), (1, f"perp 0 1 3 USDC 8 0 0 0 0 2 0 5000 {2**101} 6000"), (1, "perp 0 1 19 USDC 8 0 0 500 5000 1 0 5000"),
                      (0, "asset 0 1 19 0"), (0, "asset 0 3 2 0"), (2, "account perp-linear-1 USDC 19 0 5"), (2, f"account perp-linear-1 USDC 8 0 {2**101}"),
                      (3, "pos 0 0 0 100 0 0"), (3, "pos 0 0 7 0 0 0"), (3, "pos 0 0 7 -1 0 0"), (3, "pos 0 0 7 100 1 0"), (3, "pos 0 0 7 100 0 1"),
                      (3, "pos 0 1 7 100 0 0"), (3, "pos 1 0 7 100 0 0"), (3, f"pos 0 0 {2**97} 100 0 0"), (3, f"pos 0 0 {-2**97} 100 0 0"),
                      (3, "pos 0 0 7 100 0 0\npos 0 0 7 100 0 0"),
                      (1, "perp 0 1 3 USDT 8 0 0 500 5000 1 0 5000"), (1, "perp 0 1 3 - 8 0 0 500 5000 1 0 5000"), (2, "account perp-linear-1 - 8 0 5"),
                      (2, "account perp-linear-1 USD 8 0 5"), (2, "account perp-linear-1 USDCX 8 0 5")],
    gen.PORTFOLIO: [(1, "perp 0 2 3 USDC 8 0 0 500 5000 1 0 5000"), (4, "pos 0 0 0 100 0 0")],
    "perp-inverse-1": [(2, "perp 0 2 0 BTC 8 0 1 500 5000 1 0 5000\nweight 0 900000"), (2, "perp 0 1 0 BTC 8 0 1 500 5000 1 0 5000"), (2, "perp 0 2 0 BTC 8 0 0 500 5000 1 0 5000"), (2, "perp 0 2 0 BTC 8 0 7 500 5000 1 0 5000"),
                       (1, "asset 1 3 16 1"), (1, "asset 1 3 19 0"), (1, "asset 1 1 16 0"), (2, "perp 0 2 0 ETH 8 0 1 500 5000 1 0 5000"),
                       (3, "perp 1 2 0 ETH 8 0 1 500 5000 1 0 5000\naccount perp-inverse-1 BTC 8 0 5\npos 1 0 7 100 0 0"), (4, f"pos 0 0 {2**97} 100 0 0")],
}
for rule in jv.RULES:
    GOOD[rule] = ["asset 0 1 8 0", f"reserve 0 18 0 8000 10500 1000 0 0 0 {ja.RAY} {ja.RAY}", f"account {rule} - 0 0 0", "pos 0 1 0 0 5 5"]
    BROKEN[rule] = [
        (0, "asset 0 1 7 0"), (1, f"reserve 0 19 0 8000 10500 1000 0 0 0 {ja.RAY} {ja.RAY}"), (1, f"reserve 0 18 0 10001 10500 1000 0 0 0 {ja.RAY} {ja.RAY}"),
        (1, f"reserve 0 18 0 8000 9999 1000 0 0 0 {ja.RAY} {ja.RAY}"), (1, f"reserve 0 18 0 8000 20001 1000 0 0 0 {ja.RAY} {ja.RAY}"),
        (1, f"reserve 0 18 0 8000 10500 10001 0 0 0 {ja.RAY} {ja.RAY}"), (1, f"reserve 0 18 0 8000 10500 1000 1 10001 10100 {ja.RAY} {ja.RAY}"),
        (1, f"reserve 0 18 0 8000 10500 1000 1 9000 9000 {ja.RAY} {ja.RAY}"), (1, f"reserve 0 18 0 8000 10500 1000 0 0 0 {ja.RAY - 1} {ja.RAY}"),
        (1, f"reserve 0 18 0 8000 10500 1000 0 0 0 {ja.RAY} {2**101}"), (1, "perp 0 1 3 USDC 8 0 0 500 5000 1 0 5000"), (2, f"account {rule} - 0 0 1"), (2, f"account {rule} USDC 0 0 0"),
        (3, "pos 0 1 1 0 5 5"), (3, "pos 0 1 0 0 -1 5"), (3, "pos 0 1 0 0 5 -1"), (3, f"pos 0 1 0 0 {2**112} 5"), (3, f"pos 0 1 0 0 5 {2**112}"), (3, "pos 3 1 0 0 5 5")
    ]
BONUS_ALONE = f"reserve 0 18 0 0 5 1000 0 0 0 {ja.RAY} {ja.RAY}"  # a bonus that nothing uses up to 3.5
for rule in ("aave-3.6", "aave-3.7"):
    BROKEN[rule].append((1, BONUS_ALONE))


def refusals(s):
    for rule, good in GOOD.items():
        s.send(["reset"] + good)
        s.ask("validate", lambda got, rule=rule: s.check(f"{rule}: validate accepts the good and refuses each broken account", got == ["ok"], got))
        for at, line in BROKEN[rule]:
            bad = good[:at] + [line] + good[at + 1:]
            s.send(["reset"] + "\n".join(bad).split("\n"))
            s.ask("validate", lambda got, rule=rule, bad=bad: s.check(
                f"{rule}: validate accepts the good and refuses each broken account", got[0] == "err" and len(got) > 4, (bad, got)))


def prepare(cases, rules=RULES):
    s = Session()
    s.accepted = {}
    refusals(s)
    for rule in rules:
        rng = random.Random(SEED * 1000003 + zlib.crc32(rule.encode()))
        for k in range(cases):
            one_case(s, rng, rule, ("everyday", "crumbs" if rule in jv.RULES else "everyday", "mixed", "extreme")[k % 4])
        for k in range(0 if rule in jv.RULES else cases // 10):
            one_case(s, rng, rule, "equal")
    reciprocals(s, random.Random(SEED), 2 * cases)
    return s


def build(folder, sources, extra=()):
    exe = os.path.join(folder, "rules_driver")
    cmd = [os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O1", *extra, "-Ihost", *sources, "-lm", "-o", exe]
    subprocess.run(cmd, check=True)
    return exe


def report(s):
    print(f"1..{len(s.checks)}")
    for k, (name, (n, bad, first)) in enumerate(s.checks.items(), 1):
        print(f"{'not ok' if bad else 'ok'} {k} - {name} # {n} checks" + (f", {bad} failed; first: {first}" if bad else ""))
    for (rule, style, good), n in sorted(s.accepted.items()):
        print(f"# {rule} {style}: {n} {'accepted' if good else 'refused as out of range'}")
    for rule, n in sorted(s.disagreed.items()):
        print(f"# {rule}: at {n} prices the average and the linear test judge otherwise")
    return s.failures() == 0 and all(s.disagreed.values())


def lending(file):
    return "aave" in file


def mutants(changes, sessions):
    """One session, or two: of the lending rules and of the others, each for the files it uses."""
    both = isinstance(sessions, tuple)
    print(f"# SEED={SEED}\n1..{len(changes)}")
    good = True
    for k, (name, file, old, new) in enumerate(changes, 1):
        with tempfile.TemporaryDirectory() as d:
            text = open("host/accounts/" + file, encoding="utf-8").read()
            if text.count(old) != 1:
                print(f"not ok {k} - {name}: the text to change occurs {text.count(old)} times in {file}")
                good = False
                continue
            wrong = os.path.join(d, "accounts", file)
            os.makedirs(os.path.dirname(wrong))
            with open(wrong, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            paths = [wrong if p == "host/accounts/" + file else p for p in SOURCES]
            s = sessions[not lending(file)] if both else sessions
            s.checks, s.hasty, caught, what = {}, True, False, ""
            try:
                s.run(build(d, paths, ["-w", f"-I{d}"]))
            except Found as e:
                caught, what = True, str(e)
            except RuntimeError:
                caught, what = True, "the driver stopped"  # or an assertion: a find as well
            good &= caught
            print(f"{'ok' if caught else 'not ok'} {k} - found: {name} # {what[:160]}", flush=True)
    return good


def main():
    if sys.argv[1:] == ["--mutants"]:
        return 0 if mutants(MUTANTS, (prepare(120, tuple(jv.RULES)), prepare(120, RULES[:3]))) else 1
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    print(f"# rules_diff SEED={SEED} CASES={CASES}")
    folder = tempfile.mkdtemp(prefix="rules_diff.")
    try:
        exe = os.environ.get("RULES_DRIVER") or rule_kit.build(f"{folder}/driver", rule_kit.driver_of(folder))
        s = prepare(CASES)
        s.run(exe)
        return 0 if report(s) else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
