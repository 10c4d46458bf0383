"""Documents people sign and send."""
