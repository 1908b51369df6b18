#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The definition of beats and registers: the committed page is current, faulty definitions are refused. Prints TAP."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from tap import finish, report  # noqa: E402

GEN, TOML, PAGE = "drivers/abi/gen_abi.py", "drivers/abi/abi.toml", "docs/registers.md"


def generate(what, path=TOML):
    return subprocess.run([sys.executable, GEN, what, path], capture_output=True, text=True, check=False)


def refused(text, old, new):
    """Is the definition with one text replaced refused with a message?"""
    assert text.count(old) >= 1, old
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as f:
        f.write(text.replace(old, new, 1))
    run = generate("c", f.name)
    os.unlink(f.name)
    return run.returncode != 0 and run.stderr.startswith("abi.toml: ")


def abi_hash(text):
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as f:
        f.write(text)
    out = generate("hash", f.name).stdout
    os.unlink(f.name)
    return out


def main():
    with open(PAGE, encoding="utf-8") as f:
        report(f.read() == generate("md").stdout, f"{PAGE} is what {TOML} gives (else: make registers)")
    with open(TOML, encoding="utf-8") as f:
        text = f.read()
    report(refused(text, '"group", lsb = 32', '"group", lsb = 27'), "overlapping fields are refused")
    report(refused(text, '"price", lsb = 64, width = 40', '"price", lsb = 220, width = 40'), "a field past the beat is refused")
    report(refused(text, '"hi", lsb = 104', '"hi", lsb = 103'), "an overlap by one bit is refused")
    report(refused(text, "stride = 40", "stride = 39"), "overlapping array elements are refused")
    report(refused(text, "opcode = 3", "opcode = 2"), "an opcode used twice is refused")
    report(refused(text, "offset = 0x048", "offset = 0x044"), "a misaligned register is refused")
    report(refused(text, "offset = 0x020", "offset = 0x01c"), "a register place used twice is refused")
    report(refused(text, 'name = "address"\nbit = 18', 'name = "address"\nbit = 17'), "a flag used twice is refused")
    report(refused(text, "bit = 16\n", "bit = 15\n"), "a flag among the error codes is refused")
    report(refused(text, "bit = 21\n", "bit = 32\n"), "a flag past the register is refused")
    report(refused(text, 'name = "arm"\nvalue = 3', 'name = "arm"\nvalue = 16'), "a cause that does not fit its field is refused")
    report(refused(text, 'name = "coef_value"\nvalue = 8', 'name = "coef_value"\nvalue = 0'), "error code 0 is refused")
    report(refused(text, '"produced", lsb = 32', '"produced", lsb = 31'), "overlapping fields of a record are refused")
    report(refused(text, 'name = "status"\ndoc', 'name = "sync"\ndoc'), "a record named like a command is refused")
    report(refused(text, 'offset = 0x11c\naccess = "rw"', 'offset = 0x11c\naccess = "wo"'), "an unknown access is refused")
    report(refused(text, "lsb = 156, width = 12, count = 3", "lsb = 156, width = 12, count = 2"), "coefficients without an asset are refused")
    report(refused(text, "word_bits = 32", "word_bits = 48"), "window words that do not make up a beat are refused")
    report(abi_hash(text) == abi_hash(text.replace("Does nothing", "Nothing")) != abi_hash(text.replace("lsb = 104", "lsb = 105")),
       "the hash covers layouts and not texts")
    finish()


if __name__ == "__main__":
    main()
