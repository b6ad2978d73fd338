"""Carries out accepted jobs: the stages of a job run one after the other in one child process."""
