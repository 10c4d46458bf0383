"""The 总结: its form (acceptance example 13), its figures, and that only figures of the snapshot get into it."""

from __future__ import annotations

import copy
import re
from io import BytesIO
from typing import Any

import pytest
from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from domain.figure_checks import check_text
from papers.blocks import BadPaper, Table, Text, chinese_number, parse, printed_pieces
from papers.summary import blocks_of, chinese_day, write
from tests.figures import counts_as, frozen, record_all, seed_rows
from tests.world import World


def word(snapshot: dict[str, Any]) -> WordDocument:
    return Document(BytesIO(write(snapshot)["docx"]))


def text_of(document: WordDocument) -> str:
    return "\n".join(paragraph.text for paragraph in document.paragraphs)


def fonts(document: WordDocument, beginning: str) -> tuple[str | None, str | None, Any]:
    paragraph = next(p for p in document.paragraphs if p.text.startswith(beginning))
    run = paragraph.runs[0]
    return run.font.name, run._r.rPr.rFonts.get(qn("w:eastAsia")), run.font.size


def test_every_seed_figure_stands_in_the_word_text(snapshot: dict[str, Any]) -> None:
    text = text_of(word(snapshot))
    for row in seed_rows():
        number = rf"{row['quantity']}余?{re.escape(row['unit'])}"
        words = [re.escape(row["item"]), number]
        if row["action"] == "自查":
            words.reverse()
        assert re.search("".join(words), text), row
    assert (
        "共试验安全工器具193付(双)，其中拉闸杆49付、验电笔42支、接地棒47付、绝缘手套27付、绝缘靴28双" in text
    )
    assert "校正线路歪杆285余根" in text
    unclear = [
        row["item"] + row["quantity"] + row["unit"]
        for row in seed_rows()
        if counts_as(row["group"]) == "unclear"
    ]
    assert f"另有{'、'.join(unclear)}，" in text


def test_one_record_more_changes_the_word_text(played: World) -> None:
    more = {
        "action": "试验",
        "item": "绝缘靴",
        "quantity": 1,
        "measure_unit": "双",
        "unit": "LL01",
        "date": "2026-04-02",
    }
    record_all(played, [more])
    text = text_of(word(frozen(played)))
    assert "绝缘靴29双" in text and "绝缘靴28双" not in text
    assert (
        "193" not in text
    )  # the computed total follows; the stated one no longer agrees and refuses publication


def test_the_form_is_that_of_gb_t_9704(snapshot: dict[str, Any]) -> None:
    document = word(snapshot)
    assert fonts(document, "县供电局2026年“春查”期间") == ("方正小标宋简体", "方正小标宋简体", Pt(22))
    assert fonts(document, "为及时发现") == ("仿宋_GB2312", "仿宋_GB2312", Pt(16))
    assert fonts(document, "一、") == ("黑体", "黑体", Pt(16))
    assert fonts(document, "（一）") == ("楷体_GB2312", "楷体_GB2312", Pt(16))
    page = document.sections[0]
    margins = (page.top_margin, page.bottom_margin, page.left_margin, page.right_margin)
    assert [round(margin.mm) for margin in margins if margin is not None] == [37, 35, 28, 26]
    assert abs((page.page_width or 0) - Mm(210)) < Mm(1)
    assert all(
        p.paragraph_format.line_spacing == Pt(29)
        for p in document.paragraphs
        if p.runs and p.runs[0].font.size == Pt(16)
    )


def test_dates_have_no_leading_zero(snapshot: dict[str, Any]) -> None:
    assert chinese_day("2026-04-08") == "2026年4月8日"
    assert chinese_day("2026-04-07T23:30:00+00:00") == "2026年4月8日"
    text = text_of(word(snapshot))
    assert "2026年4月7日至9日" in text
    assert not re.search(r"年0\d月|月0\d日", text)


def test_pages_are_numbered_outside(snapshot: dict[str, Any]) -> None:
    document = word(snapshot)
    assert document.settings.odd_and_even_pages_header_footer
    odd, even = document.sections[0].footer.paragraphs[0], document.sections[0].even_page_footer.paragraphs[0]
    assert odd.text.startswith("— ") and odd.text.endswith(" —")
    assert (odd.alignment, even.alignment) == (2, 0)
    assert "PAGE" in odd._p.xml


def test_open_hazards_stand_in_a_wide_table_with_their_three_fixed(snapshot: dict[str, Any]) -> None:
    document = word(snapshot)
    assert [section.orientation for section in document.sections][1] == WD_ORIENT.LANDSCAPE
    table = document.tables[0]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [cell.text for cell in table.rows[1].cells][4:8] == [
        "较大",
        "王建国（柳林所检修班）",
        "负责停电处理；停电更换密封垫",
        "2026年4月8日",
    ]
    assert len(table.rows) == 1 + snapshot["open"]["total"]


