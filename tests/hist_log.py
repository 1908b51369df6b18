# SPDX-License-Identifier: Apache-2.0
"""Reader of HdrHistogram logs, written from the format's description, for test scripts."""
import base64
import struct
import zlib

MOST = 2**63 - 1


def counts(payload):
    """Zigzag LEB128, at most nine bytes, the ninth whole; a negative number is a run of empty buckets."""
    at, out = 0, []
    while at < len(payload):
        z = shift = 0
        for i in range(9):
            b = payload[at]
            at += 1
            z |= (b if i == 8 else b & 0x7f) << shift
            shift += 7
            if i < 8 and not b & 0x80:
                break
        v = z >> 1 ^ -(z & 1)
        out += [v] if v >= 0 else [0] * -v
    return out


def decode(text):
    raw = base64.b64decode(text, validate=True)
    cookie, n = struct.unpack(">II", raw[:8])
    assert cookie == 0x1c849314 and n == len(raw) - 8, "deflated head"
    raw = zlib.decompress(raw[8:])
    cookie, n, offset, digits, low, high, ratio = struct.unpack(">IIIIqqd", raw[:40])
    assert (cookie, n, offset, digits, low, high, ratio) == (0x1c849313, len(raw) - 40, 0, 2, 1, MOST, 1.0), "head"
    return counts(raw[40:])


def percentile(buckets, share):
    """The upper end of the bucket in which the share's value is, as hist.h says."""
    rank, seen = -(-sum(buckets) * share // 100), 0
    for i, n in enumerate(buckets):
        seen += n
        if n and seen >= rank:
            shift = max(0, i // 128 - 1)
            return i if shift == 0 else ((i - 128 * shift + 1) << shift) - 1
    return 0


def read(path):
    """(tag, interval in seconds, buckets' counts) of each line."""
    lines = [x.split(",") for x in open(path).read().splitlines() if x.startswith("Tag=")]
    return [(x[0][4:], float(x[2]), decode(x[4])) for x in lines]
