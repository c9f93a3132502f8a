"""The exception of the package."""

import re

# Options of the command line that have another name here.
_NAMES = {"text_field": "text", "title_field": "title"}
_OPTION = re.compile(r"[`']--([a-z][a-z-]*)(?:[ =]([^`']+))?[`']")
_VALUE_OF_HEAD = re.compile(r"([^=]+)=([0-9.]+)")


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
        self.message = in_python(message)
        self.hint = hint and in_python(hint)

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


def in_python(text: str) -> str:
    """Replaces options of the command line by parameters.

    `--text-field NAME` is `text=NAME`, `--device cpu` is `device="cpu"`, `--columns A,B` is `columns=["A", "B"]`, and
    `--min-score topic=0.8` is `min_score={"topic": 0.8}`.
    """

    def parameter(option: re.Match[str]) -> str:
        name, value = option[1].replace("-", "_"), option[2]
        name = _NAMES.get(name, name)
        if value is None or value.startswith("<"):
            return f"`{name}`"
        if of_head := _VALUE_OF_HEAD.fullmatch(value):
            return f'`{name}={{"{of_head[1]}": {of_head[2]}}}`'
        if "," in value:
            items = ", ".join(f'"{item}"' for item in value.split(","))
            return f"`{name}=[{items}]`"
        is_placeholder = value.isupper() or "[" in value or value[0].isdigit()
        return f"`{name}={value}`" if is_placeholder else f'`{name}="{value}"`'

    return _OPTION.sub(parameter, text)
