"""The two ways something can fail, for every decoder and every sink."""


class Rejected(Exception):  # noqa: N818 - named after what happened, as the field does
    """It can never succeed: the record, rule, file or request itself is wrong. The text says why, without content."""


class Unavailable(Exception):  # noqa: N818
    """It may succeed later: a server is away, slow or full. The caller retries with back-off and jitter."""
