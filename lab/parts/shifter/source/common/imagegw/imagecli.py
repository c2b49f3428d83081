#!/usr/bin/env python3
"""Upstream's command line of the manager: not in the lab's stand-in."""

import sys

sys.exit("imagecli.py: the lab's stand-in has none. Use shifterimg.")
