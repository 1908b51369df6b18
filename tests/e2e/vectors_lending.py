# SPDX-License-Identifier: Apache-2.0
"""States and results of the protocols' own tests, for test_rule_vectors.py: lenders and vaults.
Each is (rule, source, test, state, results). "By hand" are the formulas of the source at an edge of its own."""

E6, E8, WAD, RAY, RAD = 10**6, 10**8, 10**18, 10**27, 10**45

# ---- Comet: test/absorb-test.ts 0009c80b, is-liquidatable-test.ts 171d3504, quote-collateral-test.ts 06fe8e7a. Defaults of its
# makeProtocol: factors of 1 (0.9999... would not be told), COMP 175, WETH 3000, WBTC 41000.
COMET = "compound-finance/comet test/{absorb,is-liquidatable,quote-collateral}-test.ts 0009c80b, 171d3504, 06fe8e7a"
PRICES = dict(COMP=(175, 18), WETH=(3000, 18), WBTC=(41000, 8))


def comet(principal, held, factor=WAD, prices=None, total_borrow=None, total_supply=0, **more):
    assets = []
    for name, (price, decimals) in (prices or PRICES).items():
        assets.append(dict(name=name, balance=held.get(name, 0), price=int(price * E8), scale=10**decimals, liquidate_factor=factor, liquidation_factor=WAD))
    s = dict(principal=principal, supply_index=10**15, borrow_index=10**15, base_price=E8, base_scale=E6, assets=assets, **more)
    if total_borrow is not None:
        s["pool"] = dict(balance=0, total_supply=total_supply, total_borrow=total_borrow, target_reserves=100, store_front_factor=8 * WAD // 10)
    return s


def comet_vectors():
    one = dict(COMP=(1, 18))
    for name, state, want in (("defaults to false", comet(0, {}), False), ("owed principal", comet(E6, {}), False), ("owes principal", comet(-E6, {}), True),
                              ("collateral covers, exactly", comet(-10**11, dict(COMP=10**23), prices=one), False),
                              ("collateral cannot cover", comet(-10**11, dict(COMP=95 * 10**21), prices=one), True),
                              ("liquidateCollateralFactor", comet(-10**11, dict(COMP=10**23), 8 * WAD // 10, one), True),
                              ("price drops", comet(-10**11, dict(COMP=10**23), prices=dict(COMP=(0.5, 18))), True)):
        yield name, state, {"liquidatable": want, "view_refused": "", "absorb_refused": "" if want else "NotLiquidatable"}
    yield "two accounts: 100", comet(-100, {}, total_borrow=2000), {"paid_out": 100, "reserves": 2000, "reserves_after": 1900}
    yield "two accounts: then 700", comet(-700, {}, total_borrow=1900), {"paid_out": 700, "reserves_after": 1200, "paid_out_value": 70000}
    big = dict(total_borrow=3 * 10**21, total_supply=4 * 10**21)
    yield "three accounts: COMP of 1e-6", comet(-E6, dict(COMP=10**12), **big), {
        "seize[0].amount": 10**12, "seize[0].value": 17500, "paid_out": E6, "paid_out_value": E8, "reserves": -10**21, "reserves_after": -10**21 - E6}
    yield "three accounts: the third", comet(-WAD, dict(COMP=10**22, WETH=50 * WAD, WBTC=50 * E8), **big), {
        "seize[0].value": 1750000 * E8, "seize[1].value": 150000 * E8, "seize[2].value": 2050000 * E8, "paid_out": WAD, "new_principal": 0}
    debt = 41000 * E6 + 3000 * E6 + 175 * E6 - 1
    yield "more than enough to still cover the debt", comet(-debt, dict(COMP=WAD, WETH=WAD, WBTC=E8), 666666666666666666, total_borrow=debt), {
        "liquidatable": True, "new_principal": 1, "paid_out": debt + 1, "reserves": debt, "reserves_after": -1}
    yield "absorb is paused", comet(-E6, {}, absorb_paused=True), {"absorb_refused": "Paused"}
    for amount, want in ((200 * E6, 125 * 10**16), (0, 0)):
        s = comet(-100, {}, prices=dict(COMP=(200, 18)), total_borrow=99, buy=dict(asset="COMP", base_amount=amount, collateral_reserves=10**30))
        s["assets"][0]["liquidation_factor"] = 75 * 10**16  # 0.8 of 25 %: 160 instead of 200
        yield f"quote for {amount}", s, {"bought": want, "refused": ""}
    s = comet(-E6, dict(COMP=WAD), prices=dict(COMP=(0, 18)))
    yield "by hand: price 0", s, {"liquidatable": False, "view_refused": "BadPrice", "absorb_refused": "BadPrice"}
    s = comet(-E6, dict(WETH=WAD, COMP=WAD), prices=dict(WETH=(3000, 18), COMP=(0, 18)))
    yield "by hand: a price behind the end is not read", s, {"liquidatable": False, "view_refused": "", "absorb_refused": "NotLiquidatable"}
    wrong = dict(comet(-100, {}, prices=dict(COMP=(200, 18)), total_borrow=99), buy=dict(asset="WETH", base_amount=1, collateral_reserves=1))
    yield "by hand: an asset that is not there", wrong, {"refused": "BadAsset"}
    yield "by hand: a debt of 10.5 units is 10, which is covered", dict(comet(-10, dict(COMP=10**13), prices=one), borrow_index=1050000000000000), {
        "health": 0, "liquidatable": False}
    yield "by hand: of 11, which is not", dict(comet(-10, dict(COMP=10**13), prices=one), borrow_index=1100000000000000), {
        "health": -100, "liquidatable": True, "balance": -11, "credit": 10, "new_balance": 0}


# ---- Compound v2: tests/Comptroller/{liquidateCalculateAmountSeizeTest,accountLiquidityTest}.js
COMPOUND = "compound-finance/compound-protocol 93432643 tests/Comptroller/liquidateCalculateAmountSeizeTest.js, 513f82cc accountLiquidityTest.js"


def compound_seize(rate, borrowed, collateral, incentive, amount):
    """The call of the test inside a liquidation of a market that is given up, so that any amount may be repaid."""
    def market(name, price, **more):
        return dict(dict(name=name, price=price, collateral_factor=0, exchange_rate=WAD, tokens=0, borrow=0, seize_share=0), **more)
    return dict(close_factor=WAD // 2, liquidation_incentive=incentive, markets=[
        market("a", borrowed, borrow=max(amount, 1), borrow_paused=True, reserve_factor=WAD), market("c", collateral, exchange_rate=rate, tokens=2**200)],
        repay=dict(borrowed="a", collateral="c", amount=amount))


def compound_vectors():
    for rate, borrowed, collateral, incentive, amount in (
            (WAD, WAD, WAD, WAD, WAD), (2 * WAD, WAD, WAD, WAD, WAD), (2 * WAD, 2 * WAD, 142 * 10**16, 13 * 10**17, 245 * 10**16),
            (2789 * 10**15, 5230480842 * 10**9, 77132 * 10**16, 13 * 10**17, 1000245 * 10**16),
            (7009232529961056 * 10**9, 25278726317240445 * 10**8, 26177112093242585 * 10**7, 1179713989619784000, 7790468414639561 * 10**9)):
        ratio = (incentive * borrowed // WAD) * WAD // (collateral * rate // WAD)  # the test allows 1e7 beside the quotient
        yield f"returns the correct value for {rate}", compound_seize(rate, borrowed, collateral, incentive, amount), {
            "refused": "", "seize_tokens": ratio * amount // WAD, "liquidatable": True}
    yield "fails if either asset price is 0", compound_seize(WAD, 0, WAD, WAD, WAD), {"refused": "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED"}
    yield "... the collateral's", compound_seize(WAD, WAD, 0, WAD, WAD), {"refused": "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED"}
    yield "fails if the borrowed asset price causes overflow", compound_seize(WAD, 2**256 - 1, WAD, 2 * WAD, WAD), {"refused": "arithmetic overflow"}
    yield "fails if the repayAmount is uint max", compound_seize(WAD, WAD, WAD, WAD, 2**256 - 1), {"refused": "LiquidateCloseAmountIsUintMax"}

    def entered(*markets):
        return dict(close_factor=WAD // 2, liquidation_incentive=WAD, markets=[dict(name=str(i), price=p, collateral_factor=f, exchange_rate=WAD, tokens=t, borrow=b)
                                                                              for i, (p, f, t, b) in enumerate(markets)])
    half, third = WAD // 2, 666 * 10**15
    yield "borrow up to collateralFactor", entered((WAD, half, E6, 0)), {"liquidity": 500000, "shortfall": 0, "liquidatable": False}
    yield "borrow exactly that", entered((WAD, half, E6, 500000)), {"liquidity": 0, "shortfall": 0, "liquidatable": False}
    yield "borrow all: short by 1 - factor", entered((WAD, half, E6, E6)), {"liquidity": 0, "shortfall": 500000, "liquidatable": True, "market[0].most": 500000}
    three = (3 * WAD, half, E6, 0), (2718 * 10**15, third, 1000, 0)
    yield "three markets", entered(*three, (WAD, 0, 0, 0)), {"liquidity": 1501810, "shortfall": 0}
    yield "three markets, borrow of c2", entered(*three, (WAD, 0, 0, 1810)), {"liquidity": 1500000, "shortfall": 0}
    yield "three markets, short of c1", entered(*three, (WAD, 0, 0, 1501810 + 1500000)), {"liquidity": 0, "shortfall": 1500000}
    yield "not in any market", entered(), {"liquidity": 0, "shortfall": 0, "liquidatable": False}
    yield "a price has not been set", entered((0, half, E6, 0)), {"view_refused": "PRICE_ERROR", "liquidatable": False}


# ---- Maker: src/test/dog.t.sol 10c408e1, src/test/clip.t.sol 02018bbd
MAKER = "makerdao/dss src/test/{dog,clip}.t.sol 10c408e1, 02018bbd"
GOLD = dict(rate=RAY, spot=1000 * RAY, dust=100 * RAD, chop=11 * WAD // 10, hole=10000 * RAD, total_hole=10000 * RAD)
SALE = dict(ink=40 * WAD, art=100 * WAD, rate=RAY, spot=2 * RAY, dust=20 * RAD, chop=11 * WAD // 10, hole=1000 * RAD, total_hole=1000 * RAD)


def maker_vectors():
    yield "bark_basic", dict(GOLD, ink=WAD, art=2000 * WAD), {"refused": "", "dart": 2000 * WAD, "dink": WAD, "tab": 2200 * RAD}
    yield "bark_not_unsafe", dict(GOLD, ink=WAD, art=500 * WAD), {"refused": "Dog/not-unsafe", "liquidatable": False}
    yield "by hand: exactly safe", dict(GOLD, ink=WAD, art=1000 * WAD), {"refused": "Dog/not-unsafe", "liquidatable": False}
    yield "bark_dusty_vault", dict(GOLD, ink=1, art=100 * WAD, dust=200 * RAD), {"refused": "", "dart": 100 * WAD, "dink": 1}
    room = 5000 * WAD * WAD // (11 * WAD // 10)
    for field in ("hole", "total_hole"):
        small = dict(GOLD, dust=200 * RAD, ink=WAD, **{field: 5000 * RAD})
        most = room + 200 * WAD - 1
        yield f"{field}: exceeded to avoid a dusty remnant", dict(small, art=most), {
            "dart": most, "whole_for_dust": True, "dirt": most * RAY * (11 * WAD // 10) // WAD, "total_dirt": most * RAY * (11 * WAD // 10) // WAD}
        dart = 5000 * RAD * WAD // RAY // (11 * WAD // 10)
        yield f"{field}: not exceeded if the remnant is not dusty", dict(small, art=room + 200 * WAD), {
            "dart": dart, "partial": True, "whole_for_dust": False, "dirt": dart * RAY * (11 * WAD // 10) // WAD}
    rate = 15 * RAY // 10
    tight = dict(GOLD, rate=rate, hole=33200 * RAD, total_hole=33200 * RAD, dirt=33000 * RAD, total_dirt=33000 * RAD, dust=1500 * RAD, spot=1000 * RAY)
    yield "dusty_vault_dusty_room", dict(tight, ink=WAD // 10**4, art=30 * RAD // rate), {"refused": "", "dart": 20 * WAD, "tab": 33 * RAD}
    for field, dirt in (("hole", "dirt"), ("total_hole", "total_dirt")):
        first = (3000 - 150) * RAD // rate * WAD // (11 * WAD // 10)
        s = dict(GOLD, rate=rate, dust=300 * RAD, ink=WAD, art=3000 * WAD * WAD // (11 * WAD // 10), **{field: 3000 * RAD, dirt: first * rate * (11 * WAD // 10) // WAD})
        yield f"do_not_create_dusty_auction_{field}", s, {"refused": "Dog/dusty-auction-from-partial-liquidation", "dart": 0}
    clip = dict(calc="stairstep", step=1, cut=99 * RAY // 100, buf=RAY, cusp=3 * RAY // 10, tail=3600, val=4 * WAD, at=604411200)
    yield "kick: a flat fee", dict(SALE, clip=dict(clip, tip=100 * RAD)), {"tab": 110 * RAD, "dink": 40 * WAD, "top": 4 * RAY, "coin": 100 * RAD}
    yield "kick: with 2 % of the tab", dict(SALE, clip=dict(clip, buf=5 * RAY // 4, tip=100 * RAD, chip=2 * WAD // 100)), {"top": 5 * RAY, "coin": 100 * RAD + 22 * RAD // 10}
    flat = dict(SALE, chop=WAD)
    yield "bark_not_leaving_dust", dict(flat, hole=80 * RAD), {"tab": 80 * RAD, "dink": 32 * WAD, "dart": 80 * WAD, "whole_for_dust": False}
    yield "bark_not_leaving_dust_over_hole", dict(flat, hole=80 * RAD + RAY), {"tab": 100 * RAD, "dink": 40 * WAD, "dart": 100 * WAD, "whole_for_dust": True}
    yield "by hand: no price", dict(SALE, spot=0), {"refused": "Dog/not-unsafe", "liquidatable": False}
    yield "by hand: hole full", dict(SALE, dirt=1000 * RAD), {"refused": "Dog/liquidation-limit-hit", "liquidatable": True}


# ---- Liquity: TroveManager_RecoveryModeTest.js 012ee6f0: two or three troves, debts in LUSD, collateral in ether
LIQUITY = "liquity/dev 012ee6f0 packages/contracts/test/TroveManager_RecoveryModeTest.js"


def liquity(price, troves, liquidated, deposits=0, **system):
    coll, debt = sum(c for c, _ in troves), sum(d for _, d in troves)
    c, d = troves[liquidated]
    return dict(price=price * WAD, system=dict(dict(active_coll=coll * WAD, active_debt=debt * WAD, total_stakes=coll * WAD, troves=len(troves)), **system),
                pool=dict(deposits=deposits * WAD), troves=[dict(coll=c * WAD, debt=d * WAD, stake=c * WAD)])


def liquity_vectors():
    pair, three = [(3, 400), (3, 400)], [(3, 400)] * 3
    yield "TCR at CCR is no recovery", liquity(200, pair, 1), {"tcr": 15 * 10**17, "recovery": False, "liquidatable": False}
    yield "ICR < 100 %: stake and totalStakes", liquity(100, pair, 1), {"recovery": True, "health": 75 * 10**16, "after.total_stakes": 3 * WAD, "trove[0].branch": "spread"}
    yield "ICR < 100 %: snapshots", liquity(100, three, 2), {"after.stakes_snapshot": 6 * WAD, "after.coll_snapshot": 8985 * 10**15}
    yield "ICR < 100 %: no offset", liquity(100, three, 1, 390), {"pool.p": WAD, "pool.deposits": 390 * WAD, "trove[0].offset_debt": 0}
    yield "100 % < ICR < 110 %", liquity(100, [(3, 10), (21, 2000)], 1), {"recovery": True, "health": 105 * 10**16, "after.total_stakes": 3 * WAD}
    troves = [(20, 1500), (3, 250), (2, 150)]
    yield "110 % < ICR < TCR, pool has it: stakes and snapshots", liquity(100, troves, 1, 1490), {
        "trove[0].branch": "capped", "after.total_stakes": 22 * WAD, "after.stakes_snapshot": 22 * WAD, "after.coll_snapshot": 22 * WAD,
        "pool.deposits": 1240 * WAD, "trove[0].surplus": 25 * 10**16}
    yield "110 % < ICR < TCR, pool is short: stays", liquity(100, troves, 1, 100), {
        "trove[0].branch": "left", "liquidatable": False, "refused": "TroveManager: nothing to liquidate"}
    yield "by hand: 110 % exactly and the pool has it: no surplus", liquity(100, [(20, 1600), (11, 1000), (3, 150)], 1, 1000), {"trove[0].surplus": 0, "trove[0].branch": "capped"}
    yield "by hand: 100 % exactly is spread", liquity(100, [(20, 1600), (10, 1000)], 1, 1000), {"trove[0].branch": "spread", "health": WAD}
    yield "by hand: the only trove stays", liquity(100, [(3, 400)], 0), {"refused": "TroveManager: nothing to liquidate", "liquidatable": False}


# ---- Morpho Blue: the expressions of test/forge/integration/LiquidateIntegrationTest.sol and of Morpho.sol, on figures of our own
MORPHO = "morpho-org/morpho-blue 5571a6d9 test/forge/integration/LiquidateIntegrationTest.sol"
PRICE = 10**36


def up(n, d):
    return -(-n // d)


def morpho_lif(lltv):
    return min(115 * 10**16, WAD * WAD // (WAD - 3 * 10**17 * (WAD - lltv) // WAD))


def morpho(collateral, borrowed, price, lltv, supplied=None, order=None, **more):
    """A market in which this position is the only one, as in the tests: its first borrow gets a million shares a unit."""
    shares = borrowed * 10**6
    s = dict(market=dict(supply_assets=supplied or borrowed, supply_shares=(supplied or borrowed) * 10**6, borrow_assets=borrowed, borrow_shares=shares, lltv=lltv),
             position=dict(borrow_shares=shares, collateral=collateral), price=price, **more)
    return dict(s, order=order) if order else s


def morpho_vectors():
    for lltv, want in ((98, 1006036217303822937), (965, 1010611419909044972), (945, 1016776817488561260), (915, 1026167265264238070), (86, 1043841336116910229),
                       (77, 1074113856068743286), (625, 1126760563380281690), (385, 115 * 10**16)):
        yield f"LIF of {lltv}", morpho(1, 1, PRICE, lltv * (10**16 if lltv < 100 else 10**15)), {"lif": want}
    lltv = 8 * WAD // 10
    yield "healthy exactly at the LLTV", morpho(1000, 800, PRICE, lltv, order=dict(seize=1)), {"liquidatable": False, "refused": "position is healthy"}
    yield "... a unit of price less", morpho(1000, 800, PRICE - 1, lltv, order=dict(seize=1)), {"liquidatable": True, "refused": "", "threshold_price": PRICE}
    yield "inconsistent input: neither", morpho(1000, 801, PRICE, lltv, order=dict(seize=0, repay_shares=0)), {"refused": "inconsistent input"}
    yield "inconsistent input: both", morpho(1000, 801, PRICE, lltv, order=dict(seize=1, repay_shares=1)), {"refused": "inconsistent input"}
    c, b, p, seized = 3 * WAD, 2500 * E6, 1000 * 10**24 + 7, WAD + 3
    lif = morpho_lif(lltv)
    quoted = up(up(seized * p, PRICE) * WAD, lif)
    shares = up(quoted * (b * 10**6 + 10**6), b + 1)
    repaid = up(shares * (b + 1), b * 10**6 + 10**6)
    yield "seized given, no bad debt", morpho(c, b, p, lltv, order=dict(seize=seized)), {
        "seized": seized, "repaid_shares": shares, "repaid_assets": repaid, "after.position_collateral": c - seized,
        "after.position_shares": b * 10**6 - shares, "bad_debt_assets": 0, "after.borrow_assets": b - repaid}
    given = 10**9 * 10**6 + 1
    assets = given * (b + 1) // (b * 10**6 + 10**6)
    yield "shares given, no bad debt", morpho(c, b, p, lltv, order=dict(repay_shares=given)), {
        "seized": assets * lif // WAD * PRICE // p, "repaid_shares": given, "repaid_assets": up(given * (b + 1), b * 10**6 + 10**6)}
    quoted = up(up(c * p, PRICE) * WAD, lif)
    b = 4000 * E6
    shares = up(quoted * (b * 10**6 + 10**6), b + 1)
    repaid = up(shares * (b + 1), b * 10**6 + 10**6)
    bad = min(b - repaid, up((b * 10**6 - shares) * (b - repaid + 1), b * 10**6 - shares + 10**6))
    yield "bad debt", morpho(c, b, p, lltv, 9000 * E6, order=dict(seize=c)), {
        "repaid_shares": shares, "bad_debt_assets": bad, "after.position_shares": 0, "after.borrow_shares": 0, "after.borrow_assets": b - repaid - bad,
        "after.supply_assets": 9000 * E6 - bad}
    yield "no debt: healthy at price 0", dict(morpho(0, 0, 0, lltv), position=dict(borrow_shares=0, collateral=0)), {"liquidatable": False, "health.borrowed": 0}
    yield "more than there is", morpho(1000, 900, PRICE, lltv, order=dict(seize=1001)), {"refused": "arithmetic underflow"}


# ---- Pre-liquidation: the errors and bounds of test/PreLiquidation{,Error}Test.sol
PRE = "morpho-org/pre-liquidation c2cf66de, ed1ac255 test/PreLiquidation{Error,}Test.sol"


def pre_vectors():
    at = dict(lltv=6 * WAD // 10, lcf1=WAD // 10, lcf2=WAD // 2, lif1=101 * 10**16, lif2=11 * 10**17)

    def s(borrowed, order=None, **pre):
        return morpho(1000 * WAD, borrowed * WAD, PRICE, 8 * WAD // 10, order=order, pre=dict(at, **pre))
    for name, state, want in (
            ("at preLltv: not yet", s(600), (False, "NotPreLiquidatablePosition")), ("at lltv: still", s(800), (True, "")),
            ("above lltv: Morpho's", s(801), (False, "LiquidatablePosition")), ("PreLltvTooHigh", s(700, lltv=8 * WAD // 10), (False, "PreLltvTooHigh")),
            ("PreLCFDecreasing", s(700, lcf1=WAD // 2 + 1), (False, "PreLCFDecreasing")), ("PreLCFTooHigh", s(700, lcf1=WAD + 1, lcf2=WAD + 1), (False, "PreLCFTooHigh")),
            ("PreLIFTooLow", s(700, lif1=WAD - 1), (False, "PreLIFTooLow")), ("PreLIFDecreasing", s(700, lif1=11 * 10**17 + 1), (False, "PreLIFDecreasing")),
            ("PreLIFTooHigh", s(700, lif2=125 * 10**16 + 1), (False, "PreLIFTooHigh")), ("1 / lltv is not too high", s(700, lif2=125 * 10**16), (True, ""))):
        yield name, state, {"liquidatable": want[0], "failed": want[1]}
    shares = 700 * WAD * 10**6  # halfway: LTV 0.7
    yield "factors halfway", s(700), {"quotient": WAD // 2, "lif": 1055 * 10**15, "lcf": 3 * WAD // 10, "repayable_shares": 3 * shares // 10}
    yield "the most that may be repaid", s(700, dict(repay_shares=3 * shares // 10)), {"refused": "", "seized": 210 * WAD * 1055 // 1000}
    yield "a share more", s(700, dict(repay_shares=3 * shares // 10 + 1)), {"refused": "PreLiquidationTooLarge"}
    yield "neither", s(700, dict(repay_shares=0)), {"refused": "InconsistentInput"}


# ---- Euler: test/unit/evault/modules/Liquidation/basic.t.sol
EULER = "euler-xyz/euler-vault-kit 0da3fb8c test/unit/evault/modules/Liquidation/basic.t.sol"


def euler(value, liability=5 * WAD, **order):
    return dict(now=1, liability=liability, liability_value=liability, max_discount=9999, order=dict(collateral=0, **order),
                collaterals=[dict(balance=10 * WAD, value=value, liquidation_ltv=9000, target_timestamp=1)])


def euler_vectors():
    yield "all_collateral: healthy", euler(10 * WAD), {"max_repay": 0, "max_yield": 0, "violation": False}
    yield "all_collateral", euler(5 * WAD), {"max_repay": 45 * 10**17, "max_yield": 10 * WAD, "discount_factor": 9 * 10**17, "socialised": 5 * 10**17}
    yield "gt_maxRepay", euler(5 * WAD, repay=9 * WAD), {"refused": "E_ExcessiveRepayAmount"}
    yield "minYield_gt_yield", euler(5 * WAD, repay=45 * 10**17, min_yield=20 * WAD), {"refused": "E_MinYield"}
    yield "worthless_collateral", euler(0), {"max_repay": 0, "repay": 0, "yield": 10 * WAD, "socialised": 5 * WAD}
    yield "by hand: equal is a violation", euler(5 * WAD * 10 // 9 + 1), {"adjusted_value": 5 * WAD, "violation": True, "health": WAD}
    yield "by hand: a unit above is none", euler(5 * WAD * 10 // 9 + 2), {"adjusted_value": 5 * WAD + 1, "violation": False, "liquidatable": False}
    yield "by hand: half of it", euler(5 * WAD, repay=225 * 10**16), {"repay": 225 * 10**16, "yield": 5 * WAD, "socialised": 0}
    yield "by hand: below 1e6 nothing is socialised", euler(0, 999999), {"socialised": 0, "yield": 10 * WAD}
    yield "by hand: from 1e6 on", euler(0, 10**6), {"socialised": 10**6}
    yield "by hand: cooling off", dict(euler(5 * WAD), now=100, cool_off=10, last_status_check=91), {"refused": "E_LiquidationCoolOff", "liquidatable": False}
    yield "by hand: its last second is over", dict(euler(5 * WAD), now=101, cool_off=10, last_status_check=91), {"refused": ""}


# ---- Aave V4: LiquidationLogic.LiquidateUser.t.sol, whose account has 4.5 drawn and 0.5 of premium at index 1
AAVE4 = "aave/aave-v4 30ac797c tests/unit/libraries/LiquidationLogic/LiquidationLogic.LiquidateUser.t.sol"


def aave4(cover, debts=1, **other):
    coll = dict(price=E8, decimals=6, collateral=True, supplied_shares=10200 * E6, collateral_factor=5000, max_bonus=12000, fee=1000)
    debt = dict(price=2000 * E8, decimals=18, drawn_shares=45 * 10**17, premium_shares=5 * 10**17)
    # the rest of the collateral, for a health of 0.8, and a second debt of the same worth where the test doubles the total
    rest = dict(coll, supplied_shares=(16000 * debts - 10200) * E6)
    more = [dict(debt, drawn_shares=5 * WAD, premium_shares=0)] * (debts - 1)
    return dict(dict(target_health=WAD, max_bonus_health=8 * 10**17, bonus_factor=5000, reserves=[coll, debt, rest, *more],
                     order=dict(collateral=0, debt=1, debt_to_cover=cover)), **other)


def aave4_vectors():
    yield "liquidateUser", aave4(3 * WAD), {"refused": "", "health": 8 * 10**17, "bonus": 12000, "repay": 25 * 10**17, "seize": 6000 * E6, "received": 5900 * E6, "fee": 100 * E6,
                                            "premium_ray_repaid": 5 * 10**17 * RAY, "drawn_shares_repaid": 2 * WAD, "deficit": False}
    yield "InvalidDebtToCover", aave4(0), {"refused": "InvalidDebtToCover"}
    # The test's own is refused before the collateral is looked at; later the 10,200 there are limit what must be repaid, to 4.25.
    dust = aave4(49 * 10**17, 2)
    yield "by hand: the collateral is not enough for dust", dust, {"refused": "", "debt_to_target": 5 * WAD, "repay": 425 * 10**16, "seize": 10200 * E6}
    coll, debt, rest, other = dust["reserves"]
    dust = dict(dust, reserves=[dict(coll, supplied_shares=13000 * E6), debt, dict(rest, supplied_shares=19000 * E6), other])
    yield "MustNotLeaveDust", dust, {"refused": "MustNotLeaveDust", "debt_to_target": 5 * WAD}
    yield "by hand: just enough", dict(dust, order=dict(dust["order"], debt_to_cover=5 * WAD)), {"refused": "", "repay": 5 * WAD, "seize": 12000 * E6}
    at = dict(aave4(3 * WAD), reserves=[dict(price=E8, decimals=6, collateral=True, supplied_shares=20000 * E6, collateral_factor=5000),
                                        dict(price=2000 * E8, decimals=18, drawn_shares=5 * WAD)])
    yield "by hand: health 1 exactly", at, {"health": WAD, "liquidatable": False, "refused": "HealthFactorNotBelowThreshold"}
    yield "by hand: no debt", dict(at, reserves=[at["reserves"][0], dict(at["reserves"][1], drawn_shares=0)]), {
        "health": 2**256 - 1, "liquidatable": False, "refused": "ReserveNotBorrowed"}


# ---- Aave v3: the sentences of tests/protocol/pool/Pool.Liquidations.CloseFactor.t.sol on round figures, and by hand. ETH at 2000, a threshold
# of 80 %, 5 % of bonus, a tenth of it the treasury's.
AAVE3 = "aave-dao/aave-v3-origin 027aaed7 tests/protocol/pool/Pool.Liquidations.CloseFactor.t.sol"


def aave3(wei, debt, version="3.7", cover=None, more=()):
    eth = dict(price=2000 * E8, decimals=18, liquidation_threshold=8000, liquidation_bonus=10500, liquidation_fee=1000, collateral=True, scaled_supply=wei)
    usdx = dict(price=E8, decimals=6, scaled_debt=debt)
    return dict(version=version, reserves=[eth, usdx, *more], order=dict(collateral=0, debt=1, **({} if cover is None else {"debt_to_cover": cover})))


def aave3_vectors():
    usdx = dict(price=E8, decimals=6, liquidation_threshold=8000, liquidation_bonus=10500, collateral=True, scaled_supply=1999 * E6)
    for name, state, want in (
            ("hf <= 0.95: all", aave3(100 * WAD, 170000 * E6), 170000), ("hf > 0.95: half", aave3(100 * WAD, 165000 * E6), 82500),
            ("0.95 exactly: all", aave3(95 * WAD, 160000 * E6), 160000), ("a unit of collateral more: half", aave3(95 * WAD + 10**12, 160000 * E6), 80000),
            ("hf > 0.95, supply below the threshold: all", aave3(WAD - 5 * 10**14, 1640 * E6), 1640),
            ("... debt above it, each collateral below", aave3(999500000000000000, 3297 * E6, more=[usdx]), None),
            ("2000 of both exactly is above: half", aave3(WAD * 5 // 4, 2001 * E6), None)):
        yield name, state, {"refused": "", **({} if want is None else {"repay": want * E6})}
    yield "half of 2000.10 would leave dust: 1000.05 is fine", aave3(125 * 10**16, 2000100000, cover=1000050000), {"refused": "", "repay": 1000050000}
    yield "what is asked above half is cut to half", aave3(15 * WAD, 24100 * E6, cover=23100 * E6 + 1), {"refused": "", "repay": 12050 * E6}
    yield "1.19: half of the reserve's debt, though small", aave3(WAD // 2, 801 * E6, "1.19"), {"repay": 400500000, "refused": ""}
    yield "1.19: no dust rule", aave3(WAD // 2, 900 * E6, "1.19", cover=899 * E6), {"repay": 899 * E6, "refused": ""}
    yield "3.7: dust", aave3(WAD // 2, 900 * E6, cover=899 * E6), {"refused": "MustNotLeaveDust", "repay": 0}
    yield "1 exactly is healthy", aave3(WAD, 1600 * E6), {"health": WAD, "liquidatable": False, "refused": "HealthFactorNotBelowThreshold"}
    yield "a unit of debt more", aave3(WAD, 1600 * E6 + 1), {"health": 999999999375000000, "liquidatable": True}
    # 105 % of 1904.761905 is all of it: the debt needed is rounded up, what is left is nobody's
    for version in ("1.19", "3.3", "3.5", "3.7"):
        deficit = {} if version == "1.19" else {"deficit[1].amount": 5000 * E6 - 1904761905}
        yield f"{version}: all collateral", aave3(WAD, 5000 * E6, version), {
            "repay": 1904761905, "seize": WAD, "fee": 4761904761904762, "deficit": bool(deficit), **deficit}
    yield "two collaterals: no deficit", aave3(WAD, 9000 * E6, more=[usdx]), {"deficit": False, "seize": WAD, "collateral_left": False}
    yield "no debt", aave3(WAD, 0), {"health": 2**256 - 1, "refused": "HealthFactorNotBelowThreshold"}
    yield "the average of 80 and 75 %, floored", aave3(WAD, 3100 * E6, "3.4", more=[dict(usdx, liquidation_threshold=7500, scaled_supply=2000 * E6)]), {
        "average_threshold": 7750, "health": WAD, "liquidatable": False}
    yield "the same beside a unit of it", aave3(WAD, 3100 * E6, "3.4", more=[dict(usdx, liquidation_threshold=7500, scaled_supply=2000 * E6 + 1)]), {
        "average_threshold": 7749, "liquidatable": True}
    yield "... which 3.5 does not", aave3(WAD, 3100 * E6, "3.5", more=[dict(usdx, liquidation_threshold=7500, scaled_supply=2000 * E6 + 1)]), {"liquidatable": False}
    grace = aave3(WAD, 1700 * E6)
    grace["reserves"][1]["grace"] = True
    yield "grace period", grace, {"liquidatable": False, "refused": "LiquidationGraceSentinelCheckFailed"}
    yield "not enabled", dict(aave3(WAD, 1700 * E6), order=dict(collateral=1, debt=1)), {"refused": "CollateralCannotBeLiquidated"}


def vectors():
    for rule, source, cases in (("comet", COMET, comet_vectors), ("compound-v2", COMPOUND, compound_vectors), ("maker-dog", MAKER, maker_vectors),
                                ("liquity-v1", LIQUITY, liquity_vectors), ("morpho-blue", MORPHO, morpho_vectors), ("morpho-pre-liquidation", PRE, pre_vectors),
                                ("evk", EULER, euler_vectors), ("aave-v4", AAVE4, aave4_vectors), ("aave-v3", AAVE3, aave3_vectors)):
        for test, state, want in cases():
            yield rule, source, test, state, want
