"""What a run can do: one module a kind. Their tops import light things only; the worker loads the rest."""
