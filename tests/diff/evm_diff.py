#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""host/evm (docs/evm.md) against two judges: vectors made by ethers (tests/data/evm, written by
tests/chain/vectors/make_evm.mjs) and judge_evm.py, which is itself held against those vectors.

  evm_diff.py             vectors and random commands; TAP on stdout
  evm_diff.py --mutants   compiles wrong versions of the sources and expects that each is found

Environment: SEED (default 1), CASES (random commands of each kind, default 200), CC (default gcc), EVM_DRIVER (a ready driver;
otherwise it is compiled into a temporary folder). Run from the project root.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
from glob import glob

import judge_evm as j
from evm_mutants import MUTANTS

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

SEED = tap.seed(1)
CASES = int(os.environ.get("CASES", "200"))
DATA = "tests/data/evm"
ENCODINGS = [x for x in sorted(glob("host/evm/*.c")) if not os.path.basename(x).startswith(("rpc", "nodes"))]
SOURCES = ["tests/diff/evm_driver.c", "host/base/wide.c", *ENCODINGS]


def h(b):
    return b.hex() or "-"


def bare(text):
    return bytes.fromhex("" if text == "-" else text)


def word(v):
    return j.b32(v % 2**256).hex()


class Session:
    """Commands, what each must answer, and to which check it belongs."""

    def __init__(self):
        self.asked, self.checks = [], {}

    def ask(self, check, command, answer):
        self.asked.append((check, command, answer))

    def run(self, exe):
        done = subprocess.run([exe], input="".join(c + "\n" for _, c, _ in self.asked), capture_output=True, text=True)
        answers = done.stdout.split("\n")[:-1]
        if done.returncode != 0 or len(answers) != len(self.asked):
            raise RuntimeError(f"driver: status {done.returncode}, {len(answers)} of {len(self.asked)} answers; "
                               f"{done.stderr[-2000:]}")
        for (check, command, want), got in zip(self.asked, answers):
            row = self.checks.setdefault(check, [0, 0, ""])
            row[0] += 1
            if got.endswith("refused"):  # values are printed before it is known that a later one is wrong
                got = "refused"
            if got.strip() != want:
                row[1] += 1
                row[2] = row[2] or f"{command[:3000]}: {got[:1500]} instead of {want[:1500]}"

    def failures(self):
        return sum(bad for _, bad, _ in self.checks.values())


# ---- ethers' vectors, for the driver and for the judge

def lines(name):
    with open(os.path.join(DATA, name)) as f:
        return [line.split() for line in f]


def access_of(text):
    items = [item.split(",") for item in text.split(";")] if text != "-" else []
    return [(bytes.fromhex(a), [bytes.fromhex(x) for x in slots]) for a, *slots in items]


def transaction_of(f):
    """Of a vector's fields from the type on."""
    kind, chain, nonce, tip, fee, gas = map(int, f[:6])
    return {"type": kind, "chain": chain, "nonce": nonce, "tip": tip, "fee": fee, "gas": gas, "to": bare(f[6]),
            "value": int(f[7]), "data": bare(f[8]), "access": access_of(f[9])}


def told(t):
    """A transaction's fields as the driver takes and prints them."""
    access = ";".join(",".join(x.hex() for x in (a, *slots)) for a, slots in t["access"]) or "-"
    return (f"{t['type']} {t['chain']} {t['nonce']} {t['tip']} {t['fee']} {t['gas']} {h(t['to'])} {word(t['value'])} "
            f"{h(t['data'])} {access}")


