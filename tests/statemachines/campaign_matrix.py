"""The campaign, written by hand: this is the specification, the chart has to agree with it."""

TABLE = """
preparing  | mobilise  | mobilised  | supervisor leader administrator       | role-missing
preparing  | inspect   | -          | -                                     | wrong-state
preparing  | rectify   | -          | -                                     | wrong-state
preparing  | recheck   | -          | -                                     | wrong-state
preparing  | summarise | -          | -                                     | wrong-state
preparing  | archive   | -          | -                                     | wrong-state

mobilised  | mobilise  | -          | -                                     | wrong-state
mobilised  | inspect   | inspecting | supervisor leader administrator clock | role-missing
mobilised  | rectify   | -          | -                                     | wrong-state
mobilised  | recheck   | -          | -                                     | wrong-state
mobilised  | summarise | -          | -                                     | wrong-state
mobilised  | archive   | -          | -                                     | wrong-state

inspecting | mobilise  | -          | -                                     | wrong-state
inspecting | inspect   | -          | -                                     | wrong-state
inspecting | rectify   | rectifying | supervisor leader administrator clock | role-missing
inspecting | recheck   | -          | -                                     | wrong-state
inspecting | summarise | -          | -                                     | wrong-state
inspecting | archive   | -          | -                                     | wrong-state

rectifying | mobilise  | -          | -                                     | wrong-state
rectifying | inspect   | -          | -                                     | wrong-state
rectifying | rectify   | -          | -                                     | wrong-state
rectifying | recheck   | rechecking | supervisor leader administrator clock | role-missing
rectifying | summarise | -          | -                                     | wrong-state
rectifying | archive   | -          | -                                     | wrong-state

rechecking | mobilise  | -          | -                                     | wrong-state
rechecking | inspect   | -          | -                                     | wrong-state
rechecking | rectify   | -          | -                                     | wrong-state
rechecking | recheck   | -          | -                                     | wrong-state
rechecking | summarise | summarised | supervisor leader administrator clock | role-missing
rechecking | archive   | -          | -                                     | wrong-state

summarised | mobilise  | -          | -                                     | wrong-state
summarised | inspect   | -          | -                                     | wrong-state
summarised | rectify   | -          | -                                     | wrong-state
summarised | recheck   | -          | -                                     | wrong-state
summarised | summarise | -          | -                                     | wrong-state
summarised | archive   | archived   | supervisor leader administrator       | role-missing

archived   | mobilise  | -          | -                                     | wrong-state
archived   | inspect   | -          | -                                     | wrong-state
archived   | rectify   | -          | -                                     | wrong-state
archived   | recheck   | -          | -                                     | wrong-state
archived   | summarise | -          | -                                     | wrong-state
archived   | archive   | -          | -                                     | wrong-state
"""
