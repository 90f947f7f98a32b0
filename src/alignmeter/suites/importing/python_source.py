"""Texts that stand in the classes of a Python module, read without running it.

Some data sets are shipped as code: a class for each task, its request a constant. The syntax tree gives
the constants; f-strings of other constants are put together, imported constants looked up in the
package that the file belongs to. Anything else is left out.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, cast

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


class ClassConstants(NamedTuple):
    """A class: its name, the line it begins on, and those of its attributes that are texts."""

    name: str
    line: int
    constants: Mapping[str, str]


def class_constants(source: str, path: Path) -> Iterator[ClassConstants]:
    """Yield the classes of a module with their text constants, in order.

    Args:
        source: Text of the module.
        path: Where it stands; imported constants are looked for in modules of its package.

    Raises:
        InputError: The text is not Python.
    """
    module = _parsed(source, path)
    outer = _Scope(path, module.body, None)
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            scope = _Scope(path, node.body, outer)
            values = {name: scope.value(name) for name in scope.names}
            yield ClassConstants(
                node.name, node.lineno, {name: text for name, text in values.items() if isinstance(text, str)}
            )


def _parsed(source: str, path: Path) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise InputError(
            f"{path.name}: expected a Python module, got {str(error)!r}; fetch it again"
        ) from None


class _Scope:
    """Names of a module or class body, and what they stand for."""

    def __init__(self, path: Path, body: Iterable[ast.stmt], outer: _Scope | None) -> None:
        self._path = path
        self._outer = outer
        self._assigned: dict[str, ast.expr] = {}
        self._imported: dict[str, tuple[str, str]] = {}
        self._open: set[str] = set()
        for node in body:
            if isinstance(node, ast.Assign):
                self._assigned.update((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                if isinstance(node.target, ast.Name):
                    self._assigned[node.target.id] = node.value
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = (node.module, alias.name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._assigned)

    def value(self, name: str) -> object:
        """What a name stands for, None where that is no constant."""
        if name in self._open:
            return None  # a name in terms of itself
        if name in self._assigned:
            self._open.add(name)
            found = self._constant(self._assigned[name])
            self._open.discard(name)
            return found
        if name in self._imported:
            return self._elsewhere(*self._imported[name])
        return self._outer.value(name) if self._outer is not None else None

    def _elsewhere(self, module: str, name: str) -> object:
        package = module.split(".")
        for parent in self._path.parents:
            if parent.name == package[0]:
                path = parent.joinpath(*package[1:]).with_suffix(".py")
                if path.is_file():
                    return _Scope(path, _parsed(path.read_text(encoding="utf-8"), path).body, None).value(
                        name
                    )
        return None

    def _constant(self, node: ast.expr) -> object:
        found: object = None
        match node:
            case ast.Constant(value=value):
                found = value
            case ast.Name(id=name):
                found = self.value(name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                found = tuple(self._constant(item) for item in items)
            case ast.JoinedStr(values=parts):
                found = _joined("", tuple(self._constant(part) for part in parts))
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                inner = self._constant(value)
                found = None if inner is None else str(inner)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = _joined("", (self._constant(left), self._constant(right)))
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str() as between), attr="join"),
                args=[parts],
                keywords=[],
            ):
                found = _joined(between, self._constant(parts))
            case _:
                pass
        return found


def _joined(between: str, parts: object) -> str | None:
    """Join texts; None where one part is no text."""
    if not isinstance(parts, tuple):
        return None
    found = cast("tuple[object, ...]", parts)
    texts = [part for part in found if isinstance(part, str)]
    return between.join(texts) if len(texts) == len(found) else None
