"""What everything costs at 100 000 tickets, each journey beside a bare baseline in the same run (`make bench`)."""
