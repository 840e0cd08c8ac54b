"""What the operator wrote: the TOML file, its includes, its secrets, and where each word of it stands.

* ``reading``: the way in; gives a config and everything that is wrong, with places.
* ``load``: files to one tree; ``places``: where its parts stand.
* ``tables``, ``forms``: the keys, and the texts that stand for numbers, addresses and secrets.
* ``build``, ``triggers``, ``rules``, ``desk``: tree to :class:`Config`, each mistake noted.
* ``settled``: the config once it is good.
* ``schema``: JSON Schema of the file, for editors and for the reference.
* ``problems``: how a problem is printed.

``cli`` and ``app`` call :func:`read`; what the names in the config mean to one another is ``checking``'s.
"""

from daemon.config.problems import Located, Place, refuses, to_json
from daemon.config.reading import Read, read, read_database
from daemon.config.settled import Config

__all__ = ["Config", "Located", "Place", "Read", "read", "read_database", "refuses", "to_json"]
