#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's page and its JSON, from results made up by lab_page_driver.c: structure, escaping, drawings against the
JSON's values, and the page in headless Chromium (skipped where there is none).

Prints TAP. Environment: CC, LAB_PAGE (else builds the driver), CHROMIUM.
"""
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402
from keeper import finish, report, skip  # noqa: E402
from test_report_html import CSP, Reader, svgs  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ["full", "hostile", "big", "empty"]
SVG = "{http://www.w3.org/2000/svg}"
SECTIONS = ["summary", "map", "cascade", "waterfall", "losses", "auctions", "prediction", "scenario"]
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
VIEWS = [(1280, []), (360, []), (1280, [browser.DARK])]


def driver(folder):
    if os.environ.get("LAB_PAGE"):
        return os.environ["LAB_PAGE"]
    out = os.path.join(folder, "lab_page")
    sources = [ROOT / "tests/e2e/lab_page_driver.c", ROOT / "host/lab/result.c", ROOT / "host/lab/result_json.c",
               *sorted((ROOT / "host/lab/html").glob("*.c")), *sorted((ROOT / "host/page").glob("*.c")),
               ROOT / "host/base/json_out.c"]
    subprocess.run([*os.environ.get("CC", "gcc").split(), *FLAGS, "-I" + str(ROOT / "host"), *map(str, sources), "-lm", "-o", out],
                   check=True)
    return out


def run(program, *args):
    p = subprocess.run([program, *args], capture_output=True, timeout=240)
    if p.returncode:
        raise RuntimeError("%s: exit %d: %s" % (args, p.returncode, p.stderr.decode(errors="replace")))
    return p.stdout.decode()  # what is no UTF-8 would raise


def figures(page):
    return [s for s in svgs(page) if s.get("role") == "img"]


def texts(page):
    """What a reader reads: without tags, style, script and the scenario."""
    body = re.sub(r"<(style|script|pre)>.*?</\1>", " ", page[page.index("<body>"):], flags=re.S)
    return re.sub(r"<[^>]*>", " ", body)


# ---- structure

def structure(name, page, data):
    r = Reader()
    r.feed(page)
    report(not r.faults and not r.open and page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n"),
           f"{name}: tags are balanced", (r.faults[:3], r.open))
    try:
        body = re.sub(r"<(style|script)>.*?</\1>", "", page[page.index("<body>"):page.index("</html>")], flags=re.S)
        ET.fromstring(body)
        why = ""
    except ET.ParseError as e:
        why = e
    report(not why, f"{name}: the body is well-formed XML", why)
    want = {x["section"] for part in ("facts", "charts", "tables") for x in data[part]} | {"scenario"}
    report(list(r.sections) == [s for s in SECTIONS if s in want] and all(r.sections.values()),
           f"{name}: sections with content, in their order, each with a heading", r.sections)
    links = re.findall(r'<a href="#([a-z]+)">', page)
    report(links == list(r.sections), f"{name}: the list of contents names them all", links)
    attributes = re.findall(r"<[a-z][^>]*>", page)
    bare = [re.sub(r'(?<!href=)"[^"]*"', '""', a) for a in attributes]  # what texts hold is the reader's
    loose = [a for a in bare if re.search(r'\s(on\w+|src|srcset|xlink:href)=|href="[^#]', a)]
    loose += [a for a in attributes if re.search(r'\s(fill|style)="[^"]*url\((?!#h\d)', a)]
    style = "".join(re.findall(r"<style>.*?</style>|<script>.*?</script>", page, re.S))
    report(not loose and not r.fetched and r.csp == CSP and not re.search(r"https?:|@import|fetch\(|XMLHttp|import\(|url\((?!#)", style),
           f"{name}: nothing is fetched, and the page's policy forbids it", (loose[:3], r.fetched))
    report(page.count("<script") == 1 and page.count("<style") == 1, f"{name}: one script and one style, its own")
    odd = re.findall(r"(?i)(?<![\w-])-?(?:nan|inf(?:inity)?)(?![\w-])|\d{25,}|\d\.?\d*e[+-]?\d+", texts(page).replace("WWWW", ""))
    report(not odd, f"{name}: no NaN, no infinity, no number that nobody reads", odd[:5])
    drawn = [c for c in data["charts"] if any(s["y"] for s in c["series"])]
    coordinates = re.findall(r'\s(?:x|y|x1|y1|x2|y2|cx|cy|width|height|points|d)="([^"]*)"', "".join(re.findall(r"<svg.*?</svg>", page, re.S)))
    bad = [v for v in coordinates if re.search(r"nan|inf|\d{6}|e[+-]?\d", v)]
    report(len(figures(page)) <= len(drawn) and not bad, f"{name}: coordinates are numbers of the drawing", bad[:3])
    kinds = re.findall(r'<figcaption>.*?class="kind k(\d)">', page, re.S)
    names = ["measured", "simulated", "modelled"]
    order = sorted(data["charts"], key=lambda c: SECTIONS.index(c["section"]))
    report([names[int(k)] for k in kinds] == [c["kind"] for c in order] and page.count('<h3>') == len(data["tables"]) and
           page.count('<dd class="foot"><span class="kind') == len(data["facts"]), f"{name}: each figure says its kind", kinds)


def escaping(page, data):
    """All of the hostile texts are on the page, as text."""
    read = "".join(ET.fromstring(re.sub(r"<(style|script)>.*?</\1>", "", page[page.index("<body>"):page.index("</html>")], flags=re.S))
                   .itertext())
    report("<img src=http://evil.example/x onerror=alert(1)>" in read and "<script>alert(2)</script>" in read,
           "hostile: what looks like tags is shown as text")
    report("evil.example" in page and "<img" not in page and "alert(1)</script>" not in page and "\x01" not in page,
           "hostile: none of it is a tag, control characters are gone")
    report("18446744073709551615" in page and data["seed"] == "18446744073709551615", "hostile: the largest seed is told in full")


# ---- drawings against values

def axis(text):
    mode, lo, hi, a, b = text.split()
    lo, hi, a, b = map(float, (lo, hi, a, b))
    f = math.log if mode == "log" else float
    return lambda v: a + (b - a) * (f(v) - f(lo)) / (f(hi) - f(lo))


def coordinates(name, page, data):
    """Every point of a line, step, cloud or bar, back from the JSON to its pixel."""
    order = sorted(data["charts"], key=lambda c: SECTIONS.index(c["section"]))
    worst, points, series = 0.0, 0, 0
    for chart, svg in zip([c for c in order if any(s["y"] for s in c["series"])], figures(page)):
        hit = next(r for r in svg.iter(SVG + "rect") if r.get("class") == "hit")
        x, y = axis(hit.get("data-x")), axis(hit.get("data-y"))
        groups = [g for g in svg.iter(SVG + "g") if g.get("class") == "series"]
        for s, g in zip(chart["series"], groups):
            series += 1
            want = [(x(a), y(b)) for a, b in zip(s["x"], s["y"]) if (a > 0 or not chart["log_x"]) and (b > 0 or not chart["log_y"])]
            have = []
            if s["shape"] in ("line", "step", "area"):
                have = [tuple(map(float, p.split(","))) for p in g.find(SVG + "polyline").get("points").split()]
                have = have[::2] if s["shape"] == "step" else have
            elif s["shape"] == "points":
                have = [tuple(map(float, p)) for p in re.findall(r"M([\d.]+),([\d.]+)m", g.find(SVG + "path").get("d"))]
            else:
                bars = [tuple(map(float, p)) for p in re.findall(r"M([\d.]+),([\d.]+)H([\d.]+)V([\d.]+)", g.find(SVG + "path").get("d"))]
                zero = bars[0][1]
                have = [((a + b) / 2, top) for a, _, b, top in bars]
                want = [w for w in want if abs(w[1] - zero) >= .05]
                shift = have[0][0] - want[0][0]  # beside each other
                have = [(a - shift, b) for a, b in have]
            if len(have) != len(want):
                worst = max(worst, 1000 + abs(len(have) - len(want)))
                continue
            points += len(want)
            worst = max([worst] + [max(abs(a - c), abs(b - d)) for (a, b), (c, d) in zip(have, want)])
            said = [tuple(map(float, p.split(","))) for p in g.get("data-v").split()]
            off = max(abs(b - d) / max(abs(d), 1e-9) for (_, b), d in zip(said, [v for u, v in zip(s["x"], s["y"]) if (u > 0 or not chart["log_x"]) and (v > 0 or not chart["log_y"])]))
            worst = max(worst, off * 1e5)
    report(worst < .4 and series == sum(len(c["series"]) for c in data["charts"]) and points > 800,
           f"{name}: each point stands where its value belongs, and is read out as it is", (worst, points, series))


def extremes(page, data):
    """A million points a chart: the page stays small, and the spikes are drawn to the pixel."""
    report(len(page) < 3000000, "big: the page stays small", len(page))
    found = []
    for chart, svg in zip(data["charts"], figures(page)):
        s = chart["series"][0]
        if len(s["y"]) < 1000000:
            continue
        said = [float(p.split(",")[1]) for p in next(g for g in svg.iter(SVG + "g") if g.get("class") == "series").get("data-v").split()]
        found.append((max(said), min(said), len(said) < 20000))
    report(found == [(4000, -3000, True)] * 5, "big: no shape loses a spike", found)


def tables(page, data):
    """Behind each chart: its values, all of them when they are few."""
    folds = re.findall(r"<details>.*?</details>", page, re.S)
    order = sorted(data["charts"], key=lambda c: SECTIONS.index(c["section"]))
    wrong = []
    for fold, chart in zip(folds, order):
        most = max(len(s["x"]) for s in chart["series"])
        rows = fold.count("<tr>") - 1
        same = all(s["x"] == chart["series"][0]["x"] for s in chart["series"])
        want = most if same else sum(len(s["x"]) for s in chart["series"])
        if most <= 60 and rows != want or most > 60 and not 40 <= rows <= 60 * len(chart["series"]):
            wrong.append((chart["title"], rows, want))
    report(len(folds) == len(order) and not wrong, "full: a table of the values behind each chart", wrong)
    cells = re.findall(r'<table class="lab">.*?</table>', page, re.S)
    report(all(c in cells[i] for i, t in enumerate(sorted(data["tables"], key=lambda t: SECTIONS.index(t["section"])))
               for row in t["rows"] for c in row), "full: tables hold all their cells")
    report(all(f["value"] in page and f["note"] in page for f in data["facts"]), "full: facts are told")
    report(data["source"].split("\n")[1] in page[page.index('id="scenario"'):], "full: the scenario's text stands at the end")


# ---- in a browser

def views(b, name, page):
    for width, options in VIEWS:
        what = f"{name}, {width} wide" + (", dark" if options else "")
        probed = page if "<table" in page else page.replace("</main>", "<table><tr><td>x</td></tr></table></main>")
        seen = b.probe(probed, width, *options)
        if not report(bool(seen), f"Chromium: {what}: the page loads", "the probe said nothing"):
            continue
        report(seen["scroll"] <= seen["client"] and seen["client"] > width - 40, f"Chromium: {what}: does not overflow",
               (seen["scroll"], seen["client"]))
        report((seen["paper"] < .1) == bool(options) and not seen["pale"], f"Chromium: {what}: texts stand out from the paper",
               (seen["paper"], seen["pale"][:8]))
        cut = [t for t in seen["outside"] if "W" * 30 not in t and "evil" not in t]
        report(not seen["overlaps"] and not cut, f"Chromium: {what}: no label overlaps another or is cut",
               (seen["overlaps"][:8], cut[:8]))
        charts = len(figures(page))
        ok = len(seen["shown"]) == charts and all(re.search(r"^\S.*: .*\d", s) and "NaN" not in s for s in seen["shown"])
        if name in ("full", "big"):
            report(ok, f"Chromium: {what}: all {charts} charts show values under the pointer", seen["shown"])


def in_browser(pages, folder):
    path = browser.find()
    if not path:
        skip("the page in a browser", "no chromium here; install it or set CHROMIUM")
        return
    b = browser.Browser(path, folder)
    for name, page in pages.items():
        console = b.console(page)
        report(console == [], f"Chromium: {name}: nothing on the console", console[:3])
        views(b, name, page)
    fetching = b.console(pages["full"].replace("</body>", '<img src="http://127.0.0.1:9/x.png"/></body>'))
    report(any("Content Security Policy" in line for line in fetching), "Chromium: the policy refuses what would be fetched", fetching)
    wide = b.probe(pages["full"].replace("</main>", '<div style="width:1500px">x</div></main>'), 1280)
    report(wide["scroll"] > wide["client"], "Chromium: an overflow would be seen", wide["scroll"])
    out = os.path.join(folder, "print.html")
    with open(out, "w") as f:
        f.write(pages["full"])
    report(3 <= b.pages(out) <= 14, "Chromium: it prints", b.pages(out))


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = driver(folder)
        pages = {c: run(program, c) for c in CASES}
        data = {c: json.loads(run(program, c, "json")) for c in CASES}
        report(pages["full"] == run(program, "full"), "the same result gives the same page")
        for name in CASES:
            structure(name, pages[name], data[name])
        escaping(pages["hostile"], data["hostile"])
        coordinates("full", pages["full"], data["full"])
        extremes(pages["big"], data["big"])
        tables(pages["full"], data["full"])
        in_browser(pages, folder)
    finish()


if __name__ == "__main__":
    main()
