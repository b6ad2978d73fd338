"""From scores to levels that a person can trust: is it real, and is it large?"""
