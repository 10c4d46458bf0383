"""The extension, written by hand: this is the specification, the chart has to agree with it.

王工 (the assignee) asked for it.
"""

TABLE = """
requested | general | approve | approved | supervisor leader | assignee=self-approval; approver-level
requested | serious | approve | approved | leader            | assignee=self-approval; approver-level
requested | major   | approve | approved | leader            | assignee=self-approval; approver-level
requested | general | refuse  | refused  | supervisor leader | assignee=self-approval; approver-level
requested | serious | refuse  | refused  | leader            | assignee=self-approval; approver-level
requested | major   | refuse  | refused  | leader            | assignee=self-approval; approver-level

approved  | any     | approve | -        | -                 | wrong-state
approved  | any     | refuse  | -        | -                 | wrong-state

refused   | any     | approve | -        | -                 | wrong-state
refused   | any     | refuse  | -        | -                 | wrong-state
"""
