#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The live path: two network namespaces joined by veth, a sender in one, tripline on net_af_packet in the other.

Skipped where namespaces may not be made. Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, skip

A, B = "tl-tx-%d" % os.getpid(), "tl-rx-%d" % os.getpid()


def sh(*args):
    return subprocess.run(args, capture_output=True, text=True)


def frames(path):
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def send(path, rate):
    """Runs inside the sender's namespace."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("veth0", 0))
    for i, f in enumerate(frames(path)):
        s.send(f)
        if i % 20 == 19:
            time.sleep(20.0 / rate)


def make_namespaces():
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "needs root and iproute2"
    for cmd in (["ip", "netns", "add", A], ["ip", "netns", "add", B],
                ["ip", "-n", A, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", B]):
        p = sh(*cmd)
        if p.returncode:
            return "%s: %s" % (" ".join(cmd), p.stderr.strip())
    for ns, dev in ((A, "veth0"), (B, "veth1")):
        sh("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        p = sh("ip", "-n", ns, "link", "set", dev, "up")
        if p.returncode:
            return p.stderr.strip()
    return None


def wait_for(process, path):
    """The journal appears before the ports open; the port's own line is what tells that it listens."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if os.path.exists(path):
            return True
        time.sleep(0.05)
    return False


def main():
    print("# SEED=%d" % SEED)
    why = make_namespaces()
    work = tempfile.mkdtemp(prefix="tl-live-")
    try:
        if why:
            skip("live path over veth", why)
            return
        capture, db, d = (os.path.join(work, n) for n in ("crash.pcap", "accounts.db", "run"))
        must("gen", "-o", capture, "--path", "crash", "--seconds", 15, "--rate", 200, "--seed", SEED)
        must("accounts", "gen", "--db", db, "--accounts", 240, "--seed", SEED)
        sent = sum(1 for _ in frames(capture))
        p = subprocess.Popen(["ip", "netns", "exec", B, TRIPLINE, "run", "--quiet", "--accounts", db, "--iface",
                              "veth1", "--dir", d, "--device", "model", "--audit", "--packets", str(sent),
                              "--seconds", "120"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = wait_for(p, os.path.join(d, "ready"))
        if ready:
            tx = sh("ip", "netns", "exec", A, sys.executable, os.path.abspath(__file__), "--send", capture, "2000")
            if tx.returncode:
                p.kill()
                report(False, "the sender works", tx.stderr)
        out, err = p.communicate(timeout=DEADLINE)
        report(ready and p.returncode == 0, "tripline runs on a live interface", out + err)
        report(number(out, r"packets\s+(\d+) frames") == sent, "all %d frames arrive" % sent, out)
        report(number(out, r"orders\s+(\d+) handed") > 0, "orders leave", out)
        report("missed=0 unconfirmed_orders=0" in out, "the audit holds", out)
    finally:
        sh("ip", "netns", "del", A)
        sh("ip", "netns", "del", B)
        shutil.rmtree(work)


if len(sys.argv) == 4 and sys.argv[1] == "--send":
    send(sys.argv[2], float(sys.argv[3]))
else:
    main()
    finish()
