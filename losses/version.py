"""The version, in one place: the distribution, every answer, the documents and the metrics have it from here."""

VERSION = "0.1.0"
