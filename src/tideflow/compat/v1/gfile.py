"""Files and folders by their names in TensorFlow 1.x: ``tf.gfile``."""

from __future__ import annotations

from tideflow._src.io.gfile import FastGFile as FastGFile
from tideflow._src.io.gfile import GFile as GFile
from tideflow._src.io.gfile import GFile as Open
from tideflow._src.io.gfile import copy_v1 as Copy
from tideflow._src.io.gfile import delete_recursively_v1 as DeleteRecursively
from tideflow._src.io.gfile import exists_v1 as Exists
from tideflow._src.io.gfile import glob_v1 as Glob
from tideflow._src.io.gfile import is_directory_v1 as IsDirectory
from tideflow._src.io.gfile import list_directory_v1 as ListDirectory
from tideflow._src.io.gfile import make_dirs_v1 as MakeDirs
from tideflow._src.io.gfile import mkdir_v1 as MkDir
from tideflow._src.io.gfile import remove_v1 as Remove
from tideflow._src.io.gfile import rename_v1 as Rename
from tideflow._src.io.gfile import stat_v1 as Stat
from tideflow._src.io.gfile import walk_v1 as Walk
