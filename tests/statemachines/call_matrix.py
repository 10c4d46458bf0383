"""A call, written by hand: this is the specification, the chart has to agree with it. The caller has an answer."""

TABLE = """
open    | answer    | open    | inspector supervisor | role-missing
open    | call_back | open    | inspector supervisor | role-missing
open    | settle    | settled | inspector supervisor | role-missing

settled | answer    | -       | -                    | wrong-state
settled | call_back | -       | -                    | wrong-state
settled | settle    | -       | -                    | wrong-state
"""
