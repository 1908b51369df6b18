// SPDX-License-Identifier: Apache-2.0
// Borrowers for a deployed market, made at random from a seed on a node that mines on demand and signs for anyone.
//   CHAIN_DIR=dir node accounts.js URL MARKET.json SEED WRITTEN TRADED OUT.json
// WRITTEN accounts are put into the contracts' storage (balances, configuration, eMode, totals): any shape, any health.
// TRADED ones come by transactions (mint, approve, eMode, supply, borrow, switch off, repay, withdraw, transfer), so
// that their events exist. OUT.json: their addresses and, of traded ones, what the pool refused, by the step.
'use strict';
const fs = require('fs');
const { ethers, Chain, artifact, mapped, unit } = require('./node');

const RAY = 10n ** 27n;
const MAX = ethers.MaxUint256;
const WEALTH = ethers.toQuantity(10n ** 26n);
const GAS_EACH = 1000000; // of a traded step
const BLOCK_TXS = 25;     // that many fit into a block

// splitmix64
function random(seed) {
  let s = BigInt.asUintN(64, BigInt(seed));
  const next = () => {
    s = BigInt.asUintN(64, s + 0x9e3779b97f4a7c15n);
    let z = s;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  const real = () => Number(next() >> 11n) / 2 ** 53;
  const below = (n) => Math.floor(real() * n);
  return {
    real, below,
    chance: (p) => real() < p,
    pick: (list) => list[below(list.length)],
    some: (list, n) => {
      const rest = [...list], out = [];
      while (out.length < n && rest.length) out.push(rest.splice(below(rest.length), 1)[0]);
      return out;
    },
    address: () => ethers.getAddress(ethers.toBeHex((next() << 128n | next() << 64n | next()) & (1n << 160n) - 1n, 20)),
  };
}

const price = (r) => Number(r.price) / 1e8;
const tokens = (r, dollars) => BigInt(Math.max(1, Math.round((dollars / price(r)) * 1e6))) * unit(r.decimals) / 1000000n;
// Dust, about where the rules of dust and of half the debt begin, large.
const MAGNITUDES = [[-3, 1], [3, 3.7], [3, 3.7], [3, 3.7], ...Array(5).fill([3.3, 6.8])];
function usd(rnd) {
  const [from, to] = rnd.pick(MAGNITUDES);
  return 10 ** (from + (to - from) * rnd.real());
}

function shape(rnd, m) {
  const emode = rnd.chance(0.4) ? rnd.pick(m.emodes) : null;
  const inside = (r) => emode && emode.collateral.includes(r.symbol);
  const lt = (r) => (inside(r) ? emode.lt : r.lt);
  // Collateral with a threshold of 0 outside its category stays possible once in a while: it counts for nothing.
  const usable = m.reserves.filter((r) => lt(r) > 0 || rnd.chance(0.05));
  const wanted = emode && rnd.chance(0.8) ? usable.filter(inside) : usable;
  const coll = rnd.some(wanted, rnd.pick([1, 1, 1, 2, 2, 3]));
  const lendable = m.reserves.filter((r) => r.borrowable !== false && (!emode || emode.borrowable.includes(r.symbol)));
  const debts = rnd.some(lendable, rnd.pick([1, 1, 1, 1, 2, 3]));
  const off = rnd.chance(0.15) ? rnd.some(m.reserves.filter((r) => !coll.includes(r)), 1) : [];
  return { emode, coll, debts, off, lt };
}

// Dollars of each part: health around one, in a tail to either side, and now and then hopeless.
function sizes(rnd, s) {
  const coll = s.coll.map((r) => [r, usd(rnd)]);
  const weighted = coll.reduce((sum, [r, v]) => sum + v * s.lt(r) / 10000, 0);
  const health = rnd.chance(0.6) ? 0.93 + 0.14 * rnd.real() : rnd.chance(0.7) ? 0.6 + 1.4 * rnd.real() : 0.2 + 8 * rnd.real();
  const parts = s.debts.map(() => 0.05 + rnd.real());
  const all = parts.reduce((a, b) => a + b, 0);
  return { coll, debts: s.debts.map((r, i) => [r, (weighted / health) * parts[i] / all]), off: s.off.map((r) => [r, usd(rnd)]) };
}

class Storage {
  constructor(chain, slots) {
    Object.assign(this, { chain, slots, writes: [], totals: new Map() });
  }

  set(contract, key, slot, value) {
    const place = key === null ? ethers.toBeHex(slot, 32) : mapped(key, slot);
    this.writes.push({ method: 'anvil_setStorageAt', params: [contract, place, ethers.toBeHex(value, 32)] });
  }

  balance(token, user, scaled, index, which) {
    this.set(token, user, this.slots[which], scaled | (index << 128n));
    const total = which === 'aToken' ? 'aTotal' : 'vTotal';
    const t = this.totals.get(token) || { total, sum: 0n };
    t.sum += scaled;
    this.totals.set(token, t);
  }

  async flush() {
    for (const [token, { total, sum }] of this.totals) {
      const before = BigInt(await this.chain.rpc('eth_getStorageAt', [token, ethers.toBeHex(this.slots[total], 32), 'latest']));
      this.set(token, null, this.slots[total], before + sum);
    }
    for (let i = 0; i < this.writes.length; i += 500) await this.chain.batch(this.writes.slice(i, i + 500));
  }
}

async function written(c, m, rnd, n) {
  const store = new Storage(c, m.slots);
  const index = await c.indexes(m);
  const users = [];
  for (let k = 0; k < n; k++) {
    const user = rnd.address();
    const s = shape(rnd, m);
    const parts = sizes(rnd, s);
    let config = 0n;
    for (const [list, flag, which] of [[parts.coll, 2n, 'aToken'], [parts.debts, 1n, 'vToken'], [parts.off, 0n, 'aToken']]) {
      for (const [r, dollars] of list) {
        const at = index[r.id][which === 'aToken' ? 0 : 1];
        const odd = BigInt(rnd.below(1000));
        const scaled = tokens(r, dollars) * RAY / at + odd;
        if (scaled === 0n) continue;
        store.balance(which === 'aToken' ? r.aToken : r.vToken, user, scaled, at, which);
        config |= flag << BigInt(2 * r.id);
      }
    }
    store.set(m.pool, user, m.slots.config, config);
    if (s.emode) store.set(m.pool, user, m.slots.emode, BigInt(s.emode.id));
    users.push(user);
  }
  await store.flush();
  await c.rpc('evm_mine', []);
  return users;
}

// One transaction a user and step; a step's transactions share blocks.
async function step(c, name, txs, refused) {
  for (let i = 0; i < txs.length; i += BLOCK_TXS) {
    const part = txs.slice(i, i + BLOCK_TXS);
    const gas = ethers.toQuantity(GAS_EACH);
    const hashes = await c.batch(part.map((t) => ({ method: 'eth_sendTransaction', params: [{ ...t, gas }] })));
    await c.rpc('evm_mine', []);
    const receipts = await c.batch(hashes.map((h) => ({ method: 'eth_getTransactionReceipt', params: [h] })));
    for (const r of receipts) if (!r || Number(r.status) !== 1) refused[name] = (refused[name] || 0) + 1;
  }
}

async function traded(c, m, rnd, n) {
  const pool = new ethers.Interface(artifact(...m.version === '3.6' ? ['PoolInstance'] : ['Pool', 'aave119']).abi);
  const erc20 = new ethers.Interface(artifact('Token').abi);
  const weth = new ethers.Interface(artifact('WETH9', 'periphery').abi);
  const refused = {};
  const plans = Array.from({ length: n }, () => {
    const s = shape(rnd, m);
    return { user: rnd.address(), s, ...sizes(rnd, s) };
  });
  const call = (to, iface, name, ...args) => ({ to, data: iface.encodeFunctionData(name, args) });
  const by = (p, t) => ({ from: p.user, ...t });
  const run = (name, list) => step(c, name, list.flat(), refused);
  for (let i = 0; i < plans.length; i += 500)
    await c.batch(plans.slice(i, i + 500).map((p) => ({ method: 'anvil_setBalance', params: [p.user, WEALTH] })));
  const brought = (p) => [...p.coll, ...p.off];
  // Three supplies and three debts at most: a step for each, so that a user has one transaction in a block.
  await run('setUserEMode', plans.filter((p) => p.s.emode).map((p) => by(p, call(m.pool, pool, 'setUserEMode', p.s.emode.id))));
  for (let k = 0; k < 4; k++) {
    const with_ = plans.filter((p) => brought(p)[k]);
    await run('mint', with_.map((p) => {
      const [r, dollars] = brought(p)[k];
      if (r.symbol === 'WETH') return { ...by(p, call(r.address, weth, 'deposit')), value: ethers.toQuantity(tokens(r, dollars)) };
      return by(p, call(r.address, erc20, 'mint', p.user, tokens(r, dollars)));
    }));
    await run('approve', with_.map((p) => by(p, call(brought(p)[k][0].address, erc20, 'approve', m.pool, MAX))));
    await run('supply', with_.map((p) => {
      const [r, dollars] = brought(p)[k];
      return by(p, call(m.pool, pool, 'supply', r.address, tokens(r, dollars), p.user, 0));
    }));
  }
  await run('switch off', plans.filter((p) => p.off.length)
    .map((p) => by(p, call(m.pool, pool, 'setUserUseReserveAsCollateral', p.off[0][0].address, false))));
  for (let k = 0; k < 3; k++) {
    const some = plans.filter((p) => p.debts[k]);
    const asked = some.map((p) => call(m.pool, pool, 'getUserAccountData', p.user));
    const room = await c.batch(asked.map((tx) => ({ method: 'eth_call', params: [tx, 'latest'] })));
    await run('borrow', some.map((p, i) => {
      const free = Number(pool.decodeFunctionResult('getUserAccountData', room[i])[2]) / 1e8;
      const share = (k + 1 === p.debts.length ? 0.9 + 0.0999 * rnd.real() : 0.3 + 0.3 * rnd.real());
      return by(p, call(m.pool, pool, 'borrow', p.debts[k][0].address, tokens(p.debts[k][0], free * share) || 1n, 2, 0, p.user));
    }));
  }
  const few = plans.filter(() => rnd.chance(0.2));
  await run('approve', few.map((p) => by(p, call(p.debts[0][0].address, erc20, 'approve', m.pool, MAX))));
  await run('repay', few.map((p) => {
    const [r, dollars] = p.debts[0];
    return by(p, call(m.pool, pool, 'repay', r.address, tokens(r, dollars * 0.01) || 1n, 2, p.user));
  }));
  await run('withdraw', plans.filter((p) => p.off.length && rnd.chance(0.5))
    .map((p) => by(p, call(m.pool, pool, 'withdraw', p.off[0][0].address, tokens(...p.off[0]) / 2n, p.user))));
  await run('transfer', plans.filter((p) => p.off.length)
    .map((p) => by(p, call(p.off[0][0].aToken, erc20, 'transfer', rnd.pick(plans).user, tokens(...p.off[0]) / 3n))));
  return { users: plans.map((p) => p.user), refused };
}

async function main() {
  const [url, market, seed, nWritten, nTraded, out] = process.argv.slice(2);
  const m = JSON.parse(fs.readFileSync(market, 'utf8'));
  for (const r of m.reserves) r.price = BigInt(r.price);
  const c = new Chain(url);
  c.batch = async (calls) => {
    if (calls.length === 0) return [];
    const body = JSON.stringify(calls.map((x, id) => ({ jsonrpc: '2.0', id, ...x })));
    const reply = await (await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })).json();
    return reply.sort((a, b) => a.id - b.id).map((r) => {
      if (r.error) throw new Error(JSON.stringify(r.error));
      return r.result;
    });
  };
  c.indexes = async (mk) => {
    const iface = new ethers.Interface(['function getReserveNormalizedIncome(address) view returns (uint256)',
      'function getReserveNormalizedVariableDebt(address) view returns (uint256)']);
    const ask = async (name, r) =>
      BigInt(await c.rpc('eth_call', [{ to: mk.pool, data: iface.encodeFunctionData(name, [r.address]) }, 'latest']));
    return Promise.all(mk.reserves.map((r) => Promise.all(
      [ask('getReserveNormalizedIncome', r), ask('getReserveNormalizedVariableDebt', r)])));
  };
  const rnd = random(seed);
  const t = await traded(c, m, rnd, Number(nTraded));
  const w = await written(c, m, rnd, Number(nWritten));
  fs.writeFileSync(out, JSON.stringify({ written: w, traded: t.users, refused: t.refused }));
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
