"""Puts by PV Access (p4p) with completion, one after the other. Usage: put.py PV COUNT. Prints the time of each in nanoseconds as JSON."""

import json
import sys
import time

from p4p.client.thread import Context

pv, count = sys.argv[1], int(sys.argv[2])
took = []
with Context("pva", conf={}, useenv=True) as context:
    for n in range(count + 20):
        began = time.perf_counter_ns()
        context.put(pv, n, wait=True, timeout=10)
        took.append(time.perf_counter_ns() - began)
# The first ones find the server and warm its caches up.
print(json.dumps(took[20:]))
