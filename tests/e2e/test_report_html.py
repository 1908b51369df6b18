#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline report --html: the command, the page's structure, its drawings against the figures they show, and the page in
headless Chromium (skipped where there is none).

Prints TAP. Environment: TRIPLINE, CHROMIUM.
"""
import html.parser
import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_sample  # noqa: E402
import browser  # noqa: E402
from keeper import TRIPLINE, finish, report, skip, tripline  # noqa: E402

SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "data", "bench", "sample.json")
SECTIONS = ["headline", "percentiles", "stages", "throughput", "slowest", "timeline", "whatif", "machine", "figures",
            "caveats", "reproduce"]
CSP = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
SVG = "{http://www.w3.org/2000/svg}"
VIEWS = [(1280, []), (400, []), (1280, [browser.DARK])]
VOID = {"meta", "br", "link", "img", "hr"}


class Reader(html.parser.HTMLParser):
    """Balance of tags, sections with their headings, attributes that fetch something."""

    def __init__(self):
        super().__init__()
        self.open, self.sections, self.fetched, self.faults, self.csp, self.rows = [], {}, [], [], None, []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        for name in ("src", "href", "data", "srcset", "poster", "action", "background", "xlink:href"):
            if name in attrs and not attrs[name].startswith("#"):
                self.fetched.append((tag, name, attrs[name]))
        if tag in ("link", "img", "iframe", "object", "embed", "base", "video", "audio", "form"):
            self.fetched.append((tag,))
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.csp = attrs["content"]
        if tag == "section":
            self.sections[attrs["id"]] = ""
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.sections[list(self.sections)[-1]] += data
        if self.open and ("td" in self.open[-2:] or "th" in self.open[-2:]):
            self.rows[-1][-1] += data


def run(paths, out="-"):
    p = tripline("report", "--html", out, *paths)
    if p.returncode:
        raise RuntimeError(p.stderr)
    return p.stdout


def svgs(page):
    return [ET.fromstring(text) for text in re.findall(r"<svg .*?</svg>", page, re.S)]


# ---- the command

def command(folder):
    out = os.path.join(folder, "page.html")
    run([SAMPLE], out)
    with open(out) as f:
        page = f.read()
    report(page == run([SAMPLE]) and page.endswith("</html>\n"), "the file and standard output hold the same whole page")
    copy = os.path.join(folder, "copy.json")
    with open(SAMPLE) as f, open(copy, "w") as g:
        g.write(f.read())
    link = os.path.join(folder, "link.html")
    os.link(copy, link)
    seen = []
    for name in copy, link:
        p = tripline("report", "--html", name, SAMPLE, copy)
        with open(copy) as f, open(SAMPLE) as g:
            seen.append((p.returncode, "is an input" in p.stderr, f.read() == g.read()))
    report(seen == [(2, True, True)] * 2, "its input is not overwritten, not by another name either", seen)

    with open(SAMPLE) as f:
        lines = f.read().split("\n")
    lines[40] = lines[40].replace(":", ": [", 1)
    bad = os.path.join(folder, "bad.json")
    with open(bad, "w") as f:
        f.write("\n".join(lines))
    kept = os.path.join(folder, "kept.html")
    with open(kept, "w") as f:
        f.write("before")
    p = tripline("report", "--html", kept, bad)
    with open(kept) as f:
        report(p.returncode == 1 and f"{bad}:4" in p.stderr and "write it anew" in p.stderr and f.read() == "before",
               "a malformed file is refused with its line; what the page would replace is left", p.stderr)
    cases = [(["--html", out], 2), (["--html", out] + [SAMPLE] * 9, 2), (["--html"], 2), (["--html", out, folder], 1), ([], 2),
             (["--html", out, os.path.join(folder, "none.json")], 1), (["--html", folder, SAMPLE], 1),
             (["--help"], 0), ([SAMPLE], 1), (["--html", "/dev/full", SAMPLE], 1), (["--html", "-"] + [SAMPLE] * 8, 0)]
    wrong = [(args[-2:], tripline("report", *args).returncode, want) for args, want in cases]
    report(all(have == want for _, have, want in wrong), "exit status: 2 for usage, 1 for what cannot be read or written", wrong)
    with open("/dev/full", "w") as full:
        p = subprocess.run([TRIPLINE, "report", "--html", "-", SAMPLE], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    report(p.returncode == 1 and "cannot be written" in p.stderr, "a standard output that is full is noticed", p.stderr)
    report("--html OUT.html" in tripline("report", "--help").stdout, "--help names the option")


# ---- structure

def structure(page, name):
    r = Reader()
    r.feed(page)
    report(not r.faults and not r.open, f"{name}: tags are balanced", (r.faults[:3], r.open))
    report(list(r.sections) == SECTIONS and all(r.sections[s] for s in SECTIONS[1:]),
           f"{name}: all sections, each with a heading", r.sections)
    plain = re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", page).replace("http://www.w3.org/2000/svg", "")
    loose = re.findall(r"https?://\S{0,40}|//cdn\S*|@import|url\((?!#)[^)]*\)|fetch\(|XMLHttp|import\(", plain)
    report(not r.fetched and not loose and r.csp == CSP, f"{name}: nothing is fetched, and the page's policy forbids it",
           (r.fetched, loose, r.csp))
    links = set(re.findall(r'href="#([^"]*)"', page))
    report(links and links <= set(SECTIONS), f"{name}: links lead to sections", links)
    try:
        report(len(svgs(page)) >= 7, f"{name}: the drawings are XML", len(svgs(page)))
    except ET.ParseError as e:
        report(False, f"{name}: the drawings are XML", e)
    return r


def words(page, data):
    """Kinds and the load are named; a saturated run too; caveats follow the data."""
    for want in ["synthetic load", ">measured<", ">simulated<", ">modelled<", "saturated", "virtual machine (KVM)",
                 "No card took part", "The link is modelled: 350 ns to the card", "tripline bench " + data["command"]]:
        report(want in page, f"the page says: {want.strip('<>')}")


def left_out(data, folder):
    """What the data do not have is not on the page."""
    quiet = json.loads(json.dumps(data))
    quiet["machine"]["hypervisor"] = ""
    quiet["load"]["synthetic"] = False
    quiet["timeline"] = None
    quiet["device"].update(backend="sim", cycles=True, clock_mhz=250)
    alone = dict(data, runs=data["runs"][:1])
    for name, doc, absent, present in (
            ("quiet", quiet, ["synthetic load<", "virtual machine", "The link is modelled", "No card took part"],
             ["simulated RTL", "no run was co-simulated", "there is no co-simulated run"]),
            ("one run", alone, ["frames a second offered<"], ["No chart: it takes two or more runs"])):
        page = run([written(folder, json.dumps(doc))])
        wrong = [a for a in absent if a in page] + [p for p in present if p not in page]
        report(not wrong, f"what the data do not have is left out: {name}", wrong)


def written(folder, text):
    path = os.path.join(folder, "other.json")
    with open(path, "w") as f:
        f.write(text)
    return path


def long_names(text):
    data = json.loads(text)
    for i, r in enumerate(data["runs"]):
        r["name"] = r["pace"]["mode"] = f"\u00e4 run whose name is a whole sentence, {i}, and then another one; " + "w" * 60
    for s in data["timeline"]["slowest"]["wave"]["signals"]:
        s["name"] = "u_core.u_frontend." + s["name"]
        s["values"] = [f"{v} of a very long text" if s["kind"] == "bus" and v else v for v in s["values"]]
    for w in data["timeline"]["whatif"]:
        w["name"] *= 5
    return json.dumps(data)


# ---- drawings against the figures

def curves(page, data):
    """Every line of the percentile charts, back from its pixels to percent and value, against the file's curve."""
    head = data["runs"][3]  # the fastest that kept up: 200,000 of 412,300 frames a second
    stages = {s["name"]: s for s in head["stages"]}
    worst, lines = 0.0, 0
    chart = next(s for s in svgs(page) if s.get("aria-label") == "percentile curves of the stages")
    plot = chart.find(SVG + "g")
    _, x0, x1, left, right = plot.get("data-x").split()
    y0, y1, bottom, top = map(float, plot.get("data-y").split())
    for line in plot.iter(SVG + "polyline"):
        stage = stages.pop(line.get("data-n"))
        points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
        assert len(points) == len(stage["curve"]) + 1, "a point for each of the file's, and the slowest"
        for (px, py), (percent, value) in zip(points, stage["curve"]):
            depth = math.log10(stage["count"]) if percent >= 100 else -math.log10(1 - percent / 100)
            want_x = float(left) + (float(right) - float(left)) * min(depth, math.log10(stage["count"]), float(x1)) / float(x1)
            want_y = bottom + (top - bottom) * math.log(value / y0) / math.log(y1 / y0)
            worst = max(worst, abs(px - want_x), abs(py - want_y))
        lines += 1
    report(worst < .11 and lines == 9 and not stages, "percentile curves: each point stands where the file's figure belongs",
           (worst, lines, stages))
    labels = [t.text for t in chart.iter(SVG + "text")]
    report(all(s["name"] in labels for s in head["stages"]) and "99.9 %" in labels and "1 \u00b5s" in labels,
           "percentile curves: lines and axes are labelled", labels)


