"""What holds for an install through any mirror: the fixture `simple` of a test module is its simple API."""


class Installs:
    """A module's `class TestInstalls(Installs)` runs these with its own mirror."""

    def test_requires_python_and_yanked_select(self, simple, install):
        """The newest release that fits this Python and is not yanked is installed through it."""
        assert install(simple, "alpha").versions == {"alpha": "1.0"}

    def test_a_pinned_yanked_release_installs_with_its_reason(self, simple, install, reason):
        """A yanked release installs for those who pin it, and our reason reaches them whole."""
        done = install(simple, "alpha==1.2")
        assert done.versions == {"alpha": "1.2"}
        assert reason in done.output

    def test_an_extra_of_an_unnormalized_name_installs(self, simple, install):
        """An extra's dependency, whose name we write unnormalized, is found through it."""
        assert install(simple, "beta[fast]").versions == {"alpha": "1.0", "beta": "2.0", "gamma_ray": "3.0"}
