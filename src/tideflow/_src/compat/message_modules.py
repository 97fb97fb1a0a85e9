"""The modules of TensorFlow's wire messages: ``tensorflow.core.framework.graph_pb2`` and the like."""

from __future__ import annotations

import importlib
from types import ModuleType

from tideflow._src.graph import protos

_SUFFIX = "_pb2"
#: Where TensorFlow keeps the modules of files that are not its own.
_ELSEWHERE = {"xla/": "tensorflow/compiler/xla/"}


class MessageModule(ModuleType):
    """Stands in for the module that ``protoc`` makes of one file: it holds the messages and enums of that file.

    The modules of the files that this one imports are attributes, too, under the names that ``protoc`` gives them:
    what it makes of other packages' files looks there.
    """

    def __init__(self, fullname: str, file_name: str) -> None:
        super().__init__(fullname, f"The messages of {file_name}.")
        members = protos.file_members(file_name)
        self.__dict__.update(members)
        for dependency in members["DESCRIPTOR"].dependencies:
            stem = dependency.name.removesuffix(".proto").replace("_", "__").replace("/", "_dot_")
            self.__dict__[f"{stem}__pb2"] = importlib.import_module(_module_of(dependency.name))


class MessageFolder(ModuleType):
    """Stands in for a package that holds nothing but such modules."""

    def __init__(self, fullname: str) -> None:
        super().__init__(fullname, "Modules of wire messages.")
        self.__path__: list[str] = []


def _module_of(file_name: str) -> str:
    """Returns the name that the module of a file has in TensorFlow."""
    for folder, there in _ELSEWHERE.items():
        if file_name.startswith(folder):
            file_name = there + file_name.removeprefix(folder)
    return file_name.removesuffix(".proto").replace("/", ".") + _SUFFIX


def find(fullname: str) -> ModuleType | None:
    """Returns the module of messages, or the package of such modules, that has this name in TensorFlow, or None."""
    if not fullname.startswith(
        ("tensorflow.core", "tensorflow.compiler", "tensorflow.python.training.checkpoint_state")
    ):
        return None
    modules = {_module_of(name): name for name in protos.file_names()}
    if fullname in modules:
        return MessageModule(fullname, modules[fullname])
    return MessageFolder(fullname) if any(name.startswith(f"{fullname}.") for name in modules) else None
