"""A package index on loopback, with wheels that are made here."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def write_wheel(
    folder: Path, name: str, version: str, requires: Sequence[str] = (), extras: Sequence[str] = ()
) -> Path:
    """Write the wheel of a package without modules into the index's `folder`, and return its path."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras] + [f"Requires-Dist: {one}" for one in requires]
    information = f"{name}-{version}.dist-info"
    files = {
        f"{information}/METADATA": "\n".join([*lines, "", ""]).encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    return _write(folder / name / f"{name}-{version}-py3-none-any.whl", information, files)


def write_installed(folder: Path, name: str) -> Path:
    """Write the wheel of a package that is installed here, its scripts among it, and return its path."""
    found = importlib.metadata.distribution(name)
    information = f"{name}-{found.version}.dist-info"
    [tag] = [line.partition(": ")[2] for line in (found.read_text("WHEEL") or "").splitlines() if line[:4] == "Tag:"][
        :1
    ]
    files = {}
    for file in found.files or []:
        path = file.as_posix()
        if path.startswith("../"):
            path = f"{name}-{found.version}.data/scripts/{file.name}"
        if file.suffix != ".pyc" and file.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            files[path] = Path(str(file.locate())).read_bytes()
    return _write(folder / name / f"{name}-{found.version}-{tag}.whl", information, files)


def _write(wheel: Path, information: str, files: dict[str, bytes]) -> Path:
    wheel.parent.mkdir(parents=True, exist_ok=True)
    record = ""
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            member = zipfile.ZipInfo(path)
            member.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            archive.writestr(member, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(content)}\n"
        archive.writestr(f"{information}/RECORD", f"{record}{information}/RECORD,,\n")
    return wheel


def pinned(wheel: Path) -> str:
    """Return the line of a lock that allows this wheel and no other file."""
    name, version, *_ = wheel.name.split("-")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


class _Index(SimpleHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:  # the base class's name
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Say nothing; `asked` keeps it."""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve `folder`, a directory per package, as an index; gives its address and the paths asked for so far."""
    asked: list[str] = []
    handler = type("Index", (_Index,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
