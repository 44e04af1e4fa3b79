// Holds the precompiled headers of all tests; a target needs a source.
