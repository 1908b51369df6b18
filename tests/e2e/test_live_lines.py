#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines A and B on two interfaces: veth pairs between two network namespaces, tripline on net_af_packet in one, in
the other a venue whose shaper drops, delays, duplicates and reorders, and an IGMP querier.

The judge of IGMP is the reader below, made from RFC 3376 and RFC 2236 with struct. Skipped where namespaces may not
be made. Prints TAP. Environment: TRIPLINE, SEED.
"""
import glob
import ipaddress
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, must, number, report, size_of, skip, tripline, until

TX, RX = "tl-vn-%d" % os.getpid(), "tl-tl-%d" % os.getpid()
LINES = ("a", "b")
QUERIER = "10.77.0.1"


def sh(*args):
    return subprocess.run(args, capture_output=True, text=True)


# ---- frames

def frames(path):
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def ip_at(frame):
    at = 12
    while struct.unpack_from(">H", frame, at)[0] in (0x8100, 0x88A8):
        at += 4
    return at + 2


def addresses(frame):
    at = ip_at(frame)
    return tuple(str(ipaddress.IPv4Address(frame[at + k:at + k + 4])) for k in (12, 16))


def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total > 0xFFFF:
        total = total // 0x10000 + total % 0x10000
    return struct.pack(">H", 0xFFFF - total)


def to_group(frame, group):
    """The same datagram to another group."""
    at, ip = ip_at(frame), ipaddress.IPv4Address(group)
    size = (frame[at] & 15) * 4
    head = bytearray(frame[at:at + size])
    head[10:12], head[16:20] = b"\0\0", ip.packed
    head[10:12] = checksum(bytes(head))
    udp = bytearray(frame[at + size:])
    udp[6:8] = b"\0\0"  # no UDP checksum
    mac = b"\x01\x00\x5e" + struct.pack(">I", int(ip) & 0x7FFFFF)[1:]
    return mac + frame[6:at] + bytes(head) + bytes(udp)


def group_b(group):
    return group.replace("239.111.111.", "239.111.112.")


def query(version, code):
    body = struct.pack(">BBH", 0x11, code, 0) + bytes(4) + (struct.pack(">BBH", 2, 125, 0) if version == 3 else b"")
    body = body[:2] + checksum(body) + body[4:]
    head = struct.pack(">BBHHHBBH", 0x46, 0xC0, 24 + len(body), 0, 0, 1, 2, 0)
    rest = ipaddress.IPv4Address(QUERIER).packed + bytes((224, 0, 0, 1)) + bytes((148, 4, 0, 0))
    head = head[:10] + checksum(head + rest) + rest
    return b"\x01\x00\x5e\0\0\1" + b"\x02\0\0\0\0\1" + b"\x08\0" + head + body


def read_igmp(frame):
    """[(what, group, sources)] of an IGMP message of a host, [("bad: why", ...)] where it is not as it should be."""
    if len(frame) < 38 or frame[12:14] != b"\x08\0" or frame[23] != 2 or frame[34 + 4] == 0x11:
        return []
    ip, total = frame[14:], struct.unpack_from(">H", frame, 16)[0]
    body = ip[24:total]
    for wrong, why in ((ip[0] != 0x46, "header"), (ip[8] != 1, "TTL"), (ip[20:24] != b"\x94\4\0\0", "Router Alert"),
                       (checksum(ip[:24]) != b"\0\0", "IP checksum"), (checksum(body) != b"\0\0", "IGMP checksum"),
                       (len(frame) < 60, "short frame")):
        if wrong:
            return [("bad: " + why, frame.hex(), [])]
    dst = str(ipaddress.IPv4Address(ip[16:20]))
    if body[0] != 0x22:
        what = {0x16: "v2 report", 0x17: "v2 leave", 0x12: "v1 report"}.get(body[0], "type %d" % body[0])
        return [(what, str(ipaddress.IPv4Address(body[4:8])), [dst])]
    out, at = [], 8
    for _ in range(struct.unpack_from(">H", body, 6)[0]):
        kind, _, n = struct.unpack_from(">BBH", body, at)
        ips = [str(ipaddress.IPv4Address(body[at + 4 + 4 * k:at + 8 + 4 * k])) for k in range(n + 1)]
        out.append((("", "IS_IN", "IS_EX", "TO_IN", "TO_EX", "ALLOW", "BLOCK")[kind], ips[0], sorted(ips[1:])))
        at += 8 + 4 * n
    return out if dst == "224.0.0.22" and at == len(body) else [("bad: report to " + dst, "", [])]


# ---- the venue, in its namespace: commands come on standard input, answers go to standard output

class Shaper:
    """One line's path to the receiver: what goes in comes out, later, twice, or never."""

    def __init__(self, rng, drop, dup, late):
        self.rng, self.drop, self.dup, self.late = rng, drop, dup, late
        self.held, self.n, self.dropped = [], 0, set()

    def put(self, frame):
        """What comes out now."""
        self.n += 1
        if self.rng.random() < self.drop:
            self.dropped.add(self.n)
            frame = None
        for _ in range(0 if frame is None else 1 + (self.rng.random() < self.dup)):
            self.held.append((self.n + (self.rng.randrange(self.late + 1) if self.late else 0), frame))
        return self.out(self.n)

    def out(self, until):
        due = sorted((h for h in self.held if h[0] <= until), key=lambda h: h[0])
        self.held = [h for h in self.held if h[0] > until]
        return [f for _, f in due]


