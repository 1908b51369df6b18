#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpus of fuzz_feed from generated captures: make_corpus.py [FOLDER].

Small and synthetic: one file for each kind of packet that `tripline gen` sends, one with an impaired sequence,
and one with frames damaged in every way. Environment: TRIPLINE (binary, default build/tripline).
"""
import os
import struct
import subprocess
import sys

TRIPLINE = os.environ.get("TRIPLINE", "build/tripline")


def frames(*options):
    data = subprocess.run([TRIPLINE, "gen", "-q", "-o", "-", *options], check=True, capture_output=True).stdout
    at = 24
    while at < len(data):
        have, wire = struct.unpack_from("<II", data, at + 8)
        yield data[at + 16:at + 16 + have], wire
        at += 16 + have


def record(frame, wire, payload_only=False):
    flags = 8 if len(frame) < wire else 0
    if payload_only:
        at = 12
        while frame[at:at + 2] != b"\x08\x00":
            at += 4
        ip = frame[at + 2:]
        header, total = (ip[0] & 15) * 4, struct.unpack_from(">H", ip, 2)[0]
        frame, flags = ip[header + 8:total], 4
    return struct.pack("<BH", flags, len(frame)) + frame


def templates(payload):
    at, out = 8, []
    while at < len(payload):
        block, template, _, version, groups, texts = struct.unpack_from("<6H", payload, at)
        out.append("%d" % template)
        if groups or texts:
            return out + ["more"]  # enough to tell packets apart
        at += 12 + block
    return out


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "tests/fuzz/corpus/feed"
    os.makedirs(folder, exist_ok=True)
    seen = {}
    for frame, wire in frames("--packets", "3000", "--seed", "3"):
        payload = record(frame, wire, True)
        seen.setdefault("-".join(templates(payload[3:])[:3]), (payload, record(frame, wire)))
    files = {}
    for name, (payload, whole) in seen.items():
        files["payload-" + name] = payload
        if len(files) % 4 == 0:
            files["frame-" + name] = whole
    sequence = [record(f, w, True) for f, w in frames("--packets", "60", "--seed", "4", "--drop", "20", "--dup", "20",
                                                      "--instruments", "BTC-PERPETUAL")]
    files["sequence"] = b"".join(sequence)[:4000]
    damaged = [record(f, w) for f, w in frames("--packets", "60", "--seed", "5", "--corrupt", "100",
                                               "--instruments", "BTC-PERPETUAL")]
    for i in range(0, len(damaged), 12):
        files["damaged-%d" % (i // 12)] = b"".join(damaged[i:i + 12])[:4000]
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
    print("%d files, %d bytes" % (len(files), sum(map(len, files.values()))))


if __name__ == "__main__":
    main()
