#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tripline accounts from the outside: import, gen, show, export, their errors and exit codes. Prints TAP.

Environment: TRIPLINE (binary, default build/tripline), SHARED (default ../shared). Run from the project's root.
"""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from fractions import Fraction

from keeper import SHARED, TRIPLINE, finish, report, skip

CAPTURE = os.path.abspath(os.path.join(SHARED, "captures", "deribit_legacy_sample_v1_6.pcapng"))
DATA = os.path.abspath("tests/data/accounts")
work = tempfile.TemporaryDirectory(prefix="tripline-accounts-")


def run(*args):
    return subprocess.run([TRIPLINE, "accounts", *map(str, args)], cwd=work.name, capture_output=True, text=True,
                          timeout=240)


def expect(name, status, args, *pieces):
    """The exit status, and texts that the output (error output when it fails) must hold."""
    p = run(*args)
    text = p.stderr if status else p.stdout
    missing = [s for s in pieces if s not in text]
    clean = not (p.stdout if status else p.stderr)
    report(p.returncode == status and not missing and clean, name,
           "status %d, missing %r\n%s%s" % (p.returncode, missing, p.stdout, p.stderr))
    return p


def path(name):
    return os.path.join(work.name, name)


def write(name, text):
    with open(path(name), "w", newline="") as f:
        f.write(text)
    return name


# ---- help and usage
p = expect("help", 0, ["--help"], "import", "gen", "show", "export", "--db", "--capture", "--force", "Exit status")
for sub in ("import", "gen", "show", "export"):
    q = run(sub, "--help")
    report(q.returncode == 0 and q.stdout == p.stdout, sub + " --help")
expect("no subcommand", 2, [], "name one of")
expect("unknown subcommand", 2, ["destroy"], "unknown subcommand destroy")
expect("unknown option", 2, ["gen", "--frobnicate"], "--help")
expect("option of another subcommand", 2, ["import", "--seed", "3", "x.csv"], "another subcommand")
expect("bad number", 2, ["gen", "-n", "many"], "many")
expect("zero accounts", 2, ["gen", "-n", "0"], "-n")
expect("bad price", 2, ["show", "--price", "BTC-PERPETUAL"], "name=price")
expect("negative price", 2, ["show", "--price", "BTC-PERPETUAL=-1"], "above 0")
expect("import without a file", 2, ["import"], "at least one file")
expect("bad id", 2, ["show", "seven"], "seven")
report(not os.listdir(work.name), "nothing was written so far", os.listdir(work.name))

# ---- stores that are none
expect("show without a store", 1, ["show"], "tripline.db", "accounts gen")
expect("export without a store", 1, ["export"], "tripline.db")
write("text.db", "hello, this is text\n" * 100)
expect("a text file is no store", 1, ["show", "--db", "text.db"], "text.db is not a tripline store")
expect("gen does not overwrite", 1, ["gen", "--db", "text.db"], "text.db exists", "--force")
expect("not even with --force when it is no store", 1, ["gen", "--force", "--db", "text.db"], "not a tripline store")

# ---- import
files = [os.path.join(DATA, f) for f in ("assets.csv", "instruments.csv", "accounts.csv")]
expect("CSV import", 0, ["import", "--db", "csv.db", *files], "3 accounts from")
expect("JSON import", 0, ["import", "--db", "json.db", os.path.join(DATA, "book.json")], "3 accounts from")
a, b = run("export", "--db", "csv.db"), run("export", "--db", "json.db")
report(a.returncode == 0 and a.stdout == b.stdout, "both formats give the same book", a.stderr + b.stderr)
book = json.loads(a.stdout, parse_float=Fraction)
one = next(x for x in book["accounts"] if x["id"] == 7)
report(one["name"] == 'Delta, "one"' and Fraction(one["cash"]) == Fraction("1234.56") and
       {p["instrument"]: (Fraction(p["size"]), Fraction(p["entry"])) for p in one["positions"]} ==
       {"BTC_USDC-PERPETUAL": (Fraction("0.25"), Fraction("63999.999999999")),
        "PEPE_USDC-PERPETUAL": (Fraction(-2500000), Fraction("0.000011"))}, "amounts are exact", one)
expect("export to a file", 0, ["export", "--db", "csv.db", "-o", "out.json"])
expect("which imports", 0, ["import", "--db", "again.db", "out.json"], "3 accounts")
report(run("export", "--db", "again.db").stdout == a.stdout, "to the same book")
expect("export to nowhere", 1, ["export", "--db", "csv.db", "-o", "no/such/dir.json"], "no/such/dir.json")

bad = write("bad.csv", "account,name,rule,cash,emode,instrument,size,entry,supply,debt,collateral\n"
                       "20,x,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,60000,,,\n"
                       "21,y,perp-linear-1,1,,BTC_USDC-PERPETUAL,1.23456,60000,,,\n")
before = open(path("csv.db"), "rb").read()
expect("error names file, line and reason", 1, ["import", "--db", "csv.db", bad], "bad.csv:3: size: '1.23456'",
       "more than 4 decimals")
report(open(path("csv.db"), "rb").read() == before, "a refused file changes nothing")
expect("refused into a new store", 1, ["import", "--db", "fresh.db", bad], "bad.csv:2: there is no instrument")
report(not os.path.exists(path("fresh.db")), "which is not created")
expect("missing file", 1, ["import", "--db", "csv.db", "missing.csv"], "missing.csv: No such file")

# ---- currencies: BTC and ETH have 8 decimals both, and are two currencies all the same
write("eth_assets.csv", "name,kind,source,decimals,base,stale_ms,guard_ppm\n"
                        "ETH-PERPETUAL,mark,ETH-PERPETUAL,4,,60000,100000\n1/ETH-PERPETUAL,reciprocal,,18,ETH-PERPETUAL,,\n")
ETH = ("name,kind,asset,size_decimals,%scash_decimals,tiers,fee_ppm,penalty_ppm\n"
       "ETH-PERPETUAL,inverse,ETH-PERPETUAL,0,%s8,0:10000,500,2500\n")
write("eth.csv", ETH % ("currency,", "ETH,"))
shutil.copy(path("csv.db"), path("two.db"))
expect("a second coin", 0, ["import", "--db", "two.db", "eth_assets.csv", "eth.csv"])
expect("a perpetual without a currency", 1, ["import", "--db", "two.db", write("old.csv", ETH % ("", ""))],
       "old.csv:2: currency is missing")
MIX = "account,rule,currency,cash,instrument,size,entry\n30,perp-inverse-1,%s,1,BTC-PERPETUAL,-15000,64000\n"
mixed = write("mixed.csv", MIX % "" + "30,,,,ETH-PERPETUAL,-15000,3200\n")
expect("an account in two currencies", 1, ["import", "--db", "two.db", mixed],
       "mixed.csv:3: account 30: ETH-PERPETUAL settles in ETH, its other positions in BTC")
expect("positions in another currency than given", 1, ["import", "--db", "two.db", write("given.csv", MIX % "ETH")],
       "given.csv:2: account 30: BTC-PERPETUAL settles in BTC, the account's currency is ETH")
expect("one currency", 0, ["import", "--db", "two.db", write("btc.csv", MIX % "BTC")], "1 accounts")
expect("show names it", 0, ["show", "--db", "two.db", "30"], "cash 1 BTC\n")
expect("so does the table", 0, ["show", "--db", "two.db"], "currency", " 1234.56 USDC")
expect("and the market", 0, ["show", "--db", "two.db", "--market"], "settles in ETH", "settles in BTC", "settles in USDC")
two = json.loads(run("export", "--db", "two.db").stdout)
report({x["id"]: x.get("currency") for x in two["accounts"]} == {7: "USDC", 9: "BTC", 11: None, 30: "BTC"} and
       {x["name"]: x.get("currency") for x in two["instruments"]} ==
       {"BTC-PERPETUAL": "BTC", "BTC_USDC-PERPETUAL": "USDC", "PEPE_USDC-PERPETUAL": "USDC", "WETH": None, "USDC": None,
        "ETH-PERPETUAL": "ETH"}, "export has the currencies", two)
db = sqlite3.connect(path("two.db"))
db.execute("INSERT INTO positions SELECT 30, id, '-15000', 32000000, '0', '0', 0, NULL, NULL, NULL, NULL FROM instruments WHERE name = 'ETH-PERPETUAL'")
db.commit()
db.close()
expect("a store in which one nets two currencies", 1, ["show", "--db", "two.db"],
       "account 30: ETH-PERPETUAL settles in ETH, the account's cash is in BTC")
shutil.copy(path("csv.db"), path("old.db"))
db = sqlite3.connect(path("old.db"))
db.execute("PRAGMA user_version = 1")
db.close()
expect("a store from before currencies", 1, ["show", "--db", "old.db"], "old.db: store schema version 1", "accounts export",
       'add "currency" to each perpetual')

broken = write("broken.json", '{"accounts": [\n  {"id": 5,\n   "rule": }\n]}\n')
expect("JSON syntax error", 1, ["import", "--db", "csv.db", broken], "broken.json:3: a value was expected")

# ---- the store as SQLite sees it
db = sqlite3.connect(path("csv.db"))
report(db.execute("PRAGMA user_version").fetchone() == (7,) and
       not db.execute("PRAGMA foreign_key_check").fetchall() and
       db.execute("PRAGMA integrity_check").fetchone() == ("ok",), "store is a sound SQLite file")
report(db.execute("SELECT cash, typeof(cash) FROM accounts WHERE id = 7").fetchone() == (1234560000, "integer"),
       "cash is exact")
db.close()

# ---- gen and show
expect("gen", 0, ["gen", "--db", "gen.db", "--accounts", "200", "--seed", "42"], "200 accounts", "seed 42")
expect("gen again", 0, ["gen", "--db", "gen2.db", "-n", "200", "--seed", "42"])
expect("another seed", 0, ["gen", "--db", "gen3.db", "-n", "200", "--seed", "43"])
first = run("export", "--db", "gen.db").stdout
report(first and first == run("export", "--db", "gen2.db").stdout, "same seed, same book")
report(first != run("export", "--db", "gen3.db").stdout, "another seed, another book")
expect("gen refuses to overwrite", 1, ["gen", "--db", "gen.db"], "gen.db exists")
expect("gen --force", 0, ["gen", "--db", "gen3.db", "--force", "-n", "7"], "7 accounts")
START = {"BTC-PERPETUAL": "64000", "ETH-PERPETUAL": "3200", "BTC_USDC-PERPETUAL": "64000",
         "ETH_USDC-PERPETUAL": "3200", "SOL_USDC-PERPETUAL": "150", "XRP_USDC-PERPETUAL": "0.52",
         "DOGE_USDC-PERPETUAL": "0.12", "PEPE_USDC-PERPETUAL": "0.000011", "btc_usd": "64000", "eth_usd": "3200",
         "sol_usdc": "150", "usdc_usd": "1"}


def prices(move):
    rows = ["name,price"]
    for name, value in START.items():
        v = Fraction(value) * (1 if name == "usdc_usd" else 1 + Fraction(move))
        rows.append("%s,%.12f" % (name, v))
    return write("prices.csv", "\n".join(rows) + "\n")


def liquidatable(*args):
    return len(re.findall("LIQUIDATABLE", run("show", *args).stdout))


table = expect("show with prices", 0, ["show", "--db", "gen.db", "--prices", prices("0")], "health").stdout
report(len(table.splitlines()) == 201 and table.count(" healthy") == 200, "none liquidatable at the start", table)
calm = liquidatable("--db", "gen.db", "--prices", prices("-0.01"))
gap = liquidatable("--db", "gen.db", "--prices", prices("-0.12"))
report(0 < calm < gap and gap >= 24, "dozens at -12 %", "%d, %d" % (calm, gap))
expect("show without prices has no health", 0, ["show", "--db", "gen.db"], "linear-1")
report("healthy" not in run("show", "--db", "gen.db").stdout, "indeed")
expect("a price that is missing is named", 0, ["show", "--db", "csv.db", "7", "--price", "BTC_USDC-PERPETUAL=64000"],
       "no price of PEPE_USDC-PERPETUAL")
expect("one account", 0, ["show", "--db", "csv.db", "7", "--price", "BTC_USDC-PERPETUAL=64000", "--price",
                          "PEPE_USDC-PERPETUAL=0.000011"], 'Delta, "one"', "size 0.25, entry 63999.999999999",
       "cash 1234.56", "healthy")
# 1234.56 + 0.25 * (p - 64000) = 0.01 * 0.25 * p + 0.02 * 27.5 at p = 59,660.57
for price, state in (("59700", "healthy"), ("59600", "LIQUIDATABLE")):
    expect("at %s" % price, 0, ["show", "--db", "csv.db", "7", "--price", "BTC_USDC-PERPETUAL=" + price, "--price",
                                "PEPE_USDC-PERPETUAL=0.000011"], state)
expect("account that does not exist", 1, ["show", "--db", "csv.db", "8"], "no account 8")
expect("market", 0, ["show", "--db", "gen.db", "--market"], "1/BTC-PERPETUAL", "reciprocal", "WETH", "tiers")
expect("price file with an error", 1, ["show", "--db", "gen.db", "--prices", write("p.csv", "name,price\nX,1\nY,abc\n")],
       "p.csv:3: 'abc' is not a number")
expect("gen from own prices", 0, ["gen", "--db", "own.db", "--price", "X_USDC-PERPETUAL=12.5", "-n", "5"],
       "5 accounts (5 perp-linear-1) on 1 instruments")
expect("gen from useless prices", 1, ["gen", "--db", "none.db", "--price", "eth_btc=0.05"], "no account can be made")

# ---- what moves with time: the prices below which account 7 (0.25 BTC) and borrower 11 (12000.25 scaled USDC) fall
PERP = ("name,kind,asset,size_decimals,currency,cash_decimals,tiers,fee_ppm,penalty_ppm,%s\n"
        "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,4,USDC,6,0:10000;300000:12500,500,2500,%s\n")
RESERVE = ("name,kind,asset,size_decimals,lt_bps,lb_bps,fee_bps,emode,emode_lt_bps,emode_lb_bps,liquidity_index,borrow_index,%s\n"
           "WETH,reserve,eth_usd,18,8300,10500,1000,1,9000,10300,1.041733,1.062518,%s\n"
           "USDC,reserve,usdc_usd,6,7800,10450,1000,,,,1.128447000000000000000000001,1.191035,%s\n")
TOLD, DAY, YEAR = 1790000000, 1790086400, 1790000000 + 365 * 86400
shutil.copy(path("csv.db"), path("time.db"))
expect("funding and rates are imported", 0,
       ["import", "--db", "time.db", write("f.csv", PERP % ("funding_index,funding_rate,told_at", "1000.5,0.01,%d" % TOLD)),
        write("r.csv", RESERVE % ("liquidity_rate,borrow_rate,told_at,ramp_from_bps,emode_ramp_from_bps,ramp_start,ramp_end,grace_until",
                                  "0.02,0,%d,,9500,%d,%d,%d" % (TOLD, TOLD, DAY, YEAR + 9), "0,0.1,%d,,,,," % TOLD)),
        write("p.csv", "account,name,rule,cash,instrument,size,entry,funding\n7,,perp-linear-1,1234.56,BTC_USDC-PERPETUAL,0.25,64000,900.5\n")])
told = run("export", "--db", "time.db").stdout
write("told.json", told)
expect("export has them", 0, ["import", "--db", "told.db", "told.json"], "3 accounts")
report(run("export", "--db", "told.db").stdout == told and '"funding": "900.5' in told and '"borrow_rate": "0.1' in told,
       "and import takes them back", told)
expect("the market at a moment", 0, ["show", "--db", "time.db", "--market", "--at", YEAR], "debt index 1.31629218",
       "funding index 316360.5", "supply index 1.06256766", "in its grace period until")
expect("one position", 0, ["show", "--db", "time.db", "7"], "funding settled to 900.5")


def state(name, price, at, want):
    args = ["show", "--db", "time.db", "--price", price, "--price", "usdc_usd=1"] + (["--at", at] if at else [])
    expect(name, 0, args + ["7" if "BTC" in price else "11"], want)


# (16000 - 1234.56 + owed) / (0.25 * 0.99): owed 25 as told, 50 after 10000 seconds
state("funding as told", "BTC_USDC-PERPETUAL=59765", None, " healthy")
state("funding owed", "BTC_USDC-PERPETUAL=59750", None, "LIQUIDATABLE")
state("later more is", "BTC_USDC-PERPETUAL=59765", TOLD + 10000, "LIQUIDATABLE")
state("up to there", "BTC_USDC-PERPETUAL=59870", TOLD + 10000, " healthy")
# 12000.25 * 1.191035 (* 1.10516667) / (10.5 * 1.041733 (* 1.02) * 0.95 (0.90 at the end of the ramp))
state("a loan as told", "eth_usd=1376", None, " healthy")
state("held by the grace period", "eth_usd=1000", None, " healthy")
expect("which can end", 0, ["import", "--db", "time.db", write("r.csv", RESERVE % (
    "liquidity_rate,borrow_rate,told_at,emode_ramp_from_bps,ramp_start,ramp_end,grace_until",
    "0.02,0,%d,9500,%d,%d,%d" % (TOLD, TOLD, DAY, TOLD + 5), "0,0.1,%d,,,," % TOLD))])
state("until its last second", "eth_usd=1375", TOLD + 5, " healthy")
state("and not after it", "eth_usd=1375", TOLD + 6, "LIQUIDATABLE")
state("the ramp", "eth_usd=1445", TOLD + 43200, " healthy")
state("half way", "eth_usd=1405", TOLD + 43200, "LIQUIDATABLE")
state("its end", "eth_usd=1445", DAY, "LIQUIDATABLE")
state("a year later", "eth_usd=1580", YEAR, " healthy")
state("and below", "eth_usd=1570", YEAR, "LIQUIDATABLE")
for name, text, error in (
        ("rates without a moment", PERP % ("funding_rate", "1"), "f.csv:2: told_at is missing"),
        ("interest of a perpetual", PERP % ("borrow_rate,told_at", "1,5"), "f.csv:2: borrow_rate does not apply to a perpetual"),
        ("funding of a reserve", RESERVE % ("funding_index", "1", ""), "f.csv:2: funding_index does not apply to a reserve"),
        ("a funding rate beyond 64 bits", PERP % ("funding_rate,told_at", "9.3,5"), "f.csv:2: funding_rate must be within"),
        ("a rate beyond 1000 %", RESERVE % ("borrow_rate,told_at", "10.1,5", ","), "f.csv:2: instrument WETH: liquidity_rate and"),
        ("a negative rate", RESERVE % ("borrow_rate,told_at", "-1,5", ","), "f.csv:2: liquidity_rate and borrow_rate must be"),
        ("a ramp upwards", RESERVE % ("ramp_from_bps,ramp_start,ramp_end", "8300,5,6", ",,"), "f.csv:2: instrument WETH: a ramp goes down"),
        ("a ramp without an end", RESERVE % ("ramp_from_bps,ramp_start", "8400,5", ","), "f.csv:2: ramp_end is missing")):
    expect(name, 1, ["import", "--db", "time.db", write("f.csv", text)], error)
expect("funding of a reserve's position", 1, ["import", "--db", "time.db", write(
    "f.csv", "account,rule,instrument,supply,collateral,funding\n11,aave-3.5,WETH,1,true,5\n")], "f.csv:2: funding does not apply to a reserve")
expect("open orders of a rule without", 1, ["import", "--db", "time.db", write(
    "f.csv", "account,rule,instrument,supply,collateral,open_orders\n11,aave-3.5,WETH,1,true,5\n")], "f.csv:2: open orders do not apply: aave-3.5 knows none")
expect("spread_ppm", 0, ["import", "--db", "time.db", write(
    "s.csv", "name,kind,source,decimals,stale_ms,spread_ppm\nusdc_usd,index,usdc_usd,8,86400000,50000\n")])
report('"spread_ppm": 50000' in run("export", "--db", "time.db").stdout, "is kept")
expect("a spread too wide", 1, ["import", "--db", "time.db", write(
    "s.csv", "name,kind,source,decimals,stale_ms,spread_ppm\nusdc_usd,index,usdc_usd,8,86400000,10000001\n")], "s.csv:2: spread_ppm must be 0 to")
expect("gen with rates", 0, ["gen", "--db", "rates.db", "-n", "200", "--seed", "42", "--rates", TOLD], "200 accounts")
rates, plain = (json.loads(run("export", "--db", x).stdout) for x in ("rates.db", "gen.db"))
report(rates["accounts"] == plain["accounts"] and all(x.get("told_at") == TOLD for x in rates["instruments"]) and
       not any("told_at" in x for x in plain["instruments"]), "the same accounts, and a market that moves")
report(liquidatable("--db", "rates.db", "--prices", prices("0"), "--at", TOLD) == 0 and
       liquidatable("--db", "rates.db", "--prices", prices("0"), "--at", YEAR) >= 24, "and in a year makes dozens liquidatable")
expect("gen of another version", 0, ["gen", "--db", "version.db", "-n", "200", "--lending", "aave-1.19"], "200 accounts", " aave-1.19)")
expect("--lending of a perpetual", 2, ["gen", "--db", "x.db", "--lending", "perp-linear-1"], "--lending: no rule for lending")
expect("--rates of no moment", 2, ["gen", "--db", "x.db", "--rates", "0"], "--rates: not a second")
expect("--at of no moment", 2, ["show", "--db", "gen.db", "--at", "17179869184"], "--at: not a second")

# ---- captures
expect("no capture", 1, ["gen", "--db", "c.db", "--capture", bad], "bad.csv")
if os.path.exists(CAPTURE):
    expect("gen from a real capture", 0, ["gen", "--db", "real.db", "--capture", CAPTURE], "240 accounts")
    market = run("show", "--db", "real.db", "--market").stdout
    report(all(x in market for x in ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL",
                                     "WBTC", "USDC")), "with its perpetuals and reserves", market)
    table = run("show", "--db", "real.db", "--capture", CAPTURE).stdout
    report(table.count(" healthy") == 240, "healthy at its first prices", table)
else:
    skip("gen from a real capture", "no %s" % CAPTURE)
capture = path("synthetic.pcap")
p = subprocess.run([TRIPLINE, "gen", "-o", capture, "--seed", "1"], capture_output=True, text=True)
report(p.returncode == 0, "tripline gen", p.stderr)
if p.returncode == 0:
    expect("gen from a synthetic capture", 0, ["gen", "--db", "synth.db", "--capture", capture], "on 12 instruments")
    table = run("show", "--db", "synth.db", "--capture", capture).stdout
    report(table.count(" healthy") == 240, "healthy at its first prices", table)
    table = run("show", "--db", "gen.db", "--capture", capture).stdout
    report(table.count(" healthy") == 200, "the default book is healthy at the first prices of tripline gen", table)

finish()
