"""Real servers for tests and benchmarks: each starts on free ports, waits until it answers, and stops."""


class NotInstalled(Exception):  # noqa: N818 - named after what happened, as the field does
    """A server's program is not on this machine. The text says what to install."""
