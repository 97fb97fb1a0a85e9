"""Names the standard collections of a graph."""

from __future__ import annotations


class GraphKeys:
    """Names the collections that the library itself reads or fills.

    Each is a list kept in the graph: ``graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)``.
    """

    #: Variables shared by all parts of a program: what a checkpoint saves by default.
    GLOBAL_VARIABLES = "variables"
    #: Variables that belong to one process, such as counters of an evaluation.
    LOCAL_VARIABLES = "local_variables"
    #: Local variables that metrics keep.
    METRIC_VARIABLES = "metric_variables"
    #: Variables that a model's forward pass uses.
    MODEL_VARIABLES = "model_variables"
    #: Variables that optimizers update.
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    #: Variables whose moving averages are kept.
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    #: Operations to run before each step's end, such as the updates of batch normalization.
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    _SUMMARY_COLLECTION = "_SUMMARY_V2"
    _VARIABLE_COLLECTIONS = (
        GLOBAL_VARIABLES,
        LOCAL_VARIABLES,
        METRIC_VARIABLES,
        MODEL_VARIABLES,
        TRAINABLE_VARIABLES,
        MOVING_AVERAGE_VARIABLES,
        CONCATENATED_VARIABLES,
        TRAINABLE_RESOURCE_VARIABLES,
    )
    _STREAMING_MODEL_PORTS = "streaming_model_ports"
    #: The name that ``GLOBAL_VARIABLES`` had before TensorFlow 0.12.
    VARIABLES = GLOBAL_VARIABLES
