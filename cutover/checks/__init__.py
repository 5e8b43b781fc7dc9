"""The preflight: what makes a migration fail at three in the morning, looked at weeks before. A file per place."""

from cutover.checks import aws, schema, source, target

ROOMS = (source.room, schema.room, target.room, aws.room)
"""All checks, in the order in which their observations are shown."""
