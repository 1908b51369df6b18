# SPDX-License-Identifier: Apache-2.0
"""What price adapters of an Aave market answer, in Python's integers, written from the formulas and sharing nothing with
host/chain. None stands for a call that reverts."""
INT = 2**255
YEAR = 365 * 86400
GENERATIONS = {1: 1, 2: 10**6}  # of CAPO adapters: by what their growth a second is scaled


def fits(v):
    return v if v is not None and -INT <= v < INT else None


def growth(snapshot, yearly_bps, generation):
    return snapshot * yearly_bps * GENERATIONS[generation] // 10**4 // YEAR


def cap(snapshot, since, per_second, scale, now):
    return None if now < since else fits(snapshot + per_second * (now - since) // scale)


def capped_ratio(base, ratio, most, decimals):
    if base <= 0 or ratio <= 0:
        return 0
    if most is None or fits(base * min(ratio, most)) is None:
        return None
    return base * min(ratio, most) // 10**decimals


def capped_stable(price, most):
    return most if price > most else max(price, 0)


def product(asset, peg, decimals, feed_decimals):
    if asset <= 0 or peg <= 0:
        return 0
    if fits(asset * peg) is None or fits(asset * peg * 10**decimals) is None:
        return None
    return asset * peg * 10**decimals // 10**feed_decimals


def median(observations):
    return sorted(observations)[len(observations) // 2]


# ---- reports of the off-chain reporting protocol

def word(v):
    return (v % 2**256).to_bytes(32, "big")


def dynamic(data):
    return word(len(data)) + data + bytes(-len(data) % 32)


def row(*items):
    """abi.encode: an int is a word, bytes are dynamic `bytes`, a list is an array of words."""
    head, tail, width = b"", b"", 32 * len(items)
    for v in items:
        if isinstance(v, int):
            head += word(v)
            continue
        head += word(width + len(tail))
        tail += dynamic(v) if isinstance(v, bytes) else word(len(v)) + b"".join(map(word, v))
    return head + tail


def transmit(selector, protocol, epoch_round, observations, digest=7, when=1_700_000_000):
    """Calldata of one report: protocol 1 has its context in the report, 2 beside it."""
    signatures = [[11, 12], [21, 22], 0]
    if protocol == 1:
        return selector + row(row(digest << 40 | epoch_round, 0x0102 << 240, observations), *signatures)
    report = row(when, 0x0102 << 240, observations, 10**15)
    return selector + row(digest, epoch_round, 99, report, *signatures)
