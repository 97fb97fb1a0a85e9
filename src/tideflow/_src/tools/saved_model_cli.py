"""Shows, runs and scans SavedModels from the command line: TensorFlow's ``saved_model_cli``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import OpError
from tideflow._src.graph.graph import Graph
from tideflow._src.saved_model.v1 import loader
from tideflow._src.session.session import Session
from tideflow._src.tools import saved_model_text
from tideflow._src.tools.saved_model_inputs import (
    load_inputs_from_input_arg_string as load_inputs_from_input_arg_string,
)
from tideflow._src.tools.saved_model_inputs import (
    preprocess_input_examples_arg_string as preprocess_input_examples_arg_string,
)
from tideflow._src.tools.saved_model_inputs import (
    preprocess_input_exprs_arg_string as preprocess_input_exprs_arg_string,
)
from tideflow._src.tools.saved_model_inputs import preprocess_inputs_arg_string as preprocess_inputs_arg_string
from tideflow._src.tools.saved_model_text import scan as scan_meta_graph_def
from tideflow._src.tools.saved_model_utils import get_meta_graph_def as get_meta_graph_def
from tideflow._src.tools.saved_model_utils import read_saved_model

#: The operations that `scan` looks for: they read and write files, or print.
DENIED = ("PrintV2", "ReadFile", "WriteFile")
_REFUSED = {
    "convert": "it makes operations of TensorRT, which run in TensorFlow only. Freeze the model with freeze_graph, and "
    "convert that with the tools of the program that is to run it.",
    "aot_compile_cpu": "it makes C++ code for TensorFlow's runtime. A tf.function with jit_compile=True is compiled by "
    "XLA when it first runs.",
    "freeze_model": "it prepares a model for tfcompile, which is a part of TensorFlow. Freeze the model with "
    "freeze_graph.",
}


def get_signature_def_map(saved_model_dir: str, tag_set: str) -> Any:
    """Returns the signatures of a meta graph by their keys.

    Raises:
      OSError: there is no SavedModel, or it cannot be read.
      RuntimeError: it has no such meta graph.
    """
    return get_meta_graph_def(saved_model_dir, tag_set).signature_def


def run_saved_model_with_feed_dict(
    saved_model_dir: str,
    tag_set: str,
    signature_def_key: str,
    input_tensor_key_feed_dict: dict[str, Any],
    outdir: str | None,
    overwrite_flag: bool,
    worker: str | None = None,
    init_tpu: bool = False,
    use_tfrt: bool = False,
    tf_debug: bool = False,
) -> None:
    """Runs a signature, prints its outputs, and writes them to ``.npy`` files if a folder is named.

    Args:
      saved_model_dir: the folder of the SavedModel.
      tag_set: the tags of the meta graph, with commas between them.
      signature_def_key: the key of the signature.
      input_tensor_key_feed_dict: the inputs by their names in the signature.
      outdir: the folder for the outputs; it is made if it does not exist.
      overwrite_flag: whether files that are there are replaced.
      worker: the address of a server to run it; this process if None.
      init_tpu, tf_debug: must be False.
      use_tfrt: without effect.

    Raises:
      ValueError: there is no such signature or input, or something is asked for that is not there.
      RuntimeError: there is no such meta graph, or a file is there already.
    """
    del use_tfrt
    if init_tpu or tf_debug:
        raise ValueError(f"--{'init_tpu' if init_tpu else 'tf_debug'} is a part of TensorFlow that Tideflow lacks.")
    tags = _tags(tag_set)
    message = get_meta_graph_def(saved_model_dir, ",".join(tags))
    signature = saved_model_text.signature_of(message, signature_def_key)
    for name in input_tensor_key_feed_dict:
        if name not in signature.inputs:
            known = '", "'.join(signature.inputs.keys())
            raise ValueError(f'"{name}" is not a valid input key. Please choose from "{known}", or use --show option.')
    feeds = {signature.inputs[name].name: value for name, value in input_tensor_key_feed_dict.items()}
    names = sorted(signature.outputs)
    with Session(worker or "", graph=Graph()) as session:
        loader.load(session, tags, saved_model_dir)
        outputs = session.run([signature.outputs[name].name for name in names], feeds)
    for name, output in zip(names, outputs, strict=True):
        print(f"Result for output key {name}:\n{output}")
        if outdir:
            _write(outdir, name, output, overwrite_flag)


def _write(folder: str, name: str, output: Any, overwrite: bool) -> None:
    path = os.path.join(folder, f"{name}.npy")
    os.makedirs(folder, exist_ok=True)
    if not overwrite and os.path.exists(path):
        raise RuntimeError(
            f'Output file {path} already exists. Add "--overwrite" to overwrite the existing output files.'
        )
    np.save(path, output)
    print(f"Output {name} is saved to {path}")


def _tags(tag_set: str) -> list[str]:
    tags = [tag.strip() for tag in tag_set.split(",") if tag.strip()]
    if not tags:
        raise ValueError("tag_set must contain at least one non-empty item.")
    return tags


def show(arguments: argparse.Namespace) -> None:
    """Prints what a SavedModel holds."""
    if arguments.all:
        saved_model_text.show_all(arguments.dir)
        return
    if arguments.tag_set is None:
        if arguments.list_ops:
            print("--list_ops must be paired with a tag-set or with --all.")
        saved_model_text.show_tag_sets(arguments.dir)
        return
    if arguments.list_ops:
        tags = ",".join(_tags(arguments.tag_set))
        saved_model_text.show_operations(get_meta_graph_def(arguments.dir, tags))
    if arguments.signature_def is None:
        saved_model_text.show_signature_keys(arguments.dir, arguments.tag_set)
    else:
        message = get_meta_graph_def(arguments.dir, ",".join(_tags(arguments.tag_set)))
        saved_model_text.show_signature(message, arguments.signature_def)


def run(arguments: argparse.Namespace) -> None:
    """Runs a signature of a SavedModel.

    Raises:
      AttributeError: no input is given.
    """
    if not (arguments.inputs or arguments.input_exprs or arguments.input_examples):
        raise AttributeError("At least one of --inputs, --input_exprs or --input_examples must be required")
    run_saved_model_with_feed_dict(
        arguments.dir,
        arguments.tag_set,
        arguments.signature_def,
        load_inputs_from_input_arg_string(arguments.inputs, arguments.input_exprs, arguments.input_examples),
        arguments.outdir,
        arguments.overwrite,
        worker=arguments.worker,
        init_tpu=arguments.init_tpu,
        use_tfrt=arguments.use_tfrt,
        tf_debug=arguments.tf_debug,
    )


def scan(arguments: argparse.Namespace) -> None:
    """Looks for operations in the meta graphs of a SavedModel."""
    denied = {name.strip() for name in (arguments.op_denylist or "").split(",") if name.strip()}
    if not arguments.op_denylist:
        denied = set(DENIED)
    if arguments.tag_set:
        messages = [get_meta_graph_def(arguments.dir, ",".join(_tags(arguments.tag_set)))]
    else:
        messages = read_saved_model(arguments.dir).meta_graphs
    for message in messages:
        scan_meta_graph_def(message, denied)


def _refuse(arguments: argparse.Namespace) -> None:
    raise ValueError(f"Tideflow has no {arguments.command}: {_REFUSED[arguments.command]}")


def create_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="saved_model_cli", description="saved_model_cli: Command-line interface for SavedModel"
    )
    parser.add_argument("-v", "--version", action="version", version="0.1.0")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    looking = commands.add_parser("show", help="print what a SavedModel holds")
    running = commands.add_parser("run", help="run a signature")
    scanning = commands.add_parser("scan", help="look for operations that read or write files, or for others")
    for each, function, needs in ((looking, show, False), (running, run, True), (scanning, scan, False)):
        each.set_defaults(function=function)
        each.add_argument("--dir", required=True, help="the folder of the SavedModel")
        each.add_argument("--tag_set", required=needs, help="the tags of a meta graph, with commas between them")
        if each is not scanning:
            each.add_argument("--signature_def", required=needs, help="the key of a signature")
    _add_switch(looking, "--all", "print everything")
    _add_switch(looking, "--list_ops", "print the operations of the meta graph")
    running.add_argument("--inputs", default="", help="files with inputs: x=file.npz[name];y=file.npy")
    running.add_argument("--input_exprs", default="", help='inputs as Python literals: x=[[1, 2]];y=["text"]')
    running.add_argument("--input_examples", default="", help='inputs as examples: x=[{"id": [1], "weight": [0.5]}]')
    running.add_argument("--outdir", help="the folder to write outputs to")
    running.add_argument("--worker", help="the address of a server that runs it")
    _add_switch(running, "--overwrite", "replace outputs that are there")
    for name in ("--tf_debug", "--init_tpu", "--use_tfrt"):
        _add_switch(running, name, argparse.SUPPRESS)
    scanning.add_argument(
        "--op_denylist", help=f"the operations, with commas between them; {', '.join(DENIED)} if not given"
    )
    for name in _REFUSED:
        refused = commands.add_parser(name, help="not here: says what to use instead")
        refused.set_defaults(function=_refuse)
        refused.add_argument("anything", nargs="*", help=argparse.SUPPRESS)
    return parser


def _add_switch(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    parser.add_argument(
        name, nargs="?", const=True, default=False, type=lambda value: value.lower() in ("true", "1", "t"), help=text
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says.

    Args:
      arguments: the command line; this process's if None.

    Returns:
      The status of the process: 1 after an error, which is printed in one line.
    """
    parser = create_parser()
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown and parsed.function is not _refuse:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        parsed.function(parsed)
    except (OpError, ValueError, RuntimeError, OSError, AttributeError, TypeError) as error:
        text = str(getattr(error, "message", None) or error)
        print(f"saved_model_cli: {type(error).__name__}: {text.splitlines()[0] if text else ''}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
