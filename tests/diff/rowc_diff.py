#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Row compiler and wide integers against Python's own integers (docs/numerics.md).

  rowc_diff.py             random cases; TAP on stdout (about 15 s)
  rowc_diff.py --margin    table of measured and proven quantisation margins (about 10 s)

Environment: SEED (default 1), CASES (default 2000), CC (default gcc), ROWC_DRIVER (a ready driver; otherwise it
is compiled into a temporary folder). Run from the project root.

The judge below knows the formulas of docs/numerics.md only and calculates in fractions; it shares no code and no
method with the C (which works with shifts in 256 bits and searches the scale from an estimate).
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction as F
from math import floor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

SOURCES = ["tests/diff/rowc_driver.c", "host/accounts/rowc.c", "host/base/wide.c"]
PHAT_MAX = 2**34 - 1
SCALE_CAP = 61
SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "2000"))
HALF = F(1, 2)


# ---- the judge

def pow2(k):
    return F(1 << k) if k >= 0 else F(1, 1 << -k)


def scaled(n, s):
    """An integer over 2^s, rounded half up."""
    return n << -s if s <= 0 else (n + (1 << s - 1)) >> s


def round_half_up(x):
    return floor(x + HALF)


class Grid:
    """Unit and band of one asset."""

    def __init__(self, ref, ppm):
        self.ref, self.ppm = ref, ppm
        self.shift = next(s for s in range(-31, 33) if 2**31 <= scaled(ref, s) < 2**32)
        half = ref * ppm // 10**6
        self.set_band(max(1, ref - half), min(2**63 - 1, ref + half))

    def phat(self, price):
        return scaled(price, self.shift)

    def set_band(self, lo, hi):
        """Smallest and largest price that share P̂ with the edges."""
        self.phat_lo = self.phat(max(1, lo))
        self.phat_hi = min(self.phat(hi), PHAT_MAX)
        s = self.shift
        if s <= 0:
            self.phat_hi -= self.phat_hi % 2**-s
        self.lo, self.hi = self.prices_of(self.phat_lo)[0], self.prices_of(self.phat_hi)[1]

    def prices_of(self, phat):
        """First and last price with this P̂ (shift <= 0: P̂ must be a multiple of the step)."""
        u = pow2(self.shift)
        first = -floor(-(phat - HALF) * u) if self.shift > 0 else int(phat * u)
        last = -floor(-(phat + HALF) * u) - 1 if self.shift > 0 else first
        return max(1, first), min(2**63 - 1, last)

    def text(self, rc=0):
        return f"{rc} {self.shift} {self.lo} {self.hi} {self.phat_lo} {self.phat_hi}"


class Form:
    """H(p) = c + sum a*p; judge's own compilation of it."""

    def __init__(self, c, slack, terms, level=0):
        self.c, self.slack, self.level = c, slack, level
        self.terms = terms  # [(asset, a)]

    def lower(self, px):  # H - slack
        return self.c - self.slack + sum(a * px[i] for i, a in self.terms)

    def gross(self, px):
        return abs(self.c) + sum(abs(a) * px[i] for i, a in self.terms)

    def at_scale(self, grids, k):
        """(coefs, chat) at sigma = 2^k, or None where a width is exceeded."""
        sigma = pow2(k)
        alpha = [sigma * a * pow2(grids[i].shift) for i, a in self.terms]
        coef = [round_half_up(x) for x in alpha]
        if any(abs(q) > 2**26 - 1 for q in coef) or sum(map(abs, coef)) > 2**28:
            return None
        chat = sigma * (self.c - self.slack)
        for (i, _), x, q in zip(self.terms, alpha, coef):
            g = grids[i]
            chat += min((x - q) * g.phat_lo, (x - q) * g.phat_hi)
            if g.shift > 0:
                chat -= abs(x) / 2
        chat = floor(chat)
        return None if abs(chat) >= 2**62 else (coef, chat)

    def compile(self, grids):
        k = SCALE_CAP  # skip only scales at which |α| >= 2^27 or |σ(c - slack)| >= 2^64, surely too large
        for i, a in self.terms:
            if a:
                k = min(k, 27 - abs(a).bit_length() - grids[i].shift)
        k = min(k, 65 - max(1, abs(self.c - self.slack)).bit_length())
        while True:
            r = self.at_scale(grids, k)
            if r:
                self.k, (self.coef, self.chat) = k, r
                return
            k -= 1

    def row_text(self):
        kept = [(i, q) for (i, _), q in zip(self.terms, self.coef) if q]
        return " ".join(map(str, ["ok", self.level, self.k, self.chat, len(kept)] + [x for t in kept for x in t]))

    def eval(self, phat):
        return self.chat + sum(q * phat[i] for (i, _), q in zip(self.terms, self.coef))

    def proven(self, grids):
        """Bound of the quantisation margin (numerics.md, P2) for this number of assets and these bands."""
        used = [grids[i] for i, a in self.terms if a]
        if not used:
            return F(1, 2**59)
        n = len(used)
        wide = sum(g.phat_hi - g.phat_lo for g in used)
        low = min(g.lo * pow2(-g.shift) for g in used)
        return (F(wide, 2) + 1) / min((2**25 - F(1, 4)) * low, (2**27 - F(n, 4)) * low, F(2**59)) + 1 / low


