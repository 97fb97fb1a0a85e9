"""What is being tried in input pipelines: ``tf.data.experimental``."""

from __future__ import annotations

from tideflow._src.data.options import AutoShardPolicy as AutoShardPolicy
from tideflow._src.data.options import AutotuneAlgorithm as AutotuneAlgorithm
from tideflow._src.data.options import AutotuneOptions as AutotuneOptions
from tideflow._src.data.options import DistributeOptions as DistributeOptions
from tideflow._src.data.options import ExternalStatePolicy as ExternalStatePolicy
from tideflow._src.data.options import OptimizationOptions as OptimizationOptions
from tideflow._src.data.options import ThreadingOptions as ThreadingOptions

#: Leaves a number of threads or of elements to the pipeline.
AUTOTUNE = -1
#: The cardinality of a dataset without end.
INFINITE_CARDINALITY = -1
#: The cardinality of a dataset whose length only going over it tells.
UNKNOWN_CARDINALITY = -2
