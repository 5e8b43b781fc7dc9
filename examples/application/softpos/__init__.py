"""A small SoftPOS back end: authorise, capture, refund, settle. It keeps docs/application-contract.md."""
