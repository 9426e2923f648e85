"""Writes the type stub of the module that uniffi-bindgen made: stubs.py GENERATED STUB SOURCES.

The module annotates what it exports, but not inside, hides its errors behind a trick that no type
checker follows, marks defaults with a value of its own, and says nothing of fields, whose words are taken
from the Rust sources.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from words import Words, words

HEAD = "# Made by stubs.py from the generated module. Not edited by hand.\nimport enum\nfrom typing import List\n\n"
# Written as Python writes them today.
MODERN = [
    (r"typing\.Union\[object, (.*)\]", r"\1"),
    # `list` is a method of the device.
    (r"typing\.List\[", "List["),
    (r"typing\.Optional\[((?:[^\[\]]|\[[^\]]*\])*)\]", r"\1 | None"),
]


def stub(module: ast.Module, said: Words) -> str:
    """The stub's text."""
    exported: list[str] = []
    for node in module.body:
        if isinstance(node, ast.Assign) and name_of(node.targets[0]) == "__all__":
            exported = ast.literal_eval(node.value)
    # Protocols and the far side of the callback are not for apps.
    hidden = ("Protocol", "Impl")
    names = [name for name in exported if not name.endswith(hidden)]
    parts = [HEAD, f"__all__ = {names!r}\n\n"]
    done: set[str] = set()
    for node in module.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or node.name not in names:
            continue
        if node.name in done:
            continue
        done.add(node.name)
        if isinstance(node, ast.FunctionDef):
            parts.append(function(node, ""))
        else:
            parts.append(class_stub(module, node, said))
    return "\n".join(parts)


def class_stub(module: ast.Module, node: ast.ClassDef, said: Words) -> str:
    bases = [ast.unparse(base) for base in node.bases]
    if bases == ["Exception"] and node.name != "InternalError":
        return error(module, node, said)
    if bases == ["enum.Enum"]:
        return enumeration(node)
    inherits = "(Exception)" if bases == ["Exception"] else ""
    lines = [f"class {node.name}{inherits}:", *doc(node, "    ")]
    methods = [
        item
        for item in node.body
        if isinstance(item, ast.FunctionDef)
        and (item.name == "__init__" or not item.name.startswith("_"))
    ]
    for method in methods:
        if method.name == "__init__" and method.args.kwonlyargs:
            types = {a.arg: annotation(a.annotation) for a in method.args.kwonlyargs}
            lines += fields(node.name, types, "    ", said)
        lines.append(function(method, "    ").rstrip("\n"))
    if not methods:
        lines.append("    ...")
    return "\n".join(lines) + "\n"


def fields(name: str, types: dict[str, str], indent: str, said: Words) -> Iterator[str]:
    """A record's or variant's fields, with their words."""
    for field, of in types.items():
        yield f"{indent}{field}: {of}"
        if text := said.get((name, field)):
            yield quoted(text, indent)


def enumeration(node: ast.ClassDef) -> str:
    lines = [f"class {node.name}(enum.Enum):", *doc(node, "    ")]
    for item in node.body:
        if isinstance(item, ast.Assign):
            lines.append(f"    {ast.unparse(item)}")
        elif isinstance(item, ast.Expr) and item is not node.body[0]:
            lines.append(quoted(str(ast.literal_eval(item.value)), "    "))
    return "\n".join(lines) + "\n"


def error(module: ast.Module, node: ast.ClassDef, said: Words) -> str:
    """An error and, inside it, one class for each variant."""
    body = next(
        item
        for item in module.body
        if isinstance(item, ast.ClassDef) and item.name == node.name and not item.bases
    )
    types = variant_types(module, node.name)
    lines = [f"class {node.name}(Exception):", *doc(node, "    ")]
    for variant in body.body:
        if not isinstance(variant, ast.ClassDef):
            continue
        init = next(i for i in variant.body if isinstance(i, ast.FunctionDef))
        names = [argument.arg for argument in init.args.args[1:]]
        typed = dict(zip(names, types[variant.name], strict=True))
        lines += [f"    class {variant.name}({node.name}):", *doc(variant, "        ")]
        lines += fields(variant.name, typed, "        ", said)
        given = "".join(f", {field}: {of}" for field, of in typed.items())
        lines.append(f"        def __init__(self{given}) -> None: ...")
    return "\n".join(lines) + "\n"


def variant_types(module: ast.Module, name: str) -> dict[str, list[str]]:
    """What each variant holds, by how the module reads it."""
    converter = f"_UniffiFfiConverterType{name}"
    found: dict[str, list[str]] = {}
    for node in ast.walk(module):
        if not (isinstance(node, ast.ClassDef) and node.name == converter):
            continue
        for call in ast.walk(node):
            if isinstance(call, ast.Return) and isinstance(call.value, ast.Call):
                target = call.value.func
                if isinstance(target, ast.Attribute) and name_of(target.value) == name:
                    found[target.attr] = [read_type(a) for a in call.value.args]
    return found


def read_type(read: ast.expr) -> str:
    called = ast.unparse(read).removesuffix(".read(buf)")
    return converted(called.removeprefix("_UniffiFfiConverter"))


def converted(name: str) -> str:
    if name.startswith("Optional"):
        return f"{converted(name.removeprefix('Optional'))} | None"
    if name.startswith("Sequence"):
        return f"List[{converted(name.removeprefix('Sequence'))}]"
    plain = {"String": "str", "Boolean": "bool", "Bytes": "bytes"}
    if re.fullmatch(r"U?Int\d+", name):
        return "int"
    return plain.get(name, name.removeprefix("Type"))


def function(node: ast.FunctionDef, indent: str) -> str:
    decorators = [f"{indent}@{ast.unparse(d)}\n" for d in node.decorator_list]
    arguments = node.args
    words: list[str] = []
    positional = list(arguments.args)
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    for argument, default in zip(positional, defaults, strict=True):
        words.append(parameter(argument, default))
    if arguments.kwonlyargs:
        words.append("*")
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            words.append(parameter(argument, default))
    returns = annotation(node.returns) if node.returns else "None"
    head = f"{indent}def {node.name}({', '.join(words)}) -> {returns}:"
    text = doc(node, indent + "    ")
    end = "\n".join([head, *text]) + "\n" if text else f"{head} ...\n"
    return "".join(decorators) + end


def parameter(argument: ast.arg, default: ast.expr | None) -> str:
    of = f": {annotation(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{of}" + ("" if default is None else " = ...")


def annotation(of: ast.expr | None) -> str:
    text = ast.unparse(of) if of else "object"
    for old, new in MODERN:
        text = re.sub(old, new, text)
    return text


def doc(node: ast.ClassDef | ast.FunctionDef, indent: str) -> list[str]:
    text = ast.get_docstring(node)
    return [quoted(text, indent)] if text else []


def quoted(text: str, indent: str) -> str:
    lines = text.strip().replace("\\", "\\\\").splitlines()
    return f'{indent}"""' + f"\n{indent}".join(line.strip() for line in lines) + '"""'


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def main() -> None:
    generated, target, sources = map(Path, sys.argv[1:])
    module = ast.parse(generated.read_text(encoding="utf-8"))
    target.write_text(stub(module, words(sources)), encoding="utf-8")


if __name__ == "__main__":
    main()