def hockey(page, data):
    chart = next(s for s in svgs(page) if s.get("aria-label") == "latency against offered frames a second")
    plot = chart.find(SVG + "g")
    mode, x0, x1, left, right = plot.get("data-x").split()
    y0, y1, bottom, top = map(float, plot.get("data-y").split())
    want = set()
    for run in data["runs"][:5]:
        p = next(s for s in run["stages"] if s["name"] == "tick-to-order")["p"]
        x = float(left) + (float(right) - float(left)) * math.log(run["offered_pps"] / float(x0)) / math.log(float(x1) / float(x0))
        for q in "50", "99", "99.9":
            y = bottom + (top - bottom) * math.log(p[q] / y0) / math.log(y1 / y0)
            want.add((round(x), round(y), run["done_pps"] < .99 * run["offered_pps"]))
    have = {(round(float(c.get("cx"))), round(float(c.get("cy"))), "open" in c.get("class").split())
            for c in plot.iter(SVG + "circle")}
    near = all(any(abs(a - x) <= 1 and abs(b - y) <= 1 and c == s for a, b, c in have) for x, y, s in want)
    report(mode == "lograte" and len(have) == len(want) == 15 and near,
           "throughput: a point for each run and percentile, open where saturated", (mode, sorted(have), sorted(want)))


