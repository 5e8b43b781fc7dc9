"""The certificate authority of RDS in each Region, as data: who connects by TLS verifies the database against it."""

from __future__ import annotations

from pathlib import Path

CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
"""The authority that the database's instances name, and that the files come from."""
DIRECTORY = Path(__file__).parent / "rds_certificates"


def root_certificate(region: str) -> str:
    """The authority's root certificate in a Region, in PEM form.

    Raises:
        ValueError: when the project holds no certificate for the Region.
    """
    file = DIRECTORY / f"{region}.pem"
    if not file.is_file():
        known = ", ".join(sorted(found.stem for found in DIRECTORY.glob("*.pem")))
        raise ValueError(
            f"aws:region is {region}, for which there is no RDS root certificate; allowed: {known}; "
            f"add {file.name} as components/foundations/rds_certificates/README.md says."
        )
    return file.read_text(encoding="ascii")
