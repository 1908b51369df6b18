#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes hold the layers that the Makefile states; the linker sees only what a unit test pulls in, this every line.

usage: tests/layers.py 'MODULE=DEP DEP ...'...   from the root; `make lint-layers` hands over each DEPS_x.
Wrong are: an include of a module that is not among DEPS (whoever has none, as cli, may use all, and be used by none);
DEPS or headers in a circle; an inner header (inside.h, *_inside.h, internal.h)
included from another folder. Prints each with its line; exit status 1 when there is one.
"""
import glob
import os
import re
import sys

INNER = re.compile(r"(^|_)(inside|internal)\.h$")


def module(path):
    part = path.split("/")
    return part[1] if part[0] == "host" else part[0]


def includes(files):
    """(file, line number, file of the tree that it includes); generated and system headers are not ours to order."""
    for f in files:
        with open(f, encoding="utf-8") as text:
            for number, line in enumerate(text, 1):
                found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                for base in ("host", "drivers", os.path.dirname(f)) if found else ():
                    path = os.path.normpath(os.path.join(base, found.group(1)))
                    if path in files:
                        yield f, number, path
                        break


def circle(edges):
    """The nodes of one circle in a graph {node: set of nodes}, in order, or None."""
    done, way = set(), []

    def walk(node):
        if node in way:
            return way[way.index(node):] + [node]
        if node in done:
            return None
        way.append(node)
        found = next(filter(None, map(walk, sorted(edges.get(node, ())))), None)
        way.pop()
        done.add(node)
        return found
    return next(filter(None, map(walk, sorted(edges))), None)


def main():
    deps = {m: set(d.split()) - {m} for m, d in (a.split("=") for a in sys.argv[1:])}
    files = {f for top in ("host", "drivers") for f in glob.glob(top + "/**/*.[ch]", recursive=True)}
    headers, wrong, seen = {}, [], 0
    for f, number, to in includes(files):
        seen += 1
        here, there = os.path.dirname(f), os.path.dirname(to)
        if module(to) != module(f) and module(to) not in deps.get(module(f), deps):
            wrong.append("%s:%d: %s may not use %s (%s)" % (f, number, module(f), module(to), to))
        if here != there and INNER.search(os.path.basename(to)):
            wrong.append("%s:%d: %s is for %s/ only" % (f, number, to, there))
        if f.endswith(".h"):
            headers.setdefault(f, set()).add(to)
    for what, edges in (("DEPS", deps), ("headers", headers)):
        found = circle(edges)
        if found:
            wrong.append("%s in a circle: %s" % (what, " -> ".join(found)))
    print("\n".join(wrong) or "layers: clean (%d includes of %d files)" % (seen, len(files)))
    return 1 if wrong or not deps or not seen else 0


sys.exit(main())
