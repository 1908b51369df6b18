#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Independent judge of recorded streams: the device as docs/device.md describes it, in Python integers.

usage: judge.py abi.toml RECORD...    prints TAP

A record has lines `g LANES SLOTS ASSETS`, `c BEAT` (commands) and `e BEAT` (events, stamps masked), a beat as 64
hexadecimal digits. Only the bit positions come from abi.toml; packing, arithmetic and rules are written anew here.
"""
import sys
import tomllib


class Layout:
    """Fields of the beats, straight from the definition."""

    def __init__(self, abi):
        self.commands = {c["opcode"]: (c["name"], c["fields"]) for c in abi["command"]}
        common = abi["event_common"]["fields"]
        self.events = {e["name"]: (e["kind"], e["fields"] + common) for e in abi["event"]}
        self.codes = {e["name"]: e["value"] for e in abi["error"]}
        self.causes = {c["name"]: c["value"] for c in abi["cause"]}

    def read(self, beat):
        """(opcode, name or None, fields)"""
        opcode = beat & 0xFF
        name, fields = self.commands.get(opcode, (None, []))
        out = {}
        for f in fields:
            values = []
            for i in range(f.get("count", 1)):
                v = beat >> (f["lsb"] + i * f.get("stride", 0)) & ((1 << f["width"]) - 1)
                if f.get("signed") and v >> (f["width"] - 1):
                    v -= 1 << f["width"]
                values.append(v)
            out[f["name"]] = values if "count" in f else values[0]
        return opcode, name, out

    def event(self, name, **values):
        kind, fields = self.events[name]
        beat = kind
        for f in fields:
            beat |= (values.pop(f["name"], 0) & ((1 << f["width"]) - 1)) << f["lsb"]
        assert not values, values
        return beat


class Device:
    PRICE_MAX = (1 << 34) - 1
    COEF_MIN, COEF_MAX = -(1 << 26), (1 << 26) - 1

    def __init__(self, layout, lanes, slots, assets):
        self.layout, self.rows, self.assets = layout, lanes * slots, assets
        self.price = [0] * assets
        self.band = [(0, self.PRICE_MAX)] * assets
        self.coef = [{} for _ in range(assets)]  # row -> coefficient, where not 0
        self.h = [0] * self.rows
        self.armed = set()
        self.load = None
        self.group = 0
        self.events = []

    def emit(self, name, **values):
        self.events.append(self.layout.event(name, group=self.group, **values))

    def error(self, code, opcode, asset=0, row=0):
        self.emit("error", code=self.layout.codes[code], opcode=opcode, asset=asset, row=row)

    def fire(self, row, cause, asset=0, price=0):
        self.armed.discard(row)
        self.emit("trigger", cause=self.layout.causes[cause], row=row, h=self.h[row], asset=asset, price=price)

    def arm(self, row, armed, cause):
        self.armed.discard(row)
        if armed:
            self.armed.add(row)
            if self.h[row] < 0:
                self.fire(row, cause)

    def do_tick(self, opcode, asset, price, group, last):
        if asset >= self.assets:
            return self.error("asset", opcode, asset=asset)
        if price > self.PRICE_MAX:
            return self.error("price", opcode, asset=asset)
        self.group = group
        change = price - self.price[asset]
        self.price[asset] = price
        lo, hi = self.band[asset]
        if not lo <= price <= hi:
            self.emit("band_exit", asset=asset, price=price)
        for row, coef in self.coef[asset].items():
            self.h[row] = (self.h[row] + coef * change + (1 << 63)) % (1 << 64) - (1 << 63)
        if last:
            for row in sorted(r for r in self.armed if self.h[r] < 0):
                self.fire(row, "tick", asset, price)

    def do_band(self, opcode, set_price, asset, lo, hi, price):
        if asset >= self.assets:
            return self.error("asset", opcode, asset=asset)
        if max(lo, hi, price if set_price else 0) > self.PRICE_MAX:
            return self.error("price", opcode, asset=asset)
        self.band[asset] = (lo, hi)
        if set_price:
            self.price[asset] = price

    def do_row(self, opcode, armed, n, row, h, coef, asset):
        known = row < self.rows
        self.load = {"row": row, "due": n, "armed": armed, "known": known, "good": True}
        if known:
            self.armed.discard(row)
            self.h[row] = h
        else:
            self.error("row", opcode, row=row)
        self.pairs(opcode, coef, asset)

    def do_coef(self, opcode, coef, asset):
        if self.load:
            self.pairs(opcode, coef, asset)
        else:
            self.error("coef_order", opcode)

    def pairs(self, opcode, coef, asset):
        """What a beat brings to the open load: as many pairs as it has places, at most those due."""
        load, row = self.load, self.load["row"]
        brought = list(zip(coef, asset))[:load["due"]]
        load["due"] -= len(brought)
        for c, a in brought if load["known"] else []:
            if a >= self.assets or not self.COEF_MIN <= c <= self.COEF_MAX:
                self.error("coef_asset" if a >= self.assets else "coef_value", opcode, asset=a, row=row)
                load["good"] = False
            elif c:
                self.coef[a][row] = c
            else:
                self.coef[a].pop(row, None)
        if load["due"] == 0:
            self.load = None
            if load["known"] and load["good"]:
                self.arm(row, load["armed"], "row")

    def do_arm(self, opcode, armed, row):
        if row >= self.rows:
            return self.error("row", opcode, row=row)
        self.arm(row, armed, "arm")

    def do_read(self, opcode, coef, asset, row):
        if row >= self.rows:
            return self.error("row", opcode, row=row)
        if not coef:
            return self.emit("read", row=row, armed=row in self.armed, h=self.h[row])
        if asset >= self.assets:
            return self.error("asset", opcode, asset=asset)
        self.emit("read", row=row, armed=row in self.armed, coef=1, asset=asset, h=self.coef[asset].get(row, 0))

    def do_sync(self, _, token):
        self.emit("sync", token=token)

    def do_nop(self, _):
        pass

    def step(self, beat):
        opcode, name, fields = self.layout.read(beat)
        if self.load and name != "coef":
            cut, self.load = self.load, None
            if cut["known"]:
                return self.error("row_cut", opcode, row=cut["row"])
        if name is None:
            self.error("opcode", opcode)
        else:
            getattr(self, "do_" + name)(opcode, **fields)


def judge(layout, path):
    """(number of commands, number of events, text of the first difference or None)"""
    device, given, commands = None, [], 0
    with open(path, encoding="ascii") as f:
        for line in f:
            kind, *rest = line.split()
            if kind == "g":
                device = Device(layout, *map(int, rest))
            elif kind == "c":
                device.step(int(rest[0], 16))
                commands += 1
            elif kind == "e":
                given.append(int(rest[0], 16))
    for i, (want, got) in enumerate(zip(device.events, given)):
        if want != got:
            return commands, len(given), f"event {i}: {got:064x} should be {want:064x}"
    if len(device.events) != len(given):
        return commands, len(given), f"{len(given)} events instead of {len(device.events)}"
    return commands, len(given), None


def main():
    with open(sys.argv[1], "rb") as f:
        layout = Layout(tomllib.load(f))
    failed = 0
    for i, path in enumerate(sys.argv[2:], 1):
        commands, events, fault = judge(layout, path)
        enough = commands > 1000 and events > 100
        print(f"{'not ok' if fault or not enough else 'ok'} {i} - judge: {commands} commands, {events} events"
              f"{': ' + fault if fault else ''}{'' if enough else ': too few to judge by'}")
        failed += bool(fault) or not enough
    print(f"1..{len(sys.argv) - 2}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
