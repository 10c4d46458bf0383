from io import BytesIO

import pytest
from PIL import Image
from pytest_bdd import given, parsers, scenarios, then, when

from domain.file_store import sha256_of
from tests.api.conftest import THREE_FIXED, calling, client  # noqa: F401 - fixtures
from tests.forms.conftest import app, browser_of, settings, text_of  # noqa: F401 - fixtures
from tests.photos import listed, photo

scenarios("evidence.feature")

HERE = (26.5701, 106.7123)
AT = "2026-04-01T09:15:00+08:00"
SIZE = (900, 600)


class Shot:
    """A photo, and what the form says of it."""

    def __init__(self, said=None, **own):
        self.data = photo(size=SIZE, **own)
        self.listed = listed(
            self.data, **{"captured_at": AT, "captured_lat": HERE[0], "captured_lon": HERE[1], **(said or {})}
        )


@pytest.fixture
def limin(calling):  # noqa: F811
    return calling("limin")


@given(
    "李敏4月1日9时15分在变台旁拍了一张照片，照片自带的时间是4月1日9时14分、位置在变台旁",
    target_fixture="shot",
)
def honest():
    return Shot(taken="2026:04:01 09:14:00", place=HERE)


@given(
    "李敏4月1日9时15分在变台旁拍了一张照片，照片自带的时间是3月31日9时14分、位置在变台旁",
    target_fixture="shot",
)
def old():
    return Shot(taken="2026:03:31 09:14:00", place=HERE)


@given(
    "李敏4月1日9时15分在变台旁拍了一张照片，照片自带的时间是4月1日9时14分、位置在12公里外",
    target_fixture="shot",
)
def elsewhere():
    return Shot(taken="2026:04:01 09:14:00", place=(HERE[0] + 0.11, HERE[1]))


@given("李敏4月1日9时15分在变台旁拍了一张照片，照片不带任何数据", target_fixture="shot")
def bare():
    return Shot()


@given("李敏4月1日9时15分在变台旁拍了一张照片，手机缩小前读出的时间是4月1日9时14分", target_fixture="shot")
def shrunk():
    return Shot(said={"exif_at": "2026-04-01T09:14:00+08:00", "exif_lat": HERE[0], "exif_lon": HERE[1]})


@given("王建国的隐患单已下达，整改后的照片拍摄于发现之前两天", target_fixture="shot")
def assigned(calling, limin):  # noqa: F811
    number = limin.submit().json()["number"]
    assert calling("zhaozhuren").post(f"/tickets/{number}/assign", THREE_FIXED).status_code == 200
    shot = Shot(taken="2026:03:30 09:14:00", place=HERE)
    shot.number = number
    return shot


@when("李敏上报并上传这张照片", target_fixture="number")
def submits(limin, shot):
    number = limin.submit(files=[shot.listed]).json()["number"]
    assert limin.send(shot.data, sha256_of(shot.data)).status_code == 201
    return number


@when("王建国报告整改完成并上传这张照片", target_fixture="number")
def fixes(calling, shot):  # noqa: F811
    wang = calling("wangjianguo")
    answer = wang.post(f"/tickets/{shot.number}/fix", {"note": "已更换", "files": [shot.listed]})
    assert answer.status_code == 200
    assert wang.send(shot.data, sha256_of(shot.data)).status_code == 201
    return shot.number


@when("李敏用同一张照片再上报一条隐患", target_fixture="second")
def again(limin, shot):
    return limin.submit(files=[shot.listed], description="另一处").json()["number"]


@when("李敏上报一条列出三张照片的隐患，只上传了两张", target_fixture="number")
def two_of_three(limin):
    photos = [photo(colour=colour) for colour in ("red", "green", "blue")]
    number = limin.submit(files=[listed(each) for each in photos]).json()["number"]
    for each in photos[:2]:
        limin.send(each, sha256_of(each))
    return number


@then("隐患单上这张照片没有疑点")
def clean(limin, browser_of, number):  # noqa: F811
    assert limin.get(f"/tickets/{number}").json()["files"][0]["doubts"] == []
    assert 'class="doubt"' not in browser_of("limin").get(f"/tickets/{number}").text


@then(parsers.parse('隐患单上这张照片的疑点是"{sentence}"'))
def doubted(limin, browser_of, number, sentence):  # noqa: F811
    assert len(limin.get(f"/tickets/{number}").json()["files"][0]["doubts"]) == 1
    assert sentence in text_of(browser_of("limin").get(f"/tickets/{number}"))


@then(parsers.parse('后一张隐患单的疑点是"{sentence}"，并写明前一张的编号'))
def used_before(limin, browser_of, number, second, sentence):  # noqa: F811
    assert limin.get(f"/tickets/{second}").json()["files"][0]["doubts"] == ["used-before"]
    assert limin.get(f"/tickets/{number}").json()["files"][0]["doubts"] == []
    assert f"{sentence} {number}" in text_of(browser_of("limin").get(f"/tickets/{second}"))


@then("页面上的照片下方印有编号、时间和单位")
def marked(browser_of, number, shot, store):  # noqa: F811
    sha256 = sha256_of(shot.data)
    page = browser_of("limin").get(f"/tickets/{number}").text
    address = f"/photos/{sha256}?ticket={number}"
    assert address in page
    copy = Image.open(BytesIO(browser_of("limin").get(address).content))
    lower = copy.crop((0, copy.height - 20, copy.width, copy.height)).convert("L")
    upper = copy.crop((0, 0, copy.width, 20)).convert("L")
    # Light letters on a dark strip below, one colour above.
    (dark, light), (dull, bright) = lower.getextrema(), upper.getextrema()
    assert light - dark > 120
    assert bright - dull < 10
    expected = store.derived(sha256, mark=f"{number}  2026-04-01 09:15  柳林供电所")
    assert browser_of("limin").get(address).content == expected


@then("取回的原照片与发送的一字节不差")
def untouched(limin, shot):
    assert limin.get(f"/files/{sha256_of(shot.data)}").content == shot.data


@then("隐患单页面写明共三张照片、已到两张")
def says_two_of_three(browser_of, number):  # noqa: F811
    assert "共 3 张，已到 2 张" in text_of(browser_of("limin").get(f"/tickets/{number}"))
