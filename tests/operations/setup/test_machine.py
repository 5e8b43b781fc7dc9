"""A machine for which packages would have to be compiled is refused in one sentence, before anything is made."""

import platform
import sys

import pytest

from operations.setup import Refusal
from operations.setup.machine import check_machine


@pytest.mark.parametrize(
    ("system", "processor", "library", "refused"),
    [
        ("linux", "x86_64", ("glibc", "2.28"), None),
        ("linux", "aarch64", ("glibc", "2.41"), None),
        ("darwin", "arm64", ("", ""), None),
        ("darwin", "x86_64", ("", ""), "darwin on x86_64"),
        ("linux", "armv7l", ("glibc", "2.36"), "linux on armv7l"),
        ("win32", "AMD64", ("", ""), "win32 on AMD64"),
        ("linux", "x86_64", ("", ""), "a Linux without glibc"),
        ("linux", "x86_64", ("glibc", "2.17"), "glibc 2.17"),
    ],
)
def test_a_machine_is_taken_or_refused_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, system: str, processor: str, library: tuple[str, str], refused: str | None
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    if refused is None:
        check_machine()
    else:
        sentence = (
            rf"^no packages are published for {refused}.*; allowed: Linux on x86_64.*; set up in a Linux container"
        )
        with pytest.raises(Refusal, match=sentence):
            check_machine()
