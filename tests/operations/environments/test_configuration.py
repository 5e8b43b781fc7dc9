"""An environment differs from dev in size, name, place and lifetime, never in security; and it is accepted as it is."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

import pytest

from command_line.exits import Stop
from operations.environments.configuration import (
    ALONE,
    SMALL,
    TEMPORARY,
    as_stack_file,
    checked,
    environment_configuration,
    ranges_in_use,
    source_settings,
)
from operations.environments.ledger import Environment
from recording.configuration import Configuration
from settings import known_keys

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ZONE = "Z0123456789ABC"
OWN = {"agentSecretName", "owner", "networkVpcCidr", "edgeZoneId", "edgeHostName", "temporaryUntil", "temporaryPurpose"}


def environment(**others: str) -> Environment:
    given = {"name": "ana-3ds", "owner": "ana", "purpose": "3-D Secure", "source": "dev", "image": "", **others}
    return Environment(
        account="111122223333",
        cidr=IPv4Network("10.64.16.0/20"),
        created=AT,
        until=AT + timedelta(hours=8),
        **given,
    )


def configured(snapshot: str = "", **others: str) -> Configuration:
    source, _ = source_settings("dev")
    return environment_configuration(source, environment(**others), ZONE, snapshot)


def test_the_program_accepts_an_environments_settings() -> None:
    settings = checked(configured())
    assert settings.stack == "env-ana-3ds"
    assert settings.edge.host_name == "ana-3ds.dev.example.com"
    assert settings.edge.zone_id == ZONE
    assert settings.network.vpc_cidr == IPv4Network("10.64.16.0/20")
    assert settings.temporary.until == "2026-11-23T17:00:00Z"
    assert settings.owner == "ana"
    assert not settings.production
    assert not settings.migration.facts.moves_data
    assert not settings.vpn.enabled
    assert not settings.database.deletion_protection
    assert settings.audit.guardduty == "off"


def test_nothing_but_size_name_place_and_lifetime_differs_from_dev() -> None:
    source, _ = source_settings("dev")
    differing = {key for key, value in configured().values.items() if source.values.get(key) != value}
    allowed = {f"softpos:{key}" for key in (*SMALL, *ALONE, *TEMPORARY, *OWN)}
    assert differing <= allowed


def test_every_override_is_a_key_that_the_program_knows() -> None:
    known = {key.name for key in known_keys()}
    assert {f"softpos:{key}" for key in (*SMALL, *ALONE, *TEMPORARY, *OWN)} <= known


def test_nothing_that_the_account_has_once_is_made_again() -> None:
    singletons = [key.name for key in known_keys() if "adopt" in getattr(key.kind, "choices", ())]
    values = configured().values
    assert len(singletons) >= 6
    assert {key: values[key] for key in singletons if values[key] not in ("adopt", "off")} == {}


def test_image_and_snapshot_are_taken_over_where_given() -> None:
    plain = configured()
    image = plain.values["softpos:serviceImage"].partition("@")[0] + "@sha256:" + "a" * 64
    changed = checked(configured(snapshot="sanitised-2026-11", image=image))
    assert changed.service.image == image
    assert changed.database.snapshot == "sanitised-2026-11"
    assert checked(plain).database.snapshot == ""


def test_production_is_no_source() -> None:
    with pytest.raises(Stop, match="prod is production"):
        source_settings("prod")


def test_a_source_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Stop, match="there is no stack"):
        source_settings("deff")


def test_what_the_program_would_refuse_is_refused_here() -> None:
    with pytest.raises(Stop, match="softpos:serviceImage"):
        checked(configured(image="softpos:latest"))


def test_addresses_stay_clear_of_dev_services_and_data_centre() -> None:
    _, settings = source_settings("dev")
    assert {"10.20.0.0/16", "172.20.0.0/16", "10.80.0.0/16"} == set(map(str, ranges_in_use(settings)))


def test_the_stack_file_keeps_lists_as_lists_and_accounts_as_text() -> None:
    content = as_stack_file(configured())
    assert content["softpos:bastionTrustedCidrs"] == ["203.0.113.0/28"]
    assert content["softpos:accountId"] == "111122223333"
    assert content["aws:region"] == "eu-central-1"
    assert content["softpos:clusterNodesMin"] == 2
    assert content["softpos:vpnEnabled"] is False
