# SPDX-License-Identifier: Apache-2.0
"""Liquity v1, Morpho Blue and Morpho's pre-liquidation in Python integers, statement by statement as their contracts
have them (docs/protocols/liquity-v1.md and its neighbours name the files). The judge of isolated_diff.py. Each model
takes the rule's own JSON state and gives the results by their names; what reverts is {"refused": words}, with PANIC
for failed arithmetic."""
W = 10**18
SCALE = 10**36
U256, U128 = 2**256, 2**128
PANIC = "PANIC"
WORDS = ("arithmetic overflow", "arithmetic underflow", "division by zero", "uint128 overflow")  # how the rule says it


class Revert(Exception):
    pass


def need(good, words):
    if not good:
        raise Revert(words)


def u(v, top=U256):
    """A checked result of Solidity 0.8 or SafeMath."""
    need(0 <= v < top, PANIC)
    return v


def div(a, b):
    need(b != 0, PANIC)
    return a // b


# ---- Morpho

def mul_down(a, b, d):
    return div(u(a * b), d)


def mul_up(a, b, d):
    need(d != 0, PANIC)
    return u(u(a * b) + d - 1) // d


def to128(v):
    need(v < U128, "max uint128 exceeded")
    return v


class Market:
    def __init__(self, s):
        m = s["market"]
        self.sa, self.ss, self.ba, self.bs = (m[k] for k in ("supply_assets", "supply_shares", "borrow_assets", "borrow_shares"))
        self.fee, self.lltv = m.get("fee", 0), m["lltv"]
        self.shares, self.coll = s["position"]["borrow_shares"], s["position"]["collateral"]
        self.interest = self.fee_shares = 0

    def accrue(self, rate, seconds):
        if seconds == 0:
            return
        first = u(rate * seconds)
        second = mul_down(first, first, 2 * W)
        third = mul_down(second, first, 3 * W)
        self.interest = mul_down(self.ba, u(u(first + second) + third), W)
        self.ba = u(self.ba + to128(self.interest), U128)
        self.sa = u(self.sa + to128(self.interest), U128)
        if self.fee:
            amount = mul_down(self.interest, self.fee, W)
            self.fee_shares = mul_down(amount, u(self.ss + 10**6), u(u(self.sa - amount) + 1))
            self.ss = u(self.ss + to128(self.fee_shares), U128)

    def assets_up(self, shares):
        return mul_up(shares, u(self.ba + 1), u(self.bs + 10**6))

    def assets_down(self, shares):
        return mul_down(shares, u(self.ba + 1), u(self.bs + 10**6))

    def shares_up(self, assets):
        return mul_up(assets, u(self.bs + 10**6), u(self.ba + 1))

    def most(self, price):
        return mul_down(mul_down(self.coll, price, SCALE), self.lltv, W)

    def healthy(self, price):
        owed = self.assets_up(self.shares)
        return self.most(price) >= owed

    def lif(self):
        return min(115 * W // 100, mul_down(W, W, W - mul_down(3 * W // 10, W - self.lltv, W)))

    def convert(self, seize, repay, price, lif):
        """(seized, repaid shares) of an order."""
        if seize:
            quoted = mul_up(seize, price, SCALE)
            return seize, self.shares_up(mul_up(quoted, W, lif))
        return mul_down(mul_down(self.assets_down(repay), lif, W), SCALE, price), repay

    def pay_back(self, shares):
        repaid = self.assets_up(shares)
        self.shares = u(self.shares - to128(shares))
        self.bs = u(self.bs - to128(shares))
        self.ba = max(self.ba - repaid, 0)
        return repaid

    def after(self):
        return {"after.supply_assets": self.sa, "after.supply_shares": self.ss, "after.borrow_assets": self.ba,
                "after.borrow_shares": self.bs, "after.position_shares": self.shares, "after.position_collateral": self.coll}


def one_of(order):
    seize, repay = order.get("seize", 0), order.get("repay_shares", 0)
    return seize, repay, (seize == 0) != (repay == 0)


def blue_liquidate(s):
    seize, repay, fine = one_of(s["order"])
    need(fine, "inconsistent input")
    m = Market(s)
    m.accrue(s.get("rate", 0), s.get("elapsed", 0))
    need(not m.healthy(s["price"]), "position is healthy")
    seized, shares = m.convert(seize, repay, s["price"], m.lif())
    repaid = m.pay_back(shares)
    m.coll = u(m.coll - to128(seized))
    bad = bad_shares = 0
    if m.coll == 0:
        bad_shares = m.shares
        bad = min(m.ba, m.assets_up(bad_shares))
        m.ba, m.sa, m.bs, m.shares = u(m.ba - bad), u(m.sa - bad), u(m.bs - bad_shares), 0
    return {"refused": "", "seized": seized, "repaid_assets": repaid, "repaid_shares": shares, "bad_debt_assets": bad,
            "bad_debt_shares": bad_shares, **m.after()}


def blue(s):
    m = Market(s)
    out = {"liquidatable": False, "failed": ""}
    try:
        m.accrue(s.get("rate", 0), s.get("elapsed", 0))
        out.update({"interest": m.interest, "fee_shares": m.fee_shares})
        out["health.borrowed"] = m.assets_up(m.shares)
        out["health.max_borrow"] = m.most(s["price"])
        out["liquidatable"] = not m.healthy(s["price"])
        out["lif"] = m.lif()
    except Revert as r:
        out["failed"] = str(r)
    if "order" in s:
        try:
            out.update(blue_liquidate(s))
        except Revert as r:
            out["refused"] = str(r)
    return out, m


def pre_terms(m, pre, price, out):
    quoted = mul_down(m.coll, price, SCALE)
    owed = m.assets_up(m.shares)
    need(owed <= mul_down(quoted, m.lltv, W), "LiquidatablePosition")
    need(owed > mul_down(quoted, pre["lltv"], W), "NotPreLiquidatablePosition")
    ltv = mul_up(owed, W, quoted)
    q = mul_down(u(ltv - pre["lltv"]), W, u(m.lltv - pre["lltv"]))
    lif = u(mul_down(q, u(pre["lif2"] - pre["lif1"]), W) + pre["lif1"])
    lcf = u(mul_down(q, u(pre["lcf2"] - pre["lcf1"]), W) + pre["lcf1"])
    out.update({"health.quoted": quoted, "health.borrowed": owed, "ltv": ltv, "quotient": q, "lif": lif, "lcf": lcf,
                "repayable_shares": mul_down(m.shares, lcf, W)})
    return lif, out["repayable_shares"]


def pre_made(pre, lltv):
    need(pre["lltv"] < lltv, "PreLltvTooHigh")
    need(pre["lcf1"] <= pre["lcf2"], "PreLCFDecreasing")
    need(pre["lcf1"] <= W, "PreLCFTooHigh")
    need(W <= pre["lif1"], "PreLIFTooLow")
    need(pre["lif1"] <= pre["lif2"], "PreLIFDecreasing")
    need(pre["lif2"] <= W * W // lltv, "PreLIFTooHigh")


def pre_order(s):
    pre, market_price = s["pre"], s.get("market_price", s["price"])
    m = Market(s)
    pre_made(pre, m.lltv)
    seize, repay, fine = one_of(s["order"])
    need(fine, "InconsistentInput")
    m.accrue(s.get("rate", 0), s.get("elapsed", 0))
    lif, most = pre_terms(m, pre, s["price"], {})
    seized, shares = m.convert(seize, repay, s["price"], lif)
    need(shares <= most, "PreLiquidationTooLarge")
    repaid = m.pay_back(shares)
    need(seized != 0, "zero assets")
    need(s.get("authorized", True), "unauthorized")
    m.coll = u(m.coll - to128(seized))
    need(m.shares == 0 or m.healthy(market_price), "insufficient collateral")
    return {"refused": "", "seized": seized, "repaid_assets": repaid, "repaid_shares": shares, **m.after()}


def pre(s):
    m = Market(s)
    out = {"liquidatable": True, "failed": ""}
    try:
        pre_made(s["pre"], m.lltv)
        m.accrue(s.get("rate", 0), s.get("elapsed", 0))
        pre_terms(m, s["pre"], s["price"], out)
    except Revert as r:
        out = {"liquidatable": False, "failed": str(r)}
    if "order" in s:
        try:
            out.update(pre_order(s))
        except Revert as r:
            out["refused"] = str(r)
    return out, m


# ---- Liquity

MCR, CCR, COMPENSATION = 11 * W // 10, 15 * W // 10, 200 * W


class Trove:
    def __init__(self, t):
        self.coll, self.debt, self.stake = t["coll"], t["debt"], t["stake"]
        self.snap_coll, self.snap_debt, self.active = t.get("coll_snapshot", 0), t.get("debt_snapshot", 0), t.get("active", True)


class Liquity:
    """The contracts' storage; liquidate() runs a call on it."""

    def __init__(self, s):
        y, p = s["system"], s["pool"]
        self.newer, self.price = s.get("version", "deployed") == "2025", s["price"]
        self.active = [y["active_coll"], y["active_debt"]]
        self.default = [y.get("default_coll", 0), y.get("default_debt", 0)]
        self.stakes, self.owners = y["total_stakes"], y["troves"]
        self.spread = [y.get("l_coll", 0), y.get("l_debt", 0)]
        self.errors = [y.get("coll_error", 0), y.get("debt_error", 0)]
        self.deposits, self.p, self.sum = p["deposits"], p.get("p", W), p.get("sum", 0)
        self.scale, self.epoch = p.get("scale", 0), p.get("epoch", 0)
        self.pool_errors = [p.get("coll_error", 0), p.get("debt_error", 0)]
        self.troves = [Trove(t) for t in s["troves"]]
        self.parts = {}

    def ratio(self, coll, debt):
        return u(coll * self.price) // debt if debt else U256 - 1

    def pending(self, t):
        if not t.active:
            return 0, 0
        return tuple(u(t.stake * u(self.spread[i] - snap)) // W for i, snap in ((0, t.snap_coll), (1, t.snap_debt)))

    def entire(self, t):
        coll, debt = self.pending(t)
        return u(t.coll + coll), u(t.debt + debt)

    def budget(self):
        if not self.newer:
            return self.deposits
        room = self.deposits - min(W, self.deposits)
        return 0 if u(room * W) <= self.pool_errors[1] else room

    def close(self, t):
        coll, debt = self.pending(t)
        self.default[1] = u(self.default[1] - debt)
        self.active[1] = u(self.active[1] + debt)
        self.default[0] = u(self.default[0] - coll)
        self.active[0] = u(self.active[0] + coll)
        self.stakes = u(self.stakes - t.stake)

    def remove(self):
        need(self.owners > 1, "TroveManager: Only one trove in the system")
        self.owners -= 1

    def split(self, debt, coll, left):
        if left == 0:
            return 0, 0, debt, coll
        offset = min(debt, left)
        sent = u(coll * offset) // debt
        return offset, sent, debt - offset, coll - sent

    @staticmethod
    def part(branch, icr, debt, coll, gas, moved, surplus=0):
        if branch == "pooled":
            branch = "offset" if moved[2] == 0 else "mixed" if moved[0] else "spread"
        return {"branch": branch, "icr": icr, "debt": debt, "coll": coll, "gas_coll": gas, "gas_lusd": COMPENSATION,
                "offset_debt": moved[0], "offset_coll": moved[1], "spread_debt": moved[2], "spread_coll": moved[3], "surplus": surplus}

    def normal(self, t, icr, left):
        coll, debt = self.entire(t)
        self.close(t)
        gas = coll // 200
        p = self.part("pooled", icr, debt, coll, gas, self.split(debt, coll - gas, left))
        self.remove()
        return p

    def recovery(self, t, icr, left, tcr):
        if self.owners <= 1:
            return None
        coll, debt = self.entire(t)
        gas = coll // 200
        if icr <= W:
            self.close(t)
            p = self.part("spread", icr, debt, coll, gas, (0, 0, debt, coll - gas))
        elif icr < MCR:
            self.close(t)
            p = self.part("pooled", icr, debt, coll, gas, self.split(debt, coll - gas, left))
        elif icr < tcr and debt <= left:
            self.close(t)
            cap = div(u(debt * MCR), self.price)
            p = self.part("capped", icr, debt, coll, cap // 200, (debt, cap - cap // 200, 0, 0), u(coll - cap))
        else:
            return None
        self.remove()
        return p

    def liquidate(self, sequence):
        need(sequence or self.troves, "TroveManager: Calldata address array must not be empty")
        left, owners = self.budget(), self.owners
        coll, debt = u(self.active[0] + self.default[0]), u(self.active[1] + self.default[1])
        self.tcr = self.ratio(coll, debt)
        self.began_in_recovery = self.tcr < CCR
        self.back = False
        for i, t in enumerate(self.troves):
            if self.began_in_recovery and sequence and i == owners - 1:
                break  # the first user of the sorted list
            if not t.active:
                self.parts[i] = {"branch": "left", "coll": t.coll, "debt": t.debt}
                continue
            icr = self.ratio(*self.entire(t))
            self.parts[i] = {"branch": "left", "icr": icr, "coll": self.entire(t)[0], "debt": self.entire(t)[1]}
            if self.began_in_recovery and not self.back:
                if icr >= MCR and left == 0:
                    if sequence:
                        break
                    continue
                p = self.recovery(t, icr, left, self.ratio(coll, debt))
                if p:
                    left, debt = left - p["offset_debt"], u(debt - p["offset_debt"])
                    coll = u(coll - p["offset_coll"] - p["gas_coll"] - p["surplus"])
                    self.parts[i] = p
                self.back = self.ratio(coll, debt) >= CCR
            elif icr < MCR:
                self.parts[i] = p = self.normal(t, icr, left)
                left -= p["offset_debt"]
            elif sequence:
                break
        self.settle()

    def settle(self):
        taken = [p for p in self.parts.values() if p["branch"] != "left"]
        self.total = {k: u(sum(p[k] for p in taken)) for k in
                      ("debt", "coll", "gas_coll", "gas_lusd", "offset_debt", "offset_coll", "spread_debt", "spread_coll", "surplus")}
        s = self.total
        need(s["debt"] > 0, "TroveManager: nothing to liquidate")
        if self.deposits and s["offset_debt"]:
            self.offset(s["offset_debt"], s["offset_coll"])
        if s["spread_debt"]:
            for i, k in ((0, "spread_coll"), (1, "spread_debt")):
                top = u(u(s[k] * W) + self.errors[i])
                each = div(top, self.stakes)
                self.errors[i] = top - each * self.stakes
                self.spread[i] = u(self.spread[i] + each)
                self.active[i] = u(self.active[i] - s[k])
                self.default[i] = u(self.default[i] + s[k])
        self.active[0] = u(self.active[0] - s["surplus"])
        self.snapshot = u(u(self.active[0] - s["gas_coll"]) + self.default[0])
        self.active[0] -= s["gas_coll"]

    def offset(self, debt, coll):
        top = u(u(coll * W) + self.pool_errors[0])
        gain = top // self.deposits
        if self.newer:
            lost = max(u(debt * W) - self.pool_errors[1], 0)
            loss = lost // self.deposits + 1
            self.pool_errors[1] = u(loss * self.deposits) - lost
        elif debt == self.deposits:
            loss, self.pool_errors[1] = W, 0
        else:
            lost = u(u(debt * W) - self.pool_errors[1])
            loss = lost // self.deposits + 1
            self.pool_errors[1] = u(loss * self.deposits) - lost
        self.pool_errors[0] = top - gain * self.deposits
        factor = u(W - loss)
        self.sum = u(self.sum + u(gain * self.p))
        if factor == 0 and not self.newer:
            self.epoch, self.scale, self.p = self.epoch + 1, 0, W
        else:
            u(self.p * factor)
            p = self.p * factor // W
            if p < 10**9:
                p = u(self.p * factor * 10**9) // W
                self.scale += 1
                if self.newer and p < 10**9:
                    p = u(self.p * factor * 10**18) // W
                    self.scale += 1
            need(p > 0, "StabilityPool: P is zero")
            self.p = p
        self.active[1] = u(self.active[1] - debt)
        self.deposits = u(self.deposits - debt)
        self.active[0] = u(self.active[0] - coll)


def liquity(s):
    x = Liquity(s)
    try:
        x.liquidate(s.get("call", "batch") == "sequence")
    except Revert as r:
        return {"liquidatable": False, "refused": str(r)}, x
    ratios = [p["icr"] for p in x.parts.values() if "icr" in p]
    out = {"liquidatable": True, "refused": "", "health": min(ratios), "recovery": x.began_in_recovery, "tcr": x.tcr, "back_to_normal": x.back}
    for i in range(len(x.troves)):
        for k, v in x.parts.get(i, {"branch": "not seen"}).items():
            out[f"trove[{i}].{k}"] = v
    out.update({"sum." + k: v for k, v in x.total.items()})
    for i, k in ((0, "coll"), (1, "debt")):
        out.update({"after.active_" + k: x.active[i], "after.default_" + k: x.default[i], "after.l_" + k: x.spread[i],
                    f"after.{k}_error": x.errors[i], f"pool.{k}_error": x.pool_errors[i]})
    out.update({"after.total_stakes": x.stakes, "after.troves": x.owners, "after.stakes_snapshot": x.stakes, "after.coll_snapshot": x.snapshot,
                "pool.deposits": x.deposits, "pool.p": x.p, "pool.sum": x.sum, "pool.scale": x.scale, "pool.epoch": x.epoch})
    return out, x
