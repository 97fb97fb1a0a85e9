"""Options of saving and loading SavedModels."""

from __future__ import annotations

import enum
from typing import Any


class VariablePolicy(enum.Enum):
    """Says what is saved of variables beside their values: nothing, their devices, or the parts of those of a strategy.

    Each includes what comes before it.
    """

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"

    def _save_variable_devices(self) -> bool:
        return self is not VariablePolicy.NONE

    def _expand_distributed_variables(self) -> bool:
        return self is VariablePolicy.EXPAND_DISTRIBUTED_VARIABLES

    @staticmethod
    def from_obj(obj: Any) -> VariablePolicy:
        """Returns a policy, given as itself, by its value in any case, or None.

        Raises:
          ValueError: there is none of this value.
        """
        if obj is None:
            return VariablePolicy.NONE
        if isinstance(obj, VariablePolicy):
            return obj
        found = next((policy for policy in VariablePolicy if policy.value == str(obj).lower()), None)
        if found is None:
            raise ValueError(f"Received invalid VariablePolicy value: {obj}.")
        return found


class LoadOptions:
    """Options of ``tf.saved_model.load``.

    Args:
      allow_partial_checkpoint: whether variables may lack a value in the SavedModel; they have none then.
      experimental_io_device: the device whose file system is read; kept for TensorFlow's signature.
      experimental_skip_checkpoint: whether no values are restored at all.
      experimental_variable_policy: a `VariablePolicy` or its value: whether variables go to the devices that were
        saved.
      experimental_load_function_aliases: whether what is loaded gets an attribute ``function_aliases``: from each alias
        to the function, or the list of concrete functions, that was saved under it.
      allow_python_functions: whether nodes may call Python functions that this process has made, by the names that they
        have there (``tf.py_function``, ``tf.numpy_function``). TensorFlow always lets them.
    """

    __slots__ = (
        "allow_partial_checkpoint",
        "allow_python_functions",
        "experimental_io_device",
        "experimental_load_function_aliases",
        "experimental_skip_checkpoint",
        "experimental_variable_policy",
    )

    def __init__(
        self,
        allow_partial_checkpoint: bool = False,
        experimental_io_device: str | None = None,
        experimental_skip_checkpoint: bool = False,
        experimental_variable_policy: Any = None,
        experimental_load_function_aliases: bool = False,
        *,
        allow_python_functions: bool = False,
    ) -> None:
        self.allow_partial_checkpoint = allow_partial_checkpoint
        self.experimental_io_device = experimental_io_device
        self.experimental_skip_checkpoint = experimental_skip_checkpoint
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_load_function_aliases = experimental_load_function_aliases
        self.allow_python_functions = allow_python_functions


class SaveOptions:
    """Options of ``tf.saved_model.save``.

    Args:
      namespace_whitelist: the namespaces of operations of one's own (``"Namespace>Op"``) that may be saved; None for
        all.
      save_debug_info: whether to write where in the program each node was made, to ``debug/``.
      function_aliases: by alias, a ``tf.function``, a concrete function, or several of these.
      experimental_debug_stripper: whether to leave out assertions, prints and checks of numbers.
      experimental_io_device: the device whose file system is written; kept for TensorFlow's signature.
      experimental_variable_policy: a `VariablePolicy` or its value.
      experimental_custom_gradients: whether to save the gradients that ``tf.custom_gradient`` defines, as functions.
      experimental_image_format: a format that TensorFlow's own release does not write; an error, as there.
      experimental_skip_saver: whether to leave out the nodes with which programs of TensorFlow 1.x and C++ restore.
      experimental_sharding_callback: how checkpoints are spread over files; a ``ShardingCallback``.
      extra_tags: further tags of the graph.

    Raises:
      TypeError, ValueError: an option cannot be what it is given as.
    """

    __slots__ = (
        "experimental_custom_gradients",
        "experimental_debug_stripper",
        "experimental_image_format",
        "experimental_io_device",
        "experimental_sharding_callback",
        "experimental_skip_saver",
        "experimental_variable_policy",
        "extra_tags",
        "function_aliases",
        "namespace_whitelist",
        "save_debug_info",
    )

    def __init__(
        self,
        namespace_whitelist: list[str] | None = None,
        save_debug_info: bool = False,
        function_aliases: dict[str, Any] | None = None,
        experimental_debug_stripper: bool = False,
        experimental_io_device: str | None = None,
        experimental_variable_policy: Any = None,
        experimental_custom_gradients: bool = True,
        experimental_image_format: bool = False,
        experimental_skip_saver: bool = False,
        experimental_sharding_callback: Any = None,
        extra_tags: Any = None,
    ) -> None:
        self.namespace_whitelist = _checked_whitelist(namespace_whitelist)
        self.save_debug_info = save_debug_info
        self.function_aliases = function_aliases or {}
        self.experimental_debug_stripper = experimental_debug_stripper
        self.experimental_io_device = experimental_io_device
        self.experimental_variable_policy = VariablePolicy.from_obj(experimental_variable_policy)
        self.experimental_custom_gradients = experimental_custom_gradients
        if experimental_image_format:
            raise ValueError("The option `experimental_image_format` is disabled in OSS.")
        self.experimental_image_format = experimental_image_format
        self.experimental_skip_saver = experimental_skip_saver
        self.experimental_sharding_callback = experimental_sharding_callback
        self.extra_tags = extra_tags


def _checked_whitelist(namespaces: Any) -> list[str] | None:
    if namespaces is None:
        return None
    if not isinstance(namespaces, list):
        raise TypeError(
            f"`namespace_whitelist` must be a list of strings. Got: {namespaces} with type {type(namespaces)}."
        )
    for namespace in namespaces:
        if not isinstance(namespace, str):
            raise ValueError(f"Whitelisted namespace must be a string. Got: {namespace} of type {type(namespace)}.")
    return list(namespaces)
