"""The whole life of a stack on the real Pulumi engine, against stand-in providers: no cloud, no account."""
