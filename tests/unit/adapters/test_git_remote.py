"""git speaks to a real server: where a token goes, and where it does not."""

import os
import ssl

import pytest
from servers import Reply, serving

from index_builder.adapters.git_remote import TOKEN, Git
from index_builder.errors import RemoteError

OTHER = "https://github.example.org"


@pytest.mark.parametrize(
    ("environment", "is_sent"),
    [
        ({TOKEN: "of-the-runner", "GITHUB_TOKEN": "of-the-runner", "GITHUB_SERVER_URL": OTHER}, False),
        ({TOKEN: "of-the-runner", "GITHUB_TOKEN": "of-the-runner", "GITHUB_SERVER_URL": "its own"}, True),
        ({TOKEN: "of-somebody", "GITHUB_TOKEN": "of-the-runner", "GITHUB_SERVER_URL": OTHER}, True),
        ({TOKEN: "of-somebody"}, True),
        ({"GITHUB_TOKEN": "of-the-runner", "GITHUB_SERVER_URL": OTHER}, False),
    ],
)
def test_a_runners_token_goes_to_its_own_server_only(tmp_path, trusted, environment, is_sent):
    """What GitHub gives a runner is for GitHub; a token that somebody gives for a target goes there, wherever that is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted)
    with serving(context) as server:
        server.on("/acme/index.git/info/refs?service=git-upload-pack", Reply(status=403))
        given = {name: server.url if value == "its own" else value for name, value in environment.items()}
        kept = {"PATH": os.environ["PATH"], "GIT_SSL_CAINFO": str(tmp_path / "authority.pem"), "GIT_CONFIG_GLOBAL": os.devnull}
        git = Git(tmp_path / "bare.git", f"{server.url}/acme/index.git", {**kept, **given})
        with pytest.raises(RemoteError):
            git.tip("main")
        assert server.asked
        assert {"authorization" in {name.lower() for name in asked.headers} for asked in server.asked} == {is_sent}
