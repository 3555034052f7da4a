"""Separators that are learnt: one network a file, and the separator that runs it."""
