"""What a person edited while something else was being done, kept on what that brought."""

from typing import Any

_ABSENT: Any = object()


def carried(before: Any, after: Any, onto: Any) -> Any:
    """What was edited from `before` to `after`, made on `onto` too; all are in the JSON form.

    Fields, items and elements are taken one by one; where both changed one, the person's stands.
    """
    if after == before:
        return onto
    if onto == before:
        return after
    three = (before, after, onto)
    if all(one is _ABSENT or isinstance(one, list) for one in three):
        return _made(_list(*(_or(one, []) for one in three)), after)
    if all(isinstance(one, dict) for one in three):
        return _fields(before, after, onto)
    # An empty map is not written, while an item that is not there was taken out, or put in.
    if all(one is _ABSENT or _is_map(one) for one in three):
        return _made(_fields(*(_or(one, {}) for one in three)), after)
    return after


def _list(before: list[Any], after: list[Any], onto: list[Any]) -> list[Any]:
    kept = [one for one in onto if one in after or one not in before]
    return kept + [one for one in after if one not in before and one not in onto]


def _fields(
    before: dict[str, Any], after: dict[str, Any], onto: dict[str, Any]
) -> dict[str, Any]:
    made = {
        name: carried(*(one.get(name, _ABSENT) for one in (before, after, onto)))
        for name in [*onto, *after]
    }
    return {name: one for name, one in made.items() if one is not _ABSENT}


def _is_map(value: Any) -> bool:
    """Whether all in it are items; one item has other fields too."""
    return isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())


def _made(made: Any, after: Any) -> Any:
    """An empty one is written only by who writes empty ones."""
    return made if made or after is not _ABSENT else _ABSENT


def _or(value: Any, empty: Any) -> Any:
    return empty if value is _ABSENT else value
