"""A report from anybody, written by hand: this is the specification, the chart has to agree with it."""

TABLE = """
received | accept  | accepted | supervisor | role-missing
received | decline | declined | supervisor | role-missing

accepted | accept  | -        | -          | wrong-state
accepted | decline | -        | -          | wrong-state

declined | accept  | -        | -          | wrong-state
declined | decline | -        | -          | wrong-state
"""
