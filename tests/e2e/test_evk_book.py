#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A book of Euler's vault kit, end to end: made, written out and read back the same, run through a crash on two devices with the
audit, killed and resumed, settled by the paper venue, replayed. An LTV that ramps down liquidates without a price, a cool-off keeps
orders back until its second.

Prints TAP. Environment: TRIPLINE, SEED.
"""
from book_kit import borrowers, changed, generated, reads_back, refused, resumed, run, taken
from keeper import finish, number, report

RULE, START = "evk-1", 1780272000  # the first second of `tripline gen`

for path in ("crash", "calm"):
    generated(path + ".pcap", path)


def round_trip():

    def state(book, reserves):
        reserves["WETH"].update(ramp_from_bps=8800, ramp_start=START, ramp_end=START + 100)
        reserves["USDC"]["cool_off_s"] = "12"
        for a in book["accounts"][::2]:
            a["rule_state"] = str(START - 5)
    changed("told", whole, state)
    x = reads_back("told")
    usdc = next(i for i in x["instruments"] if i["name"] == "USDC")
    report({"max_discount_bps", "cool_off_s", "vault_assets", "vault_shares"} <= set(usdc), "the reserves have its terms", usdc)
    states = [a.get("rule_state") for a in x["accounts"]]
    report(len(states) > 60 and states[0] == "%d:0" % (START - 5) and states[1] is None, "accounts keep their last status check", states[:4])


def refusals():
    for what, change, why in (
            ("an incentive", lambda b, r: r["WETH"].update(lb_bps=10500), "discount follows from health"),
            ("an index", lambda b, r: r["WETH"].update(borrow_index="1.1"), "indexes must be 1"),
            ("a rate", lambda b, r: r["WETH"].update(liquidity_rate="0.1", told_at=5), "rates, ramps and grace periods"),
            ("a discount of 100 %", lambda b, r: r["WETH"].update(max_discount_bps="10000"), "max_discount_bps must be below"),
            ("a state of a future century", lambda b, r: b["accounts"][0].update(rule_state="99999999999"), "last status check"),
            ("a term of another protocol", lambda b, r: r["WETH"].update(close_factor="0.5"), "a term of another protocol")):
        refused(changed("wrong", whole, change), "refused: " + what, why)


def waiting():
    """Borrowers whose vault found them healthy as the capture began."""
    def cool(seconds):
        def change(book, reserves):
            for x in reserves.values():
                x["cool_off_s"] = str(seconds)
            for a in book["accounts"]:
                a["rule_state"] = str(START)
        return change
    sums = {}
    for seconds in (3, 3600):
        p = changed("cool%d" % seconds, whole, cool(seconds))
        report(p.returncode == 0, "a cool-off of %d s is imported" % seconds, p.stderr)
        sums[seconds] = taken(run("cool-off of %d s" % seconds, "cooled%d" % seconds, "cool%d.db" % seconds, "crash.pcap", "vector+model", "vector==model"))
    report(sums[3] > 0 and sums[3600] == 0, "orders wait for the cool-off's end, and no longer", sums)


def ramps():
    def ramp(book, reserves):
        for x in reserves.values():
            x.update(ramp_from_bps=x["lt_bps"], ramp_start=START, ramp_end=START + 6, lt_bps=x["lt_bps"] - 1500)
    p = changed("ramp", whole, ramp)
    report(p.returncode == 0, "a ramp is imported", p.stderr)
    still = taken(run("calm, no ramp", "still", "book.db", "calm.pcap", "model"))
    moved = taken(run("calm, and a ramp", "ramped", "ramp.db", "calm.pcap", "vector+model", "vector==model"))
    report(moved > 10 * still, "a ramp liquidates without a price", (still, moved))


whole = borrowers("book", 500, RULE)
round_trip()
refusals()
for device, agree in (("model", None), ("vector+model", "vector==model")):
    ledger = run("a crash on " + device, "crash-" + device, "book.db", "crash.pcap", device, agree)
    report(number(ledger, r"token/WETH +liquidator +(\d+)") > 0, "a crash on %s: loans were liquidated" % device, ledger)
    report(number(ledger, r"token/\w+ +deficit +-(\d+)") > 0, "a crash on %s: bad debt was socialised" % device, ledger)
resumed("kill -9, and resumed", "killed", "book.db", "crash.pcap", "model", ("--venue-arg=--delay-us=3000",))
waiting()
ramps()
finish()
