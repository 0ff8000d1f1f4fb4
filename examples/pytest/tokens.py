"""The part of an app that is tested: a server that mints client tokens for its pages, and tries again when the service is not there."""
import json
import urllib.error
import urllib.request

ATTEMPTS_MAX = 3


def mint_token(base_url: str, api_key: str, expires_in: int = 60) -> str:
    """A token for a page; raises HTTPError when the service refuses, or is not there three times in a row."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        request = urllib.request.Request(
            f"{base_url}/v1/client/tokens",
            data=json.dumps({"expiresIn": expires_in}).encode(),
            headers={"x-api-key": api_key, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as response:
                return json.load(response)["apiKey"]
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS_MAX:
                raise
    raise AssertionError("unreachable")
