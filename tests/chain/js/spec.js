// SPDX-License-Identifier: Apache-2.0
// The markets that the tests deploy. Prices with 8 decimals; ltv, lt, lb, fee (of the bonus), factor and rates in
// basis points; `supply` is what the first supplier brings, in whole tokens.
'use strict';

const rate = (optimal, base, slope1, slope2) => ({ optimal, base, slope1, slope2 });
const COIN = rate(8000, 0, 300, 8000);
const STABLE = rate(9000, 0, 550, 6000);

const reserve = (symbol, decimals, price, ltv, lt, lb, fee, factor, supply, rates, more) =>
  ({ symbol, decimals, price, ltv, lt, lb, fee, factor, supply, rates, ...more });

const RESERVES = [
  reserve('WETH', 18, 300000000000n, 8050, 8300, 10500, 1000, 1500, 2000000n, COIN),
  reserve('WBTC', 8, 6000012345678n, 7300, 7800, 10500, 1000, 2000, 100000n, COIN),
  reserve('USDC', 6, 99995000n, 7700, 8000, 10450, 1000, 1000, 4000000000n, STABLE),
  reserve('USDT', 6, 100010000n, 7500, 7800, 10450, 2000, 1000, 4000000000n, STABLE),
  reserve('wstETH', 18, 354217654321n, 7850, 8100, 10600, 1000, 500, 1500000n, COIN),
  reserve('DAI', 18, 99987654n, 6300, 7700, 10500, 0, 2500, 3000000000n, STABLE),
  reserve('LINK', 18, 1512345678n, 6600, 7100, 10700, 1000, 2000, 200000000n, COIN),
];
// Collateral within an eMode only: a threshold of 0 outside (3.6).
const PT = reserve('PT', 18, 95123456n, 0, 0, 0, 1000, 1000, 500000000n, STABLE, { borrowable: false });

const emode = (id, label, ltv, lt, lb, collateral, borrowable) => ({ id, label, ltv, lt, lb, collateral, borrowable });

module.exports = {
  // Categories 1 and 3 share WETH and wstETH, 2 and 4 share DAI and USDC: 3.6 keeps reserves and categories apart.
  '3.6': {
    reserves: [...RESERVES, PT],
    emodes: [
      emode(1, 'ETH correlated', 9300, 9500, 10100, ['WETH', 'wstETH'], ['WETH']),
      emode(2, 'Stablecoins', 9000, 9300, 10200, ['USDC', 'USDT', 'DAI'], ['USDC', 'USDT', 'DAI']),
      emode(3, 'ETH against stablecoins', 8300, 8500, 10450, ['WETH', 'wstETH', 'WBTC'], ['USDC', 'USDT']),
      emode(4, 'PT against stablecoins', 8800, 9000, 10350, ['PT', 'DAI', 'USDC'], ['USDC', 'USDT']),
    ],
  },
  // 1.19 knows one category for each reserve.
  1.19: {
    reserves: RESERVES,
    emodes: [
      emode(1, 'ETH correlated', 9300, 9500, 10100, ['WETH', 'wstETH'], ['WETH', 'wstETH']),
      emode(2, 'Stablecoins', 9000, 9300, 10200, ['USDC', 'USDT', 'DAI'], ['USDC', 'USDT', 'DAI']),
    ],
  },
  // Uniswap V2 pairs: reserves in whole units of the first token; the second follows from the prices.
  pairs: [
    ['WETH', 'USDC', 20000n], ['WBTC', 'USDC', 800n], ['WBTC', 'WETH', 800n], ['wstETH', 'WETH', 15000n],
    ['LINK', 'WETH', 2000000n], ['USDT', 'USDC', 40000000n], ['DAI', 'USDC', 40000000n], ['PT', 'USDC', 20000000n],
  ],
};
