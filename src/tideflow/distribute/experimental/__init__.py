"""Strategies under their earlier names: ``tf.distribute.experimental``."""

from __future__ import annotations

from tideflow._src.distribute.central_storage import CentralStorageStrategy as CentralStorageStrategy
from tideflow._src.distribute.communication import CollectiveHints as CollectiveHints
from tideflow._src.distribute.communication import CommunicationImplementation as CollectiveCommunication
from tideflow._src.distribute.communication import CommunicationImplementation as CommunicationImplementation
from tideflow._src.distribute.communication import CommunicationOptions as CommunicationOptions
from tideflow._src.distribute.inputs import ValueContext as ValueContext
from tideflow._src.distribute.several_machines import MultiWorkerMirroredStrategy as MultiWorkerMirroredStrategy
from tideflow._src.distribute.several_machines import ParameterServerStrategy as ParameterServerStrategy
from tideflow._src.distribute.several_machines import TPUStrategy as TPUStrategy
from tideflow.distribute.experimental import coordinator as coordinator
