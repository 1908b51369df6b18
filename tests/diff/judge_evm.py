# SPDX-License-Identifier: Apache-2.0
"""The EVM's encodings and signatures, written for these tests from the public specifications (Keccak reference 3.0,
SEC 2, RFC 6979, Ethereum yellow paper appendix B, Solidity's contract ABI specification, EIP-55, 191, 1559, 2930) and
sharing nothing with host/evm. Slow and plain: integers and bytes, recursion where the specification has it."""
import hashlib
import hmac

# ---- Keccak-256: the state as a dictionary of lanes, offsets and constants from their definitions


def rol(x, n):
    return (x << n % 64 | x >> 64 - n % 64) & (1 << 64) - 1 if n % 64 else x


def rotations():
    at, r = (1, 0), {(0, 0): 0}
    for t in range(24):
        r[at] = (t + 1) * (t + 2) // 2 % 64
        at = (at[1], (2 * at[0] + 3 * at[1]) % 5)
    return r


def constants():
    out, lfsr = [], 1
    for _ in range(24):
        c = 0
        for j in range(7):
            if lfsr & 1:
                c |= 1 << (1 << j) - 1
            lfsr = lfsr << 1 ^ (0x171 if lfsr & 0x80 else 0)
        out.append(c)
    return out


ROT, RC = rotations(), constants()
XY = [(x, y) for x in range(5) for y in range(5)]


def permute(a):
    for c in RC:
        col = [a[x, 0] ^ a[x, 1] ^ a[x, 2] ^ a[x, 3] ^ a[x, 4] for x in range(5)]
        b = {(y, (2 * x + 3 * y) % 5): rol(a[x, y] ^ col[x - 1] ^ rol(col[(x + 1) % 5], 1), ROT[x, y]) for x, y in XY}
        a = {(x, y): b[x, y] ^ ~b[(x + 1) % 5, y] & b[(x + 2) % 5, y] for x, y in XY}
        a[0, 0] ^= c
    return a


