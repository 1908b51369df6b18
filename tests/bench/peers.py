# SPDX-License-Identifier: Apache-2.0
"""The libraries that keepers use, run from a folder of pinned packages with one script each (not part of this tree).

Each re-checks all of its accounts after a price change; the accounts are synthetic, of the package's own shape. So this is a
yardstick of speed, not the same work.
"""
import os
import re
import shutil
import subprocess
import tempfile

ACCOUNTS = 100000
PEERS = {  # folder: its script's command, what it is
    "morpho": (["node", "morpho_peer.mjs"], "@morpho-org/blue-sdk, AccrualPosition.healthFactor"),
    "mango": (["node", "mango_peer.cjs"], "mango-v4, HealthCache.health"),
    "drift": (["node", "--import", "tsx", "drift_peer.cts"], "drift sdk, User.getHealth"),
}
# What is pinned; some lock files lack optional packages of other systems, which newer versions of npm refuse.
INSTALLS = (["npm", "ci", "--ignore-scripts", "--silent"],
            ["npm", "install", "--ignore-scripts", "--no-save", "--omit=optional", "--silent"])


def install(work):
    for command in INSTALLS:
        if subprocess.run(command, cwd=work, capture_output=True, text=True, check=False).returncode == 0:
            return True
    return False


def run(folder, accounts=ACCOUNTS):
    """Yields (what, its own report or None, why there is none or None)."""
    for name, (command, what) in PEERS.items():
        src = os.path.join(folder, name)
        if not shutil.which("npm") or not shutil.which("node"):
            yield what, None, "no npm"
            continue
        if not os.path.isdir(src):
            yield what, None, f"no folder {name}"
            continue
        with tempfile.TemporaryDirectory() as tmp:
            work = os.path.join(tmp, name)
            shutil.copytree(src, work)
            for root, _, files in os.walk(work):  # what was copied may be read-only
                os.chmod(root, 0o755)
                for f in files:
                    os.chmod(os.path.join(root, f), 0o644)
            if not install(work):
                yield what, None, "its packages cannot be installed"
                continue
            got = subprocess.run(command + [str(accounts)], cwd=work, capture_output=True, text=True, check=False)
            lines = got.stdout.strip().splitlines()
            if got.returncode != 0 or not lines:
                yield what, None, "does not run here"
            else:
                yield what, lines[-1], None


def milliseconds(report):
    """Of one check of all accounts, from a library's own report."""
    m = re.search(r"([\d.]+) ms = ", report)
    return float(m.group(1)) if m else None
