"""Errors in words: `str(error)` says what to do, `error` itself is the instruction as a type.

The words are those of the variants' documentation.
"""

from .native import HttpError, SopuError


def message(error: BaseException) -> str:
    """What to do, in a sentence, and the facts of this case. Never content, names or tokens."""
    words = " ".join((type(error).__doc__ or "").split())
    facts = {name: value for name, value in vars(error).items() if name != "problems"}
    problems = getattr(error, "problems", ())
    facts |= {problem.path: problem.code for problem in problems}
    told = ", ".join(f"{name}: {value}" for name, value in facts.items())
    return f"{words} ({told})" if told else words


SopuError.__str__ = message  # type: ignore[method-assign]
HttpError.__str__ = message  # type: ignore[method-assign]
