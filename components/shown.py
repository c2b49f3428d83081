"""A value of the site as a message shows it: quoted, what cannot be seen escaped and named, nothing that is secret."""

import re
import unicodedata

LENGTH = 60
"""Characters of a value that a message shows."""

_REFUSED = re.compile(r"is not |is neither |is a text, not (?!a map)|has neither ")
"""How the texts begin that say what a value is not: it is put in front of them. Not where keys belong: the text
could be a secret.
"""
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_PASSWORD = re.compile(r"(?<=//)[^/@\s]*(?=@)")


def is_private(text: str) -> bool:
    """Whether a text is a private key, or has one in it."""
    return _PRIVATE.search(text) is not None


def saying(value: object, text: str) -> str:
    """The text about a value that is refused, with what was seen."""
    if not isinstance(value, str):
        return text
    if is_private(value):
        fix = "Fix: take it out of the file, make a new pair of keys, and write the line of the new .pub file."
        return f"is a private key, which a site must not have. {fix}"
    return f"{quoted(value)} {text}" if _REFUSED.match(text) else text


def quoted(seen: object) -> str:
    """The value in quotes, with the Unicode name of its first character that is not of ASCII."""
    value = _PASSWORD.sub("***", str(seen))
    odd = next((sign for sign in value if not sign.isascii()), None)
    named = f" (with U+{ord(odd):04X}, {unicodedata.name(odd, 'a character without a name')})" if odd else ""
    cut = f"{escaped(value[:LENGTH])}…" if len(value) > LENGTH else escaped(value)
    return '"' + cut.replace('"', '\\"') + f'"{named}'


def escaped(text: str) -> str:
    """The text with everything but printable ASCII as \\n, \\t or \\uXXXX."""
    return "".join(sign if " " <= sign <= "~" else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    if sign in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[sign]
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
