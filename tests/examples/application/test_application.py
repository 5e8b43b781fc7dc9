"""The application against real servers: what it promises to the platform and to a terminal."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.examples.application.instance import Instance
from tests.examples.application.phone import CARD, Phone, RefusedError
from tests.examples.application.place import CODE, INNODB_REFRESHES_SECONDS, Place, serial, until


def phone(instance: Instance, number: int = 1) -> Phone:
    return Phone(serial(number), instance.address, instance.port)


@pytest.fixture(scope="module")
def shared(place: Place) -> Instance:
    return place.start(place.on_aws())


@pytest.fixture
def running(place: Place, shared: Instance) -> Instance:
    """The file's instance, which every test finds and leaves ready, on the database that it enters by password."""
    shared.wait()
    return shared


def payments_of(place: Place, number: int) -> int:
    return int(
        place.database.run(
            "SELECT COUNT(*) FROM softpos.payments JOIN softpos.terminals ON terminal_id = terminals.id "  # noqa: S608
            f"WHERE serial = '{serial(number)}'"
        )[0][0]
    )


def test_a_payment_is_authorised_captured_refunded_and_settled_once(place: Place, running: Instance) -> None:
    terminal = phone(running)
    made = terminal.pay(1234)
    assert (made["state"], made["amount"], made["card"]) == ("AUTHORISED", 1234, "411111******1111")
    assert terminal.capture(made["reference"])["captured"] == 1234
    assert terminal.refund(made["reference"], 234)["refunded"] == 234
    with pytest.raises(RefusedError, match="409"):
        terminal.refund(made["reference"], 1001)
    [settled] = terminal.settle()["settlements"]
    assert (settled["payments"], settled["captured"], settled["refunded"]) == (1, 1234, 234)
    assert terminal.settle()["settlements"] == []
    assert terminal.ask("GET", "/settlements")[1][0]["reference"] == settled["reference"]
    with pytest.raises(RefusedError, match="409"):
        terminal.refund(made["reference"], 1)


def test_a_request_that_is_sent_again_changes_nothing_and_gets_the_same_answer(place: Place, running: Instance) -> None:
    terminal, body = phone(running, 3), {"amount": 500, "currency": "EUR", "card_number": CARD}
    first = terminal.change("/payments", body, "key-of-a-test")
    assert terminal.change("/payments", body, "key-of-a-test") == first
    with pytest.raises(RefusedError, match="409"):
        terminal.change("/payments", {**body, "amount": 501}, "key-of-a-test")
    assert payments_of(place, 3) == 1


def test_the_same_request_at_the_same_time_happens_once(place: Place, running: Instance) -> None:
    body = {"amount": 700, "currency": "EUR", "card_number": CARD}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: phone(running, 4).change("/payments", body, "key-of-a-storm"), range(8)))
    assert {answer["reference"] for answer in answers} == {answers[0]["reference"]}
    assert payments_of(place, 4) == 1


def test_one_terminal_does_not_see_anothers_payments(place: Place, running: Instance) -> None:
    made = phone(running, 1).pay(100)
    with pytest.raises(RefusedError, match="404"):
        phone(running, 2).capture(made["reference"])


def test_no_card_number_is_in_the_database_the_cache_the_log_or_an_answer(place: Place, running: Instance) -> None:
    terminal = phone(running)
    answers = [terminal.pay(100)]
    terminal.pay(105)
    foreign = "4000123412341234"
    for body in (
        {"amount": 1, "currency": "EUR", "card_number": foreign},
        {"amount": "x", "currency": "EUR", "card_number": CARD},
        {"amount": 1, "currency": "EUR", "card_number": CARD + "1" * 9},
        {"amount": 1, "currency": "EUR", "card": CARD},
    ):
        with pytest.raises(RefusedError) as refused:
            terminal.change("/payments", body)
        answers.append({"says": str(refused.value)})
    dump = []
    for (table,) in place.database.run("SHOW TABLES FROM softpos"):
        dump += place.database.run(f"SELECT * FROM softpos.{table}")  # noqa: S608
    kept = place.cache.client()
    values = [f"{key} {kept.get(key)}" for key in kept.scan_iter()]
    running.wait()
    everywhere = " ".join([json.dumps(answers), str(dump), *values, running.output])
    assert "411111******1111" in everywhere
    for number in (CARD, foreign, CARD + "1" * 9):
        assert number not in everywhere


