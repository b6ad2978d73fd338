"""What requests must look like, and what answers do look like."""
