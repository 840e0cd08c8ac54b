"""The five services, simulated on loopback, so that nothing here needs the real ones.

Written from the vendors' API texts alone, sharing no code with ``daemon.connectors``: a misreading
must not agree with itself. Who calls it: ``pointsman sandbox``, ``pointsman demo``, the tests.

==================  ==========================================================================
``server``          :class:`~daemon.sandbox.server.Sandbox`: ports, start, stop, credentials
``site``            one service on one port: faults, the service's answer, the ledger
``exchange``        a request as services see it (``Ask``), their answer (``Reply``), routes
``ledger``          what really happened, request by request
``faults``          what goes wrong on purpose
``control``         the small API that reads the ledger, injects faults and plays the people
``controls``        the part of it that is particular to each service
``story``           the demo's people, and what is expected of its night
``telling``         the ledger's entries in words, for the demo's screen
``django``          manners that Popily and Compass share: slashes, pages, error bodies
``populr``          pops and templates; ``populr_assets``, ``populr_tracers``, ``populr_calls``
``popily``          sources and users; ``popily_insights``
``compass``         login, projects, documents; ``compass_classifiers``, ``compass_messages``,
                    ``compass_topics``, ``compass_people``
``tonalytica``      keys and paths of Redash; ``tonalytica_queries``, ``tonalytica_jobs``,
                    ``tonalytica_boards``
``plotly``          headers and errors; ``plotly_files``, ``plotly_grids``, ``plotly_plots``
==================  ==========================================================================

Services are plain synchronous objects: ``answer(ask) -> reply`` over dictionaries, no aiohttp. What
takes time at a vendor is computed from the injected clock when it is read.
"""
