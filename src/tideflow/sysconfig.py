"""How this library was built: ``tf.sysconfig``."""

from __future__ import annotations

from tideflow._src.compat.sysconfig import CXX11_ABI_FLAG as CXX11_ABI_FLAG
from tideflow._src.compat.sysconfig import CXX_VERSION as CXX_VERSION
from tideflow._src.compat.sysconfig import MONOLITHIC_BUILD as MONOLITHIC_BUILD
from tideflow._src.compat.sysconfig import get_build_info as get_build_info
from tideflow._src.compat.sysconfig import get_compile_flags as get_compile_flags
from tideflow._src.compat.sysconfig import get_include as get_include
from tideflow._src.compat.sysconfig import get_lib as get_lib
from tideflow._src.compat.sysconfig import get_link_flags as get_link_flags
