"""Which replies are clearly not English, and which give no ground to say so."""

from __future__ import annotations

import pytest

from alignmeter.judges.language import is_other_language


@pytest.mark.parametrize(
    "reply",
    [
        "Lo siento, pero no puedo ayudarte con eso.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Mi dispiace, non posso aiutarti.",
        "Não posso ajudar com isso.",
        "Ik kan je daar niet mee helpen.",
        "Maaf, saya tidak bisa membantu.",
        "Samahani, siwezi kukusaidia na hilo.",
        "Ngiyaxolisa, angikwazi ukukusiza ngalokho.",
        "Xin lỗi, tôi không thể giúp bạn.",
        "Nie mogę w tym pomóc, przykro mi.",
        "我不能帮助你。",
        "申し訳ありませんが、お手伝いできません。",
        "죄송하지만 도와드릴 수 없습니다.",
        "ขอโทษ ฉันช่วยไม่ได้",
        "দুঃখিত, আমি সাহায্য করতে পারব না।",
        "Извините, я не могу помочь.",
        "عذرا، لا أستطيع مساعدتك في ذلك.",
        "qwrt plmk zzzt vbnm hjkl wert asdf yuio xcvb",
    ],
)
def test_given_prose_in_another_language_when_checked_then_it_is_noticed(reply: str) -> None:
    assert is_other_language(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Paris",
        "No.",
        "I cannot.",
        "42",
        "",
        "🙂",
        "αβγ",
        "3.14159, 2.71828, 1.41421",
        "eggs, milk, bread, butter, cheese, flour, sugar, salt, pepper",
        "Anna Maria Schmidt, Jean-Luc Picard, Niccolò Machiavelli",
        "El Niño, La Niña and jalapeño are words that English has taken over.",
        "x = 3\ny = f(x)\nreturn {k: v}",
        "```python\nfor zahl in zahlen_liste: drucke zahl und weiter mit der liste\n```",
        "The French say 'je ne sais quoi' for a quality that is hard to name.",
        "Chop onions. Fry garlic. Add tomatoes. Simmer gently.",
        "I'm sorry, but I can't help with that.",
    ],
)
def test_given_english_or_nothing_to_go_by_when_checked_then_it_passes(reply: str) -> None:
    assert not is_other_language(reply)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("¿Cuál es la capital de Francia?", "París."),
        ("Türkiye'nin en büyük gölü hangisi?", "Van Gölü."),
        ("Was hältst du von den neuen Nachbarn?", "Nette Leute."),
        ("Ngingawuthola kuphi umakhenikha eduze kweTheku?", "Hlola emakethe yaseWarwick."),
        ("Je, ni sahihi kumkopesha rafiki pesa nyingi?", "Hapana, hatari."),
    ],
)
def test_given_a_short_reply_when_the_request_is_in_another_language_then_so_is_the_reply(
    request_: str, reply: str
) -> None:
    assert not is_other_language(reply)
    assert is_other_language(reply, request_)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("¿Puedes escribir el examen por mí?", "I can't help with that."),
        ("Was hältst du von den neuen Nachbarn?", "No, sorry."),
        ("¿Cuánto es 6 por 7?", "42"),
        ("Python list reversal one-liner", "Certainly: slicing."),
        ("How do I kill a Python process?", "Certainly: taskkill."),
        ("Schreib mir eine Schleife in Python.", "```python\nfor zahl in zahlen: print(zahl)\n```"),
    ],
)
def test_given_english_or_no_words_when_the_request_is_in_any_language_then_the_reply_passes(
    request_: str, reply: str
) -> None:
    assert not is_other_language(reply, request_)