def bars(page, data):
    """Lengths of the bars of one panel are in the ratio of the stages' percentiles."""
    chart = next(s for s in svgs(page) if (s.get("aria-label") or "").startswith("stages of"))
    stages = {s["name"]: s for s in data["runs"][3]["stages"]}
    rects = [(float(r.get("x")), float(r.get("width"))) for r in chart.iter(SVG + "rect")]
    order = ["decode", "submit", "confirm", "size", "order", "hand-over", "tick-to-command", "tick-to-flag", "tick-to-order"]
    off = 0.0
    for i, q in enumerate(("50", "99")):
        x = sorted({r[0] for r in rects})[i]
        widths = [w for left, w in rects if left == x]
        for group in slice(0, 6), slice(6, 9):  # parts and whole ways have scales of their own, both with the same longest bar
            scale = max(r[1] for r in rects) / max(stages[n]["p"][q] for n in order[group])
            off = max([off] + [abs(w - scale * stages[n]["p"][q]) for w, n in zip(widths[group], order[group])])
        off = max(off, 99 * abs(len(widths) - len(order)))
    report(off < .2, "stages: bars are as long as their figures", off)


def slowest(rows, page, data):
    w = data["runs"][3]["worst"][0]
    at, want = 0, []
    for name, ns in w["stamps"].items():
        want.append((f"{ns:,}", f"{ns - at:,}"))
        at = ns
    have = [(r[3], r[4]) for r in rows if len(r) == 6 and r[1] in ("arrived", *w["stamps"])]
    report(have == want, "the slowest tick: each step's stamp and duration", (have, want))
    report(w["packet"]["what"] in page and w["packet"]["head"] in page and w["ts_ns"] in page, "the slowest tick: its packet")


