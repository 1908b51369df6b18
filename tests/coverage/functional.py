#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functional coverage: counts the bins of bins.py in logs of hc_monitor.sv; each must be hit LEAST times.

usage: functional.py [--counts] [--json=FILE] LOG...    prints TAP; --counts prints every bin with its count first

The events of the log must be those of the exact device of tests/cosim/judge.py, else the bins would mean nothing.
"""
import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "cosim")]
import bins  # noqa: E402
from judge import Device, Layout  # noqa: E402
from tap import finish, report  # noqa: E402

LEAST = 5    # with room, so that another seed does not fail for want of luck
LATENCY = 8  # cycles from a TICK to its last event in a core of one slot, at most


def volatile_mask(abi):
    mask = 0
    for f in abi["event_common"]["fields"]:
        if f.get("volatile"):
            mask |= ((1 << f["width"]) - 1) << f["lsb"]
    return mask


def watch_log(path, abi, hit):
    """Counts the bins of one log. (commands, events, cores, first fault or None)"""
    layout, volatile = Layout(abi), volatile_mask(abi)
    watch = geometry = fault = None
    commands = events = cores = 0
    with open(path, encoding="ascii") as f:
        for line in f:
            kind, *rest = line.split()
            if kind == "c" and watch:
                watch.command(int(rest[0]), int(rest[1]), int(rest[2]), int(rest[3], 16))
                commands += 1
            elif kind == "e" and watch:
                fault = fault or watch.event(int(rest[0]), int(rest[1], 16), volatile)
                events += 1
            elif kind in "gr":
                if watch:
                    watch.end(LATENCY)
                if kind == "g":
                    geometry = [int(x) for x in rest]
                    cores += 1
                watch = bins.Watch(Device(layout, *geometry), layout, geometry[0], geometry[1], hit)
    if watch:
        watch.end(LATENCY)
    return commands, events, cores, fault


def main():
    counts, logs = "--counts" in sys.argv, [a for a in sys.argv[1:] if not a.startswith("--")]
    out = next((a[7:] for a in sys.argv if a.startswith("--json=")), None)
    if not logs:
        sys.exit(__doc__)
    with open(ROOT.parent / "drivers" / "abi" / "abi.toml", "rb") as f:
        abi = tomllib.load(f)
    hit = dict.fromkeys(bins.all_bins(), 0)
    for path in logs:
        commands, events, cores, fault = watch_log(path, abi, hit)
        report(not fault and commands > 1000, f"{Path(path).stem}: {commands} commands and {events} events at the ports of "
               f"{cores} cores, as the judge has them", fault or "too few commands to judge by")
    if counts:
        for name, n in hit.items():
            print(f"# {n:8d}  {name}")
    missed = [f"{name} ({n})" for name, n in hit.items() if n < LEAST]
    report(not missed, f"functional coverage: {len(hit) - len(missed)} of {len(hit)} bins hit {LEAST} times or more, the rarest "
           f"{min(hit.values())} times", f"not hit {LEAST} times:\n" + "\n".join(missed))
    if out:
        Path(out).write_text(json.dumps(hit, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    finish()


if __name__ == "__main__":
    main()
