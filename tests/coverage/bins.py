# SPDX-License-Identifier: Apache-2.0
"""Functional bins of the core: what a run of commands must have contained, and how to see it in a monitor's log.

A Watch follows one core between two resets. It steps the exact device of tests/cosim/judge.py along, so that it knows each
row's H, coefficients and arming before and after every command; the cycles come from the log (hc_monitor.sv). "Right
behind" means: offered at the latest in the cycle after its predecessor was taken, so the core had it without a gap.
"""
import bisect
from itertools import product

H_EDGE = (1 << 63) - (1 << 40)  # |H| from here on counts as near the edge of 64 bits
DELTA_EDGE = (1 << 34) - 1
YES = {False: "no", True: "yes"}
ROW_SIDES = ("none", "load ended right before", "load begins right behind")
SIZES = ((0, 0, "0"), (1, 1, "1"), (2, 2, "2"), (3, 3, "3 (a full ROW beat)"), (4, 9, "4 to 9 (one COEF beat)"),
         (10, 1 << 16, "10 and more (several COEF beats)"))

CROSS = [f"tick: band exit {a}, trigger {b}, back-pressure {c}, row update {r}"
         for a, b, c, r in product(("no", "yes"), ("no", "yes"), ("no", "yes"), ROW_SIDES)]

PAIRS = (
    "TICK behind TICK, same asset, same row moves twice",
    "TICK behind TICK, other asset, same row moves twice",
    "TICK behind TICK that fired a row and moves that row again",
    "TICK behind the end of a load, on the asset of its last coefficient",
    "TICK behind the end of a load, on the asset of its first coefficient",
    "TICK behind the end of a load fires the row just loaded",
    "TICK behind ARM fires the row just armed",
    "TICK behind a disarming ARM leaves the row below zero unfired",
    "TICK behind BAND that set the same asset's price",
    "TICK behind READ of a row that it moves",
    "BAND sets the price behind TICK of the same asset",
    "ROW behind TICK that moves the row to be loaded",
    "ROW behind TICK that fired the row to be loaded",
    "ROW behind ROW of the same row without coefficients",
    "ARM behind TICK that fired the row",
    "ARM behind ARM of the same row",
    "ARM behind the end of a load of the same row",
    "READ of H behind TICK that moved the row",
    "READ of H behind the end of a load of the same row",
    "READ behind TICK that fired the row",
    "READ of a coefficient behind the load that wrote it",
    "READ of a coefficient behind TICK of its asset",
    "SYNC behind TICK that fired several rows",
    "SYNC behind TICK that fired none",
    "TICK behind the load that gave its asset the only row",
    "TICK behind the load that took its asset's last row",
)
GROUPS = (
    "open group: closed by a TICK of an asset that no row uses, fires",
    "open group: a row below zero in between and above at its end does not fire",
    "open group: a row is loaded in between and fires at its end",
    "open group: a row is armed below zero in between",
    "open group: a TICK of an asset that no row uses in the middle",
    "open group: a refused TICK in the middle",
    "open group: several ticks of one asset",
    "closed by a TICK that changes no price",
)
EXTREMES = (
    "coefficient -2^26 loaded", "coefficient 2^26 - 1 loaded",
    "price change of 2^34 - 1 on a row", "price change of -(2^34 - 1) on a row",
    "price change of +-(2^34 - 1) times coefficient -2^26", "price change of +-(2^34 - 1) times coefficient 2^26 - 1",
    "H within 2^40 of 2^63 - 1 loaded", "H within 2^40 of -2^63 loaded",
    "H within 2^40 of 2^63 - 1 moved", "H within 2^40 of -2^63 moved",
    "H wraps modulo 2^64 (outside the contract, still exact)",
    "H is 0 at a group's end: not fired", "H is -1 at a group's end: fired",
)
HITS = (
    "a TICK fires the first lane of the first slot", "a TICK fires the last lane of the last slot",
    "a TICK fires one row", "a TICK fires several rows of one slot", "a TICK fires every lane of one slot",
    "a TICK fires rows of several slots", "a TICK fires every row there is",
)
FLOW = (
    "events waited to leave while coefficients of a ROW or COEF beat were left to write",
    "TICK of an asset that no row uses: one cycle", "TICK of an asset that a row uses: SLOTS cycles (SLOTS > 1)",
    "an event waited 16 cycles or more at the port", "two events left in adjacent cycles",
)
COMMANDS = ("nop", "tick", "band", "row", "coef", "arm", "read", "sync")
BAD_LOADS = (
    "load of a row that does not exist, without COEF beats", "load of a row that does not exist, its COEF beats passed over",
    "load of a row that does not exist, cut by a command that is carried out", "load of a row cut by a command",
)
KINDS = ("band_exit", "trigger", "read", "sync", "error")
CODES = ("opcode", "row", "asset", "price", "coef_order", "row_cut", "coef_asset", "coef_value")


