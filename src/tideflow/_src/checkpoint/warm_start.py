"""Initializing variables from checkpoints of other models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tideflow._src.checkpoint.reading import CheckpointReader, checkpoint_of, load_checkpoint
from tideflow._src.checkpoint.vocabularies import VocabInfo, load_and_remap_matrix_initializer
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.state.variables import assign_op, assign_variable_op
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.partitioned_variable import PartitionedVariable, PartitionInfo
from tideflow._src.state.variable import Variable
from tideflow._src.state.variable_store import variable_store


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Makes variables begin with values of a checkpoint: their initializers read it.

    Args:
      ckpt_dir_or_file: the checkpoint, or a folder with checkpoints.
      assignment_map: from names in the checkpoint to variables, lists of the parts of one, or names of variables; or
        from a scope in the checkpoint (``"layer/"``, or ``"/"`` for all) to a scope of the program (``"other/"``); or
        pairs of these.

    Raises:
      ValueError: a variable or a tensor of the checkpoint does not exist, or their shapes differ.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    prefix = checkpoint_of(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for name, target in sorted(pairs, key=lambda pair: pair[0]):
        if isinstance(target, str) and (name.endswith("/") or target.endswith("/")):
            _initialize_scope(reader, prefix, name, target)
            continue
        variable = _variable(target) if isinstance(target, str) else target
        if name not in shapes:
            raise ValueError(f"Tensor {name} is not found in {ckpt_dir_or_file} checkpoint {shapes}")
        _initialize(prefix, name, variable, shapes[name])


def _named_variables() -> dict[str, Any]:
    """The variables that ``get_variable`` made in the current graph; of a partitioned one its parts are together."""
    store = variable_store()
    found: dict[str, Any] = {}
    for name, variable in store.variables.items():
        info = variable._save_slice_info
        if info is None:
            found[name] = variable
        else:
            found.setdefault(info.full_name, []).append(variable)
    return found


def _variable(name: str) -> Any:
    found = _named_variables().get(name)
    if found is None:
        raise ValueError(f"Variable {name} is not found in the current variable scope or graph.")
    return found


def _initialize_scope(reader: CheckpointReader, prefix: str, scope: str, target: str) -> None:
    """Initializes all variables below a scope."""
    scope = scope.lstrip("/") if scope != "/" else ""
    below = "" if target == "/" else target.rstrip("/")
    shapes = reader.get_variable_to_shape_map()
    matched = False
    for name, variable in _named_variables().items():
        if below and not name.startswith(f"{below}/"):
            continue
        relative = name.removeprefix(f"{below}/") if below else name
        stored = f"{scope.rstrip('/')}/{relative}" if scope else relative
        if stored not in shapes and f"{stored}/Variable" in shapes:
            stored = f"{stored}/Variable"
        if stored not in shapes:
            raise ValueError(
                f"Tensor {stored} ({relative} in {target}) is not found in {prefix} checkpoint: it has "
                f"{', '.join(sorted(shapes)[:20])}"
            )
        matched = True
        _initialize(prefix, stored, variable, shapes[stored])
    if not matched:
        get_logger().warning("No variable of the graph is in the scope %s.", target)


def _initialize(prefix: str, name: str, variable: Any, stored: list[int]) -> None:
    if isinstance(variable, list | tuple | PartitionedVariable):
        parts = list(variable)
        if not parts:
            raise ValueError(f"No variable is given for {name}.")
        if not all(isinstance(part, Variable) for part in parts):
            raise TypeError(f"Expected variables for {name}, got {parts}.")
        infos = [part._save_slice_info for part in parts]
        if any(info is None for info in infos):
            if len(parts) != 1:
                raise ValueError(f"The variables for {name} are no parts of one variable: {parts}")
            _initialize(prefix, name, parts[0], stored)
            return
        _check_shape(name, list(infos[0].full_shape), stored)
        for part, info in zip(parts, infos, strict=True):
            _set_initializer(part, prefix, name, info.spec)
        return
    if not isinstance(variable, Variable):
        raise TypeError(f"Expected a variable for {name}, got {variable!r}.")
    if variable.shape.is_fully_defined():
        _check_shape(variable.name, variable.shape.as_list(), stored)
    _set_initializer(variable, prefix, name, "")


def _check_shape(name: str, shape: Any, stored: list[int]) -> None:
    if list(shape) != list(stored):
        raise ValueError(
            f"Shape of variable {name} ({list(shape)}) doesn't match with shape of tensor in the checkpoint "
            f"({list(stored)})."
        )


def _set_initializer(variable: Any, prefix: str, name: str, spec: str) -> None:
    """Makes a variable's initializer read the checkpoint; eagerly, assigns at once."""
    dtype = variable.dtype.base_dtype
    graph = context.current_graph()
    if graph is None:
        variable.assign(raw.RestoreV2(prefix, [name], [spec], dtypes=[dtype])[0])
        return
    with graph.device("/cpu:0"), graph.control_dependencies(None):
        (value,) = raw.RestoreV2(prefix, [name], [spec], dtypes=[dtype], name="checkpoint_initializer")
    value.set_shape(variable.shape)
    _begin_with(variable, value)
    get_logger().debug("Initialize variable %s from checkpoint %s with %s", variable.name, prefix, name)


