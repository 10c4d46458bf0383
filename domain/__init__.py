"""Records, commands, queries and notices: what is kept, and what each command changes."""
