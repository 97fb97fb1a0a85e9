"""Exceptions: ``tf.errors``."""

from __future__ import annotations

from tideflow._src.core.errors import ABORTED as ABORTED
from tideflow._src.core.errors import ALREADY_EXISTS as ALREADY_EXISTS
from tideflow._src.core.errors import CANCELLED as CANCELLED
from tideflow._src.core.errors import DATA_LOSS as DATA_LOSS
from tideflow._src.core.errors import DEADLINE_EXCEEDED as DEADLINE_EXCEEDED
from tideflow._src.core.errors import FAILED_PRECONDITION as FAILED_PRECONDITION
from tideflow._src.core.errors import INTERNAL as INTERNAL
from tideflow._src.core.errors import INVALID_ARGUMENT as INVALID_ARGUMENT
from tideflow._src.core.errors import NOT_FOUND as NOT_FOUND
from tideflow._src.core.errors import OK as OK
from tideflow._src.core.errors import OUT_OF_RANGE as OUT_OF_RANGE
from tideflow._src.core.errors import PERMISSION_DENIED as PERMISSION_DENIED
from tideflow._src.core.errors import RESOURCE_EXHAUSTED as RESOURCE_EXHAUSTED
from tideflow._src.core.errors import UNAUTHENTICATED as UNAUTHENTICATED
from tideflow._src.core.errors import UNAVAILABLE as UNAVAILABLE
from tideflow._src.core.errors import UNIMPLEMENTED as UNIMPLEMENTED
from tideflow._src.core.errors import UNKNOWN as UNKNOWN
from tideflow._src.core.errors import AbortedError as AbortedError
from tideflow._src.core.errors import AlreadyExistsError as AlreadyExistsError
from tideflow._src.core.errors import CancelledError as CancelledError
from tideflow._src.core.errors import DataLossError as DataLossError
from tideflow._src.core.errors import DeadlineExceededError as DeadlineExceededError
from tideflow._src.core.errors import FailedPreconditionError as FailedPreconditionError
from tideflow._src.core.errors import InternalError as InternalError
from tideflow._src.core.errors import InvalidArgumentError as InvalidArgumentError
from tideflow._src.core.errors import NotFoundError as NotFoundError
from tideflow._src.core.errors import OpError as OpError
from tideflow._src.core.errors import OutOfRangeError as OutOfRangeError
from tideflow._src.core.errors import PermissionDeniedError as PermissionDeniedError
from tideflow._src.core.errors import ResourceExhaustedError as ResourceExhaustedError
from tideflow._src.core.errors import UnauthenticatedError as UnauthenticatedError
from tideflow._src.core.errors import UnavailableError as UnavailableError
from tideflow._src.core.errors import UnimplementedError as UnimplementedError
from tideflow._src.core.errors import UnknownError as UnknownError
from tideflow._src.core.errors import error_code_from_exception_type as error_code_from_exception_type
from tideflow._src.core.errors import exception_type_from_error_code as exception_type_from_error_code
from tideflow._src.core.errors import raise_exception_on_not_ok_status as raise_exception_on_not_ok_status
