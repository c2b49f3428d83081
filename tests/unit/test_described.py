"""Keys are described by the texts below their attributes: in the schema, so in `sitectl explain` and docs/sites.md."""

from components.described import texts
from components.model import Model


class Above(Model):
    """A model."""

    kept_key: int = 1
    """Stays,
    on two lines."""
    changed: int = 1
    """Goes: the class below has an attribute of this name."""
    bare: int = 1


class Below(Above):
    """Another one."""

    changed: int = 2
    own: tuple[Above, ...] = ()
    """Its own."""


def test_the_text_below_an_attribute_is_its_own_and_inherited() -> None:
    assert texts(Above) == {
        "kept_key": "Stays,\non two lines.",
        "changed": "Goes: the class below has an attribute of this name.",
    }
    assert texts(Below) == {"kept_key": "Stays,\non two lines.", "own": "Its own."}


def test_the_schema_has_them_under_the_keys_of_the_file() -> None:
    schema = Below.model_json_schema()
    said = {key: each.get("description") for key, each in schema["properties"].items()}
    assert said == {"keptKey": "Stays,\non two lines.", "changed": None, "bare": None, "own": "Its own."}
    assert schema["$defs"]["Above"]["properties"]["keptKey"]["description"] == "Stays,\non two lines."
