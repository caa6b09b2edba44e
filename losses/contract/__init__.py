"""What a loss promises: inputs, shapes, domains, parameters, and the catalogue and the expressions that name it."""
