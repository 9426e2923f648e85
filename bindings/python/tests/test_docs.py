"""The code of docs/python.md runs, and a type checker has nothing to say about it."""

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sopu

from .relay import Relay

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parents[2] / "docs" / "python.md"
# A keyring that is the program's own, for there may be none here.
MODULES = TESTS / "modules"


def code() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(blocks) >= 8
    return "\n".join(blocks)


def test_the_code_of_the_page_runs_as_it_stands(relay: Relay, tmp_path: Path) -> None:
    invited = relay.invited(relay.person("Aino"))
    program = code().replace("https://sopu.example", relay.url)
    program = program.replace("CODE-FROM-THE-OFFICE", invited)
    (tmp_path / "page.py").write_text(program, encoding="utf-8")
    path = os.pathsep.join([str(MODULES), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "page.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^[1-9]\d* acknowledged", ran.stdout, re.M), ran.stdout
    assert "Walked the north field." in ran.stdout


def test_the_code_of_the_page_is_typed(tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    page = tmp_path / "page.py"
    page.write_text(code(), encoding="utf-8")
    os.environ["MYPYPATH"] = str(MODULES)
    told, errors, status = mypy.run(["--strict", "--cache-dir", str(tmp_path), str(page)])
    assert status == 0, told + errors


def test_the_package_itself_is_typed(tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    found = pkgutil.walk_packages(sopu.__path__, "sopu.")
    # What uniffi makes is typed by its stub, `sopu.native`.
    mine = [one.name for one in found if not one.name.startswith("sopu.native.")]
    modules = [word for name in ["sopu", *mine] for word in ("-m", name)]
    told, errors, status = mypy.run(["--strict", "--cache-dir", str(tmp_path), *modules])
    assert status == 0, told + errors


def test_a_type_checker_finds_what_does_not_fit(tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    page = tmp_path / "wrong.py"
    page.write_text(
        "from sopu import Device, Query, SopuError, VisitNote\n"
        "def use(device: Device, error: SopuError.BadValue) -> None:\n"
        "    device.form('x', VisitNote).value.sumary\n"
        "    device.create('x', VisitNote(km=12))\n"
        "    Query(limit='ten')\n"
        "    error.path + 1\n",
        encoding="utf-8",
    )
    told, _, status = mypy.run(["--strict", "--cache-dir", str(tmp_path), str(page)])
    assert status == 1
    lines = {int(line.split(":")[1]) for line in told.splitlines() if "error:" in line}
    assert lines == {3, 4, 5, 6}, told


def test_the_reference_has_words_for_everything_an_app_uses(tmp_path: Path) -> None:
    pytest.importorskip("pdoc")
    subprocess.run(
        [sys.executable, str(TESTS.parent / "reference.py"), str(tmp_path)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    page = (tmp_path / "sopu.html").read_text("utf-8")
    assert (tmp_path / "sopu" / "documents.html").exists()
    for name in ("Device", "Form", "VisitNote", "UrllibClient", "Query", "SopuError"):
        assert f'id="{name}"' in page, name
    assert "What to list. Every filter set must hold" in page
    assert "Skip so many." in page, "fields of what uniffi generated, too"
    assert (tmp_path / "sopu" / "aio.html").exists()


def without_words(of: Any) -> Iterator[str]:
    """What is public in a module or class and has no words; Python's own is not asked for any."""
    for member in of.members.values():
        if member.name.startswith("_") or not member.taken_from[0].startswith("sopu"):
            continue
        if not member.docstring:
            yield member.fullname
        # Variants of an error have all others within.
        if member.kind == "class" and of.kind == "module":
            yield from without_words(member)


@pytest.mark.parametrize("module", ["sopu", "sopu.aio", "sopu.documents"])
def test_every_public_name_has_words(module: str) -> None:
    pytest.importorskip("pdoc")
    reference = importlib.import_module("reference")
    assert module in reference.MODULES
    assert list(without_words(reference.module(module))) == []
