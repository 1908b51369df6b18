#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Byte vectors for test_igmp.c, from RFC 3376 section 4, RFC 2236 section 2 and RFC 1112 alone: `name hex` lines."""
import ipaddress
import struct

MAC = bytes.fromhex("02000000000a")
ME, ROUTER, ANY, SSM = "10.1.2.3", "10.1.2.1", "239.1.2.3", "232.129.5.6"
S1, S2, S3 = "192.0.2.1", "192.0.2.2", "192.0.2.99"


def ip(text):
    return ipaddress.IPv4Address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total > 0xffff:
        total = total // 0x10000 + total % 0x10000
    return struct.pack(">H", 0xffff - total)


def ethernet(src_mac, src, dst, igmp, alert=True, vlan=None, tos=0xc0, df=True):
    igmp = igmp[:2] + checksum(igmp[:2] + b"\0\0" + igmp[4:]) + igmp[4:]
    options = bytes((148, 4, 0, 0)) if alert else b""
    size = 20 + len(options)
    head = struct.pack(">BBHHHBB", 0x40 + size // 4, tos, size + len(igmp), 0, 0x4000 if df else 0, 1, 2)
    head = head + checksum(head + b"\0\0" + ip(src) + ip(dst) + options) + ip(src) + ip(dst) + options
    low = int(ipaddress.IPv4Address(dst)) % 2 ** 23
    mac = b"\x01\x00\x5e" + struct.pack(">I", low)[1:]
    tag = struct.pack(">HH", 0x8100, 6 * 0x2000 + vlan) if vlan else b""
    return (mac + src_mac + tag + b"\x08\x00" + head + igmp).ljust(60, b"\0")


def record(kind, group, *sources):
    return struct.pack(">BBH", kind, 0, len(sources)) + ip(group) + b"".join(map(ip, sources))


def report3(*records, **kw):
    body = struct.pack(">BBHHH", 0x22, 0, 0, 0, len(records)) + b"".join(records)
    return ethernet(MAC, kw.pop("me", ME), "224.0.0.22", body, **kw)


def short(kind, group, dst, src=ME, mac=MAC, code=0, **kw):
    return ethernet(mac, src, dst, struct.pack(">BBH", kind, code, 0) + ip(group), **kw)


def query3(code, group, dst, sources=(), qrv=2, qqic=125, extra=b"", **kw):
    body = struct.pack(">BBH", 0x11, code, 0) + ip(group)
    body += struct.pack(">BBH", qrv, qqic, len(sources)) + b"".join(map(ip, sources)) + extra
    return ethernet(b"\x02\0\0\0\0\x01", ROUTER, dst, body, **kw)


def query_old(code, group="0.0.0.0", dst="224.0.0.1", **kw):
    return short(0x11, group, dst, ROUTER, b"\x02\0\0\0\0\x01", code, **kw)


ALL = "224.0.0.1"
put = {
    # sent
    "join3": report3(record(4, ANY), record(5, SSM, S1, S2)),
    "join3_vlan": report3(record(4, ANY), record(5, SSM, S1, S2), vlan=905),
    "join3_no_ip": report3(record(4, ANY), record(5, SSM, S1, S2), me="0.0.0.0"),
    "leave3": report3(record(3, ANY), record(6, SSM, S1, S2)),
    "now3": report3(record(2, ANY), record(1, SSM, S1, S2)),
    "now3_any": report3(record(2, ANY)),
    "now3_ssm": report3(record(1, SSM, S1, S2)),
    "asked_ssm_s1": report3(record(1, SSM, S1)),
    "asked_ssm_s2": report3(record(1, SSM, S2)),
    "asked_ssm_s1_s2": report3(record(1, SSM, S2, S1)),
    "asked_any_s3": report3(record(1, ANY, S3)),
    "v2_any": short(0x16, ANY, ANY), "v2_ssm": short(0x16, SSM, SSM),
    "v1_any": short(0x12, ANY, ANY), "v1_ssm": short(0x12, SSM, SSM),
    "leave2_any": short(0x17, ANY, "224.0.0.2"), "leave2_ssm": short(0x17, SSM, "224.0.0.2"),
    # heard
    "q3": query3(100, "0.0.0.0", ALL), "q3_vlan": query3(100, "0.0.0.0", ALL, vlan=905),
    "q3_code": query3(0x8f, "0.0.0.0", ALL, qrv=3, qqic=0x9a), "q3_now": query3(0, "0.0.0.0", ALL),
    "q3_any": query3(10, ANY, ANY), "q3_ssm": query3(10, SSM, SSM),
    "q3_ssm_s2": query3(10, SSM, SSM, (S2,)), "q3_ssm_s1_s3": query3(10, SSM, SSM, (S1, S3)),
    "q3_ssm_s3": query3(10, SSM, SSM, (S3,)), "q3_any_s3": query3(10, ANY, ANY, (S3,)),
    "q3_ssm_many": query3(10, SSM, SSM, ["198.51.100.%d" % i for i in range(1, 41)]),
    "q3_extra": query3(100, "0.0.0.0", ALL, extra=b"later"), "q3_stranger": query3(10, "239.9.9.9", "239.9.9.9"),
    "q2": query_old(100), "q2_any": query_old(10, ANY, ANY), "q1": query_old(0, alert=False),
    "other2_any": short(0x16, ANY, ANY, "10.1.2.9", b"\x02\0\0\0\0\x09"),
    "other3": ethernet(b"\x02\0\0\0\0\x09", "10.1.2.9", "224.0.0.22", b"\x22\0\0\0\0\0\0\1" + record(4, ANY)),
    # to be ignored
    "bad_q3_no_alert": query3(100, "0.0.0.0", ALL, alert=False), "bad_q2_no_alert": query_old(100, alert=False),
    "bad_q3_dst": query3(100, "0.0.0.0", "239.1.1.1"), "bad_q3_group": query3(100, "10.0.0.1", ALL),
    "bad_q3_general_sources": query3(100, "0.0.0.0", ALL, (S1,)),
    "bad_len": ethernet(b"\x02\0\0\0\0\x01", ROUTER, ALL, struct.pack(">BBHIH", 0x11, 100, 0, 0, 2)),
}
body = bytearray(put["q3_ssm_s2"])
body[14 + 24 + 11] = 2  # one source more than there is
body[14 + 24 + 2:14 + 24 + 4] = b"\0\0"
body[14 + 24 + 2:14 + 24 + 4] = checksum(bytes(body[14 + 24:14 + 24 + 16]))
put["bad_q3_count"] = bytes(body)
part = bytearray(put["q3"])
part[14 + 6:14 + 8] = b"\x20\0"  # more fragments follow
part[14 + 10:14 + 12] = b"\0\0"
part[14 + 10:14 + 12] = checksum(bytes(part[14:14 + 24]))
put["bad_fragment"] = bytes(part)
flip = bytearray(put["q3"])
flip[14 + 24 + 1] ^= 1
put["bad_sum"] = bytes(flip)
flip = bytearray(put["q3"])
flip[14 + 15] ^= 1
put["bad_ip_sum"] = bytes(flip)

# 128 groups of 16 sources: as many records as fit 1,500 bytes of IP, then the next report.
sets = [("232.1.%d.%d" % (i // 100, i % 100), ["203.0.%d.%d" % (i, k + 1) for k in range(16)]) for i in range(128)]
room = (1500 - 24 - 8) // (8 + 16 * 4)
for n, at in enumerate(range(0, 128, room)):
    put["big_%d" % n] = report3(*(record(5, g, *s) for g, s in sets[at:at + room]))

for name, data in put.items():
    print(name, data.hex())
