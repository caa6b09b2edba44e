"""Work that outlives a request: experiments, run by a process of their own and resumed where it died."""
