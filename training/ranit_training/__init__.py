"""Training of RA-IT models: from raw text to annotated records, conversations, and a merged checkpoint.

A run is a chain of files, each with a manifest beside it: ``annotate`` writes records, ``conversations`` and
``augment`` write training conversations, ``benchmarks`` evaluation conversations.
"""
