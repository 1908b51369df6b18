#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline bench: what it writes is what docs/bench_format.md says, adds up and agrees with itself; hits have their orders; a pass
is a session like any other (its journal replays); wrong options, Ctrl-C. No figure is held against a time. Prints TAP.
Environment: TRIPLINE, SEED."""
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, report, tripline
from hist_log import percentile, read

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-bench-")
tmp = os.path.join(work, "tmp")
os.mkdir(tmp)
os.environ["TMPDIR"] = tmp
T0 = ("--generate", 300, "--seed", SEED)
SIM_SEED = 5

# ---- docs/bench_format.md

NONE = type(None)
INT, NUM, TEXT, BOOL = int, (int, float), str, bool
OR = {t: (t if isinstance(t, tuple) else (t,)) + (NONE,) for t in (INT, NUM, TEXT, BOOL)}
PERCENTS = ["50", "90", "99", "99.9", "99.99", "99.999"]
POINTS = ["taken", "decoded", "submitted", "flag", "confirmed", "sized", "order", "last", "done"]
STAGES = ["decode", "submit", "confirm", "size", "order", "tick-to-command", "tick-to-flag", "tick-to-order",
          "tick-to-order-cold", "tick-to-done", "hand-over", "device"]
STAGE = {"name": TEXT, "kind": TEXT, "unit": TEXT, "count": INT, "min": INT, "mean": INT, "max": INT,
         "p": {p: OR[INT] for p in PERCENTS}, "curve": [[NUM]]}
WORST = {"way": TEXT, "ns": INT, "frame": INT, "pass": INT, "ts_ns": TEXT, "behind": INT, "stamps": None, "flags": INT,
         "orders": INT, "ready": INT, "packet": {"bytes": INT, "what": TEXT, "head": TEXT}}
RUN = {"name": TEXT, "pace": {"mode": TEXT, "open": BOOL, "times": OR[NUM], "rate_pps": OR[NUM], "arrivals": OR[TEXT]},
       "passes": INT, "warmup_frames": INT, "frames": INT, "elapsed_ns": INT, "offered_pps": OR[NUM], "done_pps": OR[NUM],
       "backlog_max": OR[INT], "quiet": dict.fromkeys(("minor_faults", "major_faults", "switches_wanted", "switches_forced"), INT),
       "counts": dict.fromkeys(("frames", "groups", "ticks", "flags", "early", "orders", "ready", "cold", "replies", "bands",
                                "boxes_foreground"), INT), "stages": [STAGE], "worst": [WORST]}
FORMAT = {
    "format": TEXT, "title": TEXT, "made": TEXT, "command": TEXT,
    "machine": {"cpu": OR[TEXT], "cpus": INT, "hypervisor": OR[TEXT], "governor": OR[TEXT], "smt": OR[BOOL], "turbo": OR[BOOL],
                "kernel": OR[TEXT], "isolated": OR[TEXT], "tickless": OR[TEXT], "huge": OR[TEXT], "hugepages_2m": INT,
                "hugepages_2m_free": INT, "hugepages_1g": INT, "memory_mb": INT, "mitigations": OR[TEXT], "compiler": TEXT,
                "commit": OR[TEXT], "notes": [TEXT], "hot_cpu": INT, "other_cpus": [INT]},
    "clock": {"name": TEXT, "hz": INT, "error_ppm": INT, "window_ms": INT, "drift_ppb": OR[INT], "drift_error_ppb": OR[INT],
              "drift_span_ms": OR[INT], "read_ns": OR[NUM], "kernel_source": OR[TEXT], "cpus_apart_ns": OR[INT],
              "cpus_apart_error_ns": OR[INT]},
    "load": {"kind": TEXT, "what": TEXT, "synthetic": BOOL, "seed": (int, str, NONE), "frames": INT, "bytes": INT, "span_ns": INT},
    "book": {"accounts": INT, "what": TEXT, "boxed": BOOL, "hot_rows": OR[INT], "hot_accounts": INT},
    "device": {"backend": TEXT, "isa": OR[TEXT], "threads": INT, "lanes": INT, "slots": INT, "assets": INT, "cycles": BOOL,
               "clock_mhz": OR[INT]},
    "runs": [RUN], "timeline": None}
PARTS = [("frame to command", "measured"), ("to the card", "modelled"), ("card", "simulated"), ("from the card", "modelled"),
         ("card, to the group's end", "simulated"), ("further trips, link", "modelled"), ("flag to order", "measured")]
KINDS = ["measured", "simulated", "modelled"]
LINK = dict.fromkeys(("clock_mhz", "write_ns", "event_ns", "jitter_pct", "lanes", "slots"), INT)
SUM = dict({k: v for k, v in STAGE.items() if k != "kind"}, kinds=[TEXT])
MOST = {"p": dict({p: OR[INT] for p in PERCENTS}, max=INT)}
TIMELINE = dict(LINK, seed=TEXT, **dict.fromkeys(("frames", "quiet", "unmatched", "not_fit", "dropped"), INT), parts=[STAGE],
                waited=SUM, whole=SUM,
                check=dict.fromkeys(("events", "triggers", "differed", "apart", "commands", "early"), INT),
                whatif=[dict(LINK, name=TEXT, fabric=BOOL, device=MOST, whole=MOST)],
                slowest={"frame": INT, "ns": INT, "waited": INT, "parts": {n: INT for n, _ in PARTS},
                         "wave": {"cycle0": INT, "cycles": INT, "signals": [{"name": TEXT, "kind": TEXT, "values": [(int, str)]}]}})


def misfits(v, form, where="document"):
    """What does not have the form; members that the form does not name are allowed."""
    if isinstance(form, dict):
        if not isinstance(v, dict):
            return ["%s is no object" % where]
        missing = ["%s.%s is missing" % (where, k) for k in form if k not in v]
        return missing + [w for k, f in form.items() if k in v for w in misfits(v[k], f, where + "." + k)]
    if isinstance(form, list):
        if not isinstance(v, list):
            return ["%s is no array" % where]
        return [w for i, x in enumerate(v) for w in misfits(x, form[0], "%s[%d]" % (where, i))]
    bad = form is not None and (not isinstance(v, form) or (isinstance(v, bool) and form is not BOOL and form != OR[BOOL]))
    return ["%s is %r" % (where, v)] if bad else []


# ---- what holds of every result

def check_stage(s, out, want=None):
    have = [s["p"][p] for p in PERCENTS if s["p"][p] is not None]
    row = [s["min"], *have, s["max"]]
    if any(a > b for a, b in zip(row, row[1:])):
        out.append("%s: percentiles do not ascend: %s" % (s["name"], row))
    if not s["min"] <= s["mean"] <= s["max"]:
        out.append("%s: mean" % s["name"])
    for p in PERCENTS:
        enough = s["count"] * round((100 - float(p)) * 1000) >= 100000
        if (s["p"][p] is not None) != enough:
            out.append("%s: p%s of %d values is %s" % (s["name"], p, s["count"], s["p"][p]))
    c = s["curve"]
    if any(a[0] >= b[0] or a[1] > b[1] for a, b in zip(c, c[1:])) or c[0] != [0, s["min"]] or c[-1] != [100, s["max"]] \
            or not 2 <= len(c) <= 200 or any(len(x) != 2 for x in c):
        out.append("%s: curve %s" % (s["name"], c))
    want = want or (("simulated", "cycles") if s["name"] == "device" else ("measured", "ns"))
    if (s["kind"] if "kind" in s else s["kinds"], s["unit"]) != want:
        out.append("%s: %s in %s" % (s["name"], s.get("kind"), s["unit"]))


def check_worst(r, by_name, most, out):
    ends = {"tick-to-order": "last", "tick-to-command": "submitted", "done": "done"}
    for way, end in ends.items():
        w = [x for x in r["worst"] if x["way"] == way]
        if [x["ns"] for x in w] != sorted((x["ns"] for x in w), reverse=True) or len(w) > most:
            out.append("%s: not slowest first, or too many" % way)
        of = {"tick-to-order": ["tick-to-order", "tick-to-order-cold"], "done": ["tick-to-done"]}.get(way, [way])
        slowest = max((by_name[name]["max"] for name in of if name in by_name), default=0)
        if w and w[0]["ns"] != slowest:
            out.append("%s: slowest %d, maximum %d" % (way, w[0]["ns"], slowest))
        for x in w:
            at = [x["stamps"][p] for p in POINTS if p in x["stamps"]]
            if at != sorted(at) or set(x["stamps"]) - set(POINTS) or x["stamps"].get(end) != x["ns"]:
                out.append("%s: stamps %s of %d ns" % (way, x["stamps"], x["ns"]))
            if not re.fullmatch("([0-9a-f]{2}){1,96}", x["packet"]["head"]) or not x["packet"]["what"]:
                out.append("%s: packet %s" % (way, x["packet"]))


def check_run(d, r, most, out):
    n, by_name = r["counts"], {s["name"]: s for s in r["stages"]}
    names = [s["name"] for s in r["stages"]]
    if names != [x for x in STAGES if x in names]:
        out.append("stages %s" % names)
    for s in r["stages"]:
        check_stage(s, out)
    check_worst(r, by_name, most, out)
    if r["frames"] != n["frames"] or r["frames"] != (d["load"]["frames"] - r["warmup_frames"]) * r["passes"]:
        out.append("frames %d, counts %d, load %d less %d, times %d" % (r["frames"], n["frames"], d["load"]["frames"],
                                                                     r["warmup_frames"], r["passes"]))
    if n["orders"] != n["ready"] + n["cold"] or n["early"] > n["flags"]:
        out.append("counts %s" % n)
    if by_name.get("hand-over", {"count": 0})["count"] != n["orders"]:
        out.append("hand-overs")
    if by_name["tick-to-command"]["count"] > n["frames"] if "tick-to-command" in by_name else False:
        out.append("more commands than frames")
    p = r["pace"]
    if p["open"] != (p["mode"] in ("recorded", "rate")) or (r["backlog_max"] is not None) != p["open"] or \
            (r["offered_pps"] is not None) != p["open"]:
        out.append("pace %s" % p)
    if d["load"]["kind"] == "t0":
        if not n["hits"] == n["hits_matched"] == n["orders"] or n["hits_missed"] or n["hits_extra"]:
            out.append("hits %s" % n)
        # Two messages in a row with the same price (one in a million) are no second group.
        if by_name["decode"]["count"] != n["groups"] or not 0 <= n["frames"] - n["groups"] <= 3:
            out.append("a message is a group: %s" % n)


def check_wave(w, out):
    """From the tick that is taken to its trigger, every signal in every cycle."""
    by_name = {s["name"]: s["values"] for s in w["signals"]}
    if any(len(v) != w["cycles"] for v in by_name.values()) or len(by_name) != len(w["signals"]) or not 4 < w["cycles"] <= 96:
        out.append("wave: cycles")
    for s in w["signals"]:
        if any((v not in (0, 1)) if s["kind"] == "bit" else not isinstance(v, str) for v in s["values"]):
            out.append("wave: %s" % s)
    at = [i for i, v in enumerate(by_name["event"]) if v.startswith("TRIGGER row ")]
    if not at or not all(by_name["event valid"][i] == 1 for i in at) or \
            [i for i in at if i < 4] or "TICK" not in by_name["command"][:at[0]]:
        out.append("wave: %s" % by_name)


def check_timeline(d, t):
    """Three kinds that add up, nothing left out in silence, cycles that are the RTL's."""
    out = misfits(t, TIMELINE, "timeline")
    if out:
        return out
    if [(s["name"], s["kind"]) for s in t["parts"]] != PARTS:
        out.append("parts %s" % [(s["name"], s["kind"]) for s in t["parts"]])
    for s in t["parts"]:
        check_stage(s, out, (s["kind"], "ns"))
    for s in t["waited"], t["whole"]:
        check_stage(s, out, (KINDS, "ns"))
    every = [t["waited"], *t["parts"]]
    if any(s["count"] != t["frames"] for s in [*every, t["whole"]]) or not t["frames"]:
        out.append("counts")
    # Each of the nine means is rounded.
    if abs(sum(s["mean"] for s in every) - t["whole"]["mean"]) > 9 or t["whole"]["min"] < sum(s["min"] for s in every) - 8:
        out.append("the parts' means do not add up to the whole's")
    if (t["frames"] + sum(t[k] for k in ("quiet", "unmatched", "not_fit", "dropped"))) * d["runs"][0]["passes"] \
            != d["runs"][0]["frames"]:
        out.append("frames are left out in silence")
    if t["unmatched"] or t["not_fit"] or t["dropped"]:
        out.append("the runs differ: %s" % {k: t[k] for k in ("unmatched", "not_fit", "dropped")})
    s, c = t["slowest"], t["check"]
    if abs(s["waited"] + sum(s["parts"].values()) - s["ns"]) > 8 or abs(s["ns"] - t["whole"]["max"]) > 1:
        out.append("the slowest tick's parts do not add up: %s" % s["parts"])
    if c["differed"] or c["early"] or not 0 < c["triggers"] <= c["events"] or not c["commands"]:
        out.append("check %s" % c)
    for part, ns in ("to the card", t["write_ns"]), ("from the card", t["event_ns"]):
        p = next(x for x in t["parts"] if x["name"] == part)
        if not ns <= p["min"] <= p["max"] <= ns * (100 + t["jitter_pct"]) // 100 + 1:
            out.append("link: %s" % p)
    own, fabric = t["whatif"][0], t["whatif"][-1]
    if len(t["whatif"]) < 6 or {k: own[k] for k in LINK} != {k: t[k] for k in LINK} or not fabric["fabric"] or \
            fabric["whole"] != fabric["device"] or own["whole"]["p"] != dict(t["whole"]["p"], max=t["whole"]["max"]) or \
            own["device"]["p"] != dict(t["parts"][2]["p"], max=t["parts"][2]["max"]):
        out.append("what-if")
    check_wave(s["wave"], out)
    if (t["lanes"], t["slots"]) != (d["device"]["lanes"], d["device"]["slots"]):
        out.append("other rows than were measured")
    return out


