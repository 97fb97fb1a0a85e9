"""Compares the table of private names with what TensorFlow's modules hold."""

from __future__ import annotations

import pathlib

from tideflow._src.compat import private_names

from .oracle import Oracle


def test_the_table_is_current(oracle: Oracle) -> None:
    wanted = oracle.ask("private_name_table").splitlines()
    found = pathlib.Path(private_names.__file__).with_suffix(".txt").read_text("utf-8").splitlines()
    differences = sorted(set(wanted).symmetric_difference(found))
    assert differences == [], "run `make private-names`"
    assert found == wanted
