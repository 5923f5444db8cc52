"""A target that could not be opened: it says why as soon as it is asked for anything, so that the others go on."""

from __future__ import annotations

from typing import NoReturn

from index_builder.errors import IndexBuilderError
from index_builder.model.publication import Limits, Publication
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site


class ClosedHost:
    """A host that there is none of."""

    limits = Limits()
    is_immediate = True
    is_whole = False
    is_gradual = False

    def __init__(self, error: IndexBuilderError) -> None:
        """Take why."""
        self._error = error

    def live(self) -> NoReturn:
        """Raise it."""
        raise self._error

    def requests(self, publication: Publication, wanted: Site) -> NoReturn:
        """Raise it."""
        raise self._error

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> NoReturn:
        """Raise it."""
        raise self._error

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> NoReturn:
        """Raise it."""
        raise self._error
