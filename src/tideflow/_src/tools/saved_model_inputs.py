"""The inputs that ``saved_model_cli run`` gets: from files, as literals, and as ``tf.train.Example`` messages."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.ops.files import file_system

_WITH_NAME = re.compile(r"([^=]+)=([^\[\]]+)\[([^\[\]]+)\]$")
_WITHOUT_NAME = re.compile(r"([^=]+)=([^\[\]]+)$")


def preprocess_inputs_arg_string(inputs_str: str) -> dict[str, tuple[str, str | None]]:
    """Returns the file, and the name in it or None, of each input of ``x=file.npz[name];y=file.npy``.

    Raises:
      RuntimeError: an input is written otherwise.
    """
    found: dict[str, tuple[str, str | None]] = {}
    for text in filter(None, inputs_str.split(";")):
        if match := _WITH_NAME.match(text):
            found[match[1]] = match[2], match[3]
        elif match := _WITHOUT_NAME.match(text):
            found[match[1]] = match[2], None
        else:
            raise RuntimeError(
                f'--inputs "{text}" format is incorrect. Please follow"<input_key>=<filename>", or'
                '"<input_key>=<filename>[<variable_name>]"'
            )
    return found


def preprocess_input_exprs_arg_string(input_exprs_str: str, safe: bool = True) -> dict[str, Any]:
    """Returns the value of each input of ``x=[1, 2];y="text"``, which are Python literals.

    Args:
      input_exprs_str: the inputs.
      safe: kept for TensorFlow's signature; nothing but literals is ever evaluated.

    Raises:
      RuntimeError: an input is written otherwise, or is no literal.
      ValueError: `safe` is False.
    """
    if not safe:
        raise ValueError("Only Python literals are evaluated: write other values to a .npy file and use --inputs.")
    found = {}
    for text in filter(None, input_exprs_str.split(";")):
        name, equals, expression = text.partition("=")
        if not equals:
            raise RuntimeError(
                f'--input_exprs "{input_exprs_str}" format is incorrect. Please follow"<input_key>=<python expression>"'
            )
        try:
            found[name] = ast.literal_eval(expression)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise RuntimeError(f'Expression "{expression}" is not a valid python literal.') from None
    return found


def preprocess_input_examples_arg_string(input_examples_str: str) -> dict[str, list[bytes]]:
    """Returns the serialized examples of each input of ``x=[{"id": [1], "weight": [0.5]}]``.

    Raises:
      RuntimeError: an input is written otherwise.
      ValueError: an input is no list of dicts of lists of numbers or strings.
    """
    found = {}
    for name, examples in preprocess_input_exprs_arg_string(input_examples_str).items():
        if not isinstance(examples, list):
            raise ValueError(f'tf.Example input must be a list of dictionaries, but "{examples}" is {type(examples)}')
        found[name] = [_example(each) for each in examples]
    return found


def _example(features: Any) -> bytes:
    if not isinstance(features, dict):
        raise ValueError(f'tf.Example input must be a list of dictionaries, but it holds "{features}"')
    example = protos.get("Example")()
    for name, values in features.items():
        if not isinstance(values, list):
            raise ValueError(f'feature value must be a list, but {name}: "{values}" is {type(values)}')
        if not values:
            raise ValueError(f"The feature {name} has no values, so that nothing says of which kind they are.")
        feature = example.features.feature[name]
        first = values[0]
        try:
            if isinstance(first, float):
                feature.float_list.value.extend(values)
            elif isinstance(first, str):
                feature.bytes_list.value.extend([each.encode() for each in values])
            elif isinstance(first, bytes):
                feature.bytes_list.value.extend(values)
            elif isinstance(first, int):
                feature.int64_list.value.extend(values)
            else:
                raise ValueError(f"Type {type(first)} for value {first} is not supported for tf.train.Feature.")
        except (TypeError, AttributeError):
            raise ValueError(f"The values {values} of the feature {name} are not of one kind.") from None
    return bytes(example.SerializeToString())


def load_inputs_from_input_arg_string(inputs_str: str, input_exprs_str: str, input_examples_str: str) -> dict[str, Any]:
    """Returns the inputs that the three options give; the later ones go before the earlier ones.

    Raises:
      OpError: a file does not exist.
      RuntimeError: an option is written otherwise, or a file does not hold what is named.
      ValueError: an example cannot be made.
    """
    files = preprocess_inputs_arg_string(inputs_str)
    literals = preprocess_input_exprs_arg_string(input_exprs_str)
    examples = preprocess_input_examples_arg_string(input_examples_str)
    found = {key: _loaded(path, name) for key, (path, name) in files.items()}
    for key, value in literals.items():
        if key in found:
            get_logger().warning(
                "input_key %s has been specified with both --inputs and --input_exprs options. Value in --input_exprs "
                "will be used.",
                key,
            )
        found[key] = value
    for key, value in examples.items():
        if key in found:
            get_logger().warning(
                "input_key %s has been specified in multiple options. Value in --input_examples will be used.", key
            )
        found[key] = value
    return found


def _loaded(path: str, name: str | None) -> Any:
    """Returns what a ``.npy``, ``.npz`` or pickle file holds, as TensorFlow's program reads all three."""
    with file_system.translated(path), open(file_system.local(path), "rb") as file:
        data = np.load(file, allow_pickle=True)
        if isinstance(data, np.ndarray) or (name is None and not isinstance(data, np.lib.npyio.NpzFile)):
            if name:
                get_logger().warning('Input file %s contains a single ndarray. Name key "%s" ignored.', path, name)
            return data
        if name is None:
            if len(data.files) != 1:
                raise RuntimeError(
                    f"Input file {path} contains more than one ndarrays. Please specify the name of ndarray to use."
                )
            return data[data.files[0]]
        if name not in data:
            raise RuntimeError(f'Input file {path} does not contain variable with name "{name}".')
        return data[name]
