"""``tensorflow.python.autograph.core.converter``: the options of a conversion."""

from __future__ import annotations

from typing import Any

from tideflow._src.compat.private.pyct import transformer
from tideflow._src.function.autograph.features import Feature as Feature


class ConversionOptions:
    """Is what a conversion is asked for.

    Attributes:
      recursive: whether what is called is converted, too.
      user_requested: whether a program asked for this very function.
      optional_features: the features that are on.
      internal_convert_user_code: whether functions of programs are converted.
    """

    def __init__(
        self,
        recursive: bool = False,
        user_requested: bool = False,
        internal_convert_user_code: bool = True,
        optional_features: Any = Feature.ALL,
    ) -> None:
        features = optional_features or ()
        self.recursive = recursive
        self.user_requested = user_requested
        self.internal_convert_user_code = internal_convert_user_code
        self.optional_features = frozenset(features if isinstance(features, list | tuple | set) else (features,))

    def as_tuple(self) -> tuple[Any, ...]:
        """Returns the options in order, to compare them."""
        return self.recursive, self.user_requested, self.internal_convert_user_code, self.optional_features

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConversionOptions) and self.as_tuple() == other.as_tuple()

    def __hash__(self) -> int:
        return hash(self.as_tuple())

    def uses(self, feature: Feature) -> bool:
        """Tells whether a feature is on."""
        return Feature.ALL in self.optional_features or feature in self.optional_features

    def call_options(self) -> ConversionOptions:
        """Returns the options for what a converted function calls."""
        return ConversionOptions(self.recursive, False, self.recursive, tuple(self.optional_features))


class ProgramContext:
    """Is what goes with the conversion of a program.

    Attributes:
      options: what it is asked for.
      autograph_module: kept for TensorFlow's signature.
    """

    def __init__(self, options: ConversionOptions, autograph_module: Any = None) -> None:
        self.options = options
        self.autograph_module = autograph_module


class Base(transformer.Base):
    """Rewrites a function as a conversion does."""
