"""What a run tells of its own data: pairs that look wrong, contradictions, and the sources of errors."""
