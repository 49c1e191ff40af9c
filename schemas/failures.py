"""The two ways something can fail, for every decoder and every sink."""


class Rejected(Exception):  # noqa: N818 - named after what happened, as the field does
    """It can never succeed: the record, rule, file or request itself is wrong.

    ``category`` is a short name that can be counted, such as ``invalid_field`` (for records, one of
    ``schemas.cloudevents.CATEGORIES``), or the whole sentence where nobody counts; ``detail`` says what is wrong.
    Neither repeats the content of a record.
    """

    def __init__(self, category: str, detail: str = "") -> None:
        super().__init__(category, detail)
        self.category = category
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.category}: {self.detail}" if self.detail else self.category


class Unavailable(Exception):  # noqa: N818
    """It may succeed later: a server is away, slow or full. The caller retries with back-off and jitter."""
