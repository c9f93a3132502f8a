"""The exception of the package."""

import re

# Options of the command line that have another name here.
_NAMES = {"text_field": "text", "title_field": "title"}
_OPTION = re.compile(r"--([a-z][a-z-]*)(?:[ =]([^`\s]+))?")


class NewsdeskError(Exception):
    """Something that Newsdesk cannot do. The message names the cause, and `hint` says what to do about it.

    >>> import newsdesk
    >>> newsdesk.Classifier("no/such/folder")
    Traceback (most recent call last):
    newsdesk.NewsdeskError: cannot open the model ...
    """

    __module__ = "newsdesk"

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint and _in_python(hint)

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


def _in_python(hint: str) -> str:
    """Puts a hint about options into the names of parameters: `--text-field NAME` is `text=NAME`."""

    def parameter(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return f"{_NAMES.get(name, name)}={option[2] or '...'}"

    return _OPTION.sub(parameter, hint)
