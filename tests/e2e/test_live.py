#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The live path: two network namespaces joined by veth, a sender in one, tripline on net_af_packet in the other.

Skipped where namespaces may not be made. Prints TAP. Environment: TRIPLINE, SEED.
"""
import itertools
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

from keeper import DEADLINE, SEED, TRIPLINE, finish, frames_seen, must, number, report, size_of, skip, until

A, B = "tl-tx-%d" % os.getpid(), "tl-rx-%d" % os.getpid()
BURST = 200  # frames; a port holds more


def sh(*args):
    return subprocess.run(args, capture_output=True, text=True)


def frames(path):
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def send(path):
    """Runs inside the sender's namespace: as many frames as each line of standard input says."""
    s, left = socket.socket(socket.AF_PACKET, socket.SOCK_RAW), frames(path)
    s.bind(("veth0", 0))
    for line in sys.stdin:
        for f in itertools.islice(left, int(line)):
            s.send(f)
        print(flush=True)


def send_all(p, d, capture, sent):
    """No more than a port holds, however late the run comes to look at it."""
    tx = subprocess.Popen(["ip", "netns", "exec", A, sys.executable, os.path.abspath(__file__), "--send", capture],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for n in range(BURST, sent + BURST, BURST):
        tx.stdin.write("%d\n" % BURST)
        tx.stdin.flush()
        tx.stdout.readline()
        until(p, lambda: frames_seen(d) >= min(n, sent))
    tx.stdin.close()
    report(tx.wait(timeout=DEADLINE) == 0, "the sender works")


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
                              "--seconds", str(DEADLINE)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = until(p, lambda: size_of(os.path.join(d, "ready")))
        if ready:
            send_all(p, d, capture, sent)
        out, err = p.communicate(timeout=DEADLINE)
        report(ready and p.returncode == 0, "tripline runs on a live interface", out + err)
        report(number(out, r"packets\s+(\d+) frames") == sent, "all %d frames arrive" % sent, out)
        report(number(out, r"orders\s+(\d+) handed") > 0, "orders leave", out)
        report("missed=0 unconfirmed_orders=0" in out, "the audit holds", out)
    finally:
        sh("ip", "netns", "del", A)
        sh("ip", "netns", "del", B)
        shutil.rmtree(work)


if sys.argv[1:2] == ["--send"]:
    send(sys.argv[2])
else:
    main()
    finish()
