"""`python -m tests.servers.others` prints the versions of PostgreSQL beside the one that tests run on by default."""

from __future__ import annotations

from aiconsql.testing import installations
from tests.servers.choice import choose

if __name__ == "__main__":
    found = installations()
    used = {one.major for one in choose(found, None)}
    print(*sorted({one.major for one in found} - used))
