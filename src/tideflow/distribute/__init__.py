"""Programs as replicas: ``tf.distribute``."""

from __future__ import annotations

from tideflow._src.distribute import default_strategy as _default_strategy
from tideflow._src.distribute.communication import CrossDeviceOps as CrossDeviceOps
from tideflow._src.distribute.communication import HierarchicalCopyAllReduce as HierarchicalCopyAllReduce
from tideflow._src.distribute.communication import NcclAllReduce as NcclAllReduce
from tideflow._src.distribute.communication import ReductionToOneDevice as ReductionToOneDevice
from tideflow._src.distribute.contexts import ReplicaContext as ReplicaContext
from tideflow._src.distribute.contexts import experimental_set_strategy as experimental_set_strategy
from tideflow._src.distribute.contexts import get_replica_context as get_replica_context
from tideflow._src.distribute.contexts import get_strategy as get_strategy
from tideflow._src.distribute.contexts import has_strategy as has_strategy
from tideflow._src.distribute.contexts import in_cross_replica_context as in_cross_replica_context
from tideflow._src.distribute.inputs import DistributedDataset as DistributedDataset
from tideflow._src.distribute.inputs import DistributedIterator as DistributedIterator
from tideflow._src.distribute.inputs import InputContext as InputContext
from tideflow._src.distribute.inputs import InputOptions as InputOptions
from tideflow._src.distribute.inputs import InputReplicationMode as InputReplicationMode
from tideflow._src.distribute.inputs import RunOptions as RunOptions
from tideflow._src.distribute.mirrored import MirroredStrategy as MirroredStrategy
from tideflow._src.distribute.one_device import OneDeviceStrategy as OneDeviceStrategy
from tideflow._src.distribute.reduction import ReduceOp as ReduceOp
from tideflow._src.distribute.several_machines import MultiWorkerMirroredStrategy as MultiWorkerMirroredStrategy
from tideflow._src.distribute.several_machines import ParameterServerStrategy as ParameterServerStrategy
from tideflow._src.distribute.several_machines import TPUStrategy as TPUStrategy
from tideflow._src.distribute.strategy import Strategy as Strategy
from tideflow._src.distribute.strategy import StrategyExtended as StrategyExtended
from tideflow._src.function.interfaces import DistributedValues as DistributedValues
from tideflow.distribute import experimental as experimental
