"""From the journal to runs: which reactions an event calls for.

``router`` is the loop, ``matching`` the decision (pure). Behind it come ``running``'s workers.
"""
