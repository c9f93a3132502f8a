"""The exception of the package."""

import re

# Options of the command line that have another name here.
_NAMES = {"text_field": "text", "title_field": "title"}
_OPTION = re.compile(r"`--([a-z][a-z-]*)(?:[ =]([^`]+))?`")


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
        self.message = _in_python(message)
        self.hint = hint and _in_python(hint)

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


def _in_python(text: str) -> str:
    """Replaces options by parameters: `--text-field NAME` is `text=NAME`, and `--device cpu` is `device="cpu"`."""

    def parameter(option: re.Match[str]) -> str:
        name, value = option[1].replace("-", "_"), option[2]
        name = _NAMES.get(name, name)
        if value is None:
            return f"`{name}`"
        is_placeholder = value.isupper() or "[" in value or value[0].isdigit()
        return f"`{name}={value}`" if is_placeholder else f'`{name}="{value}"`'

    return _OPTION.sub(parameter, text)
