"""What an error of ClickHouse means for the caller: never again, or later.

Only codes that condemn the statement or the rows themselves are final. Everything else, an unknown code included, is
tried again: to wait with the rows is harmless, to give them up is not. A refused password, a missing table and a full
disk are therefore *later* too, because a person can mend them while the rows wait in Kafka.
"""

import re

from schemas.failures import Rejected, Unavailable

REJECTED = {
    6: "CANNOT_PARSE_TEXT",
    7: "INCORRECT_NUMBER_OF_COLUMNS",
    10: "NOT_FOUND_COLUMN_IN_BLOCK",
    16: "NO_SUCH_COLUMN_IN_TABLE",
    20: "NUMBER_OF_COLUMNS_DOESNT_MATCH",
    26: "CANNOT_PARSE_QUOTED_STRING",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    36: "BAD_ARGUMENTS",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    42: "NUMBER_OF_ARGUMENTS_DOESNT_MATCH",
    43: "ILLEGAL_TYPE_OF_ARGUMENT",
    44: "ILLEGAL_COLUMN",
    46: "UNKNOWN_FUNCTION",
    47: "UNKNOWN_IDENTIFIER",
    50: "UNKNOWN_TYPE",
    53: "TYPE_MISMATCH",
    56: "UNKNOWN_STORAGE",
    62: "SYNTAX_ERROR",
    63: "UNKNOWN_AGGREGATE_FUNCTION",
    69: "ARGUMENT_OUT_OF_BOUND",
    70: "CANNOT_CONVERT_TYPE",
    72: "CANNOT_PARSE_NUMBER",
    73: "UNKNOWN_FORMAT",
    115: "UNKNOWN_SETTING",
    117: "INCORRECT_DATA",
    131: "TOO_LARGE_STRING_SIZE",
    184: "ILLEGAL_AGGREGATION",
    215: "NOT_AN_AGGREGATE",
    321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
    386: "NO_COMMON_TYPE",
    407: "DECIMAL_OVERFLOW",
    456: "UNKNOWN_QUERY_PARAMETER",
    457: "BAD_QUERY_PARAMETER",
    469: "VIOLATED_CONSTRAINT",
}
"""ClickHouse error codes (``system.errors``) after which the same request can never succeed."""

ADVICE = {
    60: "run `tidewatch migrate`",
    81: "run `tidewatch migrate`",
    164: "the user or the server is read-only",
    192: "check clickhouse.username",
    193: "check clickhouse.password",
    194: "set clickhouse.password or clickhouse.password_file",
    243: "free disk space",
    252: "too many parts: merges lag behind; wait, or write fewer and larger batches",
    497: "grant the right to clickhouse.username",
    516: "check clickhouse.username and clickhouse.password",
}
"""What a person can do about the commonest errors that pass."""


def failure(error: Exception, doing: str, repeat_text: bool) -> Rejected | Unavailable:
    """The exception to raise for an error of the driver while ``doing`` something.

    ``repeat_text`` says whether the text of ClickHouse may be repeated: not for an insert that was refused for its
    rows, because the text could quote them.
    """
    code = getattr(error, "code", None)
    final = code in REJECTED
    what = getattr(error, "name", None) or (f"code {code}" if code else "no answer")
    text = f": {_text(error)}" if repeat_text or not final else ""
    advice = f" ({ADVICE[code]})" if code in ADVICE else ""
    sentence = f"{doing} failed, {what}{advice}{text}"
    return Rejected(sentence) if final else Unavailable(sentence)


def _text(error: Exception) -> str:
    """What ClickHouse or the network said, in one line and without what the driver puts around it."""
    line = " ".join(str(_root(error)).split())
    return re.sub(r"^Received ClickHouse exception, code: \d+, server response: ", "", line)


def _root(error: BaseException) -> BaseException:
    """The error underneath, such as a refused connection: the driver's own text for those says nothing."""
    while getattr(error, "code", None) is None:
        under = getattr(error, "reason", None) or error.__cause__
        if not isinstance(under, BaseException):
            return error
        error = under
    return error
