"""An answer that lives in another process, for the checks: it is called, raises and prints as if it were here."""

from __future__ import annotations

import builtins
import linecache
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, NamedTuple

_KEPT_AS_THEY_ARE = ("TypeError", "AttributeError", "NotImplementedError", "SystemExit", "KeyboardInterrupt")

_OTHER_KINDS = (Parameter.VAR_POSITIONAL, Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)


class Raised(NamedTuple):
    """An exception in the other process. kinds: its built-in classes; line: of the answer's source, from 1."""

    name: str
    kinds: tuple[str, ...]
    text: str
    line: int | None


class RemoteAnswer:
    """Takes the arguments by position to `call`, which gives the returned value, or `Raised`.

    source: of the answer, whose lines an error shows. parameters: name, kind and whether it has a default, as of
    inspect.Parameter; None if they are not known.
    """

    def __init__(
        self, call: Callable[[tuple[Any, ...]], Any], *, source: str, parameters: list[list[Any]] | None
    ) -> None:
        self._call = call
        self._source = source
        if parameters is not None:
            self.__signature__ = Signature([_parameter(*parts) for parts in parameters])

    def __call__(self, *args: Any) -> Any:
        """What the answer returns; raises what it raised."""
        returned = self._call(args)
        if isinstance(returned, Raised):
            raise_again(returned, self._source)
        return returned


def _parameter(name: str, kind: int, has_default: bool) -> Parameter:
    kinds = {int(one): one for one in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, *_OTHER_KINDS)}
    return Parameter(name, kinds[kind], default=None if has_default else Parameter.empty)


def raise_again(raised: Raised, source: str) -> None:
    """Raises an exception of that name and text, whose traceback ends in that line of the source."""
    known = next((name for name in raised.kinds if name in _KEPT_AS_THEY_ARE), "Exception")
    base = getattr(builtins, known)
    kind = base if raised.name == known else type(raised.name, (base,), {})
    lines = source.splitlines(keepends=True)
    number = raised.line if raised.line is not None and 0 < raised.line <= len(lines) else 0
    if not number:
        raise kind(raised.text)
    file = "<answer>"
    linecache.cache[file] = (len(source), None, lines, file)
    exec(compile("\n" * (number - 1) + "raise error", file, "exec"), {"error": kind(raised.text)})
