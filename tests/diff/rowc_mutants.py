#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does rowc_diff.py find mistakes? Compiles wrong versions of the row compiler and of the wide integers, one change
each, and expects that every one is found. TAP on stdout; about a minute; run from the project root. SEED, CC as
in rowc_diff.py. The sources themselves are not touched."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True  # leave nothing in the tree
import rowc_diff  # noqa: E402

MUTANTS = [  # name, file, text that occurs exactly once, replacement
    ("Ĉ rounded to nearest instead of floored", "rowc.c", "i256_sar(sum, (unsigned)-low)",
     "i256_sar(i256_add(sum, low ? i256_shl(i256_from_i64(1), (unsigned)(-low - 1)) : I256_ZERO), (unsigned)-low)"),
    ("Ĉ rounded up", "rowc.c", "i256_sar(sum, (unsigned)-low)", "i256_neg(i256_sar(i256_neg(sum), (unsigned)-low))"),
    ("residue ρ dropped", "rowc.c", "i256 t = residue(f->a[i], exp, coef[i], g);",
     "i256 t = g->shift > 0 ? i256_neg(i256_abs(f->a[i])) : I256_ZERO; (void)residue;"),
    ("residue at the wrong edge", "rowc.c", "i256_sign(r) < 0 ? g->phat_hi : g->phat_lo",
     "i256_sign(r) < 0 ? g->phat_lo : g->phat_hi"),
    ("½ of the price's rounding forgotten", "rowc.c", "return g->shift > 0 ? i256_sub(t, i256_abs(a)) : t;", "return t;"),
    ("rounding term added", "rowc.c", "i256_sub(t, i256_abs(a))", "i256_add(t, i256_abs(a))"),
    ("rounding term signed", "rowc.c", "i256_sub(t, i256_abs(a))", "i256_sub(t, a)"),
    ("slack added", "rowc.c", "i256 c = i256_sub(f->c, f->slack), whole", "i256 c = i256_add(f->c, f->slack), whole"),
    ("slack forgotten", "rowc.c", "i256 c = i256_sub(f->c, f->slack), whole", "i256 c = f->c, whole"),
    ("scale one too small", "rowc.c", "int k = SCALE_MAX;", "int k = SCALE_MAX - 90;"),
    ("scale search starts below the largest", "rowc.c", "COEF_BITS - 1 - (int)", "COEF_BITS - 2 - (int)"),
    ("sum of coefficients unchecked", "rowc.c", "return sum <= (uint64_t)1 << SUM_BITS;", "return sum < UINT64_MAX;"),
    ("Ĉ one bit too wide", "rowc.c", "i256_bits(chat) > CHAT_BITS", "i256_bits(chat) > CHAT_BITS + 1"),
    ("price truncated", "rowc.c", "phat = (p + ((uint64_t)1 << (g->shift - 1))) >> g->shift;", "phat = p >> g->shift;"),
    ("band not widened to P̂ steps", "rowc.c", "first = first > half ? first - half : 1;", ";"),
    ("dropped coefficient kept as zero", "rowc.c", "if (coef[i] == 0)", "if (coef[i] == INT32_MIN)"),
    ("coefficient of the wrong sign", "rowc.c", "*coef = (int32_t)q;", "*coef = -(int32_t)q;"),
    ("coefficient truncated", "rowc.c", "(unsigned)(-exp - 1))) + 1) >> 1", "(unsigned)(-exp - 1)))) >> 1"),
    ("division without add-back", "wide.c", "if (borrow) {", "if (0 && borrow) {"),
    ("floor division like trunc", "wide.c", "!exact && neg ? i256_sub(q", "!exact && !exact && 0 ? i256_sub(q"),
    ("quotient digit uncorrected", "wide.c", "while (q >> 64 || q * v[n - 2] > (r << 64 | u[n - 2])) {", "while (0) {"),
    ("carry lost in mul", "wide.c", "c += (u128)a.w[i] * b.w[j] + r.w[i + j];", "c = (u128)a.w[i] * b.w[j] + r.w[i + j];"),
]


def mutants():
    print(f"# SEED={rowc_diff.SEED}")
    print(f"1..{len(MUTANTS)}")
    good = True
    for k, (name, file, old, new) in enumerate(MUTANTS, 1):
        with tempfile.TemporaryDirectory() as d:
            paths = list(rowc_diff.SOURCES)
            at = next(i for i, p in enumerate(paths) if p.endswith("/" + file))
            text = open(paths[at], encoding="utf-8").read()
            if text.count(old) != 1:
                print(f"not ok {k} - {name}: the text to change occurs {text.count(old)} times in {file}")
                good = False
                continue
            paths[at] = os.path.join(d, file)
            with open(paths[at], "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
            tally, found = None, "the driver stopped"
            try:
                tally = rowc_diff.run(rowc_diff.build(d, paths), 150, 40000)
                found = "; ".join(n for n in rowc_diff.NAMES if tally.bad[n])
            except RuntimeError:
                pass  # a crash or an assertion is a find as well
            caught = tally is None or tally.failures() > 0
            good &= caught
            print(f"{'ok' if caught else 'not ok'} {k} - found: {name} # {found}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(0 if mutants() else 1)