def keccak(data):
    data = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % 136)
    data[-1] |= 0x80
    a = dict.fromkeys(XY, 0)
    for at in range(0, len(data), 136):
        for i in range(17):
            a[i % 5, i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")
        a = permute(a)
    return b"".join(a[i, 0].to_bytes(8, "little") for i in range(4))


# ---- secp256k1

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        m = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        m = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (m * m - a[0] - b[0]) % P
    return x, (m * (a[0] - x) - a[1]) % P


# Here a point is (x / z^2, y / z^3), z 0 for None: one inversion for a product instead of one for each bit.


def twice(a):
    x, y, z = a
    s, m = 4 * x * y * y, 3 * x * x
    u = (m * m - 2 * s) % P
    return u, (m * (s - u) - 8 * y**4) % P, 2 * y * z % P


def plus(a, b):
    if not a[2] or not b[2]:
        return b if not a[2] else a
    u, v = a[0] * b[2]**2 % P, b[0] * a[2]**2 % P
    s, t = a[1] * b[2]**3 % P, b[1] * a[2]**3 % P
    if u == v:
        return twice(a) if s == t else (1, 1, 0)
    h, d = v - u, t - s
    x = (d * d - h**3 - 2 * u * h * h) % P
    return x, (d * (u * h * h - x) - s * h**3) % P, h * a[2] * b[2] % P


def mul(k, p):
    r, q = (1, 1, 0), (*p, 1) if p else (1, 1, 0)
    while k:
        if k & 1:
            r = plus(r, q)
        q, k = twice(q), k >> 1
    if not r[2]:
        return None
    one = pow(r[2], -1, P)
    return r[0] * one**2 % P, r[1] * one**3 % P


def b32(v):
    return v.to_bytes(32, "big")


def address_of(point):
    return keccak(b32(point[0]) + b32(point[1]))[12:]


def address(secret):
    return address_of(mul(secret, G))


def nonces(secret, digest):
    """RFC 6979, 3.2, with SHA-256."""
    def h(k, *parts):
        return hmac.new(k, b"".join(parts), hashlib.sha256).digest()
    seed = b32(secret) + b32(int.from_bytes(digest, "big") % N)
    v, k = b"\x01" * 32, b"\0" * 32
    for x in (b"\0", b"\x01"):
        k = h(k, v, x, seed)
        v = h(k, v)
    while True:
        v = h(k, v)
        yield int.from_bytes(v, "big")
        k = h(k, v, b"\0")
        v = h(k, v)


def sign(secret, digest):
    """r, s, parity with low s."""
    z = int.from_bytes(digest, "big")
    for k in nonces(secret, digest):
        if not 0 < k < N:
            continue
        x, y = mul(k, G)
        r = x % N
        s = pow(k, -1, N) * (z + r * secret) % N
        if r and s:
            return (r, s, y & 1) if s <= N // 2 else (r, N - s, 1 - (y & 1))


def recover(digest, r, s, parity):
    """The signer's address, None when nobody's."""
    if not (0 < r < N and 0 < s <= N // 2 and parity in (0, 1)):
        return None
    y2 = (r**3 + 7) % P
    y = pow(y2, (P + 1) // 4, P)
    if y * y % P != y2:
        return None
    point = (r, y if y & 1 == parity else P - y)
    w = pow(r, -1, N)
    q = add(mul(s * w % N, point), mul(-int.from_bytes(digest, "big") * w % N, G))
    return q and address_of(q)


def personal(secret, message):
    r, s, parity = sign(secret, keccak(b"\x19Ethereum Signed Message:\n%d" % len(message) + message))
    return b32(r) + b32(s) + bytes([27 + parity])


def checksummed(a):
    digits, h = a.hex(), keccak(a.hex().encode()).hex()
    return "0x" + "".join(d.upper() if int(h[i], 16) > 7 else d for i, d in enumerate(digits))


def bundle_header(secret, body):
    return "%s:0x%s" % (checksummed(address(secret)), personal(secret, b"0x" + keccak(body).hex().encode()).hex())


# ---- RLP

def integer(v):
    return v.to_bytes((v.bit_length() + 7) // 8, "big")


def rlp(item):
    """bytes or a list of items."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        payload, base = item, 0x80
    else:
        payload, base = b"".join(map(rlp, item)), 0xc0
    n = len(payload)
    size = integer(n)
    return (bytes([base + n]) if n < 56 else bytes([base + 55 + len(size)]) + size) + payload


class Refused(Exception):
    pass


def unrlp_one(data):
    """The first item and what follows it. Refuses what rlp() would not have written."""
    if not data:
        raise Refused
    first = data[0]
    if first < 0x80:
        return data[:1], data[1:]
    kind = 0xc0 if first >= 0xc0 else 0x80
    head, n = 1, first - kind
    if n > 55:
        head = n - 54
        n = int.from_bytes(data[1:head], "big")
    if len(data) < head + n:
        raise Refused
    payload, item = data[head:head + n], []
    if kind == 0x80:
        item = payload
    else:
        while payload:
            one, payload = unrlp_one(payload)
            item.append(one)
    if rlp(item) != data[:head + n]:
        raise Refused
    return item, data[head + n:]


def unrlp(data):
    item, rest = unrlp_one(data)
    if rest:
        raise Refused
    return item


# ---- transactions: a dictionary with type, chain, nonce, tip, fee, gas, to, value, data, access ([(address, [slot])])

def fields(t):
    fees = [t["tip"], t["fee"]] if t["type"] == 2 else [t["fee"]]
    return [integer(v) for v in (t["chain"], t["nonce"], *fees, t["gas"])] + [
        t["to"], integer(t["value"]), t["data"], [[a, list(slots)] for a, slots in t["access"]]]


def signed(t, secret):
    kind = bytes([t["type"]])
    r, s, parity = sign(secret, keccak(kind + rlp(fields(t))))
    return kind + rlp(fields(t) + [integer(parity), integer(r), integer(s)])


def number(b, bits):
    if not isinstance(b, bytes) or b[:1] == b"\0" or len(b) * 8 > bits:
        raise Refused
    return int.from_bytes(b, "big")


def string(b, *lengths):
    if not isinstance(b, bytes) or lengths and len(b) not in lengths:
        raise Refused
    return b


def unsigned_access(items):
    if isinstance(items, bytes):
        raise Refused
    for item in items:
        if isinstance(item, bytes) or len(item) != 2 or isinstance(item[1], bytes):
            raise Refused
        yield string(item[0], 20), [string(x, 32) for x in item[1]]


def decode(data):
    """The transaction with its signature and sender; Refused when it is none."""
    if not data or data[0] not in (1, 2) or len(data) > 131072:
        raise Refused
    f, kind = unrlp(data[1:]), data[0]
    if isinstance(f, bytes) or len(f) != (12 if kind == 2 else 11):
        raise Refused
    tips, fee_at = (number(f[2], 128), 3) if kind == 2 else (0, 2)
    t = {"type": kind, "chain": number(f[0], 64), "nonce": number(f[1], 64), "tip": tips, "fee": number(f[fee_at], 128),
         "gas": number(f[fee_at + 1], 64), "to": string(f[fee_at + 2], 0, 20), "value": number(f[fee_at + 3], 256),
         "data": string(f[fee_at + 4]), "access": list(unsigned_access(f[fee_at + 5]))}
    parity, r, s = number(f[-3], 64), number(f[-2], 256), number(f[-1], 256)
    if t["tip"] > t["fee"] or t["nonce"] == 2**64 - 1 or parity > 1:
        raise Refused
    t["sender"] = recover(keccak(data[:1] + rlp(fields(t))), r, s, parity)
    return t


# ---- contract ABI. Types: "word", "bytes", ("tuple", [types]), ("array", type); values: bytes of 32, bytes, lists.

def dynamic(t):
    return t == "bytes" or t[0] == "array" or t[0] == "tuple" and any(map(dynamic, t[1]))


def words(t):
    """Words that it takes in the row of heads."""
    return sum(map(words, t[1])) if t[0] == "tuple" and not dynamic(t) else 1


def row(types, values):
    """heads(X(1)) ... heads(X(k)) tail(X(1)) ... of the specification."""
    heads, tails = [], []
    for t, v in zip(types, values):
        e = encode(t, v)
        heads.append(None if dynamic(t) else e)
        tails.append(e if dynamic(t) else b"")
    at, out = sum(32 if h is None else len(h) for h in heads), b""
    for h, tail in zip(heads, tails):
        out += b32(at) if h is None else h
        at += len(tail)
    return out + b"".join(tails)


def encode(t, v):
    if t == "word":
        return v
    if t == "bytes":
        return b32(len(v)) + v + bytes(-len(v) % 32)
    if t[0] == "array":
        return b32(len(v)) + row([t[1]] * len(v), v)
    return row(t[1], v)


def word_at(data, at):
    if at + 32 > len(data):
        raise Refused
    return data[at:at + 32]


def read_row(types, data):
    at, out = 0, []
    for t in types:
        if dynamic(t):
            offset = int.from_bytes(word_at(data, at), "big")
            if offset > len(data):
                raise Refused
            out.append(read_tail(t, data[offset:]))
        else:
            out.append(read_static(t, data, at))
        at += 32 * words(t)
    return out


def read_static(t, data, at):
    if t == "word":
        return word_at(data, at)
    out = []
    for m in t[1]:
        out.append(read_static(m, data, at))
        at += 32 * words(m)
    return out


def read_tail(t, data):
    if t[0] == "tuple":
        return read_row(t[1], data)
    n, rest = int.from_bytes(word_at(data, 0), "big"), data[32:]
    if t == "bytes":
        if n > len(rest):
            raise Refused
        return rest[:n]
    if n * 32 * words(t[1]) > len(rest):
        raise Refused
    return read_row([t[1]] * n, rest)
