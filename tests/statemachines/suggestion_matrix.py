"""The union's suggestion, written by hand: this is the specification, the chart has to agree with it.

小李 (the inspector) made it, 王工 (the assignee) is asked to answer.
"""

TABLE = """
issued    | answer  | answered | assignee substitute leader | not-addressee
issued    | dispute | -        | -               | wrong-state
issued    | explain | -        | -               | wrong-state
issued    | settle  | -        | -               | wrong-state

answered  | answer  | -        | -               | wrong-state
answered  | dispute | disputed | inspector       | not-issuer
answered  | explain | -        | -               | wrong-state
answered  | settle  | settled  | inspector       | not-issuer

disputed  | answer  | -        | -               | wrong-state
disputed  | dispute | -        | -               | wrong-state
disputed  | explain | answered | assignee substitute leader | not-addressee
disputed  | settle  | -        | -               | wrong-state

settled   | answer  | -        | -               | wrong-state
settled   | dispute | -        | -               | wrong-state
settled   | explain | -        | -               | wrong-state
settled   | settle  | -        | -               | wrong-state
"""
