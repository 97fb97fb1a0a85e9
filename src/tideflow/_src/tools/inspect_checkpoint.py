"""Prints what a checkpoint holds: ``tensorflow.python.tools.inspect_checkpoint``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.checkpoint.reading import new_checkpoint_reader
from tideflow._src.tools.graph_files import add_flag, parser_of


def print_tensors_in_checkpoint_file(
    file_name: str,
    tensor_name: str | None,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Prints tensors of a checkpoint, and how many numbers it holds; an error is printed, too.

    Args:
      file_name: the checkpoint: what ``Saver.save`` returned.
      tensor_name: the tensor to print; names and shapes of all if empty.
      all_tensors: whether to print all tensors with their values.
      all_tensor_names: whether to print names, dtypes and shapes of all.
      count_exclude_pattern: a regular expression: what it finds in a name is not counted.
    """
    try:
        _print_tensors(file_name, tensor_name, all_tensors, all_tensor_names, count_exclude_pattern)
    except Exception as error:  # what is wrong with the file is what the user wants to know
        text = str(error)
        print(text)
        if "Data loss" in text and any(part in file_name for part in (".index", ".meta", ".data")):
            print(
                "\nIt's likely that this is a V2 checkpoint and you need to provide the filename\n*prefix*.  "
                f"Try removing the '.' and extension.  "
                f"Try:\ninspect checkpoint --file_name = {file_name.rpartition('.')[0]}"
            )


def _print_tensors(file_name: str, tensor_name: str | None, values: bool, names: bool, excluded: str) -> None:
    reader = new_checkpoint_reader(file_name)
    shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    if values or names:
        for name in sorted(shapes):
            print(f"tensor: {name} ({kinds[name].name}) {shapes[name]}")
            if values:
                print(reader.get_tensor(name))
    elif not tensor_name:
        print(reader.debug_string().decode("utf-8", errors="ignore"))
    elif not reader.has_tensor(tensor_name):
        print(f"Tensor {tensor_name} not found in checkpoint")
        return
    else:
        print(f"tensor: {tensor_name} ({kinds[tensor_name].name}) {shapes[tensor_name]}")
        print(reader.get_tensor(tensor_name))
    sizes = {name: int(np.prod(shape, dtype=np.int64)) for name, shape in shapes.items()}
    if excluded:
        left_out = [size for name, size in sizes.items() if re.search(excluded, name)]
        print(f"# Excluding {len(left_out)} tensors ({sum(left_out)} params) that match {excluded} when counting.")
        sizes = {name: size for name, size in sizes.items() if not re.search(excluded, name)}
    print(f"# Total number of params: {sum(sizes.values())}")


def parse_numpy_printoption(text: str) -> None:
    """Sets an option of ``numpy.set_printoptions``.

    Args:
      text: the option as ``name=value``.

    Raises:
      argparse.ArgumentTypeError: there is no such option, or it cannot have that value.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"'{text}' is not in the form k=v.")
    options: dict[str, Any] = dict(np.get_printoptions())
    if name not in options:
        raise argparse.ArgumentTypeError(f"'{name}' is not a valid printoption.")
    kind = type(options[name])
    if options[name] is None:
        raise argparse.ArgumentTypeError(f"Setting '{name}' from the command line is not supported.")
    try:
        parsed = value.lower() in ("true", "t", "1") if kind is bool else kind(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    changed: Any = {name: parsed}
    np.set_printoptions(**changed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says; returns the status of the process."""
    parser = parser_of("Prints what a checkpoint holds.")
    parser.add_argument("--file_name", default="", help="the checkpoint, without .index or .data")
    parser.add_argument("--tensor_name", default="", help="the tensor to print")
    parser.add_argument("--count_exclude_pattern", default="", help="names that are not counted")
    add_flag(parser, "--all_tensors", False, "whether to print all tensors with their values")
    add_flag(parser, "--all_tensor_names", False, "whether to print names, dtypes and shapes of all tensors")
    parser.add_argument("--printoptions", nargs="*", type=parse_numpy_printoption, help="options of NumPy, as k=v")
    flags, _ = parser.parse_known_args(arguments)
    if not flags.file_name:
        print(
            "Usage: inspect_checkpoint --file_name=checkpoint_file_name [--tensor_name=tensor_to_print] "
            "[--all_tensors] [--all_tensor_names] [--count_exclude_pattern] [--printoptions]"
        )
        return 1
    print_tensors_in_checkpoint_file(
        flags.file_name, flags.tensor_name, flags.all_tensors, flags.all_tensor_names, flags.count_exclude_pattern
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
