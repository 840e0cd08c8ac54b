"""What exists: events, reactions, runs, problems, times. Plain values, no input or output.

Every other room may import this one; this one imports none of them.
"""
