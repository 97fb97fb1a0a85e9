"""SavedModels: ``tf.saved_model`` of TensorFlow 1.x."""

from __future__ import annotations

from tideflow._src.io.captured_resource import Asset as Asset
from tideflow._src.saved_model.constants import ASSETS_DIRECTORY as ASSETS_DIRECTORY
from tideflow._src.saved_model.constants import ASSETS_KEY as ASSETS_KEY
from tideflow._src.saved_model.constants import CLASSIFY_INPUTS as CLASSIFY_INPUTS
from tideflow._src.saved_model.constants import CLASSIFY_METHOD_NAME as CLASSIFY_METHOD_NAME
from tideflow._src.saved_model.constants import CLASSIFY_OUTPUT_CLASSES as CLASSIFY_OUTPUT_CLASSES
from tideflow._src.saved_model.constants import CLASSIFY_OUTPUT_SCORES as CLASSIFY_OUTPUT_SCORES
from tideflow._src.saved_model.constants import DEBUG_DIRECTORY as DEBUG_DIRECTORY
from tideflow._src.saved_model.constants import DEBUG_INFO_FILENAME_PB as DEBUG_INFO_FILENAME_PB
from tideflow._src.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY as DEFAULT_SERVING_SIGNATURE_DEF_KEY
from tideflow._src.saved_model.constants import GPU as GPU
from tideflow._src.saved_model.constants import LEGACY_INIT_OP_KEY as LEGACY_INIT_OP_KEY
from tideflow._src.saved_model.constants import MAIN_OP_KEY as MAIN_OP_KEY
from tideflow._src.saved_model.constants import PREDICT_INPUTS as PREDICT_INPUTS
from tideflow._src.saved_model.constants import PREDICT_METHOD_NAME as PREDICT_METHOD_NAME
from tideflow._src.saved_model.constants import PREDICT_OUTPUTS as PREDICT_OUTPUTS
from tideflow._src.saved_model.constants import REGRESS_INPUTS as REGRESS_INPUTS
from tideflow._src.saved_model.constants import REGRESS_METHOD_NAME as REGRESS_METHOD_NAME
from tideflow._src.saved_model.constants import REGRESS_OUTPUTS as REGRESS_OUTPUTS
from tideflow._src.saved_model.constants import SAVED_MODEL_FILENAME_PB as SAVED_MODEL_FILENAME_PB
from tideflow._src.saved_model.constants import SAVED_MODEL_FILENAME_PBTXT as SAVED_MODEL_FILENAME_PBTXT
from tideflow._src.saved_model.constants import SAVED_MODEL_SCHEMA_VERSION as SAVED_MODEL_SCHEMA_VERSION
from tideflow._src.saved_model.constants import SERVING as SERVING
from tideflow._src.saved_model.constants import TPU as TPU
from tideflow._src.saved_model.constants import TRAINING as TRAINING
from tideflow._src.saved_model.constants import VARIABLES_DIRECTORY as VARIABLES_DIRECTORY
from tideflow._src.saved_model.constants import VARIABLES_FILENAME as VARIABLES_FILENAME
from tideflow._src.saved_model.load import load as load_v2
from tideflow._src.saved_model.options import SaveOptions as SaveOptions
from tideflow._src.saved_model.save import save as save
from tideflow._src.saved_model.v1.builder import SavedModelBuilder as Builder
from tideflow._src.saved_model.v1.loader import load as load
from tideflow._src.saved_model.v1.loader import maybe_saved_model_directory as contains_saved_model
from tideflow._src.saved_model.v1.loader import maybe_saved_model_directory as maybe_saved_model_directory
from tideflow._src.saved_model.v1.main_ops import main_op_with_restore as main_op_with_restore
from tideflow._src.saved_model.v1.signature_definitions import build_signature_def as build_signature_def
from tideflow._src.saved_model.v1.signature_definitions import (
    classification_signature_def as classification_signature_def,
)
from tideflow._src.saved_model.v1.signature_definitions import is_valid_signature as is_valid_signature
from tideflow._src.saved_model.v1.signature_definitions import predict_signature_def as predict_signature_def
from tideflow._src.saved_model.v1.signature_definitions import regression_signature_def as regression_signature_def
from tideflow._src.saved_model.v1.simple_save import simple_save as simple_save
from tideflow._src.saved_model.v1.tensor_info import build_tensor_info as build_tensor_info
from tideflow._src.saved_model.v1.tensor_info import get_tensor_from_tensor_info as get_tensor_from_tensor_info
from tideflow.compat.v1.saved_model import builder as builder
from tideflow.compat.v1.saved_model import constants as constants
from tideflow.compat.v1.saved_model import experimental as experimental
from tideflow.compat.v1.saved_model import loader as loader
from tideflow.compat.v1.saved_model import main_op as main_op
from tideflow.compat.v1.saved_model import signature_constants as signature_constants
from tideflow.compat.v1.saved_model import signature_def_utils as signature_def_utils
from tideflow.compat.v1.saved_model import tag_constants as tag_constants
from tideflow.compat.v1.saved_model import utils as utils
