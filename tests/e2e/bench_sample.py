#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Invented figures in the form that tripline bench --json writes (docs/bench_format.md): a synthetic sample for tests.

tests/e2e/bench_sample.py [--seed n] > tests/data/bench/sample.json
"""
import argparse
import json
import math
import random
import statistics

STAMPS = ["taken", "decoded", "submitted", "flag", "confirmed", "sized", "order", "last", "done"]
PERCENTS = [50, 90, 99, 99.9, 99.99, 99.999]
# name, count per frame, median ns, spread, one in so many is slow, by how much
STAGES = [("decode", 1, 46, .10, 3000, 7), ("submit", 1, 31, .12, 9000, 9), ("confirm", 1 / 1024, 58, .16, 700, 5),
          ("size", 1 / 1024, 88, .15, 500, 6), ("order", 1 / 1024, 41, .2, 900, 5),
          ("tick-to-command", 1, 79, .1, 2500, 14), ("tick-to-flag", 1 / 1024, 236, .12, 800, 9),
          ("tick-to-order", 1 / 1024, 431, .14, 500, 12), ("hand-over", 1 / 1024, 212, .3, 300, 10)]


def stage(rng, name, count, median, spread, one_in, factor, kind="measured", unit="ns", waits=0.0):
    """A log-normal body, a tail from one in one_in on, and waiting behind others where the load is high."""
    body, steep = statistics.NormalDist(), rng.uniform(.8, 1.6)

    def value(rest):
        """Of the frame than which `rest` of all are slower."""
        tail = max(0.0, -math.log10(rest * one_in))
        return int(median * math.exp(spread * body.inv_cdf(1 - rest)) * (1 + (factor - 1) * tail ** steep) - waits * math.log(rest))

    lengths = [i / 11 for i in range(1, int(11 * math.log10(count)) + 1)]
    curve = [[round(100 * (1 - 10 ** -d), 7), value(10 ** -d)] for d in lengths] or [[50, value(.5)]]
    most = value(.7 / count)
    p = {str(q): value(1 - q / 100) if count * (1 - q / 100) >= 1 else None for q in PERCENTS}
    return {"name": name, "kind": kind, "unit": unit, "count": count, "min": value(1 - .1 / count),
            "mean": round(value(.45) * 1.01, 1), "max": most, "p": p, "curve": curve + [[100, most]]}


def worst(rng, way, ns, frame, behind):
    parts = [behind * 260 + 20, 58, 30, 160, 64, 92, 43, 0, 70]
    scale = max(ns - behind * 260, 400) / 430
    stamps, at = {}, 0
    for name, part in zip(STAMPS, parts):
        at += int(part * (1 if name == "taken" else scale) * rng.uniform(.8, 1.2))
        stamps[name] = at
    end = {"tick-to-order": "order", "tick-to-command": "submitted", "done": "done"}[way]
    stamps = {name: int(at * ns / stamps[end]) for name, at in stamps.items()}
    stamps[end] = ns
    return {"way": way, "ns": ns, "frame": frame, "pass": rng.randrange(3), "ts_ns": str(1790000000 * 10**9 + frame * 10000),
            "behind": behind, "stamps": stamps, "flags": 1, "orders": 1, "ready": rng.randrange(2),
            "packet": {"bytes": 115, "what": f"deribit, 1 message: BTC_USDC-PERPETUAL mark {60000 - rng.randrange(900) / 2}",
                       "head": rng.randbytes(48).hex()}}


def run(rng, rate, frames):
    load = min(rate / 400000, 1) if rate else 1.0
    waits = 24 * load ** 2 / (1.02 - load) if rate else 0.0
    saturated = rate and rate > 400000
    if saturated:
        waits = 1.9e6
    stages = [stage(rng, name, max(int(frames * share), 1), median, spread, one_in, factor,
                    waits=waits if name.startswith("tick") else 0)
              for name, share, median, spread, one_in, factor in STAGES]
    orders = frames // 1024
    done = 412300.5 if saturated or not rate else rate - .4
    most = next(s["max"] for s in stages if s["name"] == "tick-to-order")
    slow = sorted((worst(rng, "tick-to-order", int(most * .93 ** i), rng.randrange(frames), rng.randrange(3) * 4)
                   for i in range(8)), key=lambda w: -w["ns"])
    return {
        "name": f"vector, {rate:,} frames a second" if rate else "vector, as fast as possible",
        "pace": {"mode": "rate" if rate else "max", "open": bool(rate), "times": None, "rate_pps": rate or None,
                 "arrivals": "poisson" if rate else None},
        "passes": 3, "warmup_frames": 20000, "frames": frames, "elapsed_ns": int(frames / done * 1e9),
        "offered_pps": rate or None, "done_pps": done, "backlog_max": 51873 if saturated else int(load * 9),
        "counts": {"frames": frames, "groups": frames, "ticks": frames, "flags": orders, "early": 0, "orders": orders,
                   "ready": orders // 2, "cold": orders - orders // 2, "replies": orders, "bands": 12, "boxes_foreground": 0,
                   "hits": orders, "hits_matched": orders, "hits_missed": 0, "hits_extra": 0},
        "quiet": {"minor_faults": 0, "major_faults": 0, "switches_wanted": 0, "switches_forced": rng.randrange(9)},
        "stages": stages, "worst": slow}


def wave():
    n = 26
    def bit(on):
        return [1 if i in on else 0 for i in range(n)]
    def bus(at):
        return [at.get(i, "") for i in range(n)]
    return {"cycle0": 1041, "cycles": n, "signals": [
        {"name": "s_axis_tvalid", "kind": "bit", "values": bit({2, 3})},
        {"name": "s_axis_tready", "kind": "bit", "values": bit(set(range(n)))},
        {"name": "s_axis_tdata", "kind": "bus", "values": bus({2: "TICK asset 0", 3: "TICK asset 0"})},
        {"name": "slot", "kind": "bus", "values": bus({i: str(i - 5) for i in range(5, 21)})},
        {"name": "m_axis_tvalid", "kind": "bit", "values": bit({19, 20, 21})},
        {"name": "m_axis_tdata", "kind": "bus", "values": bus({19: "TRIGGER row 419", 20: "TRIGGER row 419", 21: "DONE"})}]}


def timeline(rng):
    parts = [("frame to command", 79, .1, "measured"), ("to the card", 350, .06, "modelled"), ("card", 72, .03, "simulated"),
             ("from the card", 450, .06, "modelled"), ("card, to the group's end", 60, .03, "simulated"),
             ("further trips, link", 1, .01, "modelled"), ("flag to order", 190, .15, "measured")]
    stages = [stage(rng, name, 1953, median, spread, 500, 4 if kind == "measured" else 1, kind)
              for name, median, spread, kind in parts]
    waited = stage(rng, "waiting for the host", 1953, 40, .3, 500, 4)
    whole = stage(rng, "frame to order", 1953, 1250, .06, 500, 1.5)
    for s in waited, whole:
        del s["kind"]
        s["kinds"] = ["measured", "simulated", "modelled"]
    rows = []
    for name, mhz, lanes, slots, write, event in [("as built", 250, 32, 16, 350, 450), ("twice the clock", 500, 32, 16, 350, 450),
                                                  ("64 lanes", 250, 64, 8, 350, 450), ("128 lanes", 250, 128, 4, 350, 450),
                                                  ("link of half the latency", 250, 32, 16, 175, 225)]:
        device = (11 + slots / 2) * 1000 / mhz
        def p(base, tail):
            return dict({str(q): round(base * (1 + tail * i), 1) for i, q in enumerate(PERCENTS[:4])},
                        **{"99.99": None, "99.999": None, "max": round(base * (1 + 5 * tail), 1)})
        rows.append({"name": name, "clock_mhz": mhz, "lanes": lanes, "slots": slots, "write_ns": write, "event_ns": event,
                     "jitter_pct": 10, "device": {"p": p(device, .06)}, "whole": {"p": p(device + write + event + 280, .04)}})
    return {"clock_mhz": 250, "write_ns": 350, "event_ns": 450, "jitter_pct": 10, "lanes": 32, "slots": 16, "parts": stages,
            "seed": str(7), "frames": 1953, "quiet": 1998047, "unmatched": 0, "not_fit": 0, "dropped": 0,
            "waited": waited, "whole": whole, "whatif": rows,
            "check": {"events": 4011, "triggers": 1953, "differed": 0, "apart": 12, "commands": 8027, "early": 0},
            "slowest": {"frame": 402113, "ns": 2287, "waited": 170,
                        "parts": {"frame to command": 512, "to the card": 381, "card": 84, "from the card": 447,
                                  "card, to the group's end": 60, "further trips, link": 0, "flag to order": 633}, "wave": wave()}}


def sample(seed):
    rng = random.Random(seed)
    frames = 2000000
    return {
        "format": "tripline-bench-1", "title": "synthetic sample for tests", "made": "2026-11-20T12:00:00Z",
        "command": f"--load t0:B --rates 20000,50000,100000,200000,500000 --device vector --seed {seed}",
        "machine": {"cpu": "Invented Processor 9000", "cpus": 2, "hypervisor": "KVM", "governor": None, "smt": True, "turbo": None,
                    "kernel": "6.1.0", "isolated": "", "tickless": "", "huge": "madvise", "hugepages_2m": 0, "hugepages_2m_free": 0,
                    "hugepages_1g": 0, "memory_mb": 7951, "mitigations": "spectre_v2: IBRS", "compiler": "gcc 12.2.0 -O2 -g",
                    "commit": "invented", "notes": ["hot thread's CPU is not isolated", "no real-time priority"], "hot_cpu": 1,
                    "other_cpus": [0]},
        "clock": {"name": "tsc", "hz": 2599998213, "error_ppm": .4, "window_ms": 200, "drift_ppb": -38, "drift_span_ms": 61250,
                  "read_ns": 9.6},
        "load": {"kind": "t0", "what": "t0:B, 115 bytes a frame, one hit in 1,024", "synthetic": True, "seed": seed,
                 "frames": frames, "bytes": frames * 115, "span_ns": str(2 * 10**16)},
        "book": {"accounts": 1000000, "what": "synthetic, one pair", "boxed": True, "hot_rows": 4096, "hot_accounts": 3871},
        "device": {"backend": "vector", "isa": "avx2", "threads": 1, "lanes": 64, "slots": 64, "assets": 8, "cycles": False,
                   "clock_mhz": None},
        "runs": [run(rng, rate, frames) for rate in (20000, 50000, 100000, 200000, 500000)] + [run(rng, 0, frames)],
        "timeline": timeline(rng)}


def text(seed):
    """One value a line down to depth four, so that a refusal's line says something."""
    def put(value, depth):
        if depth and isinstance(value, dict) and value:
            pad = "\n" + " " * (5 - depth)
            return "{" + ",".join(f"{pad}{json.dumps(k)}: {put(v, depth - 1)}" for k, v in value.items()) + "}"
        if depth and isinstance(value, list) and value and isinstance(value[0], dict):
            pad = "\n" + " " * (5 - depth)
            return "[" + ",".join(pad + put(v, depth - 1) for v in value) + "]"
        return json.dumps(value, separators=(",", ":"))
    return put(sample(seed), 4) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=7)
    print(text(parser.parse_args().seed), end="")
