// SPDX-License-Identifier: Apache-2.0
// Aave V3.6 from the sources of @aave-dao/aave-v3-origin, compiled by compile.js.
'use strict';
const { ethers, artifact } = require('./node');

const coder = ethers.AbiCoder.defaultAbiCoder();

async function core(c, treasury) {
  const lib = {};
  // FlashLoanLogic links BorrowLogic.
  for (const name of ['BorrowLogic', 'FlashLoanLogic', 'LiquidationLogic', 'PoolLogic', 'SupplyLogic', 'ConfiguratorLogic'])
    lib[name] = (await c.deploy(artifact(name), [], lib)).address;
  const registry = await c.deploy(artifact('PoolAddressesProviderRegistry'), [c.first]);
  const provider = await c.deploy(artifact('PoolAddressesProvider'), ['tripline test market', c.first]);
  await registry.do('registerAddressesProvider', provider.address, 1);
  await provider.do('setACLAdmin', c.first); // ACLManager's constructor reads it
  const acl = await c.deploy(artifact('ACLManager'), [provider.address]);
  await provider.do('setACLManager', acl.address);
  await acl.do('addPoolAdmin', c.first);
  await acl.do('addEmergencyAdmin', c.first);
  const rates = await c.deploy(artifact('DefaultReserveInterestRateStrategyV2'), [provider.address]);
  const implementation = await c.deploy(artifact('PoolInstance'), [provider.address, rates.address], lib);
  await provider.do('setPoolImpl', implementation.address);
  const configurator = await c.deploy(artifact('PoolConfiguratorInstance'), [], lib);
  await provider.do('setPoolConfiguratorImpl', configurator.address);
  const pool = c.at(artifact('PoolInstance'), await provider.get('getPool'));
  const m = { provider, acl, pool };
  m.configurator = c.at(artifact('PoolConfiguratorInstance'), await provider.get('getPoolConfigurator'));
  m.aToken = await c.deploy(artifact('ATokenInstance'), [pool.address, ethers.ZeroAddress, treasury]);
  m.vToken = await c.deploy(artifact('VariableDebtTokenInstance'), [pool.address, ethers.ZeroAddress]);
  m.data = await c.deploy(artifact('AaveProtocolDataProvider'), [provider.address]);
  await provider.do('setPoolDataProvider', m.data.address);
  m.liquidationData = await c.deploy(artifact('LiquidationDataProvider'), [pool.address, provider.address]);
  return m;
}

function initInput(m, r) {
  const { optimal, base, slope1, slope2 } = r.rates;
  const rates = coder.encode(['tuple(uint16,uint32,uint32,uint32)'], [[optimal, base, slope1, slope2]]);
  return [m.aToken.address, m.vToken.address, r.address, 'Aave ' + r.symbol, 'a' + r.symbol, 'Aave debt ' + r.symbol,
    'v' + r.symbol, '0x', rates];
}

async function list(c, m, reserves) {
  for (const r of reserves) await m.configurator.do('initReserves', [initInput(m, r)]);
}

async function emodes(c, m, reserves, categories) {
  const of = (symbol) => reserves.find((r) => r.symbol === symbol).address;
  for (const e of categories) {
    await m.configurator.do('setEModeCategory', e.id, e.ltv, e.lt, e.lb, e.label);
    for (const s of e.collateral) await m.configurator.do('setAssetCollateralInEMode', of(s), e.id, true);
    for (const s of e.borrowable) await m.configurator.do('setAssetBorrowableInEMode', of(s), e.id, true);
  }
}

async function tokens(m, r) {
  const ask = (name) => m.pool.get(name, r.address);
  return { aToken: await ask('getReserveAToken'), vToken: await ask('getReserveVariableDebtToken') };
}

module.exports = {
  core, list, emodes, tokens,
  abis: { pool: 'PoolInstance', configurator: 'PoolConfiguratorInstance', oracle: 'AaveOracle', aToken: 'ATokenInstance',
    vToken: 'VariableDebtTokenInstance', liquidationData: 'LiquidationDataProvider' },
  pkg: undefined,
  errors: () => {
    const out = {};
    new ethers.Interface(artifact('Errors').abi).forEachError((e) => { out[e.selector] = e.name; });
    return out;
  },
};