def venue():
    socks = []
    for line in LINES:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        s.bind(("%s0" % line, 0))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.setblocking(False)
        socks.append(s)
    heard, sending = [], None
    print("up", flush=True)
    while True:
        ready, _, _ = select.select([sys.stdin.buffer.raw, *socks], [], [])
        for i, s in enumerate(socks):
            if s not in ready:
                continue
            frame, where = s.recvfrom(2048)
            if where[2] != socket.PACKET_OUTGOING:
                heard += [(time.monotonic(), LINES[i], *r) for r in read_igmp(frame)]
        if sys.stdin.buffer.raw not in ready:
            continue
        line = sys.stdin.buffer.raw.readline()
        if not line:
            return
        order = json.loads(line)
        if order["do"] == "query":
            for s in socks:
                s.send(query(order["version"], order["code"]))
            print(json.dumps(time.monotonic()), flush=True)
        elif order["do"] == "heard":
            print(json.dumps(heard), flush=True)
            heard = []
        else:
            sending = send(socks, order) if order["do"] == "send" else sending
            print(json.dumps(next(sending)), flush=True)


def send(socks, order):
    """All frames on both lines, 20 at a time, B two datagrams behind. The last ones come unharmed. A burst is made
    first and sent then without a pause: a copy that comes more than 2 ms after the other line's is lost by design.
    A generator: after every ten bursts and at the end, what was sent and how often this process had to pause."""
    sent = 0
    rng = random.Random(order["seed"])
    paths = [Shaper(rng, *order[line]) for line in LINES]
    frames_left = list(frames(order["capture"]))
    safe = len(frames_left) - order["safe"]
    for i in range(0, len(frames_left), 20):
        burst, out = frames_left[i:i + 20], []
        for k in range(len(burst) + 2):
            for which, path in enumerate(paths):
                j = k - 2 * which
                if not 0 <= j < len(burst):
                    continue
                if i >= safe:
                    path.drop = path.dup = path.late = 0
                f = to_group(burst[j], group_b(addresses(burst[j])[1])) if which else burst[j]
                out += [(socks[which], g) for g in path.put(f)]
        for s, path in zip(socks, paths):
            out += [(s, g) for g in path.out(path.n + path.late)]
        if i % 200 == 0:  # a stranger's group with the same Ethernet address
            out.append((socks[0], to_group(burst[0], "239.239.111.0")))
        time.sleep(0.015)  # the scheduler's turn, now and not in between
        for s, f in out:
            s.send(f)
        sent += len(out) - (i % 200 == 0)
        done = i + 20 >= len(frames_left)
        if done or i % 200 == 180:
            yield {"sent": sent, "pauses": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw, "dropped": done and [
                len(p.dropped) for p in paths] + [len(paths[0].dropped & paths[1].dropped)]}


