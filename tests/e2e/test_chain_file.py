#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The file of `tripline run --chain`: every wrong key or value is refused with exit status 2, file, line and remedy;
no message, whatever is wrong, repeats what may be a secret. Prints TAP. Environment: B."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import finish, report  # noqa: E402

TRIPLINE = os.path.join(os.environ.get("B", "build"), "tripline")
work = tempfile.mkdtemp(prefix="tl-chainfile-")
SECRET = "00000000000000000000000000000000000000000000000000000000c0ffee11"
ADDRESS = "0x" + "ab" * 20


def key(name, digits, mode=0o600):
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write(digits + "\n")
    os.chmod(path, mode)
    return path


K1, K2 = key("k1", SECRET), key("k2", SECRET[:-1] + "2")
OPEN = key("open", SECRET[:-1] + "3", 0o644)
BROKEN = key("broken", SECRET[:-4] + "zz")
GOOD = {
    "nodes": "[ipc:/nowhere/node.ipc, 'https://rpc.example/v1/%s']" % SECRET,
    "chain_id": "31337", "pool": ADDRESS, "liquidator": ADDRESS, "router": ADDRESS, "native": ADDRESS,
    "keys": "[%s, %s]" % (K1, K2),
}
MORE = {
    "pools": "[{pair: %s}, {pair: %s, keep: 998, of: 1000, gas: 100000}]" % (ADDRESS, ADDRESS),
    "relay": "{builders: [http://127.0.0.1:1], key: %s, private_only: true}" % key("r", SECRET[:-1] + "4"),
    "txlog": work + "/log", "confirmations": "12", "bump_after_s": "30", "give_up_s": "120", "fee_max_gwei": "500",
    "depth": "2", "expires_s": "10", "max_wait_ms": "1000", "tips": "[500000, 1000000]", "level": "1", "batch": "true",
    "flash": "true", "check_health": "false", "pay_out": "false", "pending": "true", "audit": "5", "verify_blocks": "3",
    "stall_s": "0",
}


def text_of(keys):
    return "".join("%s: %s\n" % kv for kv in keys.items())


WORTH = ["--set", "worth=2", "--set", "min_profit_e8=100000000"]


def run(text, *args, worth=WORTH):
    path = os.path.join(work, "chain.yaml")
    with open(path, "w") as f:
        f.write(text)
    p = subprocess.run([TRIPLINE, "run", "--accounts", work + "/none.db", "--iface", "none0", "--dir", work + "/dir",
                        "--chain", path, *worth, *args], capture_output=True, text=True, timeout=240)
    return p.returncode, p.stdout + p.stderr


def secret_in(out):
    return "c0ffee" in out or SECRET[:20] in out


def refused(name, text, *words, line=None):
    rc, out = run(text)
    where = "chain.yaml:%d:" % line if line else "chain.yaml"
    ok = rc == 2 and where in out and all(w in out for w in words) and not secret_in(out)
    report(ok, name, "%d %s" % (rc, out))


def wrong(key_name, value, *words, inner=None):
    """The key with another value, which is on the file's last line; inner: the key within it that is wrong."""
    keys = {k: v for k, v in GOOD.items() if k != key_name}
    refused("%s: %s" % (key_name, value if not secret_in(value) else "(secret)"), text_of(keys) + "%s: %s\n" % (key_name, value),
            (inner or key_name) + ":", *words, line=len(keys) + 1)


# ---- what is right goes on to the next thing: the store
for name, keys in (("what is needed", GOOD), ("every key", {**GOOD, **MORE})):
    rc, out = run(text_of(keys))
    report(rc == 1 and "none.db is not there: `tripline chain index" in out and not secret_in(out), name, "%d %s" % (rc, out))
node = "- url: wss://node.example/%s\n  header: 'Authorization: Bearer %s'\n  ca_file: /etc/ca.pem\n" % (SECRET, SECRET)
rc, out = run("nodes:\n" + node + text_of({k: v for k, v in GOOD.items() if k != "nodes"}))
report(rc == 1 and "none.db is not there" in out and not secret_in(out), "a node with header and authority", out)

# ---- keys missing, unknown, twice
for k in GOOD:
    refused("without " + k, text_of({x: v for x, v in GOOD.items() if x != k}), "the key %s is missing" % k)
