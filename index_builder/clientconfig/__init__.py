"""An audience's address becomes the settings of the installers that use it. Pure: texts go in, and texts come out."""
