"""Loads Pulumi's generated SDKs without what only editors and type checkers read.

A rehearsal spends most of its time in the SDKs' own start: some ten thousand classes, each with its types evaluated.
Here their modules are compiled without docstrings, with postponed annotations (PEP 563) and with plain dictionaries for
typed ones, and simple types are worked out once. What a program registers is the same, as
tests/recording/test_light_sdk.py holds. Pulumi itself runs the SDKs as they are.
"""

from __future__ import annotations
import __future__

import os
import re
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import PurePath
from typing import Any
from unittest.mock import patch

from pulumi import _types as types
from pulumi import _utils
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

_SDKS = frozenset({"pulumi_aws", "pulumi_eks", "pulumi_kubernetes", "pulumi_random"})
_TYPED = b"import NotRequired, TypedDict, TypeAlias"
_PLAIN = b"import NotRequired, TypeAlias; TypedDict = dict"
_WITHOUT_DOCSTRINGS = 2
_COMPILED = ".light-2.pyc"
"""Ends the names of the compiled modules, beside the ordinary ones; another way to compile gets another end."""
_SIMPLE = re.compile(
    r"(pulumi\.(Input|Output)|Optional|Sequence|Mapping|Any|(_builtins\.)?(str|int|float|bool)|[\[\], ])*"
)
"""Types that say the same in every module."""
_SDKS_OWN_IS_EMPTY = getattr(_utils, "is_empty_function", lambda _function: False)
_CONSTRUCTORS = 3
"""Constructors that make one resource: `Resource`, `CustomResource` or `ComponentResource`, and its own class."""
_known: dict[str, dict[str, Any]] = {}


@contextmanager
def light_sdk() -> Iterator[None]:
    """Load what is not loaded yet in the light form, and do without what a recording does not keep."""
    sys.path_hooks.insert(0, _finder)
    try:
        # `create`: where a later SDK has neither, nothing is replaced and the rehearsal is only slower.
        with (
            patch.object(types, "get_type_hints", _get_type_hints, create=True),
            patch.object(_utils, "is_empty_function", _is_empty_function, create=True),
            patch.object(resource, "_get_stack_trace", _stack_trace, create=True),
        ):
            yield
    finally:
        sys.path_hooks.remove(_finder)


def _stack_trace() -> source_pb2.StackTrace:
    """As the SDK's own, which also reads every line of source on the way."""
    trace = source_pb2.StackTrace()
    frame, constructors = sys._getframe(1), 0
    while frame is not None:
        if constructors == _CONSTRUCTORS:
            file = PurePath(frame.f_code.co_filename)
            if file.is_absolute():
                position = source_pb2.SourcePosition(uri=file.as_uri(), line=frame.f_lineno)
                trace.frames.append(source_pb2.StackFrame(pc=position))
        elif frame.f_code.co_name == "__init__":
            constructors += 1
        frame = frame.f_back  # type: ignore[assignment] # the outermost has none
    return trace


def _get_type_hints(getter: Any, globalns: dict[str, Any], localns: dict[str, Any]) -> dict[str, Any]:
    """`typing.get_type_hints` of a property, worked out once for all properties of the same simple type."""
    hint = getter.__annotations__.get("return")
    if not (isinstance(hint, str) and _SIMPLE.fullmatch(hint)):
        return typing.get_type_hints(getter, globalns, localns)
    if hint not in _known:
        _known[hint] = typing.get_type_hints(getter, globalns, localns)
    return _known[hint]


def _is_empty_function(function: Any) -> bool:
    """As the SDK's own, which compares byte code; the getters of the generated SDKs are never empty."""
    generated = str(function.__module__).partition(".")[0] in _SDKS
    return not generated and bool(_SDKS_OWN_IS_EMPTY(function))


def _finder(path: str) -> FileFinder:
    # Where the compiled form cannot be kept, compiling would cost more than it saves.
    if _SDKS.isdisjoint(PurePath(path).parts) or not os.access(path, os.W_OK):
        raise ImportError
    return FileFinder(path, (_LightLoader, SOURCE_SUFFIXES))


class _LightLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> Any:
        unwanted, sys.dont_write_bytecode = sys.dont_write_bytecode, False
        try:
            return super().get_code(fullname)
        finally:
            sys.dont_write_bytecode = unwanted

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:  # type: ignore[override]
        flags = __future__.annotations.compiler_flag
        return compile(
            data.replace(_TYPED, _PLAIN), path, "exec", flags, dont_inherit=True, optimize=_WITHOUT_DOCSTRINGS
        )

    def get_data(self, path: str) -> bytes:
        return super().get_data(_named(path))

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        super().set_data(_named(path), data, _mode=_mode)


def _named(path: str) -> str:
    return path.removesuffix(".pyc") + _COMPILED if path.endswith(".pyc") else path
