"""The version of the distribution, of every answer, of the documents and of the metrics."""

VERSION = "0.1.0"
