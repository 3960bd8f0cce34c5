"""PostObject: policies, signed by hand, and what they let through."""

import base64
import hmac
import json
import uuid
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from checks import alice, check, equal, fresh_bucket, read, run_checks, send, spec


def now():
    return datetime.now(timezone.utc)


def sign(text, stamp):
    key = ("AWS4" + spec["secretAccessKey"]).encode()
    for part in [stamp[:8], spec["region"], "s3", "aws4_request"]:
        key = hmac.new(key, part.encode(), sha256).digest()
    return hmac.new(key, text.encode(), sha256).hexdigest()


def signed_fields(bucket, conditions=(), key="k", document=None, **fields):
    """The fields of a form whose policy has these conditions besides those of the signature."""
    stamp = now().strftime("%Y%m%dT%H%M%SZ")
    signature = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{spec['accessKeyId']}/{stamp[:8]}/{spec['region']}/s3/aws4_request",
        "x-amz-date": stamp,
    }
    if document is None:
        expiration = (now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
        all_conditions = [{"bucket": bucket}, *({name: value} for name, value in signature.items()), *conditions]
        document = {"expiration": expiration, "conditions": all_conditions}
    policy = base64.b64encode(json.dumps(document).encode()).decode()
    return {"key": key, **fields, **signature, "policy": policy, "x-amz-signature": sign(policy, stamp)}


def submit(bucket, fields, body=b"bytes", filename="file.txt"):
    boundary = uuid.uuid4().hex
    form = b""
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        form += head.encode() + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    form += f"{head}Content-Type: text/plain\r\n\r\n".encode() + body + f"\r\n--{boundary}--\r\n".encode()
    return send("POST", f"/{bucket}", {"content-type": f"multipart/form-data; boundary={boundary}"}, form)


ANY_KEY = [["starts-with", "$key", ""]]


def outcome(answer):
    return (answer.status, answer.code)


@check
def stored():
    """A form stores its file, and the response is 204 with ETag and Location"""
    bucket = fresh_bucket()
    answer = submit(bucket, signed_fields(bucket, ANY_KEY))
    equal((answer.status, answer.body, answer.headers["etag"]), (204, b"", '"4b3a6218bb3e3a7303e8a171a60fcf92"'))
    equal(answer.headers["location"].endswith(f"/{bucket}/k"), True)
    equal(read(bucket, "k"), b"bytes")


@check
def status():
    """success_action_status is 200, 201 with a document, or otherwise 204"""
    bucket = fresh_bucket()
    conditions = [*ANY_KEY, ["starts-with", "$success_action_status", ""]]
    for asked, given in [("200", 200), ("201", 201), ("404", 204), ("", 204)]:
        answer = submit(bucket, signed_fields(bucket, conditions, success_action_status=asked))
        equal(answer.status, given, asked)
        if asked == "201":
            equal((answer.text("Bucket"), answer.text("Key")), (bucket, "k"))


@check
def redirect():
    """success_action_redirect is a 303 with bucket, key and ETag"""
    bucket = fresh_bucket()
    to = "https://app.example.com/done?a=b"
    conditions = [*ANY_KEY, ["eq", "$success_action_redirect", to]]
    answer = submit(bucket, signed_fields(bucket, conditions, success_action_redirect=to))
    expected = f"{to}&bucket={bucket}&key=k&etag=%224b3a6218bb3e3a7303e8a171a60fcf92%22"
    equal((answer.status, answer.headers["location"]), (303, expected))


@check
def file_name():
    """${filename} in the key is the name of the file"""
    bucket = fresh_bucket()
    equal(submit(bucket, signed_fields(bucket, ANY_KEY, key="up/${filename}"), filename="a b.txt").status, 204)
    equal(read(bucket, "up/a b.txt"), b"bytes")


@check
def headers():
    """The object gets the content type and metadata of the fields"""
    bucket = fresh_bucket()
    conditions = [*ANY_KEY, ["starts-with", "$Content-Type", "text/"], {"x-amz-meta-a": "b c"}]
    fields = {"Content-Type": "text/csv", "x-amz-meta-a": "b c"}
    equal(submit(bucket, signed_fields(bucket, conditions, **fields)).status, 204)
    head = alice.head_object(Bucket=bucket, Key="k")
    equal((head["ContentType"], head["Metadata"]), ("text/csv", {"a": "b c"}))


@check
def condition_names():
    """Operators and field names are case-insensitive, values are case-sensitive"""
    bucket = fresh_bucket()
    equal(submit(bucket, signed_fields(bucket, [["StArTs-WiTh", "$KeY", "k"]])).status, 204)
    equal(outcome(submit(bucket, signed_fields(bucket, [["eq", "$key", "K"]]))), (403, "AccessDenied"))


@check
def ignored():
    """Every field needs a condition, except x-ignore-…"""
    bucket = fresh_bucket()
    equal(submit(bucket, signed_fields(bucket, ANY_KEY, **{"x-ignore-this": "a"})).status, 204)
    equal(outcome(submit(bucket, signed_fields(bucket, ANY_KEY, other="a"))), (403, "AccessDenied"))


@check
def unmet():
    """A condition that fails, or whose field is missing, is AccessDenied"""
    bucket = fresh_bucket()
    for conditions in [
        [["eq", "$key", "other"]],
        [["starts-with", "$key", "other"]],
        [*ANY_KEY, {"x-amz-meta-a": "b"}],
    ]:
        equal(outcome(submit(bucket, signed_fields(bucket, conditions))), (403, "AccessDenied"))
    equal("Contents" in alice.list_objects_v2(Bucket=bucket), False)


@check
def other_bucket():
    """A policy for one bucket gives no access to another"""
    bucket = fresh_bucket()
    equal(outcome(submit(fresh_bucket(), signed_fields(bucket, ANY_KEY))), (403, "AccessDenied"))


@check
def length_range():
    """content-length-range rejects files that are too large or too small, and nothing is stored"""
    bucket = fresh_bucket()
    conditions = [*ANY_KEY, ["content-length-range", 2, 6]]
    equal(submit(bucket, signed_fields(bucket, conditions)).status, 204)
    fields = signed_fields(bucket, conditions, key="size")
    equal(outcome(submit(bucket, fields, b"1234567")), (400, "EntityTooLarge"))
    equal(outcome(submit(bucket, fields, b"1")), (400, "EntityTooSmall"))
    equal(len(alice.list_objects_v2(Bucket=bucket)["Contents"]), 1)


@check
def length_range_malformed():
    """A content-length-range with one number, or below zero, is InvalidPolicyDocument"""
    bucket = fresh_bucket()
    for condition in [["content-length-range", 1], ["content-length-range", -1, 5]]:
        answer = submit(bucket, signed_fields(bucket, [*ANY_KEY, condition]))
        equal(outcome(answer), (400, "InvalidPolicyDocument"), condition)


@check
def expired():
    """An expired policy is AccessDenied"""
    bucket = fresh_bucket()
    document = {"expiration": "2020-01-01T00:00:00Z", "conditions": [{"bucket": bucket}, *ANY_KEY]}
    equal(outcome(submit(bucket, signed_fields(bucket, document=document))), (403, "AccessDenied"))


@check
def document_malformed():
    """A policy with missing or invalid expiration or conditions is InvalidPolicyDocument"""
    bucket = fresh_bucket()
    later = (now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{"bucket": bucket}, *ANY_KEY]
    for document in [
        {"conditions": conditions},
        {"expiration": later},
        {"EXPIRATION": later, "conditions": conditions},
        {"expiration": later, "CONDITIONS": conditions},
        {"expiration": later, "conditions": [{}]},
        {"expiration": "tomorrow", "conditions": conditions},
        [],
    ]:
        answer = submit(bucket, signed_fields(bucket, document=document))
        equal(outcome(answer), (400, "InvalidPolicyDocument"), document)


@check
def wrong_signature():
    """A wrong signature is SignatureDoesNotMatch, an unknown key InvalidAccessKeyId"""
    bucket = fresh_bucket()
    fields = signed_fields(bucket, ANY_KEY)
    answer = submit(bucket, fields | {"x-amz-signature": "0" * 64})
    equal(outcome(answer), (403, "SignatureDoesNotMatch"))
    unknown = fields["x-amz-credential"].replace(spec["accessKeyId"], "NOBODYNOBODYNOBODY01")
    equal(outcome(submit(bucket, fields | {"x-amz-credential": unknown})), (403, "InvalidAccessKeyId"))


@check
def missing_fields():
    """A form without one signature field is rejected, without all of them AccessDenied"""
    bucket = fresh_bucket()
    fields = signed_fields(bucket, ANY_KEY)
    for name in ["x-amz-signature", "x-amz-credential", "x-amz-date", "policy"]:
        answer = submit(bucket, {field: value for field, value in fields.items() if field != name})
        equal(answer.status in (400, 403), True, name)
    equal(outcome(submit(bucket, {"key": "k"})), (403, "AccessDenied"))


@check
def no_key():
    """A form without a key is InvalidArgument"""
    bucket = fresh_bucket()
    fields = signed_fields(bucket)
    fields.pop("key")
    equal(outcome(submit(bucket, fields)), (400, "InvalidArgument"))


@check
def no_form():
    """A POST that is not a form is PreconditionFailed"""
    equal(
        outcome(send("POST", f"/{fresh_bucket()}", {"content-type": "text/plain"}, b"x")), (412, "PreconditionFailed")
    )


@check
def large_file():
    """A file of many chunks is stored completely"""
    bucket = fresh_bucket()
    body = b"\r\n--almost a boundary\r\n" * 200_000
    equal(submit(bucket, signed_fields(bucket, ANY_KEY), body).status, 204)
    equal(read(bucket, "k"), body)


run_checks()
