"""Types of command fields that several use-cases share."""

from typing import Annotated

from annotated_types import Interval, Len

Version = Annotated[int, Interval(ge=1, le=2**31 - 1)]
"""The version of a resource that the caller read; over HTTP it travels in If-Match."""

Currency = Annotated[str, Len(3, 3)]
"""An ISO 4217 code, upper case."""

Email = Annotated[str, Len(3, 254)]
"""An address; its canonical form is made by the aggregate."""
