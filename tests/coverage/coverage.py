#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges line or toggle coverage of rtl/ and checks the waivers against it.

usage: coverage.py line DIR                    prints TAP
       coverage.py toggle DIR [PAGE LINE-DIR BINS]    prints TAP, and writes PAGE of docs/: every gap, the lines of
                                                      LINE-DIR, the functional bins of the file BINS (functional.py --json)

DIR holds the files GEOMETRY.N that the simulations wrote (points.py). 95 % of the lines (of the bits) must be reached, and whatever
was not must be named with a reason in waivers.toml. A waiver for what was reached, or is not there, is an error. Lines are named by their
text, so that a waiver does not age when lines move. Bits waived as `fixed` cannot change in any simulation that ends (constants,
the high bits of counters): they stand in the page but not among those of which 95 % must change. In a waiver with `varies` a
pattern may find nothing: it is about constants that change with the sources.
"""
import fnmatch
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import functional
import points

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import finish, report  # noqa: E402

LEAST = 95.0
RTL = "rtl"
WAIVERS = Path(__file__).with_name("waivers.toml")


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def line_report(files, waivers):
    """TAP of line coverage."""
    counts = points.lines(files, RTL)
    used, total, reached = set(), 0, 0
    for file in sorted(counts):
        text = Path(file).read_text(encoding="utf-8").splitlines()
        missed = sorted(n for n, count in counts[file].items() if not count)
        unexplained = []
        for n in missed:
            at = [i for i, w in enumerate(waivers) if w["file"] == file and w["text"] == text[n - 1].strip()]
            used.update(at)
            if not at:
                unexplained.append(f"{file}:{n}: {text[n - 1].strip()}")
        total += len(counts[file])
        reached += len(counts[file]) - len(missed)
        part = percent(len(counts[file]) - len(missed), len(counts[file]))
        report(not unexplained, f"{file}: {part:.1f} % of {len(counts[file])} lines reached"
               + (f", {len(missed)} waived" if missed and not unexplained else ""),
               "not reached and not waived:\n" + "\n".join(unexplained))
    sources = {str(p) for p in Path(RTL).glob("hc_*.sv") if re.search(r"^\s*always_|\bbegin\b", p.read_text("utf-8"), re.M)}
    report(sources <= set(counts), "every module with procedural code was counted", sorted(sources - set(counts)))
    report(percent(reached, total) >= LEAST, f"{percent(reached, total):.2f} % of {total} lines reached, "
           f"{LEAST:.0f} % wanted")
    stale = [f"{w['file']}: {w['text']}" for i, w in enumerate(waivers) if i not in used]
    report(not stale, f"no waiver is stale ({len(waivers)} of lines)", "reached, or not there:\n" + "\n".join(stale))


def bit_matches(pattern, module, signal, bit):
    """Whether a pattern MODULE.SIGNAL or MODULE.SIGNAL[HIGH:LOW] (with * in either name) names the bit."""
    name, _, span = pattern.partition("[")
    if not fnmatch.fnmatchcase(f"{module}.{signal}", name):
        return False
    if not span:
        return True
    high, _, low = span.rstrip("]").partition(":")
    return bit is not None and int(low or high) <= bit <= int(high)


def explain(counts, waivers):
    """Gaps by waiver {index: {(module, signal): bits}}, unexplained ones under None; patterns that match no gap."""
    gaps, used = {}, set()
    for module, signals in counts.items():
        for signal, bits in signals.items():
            for bit, count in bits.items():
                if count:
                    continue
                why = None
                for i, w in enumerate(waivers):
                    for pattern in w["signals"]:
                        if bit_matches(pattern, module, signal, bit):
                            used.add((i, pattern))
                            why = i if why is None else why
                gaps.setdefault(why, {}).setdefault((module, signal), []).append(bit)
    stale = [p for i, w in enumerate(waivers) if not w.get("varies") for p in w["signals"] if (i, p) not in used]
    return gaps, stale


def names(gaps):
    """One text a signal: module.signal[bits]."""
    for (module, signal), bits in sorted(gaps.items()):
        yield f"{module}.{signal}" + ("" if None in bits else f"[{points.spans(bits)}]")


PAGE = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `make coverage` from tests/coverage/waivers.toml. Do not edit. -->
# Coverage of the RTL

Three measures, all of `rtl/` in Verilator: **lines** and **functional bins** in every `make test`, **toggles** (each bit of each
signal changed at least once after the first reset) by `make coverage`. Instances of one module (lanes) and geometries
(toggles: {geometries}) are added up: a line or bit counts when any instance reached it.

* Lines: 95 % at least, and every line that was not reached is named with its reason. Continuous assignments are no lines to
  Verilator; they count in the toggles.
* Functional bins: cases of the core, listed in `tests/coverage/bins.py` and seen by a monitor at the core's ports: band exit ×
  trigger × back-pressure × row update, commands right behind each other on one row, open groups, extreme numbers, hits by number
  and place, waits, refused loads. Every run has to hit each of them {least} times.
* Toggles: bits that no simulation can change (constants, high bits of counters) are *fixed* and not among those of which 95 %
  must change; they are listed with the others.

Reasons stand in `tests/coverage/waivers.toml`; one that is not needed any more is an error.
"""


