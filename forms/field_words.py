"""What the code in the browser says, by the name it asks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from forms.words import _, say
from statemachines.labels import Language, Level, label

#: On every page: the banner of what waits, and drawing on photos.
EVERYWHERE: Mapping[str, str] = {
    "waiting": _("%(count)s 条待发送，最早 %(since)s 存下。"),
    "refused": _("%(count)s 条未受理，请查看原因。"),
    "others": _("本机另有他人存下的 %(count)s 条，须由本人登录后发送。"),
    "at-the-door": _("本机有 %(count)s 条待发送，登录后自动发送。"),
    "offline": _("连不上服务器，恢复后自动发送。"),
    "no-signal": _("现在没有信号，恢复后自动发送。"),
    "login": _("登录已过期，请重新登录后发送。"),
    "server": _("服务器暂时不能接收，稍后自动重试。"),
    "busy": "",
    "done": "",
    "leaving": _("本机还有 %(count)s 条没有发送。退出后仍留在本机，须由您重新登录才能发送。确定退出？"),
    "mark": _("圈画"),
    "mark-here": _("用手指在照片上画圈或箭头"),
    "marked": _("标注"),
    "circle": _("圆圈"),
    "arrow": _("箭头"),
    "undo": _("撤销"),
    "cancel": _("取消"),
    "done-marking": _("完成"),
}

FINDING: Mapping[str, str] = {
    "saved": _("已存在本机"),
    "receipt": _("回执 "),
    "saved-waiting": _("有信号时自动发送，现在可以继续检查。"),
    "saved-taken": _("已受理，编号 %(number)s，照片已送达 %(done)s / %(photos)s 张。"),
    "saved-sent": _("已送达，编号 %(number)s。"),
    "saved-refused": _("服务器没有受理：%(why)s"),
    "see-ticket": _("查看隐患单"),
    "put-right": _("改好再发"),
    "photos-elsewhere": _("这份草稿的 %(photos)s 张照片在另一台设备上，请在这里重新拍。"),
    "two-copies": _("这份草稿在两台设备上都改过，两份都留着，请选一份。"),
    "put-right-these": _("服务器没有受理，请改好这些再上报"),
    "one-more": _("再报一条"),
    "home": _("回到首页"),
    "not-kept": _("没有存下"),
    "not-kept-why": _("手机存储空间不足或浏览器不允许保存。请腾出空间后再试，已填的内容还在这一页上。"),
    "begun": _("有一份没写完的（%(when)s，照片 %(photos)s 张）：%(what)s"),
    "no-words": _("尚未写明"),
    "go-on": _("接着写"),
    "discard": _("丢弃"),
    "locating": _("正在定位……"),
    "located": _("已记下位置，误差约 %(metres)s 米"),
    "no-place": _("没有取得位置，请写明在哪里"),
    "all-hazards": _("从隐患库选"),
    "search-hazards": _("写几个字、拼音或首字母"),
    "found-hazards": _("找到 %(count)s 条"),
    "not-persisted": _("浏览器没有承诺长期保存，请尽早发送，或把春查添加到主屏幕。"),
}

#: Short forms kept on the phone: the test of a tool, work done in bulk.
RECORD: Mapping[str, str] = {
    **{name: FINDING[name] for name in ("saved", "receipt", "saved-waiting", "saved-refused")},
    **{name: FINDING[name] for name in ("put-right", "put-right-these", "one-more", "home")},
    **{name: FINDING[name] for name in ("not-kept", "not-kept-why", "not-persisted")},
    "saved-taken": _("已送达，照片 %(done)s / %(photos)s 张。"),
    "saved-sent": _("已送达。"),
    "see-ticket": _("查看"),
    "passed": _("合格"),
    "failed": _("不合格"),
    "next-test": _("下次试验 %(day)s。"),
    "now-stopped": _("现在的状态：%(status)s，禁止使用。"),
    "next-if-today": _("合格后下次试验 %(day)s（周期 %(months)s 个月）。"),
    "next-later": _("合格后按周期 %(months)s 个月算出下次试验日期。"),
    "will-stop": _("不合格即停用，禁止再用。"),
    "tested-here": _("本机已登记试验%(result)s，回执 %(receipt)s，待发送。"),
}

#: What whoever fixes does on the phone.
ACT: Mapping[str, str] = {
    **RECORD,
    "saved-waiting": _("有信号时自动发送。"),
    "one-more": _("回到我的整改"),
    "sending": _("正在送…"),
    "acknowledged": _("已签收。"),
    "acknowledged-mark": _("已签收"),
    "acknowledged-here": _("已签收，存在本机，有信号时自动发送。"),
    "unsigned-left": _("%(count)s 件未签收"),
}

WALK: Mapping[str, str] = {
    "kept": _("已存 %(when)s"),
    "sending": _("已存在本机，待发送 %(count)s 条"),
    "not-taken": _("有 %(count)s 条未受理，请到“本机待发”查看原因"),
    "open-items": _("还有 %(count)s 项未填，填完才能签字。"),
    "open-conflicts": _("有 %(count)s 项在两台设备上填得不一样，选定后才能签字。"),
    "photo-needed": _("%(name)s 须附照片"),
    "within-days": _("%(days)s 天内整改"),
    "signed-here": _("已签字，存在本机，有信号时自动提交。"),
    "not-kept": _("没有存下"),
    "not-kept-why": _("手机存储空间不足或浏览器不允许保存。请腾出空间后再试，已填的内容还在这一页上。"),
}

FIELD: Mapping[str, str] = {
    "unsent": _("待发送（%(count)s）"),
    "sent-lately": _("最近送达（%(count)s）"),
    "of-others": _("他人存下的（%(count)s）"),
    "drafts": _("没写完的（%(count)s）"),
    "drafts-elsewhere": _("在另一台设备上没写完的（%(count)s）"),
    "two-copies": _("这份草稿在两台设备上都改过，两份都留着，请选一份。"),
    "this-device": _("本机，%(when)s"),
    "other-device": _("另一台设备 %(device)s，%(when)s，照片 %(photos)s 张"),
    "use-this": _("用本机这份"),
    "use-that": _("用那一份"),
    "nothing-here": _("本机没有待发送的内容。"),
    "state-waiting": _("待发送"),
    "state-taken": _("已受理，照片在途"),
    "state-sent": _("已送达"),
    "state-refused": _("未受理"),
    "kind-finding": _("隐患"),
    "kind-answers": _("检查结果"),
    "kind-signature": _("签字提交"),
    "kind-quantity": _("工作量"),
    "kind-tool-test": _("工器具试验"),
    "kind-fix": _("整改回复"),
    "kind-progress": _("整改进展"),
    "kind-request": _("延期申请"),
    "kind-acknowledge": _("签收"),
    "photos-sent": _("照片 %(done)s / %(photos)s"),
    "photos-kept": _("照片 %(photos)s 张"),
    "photo-lost": _("照片已不在本机，请到隐患单上补传。"),
    "tried-at": _("上次尝试 %(when)s。"),
    "theirs": _("服务器上现在是"),
    "put-right": _("改好再发"),
    "again": _("原样再发"),
    "give-up": _("删除"),
    "give-up-sure": _("删除后无法恢复。确定从本机删除 %(receipt)s？"),
    "discard": _("丢弃"),
    "no-words": _("尚未写明"),
    "day-kept": _("当天的检查、检查表和表单已存到本机（%(when)s），没有信号也能用。"),
    "persisted": _("浏览器已承诺长期保存本机内容。"),
    "not-persisted": _("浏览器没有承诺长期保存，请尽早发送，或把春查添加到主屏幕。"),
    "room": _("已用 %(used)s MB，可用约 %(quota)s MB。"),
}


def words_for(language: Language, words: Mapping[str, str]) -> str:
    """The texts as JSON for an element's data-words."""
    said = {name: say(language, text) for name, text in words.items()}
    levels = {f"level-{each.value}": label(each, language) for each in Level} if words is FINDING else {}
    return json.dumps({**said, **levels}, ensure_ascii=False, separators=(",", ":"))
