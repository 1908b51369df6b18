#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows and rules in time (docs/numerics.md, "Rows in time") against a judge in exact Python integers.

  moving_diff.py             indexes, ramps, funding and grace periods at random seconds; health, size and settlement of
                             random accounts then; rows of a span at every moment of it; TAP on stdout (about 20 s)
  moving_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (about 3 min)

Environment: SEED (default 1), CASES (accounts of each rule, default 80), CC (default gcc). Run from the project root.
"""
import os
import random
import sys
import tempfile
import zlib
from fractions import Fraction as F

import judge_aave_versions as jv
import judge_moving as jm
import rules_diff as rd
import rules_gen as gen

SEED = rd.SEED
CASES = int(os.environ.get("CASES", "80"))
NS, NOW = 10**9, 1_790_000_000
MOVING, AAVE_H, AAVE, ROW, SUMS, SETTLE = "moving.c", "rules/aave/aave_common.h", "rules/aave/aave_health.c", "rules/aave/aave_row.c", "rules/perp/perp_sums.h", "rules/perp/perp_settle.c"
MUTANTS = [
    ("third order left out", MOVING, "i256_add(half, ray_mul(x, sixth))", "half"),
    ("ray_mul floored", MOVING, "i256_from_u128(RAY / 2)", "i256_from_u128(0)"),
    ("debts grow linearly", MOVING, "index_compounded(in->borrow_index, in->borrow_rate, interest_seconds(in, at))", "index_linear(in->borrow_index, in->borrow_rate, interest_seconds(in, at))"),
    ("a leap year", MOVING, "SECONDS_PER_YEAR = 31536000", "SECONDS_PER_YEAR = 31557600"),
    ("before it was told, time runs backwards to 0", MOVING, "at > in->told_at ? at - in->told_at : 0", "at > in->told_at ? at - in->told_at : at"),
    ("no end of time", MOVING, "return t < MOVING_SECONDS_MAX ? t : MOVING_SECONDS_MAX;", "return t;"),
    ("ramp rounded up", MOVING, "(in->ramp_end - at) / (in->ramp_end - in->ramp_start)", "(in->ramp_end - at) / (in->ramp_end - in->ramp_start) + 1"),
    ("ramp ends a second late", MOVING, "at >= in->ramp_end)", "at > in->ramp_end + 1)"),
    ("ramp before its start", MOVING, "if (at <= in->ramp_start)", "if (at == in->ramp_start)"),
    ("grace ends a second early", MOVING, "in->grace_until && at <= in->grace_until", "in->grace_until && at < in->grace_until"),
    ("told again within the second", MOVING, "    m->now_s = 0;\n", ""),
    ("supply at the end of the span", MOVING, ".liquidity_index = liquidity_index_at(in, from)", ".liquidity_index = liquidity_index_at(in, until)"),
    ("debt at the start of the span", MOVING, ".borrow_index = borrow_index_at(in, until)", ".borrow_index = borrow_index_at(in, from)"),
    ("threshold at the start of the span", MOVING, ".lt_bps = lt_at(in, until)", ".lt_bps = lt_at(in, from)"),
    ("eMode threshold at the start of the span", MOVING, ".emode_lt_bps = emode_lt_at(in, until)", ".emode_lt_bps = emode_lt_at(in, from)"),
    ("funding at the start of the span", MOVING, ".funding_greatest = f < g ? g : f", ".funding_greatest = f"),
    ("funding of shorts at the end of the span", MOVING, ".funding_least = f < g ? f : g", ".funding_least = g"),
    ("sides of funding changed", "moving.h", "is_long ? in->span.funding_greatest : in->span.funding_least", "is_long ? in->span.funding_least : in->span.funding_greatest"),
    ("binomial with n in the place of n - 1", MOVING, "seconds ? seconds - 1 : 0", "seconds"),
    ("binomial with n in the place of n - 2", MOVING, "seconds > 2 ? seconds - 2 : 0", "seconds"),
    ("binomial's third order left out", MOVING, "i256_add(second, third)", "second"),
    ("binomial's square ceiled", MOVING, "i256_div_floor(ray_mul(r, r), i256_mul(year, year))", "i256_div_ceil(ray_mul(r, r), i256_mul(year, year))"),
    ("binomial's cube ceiled", MOVING, "i256_div_floor(ray_mul(two, r), year)", "i256_div_ceil(ray_mul(two, r), year)"),
    ("series in 3.3", AAVE_H, "return v < AAVE_3_4 ? borrow_index_binomial_now", "return v < AAVE_3_3 ? borrow_index_binomial_now"),
    ("binomial in 3.4", AAVE_H, "return v < AAVE_3_4 ? borrow_index_binomial_now", "return v < AAVE_3_5 ? borrow_index_binomial_now"),
    ("binomial debt at the start of the span", MOVING, ".borrow_index_binomial = borrow_index_binomial_at(in, until)", ".borrow_index_binomial = borrow_index_binomial_at(in, from)"),
    ("most supply at the start of the span", MOVING, ".liquidity_index_most = liquidity_index_at(in, until)", ".liquidity_index_most = liquidity_index_at(in, from)"),
    ("collateral whose threshold ends in the row", ROW, "if (!b->always && *weight > 0)", "if (false)"),
    ("indexes of the row as of now", ROW, "aave_borrow_index_span(v, in))", "aave_borrow_index(v, in))"),
    ("supply of the row as of now", ROW, "liquidity_index_span(in)));", "liquidity_index_now(in)));"),
    ("threshold 0 by ramp counted in the row", ROW, "out->always = v >= AAVE_3_6 || lt_span(in) != 0;", "out->always = true;"),
    ("grace of one reserve holds the account", AAVE, "return !held || (debt && (coll || !any_coll));", "return !held;"),
    ("grace ignored by health", AAVE, " && aave_grace_over(v, m, a)", ""),
    ("grace ignored by the call", "rules/aave/aave_liquidate.c", "if (grace_now(&m->instrument[leg[0].instrument]) ||", "if (false &&"),
    ("grace ignored in the choice of debt", "rules/aave/aave_liquidate.c", "grace_now(&m->instrument[a->position[i].instrument])", "false"),
    ("grace ignored in the choice of collateral", "rules/aave/aave_liquidate.c", "|| grace_now(in))", ")"),
    ("funding rounded for the account", SUMS, "amt_div10_ceil(owed, d - k)", "amt_neg(amt_div10_ceil(amt_neg(owed), d - k))"),
    ("funding from zero", SUMS, "amt_of(index - p->funding)", "amt_of(index)"),
    ("funding left out of health", SUMS, "amt_sub(v.pnl, P(funding)(in, p, p->size, funding_now(in), k))", "v.pnl"),
    ("weight of the profit without its funding", SUMS, "P(uncounted)(in, profit));", "P(uncounted)(in, v.pnl));"),
    ("funding left out of linear rows", "rules/perp/perp_linear.c", "i256_neg(i256_add(i256_mul_i64(s, entry), funding))", "i256_neg(i256_mul_i64(s, entry))"),
    ("funding left out of inverse rows", "rules/perp/perp_inverse.c", "i256_mul(i256_sub(entry, funding), quantum)", "i256_mul(entry, quantum)"),
    ("row of a short at a long's funding", "rules/perp/perp_linear.c", "funding_span(in, p->size > 0)", "funding_span(in, true)"),
    ("inverse row of a short at a long's funding", "rules/perp/perp_inverse.c", "funding_span(in, p->size > 0)", "funding_span(in, true)"),
    ("funding left out of the size", SUMS, "amt_sub(v.pnl, P(funding)(in, p, p->size, funding, s->k))", "v.pnl"),
    ("no allowance for funding's rounding", SUMS, "funding == p->funding ? 2 : 3", "2"),
    ("funding of the whole position at a partial close", SETTLE, "perp_funding(in, p, p->size < 0 ? -qty : qty,", "perp_funding(in, p, p->size,"),
    ("funding left out of a close", SETTLE, "i256_div10_floor(i256_sub(v.pnl, funding), k - a->cash_decimals)", "i256_div10_floor(v.pnl, k - a->cash_decimals)"),
]


# ---- what is told

def told_reserve(rng, r):
    t = jm.Told(told_at=NOW + rng.choice([0, -1, -3600, -10**7, 500, 10**6]))
    t.liquidity_rate, t.borrow_rate = (rng.choice([0, 1, int(jm.RAY * 10 ** rng.uniform(-4, 0)), 10 * jm.RAY if rng.random() < 0.1 else jm.RAY // 10]) for _ in range(2))
    if rng.random() < 0.5:
        t.ramp_start = NOW + rng.choice([-1000, 0, 100, -10**6])
        t.ramp_end = t.ramp_start + rng.choice([1, 60, 2000, 10**6, 10**7])
        t.ramp_from = rng.choice([0, min(10000, r.lt + rng.randrange(1, 3000))])
        t.ramp_from = t.ramp_from if t.ramp_from > r.lt and r.lb else 0
        t.emode_ramp_from = r.emode_lt + rng.randrange(1, 400) if r.emode and rng.random() < 0.7 else 0
        if not (t.ramp_from or t.emode_ramp_from):
            t.ramp_start = t.ramp_end = 0
    if rng.random() < 0.3:
        t.grace_until = NOW + rng.choice([-1, 0, 1, 300, 10**6])
    return t


def told_perp(rng, p, size):
    """Funding of up to some per mille of the notional an hour, either way."""
    one = 10**18 * p.price_q * 50 if p.kind == jm.jp.LINEAR else 10**18 / (p.price_q * 10**6)
    rate = int(one * F(10 ** rng.uniform(-6, -2)) / 100) * rng.choice([1, 1, -1])
    rate = rng.choice([0, 1, -1]) if rng.random() < 0.15 else max(-2**62, min(2**62, rate))
    t = jm.Told(funding_index=rng.choice([0, rng.randrange(-10**24, 10**24)]), funding_rate=rate, told_at=NOW + rng.choice([0, -10**5, 500]))
    p.settled = max(-2**90, min(2**90, t.funding_index + rate * rng.randrange(-10**5, 10**5) + rng.randrange(-1000, 1000)))
    return t


def moments(rng, told):
    """Seconds that matter: of ramps and grace periods and beside them, and any others."""
    marks = [x + d for t in told.values() for x in (t.told_at, t.ramp_start, t.ramp_end, t.grace_until) if x for d in (-1, 0, 1)]
    return [rng.choice(marks + [NOW]), NOW + rng.randrange(-10, 4000), NOW + int(10 ** rng.uniform(0, 9.9))]


# ---- indexes, thresholds, funding

def expect_moving(s, i, case, told, now, span):
    t, (a, b) = told[i], span
    if case.lending:
        r = case.judge.positions[i][0]
        words = [t.liquidity_index(r.liq_index, now), t.borrow_index(r.borrow_index, now), t.threshold(t.ramp_from, r.lt, now),
                 t.threshold(t.emode_ramp_from, r.emode_lt, now), 0, t.liquidity_index(r.liq_index, a), t.borrow_index(r.borrow_index, b),
                 min(t.threshold(t.ramp_from, r.lt, x) for x in (a, (a + b) // 2, b)),
                 min(t.threshold(t.emode_ramp_from, r.emode_lt, x) for x in (a, (a + b) // 2, b)), 0, 0, int(t.in_grace(now)),
                 t.borrow_index(r.borrow_index, now, True), t.borrow_index(r.borrow_index, b, True), t.liquidity_index(r.liq_index, b)]
    else:
        f = [t.funding(x) for x in (a, (a + b) // 2, b)]
        words = [0, 0, 0, 0, t.funding(now), 0, 0, 0, 0, max(f), min(f), 0, 0, 0, 0]
    s.ask(f"moving {i}", lambda got: s.check(f"{case.rule}: what moves equals the judge's, now and at its worst", got == [str(w) for w in words],
                                             rd.where(case, now, span, got, words)))


# ---- one account through time

def coarse_case(rng):
    """Prices, sizes and cash in whole units: the rounding of funding weighs as much as an account."""
    case, positions = gen.Case("perp-linear-1"), []
    for i in range(rng.choice([1, 2, 3])):
        price, size = rng.randrange(50, 400), rng.randrange(5, 300) * rng.choice([1, -1])
        perp = jm.jp.Perp(jm.jp.LINEAR, i, i, 0, 0, 0, [(0, 50000)], 500, 5000)
        case.asset(i, 0, price)
        case.lines.append(f"perp {i} 1 0 USDC 0 {i} 0 500 5000 1 0 50000")
        positions.append((perp, size, price + rng.randrange(-40, 40)))
    case.judge = jm.jp.Account(jm.jp.LINEAR, 0, 0, positions)
    _, equity, need = case.judge.health(case.px)
    case.judge.cash = int(need * F(rng.uniform(0.5, 1.1)) - equity)
    return case


def one_case(s, rng, rule, style):
    if style == "coarse":
        case = coarse_case(rng)
    else:
        case = gen.aave_case(rng, rule, style) if rule in jv.RULES else gen.perp_case(rng, rule, style)
    if rule in jv.RULES:
        told = {i: told_reserve(rng, v[0]) for i, v in case.judge.positions.items()}
    else:
        told = {p.index: told_perp(rng, p, size) for p, size, _ in case.judge.positions}
    s.case = case
    s.send(case.lines + [line for i, t in told.items() for line in t.lines(i)] + case.account_lines())
    s.ask("validate", lambda got: s.check(f"{rule}: accounts of these magnitudes are accepted", got == ["ok"] or "range" in " ".join(got),
                                          rd.where(case, got)))
    for t in moments(rng, told):
        span = (t - rng.choice([0, 0, 5, 10**5]), t + rng.choice([0, 1, 60, 3600, 10**6]))
        if rng.random() < 0.5:  # told again after the clock has been there
            s.send([f"now {t * NS}"] + [line for i, x in told.items() for line in x.lines(i)])
        s.send([f"now {t * NS + rng.choice([0, NS - 1])}", f"window {span[0] * NS} {span[1] * NS + rng.randrange(NS)}"])
        for i in told:
            expect_moving(s, i, case, told, t, span)
        at = jm.case_at(case, told, t)
        near = gen.threshold_price(rng, at) or []
        for px in [case.px] + near:
            rd.expect_health(s, at, px, "health at a moment equals the judge's")
            rd.expect_size(s, rng, at, px)
            s.send(at.px_lines(px))
            rd.expect_settle(s, at, px, rd.random_legs(rng, at))
        expect_rows(s, rng, case, told, span)


def expect_rows(s, rng, case, told, span):
    """Rows of the span: never above exact H at any moment of it, and as close as documented to H at its worst."""
    if 0 in case.all_prices(case.px).values():
        return
    ppm, rows = rng.choice([1, 5000, 50000]), []
    worst = jm.case_at(case, told, None, span)
    s.send([f"grid {i} {case.all_prices(case.px)[i]} {ppm}" for i in case.row_assets()])

    def on_rows(got):
        words = iter(got)
        rows.clear()
        s.check(f"{case.rule}: every accepted account has rows", got[0] != "err", rd.where(case, got))
        rows.extend(rd.Row(words) for _ in range(int(next(words))))

    s.ask("rows 0", on_rows)
    near = gen.threshold_price(rng, worst) or []
    inside = [case.px] + [rd.random_inside(rng, case, ppm) for _ in range(2)] + [px for px in near if rd.within(case, px, ppm)]
    lo, hi = ({i: F(p) * (10**6 + sign * (2 * ppm + 10)) / 10**6 for i, p in case.px.items()} for sign in (-1, 1))
    for px in inside:
        seconds = {span[0], span[1], rng.randint(*span)}
        judge_row(s, case, worst, rows, px, [jm.case_at(case, told, t) for t in sorted(seconds)], lo, hi)


def ending_lost(case, worst, px):
    """A threshold that ends at 0 within the span is still in the average before: 1 bp of the collateral."""
    if case.rule not in rd.AVERAGES:
        return 0
    ends = any(supply and enabled and not r.lt for r, enabled, supply, _ in worst.judge.positions.values())
    return F(worst.judge.average(px)[0], 10**12) if ends else 0


def judge_row(s, case, worst, rows, px, ats, lo, hi):
    every = case.all_prices(px)

    def on_hat(got):
        name = f"{case.rule}: P1 at every moment of the span, "
        for at in ats:
            bad = jm.liquidatable(at, px)
            if not rows:
                s.check(name + "the rule is liquidatable only where the row is below 0", not bad, rd.where(at, px))
                continue
            low = min(r.lower(every) for r in rows)
            s.check(name + "the rule is liquidatable only where the row is below 0", not bad or low < 0, rd.where(at, px, low))
            s.check(name + "the row is never above exact H", F(low, rd.row_unit(at)[0]) <= rd.exact_h(at, px, 0), rd.where(at, px, low))
            s.check(name + "Ĥ of the compiled row is below 0 at every breach", not bad or int(got[0]) < 0, rd.where(at, px, got))
        if rows:
            gap = rd.exact_h(worst, px, 0) - F(min(r.lower(every) for r in rows), rd.row_unit(worst)[0])
            s.check(f"{case.rule}: the row is as close as documented to H at its worst", 0 <= gap <= rd.slack_bound(worst, px, lo, hi) + ending_lost(case, worst, px),
                    rd.where(worst, px, float(gap)))

    s.send(case.px_lines(px))
    s.ask("hat", on_hat)


# ---- refusals

REFUSED = {
    "perp-linear-1": ["rates 0 0 0 1 0 5", "rates 0 0 0 0 1 5", "rates 0 0 5 0 0 0", f"rates 0 {2**100} 0 0 0 5", "ramp 0 0 0 0 0 9", "ramp 0 9000 0 5 6 0"],
    "perp-inverse-1": [f"rates 0 {-2**100} 0 0 0 5", "ramp 0 0 0 0 0 9"],
}
ACCEPTED = {
    "perp-linear-1": [f"rates 0 {2**100 - 1} {2**63 - 1} 0 0 5", f"rates 0 {1 - 2**100} {-2**63} 0 0 5"],
    "perp-inverse-1": ["rates 0 -5 -5 0 0 5"],
}


LENDING_REFUSED = [f"rates 0 0 0 {10 * jm.RAY + 1} 0 5", f"rates 0 0 0 0 {10 * jm.RAY + 1} 5", "rates 0 0 0 1 0 0", f"rates 0 0 0 1 0 {2**34}", "rates 0 1 0 0 0 5",
                   "rates 0 0 1 0 0 5", "ramp 0 8000 0 5 6 0", "ramp 0 10001 0 5 6 0", "ramp 0 9000 0 6 6 0", f"ramp 0 9000 0 6 {2**34} 0", "ramp 0 0 0 0 6 0",
                   "ramp 0 0 9000 5 6 0", f"ramp 0 0 0 0 0 {2**34}"]
LENDING_ACCEPTED = [f"rates 0 0 0 {10 * jm.RAY} {10 * jm.RAY} 5", "ramp 0 8001 0 5 6 77", f"ramp 0 10000 0 0 {2**34 - 1} {2**34 - 1}"]
for kept, lending in ((REFUSED, LENDING_REFUSED), (ACCEPTED, LENDING_ACCEPTED)):
    kept[gen.PORTFOLIO] = kept["perp-linear-1"]
    kept.update({rule: lending for rule in jv.RULES})


def refusals(s):
    for rule, good in rd.GOOD.items():
        for line, want in [(x, "ok") for x in ACCEPTED[rule]] + [(x, "err") for x in REFUSED[rule]]:
            s.send(["reset"] + good + [line])
            s.ask("validate", lambda got, line=line, want=want: s.check("validate accepts what stays in range and refuses the rest", got[0] == want, (line, got)))
    for rule, (scaled, want) in ((r, x) for r in jv.RULES for x in ((2**81 - 1, "ok"), (2**81, "err"))):  # 100 years at 1000 %: 1.67e8 times
        top = [x for x in rd.GOOD[rule] if not x.startswith("pos")]
        s.send(["reset"] + top + [f"pos 0 1 0 0 5 {scaled}", f"rates 0 0 0 0 {10 * jm.RAY} 5"])
        s.ask("validate", lambda got, want=want: s.check("validate looks a hundred years ahead", got[0] == want, got))
    perp = [x for x in rd.GOOD["perp-linear-1"] if not x.startswith("pos")]
    for settled, want in ((2**100 - 1, "ok"), (2**100, "err")):
        s.send(["reset"] + perp + [f"pos 0 0 7 100 0 0 {settled}"])
        s.ask("validate", lambda got, want=want: s.check("validate bounds a position's funding index", got[0] == want, got))


# ---- the run

def prepare(cases):
    s = rd.Session()
    refusals(s)
    for rule in rd.RULES:
        rng = random.Random(SEED * 1000003 + zlib.crc32(rule.encode()))
        for k in range(cases):
            one_case(s, rng, rule, ("everyday", "everyday", "mixed", "extreme")[k % 4])
    rng = random.Random(SEED)
    for k in range(cases):
        one_case(s, rng, "perp-linear-1", "coarse")
    return s


def main():
    if sys.argv[1:] == ["--mutants"]:
        return 0 if rd.mutants(MUTANTS, prepare(60)) else 1
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    print(f"# moving_diff SEED={SEED} CASES={CASES}")
    with tempfile.TemporaryDirectory(prefix="moving_diff.") as folder:
        s = prepare(CASES)
        s.run(rd.rule_kit.build(f"{folder}/driver", rd.rule_kit.driver_of(folder)))
        print(f"1..{len(s.checks)}")
        for k, (name, (n, bad, first)) in enumerate(s.checks.items(), 1):
            print(f"{'not ok' if bad else 'ok'} {k} - {name} # {n} checks" + (f", {bad} failed; first: {first}" if bad else ""))
        return 0 if s.failures() == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
