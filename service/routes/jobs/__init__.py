"""/v1/evaluations and /v1/experiments: jobs, and what their routes share."""