def check(d, most=10):
    out = misfits(d, FORMAT)
    if out:
        return out
    if d["format"] != "tripline-bench-1" or not re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", d["made"]):
        out.append("head")
    for r in d["runs"]:
        check_run(d, r, most, out)
    return out + (check_timeline(d, d["timeline"]) if d["timeline"] else [])


def bench(name, *args):
    path = os.path.join(work, name + ".json")
    p = tripline("bench", "--quiet", "--json", path, "--histograms", os.path.join(work, name + ".hlog"), *args)
    try:
        return p, json.load(open(path))
    except (OSError, ValueError) as e:
        return p, {"broken": str(e)}


def check_log(name, d):
    """The histogram log says what the JSON says."""
    out, got = [], {t: c for t, _, c in read(os.path.join(work, name + ".hlog"))}
    for i, r in enumerate(d["runs"]):
        for s in r["stages"]:
            c = got.pop("run%d-%s" % (i + 1, s["name"]), None)
            if s["unit"] != "ns":
                continue
            # The log does not have the exact maximum, by which a percentile in its bucket is cut off.
            if c is None or sum(c) != s["count"] or (s["p"]["50"] is not None and min(percentile(c, 50), s["max"]) != s["p"]["50"]):
                out.append("run %d, %s" % (i + 1, s["name"]))
    return out + ["%s in the log alone" % t for t in got]


