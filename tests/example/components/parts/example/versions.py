"""The example's default image. Next: nowhere, it is made up."""

IMAGE = "registry.example.org/example:1.2.3"
