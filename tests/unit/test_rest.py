"""Calls to REST APIs: certificates, deadlines, what is repeated and what is not, messages without secrets.

Does not prove: that a product's API is as tests say; a part's own tests use what its documents say.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.target import Target
from components.rest.access import Access, of_inputs
from components.rest.error import DarkError, RestError, UnsureError, clean
from components.rest.http import Call
from components.rest.retry import Patience, ask
from components.rest.session import Session, Token
from tests.unit.https import NAME, PASSWORD, Asked, Server, https


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with https(lambda asked: (200, {"seen": asked.path, "token": asked.token}), tmp_path) as made:
        yield made


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, seconds: float = 90) -> Patience:
        return Patience(seconds, lambda: self.now, self.sleep)


NO_PATIENCE = Patience(0)


def test_the_name_and_the_address_are_apart(server: Server) -> None:
    reply = ask(server.access(), Call("GET", "/a", query={"b": 1}, token="t0ken"), NO_PATIENCE)
    assert reply.data == {"seen": "/a", "token": "t0ken"}
    assert [(each.host, each.query) for each in server.asked] == [(NAME, {"b": "1"})]


def test_a_certificate_for_another_name_gets_no_request(server: Server) -> None:
    clock = Clock()
    with pytest.raises(
        DarkError, match=r"GET /a: the certificate is not trusted for other\.example: .*Nothing was sent"
    ):
        ask(server.access(url="https://other.example"), Call("GET", "/a"), clock.patience())
    assert (server.asked, clock.slept) == ([], [])


def test_without_the_sites_ca_nothing_is_sent(server: Server) -> None:
    with pytest.raises(DarkError, match="name the CA that signed"):
        ask(server.access(ca=None), Call("GET", "/a"), NO_PATIENCE)
    assert server.asked == []


def test_a_dark_api_is_told_with_its_address() -> None:
    access = Access(url=f"https://{NAME}", username="a", server="127.0.0.1:9", ca=None)
    with pytest.raises(DarkError) as caught:
        ask(access, Call("POST", "/a"), NO_PATIENCE)
    assert str(caught.value) == (
        f"POST /a: {NAME} at 127.0.0.1:9 cannot be reached: Connection refused. Fix: look whether the platform's pods "
        "and the load balancer are up (sitectl verify), then pulumi up."
    )


def test_an_api_that_is_not_up_yet_is_waited_for_whatever_the_call() -> None:
    clock = Clock()
    access = Access(url=f"https://{NAME}", username="a", server="127.0.0.1:9")
    with pytest.raises(DarkError):
        ask(access, Call("POST", "/a"), clock.patience(20))
    assert 10 < sum(clock.slept) <= 20
    assert len(clock.slept) > 3


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("how", [502, 503, 504, "cut"])
def test_calls_that_may_be_repeated_are(server: Server, method: str, how: Any) -> None:
    server.fault("/a", how, 2)
    clock = Clock()
    assert ask(server.access(), Call(method, "/a"), clock.patience()).status == 200
    assert server.calls == [f"{method} /a"] * 3
    assert len(clock.slept) == 2


@pytest.mark.parametrize("how", [500, 502, 503, 504, "cut", "late"])
def test_a_post_in_the_middle_is_never_repeated_blindly(server: Server, how: Any) -> None:
    server.fault("/a", how, 2)
    with pytest.raises(UnsureError):
        ask(server.access(), Call("POST", "/a"), Clock().patience())
    assert server.calls == ["POST /a"]


def test_the_deadline_is_for_the_whole_call(server: Server) -> None:
    server.fault("/a", "hang")
    with pytest.raises(UnsureError, match=r"POST /a: no answer within 0\.2 s"):
        ask(server.access(), Call("POST", "/a", limit=0.2), NO_PATIENCE)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_429_is_repeated_after_the_time_that_it_asks_for(server: Server, method: str) -> None:
    server.fault("/a", 429, headers={"Retry-After": "7"})
    late = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.fault("/a", 429, headers={"Retry-After": late})
    clock = Clock()
    assert ask(server.access(), Call(method, "/a"), clock.patience()).status == 200
    assert clock.slept[0] == 7
    assert 25 < clock.slept[1] <= 30


def test_a_wait_longer_than_the_patience_is_an_error_at_once(server: Server) -> None:
    server.fault("/a", 429, headers={"Retry-After": "3600"})
    clock = Clock()
    with pytest.raises(RestError, match=r"429 Too Many Requests: fault 429\. Fix: wait until it takes calls again"):
        ask(server.access(), Call("GET", "/a"), clock.patience())
    assert clock.slept == []


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (400, "correct the value in the site that the answer names"),
        (401, "correct the user name or the password"),
        (403, "administrator's role"),
        (409, "look what has this name there"),
        (500, "look at the logs of the platform's pods"),
    ],
)
def test_an_error_is_one_line_with_call_status_message_and_fix(server: Server, status: int, fix: str) -> None:
    body = {"code": status, "message": "no\nsuch thing", "details": "really"}
    server.fault("/a", status, body=body)
    with pytest.raises(RestError) as caught:
        ask(server.access(), Call("GET", "/a"), Clock().patience())
    said = str(caught.value)
    assert said.startswith(f"GET /a: {status} ")
    assert ": no such thing: really. Fix: " in said
    assert fix in said
    assert "\n" not in said
    assert server.calls == ["GET /a"]


def test_a_page_of_a_load_balancer_is_no_message(server: Server) -> None:
    server.fault("/a", 503, 99, body=b"<html><body>503 Service Unavailable</body></html>")
    with pytest.raises(RestError, match=r"GET /a: 503 Service Unavailable\. Fix"):
        ask(server.access(), Call("GET", "/a"), NO_PATIENCE)


def test_an_answer_that_is_no_json_is_told(tmp_path: Path) -> None:
    told = pytest.raises(RestError, match="GET /a: 200 with 20 bytes that are not JSON")
    with https(lambda _: (200, b"<html>welcome</html>"), tmp_path) as server, told:
        ask(server.access(), Call("GET", "/a"), NO_PATIENCE)


def test_no_message_has_a_secret_in_it(server: Server) -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
    said = f"bad {PASSWORD} and n3w-canary and t0ken-canary and {jwt} and Bearer abcdefghijkl"
    server.fault("/a", 400, body={"code": "E1", "message": said})
    body = {"newPassword": "n3w-canary"}
    with pytest.raises(RestError) as caught:
        ask(server.access(), Call("POST", "/a", body=body, token="t0ken-canary"), NO_PATIENCE)
    assert "400 Bad Request [E1]: bad [secret] and [secret] and [secret] and [secret] and [secret]" in str(caught.value)
    for text in (str(caught.value), repr(caught.value), repr(server.access()), repr(Call("POST", "/a", body=body))):
        for secret in (PASSWORD, "n3w-canary", "t0ken-canary", jwt):
            assert secret not in text


def test_a_long_message_is_cut() -> None:
    assert clean("x" * 400, []) == "x" * 300 + "…"


class Counting:
    """A login that counts."""

    def __call__(self, access: Access, refresh: str) -> Call:  # noqa: ARG002 - the interface's
        return Call("POST", "/login", form={"refresh": refresh or "no"}, harmless=True)

    def token(self, data: Any) -> Token:
        return Token(data["text"], data["seconds"], data["refresh"])


class Door:
    """A server side of tokens."""

    def __init__(self) -> None:
        self.number, self.seconds, self.refused = 0, 100.0, set[str]()

    def __call__(self, asked: Asked) -> tuple[int, Any]:
        if asked.path == "/login":
            if asked.body["refresh"] in self.refused:
                return 400, {"message": "invalid_grant"}
            self.number += 1
            return 200, {"text": f"t{self.number}", "seconds": self.seconds, "refresh": f"r{self.number}"}
        return (401, {"message": "expired"}) if asked.token in self.refused else (200, asked.token)


def test_one_login_serves_many_calls_and_a_refused_token_is_replaced(tmp_path: Path) -> None:
    door, clock = Door(), Clock()
    with https(door, tmp_path) as server:
        session = Session(server.access(), Counting(), clock.patience())
        assert [session.call("GET", "/a"), session.call("GET", "/a")] == ["t1", "t1"]
        door.refused = {"t1", "r1"}
        assert session.call("POST", "/a") == "t2"
        assert server.calls == ["POST /login", "GET /a", "GET /a", "POST /a", "POST /login", "POST /login", "POST /a"]
        door.refused = {"t2", "t3"}
        with pytest.raises(RestError, match="POST /a: 401 Unauthorized"):
            session.call("POST", "/a")


def test_a_token_is_renewed_before_its_end(tmp_path: Path) -> None:
    door, clock = Door(), Clock()
    with https(door, tmp_path) as server:
        session = Session(server.access(), Counting(), clock.patience())
        session.log_in()
        clock.now += 81
        assert session.call("GET", "/a") == "t2"
        assert [each.body for each in server.asked if each.path == "/login"] == [{"refresh": "no"}, {"refresh": "r1"}]


def test_a_login_may_be_repeated(tmp_path: Path) -> None:
    with https(Door(), tmp_path) as server:
        server.fault("/login", 503)
        assert Session(server.access(), Counting(), Clock().patience()).call("GET", "/a") == "t1"


def test_an_access_survives_its_way_through_the_state(server: Server) -> None:
    bastion = Target("b", "10.0.0.9", 22, "jump", "ssh-ed25519 AAAA", "KEY-B")
    plane = Target("cp-1", "10.0.0.1", 22, "admin", "ssh-ed25519 AAAA", "KEY-A", bastion=bastion)
    access = server.access(planes=(plane,), gone=True, if_gone="state: gone")
    public = access.public()
    assert of_inputs({**public, "rest:secret": access.secret(PASSWORD)}) == access
    assert not any(secret in repr(public) + repr(access) for secret in (PASSWORD, "KEY-A", "KEY-B"))
