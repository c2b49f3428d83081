"""The lab's stand-in of Orchestra."""