def _begin_with(variable: Any, value: Any) -> None:
    """Makes a tensor of the graph what a variable begins with."""
    handle = getattr(variable, "handle", None)
    if handle is not None:
        initializer = assign_variable_op(handle, value)
    else:
        initializer = assign_op(variable._ref(), value).op
    variable._initializer_op = initializer
    variable._initial_value = value


def warm_start(
    ckpt_to_initialize_from: Any,
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: Mapping[str, Any] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Makes variables of the graph begin with the values that those of the same names have in a checkpoint.

    Args:
      ckpt_to_initialize_from: the checkpoint, or a folder with checkpoints.
      vars_to_warm_start: a regular expression for the names of trainable variables; None for those of them that
        ``var_name_to_vocab_info`` names; a list of regular expressions for names of global variables; or a list of
        variables.
      var_name_to_vocab_info: for names of variables whose rows or columns stand for words, how the words changed: a
        :class:`VocabInfo`.
      var_name_to_prev_var_name: the names in the checkpoint of variables whose names differ.

    Raises:
      ValueError: a shape differs, or a name of the arguments is not used.
    """
    vocabularies = dict(var_name_to_vocab_info or {})
    previous = dict(var_name_to_prev_var_name or {})
    prefix = checkpoint_of(ckpt_to_initialize_from)
    shapes = load_checkpoint(ckpt_to_initialize_from).get_variable_to_shape_map()
    grouped = _grouped(_chosen(vars_to_warm_start))
    for name, variable in sorted(grouped.items()):
        stored = previous.pop(name, name)
        vocabulary = vocabularies.pop(name, None)
        if vocabulary is None and vars_to_warm_start is None:
            continue
        if stored not in shapes:
            raise ValueError(f"Tensor {stored} is not found in the checkpoint {ckpt_to_initialize_from}.")
        if vocabulary is None:
            _initialize(prefix, stored, variable, shapes[stored])
        else:
            _initialize_words(prefix, stored, variable, vocabulary)
    for argument, unused in (("var_name_to_prev_var_name", previous), ("var_name_to_vocab_info", vocabularies)):
        if unused:
            raise ValueError(
                f"You provided the following variables in {argument} that were not used: {sorted(unused)}. Perhaps you "
                f"misspelled them?  Here is the list of viable variable names: {sorted(grouped)}"
            )


def _initialize_words(prefix: str, stored: str, variable: Any, vocabulary: VocabInfo) -> None:
    """Makes a variable, or the parts of one, begin with the rows or columns that a checkpoint has for their words."""
    parts: list[Any] = [variable] if isinstance(variable, Variable) else list(variable)
    shapes: list[Any] = [part.shape.as_list() for part in parts]
    by_row = vocabulary.axis == 0
    words = "row" if by_row else "col"
    files: dict[str, Any] = {
        f"old_{words}_vocab_file": vocabulary.old_vocab,
        f"new_{words}_vocab_file": vocabulary.new_vocab,
        f"num_{words}_oov_buckets": vocabulary.num_oov_buckets,
    }
    initialize = load_and_remap_matrix_initializer(
        ckpt_path=prefix,
        old_tensor_name=stored,
        new_row_vocab_size=vocabulary.new_vocab_size if by_row else sum(shape[0] for shape in shapes),
        new_col_vocab_size=shapes[0][1] if by_row else vocabulary.new_vocab_size,
        old_row_vocab_size=vocabulary.old_vocab_size if by_row else -1,
        initializer=vocabulary.backup_initializer,
        **files,
    )
    for part, shape in zip(parts, shapes, strict=True):
        info = part._save_slice_info
        place = None if info is None else PartitionInfo(full_shape=info.full_shape, var_offset=info.var_offset)
        value = initialize(shape, part.dtype.base_dtype, place)
        if context.current_graph() is None:
            part.assign(value)
        else:
            _begin_with(part, value)


def _chosen(wanted: Any) -> list[Any]:
    graph = context.default_graph()
    if wanted is None or isinstance(wanted, str):
        return graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=wanted)
    if isinstance(wanted, Sequence) and all(isinstance(item, str) for item in wanted):
        return [item for scope in wanted for item in graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=scope)]
    if isinstance(wanted, Sequence) and all(isinstance(item, Variable | PartitionedVariable) for item in wanted):
        return list(wanted)
    raise ValueError("If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`.")


def _grouped(variables: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in variables:
        info = getattr(variable, "_save_slice_info", None)
        if info is not None:
            found.setdefault(info.full_name, []).append(variable)
        elif isinstance(variable, PartitionedVariable):
            found[variable.name] = variable
        else:
            found[variable.name.removesuffix(":0")] = variable
    return found
