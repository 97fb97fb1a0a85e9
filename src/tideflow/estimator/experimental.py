"""Hooks that evaluate while estimators train, and stop them early: ``tf.estimator.experimental``."""

from __future__ import annotations

from tideflow._src.estimator.evaluation_hooks import InMemoryEvaluatorHook as InMemoryEvaluatorHook
from tideflow._src.estimator.evaluation_hooks import make_early_stopping_hook as make_early_stopping_hook
from tideflow._src.estimator.evaluation_hooks import (
    make_stop_at_checkpoint_step_hook as make_stop_at_checkpoint_step_hook,
)
from tideflow._src.estimator.evaluation_hooks import stop_if_higher_hook as stop_if_higher_hook
from tideflow._src.estimator.evaluation_hooks import stop_if_lower_hook as stop_if_lower_hook
from tideflow._src.estimator.evaluation_hooks import stop_if_no_decrease_hook as stop_if_no_decrease_hook
from tideflow._src.estimator.evaluation_hooks import stop_if_no_increase_hook as stop_if_no_increase_hook
from tideflow._src.estimator.extending import call_logit_fn as call_logit_fn
