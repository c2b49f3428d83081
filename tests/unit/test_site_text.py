"""Site files that are not a site's text at all, and how a message shows what was seen."""

from pathlib import Path

import pytest

from components.shown import quoted, saying
from stacks.faults import Fault, Mark, SiteError
from stacks.load import load_site
from stacks.reading import BYTES, HOSTS, VALUES

HEAD = "config:\n  gpu-metal:site:\n"
HOST = "    hosts: {a: {address: 10.0.0.1}}\n"


def refused(folder: Path, content: bytes | str) -> list[str]:
    """The lines about a site of that content, below the two lines of HEAD when it is text."""
    file = folder / "Pulumi.lab.yaml"
    file.write_bytes(content if isinstance(content, bytes) else (HEAD + content).encode())
    with pytest.raises(SiteError) as error:
        load_site("lab", folder, keys=False)
    return error.value.lines


def laughs(levels: int, merge: str = "") -> str:
    lines = [f"    a0: &a0 {{x0: {'y'}}}\n" if merge else "    a0: &a0 [x, x, x, x, x, x, x, x, x]\n"]
    for level in range(1, levels):
        names = ", ".join(f"*a{level - 1}" for _ in range(9))
        lines.append(f"    a{level}: &a{level} {f'{{<<: [{names}]}}' if merge else f'[{names}]'}\n")
    return HOST + "".join(lines)


@pytest.mark.row("X1")
@pytest.mark.parametrize("merge", ["", "<<"])
def test_anchors_that_repeat_each_other_are_refused(tmp_path: Path, merge: str) -> None:
    [line] = refused(tmp_path, laughs(12, merge))
    assert f"has more than {VALUES:,} values: its anchors (&name) repeat each other. Fix: " in line


@pytest.mark.row("X1")
@pytest.mark.parametrize("text", ["    a: " + "[" * 20_000, "    a: &a {<<: *a}\n", "    a: &a [*a]\n"])
def test_what_is_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    said = ("nested too deep", "has a << that names the map itself")
    assert any(each in line for line in refused(tmp_path, HOST + text) for each in said)


@pytest.mark.row("X1")
def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert "has more than 1 MiB" in refused(tmp_path, HOST + "#" * BYTES)[0]


@pytest.mark.row("X1")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            HEAD.encode() + b"    domain: b\xe4r.example.org\n",
            ":3 is not UTF-8: it has the byte 0xe4 here. Fix: ",
        ),
        (HEAD.encode() + b"    domain: a\x00b\n", ":3 has the character U+0000 here"),
        (HEAD.encode() + b"\n    domain: a\x1b[31mb\n", ":4 has the character U+001B here"),
        ((HEAD + HOST).encode("utf-16"), ":1 is not UTF-8: it has the byte 0xff here"),
    ],
)
def test_a_text_in_another_encoding_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    [line] = refused(tmp_path, content)
    assert said in line


@pytest.mark.row("X1")
def test_lines_that_end_as_on_windows_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_bytes(b"\xef\xbb\xbf" + (HEAD + HOST).replace("\n", "\r\n").encode())
    assert load_site("lab", tmp_path, keys=False).active


@pytest.mark.row("X1")
@pytest.mark.parametrize(
    "name",
    ["g-[1-1000000000]", "g-[1-200]-[1-200]", "g-[1-99999999999999999999999999999999999999999]", "g-[0-9999/1,20000]"],
)
def test_a_range_of_too_many_hosts_is_refused_before_it_is_written_out(tmp_path: Path, name: str) -> None:
    lines = refused(tmp_path, f'    hosts:\n      "{name}": {{address: 10.0.0.1}}\n')
    assert any(f"means more than {HOSTS:,} hosts. Write a smaller range" in line for line in lines)


def test_a_range_that_is_wrong_is_the_only_fault(tmp_path: Path) -> None:
    [line] = refused(tmp_path, '    hosts:\n      "g-[01-100]": {address: "10.0.0.[1-100]"}\n    kubernetes: {}\n')
    assert "Write both ends with as many digits, such as gpu-[001-100], or two ranges." in line


@pytest.mark.row("X1")
def test_ranges_that_are_too_many_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.hosts.HOSTS", 10)
    ranges = "".join(f"      r{n}-[1-4]: {{address: '10.0.{n}.[1-4]'}}\n" for n in range(3))
    assert any("r2-[1-4]: is beyond the 10 hosts" in line for line in refused(tmp_path, f"    hosts:\n{ranges}"))


@pytest.mark.row("X1")
@pytest.mark.parametrize(
    ("written", "is_"),
    [
        ("2026-11-29", "a date"),
        ("2026-11-29 10:00:00", "a date"),
        ("0x1F", "a number"),
        ("0b11", "a number"),
        ("0o17", "a number"),
        ("1_000", "a number"),
        (".inf", "not a finite number"),
    ],
)
def test_a_word_that_pulumi_reads_otherwise_must_be_quoted(tmp_path: Path, written: str, is_: str) -> None:
    lines = refused(tmp_path, HOST + f"    sysctl: {{net.core.somaxconn: {written}}}\n")
    assert f'sysctl.net.core.somaxconn: {written} is {is_} to Pulumi. Quote it: "{written}".' in lines[0]
    assert len(lines) == 1


@pytest.mark.parametrize("name", ["010", "0x1F", "1.10", "2026-11-29", "~"])
def test_a_key_that_pulumi_names_otherwise_must_be_quoted(tmp_path: Path, name: str) -> None:
    lines = refused(tmp_path, HOST + f"    labels: {{{name}: a}}\n    kubernetes: {{}}\n")
    assert any(f'this key is no text to Pulumi. Quote it: "{name}".' in each for each in lines)


