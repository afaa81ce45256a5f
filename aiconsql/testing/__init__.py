"""What authors of agents and of backends can run: a real PostgreSQL for their tests."""

from __future__ import annotations

from aiconsql.testing.installations import Installation, find_installation, installations
from aiconsql.testing.postgres import Server

__all__ = ["Installation", "Server", "find_installation", "installations"]
