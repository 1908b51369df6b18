#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host/base/u256.c against Python's integers: random and adversarial operands, wrapping and what does not fit.

  u256_diff.py              TAP on stdout
  u256_diff.py --mutants    wrong versions of the source; each must be found

Environment: SEED (default 1), CASES (default 200000), CC (default gcc). Run from the project root.
"""
import os
import random
import subprocess
import sys
import tempfile
from math import isqrt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "200000"))
M = 1 << 256
TOP = M - 1
EDGES = sorted({v & TOP for k in (0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255, 256) for v in ((1 << k) - 1, 1 << k, (1 << k) + 1)}
               | {10**n for n in range(0, 78, 7)} | {TOP - 1, TOP - (1 << 64), TOP << 64 & TOP, TOP << 192 & TOP, (1 << 255) - (1 << 63)})
MUTANTS = [
    ("i = LIMBS - 1; i >= 0", "i = LIMBS - 1; i > 0"),
    ("a.w[i] < b.w[i] ? -1 : 1", "a.w[i] < b.w[i] ? 1 : -1"),
    ("n * LIMB_BITS - (unsigned)__builtin_clzll(a.w[n - 1])", "n * LIMB_BITS - (unsigned)__builtin_clzll(a.w[n - 1]) + 1"),
    ("(a.w[2] | a.w[3]) == 0", "a.w[2] == 0"),
    ("(a.w[2] | a.w[3]) == 0", "a.w[3] == 0"),
    ("a.w[i] + b.w[i] + carry", "a.w[i] + b.w[i]"),
    ("return carry != 0;\n}\n\nbool u256_sub", "return false;\n}\n\nbool u256_sub"),
    ("a.w[i] - b.w[i] - borrow", "a.w[i] - b.w[i]"),
    ("a.w[i] * b.w[k] + r[i + k] + carry", "a.w[i] * b.w[k] + r[i + k]"),
    ("limbs_of(r, WIDE) > LIMBS", "limbs_of(r, WIDE) > LIMBS + 1"),
    ("i <= n; i++) {\n        u128 p", "i < n; i++) {\n        u128 p"),
    ("u[i] - (uint64_t)p - borrow", "u[i] - (uint64_t)p"),
    ("(i < n ? v[i] : 0) + carry", "(i < n ? v[i] : 0)"),
    ("    if (subtract_times(u, v, n, q)) {", "    if (subtract_times(u, v, n, q) && 0) {"),
    ("        add_back(u, v, n);\n", ""),
    ("uint64_t q = UINT64_MAX;", "uint64_t q = UINT64_MAX - 1;"),
    ("if (u[n] < v[n - 1]) {", "if (u[n] <= v[n - 1]) {"),
    ("rest = rest << LIMB_BITS | a[i];", "rest = rest << LIMB_BITS ^ a[i] ^ (i == 6);"),
    ("shift_right(a, n, s);", "shift_right(a, n - 1, s);"),
    ("if (m < n)\n        return;", ""),
    ("limbs_of(q, WIDE) > LIMBS", "limbs_of(q, WIDE) > LIMBS + 1"),
    ("limbs_of(q, WIDE) > LIMBS", "q[LIMBS] != 0"),
    ("(u256_bits(a) + 1) / 2", "u256_bits(a) / 2"),
    ("u256_cmp(next, x) >= 0", "u256_cmp(next, x) > 0"),
    ("|| u256_add(v, u256_from_u64((uint64_t)d), &v)", "|| (u256_add(v, u256_from_u64((uint64_t)d), &v), 0)"),
    ("u256_mul(v, u256_from_u64(base), &v) ||", "(u256_mul(v, u256_from_u64(base), &v), 0) ||"),
    ("c - 'A' + 10", "c - 'A' + 9"),
]


def value(r):
    kind = r.randrange(6)
    if kind == 0:
        return r.choice(EDGES)
    if kind == 1:
        return r.getrandbits(r.randint(1, 256))
    if kind == 2:  # limbs of zeros and ones: the rare branches of division
        return sum(r.choice([0, 0, 1, 2**64 - 1, 2**64 - 2, 2**63, 2**63 - 1, r.getrandbits(64)]) << 64 * i for i in range(4))
    if kind == 3:
        return r.getrandbits(256)
    if kind == 4:
        return max(0, r.choice(EDGES) - r.randint(0, 3))
    return r.choice([r.getrandbits(64), r.getrandbits(128), r.getrandbits(192)])


def case(r):
    op = r.choice(["add", "sub", "mul", "div", "div", "muldiv", "muldiv", "muldiv", "shl", "shr", "sqrt", "bits", "cmp", "pow10"])
    a, b, c = value(r), value(r), value(r)
    if op == "div":
        b = b or 1
        if r.random() < 0.3:  # at a multiple of the divisor
            a = min(TOP, max(0, b * r.getrandbits(r.randint(1, 256)) % M + r.randint(-1, 1)))
    if op == "muldiv" and r.random() < 0.3:
        c = min(TOP, max(a, b))
    if op == "muldiv" and r.random() < 0.2:  # at the edge of what fits
        c = min(TOP, (a * b >> 256) + r.randint(0, 2))
    if op in ("shl", "shr"):
        b = r.randrange(256)
    if op == "pow10":
        a = r.randrange(78)
    if op == "cmp" and r.random() < 0.3:
        b = a
    if op == "sqrt" and r.random() < 0.5:
        a = max(0, min(TOP, r.getrandbits(r.randint(1, 128)) ** 2 + r.randint(-1, 1)))
    return op, a, b, c


def want(op, a, b, c):
    rest = 0
    if op == "muldiv":
        if c == 0:
            return "!0 0"
        v, rest = divmod(a * b, c)
    elif op == "div":
        v, rest = divmod(a, b)
    else:
        v = {"add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b, "shl": lambda: (a << b) % M, "shr": lambda: a >> b,
             "sqrt": lambda: isqrt(a), "bits": a.bit_length, "cmp": lambda: 1 + (a > b) - (a < b), "pow10": lambda: 10**a}[op]()
    return ("" if 0 <= v < M else "!") + f"{v % M} {rest}"


def texts():
    """Texts and what they are; None: refused."""
    out = [(str(v), v) for v in EDGES] + [(hex(v), v) for v in EDGES] + [("0x" + f"{v:X}", v) for v in EDGES]
    out += [(t, None) for t in (str(M), str(10 * M), str(M + 10**70), hex(M), "-1", "+1", "0x", "1.0", "1e3", "12a", "0xg", "0X1", "abc", "1_000")]
    return out + [("0" * 90 + "7", 7), ("0x" + "0" * 80 + "fF", 255)]


def run(exe, cases):
    lines = "".join(f"{op} {a} {b} {c}\n" for op, a, b, c in cases)
    p = subprocess.run([exe], input=lines, capture_output=True, text=True, timeout=240)
    return p.stdout.split("\n")[:-1]


def wrong(exe, cases):
    """The first case answered wrongly, by operation."""
    bad = {}
    got = run(exe, cases)
    if len(got) != len(cases):
        return {"all": f"{len(got)} answers of {len(cases)}"}
    for k, g in zip(cases, got):
        if g.strip() != want(*k):
            bad.setdefault(k[0], f"{k}: got {g}, want {want(*k)}")
    return bad


def wrong_texts(exe):
    got = run(exe, [("add", t, "0", "0") for t, _ in texts()])
    return [(t, g) for (t, v), g in zip(texts(), got) if g.strip() != ("none" if v is None else f"{v} 0")]


def compiled(out, source="host/base/u256.c"):
    subprocess.run(os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-w", "-O1", "-Ihost", "tests/diff/u256_driver.c", source, "-o", out],
                   check=True)
    return out


def mutant(t, old, new, cases):
    with open("host/base/u256.c", encoding="utf-8") as f:
        text = f.read()
    assert old in text, old
    with open(f"{t}/u256.c", "w", encoding="utf-8") as f:
        f.write(text.replace(old, new, 1))
    exe = compiled(f"{t}/mutant", f"{t}/u256.c")
    try:
        return bool(wrong(exe, cases) or wrong_texts(exe))
    except subprocess.TimeoutExpired:
        return True


def main():
    r = random.Random(SEED)
    with tempfile.TemporaryDirectory() as t:
        if "--mutants" in sys.argv:
            cases = [case(r) for _ in range(min(CASES, 30000))]
            for old, new in MUTANTS:
                tap.report(mutant(t, old, new, cases), f"mutant found: {' '.join(old.split())[:60]} -> {' '.join(new.split())[:60]}")
            tap.finish()
        exe, cases = compiled(f"{t}/driver"), [case(r) for _ in range(CASES)]
        bad = wrong(exe, cases)
        print(f"# SEED={SEED}, {CASES} operations")
        for op in sorted({k[0] for k in cases} | set(bad)):
            n = sum(k[0] == op for k in cases)
            tap.report(op not in bad, f"{op}: {n} as Python has them", bad.get(op, ""))
        tap.report(not wrong_texts(exe), "texts that are numbers, and that are none", wrong_texts(exe))
    tap.finish()


if __name__ == "__main__":
    main()
