// SPDX-License-Identifier: Apache-2.0
// Compiles the Aave V3.6 market's sources (from npm) and the tests' own contracts with solc-js.
//   node compile.js NPM_DIR OUT_DIR        one OUT_DIR/<Contract>.json each: abi, bytecode, linkReferences, storage
// The settings are those that the protocol itself is compiled with.
'use strict';
const fs = require('fs');
const path = require('path');

const [npm, out] = process.argv.slice(2).map((p) => path.resolve(p));
const modules = path.join(npm, 'node_modules');
const solc = require(path.join(modules, 'solc'));
const own = path.join(__dirname, '..', 'contracts');
const AAVE = '@aave-dao/aave-v3-origin/src/contracts/';
const ENTRY = [
  'instances/PoolInstance.sol', 'instances/PoolConfiguratorInstance.sol', 'instances/ATokenInstance.sol',
  'instances/VariableDebtTokenInstance.sol', 'protocol/configuration/PoolAddressesProvider.sol',
  'protocol/configuration/PoolAddressesProviderRegistry.sol', 'protocol/configuration/ACLManager.sol',
  'misc/AaveOracle.sol', 'misc/DefaultReserveInterestRateStrategyV2.sol', 'helpers/AaveProtocolDataProvider.sol',
  'helpers/LiquidationDataProvider.sol',
];
const REMAPPINGS = [
  'openzeppelin-contracts/contracts/=@openzeppelin/contracts/',
  'openzeppelin-contracts-upgradeable/contracts/=@openzeppelin/contracts-upgradeable/',
  'solidity-utils/=@bgd-labs/solidity-utils/src/',
];

const sources = {};
for (const e of ENTRY) sources[AAVE + e] = { content: fs.readFileSync(path.join(modules, AAVE + e), 'utf8') };
for (const f of fs.readdirSync(own)) sources['own/' + f] = { content: fs.readFileSync(path.join(own, f), 'utf8') };

function read(name) {
  try {
    return { contents: fs.readFileSync(path.join(modules, name), 'utf8') };
  } catch (e) {
    return { error: e.message };
  }
}

const input = {
  language: 'Solidity',
  sources,
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'shanghai',
    metadata: { bytecodeHash: 'none' },
    remappings: REMAPPINGS,
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.bytecode.linkReferences', 'storageLayout'] } },
  },
};
const result = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
const errors = (result.errors || []).filter((e) => e.severity === 'error');
if (errors.length) {
  for (const e of errors) console.error(e.formattedMessage);
  process.exit(1);
}
fs.mkdirSync(out, { recursive: true });
for (const [file, contracts] of Object.entries(result.contracts)) {
  for (const [name, c] of Object.entries(contracts)) {
    const wanted = c.evm.bytecode.object !== '' || name === 'Errors';
    if (!wanted || !(file.startsWith(AAVE) || file.startsWith('own/'))) continue;
    const slots = {};
    for (const s of c.storageLayout ? c.storageLayout.storage : []) slots[s.label] = Number(s.slot);
    fs.writeFileSync(path.join(out, name + '.json'), JSON.stringify({
      abi: c.abi, bytecode: '0x' + c.evm.bytecode.object, linkReferences: c.evm.bytecode.linkReferences, slots,
    }));
  }
}
