"""Names in SavedModels: ``tf.saved_model.constants``."""

from __future__ import annotations

from tideflow._src.saved_model.constants import ASSETS_DIRECTORY as ASSETS_DIRECTORY
from tideflow._src.saved_model.constants import ASSETS_KEY as ASSETS_KEY
from tideflow._src.saved_model.constants import DEBUG_DIRECTORY as DEBUG_DIRECTORY
from tideflow._src.saved_model.constants import DEBUG_INFO_FILENAME_PB as DEBUG_INFO_FILENAME_PB
from tideflow._src.saved_model.constants import LEGACY_INIT_OP_KEY as LEGACY_INIT_OP_KEY
from tideflow._src.saved_model.constants import MAIN_OP_KEY as MAIN_OP_KEY
from tideflow._src.saved_model.constants import SAVED_MODEL_FILENAME_PB as SAVED_MODEL_FILENAME_PB
from tideflow._src.saved_model.constants import SAVED_MODEL_FILENAME_PBTXT as SAVED_MODEL_FILENAME_PBTXT
from tideflow._src.saved_model.constants import SAVED_MODEL_SCHEMA_VERSION as SAVED_MODEL_SCHEMA_VERSION
from tideflow._src.saved_model.constants import VARIABLES_DIRECTORY as VARIABLES_DIRECTORY
from tideflow._src.saved_model.constants import VARIABLES_FILENAME as VARIABLES_FILENAME
