# SPDX-License-Identifier: Apache-2.0
"""Independent judge of margin calls: every account's equity and requirement at every price of a capture, from the exported
book alone, against the crossings that a journal has. For accounts that stay as they are (no order leaves)."""
import os
import sys
from fractions import Fraction

from deribit_reader import read

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "diff"))
from judge_aave import Account, Reserve  # noqa: E402

PPM, ATTOS, RAY = 10**6, 10**18, 10**27


def quanta(text, decimals):
    return round(Fraction(text) * 10**decimals)


def margin(tiers, notional, one):
    """1e6 times max(rate N - cum), all in units of which `one` make a whole."""
    most = cum = before = 0
    for floor, rate in tiers:
        cum += floor * one * (rate - before)
        most, before = max(most, rate * notional - cum), rate
    return most


class Margin:
    """perp-linear-1 and perp-inverse-1 (docs/rules.md): equity and requirement in 1e-18 and finer, times 1e6."""

    def __init__(self, a, instruments):
        self.held, held = [], [(instruments[p["instrument"]], p) for p in a["positions"]]
        self.inverse = held[0][0]["kind"] == "inverse"
        digits = 18 if self.inverse else max(i["size_decimals"] + i["decimals"] for i, _ in held) + a["cash_decimals"]
        self.one = 10**digits
        self.cash = quanta(a["cash"], a["cash_decimals"]) * 10**(digits - a["cash_decimals"])
        for i, p in held:
            tiers = [(int(t["floor"]), t["rate_ppm"]) for t in i["tiers"]]
            size, entry, d = quanta(p["size"], i["size_decimals"]), quanta(p["entry"], i["decimals"]), i["decimals"] + i["size_decimals"]
            self.held.append((i["asset"], tiers, size, entry, 10**i["decimals"] * ATTOS // 10**i["size_decimals"] if self.inverse else 10**(digits - d)))
        self.assets = {h[0] for h in self.held}

    def health(self, px):
        equity, need = self.cash, 0
        for asset, tiers, size, entry, unit in self.held:
            p = px[asset]
            if self.inverse:
                n = size * unit
                equity += n // entry + -n // p
                need += margin(tiers, -(-abs(n) // p), self.one)
            else:
                equity += size * (p - entry) * unit
                need += margin(tiers, abs(size) * p * unit, self.one)
        return equity * PPM, need


class Lending:
    """aave-3.5, by the judge of the rule."""

    def __init__(self, a, instruments):
        held, index = {}, lambda i, k: quanta(i.get(k, "1"), 27)
        for n, p in enumerate(a["positions"]):
            i = instruments[p["instrument"]]
            r = Reserve(n, i["asset"], i["size_decimals"], i["lt_bps"], i["lb_bps"], i["fee_bps"], i.get("emode", 0), i.get("emode_lt_bps", 0),
                        i.get("emode_lb_bps", 0), index(i, "liquidity_index"), index(i, "borrow_index"))
            held[n] = [r, p["collateral"], quanta(p["supply"], i["size_decimals"]), quanta(p["debt"], i["size_decimals"])]
        self.account = Account(a["emode"], held)
        self.assets = {r.asset for r, _, _, _ in held.values()}

    def health(self, px):
        return self.account.health(px)[1:]


class Book:
    def __init__(self, doc):
        self.asset = {a["name"]: a for a in doc["assets"]}
        instruments = {i["name"]: dict(i, decimals=self.asset[i["asset"]]["decimals"]) for i in doc["instruments"]}
        self.accounts = {a["id"]: (Lending if a["rule"] == "aave-3.5" else Margin)(a, instruments) for a in doc["accounts"] if a["positions"]}
        self.holders = {}
        for a, x in self.accounts.items():
            for asset in x.assets:
                self.holders.setdefault(asset, []).append(a)


def updates(book, capture):
    """(ns, assets that have changed) with the prices as they are then, by frame."""
    source = {(a["kind"], a["source"]): name for name, a in book.asset.items() if "source" in a}
    px, at, changed = {}, None, set()
    for row in read(capture).rows:
        ns, name, mark, index = row[0] // 1000 * 1000, row[9], row[11], row[12]  # a run's clock is DPDK's, in microseconds
        if ns != at and changed:
            yield at, changed, px
            changed = set()
        at = ns
        asset, value = (source.get(("mark", name)), mark) if row[6] == 1003 else (source.get(("index", name)), index)
        if asset is None or value == "":
            continue
        p = quanta(value, book.asset[asset]["decimals"])
        if px.get(asset) != p:
            px[asset] = p
            changed.add(asset)
    if changed:
        yield at, changed, px


def judge(doc, capture, crossings, levels, clear, turn=None):
    """Faults: who is below a level and was not called at that update, was called or taken back without cause, or stayed called.
    turn: accounts called that are looked at for that after an update; None: all. Also how many crossings there were."""
    book, due, faults, level, since, most, n, checked = Book(doc), {}, [], {}, {}, 0, 0, 0
    for account, k, entered, ns in crossings:
        due.setdefault(ns, []).append((account, k, entered))

    def below(account, ppm, px):
        equity, need = book.accounts[account].health(px)
        return equity * PPM < need * (PPM + ppm)

    for ns, changed, px in updates(book, capture):
        n += 1
        for account, k, entered in due.pop(ns, []):
            at = level.get(account, 0)
            if (at + 1 if entered else at) != k or below(account, levels[k - 1] + (0 if entered else clear), px) != bool(entered):
                faults.append("%d ns: account %d at level %d: level %d, entered %d" % (ns, account, at, k, entered))
            level[account] = k if entered else k - 1
            since.pop(account, None)
        most = max(most, sum(at > 0 for at in level.values()))
        for account in {a for asset in changed for a in book.holders.get(asset, [])}:
            if not book.accounts[account].assets <= px.keys():
                continue
            at, checked = level.get(account, 0), checked + 1
            if at < len(levels) and below(account, levels[at], px):
                faults.append("%d ns: account %d is below level %d and was not called" % (ns, account, at + 1))
            if at and not below(account, levels[at - 1] + clear, px):
                since.setdefault(account, n)
            else:
                since.pop(account, None)
        lap = 2 * (most // turn + 2) if turn else 0
        faults += ["%d ns: account %d is clear of level %d since %d updates" % (ns, a, level[a], n - first) for a, first in since.items() if n - first >= lap]
    faults += ["%d ns: calls without a price" % ns for ns in due]
    return faults, checked