class Venue:
    def __init__(self):
        self.p = subprocess.Popen(["ip", "netns", "exec", TX, sys.executable, os.path.abspath(__file__), "--venue"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.p.stdout.readline() == "up\n"

    def ask(self, **order):
        self.p.stdin.write(json.dumps(order) + "\n")
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())

    def send(self, run, **order):
        """Never more than the run's ports hold, however late it comes to look. What was dropped, pauses of this end."""
        part = begun = self.ask(do="send", **order)
        while True:
            until(run.p, lambda: run.ask("/tripline/feed")["feed"]["frames"] >= part["sent"])
            if part["dropped"]:
                return part["dropped"], part["pauses"] - begun["pauses"]
            part = self.ask(do="more")

    def close(self):
        self.p.stdin.close()
        self.p.wait(DEADLINE)


# ---- the run

def make_namespaces():
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "needs root and iproute2"
    cmds = [["ip", "netns", "add", TX], ["ip", "netns", "add", RX]]
    for i, line in enumerate(LINES):
        cmds += [["ip", "-n", TX, "link", "add", line + "0", "type", "veth", "peer", "name", line + "1", "netns", RX],
                 ["ip", "-n", RX, "addr", "add", "10.77.%d.2/24" % i, "dev", line + "1"]]
    for ns in (TX, RX):
        cmds += [["ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]]
        cmds += [["ip", "-n", ns, "link", "set", line + ("0" if ns == TX else "1"), "up"] for line in LINES]
    for cmd in cmds:
        p = sh(*cmd)
        if p.returncode:
            return "%s: %s" % (" ".join(cmd), p.stderr.strip())
    return None


class Run:
    """tripline in its namespace."""

    def __init__(self, work, db, joins, name, *more):
        self.dir = os.path.join(work, name)
        args = [TRIPLINE, "run", "--quiet", "--accounts", db, "--iface", "a1", "--iface", "b1", "--dir", self.dir,
                "--device", "model", "--seconds", str(DEADLINE), *more]
        for j in joins:
            args += ["--join", j]
        self.err_path = os.path.join(work, name + ".err")
        self.p = subprocess.Popen(["ip", "netns", "exec", RX, *args], stdout=subprocess.PIPE,
                                  stderr=open(self.err_path, "w"), text=True)
        ready = until(self.p, lambda: size_of(self.dir + "/ready"))
        self.pid = int(open(self.dir + "/ready").read()) if ready else 0

    def errors(self):
        return open(self.err_path).read()

    def ask(self, cmd):
        """Rows of a telemetry command, by name; the socket is found as its own greeting says."""
        for path in glob.glob("/var/run/dpdk/*/dpdk_telemetry.v2*"):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.settimeout(DEADLINE)
            try:
                s.connect(path)
                if json.loads(s.recv(65536))["pid"] != self.pid:
                    continue
                rows, next_ = {}, 0
                while next_ is not None:
                    s.send(("%s,%d" % (cmd, next_) if next_ else cmd).encode())
                    part = json.loads(s.recv(65536))[cmd]
                    next_ = part.pop("next", None)
                    rows.update(part)
                return rows
            except OSError:
                continue
            finally:
                s.close()
        return None

    def feed(self):
        return self.ask("/tripline/feed")["feed"]

    def pauses(self):
        """How often the hot thread was taken off its processor."""
        with open("/proc/%d/task/%d/status" % (self.pid, self.pid)) as f:
            return sum(int(x.split()[1]) for x in f if "ctxt_switches" in x)

    def prices(self):
        return {r["asset"]: (r["price"], r["hold"]) for r in self.ask("/tripline/prices").values()}

    def stop(self):
        self.out = ""
        if self.p.poll() is None:
            os.kill(self.pid or self.p.pid, signal.SIGINT)
        self.out, _ = self.p.communicate(timeout=DEADLINE)
        return self.out


def wait_heard(v, heard, enough):
    deadline = time.monotonic() + DEADLINE
    while not enough(heard) and time.monotonic() < deadline:
        heard += v.ask(do="heard")
        time.sleep(0.05)
    return enough(heard)


def of(heard, *whats):
    return {(h[1], h[2], h[3]) for h in heard if h[2] in whats}


def test_igmp(v, run, heard, groups, source):
    """Joins, answers to queriers of both versions. The first group is joined for one source only."""
    want = {(line, "ALLOW" if g == groups[line][0] else "TO_EX", g) for line in LINES for g in groups[line]}
    ok = wait_heard(v, heard, lambda h: len([x for x in h if x[2] in ("ALLOW", "TO_EX")]) >= 2 * len(want))
    report(ok and of(heard, "ALLOW", "TO_EX") == want, "joins are reported for every group, twice", str(heard))
    report(all(h[4] == [source] for h in heard if h[2] == "ALLOW"), "the source-specific join names its source")
    report(not any(h[2].startswith("bad") for h in heard), "every report is well formed", str(heard))
    heard.clear()
    v.ask(do="query", version=3, code=10)
    want = {(line, "IS_IN" if g == groups[line][0] else "IS_EX", g) for line in LINES for g in groups[line]}
    ok = wait_heard(v, heard, lambda h: of(h, "IS_IN", "IS_EX") == want)
    report(ok, "a v3 query is answered for every group", str(heard))  # feed/igmp: within its time
    heard.clear()
    v.ask(do="query", version=2, code=10)
    want = {(line, "v2 report", g) for line in LINES for g in groups[line]}
    ok = wait_heard(v, heard, lambda h: of(h, "v2 report") == want)
    report(ok and of(heard, "v2 report") == want, "a v2 querier gets v2 reports", str(heard))
    ports = run.ask("/tripline/ports")
    report([ports[p]["igmp_version"] for p in ("0", "1")] == [2, 2] and ports["0"]["igmp_queries"] == 2,
           "the telemetry says so", str(ports))


def test_top(run):
    p = tripline("top", "--once", "--dir", run.dir)
    lines = {s.split()[0]: s.split() for s in p.stdout.splitlines() if s.startswith("deribit/")}
    rows = run.ask("/tripline/lines")
    same = lines.keys() == rows.keys() and all(
        [int(x) for x in lines[k][2:5]] == [rows[k][f] for f in ("packets", "first", "copies")] for k in rows)
    report(p.returncode == 0 and same and any(k.endswith("/B") for k in rows), "`top --once` shows the lines' counters",
           p.stdout + p.stderr)
    p = subprocess.Popen([TRIPLINE, "top", "--dir", run.dir], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out = ""
    while out.count("line ") < 2 and (line := p.stdout.readline()):
        out += line
    p.send_signal(signal.SIGINT)
    more, err = p.communicate(timeout=DEADLINE)
    report(p.returncode == 0 and err == "" and out.count("line ") >= 2, "`top` refreshes until Ctrl-C", out + more + err)


def compare(name, got, want):
    differ = {k: (got.get(k), want.get(k)) for k in got.keys() | want.keys() if got.get(k) != want.get(k)}
    report(not differ, name, "asset: (has, should have): %s" % differ)


def scenario(v, work, db, joins, capture, name, seed, a, b, more=()):
    """One run with these impairments (drop, duplicate, datagrams late); its counters, prices, lines, summary."""
    run = Run(work, db, joins, name, *more)
    if not run.pid:
        run.stop()
        report(False, "tripline starts", run.errors())
        return None
    before = run.pauses()
    dropped, pauses = v.send(run, capture=capture, seed=seed, a=a, b=b, safe=400)
    out = {"feed": run.feed(), "pauses": pauses + run.pauses() - before, "prices": run.prices(), "lines": run.ask("/tripline/lines"),
           "ports": run.ask("/tripline/ports"), "dropped": dropped}
    out["text"] = run.stop()
    out["rc"] = run.p.returncode
    return out


def lossy_runs(v, work, db, joins, capture, want):
    for attempt in range(6):  # a pause of more than 2 ms on this machine is a loss, by design
        one = scenario(v, work, db, joins, capture, "one%d" % attempt, SEED + attempt, (0.2, 0.05, 0), (0, 0, 0))
        if one["feed"]["gaps"] == 0:
            break
        print("# attempt %d: %s" % (attempt, one["feed"]))
    # Where both ends went on without a pause in one of the runs, nothing is missing; else little of what A lost.
    few = one["pauses"] > 0 and one["feed"]["missing"] * 4 <= one["dropped"][0]
    report(one["dropped"][0] > 100 and (few or one["feed"]["gaps"] == one["feed"]["missing"] == 0),
           "A loses %d datagrams, B none: no gap" % one["dropped"][0], str(one))
    lost = sum(r["lost"] for k, r in one["lines"].items() if k.endswith("/A"))
    report(0 < lost <= one["dropped"][0], "line A's counters say what it lost (%d)" % lost, str(one["lines"]))
    compare("prices are those of the run without loss", one["prices"], want)
    both = scenario(v, work, db, joins, capture, "both", SEED, (0.2, 0.05, 3), (0.2, 0.05, 3),
                    ("--audit", "--queues", "2"))
    # What a channel loses before it was ever heard is not seen.
    feed, lost = both["feed"], both["dropped"][2]
    report(lost - 8 <= feed["missing"] and feed["gaps"] > 0,
           "both lose, late and out of order: %d gaps are declared, %d numbers; %d were lost"
           % (feed["gaps"], feed["missing"], lost), str(both))
    report(number(both["text"], r"prices [^\n]*held:[^\n]*gap (\d+)") > 0, "prices are held meanwhile", both["text"])
    report([both["ports"][p]["queues"] for p in ("0", "1")] == [2, 2], "with two receive queues on each port",
           str(both["ports"]))
    compare("afterwards prices are those of the run without loss, and none is held", both["prices"], want)
    report(both["rc"] == 0 and "missed=0 unconfirmed_orders=0" in both["text"], "the audit holds", both["text"])


def run_all(work):
    capture, db = os.path.join(work, "c.pcap"), os.path.join(work, "accounts.db")
    # Definitions come every 10 s of market time; lost on both lines they are missed until then. The unharmed end
    # has some.
    must("gen", "-q", "-o", capture, "--path", "trend", "--packets", 2000, "--rate", 60, "--seed", SEED)
    must("accounts", "gen", "--db", db, "--accounts", 240, "--seed", SEED)
    seen = sorted({addresses(f)[1] for f in frames(capture)})
    source = addresses(next(frames(capture)))[0]
    groups = {"a": seen, "b": [group_b(g) for g in seen]}
    joins = ["%s%s%%%s1" % (source + "@" if g == groups[line][0] else "", g, line) for line in LINES
             for g in groups[line]]
    v = Venue()
    clean = (0, 0, 0)
    run = Run(work, db, joins, "clean")
    heard = []
    report(run.pid > 0, "tripline opens two interfaces and joins %d groups" % len(joins), run.errors())
    if not run.pid:
        return
    report("allmulti" in run.errors() or "all multicast" in run.errors(),
           "what the driver cannot filter is logged", run.errors())
    test_igmp(v, run, heard, groups, source)
    v.send(run, capture=capture, seed=SEED, a=clean, b=clean, safe=0)
    feed = run.feed()
    want = run.prices()
    sent = sum(1 for _ in frames(capture))
    report(feed["frames"] == 2 * sent and feed["duplicates"] == sent and feed["gaps"] == 0,
           "%d datagrams arrive on each line, each is used once" % sent, str(feed))
    others = run.ask("/tripline/ports")["0"]["other_groups"]
    report(others >= sent // 200, "another group with the same Ethernet address is filtered (%d)" % others)
    report(len(want) > 0 and all(p > 0 for p, _ in want.values()), "every asset has a price", str(want))
    test_top(run)
    v.ask(do="heard")
    heard = []
    out = run.stop()
    leave = {(line, "v2 leave", g) for line in LINES for g in groups[line]}
    report(wait_heard(v, heard, lambda h: of(h, "v2 leave") == leave), "the groups are left at the end", str(heard))
    report(run.p.returncode == 0, "the run ends well", out + run.errors())
    p = tripline("top", "--once", "--dir", run.dir)
    report(p.returncode == 1 and "taking packets" in p.stderr, "`top` says that nothing runs", p.stdout + p.stderr)
    lossy_runs(v, work, db, joins, capture, want)
    v.close()


def main():
    print("# SEED=%d" % SEED)
    why = make_namespaces()
    work = tempfile.mkdtemp(prefix="tl-lines-")
    try:
        if why:
            skip("lines A and B over veth", why)
        else:
            run_all(work)
    finally:
        sh("ip", "netns", "del", TX)
        sh("ip", "netns", "del", RX)
        shutil.rmtree(work)


if sys.argv[1:] == ["--venue"]:
    venue()
else:
    main()
    finish()
