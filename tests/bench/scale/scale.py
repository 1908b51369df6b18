#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scale benchmark over numbers of accounts and paths, prints the tables of docs/scale.md and draws its plot.

usage: scale.py PROGRAM [--sizes 1e4,1e5,1e6,1e7] [--updates 1000000] [--device vector] [--rows 4096]
                [--svg FILE] [--json FILE] [--peers DIR] [--repeat N]

Everything is measured on this machine in one run (TSC). An update is one price of one asset, from the call of the engine
to the verdict on all its flags. Synthetic accounts and paths.
"""
import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import peers  # noqa: E402

PATHS = ["calm", "trend", "crash"]


def run(a, accounts, path):
    cmd = [a.program, str(accounts), str(path), str(a.updates), a.device, str(a.rows)]
    best = None
    for _ in range(a.repeat):
        r = json.loads(subprocess.run(cmd, check=True, stdout=subprocess.PIPE, text=True).stdout)
        if best is None or r["total_s"] < best["total_s"]:
            best = r
    print(f"  {accounts:>10,} {PATHS[path]}: {best['total_s']:.1f} s", file=sys.stderr)
    return best


def ns(x):
    return f"{x:,.0f}"


def table_updates(rows):
    print("| accounts | path | p50 | p99 | p99.9 | p99.99 | max | a flag: p50 | p99 | flags |")
    print("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for r in rows:
        q, f = r["quiet"], r["flag"]
        flag = (ns(f["p50"]), ns(f["p99"])) if f["n"] else ("-", "-")
        print(f"| {r['accounts']:,} | {r['path']} | {ns(q['p50'])} | {ns(q['p99'])} | {ns(q['p99.9'])} | "
              f"{ns(q['p99.99'])} | {ns(q['max'])} | {flag[0]} | {flag[1]} | {r['flags']:,} |")


def table_moving(rows):
    print("| accounts | path | on the device | boxes moved, background / jump | accounts looked at | changed tier | "
          "looked / changed | updates with a jump | between updates, ns an update |")
    print("|--:|---|--:|--:|--:|--:|--:|--:|--:|")
    for r in rows:
        looked = r["looked_background"] + r["looked_foreground"]
        ratio = f"{looked / r['changes']:.2f}" if r["changes"] else "-"
        share = 100 * r["updates_foreground"] / r["updates"]
        print(f"| {r['accounts']:,} | {r['path']} | {r['on_device']:,} | {r['boxes_background']:,} / "
              f"{r['boxes_foreground']:,} | {looked:,} | {r['changes']:,} | {ratio} | {share:.3f} % | "
              f"{ns(r['slice']['sum'] / r['updates'])} |")


def table_memory(rows):
    print("| accounts | rows and lists, bytes an account | accounts, bytes each | whole process, MiB | placed, accounts a "
          "second | full scan after each price, ms | full scan / p50 of an update |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for r in rows:
        if r["path"] != "calm":
            continue
        print(f"| {r['accounts']:,} | {r['row_bytes']:.1f} | {r['book_bytes']:.1f} | {ns(r['rss_kb'] / 1024)} | "
              f"{ns(r['accounts'] / r['place_s'])} | {1e3 * r['scan_s']:.3f} | "
              f"{ns(1e9 * r['scan_s'] / r['quiet']['p50'])} |")


def aims(rows):
    at = {(r["path"], r["accounts"]): r for r in rows}
    sizes = sorted({r["accounts"] for r in rows})
    lines = []
    for path in ("calm", "trend"):
        small, large = at[path, sizes[0]]["quiet"], at[path, sizes[-1]]["quiet"]
        for p in ("p50", "p99"):
            x = large[p] / small[p]
            lines.append((x < 1.5, f"{path}: {p} grows {x:.2f}x from {sizes[0]:,} to {sizes[-1]:,} (aim < 1.5)"))
    big = at["crash", sizes[-1]]
    x = (big["looked_background"] + big["looked_foreground"]) / max(1, big["changes"])
    lines.append((x < 3, f"crash: {x:.2f} accounts looked at for each that changed its tier (aim < 3)"))
    gib = big["row_bytes"] * 1e7 / 2**30
    lines.append((gib < 2, f"rows of 10 million accounts: {gib:.2f} GiB (aim < 2)"))
    gib = big["rss_kb"] / 2**20
    lines.append((gib < 4, f"the whole process with {big['accounts']:,} accounts: {gib:.2f} GiB (aim < 4)"))
    for ok, text in lines:
        print(f"* {text}: {'met' if ok else 'NOT met'}")


def print_peers(folder):
    """The libraries keepers use, on accounts of their own shape; they re-check all accounts after a price change."""
    print("| library | its own report |")
    print("|---|---|")
    for what, report, why in peers.run(folder):
        print(f"| {what} | {report if report else 'not run: ' + why} |")


def svg(rows, path):
    """p50 (full) and p99 (dashed) of an update against the number of accounts, both logarithmic, beside the full scan."""
    import math
    w, h, left, top, right, bottom = 760, 420, 70, 20, 150, 50
    sizes = sorted({r["accounts"] for r in rows})
    values = [r["quiet"][p] for r in rows for p in ("p50", "p99")] + [1e9 * r["scan_s"] for r in rows]
    lo, hi = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    x0, x1 = math.log10(sizes[0]), math.log10(sizes[-1])

    def px(n):
        return left + (math.log10(n) - x0) / max(1e-9, x1 - x0) * (w - left - right)

    def py(v):
        return top + (hi - math.log10(v)) / (hi - lo) * (h - top - bottom)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">',
           f'<rect width="{w}" height="{h}" fill="white"/>']
    names = {2: "100 ns", 3: "1 µs", 4: "10 µs", 5: "100 µs", 6: "1 ms", 7: "10 ms", 8: "100 ms", 9: "1 s", 10: "10 s"}
    for d in range(lo, hi + 1):
        y = py(10 ** d)
        out.append(f'<line x1="{left}" x2="{w - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{names.get(d, f"1e{d} ns")}</text>')
    for n in sizes:
        out.append(f'<text x="{px(n):.1f}" y="{h - bottom + 20}" text-anchor="middle">{n:,}</text>')
    out.append(f'<text x="{(left + w - right) / 2}" y="{h - 8}" text-anchor="middle">accounts</text>')

    def line(points, colour, dash, label, dy=0):
        d = " ".join(f"{px(n):.1f},{py(v):.1f}" for n, v in points)
        out.append(f'<polyline points="{d}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        n, v = points[-1]
        out.append(f'<text x="{px(n) + 8:.1f}" y="{py(v) + 4 + dy:.1f}" fill="{colour}">{label}</text>')

    for k, path_name in enumerate(PATHS):
        of = [r for r in rows if r["path"] == path_name]
        for j, (p, dash) in enumerate((("p50", ""), ("p99", "6 4"))):
            line([(r["accounts"], r["quiet"][p]) for r in of], COLOURS[path_name], dash, f"{path_name} {p}", 13 * (k - 1))
    line([(r["accounts"], 1e9 * r["scan_s"]) for r in rows if r["path"] == "calm"], "#555", "2 3", "full scan (C)")
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("program")
    ap.add_argument("--sizes", default="1e4,1e5,1e6,1e7")
    ap.add_argument("--updates", type=float, default=1000000)
    ap.add_argument("--device", default="vector")
    ap.add_argument("--rows", type=int, default=4096)
    ap.add_argument("--repeat", type=int, default=1)
    ap.add_argument("--svg")
    ap.add_argument("--json")
    ap.add_argument("--peers")
    a = ap.parse_args()
    a.updates = int(a.updates)
    rows = [run(a, int(float(n)), p) for n in a.sizes.split(",") for p in range(len(PATHS))]
    print(f"Device {a.device} of {a.rows} rows, {a.updates:,} updates a path; load {os.getloadavg()[0]:.1f}; "
          "ns an update without a flag, ns a flag (measured, TSC; synthetic accounts and paths)\n")
    table_updates(rows)
    print()
    table_moving(rows)
    print()
    table_memory(rows)
    print()
    aims(rows)
    if a.peers:
        print()
        print_peers(a.peers)
    if a.svg:
        svg(rows, a.svg)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