# ---- cases

def log_uniform(rng, lo, hi):
    """Integer in [lo, hi], uniform in its bit length."""
    b = rng.randint(max(1, lo.bit_length()), hi.bit_length())
    return min(hi, max(lo, rng.getrandbits(b) | 1 << (b - 1)))


def signed(rng, v):
    return v if rng.random() < 0.5 else -v


def pick_ppm(rng, kind):
    if kind == "default":
        return 20000
    return rng.choice([0, 1, 100, 5000, 10000, 20000, 50000, 200000, 500000, 999999, 3000000])


def make_grids(rng, kind, n):
    grids = {}
    for i in rng.sample(range(256), n):
        if kind == "extreme":
            ref = rng.choice([1, 2, 3, 2**31 - 1, 2**32 - 1, 2**32, 2**33 - 1, 2**62, 2**63 - 1,
                              log_uniform(rng, 1, 2**62)])
        else:  # price 1e-5 .. 1e5 in quanta of 1e-8
            ref = int(10 ** rng.uniform(3, 13))
        grids[i] = Grid(ref, pick_ppm(rng, kind))
    return grids


def make_terms(rng, kind, grids):
    """Coefficients by kind: exposures of like value, sizes 1e-9..1e12, only debt, extremes, with zeros mixed in."""
    out = []
    for i, g in grids.items():
        if kind == "extreme":
            a = signed(rng, rng.choice([0, 1, 2, 2**26 - 1, 2**26, 2**159, 2**160 - 1,
                                        log_uniform(rng, 1, 2**160 - 1)]))
        elif kind in ("mixed", "default"):
            size = 10 ** rng.uniform(-9, 12)
            a = signed(rng, max(1, int(size * 10**18)) * rng.randint(1, 10**4))
        else:
            value = 10 ** rng.uniform(0, 7)
            a = signed(rng, max(1, int(value * 1e26 / g.ref)))
        if kind == "debt":
            a = -abs(a)
        if rng.random() < 0.05:
            a = 0
        out.append((i, a))
    return out


def make_form(rng, kind, grids):
    terms = make_terms(rng, kind, grids)
    px0 = {i: rng.randint(g.lo, g.hi) for i, g in grids.items()}
    exposure = sum(abs(a) * px0[i] for i, a in terms)
    slack = rng.choice([0, 1, rng.randint(0, max(1, exposure >> rng.randint(10, 60)))])
    where = rng.random()
    if kind == "extreme" and where < 0.3:
        c = signed(rng, log_uniform(rng, 1, 2**230 - 1))
        slack = rng.choice([slack, rng.randint(0, 2**230 - 1)])
    elif kind == "far":
        c = signed(rng, min(2**230 - 1, (exposure + 1) << rng.randint(1, 60)))
    elif where < 0.1:
        c = 0
    else:  # threshold crossed somewhere near px0
        c = slack - sum(a * px0[i] for i, a in terms)
        c += signed(rng, rng.choice([0, 1, exposure >> rng.randint(1, 40)]))
    return Form(max(-2**230 + 1, min(2**230 - 1, c)), slack, terms, rng.randint(0, 1))


def make_case(rng):
    kind = rng.choice(["default", "mixed", "like", "extreme", "far", "debt"])
    n = rng.choice([0, 1, 1, 2, 3, 4, 5, 8, rng.randint(9, 63), 64])
    grids = make_grids(rng, kind, n)
    if kind == "like" and n:  # union of an old band and a new one at the old unit
        g = rng.choice(list(grids.values()))
        g.set_band(max(1, g.lo - rng.randint(0, g.ref)), min(2**63 - 1, g.hi + rng.randint(0, 3 * g.ref)))
    return kind, grids, make_form(rng, kind, grids)


