"""The operation language: checked, typed, and translated by back ends."""
