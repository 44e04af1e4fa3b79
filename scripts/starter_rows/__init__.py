"""Written rows for the starter model: families of templates, unsafe requests and their harmless twins."""
