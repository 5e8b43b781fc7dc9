"""What may be set of the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from components.foundations.values import Between, Matching, image_by_digest


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    image: Annotated[str, image_by_digest]
    health_path: Annotated[str, Matching(r"/[\w./-]*", "a path such as /health")]
    replicas_min: Annotated[int, Between(2, 200, "pods", "two survive the loss of a node")]
    replicas_max: Annotated[int, Between(2, 200, "pods")]
