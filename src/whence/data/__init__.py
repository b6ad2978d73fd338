"""Data files in, normalised and tokenised examples out, with every bad line named. Knows no models."""
