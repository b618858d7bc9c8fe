"""Dataclasses from plain values: which keys there are, and values read as the command line reads them."""

import ast
import inspect
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from neuraltape.files import read_whole

# In YAML a name can stand for a list of names that stand for lists, and so on: all that is there when written out.
MOST_VALUES = 1_000_000
# What a task's files hold. A run finds it and keeps it; it is no option that anybody gives.
CONTENTS = "contents"
# Types in words, after "must be".
NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
# Other bases, figures after a leading zero or with underscores, and minutes.
ODD_FIGURES = re.compile(r"[+-]?(0[xobXOB]\w+|0\d+|\d+(:\d+)+|\d+(_\d*)+)(\.\d*)?")


def odd_figures(text: str) -> str | None:
    """The first number in a text of a user's that YAML, or Python, takes for another one than it looks like.

    0x10 is 16 to them, 010 is 8, 1:30 is 90 and 1_0 is 10.
    """
    words = re.split(r"[\[\],\s]+|\.\.", text)
    return next((word for word in words if ODD_FIGURES.fullmatch(word)), None)


def field_names(part: type) -> list[str]:
    """Names of the fields that a file or flag can set."""
    return [each.name for each in fields(part) if each.init]


@cache
def field_docs(part: type) -> Mapping[str, str]:
    """The docstring under each field, those of base classes included."""
    docs: dict[str, str] = {}
    for base in reversed(part.__mro__):
        if base is object or "__annotations__" not in vars(base):
            continue
        (cls,) = ast.parse(dedent(inspect.getsource(base))).body
        assert isinstance(cls, ast.ClassDef)
        for field, after in zip(cls.body, cls.body[1:], strict=False):
            text = after.value if isinstance(after, ast.Expr) else None
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Constant):
                docs[ast.unparse(field.target)] = str(text.value)
    return docs


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The keys and values of a YAML file. Raises ValueError if it isn't one; FileNotFoundError if it is absent."""
    return mapping_in(read_whole(path), str(path))


def mapping_in(data: bytes, name: str) -> dict[str, Any]:
    """The keys and values of YAML that was read, from what is called `name`. Raises ValueError if it is none."""
    try:
        values = yaml.safe_load(data.decode("utf-8"))
        if _size(values, {}) > MOST_VALUES:
            raise ValueError(f"{name} holds more than {MOST_VALUES:,} values, as names stand for others in it")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{name} must hold one `key: value` a line; got {type(values).__name__}")
    return values


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values there are in a value, each counted wherever a name stands for it, itself in itself without end.

    known: sizes by identity.
    """
    if not isinstance(value, dict | list | tuple | set):
        return 1
    if id(value) not in known:
        known[id(value)] = MOST_VALUES + 1
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(value)]


def check_keys(values: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError for the first key that isn't known, with the keys that look like it."""
    known = list(known)
    for key in values:
        if key not in known:
            close = get_close_matches(key, known) or sorted(known)
            raise ValueError(f"unknown key {key!r}; did you mean {' or '.join(close)}?")


def build(part: type, values: Mapping[str, Any]) -> Any:
    """A dataclass from those of the values that are its fields. Raises ValueError for one of a wrong type or range."""
    # The command line's own parser reads the values, so that a file accepts what a flag accepts (1e-3, null, lists).
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(part, as_group=False)
    mine = {key: values[key] for key in field_names(part) if key in values}
    hints = get_type_hints(part)
    try:
        parsed = parser.parse_object(mine)
    except Exception as error:  # argparse.ArgumentError, and TypeError from inside the parser
        raise ValueError(_explained(str(error), hints)) from error
    for key in mine:
        # To the parser, null is an option that was not given.
        if parsed[key] is None and NoneType not in get_args(hints[key]):
            raise ValueError(f"{key} must have a value; got null")
        for each in parsed[key] if isinstance(parsed[key], list | tuple) else [parsed[key]]:
            if isinstance(each, float) and not math.isfinite(each):
                raise ValueError(f"{key} must be finite; got {each}")
    return part(**{key: parsed[key] for key in mine})


def _explained(message: str, hints: Mapping[str, Any]) -> str:
    """The parser's message about a value of a wrong type, in a line of ours."""
    key, came = re.search(r'Parser key "(\w+)"', message), value_in(message)
    if key is None or came is None or key[1] not in hints:
        return " ".join(message.split())
    return f"{key[1]} must be {describe(hints[key[1]])}; got {came!r}"


def value_in(message: str) -> str | None:
    """The value that a message of the parser is about; of a type of several parts it speaks of each, and then of it."""
    came = re.match(r".*(?:Got|Given) value: (.*)", message, re.DOTALL)
    return None if came is None else " ".join(came[1].split())


def plain(value: Any) -> Any:
    """A value as YAML and JSON hold it."""
    return [plain(each) for each in value] if isinstance(value, tuple | list) else value


def describe(kind: Any) -> str:
    """A type in words, after "must be"."""
    if get_origin(kind) in (Union, UnionType):
        parts = [describe(part) for part in get_args(kind) if part is not NoneType]
        return " or ".join([*parts, "null"] if NoneType in get_args(kind) else parts)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if is_list(kind):
        return "numbers such as 1 2 3 or [1,2,3]" if is_number(kind) else "names such as a b or [a,b]"
    return NAMES.get(kind, getattr(kind, "__name__", str(kind)))


def is_number(kind: Any) -> bool:
    """Whether a type is of numbers, or of lists of them."""
    return kind in (int, float) or (get_origin(kind) is not Literal and any(map(is_number, get_args(kind))))


def without_none(kind: Any) -> Any:
    """What a type is of which None is one; others as they are."""
    parts = [part for part in get_args(kind) if part is not NoneType]
    return parts[0] if NoneType in get_args(kind) and len(parts) == 1 else kind


def is_list(kind: Any) -> bool:
    """Whether a type is a list or a tuple, or may be one."""
    union = get_origin(kind) in (Union, UnionType)
    return any(map(is_list, get_args(kind))) if union else get_origin(kind) in (list, tuple)


def words_of(kind: Any) -> tuple[Any, ...]:
    """The words that a type allows beside what else it may be."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    union = get_origin(kind) in (Union, UnionType)
    return tuple(word for part in get_args(kind) for word in words_of(part)) if union else ()
