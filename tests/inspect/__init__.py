"""Tests of the inspection tools."""