def corner(g, a, rising):
    """Edge of the band where a*p is greatest (rising) or least."""
    return g.hi if (a > 0) == rising else g.lo


def tight_corner(form, grids):
    """Where Ĥ comes nearest to σ(H - slack): ρP̂ least, the price's rounding error most against a."""
    px = {}
    for (i, a), q in zip(form.terms, form.coef):
        g = grids[i]
        rho = pow2(form.k) * a * pow2(g.shift) - q
        first, last = g.prices_of(g.phat_lo if rho >= 0 else g.phat_hi)
        px[i] = first if a > 0 else last
    return px


def make_prices(rng, form, grids):
    a = dict(form.terms)
    out = [tight_corner(form, grids),
           {i: g.lo for i, g in grids.items()},
           {i: g.hi for i, g in grids.items()},
           {i: corner(g, a[i], False) for i, g in grids.items()},
           {i: corner(g, a[i], True) for i, g in grids.items()},
           {i: min(g.hi, g.lo + 1) for i, g in grids.items()},
           {i: max(g.lo, g.hi - 1) for i, g in grids.items()}]
    for _ in range(3):
        out.append({i: rng.randint(g.lo, g.hi) for i, g in grids.items()})
    out.append({i: rng.choice([g.lo, g.hi, rng.randint(g.lo, g.hi)]) for i, g in grids.items()})
    return out


# ---- the driver

