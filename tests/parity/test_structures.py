"""Compares nested structures, extension types and structured tensors with TensorFlow's: what they print, and refuse."""

from __future__ import annotations

import re
from typing import Any

import tideflow
from tideflow._src.core import nest

from .oracle import Oracle

#: Runs expressions, here and in TensorFlow: gives for each what it prints, or the class and first line of its error.
PROGRAM = """
import collections, re

if nest is None:
    from tensorflow.python.util import nest

P = collections.namedtuple("P", "a b")
r = tf.ragged.constant([[1, 2], [3]])
s = tf.SparseTensor([[0, 1]], [1], [2, 2])
M = type(tf.experimental.ExtensionType)("M", (tf.experimental.ExtensionType,), {"__annotations__": {"v": tf.Tensor}})
m = M([1, 2])
od = collections.OrderedDict([("b", 1), ("a", 2)])
dd = collections.defaultdict(list, {"b": 1, "a": 2})
S, RP = tf.experimental.StructuredTensor, tf.experimental.RowPartition
a = S.from_fields({
    "age": [30, 40],
    "scores": tf.ragged.constant([[1, 2], []], dtype=tf.int32),
    "in": S.from_fields({"y": tf.ragged.constant([[1.0], []])}, [2]),
}, [2])
b = S.from_pyval([[{"x": 1}, {"x": 2}], [], [{"x": 3}]])
c = S.from_fields({"x": 1, "y": [1, 2], "s": "abc"})
d = S.from_fields({
    "x": tf.ragged.constant([[[1, 2], [3]], []]),
    "r": S.from_fields({"f": tf.ragged.constant([[1, 2], []], dtype=tf.int32)}, [2, None]),
}, [2])
e = S.from_pyval([{"x": 1}, {"x": 2}, {"x": 3}])
f = tf.function(lambda t: t.with_updates({"age": t.field_value("age") + 1}))


def outcome(expression):
    try:
        return expression, re.sub("0x[0-9a-f]+", "", repr(eval(expression, globals())))
    except Exception as error:
        return expression, type(error).__name__, re.sub("0x[0-9a-f]+", "", (str(error).splitlines() or [""])[0])


result = [outcome(expression) for expression in EXPRESSIONS]
"""

