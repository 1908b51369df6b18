#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline rule eval against the protocols' own tests: their states written as the documents say, their figures to the last unit.
Prints TAP. Environment: TRIPLINE, ONLY=rule."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import vectors_lending  # noqa: E402
import vectors_perps  # noqa: E402
from keeper import finish, report, tripline  # noqa: E402


def text(v):
    """Numbers as text, as JSON's readers would keep them whole."""
    if isinstance(v, dict):
        return {k: text(x) for k, x in v.items()}
    if isinstance(v, list):
        return [text(x) for x in v]
    return str(v) if isinstance(v, int) and not isinstance(v, bool) else v


def main():
    groups = {}
    for module in (vectors_lending, vectors_perps):
        for rule, source, test, state, want in module.vectors():
            groups.setdefault(rule, []).append((source, test, state, want))
    for rule, all_of in groups.items():
        if os.environ.get("ONLY", rule) != rule:
            continue
        p = tripline("rule", "eval", "--json", rule, "-", input="".join(json.dumps(text(state)) + "\n" for _, _, state, _ in all_of))
        got = [json.loads(line) for line in p.stdout.splitlines()]
        report(len(got) == len(all_of), f"{rule}: an answer to each of {len(all_of)} states", p.stderr)
        for (source, test, _, want), answer in zip(all_of, got):
            wrong = {k: (answer.get(k, answer.get("error", "not told")), v) for k, v in want.items() if answer.get(k) != v}
            report(not wrong, f"{rule}: {test} ({source})", f"got and expected: {wrong}; refused: {answer.get('refused')!r}")
    finish()


if __name__ == "__main__":
    main()
