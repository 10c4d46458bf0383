"""The ticket, written by hand: this is the specification, the chart has to agree with it."""

TABLE = """
found     | any     | assign      | assigned  | supervisor                              | role-missing
found     | any     | acknowledge | -         | -                                       | wrong-state
found     | any     | progress    | -         | -                                       | wrong-state
found     | any     | fix         | -         | -                                       | wrong-state
found     | general | fix_on_spot | fixed     | inspector assignee colleague supervisor | role-missing
found     | serious | fix_on_spot | -         | - | inspector assignee colleague supervisor=on-spot-only-general; role-missing
found     | major   | fix_on_spot | -         | - | inspector assignee colleague supervisor=on-spot-only-general; role-missing
found     | any     | verify      | -         | -                                       | wrong-state
found     | any     | return      | -         | -                                       | wrong-state
found     | any     | cancel      | cancelled | supervisor                              | role-missing
found     | any     | reassign    | -         | -                                       | wrong-state
found     | any     | regrade     | found     | supervisor                              | role-missing
found     | any     | transfer    | found     | supervisor                              | role-missing
found     | any     | correct     | found     | supervisor                              | role-missing
found     | any     | supervise   | found     | supervisor leader                       | role-missing
found     | any     | extend      | -         | -                                       | wrong-state
found     | any     | escalate    | found     | clock                                   | clock-only
found     | any     | carry_over  | found     | administrator clock                     | role-missing

assigned  | any     | assign      | -         | -                                       | wrong-state
assigned  | any     | acknowledge | assigned  | assignee                                | not-assignee
assigned  | any     | progress    | assigned  | assignee                                | not-assignee
assigned  | any     | fix         | fixed     | assignee                                | not-assignee
assigned  | any     | fix_on_spot | -         | -                                       | wrong-state
assigned  | any     | verify      | -         | -                                       | wrong-state
assigned  | any     | return      | -         | -                                       | wrong-state
assigned  | any     | cancel      | cancelled | supervisor                              | role-missing
assigned  | any     | reassign    | assigned  | supervisor                              | role-missing
assigned  | any     | regrade     | assigned  | supervisor                              | role-missing
assigned  | any     | transfer    | found     | supervisor                              | role-missing
assigned  | any     | correct     | assigned  | supervisor                              | role-missing
assigned  | any     | supervise   | assigned  | supervisor leader                       | role-missing
assigned  | general | extend      | assigned  | supervisor leader                       | approver-level
assigned  | serious | extend      | assigned  | leader                                  | approver-level
assigned  | major   | extend      | assigned  | leader                                  | approver-level
assigned  | any     | escalate    | assigned  | clock                                   | clock-only
assigned  | any     | carry_over  | assigned  | administrator clock                     | role-missing

fixed     | any     | assign      | -         | -                                       | wrong-state
fixed     | any     | acknowledge | -         | -                                       | wrong-state
fixed     | any     | progress    | -         | -                                       | wrong-state
fixed     | any     | fix         | -         | -                                       | wrong-state
fixed     | any     | fix_on_spot | -         | -                                       | wrong-state
fixed     | general | verify      | verified  | inspector supervisor                    | assignee=self-verification; role-missing
fixed     | serious | verify      | verified  | inspector supervisor                    | assignee=self-verification; role-missing
fixed     | major   | verify      | fixed     | inspector supervisor                    | assignee=self-verification; role-missing
fixed     | any     | return      | assigned  | inspector supervisor                    | assignee=self-verification; role-missing
fixed     | any     | cancel      | -         | -                                       | wrong-state
fixed     | any     | reassign    | -         | -                                       | wrong-state
fixed     | any     | regrade     | -         | -                                       | wrong-state
fixed     | any     | transfer    | -         | -                                       | wrong-state
fixed     | any     | correct     | fixed     | supervisor                              | role-missing
fixed     | any     | supervise   | fixed     | supervisor leader                       | role-missing
fixed     | any     | extend      | -         | -                                       | wrong-state
fixed     | any     | escalate    | fixed     | clock                                   | clock-only
fixed     | any     | carry_over  | fixed     | administrator clock                     | role-missing

verified  | any     | assign      | -         | -                                       | wrong-state
verified  | any     | acknowledge | -         | -                                       | wrong-state
verified  | any     | progress    | -         | -                                       | wrong-state
verified  | any     | fix         | -         | -                                       | wrong-state
verified  | any     | fix_on_spot | -         | -                                       | wrong-state
verified  | any     | verify      | -         | -                                       | wrong-state
verified  | any     | return      | -         | -                                       | wrong-state
verified  | any     | cancel      | -         | -                                       | wrong-state
verified  | any     | reassign    | -         | -                                       | wrong-state
verified  | any     | regrade     | -         | -                                       | wrong-state
verified  | any     | transfer    | -         | -                                       | wrong-state
verified  | any     | correct     | -         | -                                       | wrong-state
verified  | any     | supervise   | -         | -                                       | wrong-state
verified  | any     | extend      | -         | -                                       | wrong-state
verified  | any     | escalate    | -         | -                                       | wrong-state
verified  | any     | carry_over  | -         | -                                       | wrong-state

cancelled | any     | assign      | -         | -                                       | wrong-state
cancelled | any     | acknowledge | -         | -                                       | wrong-state
cancelled | any     | progress    | -         | -                                       | wrong-state
cancelled | any     | fix         | -         | -                                       | wrong-state
cancelled | any     | fix_on_spot | -         | -                                       | wrong-state
cancelled | any     | verify      | -         | -                                       | wrong-state
cancelled | any     | return      | -         | -                                       | wrong-state
cancelled | any     | cancel      | -         | -                                       | wrong-state
cancelled | any     | reassign    | -         | -                                       | wrong-state
cancelled | any     | regrade     | -         | -                                       | wrong-state
cancelled | any     | transfer    | -         | -                                       | wrong-state
cancelled | any     | correct     | -         | -                                       | wrong-state
cancelled | any     | supervise   | -         | -                                       | wrong-state
cancelled | any     | extend      | -         | -                                       | wrong-state
cancelled | any     | escalate    | -         | -                                       | wrong-state
cancelled | any     | carry_over  | -         | -                                       | wrong-state
"""
