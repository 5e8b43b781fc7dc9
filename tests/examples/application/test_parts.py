"""The application's parts in this process, on real servers: logins, sessions, the end of a day, wrong settings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

import pytest
from softpos import sessions
from softpos.acquirer import TEST_CARDS, Card, UnknownCardError, authorise
from softpos.configuration import Configuration, ConfigurationError
from softpos.connection import Connection, ConnectionSecretError
from softpos.server import Instance

from tests.examples.application.place import CODE, PASSWORD, Place, serial

VISA = Card("4111111111111111")


class Parts:
    """Instances without a port, closed at the end of a test."""

    def __init__(self) -> None:
        self.made: list[Instance] = []

    def start(self, environment: Mapping[str, str]) -> Instance:
        instance = Instance(Configuration.read(environment))
        self.made.append(instance)
        instance.watch.look()
        instance.health.look()
        return instance


@pytest.fixture
def parts() -> Iterator[Parts]:
    made = Parts()
    yield made
    for instance in made.made:
        instance.close()


# ---- Logins ---------------------------------------------------------------------------------------------------------


def test_tokens_of_iam_open_database_and_cache(place: Place, parts: Parts) -> None:
    place.write_secret(place.by_iam)
    instance = parts.start(place.on_aws())
    place.write_secret(place.by_password)
    assert instance.health.problems == {}
    assert place.gates["database"].admitted > 0
    assert place.gates["cache"].admitted > 0


def test_a_token_that_iam_did_not_sign_lets_nobody_in(
    place: Place, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = place.gates["database"], place.gates["cache"]
    before = [gate.admitted for gate in gates]
    place.write_secret(place.by_iam)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somebody-else")
    instance = parts.start(place.on_aws())
    place.write_secret(place.by_password)
    assert set(instance.health.problems) == {"database", "sessions"}
    assert {said for gate in gates for said in gate.denied} == {"the signature is wrong"}
    assert [gate.admitted for gate in gates] == before


def test_a_database_whose_authority_is_not_known_gets_no_login(place: Place, parts: Parts) -> None:
    instance = parts.start(place.on_aws(DATABASE_CA_FILE=str(place.cache.authority.ca_file)))
    assert instance.health.problems == {"database": "cannot be written (OperationalError 2003)"}


def test_the_same_image_runs_outside_aws_with_passwords_from_files(place: Place, parts: Parts) -> None:
    before = place.gates["database"].admitted, place.gates["cache"].admitted
    instance = parts.start(place.outside())
    assert instance.health.problems == {}
    assert instance.payments.authorise(1, "key-outside", VISA, 100, "EUR")["state"] == "AUTHORISED"
    assert (place.gates["database"].admitted, place.gates["cache"].admitted) == before


def test_an_instance_that_finds_no_database_says_so_and_finds_it_later(
    place: Place, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    place.write_secret({"host": "127.0.0.1"})
    instance = parts.start(place.on_aws())
    assert instance.health.problems == {"database": "cannot be written (The database's address is not known yet.)"}
    assert "has no username, password; add it" in caplog.text
    place.write_secret(place.by_password)
    instance.watch.look()
    instance.health.look()
    assert instance.health.problems == {}


def test_a_look_that_hangs_is_a_failed_one(place: Place, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = parts.start(place.on_aws())
    assert instance.health.problems == {}
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)
    assert instance.health.problems == {"instance": "a look at database and sessions hangs"}


# ---- Terminals ------------------------------------------------------------------------------------------------------


def test_a_session_is_shared_by_all_instances_of_a_side_and_is_never_kept_in_clear(place: Place, parts: Parts) -> None:
    one, other = parts.start(place.on_aws()), parts.start(place.on_aws())
    token = one.sessions.open(7)
    assert other.sessions.terminal(token) == 7
    assert token not in str(list(place.cache.client().scan_iter()))
    assert 0 < place.cache.client().ttl(sessions._key(token)) <= sessions.SESSION_SECONDS
    other.sessions.close(token)
    assert one.sessions.terminal(token) is None


def test_a_terminal_logs_in_by_its_code_only(place: Place, parts: Parts) -> None:
    payments = parts.start(place.on_aws()).payments
    assert payments.log_in(serial(3), CODE) == 3
    assert payments.log_in(serial(3), "not-the-code") is None
    assert payments.log_in("T9999", CODE) is None


def test_the_end_of_a_day_settles_every_terminal_once(place: Place, parts: Parts) -> None:
    payments = parts.start(place.on_aws()).payments
    payments.settle_everybody("2026-11-28")
    for terminal in (12, 13):
        made = payments.authorise(terminal, f"key-{terminal}-a", VISA, 100, "EUR")
        payments.capture(terminal, f"key-{terminal}-c", made["reference"], None)
    assert payments.settle_everybody("2026-11-29") == 2
    assert payments.settle_everybody("2026-11-29") == 0
    assert [len(payments.settlements(terminal)) for terminal in (12, 13)] == [1, 1]


# ---- What an instance is told ---------------------------------------------------------------------------------------


def test_every_missing_or_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Configuration.read({"AWS_REGION": "eu-central-1", "DATABASE_CA_FILE": "/nowhere", "CACHE_PORT": "many"})
    assert [str(line).partition(" ")[0] for line in refused.value.args] == [
        "CACHE_HOST",
        "CACHE_PORT",
        "CACHE_USER",
        "DATABASE_CONNECTION_SECRET",
        "CACHE_NAME",
        "DATABASE_CA_FILE",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no JSON", "no JSON object"),
        ("[]", "no JSON object"),
        ('{"username": "a", "password": "b"}', "has no host"),
        ('{"host": "h", "username": "a"}', "has no password"),
        ('{"host": "h", "username": "a", "auth": "kerberos"}', "allowed: iam, password"),
        ('{"host": "h", "username": "a", "auth": "iam", "port": "x"}', "port of the connection secret is no number"),
    ],
)
def test_a_secret_that_breaks_the_contract_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(ConnectionSecretError, match=says):
        Connection.parse(text)


def test_a_connection_never_shows_its_password() -> None:
    shown = repr(Connection.parse(json.dumps({"host": "h", "username": "a", "password": PASSWORD})))
    assert PASSWORD not in shown
    assert "host='h'" in shown


def test_a_login_by_iam_forgets_a_password_that_a_secret_still_holds() -> None:
    found = Connection.parse(json.dumps({"host": "h", "username": "a", "password": PASSWORD, "auth": "iam"}))
    assert (found.auth, found.password) == ("iam", "")


# ---- Cards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", TEST_CARDS)
def test_every_test_number_is_a_card_number_and_is_kept_truncated(number: str) -> None:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    assert (sum(digits[::2]) + sum(doubled)) % 10 == 0
    kept = authorise(Card(number), 100).card
    assert (kept[:6], kept[-4:], len(kept)) == (number[:6], number[-4:], len(number))
    assert set(kept[6:-4]) == {"*"}
    assert number not in repr(Card(number))


def test_another_number_is_refused_without_being_repeated() -> None:
    with pytest.raises(UnknownCardError) as refused:
        authorise(Card("4000123412341234"), 100)
    assert "4000" not in str(refused.value)
