"""What the keys of a model mean: the text below each attribute, read from the source when a schema is wanted.

pydantic can do it when it makes a class (`use_attribute_docstrings`): that took a seventh of each start of the program
and of sitectl, which have no use for these texts.
"""

import ast
import sys
from collections.abc import Mapping
from functools import cache
from inspect import cleandoc, get_annotations
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel


def texts(model: type[BaseModel]) -> dict[str, str]:
    """The text of each key that has one, by its name; those of the classes above are inherited with it."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            own = get_annotations(each)
            found = {name: text for name, text in found.items() if name not in own}
            found |= _classes(each.__module__).get(each.__qualname__, {})
    return {name: text for name, text in found.items() if name in model.model_fields}


@cache
def _classes(module: str) -> Mapping[str, Mapping[str, str]]:
    """The texts in each class of a module's own file."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not file.endswith(".py"):
        return {}
    top = ast.parse(Path(file).read_text()).body
    return {each.name: _below(each.body) for each in top if isinstance(each, ast.ClassDef)}


def _below(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for attribute, following in pairwise(body):
        match attribute, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = cleandoc(text.strip())
    return found
