"""Writes and reads checkpoints; `test_checkpoint_files.py` runs it on Tideflow and, as a program, on TensorFlow.

As a program it is called with three folders: it reads what is in the first, writes what it finds to the second, and
writes checkpoints of its own to the third.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

State = dict[str, np.ndarray[Any, Any]]
_random = np.random.RandomState(5)
_INTEGERS = _random.randint(0, 10**12, 300) - 5 * 10**11
_STRINGS = [f"key {number}" * (number % 9 + 1) for number in range(300)]
_PAIRS = _random.randint(1, 10**9, (150, 2))
_ROWS = _random.rand(8, 3).astype(np.float32)


class _Case:
    """Is some objects: by name what is saved, how it is given values, and what it holds.

    Args:
      tf: the library.
    """

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        self.objects: dict[str, Any] = {}

    def fill(self) -> None:
        """Gives the objects the values that are saved."""

    def state(self) -> State:
        """Returns what the objects hold."""
        raise NotImplementedError

    def check(self, status: Any) -> None:
        """Checks that everything was restored."""
        status.assert_consumed()


class _Structures(_Case):
    def __init__(self, tf: Any) -> None:
        super().__init__(tf)

        class Net(tf.Module):
            def __init__(self) -> None:
                super().__init__()
                self.w = tf.Variable([0.0, 0.0])
                self.layers = [tf.Variable(0), {"a": tf.Variable(""), "b/c.d": tf.Variable(0.0)}, []]
                self.pair = (tf.Variable(np.int64(0)), "no variable", [tf.Variable(0)])
                self.shared = self.w

        class Tagged(tf.experimental.ExtensionType):
            __annotations__ = {"value": tf.Tensor}

        class Own(tf.__internal__.tracking.AutoTrackable):
            def __init__(self) -> None:
                self.value = tf.zeros([2])

            def _serialize_to_tensors(self) -> Any:
                return {"plain": self.value, "second": self.value * 2}

            def _restore_from_tensors(self, restored_tensors: Any) -> None:
                self.value = restored_tensors["plain"]

        class Text(tf.train.experimental.PythonState):
            value = ""

            def serialize(self) -> str:
                return self.value

            def deserialize(self, string_value: bytes) -> None:
                self.value = string_value.decode()

        net = Net()
        net.tagged = Tagged(tf.constant(1.0))
        net.constant = tf.constant(1.0)
        self.net, self.own, self.text = net, Own(), Text()
        self.inner = tf.train.Checkpoint(net, more=tf.Variable(0.0))
        self.objects = {"net": net, "own": self.own, "text": self.text, "inner": self.inner, "step": tf.Variable(0)}

    def fill(self) -> None:
        for number, variable in enumerate(self.net.variables):
            value = variable.numpy()
            variable.assign("text" if isinstance(value, bytes) else value + number + 1)
        self.own.value = self.tf.constant([3.0, 4.0])
        self.text.value = "état"
        self.inner.more.assign(7.0)
        self.objects["step"].assign(9)

    def state(self) -> State:
        found = {str(number): np.array(each.numpy()) for number, each in enumerate(self.net.variables)}
        more = {"own": self.own.value, "more": self.inner.more, "step": self.objects["step"]}
        found |= {name: each.numpy() for name, each in more.items()}
        return found | {"text": np.array(self.text.value)}


class _Types(_Case):
    def __init__(self, tf: Any) -> None:
        super().__init__(tf)
        names = "float16 bfloat16 float32 float64 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool".split()
        names += ["complex64", "complex128"]
        self.objects = {name: tf.Variable(tf.zeros([2, 3], getattr(tf, name))) for name in names}
        self.objects |= {
            "strings": tf.Variable(["", ""]), "empty": tf.Variable(np.zeros((0, 3))), "scalar": tf.Variable(0.0),
            "unknown": tf.Variable([0.0], shape=[None]),
        }  # fmt: skip

    def fill(self) -> None:
        for name, variable in self.objects.items():
            if variable.shape == (2, 3):
                variable.assign(self.tf.cast([[1, 0, 3], [0, 5, 6]], variable.dtype))
            elif name == "strings":
                variable.assign([b"\x00\xff" * 200, b"b"])
        self.objects["scalar"].assign(float("nan"))
        self.objects["unknown"].assign([1.0, 2.0, 3.0])

    def state(self) -> State:
        cast = {"bfloat16": np.float32}
        found = {name: each.numpy().astype(cast.get(name, each.numpy().dtype)) for name, each in self.objects.items()}
        return found | {"strings": self.objects["strings"].numpy().astype("S")}


class _Tables(_Case):
    def __init__(self, tf: Any) -> None:
        super().__init__(tf)
        dense, mutable = tf.lookup.experimental.DenseHashTable, tf.lookup.experimental.MutableHashTable
        self.objects = {
            "integers": dense(tf.int64, tf.float32, 0.0, empty_key=-1, deleted_key=-2, initial_num_buckets=8),
            "strings": dense(tf.string, tf.int64, -1, empty_key="", deleted_key="$", initial_num_buckets=512),
            "pairs": dense(tf.int64, tf.int64, [0, 0], empty_key=[0, 0], deleted_key=[-1, -1], initial_num_buckets=4),
            "empty": dense(tf.int64, tf.float32, 0.0, empty_key=-1, deleted_key=-2, initial_num_buckets=16),
            "mutable": mutable(tf.string, tf.int64, -1),
            "vectors": mutable(tf.int64, tf.float32, [0.0, 0.0]),
        }
        self.generator = tf.random.Generator.from_seed(1)
        self.objects["generator"] = self.generator

    def fill(self) -> None:
        count = np.arange(300)
        tables = self.objects
        tables["integers"].insert(_INTEGERS, count.astype(np.float32))
        tables["integers"].remove(_INTEGERS[:10])
        tables["strings"].insert(_STRINGS, count)
        tables["pairs"].insert(_PAIRS, np.stack([count[:150], -count[:150]], 1))
        tables["mutable"].insert(_STRINGS, count)
        tables["vectors"].insert(_INTEGERS, np.stack([count, -count], 1).astype(np.float32))
        self.generator.normal([5])

    def state(self) -> State:
        keys = {"integers": _INTEGERS, "strings": _STRINGS, "pairs": _PAIRS, "mutable": _STRINGS, "vectors": _INTEGERS}
        found = {name: self.objects[name].lookup(self.tf.constant(each)).numpy() for name, each in keys.items()}
        sizes = [int(self.objects[name].size()) for name in (*keys, "empty")]
        return found | {"sizes": np.array(sizes), "generator": self.generator.state.numpy()}


class _OldOptimizer(_Case):
    """Holds an optimizer of TensorFlow 1.x, whose variables are made at the first step."""

    def __init__(self, tf: Any) -> None:
        super().__init__(tf)
        self.variables = [tf.Variable([1.0, 2.0]), tf.Variable(3.0)]
        self.optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
        self.objects = {"list": self.variables, "optimizer": self.optimizer}

    def _step(self) -> None:
        tf = self.tf
        gradients = [tf.ones_like(variable) * 0.5 for variable in self.variables]
        self.optimizer.apply_gradients(zip(gradients, self.variables, strict=True))

    def fill(self) -> None:
        self._step()
        self._step()

    def check(self, status: Any) -> None:
        status.assert_existing_objects_matched()

    def state(self) -> State:
        found = {f"variable {number}": each.numpy() for number, each in enumerate(self.variables)}
        for name in ("m", "v"):
            for number, variable in enumerate(self.variables):
                found[f"{name} {number}"] = self.optimizer.get_slot(variable, name).numpy()
        return found


class _Model(_Case):
    """Is a model of Keras and its optimizer."""

    make: Callable[[Any], tuple[Any, Any]]

    def __init__(self, tf: Any) -> None:
        super().__init__(tf)
        tf.keras.utils.set_random_seed(1)
        self.model, self.optimizer = type(self).make(tf.keras)
        self.model(_ROWS)
        self.optimizer.build(self.model.trainable_variables)
        self.objects = {"model": self.model, "optimizer": self.optimizer}

    def fill(self) -> None:
        tf = self.tf
        for _ in range(2):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self.model(_ROWS) ** 2)
            gradients = tape.gradient(loss, self.model.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))

    def state(self) -> State:
        variables = [*self.model.variables, *self.optimizer.variables]
        return {str(number): np.array(each.numpy()) for number, each in enumerate(variables)}


def _sequential(keras: Any) -> tuple[Any, Any]:
    layers = [keras.layers.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization()]
    return keras.Sequential(layers), keras.optimizers.SGD(0.1, momentum=0.9)


def _functional(keras: Any) -> tuple[Any, Any]:
    inputs = keras.Input((3,))
    middle = keras.layers.LayerNormalization()(keras.layers.Dense(4)(inputs))
    return keras.Model(inputs, keras.layers.Dense(1)(middle)), keras.optimizers.RMSprop()


def _recurrent(keras: Any) -> tuple[Any, Any]:
    layers = keras.layers
    stack = [
        layers.Input((3,)), layers.Reshape((3, 1)), layers.Bidirectional(layers.LSTM(4)), layers.Dropout(0.1, seed=2),
    ]  # fmt: skip
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    return keras.Sequential(stack), keras.optimizers.AdamW(rate)


def _derived(keras: Any) -> tuple[Any, Any]:
    class Derived(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [keras.layers.Dense(4), keras.layers.BatchNormalization()]
            self.named = {"out": keras.layers.Dense(1)}

        def call(self, inputs: Any) -> Any:
            for block in self.blocks:
                inputs = block(inputs)
            return self.named["out"](inputs)

    return Derived(), keras.optimizers.Adam()


def _model(maker: Callable[[Any], tuple[Any, Any]]) -> type[_Model]:
    return type(maker.__name__, (_Model,), {"make": staticmethod(maker)})


CASES: dict[str, type[_Case]] = {
    "structures": _Structures, "types": _Types, "tables": _Tables, "old_optimizer": _OldOptimizer,
    "sequential": _model(_sequential), "functional": _model(_functional), "recurrent": _model(_recurrent),
    "derived": _model(_derived),
}  # fmt: skip


def write(tf: Any, folder: pathlib.Path) -> dict[str, State]:
    """Writes a checkpoint of each case to a folder, whole and in small files; returns what they hold."""
    found = {}
    for name, case in CASES.items():
        made = case(tf)
        made.fill()
        checkpoint = tf.train.Checkpoint(**made.objects)
        checkpoint.save(str(folder / name))
        if name not in ("structures", "types", "tables"):  # TensorFlow cannot cut strings, and loses what is empty
            policy = tf.train.experimental.MaxShardSizePolicy(500)
            options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
            checkpoint.write(str(folder / f"{name}-small"), options=options)
        found[name] = made.state()
        np.savez(folder / f"{name}.npz", **found[name])
    return found


def read(tf: Any, folder: pathlib.Path) -> dict[str, State]:
    """Reads the checkpoints of a folder; returns what the objects then hold."""
    found = {}
    for name, case in CASES.items():
        for path in (folder / f"{name}-1", folder / f"{name}-small"):
            if not path.with_name(f"{path.name}.index").exists():
                continue
            made = case(tf)
            made.check(tf.train.Checkpoint(**made.objects).restore(str(path)))
            found[path.name] = made.state()
    return found


def _main(saved: pathlib.Path, answers: pathlib.Path, own: pathlib.Path) -> None:
    import tensorflow as tf

    for name, state in read(tf, saved).items():
        np.savez(answers / f"{name}.npz", **state)
    write(tf, own)


if __name__ == "__main__":
    _main(*map(pathlib.Path, sys.argv[1:4]))
