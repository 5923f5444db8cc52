"""Libraries that read an index and install nothing; each is asked by a small program that it runs in its own environment."""

import json
from dataclasses import dataclass
from pathlib import Path

from interop.clients.programs import Outcome, Place

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Reader:
    """A library, asked for one form of the pages."""

    distribution: str
    form: str = ""

    @property
    def name(self) -> str:
        return f"{self.distribution} {self.form}".strip()

    @property
    def pointing(self) -> str:
        accept = {"JSON": "ACCEPT_JSON_V1", "HTML": "ACCEPT_HTML"}.get(self.form)
        return {
            "pypi-simple": f'`PyPISimple("ADDRESS", accept=ACCEPT_{self.form}_ONLY)`, with every warning an error',
            "mousebender": f'`create_project_url("ADDRESS", name)`, asked for with `{accept}`',
            "unearth": '`PackageFinder(index_urls=["ADDRESS"])`, with every warning an error',
        }[self.distribution]

    def read(self, place: Place) -> Outcome:
        program = FOLDER / f"read_{self.distribution.replace('-', '_')}.py"
        python = place.toolbox / self.distribution / "bin" / "python"
        return place.outcome(place.run(python, program, place.live.simple, *filter(None, [self.form])))


def facts(run: Outcome) -> dict:
    """Return what a reader's program found."""
    assert run.good, run.said
    return json.loads(run.said)
