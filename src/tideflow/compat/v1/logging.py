"""Messages of a program: ``tf.logging``."""

from __future__ import annotations

from tideflow._src.core.logger import DEBUG as DEBUG
from tideflow._src.core.logger import ERROR as ERROR
from tideflow._src.core.logger import FATAL as FATAL
from tideflow._src.core.logger import INFO as INFO
from tideflow._src.core.logger import WARN as WARN
from tideflow._src.core.logger import TaskLevelStatusMessage as TaskLevelStatusMessage
from tideflow._src.core.logger import debug as debug
from tideflow._src.core.logger import error as error
from tideflow._src.core.logger import fatal as fatal
from tideflow._src.core.logger import flush as flush
from tideflow._src.core.logger import get_verbosity as get_verbosity
from tideflow._src.core.logger import info as info
from tideflow._src.core.logger import log as log
from tideflow._src.core.logger import log_every_n as log_every_n
from tideflow._src.core.logger import log_first_n as log_first_n
from tideflow._src.core.logger import log_if as log_if
from tideflow._src.core.logger import set_verbosity as set_verbosity
from tideflow._src.core.logger import vlog as vlog
from tideflow._src.core.logger import warn as warn
from tideflow._src.core.logger import warning as warning
