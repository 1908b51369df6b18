#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Independent reader of Deribit legacy multicast captures.

Written from the format's description (docs/feeds.md) alone and sharing nothing with the C code, so that the
generator and the decoder can be judged by something that does not repeat their mistakes. It has its own pcap
and pcapng parser.

As a program: deribit_reader.py CAPTURE prints the price rows as CSV. As a module: read(path) -> Result.
"""
import collections
import struct
import sys

COLUMNS = ("cap_ts_ns,group,port,channel,seq,msg_idx,template,version,instrument_id,name,ts_ms,"
           "mark,index,bid,bidamt,ask,askamt,last,state_or_price").split(",")


class Result:
    def __init__(self):
        self.rows = []  # lists in the order of COLUMNS; numbers are int or float, absent fields ""
        self.names = {}  # instrument id -> newest name
        self.definitions = {}  # instrument id -> set of (template, name, kind, type, contract size, tick)
        self.templates = collections.Counter()
        self.frames = 0
        self.packets = 0  # whole packets of the feed, duplicates included
        self.ignored = 0  # frames that are not such a packet
        self.problems = []  # what is wrong in a packet that is clearly the feed's
        self.gaps = self.missing = self.duplicates = 0
        self.per_packet = collections.Counter()  # messages in a packet -> packets
        self.tags = collections.Counter()  # VLAN tags -> packets
        self.ip_options = 0


# ---- capture files

def pcap_records(data):
    magic = data[:4]
    order, unit = {
        b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xd4\xc3\xb2\xa1": ("<", 1000),
        b"\xa1\xb2\x3c\x4d": (">", 1), b"\x4d\x3c\xb2\xa1": ("<", 1),
    }[magic]
    major, minor, _, _, snaplen, link = struct.unpack_from(order + "HHiIII", data, 4)
    if (major, minor) != (2, 4):
        raise ValueError("pcap version %d.%d" % (major, minor))
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            raise ValueError("record header cut off")
        sec, frac, have, wire = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + have > len(data) or have > snaplen:
            raise ValueError("record cut off")
        yield sec * 10**9 + frac * unit, link, data[at:at + have], wire
        at += have


def pcapng_records(data):
    at, order, interfaces = 0, "<", []
    while at < len(data):
        kind = struct.unpack_from("<I", data, at)[0]
        if kind == 0x0A0D0D0A:
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", data, at)
        body = data[at + 8:at + size - 4]
        if kind == 1:
            link, per_second, p = struct.unpack_from(order + "H", body)[0], 10**6, 8
            while p + 4 <= len(body):
                code, n = struct.unpack_from(order + "HH", body, p)
                if code == 9:  # if_tsresol
                    v = body[p + 4]
                    per_second = 2**(v & 127) if v & 128 else 10**v
                p += 4 + (n + 3) // 4 * 4
            interfaces.append((link, per_second))
        elif kind == 6:
            which, high, low, have, wire = struct.unpack_from(order + "IIIII", body)
            link, per_second = interfaces[which]
            yield ((high << 32) | low) * 10**9 // per_second, link, body[20:20 + have], wire
        at += size


def records(path):
    with open(path, "rb") as f:
        data = f.read()
    return pcapng_records(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else pcap_records(data)


# ---- network layers

def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def udp_of(link, frame, wire):
    """(group, port, payload, tags, options, checksums good) or None for what is no whole UDP datagram."""
    if link != 1 or len(frame) < wire:
        return None
    at, tags = 12, 0
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at, tags = at + 4, tags + 1
    if tags > 2 or frame[at:at + 2] != b"\x08\x00":
        return None
    ip = frame[at + 2:]
    if len(ip) < 20 or ip[0] >> 4 != 4 or ip[0] & 15 < 5:
        return None
    header, total = (ip[0] & 15) * 4, struct.unpack_from(">H", ip, 2)[0]
    if total < header + 8 or total > len(ip) or ip[9] != 17 or struct.unpack_from(">H", ip, 6)[0] & 0x3FFF:
        return None
    udp = ip[header:total]
    port, length, check = struct.unpack_from(">HHH", udp, 2)
    if length != len(udp):
        return None
    pseudo = ip[12:20] + struct.pack(">HH", 17, length)
    good = ones_sum(ip[:header]) == 0xFFFF and (check == 0 or ones_sum(pseudo + udp) == 0xFFFF)
    return ".".join(map(str, ip[16:20])), port, udp[8:], tags, header > 20, good


# ---- messages

def skip_group(data, at):
    block, count, groups, texts = struct.unpack_from("<4H", data, at)
    at += 8
    for _ in range(count):
        at += block
        for _ in range(groups):
            at = skip_group(data, at)
        for _ in range(texts):
            at += 1 + data[at]
    return at


def messages(data):
    """(template, version, root block, position of the strings) of each message; raises on any inconsistency."""
    at, out = 8, []
    while at < len(data):
        block, template, schema, version, groups, texts = struct.unpack_from("<6H", data, at)
        if schema != 1:
            raise ValueError("schema %d" % schema)
        root, at = data[at + 12:at + 12 + block], at + 12 + block
        if len(root) != block:
            raise ValueError("root block overruns")
        for _ in range(groups):
            at = skip_group(data, at)
        strings = []
        for _ in range(texts):
            strings.append(data[at + 1:at + 1 + data[at]])
            at += 1 + data[at]
        out.append((template, version, root, strings))
    if at != len(data):
        raise ValueError("last message overruns by %d" % (at - len(data)))
    return out


def is_feed(data):
    if len(data) < 20:
        return False
    _, template, schema, version, groups, texts = struct.unpack_from("<6H", data, 8)
    return schema == 1 and 1000 <= template < 1100 and 1 <= version < 64 and groups < 16 and texts < 16


def price_fields(template, version, root):
    """instrument_id ... state_or_price, or None when the message is no price."""
    if template == 1003 and len(root) == 44:
        ident, ts, bid, bid_amount, ask, ask_amount = struct.unpack("<IQ4d", root)
        return [ident, "", ts, "", "", bid, bid_amount, ask, ask_amount, "", ""]
    if template == 1003 and version >= 2 and len(root) >= 133:
        ident, state, ts = struct.unpack_from("<IBQ", root)
        _, _, _, last, index, mark, bid, bid_amount, ask, ask_amount = struct.unpack_from("<10d", root, 13)
        return [ident, "", ts, mark, index, bid, bid_amount, ask, ask_amount, last, state]
    if template == 1008 and len(root) >= 32:
        name, price, ts = struct.unpack_from("<16sdQ", root)
        return ["", name.split(b"\0")[0].decode("ascii"), ts, "", price, "", "", "", "", "", ""]
    return None


def define(result, template, root, strings):
    if template not in (1000, 1010):
        return
    shift = 1 if template == 1010 else 0
    ident, _, kind, type_ = struct.unpack_from("<IBBB", root)
    size, _, tick = struct.unpack_from("<ddd", root, 76 - shift)
    if len(root) != 140 - shift:
        result.problems.append("definition of %d bytes" % len(root))
    result.names[ident] = strings[0].decode("ascii")
    entry = (template, strings[0].decode("ascii"), kind, type_, size, tick)
    result.definitions.setdefault(ident, set()).add(entry)


def take_packet(result, last, ts, group, port, data):
    length, channel, seq = struct.unpack_from("<HHI", data)
    key = (group, port, channel)
    if key in last:
        ahead = (seq - last[key]) & 0xFFFFFFFF
        if ahead == 0 or ahead >= 2**31:
            result.duplicates += 1
            return
        if ahead > 1:
            result.gaps += 1
            result.missing += ahead - 1
    last[key] = seq
    found = messages(data)
    result.per_packet[len(found)] += 1
    for i, (template, version, root, strings) in enumerate(found):
        result.templates[template] += 1
        define(result, template, root, strings)
        fields = price_fields(template, version, root)
        if fields:
            fields[1] = fields[1] or result.names.get(fields[0], "")
            result.rows.append([ts, group, port, channel, seq, i, template, version] + fields)


def read(path):
    result, last = Result(), {}
    for ts, link, frame, wire in records(path):
        result.frames += 1
        udp = udp_of(link, frame, wire)
        if udp is None or not is_feed(udp[2]):
            result.ignored += 1
            continue
        group, port, data, tags, options, good = udp
        try:
            if struct.unpack_from("<H", data)[0] != len(data) - 8:
                raise ValueError("frame length %d for %d bytes" % (struct.unpack_from("<H", data)[0], len(data) - 8))
            messages(data)
        except (ValueError, IndexError, struct.error) as e:
            result.ignored += 1
            result.problems.append("frame %d: %s" % (result.frames, e))
            continue
        if not good:
            result.problems.append("frame %d: checksum" % result.frames)
        result.packets += 1
        result.tags[tags] += 1
        result.ip_options += options
        take_packet(result, last, ts, group, port, data)
    return result


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: deribit_reader.py CAPTURE")
    print(",".join(COLUMNS))
    for row in read(sys.argv[1]).rows:
        print(",".join(map(str, row)))


if __name__ == "__main__":
    main()
