"""What Compass can be asked to do, one file a family: documents, classifiers, messages, any request."""
