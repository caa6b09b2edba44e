"""Tables: files whose columns have names of the user's own. Which column is which input, as a tensor."""
