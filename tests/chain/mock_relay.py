# SPDX-License-Identifier: Apache-2.0
"""A private relay and builder in one, for tests: takes eth_sendBundle with an authenticated body, keeps each bundle for its
target block only, and builds blocks on a local node: the bundle that pays most wins, one that would revert is dropped whole.

    relay = Relay(node, signer="0x...")     relay.url; relay.build() makes the next block
"""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import judge_evm as judge
from node import RpcError


class Relay:
    def __init__(self, node, signer):
        self.node, self.signer, self.lock = node, signer.lower(), threading.Lock()
        self.bundles, self.refused, self.taken, self.cancelled, self.included = {}, [], [], [], []
        self.dropped = []  # blocks for which a bundle would have reverted
        self.rivals = set()  # blocks that somebody else's bundle wins
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with relay.lock:
                    out = json.dumps(relay.answer(body, self.headers.get("X-Flashbots-Signature"))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, body, header):
        request = json.loads(body)
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] == "eth_chainId":
            return dict(reply, result="0x7a69")
        why = self.unsigned(body, header)
        if why:
            self.refused.append(why)
            return dict(reply, error={"code": -32600, "message": why})
        what = request["params"][0]
        if request["method"] == "eth_cancelBundle":
            self.cancelled.append(what["replacementUuid"])
            self.bundles = {k: v for k, v in self.bundles.items() if k[1] != what["replacementUuid"]}
            return dict(reply, result=None)
        txs = [bytes.fromhex(t[2:]) for t in what["txs"]]
        self.bundles[int(what["blockNumber"], 16), what["replacementUuid"]] = txs
        self.taken.append((int(what["blockNumber"], 16), txs))
        return dict(reply, result={"bundleHash": "0x" + judge.keccak(b"".join(judge.keccak(t) for t in txs)).hex()})

    def unsigned(self, body, header):
        """Why the header does not authenticate the body, or None."""
        if not header or ":" not in header:
            return "signature header is missing"
        who, signature = header.split(":")
        s = bytes.fromhex(signature[2:])
        text = ("0x" + judge.keccak(body).hex()).encode()
        digest = judge.keccak(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text)
        at = judge.recover(digest, int.from_bytes(s[:32], "big"), int.from_bytes(s[32:64], "big"), s[64] - 27)
        if at is None or "0x" + at.hex() != who.lower():
            return "signature is not the address's"
        return None if who.lower() == self.signer else "unknown signer"

    def works(self, tx):
        t = judge.decode(tx)
        call = {"from": "0x" + t["sender"].hex(), "to": "0x" + t["to"].hex(), "data": "0x" + t["data"].hex(), "gas": hex(t["gas"])}
        try:
            self.node.rpc("eth_call", call, "latest")
            return True
        except RpcError:
            return False

    def build(self):
        """The next block: the best bundle for it, or a rival's (an empty block here)."""
        number = int(self.node.rpc("eth_blockNumber"), 16) + 1
        with self.lock:
            mine = [txs for (block, _), txs in self.bundles.items() if block == number]
            self.bundles = {k: v for k, v in self.bundles.items() if k[0] > number}
        if number in self.rivals:
            mine = []
        for txs in mine:
            if not all(map(self.works, txs)):
                self.dropped.append(number)
                continue
            try:
                for t in txs:
                    self.included.append(self.node.rpc("eth_sendRawTransaction", "0x" + t.hex()))
                break
            except RpcError:
                continue
        self.node.mine()