def test_the_signature_is_the_bureau_and_the_day_of_the_cut_off(snapshot: dict[str, Any]) -> None:
    texts = [block for block in blocks_of(snapshot) if isinstance(block, Text)]
    assert [text.plain for text in texts[-2:]] == ["县供电局", "2026年4月11日"]


def test_every_number_in_the_paper_has_a_source(snapshot: dict[str, Any]) -> None:
    blocks = blocks_of(snapshot)
    assert check_text(snapshot, printed_pieces(blocks)) == []
    figures = [piece for piece in printed_pieces(blocks) if piece.figure]
    assert len(figures) > 60
    # A snapshot that was changed after the paper was made no longer fits it.
    changed = copy.deepcopy(snapshot)
    changed["hazards"]["cells"][0]["tally"]["verified"] += 1
    assert check_text(changed, printed_pieces(blocks))


def test_the_sample_and_the_calls_stand_in_the_paper(snapshot: dict[str, Any]) -> None:
    document = word(snapshot)
    text = text_of(document)
    assert (
        "复查抽样按计划抽取2项，已现场抽查1项，合格1项、不合格0项，抽查合格率100.00%，尚待抽查1项。"
        "抽样种子2026-04-07，名单可据以重抽核对；分单位、分等级情况见附件。" in text
    )
    assert (
        "受理来电来访3件（来电2件、来访1件），已答复2件，答复率66.67%，办结1件。"
        "回访表态1人，满意1人，满意率100.00%。" in text
    )
    table = next(each for each in document.tables if each.rows[0].cells[0].text == "抽样")
    assert [[cell.text for cell in row.cells] for row in table.rows[1:]] == [
        ["复查抽样", "柳林供电所", "2", "1", "1", "0", "100.00%"],
        ["复查抽样", "其中一般隐患", "2", "1", "1", "0", "100.00%"],
        ["复查抽样", "合计", "2", "1", "1", "0", "100.00%"],
    ]
    page = write(snapshot)["html"].decode()
    assert 'title="抽查合格率 = 合格 ÷ 已抽查，尚待抽查的不计"' in page
    assert '<data value="/calls/answered">2</data>' in page


def test_an_older_snapshot_is_written_without_them(snapshot: dict[str, Any]) -> None:
    text = text_of(
        word({name: value for name, value in snapshot.items() if name not in ("samples", "calls")})
    )
    assert "抽样" not in text and "来电" not in text


def test_an_empty_campaign_makes_a_paper_with_dashes(world: World) -> None:
    text = text_of(word(frozen(world)))
    assert "整改率—" in text
    assert "（一）" not in text


def test_the_web_page_tells_where_a_figure_comes_from(snapshot: dict[str, Any]) -> None:
    page = write(snapshot)["html"].decode()
    assert '<data value="/quantities/totals/0">193付(双)</data>' in page
    assert 'title="整改率 = 已销号 ÷（登记 − 作废）"' in page
    assert "<b>严重</b>" not in page
    assert "http" not in page


def test_the_pdf_is_a_pdf(snapshot: dict[str, Any]) -> None:
    assert write(snapshot)["pdf"].startswith(b"%PDF-")


def test_words_of_a_record_can_neither_break_the_form_nor_pose_as_a_figure(played: World) -> None:
    nasty = 'h1: 假标题 | 列\n"#pagebreak()" \\ $x$ <script> & {{ 1 }} \ue000/hazards/counted\ue001999\ue002'
    played.assigned(description=nasty)
    snapshot = frozen(played)
    blocks = blocks_of(snapshot)
    assert check_text(snapshot, printed_pieces(blocks)) == []
    assert not any(isinstance(block, Text) and "假标题" in block.plain for block in blocks)
    table = next(block for block in blocks if isinstance(block, Table))
    cells = ["".join(piece.text for piece in row[3]) for row in table.rows]
    assert any(cell.startswith("h1: 假标题 ｜ 列") for cell in cells)
    papers = write(snapshot, blocks)
    assert b"&lt;script&gt;" in papers["html"]


@pytest.mark.parametrize(
    "source", ["no kind here", "row: a", "what: is this", "table: a | b\ncolumns: A 1 | B 1\nrow: 1"]
)
def test_a_template_that_makes_no_block_is_a_fault(source: str) -> None:
    with pytest.raises(BadPaper):
        parse(source)


def test_chinese_numbers() -> None:
    assert [chinese_number(n) for n in (1, 9, 10, 11, 20, 21)] == ["一", "九", "十", "十一", "二十", "二十一"]
