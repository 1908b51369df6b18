// SPDX-License-Identifier: Apache-2.0
// Aave core 1.19 (V3.0) from the artifacts that @aave/core-v3 brings.
'use strict';
const fs = require('fs');
const path = require('path');
const { ethers, artifact, npm } = require('./node');

const PKG = 'aave119';
const LIBRARIES = ['BorrowLogic', 'BridgeLogic', 'EModeLogic', 'FlashLoanLogic', 'LiquidationLogic', 'PoolLogic', 'SupplyLogic',
  'ConfiguratorLogic'];
const RAY_PER_BPS = 10n ** 23n;
const ray = (bps) => BigInt(bps) * RAY_PER_BPS;

async function core(c, treasury) {
  const lib = {};
  for (const name of LIBRARIES)
    lib[name] = (await c.deploy(artifact(name, PKG), [], lib)).address;
  const provider = await c.deploy(artifact('PoolAddressesProvider', PKG), ['tripline test market', c.first]);
  await provider.do('setACLAdmin', c.first);
  const acl = await c.deploy(artifact('ACLManager', PKG), [provider.address]);
  await provider.do('setACLManager', acl.address);
  await acl.do('addPoolAdmin', c.first);
  await acl.do('addEmergencyAdmin', c.first);
  const implementation = await c.deploy(artifact('Pool', PKG), [provider.address], lib);
  await provider.do('setPoolImpl', implementation.address);
  const configurator = await c.deploy(artifact('PoolConfigurator', PKG), [], lib);
  await provider.do('setPoolConfiguratorImpl', configurator.address);
  const pool = c.at(artifact('Pool', PKG), await provider.get('getPool'));
  const m = { provider, acl, pool, treasury };
  m.configurator = c.at(artifact('PoolConfigurator', PKG), await provider.get('getPoolConfigurator'));
  m.aToken = await c.deploy(artifact('AToken', PKG), [pool.address]);
  m.vToken = await c.deploy(artifact('VariableDebtToken', PKG), [pool.address]);
  m.sToken = await c.deploy(artifact('StableDebtToken', PKG), [pool.address]);
  m.data = await c.deploy(artifact('AaveProtocolDataProvider', PKG), [provider.address]);
  await provider.do('setPoolDataProvider', m.data.address);
  return m;
}

async function list(c, m, reserves) {
  for (const r of reserves) {
    const strategy = await c.deploy(artifact('DefaultReserveInterestRateStrategy', PKG), [m.provider.address, ray(r.rates.optimal),
      ray(r.rates.base), ray(r.rates.slope1), ray(r.rates.slope2), 0, 0, 0, 0, ray(2000)]);
    await m.configurator.do('initReserves', [[m.aToken.address, m.sToken.address, m.vToken.address, r.decimals, strategy.address,
      r.address, m.treasury, ethers.ZeroAddress, 'Aave ' + r.symbol, 'a' + r.symbol, 'Aave debt ' + r.symbol, 'v' + r.symbol,
      'Aave stable ' + r.symbol, 's' + r.symbol, '0x']]);
  }
}

async function emodes(c, m, reserves, categories) {
  for (const e of categories) {
    await m.configurator.do('setEModeCategory', e.id, e.ltv, e.lt, e.lb, ethers.ZeroAddress, e.label);
    for (const r of reserves.filter((x) => e.collateral.includes(x.symbol)))
      await m.configurator.do('setAssetEModeCategory', r.address, e.id);
  }
}

async function tokens(m, r) {
  const d = await m.pool.get('getReserveData', r.address);
  return { aToken: d.aTokenAddress, vToken: d.variableDebtTokenAddress };
}

module.exports = {
  core, list, emodes, tokens, pkg: PKG,
  abis: { pool: 'Pool', configurator: 'PoolConfigurator', oracle: 'AaveOracle', aToken: 'AToken', vToken: 'VariableDebtToken' },
  // This version reverts with the texts of numbers.
  errors: () => {
    const text = fs.readFileSync(path.join(npm, '@aave/core-v3/contracts/protocol/libraries/helpers/Errors.sol'), 'utf8');
    const out = {};
    for (const [, name, number] of text.matchAll(/string public constant (\w+) = '(\d+)';/g)) out[number] = name;
    return out;
  },
};
