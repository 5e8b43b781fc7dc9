"""All rooms of the preflight, in the order in which their findings are shown."""

from operations.cutover import checks_aws, checks_schema, checks_source, checks_target

ROOMS = (checks_source.room, checks_schema.room, checks_target.room, checks_aws.room)
