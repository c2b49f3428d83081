#!/usr/bin/env python3
"""Runs the API for debugging."""

from shifter_imagegw import api

if __name__ == "__main__":
    api.main()
