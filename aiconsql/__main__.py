"""`python -m aiconsql` is the command aiconsql."""

from __future__ import annotations

import sys

from aiconsql.cli import main

sys.exit(main())
