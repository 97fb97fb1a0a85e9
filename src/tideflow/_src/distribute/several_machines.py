"""Strategies that Tideflow does not have yet: their classes are there, for programs ask what a strategy is."""

from __future__ import annotations

from typing import Any

from tideflow._src.distribute.strategy import Strategy


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


class CentralStorageStrategy(Strategy):
    """Keeps variables on the host and computes on several accelerators: it cannot be made yet.

    Raises:
      RuntimeError: always.
    """

    def __init__(self, compute_devices: Any = None, parameter_device: Any = None) -> None:
        del compute_devices, parameter_device
        raise _refusal("experimental.CentralStorageStrategy", "several devices")
