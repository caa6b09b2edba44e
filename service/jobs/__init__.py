"""Jobs that outlive a request (experiments, evaluations), run by a separate process and resumed where it died."""
