# SPDX-License-Identifier: Apache-2.0
"""`tripline run --chain` as a process: its store, its file, its keys, its life; and its journal, read by a reader that shares
nothing with it (docs/journal.md, host/exec/order.h)."""
import os
import re
import signal
import sqlite3
import struct
import subprocess
import threading
import time
from pathlib import Path

from node import die_with_parent
from run_judge import Booked
from run_wire import RX, SOURCES

TRIPLINE = os.environ.get("TRIPLINE", os.path.join(os.environ.get("B", "build"), "tripline"))
STALE_MS = 5000
START_S, END_S, INDEX_S, REPLAY_S = 60, 60, 120, 300
REPLY, READY, ORDER_KEY = 7, 10, 16
MINED, UNDONE = 6, 7
MINED_VERSION = 3
MINED_FORMAT = struct.Struct("<BHq32s16s16s16s")


def records(path):
    """(type, payload) of a journal's whole records. A torn tail ends it."""
    data = Path(path).read_bytes()
    at = 32
    while at + 16 <= len(data):
        head = int.from_bytes(data[at:at + 4], "little")
        size, kind = head & 0xFFFFFF, head >> 24
        if kind == 0 or at + 16 + size > len(data):
            return
        yield kind, data[at + 16:at + 16 + size]
        at += 16 + size


def key_text(payload, at):
    return "d%d-a%d-e%d-r%d" % struct.unpack_from("<4I", payload, at)


def outcome(payload):
    """(status, order's key as text, success, instrument, block, hash, profit, gas, paid) of a MINED or UNDONE; None else."""
    if payload[0] != MINED_VERSION or payload[1] not in (MINED, UNDONE):
        return None
    body = payload[2 + ORDER_KEY + 1 + payload[2 + ORDER_KEY]:]
    ok, instrument, block, tx, profit, gas, paid = MINED_FORMAT.unpack(body)
    return (payload[1], key_text(payload, 2), bool(ok), instrument, block, "0x" + tx.hex(),
            *(int.from_bytes(x, "little", signed=True) for x in (profit, gas, paid)))


def booked(journal, symbols):
    """What a journal says was earned and spent. symbols: of the instruments, in order."""
    inside = {}  # hash -> outcome, of what is in the chain by what was told last
    for kind, payload in records(journal):
        o = outcome(payload) if kind == REPLY else None
        if o and o[0] == MINED:
            inside.setdefault(o[5], []).append(o)
        elif o:
            told = inside.get(o[5], [])
            told[:] = [x for x in told if x[1] != o[1]]
    out = Booked()
    for several in inside.values():
        for _, key, ok, instrument, _, tx, profit, gas, paid in several:
            out.mined.append((key, tx, ok))
            out.gas += gas + paid
            if ok:
                out.profit[symbols[instrument]] = out.profit.get(symbols[instrument], 0) + profit
    return out


