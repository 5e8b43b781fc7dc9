"""What the rules cost by themselves: `python -m tests.policy.timing` (the process around them: `make bench`).

Processor time, not wall time, so that a busy machine does not change the figures; gRPC and the start are not in them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from policy import pack
from policy.judgement import Judgement
from policy.rule import Resource
from policy.stack import Stack
from tests.policy.cases.platform import PLATFORM
from tests.policy.cases.resources import token, urn

ROUNDS = 5
SIZES = (300, 3000)


def platforms(size: int) -> list[Resource]:
    """About `size` resources: as many copies of the test platform as fit."""
    return [
        Resource(
            token(made.kind),
            f"{name}-{copy}",
            urn(token(made.kind), f"{name}-{copy}"),
            {
                **made.properties,
                **{path: f"{targets[0]}-{copy}" for path, targets in made.refers.items() if targets},
                "id": f"{name}-{copy}",
            },
        )
        for copy in range(round(size / len(PLATFORM)))
        for name, made in PLATFORM.items()
    ]


def seconds(judge: Judgement, resources: Sequence[Resource]) -> tuple[float, float]:
    """Processor seconds of the rules on single resources, and of those over the stack; the best of a few rounds."""
    single, whole = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        for resource in resources:
            list(judge.of_resource(resource, {}))
        middle = time.process_time()
        list(judge.of_stack(Stack(resources), {}))
        single.append(middle - start)
        whole.append(time.process_time() - middle)
    return min(single), min(whole)


def main() -> None:
    judge = pack.judgement()
    for size in SIZES:
        resources = platforms(size)
        single, whole = (1000 * spent / len(resources) for spent in seconds(judge, resources))
        sys.stdout.write(
            f"{len(resources):5} resources: {single:.3f} ms each for the rules on single resources, "
            f"{whole:.3f} ms each for the rules over the stack\n"
        )


if __name__ == "__main__":
    main()