def test_a_decline_is_an_answer_and_is_kept(place: Place, running: Instance) -> None:
    made = phone(running).pay(1051)
    assert (made["state"], made["acquirer_code"]) == ("DECLINED", "51")
    with pytest.raises(RefusedError, match="409"):
        phone(running).capture(made["reference"])


def test_a_terminal_with_a_wrong_code_is_refused_and_locked_after_ten(place: Place, running: Instance) -> None:
    wrong = {"serial": serial(7), "activation_code": "not-the-code"}
    answers = [running.ask("POST", "/sessions", wrong)[0] for _ in range(11)]
    assert answers == [401] * 10 + [429]
    right = {"serial": serial(8), "activation_code": CODE}
    assert running.ask("POST", "/sessions", right)[0] == 201


# ---- What the platform relies on ------------------------------------------------------------------------------------


def test_an_instance_is_ready_only_while_it_can_write(place: Place, running: Instance) -> None:
    place.database.run("SET GLOBAL read_only = ON")
    assert "cannot be written" in running.wait(503)["database"]
    assert running.ask("GET", "/live")[0] == 200
    place.database.run("SET GLOBAL read_only = OFF")
    running.wait(200)


def test_an_instance_is_not_ready_without_its_sessions(place: Place, running: Instance) -> None:
    place.cache.stop()
    try:
        assert "cannot be reached" in running.wait(503)["sessions"]
    finally:
        place.cache.start()
    running.wait(200)


def test_one_new_version_of_the_secret_changes_login_and_address_without_a_restart(
    place: Place, running: Instance
) -> None:
    terminal = phone(running)
    by_password = terminal.pay(100)
    assert place.gates["database"].admitted == 0
    place.write_secret(place.by_iam)
    until(lambda: place.gates["database"].admitted > 0)
    place.database.run(*ended_sessions(place))
    made = terminal.pay(200)
    assert terminal.capture(by_password["reference"])["state"] == "CAPTURED"
    assert made["state"] == "AUTHORISED"
    assert place.gates["database"].denied == []
    place.write_secret(place.by_password)
    until(lambda: f"127.0.0.1:{place.database.port} by password" in running.output.rpartition("by iam")[2])
    assert terminal.pay(300)["state"] == "AUTHORISED"


def testended_sessions_cost_no_payment(place: Place, running: Instance) -> None:
    """What the switch of a migration does to the source."""
    terminal = phone(running, 5)
    for _ in range(5):
        terminal.pay(100)
        place.database.run(*ended_sessions(place))
    assert payments_of(place, 5) == 5


def test_a_stopping_instance_answers_what_it_has_taken_and_asks_its_clients_to_leave(
    place: Place,
) -> None:
    running = place.start(place.on_aws())
    running.wait()
    terminal, idle = phone(running, 9), phone(running, 11)
    terminal.pay(100)
    idle.pay(100)
    locker = place.database.connect(autocommit=False)
    with locker.cursor() as cursor:
        cursor.execute("SELECT * FROM softpos.terminals WHERE serial = %s FOR UPDATE", (serial(10),))
    answers: list[object] = []
    slow = threading.Thread(target=lambda: answers.append(phone(running, 10).pay(200)["state"]))
    slow.start()
    waiting = "SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
    until(lambda: bool(place.database.run(waiting)), pause=2 * INNODB_REFRESHES_SECONDS)
    assert running.process
    running.process.send_signal(signal.SIGTERM)
    assert running.wait(503) == {"instance": "is leaving"}
    assert terminal._connection is not None
    assert terminal.pay(300)["state"] == "AUTHORISED"
    assert terminal._connection is None, "the answer must ask the client to leave"
    locker.rollback()
    slow.join()
    assert answers == ["AUTHORISED"]
    assert running.process.wait(timeout=60) == 0


def ended_sessions(place: Place) -> list[str]:
    found = place.database.run("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'softpos_app'")
    return [f"KILL {number}" for (number,) in found] or ["DO 0"]
