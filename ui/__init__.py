"""Windows and widgets: they show the state of `app` and call its verbs."""
