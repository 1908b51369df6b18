#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Node connections (host/evm/rpc.h) against a node written apart from them: IPC, HTTP, WebSocket, each also behind TLS,
sent whole and in pieces, as chunks and fragments with pings between them. Prints TAP. Environment: B, the build directory; SEED.
"""
import base64
import hashlib
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from tap import finish, report, seed, skip  # noqa: E402

PROGRAM = os.path.join(os.environ.get("B", "build"), "chain", "rpc_live")
SEED = seed(20261121)


class Node:
    """The state that the test program asks for, shared by every connection."""

    def __init__(self):
        self.number = 100

    def head(self):
        return {"number": hex(self.number), "hash": "0x%064x" % self.number, "parentHash": "0x%064x" % (self.number - 1),
                "timestamp": hex(self.number * 12)}

    def answer(self, request):
        method = request["method"]
        result = {"eth_chainId": "0x7a69", "eth_getBalance": "0x0", "eth_getBlockByNumber": self.head(),
                  "eth_subscribe": "0xcd0c", "evm_mine": "0x0"}.get(method)
        if method == "evm_mine":
            self.number += 1
        if method == "eth_sendRawTransaction":
            error = {"code": -32602, "message": "failed to decode signed transaction"}
            return {"jsonrpc": "2.0", "id": request["id"], "error": error}
        if result is None:
            return {"jsonrpc": "2.0", "error": {"message": "no \"such\" method \u00e9", "code": -32601}, "id": request["id"]}
        return {"id": request["id"], "jsonrpc": "2.0", "result": result}

    def messages(self, text):
        """What the node sends for a request: its answer, and a notice for each block that it made."""
        request = json.loads(text)
        was = self.number
        batch = isinstance(request, list)
        answers = [self.answer(r) for r in (request if batch else [request])]
        if batch:
            random.shuffle(answers)
        out = [json.dumps(answers if batch else answers[0], ensure_ascii=False)]
        if self.number != was:
            notice = {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": "0xcd0c", "result": self.head()}}
            out.insert(random.randrange(2), json.dumps(notice, indent=1))
        return [m.encode() for m in out]


class Peer:
    """One connection: sends in pieces of random size."""

    def __init__(self, sock, pieces):
        self.sock, self.pieces = sock, pieces
        self.file = sock.makefile("rb")

    def send(self, data):
        if not self.pieces:
            self.sock.sendall(data)
            return
        at = 0
        while at < len(data):
            n = random.choice((1, 2, 7, 50, 1000, 20000))
            self.sock.sendall(data[at:at + n])
            at += n


def serve_ipc(peer, node):
    for line in peer.file:
        for m in node.messages(line):
            peer.send(m)


def read_head(peer):
    head = {}
    first = peer.file.readline()
    if not first:
        return None
    while (line := peer.file.readline().strip()):
        key, value = line.split(b":", 1)
        head[key.strip().lower()] = value.strip()
    head[b""] = first
    return head


def serve_http(peer, node):
    while (head := read_head(peer)) is not None:
        assert head[b""].startswith(b"POST /"), head
        body = node.messages(peer.file.read(int(head[b"content-length"])))
        body = body[0] if b'"eth_subscription"' not in body[0] else body[1]
        if random.random() < 0.5:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            continue
        out, at = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVary: x\r\n\r\n", 0
        while at < len(body):
            chunk = body[at:at + random.choice((1, 30, 400, 9000))]
            out += b"%x\r\n%s\r\n" % (len(chunk), chunk)
            at += len(chunk)
        peer.send(out + b"0\r\n\r\n")


def frame(first, payload):
    n = len(payload)
    size = bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big") if n < 65536 else b"\x7f" + n.to_bytes(8, "big")
    return bytes([first]) + size + payload


def fragments(message):
    """The message as one frame or several, with control frames between them."""
    if random.random() < 0.5:
        return frame(0x81, message)
    out, at, code = b"", 0, 1
    while at < len(message):
        n = random.choice((0, 1, 60, 126, 700, 70000))
        last = at + n >= len(message)
        out += frame((0x80 if last else 0) | code, message[at:at + n])
        code, at = 0, at + n
        if not last and random.random() < 0.5:
            out += frame(0x89, b"ping")
    return out


def serve_ws(peer, node):
    head = read_head(peer)
    accept = base64.b64encode(hashlib.sha1(head[b"sec-websocket-key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    assert len(base64.b64decode(head[b"sec-websocket-key"])) == 16 and head[b"sec-websocket-version"] == b"13", head
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while (two := peer.file.read(2)):
        assert two[1] & 0x80, "an unmasked frame"
        n = two[1] & 0x7f
        n = int.from_bytes(peer.file.read(8 if n == 127 else 2), "big") if n > 125 else n
        mask = peer.file.read(4)
        text = bytes(b ^ mask[i % 4] for i, b in enumerate(peer.file.read(n)))
        if two[0] & 15 == 8:
            return
        if two[0] & 15 == 10:
            assert text == b"ping", text
            continue
        for m in node.messages(text):
            peer.send(fragments(m))


def listen(where, serve, pieces, context=None):
    """Serves each connection in a thread; gives the URL's host and port, or the path."""
    s = socket.socket(socket.AF_UNIX if where else socket.AF_INET, socket.SOCK_STREAM)
    s.bind(where or ("127.0.0.1", 0))
    s.listen()
    node = Node()

    def one(conn):
        try:
            if context:
                conn = context.wrap_socket(conn, server_side=True)
            if not where:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(Peer(conn, pieces), node)
        except (ConnectionError, ssl.SSLError, OSError) as e:
            print("# connection: %s" % e)
        finally:
            conn.close()

    def run():
        while True:
            threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return where or "127.0.0.1:%d" % s.getsockname()[1]


