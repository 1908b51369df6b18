# SPDX-License-Identifier: Apache-2.0
"""Waveforms: reads VCD (and FST through the program fst2vcd) and samples signals once a clock cycle."""
import bisect
import subprocess


class Wave:
    """Changes of the signals below the scope `top`, by dotted name; only those of `only`, when given. `declared` has every
    signal's name as the file's viewers know it, scopes above and range included."""

    def __init__(self, lines, top, only=None):
        self.width, self.changes, self.declared, self.top = {}, {}, {}, top
        codes, scope, time, header = {}, [], 0, True
        for line in lines:
            head, _, rest = line.strip().partition(" ")
            if head == "$scope":
                scope.append(rest.split()[1])
            elif head == "$upscope":
                scope.pop()
            elif head == "$var":
                _, width, code, *name = rest.split()[:-1]
                if top in scope:
                    path = ".".join(scope[scope.index(top) + 1:] + [name[0]])
                    self.declared[path] = ".".join(scope) + "." + "".join(name)
                    if only is None or path in only:
                        self.width[path] = int(width)
                        self.changes[path] = codes.setdefault(code, [])
            elif head == "$enddefinitions":
                header = False
            elif header:
                continue
            elif head.startswith("#"):
                time = int(head[1:])
            elif head[:1] in ("b", "B") and rest in codes:
                codes[rest].append((time, head[1:]))
            elif head[:1] in ("0", "1", "x", "z") and head[1:] in codes:
                codes[head[1:]].append((time, head[0]))

    def _list(self, name):
        if name not in self.changes:
            raise SystemExit(f"the waveform has no signal {self.top}.{name}")
        return self.changes[name]

    def before(self, name, time):
        """Value of the signal as an integer just before the time."""
        changes = self._list(name)
        i = bisect.bisect_left(changes, (time,))
        text = changes[i - 1][1] if i else "0"
        return int(text.replace("x", "0").replace("z", "0"), 2)

    def edges(self, clock):
        """Times of the clock's rising edges: cycle k ends with edge k."""
        out, last = [], "1"
        for time, value in self._list(clock):
            if value == "1" and last == "0":
                out.append(time)
            last = value
        return out

    def sample(self, name, edges):
        """Values in every cycle: what the signal is just before the cycle's edge."""
        return [self.before(name, t) for t in edges]


def read_fst(fst2vcd, path, top, last=(1 << 63) - 1, only=None):
    """The waveform up to the time `last`."""
    with subprocess.Popen([fst2vcd, path, "0", str(last)], stdout=subprocess.PIPE, text=True) as run:
        wave = Wave(run.stdout, top, only)
    if run.returncode:
        raise SystemExit(f"{fst2vcd} failed on {path}")
    return wave
