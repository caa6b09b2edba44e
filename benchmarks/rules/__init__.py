"""What single rules claim, measured: a record a rule, in the files of this folder that define `RECORDS`."""
