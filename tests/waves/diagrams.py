#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the timing diagrams of docs/ from waveforms of the Verilated device, as docs/waves/diagrams.toml says.

usage: diagrams.py {write|check} BUILD-DIR    check: TAP; the committed pages are those that the RTL gives now

Each diagram runs a command file on the card built as BUILD-DIR/waves/GEOMETRY/run, cuts a window out of the waveform at
an anchor, and becomes docs/waves/NAME.json (WaveJSON), NAME.svg, and a section of docs/timing.md. Numbers in its texts
({a}, {b}, ... the distances of its arrows, in cycles) are counted in the waveform, and must be what `cycles` says.
"""
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import svg
import wave

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "cosim")]
from judge import Layout  # noqa: E402
from tap import finish, report  # noqa: E402

SOURCE = ROOT / "docs" / "waves" / "diagrams.toml"
PAGE = ROOT / "docs" / "timing.md"
FIELDS = {"tick": ("asset", "price"), "row": ("row",), "coef": (), "arm": ("row",), "read": ("row",), "sync": ("token",),
          "band": ("asset",), "trigger": ("row",), "band_exit": ("asset",), "error": ("code",)}
SHORT = {"band_exit": "EXIT"}
NODES = "abcdefghijklmnop"
SPAN = 20000  # of simulated time that is read: all of it is at the beginning
COLOUR = {"command": "4", "event": "3"}


class Beats:
    """Beats as short texts."""

    def __init__(self, abi):
        self.layout = Layout(abi)
        self.events = {kind: (name, fields) for name, (kind, fields) in self.layout.events.items()}

    def command(self, beat):
        _, name, fields = self.layout.read(beat)
        return name or "?", fields

    def event(self, beat):
        name, fields = self.events.get(beat & 0xFF, ("?", []))
        return name, {f["name"]: beat >> f["lsb"] & ((1 << f["width"]) - 1) for f in fields}

    def text(self, show, beat):
        name, fields = getattr(self, show)(beat)
        words = [f"{k} {fields[k]}" for k in FIELDS.get(name, ()) if k in fields]
        return " ".join([SHORT.get(name, name.upper())] + words[:1])


def number(show, value, width):
    """A value as the diagram wants it: hex, dec, signed, or HIGH:LOW of it in decimal."""
    if show == "hex":
        return f"{value:x}"
    if show == "signed":
        return str(value - (1 << width) if value >> (width - 1) else value)
    if show != "dec":
        high, low = map(int, show.split(":"))
        value = value >> low & ((1 << (high - low + 1)) - 1)
    return str(value)


class Sampled:
    """A waveform sampled once a cycle."""

    def __init__(self, waveform, beats):
        self.wave, self.beats = waveform, beats
        self.edges = waveform.edges("clk_i")
        self.seen = {}

    def __getitem__(self, name):
        if name not in self.seen:
            self.seen[name] = self.wave.sample(name, self.edges)
        return self.seen[name]

    def find(self, point, start=0):
        """Cycle of a point: all signals of `when` are 1, and the beat on `data` is the command or event `is`."""
        left = point.get("nth", 1)
        for k in range(start, len(self.edges)):
            if not all(self[s][k] for s in point["when"]):
                continue
            if "is" in point and getattr(self.beats, point["show"])(self[point["data"]][k])[0] != point["is"]:
                continue
            left -= 1
            if not left:
                return k
        raise SystemExit(f"point {point} does not occur in the waveform")


def lane(row, s, first, end):
    """One WaveJSON lane."""
    if row["signal"] == "clk_i":
        return {"name": row.get("name", "clk_i"), "wave": "p" + "." * (end - first - 1)}
    name, show = row["signal"], row.get("show")
    out, data, last = "", [], None
    for k in range(first, end):
        value = s[name][k]
        if show is None:
            here = str(value)
        elif any(not s[w][k] for w in row.get("when", [])):
            here = "x"
        else:
            here = COLOUR.get(show, "="), s.beats.text(show, value) if show in COLOUR else number(show, value, s.wave.width[name])
        if here == last:
            out += "."
        else:
            out += here[0]
            data += here[1:] if isinstance(here, tuple) else []
        taken = "each" in row and all(s[w][k] for w in row["each"])
        last = None if taken and isinstance(here, tuple) else here
    result = {"name": row.get("name", name.split(".")[-1]), "wave": out}
    return {**result, "data": data} if data else result


def make(spec, s):
    """(WaveJSON, distances of the arrows by letter)"""
    at = s.find(spec["anchor"])
    first, end = at - spec["before"], at + spec["after"] + 1
    points, arrows, nodes = [], {}, {}
    for letter, arrow in zip("abcdefgh", spec.get("arrow", [])):
        start = s.find(arrow["from"], 0 if arrow["from"].get("from_start") else at)
        stop = s.find(arrow["to"], start)
        arrows[letter] = stop - start
        if stop - start != arrow["cycles"]:
            raise SystemExit(f"{spec['name']}: {arrow['label']} takes {stop - start} cycles, not {arrow['cycles']}")
        ends = [nodes.setdefault((arrow[k]["on"], c - first), NODES[len(nodes)]) for k, c in (("from", start), ("to", stop))]
        points.append("<->".join(ends) + " " + arrow["label"].format(n=stop - start))
    rows, used = [], set()
    for group in spec["group"]:
        lanes = []
        for row in group["lane"]:
            one = lane(row, s, first, end)
            node = ["."] * (end - first + 1)
            for (signal, place), mark in nodes.items():
                if signal == row["signal"] and not used & {mark}:
                    node[place] = mark
                    used.add(mark)
            if set(node) != {"."}:
                one["node"] = "".join(node)
            lanes.append(one)
        rows.append([group["title"], *lanes] if group.get("title") else lanes)
    signal = [r for group in rows for r in ([group] if isinstance(group[0], str) else group)]
    diagram = {"signal": signal, "head": {"text": spec["title"], "tock": -spec["before"]}, "config": {"hscale": spec.get("hscale", 2)}}
    return ({**diagram, "edge": points} if points else diagram), arrows


def run_one(spec, build, beats):
    with tempfile.TemporaryDirectory() as tmp:
        commands, fst = Path(tmp) / "x.cmd", Path(tmp) / "x.fst"
        commands.write_text(spec["commands"], encoding="utf-8")
        run = subprocess.run([build / "waves" / spec["geometry"] / "run", str(spec.get("stall_out", 0)), str(spec.get("seed", 1)), commands,
                              fst], capture_output=True, text=True, check=False, timeout=120)
        if run.returncode:
            raise SystemExit(f"{spec['name']}: {run.stderr}")
        return make(spec, Sampled(wave.read_fst(build / "waves" / "fst2vcd", fst, "hc_top", SPAN), beats))


def dump(diagram):
    """JSON with one lane a line, so that a change shows as such."""
    text = json.dumps(diagram, indent=1, ensure_ascii=False)
    return text + "\n"


def pages(build):
    """{path: text} of everything that is made."""
    with open(SOURCE, "rb") as f:
        source = tomllib.load(f)
    with open(ROOT / "drivers" / "abi" / "abi.toml", "rb") as f:
        beats = Beats(tomllib.load(f))
    out, text = {}, [source["page"]["head"].rstrip("\n")]
    for spec in source["diagram"]:
        diagram, arrows = run_one(spec, build, beats)
        name = spec["name"]
        out[SOURCE.parent / f"{name}.json"] = dump(diagram)
        out[SOURCE.parent / f"{name}.svg"] = svg.render(diagram)
        commands = "\n".join(spec["commands"].strip().splitlines())
        text += ["", f"## {spec['title']}", "", spec["text"].format(**arrows).strip(), "",
                 f"![{spec['title']}](waves/{name}.svg)", "",
                 f"<details><summary>Commands ({spec['geometry']}) and <a href=\"waves/{name}.json\">WaveJSON</a></summary>", "",
                 "```", commands, "```", "", "</details>"]
    out[PAGE] = "\n".join(text) + "\n"
    return out


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "check"):
        sys.exit(__doc__)
    made = pages(Path(sys.argv[2]))
    if sys.argv[1] == "write":
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
        print(f"{len(made)} files written below docs/")
        return
    for path, text in made.items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        differ = next((f"line {i}: '{a}' should be '{b}'" for i, (a, b) in enumerate(zip(old.splitlines(), text.splitlines()), 1) if a != b),
                      "missing or of another length")
        report(old == text, f"{path.relative_to(ROOT)} is what the RTL gives", differ + "; run make diagrams and look at the change")
    there = {p for p in SOURCE.parent.iterdir() if p.suffix in (".json", ".svg")}
    report(there <= set(made), "no diagram without a source", sorted(map(str, there - set(made))))
    finish()


if __name__ == "__main__":
    main()
