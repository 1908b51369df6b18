# SPDX-License-Identifier: Apache-2.0
"""The tables of host/risk/breach_table.c in 60 decimal digits: Mills' ratio by its continued fraction and its series, and
2^(-i/64). `python3 tests/diff/predict_table.py > host/risk/breach_table.c`; predict_diff.py holds the file against it."""
from decimal import Decimal as D, getcontext

getcontext().prec = 60
STEPS, POINTS, HALVES = 32, 514, 64
PI = D("3.14159265358979323846264338327950288419716939937510582097494459")
ROOT = (2 * PI).sqrt()
LN2 = D(2).ln()


def phi(x):
    return (-x * x / 2).exp() / ROOT


def normal_below(x):
    """N(x) - 1/2 = phi(x) (x + x^3/3 + x^5/(3 5) + ...): Marsaglia, Evaluating the Normal Distribution (2004)."""
    term = total = D(x)
    k = 1
    while term > D(10) ** -58:
        k += 2
        term = term * x * x / k
        total += term
    return phi(x) * total


def mills(x):
    """N(-x) / phi(x), x >= 0: by the series below 5, above by Laplace's continued fraction."""
    x = D(x)
    if x < 5:
        return (D("0.5") - normal_below(x)) / phi(x)
    t = D(0)
    for k in range(900, 0, -1):
        t = k / (x + t)
    return 1 / (x + t)


def tables():
    r = [int((mills(D(i) / STEPS) * 2**62).to_integral_value()) for i in range(POINTS)]
    e = [int(((-LN2 * i / HALVES).exp() * 2**63).to_integral_value()) for i in range(HALVES)]
    return r, e


def text():
    out = ["// SPDX-License-Identifier: Apache-2.0", "// Made by tests/diff/predict_table.py; not to be edited.", '#include "risk/breach_table.h"', ""]
    for name, values, count in zip(("breach_mills", "breach_half"), tables(), ("BREACH_MILLS", "BREACH_HALVES")):
        out += ["// clang-format off", f"const uint64_t {name}[{count}] = {{"]
        out += ["    " + " ".join(f"0x{v:016x}," for v in values[i:i + 5]) for i in range(0, len(values), 5)]
        out += ["};", "// clang-format on"]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    print(text(), end="")
