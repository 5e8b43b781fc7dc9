"""The smoke test passes on a server that behaves, and names the fault of each one that does not."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import NO_PULUMI, Stop
from operations.__main__ import main
from operations.smoke import checks, connections, target
from operations.smoke.checks import CHECKS, Outcome
from operations.smoke.target import Target, from_outputs
from tests.operations.smoke.servers import HOST, Behaviour, load_balancer

Look = Callable[..., dict[str, Outcome]]


_HELD: list[socket.socket] = []


def closed_port() -> int:
    """A port of this machine that nobody listens on, nor can: it is held until the tests end."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    port: int = held.getsockname()[1]
    return port


def at(port: int = 443, **changes: Any) -> Target:
    """A target on this machine."""
    given: dict[str, Any] = {"http_port": closed_port(), "health_path": "/health", "private": {}, **changes}
    return Target(**{"host": HOST, "port": port, **given})


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that accepts connections."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Start a server that behaves in some way, and look at it with every check."""

    def seen(behaviour: Behaviour, **changes: object) -> dict[str, Outcome]:
        with load_balancer(behaviour, tmp_path) as (port, trusted):
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            aimed = at(port, private={"database": (HOST, closed_port())})
            outcomes = [outcome for check in CHECKS for outcome in check(replace(aimed, **changes))]  # type: ignore[arg-type]
        return {outcome.what: outcome for outcome in outcomes}

    return seen


def failed(outcomes: dict[str, Outcome]) -> list[str]:
    return [what for what, outcome in outcomes.items() if not outcome.passed]


def test_a_server_that_behaves_passes_every_check(look: Look) -> None:
    behaviour = Behaviour()
    outcomes = look(behaviour)
    assert failed(outcomes) == []
    assert len(outcomes) == 11
    assert outcomes["TLS 1.2 or 1.3 is spoken"].seen == "TLSv1_2 and TLSv1_3"
    assert outcomes["/health answers 200 through the firewall"].seen.startswith("200 after ")
    assert any("UNION SELECT" in path for path in behaviour.paths)


MISBEHAVIOURS = [
    (Behaviour(health=503), "/health answers 200 through the firewall", "503 after"),
    (Behaviour(health=302), "/health answers 200 through the firewall", "302 after"),
    (Behaviour(blocks=("<script>",)), "SQL injection is blocked by the firewall", "answered 200"),
    (Behaviour(blocks=("UNION SELECT",)), "cross-site scripting is blocked by the firewall", "answered 200"),
    (Behaviour(cookie=""), "a client stays with its target (cookie of the load balancer)", "none"),
    (Behaviour(cookie="session=1"), "a client stays with its target (cookie of the load balancer)", "session"),
    (Behaviour(oldest_tls=ssl.TLSVersion.TLSv1_1), "TLSv1_1 is refused", "it was accepted"),
    (
        Behaviour(certificate_days=5),
        f"the certificate is trusted, names {HOST} and lasts 14 days",
        "valid for 5 more days",
    ),
]


@pytest.mark.parametrize(("behaviour", "what", "seen"), MISBEHAVIOURS)
def test_each_misbehaviour_fails_its_own_check_and_no_other(
    look: Look, behaviour: Behaviour, what: str, seen: str
) -> None:
    outcomes = look(behaviour)
    assert failed(outcomes) == [what]
    assert seen in outcomes[what].seen


def test_tls_1_0_that_is_still_spoken_is_seen(look: Look) -> None:
    outcomes = look(Behaviour(oldest_tls=ssl.TLSVersion.TLSv1))
    assert "TLSv1 is refused" in failed(outcomes)
    assert "it was accepted" in outcomes["TLSv1 is refused"].seen


def test_a_server_that_speaks_only_old_tls_fails(look: Look) -> None:
    outcomes = look(Behaviour(oldest_tls=ssl.TLSVersion.TLSv1, newest_tls=ssl.TLSVersion.TLSv1_1))
    assert "TLS 1.2 or 1.3 is spoken" in failed(outcomes)
    assert outcomes["TLS 1.2 or 1.3 is spoken"].seen == "neither"


