#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bounded run of the fuzzers of the feed, of price policies, of the EVM's encodings and of what nodes send on their kept corpora
(tests/fuzz/corpus), for `make test`. Prints TAP.

usage: bounded.py BUILD-DIR [FUZZER...]. Environment: SEED; FUZZ_RUNS, inputs for each (default below, so many that each
takes a few seconds; a run of `make fuzz` goes on for as long as it is told to).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from tap import finish, report, seed, skip  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = seed(20261120)
RUNS = {"deribit": 4000, "cme": 2000, "starbase": 700, "cde": 700, "feed": 200, "rlp": 200000, "abi": 200000, "tx": 100000,
        "report": 200000, "events": 100000, "policy": 2000, "rpc": 20000}
SECONDS = 60  # a machine so slow that the runs take longer is stopped, and has tested less


def run(build, name):
    program = os.path.join(build, "fuzz", name)
    seeds = os.path.join(HERE, "corpus", name)
    if not os.path.exists(program):
        return skip("fuzz %s" % name, "this clang has no libFuzzer (Debian: libclang-rt-14-dev)")
    runs = int(os.environ.get("FUZZ_RUNS", RUNS[name]))
    with tempfile.TemporaryDirectory(prefix="tl-fuzz-") as work:
        corpus = os.path.join(work, "corpus")
        shutil.copytree(seeds, corpus)
        p = subprocess.run([os.path.abspath(program), "-runs=%d" % runs, "-seed=%d" % (SEED % 2**32 or 1), "-timeout=10",
                            "-max_total_time=%d" % SECONDS, "-artifact_prefix=%s/" % work, corpus],
                           capture_output=True, text=True, errors="replace", timeout=4 * SECONDS)
        done = re.search(r"Done (\d+) runs", p.stderr)
        cover = re.search(r"DONE\s+cov: (\d+)", p.stderr)
        for left in os.listdir(work):  # the input that broke it, to be seen in the log
            if left != "corpus":
                with open(os.path.join(work, left), "rb") as f:
                    print("# %s: %s" % (left, f.read().hex()))
    report(p.returncode == 0 and done is not None, "fuzz %s: %s inputs from %d seeds, %s places of the code reached, nothing "
           "crashes, hangs, reads outside or yields a price that is none" % (
               name, done.group(1) if done else "?", len(os.listdir(seeds)), cover.group(1) if cover else "?"),
           p.stderr[-4000:])


def main():
    print("# SEED=%d" % SEED)
    for name in sys.argv[2:] or RUNS:
        run(sys.argv[1], name)
    finish()


if __name__ == "__main__":
    main()
