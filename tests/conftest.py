"""What all tests share."""

# Imported before any test: hypothesis's own pytest plugin otherwise imports it in the closing summary, where CPython
# 3.11 has been seen to fail on it after Pulumi programs had run (SystemError: AST constructor recursion depth).
import hypothesis

hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")
