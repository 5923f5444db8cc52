"""The results as a page of the documentation."""

from interop.clients.behaviours import BEHAVIOURS, CLIENTS, DIFFERENCES
from interop.clients.programs import addressed

INTRODUCTION = """\
# Clients

The first table says what each client does with an index of this builder over HTTP, as the tests in `tests/interop/clients` see it.
"""
RUNNING = """\
pip 25.3 and 26.3 run on the Python of the tests, and older lines on PyPy with Python 3.9.
pip 1.5.6 and 8.1.1 are given `platform.linux_distribution` and a `pkgutil.ImpImporter`, which newer Pythons do not have.
"""
ADDRESS = "https://example.org/simple/"


def render(cells: dict[tuple[str, str], str], versions: dict[str, str]) -> str:
    """Return the page as Markdown; `versions` has the version of each distribution that was installed from a lock file."""
    labels = {client.name: label(client, versions) for client in CLIENTS}
    rows = [(labels[client.name], *(cells[client.name, key] for key in BEHAVIOURS)) for client in CLIENTS]
    notes = [(BEHAVIOURS[key][0], ", ".join(labels[name] for name in names), word, why) for key, names, word, why in DIFFERENCES]
    pointing = {}
    for client in CLIENTS:
        pointing.setdefault(addressed(client.pointing, ADDRESS), []).append(labels[client.name])
    parts = [
        INTRODUCTION,
        table(("Client", *(title for title, _ in BEHAVIOURS.values())), rows),
        "What “yes” means in each column:\n",
        "".join(f"- {title}: {meaning}.\n" for title, meaning in BEHAVIOURS.values()),
        RUNNING,
        "## Notes\n",
        table(("Column", "Clients", "Cell", "Why"), notes),
        "## How each is pointed at the index\n",
        table(("Client", "Setting"), [(", ".join(names), how) for how, names in pointing.items()]),
    ]
    return "\n".join(parts)


def label(client, versions: dict[str, str]) -> str:
    """Return what a row is called: the client, its version, and the form of pages that it asked for."""
    form = getattr(client, "form", "")
    version = versions.get(client.distribution, "")
    return f"{client.name.removesuffix(form).strip()} {version}".strip() + (f" ({form})" if form else "")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))
