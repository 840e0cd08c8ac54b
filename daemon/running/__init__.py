"""From runs to services: claimed runs go through their steps, each call's intent committed before it.

``worker`` is the loop, ``course`` takes one run through its steps, ``parameters`` renders and resolves,
``outcome`` says what is written after a call, ``retry`` and ``doubt`` decide (pure). Behind it come the
connectors.
"""
