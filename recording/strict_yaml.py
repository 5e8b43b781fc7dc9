"""Reads the YAML of a project or stack file, and refuses whatever two readers of YAML could understand differently.

The engine reads these files with a YAML 1.2 reader in Go, Python's own is one of YAML 1.1: `yes`, `012`, `1_000` and
`2026-01-01` differ between them. A key that is given twice, a tag, an alias or a second document is refused as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

DEEPEST = 12
"""Levels of nesting that a settings file may have."""
LONGEST_SHOWN = 60
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"|~|null|Null|NULL"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"-?(0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}"), float),
)
"""What an unquoted word means to every reader, by its form; everything else is text."""
AMBIGUOUS = re.compile(
    r"(?i)y|yes|n|no|on|off"  # booleans to one reader
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])*(\.[0-9_]*)?"  # octal, sexagesimal, long or grouped numbers
    r"|[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)(e[-+]?[0-9]+)?|[-+]?\.(inf|nan)|[-+]?0[xob][0-9a-f_]+"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t ].*)?|=|<<"  # moments, and YAML's own signs
)


class YamlError(ValueError):
    """The text cannot be used; the message is one sentence that begins with the line."""

    def __init__(self, mark: Any, sentence: str, key: str = "") -> None:
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        super().__init__(f"{where}{f'{key}: ' if key else ''}{sentence}")


def read_yaml(text: str) -> Any:
    """The one document of `text` as plain Python data; None when it is empty.

    Raises:
        YamlError: when it is not YAML, or when readers would differ about it.
    """
    try:
        return _document(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        raise YamlError(getattr(error, "problem_mark", None), f"{problem}; correct the YAML at that place") from None
    except RecursionError:
        raise YamlError(None, f"it is nested too deeply; allowed: {DEEPEST} levels; write it flat") from None


def _document(events: Iterator[yaml.Event]) -> Any:
    content, documents = None, 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlError(event.start_mark, "a second document begins; allowed: one; remove the line ---")
            content = _value(next(events), events)
    return content


def _value(event: yaml.Event, events: Iterator[yaml.Event], depth: int = 0, key: str = "") -> Any:
    mark = event.start_mark
    if depth > DEEPEST:
        raise YamlError(mark, f"it is nested too deeply; allowed: {DEEPEST} levels; write it flat", key)
    if isinstance(event, yaml.AliasEvent):
        raise YamlError(mark, f"the alias *{event.anchor} is not allowed; write the value itself", key)
    tag = getattr(event, "tag", None)
    known = {yaml.ScalarEvent: "str", yaml.SequenceStartEvent: "seq", yaml.MappingStartEvent: "map"}
    if tag not in (None, "!", f"tag:yaml.org,2002:{known.get(type(event))}"):
        name = str(tag).replace("tag:yaml.org,2002:", "!!")
        raise YamlError(mark, f"the tag {name[:LONGEST_SHOWN]} is not allowed; write plain YAML without it", key)
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(item, events, depth + 1, key) for item in _until(yaml.SequenceEndEvent, events)]
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, depth)
    return _scalar(event, key)


def _until(end: type[yaml.Event], events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    while not isinstance(event := next(events), end):
        yield event


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for event in _until(yaml.MappingEndEvent, events):
        mark: Any = event.start_mark
        key = _value(event, events, depth + 1)
        if not isinstance(key, str):
            raise YamlError(mark, f"the key {_short(key)} is no text; allowed: a name; put it in quotes or correct it")
        if key in found:
            raise YamlError(mark, f"{_short(key)} is given again (first in line {lines[key]}); remove one of the two")
        lines[key] = mark.line + 1
        found[key] = _value(next(events), events, depth + 1, key if len(key) <= LONGEST_SHOWN else "")
    return found


def _scalar(event: Any, key: str) -> Any:
    text = str(event.value)
    if not event.implicit[0]:  # quoted, a block, or tagged as text
        return text
    for form, meaning in PLAIN:
        if form.fullmatch(text):
            return meaning(text)
    if AMBIGUOUS.fullmatch(text):
        raise YamlError(
            event.start_mark,
            f"{_short(text)} without quotes means one thing to one reader of YAML and another to the next; put it in "
            "quotes, or write true, false or a plain number",
            key,
        )
    return text


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
