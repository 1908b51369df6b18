// SPDX-License-Identifier: Apache-2.0
// Deploys a market with feeds, liquidity and an exchange on a running node and describes it.
//   CHAIN_DIR=dir node deploy.js URL VERSION OUT.json       VERSION: 3.6 or 1.19
// The first account of the node deploys and is every admin; the second is the first supplier.
'use strict';
const fs = require('fs');
const spec = require('./spec');
const { ethers, Chain, artifact, interfaceOf, mapped, unit } = require('./node');

const TREASURY = '0x00000000000000000000000000000000007ea5e1';
const MNEMONIC = 'test test test test test test test test test test test junk'; // the node's own
const BASE_UNIT = 100000000n;
const MAX = ethers.MaxUint256;

async function token(c, r) {
  if (r.symbol === 'WETH') return c.deploy(artifact('WETH9', 'periphery'));
  return c.deploy(artifact('Token'), [r.symbol, r.decimals]);
}

async function give(c, weth, r, to, amount) {
  if (r.symbol !== 'WETH') return c.at(artifact('Token'), r.address).do('mint', to, amount);
  await c.rpc('anvil_setBalance', [to, ethers.toQuantity(amount + unit(18) * 10000n)]);
  return c.send(r.address, weth.iface.encodeFunctionData('deposit'), to, amount);
}

async function feeds(c, reserves) {
  for (const r of reserves) {
    const aggregator = await c.deploy(artifact('Aggregator'), [8, r.symbol + ' / USD', r.price]);
    const proxy = await c.deploy(artifact('FeedProxy'), [aggregator.address]);
    Object.assign(r, { aggregator: aggregator.address, feed: proxy.address });
  }
}

async function configure(m, reserves) {
  for (const r of reserves) {
    if (r.ltv) await m.configurator.do('configureReserveAsCollateral', r.address, r.ltv, r.lt, r.lb);
    if (r.borrowable !== false) await m.configurator.do('setReserveBorrowing', r.address, true);
    await m.configurator.do('setReserveFlashLoaning', r.address, true);
    await m.configurator.do('setReserveFactor', r.address, r.factor);
    await m.configurator.do('setLiquidationProtocolFee', r.address, r.fee);
  }
}

async function supply(c, m, weth, reserves, from) {
  const erc20 = new ethers.Interface(artifact('Token').abi);
  for (const r of reserves) {
    const amount = r.supply * unit(r.decimals);
    await give(c, weth, r, from, amount);
    await c.send(r.address, erc20.encodeFunctionData('approve', [m.pool.address, MAX]), from);
    await m.pool.as(from, 'supply', r.address, amount, from, 0);
  }
}

async function exchange(c, weth, reserves, from) {
  const erc20 = new ethers.Interface(artifact('Token').abi);
  const factory = await c.deploy(artifact('UniswapV2Factory', 'core'), [c.first]);
  const router = await c.deploy(artifact('UniswapV2Router02', 'periphery'), [factory.address, weth.address]);
  const out = { factory: factory.address, router: router.address, pairs: [] };
  const by = (s) => reserves.find((r) => r.symbol === s);
  for (const r of reserves) await c.send(r.address, erc20.encodeFunctionData('approve', [router.address, MAX]), from);
  for (const [sa, sb, whole] of spec.pairs) {
    const [a, b] = [by(sa), by(sb)];
    if (!a || !b) continue;
    const ina = whole * unit(a.decimals);
    const inb = (whole * a.price * unit(b.decimals)) / b.price;
    await give(c, weth, a, from, ina);
    await give(c, weth, b, from, inb);
    await router.as(from, 'addLiquidity', a.address, b.address, ina, inb, 0, 0, from, MAX);
    out.pairs.push({ a: sa, b: sb, address: await factory.get('getPair', a.address, b.address) });
  }
  return out;
}

