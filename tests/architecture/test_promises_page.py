"""docs/promises.md lists every promise with the test that proves it, or says "not yet"."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMISES = [f"{letter}{n}" for letter, last in (("A", 13), ("B", 7), ("C", 5), ("D", 4), ("E", 7), ("F", 4)) for n in range(1, last + 1)]
ROW = re.compile(r"^\| ([A-F]\d+) \| .*? \| (.+?) \|$", re.MULTILINE)


def rows() -> dict[str, str]:
    return dict(ROW.findall((ROOT / "docs/promises.md").read_text()))


def test_it_lists_every_promise() -> None:
    assert sorted(rows()) == sorted(PROMISES)


def test_it_names_only_tests_that_exist() -> None:
    for promise, proof in rows().items():
        named = re.findall(r"`(tests/[^`:]+)::([^`]+)`", proof)
        assert named or proof.startswith("not yet"), f"{promise}: neither a test nor 'not yet'"
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(), f"{promise}: {path}::{name} does not exist"
        assert len(set(named)) == len(named), f"{promise} names a test twice"
