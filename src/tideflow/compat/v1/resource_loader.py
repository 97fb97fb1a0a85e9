"""Files beside a program: ``tf.resource_loader``."""

from __future__ import annotations

from tideflow._src.compat.resource_loader import get_data_files_path as get_data_files_path
from tideflow._src.compat.resource_loader import get_path_to_datafile as get_path_to_datafile
from tideflow._src.compat.resource_loader import get_root_dir_with_all_resources as get_root_dir_with_all_resources
from tideflow._src.compat.resource_loader import load_resource as load_resource
from tideflow._src.compat.resource_loader import readahead_file_path as readahead_file_path
