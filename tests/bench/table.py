#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One table of everything that can be put side by side, measured in one run: the README's.

usage: table.py TRIPLINE --scale SCALE_BENCH [--accounts 1e6] [--messages N] [--peers DIR] [--dir DIR]

* tripline with each device, on the load t0 (synthetic): a packet, from the frame in the ring to its command, to the order that was
  ready, and to the end of all that follows from it. Measured (TSC). The simulated device's own time is no time of this machine: its cycles are told.
* A full scan in C of as many accounts after one price, everything prepared for it.
* The libraries keepers use (--peers), on accounts of their own shape, of which they re-check all.
* DPDK's testpmd on the vdev net_pcap: what a packet costs that nobody looks at; and tripline on the same vdev and packets.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

VDEV_FRAMES = 6000  # net_pcap keeps them all in buffers
TESTPMD_S = 3


def bench(a, name, *more):
    """The one run of a `tripline bench`, and the whole of what it wrote."""
    out = os.path.join(a.dir, name + ".json")
    cmd = [a.tripline, "bench", "--quiet", "--json", out, *more]
    got = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if got.returncode != 0:
        sys.exit(f"table.py: {' '.join(cmd)}\n{got.stdout[-2000:]}{got.stderr}")
    with open(out, encoding="utf-8") as f:
        j = json.load(f)
    print(f"  {name}: {got.stdout.count(chr(10))} lines", file=sys.stderr)
    return j


def stage(j, name):
    for s in j["runs"][0]["stages"]:
        if s["name"] == name:
            return s
    return None


def show(s, percentiles=("50", "99", "99.9")):
    if not s:
        return " | ".join("-" for _ in percentiles)
    return " | ".join("-" if s["p"].get(p) is None else f"{s['p'][p]:,}" for p in percentiles)


def devices(a):
    print("A price packet of the synthetic load t0:B, each taken when the one before is done (service times, no waiting), ns by the "
          "TSC, measured:\n")
    print("| device | accounts | hot rows | to the command: p50 | p99 | p99.9 | to the ready order: p50 | p99 | p99.9 | orders | "
          "all done: p50 | p99 | p99.9 | on the card, RTL cycles (simulated): p50 | max |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, accounts, messages in (("vector", a.accounts, a.messages), ("model", a.accounts, a.messages // 20), ("sim", 1000, 5000)):
        more = [] if name == "sim" else ["--geometry", "128x128x256"]
        j = bench(a, name, "--device", name, "--load", "t0:B", "--generate", str(accounts), "--packets", str(messages), "--max", *more)
        r, device = j["runs"][0], stage(j, "device")
        cycles = f"{device['p']['50']:,} | {device['max']:,}" if device else "- | -"
        isa = f" ({j['device']['isa']})" if j["device"].get("isa") else ""
        hot = j["book"]["hot_rows"]
        # What simulating takes says nothing about a card: tick-to-order and tick-to-done are not there then.
        print(f"| `{name}`{isa} | {accounts:,} | {f'{hot:,}' if hot else 'all'} | {show(stage(j, 'tick-to-command'))} | "
              f"{show(stage(j, 'tick-to-order'))} | {r['counts']['orders']:,} | {show(stage(j, 'tick-to-done'))} | {cycles} |")


def scan(a):
    got = subprocess.run([a.scale, str(a.accounts), "0", "20000", "vector", "4096"], check=True, stdout=subprocess.PIPE, text=True)
    j = json.loads(got.stdout)
    print(f"| tripline, `vector`, nested boxes | {a.accounts:,} | {j['quiet']['p50'] / 1e6:.6f} | all, every update |")
    print(f"| full scan in C, everything prepared | {a.accounts:,} | {1e3 * j['scan_s']:.3f} | all, every update |")


def others(a):
    print("\nTo know after one price change which accounts may be liquidated, ms (measured):\n")
    print("| | accounts | ms | accounts looked at |")
    print("|---|--:|--:|---|")
    scan(a)
    if not a.peers:
        print("| libraries that keepers use | | | not run: PEERS= names no folder |")
        return
    for what, report, why in peers.run(a.peers):
        ms = report and peers.milliseconds(report)
        print(f"| {what} | {peers.ACCOUNTS:,} | {ms:,.1f} | all, of its own shape |" if ms else f"| {what} | | | {why or report} |")


def testpmd(capture, mode):
    """Packets a second that testpmd takes from the vdev, or why there is no figure."""
    program = shutil.which("dpdk-testpmd")
    if not program:
        return None, "no dpdk-testpmd"
    cmd = [program, "--no-huge", "-m", "1024", "--no-pci", "-l", "0,1", "--no-telemetry", "--log-level=error",
           "--file-prefix=table", "--vdev", f"net_pcap0,rx_pcap={capture},infinite_rx=1", "--", "-i", f"--forward-mode={mode}",
           f"--total-num-mbufs={8 * VDEV_FRAMES}", "--no-flush-rx"]
    with subprocess.Popen(["stdbuf", "-oL", *cmd], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as p:
        script = "start\nshow port stats all\nsleep\nshow port stats all\nstop\nquit\n"
        for line in script.splitlines():
            if line == "sleep":
                try:
                    p.wait(TESTPMD_S)
                except subprocess.TimeoutExpired:
                    pass
            elif p.poll() is None:
                p.stdin.write(line + "\n")
                p.stdin.flush()
        text = p.communicate()[0]
    rates = [int(x) for x in re.findall(r"Rx-pps:\s+(\d+)", text)]
    if p.returncode != 0 or not rates or rates[-1] == 0:
        return None, "testpmd does not run here: " + (text.strip().splitlines() or ["no output"])[-1]
    return rates[-1], None


def floor(a):
    print("\nA packet through DPDK's vdev net_pcap (frames in buffers, copied at each receive), ns a packet (measured):\n")
    print("| | ns a packet |")
    print("|---|--:|")
    capture = os.path.join(a.dir, "floor.pcap")
    subprocess.run([a.tripline, "gen", "-q", "-o", capture, "--packets", str(VDEV_FRAMES), "--rate", "10000"], check=True)
    for mode, what in (("rxonly", "testpmd, receive and drop"), ("io", "testpmd, receive and forward")):
        pps, why = testpmd(capture, mode)
        print(f"| {what} | {1e9 / pps:,.0f} |" if pps else f"| {what} | {why} |")
    j = bench(a, "vdev", "--device", "vector", "--capture", capture, "--generate", "240", "--max", "--dpdk")
    r = j["runs"][0]
    print(f"| tripline, all of it: decode, {r['counts']['ticks']:,} ticks on {r['counts']['frames']:,} packets, 240 accounts, "
          f"{r['counts']['orders']:,} orders | {1e9 / r['done_pps']:,.0f} |")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("tripline")
    ap.add_argument("--scale", required=True)
    ap.add_argument("--accounts", type=lambda x: int(float(x)), default=1000000)
    ap.add_argument("--messages", type=lambda x: int(float(x)), default=500000)
    ap.add_argument("--peers")
    ap.add_argument("--dir", default=".")
    a = ap.parse_args()
    os.makedirs(a.dir, exist_ok=True)
    devices(a)
    others(a)
    floor(a)


if __name__ == "__main__":
    main()
