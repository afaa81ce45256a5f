"""Get the servers that no Python package brings: `python -m tests.servers.install` says what it did, or why not.

PgBouncer comes from apt, unpacked into a cache directory of our own: nothing is installed on the machine (the package
would start a service), and an ordinary user can do it as well as root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from aiconsql.errors import AiconsqlError, Unavailable
from aiconsql.testing.machine import cache_directory, remove

_PLACES = ("/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer")


def find_pgbouncer() -> Path | None:
    """Where PgBouncer is: AICONSQL_PGBOUNCER, the PATH, the usual places, our cache; None when nowhere."""
    named = os.environ.get("AICONSQL_PGBOUNCER") or shutil.which("pgbouncer")
    places = [named, *_PLACES, _cache() / "usr/sbin/pgbouncer"]
    return next((Path(place).absolute() for place in places if place and os.access(place, os.X_OK)), None)


def library_path(binary: Path) -> dict[str, str]:
    """The environment in which a PgBouncer of our cache finds the libraries that were unpacked beside it."""
    if not binary.is_relative_to(_cache()):
        return {}
    folders = {str(path.parent) for path in _cache().rglob("*.so*")}
    return {"LD_LIBRARY_PATH": ":".join(sorted(folders))} if folders else {}


def fetch_pgbouncer() -> Path:
    """Unpack PgBouncer, and the libraries this machine lacks for it, into the cache; returns where it is.

    Raises:
        Unavailable: there is no apt here, or it failed.

    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Unavailable("no apt on this machine", hint="install pgbouncer, or name it with AICONSQL_PGBOUNCER")
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=cache_directory()))
    try:
        _download(building / "apt")
        for package in sorted((building / "apt/cache/archives").glob("*.deb")):
            _run("dpkg-deb", "-x", package, building / "root")
        (building / "root").chmod(0o755)
        _publish(building / "root", _cache())
    finally:
        remove(building)
    return _cache() / "usr/sbin/pgbouncer"


def _cache() -> Path:
    return cache_directory() / "pgbouncer"


def _download(apt: Path) -> None:
    # The state and the cache are our own; only the list of what is installed is the machine's.
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    places = {"Dir::State": apt / "state", "Dir::State::status": "/var/lib/dpkg/status", "Dir::Cache": apt / "cache"}
    # apt as root would give up its rights for an account that cannot write here.
    settings = {**places, "Debug::NoLocking": "1", "APT::Sandbox::User": "", "Acquire::Retries": "2"}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    _run("apt-get", *options, "update")
    _run("apt-get", *options, "install", "--yes", "--download-only", "--no-install-recommends", "pgbouncer")


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{command[0]} {command[-1]}: exit {done.returncode}: {' / '.join(said[-3:])}")


def _publish(built: Path, target: Path) -> None:
    try:
        built.rename(target)
    except OSError:
        if not (target / "usr/sbin/pgbouncer").exists():
            raise
        # Another process was quicker.


def main() -> int:
    """Always 0: tests that need what cannot be had are skipped and say so."""
    try:
        binary = find_pgbouncer()
        print(f"pgbouncer: {binary}" if binary else f"pgbouncer: unpacked {fetch_pgbouncer()}")
    except (AiconsqlError, OSError) as error:
        print(f"pgbouncer: not here, and not to be had: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