def wave(page, data):
    """Bits: the line's level in each cycle; buses: a box for each value."""
    chart = next(s for s in svgs(page) if s.get("aria-label") == "waveform of the device's signals")
    signals = data["timeline"]["slowest"]["wave"]["signals"]
    paths = [p.get("d") for p in chart.iter(SVG + "path") if p.get("class") == "wave"]
    bits = [s for s in signals if s["kind"] == "bit"]
    levels = {s["name"]: [] for s in bits}
    for i, d in enumerate(paths):  # panel by panel, each with all bits
        cell, y, x, out = None, None, None, []
        for op, a, b in re.findall(r"([MLH])([\d.]+) ?([\d.]+)?", d):
            if op == "H":
                cell = cell or float(a) - x
                out.append(y)
            else:
                y = float(b)
            x = float(a)
        levels[bits[i % len(bits)]["name"]].append(out)
    ok = True
    for s in bits:
        have = [y for panel in levels[s["name"]] for y in [(v, min(panel), max(panel)) for v in panel]]
        rises = sum(a != b for a, b in zip(s["values"], s["values"][1:]))
        drawn = sum(a[0] != b[0] for panel in levels[s["name"]] for a, b in zip([(v,) for v in panel], [(v,) for v in panel][1:]))
        ok = ok and len(have) == len(s["values"]) and drawn == rises
    report(ok, "the waveform: each bit has a level for each cycle, and changes where the file says", levels)
    values = [v for s in signals if s["kind"] == "bus" for i, v in enumerate(s["values"])
              if v and (i == 0 or s["values"][i - 1] != v)]
    titles = [t.text for t in chart.iter(SVG + "title") if t.text]
    report(sorted(set(values)) == sorted(set(titles)), "the waveform: each value of a bus has a box", (values, titles))


# ---- in a browser

def pointer(text, data, what):
    """The read-out says what the file's curves have at that percentile, to its pixels."""
    depth = -math.log10(1 - float(text.split("\u00a0")[0]) / 100)
    unit, off = {"ns": 1, "\u00b5s": 1e3, "ms": 1e6}, 9.0
    told = {n: float(v) * unit[u] for n, v, u in re.findall(r"([\w-]+) ([\d.]+)\s(\S+?)(?:,|$)", text.split(": ", 1)[1])}
    for stage in data["runs"][3]["stages"]:
        points = [(-math.log10(1 - p / 100), v) for p, v in stage["curve"] if p < 100]
        (d0, v0), (d1, v1) = next((a, b) for a, b in zip(points, points[1:]) if b[0] >= depth)
        want = v0 * (v1 / v0) ** ((depth - d0) / (d1 - d0))
        off = max(off if off < 9 else 0, abs(told.get(stage["name"], 0) / want - 1))
    report(off < .02 and len(told) == 9, f"Chromium: {what}: those values are the file's", (off, text))


def png_colours(data):
    """How many different bytes the picture's first rows have: an empty page has few."""
    packed = b"".join(data[at + 8:at + 8 + size] for at, size, kind in chunks(data) if kind == b"IDAT")
    return len(set(zlib.decompress(packed)[:2000000]))


def chunks(data):
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield at, size, kind
        at += size + 12


