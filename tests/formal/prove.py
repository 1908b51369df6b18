#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of tests/formal/proofs.toml, or shows that each proof would notice a mistake.

  prove.py run      [--set quick|full] [--only REGEX]   every proof holds, and every state it speaks of is reached
  prove.py mutants  [--set quick|full] [--only REGEX]   every mutant of mutants.toml is refuted by its proof
  prove.py table                                        what the last runs showed, as the table of docs/formal.md

Run from the project root. Build products go to --build (default build), which must hold gen/abi_pkg.sv. TAP on stdout with
the seconds each took; exit 1 when something failed, 2 when a description is wrong. A counterexample is kept as
trace.vcd in the proof's directory below <build>/formal/ and its inputs are printed.

Tools: yosys (reads the RTL), yosys-abc (PDR, bounded search), z3 (statements in SMT-LIB). docs/formal.md says how to
write a proof; the keys are explained at the top of proofs.toml."""
import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))
import tap  # noqa: E402

PROOF_KEYS = {"name", "point", "shows", "size", "files", "top", "params", "defines", "edits", "engine", "induct", "depth", "full_depth", "bounded",
              "timeout", "set", "cover_depth", "narrow", "groups", "inside", "leaf", "drop", "only", "reduce",
              "edits_of"}
MUTANT_KEYS = {"proof", "name", "file", "old", "new", "timeout"}
# What turns a flattened design into an AIGER circuit whose only outputs are its properties: "delete -output" matters, for
# ABC takes every ordinary output for a bad state.
TO_AIG = ("memory_map; opt_clean; async2sync; setundef -undriven -anyseq; setattr -unset keep; delete -output; opt -full; "
          "techmap; opt -fast; dffunmap; abc -g AND -fast; opt_clean")
# Each cover statement becomes an assertion of the opposite: a counterexample to it reaches the covered state.
COVER_MAP = """
(* techmap_celltype = "$cover" *)
module fv_cover (A, EN);
  input A, EN;
  \\$assert never (.A(~A), .EN(EN));
endmodule
"""
ABC_TRACE_LIMIT = 12  # columns of the printed trace


class Wrong(Exception):
    """A description (proof, mutant) that cannot be carried out: not a result about the design."""


def load(name, list_name, keys):
    with open(os.path.join(HERE, name), "rb") as f:
        entries = tomllib.load(f)[list_name]
    for e in entries:
        if set(e) - keys:
            raise Wrong(f"{name}: {e.get('name')}: unknown key {sorted(set(e) - keys)}")
        if "edits_of" in e:
            like = [x for x in entries if x["name"] == e["edits_of"] and "edits" in x]
            if len(like) != 1 or "edits" in e:
                raise Wrong(f"{name}: {e['name']}: edits_of names no proof with edits, or it has its own")
            e["edits"] = like[0]["edits"]
    return entries


def substitute(text, old, new, where):
    """A change to the source that would silently not apply is worse than none: it must fit exactly once."""
    if text.count(old) != 1:
        raise Wrong(f"{where}: the text to change occurs {text.count(old)} times: {old!r}")
    return text.replace(old, new)


def command(argv, log, timeout):
    """Output of a tool, None when it ran out of time. What it said is kept in log. The limit is on processor seconds,
    so that a loaded machine does not fail a proof; a tool that sleeps has ten times that."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (timeout, timeout + 1))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=limit,
                          start_new_session=True) as p:
        try:
            out, code = p.communicate(timeout=timeout * 10)[0], p.returncode
        except BaseException:
            os.killpg(p.pid, signal.SIGKILL)  # the tool and what it started
            out, code = p.communicate()[0], None
            if not isinstance(sys.exc_info()[1], subprocess.TimeoutExpired):
                raise
    with open(log, "w", encoding="utf-8") as f:
        f.write(out)
    return (None if code is None or code < 0 else out), code


