#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a journal's writer at random instants, again and again on the same journal.

After each kill: every record up to the last LSN that the writer had published as durable is in the file, in order and
unmodified; what was there before is byte for byte the same; and the next writer goes on from it. The file is read
here by an independent reader, written from docs/journal.md.
Prints TAP. Takes SEED, CC, JOURNAL_WRITER (else builds tests/e2e/journal_writer.c). Seconds: about 5.
"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
JOURNALS, KILLS = 4, 15
SEED = tap.seed(40)
RAMP = bytes(range(256)) * 3
FILE_HEAD, RECORD_HEAD, MARK, RECORD_MAX = 32, 16, 255, 1 << 20

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for b in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ b) & 0xFF]
    return crc ^ 0xFFFFFFFF


def u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def u64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def expected(i):
    return 1 + i % 14, i.to_bytes(8, "little") + RAMP[i % 256:i % 256 + i % 300]


class Reader:
    """Checks the records of a journal; goes on where it was when the file has grown."""

    def __init__(self):
        self.at = FILE_HEAD
        self.count = 0
        self.kept = b""  # the whole records seen so far
        self.ends = {FILE_HEAD}

    def step(self, data):
        """End of the whole record at self.at, or None."""
        at = self.at
        head = data[at:at + RECORD_HEAD]
        if len(head) < RECORD_HEAD:
            return None
        if crc32c(data[16:24] + at.to_bytes(8, "little") + head[:12]) != u32(head, 12):
            return None
        length, kind = u32(head, 0) & 0xFFFFFF, head[3]
        payload = data[at + RECORD_HEAD:at + RECORD_HEAD + length]
        if length > RECORD_MAX or len(payload) < length or crc32c(payload) != u32(head, 8):
            return None
        if kind != MARK:
            assert (kind, payload) == expected(self.count), f"record {self.count} at {at} is not what was put"
            self.count += 1
        return at + RECORD_HEAD + length

    def read(self, data):
        assert data[:len(self.kept)] == self.kept, "bytes that had been whole records have changed"
        if len(data) < FILE_HEAD:
            assert self.count == 0, "the file lost its header"
            return
        assert data[:8] == b"TRIPJNL\n" and u32(data, 8) == 1 and u32(data, 28) == crc32c(data[:28]), "file header"
        while (end := self.step(data)) is not None:
            self.at = end
            self.ends.add(end)
        self.kept = data[:self.at]


def build(tmp):
    if os.environ.get("JOURNAL_WRITER"):
        return os.environ["JOURNAL_WRITER"]
    out = tmp / "journal_writer"
    sources = [ROOT / "tests/e2e/journal_writer.c", *sorted((ROOT / "host/journal").glob("*.c")),
               ROOT / "host/base/crc32c.c"]
    subprocess.run([*os.environ.get("CC", "gcc").split(), "-std=c17", "-D_GNU_SOURCE", "-O1", "-g",
                    f"-I{ROOT}/host", *map(str, sources), "-lpthread", "-o", str(out)], check=True)
    return str(out)


def durable_of(text):
    """The last whole line: a line that is cut off was not published."""
    lines = text.rpartition("\n")[0].splitlines()
    return int(lines[-1].split()[1]) if lines else 0


def kill_once(writer, path, rng, reader):
    """One life of the writer. Returns the durable LSN that it had published when it was killed."""
    with subprocess.Popen([writer, str(path), str(rng.getrandbits(63))], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        first = ""
        if rng.random() < 0.3:  # in its first moments: loading, creating, recovering
            time.sleep(rng.random() * 0.004)
        else:  # once something is durable, however slow the disk
            first = p.stdout.readline()
            time.sleep(rng.random() * 0.08)
        died_before = p.poll()
        p.send_signal(signal.SIGKILL)
        out, err = first + p.stdout.read(), p.stderr.read()
    assert died_before is None, f"the writer ended by itself ({died_before}): {err}"
    durable = durable_of(out)
    reader.read(path.read_bytes() if path.exists() else b"")
    assert reader.at >= durable, f"durable up to {durable}, but whole records end at {reader.at}"
    assert durable == 0 or durable in reader.ends, f"{durable} is not where a record ends"
    return durable


def finish(writer, path, reader):
    """A last life with an orderly end."""
    with subprocess.Popen([writer, str(path), "1"], stdout=subprocess.PIPE, text=True) as p:
        p.stdout.readline()
        p.send_signal(signal.SIGTERM)
        out, _ = p.communicate()
    assert p.returncode == 0, f"orderly end: exit status {p.returncode}"
    data = path.read_bytes()
    reader.read(data)
    assert reader.at == len(data), f"{len(data) - reader.at} bytes behind the last record after an orderly end"
    assert data[-RECORD_HEAD + 3] == MARK, "no closing mark"
    assert reader.at >= durable_of(out)


def torture(writer, path, seed):
    rng = random.Random(seed)
    reader = Reader()
    durable = [kill_once(writer, path, rng, reader) for _ in range(KILLS)]
    finish(writer, path, reader)
    assert any(durable), "no writer lived long enough to make anything durable"
    print(f"# {KILLS} kills, {sum(map(bool, durable))} after something was durable, {reader.count} records")


def main():
    print(f"# SEED={SEED}\n1..{JOURNALS}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        writer = build(Path(tmp))
        for i in range(JOURNALS):
            name = f"killed {KILLS} times, seed {SEED + i}"
            try:
                torture(writer, Path(tmp) / f"journal{i}", SEED + i)
                print(f"ok {i + 1} - {name}", flush=True)
            except AssertionError as e:
                failed += 1
                print(f"not ok {i + 1} - {name}\n# {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
