"""What the conformance scripts share: a register of checks, fresh buckets, expected errors, and requests by hand."""

import hashlib
import http.client
import itertools
import json
import traceback
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from python_clients import boto, spec

# Only checks that ask for checksums send them.
quiet = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
# The server must validate the parameters, not the client.
alice = boto(parameter_validation=False, **quiet)
bob = boto("bob", parameter_validation=False, **quiet)
MIB = 1 << 20

_registered = []
_numbers = itertools.count(1)


def check(function):
    """Registers a check. Its docstring is the title in the report."""
    _registered.append(function)
    return function


def run_checks():
    """Prints one line per check: {"name", "failure"}. failure is null if the check passed."""
    for function in _registered:
        failure = None
        try:
            function()
        except Exception:  # noqa: BLE001 -- whatever it is, it is this check's result
            failure = traceback.format_exc(limit=-4)
        print(json.dumps({"name": " ".join(function.__doc__.split()), "failure": failure}), flush=True)


def fresh_bucket(keys=(), body=b"x", owner=None, **settings):
    """A new bucket with objects of these keys in it."""
    client = owner or alice
    name = f"check-{next(_numbers)}-{hashlib.sha1(spec['script'].encode()).hexdigest()[:6]}"
    client.create_bucket(Bucket=name, **settings)
    for key in keys:
        client.put_object(Bucket=name, Key=key, Body=body)
    return name


def equal(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: expected {short(expected)}, got {short(actual)}")


def short(value):
    text = repr(value)
    return text if len(text) < 500 else f"{text[:500]}... ({len(text)} characters)"


def refused(code, status, call, *args, **kwargs):
    """The call must fail with this code and status. A HEAD has no body, so its code is the status."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        answer = error.response
        equal((answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status), "error")
        return answer
    raise AssertionError(f"expected {code}, but it succeeded")


def read(bucket, key, client=None, **kwargs):
    return (client or alice).get_object(Bucket=bucket, Key=key, **kwargs)["Body"].read()


def keys_of(page):
    return [item["Key"] for item in page.get("Contents", [])]


def prefixes_of(page):
    return [item["Prefix"] for item in page.get("CommonPrefixes", [])]


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def code(self):
        return self.text("Code")

    def text(self, name):
        if not self.body.startswith(b"<?xml"):
            return None
        for element in ElementTree.fromstring(self.body).iter():
            if element.tag.rsplit("}", 1)[-1] == name:
                return element.text
        return None


def target(bucket, key=None, query=None):
    path = f"/{bucket}" + ("" if key is None else f"/{quote(key, safe='/~')}")
    return path + (f"?{urlencode(query, quote_via=quote)}" if query else "")


def send(method, path, headers=None, body=b""):
    """Sends an unsigned request. Header values are sent as UTF-8."""
    connection = http.client.HTTPConnection(urlsplit(spec["endpoint"]).netloc, timeout=30)
    try:
        sent = {name: str(value).encode() for name, value in (headers or {}).items()}
        connection.request(method, path, body=body, headers=sent)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def _credentials(who):
    keys = spec["bob"] if who == "bob" else spec
    return Credentials(keys["accessKeyId"], keys["secretAccessKey"])


def signed(method, path, headers=None, body=b"", who="alice", credentials=None):
    """A request signed in its Authorization header."""
    request = AWSRequest(method, spec["endpoint"] + path, headers=headers or {}, data=body)
    S3SigV4Auth(credentials or _credentials(who), "s3", spec["region"]).add_auth(request)
    return send(method, path, dict(request.headers), body)


def presigned(method, path, headers=None, expires=600, who="alice", region=None):
    """The path and query of a request signed in its query."""
    request = AWSRequest(method, spec["endpoint"] + path, headers=headers or {})
    S3SigV4QueryAuth(_credentials(who), "s3", region or spec["region"], expires=expires).add_auth(request)
    return request.url[len(spec["endpoint"]) :]
