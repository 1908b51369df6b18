# SPDX-License-Identifier: Apache-2.0
"""A market's encoding (host/accounts/codec.c), read as far as what follows volatility: of each instrument its tiers, its
thresholds and their ramp."""


class Market:
    def __init__(self, data):
        self.d, self.n = data, 0
        version, assets, count = self.byte(), self.number(), self.number()
        self.old = version == 0xB2
        for _ in range(assets):
            self.text(), self.text(), self.byte(), self.byte()
            for _ in range(3 if self.old else 4):
                self.number()
        self.of = dict(self.instrument(version) for _ in range(count))

    def byte(self):
        self.n += 1
        return self.d[self.n - 1]

    def number(self):
        v = shift = 0
        while True:
            b = self.byte()
            v, shift = v | (b & 127) << shift, shift + 7
            if b < 128:
                return v

    def signed(self):
        v = self.number()
        return v >> 1 if v % 2 == 0 else -(v >> 1) - 1

    def text(self):
        n = self.byte()
        self.n += n
        return self.d[self.n - n:self.n].decode()

    def instrument(self, version):
        name = self.text()
        self.byte(), self.byte(), self.text(), self.byte(), self.number(), self.number()
        tiers = [(self.signed(), self.number()) for _ in range(self.byte())]
        self.number(), self.number()
        lt = self.number()
        self.number(), self.number()
        emode, emode_lt = self.byte(), self.number()
        for _ in range(3):
            self.number()
        ramp = (0, 0, 0, 0)  # from, eMode's from, start, end
        if not self.old:
            f = [self.number() for _ in range(11)]
            ramp = f[6], f[7], f[8], f[9]
        if version == 0xB4:
            for _ in range(self.byte()):
                self.byte(), self.number(), self.number()
        return name, {"tiers": tiers, "lt": lt, "emode": emode, "emode_lt": emode_lt, "ramp": ramp}
