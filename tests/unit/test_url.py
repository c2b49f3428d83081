"""URLs of a site. That each key with a URL refuses a bad one: tests/sites/bad/urls.yaml, and those of the parts."""

import pytest

from components.shown import quoted
from components.url import secret_in


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://bob:hunter2@x.org/a",
            "https://hunter2@x.org",
            "ssh://git:hunter2@x.org/a",
            "a postgres://b:hunter2@c/d",
        ),
        *("https://x.org/?private_token=hunter2", "https://x.org/a?b=c&X-Amz-Signature=hunter2"),
    ],
)
def test_a_password_in_a_url_is_seen_and_not_repeated(text: str) -> None:
    assert "***" in (secret_in(text) or "")
    assert "hunter2" not in (secret_in(text) or "")


@pytest.mark.parametrize(
    "text", ["https://x.org/@a", "ssh://git@x.org/a", "git@x.org:a", "a@b", "https://x.org/?page=1"]
)
def test_other_texts_have_none(text: str) -> None:
    assert secret_in(text) is None


def test_what_was_seen_is_quoted_on_one_line_of_ascii() -> None:
    assert quoted('10.0.0.5 \n\u200b"') == '"10.0.0.5 \\n\\u200b\\""'
