from datetime import datetime
from io import BytesIO

import pytest
from PIL import Image
from pytest_bdd import given, parsers, scenarios, then, when

from domain.file_store import sha256_of
from domain.records import StoredFile
from tests.api.conftest import THREE_FIXED, app, calling, client  # noqa: F401 - fixtures
from tests.photos import listed, photo

scenarios("files.feature")

PHOTO = photo(size=(1200, 900), taken="2026:04:01 09:14:00", place=(26.57, 106.71))
SHA256 = sha256_of(PHOTO)
HALF = len(PHOTO) // 2


@pytest.fixture
def answers():
    return []


@pytest.fixture
def limin(calling):  # noqa: F811
    return calling("limin")


@given("李敏登记了一条隐患，列出 1 张整改前照片", target_fixture="number")
def submitted(limin):
    return limin.submit(files=[listed(PHOTO)]).json()["number"]


@given("李敏上传了这张照片")
@when("李敏上传这张照片")
def sends(limin):
    assert limin.send(PHOTO, SHA256).status_code == 201


@given("李敏上传了这张照片的前半段")
def sends_first_half(limin):
    answer = limin.send(PHOTO[:HALF], SHA256, **{"Content-Range": f"bytes 0-{HALF - 1}/{len(PHOTO)}"})
    assert answer.status_code == 202


@when("李敏上传这张照片的后半段")
def sends_second_half(limin):
    begin = int(limin("HEAD", f"/files/{SHA256}").headers["upload-offset"])
    place = f"bytes {begin}-{len(PHOTO) - 1}/{len(PHOTO)}"
    assert limin.send(PHOTO[begin:], SHA256, **{"Content-Range": place}).status_code == 201


@when("李敏上传的内容与所列照片不一致")
def sends_other(limin, answers):
    answers.append(limin.send(photo(colour="blue"), SHA256))


@given("该隐患已由王建国整改")
def fixed(calling, number):  # noqa: F811
    assert calling("zhaozhuren").post(f"/tickets/{number}/assign", THREE_FIXED).status_code == 200
    assert calling("wangjianguo").post(f"/tickets/{number}/fix", {"note": "已更换密封垫"}).status_code == 200


@when("李敏复查合格")
def verifies(limin, number, answers):
    answers.append(limin.post(f"/tickets/{number}/verify", {"passed": True, "opinion": "合格"}))


@then(parsers.parse("隐患单显示照片应有 {expected:d} 张、已到 {arrived:d} 张"))
def shows(limin, number, expected, arrived):
    ticket = limin.get(f"/tickets/{number}").json()
    assert (ticket["files_expected"], ticket["files_arrived"]) == (expected, arrived)


@then("拍摄时间和位置作为数据留存")
def kept(world):
    with world.database.reading() as session:
        stored = session.get(StoredFile, SHA256)
    assert stored.taken_at == datetime.fromisoformat("2026-04-01T09:14:00+08:00")
    assert (stored.lat, stored.lon) == (pytest.approx(26.57, abs=1e-4), pytest.approx(106.71, abs=1e-4))


@then("供页面用的副本不含拍摄时间和位置")
def says_nothing(store):
    with Image.open(BytesIO(store.derived(SHA256))) as copy:
        assert not copy.getexif()


@then(parsers.parse('被拒绝，代码是 "{code}"'))
def refused(answers, code):
    assert answers[-1].status_code >= 400
    assert answers[-1].json()["code"] == code


@then(parsers.parse('隐患单状态是 "{label}"'))
def stands(world, number, label):
    assert world.ticket(number).state.zh == label


@then("石桥所的石所长看不到这张照片")
def unseen(calling):  # noqa: F811
    assert calling("shisuozhang").get(f"/files/{SHA256}").status_code == 404
