"""The results as a page of the documentation."""

from interop.clients.behaviours import BEHAVIOURS, CLIENTS, DIFFERENCES
from interop.clients.hosted import COLUMNS, EASY, HOSTED_DIFFERENCES, NAMES, SCENARIOS, SETUPTOOLS
from interop.clients.mirrored import MIRRORED_DIFFERENCES, MIRRORS, expected_mirrored
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


HOSTED = """\
## Behind a web server

What each does with a private audience behind a web server: the files of `host-config` on one side, those of `client-config` on the
other, TLS between them, and the password in `~/.netrc`.
Where a client is refused, it ends there: nothing is installed, and there is no other index to ask.
CloudFront is its generated function in Node before an S3 server, Cloudflare Pages is Cloudflare's own local server (wrangler), and
Netlify is what Netlify itself reads `_headers` and `_redirects` with, each over HTTP; there clients are pointed by their own settings,
and not by `client-config`. The last two ask for no passwords, so that there is nothing to refuse.
Their pages are HTML, and JSON where there is a cut-off (`--form json`).
"""
HOSTED_END = """\
A dash is a run that was not made: how the hosts answer is the same (a test of its own asks each of them for every kind of object as
every kind of user), and what a client makes of an answer is seen with nginx.
pip before 9.0 and easy_install read no netrc: their password stands in the address.
What conda does is seen by handing the pip lines of environment.yml to pip, as conda does; conda itself is not run.
Old pips, and most other tools than pip and uv, meet most answers, and bandersnatch, devpi and proxpi all of theirs, where everything is tested: `make test-long`.
Credentials of these three stand in the address that they are given; what "yes" means of them is what installers behind them get:
[Mirror it](../how-to/mirror-it.md).
"""


def render_hosted(found: dict[tuple[str, str, str], str], versions: dict[str, str]) -> str:
    """Return the part about web servers as Markdown."""
    labels = {client.name: label(client, versions) for client in CLIENTS} | {
        EASY: f"easy_install (setuptools {SETUPTOOLS})",
        "conda": "conda",
    }
    rows = [(NAMES[kind], labels[client], *(found.get((kind, client, key), "—") for key in COLUMNS)) for kind, client in SCENARIOS]
    titles = {key: title for key, (title, _) in COLUMNS.items()}
    rows += [("nginx", mirror, *(expected_mirrored(mirror, key) for key in COLUMNS)) for mirror in MIRRORS]
    labels |= {mirror: mirror for mirror in MIRRORS}
    known = (*HOSTED_DIFFERENCES, *MIRRORED_DIFFERENCES)
    notes = [(titles[key], ", ".join(labels[name] for name in names), word, why) for key, names, word, why in known]
    parts = [
        HOSTED,
        table(("Host", "Client", *titles.values()), rows),
        "What a cell means in each column:\n",
        "".join(f"- {title}: {meaning}.\n" for title, meaning in COLUMNS.values()),
        table(("Column", "Clients", "Cell", "Why"), notes),
        HOSTED_END,
    ]
    return "\n".join(parts)


def label(client, versions: dict[str, str]) -> str:
    """Return what a row is called: the client, its version, and the form of pages that it asked for."""
    form = getattr(client, "form", "")
    version = versions.get(client.distribution, "")
    return f"{client.name.removesuffix(form).strip()} {version}".strip() + (f" ({form})" if form else "")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))
