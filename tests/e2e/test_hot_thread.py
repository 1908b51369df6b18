#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The hot thread of a whole `tripline run` on DPDK's ports, the frames preloaded into packet buffers (net_pcap with
infinite_rx): no system call, no page fault, and it never sleeps; not while its counters are asked for either, the kill
switch is thrown, progress is shown, or the venue is killed and started again.

The kernel counts faults and sleeps of each thread; system calls are seen by attaching strace to that thread alone, which
is skipped where there is no strace or it may not attach. Prints TAP. Environment: TRIPLINE, SEED.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time

from keeper import DEADLINE, SEED, TRIPLINE, finish, frames_seen, must, report, skip

FRAMES = 4000  # one round of the capture; a port holds 8192 buffers


def until(what, condition):
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.001)
    report(False, what, "not within %d s" % DEADLINE)
    return False


def counts(pid):
    """Minor faults, major faults and sleeps of the main thread, which is the hot one."""
    at = "/proc/%d/task/%d/" % (pid, pid)
    with open(at + "stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    with open(at + "status") as f:
        sleeps = [line.split()[1] for line in f if line.startswith("voluntary_ctxt_switches")]
    return int(fields[7]), int(fields[9]), int(sleeps[0])


def venue_of(pid):
    """The child's process, 0 between two."""
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            children = f.read().split()
        if children:
            return int(children[0])
    return 0


def disturb(pid, d):
    """What goes on beside the hot thread in a long run."""
    target = frames_seen(d) + 3 * FRAMES
    ok = until("counters are answered, frames go on", lambda: frames_seen(d) >= target)
    kill = os.path.join(d, "kill")
    open(kill, "w").close()
    time.sleep(0.2)
    os.unlink(kill)
    first = venue_of(pid)
    os.kill(first, signal.SIGKILL)
    ok = ok and until("the venue is started again", lambda: venue_of(pid) not in (0, first))
    target = frames_seen(d) + 3 * FRAMES
    return ok and until("frames go on", lambda: frames_seen(d) >= target)


def attach(pid, log):
    """strace on one thread; None and why where there is none."""
    if not shutil.which("strace"):
        return None, "no strace here"
    p = subprocess.Popen(["strace", "-o", log, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    line = p.stderr.readline()
    if "attached" in line:
        return p, ""
    p.kill()
    p.communicate()
    return None, "strace may not attach: " + line.strip()


def traced(log):
    """What the thread did up to SIGTERM: system calls, and signals that were seen; and whether the end was seen."""
    lines = [x for x in open(log).read().splitlines() if x]
    ends = [i for i, x in enumerate(lines) if x.startswith("--- SIGTERM")]
    before = lines[:ends[0]] if ends else lines
    calls = [x for x in before if not x.startswith("---")]
    return calls, len(before) - len(calls), len(ends) == 1 and len(lines) > ends[0] + 1


def watch(p, work, d):
    ready = os.path.join(d, "ready")
    if not until("the run is ready", lambda: p.poll() is not None or (os.path.exists(ready) and
                                                                       os.path.getsize(ready))):
        return
    pid = p.pid
    before = counts(pid)
    log = os.path.join(work, "strace")
    tracer, why = attach(pid, log)
    ok = frames_seen(d) >= 0
    attached = counts(pid)  # a tracer that attaches stops the thread for a moment
    ok = ok and disturb(pid, d)
    after = counts(pid)
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=DEADLINE)
    calls, signals, ended = [], 0, False
    if tracer:
        tracer.communicate(timeout=DEADLINE)
        calls, signals, ended = traced(log)
    report(ok and p.returncode == 0, "the run ends well", out + err)
    report(after[:2] == before[:2], "no page fault of the hot thread", "%s, then %s" % (before, after))
    # A tracer stops the thread at each signal that the process gets, the venue's end for one.
    report(after[2] - attached[2] <= signals, "the hot thread never sleeps", "%s, then %s" % (attached, after))
    if tracer is None:
        skip("no system call of the hot thread", why)
        return
    report(ended, "the tracer saw the end of the run")
    report(not calls, "no system call of the hot thread", "\n".join(calls[:10]))


def main():
    print("# SEED=%d" % SEED)
    work = tempfile.mkdtemp(prefix="tl-hot-")
    capture, db, d = (os.path.join(work, n) for n in ("crash.pcap", "accounts.db", "run"))
    p = None
    try:
        must("gen", "-o", capture, "--path", "crash", "--seconds", FRAMES // 200, "--rate", 200, "--seed", SEED)
        must("accounts", "gen", "--db", db, "--accounts", 240, "--seed", SEED)
        p = subprocess.Popen([TRIPLINE, "run", "--accounts", db, "--dir", d, "--device", "model", "--", "--no-pci",
                              "--vdev=net_pcap0,rx_pcap=%s,infinite_rx=1" % capture],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watch(p, work, d)
    finally:
        if p and p.poll() is None:
            p.kill()
            p.communicate()
        shutil.rmtree(work)


main()
finish()
