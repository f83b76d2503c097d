"""Says how many nanoseconds lxml takes for a path, with and without compiling it. Reads {"page": HTML, "paths": […]}."""

import json
import sys
import time

import lxml.etree
import lxml.html


def each(paths, find):
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < 0.3:
        for path in paths:
            find(path)
        done += len(paths)
    return (time.perf_counter() - start) / done * 1e9


asked = json.load(sys.stdin)
tree = lxml.html.document_fromstring(asked["page"]).getroottree()
compiled = [lxml.etree.XPath(path) for path in asked["paths"]]
print(each(asked["paths"], tree.xpath), each(compiled, lambda path: path(tree)))
