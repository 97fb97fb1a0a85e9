"""Descriptions of tensors that lie on several devices: ``tf.experimental.dtensor``."""

from __future__ import annotations

from tideflow._src.distribute.meshes import MATCH as MATCH
from tideflow._src.distribute.meshes import UNSHARDED as UNSHARDED
from tideflow._src.distribute.meshes import Layout as Layout
from tideflow._src.distribute.meshes import Mesh as Mesh
from tideflow._src.distribute.meshes import create_distributed_mesh as create_distributed_mesh
from tideflow._src.distribute.meshes import create_mesh as create_mesh
from tideflow._src.distribute.several_machines import DTensorDataset as DTensorDataset
from tideflow._src.distribute.several_machines import DVariable as DVariable
