# SPDX-License-Identifier: Apache-2.0
"""A node that misbehaves: HTTP in front of an honest one. It can be cut off, slow, take transactions and lose them, or take
them and keep them back until it is told to let go.

    proxy = Proxy(node)    proxy.url; proxy.mode = CUT
"""
import http.client
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import judge_evm
from node import RpcError

HONEST, CUT, SWALLOW, KEEP = "honest", "cut", "swallow", "keep"
SEND = "eth_sendRawTransaction"
ANVIL_S = 60


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is none


class Proxy:
    """delay: seconds before each answer. raw: transactions that came, in order; kept: those not passed on yet."""

    def __init__(self, node):
        self.port_behind, self.mode, self.delay = node.port, HONEST, 0.0
        self.raw, self.kept, self.asked, self.cut_off = [], [], 0, 0
        self.lock, self.clients = threading.Lock(), set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.behind = http.client.HTTPConnection("127.0.0.1", proxy.port_behind, timeout=ANVIL_S)
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with proxy.lock:
                    proxy.clients.add(self.connection)

            def finish(self):
                self.behind.close()
                with proxy.lock:
                    proxy.clients.discard(self.connection)
                super().finish()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                out = proxy.answer(body, self.behind)
                if out is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *args):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, body, behind):
        """Bytes, or None: hang up."""
        time.sleep(self.delay)
        if self.mode == CUT:
            self.cut_off += 1
            return None
        asked = json.loads(body)
        several = isinstance(asked, list)
        asked = asked if several else [asked]
        ours, theirs = {}, []
        for r in asked:
            mine = self.send(r) if r["method"] == SEND else None
            if mine is None:
                theirs.append(r)
            else:
                ours[json.dumps(r["id"])] = mine
        self.asked += len(asked)
        if theirs:
            said = self.forward(behind, theirs)
            if said is None:
                return None
            ours.update({json.dumps(r["id"]): r for r in said})
        out = [ours[json.dumps(r["id"])] for r in asked]
        return json.dumps(out if several else out[0]).encode()

    def send(self, request):
        """Our own answer to a transaction, or None: it is to be passed on."""
        raw = request["params"][0]
        with self.lock:
            self.raw.append(raw)
            if self.mode == KEEP:
                self.kept.append(raw)
        if self.mode not in (SWALLOW, KEEP):
            return None
        return {"jsonrpc": "2.0", "id": request["id"], "result": "0x" + judge_evm.keccak(bytes.fromhex(raw[2:])).hex()}

    @staticmethod
    def forward(behind, requests):
        try:
            behind.request("POST", "/", json.dumps(requests), {"Content-Type": "application/json"})
            said = json.loads(behind.getresponse().read())
            return said if isinstance(said, list) else [said]
        except (OSError, http.client.HTTPException, ValueError):
            behind.close()
            return None

    def cut(self):
        """As if the machine were off: what is open is closed, and what comes is closed at once."""
        self.mode = CUT
        with self.lock:
            clients = list(self.clients)
        for c in clients:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def release(self, node):
        """Passes on what was kept; what the node refuses by now is told."""
        refused = []
        with self.lock:
            kept, self.kept = self.kept, []
        for raw in kept:
            try:
                node.rpc(SEND, raw)
            except RpcError as e:
                refused.append(str(e))
        return refused

    def close(self):
        self.cut()
        self.server.shutdown()
        self.server.server_close()


__all__ = ["CUT", "HONEST", "KEEP", "Proxy", "SWALLOW"]
