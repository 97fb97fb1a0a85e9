"""Recording what a program does with its time: ``tf.profiler.experimental``."""

from __future__ import annotations

from tideflow._src.profiler.session import Profile as Profile
from tideflow._src.profiler.session import ProfilerOptions as ProfilerOptions
from tideflow._src.profiler.session import Trace as Trace
from tideflow._src.profiler.session import start as start
from tideflow._src.profiler.session import stop as stop
from tideflow.profiler.experimental import client as client
from tideflow.profiler.experimental import server as server