def in_browser(pages, data, folder):
    path = browser.find()
    if not path:
        skip("the page in a browser", "no chromium here; install it or set CHROMIUM")
        return
    b = browser.Browser(path, folder)
    one = pages["one file"]
    report(b.console(one) == [], "Chromium: nothing on the console", b.console(one))
    broken = b.console(one.replace("</body>", "<script>missing()</script></body>"))
    report(any("missing is not defined" in line for line in broken), "Chromium: a script's error would be seen", broken)
    fetching = b.console(one.replace("</body>", '<img src="http://127.0.0.1:9/x.png"/></body>'))
    report(any("Content Security Policy" in line for line in fetching), "Chromium: the policy refuses what would be fetched",
           fetching)
    for name, page in pages.items():
        for width, options in VIEWS[:3 if page is one else 1 if name == "two files" else 2]:
            what = f"{name}, {width} wide" + (", dark" if options else "")
            seen = b.probe(page, width, *options)
            if not report(bool(seen), f"Chromium: {what}: the page loads", "the probe said nothing"):
                continue
            report(seen["scroll"] <= seen["client"] and seen["client"] > width - 40 and seen["seen"],
                   f"Chromium: {what}: does not overflow", (seen["scroll"], seen["client"]))
            report(not seen["overlaps"] and not seen["outside"], f"Chromium: {what}: no label overlaps another or is cut",
                   (seen["overlaps"][:8], seen["outside"][:8]))
            report((seen["paper"] < .1) == bool(options) and not seen["pale"], f"Chromium: {what}: texts stand out from the paper",
                   (seen["paper"], seen["pale"][:8]))
            ok = seen["shown"] and all(re.search(r"(%|frames/s): \S.* \d[\d.]*\s(ns|\u00b5s|ms|s)\b", s) for s in seen["shown"])
            report(ok, f"Chromium: {what}: values under the pointer", seen["shown"])
            if page is one:
                pointer(seen["shown"][0], data, what)
    wide = b.probe(one.replace("</main>", '<div style="width:1500px">x</div></main>'), 1280)
    report(wide["scroll"] > wide["client"], "Chromium: an overflow would be seen", wide["scroll"])
    texts = '<text x="64" y="24">aaaa</text><text x="66" y="25">bbbb</text><text x="830" y="40">outside</text></svg>'
    twice = b.probe(one.replace("</svg>", texts, 1), 1280)
    report(twice["overlaps"] and "outside" in twice["outside"], "Chromium: an overlap and a cut label would be seen",
           twice["overlaps"][:3])
    out = os.path.join(folder, "print.html")
    with open(out, "w") as f:
        f.write(one)
    pages_n = b.pages(out)
    report(3 <= pages_n <= 20, "Chromium: it prints", pages_n)
    png = b.screenshot(out, 1280, 900)
    report(png[:8] == b"\x89PNG\r\n\x1a\n" and png_colours(png) > 30, "Chromium: a picture of it is not empty", png_colours(png))


def main():
    with open(SAMPLE) as f:
        text = f.read()
    report(text == bench_sample.text(7), "the sample is what tests/e2e/bench_sample.py makes with seed 7")
    data = json.loads(text)
    with tempfile.TemporaryDirectory() as folder:
        command(folder)
        pages = {"one file": run([SAMPLE])}
        other = bench_sample.text(8).replace('"backend": "vector"', '"backend": "model"')
        pages["two files"] = run([SAMPLE, written(folder, other)])
        pages["long names"] = run([written(folder, long_names(text))])
        rows = structure(pages["one file"], "one file").rows
        structure(pages["two files"], "two files")
        words(pages["one file"], data)
        left_out(data, folder)
        hockey(pages["one file"], data)
        curves(pages["one file"], data)
        bars(pages["one file"], data)
        slowest(rows, pages["one file"], data)
        wave(pages["one file"], data)
        in_browser(pages, data, folder)
    finish()


if __name__ == "__main__":
    main()
