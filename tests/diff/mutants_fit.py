#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every wrong version of tests/diff/*_mutants.py still has its text in the source that it changes. The runs with --mutants are
long and seldom; a source that moves or is written anew would leave its wrong versions behind unseen. Prints TAP.
"""
import glob
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, os.pardir, os.pardir))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
from tap import finish, report  # noqa: E402


def tables(value):
    """Tuples of texts, in whatever lists and dictionaries."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for v in value:
            yield from tables(v)
    elif isinstance(value, tuple) and len(value) >= 3 and all(isinstance(v, (str, int)) for v in value):
        yield value


def source_of(mutant):
    """(file, its place in the tuple), or None: the tuple is no wrong version of a source."""
    for i, v in enumerate(mutant[:-1]):
        if isinstance(v, str) and v.endswith((".c", ".h")) and " " not in v:
            return v, i
    return None


def fault_of(mutant):
    file, i = source_of(mutant)
    whole = os.path.join(ROOT, file)
    paths = [whole] if os.path.exists(whole) else glob.glob(f"{ROOT}/host/**/{file}", recursive=True)
    texts = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            texts.append(f.read())
    if not texts:
        return f"{file}: there is no such file"
    return None if any(mutant[i + 1] in t for t in texts) else f"{file}: not in it: {mutant[i + 1]!r}"


def main():
    total = 0
    for path in sorted(glob.glob(f"{HERE}/*_mutants.py")):
        name = os.path.basename(path)[:-3]
        found = {id(m): m for k, v in vars(importlib.import_module(name)).items() if not k.startswith("__")
                 for m in tables(v) if source_of(m)}
        wrong = [f for f in map(fault_of, found.values()) if f]
        total += len(found)
        report(found and not wrong, f"{name}: {len(found)} wrong versions fit their sources", "\n".join(wrong))
    report(total > 1500, f"{total} wrong versions in all")
    finish()


if __name__ == "__main__":
    main()
