"""The pages that browsers show: the page for people, and that of the operations."""
