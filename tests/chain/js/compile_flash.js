// SPDX-License-Identifier: Apache-2.0
// Compiles host/exec/evm/contracts and the adversaries of its tests (tests/chain/flash) with the settings of compile.js.
//   CHAIN_DIR=dir node compile_flash.js OUT_DIR [LIQUIDATOR.sol]
// One OUT_DIR/<Contract>.json each: abi, bytecode, runtime, and selectors as interfaceOf gives them.
'use strict';
const fs = require('fs');
const path = require('path');
const { interfaceOf, npm } = require('./node');

const solc = require(path.join(npm, 'solc'));
const out = path.resolve(process.argv[2]);
const files = [path.resolve(process.argv[3] || path.join(__dirname, '../../../host/exec/evm/contracts/Liquidator.sol'))];
for (const f of fs.readdirSync(path.join(__dirname, '../flash'))) files.push(path.join(__dirname, '../flash', f));

const sources = {};
for (const f of files) sources[path.basename(f)] = { content: fs.readFileSync(f, 'utf8') };
const result = JSON.parse(solc.compile(JSON.stringify({
  language: 'Solidity',
  sources,
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'shanghai',
    metadata: { bytecodeHash: 'none' },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  },
})));
const mutant = process.argv.length > 3; // may give warnings
const errors = (result.errors || []).filter((e) => !mutant || e.severity === 'error');
if (errors.length) {
  for (const e of errors) console.error(e.formattedMessage);
  process.exit(1);
}
fs.mkdirSync(out, { recursive: true });
for (const contracts of Object.values(result.contracts)) {
  for (const [name, c] of Object.entries(contracts)) {
    if (c.evm.bytecode.object === '') continue;
    fs.writeFileSync(path.join(out, name + '.json'), JSON.stringify({
      abi: c.abi, ...interfaceOf(c.abi), bytecode: '0x' + c.evm.bytecode.object, runtime: '0x' + c.evm.deployedBytecode.object,
    }));
  }
}
