"""``make bench-scale``: how time and memory of a worker grow along each dimension of its load.

- :mod:`benchmarks.scale.load`: the load, and the topic that holds it
- :mod:`benchmarks.scale.axes`: what is varied, and the loads along each axis
- :mod:`benchmarks.scale.member`: one worker process
- :mod:`benchmarks.scale.group`: the workers of a group, who start together, and their result
- :mod:`benchmarks.scale.results`: what was measured, as a table
"""
