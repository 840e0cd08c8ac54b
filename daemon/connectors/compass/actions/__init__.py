"""What Compass can be asked to do, one file a family; ``shapes`` and ``parts`` are what they share."""
