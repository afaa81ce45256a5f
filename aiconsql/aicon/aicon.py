"""The AIcon itself: a mutable object that knows what of it is stored already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiconsql.codec.paths import refused
from aiconsql.codec.values import inline, text
from aiconsql.engine.ids import new_id

from . import parts
from .parts import Factor, RunStats, Sensor, Update

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .image import Doubt, Saved

LATEST_UPDATES = 100  # how many updates an object carries; `db.aicons.updates` reads the rest


class AIcon:
    """An agent that outlives its process.

    `config`, `state`, `metadata` and `brain` take any nested mixture of plain values and numpy arrays, which
    come back bit by bit. `factors` and `sensors` are dicts by name. Change them freely: a save sends only what
    changed. `version` is the stored version, 0 until the first save; `created_at` is stored by the first save.
    """

    def __init__(
        self, name: str, aicon_type: str = "base", capabilities: Iterable[str] = (), *, id: str | None = None
    ) -> None:
        if isinstance(capabilities, str):
            raise refused("$.capabilities", "a text is no list of capabilities", "use [text]")
        self.id = id if id is not None else new_id()
        self.name = name
        self.aicon_type = aicon_type
        self.capabilities = list(capabilities)
        self.config: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.factors: dict[str, Factor] = {}
        self.sensors: dict[str, Sensor] = {}
        self.brain: dict[str, Any] = {}
        self.run_stats = RunStats()
        self.created_at = datetime.now(UTC)
        self.last_updated: datetime | None = None
        self._saved: Saved | None = None
        self._doubt: Doubt | None = None
        self._new_updates: list[Update] = []

    @property
    def version(self) -> int:
        """The stored version this object was loaded or saved with; 0 when it never was."""
        return self._saved.version if self._saved else 0

    def add_factor_continuous(self, name: str, value: float, **options: Any) -> Factor:
        """Add or replace a factor; options: uncertainty=0.1, lower_bound, upper_bound, distribution, samples."""
        return self._add(parts.continuous(name, value, **options))

    def add_factor_categorical(self, name: str, value: Any, **options: Any) -> Factor:
        """Add or replace a factor; options: categories, probabilities, distribution, samples."""
        return self._add(parts.categorical(name, value, **options))

    def add_factor_discrete(self, name: str, value: int, **options: Any) -> Factor:
        """Add or replace a factor; options: min_value=0, max_value, distribution, samples."""
        return self._add(parts.discrete(name, value, **options))

    def _add(self, factor: Factor) -> Factor:
        self.factors[factor.name] = factor
        return factor

    def add_sensor(self, name: str, sensor_type: str = "sensor", **configuration: Any) -> Sensor:
        """Add or replace a sensor; the keywords are its configuration."""
        self.sensors[name] = sensor = Sensor(name, sensor_type, configuration)
        return sensor

    def record_update(
        self,
        source: str = "manual",
        success: bool = True,  # noqa: FBT001, FBT002 - the seed's signature
        metadata: dict[str, Any] | None = None,
    ) -> Update:
        """Count an iteration and remember who made it; it is stored with the next save.

        Raises:
            InvalidValue: the source or the metadata cannot be stored; nothing is counted.
        """
        inline(metadata, "$.updates.metadata")
        update = Update(datetime.now(UTC), text(source, "$.updates.source"), bool(success), metadata)
        stats = self.run_stats
        stats.iterations += 1
        stats.start_time = stats.start_time or update.time
        stats.last_update_time = update.time
        stats.updates = [*stats.updates, update][-LATEST_UPDATES:]
        self._new_updates.append(update)
        return update

    def __repr__(self) -> str:
        return (
            f"<AIcon {self.name!r} {self.aicon_type} id={self.id} version={self.version} "
            f"factors={len(self.factors)} iterations={self.run_stats.iterations}>"
        )
