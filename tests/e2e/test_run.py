#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job end to end: capture -> RTL -> orders -> venue -> journal, its replay, its limits, its refusals.

Prints TAP. Environment: TRIPLINE, SHARED, SEED.
"""
import fcntl
import os
import re
import shutil
import sqlite3
import tempfile

from keeper import SEED, SHARED, finish, must, number, orders, report, skip, tripline

print("# SEED=%d" % SEED)
work = tempfile.mkdtemp(prefix="tl-run-")
capture = os.path.join(work, "crash.pcap")
calm = os.path.join(work, "calm.pcap")
db = os.path.join(work, "accounts.db")


def run(name, *args, source=capture, store=db, device="model"):
    return tripline("run", "--quiet", "--accounts", store, "--capture", source, "--dir", os.path.join(work, name),
                    "--device", device, "--audit", *args)


def check_main():
    p = run("main", device="sim+model")
    text = p.stdout
    report(p.returncode == 0, "the run on RTL and model ends well", text + p.stderr)
    report("audit: missed=0 unconfirmed_orders=0 model==rtl: identical" in text, "the audit line", text)
    report(number(text, r"orders\s+(\d+) handed") >= 10, "a crash liquidates dozens", text)
    report(number(text, r"flags\s+(\d+) liq") >= number(text, r"confirmed (\d+)") > 0, "flags are confirmed", text)
    report(number(text, r"trigger\s+n=(\d+)") > 0, "tick-to-trigger is reported in cycles", text)
    report("RTL cycles (simulated" in text and "stage (measured" in text, "figures say what they are (P7)", text)
    ledger = tripline("venue", "ledger", "--state", os.path.join(work, "main", "venue.db"))
    report(ledger.returncode == 0, "the venue's books balance", ledger.stdout + ledger.stderr)
    # The same on the processor's vector units: the device is told apart by nothing but its time.
    p = run("vector", device="vector+model")
    report(p.returncode == 0 and "audit: missed=0 unconfirmed_orders=0 vector==model: identical" in p.stdout,
           "the run on vector and model ends well", p.stdout + p.stderr)
    report(all(re.search(pattern, p.stdout).group() == re.search(pattern, text).group()
               for pattern in (r"flags\s+.*", r"orders\s+\d+ handed")), "flags and orders are those of the RTL", p.stdout)
    return text


def check_replay(text):
    journal = os.path.join(work, "main", "journal")
    for device in ("model", "sim", "vector"):
        p = tripline("replay", "--audit", "--device", device, journal)
        report(p.returncode == 0 and "replay: identical" in p.stdout, "replay on %s is identical" % device,
               p.stdout + p.stderr)
    p = tripline("report", journal)
    found = orders(p.stdout)
    report(p.returncode == 0 and len(found) == number(text, r"orders\s+(\d+) handed"),
           "report lists every order", p.stdout[-2000:])
    report(all(o.startswith(("filled", "refused")) for _, o in found), "every order has an outcome", found)
    report(len({k for k, _ in found}) == len(found), "no key twice", found)
    # One changed byte in an input must be noticed: either the journal's CRC or the comparison sees it.
    broken = os.path.join(work, "broken")
    data = bytearray(open(journal, "rb").read())
    data[len(data) // 2] ^= 1
    open(broken, "wb").write(data)
    p = tripline("replay", broken)
    report(p.returncode == 1, "a journal with a flipped bit is refused", p.stdout + p.stderr)


def check_repeatable():
    a = run("again1")
    b = run("again2")
    cut = "latency"
    report(a.stdout.split(cut)[0].replace("again1", "") == b.stdout.split(cut)[0].replace("again2", ""),
           "two runs do the same", a.stdout.split(cut)[0] + b.stdout.split(cut)[0])


def check_limits():
    p = run("kill", "--kill-file", db)  # a file that exists: on from the start
    report(p.returncode == 0 and number(p.stdout, r"orders\s+(\d+) handed") == 0 and "killed" in p.stdout,
           "kill switch: no order leaves", p.stdout + p.stderr)
    report(number(p.stdout, r"confirmed (\d+)") > 0 and "missed=0" in p.stdout,
           "kill switch: checking goes on", p.stdout)
    p = run("total", "--set", "max_total_e8=1")
    report(p.returncode == 0 and number(p.stdout, r"orders\s+(\d+) handed") == 0 and "limit-total" in p.stdout,
           "limit on the total", p.stdout + p.stderr)
    p = run("order", "--set", "max_order_e8=1")
    report("limit-order" in p.stdout and number(p.stdout, r"orders\s+(\d+) handed") == 0, "limit per order", p.stdout)
    p = run("refuse", "--venue-arg=--refuse=50", "--venue-arg=--seed=3")
    report(p.returncode == 0 and number(p.stdout, r"(\d+) refused, \d+ fenced") > 0 and "missed=0" in p.stdout,
           "refused orders are tried again later, nothing is missed", p.stdout + p.stderr)


def check_continued():
    """A second run on the same directory: what the first left ready is looked up, and the line goes on."""
    a = run("again", source=calm)
    b = run("again")
    report(a.returncode == 0 and b.returncode == 0 and "missed=0" in b.stdout, "a directory is continued",
           a.stdout + a.stderr + b.stdout + b.stderr)
    text = tripline("report", os.path.join(work, "again", "journal")).stdout
    report(re.search(r"resumed: [1-9]\d* open orders looked up", text) is not None,
           "ready orders of the first run were looked up", text[-3000:])
    p = tripline("replay", os.path.join(work, "again", "journal"))
    report(p.returncode == 0 and "replay: identical" in p.stdout, "both runs replay", p.stdout + p.stderr)


def check_spent():
    """The limit on the total counts what earlier sessions of the journal handed over."""
    a = run("spent", "--packets", 1550)
    value = re.search(r"value\s+(\d+)\.(\d\d) handed over", a.stdout)
    cents = int(value.group(1) + value.group(2)) if value else 0
    report(a.returncode == 0 and cents > 0, "the first half of the crash spends something", a.stdout + a.stderr)
    b = run("spent", "--set", "max_total_e8=%d" % (cents * 1000000))
    report(b.returncode == 0 and number(b.stdout, r"orders\s+(\d+) handed") == 0 and "limit-total" in b.stdout,
           "a restart remembers what was spent", b.stdout + b.stderr)


def check_gaps():
    lossy = os.path.join(work, "lossy.pcap")
    must("gen", "-o", lossy, "--path", "crash", "--seconds", 15, "--rate", 200, "--seed", SEED, "--drop", 3, "--dup",
         3, "--corrupt", 2)
    p = run("lossy", source=lossy)
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "a lossy, dirty capture", p.stdout)
    report(number(p.stdout, r"(\d+) gaps") > 0 and number(p.stdout, r"(\d+) duplicates") > 0,
           "gaps and duplicates are counted", p.stdout)


POLICY = """# what decides in this run
asset BTC_USDC-PERPETUAL
  source deribit BTC_USDC-PERPETUAL mark max_age_ms=60000
  source deribit BTC-PERPETUAL      mark max_age_ms=60000
  source deribit btc_usd            index max_age_ms=60000
  aggregate median
