"""Reads the MNIST digits: ``input_data.read_data_sets(directory)``."""

from __future__ import annotations

from tideflow._src.compat.mnist_files import DataSet as DataSet
from tideflow._src.compat.mnist_files import Datasets as Datasets
from tideflow._src.compat.mnist_files import dense_to_one_hot as dense_to_one_hot
from tideflow._src.compat.mnist_files import extract_images as extract_images
from tideflow._src.compat.mnist_files import extract_labels as extract_labels
from tideflow._src.compat.mnist_files import maybe_download as maybe_download
from tideflow._src.compat.mnist_files import read_data_sets as read_data_sets
