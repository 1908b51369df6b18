# SPDX-License-Identifier: Apache-2.0
"""The market's packets on a wire: a network of our own (everything in it ends with its last process), a veth pair, and a
sender that plays a capture of `tripline gen` at the pace of its stamps."""
import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import deribit_reader  # noqa: E402
from run_world import PricePath  # noqa: E402

CLONE_NEWNET = 0x40000000
TX, RX = "market0", "market1"
INDEX_TEMPLATE = "1008"
MADE_OF = "BTC-PERPETUAL,ETH-PERPETUAL"  # their indexes are btc_usd and eth_usd
SOURCES = {"WBTC": "btc_usd", "WETH": "eth_usd"}


def own_network():
    """Moves this process into a network of its own, with the pair of interfaces. Why it cannot be had, or None. To be called
    before there are other threads."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "a network of our own needs root and iproute2"
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        return "a network of our own: " + os.strerror(ctypes.get_errno())
    for cmd in (["ip", "link", "set", "lo", "up"], ["ip", "link", "add", TX, "type", "veth", "peer", "name", RX]):
        p = subprocess.run(cmd, capture_output=True, text=True, check=False)
        if p.returncode:
            return f"{' '.join(cmd)}: {p.stderr.strip()}"
    for dev in (TX, RX):
        Path(f"/proc/sys/net/ipv6/conf/{dev}/disable_ipv6").write_text("1")
        p = subprocess.run(["ip", "link", "set", dev, "up"], capture_output=True, text=True, check=False)
        if p.returncode:
            return p.stderr.strip()
    return None


def capture(tripline, out, **options):
    """A capture by `tripline gen`; its options by name."""
    more = [x for k, v in options.items() for x in ("--" + k, str(v))]
    subprocess.run([tripline, "gen", "-q", "-o", out, "--instruments", MADE_OF, *more], check=True)
    return out


def price_path(path):
    """What its indexes say, seconds from its begin. Read by a program that shares nothing with the generator."""
    rows = [dict(zip(deribit_reader.COLUMNS, r)) for r in deribit_reader.read(path).rows]
    first = int(rows[0]["cap_ts_ns"])
    return PricePath(((int(r["cap_ts_ns"]) - first) / 1e9, r["name"], float(r["index"])) for r in rows
                     if str(r["template"]) == INDEX_TEMPLATE)


def payload(frame):
    """Of a UDP datagram, whatever tags it has (a kernel takes them off); None when it is none."""
    udp = deribit_reader.udp_of(1, frame, len(frame))
    return udp and udp[2]


class Player:
    """Sends a capture's frames from `begin` on, up to `end` (seconds of the capture), at their pace, in a thread."""

    def __init__(self, path):
        first, self.frames = None, []
        for ts, _, frame, _ in deribit_reader.records(path):
            first = first or ts
            self.frames.append(((ts - first) / 1e9, frame))
        self.length = self.frames[-1][0]
        self.at, self.sent = 0.0, 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((TX, 0))
        self._stop, self._thread = threading.Event(), None

    def play(self, end=None):
        end = self.length if end is None else end
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(self.at, end), daemon=True)
        self._thread.start()

    def _run(self, begin, end):
        start = time.monotonic() - begin
        while self.sent < len(self.frames) and self.frames[self.sent][0] <= end:
            at, frame = self.frames[self.sent]
            if self._stop.wait(max(0.0, start + at - time.monotonic())):
                return
            self.socket.send(frame)
            self.at = at
            self.sent += 1
        self.at = end

    def done(self):
        return not self._thread.is_alive()

    def join(self):
        self._thread.join()

    def stop(self):
        self._stop.set()
        if self._thread:
            self._thread.join()

    def close(self):
        self.stop()
        self.socket.close()
