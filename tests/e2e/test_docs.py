#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents say what is there: links, headings and files that they name exist, options of commands are those that --help
knows, lists of rules, protocols and terms are the programs', examples of protocols give what is shown. Prints TAP.
Environment: TRIPLINE.
"""
import glob
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from keeper import finish, must, report, tripline  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)
RULES = "host/accounts/rules"
FENCE = re.compile(r"```\w*\n(.*?)```", re.S)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def documents():
    found = glob.glob("docs/**/*.md", root_dir=ROOT, recursive=True)
    return sorted(p for p in found if "/decisions/" not in p) + ["README.md"]


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M)
    return [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]


def dead_links(path, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        file, _, anchor = link.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(os.path.join(ROOT, there)):
            yield f"{path}: {link}"
        elif anchor and there.endswith(".md") and anchor not in anchors(read(there)):
            yield f"{path}: {link}: no such heading"


def expanded(name):
    """x.[ch] and x.{h,c}, but for what a shell knows as a pattern."""
    m = re.search(r"\{([^}]*)\}", name)
    if m:
        return [x for part in m.group(1).split(",") for x in expanded(name[:m.start()] + part + name[m.end():])]
    m = re.search(r"\[(\w+)\]", name)
    return [x for c in m.group(1) for x in expanded(name[:m.start()] + c + name[m.end():])] if m else [name]


def missing_files(path, text):
    for name in re.findall(r"`((?:host|drivers|rtl|sim|tests|docs)/[\w/.\-*\[\]{},]+)`", text):
        for one in expanded(name):
            if not glob.glob(one, root_dir=ROOT):
                yield f"{path}: {one}"


HELPS = {}


def help_of(words):
    if words not in HELPS:
        p = tripline(*words, "--help")
        HELPS[words] = p.stdout if p.returncode == 0 else ""
    return HELPS[words]


def unknown_options(path, text):
    """Of each command shown: its long options are in its own help, or in that of its subcommand."""
    shown = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    shown += [line for block in FENCE.findall(text) for line in block.splitlines()]
    shown += re.findall(r"^    \$? ?(.*)$", text, re.M)
    for line in shown:
        m = re.match(r"(?:build/)?tripline (\w+)(?: (\w+))?(.*)", line.strip())
        if not m or not help_of((m.group(1),)):
            continue
        known = help_of((m.group(1),)) + (help_of((m.group(1), m.group(2))) if m.group(2) else "")
        for option in re.findall(r"(?<![\w-])(--\w[\w-]*)", m.group(3).split(" | ")[0].split(" -- ")[0]):
            if option not in known:
                yield f"{path}: {line.strip()}: {option}"


def table_rows(path, text, first):
    """The cells of the table whose heading begins with `first`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            next(lines)
            break
    for line in lines:
        if not line.startswith("|"):
            return
        yield [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]


def ticked(cell):
    """Names in backticks, `aave-3.3` to `aave-3.7` filled in."""
    names = re.findall(r"`([^`]+)`", cell)
    for a, b in re.findall(r"`([\w.-]+\d)` to `([\w.-]+\d)`", cell):
        stem, low, high = a.rpartition(".")[0], int(a.rpartition(".")[2]), int(b.rpartition(".")[2])
        names += [f"{stem}.{k}" for k in range(low, high + 1)]
    return set(names)


def check_rules(rules, protocols):
    text = read("docs/rules.md")
    told = set().union(*(ticked(r[0]) for r in table_rows("docs/rules.md", text, "rule")))
    report(set(rules) <= told, "rules.md names every rule", sorted(set(rules) - told))
    report(told <= set(rules), "rules.md names no other", sorted(told - set(rules)))
    shown = {line.split()[0] for line in must("rule", "margin", "-n", 400, "-k", 2).splitlines()[3:]}
    rows = {line.split()[0] for line in FENCE.search(text).group(1).splitlines()[2:] if line}
    report(shown == rows, "its early-flag margins are of the rules that the command shows", (shown ^ rows))
    told = set().union(*(ticked(r[0]) for r in table_rows("docs/protocols.md", read("docs/protocols.md"), "Rule")))
    report(told == set(protocols), "protocols.md names every protocol", sorted(told ^ set(protocols)))
    lacking = [p for p in protocols if not os.path.exists(os.path.join(ROOT, "docs/protocols", p + ".md"))]
    report(not lacking, "each has its page", lacking)
    rows = list(table_rows("docs/liquidation.md", read("docs/liquidation.md"), "protocol"))
    told = set().union(*(ticked(r[1]) for r in rows))
    report(set(protocols) <= told, "liquidation.md: protocol by mechanism names each eval", sorted(set(protocols) - told))
    told = set().union(*(ticked(r[2]) for r in rows))
    report(set(rules) == told, "liquidation.md: and each rule", sorted(told ^ set(rules)))


