"""``make bench-peers``: Tidewatch beside other stream processors that do the same work, on one real Apache Kafka.

Each is written as its own documentation recommends, lives in an environment of its own below ``.cache/peers`` (made the
first time, from pinned versions), and has its windows compared with what was published before its time counts. Prints
a table and writes ``benchmarks/results/peers-DATE.json``; what the columns mean is said in docs/performance.md.
"""

from benchmarks.peers import contestants
from benchmarks.run import OURS, main

main([OURS, *contestants()], "peers", __doc__, rounds=5)
