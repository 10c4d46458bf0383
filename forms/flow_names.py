"""What the flows are called where people read of them."""

from __future__ import annotations

from collections.abc import Mapping

from forms.words import _

FLOW_NAMES: Mapping[str, str] = {
    "sweep-deadlines": _("到期提醒和催办"),
    "deliver-notices": _("发送通知"),
    "advance-campaigns": _("按日期推进活动"),
    "plan-inspections": _("安排检查、登记未检"),
    "publish-summaries": _("生成总结"),
    "forget-expired": _("清理过期数据"),
}