EXPRESSIONS = r"""
nest.flatten({'b':1,'a':[2,(3,)],'c':P(4,5)})
nest.flatten([r,m,3], expand_composites=True)
nest.flatten(r)
nest.flatten(od)
nest.pack_sequence_as(od,[8,9])
nest.pack_sequence_as(dd,[8,9])
nest.pack_sequence_as([1,2],[3])
nest.pack_sequence_as(3,[1,2])
nest.pack_sequence_as([1],3)
nest.pack_sequence_as(P(1,[2]),[5,6])
nest.map_structure(lambda x,y:x+y,[1,2],(3,4))
nest.map_structure(lambda x,y:x+y,[1,2],(3,4),check_types=False)
nest.map_structure(3,[1])
nest.map_structure(lambda x:x)
nest.map_structure(lambda x:x,[1],foo=3)
nest.map_structure(lambda x: x*2, m, expand_composites=True)
nest.map_structure(lambda x: x*2, {'a':r}, expand_composites=True)['a'].to_list()
nest.assert_same_structure([1],[1,2])
nest.assert_same_structure({'a':1},{'b':1})
nest.assert_same_structure([1],3)
nest.assert_same_structure(r,s,expand_composites=True)
nest.assert_same_structure(r,r.values,expand_composites=True)
nest.assert_same_structure(r,r._type_spec,expand_composites=True)
nest.assert_same_structure(m,M([1,2,3]),expand_composites=True)
nest.assert_same_structure(m,M([1.]),expand_composites=True)
nest.assert_same_structure(P(1,2),(1,2))
nest.assert_same_structure([[1],2],[1,[2]])
nest.assert_shallow_structure([1],[1,2])
nest.assert_shallow_structure({'a':1},{'a':[1],'b':2})
nest.assert_shallow_structure([1,[2]],[1,2])
nest.assert_shallow_structure([1],(1,))
nest.flatten_up_to({'a':0,'b':[0]},{'a':[1,2],'b':[(3,4)]})
nest.map_structure_up_to([0,0],lambda x:x*2,[(1,),(2,3)])
nest.map_structure_up_to([0,0],lambda x:x)
nest.flatten_up_to(0,[1])
nest.flatten_up_to([0],3)
nest.flatten_up_to(r,[1])
nest.flatten_up_to([0],{'a':1})
list(nest.yield_flat_paths({'a':[1,(2,)],'b':P(3,4)}))
list(nest.yield_flat_paths([r],expand_composites=True))
nest.flatten_with_tuple_paths([1,{'a':2}])
nest.flatten_with_joined_string_paths({'a':[1,2],'c':P(1,2)})
nest.flatten_with_joined_string_paths({'a':[1]},separator='.')
nest.map_structure_with_paths(lambda p,x:(p,x),{'a':[1]})
nest.map_structure_with_tuple_paths(lambda p,x:(p,x),[1,(2,)])
nest.flatten_with_tuple_paths_up_to([0,[0]],[(1,2),[3]])
nest.map_structure_with_tuple_paths_up_to([0,0],lambda p,x:(p,x),[1,[2]])
nest.get_traverse_shallow_structure(lambda x: isinstance(x,tuple),(1,[2],(3,)))
nest.get_traverse_shallow_structure(lambda x: 3,[1])
nest.get_traverse_shallow_structure(lambda x: [True,False],[[1],[2]])
nest.get_traverse_shallow_structure(lambda x: [1],[1])
nest.list_to_tuple([1,[2,{'a':[3]}]])
nest.flatten_dict_items({(4,5,(6,8)):('a','b',('c','d'))})
nest.flatten_dict_items(3)
nest.flatten_dict_items({(1,2):(3,)})
nest.flatten_dict_items({(1,):(3,),1:4})
nest.is_nested([1])
nest.is_nested('a')
nest.is_nested(r)
nest.is_nested_or_composite(r)
nest.is_nested({1}.__class__())
nest.is_nested(dict(a=1).keys())
nest.flatten({'a':1,3:2})
nest.flatten(tf.TensorShape([1,2]))
nest.is_nested(range(3))
nest.flatten(None)
nest.map_structure(lambda x:x, ())
nest.is_namedtuple(P(1,2))
nest.same_namedtuples(P(1,2),P(3,4))
nest.flatten(m,expand_composites=True)
nest.flatten(m._type_spec,expand_composites=True)
nest.pack_sequence_as(m,[tf.constant(3)],expand_composites=True)
nest.pack_sequence_as(r,[1,2,3],expand_composites=True)
a[0]
a[1:]
a[0,'age']
a[:, 'scores']
b[0]
b[:,0:1]
b[0,1,'x']
c['y',0]
c['x']
c[0]
a[tf.newaxis]
a[0,'in','y']
a[:,'in']
c[:]
a.field_value('nope')
a.field_value(('in','y'))
a.field_value(('in','y','z'))
b.merge_dims(0,1)
b.merge_dims(1,0)
b.merge_dims(0,2)
e.partition_outer_dimension(RP.from_row_lengths([2,0,1]))
e.partition_outer_dimension(3)
c.partition_outer_dimension(RP.from_row_lengths([1]))
e.partition_outer_dimension(RP.from_uniform_row_length(3,3))
d.partition_outer_dimension(RP.from_row_lengths([2,0])).to_pyval()
a.with_updates({'age':None,('in','y'):lambda v: v*2,'new':[1,2]}).to_pyval()
a.with_updates({'q':None})
a.with_updates({'in':1,('in','y'):2})
a.with_updates({'new':[1,2,3]})
a.with_updates({'':1})
a.with_updates({'w':lambda v:v})
a.with_updates({('o','t'):1})
d.promote(('r','f'),'up').to_pyval()
d.promote(('f',),'up')
d.promote('f','up')
d.promote(('r','f'),3)
S.from_fields({'x':[1,2],'y':[[1,2],[3,4]]},shape=[2])
S.from_fields({'x':[1,2]},shape=[3])
S.from_fields({'x':[1,2],'y':[1,2,3]},shape=[None])
S.from_fields({'x':1})
S.from_fields([1])
S.from_fields({1:1})
S.from_fields({'a b':1})
S.from_fields({},shape=[None])
S.from_fields({},shape=[3])
S.from_fields({},shape=None)
S.from_fields({},nrows=3)
S.from_fields({},shape=[None],nrows=tf.constant(3))
S.from_fields({},[None,None])
S.from_fields({},[None],row_partitions=[1])
S.from_fields({'x':tf.ragged.constant([[1,2],[3]])},shape=[2,None])
S.from_fields({'x':[[1,2],[3,4]]},shape=[2,2])
S.from_fields_and_rank({'x':[1,2]},1)
S.from_fields_and_rank({},1)
S.from_fields_and_rank({'x':[1,2]},-1)
S.from_fields_and_rank({'x':[1,2]},'a')
S.from_fields_and_rank({'x':[1,2]},2)
S.from_pyval([{'x':1},[{'x':2}]])
S.from_pyval([{},{}])
S.from_pyval([[{}],[]]).to_pyval()
S.from_pyval({})
S.from_pyval([])
S.from_pyval([{'x':'a'},{'x':1}])
S.from_pyval([{'x':[1,[2]]}])
f(a).to_pyval()
tf.function(lambda t: t[0])(a).to_pyval()
tf.cond(tf.constant(True), lambda: a, lambda: a).to_pyval()
tf.function(lambda t: t.merge_dims(0,1))(b).to_pyval()
a==a
S.from_shape(tf.experimental.DynamicRaggedShape.from_lengths([2,(1,2)])).to_pyval()
a.with_shape_dtype(tf.int32)._ragged_shape.dtype
""".strip().splitlines()


def _normal(outcome: Any) -> Any:
    return tuple(re.sub(r"tensorflow\.[\w.]*\.|tideflow\.[\w.]*\.", "", part) for part in outcome)


def test_structures(oracle: Oracle) -> None:
    source = f"EXPRESSIONS = {EXPRESSIONS!r}\n" + PROGRAM
    answer = oracle.ask("evaluate", source="nest = None\n" + source)
    assert "result" in answer, answer
    here: dict[str, Any] = {"tf": tideflow, "nest": nest}
    exec(source, here)
    problems = [
        f"{theirs[0]}\n  TensorFlow: {theirs[1:]}\n  Tideflow:   {ours[1:]}"
        for theirs, ours in zip(map(tuple, answer["result"]), here["result"], strict=True)
        if _normal(theirs) != _normal(ours)
    ]
    assert not problems, "\n" + "\n".join(problems)
