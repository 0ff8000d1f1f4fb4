"""The app's tests, with what goes wrong declared over the control API."""
from urllib.error import HTTPError

import pytest
from tokens import mint_token


def test_tries_again_when_the_service_is_not_there(lucy):
    lucy.add_fault({"name": "http-status", "with": {"status": 503}, "when": {"times": 2}})
    assert mint_token(lucy.url, "dct_local").startswith("ek_")
    assert [line["fields"]["status"] for line in lucy.journal("http-refused")] == [503, 503]
    assert len(lucy.journal("token-minted")) == 1


def test_does_not_try_again_when_it_is_refused(lucy):
    lucy.add_fault({"name": "http-status", "with": {"status": 401}})
    with pytest.raises(HTTPError):
        mint_token(lucy.url, "dct_local")
    assert len(lucy.journal("http-refused")) == 1


def test_meets_nothing_of_the_tests_before(lucy):
    mint_token(lucy.url, "dct_local")
    assert lucy.journal("http-refused") == []
