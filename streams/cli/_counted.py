"""A number of things, in words."""


def counted(number: int, one: str) -> str:
    """``1 rule``, ``2 policies``, ``1,000 rows``."""
    many = f"{one.removesuffix('y')}ies" if one.endswith("y") else f"{one}s"
    return f"{number:,} {one if number == 1 else many}"
