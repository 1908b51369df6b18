# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/synthesis.md: written, read back and compared. They stand between the two markers."""
BEGIN, END = "<!-- synth: begin (make synth) -->", "<!-- synth: end -->"

# Column title, how a result gives it, and the key of its tolerance (None: exact, "": not compared).
FPGA = [
    ("LUT", lambda r: "%d" % r["lut"], "lut"),
    ("of these memory", lambda r: "%d" % r["lutram"], "lut"),
    ("shift", lambda r: "%d" % r["srl"], "lut"),
    ("FF", lambda r: "%d" % r["ff"], "ff"),
    ("of these beside a DSP", lambda r: "%d" % r["ff_dsp"], "ff"),
    ("DSP48E2", lambda r: "%d" % r["dsp"], None),
    ("RAMB36", lambda r: "%g" % r["bram"], None),
]
DEPTH = [
    ("levels", lambda r: "%d" % r["depth"], None),
    ("deepest path", lambda r: "`%s`" % r["worst"], ""),
    ("port to register", lambda r: "%d" % r["depth_in"], None),
    ("register to port", lambda r: "%d" % r["depth_out"], None),
    ("port to port", lambda r: "%d" % r["through"], None),
    ("before a multiplier", lambda r: "%d" % r["into_dsp"], None),
    ("after", lambda r: "%d" % r["out_of_dsp"], None),
]
ICE40 = [
    ("device", lambda r: r["device"], None),
    ("logic cells", lambda r: "%d" % r["lc"], "ice40_lc"),
    ("block RAM", lambda r: "%d" % r["bram"], None),
    ("MHz, worst of the seeds", lambda r: "%.1f" % min(r["mhz"]), "ice40_mhz"),
    ("best", lambda r: "%.1f" % max(r["mhz"]), "ice40_mhz"),
    ("critical path", lambda r: "`%s`" % r["worst"], ""),
]


def line(r):
    """A result in short, for the terminal."""
    if "mhz" in r:
        return "%d LC, %.1f to %.1f MHz" % (r["lc"], min(r["mhz"]), max(r["mhz"]))
    return "%d LUT, %d FF, %d DSP, %g BRAM, %d levels" % (r["lut"], r["ff"], r["dsp"], r["bram"], r["depth"])


def _table(columns, names, results):
    rows = ["| design | " + " | ".join(c[0] for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    return rows + ["| %s | %s |" % (n, " | ".join(c[1](results[n]) for c in columns)) for n in names]


def render(results, budgets):
    """The text between the markers."""
    asked = budgets["run"] + budgets.get("ice40", [])
    fpga = [r["name"] for r in budgets["run"] if r["name"] in results]
    small = [r["name"] for r in budgets.get("ice40", []) if r["name"] in results]
    missing = [r["name"] for r in asked if r["name"] not in results]
    out = ["", "What it takes (UltraScale+):", ""] + _table(FPGA, fpga, results)
    out += ["", "How deep it is, in levels:", ""] + _table(DEPTH, fpga, results)
    if small:
        out += ["", "Placed and routed (iCE40):", ""] + _table(ICE40, small, results)
    if missing:
        out += ["", "Not run on the RTL of these tables: " + "; ".join(missing) + "."]
    return "\n".join(out + ["", ""])


def _split(doc):
    with open(doc, encoding="utf-8") as f:
        head, rest = f.read().split(BEGIN)
    body, tail = rest.split(END)
    return head, body, tail


def write(doc, results, budgets):
    """Replaces the tables of a document; says whether that changed it."""
    head, body, tail = _split(doc)
    new = render(results, budgets)
    if new != body:
        with open(doc, "w", encoding="utf-8") as f:
            f.write(head + BEGIN + new + END + tail)
    print("%s %s" % (doc, "rewritten" if new != body else "is as it was"))


def read(doc):
    """{(design, column): cell} of all tables between the markers."""
    cells, titles = {}, []
    for row in _split(doc)[1].splitlines():
        parts = [p.strip() for p in row.strip().strip("|").split("|")]
        if not row.startswith("|") or set(row) <= set("|-"):
            continue
        if parts[0] == "design":
            titles = parts[1:]
        else:
            cells.update({(parts[0], t): c for t, c in zip(titles, parts[1:])})
    return cells


def _apart(was, now, part):
    try:
        a, b = float(was), float(now)
    except ValueError:
        return was != now
    return abs(a - b) > part * max(abs(a), 1)


def differences(doc, results, tolerance):
    """Complaints where the document and the results differ by more than the tolerances."""
    cells, found = read(doc), []
    for name, r in results.items():
        if not any(design == name for design, _ in cells):
            found.append("%s: %s says nothing of it: run make synth" % (name, doc))
            continue
        for title, value, key in (ICE40 if "mhz" in r else FPGA + DEPTH):
            if key == "":
                continue
            was, now = cells.get((name, title), "nothing"), value(r)
            if _apart(was, now, tolerance[key] if key else 0):
                found.append("%s: %s says %s for %s, it is %s: run make synth" % (name, doc, was, title, now))
    return found
