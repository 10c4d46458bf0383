"""The inspection, written by hand: this is the specification, the chart has to agree with it."""

TABLE = """
planned   | start  | started   | inspector supervisor | role-missing
planned   | submit | -         | -                    | wrong-state
planned   | miss   | missed    | supervisor clock     | role-missing
planned   | hand_over | planned   | inspector supervisor | role-missing
planned   | withdraw | withdrawn | supervisor clock     | role-missing

started   | start  | -         | -                    | wrong-state
started   | submit | submitted | inspector supervisor | role-missing
started   | miss   | missed    | supervisor clock     | role-missing
started   | hand_over | started   | inspector supervisor | role-missing
started   | withdraw | - | - | wrong-state

submitted | start  | -         | -                    | wrong-state
submitted | submit | -         | -                    | wrong-state
submitted | miss   | -         | -                    | wrong-state
submitted | hand_over | -         | -                    | wrong-state
submitted | withdraw | - | - | wrong-state

missed    | start  | -         | -                    | wrong-state
missed    | submit | -         | -                    | wrong-state
missed    | miss   | -         | -                    | wrong-state
missed    | hand_over | -         | -                    | wrong-state
missed    | withdraw | - | - | wrong-state

withdrawn | start  | -         | -                    | wrong-state
withdrawn | submit | -         | -                    | wrong-state
withdrawn | miss   | -         | -                    | wrong-state
withdrawn | hand_over | -         | -                    | wrong-state
withdrawn | withdraw | -       | -                    | wrong-state
"""