def line_table(files, waivers):
    """Lines of the page: a table by file, then every waived line that was not reached."""
    out, gaps = ["", "## Lines", "", "| file | lines | reached | |", "|---|---|---|---|"], []
    sums = [0, 0]
    for file, counts in sorted(points.lines(files, RTL).items()):
        text = Path(file).read_text(encoding="utf-8").splitlines()
        missed = {text[n - 1].strip() for n, count in counts.items() if not count}
        hit = sum(bool(c) for c in counts.values())
        gaps += [f"* {w['file']}: `{w['text']}`: {w['reason']}" for w in waivers if w["file"] == file and w["text"] in missed]
        sums = [sums[0] + len(counts), sums[1] + hit]
        out.append(f"| {Path(file).name} | {len(counts)} | {hit} | {percent(hit, len(counts)):.1f} % |")
    out.append(f"| all | {sums[0]} | {sums[1]} | {percent(sums[1], sums[0]):.1f} % |")
    return out + [""] + (gaps or ["Every line was reached."])


def page(rows, gaps, waivers, about):
    """The page of docs/, as text."""
    out = [PAGE.format(**about).rstrip("\n")] + about["lines"]
    out += ["", "## Toggles", "", "| module | bits | fixed | changed | of those that can |", "|---|---|---|---|---|"]
    for module, (n, fixed, hit) in rows.items():
        out.append(f"| {module} | {n} | {fixed} | {hit} | {percent(hit, n - fixed):.1f} % |")
    for fixed, title in ((True, "### Fixed bits"), (False, "### Bits that could change and did not")):
        out += ["", title, ""]
        none = True
        for i, w in enumerate(waivers):
            if i in gaps and w.get("fixed", False) == fixed:
                n = sum(len(b) for b in gaps[i].values())
                out += [f"**{w['reason']}** ({n} bits)", "", ", ".join(f"`{x}`" for x in names(gaps[i])), ""]
                none = False
        if none:
            out += ["None.", ""]
        out.pop()
    if None in gaps:
        out += ["", "### Not explained", "", ", ".join(f"`{x}`" for x in names(gaps[None]))]
    out += ["", "## Functional bins", "", "| times | case |", "|---|---|"]
    out += [f"| {n} | {name} |" for name, n in about["bins"].items()]
    return "\n".join(out) + "\n"


def toggle_report(files, waivers, about):
    """TAP of toggle coverage; writes the page."""
    counts = points.bits(files, RTL)
    gaps, stale = explain(counts, waivers)
    rows = {}
    for module, signals in sorted(counts.items()):
        n = sum(len(b) for b in signals.values())
        hit = sum(bool(c) for b in signals.values() for c in b.values())
        fixed = sum(len(b) for i, g in gaps.items() if i is not None and waivers[i].get("fixed")
                    for (m, _), b in g.items() if m == module)
        rows[module] = (n, fixed, hit)
        missing = {k: v for k, v in gaps.get(None, {}).items() if k[0] == module}
        report(not missing, f"{module}: {percent(hit, n - fixed):.1f} % of {n - fixed} bits changed, {fixed} fixed",
               "never changed and not explained:\n" + "\n".join(names(missing)))
    rows["all"] = n, fixed, hit = tuple(sum(r[i] for r in rows.values()) for i in range(3))
    report(n and percent(hit, n - fixed) >= LEAST, f"{percent(hit, n - fixed):.2f} % of {n - fixed} bits changed, "
           f"{LEAST:.0f} % wanted ({percent(hit, n):.2f} % with the {fixed} fixed ones)")
    report(not stale, f"no waiver is stale ({len(waivers)} of toggles)", "changed, or not there:\n" + "\n".join(stale))
    if about:
        path, line_dir, bins_file = about
        found = {"geometries": ", ".join(sorted({f.name.split(".")[0] for f in files})), "least": functional.LEAST,
                 "lines": line_table(sorted(Path(line_dir).iterdir()), waivers_of("line")),
                 "bins": json.loads(Path(bins_file).read_text("utf-8"))}
        Path(path).write_text(page(rows, gaps, waivers, found), encoding="utf-8")


def waivers_of(kind):
    with open(os.environ.get("WAIVERS", WAIVERS), "rb") as f:
        return tomllib.load(f).get(kind, [])


def main():
    args = sys.argv[1:]
    if len(args) not in (2, 5) or args[0] not in ("line", "toggle") or (len(args) == 5 and args[0] == "line"):
        sys.exit(__doc__)
    files = sorted(Path(args[1]).iterdir())
    if not report(bool(files), f"{len(files)} files with counts in {args[1]}"):
        finish()
    if args[0] == "line":
        line_report(files, waivers_of("line"))
    else:
        toggle_report(files, waivers_of("toggle"), args[2:])
    finish()


if __name__ == "__main__":
    main()