refused("unknown key", text_of(GOOD) + "colour: blue\n", "no such key", line=8)
refused("unknown key that is a secret", text_of(GOOD) + "0x%s: 1\n" % SECRET, "no such key", line=8)
refused("twice", text_of(GOOD) + "chain_id: 1\n", "chain_id", "given twice", line=8)
refused("unknown key of a pair", text_of(GOOD) + "pools:\n- pair: %s\n  fee: 3\n" % ADDRESS, "pools", "no such key", line=10)
refused("empty", "", "no keys")
refused("a list", "- 1\n", "no keys")
refused("no YAML", text_of(GOOD) + "x: [1, 2\n", "not YAML")
refused("no YAML at all", "\x01\n", "not YAML")

# ---- values
for k in ("chain_id", "confirmations", "bump_after_s", "give_up_s", "fee_max_gwei", "depth", "expires_s", "max_wait_ms",
          "verify_blocks"):
    for v in ("0", "-1", "1.5", "much", "[1]", "''", "99999999999999999999", SECRET):
        wrong(k, v, "a whole number from")
for v in ("51", "x"):
    wrong("audit", v, "a whole number from 0 to 50")
for k in ("batch", "flash", "check_health", "pay_out", "pending"):
    wrong(k, "yes please", "true or false")
for k in ("pool", "liquidator", "router", "native"):
    for v in (ADDRESS[:-1], ADDRESS + "0", "ab" * 20, "0x" + "aB" * 20, "0x" + SECRET, "[]"):
        wrong(k, v, "an address is wanted")
for v in ("[]", "ipc:/x", "[ftp://x]", "['http://user:%s@x']" % SECRET, "[['x']]", "[%s]" % ",".join(["ipc:/x"] * 17)):
    wrong("nodes", v)
wrong("nodes", "[{header: 'a: b'}]", "the key url is missing")
wrong("nodes", "[{url: ipc:/x, header: %s}]" % SECRET, inner="header")
for v in ("[]", K1, "[%s/none]" % work, "[%s]" % OPEN, "[%s]" % BROKEN, "[%s]" % SECRET, "[0x%s]" % SECRET, "[%s, %s]" % (K1, K1),
          "[[]]"):
    wrong("keys", v)
wrong("keys", "[0x%s]" % SECRET, "does not belong here")
wrong("keys", "[%s]" % OPEN, "chmod 600")
wrong("pools", "[{pair: 1}]", inner="pair")
wrong("pools", "[{pair: %s, gas: 0}]" % ADDRESS, inner="gas")
for v in ("1", "[1]", "[{}]", "[{pair: %s, keep: 997}]" % ADDRESS, "[{pair: %s, keep: 1001, of: 1000}]" % ADDRESS,
          "[{pair: %s, keep: 1, of: 1000}]" % ADDRESS):
    wrong("pools", v)
wrong("relay", "1")
wrong("relay", "{key: %s}" % K1, "the key builders is missing")
wrong("relay", "{builders: [http://127.0.0.1:1]}", "the key key is missing")
refused("relay: key of a sender", text_of(GOOD) + "relay: {builders: [http://127.0.0.1:1], key: %s}\n" % K1, "make another")
for v in ("[]", "[1, 1]", "[2, 1]", "[1, 2, 3, 4, 5]", "x", "[x]"):
    wrong("tips", v)
refused("level beyond the tips", text_of(GOOD) + "level: 1\n", "level")
wrong("level", "4", "a whole number from 0 to 3")
wrong("txlog", "''")
wrong("stall_s", "-1")

# ---- options that do not go together
for args, word in ((["--venue", "x"], "--chain"), (["--venue-churn", "5"], "--chain"), (["--venue-arg", "--x"], "--chain"),
                   (["--lockstep"], "--lockstep")):
    rc, out = run(text_of(GOOD), *args)
    report(rc == 2 and word in out, "not with " + args[0], out)
for worth in ([], WORTH[:2], WORTH[2:], ["--set", "worth=2", "--set", "min_profit_e8=0"]):
    rc, out = run(text_of(GOOD), worth=worth)
    report(rc == 2 and "min_profit_e8" in out, "not without a least profit: " + " ".join(worth), out)
p = subprocess.run([TRIPLINE, "run", "--accounts", "x", "--iface", "y", "--chain", work + "/nothing.yaml", *WORTH],
                   capture_output=True, text=True, timeout=240)
report(p.returncode == 2 and "nothing.yaml" in p.stderr, "no file", p.stderr)
report(not os.path.exists(work + "/dir/transactions"), "nothing was sent for", "")
shutil.rmtree(work)
finish()
