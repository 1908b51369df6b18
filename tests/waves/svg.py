# SPDX-License-Identifier: Apache-2.0
"""Draws WaveJSON as SVG, as far as our diagrams use it: waves of p 0 1 x = 2..5 . and |, data, groups, nodes, edges a<->b,
head and foot texts, tick numbers. A label that does not fit its box, or two
texts that overlap, are errors: diagrams have to be readable."""
from html import escape

CELL, ROW, HEIGHT = 24, 32, 20  # of half a period at hscale 1; of a lane; of a wave
SLOPE, CHAR = 3, 6.7            # pixels: of a bus's edge; of a character
FILL = {"=": "#ffffff", "2": "#ffffff", "3": "#fff3b0", "4": "#cfe6ff", "5": "#d5f0d0"}
STYLE = ("text{font:11px Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#111}.n{text-anchor:end}.m{text-anchor:middle}"
         ".t{font-size:13px}.k{fill:#777;font-size:9px}.e{fill:#b00020}path,line{fill:none;stroke:#111;stroke-width:1.2}"
         ".g{stroke:#ddd;stroke-width:1}.a{stroke:#b00020}.x{fill:url(#h)}.b{stroke:#888}")


def flatten(rows, depth=0):
    """(row or None, text of the group that begins here or None, depth)"""
    for row in rows:
        if isinstance(row, list):
            yield None, row[0], depth
            yield from flatten(row[1:], depth + 1)
        else:
            yield row, None, depth


