# SPDX-License-Identifier: Apache-2.0
"""States and results of the protocols' own tests, for test_rule_vectors.py: Drift, Mango, dYdX, Hyperliquid, Binance.
Each is (rule, source, test, state, results)."""

D9, PRICE = 10**9, 100 * 10**6

# ---- Drift: programs/drift/src/controller/liquidation/tests.rs. The quote market of most tests has weights of 0; here it has those
# that the program demands of a quote market, and no balance where the test has none, so that nothing depends on it.
# Of "pnl for deposit" the figures are those of the newer commit, since which the buffer counts on a loss too.
DRIFT = "drift-labs/protocol-v2 49d8db7a and velocity-exchange/protocol-v2 50c64220, programs/drift/src/controller/liquidation/tests.rs"
USDC = dict(market_index=0, decimals=6, price=10**6, cumulative_deposit_interest=10**10, cumulative_borrow_interest=10**10,
            maintenance_asset_weight=10000, maintenance_liability_weight=10000, scaled_balance=0)
SOL = dict(market_index=1, decimals=6, price=PRICE, cumulative_deposit_interest=10**10, cumulative_borrow_interest=10**10, initial_asset_weight=8000,
           maintenance_asset_weight=9000, initial_liability_weight=12000, maintenance_liability_weight=11000, liquidator_fee=1000,
           twap_5min=PRICE * 99 // 100)
PERP = dict(market_index=0, price=PRICE, margin_ratio_initial=1000, margin_ratio_maintenance=500, liquidator_fee=10000, if_liquidation_fee=10000,
            order_step_size=10**7)
PNL = dict(market_index=0, price=PRICE, margin_ratio_initial=1000, margin_ratio_maintenance=500, liquidator_fee=10000, order_step_size=10**7,
           base_asset_amount=0, unrealized_pnl_initial_asset_weight=9000)
RAMP = dict(liquidation_margin_buffer_ratio=200, initial_pct_to_liquidate=1000, liquidation_duration=150)


def drift(spot, perp, order, buffer=200, **more):
    return dict(dict(slot=0, spot=spot, perp=perp, liquidation_margin_buffer_ratio=buffer, initial_pct_to_liquidate=10000, liquidation_duration=150,
                     order=order), **more)


def drift_perp(base, quote, most, deposit=0, orders=0, buffer=200, limit=None, perp=PERP, **more):
    order = dict(kind="perp", perp=0, max=most, **({"limit_price": limit} if limit else {}))
    return drift([dict(USDC, scaled_balance=deposit)], [dict(perp, base_asset_amount=base, quote_asset_amount=quote, open_orders=1 if orders else 0,
                                                             open_bids=max(orders, 0), open_asks=min(orders, 0), **more)], order, buffer)


def drift_spot(deposit, borrow, most, buffer=200, sol=SOL, **more):
    return drift([dict(USDC, scaled_balance=deposit), dict(sol, scaled_balance=borrow, borrow=True)], [],
                 dict(kind="spot", asset=0, liability=1, max=most), buffer, **more)


def drift_step(s, slot, freed, **balances):
    """The same account in the middle of its liquidation."""
    spot = [dict(m, **({"scaled_balance": balances[f"spot{i}"]} if f"spot{i}" in balances else {})) for i, m in enumerate(s["spot"])]
    perp = [dict(m, **({"quote_asset_amount": balances["quote"]} if "quote" in balances else {})) for m in s["perp"]]
    return dict(s, slot=slot, spot=spot, perp=perp, user=dict(being_liquidated=True, liquidation_margin_freed=freed, last_active_slot=1))


def drift_vectors():
    yield "up to the liquidator's amount", drift_perp(D9, -150 * 10**6, D9 // 2, orders=D9), {
        "after.perp[0].base": D9 // 2, "after.perp[0].quote": -100500000, "after.perp[0].open_orders": 0, "order.if_fee": 0, "order.fee": 500000}
    yield "to cover the shortage", drift_perp(2 * D9, -200 * 10**6, 10 * D9, deposit=5 * D9, orders=D9), {
        "after.perp[0].base": 2 * 10**8, "after.perp[0].quote": -23600000, "order.transfer": 1800000000, "order.if_fee": 1800000}
    yield "... and it is out of liquidation, exactly", drift_perp(2 * 10**8, -23600000, 1, deposit=5 * D9), {
        "health.collateral": 1400000, "health.requirement": 1000000}
    whale = dict(deposit=1500000 * D9, orders=D9, buffer=10)
    yield "whale, small imf factor", drift_perp(10**13, -1500000 * 10**6, D9, imf_factor=1000, **whale), {
        "health.requirement": 140014010000, "liquidatable": False, "refused": "SufficientCollateral"}
    yield "whale, imf factor", drift_perp(10**13, -1500000 * 10**6, D9, imf_factor=10000, **whale), {
        "health.requirement": 1040104010000, "liquidatable": True, "after.perp[0].base": 9999 * D9, "after.perp[0].quote": -1499902000000,
        "order.if_fee": 10**6}
    yield "limit price, long", drift_perp(D9, -150 * 10**6, D9, orders=D9, buffer=10, limit=50 * 10**6), {"refused": "LiquidationDoesntSatisfyLimitPrice"}
    yield "half of the fund's fee", drift_perp(-D9, 100 * 10**6, D9, deposit=15 * 10**8, buffer=10), {"order.if_fee": 475000}
    yield "a part of the fund's fee", drift_perp(-299400000000, 6959294318, 300 * D9, deposit=113838792000, perp=dict(PERP, price=23244136)), {
        "order.if_fee": 41787043, "after.state": "normal"}
    yield "spot: implied by the asset", drift_spot(100 * D9, D9, 10**6, buffer=10), {
        "after.spot[0].scaled_balance": 0, "after.spot[1].scaled_balance": 999999}
    volatile = dict(SOL, twap_5min=PRICE * 999 // 1000)
    yield "spot: too volatile", drift_spot(100 * D9, D9, 10**5, buffer=10, sol=dict(volatile, oracle="TooVolatile")), {"refused": "InvalidOracle"}
    yield "spot: up to the liquidator's amount", drift_spot(100 * D9, D9, 10**5, buffer=10, sol=volatile), {
        "after.spot[0].scaled_balance": 89989990000, "after.spot[1].scaled_balance": 899999999}
    feed = dict(SOL, if_liquidation_fee=1000)
    yield "spot: to cover the shortage", drift_spot(105 * D9, D9, 10**6, sol=feed), {
        "after.spot[0].scaled_balance": 45558159000, "after.spot[1].scaled_balance": 406768999, "order.if_fee": 593}
    yield "... and then", drift_spot(45558159000, 406768999, 10**6, sol=feed), {
        "health.requirement": 44744590, "health.collateral": 45558159, "health.requirement_with_buffer": 45558128, "refused": "SufficientCollateral"}
    s = dict(drift_spot(1050 * D9, 10 * D9, 10**7, sol=feed), slot=1, **{k: v for k, v in RAMP.items() if k != "liquidation_margin_buffer_ratio"})
    yield "spot: ramp, slot 1", s, {"after.state": "being_liquidated", "after.last_active_slot": 1, "after.liquidation_margin_freed": 7000031,
                                    "after.spot[0].scaled_balance": 990558159000, "after.spot[1].scaled_balance": 9406768999}
    yield "spot: ramp, slot 51", drift_step(s, 51, 7000031, spot0=990558159000, spot1=9406768999), {
        "after.last_active_slot": 1, "after.liquidation_margin_freed": 30328714, "after.spot[0].scaled_balance": 792456458000,
        "after.spot[1].scaled_balance": 7429711998, "after.state": "being_liquidated"}
    yield "spot: ramp, slot 136", drift_step(s, 136, 30328714, spot0=792456458000, spot1=7429711998), {
        "after.liquidation_margin_freed": 0, "after.spot[0].scaled_balance": 455580082000, "after.spot[1].scaled_balance": 4067681997,
        "after.state": "normal"}
    usdt = dict(USDC, market_index=2, maintenance_asset_weight=9000, maintenance_liability_weight=11000, liquidator_fee=10000, scaled_balance=105 * D9)
    yield "spot: half of the fund's fee", drift([USDC, dict(SOL, decimals=9, liquidator_fee=10000, if_liquidation_fee=50000, scaled_balance=D9, borrow=True), usdt], [],
                                                dict(kind="spot", asset=2, liability=1, max=10**9)), {"order.if_fee": 23944781}
    s = drift([USDC, dict(feed, scaled_balance=10 * D9, borrow=True)], [dict(PNL, quote_asset_amount=1050 * 10**6)],
              dict(kind="borrow_for_perp_pnl", perp=0, liability=1, max=10**7), slot=1, **{k: v for k, v in RAMP.items() if k[0] == "i"})
    yield "borrow for pnl: slot 1", s, {"after.liquidation_margin_freed": 6999927, "after.spot[1].scaled_balance": 9357739999,
                                        "after.perp[0].quote": 985066807}
    yield "borrow for pnl: slot 51", drift_step(s, 51, 6999927, spot1=9357739999, quote=985066807), {
        "after.liquidation_margin_freed": 30328628, "after.spot[1].scaled_balance": 7217275998, "after.perp[0].quote": 768663540}
    yield "borrow for pnl: slot 136", drift_step(s, 136, 30328628, spot1=7217275998, quote=768663540), {
        "after.liquidation_margin_freed": 0, "after.last_active_slot": 1}
    def pnl(sol, quote, most, buffer=200, **more):
        return drift([USDC, dict(SOL, scaled_balance=sol)], [dict(PNL, quote_asset_amount=quote)],
                     dict(kind="perp_pnl_for_deposit", perp=0, asset=1, max=most), buffer, **more)
    yield "pnl for deposit: up to the liquidator's amount", pnl(D9, -100 * 10**6, 50 * 10**6, buffer=10), {
        "after.spot[1].scaled_balance": 494445000, "after.perp[0].quote": -50 * 10**6}
    s = pnl(10 * D9, -950 * 10**6, 200 * 10**6, slot=1, initial_pct_to_liquidate=1000)
    yield "pnl for deposit: slot 1", s, {"after.liquidation_margin_freed": 6900038, "after.spot[1].scaled_balance": 9365758000,
                                         "after.perp[0].quote": -887272728}
    yield "pnl for deposit: slot 51", drift_step(s, 51, 6900038, spot1=9365758000, quote=-887272728), {
        "after.liquidation_margin_freed": 28900058, "after.spot[1].scaled_balance": 7343536000, "after.perp[0].quote": -687272728}
    s = drift_step(dict(s, order=dict(s["order"], max=2000 * 10**6)), 136, 28900058, spot1=7343536000, quote=-687272728)
    yield "pnl for deposit: slot 136", s, {"after.liquidation_margin_freed": 0, "after.last_active_slot": 1}
    yield "pnl for deposit: dust", pnl(D9 // 50, -91 * 10**6 // 50, 200 * 10**6), {"after.spot[1].scaled_balance": 0, "after.perp[0].quote": 0}
    s = drift([dict(USDC, scaled_balance=200 * D9), dict(SOL, scaled_balance=D9, borrow=True)], [dict(PNL, quote_asset_amount=-100 * 10**6)],
              dict(kind="perp_pnl_for_deposit", perp=0, asset=0, max=50 * 10**6), buffer=10)
    yield "asset tier: the borrow first", s, {"refused": "TierViolationLiquidatingPerpPnl"}
    yield "asset tier: the borrow", dict(s, order=dict(kind="spot", asset=0, liability=1, max=10**9), liquidation_margin_buffer_ratio=200), {
        "after.spot[1].scaled_balance": 0}
    s = dict(drift_step(s, 0, 0, spot0=99899900000, spot1=0), user=dict(being_liquidated=True))
    yield "asset tier: then the loss", s, {"after.perp[0].quote": -50 * 10**6, "after.spot[0].scaled_balance": 49394850000, "after.state": "being_liquidated"}
    s = dict(drift_step(s, 0, 0, spot0=49394850000, quote=-50 * 10**6), user=dict(being_liquidated=True))
    yield "asset tier: bankrupt", s, {"after.spot[0].scaled_balance": 0, "after.perp[0].quote": -1099098, "after.state": "bankrupt"}


# ---- dYdX: protocol/x/perpetuals/lib/lib_test.go; the position alone, or its funding alone
DYDX = "dydxprotocol/v4-chain 08dfc6cb protocol/x/perpetuals/lib/lib_test.go"
CONFIG = dict(bankruptcy_adjustment_ppm=10**6, spread_to_maintenance_margin_ratio_ppm=100000, max_liquidation_fee_ppm=5000,
              max_position_portion_liquidated_ppm=10**6, min_position_notional_liquidated=1000, max_notional_liquidated=2**64 - 1,
              max_quantums_insurance_lost=2**64 - 1)


def dydx(price, exponent, resolution, quantums, initial=200000, fraction=500000, funding=(0, 0), usdc=0, **more):
    perp = dict(id=0, price=price, exponent=exponent, atomic_resolution=resolution, initial_margin_ppm=initial, maintenance_fraction_ppm=fraction,
                step_base_quantums=1, subticks_per_tick=1, quantum_conversion_exponent=-8, funding_index=funding[0], **more)
    position = dict(perpetual=0, quantums=quantums, funding_index=funding[1])
    return dict(perpetuals=[perp], config=CONFIG, usdc=usdc, positions=[position] if quantums else [])


def dydx_vectors():
    for name, q, index, before, want in (
            ("positive indexDelta, positive quantums", 10**6, 123456789123, 10**11, -23456789123000000),
            ("positive indexDelta, negative quantums", -10**6, 123456789123, 10**11, 23456789123000000),
            ("negative indexDelta, positive quantums", 10**6, -123456789123, -10**11, 23456789123000000),
            ("is long, index went from negative to positive", 30000, 100, -100, -6000000),
            ("is long, index unchanged", 10**6, 100, 100, 0), ("is short, index went from positive to negative", -5 * 10**6, -50, 100, -750000000)):
        yield name, dydx(1, 0, -6, q, funding=(index, before)), {"usdc": want // 10**6}
    yield "negative quantums, net notional towards zero", dydx(123456789123, -5, -16, -10**12), {"net_collateral": -123456789}
    yield "positive quantums, net notional", dydx(123456789123, -5, -16, 10**12), {"net_collateral": 123456789}
    oi = dict(open_interest=10**12, open_interest_lower_cap=10**12, open_interest_upper_cap=2 * 10**12)
    for name, q, more, initial in (("positive quantums", 1, {}, 2469135782460000), ("negative quantums", -1, {}, 2469135782460000),
                                   ("open interest above cap", 1, oi, 12345678912300000), ("negative, open interest above cap", -1, oi, 12345678912300000),
                                   ("zero quantums", 0, {}, 0)):
        yield name, dydx(123456789123, -5, 4, q, **more), {"initial_margin": initial, "maintenance_margin": 1234567891230000 if q else 0}
    for name, price, exponent, resolution, q, ppm, fraction, initial, maintenance in (
            ("2 BIPs, positive exponent, resolution 8", 5555, 2, -8, 7000, 200, 500000, 7777, 3889),
            ("100 BIPs, resolution 4", 5555, 0, -4, 7000, 10000, 500000, 38885000, 19442500),
            ("100 BIPs, positive exponent, resolution 0", 42, 5, 0, 88, 10000, 500000, 3696000000000, 1848000000000),
            ("100 BIPs, negative exponent, resolution 6", 42000000, -2, -6, -5000, 10000, 500000, 21000000, 10500000),
            ("10000 BIPs (max), resolution 6", 5555, 0, -6, 7000, 10**6, 10**6, 38885000, 38885000),
            ("100 BIPs of both, resolution 6", 5555, 0, -6, 7000, 10000, 10**6, 388850, 388850)):
        yield name, dydx(price, exponent, resolution, q, ppm, fraction), {"initial_margin": initial, "maintenance_margin": maintenance}
    for usdc, liquidatable in ((-35000000 - 3889, True), (-38885000 + 3889, False), (-38885000 + 3888, True)):  # MMR > NC, strictly
        yield f"by hand: the requirement exactly, {usdc}", dydx(5555, 2, -8, 7000, 200, 500000, usdc=usdc), {
            "liquidatable": usdc + 38885000 < 3889, "maintenance_margin": 3889}


# ---- Hyperliquid: the page's mainnet tiers (hyperliquid.gitbook.io/hyperliquid-docs/trading/margin-tiers), figures by its formulas
HL = "hyperliquid-docs trading/margin-tiers, by hand"
E8 = 10**8


def hl_tiers(*of):
    return [dict({"from": f * 10**6 * E8}, leverage=x) for f, x in of]


def hl(size, mark, usdc, tiers, entry=None, **more):
    return dict(usdc=usdc, positions=[dict(size=size, entry=mark if entry is None else entry, mark=mark, tiers=tiers)], **more)


def hyperliquid_vectors():
    btc, eth, op = hl_tiers((0, 40), (150, 20)), hl_tiers((0, 25), (100, 15)), hl_tiers((0, 10), (3, 5))
    usd = 10**16  # of health and the like
    for name, state, want in (
            ("BTC 200 M: 5 M less a deduction of 1.875 M", hl(2000 * E8, 100000 * E8, 3125000 * E8, btc), (3125000 * usd, 0, "none", 1, False)),
            ("... one unit less", hl(2000 * E8, 100000 * E8, 3125000 * E8 - 1, btc), (3125000 * usd, -E8, "book", 1, True)),
            ("BTC 150 M: the edge, both tiers the same", hl(1500 * E8, 100000 * E8, 1875000 * E8, btc), (1875000 * usd, 0, "none", 1, False)),
            ("BTC short just below the edge", hl(-1499 * E8, 100000 * E8, 1873750 * E8 - 1, btc), (1873750 * usd, -E8, "book", 0, True)),
            ("ETH 120 M: 4 M less 1.333.. M, up to 1e-16", hl(40000 * E8, 3000 * E8, 2666667 * E8, eth), (-(-8000000 * usd // 3), usd // 3, "none", 1, False)),
            ("OP 1 M: two thirds exactly is the book's", hl(10**6 * E8, E8, 50000 * E8 * 2 // 3 + 1, op), (50000 * usd, None, "book", 0, True)),
            ("... a unit below is the backstop's", hl(10**6 * E8, E8, 50000 * E8 * 2 // 3, op), (50000 * usd, None, "backstop", 0, True)),
            ("... and below 0 ADL", hl(10**6 * E8, E8, -1, op), (50000 * usd, None, "adl", 0, True)),
            ("... 0 is not below 0", hl(10**6 * E8, E8, 0, op), (50000 * usd, None, "backstop", 0, True))):
        maintenance, health, action, tier, liquidatable = want
        told = {"maintenance": maintenance, "action": action, "position[0].tier": tier, "liquidatable": liquidatable}
        yield name, state, told if health is None else dict(told, health=health)
    yield "a fifth above 100,000", hl(101 * E8, 1000 * E8, 4999 * E8, op), {"position[0].order": 2020000000, "action": "book"}
    yield "100,000 exactly: all", hl(100 * E8, 1000 * E8, 4999 * E8, op), {"position[0].order": 100 * E8, "action": "book"}
    yield "cooldown: all", hl(101 * E8, 1000 * E8, 4999 * E8, op, time=129999, partial_at=100000), {"position[0].order": 101 * E8}
    yield "cooldown's end: a fifth", hl(101 * E8, 1000 * E8, 4999 * E8, op, time=130000, partial_at=100000), {"position[0].order": 2020000000}
    # price - side * margin_available / size / (1 - l * side), l = 1/20: 1000 - 4000 / 100 / 0.95
    s = hl(100 * E8, 1000 * E8, 9000 * E8, op)
    yield "liquidation price of a long", s, {"position[0].liq_price": "1820000000000/19", "position[0].last_price": -(-1820000000000 // 19)}
    yield "... of a short", hl(-100 * E8, 1000 * E8, 9000 * E8, op), {"position[0].liq_price": "2180000000000/21", "position[0].last_price": 2180000000000 // 21}
    yield "nothing held", dict(usdc=0, positions=[]), {"liquidatable": False, "maintenance": 0, "health": 0, "action": "none"}


# ---- Binance: freqtrade's tests of the venue's published example, and by hand
BN = "freqtrade c9ae5e1e tests/exchange/test_binance.py, and by hand"


def binance(size, entry, mark, brackets, wallet=0, isolated=None, **more):
    p = dict(symbol="BTCUSDT", size=size, entry=entry, mark=mark, brackets=brackets, **({} if isolated is None else {"isolated_wallet": isolated}))
    return dict(wallet=wallet, positions=[p], **more)


def binance_vectors():
    two = [dict(floor=0, rate_ppm=4000), dict(floor=50000 * E8, rate_ppm=5000, cum=50 * E8), dict(floor=250000 * E8, rate_ppm=10000, cum=1300 * E8)]
    usd = 10**16
    for name, state, want in (
            ("edge of a bracket: the same from both", binance(E8, 50000 * E8, 50000 * E8, two, wallet=200 * E8), {"maintenance": 200 * usd, "position[0].bracket": 1, "health": 0,
                                                                                                                 "liquidatable": False, "margin_ratio_ppm": 10**6}),
            ("... a unit less", binance(E8, 50000 * E8, 50000 * E8, two, wallet=200 * E8 - 1), {"health": -E8, "liquidatable": True, "action": "cancel orders"}),
            ("third bracket, short", binance(-10 * E8, 50000 * E8, 50000 * E8, two, wallet=3700 * E8), {"maintenance": 3700 * usd, "position[0].bracket": 2, "liquidatable": False}),
            ("no balance", binance(E8, 50000 * E8, 50000 * E8, two, wallet=0), {"margin_ratio_ppm": "unbounded", "liquidatable": True, "position[0].bankruptcy_price": 50000 * E8}),
            ("taken over", binance(E8, 50000 * E8, 50000 * E8, two, wallet=100 * E8, step="ioc sent"), {"action": "take over", "position[0].bankruptcy_price": 49900 * E8}),
            ("ADL: the fund has a unit too little", binance(E8, 50000 * E8, 49000 * E8, two, wallet=100 * E8, step="ioc sent", insurance_fund=900 * E8 - 1), {"action": "adl"}),
            ("... and just enough", binance(E8, 50000 * E8, 49000 * E8, two, wallet=100 * E8, step="ioc sent", insurance_fund=900 * E8), {"action": "take over"})):
        yield name, state, want
    # (WB + cum - side * pos * EP) / (pos * MMR - side * pos): (1000 - 50000) / (0.004 - 1)
    yield "liquidation price in the bracket at that price", binance(E8, 50000 * E8, 50000 * E8, two, wallet=1000 * E8), {"position[0].liq_low": "1225000000000000/249"}
    yield "... of an isolated short", binance(-E8, 50000 * E8, 50000 * E8, two, isolated=1000 * E8), {"position[0].liq_high": "1021000000000000/201"}


# ---- Mango: prices and weights of 1 and fees of 0, by hand: the flag's own rounding and what is left of a debt
MANGO = "blockworks-foundation/mango-v4 864425bd health/cache.rs, state/mango_account.rs, by hand"
ONE = 2**48


def mango(assets, debt, asset_weight, flagged=False, liab_weight=ONE, order=None):
    def token(i, position, weight):
        return dict(index=i, oracle_price=ONE, maint_asset_weight=weight, init_asset_weight=weight, maint_liab_weight=liab_weight, init_liab_weight=liab_weight,
                    position=position, indexed_deposits=10**6 * ONE, indexed_borrows=10**6 * ONE, liqor_position=10**6 * ONE)
    return dict(being_liquidated=flagged, tokens=[token(0, -debt, ONE), token(1, assets, asset_weight)], **({"order": order} if order else {}))


def mango_vectors():
    half = ONE // 2
    for name, state, want in (
            ("health 0", mango(200 * ONE, 100 * ONE, half), (0, False, "not liquidatable")),
            ("a unit below 0", mango(200 * ONE, 100 * ONE + 1, half), (-1, True, "liquidatable")),
            ("an odd unit of collateral rounds down", mango(200 * ONE + 1, 100 * ONE, half), (0, False, "not liquidatable")),
            ("flagged, at -1 exactly", mango(200 * ONE, 101 * ONE, half, True), (-ONE, True, "liquidatable")),
            ("flagged, a unit above -1", mango(200 * ONE, 101 * ONE - 1, half, True), (-ONE + 1, False, "became not liquidatable"))):
        yield name, state, dict(zip(("health", "liquidatable", "status"), want))
    order = dict(action="token_liq_with_token", asset=1, liab=0)
    # needed = 20 / (1 - 0.5) = 40 of the debt, as much of the asset
    yield "half of the asset's weight: twice the shortage", mango(160 * ONE, 100 * ONE, half, order=order), {
        "liab_needed": 40 * ONE, "liab_transfer": 40 * ONE, "asset_from_liqee": 40 * ONE, "after[0].position": -60 * ONE, "health_after": 0, "being_liquidated": False}
    yield "never more than there is", mango(10 * ONE, 100 * ONE, half, order=order), {
        "liab_possible": 10 * ONE, "liab_transfer": 10 * ONE, "after[1].position": 0, "being_liquidated": True}
    yield "healthy: nothing moves", mango(200 * ONE, 100 * ONE, half, order=order), {"refused": "", "liab_transfer": 0}
    yield "the asset is owed", mango(-ONE, 100 * ONE, half, order=order), {"refused": "RequireGtViolated"}


def vectors():
    for rule, source, cases in (("drift-v2", DRIFT, drift_vectors), ("dydx-v4", DYDX, dydx_vectors), ("hyperliquid", HL, hyperliquid_vectors),
                                ("binance-usdm", BN, binance_vectors), ("mango-v4", MANGO, mango_vectors)):
        for test, state, want in cases():
            yield rule, source, test, state, want
