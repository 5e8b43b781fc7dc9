"""What all commands share: exit codes, files, progress, interruption, templates."""
