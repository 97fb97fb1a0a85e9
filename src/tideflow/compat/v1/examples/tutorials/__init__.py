"""The tutorials' own modules."""

from __future__ import annotations

from tideflow.compat.v1.examples.tutorials import mnist as mnist