class Proof:
    """One entry of proofs.toml, with the changes of a mutant if it is to be refuted."""

    def __init__(self, entry, build, mutant=None):
        self.e, self.build, self.mutant = entry, build, mutant
        self.name = entry["name"]
        self.timeout = (mutant or entry).get("timeout", entry.get("timeout", 60))
        tail = "mutants/" + self.name + "." + re.sub(r"\W+", "-", mutant["name"]) if mutant else self.name
        self.dir = os.path.join(build, "formal", tail)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.prepared = False

    def path(self, name):
        return os.path.join(self.dir, name)

    def narrowing(self):
        """The same source text with small numbers: widths of price, coefficient and H, of the product's low half, and lanes
        in a group. Only what the proof's files contain is changed."""
        edits = []
        if "narrow" in self.e:
            price, coef, h, low = self.e["narrow"]
            for file in ("${B}/gen/abi_pkg.sv", "rtl/hc_pkg.sv"):
                for name, new, old in (("PriceW", price, 34), ("CoefW", coef, 27), ("HW", h, 64)):
                    edits.append((file, f"int unsigned {name} = {old};", f"int unsigned {name} = {new};"))
            edits.append(("rtl/hc_lane.sv", "int unsigned LowW  = 17;", f"int unsigned LowW = {low};"))
        if "groups" in self.e:
            edits.append(("rtl/hc_pkg.sv", "GroupLanes = 32;", f"GroupLanes = {self.e['groups']};"))
        return [e for e in edits if e[0] in self.e["files"]]

    def sources(self):
        """Copies the sources with edits and mutation applied; returns the copies."""
        edits = self.narrowing() + [(x["file"], x["old"], x["new"]) for x in self.e.get("edits", [])]
        if self.mutant:
            edits.append((self.mutant["file"], self.mutant["old"], self.mutant["new"]))
        copies, left = [], list(edits)
        for name in self.e["files"]:
            origin = name.replace("${B}", self.build)
            with open(origin, encoding="utf-8") as f:
                text = f.read()
            for edit in edits:
                if edit[0] == name:
                    text = substitute(text, edit[1], edit[2], f"{self.name}: {name}")
                    left.remove(edit)
            for inside in [x["text"] for x in self.e.get("inside", []) if x["file"] == name]:
                head, end, tail = text.rpartition("\nendmodule")
                text = f'{head}\n`include "{inside}"{end}{tail}'
            copies.append(self.path(os.path.basename(name)))
            with open(copies[-1], "w", encoding="utf-8") as f:
                f.write(text)
        # What a module asks of its inputs is assumed only where nothing drives them; here the property modules do, so it
        # has to hold.
        with open("rtl/hc_assert.svh", encoding="utf-8") as f:
            text = f.read()
        if not self.e.get("leaf"):
            text = substitute(text, "`ifdef FORMAL", "`ifdef FV_NEVER", "rtl/hc_assert.svh")
        with open(self.path("hc_assert.svh"), "w", encoding="utf-8") as f:
            f.write(text)
        if left:
            raise Wrong(f"{self.name}: {left[0][0]} is to be changed but not among its files")
        return copies

    def yosys(self, script, log):
        out, code = command(["yosys", "-p", script], self.path(log), 300)
        if out is None or code != 0:
            tail = "\n".join((out or "timeout").strip().splitlines()[-4:])
            raise Wrong(f"{self.name}: yosys failed, see {self.path(log)}\n{tail}")
        if "implicitly declared" in out:
            raise Wrong(f"{self.name}: an implicitly declared net, see {self.path(log)}")

    def prepare(self):
        """RTL -> flat design -> one circuit with the assertions, one with the covers."""
        if self.prepared:
            return
        chparam = "".join(f" -chparam {k} {v}" for k, v in self.e.get("params", {}).items())
        defines = "".join(f" -D{d}" for d in self.e.get("defines", []))
        drop = "".join(f"select -assert-count 1 c:{d}; delete c:{d}; " for d in self.e.get("drop", []))
        if "only" in self.e:
            drop += f"select -assert-min 1 t:$assert c:{self.e['only']} %i; delete t:$assert c:{self.e['only']} %d; "
        files, top, out = " ".join(self.sources()), self.e["top"], self.path("design")
        with open(self.path("cover_map.v"), "w", encoding="utf-8") as f:
            f.write(COVER_MAP)
        # In prep, -nordff keeps memory read ports apart from flip-flops; check finds undriven nets.
        self.yosys(f"read_verilog -sv -formal{defines} -I{self.dir} -I{HERE} -Irtl {files}; "
                   f"hierarchy -check -top {top}{chparam}; prep -flatten -nordff -top {top}; check -assert; hierarchy -smtcheck; "
                   f"rename -top {top}; {drop}opt_clean; write_rtlil {out}.il; "
                   f"select -assert-min 1 t:$assert; chformal -cover -remove; {TO_AIG}; "
                   f"write_aiger -I -B -zinit -map {out}.aim {out}.aig", "yosys.log")
        if not self.mutant:
            self.yosys(f"read_rtlil {out}.il; select -assert-min 1 t:$cover; chformal -assert -remove; "
                       f"techmap -map {self.path('cover_map.v')}; {TO_AIG}; "
                       f"tee -o {self.path('covers.txt')} select -list t:$assert; write_aiger -I -B -zinit {out}_cover.aig",
                       "yosys_cover.log")
        self.prepared = True

    # ---- engines: each returns ("proved" | "refuted" | "open", a word about how far it went)
    def run(self):
        if self.e["engine"] == "smt2":
            return self.run_smt2()
        self.prepare()
        if "induct" in self.e and self.inductive(self.e["induct"]):
            return "proved", "for any number of cycles"
        search = {"pdr": "pdr", "bmc": f"bmc3 -F {self.e.get('depth', 0)}"}[self.e["engine"]]
        reduce = "scorr; dc2; " if self.e.get("reduce") else ""
        script = (f"read_aiger {self.path('design.aig')}; print_stats; fold; strash; {reduce}{search}; "
                  f"write_cex -a {self.path('trace.aiw')}")
        out, _ = command(["yosys-abc", "-c", script], self.path("abc.log"), self.timeout)
        if out is None:
            return "open", f"no answer in {self.timeout} s"
        if m := re.search(r"asserted in frame (\d+)", out):
            return "refuted", f"in cycle {m[1]}"
        if "Property proved" in out or re.search(r"Networks? (is|are) equivalent|trivially", out):
            return "proved", "for any number of cycles"
        if m := re.search(r"No output asserted in (\d+) frames", out):
            if int(m[1]) >= self.e["depth"]:
                return "proved", f"for {m[1]} cycles"
        return "open", f"see {self.path('abc.log')}"

    def inductive(self, steps):
        """All assertions together by induction over so many steps. Where it does not come out, PDR has the last word."""
        script = f"read_aiger {self.path('design.aig')}; fold; strash; orpos; strash; bmc3 -F {steps + 1}; ind -F {steps}"
        out, _ = command(["yosys-abc", "-c", script], self.path("abc_induct.log"), self.timeout)
        return bool(out and f"No output asserted in {steps + 1} frames" in out and "Networks are equivalent" in out)

    def run_smt2(self):
        """A statement in SMT-LIB: each check-sat is preceded by (echo "sat|unsat what") that says what must come out."""
        out, _ = command(["z3", f"-T:{self.timeout}", self.sources()[0]], self.path("z3.log"), self.timeout + 5)
        lines = (out or "").splitlines()
        claims = [(lines[i].split(" ", 1), lines[i + 1]) for i in range(len(lines) - 1) if re.match(r"(un)?sat \S", lines[i])]
        if not claims or "error" in (out or "error") or any(got not in ("sat", "unsat") for _, got in claims):
            return "open", f"see {self.path('z3.log')}"
        if not {"sat", "unsat"} <= {want for (want, _), _ in claims}:
            raise Wrong(f"{self.name}: needs claims (unsat) and a premise that can hold (sat)")
        for (want, what), got in claims:
            if got != want:
                return "refuted", f"{what}: {got}"
        return "proved", f"{len(claims)} claims, for all values"

    def covers(self):
        """Names of the cover statements that no execution of cover_depth cycles reaches, and their number."""
        if self.e["engine"] == "smt2":
            return [], sum(1 for line in open(self.sources()[0], encoding="utf-8") if '(echo "sat' in line)
        with open(self.path("covers.txt"), encoding="utf-8") as f:
            names = [re.sub(r"^.*/|\.never.*$|\$techmap\d*", "", line.strip()) for line in f if line.strip()]
        depth = self.e.get("cover_depth", 20)
        out, _ = command(["yosys-abc", "-c", f"read_aiger {self.path('design_cover.aig')}; fold; strash; bmc3 -a -x -F {depth}"],
                         self.path("abc_cover.log"), self.timeout)
        if out is None:
            return ["(no answer in time)"], len(names)
        hit = {int(k) for k in re.findall(r"Output\s+(\d+) (?:of miter \S+ )?was asserted", out)}
        return [n for k, n in enumerate(names) if k not in hit], len(names)

    def trace(self):
        """The counterexample as VCD, and the values of the top module's ports as text."""
        if self.e["engine"] == "smt2":
            return ""
        vcd = self.path("trace.vcd")
        self.yosys(f"read_rtlil {self.path('design.il')}; memory_map; async2sync; sim -r {self.path('trace.aiw')} "
                   f"-map {self.path('design.aim')} -clock clk_i -vcd {vcd}", "trace.log")
        with open(self.path("trace.log"), encoding="utf-8") as f:
            failed = re.findall(r"Warning: (Assert \S+)", f.read())
        return "\n".join(sorted(set(failed)) + [f"trace: {vcd}"] + port_table(vcd, self.path("design.il")))


