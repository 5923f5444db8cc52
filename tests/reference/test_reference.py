"""The reference is made from the code and from a real terminal, so it cannot go stale; UPDATE_GOLDEN=1 writes it anew."""

import os

import pytest
from conftest import ROOT
from reference import pages, sessions

from index_builder.cli import VERBS
from index_builder.manifests.kinds import one_line
from index_builder.manifests.loader import load
from index_builder.manifests.schema import MODELS
from index_builder.manifests.validate import validate

DOCS = ROOT / "docs" / "reference"


def compare(name: str, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        (DOCS / name).write_text(text)
    assert (DOCS / name).read_text() == text, "run `make reference` and commit what it writes"


def test_rules_are_those_of_the_code():
    """Every rule is in the page of rules."""
    compare("rules.md", pages.rules())


def test_keys_are_those_of_the_schemas():
    """Every key of every YAML file is in the page of keys, with a meaning and an example."""
    compare("keys.md", pages.keys())


def every_key():
    for name, model in MODELS.items():
        for path, inner in pages._models(model, ""):
            for field_name, field in inner.model_fields.items():
                yield pytest.param(inner, field_name, field, id=f"{name.partition('.')[0]}.{path}.{field_name}")


@pytest.mark.parametrize(("model", "name", "field"), list(every_key()))
def test_each_example_is_valid(model, name, field):
    """The example of a key, read as YAML, is accepted as its value; its meaning is one plain line."""
    assert one_line(field.description) == field.description
    key = field.alias or name.removesuffix("_").replace("_", "-")
    document, problems = load("example.yaml", f"{key}: {field.examples[0]}\n".encode())
    assert not problems
    complaints = validate(document, model)[1]
    assert not [p.message for p in complaints if p.rule != "missing-key" or f"'{key}'" in p.message]


def test_every_verb_has_a_session():
    """No verb is without a terminal session."""
    assert set(sessions.TYPED) == set(VERBS)


@pytest.mark.timeout(280)
def test_commands_are_as_a_terminal_shows_them(tmp_path):
    """Help and sessions of every verb are what a real terminal shows today."""

    with sessions.upstream(tmp_path) as (live, run):
        sessions.prepared(tmp_path / "template", run)
        environment = sessions.environment_for(tmp_path, live.simple)
        shown = sessions.record(tmp_path / "template", tmp_path / "scratch", environment)
    compare("commands.md", pages.commands(shown))