def run_program(url, ca):
    env = dict(os.environ, **({"CA_FILE": ca} if ca else {}))
    return subprocess.run([PROGRAM, url], capture_output=True, text=True, errors="replace", timeout=240, env=env)


def live(url, what, ca=None):
    p = run_program(url, ca)
    good = p.stdout.count("\nok ") + p.stdout.startswith("ok ")
    report(p.returncode == 0 and good >= 6, "%s: %d checks" % (what, good), p.stdout + p.stderr)


def untrusted(url, ca, what):
    p = run_program(url, ca)
    report(p.returncode == 1 and "SSL" in p.stdout and p.stdout.startswith("not ok 1 "), what, p.stdout + p.stderr)


def make_certificate(work, name, host):
    pem, key = os.path.join(work, name + ".pem"), os.path.join(work, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=" + host, "-keyout", key, "-out", pem],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return pem, context


def tls(work):
    if not shutil.which("openssl"):
        return skip("TLS", "no openssl to make a certificate with")
    mine, context = make_certificate(work, "mine", "IP:127.0.0.1")
    other, _ = make_certificate(work, "other", "IP:127.0.0.1")
    wrong, elsewhere = make_certificate(work, "elsewhere", "IP:127.0.0.2")
    for scheme, serve in (("https", serve_http), ("wss", serve_ws)):
        live("%s://%s/" % (scheme, listen(None, serve, True, context)), scheme, mine)
    where = listen(None, serve_http, False, context)
    untrusted("https://" + where, other, "a certificate of another authority is refused")
    untrusted("https://" + listen(None, serve_http, False, elsewhere), wrong, "a certificate for another host is refused")


def main():
    print("# SEED=%d" % SEED)
    random.seed(SEED)
    with tempfile.TemporaryDirectory(prefix="tl-rpc-") as work:
        for pieces in (False, True):
            how = "in pieces" if pieces else "whole"
            live("ipc:" + listen(os.path.join(work, "node%d" % pieces), serve_ipc, pieces), "IPC, " + how)
            live("http://" + listen(None, serve_http, pieces), "HTTP, " + how)
            live("ws://" + listen(None, serve_ws, pieces), "WebSocket, " + how)
        tls(work)
    finish()


if __name__ == "__main__":
    main()