def build(folder, sources=None):
    exe = os.path.join(folder, "rowc_driver")
    cmd = [os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-Ihost", "-o", exe]
    subprocess.run(cmd + (sources or SOURCES) + ["-lm"], check=True)
    return exe


def ask(exe, lines):
    r = subprocess.run([exe], input="\n".join(lines) + "\n", capture_output=True, text=True)
    out = r.stdout.splitlines()
    if r.returncode != 0 or len(out) != len(lines):
        raise RuntimeError(f"driver: status {r.returncode}, {len(out)} of {len(lines)} answers; {r.stderr.strip()}")
    return out


class Tally:
    """Counts of one property; the first failures are kept for the report."""

    def __init__(self, names):
        self.names, self.done, self.bad = names, dict.fromkeys(names, 0), {n: [] for n in names}

    def check(self, name, good, *facts):
        self.done[name] += 1
        if not good:
            self.bad[name].append(facts)

    def failures(self):
        return sum(map(len, self.bad.values()))

    def report(self):
        print(f"1..{len(self.names)}")
        for k, n in enumerate(self.names, 1):
            ok = not self.bad[n] and self.done[n] > 0
            print(f"{'ok' if ok else 'not ok'} {k} - {n} ({self.done[n]} checks, {len(self.bad[n])} failed)")
            for facts in self.bad[n][:3]:
                print("#   " + " | ".join(str(f)[:400] for f in facts))
        return all(not self.bad[n] and self.done[n] > 0 for n in self.names)


# ---- wide integers

def wrap(v):
    return (v + 2**255) % 2**256 - 2**255


def div(a, b, mode):
    q = {"floor": a // b, "ceil": -(-a // b)}.get(mode)
    return wrap(q if q is not None else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))


def wide_operand(rng):
    if rng.random() < 0.15:
        return rng.choice([0, 1, -1, 2**63, -2**63, 2**64, 2**127, -2**127, 2**128, 2**255 - 1, -2**255, 2**192 - 1])
    v = rng.getrandbits(rng.randint(1, 255))
    if rng.random() < 0.4:  # long runs of ones or zeros: rare branches of long division
        v |= (2**rng.randint(1, 200) - 1) << rng.randint(0, 54)
    if rng.random() < 0.3:
        v >>= 64 * rng.randint(0, 3)
        v <<= 64 * rng.randint(0, 3)
    return wrap(signed(rng, v))


def wide_expected(op, a, b):
    if op in ("trunc", "floor", "ceil"):
        return str(div(a, b, op))
    if op in ("shl", "sar"):
        v = a >> b if op == "sar" else a << b
        return str(wrap(v))
    if op in ("min", "max"):
        return str(min(a, b) if op == "min" else max(a, b))
    if op == "mul64":
        return str(wrap(a * b))
    v = {"add": a + b, "sub": a - b, "mul": a * b}[op[:3]]
    return f"{int(wrap(v) != v)} {wrap(v)}" if op.endswith("_ovf") else str(wrap(v))


def check_wide(exe, rng, tally, count):
    ops = ["add", "sub", "mul", "trunc", "floor", "ceil", "min", "max", "add_ovf", "sub_ovf", "mul_ovf", "shl",
           "sar", "mul64"]
    lines, expected = [], []
    for _ in range(count):
        op, a, b = rng.choice(ops), wide_operand(rng), wide_operand(rng)
        if op in ("trunc", "floor", "ceil") and b == 0:
            b = 1
        if op in ("trunc", "floor", "ceil") and rng.random() < 0.5:  # digits of all ones, remainders at the ends
            n = max(0, 254 - abs(b).bit_length())
            q = (2**64 - 1) << rng.choice([0, 0, 64, 128]) | rng.choice([0, 2**64 - 1, rng.getrandbits(64)])
            a = wrap(signed(rng, (q % 2**n) * abs(b) + rng.choice([0, 1, abs(b) - 1, abs(b) // 2])))
        if op in ("shl", "sar"):
            b = rng.randint(0, 300)
        if op == "mul64":
            b = (b + 2**63) % 2**64 - 2**63
        if op == "mul_ovf" and a and rng.random() < 0.5:  # near the edge of the type
            b = wrap(signed(rng, (2**255 + rng.randint(-3, 3) * abs(a)) // abs(a)))
        lines.append(f"wide {op} {a} {b}")
        expected.append(wide_expected(op, a, b))
    for line, got, want in zip(lines, ask(exe, lines), expected):
        tally.check("wide integers equal Python's", got == want, line, got, want)
    pairs = [(wide_operand(rng), wide_operand(rng)) for _ in range(count // 10)]
    for (a, b), got in zip(pairs, ask(exe, [f"wide facts {a} {b}" for a, b in pairs])):
        w = got.split()
        want = [(a > b) - (a < b), (a > 0) - (a < 0), abs(a).bit_length(), int(-2**63 <= a < 2**63),
                int(-2**127 <= a < 2**127)]
        good = [int(x) for x in w[:5]] == want and abs(F(float(w[5])) - a) <= abs(a) * F(1, 2**51)
        tally.check("wide integers equal Python's", good, a, b, got)


# ---- rows

def eval_line(verb, v):
    return " ".join([verb, str(len(v))] + [f"{i} {x}" for i, x in v.items()])


def check_grid(script, grids):
    for i, g in grids.items():
        ref = Grid(g.ref, g.ppm)
        script.add(f"grid {i} {g.ref} {g.ppm}", "grid equals the formula", ref.text())
        if (g.lo, g.hi) != (ref.lo, ref.hi):
            script.add(f"band {i} {g.lo} {g.hi}", "grid equals the formula", g.text())
        for p in {g.lo - 1, g.lo, g.lo + 1, g.hi - 1, g.hi, g.hi + 1, g.ref}:
            if not 1 <= p < 2**63:
                continue
            want = g.phat(p)
            fits = want <= PHAT_MAX
            script.add(f"phat {i} {p}", "grid equals the formula", f"{int(fits)} {min(want, PHAT_MAX)}")
            inside = g.phat_lo <= want <= g.phat_hi
            script.tally.check("price band and P̂ band are the same set", inside == (g.lo <= p <= g.hi), p, g.text())


class Script:
    """Driver lines of many cases, with what each must answer."""

    def __init__(self, tally):
        self.tally, self.lines, self.want = tally, [], []

    def add(self, line, name, want):
        """want: the answer, or a function (answer) -> bool."""
        self.lines.append(line)
        self.want.append((name, want))

    def run(self, exe):
        for line, got, (name, want) in zip(self.lines, ask(exe, self.lines), self.want):
            good = want(got) if callable(want) else got == want
            self.tally.check(name, good, line, "got " + got, "" if callable(want) else "want " + want)


def check_bounds(script, form, grids, px, kind):
    """P1, P2 and width of one price vector; C's Ĥ must equal the judge's, so its promises are checked here."""
    t = script.tally
    phat = {i: g.phat(px[i]) for i, g in grids.items()}
    hhat, low, gross = form.eval(phat), form.lower(px), form.gross(px)
    gap = pow2(form.k) * low - hhat

    def promises(answer):
        h = int(answer)
        early = pow2(form.k) * low - h
        t.check("P1: Ĥ <= σ(H - slack) in the band", early >= 0, form.c, form.slack, form.terms, px)
        if low < 0:
            t.check("every breach in the band gives Ĥ < 0", h < 0, form.c, form.slack, form.terms, px)
        if gross and form.slack <= gross:
            t.check("P2: margin within the proven bound", early <= form.proven(grids) * gross * pow2(form.k), px)
            if kind == "default":
                t.check("P2: margin <= 1e-7 of gross at the default band", early * 10**7 <= gross * pow2(form.k),
                        len(form.terms), float(early / gross / pow2(form.k)))
        return h == hhat
    script.add(eval_line("eval", phat), "Ĥ equals the formula", promises)
    if gross:
        want = float(gap / pow2(form.k) / gross)

        def margin(answer):
            q, s = map(float, answer.split())
            return abs(q - want) <= 1e-12 * abs(want) and abs(s - form.slack / gross) <= 1e-12 * s
        script.add(eval_line("margin", px), "row_margin equals the formula", margin)


def check_tight(script, form, grids):
    """At the tight corner nothing is given away but the floor and, for rounded debt, less than one price quantum."""
    px = tight_corner(form, grids)
    phat = {i: g.phat(px[i]) for i, g in grids.items()}
    give = 1
    for i, a in form.terms:
        g = grids[i]
        first, last = g.prices_of(phat[i])
        if g.shift > 0:  # prices are whole, and start at 1: a bucket may end before its ideal edge
            edge = (phat[i] - HALF) * pow2(g.shift) if a > 0 else (phat[i] + HALF) * pow2(g.shift)
            give += pow2(form.k) * abs(a) * abs((first if a > 0 else last) - edge)

    def tight(answer):
        return 0 <= pow2(form.k) * form.lower(px) - int(answer) < give
    script.add(eval_line("eval", phat), "bound is tight: no margin but the floor at its worst corner", tight)


def check_chain(script, rng, form, grids):
    """Groups of price changes, in the band or anywhere in 34 bits: H += â·ΔP̂ modulo 2^64 stays equal to Ĥ."""
    phat = {i: g.phat_lo for i, g in grids.items()}
    h = form.eval(phat)
    coef = {i: q for (i, _), q in zip(form.terms, form.coef)}
    for _ in range(4):
        for i in rng.sample(list(phat), rng.randint(1, len(phat))) if phat else []:
            new = rng.choice([rng.randint(grids[i].phat_lo, grids[i].phat_hi), rng.getrandbits(34), 0, PHAT_MAX])
            h = (h + coef[i] * (new - phat[i])) % 2**64
            phat[i] = new
        want = (h + 2**63) % 2**64 - 2**63
        script.add(eval_line("eval", phat), "incremental updates equal direct evaluation", str(want))
    extreme = {i: PHAT_MAX if q * form.chat >= 0 else 0 for i, q in coef.items()}
    value = form.eval(extreme)
    script.tally.check("|Ĥ| < 2^63 for every 34-bit price", abs(value) < 2**63, value)
    script.add(eval_line("eval", extreme), "incremental updates equal direct evaluation", str(value))


NAMES = ["wide integers equal Python's", "grid equals the formula", "price band and P̂ band are the same set",
         "row equals the formula, at the largest scale that fits", "widths of coefficients and Ĉ hold",
         "Ĥ equals the formula",
         "P1: Ĥ <= σ(H - slack) in the band", "every breach in the band gives Ĥ < 0",
         "bound is tight: no margin but the floor at its worst corner", "P2: margin within the proven bound",
         "P2: margin <= 1e-7 of gross at the default band", "incremental updates equal direct evaluation",
         "|Ĥ| < 2^63 for every 34-bit price", "row_margin equals the formula", "inputs out of range are refused"]


def check_case(script, rng, kind, grids, form):
    form.compile(grids)
    check_grid(script, grids)
    terms = [x for t in form.terms for x in t]
    line = " ".join(map(str, ["row", form.level, form.c, form.slack, len(form.terms)] + terms))
    script.add(line, "row equals the formula, at the largest scale that fits", form.row_text())

    def widths(answer):
        w = answer.split()
        coef = [abs(int(x)) for x in w[6::2]]
        return (w[0] == "ok" and abs(int(w[3])) < 2**62 and sum(coef) <= 2**28 and
                all(0 < q < 2**26 for q in coef))
    script.add(line, "widths of coefficients and Ĉ hold", widths)
    for px in make_prices(rng, form, grids):
        check_bounds(script, form, grids, px, kind)
    check_tight(script, form, grids)
    check_chain(script, rng, form, grids)


def check_refusals(script):
    def refused(answer):
        return answer.startswith("err ")
    script.add("grid 0 100 20000", "inputs out of range are refused", Grid(100, 20000).text())
    for line in [f"row 0 {2**230} 0 0", f"row 0 {-2**230} 0 0", f"row 0 0 {2**230} 0", "row 0 0 -1 0",
                 f"row 0 0 0 1 0 {2**160}", f"row 0 0 0 1 0 {-2**160}", "row 0 0 0 2 0 1 0 1", "row 0 0 0 1 256 1"]:
        script.add(line, "inputs out of range are refused", refused)
    for line in ["grid 0 0 20000", "grid 0 -5 20000", "band 0 5 4", "band 0 -5 0", f"band 0 {2**62} {2**62}"]:
        script.add(line, "inputs out of range are refused", lambda s: s.startswith("-1 "))
    for p, want in [(-1, "0 0"), (0, "1 0"), (2**63 - 1, f"0 {PHAT_MAX}")]:
        script.add(f"phat 0 {p}", "inputs out of range are refused", want)


def run(exe, cases, wide_count):
    rng = random.Random(SEED)
    tally = Tally(NAMES)
    check_wide(exe, rng, tally, wide_count)
    script = Script(tally)
    for _ in range(cases):
        check_case(script, rng, *make_case(rng))
    check_refusals(script)
    script.run(exe)
    return tally


# ---- margin table

def margin_table():
    rng = random.Random(SEED)
    print("Quantisation margin, (σ(H - slack) - Ĥ) / (σ · gross), largest and mean of random rows at their worst")
    print(f"corner (all ρP̂ greatest) and at random prices; bound: docs/numerics.md. SEED={SEED}")
    print("n   band    rows  worst corner  mean at random  proven bound")
    for n in (1, 2, 4, 8, 16, 32, 64):
        for ppm in (5000, 10000, 20000, 50000, 200000, 500000):
            print_margin_row(rng, n, ppm, 60 if n > 8 else 150)


def print_margin_row(rng, n, ppm, rows):
    worst, total, bound = F(0), F(0), F(0)
    for r in range(rows):
        grids = {i: Grid(int(10 ** rng.uniform(3, 13)), ppm) for i in range(n)}
        # Half the rows with exposures of like value, half with one far above the rest: both ends of the widths.
        spread = 1.0 if r % 2 else 6.0
        terms = [(i, signed(rng, max(1, int(10 ** rng.uniform(26 - spread, 26) / g.ref))))
                 for i, g in grids.items()]
        form = Form(-sum(a * grids[i].ref for i, a in terms), 0, terms)
        form.compile(grids)
        px = {}
        for (i, a), q in zip(terms, form.coef):
            g = grids[i]
            rho = pow2(form.k) * a * pow2(g.shift) - q
            first, last = g.prices_of(g.phat_hi if rho >= 0 else g.phat_lo)
            px[i] = last if a > 0 else first
        worst = max(worst, margin_at(form, grids, px))
        total += margin_at(form, grids, {i: rng.randint(g.lo, g.hi) for i, g in grids.items()})
        bound = max(bound, form.proven(grids))
    print(f"{n:<3} {ppm / 1e4:>4} %  {rows:>4}  {float(worst):>12.2e}  {float(total / rows):>14.2e}  "
          f"{float(bound):>12.2e}")


def margin_at(form, grids, px):
    early = pow2(form.k) * form.lower(px) - form.eval({i: g.phat(px[i]) for i, g in grids.items()})
    return early / pow2(form.k) / form.gross(px)


def main():
    if sys.argv[1:] == ["--margin"]:
        margin_table()
        return 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    print(f"# rowc_diff SEED={SEED} CASES={CASES}")
    folder = tempfile.mkdtemp(prefix="rowc_diff.")
    try:
        exe = os.environ.get("ROWC_DRIVER") or build(folder)
        return 0 if run(exe, CASES, 20 * CASES).report() else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
