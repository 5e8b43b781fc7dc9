"""Prices come from AWS's price list as it is, with day and source; what has no price is named, never guessed."""

import csv
from pathlib import Path

import pytest

from command_line.exits import BAD_INPUT, FAILED
from facts.prices import COLUMNS, HOURS_A_MONTH, has_prices, prices
from operations.__main__ import main
from operations.costs.offer import OfferError, read_offer, wanted

HEADER = ["SKU", "TermType", "StartingRange", "Unit", "PricePerUnit", "Currency", "Product Family", "Region Code"]
HEADER += ["usageType", "Operating System", "Pre Installed S/W", "CapacityStatus", "Database Engine", "Cache Engine"]


def offer(code: str, *rows: dict[str, str]) -> list[str]:
    """An offer file in the form of AWS's, with these rows."""
    about = [["FormatVersion", "v1.0"], ["Disclaimer", "This pricing list is for informational purposes only."]]
    about += [["Publication Date", "2026-11-27T18:04:11Z"], ["Version", "20261127180411"], ["OfferCode", code]]
    plain = {
        "TermType": "OnDemand",
        "StartingRange": "0",
        "Unit": "Hrs",
        "Currency": "USD",
        "Region Code": "eu-central-1",
    }
    cells = [[{**plain, **row}.get(name, "") for name in HEADER] for row in rows]
    return [",".join(f'"{cell}"' for cell in line) + "\r\n" for line in (*about, HEADER, *cells)]


LINUX = {"Operating System": "Linux", "Pre Installed S/W": "NA", "CapacityStatus": "Used"}
NODE = {"usageType": "EUC1-BoxUsage:m7i.large", "PricePerUnit": "0.1207500000", **LINUX}


def test_the_price_of_a_size_is_that_of_linux_on_demand() -> None:
    found = list(
        read_offer(
            offer(
                "AmazonEC2",
                {**NODE, "Operating System": "Windows", "PricePerUnit": "0.2"},
                {**NODE, "TermType": "Reserved", "PricePerUnit": "0.05"},
                {**NODE, "CapacityStatus": "UnusedCapacityReservation", "PricePerUnit": "0.3"},
                NODE,
                {"usageType": "EUC1-NatGateway-Hours", "PricePerUnit": "0.052"},
            ),
            "AmazonEC2",
            "eu-central-1",
        )
    )
    assert [(one.type, one.what, one.usd, one.unit, one.published) for one in found] == [
        ("aws:eks/nodeGroup:NodeGroup", "m7i.large", "0.12075", "hour", "2026-11-27"),
        ("aws:ec2/natGateway:NatGateway", "", "0.052", "hour", "2026-11-27"),
    ]


def test_a_usage_type_without_prefix_counts_and_another_that_ends_alike_does_not() -> None:
    rows = [{"usageType": "KMS-Keys", "Unit": "Keys", "PricePerUnit": "1"}]
    rows += [{"usageType": "EUC1-Other:KMS-Keys", "Unit": "Keys", "PricePerUnit": "9"}]
    assert [(one.usd, one.unit) for one in read_offer(offer("awskms", *rows), "awskms", "us-east-1")] == []
    rows[0]["Region Code"] = "us-east-1"
    assert [(one.usd, one.unit) for one in read_offer(offer("awskms", *rows), "awskms", "us-east-1")] == [
        ("1", "month")
    ]


def test_only_the_first_tier_counts() -> None:
    row = {"usageType": "EUC1-CW:AlarmMonitorUsage", "Unit": "Alarms", "PricePerUnit": "0.10"}
    tiers = [row, {**row, "StartingRange": "1000", "PricePerUnit": "0.05"}]
    found = list(read_offer(offer("AmazonCloudWatch", *tiers), "AmazonCloudWatch", "eu-central-1"))
    assert [one.usd for one in found] == ["0.1"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [([], "no header"), (["<html>\n"], "no header"), (offer("AmazonRDS"), "of AmazonRDS, not of AmazonEC2")],
)
def test_what_is_no_offer_file_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(OfferError, match=words):
        list(read_offer(lines, "AmazonEC2", "eu-central-1"))


@pytest.fixture
def offers(tmp_path: Path) -> Path:
    """A folder of small offer files, one of each service."""
    for code in {one.offer for one in wanted()}:
        file = tmp_path / "offers" / code / "eu-central-1" / "index.csv"
        file.parent.mkdir(parents=True)
        file.write_text("".join(offer(code, *([NODE] if code == "AmazonEC2" else []))), encoding="utf-8")
    return tmp_path / "offers"


def test_the_command_writes_a_region_with_day_and_source_and_names_what_has_no_price(
    offers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "prices.csv"
    assert main(["prices", "--region", "eu-central-1", "--offers", str(offers), "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8", newline="")))
    assert tuple(rows[0]) == COLUMNS
    (own,) = (row for row in rows if row["region"] == "eu-central-1")
    assert (own["what"], own["usd"]) == ("m7i.large", "0.12075")
    assert own["source"] == "AWS Price List, AmazonEC2, published 2026-11-27"
    assert len(own["read_on"]) == 10
    assert {row["region"] for row in rows} == {"eu-central-1", "us-east-1"}
    assert "eu-central-1: no price of aws:dms/replicationInstance:ReplicationInstance dms.r6i.xlarge" in (
        capsys.readouterr().out
    )


def test_a_broken_list_writes_nothing(offers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (offers / "AmazonRDS" / "eu-central-1" / "index.csv").write_text("<html>", encoding="utf-8")
    out = tmp_path / "prices.csv"
    assert main(["prices", "--region", "eu-central-1", "--offers", str(offers), "--out", str(out)]) == FAILED
    assert "no offer file (it has no header that starts with SKU); nothing was written" in capsys.readouterr().err
    assert not out.exists()


def test_a_region_that_the_settings_refuse_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "--region", "mars-1", "--offers", "."]) == BAD_INPUT
    assert "--region: 'mars-1' is not allowed; allowed: af-south-1" in capsys.readouterr().err


def test_every_price_that_is_shipped_has_day_and_source() -> None:
    assert all(price.read_on and price.source for price in prices().values())
    assert has_prices("us-east-1")
    assert not has_prices("eu-central-1")
    nodes = prices()["us-east-1", "aws:eks/nodeGroup:NodeGroup", "m7i.large"]
    assert nodes.monthly_usd == pytest.approx(0.1008 * HOURS_A_MONTH)
