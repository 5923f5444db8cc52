"""One root error; each branch has the exit code that the command line gives it.

Exit codes: 0 fine, 1 problems found, 2 wrong usage, 3 something remote failed, 4 trust failed,
10 fine but a human must decide, 130 interrupted.
"""

from __future__ import annotations


class IndexBuilderError(Exception):
    """The root: what happened, and in `fix` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class SourceError(IndexBuilderError):
    """The repository, revision or file that should be read cannot be."""


class EditError(IndexBuilderError):
    """A manifest cannot be changed without touching what must stay."""


class ResolutionError(IndexBuilderError):
    """No set of releases is all that is asked for at once."""


class StorageError(IndexBuilderError):
    """The pool or the output folder cannot be read or written."""


class CorruptEntryError(StorageError):
    """A pool entry does not hold the bytes that its name promises."""


class GateError(IndexBuilderError):
    """Installers do not get from a tree what they should, so that it does not go live."""


class AlteredError(StorageError):
    """What readers get is not what was published a moment ago."""


class UsageError(IndexBuilderError):
    """The command line asks for something that cannot be meant."""

    exit_code = 2


class RemoteError(IndexBuilderError):
    """Another host did not give what it should.

    `retryable` says whether asking again may help; `retry_after` is the wait in seconds that the
    host asked for (RFC 9110, section 10.2.3). `status` is the HTTP status of its answer, None where there was none.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, fix: str = "", retryable: bool = False, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after


class ForbiddenAddressError(RemoteError):
    """A URL leads to an address that a builder must never be made to talk to."""


class OtherLengthError(RemoteError):
    """More or fewer bytes are there than were expected."""


class DigestMismatchError(RemoteError):
    """Bytes arrived that are not those that the manifest pins."""


class TrustError(IndexBuilderError):
    """Something is not from whom it says."""

    exit_code = 4


class KeyMissingError(TrustError):
    """What should sign is not on this machine."""


class AttestationError(TrustError):
    """An attestation does not prove what it is there for."""


class LostRaceError(RemoteError):
    """Somebody else published to the same target meanwhile: what was compared with is not there any more."""


class NotFoundError(RemoteError):
    """The other side says that there is no such thing (404, 410, or not in its list)."""


class AnsweredError(IndexBuilderError):
    """A question was answered, and the answer is in the exit code: there is nothing more to say."""

    def __init__(self) -> None:
        super().__init__("")


class PolicyError(AnsweredError):
    """The policies deny it, whoever approves."""


class HumanNeededError(AnsweredError):
    """Nothing is wrong, but somebody else must say yes."""

    exit_code = 10


class InterruptedRunError(IndexBuilderError):
    """The run was stopped by Ctrl-C or SIGTERM; what was verified is kept."""

    exit_code = 130
