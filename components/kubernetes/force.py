"""How an object of ours stays ours. Pure."""

FORCE = {"pulumi.com/patchForce": "true"}
"""Annotation of every object of ours: what kubectl changed by hand is then ours again, where the API server would
refuse the change as a conflict. (The provider's own setting is not read by every plugin that is built from source.)"""
