# SPDX-License-Identifier: Apache-2.0
"""Reader of Verilator's coverage files: counts of lines and of signal bits, added up over files.

A line of such a file is `C 'KEY' COUNT`; a key is a list of \\x01 name \\x02 value: f file, l line, n column, page
kind/module, o comment (a branch's name, or the signal's bit), S the lines of a block, h instance. Instances of a
module, parametrisations and runs are added up: a line or bit counts as reached when any of them reached it.
"""
import re
from pathlib import Path


def read_points(paths):
    """Yields (fields, count) of every point in the files."""
    for path in paths:
        with open(path, encoding="latin-1") as f:
            for text in f:
                if text.startswith("C '"):
                    key, _, count = text[3:].rpartition("' ")
                    yield dict(p.split("\x02", 1) for p in key.split("\x01") if p), int(count)


def _numbers(spans):
    for span in spans.split(","):
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


def lines(paths, folder):
    """{file: {line: count}} of the files below folder; a line's count is that of its rarest block or branch."""
    blocks = {}
    for key, count in read_points(paths):
        if key["page"].startswith(("v_line", "v_branch")) and key.get("S") and key["f"].startswith(folder + "/"):
            at = (key["f"], key["l"], key["n"], key["o"], key["S"])
            blocks[at] = blocks.get(at, 0) + count
    out = {}
    for (file, _, _, _, spans), count in blocks.items():
        of_file = out.setdefault(file, {})
        for number in _numbers(spans):
            of_file[number] = min(count, of_file.get(number, count))
    return out


def bits(paths, folder):
    """{module: {signal: {bit or None: count}}} of the files below folder; a count is of changes in either direction."""
    out = {}
    for key, count in read_points(paths):
        if key["page"].startswith("v_toggle") and key["f"].startswith(folder + "/"):
            name, index = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", key["o"]).groups()
            signal = out.setdefault(Path(key["f"]).stem, {}).setdefault(name, {})
            index = None if index is None else int(index)
            signal[index] = signal.get(index, 0) + count
    return out


def spans(numbers):
    """The numbers as text, runs joined: 3, 5-9."""
    out, run = [], []
    for n in sorted(numbers) + [None]:
        if run and n != run[-1] + 1 if n is not None else run:
            out.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
            run = []
        run.append(n)
    return ", ".join(out)
