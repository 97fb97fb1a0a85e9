"""Compares the table of private names with what TensorFlow's modules hold."""

from __future__ import annotations

import pathlib

from tideflow._src.compat import private_names

from .oracle import from_environment


def test_the_table_is_current() -> None:
    # Reading the table loads modules that add TensorFlow's test operations, which other tests are not to find.
    with from_environment() as oracle:
        wanted = oracle.ask("private_name_table").splitlines()
    found = pathlib.Path(private_names.__file__).with_suffix(".txt").read_text("utf-8").splitlines()
    differences = sorted(set(wanted).symmetric_difference(found))
    assert differences == [], "run `make private-names`"
    assert found == wanted
