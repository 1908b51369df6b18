#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpora of the fuzzers rlp, abi, tx and events: make_evm_corpus.py [FOLDER] (default tests/fuzz/corpus).

From the vectors of tests/data/evm: the shortest transactions of each type, with and without an access list, and calls
of many shapes, each with what the fuzzer is to ask for."""
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, os.pardir, "data", "evm")
BYTES, WORD = 0, 6  # what fuzz_abi.c asks for by these numbers


def lines(name):
    with open(os.path.join(DATA, name)) as f:
        return [line.split() for line in f]


def transactions():
    kinds = {}
    for f in sorted(lines("transactions.txt"), key=lambda f: len(f[11])):
        kind = "type-%s%s%s" % (f[0], "-access" if f[10] != "-" else "", "-create" if f[7] == "-" else "")
        kinds.setdefault(kind, []).append(bytes.fromhex(f[11]))
    return {"%s-%d" % (k, i): b for k, found in kinds.items() for i, b in enumerate(found[:4])}


def asked(tokens):
    """An array's items are asked for one by one; a tail is left again (13)."""
    out, closed = [], {"w": [WORD], "b": [BYTES], "t": [5], ".": [13]}
    for i, t in enumerate(tokens):
        if t in closed:
            out += closed[t]
        elif t == "a":
            out.append(1 + int(tokens[i + 2]) if int(tokens[i + 2]) < 4 else 4)
    return out


def calls():
    found = [(asked(f[3:]), bytes.fromhex(f[1])[4:]) for f in lines("calls.txt")]
    found = sorted({(tuple(a[:31]), d) for a, d in found if len(d) < 1200}, key=lambda x: (len(x[1]), x))
    files = {"call-%d" % i: bytes([len(a), *a]) + d for i, (a, d) in enumerate(found[::3])}
    for n in (0, 4):  # data that ends where the tail does, without padding
        files["end-%d" % n] = bytes([1, BYTES]) + (32).to_bytes(32, "big") + n.to_bytes(32, "big") + b"x" * n
    return files


# Topics of Borrow, LiquidationCall (pool) and Transfer (token) with words of data, as fuzz_events.c wants them.
EVENTS = {"borrow": (1, "b3d084820fb1a9decffb176436bd02558d15fac9b0ddfed8c465bc7359d7dce0", 3, 4),
          "liquidation": (1, "e413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286", 3, 4),
          "transfer": (2, "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", 2, 1)}


def events():
    files = {}
    for name, (emitter, topic, indexed, words) in EVENTS.items():
        who = ["0x" + "%064x" % (0xa0 + i) for i in range(indexed)]
        log = {"address": "0x" + "11" * 20, "topics": ["0x" + topic, *who], "data": "0x" + "00" * 31 * words + "0b" * words,
               "blockNumber": "0x10", "logIndex": "0x0", "blockHash": "0x" + "22" * 32, "removed": False}
        files[name] = b"%d" % emitter + json.dumps(log).encode()  # a digit and the emitter leave the same rest by 6
    return files


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "corpus")
    tx = transactions()
    random.seed(1)
    rlp = {k: b[1:] for k, b in tx.items()} | {"long": b"\xb9\x01\x00" + random.randbytes(256), "empty": b"\xc0\x80\x00"}
    for name, files in (("tx", tx), ("rlp", rlp), ("abi", calls()), ("events", events())):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for old in os.listdir(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name, old))
        for file, content in files.items():
            with open(os.path.join(folder, name, file), "wb") as f:
                f.write(content)
        print("%s: %d files, %d bytes" % (name, len(files), sum(map(len, files.values()))))


if __name__ == "__main__":
    main()
