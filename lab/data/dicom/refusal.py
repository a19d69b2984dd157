"""One sentence for a file that is left out: nothing of the file's own text is ever part of it."""

from __future__ import annotations

from lab.errors import ImageError


def refused(what: str, do: str = "export it again") -> ImageError:
    """The error for a file that is left out.

    Args:
        what: what is wrong, in this program's words.
        do: what the person can do.
    """
    return ImageError(f"{what}; it was left out; {do}.")