def port_table(vcd, design):
    """Values of the ports, one line a port, one column a cycle (hexadecimal; the last ABC_TRACE_LIMIT cycles)."""
    with open(design, encoding="utf-8") as f:
        ports = set(re.findall(r"^  wire .*(?:input|output) \d+ (?:signed )?\\(\S+)$", f.read(), re.M))
    ids, current, rows = {}, {}, {}
    clock = None
    with open(vcd, encoding="utf-8") as f:
        lines = f.read().splitlines() + ["#end"]
    for line in lines:
        w = line.split()
        if line.startswith("$var") and w[4].lstrip("\\") in ports:
            ids[w[3]] = w[4].lstrip("\\")
        elif line.startswith("#") and current:
            if clock == "0" and current.get("clk_i") == "1":  # what the rising edge sees
                for port in ports:
                    rows.setdefault(port, []).append(before.get(port, "x"))
            clock, before = current.get("clk_i"), dict(current)
        elif w and line[0] in "b01x":
            value, key = (w[0][1:], w[1]) if line[0] == "b" else (line[0], line[1:].strip())
            if key in ids:
                current[ids[key]] = value

    def digits(v):
        return "%x" % int(v, 2) if set(v) <= set("01") else "x"
    table = []
    for port in sorted(rows):
        cells = [digits(v) for v in rows[port]][-ABC_TRACE_LIMIT:]
        if port != "clk_i" and all(len(c) <= 16 for c in cells):
            table.append("  %-20s %s" % (port, " ".join(cells)))
    return table


