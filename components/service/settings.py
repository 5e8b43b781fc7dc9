"""What may be set of the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..foundations.declared import Declared, ordered
from ..foundations.values import Between, Optionally, image_by_digest, url_path


@dataclass(frozen=True, kw_only=True)
class ServiceSettings(Declared):
    """The one service of an application that has no more; several are declared in `softpos:services`."""

    RULES = (ordered("replicas_min", "replicas_max"),)

    image: Annotated[str, Optionally(image_by_digest)]
    health_path: Annotated[str, url_path]
    replicas_min: Annotated[int, Between(2, 200, "pods", "two survive the loss of a node")]
    replicas_max: Annotated[int, Between(2, 200, "pods")]
