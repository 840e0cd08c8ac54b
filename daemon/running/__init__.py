"""From runs to services: claimed runs go through their steps, each call's intent committed before it.

``worker`` is the loop, ``course`` takes one run (a ``hand``) through its steps, ``planning`` and ``parameters``
render and resolve the next call, ``calling`` makes it, ``outcome`` says what is written after it, ``scribe``
writes it, ``retry`` and ``doubt`` decide (pure). ``circuits`` knows which accounts may be called, ``parking`` asks
those that are down and lets their runs go on. Behind it come the connectors.
"""
