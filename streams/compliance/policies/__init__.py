"""The shipped policies: one module a policy, each with a ``POLICY`` and the examples it is tested by."""
