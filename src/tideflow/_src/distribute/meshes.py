"""Meshes of devices and layouts of tensors on them: what ``tf.experimental.dtensor`` describes tensors by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.runtime import devices

#: A dimension that is not divided among devices.
UNSHARDED = "unsharded"
#: A dimension that is divided as another tensor's is.
MATCH = "match"


class Mesh:
    """Is an arrangement of devices along named dimensions.

    Args:
      dim_names: the names of the dimensions.
      global_device_ids: an array of the numbers of the devices, with a dimension for each name.
      local_device_ids: the numbers of those of this process.
      local_devices: the names of those of this process.
      mesh_name: a name for the mesh.

    Raises:
      ValueError: names and dimensions do not match, or a name is not usable.
    """

    def __init__(
        self,
        dim_names: Sequence[str],
        global_device_ids: Any,
        local_device_ids: Sequence[int],
        local_devices: Sequence[Any],
        mesh_name: str = "",
    ) -> None:
        ids = np.asarray(global_device_ids)
        if ids.ndim != len(dim_names):
            raise ValueError(f"A mesh with dimensions {list(dim_names)} needs an array of rank {len(dim_names)}: {ids}")
        if len(set(dim_names)) != len(dim_names) or {UNSHARDED, MATCH} & set(dim_names):
            raise ValueError(
                f"Names of dimensions must differ, and be neither {UNSHARDED!r} nor {MATCH!r}: {dim_names}"
            )
        self._names, self._ids = list(dim_names), ids
        self._local_ids, self._local_devices = list(local_device_ids), [str(each) for each in local_devices]
        self.name = mesh_name

    @property
    def dim_names(self) -> list[str]:
        """The names of the dimensions."""
        return list(self._names)

    @property
    def size(self) -> int:
        """The number of devices."""
        return int(self._ids.size)

    def dim_size(self, dim_name: str) -> int:
        """Returns how many devices lie along a dimension.

        Raises:
          ValueError: there is no dimension of that name.
        """
        if dim_name not in self._names:
            raise ValueError(f"{dim_name!r} is no dimension of the mesh: it has {self._names}.")
        return int(self._ids.shape[self._names.index(dim_name)])

    def shape(self) -> list[int]:
        """Returns the number of devices along each dimension."""
        return list(self._ids.shape)

    def num_local_devices(self) -> int:
        """Returns how many devices this process has."""
        return len(self._local_devices)

    def local_devices(self) -> list[str]:
        """Returns the names of this process's devices."""
        return list(self._local_devices)

    def local_device_ids(self) -> list[int]:
        """Returns the numbers of this process's devices."""
        return list(self._local_ids)

    def device_type(self) -> str:
        """Returns the kind of the devices: ``CPU`` or ``GPU``."""
        return self._local_devices[0].rpartition("device:")[2].partition(":")[0].upper() if self._local_devices else ""

    def __contains__(self, dim_name: str) -> bool:
        return dim_name in self._names

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Mesh)
            and self._names == other._names
            and self._local_devices == other._local_devices
            and np.array_equal(self._ids, other._ids)
        )

    def __hash__(self) -> int:
        return hash((*self._names, *self._local_devices, self._ids.tobytes()))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={size}" for name, size in zip(self._names, self._ids.shape, strict=True))
        return f"<Mesh {self.name!r} ({sizes}): {self._local_devices}>"


