# SPDX-License-Identifier: Apache-2.0
"""tripline lab predict: what it prints belongs together and is a function of the seed; refusals; and a run with predict=1: its
journal replays identically, one without the key (older) as before, and it leaves no breach without an order."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

EXE = os.environ.get("TRIPLINE", "build/tripline")
SMALL = ["lab", "predict", "-q", "--generate", "120", "--days", "8", "--seconds", "25", "--rate", "60", "--horizon", "3"]


def run(*args):
    p = subprocess.run([EXE, *args], capture_output=True, text=True, timeout=250)
    return p.returncode, p.stdout, p.stderr


def numbers(pattern, text):
    return [tuple(float(x) for x in m) for m in re.findall(pattern, text)]


def check_report():
    rc, out, err = run(*SMALL)
    tap.report(rc == 0 and not err, "plays generated days", (rc, err))
    days = re.findall(r"^(fit|judge)\s+day +\d+ .*?: (\d+) forecasts, (\d+) accounts breached(.*)$", out, re.M)
    tap.report([d[0] for d in days] == ["fit"] * 4 + ["judge"] * 4, "half of the days fit, half are judged", out)
    tap.report(len(set(re.findall(r"seed (\d+),", out))) == 8, "no day is played twice", out)
    judged = re.search(r"judged +(\d+) forecasts, (\d+) came true: base rate ([\d.]+) \(of the days that fit ([\d.]+)\), its Brier ([\d.]+) \(([\d.]+)\)", out)
    n, true, rate, known, brier, base = (float(x) for x in judged.groups())
    tap.report(n == sum(int(d[1]) for d in days[4:]), "judged forecasts are those of the judged days", out)
    tap.report(abs(true / n - rate) < 1e-4 and abs(rate * (1 - rate) - brier) < 1e-4, "the base rate's Brier score follows from it", out)
    bins = numbers(r"^ +[\d.]+ - +[\d.]+ % +(\d+) +([\d.]+)% +([\d.]+)%", "") or re.findall(r"^ +([\d.]+) - +([\d.]+) % +(\d+) +([\d.]+)% +([\d.]+)%", out, re.M)
    tap.report(sum(int(b[2]) for b in bins) == n and abs(sum(int(b[2]) * float(b[4]) / 100 for b in bins) - true) < 0.02 * n, "the calibration's counts add up", out)
    tap.report(all(float(b[0]) - 0.01 <= float(b[3]) <= float(b[1]) + 0.01 for b in bins), "mean chances lie in their bins", out)
    tap.report(abs(rate * (1 - known) ** 2 + (1 - rate) * known**2 - base) < 1e-4, "the rate known beforehand is judged as a forecast", out)
    briers = {}
    for name in ("normal", "fitted"):
        got, skill, after = re.search(name + r" +Brier ([\d.]+) \(skill ([-+][\d.]+), in hindsight ([-+][\d.]+)\)", out).groups()
        tap.report(abs(1 - float(got) / base - float(skill)) < 2e-3, f"skill of {name} against the rate of the days that fit", out)
        tap.report(abs(1 - float(got) / brier - float(after)) < 2e-3, f"and in hindsight, {name}", out)
        briers[name] = float(got)
    tap.report(briers["fitted"] < min(base, briers["normal"]), "on days they have not seen the forecasts beat the base rate", out)
    check_kinds(out, n, briers["fitted"])
    check_keys(out, briers["fitted"])
    ready = re.findall(r"predict=\d +ready (\d+) of (\d+) accounts", out)
    breached = sum(int(d[2]) for d in days[4:])
    tap.report(len(ready) == 2 and ready[0][1] == ready[1][1] and 0 < int(ready[0][1]) <= breached, "as many orders with predict as without, none for who did not breach", (ready, breached))
    cold = [[int(n) for n in re.findall(r"(\d+) ", line)] for line in re.findall(r"not ready: (.*)", out)]
    tap.report([int(n) + sum(c) for (n, _), c in zip(ready, cold)] == [int(n) for _, n in ready] and all(len(c) == 5 for c in cold), "ready and, by cause, not ready are all", (ready, cold))
    tap.report(cold[1][1] <= cold[0][1], "with predict no more have none made yet", cold)
    tap.report(run(*SMALL)[1] == out, "a seed gives one report")
    tap.report(run(*SMALL, "--seed", "2")[1] != out, "another seed gives another")
    rc, plain, _ = run(*SMALL, "--no-fit")
    tap.report(rc == 0 and "predict_scale_ppm=1000000 predict_wild_ppm=0" in plain and "(as set)" in plain, "--no-fit judges the normal distribution", plain)


def check_kinds(out, n, brier):
    kinds = re.findall(r"^  (crash|trend|calm|gap) +(\d+) forecasts +([\d.]+)% true +([\d.]+) +([\d.]+) +([\d.]+) \(skill [-+][\d.]+\)  unseen ([\d.]+), rate ([\d.]+)", out, re.M)
    tap.report({k[0] for k in kinds} == {"crash", "trend", "calm", "gap"}, "each kind of day is reported", out)
    tap.report(sum(int(k[1]) for k in kinds) == n, "and all of them together are all", kinds)
    tap.report(abs(sum(int(k[1]) * float(k[5]) for k in kinds) / n - brier) < 1e-4, "the score of all is that of its kinds", kinds)
    for k in kinds:
        share = float(k[2]) / 100
        tap.report(abs(share * (1 - share) - float(k[4])) < 1e-3, f"{k[0]}: its own rate in hindsight", k)


def check_keys(out, brier):
    """What is told as settings gives the same forecasts when it is set."""
    keys = re.findall(r"(predict_\w+=-?\d+)", out.split("judged ")[0])
    tap.report(len(keys) == 15, "the fit is told as settings", keys)
    sets = [w for k in keys for w in ("--set", k)]
    rc, again, err = run(*SMALL, "--no-fit", *sets)
    found = re.search(r"as set +Brier ([\d.]+)", again)
    tap.report(rc == 0 and found and float(found.group(1)) == brier, "and set, it tells the same", (err, again))
    ready = [re.search(r"predict=1.*", text).group(0) for text in (out, again)]
    tap.report(ready[0] == ready[1], "the sessions had it too", ready)


def check_refusals():
    for args, why in ((["--train", "8", "--days", "8"], "at least one must be left"), (["--horizon", "0"], "expected a whole number"), (["--bogus"], "--help"),
                      (["--device", "sim"], "model or vector"), (["x"], "no argument"), (["--set", "predict=2"], "from 0 to 1"), (["--set", "predict_far_e6=1"], "to 0 is wanted")):
        rc, out, err = run("lab", "predict", *args)
        tap.report(rc == 2 and why in err and not out, f"refused: {' '.join(args)}", (rc, err))
    rc, _, err = run("lab", "predict", "-q", "--capture", "absent.pcap", "--capture", "absent.pcap")
    tap.report(rc == 1 and "absent.pcap" in err, "a capture that is not there", (rc, err))
    rc, _, err = run(*SMALL, "--horizon", "1000")
    tap.report(rc == 1 and "no forecast" in err, "a horizon longer than the days", (rc, err))
    tap.report(run("lab", "predict", "--help")[0] == 0, "--help")


def check_replay(folder):
    cap, db = f"{folder}/c.pcap", f"{folder}/a.db"
    run("gen", "-q", "-o", cap, "--path", "crash", "--seconds", "15", "--rate", "150", "--seed", "7")
    run("accounts", "gen", "--db", db, "--accounts", "400", "--seed", "7")
    orders = {}
    for predict in (0, 1):
        where = f"{folder}/{predict}"
        os.mkdir(where)
        rc, out, err = run("run", "--quiet", "--accounts", db, "--capture", cap, "--device", "vector", "--audit", "--dir", where, "--set", f"predict={predict}")
        tap.report(rc == 0 and "missed=0 unconfirmed_orders=0" in out, f"predict={predict}: nothing missed, nothing false", (rc, out, err))
        orders[predict] = re.search(r"(\d+) handed over \((\d+) ready beforehand", out).groups()
        rc, out, err = run("replay", f"{where}/journal")
        tap.report(rc == 0 and "replay: identical" in out, f"predict={predict}: the journal replays identically on the model", (rc, out, err))
    tap.report(orders[0] != orders[1] and int(orders[0][1]) > 0 and int(orders[1][1]) > 0, "which orders are ready depends on it", orders)


check_report()
check_refusals()
with tempfile.TemporaryDirectory(prefix="predict.") as tmp:
    check_replay(tmp)
tap.finish()
