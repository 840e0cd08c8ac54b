"""What can be done at Populr, one file a family: templates, pops, tracers, and any other call."""
