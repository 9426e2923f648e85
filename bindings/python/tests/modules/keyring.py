"""A keyring for one program, with the two functions of the package `keyring` that the docs use."""

_kept: dict[tuple[str, str], str] = {}


def get_password(service: str, name: str) -> str | None:
    return _kept.get((service, name))


def set_password(service: str, name: str, password: str) -> None:
    _kept[service, name] = password
