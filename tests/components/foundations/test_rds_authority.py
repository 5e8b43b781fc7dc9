from datetime import UTC, datetime

import pytest
from cryptography import x509

from components.foundations.rds_authority import DIRECTORY, root_certificate

REGIONS = sorted(found.stem for found in DIRECTORY.glob("*.pem"))


@pytest.mark.parametrize("region", REGIONS)
def test_a_certificate_is_the_lasting_root_of_the_region_it_is_named_after(region: str) -> None:
    certificate = x509.load_pem_x509_certificate(root_certificate(region).encode())
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert [name.value for name in names] == [f"Amazon RDS {region} Root CA RSA2048 G1"]
    certificate.verify_directly_issued_by(certificate)
    assert certificate.not_valid_after_utc > datetime(2060, 1, 1, tzinfo=UTC)


def test_the_regions_of_europe_and_the_americas_are_there() -> None:
    assert {"eu-central-1", "eu-west-1", "eu-west-3", "eu-south-1", "us-east-1", "us-west-2"} <= set(REGIONS)


def test_a_region_without_a_certificate_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(ValueError, match=r"aws:region is mars-north-1, .* allowed: .*eu-central-1.*; add mars-north-1"):
        root_certificate("mars-north-1")
