"""The services, one folder each. Adding a folder adds a service: nothing else is edited.

:func:`discover` finds them; only ``app`` and ``cli`` call it.
"""

import importlib
import pkgutil

from daemon.contract import catalog


def discover() -> catalog.Catalog:
    """The catalog of every connector folder here; each has a ``connector`` in its ``__init__``."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return catalog.gather(module.connector for module in modules)