# ---- results of the last runs, for the table
def results_path(build):
    return os.path.join(build, "formal", "results.json")


def results(build):
    try:
        with open(results_path(build), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return {"proofs": {}, "mutants": {}}


def remember(build, kind, name, value):
    r = results(build)
    r[kind][name] = value
    os.makedirs(os.path.dirname(results_path(build)), exist_ok=True)
    with open(results_path(build), "w", encoding="utf-8") as f:
        json.dump(r, f, indent=1)


def cpu():
    """Processor seconds of the tools so far."""
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def run_proofs(proofs, build):
    for e in proofs:
        began = time.monotonic(), cpu()
        why, count, how = "", 0, "could not be tried"
        try:
            proof = Proof(e, build)
            verdict, how = proof.run()
            if verdict == "proved":
                missed, count = proof.covers()
                if missed:
                    why = "not reached: " + ", ".join(missed)
            else:
                why = f"{verdict}: {how}" + ("\n" + proof.trace() if verdict == "refuted" else "")
        except Wrong as wrong:
            verdict, why = "wrong", str(wrong)
        took, used = time.monotonic() - began[0], cpu() - began[1]
        good = verdict == "proved" and not why
        print(f"# {e['name']}: {verdict} {how}; {count} states reached; {used:.1f} s of processor, {took:.1f} s", flush=True)
        tap.report(good, f"{e['name']}: {e['shows']}", why)
        remember(build, "proofs", e["name"], {"ok": good, "seconds": round(used, 1), "how": how, "covers": count})


def run_mutants(proofs, mutants, build):
    """A mutant is refuted only by a counterexample: a tool that fails or finds nothing in time lets it live."""
    for e in proofs:
        mine = [m for m in mutants if m["proof"] == e["name"]]
        if not mine:
            tap.report(False, f"{e['name']} has a mutant", "none in mutants.toml")
        for m in mine:
            began = cpu()
            try:
                verdict, how = Proof(e, build, m).run()
            except Wrong as wrong:
                verdict, how = "wrong", str(wrong)
            took = cpu() - began
            tap.report(verdict == "refuted", f"{e['name']} refutes: {m['name']} ({how}, {took:.1f} s)", f"{verdict}: {how}")
            remember(build, "mutants", f"{e['name']}: {m['name']}", {"ok": verdict == "refuted", "seconds": round(took, 1)})


def print_table(proofs, mutants, build):
    seen = results(build)
    print("| proof | engine | small size | states reached | seconds | mutants refuted |\n|---|---|---|---|---|---|")
    for e in proofs:
        r = seen["proofs"].get(e["name"], {})
        mine = [m for m in mutants if m["proof"] == e["name"]]
        dead = sum(seen["mutants"].get(f"{e['name']}: {m['name']}", {}).get("ok", False) for m in mine)
        params = " ".join(f"{k}={v}" for k, v in e.get("params", {}).items()) or "-"
        depth = f" {e['depth']}" if e["engine"] == "bmc" else ""
        if "full_depth" in e:
            depth += f" ({e['full_depth']})"
        outcome = str(r.get("seconds", "?")) if r.get("ok", not r) else "FAILED"
        print(f"| {e['name']} | {e['engine']}{depth} | {params} | {r.get('covers', '?')} | {outcome} | {dead} of {len(mine)} |")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the tools are stopped too
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("what", choices=["run", "mutants", "table"])
    ap.add_argument("--set", choices=["quick", "full"], default="full", help="quick: only the proofs of `make test`")
    ap.add_argument("--only", default="", help="regular expression on the proof's name")
    ap.add_argument("--build", default="build")
    args = ap.parse_args()
    try:
        proofs = load("proofs.toml", "proof", PROOF_KEYS)
        mutants = load("mutants.toml", "mutant", MUTANT_KEYS)
        names = [p["name"] for p in proofs]
        for bad in [m for m in mutants if m["proof"] not in names]:
            raise Wrong(f"mutants.toml: {bad['name']}: no proof {bad['proof']}")
        if args.what == "table":
            print_table(proofs, mutants, args.build)
            return
        proofs = [p for p in proofs if (args.set == "full" or p["set"] == "quick") and re.search(args.only, p["name"])]
        if not proofs:
            raise Wrong("no proof of that name")
        if args.set == "full":
            for e in proofs:
                e["depth"] = e.get("full_depth", e.get("depth", 0))
        if args.what == "run":
            run_proofs(proofs, args.build)
        else:
            run_mutants(proofs, mutants, args.build)
    except Wrong as e:
        print(f"Bail out! {e}")
        sys.exit(2)
    tap.finish()


if __name__ == "__main__":
    main()
