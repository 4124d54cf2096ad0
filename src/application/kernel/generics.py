"""Type parameters in annotations, replaced by what they stand for."""

import types
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Literal, Union, get_args, get_origin


def substituted(annotation: object, bound: Mapping[object, object]) -> object:
    """Return the annotation with its type parameters replaced, wherever they stand."""
    if annotation in bound:
        return bound[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is None or origin is Literal or not bound:
        return annotation
    if origin is Annotated:
        return Annotated[(substituted(args[0], bound), *args[1:])]
    replaced = tuple(substituted(a, bound) for a in args)
    return reduce(or_, replaced) if origin in (Union, types.UnionType) else origin[replaced]
