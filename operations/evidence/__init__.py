"""Evidence for an assessor: what each rule found at each resource, sealed, and what became of the findings."""
