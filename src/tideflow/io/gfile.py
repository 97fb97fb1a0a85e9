"""Files and folders: ``tf.io.gfile``."""

from __future__ import annotations

from tideflow._src.io.gfile import GFile as GFile
from tideflow._src.io.gfile import copy as copy
from tideflow._src.io.gfile import exists as exists
from tideflow._src.io.gfile import get_registered_schemes as get_registered_schemes
from tideflow._src.io.gfile import glob as glob
from tideflow._src.io.gfile import isdir as isdir
from tideflow._src.io.gfile import join as join
from tideflow._src.io.gfile import listdir as listdir
from tideflow._src.io.gfile import makedirs as makedirs
from tideflow._src.io.gfile import mkdir as mkdir
from tideflow._src.io.gfile import remove as remove
from tideflow._src.io.gfile import rename as rename
from tideflow._src.io.gfile import rmtree as rmtree
from tideflow._src.io.gfile import stat as stat
from tideflow._src.io.gfile import walk as walk
