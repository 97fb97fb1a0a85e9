"""What functions are and take: ``tf.types.experimental``."""

from __future__ import annotations

from tideflow._src.function.concrete_function import ConcreteFunction as ConcreteFunction
from tideflow._src.function.function_type import FunctionType as FunctionType
from tideflow._src.function.interfaces import AtomicFunction as AtomicFunction
from tideflow._src.function.interfaces import Callable as Callable
from tideflow._src.function.interfaces import TensorLike as TensorLike
from tideflow._src.function.trace_types import SupportsTracingProtocol as SupportsTracingProtocol
from tideflow._src.function.trace_types import TraceType as TraceType
from tideflow._src.function.traced_function import TracedFunction as GenericFunction
from tideflow._src.function.traced_function import TracedFunction as PolymorphicFunction
from tideflow.types.experimental import distributed as distributed
