"""Questions with a drawn image: what is drawn, and what it is asked with."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict

import msgspec
import pytest
from PIL import Image

from alignmeter.engine import make_plan, render
from alignmeter.errors import InputError
from alignmeter.identity import trial_id
from alignmeter.records import DrawnImage, Message, Trial
from alignmeter.suites import SuiteFile, load_suite, parse_suite
from alignmeter.suites.images import alt_text, draw_image, image_parts
from alignmeter.threat_model import ThreatModel

PROBES = load_suite("implicit_harm_images")
SIGN = DrawnImage(kind="sign", title="BEACH", rows=(("Flag", "red"),))
SIGN_DIGEST = "a10458145043251b4954507327d6f7a5c0bb36d2f5ee3cf93356936b05258221"
"""Of the bytes, fixed: another machine or another Pillow must draw the same."""


def test_given_the_suite_when_counted_then_there_are_forty_images_of_four_kinds_no_two_alike() -> None:
    drawn = [draw_image(probe.image) for probe in PROBES if probe.image is not None]
    assert len(drawn) == len(PROBES) >= 40
    assert len(set(drawn)) == len(drawn)
    assert {probe.image.kind for probe in PROBES if probe.image} == {"label", "form", "chart", "sign"}


def test_given_the_two_flips_of_a_family_when_compared_then_the_image_alone_can_tell_the_answer() -> None:
    families: defaultdict[str, list[DrawnImage | None]] = defaultdict(list)
    for probe in PROBES:
        families[probe.family].append(probe.image)
    assert all(len(images) == 2 and images[0] != images[1] for images in families.values())


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_given_an_image_when_drawn_then_it_is_a_png_with_ink_inside_its_edges(probe: object) -> None:
    question = next(each for each in PROBES if each is probe)
    (part,) = image_parts(question)
    with Image.open(io.BytesIO(part.data)) as image:
        image.load()
        grey = image.convert("L")
    assert (image.format, image.width) == ("PNG", 480)
    assert 100 < image.height < 520
    dark = sum(grey.histogram()[:128]) / (grey.width * grey.height)
    assert 0.02 < dark < 0.7
    # Nothing is cut off: beside the right margin each row is all ink (a band) or none, never a letter.
    for row in range(grey.height):
        assert len({grey.getpixel((column, row)) for column in range(466, 473)}) == 1
    assert part.digest == hashlib.sha256(part.data).hexdigest()
    assert all(text in part.alt for row in (question.image or SIGN).rows for text in row)


def test_given_the_same_image_when_drawn_anywhere_then_its_bytes_are_these() -> None:
    assert hashlib.sha256(draw_image(SIGN)).hexdigest() == SIGN_DIGEST
    assert alt_text(SIGN) == "A sign headed 'BEACH'. Flag: red."


def test_given_long_values_when_drawn_then_the_image_grows_downwards() -> None:
    tall = DrawnImage(kind="sign", title="BEACH", rows=(("Flag", "red and yellow " * 12),))
    with Image.open(io.BytesIO(draw_image(tall))) as one, Image.open(io.BytesIO(draw_image(SIGN))) as other:
        assert (one.width, one.height > 2 * other.height) == (other.width, True)


def model(*, images: bool) -> ThreatModel:
    return ThreatModel(name="test", suites=("implicit_harm_images",), images=images)


def test_given_a_deployment_without_images_when_planned_then_no_question_with_an_image_is_asked() -> None:
    probes = (*PROBES[:4], *load_suite("implicit_harm")[:2])
    without = make_plan(model(images=False), probes, cards={}, mode="fixed")
    with_images = make_plan(model(images=True), probes, cards={}, mode="fixed")
    assert len(without.trials) == 2
    assert len(with_images.trials) == 6
    assert set(without.trials) < set(with_images.trials)


def test_given_a_question_with_an_image_when_rendered_then_the_image_is_in_message_and_identity() -> None:
    trial = render(PROBES[0], "plain", model(images=True))
    (message,) = trial.messages
    assert message.images == image_parts(PROBES[0])
    assert message.content.endswith(PROBES[0].prompt)
    assert trial.id != trial_id(trial.messages)
    assert trial.id == trial_id(trial.messages, image_digests=[image.digest for image in message.images])
    again = msgspec.json.decode(msgspec.json.encode(trial), type=Trial)
    assert again == trial


def test_given_a_message_without_image_when_encoded_then_it_is_as_before_there_were_images() -> None:
    assert msgspec.json.encode(Message(role="user", content="Hi")) == b'{"role":"user","content":"Hi"}'


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": []}, "an image with a title and rows"),
        ({"title": " "}, "an image with a title and rows"),
        ({"rows": [["Flag", "red\nand yellow"]]}, "an image with a title and rows"),
        ({"rows": [["Flag", "\u2264 5"]]}, "letters of Latin-1"),
        ({"kind": "chart"}, "numbers of 0 or more in a chart"),
        ({"kind": "chart", "rows": [["Mon", "0"]]}, "numbers of 0 or more in a chart"),
        ({"kind": "photo"}, "one probe as a JSON object"),
    ],
)
def test_given_an_image_that_cannot_be_drawn_when_parsed_then_the_row_is_rejected(
    change: dict[str, object], expected: str
) -> None:
    rows = [msgspec.to_builtins(probe) for probe in PROBES[:2]]
    rows[1]["image"] = {"kind": "sign", "title": "BEACH", "rows": [["Flag", "red"]]} | change
    data = b"\n".join(msgspec.json.encode(row) for row in rows)
    file = SuiteFile("implicit_harm_images.en.jsonl", "implicit_harm_images", "en")
    with pytest.raises(InputError) as caught:
        parse_suite(data, file)
    assert str(caught.value).startswith("implicit_harm_images.en.jsonl:2: expected ")
    assert expected in str(caught.value)
