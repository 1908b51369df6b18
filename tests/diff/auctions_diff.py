#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Auctions (docs/econ/auctions.md, docs/protocols/maker-dog.md): host/econ and the protocol maker-dog against
judge_auctions, brute force, and numbers that the contracts' own tests publish.

  auctions_diff.py             TAP on stdout (about 10 s)
  auctions_diff.py --mutants   compiles wrong versions of the sources and expects that each is found (some minutes)

Environment: SEED (default 1), CASES (default 400), CC (default gcc), AUCTIONS_DRIVER (a ready driver; otherwise it is
compiled into a temporary folder). Run from the project root.
"""
import glob
import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import protocol_judge as pj  # noqa: E402
import tap  # noqa: E402
from auctions_cases import check_clips, check_curves, check_discount, check_english, check_inverse, check_noise, check_time  # noqa: E402
from auctions_common import Checks, Driver  # noqa: E402
from auctions_dog import check_dog, check_published  # noqa: E402
from auctions_keeper import check_bidder, check_large_plans, check_more_keeper  # noqa: E402
from auctions_mutants import MUTANTS  # noqa: E402
from judge_auctions import Revert  # noqa: E402

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "400"))
DOG = "host/accounts/rules/maker/dog.c"
ECON = sorted(glob.glob("host/econ/auction_*.c")) + ["host/econ/bidder.c", DOG]
SOURCES = ["tests/diff/auctions_driver.c", "host/base/u256.c", "host/base/wide.c", "host/base/checked.c"] + ECON


REACHED = """take: done|take: Clipper/too-expensive|take: Clipper/no-partial-purchase|take: Clipper/needs-reset|take: clipperCall|take: Vat/move|take: math
take: Clipper/stopped-incorrect|take: Clipper/not-running-auction|take with dust rule|redo: paid|redo: unpaid|redo: Clipper/cannot-reset|redo: Clipper/zero-top-price|redo: Clipper/invalid-price
redo: math|kick: done|kick: Clipper/zero-tab|kick: Clipper/zero-lot|kick: Clipper/zero-usr|kick: Clipper/zero-top-price|kick: Clipper/stopped-incorrect|kick: math
Flipper/tend: done|Flipper/dent: done|Flapper/tend: done|Flopper/dent: done|Flopper/tick: done|Flipper/deal: done|Flipper/tend: Flipper/insufficient-increase
Flipper/dent: Flipper/tend-not-finished|Flopper/dent: Flopper/insufficient-decrease|Flipper/tend: Flipper/higher-than-tab|Flapper/tend: Flapper/already-finished-tic
english kick: Flapper/over-lid|discount: capped|discount: free|discount: all the collateral|discount: of the debt|discount, a part: E_ExcessiveRepayAmount
plan: a part|plan: all|plan: none|plan: no|first: later|first: at once|first: not|large: a part|large: all|flat: proved|flat: unproved
bid: tend|bid: dent|bid: price|bid: limit|reset pays|bark: partial|bark: whole for dust|bark: all|bark: Dog/not-unsafe|bark: Dog/liquidation-limit-hit
bark: Dog/dusty-auction-from-partial-liquidation|bark: Dog/null-auction|bark: Dog/not-live|bark: Clipper/zero-top-price|bark: math""".replace("\n", "|").split("|")


def judge_econ(d, check, cases):
    r = random.Random(SEED)
    check_published(d, check)
    check_curves(d, check, r, 3 * cases)
    check_inverse(d, check, r, cases)
    check_noise(d, check, r, cases // 8)
    check_clips(d, check, r, 4 * cases)
    check_english(d, check, r, 2 * cases)
    check_discount(d, check, r, 3 * cases)
    check_time(d, check, r, 3 * cases)
    check_bidder(d, check, r, cases // 2)
    check_large_plans(d, check, r, cases // 4)
    check_more_keeper(d, check, r, cases)


def compile_objects(folder, root="host"):
    """One object a source, so that a mutant compiles one."""
    cc = os.environ.get("CC", "gcc").split()
    out = {}
    for s in SOURCES:
        out[s] = os.path.join(folder, s.replace("/", "_") + ".o")
        subprocess.run(cc + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w", f"-I{root}", "-c", s, "-o", out[s]], check=True)
    return out


def link(objects, exe):
    subprocess.run(os.environ.get("CC", "gcc").split() + list(objects) + ["-lm", "-o", exe], check=True)
    return exe


def run_econ(exe, cases):
    check, d = Checks(), Driver(exe)
    try:
        judge_econ(d, check, cases)
    finally:
        d.p.kill()
        d.p.wait()
    return check


def mutants():
    objects_folder = tempfile.mkdtemp(prefix="auctions.")
    objects = compile_objects(objects_folder)
    only = os.environ.get("ONLY", "")
    for name, file, old, new, *place in MUTANTS:
        if only not in name:
            continue
        try:
            if file in ("dog.c", "maker_dog_eval.c"):
                path = DOG if file == "dog.c" else file

                def judge(dog, rng):
                    check = Checks()
                    check_dog(dog, check, rng, 500)
                    assert not check.failures(), [n for n, row in check.rows.items() if row[1]]
                how = pj.found("maker-dog", (path, old, new, *place), judge, ECON, SEED)
            else:
                how = mutant_econ(objects, objects_folder, file, old, new, place)
            tap.report(how is not None, f"found: {name} # {str(how)[:120]}", "not found")
        except ValueError as e:
            tap.report(False, name, e)
    subprocess.run(["rm", "-r", objects_folder], check=True)


def mutant_econ(objects, folder, file, old, new, place):
    with open(f"host/econ/{file}", encoding="utf-8") as f:
        text = pj.changed(f.read(), old, new, *place)
    wrong, obj, exe = (os.path.join(folder, x) for x in (file, "wrong.o", "wrong"))
    with open(wrong, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run(os.environ.get("CC", "gcc").split() + ["-std=c17", "-D_GNU_SOURCE", "-O1", "-w", "-Ihost", "-c", wrong, "-o", obj], check=True)
    link([obj if s == f"host/econ/{file}" else o for s, o in objects.items()], exe)
    try:
        check = run_econ(exe, 120)
        return "; ".join(n for n, row in check.rows.items() if row[1]) or None
    except (RuntimeError, AssertionError, Revert, BrokenPipeError, ValueError) as e:
        return f"stopped: {type(e).__name__} {e}"


def main():
    if sys.argv[1:] == ["--mutants"]:
        print(f"# auctions_diff --mutants SEED={SEED}")
        mutants()
        tap.finish()
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    print(f"# auctions_diff SEED={SEED} CASES={CASES}")
    with tempfile.TemporaryDirectory(prefix="auctions.") as folder:
        exe = os.environ.get("AUCTIONS_DRIVER") or link(compile_objects(folder).values(), os.path.join(folder, "driver"))
        check = run_econ(exe, CASES)
        with pj.Driver("maker-dog", more=ECON) as dog:
            check_dog(dog, check, random.Random(SEED), 3 * CASES)
    for name, (n, bad, first) in check.rows.items():
        tap.report(not bad, f"{name} # {n} checks", f"{bad} failed; first: {first}")
    missing = [x for x in REACHED if not check.seen[x]]
    tap.report(not missing, f"every branch that matters was reached # {len(REACHED)}", missing)
    print(f"# {sum(n for n, _, _ in check.rows.values())} checks; " + ", ".join(f"{k} {v}" for k, v in sorted(check.seen.items())))
    tap.finish()


if __name__ == "__main__":
    main()
