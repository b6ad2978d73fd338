"""An answer audited: its pairs left out, the model retrained without them, and a report of what it answers then."""
