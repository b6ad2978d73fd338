"""From scores to levels: is a score significant, and is it large?"""
