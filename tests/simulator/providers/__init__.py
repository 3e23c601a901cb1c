"""Tests of each provider's wire format."""
