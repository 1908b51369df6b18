#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of Morpho Blue positions with a pre-liquidation contract, end to end: made, written out and read back the same, run through a
crash on two devices with the audit, killed and resumed, settled by the paper venue, replayed. Where prices fall slowly parts are repaid
that Morpho itself would leave alone.

Prints TAP. Environment: TRIPLINE, SEED.
"""
from book_kit import changed, generated, made, reads_back, refused, resumed, run, taken
from keeper import finish, number, report

RULE, TERMS = "morpho-pre-liquidation-1", {"pre_lltv", "pre_lcf1", "pre_lcf2", "pre_lif1", "pre_lif2"}

for path in ("crash", "calm"):
    generated(path + ".pcap", path)


def round_trip():
    made("book", 600, "--lending", RULE)
    x = reads_back("book")
    report(all(TERMS <= set(i) for i in x["instruments"] if i["kind"] == "reserve"), "the reserves have its terms", x["instruments"][-1])
    x["accounts"] = [a for a in x["accounts"] if a["rule"] == RULE]
    report(len(x["accounts"]) > 80, "borrowers")
    for what, term, why in (("a preLltv at the LLTV", {"pre_lltv": "0.83"}, "PreLltvTooHigh"), ("no contract", {"pre_lltv": "0"}, "morpho-blue-1 is the rule without one"),
                            ("a falling incentive", {"pre_lif1": "1.05"}, "PreLIFDecreasing"), ("another protocol's term", {"cool_off_s": "5"}, "a term of another protocol")):
        refused(changed("wrong", x, lambda b, r: r["WETH"].update(term)), "refused: " + what, why)
    return x


def before_morpho(doc):
    """The same positions without the contract and with one that begins earlier, in a market that hardly moves."""
    def blue(book, reserves):
        for x in reserves.values():
            for term in TERMS:
                x.pop(term, None)
        for a in book["accounts"]:
            a["rule"] = "morpho-blue-1"
    p = changed("blue", doc, blue)
    report(p.returncode == 0, "the same positions under morpho-blue-1", p.stderr)
    def lower(_, reserves):  # a hundredth, so that it does not take the calm day's luck to reach somebody
        for x in reserves.values():
            x["pre_lltv"] = "%.2f" % (float(x["pre_lltv"]) - 0.01)
    p = changed("lower", doc, lower)
    report(p.returncode == 0, "and with a contract that begins lower", p.stderr)
    own = taken(run("calm, Morpho's own", "own", "blue.db", "calm.pcap", "model"))
    pre = taken(run("calm, with the contract", "pre", "lower.db", "calm.pcap", "vector+model", "vector==model"))
    report(pre > 0 and own == 0, "parts are repaid before Morpho's own threshold", (own, pre))


whole = round_trip()
for device, agree in (("model", None), ("vector+model", "vector==model")):
    ledger = run("a crash on " + device, "crash-" + device, "book.db", "crash.pcap", device, agree)
    report(number(ledger, r"token/WETH +liquidator +(\d+)") > 0, "a crash on %s: loans were liquidated" % device, ledger)
resumed("kill -9, and resumed", "killed", "book.db", "crash.pcap", "model", ("--venue-arg=--delay-us=3000",))
before_morpho(whole)
finish()
