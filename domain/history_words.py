"""What the facts of a history are called, in the order they are told: pages and the ledger say them alike."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, str]
"""Chinese and English."""

BRIEF: Mapping[str, Words] = {
    "level": ("等级", "Level"),
    "previous": ("原为", "Before"),
    "assignee": ("责任人", "Assignee"),
    "finder": ("发现人", "Finder"),
    "previous_due": ("原期限", "First deadline"),
    "due": ("期限", "Deadline"),
    "fixed_at": ("完成时间", "Fixed at"),
    "cost": ("费用（元）", "Cost (yuan)"),
    "budget": ("资金（元）", "Funds (yuan)"),
    "duplicate_of": ("重复于", "Duplicate of"),
    "receipt": ("手机回执", "Phone receipt"),
    "author": ("存下者", "Saved by"),
    "sender_name": ("转出单位", "From unit"),
    "receiver_name": ("接收单位", "Receiving unit"),
    "calendar": ("日历", "Calendar"),
    "files": ("照片（张）", "Photos"),
    "ticket": ("隐患单", "Tickets"),
    "again": ("新单", "New ticket"),
    "order": ("督办文号", "Order"),
    "order_level": ("督办级别", "Level of supervision"),
    "supervisor": ("督办人", "Supervised by"),
    "next_report": ("下次报告", "Next report"),
    "instead_of": ("代", "In place of"),
}
"""Short facts, said in one line in this order."""

PEOPLE = ("assignee", "supervisor", "author", "finder", "previous", "instead_of")
"""Facts that name a person by login."""

MOMENTS = frozenset({"due", "previous_due", "fixed_at", "next_report"})
"""Facts that are moments, as RFC 3339 tells them; an order's next report is a day."""

LINES: Mapping[str, Words] = {
    "duty": ("定责", "Duty"),
    "measure": ("措施", "Measure"),
    "note": ("说明", "Note"),
    "opinion": ("意见", "Opinion"),
    "reason": ("理由", "Reason"),
    "interim_measures": ("临时防范措施", "Interim measures"),
    "emergency_plan": ("预案", "Plan"),
    "answer": ("内容", "Content"),
    "comment": ("留言", "Comment"),
    "requirements": ("督办要求", "Requirements"),
    "text": ("进展", "Progress"),
    "words": ("报告内容", "Report"),
    "goals": ("治理的目标和任务", "Goals and tasks"),
    "methods": ("采取的方法和措施", "Methods and measures"),
    "funds": ("经费和物资的落实", "Funds and materials"),
    "people": ("负责治理的机构和人员", "Organisation and people"),
    "schedule": ("治理的时限和要求", "Time limit and requirements"),
    "safety": ("安全措施和应急预案", "Safety measures and emergency plan"),
}
"""Sentences, each on a line of its own."""

REMINDED: Mapping[str, Words] = {
    "told": ("告知", "Told"),
    "why": ("缘由", "Why"),
}
"""Of a reminder: names of people, and by step a sentence in each language."""