@pytest.mark.parametrize("behaviour", [Behaviour(certificate_name="other.example.org"), Behaviour(certificate_days=-3)])
def test_a_certificate_for_another_name_or_past_its_end_is_seen(look: Look, behaviour: Behaviour) -> None:
    outcomes = look(behaviour)
    [what] = [what for what in failed(outcomes) if what.startswith("the certificate")]
    assert "CERTIFICATE_VERIFY_FAILED" in outcomes[what].seen


def test_a_certificate_of_an_unknown_authority_is_seen(
    look: Look, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with load_balancer(Behaviour(), tmp_path_factory.mktemp("unknown")) as (port, _):
        outcomes = look(Behaviour(), port=port)
    assert any(what.startswith("the certificate") for what in failed(outcomes))


def test_plain_http_that_answers_is_seen(look: Look, listening: int) -> None:
    outcomes = look(Behaviour(), http_port=listening)
    assert failed(outcomes) == [f"plain HTTP on port {listening} is refused"]
    assert "accepted a connection" in outcomes[f"plain HTTP on port {listening} is refused"].seen


def test_a_database_that_answers_from_outside_is_seen(look: Look, listening: int) -> None:
    private = {"database": (HOST, listening), "cache": (HOST, closed_port())}
    outcomes = look(Behaviour(), private=private)
    assert failed(outcomes) == ["the database is not reachable from here"]


def test_what_never_answers_counts_as_private(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    def never(*_: object) -> socket.socket:
        raise TimeoutError

    real = connections.socket.create_connection

    def only_https(address: tuple[str, int], *given: float) -> socket.socket:
        return real(address, *given) if address[1] == listening else never()

    monkeypatch.setattr(connections.socket, "create_connection", only_https)
    outcomes = checks.data_tier_is_private(at(listening, private={"cache": (HOST, 6379)}))
    assert [(one.passed, one.seen) for one in outcomes] == [(True, "no answer within 5 s")]


def test_a_server_that_is_not_there_passes_nothing_about_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = at(closed_port())
    outcomes = [outcome for check in CHECKS for outcome in check(nobody)]
    passed = [outcome.what for outcome in outcomes if outcome.passed]
    assert passed == ["localhost resolves"]


def test_a_database_whose_name_does_not_resolve_is_not_taken_for_private() -> None:
    [outcome] = checks.data_tier_is_private(at(private={"database": ("nowhere.invalid", 3306)}))
    assert not outcome.passed
    assert "so nothing was seen" in outcome.seen


def test_where_nothing_is_reachable_nothing_counts_as_closed() -> None:
    nobody = at(closed_port(), private={"database": (HOST, closed_port())})
    for check in (checks.plain_http_is_refused, checks.data_tier_is_private):
        [outcome] = check(nobody)
        assert not outcome.passed
        assert "either, so nothing was seen" in outcome.seen


@pytest.mark.parametrize("check", [checks.plain_http_is_refused, checks.data_tier_is_private])
def test_a_name_that_does_not_resolve_closes_nothing(check: checks.Check) -> None:
    [outcome] = check(at(host="nowhere.invalid", private={"database": (HOST, closed_port())}))
    assert not outcome.passed
    assert "so nothing was seen" in outcome.seen


def test_a_public_address_of_the_data_tier_is_wrong_even_where_it_is_closed(
    monkeypatch: pytest.MonkeyPatch, listening: int
) -> None:
    real = checks.addresses
    monkeypatch.setattr(checks, "addresses", lambda host, port: ["8.8.8.8"] if host == "db" else real(host, port))
    [outcome] = checks.data_tier_is_private(at(listening, private={"database": ("db", 3306)}))
    assert (outcome.passed, outcome.seen) == (False, "db has the public address 8.8.8.8")


def test_an_api_that_answers_403_to_everything_shows_no_firewall(look: Look) -> None:
    outcomes = look(Behaviour(blocks=(), blocks_everything=True))
    assert failed(outcomes) == [
        "SQL injection is blocked by the firewall",
        "cross-site scripting is blocked by the firewall",
    ]
    assert "a harmless request is answered 403 as well" in outcomes["SQL injection is blocked by the firewall"].seen


def test_an_application_that_answers_403_itself_is_no_firewall(look: Look) -> None:
    outcomes = look(Behaviour(reaches_target=True))
    assert "the request reached a target" in outcomes["SQL injection is blocked by the firewall"].seen
    assert len(failed(outcomes)) == 2


def test_old_tls_that_asks_for_a_clients_certificate_is_spoken_all_the_same(look: Look) -> None:
    outcomes = look(Behaviour(oldest_tls=ssl.TLSVersion.TLSv1, wants_client_certificate=True))
    assert {"TLSv1 is refused", "TLSv1_1 is refused"} <= set(failed(outcomes))


def test_a_server_that_drips_ends_after_the_patience_and_not_later(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.4)
    outcomes = look(Behaviour(drips=True))
    assert outcomes["/health answers 200 through the firewall"].seen == "no answer within 0 s"
    assert len(failed(outcomes)) == 4


def test_of_an_endless_body_no_more_is_read_than_the_limit(look: Look) -> None:
    behaviour = Behaviour(endless=True)
    outcomes = look(behaviour)
    assert outcomes["/health answers 200 through the firewall"].passed
    assert sum(behaviour.poured) < 40 * 1024 * 1024  # what fits into the sockets' buffers, of six requests


def test_a_name_that_does_not_resolve_is_seen() -> None:
    [outcome] = checks.name_resolves(at(host="nowhere.invalid"))
    assert not outcome.passed


OUTPUTS = {
    "healthUrl": "https://pay.dev.example.com/healthz",
    "databaseWriterEndpoint": HOST,
    "databaseReaderEndpoint": HOST,
    "cachePrimaryEndpoint": HOST,
    "cacheReaderEndpoint": "127.0.0.1",
}


def test_the_target_is_read_from_the_outputs() -> None:
    found = from_outputs("dev", OUTPUTS)
    assert (found.host, found.port, found.http_port, found.health_path) == ("pay.dev.example.com", 443, 80, "/healthz")
    assert found.private["database writer"] == (HOST, 3306)
    assert found.private["cache reader"] == ("127.0.0.1", 6379)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_missing_output_is_named(name: str) -> None:
    with pytest.raises(Stop, match=f"{name}: the stack dev has no such output"):
        from_outputs("dev", {**OUTPUTS, name: ""})


def test_a_plain_http_url_is_no_target() -> None:
    with pytest.raises(Stop, match="allowed: https://HOST/PATH"):
        from_outputs("dev", {**OUTPUTS, "healthUrl": "http://pay.dev.example.com/"})


def test_the_command_prints_a_line_a_check_and_ends_with_1_where_one_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({**OUTPUTS, "healthUrl": f"https://{HOST}:{closed_port()}/health"}))
    monkeypatch.setattr(target, "PRIVATE", ())
    assert main(["smoke", "--stack", "dev", "--outputs", str(outputs)]) == 1
    printed = capsys.readouterr()
    assert "pass  localhost resolves" in printed.out
    assert "FAIL  /health answers 200 through the firewall" in printed.out
    assert "of the checks above failed" in printed.err


def test_the_command_passes_where_everything_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with load_balancer(Behaviour(), tmp_path) as (port, trusted):
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        monkeypatch.setattr(target, "HTTP", closed_port())
        outputs = tmp_path / "outputs.json"
        outputs.write_text(json.dumps({**OUTPUTS, "healthUrl": f"https://{HOST}:{port}/health"}))
        assert main(["smoke", "--stack", "dev", "--outputs", str(outputs)]) == 0
    assert "FAIL" not in capsys.readouterr().out


def test_without_cli_and_file_the_command_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent / "nothing"))
    assert main(["smoke", "--stack", "dev"]) == 2
    assert f"{NO_PULUMI}, or give --outputs FILE." in capsys.readouterr().err
