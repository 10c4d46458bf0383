"""What may happen next to a record, and who may do it.

Pure Python: no database, no web, no clock of its own.
"""
