# SPDX-License-Identifier: Apache-2.0
"""A local EVM node (anvil) for tests: started on a port that is free and, if asked, on a unix socket, and ended with the
thread that started it, however that ends (kill -9 included). What each test needs of JSON-RPC and of Solidity's encoding
is here too.

    with Node(state="build/chain/state-3.6.gz") as node:
        node.call(to, data); node.send(frm, to, data); node.mine(timestamp=...)
"""
import atexit
import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

CHAIN_DIR = Path(os.environ.get("CHAIN_DIR", "build/chain"))
ANVIL = CHAIN_DIR / "npm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
START_S = 240
GAS = 16_000_000  # below the cap of one transaction (EIP-7825)
PR_SET_PDEATHSIG = 1
_running = []


class RpcError(Exception):
    """The node's refusal. data: revert data as bytes, where there is some."""

    def __init__(self, error):
        super().__init__(error.get("message", str(error)))
        data = error.get("data")
        self.data = bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""


def missing():
    """Why no node can run here, or None."""
    if not ANVIL.exists():
        return f"{ANVIL} is missing: make deps-chain"
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _clear_socket(path):
    """Takes away a socket that nobody listens on any more; refuses one that is in use."""
    with socket.socket(socket.AF_UNIX) as s:
        if s.connect_ex(str(path)) == 0:
            raise RuntimeError(f"{path} is taken")
    Path(path).unlink(missing_ok=True)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Node:
    """One anvil process. port: None takes a free one; one that is taken is refused. ipc: also listen on this socket."""

    def __init__(self, state=None, port=None, ipc=None, chain_id=31337, timestamp=1_700_000_000, block_time=None, args=()):
        self.port = port or free_port()
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", self.port)) == 0:
                raise RuntimeError(f"port {self.port} is taken")
        if ipc:
            _clear_socket(ipc)
        self.ipc, self.url, self.number = ipc, f"http://127.0.0.1:{self.port}", 0
        self.log = tempfile.TemporaryFile()
        cmd = [str(ANVIL), "--port", str(self.port), "--chain-id", str(chain_id), "--timestamp", str(timestamp), "--silent"]
        cmd += ["--ipc", str(ipc)] if ipc else []
        cmd += ["--block-time", str(block_time)] if block_time else []
        self.process = subprocess.Popen(cmd + list(args), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=die_with_parent)
        _running.append(self)
        self.http = None
        try:
            self._wait()
            self.rpc("anvil_setBlockTimestampInterval", 1)  # a block's clock is a second on, whatever the machine's says
            if state:
                self.load(state)
        except BaseException:
            self.close()
            raise

    def _wait(self):
        end = time.monotonic() + START_S
        while True:
            try:
                self.rpc("eth_chainId")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.log.seek(0)
                    raise RuntimeError("anvil did not start: " + self.log.read().decode(errors="replace")[-500:])
                time.sleep(0.01)

    def close(self):
        if self.http:
            self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self in _running:
            _running.remove(self)
        if self.ipc and os.path.exists(self.ipc):
            os.unlink(self.ipc)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # ---- JSON-RPC

    def _post(self, body):
        if not self.http:
            self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            self.http.request("POST", "/", body, {"Content-Type": "application/json"})
            return json.loads(self.http.getresponse().read())
        except (OSError, http.client.HTTPException):
            self.http.close()
            self.http = None
            raise

    def rpc(self, method, *params):
        self.number += 1
        reply = self._post(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}))
        if "error" in reply:
            raise RpcError(reply["error"])
        return reply["result"]

    def batch(self, calls, chunk=500):
        """Many calls (method, [params]) as batches; their results in order."""
        out = []
        for i in range(0, len(calls), chunk):
            part = [{"jsonrpc": "2.0", "id": k, "method": m, "params": p} for k, (m, p) in enumerate(calls[i:i + chunk])]
            replies = sorted(self._post(json.dumps(part)), key=lambda r: r["id"])
            for r in replies:
                if "error" in r:
                    raise RpcError(r["error"])
                out.append(r["result"])
        return out

    def load(self, path):
        """A state that dump() wrote."""
        if not self.rpc("anvil_loadState", "0x" + Path(path).read_bytes().hex()):
            raise RuntimeError(f"anvil refuses the state {path}")
        # The node's own clock knows nothing of the state's: without this the next block would be older than the last.
        self.mine(self.now() + 1)

    def dump(self, path):
        part = Path(str(path) + ".part")
        part.write_bytes(bytes.fromhex(self.rpc("anvil_dumpState")[2:]))
        part.replace(path)

    def call(self, to, data, block="latest", frm=None):
        tx = {"to": to, "data": hexed(data)}
        if frm:
            tx["from"] = frm
        return bytes.fromhex(self.rpc("eth_call", tx, block)[2:])

    def send(self, frm, to, data, gas=GAS, value=0):
        """Hash of a transaction from an account that the node may sign for (see impersonate)."""
        return self.rpc("eth_sendTransaction", {"from": frm, "to": to, "data": hexed(data), "gas": hex(gas), "value": hex(value)})

    def impersonate(self):
        """From now on the node signs for anyone; mining is left to mine()."""
        self.rpc("anvil_autoImpersonateAccount", True)
        self.rpc("evm_setAutomine", False)

    def mine(self, timestamp=None):
        if timestamp is not None:
            self.rpc("evm_setNextBlockTimestamp", timestamp)
        self.rpc("evm_mine")

    def receipt(self, tx):
        return self.rpc("eth_getTransactionReceipt", tx)

    def now(self):
        """Seconds of the latest block."""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


@atexit.register
def _end_all():
    for n in list(_running):
        n.close()


# ---- Solidity's encoding, as far as tests need it

def hexed(data):
    return data if isinstance(data, str) else "0x" + data.hex()


def word(v):
    """An integer, bool, or address as one word."""
    if isinstance(v, str):
        v = int(v, 16)
    return (v % 2**256).to_bytes(32, "big")


def encode(selector, *args):
    """A call. A list is a dynamic array of words; everything else is one word."""
    head, tail = [], b""
    for a in args:
        if isinstance(a, (list, tuple)):
            head.append(word(32 * len(args) + len(tail)))
            tail += word(len(a)) + b"".join(map(word, a))
        else:
            head.append(word(a))
    return bytes.fromhex(selector[2:]) + b"".join(head) + tail


def words(data):
    return [int.from_bytes(data[i:i + 32], "big") for i in range(0, len(data), 32)]


def array(data):
    """The words of a result that is one dynamic array."""
    w = words(data)
    return w[2:2 + w[1]]


def address(w):
    return "0x" + (w % 2**160).to_bytes(20, "big").hex()