class Drawing:
    def __init__(self, diagram):
        self.diagram = diagram
        self.rows = list(flatten(diagram["signal"]))
        self.period = 2 * CELL * diagram.get("config", {}).get("hscale", 1)
        self.cycles = max(len(r.get("wave", "")) for r, _, _ in self.rows if r)
        self.left = 24 + int(max(len(r.get("name", "")) + 2 * d for r, _, d in self.rows if r) * CHAR)
        self.top = 46
        self.out, self.nodes = [], {}
        self.texts = []  # (left, top, right, bottom, text)

    def text(self, x, y, s, cls):
        width = len(str(s)) * CHAR * (1.2 if cls == "t" else 0.8 if "k" in cls else 1)
        left = x - (width if cls == "n" else width / 2 if cls.startswith("m") else 0)
        for a, b, c, d, other in self.texts:
            if left < c and a < left + width and y - 9 < d and b < y + 2:
                raise SystemExit(f"'{s}' and '{other}' overlap")
        self.texts.append((left, y - 9, left + width, y + 2, s))
        self.out.append(f'<text class="{cls}" x="{x:g}" y="{y:g}">{escape(str(s))}</text>')

    def path(self, d, cls="", fill=None):
        style = f' style="fill:{fill}"' if fill else ""
        self.out.append(f'<path{f" class={chr(34)}{cls}{chr(34)}" if cls else ""}{style} d="{d}"/>')

    def spans(self, wave):
        """(symbol, first cycle, end) of each run of the wave."""
        runs = []
        for i, c in enumerate(wave):
            if c in ".|" and runs:
                runs[-1][2] = i + 1
            else:
                runs.append([c, i, i + 1])
        return runs

    def box(self, symbol, x0, x1, y, label):
        low, high = y + HEIGHT, y
        d = (f"M{x0:g} {y + HEIGHT / 2:g}L{x0 + SLOPE:g} {high:g}H{x1 - SLOPE:g}L{x1:g} {y + HEIGHT / 2:g}"
             f"L{x1 - SLOPE:g} {low:g}H{x0 + SLOPE:g}Z")
        if symbol == "x":
            self.path(d, "x")
            return
        self.path(d, "", FILL[symbol])
        if len(label) * CHAR > x1 - x0 - 2 * SLOPE:
            raise SystemExit(f"label '{label}' does not fit its box; widen hscale")
        self.text((x0 + x1) / 2, y + HEIGHT / 2 + 4, label, "m")

    def bits(self, runs, y):
        """A one-bit signal as one line."""
        d, last = "", None
        for symbol, first, end in runs:
            level = y if symbol == "1" else y + HEIGHT
            x0, x1 = self.left + first * self.period, self.left + end * self.period
            d += f"M{x0:g} {level:g}" if last is None else (f"L{x0 + SLOPE:g} {level:g}" if level != last else "")
            d += f"H{x1:g}"
            last = level
        self.path(d)

    def lane(self, row, y):
        wave, data = row["wave"], iter(row.get("data", []))
        if wave[0] == "p":
            d = f"M{self.left:g} {y + HEIGHT:g}"
            for i in range(self.cycles):
                x = self.left + i * self.period
                d += f"V{y:g}H{x + self.period / 2:g}V{y + HEIGHT:g}H{x + self.period:g}"
            self.path(d)
        else:
            runs = self.spans(wave)
            line = []
            for run in runs + [["end", 0, 0]]:
                if run[0] in ("0", "1"):
                    line.append(run)
                    continue
                if line:
                    self.bits(line, y)
                    line = []
                if run[0] != "end":
                    label = str(next(data)) if run[0] != "x" else ""
                    self.box(run[0], self.left + run[1] * self.period, self.left + run[2] * self.period, y, label)
        for i, c in enumerate(wave):
            if c == "|":
                x = self.left + (i + 0.5) * self.period
                self.out.append(f'<rect x="{x - 3:g}" y="{y - 3:g}" width="6" height="{HEIGHT + 6}" fill="#fff"/>')
                self.path(f"M{x - 3:g} {y - 3:g}v{HEIGHT + 6}m6 0v-{HEIGHT + 6}", "b")
        for i, c in enumerate(row.get("node", "")):
            if c != ".":
                self.nodes[c] = (self.left + i * self.period, y + HEIGHT / 2)

    def edges(self):
        for edge in self.diagram.get("edge", []):
            ends, _, label = edge.partition(" ")
            (x0, y0), (x1, y1) = self.nodes[ends[0]], self.nodes[ends[-1]]
            self.out.append(f'<path class="a" marker-start="url(#s)" marker-end="url(#a)" d="M{x0:g} {y0:g}L{x1:g} {y1:g}"/>')
            x, y, w = (x0 + x1) / 2, (y0 + y1) / 2, len(label) * CHAR + 6
            self.out.append(f'<rect x="{x - w / 2:g}" y="{y - 8:g}" width="{w:g}" height="15" fill="#fff"/>')
            self.text(x, y + 4, label, "m e")

    def render(self):
        height = self.top + ROW * len(self.rows) + 14
        width = self.left + self.period * self.cycles + 12
        head = self.diagram.get("head", {})
        for i in range(self.cycles + 1):
            x = self.left + i * self.period
            self.out.append(f'<line class="g" x1="{x:g}" y1="{self.top - 8}" x2="{x:g}" y2="{height - 10}"/>')
            if i < self.cycles and "tock" in head:
                self.text(x + self.period / 2, self.top - 12, i + head["tock"], "m k")
        y = self.top
        for row, title, depth in self.rows:
            if row is None:
                self.text(10 + 2 * depth * CHAR, y + HEIGHT - 3, title, "t")
            elif row:
                self.text(self.left - 8, y + HEIGHT / 2 + 4, row["name"], "n")
                self.lane(row, y)
            y += ROW
        self.edges()
        self.text(10, 18, head.get("text", ""), "t")
        defs = ('<defs><pattern id="h" width="6" height="6" patternUnits="userSpaceOnUse"><path class="b" d="M0 6L6 0"/></pattern>'
                '<marker id="a" markerWidth="7" markerHeight="7" refX="6" refY="3" orient="auto"><path d="M0 0L6 3L0 6Z" '
                'style="fill:#b00020;stroke:none"/></marker><marker id="s" markerWidth="7" markerHeight="7" refX="0" refY="3" '
                'orient="auto"><path d="M6 0L0 3L6 6Z" style="fill:#b00020;stroke:none"/></marker></defs>')
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">\n'
                f'<style>{STYLE}</style>{defs}\n<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(self.out) + "\n</svg>\n")


def render(diagram):
    return Drawing(diagram).render()
