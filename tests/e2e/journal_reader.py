# SPDX-License-Identifier: Apache-2.0
"""The records of a journal (docs/journal.md), for tests that judge a run by what it wrote down."""
import struct


def records(path):
    """(type, payload) of each whole record; what is torn ends it."""
    with open(path, "rb") as f:
        data = f.read()
    i = 32
    while i + 16 <= len(data):
        word = struct.unpack_from("<I", data, i)[0]
        kind, n = word >> 24, word & 0xffffff
        if kind == 0 or i + 16 + n > len(data):
            return
        if kind != 255:
            yield kind, data[i + 16:i + 16 + n]
        i += 16 + n
