"""Why nothing can be sent, with the exit code that says so (sysexits.h)."""


class TrackError(Exception):
    """What ends the sending. `exit_code` is that of the process, the message is for people."""

    exit_code = 1


class NoRun(TrackError):
    """The folder holds no run."""

    exit_code = 2


class Unavailable(TrackError):
    """The tracker cannot be reached; it may be later."""

    exit_code = 69


class PackageMissing(TrackError):
    """The tracker's package is not installed, or cannot be imported."""

    exit_code = 69

    def __init__(self, package: str, error: ImportError):
        """`error` is what its import raised."""
        super().__init__(f"{package} cannot be imported ({error}): npm run setup:trackers installs it")


class Refused(TrackError):
    """The tracker does not take the credentials, or there are none."""

    exit_code = 77