def all_bins():
    """Names of all bins, in the order of the report."""
    out = CROSS + list(PAIRS + GROUPS + EXTREMES + HITS + FLOW)
    out += [f"{kind} event, taken {how}" for kind in KINDS for how in ("at once", "after a wait")]
    out += [f"{name.upper()} waited while too many events waited to leave" for name in COMMANDS]
    out += ["a command that is refused waited while too many events waited to leave"]
    out += [f"error {c}" for c in CODES]
    out += [f"error {c} in a {name.upper()} beat" for c in ("coef_asset", "coef_value") for name in ("row", "coef")]
    out += list(BAD_LOADS)
    out += [f"row load of {size} coefficients, {armed}" for _, _, size in SIZES for armed in ("armed", "disarmed")]
    out += [f"fires by {cause}" for cause in ("ROW", "ARM")]
    return out


class Tick:
    """A judged TICK, until the cycles around it are known."""

    def __init__(self, taken, exits, fires, side):
        self.taken, self.exits, self.fires, self.side = taken, exits, fires, side


class Watch:
    """One core between two resets. hit maps each bin to the number of times it was seen."""

    def __init__(self, device, layout, lanes, slots, hit):
        self.device, self.layout, self.lanes, self.slots, self.hit = device, layout, lanes, slots, hit
        self.kind_of = {kind: name for name, (kind, _) in layout.events.items()}
        self.code_of = {v: k for k, v in layout.codes.items()}
        self.cause_of = {v: k for k, v in layout.causes.items()}
        self.given = 0               # events of the log so far
        self.last_out = -2           # cycle in which the last event left
        self.stalls = []             # (first, end) of each event's wait at the port
        self.ticks = []
        self.before = None           # the command before this one: (name, fields, taken, what it did)
        self.load = None             # coefficients of the load in progress: row and assets, in order
        self.group = None            # of an open group: what happened in it

    def see(self, name):
        self.hit[name] += 1

    # ---- commands
    def command(self, offered, taken, waited, beat):
        d, before = self.device, self.before
        _, name, f = self.layout.read(beat)
        close = before is not None and offered <= before["taken"] + 1
        old_price = d.price[f["asset"]] if name == "tick" and f["asset"] < d.assets else 0
        load_was, armed_was = d.load and dict(d.load), set(d.armed)
        column = dict(d.coef[f["asset"]]) if name == "tick" and f["asset"] < d.assets else {}
        old_h = {row: d.h[row] for row in column}
        users = {a: len(d.coef[a]) for a in f.get("asset", ()) if a < d.assets} if name in ("row", "coef") else {}
        first = len(d.events)
        d.step(beat)
        made = [self.event_fields(e) for e in d.events[first:]]
        now = {"name": name, "f": f, "taken": taken, "made": made, "moved": {}, "column": column, "ended": None, "users": users,
               "refused": any(kind == "error" for kind, _ in made),
               "fired": [e["row"] for k, e in made if k == "trigger"], "old_price": old_price}
        for kind, e in made:
            if kind == "error":
                code = self.code_of[e["code"]]
                self.see("error " + code)
                if code in ("coef_asset", "coef_value"):
                    self.see(f"error {code} in a {name.upper()} beat")
            elif kind == "trigger" and self.cause_of[e["cause"]] != "tick":
                self.see("fires by " + self.cause_of[e["cause"]].upper())
        refused = now["refused"]
        self.follow_load(now, load_was, refused)
        self.bad_load(now, load_was, refused)
        if name == "tick" and not refused:
            now["moved"] = {row: (old_h[row], d.h[row], c) for row, c in column.items() if f["price"] != old_price}
            self.tick(now, close, armed_was)
        elif name == "tick" and self.group is not None:
            self.group["refused"] = True
        if name in ("row", "arm") and not refused and self.group is not None:
            self.group["below" if name == "arm" and now["fired"] else name].add(f["row"])
        if close and not refused:
            self.pair(before, now, armed_was)
        if close and before["name"] == "tick" and not before["refused"] and not waited:
            self.tick_cost(before, taken)
        if close and name == "row" and self.ticks and before["name"] == "tick":
            self.ticks[-1].side = self.ticks[-1].side if self.ticks[-1].side != ROW_SIDES[0] else ROW_SIDES[2]
        if waited:
            if refused or name is None:
                self.see("a command that is refused waited while too many events waited to leave")
            else:
                self.see(f"{name.upper()} waited while too many events waited to leave")
            if before and before["kept"]:
                self.see(FLOW[0])
        self.before = now

    def event_fields(self, beat):
        kind = self.kind_of[beat & 0xFF]
        fields = {f["name"]: beat >> f["lsb"] & ((1 << f["width"]) - 1) for f in self.layout.events[kind][1]}
        return kind, fields

    def follow_load(self, now, load_was, refused):
        """Keeps the coefficients of the open load; now["ended"] = (row, assets) when one ends here."""
        d, name, f = self.device, now["name"], now["f"]
        if name == "row" and not refused:
            self.load = (f["row"], f["n"], f["armed"], [])
        if self.load and name in ("row", "coef"):
            row, n, armed, assets = self.load
            due = min(len(f["coef"]), n - len(assets)) if "coef" in f else 0
            for c, a in list(zip(f.get("coef", []), f.get("asset", [])))[:due]:
                assets.append(a)
                if c == -(1 << 26):
                    self.see("coefficient -2^26 loaded")
                elif c == (1 << 26) - 1:
                    self.see("coefficient 2^26 - 1 loaded")
            if name == "row" and f["h"] >= H_EDGE:
                self.see("H within 2^40 of 2^63 - 1 loaded")
            if name == "row" and f["h"] <= -H_EDGE:
                self.see("H within 2^40 of -2^63 loaded")
            if d.load is None:
                now["ended"] = (row, assets)
                size = next(s for low, high, s in SIZES if low <= n <= high)
                self.see(f"row load of {size} coefficients, {'armed' if armed else 'disarmed'}")
        if d.load is None:
            self.load = None

    def bad_load(self, now, load_was, refused):
        """Loads of rows that do not exist, and cut ones; now["kept"]: more than one coefficient came with this beat."""
        d, name, f = self.device, now["name"], now["f"]
        due = f["n"] if name == "row" and (d.load is None or not load_was) else load_was["due"] if load_was else 0
        now["kept"] = name in ("row", "coef") and due > 1
        if load_was and name != "coef":
            if load_was["known"]:
                self.see(BAD_LOADS[3])
            elif not refused:
                self.see(BAD_LOADS[2])
        if name == "row" and f["row"] >= d.rows and not (load_was and load_was["known"]) and d.load is None:
            self.see(BAD_LOADS[0])
        if name == "coef" and load_was and not load_was["known"] and d.load is None:
            self.see(BAD_LOADS[1])

    def tick(self, now, close, armed_was):
        d, f, moved, before = self.device, now["f"], now["moved"], self.before
        change = f["price"] - now["old_price"]
        for row, (old, new, c) in moved.items():
            if abs(change) == DELTA_EDGE:
                self.see(f"price change of {'' if change > 0 else '-('}2^34 - 1{'' if change > 0 else ')'} on a row")
                if c == -(1 << 26):
                    self.see("price change of +-(2^34 - 1) times coefficient -2^26")
                elif c == (1 << 26) - 1:
                    self.see("price change of +-(2^34 - 1) times coefficient 2^26 - 1")
            if new >= H_EDGE:
                self.see("H within 2^40 of 2^63 - 1 moved")
            if new <= -H_EDGE:
                self.see("H within 2^40 of -2^63 moved")
            if old + c * change != new:
                self.see("H wraps modulo 2^64 (outside the contract, still exact)")
        group = self.group or {"ticks": [], "row": set(), "arm": set(), "below": set(), "dips": set(), "refused": False}
        open_before = self.group is not None
        if not f["last"]:
            group["dips"] |= {row for row, (_, new, _) in moved.items() if new < 0 and row in d.armed}
            group["unused"] = group.get("unused", False) or (open_before and not now["column"])
            group["ticks"].append(f["asset"])
            self.group = group
            return
        self.group = None
        if open_before:
            self.close_group(group, now)
        if not change and now["fired"]:
            self.see("closed by a TICK that changes no price")
        for row in armed_was:
            if d.h[row] == 0:
                self.see("H is 0 at a group's end: not fired")
            elif d.h[row] == -1:
                self.see("H is -1 at a group's end: fired")
        self.hits(now["fired"])
        ended = close and before["ended"] is not None
        exits = any(kind == "band_exit" for kind, _ in now["made"])
        self.ticks.append(Tick(now["taken"], exits, bool(now["fired"]), ROW_SIDES[1] if ended else ROW_SIDES[0]))

    def close_group(self, group, now):
        fired = set(now["fired"])
        seen = (
            (not now["column"] and fired, GROUPS[0]),
            (any(self.device.h[r] >= 0 and r in self.device.armed for r in group["dips"]), GROUPS[1]),
            (fired & group["row"], GROUPS[2]),
            (group["below"], GROUPS[3]),
            (group.get("unused"), GROUPS[4]),
            (group["refused"], GROUPS[5]),
            (len(group["ticks"]) > len(set(group["ticks"])), GROUPS[6]),
        )
        for good, name in seen:
            if good:
                self.see(name)

    def hits(self, fired):
        if not fired:
            return
        slots = [row // self.lanes for row in fired]
        most = max(slots.count(s) for s in set(slots))
        seen = (
            (0 in fired, HITS[0]), (self.lanes * self.slots - 1 in fired, HITS[1]), (len(fired) == 1, HITS[2]),
            (1 < most < self.lanes, HITS[3]), (most == self.lanes > 1, HITS[4]), (len(set(slots)) > 1, HITS[5]),
            (len(fired) == self.lanes * self.slots, HITS[6]),
        )
        for good, name in seen:
            if good:
                self.see(name)

    def tick_cost(self, before, taken):
        took = taken - before["taken"]
        if took == 1 and not before["column"] and self.slots > 1:
            self.see("TICK of an asset that no row uses: one cycle")
        elif took == self.slots > 1 and before["column"]:
            self.see("TICK of an asset that a row uses: SLOTS cycles (SLOTS > 1)")

    def pair(self, a, b, armed_was):
        """What b right behind a is a case of."""
        d, fa, fb = self.device, a["f"], b["f"]
        both = (a["name"], b["name"])
        row_b = fb.get("row")
        ended_row, ended_assets = a["ended"] or (None, [])
        fired_by_tick = a["fired"] if a["name"] == "tick" else []
        moved_again = set(a["moved"]) & set(b["moved"])
        coef_read = b["name"] == "read" and bool(fb.get("coef"))
        seen = (
            (both == ("tick", "tick") and fa["asset"] == fb["asset"] and moved_again, PAIRS[0]),
            (both == ("tick", "tick") and fa["asset"] != fb["asset"] and moved_again, PAIRS[1]),
            (both == ("tick", "tick") and set(fired_by_tick) & set(b["moved"]), PAIRS[2]),
            (b["name"] == "tick" and ended_assets and fb["asset"] == ended_assets[-1] and ended_row in b["moved"], PAIRS[3]),
            (b["name"] == "tick" and ended_assets and fb["asset"] == ended_assets[0] and ended_row in b["moved"], PAIRS[4]),
            (b["name"] == "tick" and ended_row in b["fired"], PAIRS[5]),
            (both == ("arm", "tick") and fa["armed"] and fa["row"] in b["fired"], PAIRS[6]),
            (both == ("arm", "tick") and not fa["armed"] and fb["last"] and fa["row"] in b["moved"]
             and d.h[fa["row"]] < 0, PAIRS[7]),
            (both == ("band", "tick") and fa["set_price"] and fa["asset"] == fb["asset"] and b["moved"], PAIRS[8]),
            (both == ("read", "tick") and fa["row"] in b["moved"], PAIRS[9]),
            (both == ("tick", "band") and fb["set_price"] and fa["asset"] == fb["asset"], PAIRS[10]),
            (both == ("tick", "row") and row_b in a["moved"], PAIRS[11]),
            (both == ("tick", "row") and row_b in fired_by_tick, PAIRS[12]),
            (both == ("row", "row") and fa["n"] == 0 and fa["row"] == row_b, PAIRS[13]),
            (both == ("tick", "arm") and row_b in fired_by_tick and fb["armed"], PAIRS[14]),
            (both == ("arm", "arm") and fa["row"] == row_b, PAIRS[15]),
            (b["name"] == "arm" and ended_row == row_b, PAIRS[16]),
            (b["name"] == "read" and not coef_read and row_b in a["moved"], PAIRS[17]),
            (b["name"] == "read" and not coef_read and ended_row is not None and ended_row == row_b, PAIRS[18]),
            (b["name"] == "read" and row_b in fired_by_tick, PAIRS[19]),
            (coef_read and ended_row == row_b and fb["asset"] in ended_assets, PAIRS[20]),
            (coef_read and a["name"] == "tick" and fa["asset"] == fb["asset"] and row_b in a["column"], PAIRS[21]),
            (both == ("tick", "sync") and len(fired_by_tick) > 1, PAIRS[22]),
            (both == ("tick", "sync") and fa["last"] and not a["made"], PAIRS[23]),
            (b["name"] == "tick" and ended_row is not None and a["users"].get(fb["asset"]) == 0
             and len(b["column"]) == 1, PAIRS[24]),
            (b["name"] == "tick" and ended_row is not None and a["users"].get(fb["asset"], 0) > 0
             and not b["column"], PAIRS[25]),
        )
        for good, name in seen:
            if good:
                self.see(name)

    # ---- events
    def event(self, taken, beat, volatile):
        """Text of the fault when the event is not the one that is due, else None."""
        if self.given >= len(self.device.events) or self.device.events[self.given] != beat & ~volatile:
            return f"event {self.given} of a core in cycle {taken} is not the judge's"
        self.given += 1
        kind, f = self.event_fields(beat)
        valid = taken - (taken - f["cycle_out"]) % (1 << 32)
        self.see(f"{kind} event, taken {'after a wait' if taken > valid else 'at once'}")
        if taken > valid:
            self.stalls.append((valid, taken))
        if taken - valid >= 16:
            self.see("an event waited 16 cycles or more at the port")
        if taken == self.last_out + 1:
            self.see("two events left in adjacent cycles")
        self.last_out = taken
        return None

    def end(self, latency):
        """Places the judged ticks among the waits at the event port."""
        firsts = [s[0] for s in self.stalls]
        for t in self.ticks:
            until = t.taken + latency + self.slots
            i = bisect.bisect_right(firsts, until)
            pressed = i > 0 and self.stalls[i - 1][1] > t.taken
            self.see(f"tick: band exit {YES[t.exits]}, trigger {YES[t.fires]}, back-pressure {YES[pressed]}, "
                     f"row update {t.side}")
