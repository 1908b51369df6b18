#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wrong versions of the liquidation contract: each must make a test of test_flash, test_flash_odd or the random walk
fail. Not part of `make test-chain` (10 minutes): after `make deps-chain chain-build`,

    tests/chain/flash_mutants.py [PART OF A NAME]
"""
import shutil
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import fixture  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
import test_flash  # noqa: E402
import test_flash_odd  # noqa: E402
import test_flash_random  # noqa: E402
from flashbench import CONTRACT, compiled  # noqa: E402

MUTANTS = [
    ("anyone sends one order",
     "liquidate(Order calldata o) external payable onlyCaller guarded", "liquidate(Order calldata o) external payable guarded"),
    ("anyone sends many", "uint256 gasEach) external payable onlyCaller guarded", "uint256 gasEach) external payable guarded"),
    ("entered again, one order",
     "liquidate(Order calldata o) external payable onlyCaller guarded", "liquidate(Order calldata o) external payable onlyCaller"),
    ("entered again, many", "uint256 gasEach) external payable onlyCaller guarded", "uint256 gasEach) external payable onlyCaller"),
    ("rescue while running", "uint256 amount) external onlyOwner guarded", "uint256 amount) external onlyOwner"),
    ("anyone rescues", "uint256 amount) external onlyOwner guarded", "uint256 amount) external guarded"),
    ("anyone sets callers",
     "function setCaller(address caller, bool allowed) external onlyOwner",
     "function setCaller(address caller, bool allowed) external"),
    ("anyone sets routers",
     "function setRouter(address router, bool allowed) external onlyOwner",
     "function setRouter(address router, bool allowed) external"),
    ("callers stay", "callers[caller] = allowed;", "callers[caller] = true;"),
    ("routers stay", "routers[router] = allowed;", "routers[router] = true;"),
    ("a router without code", "if (allowed && router.code.length == 0) revert NotContract(router);", ""),
    ("anyone proposes an owner",
     "function proposeOwner(address next) external onlyOwner", "function proposeOwner(address next) external"),
    ("ownership in one step", "pendingOwner = next;", "owner = next;"),
    ("anyone accepts", "if (msg.sender != pendingOwner) revert NotOwner();", ""),
    ("accepted for good", "delete pendingOwner;", ""),
    ("any router", "if (!routers[router]) revert RouterNotAllowed(router);", ""),
    ("any pool calls back", "if (msg.sender != address(POOL)) revert NotPool();", ""),
    ("any initiator", "if (initiator != address(this))", "if (initiator == address(0))"),
    ("anyone calls an item", "if (msg.sender != address(this)) revert NotSelf();", ""),
    ("ether from anyone", "if (msg.sender != address(WETH)) revert NotCaller();", ""),
    ("no health check", "if (health >= HEALTHY)", "if (health == 0)"),
    ("health check at one", "if (health >= HEALTHY)", "if (health > HEALTHY * 2)"),
    ("always a health check", "if (o.flags & CHECK_HEALTH != 0) {", "{"),
    ("share of everything", "if (o.share >= WHOLE) revert BadShare();", ""),
    ("loan without a debt", "if (amount == 0) revert NoDebt();", ""),
    ("no profit check", "if (balance < wanted) revert NoProfit(balance, wanted);", "if (balance < wanted) return 0;"),
    ("profit before the loan", "uint256 base = held + owed;", "uint256 base = held;"),
    ("premium forgotten", "amount + premium);\n        _approve", "amount);\n        _approve"),
    ("no least profit at the end",
     "uint256 profit = _gain(o.debt, base + o.minProfit) + o.minProfit;", "uint256 profit = _gain(o.debt, base);"),
    ("no floor for the router", "wanted > have ? wanted - have : 0);", "0);"),
    ("floor without the share",
     "uint256 wanted = base + (o.minProfit * WHOLE + WHOLE - o.share - 1) / (WHOLE - o.share);",
     "uint256 wanted = base + o.minProfit;"),
    ("pays out twice", "if (o.flags & PAY_OUT != 0 && profit != 0)", "if (profit != 0)"),
    ("pays out to the caller", "(owner, profit)", "(tx.origin, profit)"),
    ("sells what it held before", "seized = _balance(o.collateral) - held;", "seized = _balance(o.collateral);"),
    ("one token counted twice", "if (o.collateral == o.debt) held -= repaid;", ""),
    ("allowance left with the pool",
     "repaid = amount - _revoke(o.debt, address(POOL));",
     "repaid = amount - IERC20(o.debt).allowance(address(this), address(POOL));"),
    ("allowance left with the router", "        _revoke(path[0], router);\n", ""),
    ("approves too much to the router", "_approve(path[0], router, given);", "_approve(path[0], router, given + 1);"),
    ("approves for ever", "_approve(path[0], router, given);", "_approve(path[0], router, type(uint256).max);"),
    ("sale to the caller", "path, address(this), block.timestamp", "path, tx.origin, block.timestamp"),
    ("share of the whole balance", "_gain(o.debt, base) * o.share / WHOLE", "_balance(o.debt) * o.share / WHOLE"),
    ("unwraps what it held", "share = _balance(address(WETH)) - held;", "share = _balance(address(WETH));"),
    ("tip from its own ether", "if (o.tip > msg.value) revert TipAboveValue();", ""),
    ("tips of a batch from its own ether", "if (o.tip > value) return", "if (o.tip > value && value > 1e30) return"),
    ("failed items pay",
     "                left -= o.tip;\n            } else {", "            } else {\n                left -= o.tip;"),
    ("keeps what is left", "_pay(msg.sender, msg.value - o.tip);", ""),
    ("a batch keeps what is left", "        _pay(msg.sender, left);\n", ""),
    ("unpaid maker is no matter", "if (!ok) revert PaymentFailed(to);", ""),
    ("pays the caller, not the maker", "_pay(block.coinbase, paid);", "_pay(tx.origin, paid);"),
    ("an item stops the batch", "if (done + after_ < required) revert TooFew(done);", "revert TooFew(done);"),
    ("requires nothing", "if (done + after_ < required) revert TooFew(done);", ""),
    ("requires too much", "if (done + after_ < required)", "if (done + after_ <= required)"),
    ("required beyond the items", "if (required > orders.length) revert BadRequired();", ""),
    ("all gas to an item", "ok := call(gasEach,", "ok := call(gas(),"),
    ("tries without gas", "if (gasleft() < enough)", "if (gasleft() < GAS_AFTER)"),
    ("copies all of a reason", "if gt(n, most) { n := most }", ""),
    ("reason without its length", "mstore(reason, n)", "mstore(reason, 0)"),
    ("failed items are silent", "emit Failed(", "if (reason.length > 1e9) emit Failed("),
    ("says no is no matter",
     "if (out.length == 0 ? token.code.length == 0 : !abi.decode(out, (bool))) revert TokenRefused(token);", ""),
    ("no code is no matter", "out.length == 0 ? token.code.length == 0 :", "out.length != 0 &&"),
    ("wants an answer of every token",
     "out.length == 0 ? token.code.length == 0 : !abi.decode(out, (bool))", "!abi.decode(out, (bool))"),
    ("the loan's profit is not looked at again", "_gain(o.debt, o.flags & PAY_OUT != 0 ? held : held + o.minProfit);", ""),
    ("callback outside of a loan", "if (state != LOAN) revert Busy();", ""),
]
# Cannot be seen with an honest pool: it calls back once, within our loan, and takes what was agreed. These two are a
# second line behind "any pool", "any initiator" and the exact approval.
SECOND_LINE = {"the loan's profit is not looked at again", "callback outside of a loan"}


def found(source):
    folder = Path(tempfile.mkdtemp(prefix="flash-mutant-"))
    try:
        (folder / "Liquidator.sol").write_text(source)
        code = compiled(folder / "made", folder / "Liquidator.sol")
        for tests in (test_flash.TESTS, test_flash_odd.TESTS):
            failed = test_flash.run(tests, lambda *_: None, code, stop=True)
            if failed:
                return failed[0]
        return "random walk" if test_flash_random.walk(1, 40, code)[1] else ""
    finally:
        shutil.rmtree(folder)
        (node.CHAIN_DIR / "made.key").unlink(missing_ok=True)


def main():
    why = node.missing() or fixture.missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    text = CONTRACT.read_text()
    for name, old, new in MUTANTS:
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        assert text.count(old) == 1, f"{name}: {text.count(old)} places"
        by = found(text.replace(old, new))
        ok = bool(by) != (name in SECOND_LINE)
        tap.report(ok, f"mutant: {name} ({by or 'not found'})", "seen after all" if by else "no test sees it")
    tap.finish()


if __name__ == "__main__":
    main()
