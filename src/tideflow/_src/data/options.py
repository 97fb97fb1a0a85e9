"""The options of a pipeline: ``tf.data.Options`` and its parts."""

from __future__ import annotations

import enum
from typing import Any

from tideflow._src.ops.data import options_message


class AutotuneAlgorithm(enum.Enum):
    """Names the ways in which TensorFlow tunes a pipeline while it runs. Tideflow does not tune: it needs no choice."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


class AutoShardPolicy(enum.IntEnum):
    """Says how a distributed dataset is divided among workers."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class ExternalStatePolicy(enum.Enum):
    """Says what to do when a pipeline with state outside of it is saved."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


#: The field of ``AutoShardPolicy.OFF`` in messages.
_OFF = 4


class _Options:
    """Is a set of options; what was not said is None.

    ``_fields`` has, for each option, its field in messages, the type that it must be of, and its value if not said.
    """

    _fields: dict[str, tuple[int, Any, Any]] = {}

    def __init__(self) -> None:
        values = {}
        for name, (_, kind, default) in self._fields.items():
            values[name] = kind() if isinstance(kind, type) and issubclass(kind, _Options) else default
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_said", set())

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        kind = self._fields[name][1]
        if value is not None and not isinstance(value, kind):
            wanted = kind.__name__ if isinstance(kind, type) else kind
            raise TypeError(f"Property {name!r} must be of type {wanted}, got: {value!r} of type {type(value)}.")
        self._values[name] = value
        self._said.add(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._fields})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values == other._values

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def _set_fields(self) -> options_message.Fields:
        found: options_message.Fields = {}
        for name, (field, _, default) in self._fields.items():
            value = self._values[name]
            if isinstance(value, _Options):
                found[field] = value._set_fields()
            elif value is not None and (name in self._said or value != default):
                found[field] = _as_field(value)
        return found

    def _read_fields(self, fields: options_message.Fields) -> None:
        for name, (field, kind, _) in self._fields.items():
            if field not in fields:
                continue
            value = fields[field]
            if isinstance(self._values[name], _Options):
                self._values[name]._read_fields(value)
            else:
                self._values[name] = _from_field(value, kind)
                self._said.add(name)

    def merge(self, options: Any) -> Any:
        """Returns these options with those that others say in their place."""
        if type(options) is not type(self):
            raise TypeError(f"Options of class {type(self).__name__} cannot be merged with {options!r}.")
        merged = type(self)()
        for source in (self, options):
            merged._read_fields(source._set_fields())
        return merged


def _as_field(value: Any) -> Any:
    if isinstance(value, AutoShardPolicy):
        return _OFF if value is AutoShardPolicy.OFF else int(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [item.encode() for item in value]
    return int(value)


def _from_field(value: Any, kind: Any) -> Any:
    if kind is AutoShardPolicy:
        return AutoShardPolicy.OFF if value == _OFF else AutoShardPolicy(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [item.decode() for item in value]
    return kind(value)


class AutotuneOptions(_Options):
    """Is what TensorFlow's tuning of a pipeline may do; kept and passed on."""

    _fields = {
        "enabled": (1, bool, None),
        "cpu_budget": (2, int, None),
        "ram_budget": (3, int, None),
        "autotune_algorithm": (4, AutotuneAlgorithm, None),
        "initial_parallelism": (5, int, None),
        "min_parallelism": (6, int, None),
    }


class DistributeOptions(_Options):
    """Says how a dataset is divided among workers."""

    _fields = {"auto_shard_policy": (1, AutoShardPolicy, AutoShardPolicy.AUTO), "num_devices": (2, int, None)}


class OptimizationOptions(_Options):
    """Says which rewritings TensorFlow may apply to a pipeline; elements do not depend on them."""

    _fields = {
        "apply_default_optimizations": (1, bool, None),
        "filter_fusion": (6, bool, None),
        "map_and_batch_fusion": (9, bool, None),
        "map_and_filter_fusion": (10, bool, None),
        "map_fusion": (11, bool, None),
        "map_parallelization": (12, bool, None),
        "noop_elimination": (14, bool, None),
        "parallel_batch": (15, bool, None),
        "shuffle_and_repeat_fusion": (17, bool, None),
        "filter_parallelization": (18, bool, None),
        "inject_prefetch": (19, bool, None),
        "seq_interleave_prefetch": (21, bool, None),
    }


class ServiceOptions(_Options):
    """Says how TensorFlow's service for datasets keeps elements."""

    _fields = {"pinned": (1, bool, None)}


class ThreadingOptions(_Options):
    """Says how many threads a pipeline has."""

    _fields = {"max_intra_op_parallelism": (1, int, None), "private_threadpool_size": (2, int, None)}


class Options(_Options):
    """Is what is said of how a pipeline runs; given to ``Dataset.with_options``.

    ``deterministic`` says whether parallel stages keep the order of elements (they do unless it is False);
    ``threading.private_threadpool_size`` how many threads a stage has that leaves the choice open. The other
    options are kept and passed on: they steer how TensorFlow rewrites and tunes a pipeline.

    >>> options = Options()
    >>> options.deterministic = False
    >>> options.threading.private_threadpool_size = 4
    """

    _fields = {
        "deterministic": (options_message.DETERMINISTIC, bool, None),
        "experimental_distribute": (options_message.DISTRIBUTE, DistributeOptions, None),
        "experimental_optimization": (options_message.OPTIMIZATION, OptimizationOptions, None),
        "experimental_slack": (options_message.SLACK, bool, None),
        "threading": (options_message.THREADING, ThreadingOptions, None),
        "experimental_external_state_policy": (options_message.EXTERNAL_STATE, ExternalStatePolicy, None),
        "autotune": (options_message.AUTOTUNE, AutotuneOptions, None),
        "experimental_symbolic_checkpoint": (options_message.SYMBOLIC_CHECKPOINT, bool, None),
        "experimental_warm_start": (options_message.WARM_START, bool, None),
        "dataset_name": (options_message.NAME, str, None),
        "framework_type": (options_message.FRAMEWORKS, list, None),
        "experimental_service": (options_message.SERVICE, ServiceOptions, None),
    }
    #: Older names.
    _aliases = {"experimental_deterministic": "deterministic", "experimental_threading": "threading"}

    def __getattr__(self, name: str) -> Any:
        return super().__getattr__(self._aliases.get(name, name))

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(self._aliases.get(name, name), value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._aliases})

    def _serialized(self) -> bytes:
        return options_message.write(self._set_fields())

    @classmethod
    def _deserialized(cls, message: bytes) -> Options:
        options = cls()
        options._read_fields(options_message.read(message))
        return options
