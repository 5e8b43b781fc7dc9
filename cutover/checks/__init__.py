"""The preflight: what makes a migration fail at three in the morning, looked at weeks before. A file per place."""

from cutover.checks import accounts, aws, keys, schema, source, statements, target, versions

ROOMS = (
    source.room,
    keys.room,
    schema.room,
    versions.room,
    target.room,
    accounts.room,
    statements.room,
    aws.room,
)
"""All checks, in the order in which their observations are shown."""
