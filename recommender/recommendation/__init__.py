"""The answer to a question: the books asked, the goal, alternatives, what would change it, what to check."""