asset ETH_USDC-PERPETUAL
  source deribit ETH_USDC-PERPETUAL mark max_age_ms=60000
  twap arithmetic window_ms=500 warmup=partial
  publish twap
asset SOL_USDC-PERPETUAL
  source deribit SOL_USDC-PERPETUAL mark
  guard rate bps=1 every_ms=1000 then=hold
"""


def check_policy():
    """--oracle: what the file says decides, it is in the journal, and what is wrong in it is named."""
    def write(name, text):
        path = os.path.join(work, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    prices = re.compile(r"prices .*")
    plain, path = run("plain"), write("mine.conf", POLICY)
    p = run("policy", "--oracle", path)
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0" in p.stdout, "a run with a policy file",
           p.stdout + p.stderr)
    report(number(p.stdout, r"held:.* guard (\d+)") > 0, "its guard holds prices, and the summary says so", p.stdout)
    report(prices.search(p.stdout).group() != prices.search(plain.stdout).group(), "its prices are others", p.stdout)
    again = run("policy", source=calm)
    report(again.returncode == 0, "a run without the file goes on in the same directory", again.stdout + again.stderr)
    os.unlink(path)
    journal = os.path.join(work, "policy", "journal")
    r = tripline("replay", "--audit", journal)
    report(r.returncode == 0 and "replay: identical" in r.stdout, "both replay, though the file is gone",
           r.stdout + r.stderr)
    r = tripline("report", journal)
    report(number(r.stdout, r"policy files +(\d+)") == 1, "the report counts it", r.stdout[:1500])
    p = run("empty-policy", "--oracle", write("empty.conf", ""))
    report(p.returncode == 0 and prices.search(p.stdout).group() == prices.search(plain.stdout).group(),
           "an empty file changes nothing", p.stdout + p.stderr)
    for name, text, say in (("asset", "\nasset XAU\n", "no such asset"),
                            ("source", "asset btc_usd\nsource nyse BTC mark\n", "no such venue"),
                            ("section", "asset btc_usd\naggregate median\n", "write `source VENUE NAME FIELD`")):
        bad = write(name + ".conf", text)
        p = run("bad-" + name, "--oracle", bad)
        report(p.returncode == 2 and "%s:2: " % bad in p.stderr and say in p.stderr, "a wrong %s is named" % name,
               "%d %s" % (p.returncode, p.stderr))
    p = run("no-policy", "--oracle", os.path.join(work, "none.conf"))
    report(p.returncode == 2 and "none.conf" in p.stderr, "a missing policy file is named", p.stderr)
    p = run("set-oracle", "--set", "oracle=0")
    report(p.returncode == 2 and "--oracle" in p.stderr, "the rules of old journals are not to be had", p.stderr)


def check_real_capture():
    real = os.path.join(SHARED, "captures", "deribit_legacy_sample_v1_6.pcapng")
    if not os.path.exists(real):
        return skip("the real capture", "%s is missing" % real)
    store = os.path.join(work, "real.db")
    must("accounts", "gen", "--db", store, "--accounts", 240, "--seed", SEED, "--capture", real)
    p = run("real", source=real, store=store, device="sim+model")
    report(p.returncode == 0 and "missed=0 unconfirmed_orders=0 model==rtl: identical" in p.stdout,
           "the real capture with generated accounts", p.stdout + p.stderr)
    report("5066 frames, 5066 decoded" in p.stdout, "all of its packets are decoded", p.stdout)


def check_refusals():
    p = run("nofile", source=os.path.join(work, "none.pcap"))
    report(p.returncode == 1 and "none.pcap" in p.stderr, "a missing capture is named", p.stderr)
    empty = os.path.join(work, "empty.pcap")
    open(empty, "wb").write(open(capture, "rb").read(24))
    p = run("empty", source=empty)
    report(p.returncode == 1 and "no packets" in p.stderr, "an empty capture is refused", p.stdout + p.stderr)
    p = run("nothing", "--packets", 1)
    report(p.returncode == 1 and "nothing was evaluated" in p.stderr, "an audit that judged nothing does not hold",
           p.stdout + p.stderr)
    p = run("notrace", "--trace", "x.fst")
    report(p.returncode == 2 and "--trace" in p.stderr, "a waveform needs the simulated device", p.stderr)
    p = run("noisa", "--isa", "avx2")
    report(p.returncode == 2 and "--isa" in p.stderr, "an instruction set needs the device vector", p.stderr)
    p = run("isa", "--isa", "mmx", device="vector")
    report(p.returncode == 1 and "'mmx'" in p.stderr, "an unknown instruction set is named", p.stderr)
    p = run("nodb", store=os.path.join(work, "none.db"))
    report(p.returncode == 1 and "none.db" in p.stderr, "a missing store is named", p.stderr)
    small = os.path.join(work, "small.db")
    must("accounts", "gen", "--db", small, "--accounts", 20, "--seed", SEED)
    p = run("main", store=small)
    report(p.returncode == 1 and "not those of" in p.stderr and "another --dir" in p.stderr,
           "a directory made from another store is refused", p.stderr)
    p = run("badset", "--set", "warn_ppm=x")
    report(p.returncode == 2 and "warn_ppm" in p.stderr, "a bad setting is named", p.stderr)
    p = run("nodev", device="card")
    report(p.returncode == 1 and "card" in p.stderr, "an unknown device is named", p.stderr)
    p = tripline("run", "--accounts", db)
    report(p.returncode == 2 and "nothing to watch" in p.stderr, "no source is a usage error", p.stderr)
    other = os.path.join(work, "foreign.db")
    sqlite3.connect(other).execute("create table t (x)").connection.close()
    p = run("foreign", store=other)
    report(p.returncode == 1 and "foreign.db" in p.stderr, "a database that is no store is refused", p.stderr)
    commands = ("run", "replay", "report", "decode", "gen", "accounts", "chain", "rule", "check", "venue")
    bad = [c for c in commands if tripline(c, "--help").returncode != 0 or "usage" not in tripline(c, "--help").stdout]
    report(not bad, "every command has --help", bad)
    bad = [c for c in commands if tripline(c, "--no-such-option").returncode != 2]
    report(not bad, "every command refuses an unknown option with 2", bad)
    p = tripline("nonsense")
    report(p.returncode == 2 and "nonsense" in p.stderr, "an unknown command is refused", p.stderr)


def check_directory():
    p = run("d" * 120)
    report(p.returncode == 1 and "107 characters" in p.stderr, "a directory too long for a socket is named at once", p.stderr)
    p = tripline("run", "--accounts", db, "--iface", "none0", "--device", "model", "--dir", os.path.join(work, "iface"))
    report(p.returncode == 1 and "interface none0" in p.stderr, "a missing interface is named", p.stderr)
    d = os.path.join(work, "shared")
    os.mkdir(d)
    must("run", "--quiet", "--accounts", db, "--capture", capture, "--device", "model", "--dir", d, "--packets", 10)
    ready = os.path.join(d, "ready")
    with open(os.path.join(d, "journal"), "rb") as f, open(ready, "w") as r:
        fcntl.flock(f, fcntl.LOCK_EX)  # another run is at work here, and says so
        r.write("1\n")
        r.flush()
        p = run("shared")
        report(p.returncode == 1 and "another tripline" in p.stderr and os.path.exists(ready),
               "a second run of a directory is refused and touches nothing", p.stderr)


must("gen", "-o", capture, "--path", "crash", "--seconds", 15, "--rate", 200, "--seed", SEED)
must("gen", "-o", calm, "--path", "calm", "--seconds", 15, "--rate", 200, "--seed", SEED)
must("accounts", "gen", "--db", db, "--accounts", 240, "--seed", SEED)
check_replay(check_main())
check_repeatable()
check_limits()
check_continued()
check_spent()
check_gaps()
check_policy()
check_real_capture()
check_refusals()
check_directory()
shutil.rmtree(work)
finish()
