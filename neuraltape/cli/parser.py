"""One command's arguments: dashes or underscores, help without noise, and errors of one line."""

import json
import math
import re
from argparse import SUPPRESS, Action
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, NoReturn, get_type_hints

from jsonargparse import ArgumentParser, DefaultHelpFormatter, Namespace

from neuraltape.cli.errors import UsageError, close_matches
from neuraltape.cli.output import say
from neuraltape.settings.fields import (
    describe,
    field_docs,
    is_list,
    is_number,
    odd_figures,
    value_in,
    without_none,
    words_of,
)


class _Formatter(DefaultHelpFormatter):
    """Help with dashes and defaults, without types: the choices and the sentence say enough."""

    def format_help(self) -> str:
        """Options are shown with dashes."""
        return re.sub(r"--\w+", lambda option: with_dashes(option[0]), super().format_help())

    def _get_help_string(self, action: Action) -> str:
        text = (action.help or "").rstrip(".")
        hidden = action.default is None or action.default is SUPPRESS or action.nargs == 0
        return text if hidden or not action.option_strings else f"{text} (default: %(default)s)"

    def _get_default_metavar_for_optional(self, action: Action) -> str:
        kind = getattr(action, "_typehint", action.type)
        if is_list(kind):
            return "NUMBER ..." if is_number(kind) else "NAME ..."
        return "NUMBER" if without_none(kind) in (int, float) else "TEXT"


