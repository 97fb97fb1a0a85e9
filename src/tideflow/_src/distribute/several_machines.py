"""What Tideflow does not have yet of strategies and meshes: the classes are there, for programs ask what a thing is."""

from __future__ import annotations

from typing import Any

from tideflow._src.distribute.strategy import Strategy
from tideflow._src.state.resource_variable import ResourceVariable


def _refusal(name: str, needs: str) -> RuntimeError:
    return RuntimeError(
        f"tf.distribute.{name} needs {needs}, which Tideflow does not run on yet. On one machine, run on one device: "
        "without a strategy, or in the scope of tf.distribute.OneDeviceStrategy('/gpu:0')."
    )


class MultiWorkerMirroredStrategy(Strategy):
    """Mirrors variables on the devices of several machines: it cannot be made yet.

    Raises:
      RuntimeError: always.
    """

    def __init__(self, cluster_resolver: Any = None, communication_options: Any = None) -> None:
        del cluster_resolver, communication_options
        raise _refusal("MultiWorkerMirroredStrategy", "several machines")


class ParameterServerStrategy(Strategy):
    """Keeps variables on machines of their own: it cannot be made yet.

    Raises:
      RuntimeError: always.
    """

    def __init__(self, cluster_resolver: Any, variable_partitioner: Any = None) -> None:
        del cluster_resolver, variable_partitioner
        raise _refusal("ParameterServerStrategy", "parameter servers")


class TPUStrategy(Strategy):
    """Runs replicas on TPUs: it cannot be made.

    Raises:
      RuntimeError: always.
    """

    def __init__(
        self,
        tpu_cluster_resolver: Any = None,
        experimental_device_assignment: Any = None,
        experimental_spmd_xla_partitioning: bool = False,
    ) -> None:
        del tpu_cluster_resolver, experimental_device_assignment, experimental_spmd_xla_partitioning
        raise _refusal("TPUStrategy", "TPUs")


class DTensorDataset:
    """Is a dataset whose elements lie on the devices of a mesh: it cannot be made yet.

    Raises:
      RuntimeError: always.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        mesh: Any,
        layouts: Any,
        global_batch_size: int,
        dataset_already_batched: bool = False,
        batch_dim: str | None = None,
        prefetch: int | None = None,
        tf_data_service_config: Any = None,
    ) -> None:
        del dataset, mesh, layouts, global_batch_size
        del dataset_already_batched, batch_dim, prefetch, tf_data_service_config
        raise RuntimeError(
            "tf.experimental.dtensor.DTensorDataset needs tensors on several devices, which Tideflow does not have "
            "yet. On one device, iterate over the dataset itself."
        )


class DVariable(ResourceVariable):
    """Is a variable that lies on the devices of a mesh: it cannot be made yet.

    Raises:
      RuntimeError: always.
    """

    def __init__(self, initial_value: Any, *args: Any, dtype: Any = None, **kwargs: Any) -> None:
        del initial_value, args, dtype, kwargs
        raise RuntimeError(
            "tf.experimental.dtensor.DVariable needs several devices, which Tideflow does not have yet. On one device, "
            "use tf.Variable."
        )


class RemoteValue:
    """Is what a worker computes, for the coordinator that asked it to: Tideflow has none yet.

    Raises:
      RuntimeError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        raise RuntimeError("Values of workers are made by a coordinator of workers, which Tideflow does not have yet.")