class Keeper:
    """One state folder; start() and kill() as often as wanted. settings: of the chain file, beside those needed."""

    def __init__(self, world, folder, nodes=None, settings=None, args=(), device="sim+model"):
        self.w, self.folder = world, Path(folder)
        self.nodes, self.settings = nodes or [world.node.url], settings or {}
        self.args, self.device = list(args), device
        self.db, self.dir, self.file = self.folder / "accounts.db", self.folder / "run", self.folder / "chain.yaml"
        self.process, self.lines, self._reader = None, [], None
        self.key_files()

    # ---- what it is given

    def key_files(self):
        for i, s in enumerate(self.w.secrets):
            f = self.folder / f"key{i}"
            f.touch(0o600)
            f.write_text("%064x\n" % s)
        (self.folder / "relay-key").touch(0o600)
        (self.folder / "relay-key").write_text("%064x\n" % (self.w.secrets[0] ^ 1))

    def write_file(self):
        w = self.w
        lines = ["nodes:", *(f"  - {u}" for u in self.nodes), f"chain_id: {w.d['chainId']}", f"pool: \"{w.d['pool']}\"",
                 f"liquidator: \"{w.contract}\"", f"router: \"{w.router}\"", f"native: \"{w.d['weth']}\"",
                 "keys:", *(f"  - {self.folder}/key{i}" for i in range(len(w.secrets))),
                 "pools:", *(f"  - pair: \"{p['address']}\"" for p in w.pairs)]
        for k, v in self.settings.items():
            lines += [f"{k}:", *(f"  {a}: {b}" for a, b in v.items())] if isinstance(v, dict) else [f"{k}: {v}"]
        self.file.write_text("\n".join(lines) + "\n")

    def index(self):
        """The store: all from the chain, then the sources of the assets whose prices a feed has under another name."""
        self.must("chain", "index", "--node", self.nodes[0], "--pool", self.w.d["pool"], "--db", self.db, timeout=INDEX_S)
        rows = [f"{s},index,{source},8,{STALE_MS}" for s, source in SOURCES.items()]
        assets = self.folder / "assets.csv"
        assets.write_text("\n".join(["name,kind,source,decimals,stale_ms", *rows]) + "\n")
        self.must("accounts", "import", "--db", self.db, assets)

    def symbols(self):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as c:
            at = dict(c.execute("SELECT reserve, instrument FROM chain_reserves"))
        reserves = sorted(self.w.d["reserves"], key=lambda r: at[r["id"]])
        return [r["symbol"] for r in reserves]

    # ---- its life

    def must(self, *args, timeout=END_S):
        p = subprocess.run([TRIPLINE, *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False)
        if p.returncode:
            raise RuntimeError(f"tripline {' '.join(map(str, args))}: exit {p.returncode}: {p.stdout[-500:]}{p.stderr[-500:]}")
        return p.stdout

    def command(self):
        cmd = [TRIPLINE, "run", "--chain", self.file, "--accounts", self.db, "--dir", self.dir, "--device", self.device, "--audit",
               "--iface", RX, *self.args]
        return list(map(str, cmd))

    def start(self, quiet=True):
        self.write_file()
        if not self.db.exists():
            self.index()
        (self.dir / "ready").unlink(missing_ok=True)
        self.lines = []
        self.process = subprocess.Popen(self.command() + ["--quiet"] * quiet, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        if not self.wait(lambda: (self.dir / "ready").exists() or self.process.poll() is not None, START_S) or \
                self.process.poll() is not None:
            raise RuntimeError("tripline run does not start: " + self.text()[-2000:])

    def _read(self, out):
        for line in out:
            self.lines.append(line)

    @staticmethod
    def wait(what, seconds, step=0.05):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return True
            time.sleep(step)
        return bool(what())

    def text(self):
        return "".join(self.lines)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """A clean end; (exit status, what it printed)."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        return self.process.returncode, self.text()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()

    def close(self):
        if self.alive():
            self.kill()

    # ---- what it has written

    def booked(self):
        return booked(self.dir / "journal", self.symbols())

    def report(self):
        return self.must("report", self.dir / "journal", timeout=REPLAY_S)

    def orders(self):
        """[(key, outcome)] of the order lines of `tripline report`."""
        return re.findall(r"^\s+(d\d+-a\d+-e\d+-r\d+)\s+\S+\s+\S+\s+\S+\s+\S+\s+(.*)$", self.report(), re.M)

    def ready(self):
        """Keys of the orders that were made ready: their bytes are in the journal, that they were handed over need not be."""
        return {key_text(payload, 0) for kind, payload in records(self.dir / "journal") if kind == READY}

    def replay(self):
        """None when the replay is exact, else what it said."""
        p = subprocess.run([TRIPLINE, "replay", self.dir / "journal"], capture_output=True, text=True, timeout=REPLAY_S, check=False)
        return None if p.returncode == 0 else p.stdout[-1000:] + p.stderr[-1000:]


__all__ = ["Booked", "Keeper", "TRIPLINE", "booked", "outcome", "records"]
