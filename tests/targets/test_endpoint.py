"""Where a server is and with which key it is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.errors import InputError
from alignmeter.targets.endpoint import (
    ApiKey,
    Proxy,
    environment_proxy,
    is_loopback,
    normalise_url,
    read_key,
)
from alignmeter.targets.faults import Peer

KEY = "sk-test-0123456789"


@pytest.mark.parametrize(
    ("given_url", "base"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1/chat/completions/", "http://localhost:8000/v1"),
        (" https://API.example.org/openai/v1 ", "https://api.example.org/openai/v1"),
        ("https://example.org/proxy", "https://example.org/proxy/v1"),
        ("https://example.org/v1beta/openai/", "https://example.org/v1beta/openai"),
        ("https://example.org/chat/completions", "https://example.org"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_every_usual_spelling_of_a_url_leads_to_the_base_of_the_api(given_url: str, base: str) -> None:
    assert normalise_url(given_url) == base


@given(
    st.sampled_from(["", "/", "/v1", "/v1/", "/v1/chat/completions", "/a/b", "/api/v2"]),
    st.integers(1, 65535),
)
def test_normalising_twice_changes_nothing_more(path: str, port: int) -> None:
    once = normalise_url(f"http://host.example:{port}{path}")
    assert normalise_url(once) == once


@pytest.mark.parametrize(
    ("given_url", "complaint"),
    [
        ("localhost:8000", "does not start with http:// or https://"),
        ("ftp://example.org", "does not start with http:// or https://"),
        ("", "does not start with http:// or https://"),
        ("http://", "names no host"),
        ("http:///v1", "names no host"),
        ("http://a..b/v1", "whose host cannot be a name"),
        ("http://.../v1", "whose host cannot be a name"),
        (f"http://{'a' * 64}.example/v1", "whose host cannot be a name"),
        ("http://example.org:eighty", "does not parse"),
        ("http://[::1", "does not parse"),
        ("http://exa mple.org", "white space"),
        ("http://example.org/v1?api_key=abc", "with '?' or '#'"),
        ("http://example.org/v1#top", "with '?' or '#'"),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_an_example_of_one_that_can(
    given_url: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=r"expected a URL such as http://localhost:8000/v1") as caught:
        normalise_url(given_url)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given_url", [f"http://user:{KEY}@example.org/v1", f"https://{KEY}@example.org", f"http://h/v1?key={KEY}"]
)
def test_a_url_that_holds_a_key_is_refused_and_not_quoted(given_url: str) -> None:
    with pytest.raises(InputError) as caught:
        normalise_url(given_url)
    assert KEY not in str(caught.value)
    assert "$OPENAI_API_KEY" in str(caught.value)


def test_our_own_variable_comes_before_the_usual_one() -> None:
    environment = {"ALIGNMETER_API_KEY": KEY, "OPENAI_API_KEY": "another"}
    key = read_key(environment=environment)
    assert key is not None
    assert key.variable == "ALIGNMETER_API_KEY"
    assert key.header() == {"Authorization": f"Bearer {KEY}"}


def test_no_key_is_fine_and_an_empty_variable_is_no_key() -> None:
    assert read_key(environment={"ALIGNMETER_API_KEY": "  "}) is None


def test_a_named_variable_counts_alone() -> None:
    key = read_key("MY_KEY", environment={"MY_KEY": f"{KEY}\n", "OPENAI_API_KEY": "another"})
    assert key is not None
    assert key.header() == {"Authorization": f"Bearer {KEY}"}


def test_a_named_variable_that_is_not_set_says_how_to_set_it() -> None:
    with pytest.raises(InputError, match=r"expected an API key in \$MY_KEY, .* export MY_KEY="):
        read_key("MY_KEY", environment={"OPENAI_API_KEY": KEY})


def test_a_key_in_place_of_a_variable_name_is_not_printed() -> None:
    with pytest.raises(InputError, match="expected the name of an environment variable") as caught:
        read_key(KEY, environment={})
    assert KEY not in str(caught.value)


def test_a_key_that_no_header_can_carry_is_refused_and_not_printed() -> None:
    with pytest.raises(InputError, match=r"printable ASCII in \$OPENAI_API_KEY") as caught:
        read_key(environment={"OPENAI_API_KEY": f"{KEY}\nX-Evil: 1"})
    assert KEY not in str(caught.value)


def test_a_key_shows_neither_in_its_repr_nor_in_what_it_redacted() -> None:
    key = ApiKey("MY_KEY", KEY)
    assert repr(key) == "ApiKey($MY_KEY)"
    assert key.redact(f"bad key {KEY}!") == "bad key [key]!"
    assert key.redact_body(f'{{"a":"{KEY}"}}'.encode()) == b'{"a":"[key]"}'


@pytest.mark.parametrize(
    "text",
    [
        "cannot connect to localhost:8000",
        "http://local:8000/v1 answered 401",
        "local:8000 answered 401",
        "printer.local is not known",
        "//local/v1 is down",
        "a local-only server, a non-local one, nonlocal, local_files, locales",
    ],
)
def test_a_short_key_is_no_part_of_a_longer_word_nor_of_a_host(text: str) -> None:
    assert ApiKey("MY_KEY", "local").redact(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("the key local. Or 'local', local", "the key [key]. Or '[key]', [key]"),
        ("Bearer local", "Bearer [key]"),
        ('{"key":"local","k":"\\u006cocal"}', '{"key":"[key]","k":"[key]"}'),
        (r"{'error': 'no such key:\nlocal'}", r"{'error': 'no such key:\n[key]'}"),
        ("键local无效", "键[key]无效"),
    ],
)
def test_a_short_key_is_masked_where_it_stands_as_a_word(text: str, masked: str) -> None:
    assert ApiKey("MY_KEY", "local").redact(text) == masked


def test_a_key_of_eight_characters_is_masked_inside_longer_words_too() -> None:
    assert ApiKey("MY_KEY", "8charkey").redact("x8charkeyx 8charkey.example") == "x[key]x [key].example"


def test_an_error_about_a_server_of_this_machine_names_its_host_whole() -> None:
    peer = Peer("http://localhost:8000/v1", "m", ApiKey("MY_KEY", "local"), 1.0)
    assert peer.fault("connection", f"{peer.host} refuses").message == "localhost:8000 refuses"


def test_a_placeholder_key_that_is_a_word_leaves_replies_as_they_are() -> None:
    assert ApiKey("MY_KEY", "ollama").redact_body(b"I run on ollama.") == b"I run on ollama."


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "no_proxy",
        "ALL_PROXY",
        "all_proxy",
        "https_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://ann:p%40ss@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")


@pytest.mark.usefixtures("proxied")
def test_a_proxy_of_the_environment_is_used_with_its_credentials_apart() -> None:
    proxy = environment_proxy("http://api.example/v1")
    assert proxy == Proxy("http://proxy.example:3128", "http_proxy", "Basic YW5uOnBAc3M=")
    assert repr(proxy) == "Proxy('http://proxy.example:3128')"


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize(
    "url",
    [
        "http://internal.example/v1",
        "http://127.0.0.1:80/v1",
        "http://[::1]/v1",
        "http://localhost/v1",
        "https://a.b/v1",
    ],
)
def test_no_proxy_for_excepted_hosts_for_this_machine_and_for_another_scheme(url: str) -> None:
    assert environment_proxy(url) is None


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value",
    [
        "http://[::1",
        "://",
        "http://",
        "http://ann:p%40ss@127.0.0.1:9x",
        "http://ann:p%40ss@a..b:9",
        "socks5://ann:p%40ss@127.0.0.1:9",
        "ftp://x",
    ],
)
def test_a_proxy_that_cannot_be_one_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("http_proxy")
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=rf"in \${variable}, got none that HTTP can go through") as caught:
        environment_proxy("http://api.example/v1")
    assert "p%40ss" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback_is_known_by_name_and_by_address(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