def vectors(s):
    unlike = []
    for kind, key, *f, raw, digest, sender in lines("transactions.txt"):
        t = transaction_of([kind] + f)
        s.ask("ethers' transactions", f"tx {key} {told(t)}", f"{raw} {digest} {sender}")
        s.ask("ethers' transactions, read", f"tx_get {raw}", f"{told(t)} {sender}")
        if j.signed(t, int(key, 16)).hex() != raw or j.checksummed(j.decode(bytes.fromhex(raw))["sender"]) != sender:
            unlike.append(raw)
    for key, body, signature, header in lines("messages.txt"):
        s.ask("ethers' personal signatures", f"personal {key} {body}", signature)
        s.ask("ethers' bundle headers", f"header {key} {body}", header)
        if j.personal(int(key, 16), bare(body)).hex() != signature or j.bundle_header(int(key, 16), bare(body)) != header:
            unlike.append(header)
    for signature, data, words, *tokens in lines("calls.txt"):
        s.ask("ethers' calls", f"abi_put {signature} {words} {' '.join(tokens)}", data)
        if j.keccak(signature.encode())[:4].hex() != data[:8]:
            unlike.append(signature)
    return unlike


# ---- random commands

def blob(r, *lengths):
    return r.randbytes(r.choice(lengths) if r.random() < 0.5 else r.randrange(max(lengths) + 1))