class Layout:
    """Says along which dimension of a mesh each dimension of a tensor is divided.

    Args:
      sharding_specs: for each dimension of the tensor the name of one of the mesh, or ``UNSHARDED``.
      mesh: the mesh.

    Raises:
      ValueError: a dimension is not one of the mesh, or is used twice.
    """

    def __init__(self, sharding_specs: Sequence[str], mesh: Mesh) -> None:
        named = [spec for spec in sharding_specs if spec not in (UNSHARDED, MATCH)]
        for spec in named:
            mesh.dim_size(spec)
        if len(set(named)) != len(named):
            raise ValueError(f"Each dimension of a mesh divides at most one dimension of a tensor: {sharding_specs}")
        self.sharding_specs = list(sharding_specs)
        self.mesh = mesh

    @property
    def rank(self) -> int:
        """The rank of the tensor."""
        return len(self.sharding_specs)

    @property
    def shape(self) -> list[int]:
        """Into how many parts each dimension is divided."""
        return [self.num_shards(place) for place in range(self.rank)]

    def num_shards(self, idx: int) -> int:
        """Returns into how many parts a dimension is divided."""
        spec = self.sharding_specs[idx]
        return 1 if spec == UNSHARDED else self.mesh.dim_size(spec)

    def is_fully_replicated(self) -> bool:
        """Tells whether every device has the whole tensor."""
        return all(self.num_shards(place) == 1 for place in range(self.rank))

    @staticmethod
    def replicated(mesh: Mesh, rank: int) -> Layout:
        """Returns the layout in which every device has the whole tensor."""
        return Layout([UNSHARDED] * rank, mesh)

    @staticmethod
    def batch_sharded(mesh: Mesh, batch_dim: str, rank: int, axis: int = 0) -> Layout:
        """Returns the layout in which one dimension of a tensor is divided."""
        specs = [UNSHARDED] * rank
        specs[axis] = batch_dim
        return Layout(specs, mesh)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and self.sharding_specs == other.sharding_specs and self.mesh == other.mesh

    def __hash__(self) -> int:
        return hash((*self.sharding_specs, self.mesh))

    def __repr__(self) -> str:
        return f"Layout(sharding_specs={self.sharding_specs}, mesh={self.mesh!r})"


def create_mesh(
    mesh_dims: Any = None,
    mesh_name: str = "",
    devices: Sequence[str] | None = None,
    device_type: str | None = None,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh of this process's devices.

    Args:
      mesh_dims: pairs of a name and a size, or a dictionary of them; one dimension ``x`` of all devices by default.
      mesh_name: a name for the mesh.
      devices: the names of the devices; all of the kind by default.
      device_type: the kind; accelerators where there are some, by default.
      use_xla_spmd: kept for TensorFlow's signature.

    Raises:
      ValueError: the sizes do not multiply to the number of devices.
    """
    del use_xla_spmd
    names = list(devices) if devices is not None else _names_of_kind(device_type)
    pairs = list(mesh_dims.items()) if isinstance(mesh_dims, dict) else list(mesh_dims or [("x", len(names))])
    sizes = [size for _, size in pairs]
    if int(np.prod(sizes, dtype=np.int64)) != len(names):
        raise ValueError(f"length of devices ({len(names)}) must be equal to total size of the mesh of shape {sizes}")
    ids = np.arange(len(names)).reshape(sizes)
    return Mesh([name for name, _ in pairs], ids, list(range(len(names))), names, mesh_name)


def create_distributed_mesh(
    mesh_dims: Any,
    mesh_name: str = "",
    local_devices: Sequence[str] | None = None,
    device_type: str | None = None,
    use_xla_spmd: bool = False,
) -> Mesh:
    """Returns a mesh of the devices of all processes, of which there is this one.

    Args:
      mesh_dims: pairs of a name and a size.
      mesh_name: a name for the mesh.
      local_devices: the names of this process's devices.
      device_type: the kind of devices.
      use_xla_spmd: kept for TensorFlow's signature.

    Raises:
      ValueError: the sizes do not multiply to the number of devices.
    """
    return create_mesh(mesh_dims, mesh_name, local_devices, device_type, use_xla_spmd)


def _names_of_kind(device_type: str | None) -> list[str]:
    kinds = [device_type] if device_type is not None else ["GPU", "CPU"]
    for kind in kinds:
        found = [devices.full_name(each) for each in devices.list_logical_devices(kind)]
        if found:
            return found
    return []