def good(name, what, *args):
    p, d = bench(name, *args)
    out = check(d) if p.returncode == 0 else [p.stdout, p.stderr]
    if not out:
        out = check_log(name, d)
    report(not out, what, "\n".join(out))
    return p, d


# ---- loads, devices, paces

def devices():
    for device in ("model", "vector"):
        p, d = good(device, "t0 on %s: document, counts, hits, percentiles, log" % device, *T0, "--packets", 15000, "--rate", 50000,
                    "--device", device)
        report(d.get("runs") and d["runs"][0]["counts"]["hits"] > 0 and d["load"]["synthetic"] and "synthetic" in p.stdout,
               "hits were among them; the load is called synthetic", p.stdout)
        names = {s["name"] for s in d["runs"][0]["stages"]}
        report({"tick-to-flag", "tick-to-order", "hand-over"} <= names and "device" not in names, "whole ways are reported", names)
    # A seed of its own: few messages, and a hit among them.
    p, d = good("sim", "t0 on the simulated device", "--generate", 300, "--seed", SIM_SEED, "--packets", 1500, "--warmup", 100,
                "--device", "sim")
    names = {s["name"] for s in d["runs"][0]["stages"]}
    report({"device", "decode", "tick-to-command"} <= names and not names & {"tick-to-flag", "tick-to-order", "tick-to-order-cold",
                                                                               "tick-to-done"},
           "cycles are reported, and nothing that holds the time of simulating", names)
    report({w["way"] for w in d["runs"][0]["worst"]} == {"tick-to-command"} and "left out" in p.stdout, "nor in the worst lists",
           p.stdout)
    report(d["device"]["cycles"] and d["device"]["clock_mhz"] == 250 and d["runs"][0]["pace"]["mode"] == "max",
           "its clock is stated", d["device"])


