"""``python -m softpos``: serve, or ``python -m softpos settle``: the end of the day as a job."""

from __future__ import annotations

import datetime
import json
import logging
import sys
import time

from softpos.configuration import Configuration, ConfigurationError
from softpos.server import Instance

BAD_CONFIGURATION = 2


class _Lines(logging.Formatter):
    """One JSON object per line, as CloudWatch Logs Insights reads them."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "from": record.name,
            "says": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def main(arguments: list[str]) -> int:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if arguments not in ([], ["settle"]):
        sys.stderr.write(f"softpos: {' '.join(arguments)!r} is unknown; allowed: nothing, or settle.\n")
        return BAD_CONFIGURATION
    try:
        instance = Instance(Configuration.read())
    except ConfigurationError as error:
        sys.stderr.write("\n".join([*map(str, error.args), ""]))
        return BAD_CONFIGURATION
    if not arguments:
        instance.serve()
        return 0
    instance.watch.look()
    day = time.strftime("%Y-%m-%d", time.gmtime())
    logging.getLogger(__name__).info("settled %s terminals of %s", instance.payments.settle_everybody(day), day)
    instance.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
