"""`chuncha demo`: a whole campaign of a sample played through the HTTP contract and flows, time compressed."""
