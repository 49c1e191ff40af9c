"""Policies about several events: how their files are read, which events are steps, and how steps become violations.

What a sequence means, whatever the order in which events come: of the events with one key, taken in the order of their
times (of the same millisecond: earlier steps first), an event that completes the last step violates the policy when the
events of the steps before it are found before it, in their order, all of them within ``within``. Events of an
``absent`` step may not stand between those of its neighbours; after the last step, the violation is that none comes for
as long as it says. Every event that completes a sequence is a violation of its own.
"""
