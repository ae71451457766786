"""Errors, by what the reader of the message should do next.

CockpitError
├── DeclarationError         fix the code of a domain or a page
├── ConfigurationError       fix a file; names the file and the key
├── SourceError              a department's database; the pull tells which and backs off
│   ├── SourceUnavailableError   down or refusing: the next turn may succeed
│   ├── SourceSlowError          answered too late: the next turn may succeed
│   └── SourceChangedError       schema is not what was configured: a person must look
├── StaleWriterError         another worker took over: stop writing
├── NotFoundError            nothing is there
├── NotNowError              it cannot be done as things stand: look again
└── NotAllowedError          refuse
"""

from __future__ import annotations


class CockpitError(Exception):
    """Root of every error this product raises on purpose."""


class DeclarationError(CockpitError):
    """A domain, page or playbook is declared wrongly."""


class ConfigurationError(CockpitError):
    """A configuration value is missing or wrong."""

    def __init__(self, file: str, key: str, problem: str, advice: str = "") -> None:
        self.file, self.key, self.problem, self.advice = file, key, problem, advice
        super().__init__(f"{file}: {key}: {problem}" + (f" ({advice})" if advice else ""))


class SourceError(CockpitError):
    """A department's database could not be read."""

    kind = "error"


class SourceUnavailableError(SourceError):
    """Down, unreachable, or the credentials are refused."""

    kind = "down"


class SourceSlowError(SourceError):
    """No answer within the time limit."""

    kind = "slow"


class SourceChangedError(SourceError):
    """The table, a column or the file layout is not what the mapping says."""

    kind = "changed"


class StaleWriterError(CockpitError):
    """This worker lost its lease."""


class NotFoundError(CockpitError):
    """No such thing."""


class NotNowError(CockpitError):
    """As things stand this cannot be done; the message says what is in the way."""


class NotAllowedError(CockpitError):
    """The viewer may not see or do this."""