// The storage slot, in the contract at `address`, of a mapping by `user` (or of a plain word): where a change shows in
// what `name(...args)` reads. `mask`: the part of the word that is read.
async function probe(c, address, name, args, user, mask) {
  const value = 12345678n;
  const iface = new ethers.Interface([`function ${name}(${args.map(() => 'address').join()}) view returns (uint256)`]);
  const call = [{ to: address, data: iface.encodeFunctionData(name, args) }, 'latest'];
  for (let slot = 0; slot < 80; slot++) {
    const place = user ? mapped(user, slot) : ethers.toBeHex(slot, 32);
    const before = await c.rpc('eth_getStorageAt', [address, place, 'latest']);
    await c.rpc('anvil_setStorageAt', [address, place, ethers.toBeHex(value, 32)]);
    let seen = null;
    try {
      seen = BigInt(await c.rpc('eth_call', call));
    } catch (e) { /* a wrong place can break the contract for this moment */ }
    await c.rpc('anvil_setStorageAt', [address, place, before]);
    if (seen === (value & mask)) return slot;
  }
  throw new Error('no storage slot found for ' + name);
}

async function slots(c, m, r) {
  const user = '0x00000000000000000000000000000000000f00d1';
  const all = ethers.MaxUint256;
  return {
    aToken: await probe(c, r.aToken, 'scaledBalanceOf', [user], user, all),
    aTotal: await probe(c, r.aToken, 'scaledTotalSupply', [], null, all),
    vToken: await probe(c, r.vToken, 'scaledBalanceOf', [user], user, all),
    vTotal: await probe(c, r.vToken, 'scaledTotalSupply', [], null, all),
    config: await probe(c, m.pool.address, 'getUserConfiguration', [user], user, all),
    emode: await probe(c, m.pool.address, 'getUserEMode', [user], user, 255n),
  };
}

async function main() {
  const [url, version, file] = process.argv.slice(2);
  const market = version === '3.6' ? require('./market36') : require('./market119');
  const c = await new Chain(url).open();
  const reserves = spec[version].reserves.map((r, id) => ({ id, ...r }));
  const supplier = await (await c.provider.getSigner(1)).getAddress();
  let weth;
  for (const r of reserves) {
    const t = await token(c, r);
    r.address = t.address;
    if (r.symbol === 'WETH') weth = t;
  }
  await feeds(c, reserves);
  const m = await market.core(c, TREASURY);
  const oracle = await c.deploy(artifact('AaveOracle', market.pkg), [m.provider.address, reserves.map((r) => r.address),
    reserves.map((r) => r.feed), ethers.ZeroAddress, ethers.ZeroAddress, BASE_UNIT]);
  await m.provider.do('setPriceOracle', oracle.address);
  await market.list(c, m, reserves);
  await configure(m, reserves);
  await market.emodes(c, m, reserves, spec[version].emodes);
  for (const r of reserves) Object.assign(r, await market.tokens(m, r));
  await supply(c, m, weth, reserves, supplier);
  const uniswap = await exchange(c, weth, reserves, supplier);
  const lens = await c.deploy(artifact('Lens'));
  const reporter = await c.deploy(artifact('Reporter'));
  const own = { lens: 'Lens', reporter: 'Reporter', aggregator: 'Aggregator', feed: 'FeedProxy', token: 'Token' };
  const abi = { weth: interfaceOf(weth.iface.fragments),
    router: interfaceOf(artifact('UniswapV2Router02', 'periphery').abi), pair: interfaceOf(artifact('UniswapV2Pair', 'core').abi) };
  for (const [k, name] of Object.entries(own)) abi[k] = interfaceOf(artifact(name).abi);
  for (const [k, name] of Object.entries(market.abis)) abi[k] = interfaceOf(artifact(name, market.pkg).abi);
  const description = {
    version, chainId: Number(await c.rpc('eth_chainId', [])), mnemonic: MNEMONIC, admin: c.first, supplier, treasury: TREASURY,
    provider: m.provider.address, pool: m.pool.address, configurator: m.configurator.address,
    oracle: oracle.address, dataProvider: m.data.address, liquidationData: m.liquidationData ? m.liquidationData.address : null,
    lens: lens.address, reporter: reporter.address, weth: weth.address, uniswap, reserves, emodes: spec[version].emodes,
    slots: await slots(c, m, reserves[2]), errors: market.errors(), abi,
  };
  fs.writeFileSync(file, JSON.stringify(description, (k, v) => (typeof v === 'bigint' ? v.toString() : v), 1));
  console.log(`market ${version}: ${c.transactions} transactions, ${(Number(c.gas) / 1e6).toFixed(1)}M gas`);
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
