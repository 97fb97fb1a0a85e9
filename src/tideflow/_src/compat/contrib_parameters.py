"""Named parameters of a model: ``HParams`` of ``tf.contrib.training``."""

from __future__ import annotations

import json
import re
from typing import Any

_ASSIGNMENT = re.compile(
    r"\s*(?P<name>[a-zA-Z][\w.]*)(\[(?P<index>\d+)\])?\s*=\s*"
    r"(\[(?P<several>[^\]]*)\]|(?P<one>[^,\[]*))\s*($|,)"
)


class HParams:
    """Holds parameters, by name and as attributes, each of the type that it was given with.

    Args:
      hparam_def: not used.
      model_structure: what describes the model, kept as it is.
      **kwargs: the parameters: numbers, truth values, strings, or lists of one kind of these.

    Raises:
      ValueError: a list is empty, or a name is that of a method.

    >>> from tideflow._src.compat.contrib_parameters import HParams
    >>> parameters = HParams(rate=0.1, sizes=[16, 8])
    >>> print(parameters.parse("rate=0.5,sizes=[4]").values())
    {'rate': 0.5, 'sizes': [4]}
    """

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any) -> None:
        del hparam_def
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Adds a parameter.

        Raises:
          ValueError: there is something of that name, or the value is an empty list.
        """
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, list | tuple):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._hparam_types[name] = (type(value[0]), True)
        else:
            self._hparam_types[name] = (type(value), False)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Gives a parameter another value, of its type.

        Raises:
          ValueError: the value is of another type, or a list where there was none, or the other way round.
        """
        kind, several = self._hparam_types[name]
        if isinstance(value, list) != several:
            found, wanted = ("list", "single value") if isinstance(value, list) else ("single value", "list")
            raise ValueError(f"Must pass a {wanted}, not a {found}, for parameter: {name}.")
        setattr(self, name, [_cast(name, kind, each) for each in value] if several else _cast(name, kind, value))

    def del_hparam(self, name: str) -> None:
        """Removes a parameter, if there is one of that name."""
        if hasattr(self, name):
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values: str) -> HParams:
        """Sets parameters from text such as ``rate=0.5,sizes=[4,2],sizes[0]=3``.

        Raises:
          ValueError: the text is not of that form, a parameter is not known, or its value is of another type.
        """
        position = 0
        while position < len(values):
            match = _ASSIGNMENT.match(values, position)
            if match is None:
                raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
            position = match.end()
            name = match["name"]
            if name not in self._hparam_types:
                raise ValueError(f"Unknown hyperparameter type for {name}")
            kind, several = self._hparam_types[name]
            if match["index"] is not None:
                changed = list(getattr(self, name))
                place = int(match["index"])
                changed += [None] * (place + 1 - len(changed))
                changed[place] = _read(name, kind, match["one"])
                setattr(self, name, changed)
            elif match["several"] is not None:
                texts = [text for text in match["several"].split(",") if text.strip()]
                self.set_hparam(name, [_read(name, kind, text) for text in texts])
            else:
                one = _read(name, kind, match["one"])
                self.set_hparam(name, [one] if several else one)
        return self

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        """Sets parameters from a dictionary."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def parse_json(self, values_json: str) -> HParams:
        """Sets parameters from a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """Returns the parameters as a JSON object; functions are left out."""
        kept = {name: value for name, value in self.values().items() if not callable(value)}
        return json.dumps(kept, indent=indent, separators=separators, sort_keys=sort_keys)

    def values(self) -> dict[str, Any]:
        """Returns the parameters by name."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a parameter, or a default where there is none of that name."""
        return getattr(self, key) if key in self._hparam_types else default

    def get_model_structure(self) -> Any:
        """Returns what describes the model."""
        return self._model_structure

    def set_model_structure(self, model_structure: Any) -> None:
        """Sets what describes the model."""
        self._model_structure = model_structure

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return str(sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"HParams({self})"


def _read(name: str, kind: type, text: str) -> Any:
    """Returns the value that a text stands for."""
    text = text.strip()
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        text = text if text in ("0", "1") else ""
    try:
        return bool(int(text)) if kind is bool else text if kind is type(None) else kind(text)
    except ValueError:
        raise ValueError(f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{text}'") from None


def _cast(name: str, kind: type, value: Any) -> Any:
    """Returns a value as one of a parameter's type, if that loses nothing."""
    fits = value is None or kind is type(None) or isinstance(value, kind)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not fits or (isinstance(value, bool) and kind is not bool and kind is not type(None)):
        raise ValueError(f"Could not cast hparam '{name}' of type '{kind.__name__}' from value {value!r}")
    return value
