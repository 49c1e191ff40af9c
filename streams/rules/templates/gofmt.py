"""Values as Go prints them: ``%v``, and the verbs of ``printf``."""

import math
import re
from datetime import datetime, timedelta
from typing import Any

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?(?P<verb>.)?", re.DOTALL)


def shown(value: Any) -> str:
    """``%v``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return shortest(value)
    if value is None:
        return "<no value>"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{shown(key)}:{shown(each)}" for key, each in sorted(value.items())) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(shown(each) for each in value) + "]"
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    return str(value)


def shortest(value: float) -> str:
    """``%g``: the shortest digits that read back the same; with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return "NaN" if value != value else ("+Inf" if value > 0 else "-Inf")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    mantissa, _, power = repr(value).partition("e")
    sign, digits, first = _significant(mantissa)
    exponent = first + int(power or 0)
    return sign + (_plain(digits, exponent + 1) if -4 <= exponent < 6 else _with_exponent(digits, exponent))


def _significant(mantissa: str) -> tuple[str, str, int]:
    """Sign, digits and the power of ten of the first digit."""
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = whole + fraction
    stripped = digits.lstrip("0")
    first = len(whole) - 1 - (len(digits) - len(stripped))
    return sign, stripped.rstrip("0") or "0", first


def _plain(digits: str, point: int) -> str:
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    return digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"


def _with_exponent(digits: str, exponent: int) -> str:
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{exponent:+03d}"


def sprintf(template: str, *values: Any) -> str:
    """Go's ``fmt.Sprintf``, its complaints about wrong arguments included."""
    rest = list(values)

    def filled(found: re.Match[str]) -> str:
        verb = found["verb"]
        if verb == "%":
            return "%"
        if verb is None:
            return "%!(NOVERB)"
        if not rest:
            return f"%!{verb}(MISSING)"
        return _padded(_verb(verb, found["flags"], found["precision"], rest.pop(0)), found["flags"], found["width"])

    text = _VERB.sub(filled, template)
    if rest:
        text += "%!(EXTRA " + ", ".join(f"{_go_type(value)}={shown(value)}" for value in rest) + ")"
    return text


def _padded(text: str, flags: str, width: str | None) -> str:
    if width is None:
        return text
    if "-" in flags:
        return text.ljust(int(width))
    return text.zfill(int(width)) if "0" in flags else text.rjust(int(width))


def _verb(verb: str, flags: str, precision: str | None, value: Any) -> str:
    plus = "+" if "+" in flags else ""
    if verb == "v":
        return shown(value)
    if verb in "feEgG" and isinstance(value, float):
        return _float(verb, plus, precision, value)
    if verb == "d" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value:{plus}d}"
    if verb in "xXob" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value:{verb}}"
    if verb == "s" and not isinstance(value, int | float):
        text = shown(value)
        return text[: int(precision or 0)] if precision is not None else text
    if verb == "q" and isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    if verb == "t" and isinstance(value, bool):
        return shown(value)
    return f"%!{verb}({_go_type(value)}={shown(value)})"


def _float(verb: str, plus: str, precision: str | None, value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if value != value else ("-Inf" if value < 0 else "+Inf")
    if precision is None and verb in "gG":
        text = shortest(value)
        return plus + text if plus and value >= 0 else text
    return f"{value:{plus}.{int(precision or 0) if precision is not None else 6}{verb}}"


def _go_type(value: Any) -> str:
    names = ((bool, "bool"), (int, "int"), (float, "float64"), (str, "string"))
    return next((name for kind, name in names if isinstance(value, kind)), type(value).__name__)


def time_text(moment: datetime) -> str:
    """As Go prints a time in UTC."""
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def duration_text(duration: timedelta) -> str:
    """As Go prints a duration, from a microsecond on."""
    microseconds = duration // timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    if microseconds < 1_000_000:
        if not microseconds:
            return "0s"
        return f"{sign}{microseconds}µs" if microseconds < 1000 else f"{sign}{microseconds / 1000:.10g}ms"
    seconds, hours_and_minutes = microseconds % 60_000_000 / 1e6, microseconds // 60_000_000
    hours, minutes = divmod(hours_and_minutes, 60)
    text = f"{seconds:.10g}s"
    if hours_and_minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else sign + text