def test_a_key_that_is_a_plain_number_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(
        HEAD + "    hosts: {7: {address: 10.0.0.1}, '010': {address: 10.0.0.2}}\n"
    )
    assert [host.name for host in load_site("lab", tmp_path, keys=False).active] == ["010", "7"]


@pytest.mark.parametrize("merged", ["foo", "[foo]", "5", ""])
def test_a_merge_of_no_map_is_refused_as_pulumi_does(tmp_path: Path, merged: str) -> None:
    assert "has a << with something else than a map" in refused(tmp_path, HOST + f"    sysctl: {{<<: {merged}}}\n")[0]


@pytest.mark.parametrize("written", ['"2026-11-29"', "'0x1F'", '".inf"'])
def test_quoted_it_is_a_word(tmp_path: Path, written: str) -> None:
    (tmp_path / "Pulumi.lab.yaml").write_text(HEAD + HOST + f"    sysctl: {{net.core.somaxconn: {written}}}\n")
    assert load_site("lab", tmp_path, keys=False).active


@pytest.mark.row("X1")
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10.0.0.5 ", '"10.0.0.5 "'),
        ('a"b', '"a\\"b"'),
        ("10.0.0.5/24", '"10.0.0.5/24"'),
        ("10.0.0.5\u200b", '"10.0.0.5\\u200b" (with U+200B, ZERO WIDTH SPACE)'),
        ("gpu\u20111", '"gpu\\u20111" (with U+2011, NON-BREAKING HYPHEN)'),
        ("a\nb\x1b", '"a\\nb\\u001b"'),
        ("x" * 90, f'"{"x" * 60}…"'),
        ("http://ana:secret@proxy", '"http://***@proxy"'),
    ],
)
def test_a_value_is_shown_as_it_is(value: str, shown: str) -> None:
    assert quoted(value) == shown


@pytest.mark.row("X1")
def test_a_pasted_private_key_is_called_that_and_not_shown(tmp_path: Path) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
    assert saying(key, "is not a public key.").startswith("is a private key, which a site must not have. Fix: ")
    quoted_key = key.replace("\n", "\\n")
    [line] = refused(tmp_path, HOST + f'    accounts: {{ana: {{keys: ["{quoted_key}"]}}}}\n')
    assert "accounts.ana.keys[0]: is a private key" in line
    assert "c2VjcmV0" not in line


@pytest.mark.parametrize("text", ["a" * 300, '"a\\0b"', "/x" * 2001, '"-----BEGIN RSA PRIVATE KEY-----\\nc2VjcmV0\\n"'])
@pytest.mark.parametrize(
    "key", ["ssh: {{keyFile: {}}}", "include: [{}]", "knownHosts: {}", "registry: {{host: a, certificate: {}}}"]
)
def test_a_text_that_cannot_be_a_path_is_refused(tmp_path: Path, key: str, text: str) -> None:
    lines = refused(tmp_path, HOST + f"    {key.format(text)}\n")
    assert any("is not the path of a file" in line or "is a private key" in line for line in lines)
    assert "c2VjcmV0" not in "".join(lines)


def test_a_private_key_in_any_text_is_refused_and_not_shown(tmp_path: Path) -> None:
    [line] = refused(tmp_path, HOST + '    variables: {key: "-----BEGIN RSA PRIVATE KEY-----\\nc2VjcmV0"}\n')
    assert "variables.key: is a private key" in line
    assert "c2VjcmV0" not in line


@pytest.mark.row("X1")
def test_one_cause_on_many_hosts_is_one_line(tmp_path: Path) -> None:
    hosts = "".join(f"      g-{n}: {{address: 10.0.{n // 100}.{n % 100 + 1}, os: debian}}\n" for n in range(200))
    [line] = refused(tmp_path, f"    hosts:\n{hosts}")
    assert line.startswith('Pulumi.lab.yaml:4 hosts.g-0.os: "debian" is not NAME-VERSION')
    assert line.endswith(" The same for 199 hosts more: g-[1-199].")


def test_few_hosts_keep_their_lines() -> None:
    error = SiteError([Fault(Mark("f", n), ("hosts", f"g-{n}", "os"), "is wrong.") for n in range(1, 4)])
    assert error.lines == [f"f:{n} hosts.g-{n}.os: is wrong." for n in range(1, 4)]


@pytest.mark.row("X1")
def test_faults_of_all_stages_come_at_once(tmp_path: Path) -> None:
    lines = refused(
        tmp_path,
        "    hosts:\n"
        "      a: {address: 10.0.0.1, hostKey: ssh-dss AAAA}\n"  # a cross check
        "      b: {address: 10.0.0.1.1, hostKey: ssh-ed25519 AAAA}\n"  # the model
        "    include: [none.yaml]\n"  # the files
        "    domain: 2026-11-29\n",  # the text
    )
    keys = [line.split()[1] for line in lines]
    assert keys == ["hosts.a.hostKey:", "hosts.b.address:", "include[0]:", "domain:"]


@pytest.mark.parametrize(
    ("project", "said"),
    [
        (b"runtime: python\n", "Pulumi.yaml:1 name: is missing. Write name: gpu-metal."),
        (b"name: []\n", "Pulumi.yaml:1 name: is missing."),
        (b"", "Pulumi.yaml:1 is not a map of keys."),
        (b"name: [a\n", "Pulumi.yaml:"),
        (b"name: \xff\n", "Pulumi.yaml:1 is not UTF-8"),
    ],
)
def test_a_broken_project_file_is_refused(tmp_path: Path, project: bytes, said: str) -> None:
    (tmp_path / "Pulumi.yaml").write_bytes(project)
    assert refused(tmp_path, HOST)[0].startswith(said)