def users_of_terms():
    """Rules by the name of a term in C: those of the folder whose sources name it."""
    users = {}
    for folder in glob.glob(RULES + "/*/", root_dir=ROOT):
        text = "".join(read(p) for p in glob.glob(folder + "*.[ch]", root_dir=ROOT))
        names = set(re.findall(r'\.name = "([\w.-]+-\d[\w.]*)"', text))
        for term in set(re.findall(r"\bTERM_(\w+)", text)):
            users.setdefault(term, set()).update(names)
    return users


def check_terms(rules):
    kinds = {"TERM_TOKEN": "token", "TERM_CASH": "cash"}
    found = re.findall(r'X\((\w+), "(\w+)", (\w+), (true|false)\)', read("host/accounts/terms.h"))
    want = [("`%s`" % name, kinds.get(d, d), "reserve" if r == "true" else "perpetual") for _, name, d, r in found]
    rows = list(table_rows("docs/rules.md", read("docs/rules.md"), "term"))
    for k in range(max(len(want), len(rows))):
        a, b = want[k:k + 1], [tuple(r[:3]) for r in rows[k:k + 1]]
        if a != b:
            report(False, "rules.md lists the terms in their order", f"terms.h has {a}, the list {b}")
            return
    report(len(want) > 50, f"rules.md lists the {len(want)} terms in their order, with decimals and kind")
    users, wrong = users_of_terms(), []
    for (key, name, _, _), row in zip(found, rows):
        told, can = ticked(row[3]) & set(rules), users.get(key, set())
        if not ticked(row[3]) or not told <= can or bool(told) != bool(can):
            wrong.append(f"{name}: {sorted(told)}, in sources of {sorted(can)}")
    report(not wrong, "and by which rules", wrong)


def shown_results(block, answer):
    """The lines of a block of results that are not in the answer; None where it is no such block."""
    have = {" ".join(line.split()) for line in answer.splitlines()}
    names = {line.split()[0] for line in answer.splitlines() if line}
    lines = [" ".join(line.split()) for line in block.splitlines() if line.strip()]
    if not lines or any(line.split()[0] not in names or "=" in line for line in lines):
        return None
    return [line for line in lines if line not in have]


def check_examples(protocols):
    shown = 0
    for p in protocols:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            f.write(must("rule", "eval", "--example", p))
            f.flush()
            plain, as_json = must("rule", "eval", p, f.name), json.loads(must("rule", "eval", "--json", p, f.name))
        text, wrong, seen = read(f"docs/protocols/{p}.md"), [], False
        for block in FENCE.findall(text):
            lines = shown_results(block, plain)
            seen, wrong = seen or lines is not None, wrong + (lines or [])
        for block in re.findall(r'(?:^    .*\n)+', text, re.M):
            if block.lstrip().startswith('{"liquidatable"'):
                seen, told = True, json.loads(block)
                wrong += [f"{k}: {v}" for k, v in told.items() if k not in as_json or str(as_json[k]) != str(v)]
        shown += seen
        if wrong:
            report(False, f"protocols/{p}.md shows what its example gives", wrong)
    report(shown == len(protocols), f"examples of {len(protocols)} protocols are shown with their results", shown)


def main():
    for name, of in (("links", dead_links), ("files", missing_files), ("options", unknown_options)):
        wrong = [w for p in documents() for w in of(p, read(p))]
        report(not wrong, f"{name} of the documents exist", "\n".join(wrong))
    bare = [p for p in documents() if "SPDX-License-Identifier" not in read(p)[:200]]
    report(not bare, "every document names its licence", bare)
    listed = [line.split() for line in must("rule", "list").splitlines()]
    rules, protocols = [w[0] for w in listed if w[1] != "eval:"], [w[0] for w in listed if w[1] == "eval:"]
    check_rules(rules, protocols)
    check_terms(rules)
    check_examples(protocols)
    finish()


if __name__ == "__main__":
    main()
