"""Which pool serves which database: the one place that chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiconsql.engine import migrations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aiconsql.engine.dialect.url import Target
    from aiconsql.settings import Settings


def blocking_pool(target: Target, settings: Settings) -> Any:
    """Connections for threads."""
    if target.dialect == "sqlite":
        from .sqlite_files import LiteFile

        return LiteFile(target, settings.synchronous)
    from .postgresql_pools import BlockingPool

    return BlockingPool(target)


def awaiting_pool(target: Target, settings: Settings) -> Any:
    """Connections for the tasks of the running event loop."""
    if target.dialect == "sqlite":
        from .sqlite_threads import ThreadedFile

        return ThreadedFile(blocking_pool(target, settings))
    from .postgresql_pools import AwaitingPool

    return AwaitingPool(target)


def migrates_by_itself(target: Target) -> bool:
    """Whether connecting migrates unless told otherwise: a file has one program, a server may have many."""
    return target.dialect == "sqlite"


def migrate(target: Target, pool: Any, *, app_role: str | None, folders: Sequence[Path] = ()) -> list[str]:
    """Apply what is pending; the ids that were applied. A database in memory lives in the pool's connection."""
    if target.dialect == "sqlite" and target.path is None:
        from .migrate_sqlite import migrate_connection

        with pool.connection() as connection:
            return migrate_connection(connection, folders=folders)
    return migrations.bring_up_to_date(target, app_role=app_role, folders=folders)


async def amigrate(target: Target, pool: Any, *, app_role: str | None) -> list[str]:
    """As `migrate`, in a thread."""
    import asyncio

    return await asyncio.to_thread(migrate, target, getattr(pool, "file", pool), app_role=app_role)
