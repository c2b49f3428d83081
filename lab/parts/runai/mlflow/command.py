#!/usr/bin/python3.11
"""The command mlflow in the stand-in's image."""

import sys

from lab.parts.runai.mlflow.server import main

main(sys.argv[1:])