def hashes(s, r):
    for n in list(range(0, 140)) + [271, 272, 273, 407, 408, 409, 1000] + [r.randrange(700) for _ in range(CASES // 4)]:
        data = r.randbytes(n)
        s.ask("keccak", f"keccak {h(data)} {r.randrange(n + 1)}", j.keccak(data).hex())


def random_item(r, depth):
    if depth and r.random() < 0.4:
        return [random_item(r, depth - 1) for _ in range(r.choice((0, 1, 2, 5, 60 if depth == 1 else 3)))]
    return bytes([r.randrange(256)]) if r.random() < 0.3 else blob(r, 0, 2, 54, 55, 56, 57, 90, 255 if r.random() < 0.2 else 3)


def rlp_tokens(item):
    return f"s {h(item)}" if isinstance(item, bytes) else " ".join(["l", *map(rlp_tokens, item), "."])


def damaged(r, data):
    """Lengths, headers and ends are where a reader errs: change, cut, add, or write a length another way."""
    b = bytearray(data)
    for _ in range(r.choice((1, 1, 2))):
        what, at = r.randrange(5), r.randrange(min(len(b), 80)) if b else 0
        if what == 0 and b:
            b[at] = r.choice((0, 1, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xbf, 0xc0, 0xf7, 0xf8, 0xff, b[at] ^ 1 << r.randrange(8)))
        elif what == 1:
            del b[r.randrange(len(b) + 1):]
        elif what == 2:
            b += r.randbytes(r.randrange(3))
        elif what == 3:
            b[at:at] = r.choice((b"\0", b"\x81", b"\xb8\x01", b"\xb8", b"\xf8", b"\xc0", b"\x80"))
        elif b:
            del b[at]
    return bytes(b)


def sloppy(r, item, flaws):
    """Another encoding than the canonical one of some item in it, all lengths being right. flaws counts them."""
    payload = item if isinstance(item, bytes) else b"".join(sloppy(r, x, flaws) for x in item)
    base, n = 0x80 if isinstance(item, bytes) else 0xc0, len(payload)
    size = max(1, (n.bit_length() + 7) // 8)
    single = base == 0x80 and n == 1 and payload[0] < 0x80
    if r.random() < 0.1 and (single or n < 56 or size < 7):
        flaws.append(n)
        if single and r.random() < 0.5:
            return b"\x81" + payload
        size += n >= 56 or r.random() < 0.5  # a zero in front, or a short length in the long form
        return bytes([base + 55 + size]) + n.to_bytes(size, "big") + payload
    return j.rlp(item) if base == 0x80 else (bytes([base + n]) if n < 56 else bytes([base + 55 + size]) + j.integer(n)) + payload


def lists(s, r):
    for _ in range(CASES * 3):
        item = random_item(r, 4)
        data = j.rlp(item)
        s.ask("RLP is written as by the judge", f"rlp_put {rlp_tokens(item)}", h(data))
        s.ask("RLP is read as by the judge", f"rlp_get {h(data)}", rlp_tokens(item))
        broken = damaged(r, data)
        try:
            want = rlp_tokens(j.unrlp(broken))
        except j.Refused:
            want = "refused"
        s.ask("damaged RLP is refused where the judge refuses it", f"rlp_get {h(broken)}", want)
        flaws = []
        other = sloppy(r, item, flaws)
        s.ask("other encodings of the same are refused", f"rlp_get {h(other)}", "refused" if flaws else rlp_tokens(item))


def random_type(r, depth):
    kind = r.randrange(10) if depth else 9
    if kind < 2:
        return "array", random_type(r, depth - 1)
    if kind < 4:
        return "tuple", [random_type(r, depth - 1) for _ in range(r.randrange(1, 4))]
    return "bytes" if kind < 7 else "word"


def random_value(r, t):
    if t == "word":
        return word(r.choice((0, 1, 32, 2**64, 2**255, 2**256 - 1, r.getrandbits(256))))
    if t == "bytes":
        return blob(r, 0, 1, 31, 32, 33, 70)
    return [random_value(r, t[1]) for _ in range(r.randrange(4))] if t[0] == "array" else [random_value(r, m) for m in t[1]]


def as_bytes(t, v):
    """Words of random_value are text; the judge wants bytes."""
    if isinstance(v, str):
        return bytes.fromhex(v)
    if t == "bytes":
        return v
    return [as_bytes(m, x) for m, x in zip(t[1] if t[0] == "tuple" else [t[1]] * len(v), v)]


def value_tokens(t, v):
    if t == "word":
        return f"w {v.hex()}"
    if t == "bytes":
        return f"b {h(v)}"
    if t[0] == "array":
        return " ".join([f"a {len(v)} {j.words(t[1])}", *(value_tokens(t[1], x) for x in v), "."])
    inside = " ".join(value_tokens(m, x) for m, x in zip(t[1], v))
    return f"t {sum(map(j.words, t[1]))} {inside} ." if j.dynamic(t) else inside


def shape(t):
    if t == "word" or t == "bytes":
        return t[0]
    if t[0] == "array":
        return f"a {j.words(t[1])} {shape(t[1])} ."
    inside = " ".join(map(shape, t[1]))
    return f"t {inside} ." if j.dynamic(t) else inside


def plain(t, v):
    """Values as the driver prints them."""
    if t == "word" or t == "bytes":
        return h(v)
    if t[0] == "array":
        return " ".join([str(len(v)), *(plain(t[1], x) for x in v)])
    return " ".join(plain(m, x) for m, x in zip(t[1], v))


def damaged_words(r, data):
    b = bytearray(data)
    for _ in range(r.choice((1, 1, 2))):
        if not b or r.random() < 0.2:
            del b[r.randrange(len(b) + 1):]
            continue
        at = r.randrange(0, len(b), 32)
        old = int.from_bytes(b[at:at + 32], "big")
        small = (0, 1, 31, 32, 33, 64, len(b), len(b) - 31, len(b) - 32, len(b) - 33, old + 1, old - 1, old + 32, old - 32)
        large = (2**64 - 32, 2**64, 2**256 - 1, 2**59, 2**58 + 1, r.getrandbits(64))
        b[at:at + 32] = bytes.fromhex(word(r.choice((r.choice(small), r.choice(large)))))
    return bytes(b)


def calls(s, r):
    for _ in range(CASES * 3):
        types = [random_type(r, 3) for _ in range(r.randrange(1, 5))]
        values = [as_bytes(t, random_value(r, t)) for t in types]
        data, shapes = j.row(types, values), " ".join(map(shape, types))
        tokens = " ".join(value_tokens(t, v) for t, v in zip(types, values))
        s.ask("ABI is written as by the judge", f"abi_put - {sum(map(j.words, types))} {tokens}", data.hex())
        printed = " ".join(plain(t, v) for t, v in zip(types, values))
        s.ask("ABI is read as by the judge", f"abi_get {h(data)} {shapes}", printed)
        broken = damaged_words(r, data)
        try:
            want = " ".join(plain(t, v) for t, v in zip(types, j.read_row(types, broken)))
        except j.Refused:
            want = "refused"
        s.ask("damaged ABI is refused where the judge refuses it", f"abi_get {h(broken)} {shapes}", want)


def some(r, bits):
    return r.choice((0, 1, 127, 128, 255, 256, 2**bits - 1, 2**bits - 2, r.getrandbits(bits),
                     r.getrandbits(r.randrange(1, bits + 1)))) % 2**bits


def random_transaction(r):
    tip, fee = sorted((some(r, 128), some(r, 128)))
    kind = r.choice((1, 2, 2))
    access = [(r.randbytes(20), [r.randbytes(32) for _ in range(r.randrange(3))]) for _ in range(r.choice((0, 0, 1, 3)))]
    return {"type": kind, "chain": some(r, 64), "nonce": min(some(r, 64), 2**64 - 2), "tip": tip if kind == 2 else 0, "fee": fee,
            "gas": some(r, 64), "to": r.randbytes(20) if r.random() < 0.9 else b"", "value": some(r, 256),
            "data": blob(r, 0, 1, 55, 56, 164, 300), "access": access}


def transactions(s, r):
    for i in range(CASES // 2):
        key, t = r.randrange(1, j.N), random_transaction(r)
        raw = j.signed(t, key)
        sender = j.checksummed(j.address(key))
        s.ask("transactions as the judge signs them", f"tx {word(key)} {told(t)}",
              f"{raw.hex()} {j.keccak(raw).hex()} {sender}")
        for n in range(12):
            broken = damaged(r, raw) if n < 2 else damaged_field(r, t)
            try:
                d = j.decode(broken)
                want = f"{told(d)} {j.checksummed(d['sender']) if d['sender'] else 'nobody'}"
            except j.Refused:
                want = "refused"
            s.ask("damaged transactions are refused where the judge refuses them", f"tx_get {h(broken)}", want)
        bad = dict(t, **r.choice(({"nonce": 2**64 - 1}, {"type": 2, "tip": 1 + t["fee"] % 2**127, "fee": t["fee"] % 2**127},
                                  {"type": r.choice((0, 3, 4))}, {"type": 1, "tip": 1})))
        s.ask("no transaction that cannot be", f"tx {word(key)} {told(bad)}", "refused")


def damaged_field(r, t):
    """Sound RLP, in which one field has another length or kind, or one more or less is there, or the type is another.
    Signed by nobody: no point of the curve has an x of 5."""
    f, kind = j.fields(t) + [b"\x01", b"\x05", b"\x07"], t["type"]
    at = r.choice((r.randrange(len(f)), len(f) - 3))  # the parity has the narrowest range
    what = r.randrange(5)
    if what == 0:
        f[at] = r.choice((b"", b"\0", b"\x02", b"\0\x01", bytes(33), *(r.randbytes(n) for n in (9, 17, 19, 21, 33)), [], [b""]))
    elif what == 1:
        del f[at]
    elif what == 2:
        f.insert(at, b"")
    elif what == 3:
        kind = r.choice((0, 1, 2, 3, 4, 0x7f))
    elif t["access"]:
        f[-4] = [r.choice((b"", [], [a], [a, b""], [a, [b""]], [a, list(x), b""], [a + b"\0", []], [a, list(x)]))
                 for a, x in t["access"]]
    return bytes([kind]) + j.rlp(f)


def signatures(s, r):
    for _ in range(CASES // 2):
        key = r.choice((1, 2, j.N - 1, r.randrange(1, j.N)))
        digest = bytes.fromhex(word(r.choice((0, 1, j.N, j.N - 1, 2**256 - 1, r.getrandbits(256)))))
        rr, ss, parity = j.sign(key, digest)
        who = j.checksummed(j.address(key))
        s.ask("signatures as RFC 6979 has them", f"sign {word(key)} {digest.hex()}", f"{word(rr)} {word(ss)} {parity} {who}")
        for a, b, c in ((rr, ss, parity), (rr, j.N - ss, 1 - parity), (rr, ss, 1 - parity), (0, ss, 0), (rr, 0, 0),
                        (rr, ss, 2), (j.N, ss, 0), (rr, j.N, 0), (r.getrandbits(256), ss, parity), (rr, j.N // 2, 0),
                        (rr, j.N // 2 + 1, 0)):
            found = j.recover(digest, a, b, c)
            s.ask("signers are found, or refused", f"signer {word(a)} {word(b)} {c} {digest.hex()}",
                  j.checksummed(found) if found else "refused")


def texts(s, r):
    for _ in range(CASES):
        a = r.randbytes(20)
        text = j.checksummed(a)
        s.ask("addresses with their checksum", f"address {a.hex()}", text)
        at = r.randrange(2, 42)
        for t in (text, text.lower(), "0x" + text[2:].upper(), text[:at] + text[at].swapcase() + text[at + 1:], text[2:], text[:-1],
                  text + "0", text[:at] + r.choice("gG:/@`") + text[at + 1:], "0X" + text[2:]):
            good = t[:2] == "0x" and len(t) == 42 and all(c in "0123456789abcdefABCDEF" for c in t[2:]) and (
                t == text or t[2:] in (t[2:].lower(), t[2:].upper()))
            s.ask("addresses are read, or refused", f"address_text {t}", a.hex() if good else "refused")
        v = some(r, 256)
        for t, good in ((f"0x{v:x}", True), (f"0x{v:X}", True), (f"0x0{v:x}", False), (f"{v:x}", False), ("0x", False),
                        (f"0x1{v:064x}", False)):
            s.ask("quantities", f"quantity {t}", f"{word(v)} 0x{v:x}" if good else "refused")


def session():
    r, s = random.Random(SEED), Session()
    unlike = vectors(s)
    for part in (hashes, lists, calls, transactions, signatures, texts):
        part(s, r)
    return s, unlike


# ---- running

def compile_driver(folder, sources, include="host"):
    exe = os.path.join(folder, "evm_driver")
    subprocess.run([os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O1", f"-I{include}", "-Ihost", *sources,
                    "-lsecp256k1", "-o", exe], check=True)
    return exe


def mutants():
    s, missed = session()[0], 0
    for name, file, old, new in MUTANTS:
        with tempfile.TemporaryDirectory(prefix="tl-evm-") as folder:
            shutil.copytree("host/evm", os.path.join(folder, "evm"))
            path = os.path.join(folder, "evm", file)
            with open(path) as f:
                text = f.read()
            if text.count(old) != 1:
                raise RuntimeError(f"mutant '{name}': its text occurs {text.count(old)} times in {file}")
            with open(path, "w") as f:
                f.write(text.replace(old, new))
            sources = [x.replace("host/evm", os.path.join(folder, "evm")) for x in SOURCES]
            s.checks = {}
            try:
                s.run(compile_driver(folder, sources, folder))
                found = s.failures()
            except RuntimeError as e:
                found = str(e)
            missed += not found
            print(f"{'found' if found else 'MISSED'}  {name}", flush=True)
    print(f"{len(MUTANTS) - missed} of {len(MUTANTS)} found")
    return missed


def main():
    if "--mutants" in sys.argv:
        sys.exit(1 if mutants() else 0)
    print(f"# SEED={SEED}")
    s, unlike = session()
    with tempfile.TemporaryDirectory(prefix="tl-evm-") as folder:
        s.run(os.environ.get("EVM_DRIVER") or compile_driver(folder, SOURCES))
    rows = [("the judge gives ethers' vectors", 1, bool(unlike), unlike[:1])] + [(k, *v) for k, v in s.checks.items()]
    for i, (name, n, bad, first) in enumerate(rows, 1):
        if bad:
            print(f"# {first}")
        print(f"{'not ok' if bad else 'ok'} {i} - {name}: {n} cases, {int(bad)} wrong")
    print(f"1..{len(rows)}")
    sys.exit(1 if any(row[2] for row in rows) else 0)


if __name__ == "__main__":
    main()