class Parser(ArgumentParser):
    """The arguments of one command.

    Args:
        usage: how it is called.
        description: what it does.
    """

    def __init__(self, usage: str, description: str) -> None:
        super().__init__(
            prog="neuraltape",
            usage=usage,
            description=description,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        self._bounds: dict[str, tuple[int, int | None]] = {}

    def add_argument(
        self, *names: str, at_least: int | None = None, below: int | None = None, **options: Any
    ) -> Action | None:
        """Add an option. Its name may have dashes: what a user writes is read with underscores.

        Args:
            names: those of the option.
            at_least: the least number that it takes, in a list too.
            below: what that number must be below.
            options: what jsonargparse takes.
        """
        action = super().add_argument(*(with_underscores(name) for name in names), **options)
        if action is not None and at_least is not None:
            self._bounds[action.dest] = at_least, below
        return action

    def parse(self, argv: Sequence[str]) -> Namespace:
        """The arguments' values. Raises UsageError, for a number beyond its bounds too."""
        words = self._with_lists([with_underscores(word) for word in argv])
        self._check_figures(words)
        values = self.parse_args(words)
        for dest, value in vars(values).items():
            low, below = self._bounds.get(dest, (None, None))
            for each in value if isinstance(value, list | tuple) else [value]:
                if isinstance(each, float) and not math.isfinite(each):
                    raise UsageError(f"{self._name(dest)} must be finite; got {each}")
                if low is not None and each is not None and not low <= each < (math.inf if below is None else below):
                    bound = f"at least {low}" + ("" if below is None else f" and below {below}")
                    raise UsageError(f"{self._name(dest)} must be {bound}; got {each}")
        return values

    def _with_lists(self, words: Sequence[str]) -> list[str]:
        """Words in which a list is one value as YAML writes it: --x a b, --x a,b and --x [a,b] come to the same."""
        found: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            name, sign, value = word.partition("=")
            action = self._option_string_actions.get(name) if name.startswith("--") else None
            kind = getattr(action, "_typehint", None)
            if action is None or action.nargs is not None or not is_list(kind):
                found.append(word)
                continue
            values = [value] if sign else []
            while rest and not sign and not rest[0].startswith("--") and rest[0] != "-h":
                values.append(rest.pop(0))
                if values[0].startswith("["):
                    break
            alone = values[0] if len(values) == 1 else None
            if not values or values[0].startswith("[") or alone in ("null", *words_of(kind)):
                found += [word] if sign else [word, *values]
                continue
            parts = [part.strip() for each in values for part in each.split(",")]
            quoted = parts if is_number(kind) else [json.dumps(part, ensure_ascii=False) for part in parts]
            found.append(f"{name}=[{','.join(quoted)}]")
        return found

    def _check_figures(self, words: Sequence[str]) -> None:
        """Raise UsageError for a number that a reader takes for another one: 0x10 is 16, and 010 is 8, to YAML."""
        action = None
        for word in words:
            name, _, value = word.partition("=") if word.startswith("--") else ("", "", word)
            if name:
                action = self._option_string_actions.get(name)
            kind = getattr(action, "_typehint", None) or getattr(action, "type", None)
            odd = odd_figures(value)
            if odd and action is not None and is_number(kind):
                raise UsageError(f"{self._name(action.dest)} must be {describe(kind)} in decimal figures; got {odd!r}")

    def refuse_others(self, options: Namespace, allowed: Collection[str], why: str) -> None:
        """Raise UsageError for the first option that says something and is none of the allowed ones.

        Args:
            options: what `parse` gave.
            allowed: names, with underscores.
            why: follows the option's name in the message.
        """
        for name, value in vars(options).items():
            if name not in allowed and value != self.get_default(name):
                raise UsageError(f"{self._name(name)} {why}")

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise UsageError with a single line made of the parser's message."""
        raise UsageError(self._explain(message)) from ex

    def print_help(self, file: Any = None) -> None:
        """Help on standard output; what can't be written there is an OSError, which argparse would pass over."""
        say(self.format_help().removesuffix("\n"))

    def _explain(self, message: str) -> str:
        wrong = re.match(r'Parser key "(\w+)"', message)
        if wrong:
            return self._explain_value(wrong[1], message)
        unknown = re.search(r"unrecognized arguments: (\S+)", message, re.IGNORECASE)
        if unknown:
            return self._explain_unknown(unknown[1])
        short = re.match(r"argument (\S+): expected (at least )?one argument", message)
        if short:
            option = with_dashes(short[1])
            action = self._option_string_actions.get(with_underscores(short[1]))
            kind = getattr(action, "_typehint", None)
            minus = f"a value (one that begins with a minus is written {option}=-1)"
            one = "true or false" if kind is bool else minus
            return f"{option} needs {'one or more values' if short[2] else one}"
        missing = re.search(r'(?:Key "(\w+)" is required|arguments are required: (\w+))', message)
        if missing:
            return f"{self._name(missing[1] or missing[2])} is missing; usage: {self.usage}"
        return " ".join(message.split())

    def _explain_value(self, dest: str, message: str) -> str:
        came = value_in(message)
        action = next((each for each in self._actions if each.dest == dest), None)
        kind = getattr(action, "_typehint", None) or getattr(action, "type", None)
        if came is None or kind is None:
            return " ".join(message.split())
        return f"{self._name(dest)} must be {describe(kind)}; got {came!r}"

    def _explain_unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"unexpected argument {word!r}; usage: {self.usage}"
        word = with_dashes(word.partition("=")[0])
        known = [with_dashes(option) for action in self._actions for option in action.option_strings]
        hint = close_matches(word, known) or f"; for the options there are add --help (usage: {self.usage})"
        return f"unknown option {word}{hint}"

    def _name(self, dest: str) -> str:
        """What the user calls an argument."""
        action = next((each for each in self._actions if each.dest == dest), None)
        return dest.upper() if action is None or not action.option_strings else with_dashes(f"--{dest}")


def add_fields(group: Any, part: type, names: Mapping[str, str]) -> None:
    """Make options of fields of a dataclass; the docstring under a field is its help.

    Args:
        group: of a parser.
        part: the dataclass.
        names: what the option of each field is called, with underscores.
    """
    kinds, docs = get_type_hints(part), field_docs(part)
    for field in fields(part):
        if field.name not in names:
            continue
        default = field.default if field.default_factory is MISSING else field.default_factory()
        how: dict[str, Any] = {"required": True} if default is MISSING else {"default": default}
        group.add_argument(f"--{names[field.name]}", type=kinds[field.name], help=docs.get(field.name, ""), **how)


def with_underscores(word: str) -> str:
    """An option's name as the parser knows it: --hidden-size=3 -> --hidden_size=3. Other words stay."""
    name, sign, value = word.partition("=")
    return f"--{name[2:].replace('-', '_')}{sign}{value}" if name.startswith("--") else word


def with_dashes(option: str) -> str:
    """An option's name as the user sees it."""
    return option.replace("_", "-")
