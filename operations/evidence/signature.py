"""The signature over a bundle's seal, by a KMS key: it says who sealed it, which a digest cannot.

The key is asymmetric, for signing (ECC_NIST_P256 or another of `ALGORITHMS`), and stays in KMS. The signature is a
file of its own next to the manifest, which it signs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from command_line.exits import FAILED, Stop
from command_line.files import write_whole
from operations.evidence.manifest import SIGNATURE

ALGORITHMS = ("ECDSA_SHA_256", "ECDSA_SHA_384", "ECDSA_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_512")
"""Of those that the key offers, the first is taken."""


def sign(directory: Path, seal: str, key: str, kms: Any) -> str:
    """Sign a seal and write the signature; answers the key's ARN.

    Args:
        key: id, ARN or alias of a key for signing.
        kms: a client of KMS.

    Raises:
        Stop: when KMS does not sign.
    """
    try:
        offered = kms.get_public_key(KeyId=key)
        algorithm = next((name for name in ALGORITHMS if name in offered["SigningAlgorithms"]), None)
        if algorithm is None:
            raise Stop(FAILED, f"--sign: {key} cannot sign; allowed: a key of usage SIGN_VERIFY; choose another.")
        signed = kms.sign(KeyId=key, Message=seal.encode(), MessageType="RAW", SigningAlgorithm=algorithm)
    except (BotoCoreError, ClientError) as error:
        raise Stop(
            FAILED, f"--sign: KMS did not sign with {key} ({error}); the bundle is sealed, not signed."
        ) from None
    content = {
        "seal": seal,
        "key": signed["KeyId"],
        "algorithm": algorithm,
        "signature": base64.b64encode(signed["Signature"]).decode(),
        "public_key": base64.b64encode(offered["PublicKey"]).decode(),
    }
    write_whole(directory / SIGNATURE, json.dumps(content, indent=1) + "\n")
    return str(signed["KeyId"])


def signature_problems(directory: Path, key: str, kms: Any) -> list[str]:
    """What is wrong with a bundle's signature, a sentence each.

    Args:
        key: the key that the bundle must be signed with, as the entity named it elsewhere.
    """
    file = directory / SIGNATURE
    try:
        found: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))
        seal = str(json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["seal"])
        signature = base64.b64decode(found["signature"], validate=True)
        algorithm, signed = found["algorithm"], found["seal"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return [f"{file}: the signature cannot be read ({type(error).__name__}); take the bundle again."]
    if signed != seal:
        return [f"{file}: it signs the seal {signed}, and the manifest has {seal}; take the bundle again."]
    try:
        answer = kms.verify(
            KeyId=key, Message=seal.encode(), MessageType="RAW", Signature=signature, SigningAlgorithm=algorithm
        )
    except (BotoCoreError, ClientError) as error:
        return [f"{file}: KMS does not confirm the signature with {key} ({error}); take the bundle again."]
    return [] if answer["SignatureValid"] else [f"{file}: it is not the signature of {key}; take the bundle again."]
