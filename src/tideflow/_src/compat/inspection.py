"""``tensorflow.python.util.tf_inspect``: Python's ``inspect``, which sees through decorators by itself."""

from __future__ import annotations

import inspect
from inspect import FullArgSpec as FullArgSpec
from inspect import Parameter as Parameter
from inspect import Signature as Signature
from inspect import currentframe as currentframe
from inspect import getcallargs as getcallargs
from inspect import getdoc as getdoc
from inspect import getfile as getfile
from inspect import getmembers as getmembers
from inspect import getmodule as getmodule
from inspect import getmro as getmro
from inspect import getsource as getsource
from inspect import getsourcefile as getsourcefile
from inspect import getsourcelines as getsourcelines
from inspect import isabstract as isabstract
from inspect import isbuiltin as isbuiltin
from inspect import isclass as isclass
from inspect import isfunction as isfunction
from inspect import isgenerator as isgenerator
from inspect import isgeneratorfunction as isgeneratorfunction
from inspect import ismethod as ismethod
from inspect import ismodule as ismodule
from inspect import isroutine as isroutine
from inspect import signature as signature
from inspect import stack as stack
from typing import Any, NamedTuple

from tideflow._src.compat.decorators import unwrap


class ArgSpec(NamedTuple):
    """Is the positional arguments of a function, as ``inspect`` of Python 2 gave them."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


#: Python's own module, under the name that programs reach through.
_inspect = inspect


def getfullargspec(obj: Any) -> inspect.FullArgSpec:
    """Returns the arguments of a function, or of the function that TensorFlow's decorators are around.

    Around others (``functools.wraps``) they are those of the outermost. Those of Tideflow's own functions come without
    annotations, which TensorFlow's do not have: TensorFlow Probability compares them with its own.
    """
    _, function = unwrap(obj)
    if not str(getattr(function, "__module__", "")).startswith("tideflow."):
        return inspect.getfullargspec(function)
    return inspect.getfullargspec(inspect.unwrap(function))._replace(annotations={})


def getargspec(obj: Any) -> ArgSpec:
    """Returns the positional arguments of a function.

    Raises:
      ValueError: it has arguments that can only be given by name.
    """
    found = getfullargspec(obj)
    if found.kwonlyargs:
        raise ValueError("Function has keyword-only parameters; use getfullargspec.")
    return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)
