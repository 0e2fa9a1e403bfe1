"""The roles of a server that the fences around the log are for: apart from them, for whoever only
needs their names loads no migrations."""

APP, PRUNER = "probant_app", "probant_pruner"
