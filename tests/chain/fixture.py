#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The deployed markets as files: made once, then loaded by each test in some 20 ms.

    tests/chain/fixture.py --build          packages, compiled contracts and both markets below CHAIN_DIR (build/chain)
    tests/chain/fixture.py --run 3.6 [--port N] [--ipc PATH]    a node with that market until it is interrupted

Each step is done again only when what it is made of has changed. From Python: market("3.6") gives the description, and
node("3.6") a running Node that has it. docs/chain.md says what is in a market.
"""
import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from node import CHAIN_DIR, Node

HERE = Path(__file__).resolve().parent
VERSIONS = ("3.6", "1.19")
PACKAGE_FILES = ("package.json", "package-lock.json", ".npmrc")


def digest(*paths):
    h = hashlib.sha256()
    for p in sorted(paths):
        h.update(p.name.encode() + b"\0" + p.read_bytes() + b"\0")
    return h.hexdigest()


def step(name, key, made, make):
    """Runs make() unless `made` exists and was made from `key`."""
    stamp = CHAIN_DIR / f"{name}.key"
    if made.exists() and stamp.exists() and stamp.read_text() == key:
        return
    stamp.unlink(missing_ok=True)
    print(f"chain: {name}", flush=True)
    make()
    stamp.write_text(key)


def packages():
    npm = CHAIN_DIR / "npm"
    npm.mkdir(parents=True, exist_ok=True)
    for f in PACKAGE_FILES:
        shutil.copy(HERE / f, npm / f)
    subprocess.run(["npm", "ci", "--silent", "--no-progress"], cwd=npm, check=True)


def contracts():
    shutil.rmtree(CHAIN_DIR / "artifacts", ignore_errors=True)
    subprocess.run(["node", HERE / "js/compile.js", CHAIN_DIR / "npm", CHAIN_DIR / "artifacts"], check=True)


def deploy(version):
    with Node() as n:
        env = dict(os.environ, CHAIN_DIR=str(CHAIN_DIR))
        subprocess.run(["node", HERE / "js/deploy.js", n.url, version, CHAIN_DIR / f"market-{version}.json"], check=True, env=env)
        n.dump(CHAIN_DIR / f"state-{version}.gz")


def build():
    CHAIN_DIR.mkdir(parents=True, exist_ok=True)
    with open(CHAIN_DIR / "lock", "w", encoding="ascii") as held:  # another build waits
        fcntl.flock(held, fcntl.LOCK_EX)
        build_steps()


def build_steps():
    lock = digest(*(HERE / f for f in PACKAGE_FILES))
    step("packages", lock, CHAIN_DIR / "npm/node_modules/solc/package.json", packages)
    solidity = lock + digest(HERE / "js/compile.js", *(HERE / "contracts").glob("*.sol"))
    step("contracts", solidity, CHAIN_DIR / "artifacts/Lens.json", contracts)
    others = ("compile.js", "accounts.js")
    scripts = solidity + digest(HERE / "node.py", *(p for p in (HERE / "js").glob("*.js") if p.name not in others))
    for v in VERSIONS:
        step(f"market-{v}", scripts, CHAIN_DIR / f"state-{v}.gz", lambda v=v: deploy(v))


def missing():
    """Why there is no fixture, or None."""
    if not shutil.which("node"):
        return "node is not installed: make deps-chain"
    for v in VERSIONS:
        if not (CHAIN_DIR / f"state-{v}.gz").exists():
            return f"no chain fixture in {CHAIN_DIR}: make deps-chain"
    return None


def market(version):
    return json.loads((CHAIN_DIR / f"market-{version}.json").read_text())


def node(version, **args):
    return Node(state=CHAIN_DIR / f"state-{version}.gz", **args)


def run(o):
    with node(o.run, port=o.port, ipc=o.ipc) as n:
        description = str(CHAIN_DIR / f"market-{o.run}.json")
        print(json.dumps({"url": n.url, "ipc": n.ipc, "pid": n.process.pid, "market": description}), flush=True)
        signal.pause()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", action="store_true")
    p.add_argument("--run", choices=VERSIONS)
    p.add_argument("--port", type=int)
    p.add_argument("--ipc")
    o = p.parse_args()
    if o.build:
        try:
            build()
        except (OSError, subprocess.CalledProcessError) as e:
            print(f"chain: {e}", file=sys.stderr)
            return 1
    if o.run:
        try:
            run(o)
        except KeyboardInterrupt:
            pass
    if not o.build and not o.run:
        p.print_usage()
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
