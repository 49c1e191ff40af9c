"""What the embedded ClickHouse answers when it does not do what it was asked."""


class Refused(Exception):  # noqa: N818 - named after what happened
    """An answer in the words of ClickHouse: the number, the name and the text of an error."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text} ({name})")
        self.code = code
