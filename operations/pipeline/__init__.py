"""What the workflows call: preview, deploy, comments, issues. The YAML only says when; what happens stands here."""
