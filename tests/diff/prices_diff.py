#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Price adapters and oracle reports (host/chain/adapter.c, report.c) against an independent judge in Python.

  prices_diff.py             random and edge values, well-formed and damaged reports; TAP on stdout
  prices_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: SEED (default 1), CASES (default 3000 of each kind), CC (default gcc). Run from the project root.
"""
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import judge_evm  # noqa: E402
import judge_prices as judge  # noqa: E402
import tap  # noqa: E402

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "3000"))
SOURCES = ["tests/diff/prices_driver.c", "host/chain/adapter.c", "host/chain/report.c", "host/base/wide.c",
           *(f"host/evm/{f}.c" for f in ("abi_get", "abi_put", "address", "hex", "keccak", "rlp"))]
ADAPTER, REPORT = "host/chain/adapter.c", "host/chain/report.c"
MUTANTS = [
    ("cap before its snapshot", ADAPTER, "time < c->since || ", ""),
    ("growth not scaled", ADAPTER, "i256_div_floor(grown, i256_from_u128(c->scale))", "grown"),
    ("no cap", ADAPTER, "i256_min(cap.value, ratio)", "ratio"),
    ("always the cap", ADAPTER, "i256_min(cap.value, ratio)", "cap.value"),
    ("a ratio below 0", ADAPTER, "i256_sign(base) <= 0 || i256_sign(ratio) <= 0", "i256_sign(base) <= 0"),
    ("a base below 0", ADAPTER, "i256_sign(base) <= 0 || i256_sign(ratio) <= 0", "i256_sign(ratio) <= 0"),
    ("overflow of the product goes on", ADAPTER, "cap.reverts || i256_mul_ovf", "cap.reverts || 0 & i256_mul_ovf"),
    ("price rounded up", ADAPTER, "i256_div10_floor(product, c->decimals)", "i256_div10_ceil(product, c->decimals)"),
    ("stable cap is a floor", ADAPTER, "i256_cmp(price, cap) > 0", "i256_cmp(price, cap) < 0"),
    ("a stable price below 0", ADAPTER, "i256_sign(price) <= 0 ? I256_ZERO : price", "price"),
    ("product without its decimals", ADAPTER, "i256_mul_ovf(product, i256_pow10(decimals), &product)", "false"),
    ("product rounded up", ADAPTER, "i256_div10_floor(product, feed_decimals)", "i256_div10_ceil(product, feed_decimals)"),
    ("the lower median", REPORT, "i == n / 2", "i == (n - 1) / 2"),
    ("observations in any order", REPORT, "(i > 0 && i256_cmp(v, before) < 0)", "false"),
    ("too many observations", REPORT, "n > REPORT_OBSERVATIONS_MAX", "false"),
    ("no observations", REPORT, "n == 0 || ", ""),
    ("wider than int192", REPORT, "i256_bits(v) > 191 || ", ""),
    ("round without its epoch", REPORT, "0xffffffffff)", "0xff)"),
    ("the forwarder is the aggregator", REPORT, "out->aggregator = abi_get_address(&in);", "(void)abi_get_address(&in);"),
    ("secondary taken for primary", REPORT, "? REPORT_OCR2_SECONDARY : REPORT_OCR2", "? REPORT_OCR2 : REPORT_OCR2"),
]
ADDRESS = "0x" + "ab" * 20
OTHER = "0x" + "17" * 20


def selector(text):
    return judge_evm.keccak(text.encode())[:4]


TRANSMIT = {1: selector("transmit(bytes,bytes32[],bytes32[],bytes32)"),
            2: selector("transmit(bytes32[3],bytes,bytes32[],bytes32[],bytes32)"),
            3: selector("transmitSecondary(bytes32[3],bytes,bytes32[],bytes32[],bytes32)")}
FORWARD = selector("forward(address,bytes)")


def number(rng, bits, negative=True):
    v = rng.getrandbits(rng.randint(1, bits))
    if rng.random() < 0.1:
        v = rng.choice([0, 1, 2**bits - 1, 10**8, 10**18])
    return -v if negative and rng.random() < 0.15 else v


def formula_cases(rng):
    for _ in range(CASES):
        wide = rng.random() < 0.1
        base, ratio = number(rng, 254 if wide else 60), number(rng, 254 if wide else 70)
        snapshot, generation = number(rng, 104, False), rng.choice((1, 2))
        since = rng.randint(1_600_000_000, 1_700_000_000)
        now = since + rng.choice((-1, 0, 1, rng.randint(0, 10**8)))
        per, scale = judge.growth(snapshot, rng.randint(0, 10000), generation), judge.GENERATIONS[generation]
        decimals = rng.choice((8, 18, 24, 27))
        most = judge.cap(snapshot, since, per, scale, now)
        line = f"cap {snapshot} {since} {per} {scale} {decimals} {base} {ratio} {now}"
        yield (line, judge.capped_ratio(base, ratio, most, decimals))
        price = number(rng, 40)
        stable = rng.choice((104_000_000, price, price + 1, max(price - 1, 0)))
        yield (f"stable {price} {max(stable, 0)}", judge.capped_stable(price, max(stable, 0)))
        a, b = number(rng, 160 if wide else 70), number(rng, 100 if wide else 40)
        d, f = rng.choice((8, 18)), rng.choice((16, 26, 36))
        yield (f"product {a} {b} {d} {f}", judge.product(a, b, d, f))


def checksummed(address):
    digits, h = address[2:], judge_evm.keccak(address[2:].encode()).hex()
    return "0x" + "".join(c.upper() if int(x, 16) > 7 else c for c, x in zip(digits, h))


def report_case(rng):
    kind = rng.choice((1, 2, 3))
    n = rng.choice((1, 2, 3, 4, rng.randint(1, 31), 31))
    observations = sorted(number(rng, 190) for _ in range(n))
    epoch_round, forwarded = rng.getrandbits(40), rng.random() < 0.5
    fault = rng.choice(("order", "many", "none", "wide")) if rng.random() < 0.3 else None
    if fault == "order" and observations[0] != observations[-1]:
        observations = observations[::-1]
    elif fault == "order":
        fault = None
    observations = {"many": list(range(32)), "none": [], "wide": [2**200]}.get(fault, observations)
    data = judge.transmit(TRANSMIT[kind], min(kind, 2), epoch_round, observations)
    at = ADDRESS
    if forwarded:
        data, at = FORWARD + judge.row(int(ADDRESS, 16), data), OTHER
    if fault:
        return f"report {at} 0x{data.hex()}", "bad"
    said = f"{kind} {checksummed(ADDRESS)} {int(forwarded)} {epoch_round} {len(observations)} {judge.median(observations)}"
    return f"report {at} 0x{data.hex()}", said


def cut_case(rng):
    """Shortened anywhere before the last observation: never read."""
    line, _ = report_case(rng)
    data = line.split()[2]
    if len(data) < 12:
        return None
    keep = 2 + 2 * rng.randint(4, 160)
    return f"report {ADDRESS} {data[:keep]}", ("bad", "other")


def report_cases(rng):
    for _ in range(CASES // 5):
        yield report_case(rng)
        case = cut_case(rng)
        if case:
            yield case
    yield f"report {ADDRESS} 0x", "other"
    yield f"report {ADDRESS} 0xc98075", "other"
    yield f"report {ADDRESS} 0xa9059cbb{'00' * 64}", "other"
    yield f"report {ADDRESS} 0x{FORWARD.hex()}", "other"


def compile_driver(folder, mutant=None):
    sources, extra = list(SOURCES), []
    if mutant:
        _, file, old, new = mutant
        text = Path(file).read_text()
        squeezed = re.sub(r"\s+", r"\\s+", re.escape(old).replace(r"\ ", " "))
        found = re.findall(squeezed, text)
        assert len(found) == 1, f"{mutant[0]}: found {len(found)} times"
        changed = Path(folder) / Path(file).name
        changed.write_text(re.sub(squeezed, lambda _: new, text))
        sources[sources.index(file)] = str(changed)
        extra = ["-w"]
    exe = os.path.join(folder, "prices_driver")
    command = [os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O1", "-Ihost", *extra, *sources, "-o", exe]
    subprocess.run(command, check=True)
    return exe


def differences(exe, cases):
    lines = "".join(line + "\n" for line, _ in cases)
    p = subprocess.run([exe], input=lines, capture_output=True, text=True, timeout=240)
    got = p.stdout.splitlines()
    if p.returncode or len(got) != len(cases):
        return [f"exit status {p.returncode}, {len(got)} answers of {len(cases)}"]
    out = []
    for (line, want), have in zip(cases, got):
        wanted = ("reverts",) if want is None else want if isinstance(want, tuple) else (str(want),)
        if have not in wanted:
            out.append(f"{line[:200]}\n  says {have}, should {wanted}")
    return out


def main():
    rng = random.Random(SEED)
    print(f"# prices_diff SEED={SEED} CASES={CASES}")
    formulas, reports = list(formula_cases(rng)), list(report_cases(rng))
    with tempfile.TemporaryDirectory(prefix="prices_diff.") as folder:
        if "--mutants" in sys.argv:
            for m in MUTANTS:
                tap.report(differences(compile_driver(folder, m), formulas + reports), f"found: {m[0]}")
        else:
            exe = compile_driver(folder)
            for name, cases in (("adapters' formulas", formulas), ("oracle reports", reports)):
                wrong = differences(exe, cases)
                tap.report(not wrong, f"{name}: {len(cases)} cases", "\n".join(wrong[:5]))
            reverts = sum(w is None for _, w in formulas)
            bad = sum(w == "bad" for _, w in reports)
            tap.report(reverts > 50 and bad > 50,
                       f"{reverts} overflows or times before a snapshot and {bad} bad reports are among them")
    tap.finish()


main()
