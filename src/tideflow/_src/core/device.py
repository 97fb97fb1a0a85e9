"""Defines ``DeviceSpec``, a (partial) device name, and the rules for writing, reading and merging such names.

A full name reads ``/job:worker/replica:0/task:1/device:GPU:0``; every part may be missing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

#: The device types that may be written without ``device:``, as in ``/cpu:0``. Other floors may add to it.
DEVICE_TYPES: set[str] = {"CPU", "GPU", "TPU"}

_Parts = tuple["str | None", "int | None", "int | None", "str | None", "int | None"]


@lru_cache(maxsize=1024)
def _parse(name: str, device_types: frozenset[str]) -> _Parts:
    """Returns job, replica, task, device type and device index of a device name."""
    job: str | None = None
    replica = task = index = None
    device_type: str | None = None
    for part in name.split("/"):
        fields = part.split(":")
        key = fields[0]
        kind: str | None = None
        if len(fields) == 1 and not key:
            continue
        if len(fields) == 2 and key == "job":
            job = fields[1]
        elif len(fields) == 2 and key == "replica":
            replica = int(fields[1])
        elif len(fields) == 2 and key == "task":
            task = int(fields[1])
        elif len(fields) <= 2 and key.upper() in device_types and (key.isupper() or key.islower()):
            kind, number = key.upper(), fields[1] if len(fields) == 2 else "*"
        elif len(fields) == 3 and key == "device":
            kind, number = fields[1], fields[2]
        else:
            raise ValueError(f"Unknown attribute '{key}' is encountered while parsing the device spec: '{name}'.")
        if kind is not None:
            if device_type is not None:
                raise ValueError(f"Multiple device types are not allowed while parsing the device spec: {name}.")
            device_type = _canonical_type(kind)
            index = None if number == "*" else int(number)
    return job, replica, task, device_type, index


def _canonical_type(device_type: str) -> str:
    return device_type.upper() if device_type in ("cpu", "gpu") else device_type


class DeviceSpecV2:
    """Is a device name in parts, any of which may be missing; it does not change.

    >>> DeviceSpecV2.from_string("/job:worker/gpu:1").to_string()
    '/job:worker/device:GPU:1'

    Args:
      job: the name of the job.
      replica, task: numbers within the job.
      device_type: ``"CPU"``, ``"GPU"`` and so on.
      device_index: the number among the devices of the type.
    """

    __slots__ = ("_device_index", "_device_type", "_job", "_replica", "_task")

    _job: str | None
    _replica: int | None
    _task: int | None
    _device_type: str | None
    _device_index: int | None

    def __init__(
        self,
        job: Any = None,
        replica: Any = None,
        task: Any = None,
        device_type: Any = None,
        device_index: Any = None,
    ) -> None:
        self._set(job, replica, task, device_type, device_index)

    def _set(self, job: Any, replica: Any, task: Any, device_type: Any, device_index: Any) -> None:
        self._job = None if job is None else str(job)
        self._replica = None if replica is None else int(replica)
        self._task = None if task is None else int(task)
        self._device_type = None if device_type is None else _canonical_type(str(device_type))
        self._device_index = None if device_index is None else int(device_index)

    @property
    def job(self) -> str | None:
        """The name of the job."""
        return self._job

    @property
    def replica(self) -> int | None:
        """The number of the replica."""
        return self._replica

    @property
    def task(self) -> int | None:
        """The number of the task."""
        return self._task

    @property
    def device_type(self) -> str | None:
        """The type of the device, in capitals for CPU and GPU."""
        return self._device_type

    @property
    def device_index(self) -> int | None:
        """The number of the device among those of its type."""
        return self._device_index

    @property
    def _parts(self) -> _Parts:
        return self._job, self._replica, self._task, self._device_type, self._device_index

    def to_string(self) -> str:
        """Returns the name, with ``*`` for an index that is missing."""
        text = ""
        if self._job is not None:
            text += f"/job:{self._job}"
        if self._replica is not None:
            text += f"/replica:{self._replica}"
        if self._task is not None:
            text += f"/task:{self._task}"
        if self._device_type is not None:
            index = "*" if self._device_index is None else self._device_index
            text += f"/device:{self._device_type}:{index}"
        return text

    @classmethod
    def from_string(cls, spec: str | None) -> Any:
        """Returns the spec for a name such as ``/job:worker/task:0/cpu:0``.

        Raises:
          ValueError: a part of the name is unknown, or a number cannot be read.
        """
        return cls(*_parse(spec or "", frozenset(DEVICE_TYPES)))

    def parse_from_string(self, spec: str) -> Any:
        """Returns the spec for a name; this object does not change."""
        return self.from_string(spec)

    def make_merged_spec(self, dev: DeviceSpecV2) -> Any:
        """Returns a spec with the parts of ``dev`` where it has them, else the parts of this one."""
        return type(self)(*self._merged_parts(dev))

    def _merged_parts(self, dev: DeviceSpecV2) -> list[Any]:
        return [theirs if theirs is not None else mine for mine, theirs in zip(self._parts, dev._parts, strict=True)]

    def replace(self, **kwargs: Any) -> Any:
        """Returns a spec with some of the parts replaced."""
        parts: dict[str, Any] = {
            "job": self._job,
            "replica": self._replica,
            "task": self._task,
            "device_type": self._device_type,
            "device_index": self._device_index,
            **kwargs,
        }
        return type(self)(**parts)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)

    def __repr__(self) -> str:
        return (
            f"<DeviceSpec(job={self._job}, replica={self._replica}, task={self._task}, "
            f"device_type={self._device_type}, device_index={self._device_index})>"
        )

    def __reduce__(self) -> Any:
        return type(self), self._parts


class DeviceSpecV1(DeviceSpecV2):
    """Is a device name in parts, any of which may be missing or changed (TF 1.x)."""

    __slots__ = ()

    __hash__ = DeviceSpecV2.__hash__

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    @property
    def job(self) -> str | None:
        """The name of the job."""
        return self._job

    @job.setter
    def job(self, job: Any) -> None:
        self._job = None if job is None else str(job)

    @property
    def replica(self) -> int | None:
        """The number of the replica."""
        return self._replica

    @replica.setter
    def replica(self, replica: Any) -> None:
        self._replica = None if replica is None else int(replica)

    @property
    def task(self) -> int | None:
        """The number of the task."""
        return self._task

    @task.setter
    def task(self, task: Any) -> None:
        self._task = None if task is None else int(task)

    @property
    def device_type(self) -> str | None:
        """The type of the device, in capitals for CPU and GPU."""
        return self._device_type

    @device_type.setter
    def device_type(self, device_type: Any) -> None:
        self._device_type = None if device_type is None else _canonical_type(str(device_type))

    @property
    def device_index(self) -> int | None:
        """The number of the device among those of its type."""
        return self._device_index

    @device_index.setter
    def device_index(self, device_index: Any) -> None:
        self._device_index = None if device_index is None else int(device_index)

    def parse_from_string(self, spec: str) -> Any:
        """Takes over every part of a name, missing ones included, and returns this object."""
        self._set(*_parse(spec or "", frozenset(DEVICE_TYPES)))
        return self

    def merge_from(self, dev: DeviceSpecV2) -> None:
        """Takes over the parts that ``dev`` has."""
        self._set(*self._merged_parts(dev))


#: The class that ``tf.DeviceSpec`` names in TF 2.x.
DeviceSpec = DeviceSpecV2


def as_device_spec(device: Any) -> DeviceSpecV2:
    """Returns the spec for a name, a spec or ``None``."""
    if isinstance(device, DeviceSpecV2):
        return device
    return DeviceSpecV2.from_string(device)  # type: ignore[no-any-return]


def canonical_name(device: Any) -> str:
    """Returns the one way to write a device name: ``/cpu:0`` is ``/device:CPU:0``, and ``None`` is empty.

    Raises:
      ValueError: the name cannot be read.
    """
    return as_device_spec(device).to_string()


def merge(outer: Any, inner: Any) -> str:
    """Returns the canonical name that an inner device scope gives within an outer one."""
    merged: str = as_device_spec(outer).make_merged_spec(as_device_spec(inner)).to_string()
    return merged