def paces():
    p, d = good("rates", "two rates of two passes, at random: two runs on one load", *T0, "--packets", 3000, "--rates",
                "20000,90000", "--poisson", "--passes", 2, "--worst", 3, "--no-journal")
    report([r["pace"]["rate_pps"] for r in d["runs"]] == [20000, 90000] and all(r["passes"] == 2 for r in d["runs"]) and
           {w["pass"] for r in d["runs"] for w in r["worst"]} <= {0, 1}, "each with its rate, its passes together", p.stdout)
    report(any("no journal" in n for n in d["machine"]["notes"]), "that there was no journal is noted", d["machine"]["notes"])
    _, d = good("closed", "closed loop, frames of 503 bytes", *T0, "--load", "t0:A", "--packets", 3000, "--closed", "--think", 100)
    report(not d["runs"][0]["pace"]["open"] and
           all(w["behind"] == 0 and w["packet"]["bytes"] == 503 for w in d["runs"][0]["worst"]),
           "is named so, and nothing waits", d["runs"][0]["pace"])
    cpus = os.sched_getaffinity(0)
    p, d = good("max", "as fast as it goes, on a CPU that is named", *T0, "--packets", 3000, "--max", "--cpu", min(cpus),
                "--title", 'a "title"')
    report(d["title"] == 'a "title"' and d["machine"]["hot_cpu"] == min(cpus) and
           d["machine"]["other_cpus"] == (sorted(cpus)[1:] or sorted(cpus)), "the others stay off it", d["machine"])


