"""The README is true: its examples run, the files it names exist, its commands are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python example of the README runs, in the order of the page."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "readme"}
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    assert len(examples) >= 4
    for number, example in enumerate(examples, 1):
        exec(compile(example, f"README.md, example {number}", "exec"), names)  # noqa: S102 - that is the test


@pytest.mark.parametrize(
    "page", ["README.md", "aiconsql/README.md", "sql/README.md", "migrations/README.md", "tests/README.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page leads to a file."""
    folder = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text())

    missing = [link for link in links if not (folder / link).exists()]

    assert not missing
