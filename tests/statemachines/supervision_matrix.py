"""The order of supervision, written by hand: this is the specification, the chart has to agree with it.

Its ticket is verified; 王工 (the assignee) was responsible and fixed it.
"""

TABLE = """
open     | report | open     | assignee substitute supervisor leader | not-reporter
open     | raise  | raised   | supervisor leader          | role-missing
open     | delist | delisted | supervisor leader          | assignee=self-delisting; role-missing

raised   | report | -        | -                          | wrong-state
raised   | raise  | -        | -                          | wrong-state
raised   | delist | -        | -                          | wrong-state

delisted | report | -        | -                          | wrong-state
delisted | raise  | -        | -                          | wrong-state
delisted | delist | -        | -                          | wrong-state
"""
