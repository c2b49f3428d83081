"""Certificates of the tests: `python -m tests.parts.rancher.authority` writes those of good/files anew."""

from pathlib import Path

from tests.parts.runai.authority import Authority

FILES = Path(__file__).parent / "good/files"


def write() -> None:
    """The files of the sample site and of the bad ones."""
    own, other = Authority(), Authority("Another authority")
    FILES.mkdir(exist_ok=True, parents=True)
    files = {
        "authority.pem": own.text,
        "other-authority.pem": other.text,
        "lps.example.org.pem": own.sign("lps.example.org", "*.lps.example.org").text,
        "runai.pem": own.sign("ai.lps.example.org", "*.ai.lps.example.org").text,
        "manager.example.org.pem": own.sign("manager.example.org").text,
        "unordered.pem": own.sign("rancher.lps.example.org").text + other.text,
    }
    for name, text in files.items():
        (FILES / name).write_text(text)


if __name__ == "__main__":
    write()