def few_locked():
    """Almost no memory may be locked, also by root."""
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    ctypes.CDLL(None).prctl(24, 14, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_IPC_LOCK


def memory():
    p = subprocess.run([TRIPLINE, "bench", "--quiet", *map(str, T0), "--packets", "2000", "--max", "--device", "model"],
                       capture_output=True, text=True, timeout=DEADLINE, preexec_fn=few_locked)
    report(p.returncode == 0 and len(re.findall("note: memory is n", p.stdout)) == 1, "memory that could not be locked is noted",
           p.stdout + p.stderr)


def timelines():
    """The first run's load once more, simulated: replies come in the same places, whatever the disk did."""
    p, d = good("line", "a time line of the crash path, twenty times as fast as recorded", "--load", "crash", "--seconds", 4,
                "--speed", 20, "--seed", SEED, "--timeline", "--clock", 322, "--pcie", "300,400,900", "--jitter", 25)
    t = d.get("timeline") or {}
    report((t.get("clock_mhz"), t.get("write_ns"), t.get("event_ns"), t.get("jitter_pct")) == (322, 300, 400, 25) and
           t["seed"] == str(SEED) and d["device"]["backend"] == "vector" and not d["device"]["cycles"],
           "the card's options are the card's; what was measured is the vector device", d.get("device"))
    report("host measured, card simulated (32x16, 322 MHz assumed)" in p.stdout and "What if" in p.stdout and
           "NOT HOLD" not in p.stdout, "and as text", p.stdout)
    ps = {w["name"]: w["device"]["p"]["max"] for w in t["whatif"]}
    report(ps["clock: 156 MHz, assumed"] > ps["clock: 644 MHz, assumed"], "what-if: a faster clock, a faster card", ps)
    p, d = good("line-t0", "a time line of the load t0, as fast as it goes, two passes; the first counts", *T0, "--packets",
                12000, "--max", "--passes", 2, "--timeline")
    report(2 * d["timeline"]["frames"] == d["runs"][0]["counts"]["hits"] > 0 and d["timeline"]["whole"]["p"]["99"] is None,
           "a way for each hit", d["timeline"]["frames"])
    _, plain = good("no-line", "without --timeline", *T0, "--packets", 2000, "--max")
    report(plain["timeline"] is None, "there is none")


def captures():
    pcap, db = os.path.join(work, "crash.pcap"), os.path.join(work, "a.db")
    must("gen", "-q", "-o", pcap, "--path", "crash", "--seconds", 10, "--rate", 200, "--seed", SEED)
    must("accounts", "gen", "--db", db, "--accounts", 150, "--seed", SEED)
    _, d = good("capture", "a capture at forty times its speed, accounts of a store", "--capture", pcap, "--accounts", db,
                "--speed", 40, "--device", "model", "--dir", os.path.join(work, "kept"))
    r = d["runs"][0]
    report(not d["load"]["synthetic"] and d["load"]["kind"] == "capture" and d["load"]["frames"] == 2000 and
           d["book"]["accounts"] == 150 and work not in json.dumps(d["command"]), "named; no folder in what is written", d["load"])
    report(r["counts"]["orders"] > 10 and r["counts"]["replies"] >= r["counts"]["orders"] // 2, "orders are filled", r["counts"])
    seconds = d["load"]["span_ns"] / 1e9
    report(seconds > 9.9 and r["elapsed_ns"] >= d["load"]["span_ns"] // 40 * 9 // 20, "no faster than asked for", r["elapsed_ns"])
    journal = os.path.join(work, "kept", "journal-1-1")
    p = tripline("replay", "--audit", "--device", "model", journal)
    report(p.returncode == 0 and "replay: identical" in p.stdout and "missed=0" in p.stdout,
           "the pass's journal replays to the same: it was a session like any other, and missed nothing", p.stdout + p.stderr)
    p = tripline("bench", "--quiet", "--capture", pcap, "--generate", 50, "--packets", 1000, "--max", "--device", "model",
                 "--dir", os.path.join(work, "kept"))
    report(p.returncode == 1 and "journal-1-1" in p.stderr, "a journal that is there is not touched", p.stderr)
    good("generated", "a generated load and accounts", "--load", "gap", "--seconds", 4, "--stamps", 400, "--max", "--generate",
         400, "--device", "vector", "--seed", SEED)
    p, d = good("own", "accounts on a capture's first prices", "--capture", pcap, "--generate", 80, "--packets", 1200, "--max",
                "--device", "model", "--warmup", 0)
    good("still", "silence longer than a port's driver may be silent is no failure", "--load", "calm", "--packets", 2,
         "--stamps", 1, "--warmup", 0, "--speed", 0.45, "--generate", 50, "--device", "model")
    report(d["load"]["frames"] == 1200 and "capture's first prices" in d["book"]["what"], "its first packets", d["load"])
    _, port = good("dpdk", "the same through a port of DPDK's", "--capture", pcap, "--generate", 80, "--max", "--dpdk")
    _, memory = good("memory", "and from memory", "--capture", pcap, "--generate", 80, "--max")
    a, b = (x["runs"][0]["counts"] for x in (port, memory))
    report(all(a[k] == b[k] > 0 for k in ("frames", "groups", "ticks")), "the same prices by both ways", (a, b))


def failures():
    p = tripline("bench", "--quiet", *T0, "--packets", 6000, "--max", "--device", "model", "--set", "max_order_e8=1")
    missed = re.search(r"hits (\d+): 0 matched.*, \1 missed", p.stdout)
    report(p.returncode == 1 and "without exactly one order" in p.stderr and missed,
           "hits without orders: exit status 1", p.stdout + p.stderr)
    wrong = [(("--timeline", "--device", "sim"), "vector or model"), (("--load", "t1"), "t0, t0:A"), (("--rate", "0"), "--rate"), (("--rates", "5,,6"), "--rates"),
             (("--speed", "x"), "factor"),
             (("--max", "--closed"), "one of"), (("--rate", "5", "--speed", "2"), "one of"), (("--poisson",), "--rate PPS"),
             (("--think", "5"), "--closed"), (("--accounts", "a.db"), "--generate"), (("--seconds", "5"), "generated"),
             (("--capture", "a", "--load", "t0"), "either"), (("--isa", "avx2", "--device", "model"), "vector"),
             (("--clock", "100"), "simulated"), (("--worst", "65"), "0 to 64"), (("--passes", "0"), "1 to 1000"),
             (("--set", "lanes=3"), "--geometry"), (("--set", "nonsense=3"), "nonsense"),
             (("--dir", "d", "--no-journal"), "either"),
             (("--rates", ",".join(["5"] * 17)), "16"), (("extra",), "unexpected"), (("--no-such",), "bad option")]
    for args, why in wrong:
        p = tripline("bench", *args)
        if not (p.returncode == 2 and why in p.stderr and "tripline bench --help" in p.stderr and not p.stdout):
            report(False, "wrong: %s" % " ".join(args), p.stderr)
            break
    else:
        report(True, "%d kinds of wrong usage end with 2 and say what is right" % len(wrong))
    for args, why in (((*T0, "--packets", "100", "--warmup", "5000"), "--warmup less"),
                      (("--capture", work + "/no.pcap"), "no.pcap"),
                      ((*T0, "--packets", "199997", "--timeline"), "--packets 199996"),
                      ((*T0, "--packets", "2000", "--timeline", "--geometry", "64x64x256"), "leave --geometry out"),
                      (("--json", work + "/one", "--histograms", work + "/./one"), "another file"),
                      (("--json", "-", "--histograms", "-"), "another file"),
                      ((*T0, "--packets", "100", "--cpu", "4000"), "CPU 4000"), (("--json", work + "/no/where.json"), "where.json"),
                      (("--load", "calm", "--accounts", work + "/no.db", "--packets", "2000"), "no.db")):
        p = tripline("bench", "--quiet", *args)
        if not (p.returncode == 1 and why in p.stderr):
            report(False, "fails: %s" % " ".join(map(str, args)), p.stderr)
            break
    else:
        report(True, "what cannot be done ends with 1 and says why")
    kept = os.path.join(work, "kept.json")
    open(kept, "w").write("x" * 100000)
    p = tripline("bench", "--quiet", "--capture", work + "/no.pcap", "--json", kept)
    same = open(kept).read() == "x" * 100000
    p = tripline("bench", "--quiet", *T0, "--packets", 2000, "--max", "--device", "model", "--json", kept)
    report(same and p.returncode == 0 and not check(json.load(open(kept))), "a result's file stays until a new result "
           "takes its place", p.stderr)
    with open("/dev/full", "w") as full:
        p = subprocess.run([TRIPLINE, "bench", "--quiet", *map(str, T0), "--packets", "2000", "--max", "--device", "model"],
                           stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
    report(p.returncode == 1 and "standard output" in p.stderr, "figures that cannot be written end with 1", p.stderr)
    policy = os.path.join(work, "bad.conf")
    open(policy, "w").write("nonsense\n")
    p = tripline("bench", "--quiet", "--load", "calm", "--generate", 50, "--packets", 2000, "--oracle", policy)
    report(p.returncode == 2 and "bad.conf" in p.stderr, "a wrong policy file ends with 2", p.stderr)
    p = tripline("bench", "--help")
    listed = set(re.findall(r"--[a-z-]+", p.stdout))
    report(p.returncode == 0 and {"--load", "--rates", "--closed", "--think", "--histograms", "--watchdog", "--no-spin", "--timeline"} <= listed,
           "--help lists the options", p.stdout)
    p = tripline("bench", "--quiet", *T0, "--packets", 2000, "--max", "--device", "model", "--json", "-")
    try:
        report(not check(json.loads(p.stdout)), "--json - is the document alone")
    except ValueError:
        report(False, "--json - is the document alone", p.stdout)


def interrupted(sig):
    name = os.path.join(work, "stopped-%d" % sig)
    args = [*map(str, T0), "--packets", "400000", "--rate", "2000", "--warmup", "100", "--device", "model", "--dir", name]
    p = subprocess.Popen([TRIPLINE, "bench", "--quiet", *args, "--json", name + ".json"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(sig, signal.SIG_DFL))
    journal, end = os.path.join(name, "journal-1-1"), time.monotonic() + DEADLINE
    # Accounts and warm-up are far less than this.
    while time.monotonic() < end and p.poll() is None and not (os.path.exists(journal) and os.path.getsize(journal) > 600000):
        time.sleep(0.02)
    p.send_signal(sig)
    out, err = p.communicate(timeout=DEADLINE)
    d = json.load(open(name + ".json"))
    r = d["runs"][0]
    n = r["counts"]
    report(p.returncode == 1 and "interrupted" in err and "interrupted" in out and d["interrupted"] and r["interrupted"] and
           0 < r["frames"] < 390000 and not misfits(d, FORMAT), "%s: a report of what was measured" % sig.name, out + err)
    report(n["hits"] == n["hits_matched"] and not n["hits_missed"] and not n["hits_extra"],
           "its hits are those that were played", n)


def interrupted_early():
    """While the load is being made, which takes minutes: there is nothing to wait for."""
    kept = os.path.join(work, "early.json")
    open(kept, "w").write("kept")
    p = subprocess.Popen([TRIPLINE, "bench", "--quiet", *map(str, T0), "--packets", "100000000", "--json", kept],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and p.poll() is None and os.listdir(tmp) == []:
        time.sleep(0.02)
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=DEADLINE)
    report(p.returncode == 1 and "before anything was measured" in err and not out and open(kept).read() == "kept",
           "ended before anything was measured: it says so at once", out + err)


def main():
    devices()
    paces()
    memory()
    timelines()
    captures()
    failures()
    interrupted(signal.SIGINT)
    interrupted(signal.SIGTERM)
    interrupted_early()
    report(os.listdir(tmp) == [], "nothing is left in the temporary folder", os.listdir(tmp))


main()
shutil.rmtree(work)
finish()
