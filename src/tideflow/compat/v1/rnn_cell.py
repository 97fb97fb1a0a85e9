"""Cells of recurrent networks: ``tf.nn.rnn_cell``."""

from __future__ import annotations

from tideflow._src.layers.basic_cells import BasicRNNCell as BasicRNNCell
from tideflow._src.layers.basic_cells import GRUCell as GRUCell
from tideflow._src.layers.basic_cells import MultiRNNCell as MultiRNNCell
from tideflow._src.layers.cell_wrappers import DeviceWrapper as DeviceWrapper
from tideflow._src.layers.cell_wrappers import DropoutWrapper as DropoutWrapper
from tideflow._src.layers.cell_wrappers import ResidualWrapper as ResidualWrapper
from tideflow._src.layers.lstm_cells import BasicLSTMCell as BasicLSTMCell
from tideflow._src.layers.lstm_cells import LSTMCell as LSTMCell
from tideflow._src.layers.recurrent_cell import LSTMStateTuple as LSTMStateTuple
from tideflow._src.layers.recurrent_cell import RNNCell as RNNCell
