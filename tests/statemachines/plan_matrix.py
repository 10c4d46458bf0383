"""The plan of treatment, written by hand: this is the specification, the chart has to agree with it.

王工 (the assignee) is responsible for its ticket and drafted it.
"""

TABLE = """
drafted  | approve | approved | leader                     | assignee=own-plan; role-missing
drafted  | refuse  | refused  | leader                     | assignee=own-plan; role-missing
drafted  | replace | replaced | assignee substitute supervisor leader | not-reporter

approved | approve | -        | -                          | wrong-state
approved | refuse  | -        | -                          | wrong-state
approved | replace | replaced | assignee substitute supervisor leader | not-reporter

refused  | approve | -        | -                          | wrong-state
refused  | refuse  | -        | -                          | wrong-state
refused  | replace | -        | -                          | wrong-state

replaced | approve | -        | -                          | wrong-state
replaced | refuse  | -        | -                          | wrong-state
replaced | replace | -        | -                          | wrong-state
"""
