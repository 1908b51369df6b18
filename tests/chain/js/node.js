// SPDX-License-Identifier: Apache-2.0
// What the deployment scripts share: artifacts, linking, sending, and the description that other tests read.
'use strict';
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const root = path.resolve(process.env.CHAIN_DIR || 'build/chain');
const npm = path.join(root, 'npm', 'node_modules');
const ethers = createRequire(path.join(npm, 'x.js'))('ethers');
const PACKAGES = {
  aave119: '@aave/core-v3/artifacts/contracts', core: '@uniswap/v2-core/build', periphery: '@uniswap/v2-periphery/build',
};
const GAS = 16000000n; // below the cap of one transaction (EIP-7825)
const RECEIPT_MS = 20000;

function find(dir, name) {
  for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
    const p = path.join(dir, e.name);
    if (e.isDirectory()) {
      const f = find(p, name);
      if (f) return f;
    } else if (e.name === name) return p;
  }
  return null;
}

// The artifact of a contract: compiled here, or as its npm package brings it.
function artifact(name, pkg) {
  const dir = pkg ? path.join(npm, PACKAGES[pkg]) : path.join(root, 'artifacts');
  const file = find(dir, name + '.json');
  if (!file) throw new Error(`no artifact of ${name} in ${dir}`);
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function linked(a, libraries) {
  let code = a.bytecode.replace(/^0x/, '');
  for (const file of Object.values(a.linkReferences || {})) {
    for (const [lib, places] of Object.entries(file)) {
      if (!libraries[lib]) throw new Error(`library ${lib} is not deployed yet`);
      for (const { start, length } of places)
        code = code.slice(0, 2 * start) + libraries[lib].slice(2).toLowerCase() + code.slice(2 * (start + length));
    }
  }
  return '0x' + code;
}

class Chain {
  constructor(url) {
    this.provider = new ethers.JsonRpcProvider(url, undefined, { cacheTimeout: -1, staticNetwork: true, batchMaxCount: 1 });
    this.transactions = 0;
    this.gas = 0n;
  }

  async open() {
    this.signer = await this.provider.getSigner(0);
    this.first = await this.signer.getAddress();
    return this;
  }

  rpc(method, params) {
    return this.provider.send(method, params);
  }

  async sent(hash) {
    // The node mines at once, but may answer before it has.
    let r = null;
    for (const end = Date.now() + RECEIPT_MS; !(r = await this.rpc('eth_getTransactionReceipt', [hash])) && Date.now() < end;)
      await new Promise((done) => { setTimeout(done, 1); });
    if (!r) throw new Error(`no receipt of ${hash} in ${RECEIPT_MS} ms`);
    if (Number(r.status) !== 1) throw new Error(`transaction ${hash} reverted`);
    this.transactions++;
    this.gas += BigInt(r.gasUsed);
    return r;
  }

  async send(to, data, from, value) {
    const tx = { from: from || this.first, data, gas: ethers.toQuantity(GAS) };
    if (to) tx.to = to;
    if (value) tx.value = ethers.toQuantity(value);
    return this.sent(await this.rpc('eth_sendTransaction', [tx]));
  }

  async deploy(a, args = [], libraries = {}) {
    const iface = new ethers.Interface(a.abi);
    const r = await this.send(null, linked(a, libraries) + iface.encodeDeploy(args).slice(2));
    return this.at(a, r.contractAddress);
  }

  // A contract with do(name, ...args) sending from the first account, get(name, ...args) reading.
  at(a, address) {
    const iface = new ethers.Interface(a.abi);
    const to = ethers.getAddress(address);
    return {
      address: to,
      iface,
      do: (name, ...args) => this.send(to, iface.encodeFunctionData(name, args)),
      as: (from, name, ...args) => this.send(to, iface.encodeFunctionData(name, args), from),
      get: async (name, ...args) => {
        const out = await this.rpc('eth_call', [{ to, data: iface.encodeFunctionData(name, args) }, 'latest']);
        const v = iface.decodeFunctionResult(name, out);
        return v.length === 1 ? v[0] : v;
      },
    };
  }
}

// Selectors, event topics and errors, so that readers need no keccak.
function interfaceOf(abi) {
  const iface = new ethers.Interface(abi);
  const out = { functions: {}, events: {}, errors: {} };
  iface.forEachFunction((f) => { out.functions[f.format('sighash')] = f.selector; });
  iface.forEachEvent((e) => { out.events[e.name] = { topic: e.topicHash, signature: e.format('full') }; });
  iface.forEachError((e) => { out.errors[e.selector] = e.name; });
  return out;
}

// Where a mapping from addresses at `slot` keeps the entry of `key`.
const mapped = (key, slot) => ethers.keccak256(ethers.AbiCoder.defaultAbiCoder().encode(['address', 'uint256'], [key, slot]));
const unit = (decimals) => 10n ** BigInt(decimals);

module.exports = { ethers, Chain, artifact, interfaceOf, mapped, unit, root, npm };
