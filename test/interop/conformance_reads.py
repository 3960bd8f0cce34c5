"""Ranges, conditions and response overrides."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from alice_objects import get, head, put
from checks import check, equal, fresh_bucket, read, refused, run_checks, signed, target

ETAG = '"9dd4e461268c8034f5c8564e155c67a6"'  # of b"x"


OTHER = '"00000000000000000000000000000000"'


def ranged(bucket, text):
    return signed("GET", target(bucket, "k"), {"range": text})


@check
def ranges():
    """A range is 206 with Content-Range"""
    bucket = fresh_bucket(["k"], body=b"0123456789")
    for text, body, place in [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
        ("bytes=-100", b"0123456789", "bytes 0-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
    ]:
        answer = ranged(bucket, text)
        equal((answer.status, answer.body, answer.headers["content-range"]), (206, body, place), text)


@check
def ranges_unsatisfiable():
    """A range beyond the end is InvalidRange with the size"""
    bucket = fresh_bucket(["k"], body=b"0123456789")
    for text in ["bytes=10-", "bytes=10-20", "bytes=-0"]:
        answer = ranged(bucket, text)
        equal((answer.status, answer.code, answer.text("ActualObjectSize")), (416, "InvalidRange", "10"), text)
        equal(answer.text("RangeRequested"), text)


@check
def ranges_empty_object():
    """Any range of an empty object is InvalidRange"""
    answer = ranged(fresh_bucket(["k"], body=b""), "bytes=0-1")
    equal((answer.status, answer.code), (416, "InvalidRange"))


@check
def ranges_ignored():
    """Several or malformed ranges return the whole object"""
    bucket = fresh_bucket(["k"], body=b"0123456789")
    for text in ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4", "bytes="]:
        answer = ranged(bucket, text)
        equal((answer.status, answer.body), (200, b"0123456789"), text)


@check
def ranges_head():
    """HEAD supports ranges"""
    answer = signed("HEAD", target(fresh_bucket(["k"], body=b"0123456789"), "k"), {"range": "bytes=2-4"})
    equal(
        (answer.status, answer.headers["content-length"], answer.headers["content-range"]), (206, "3", "bytes 2-4/10")
    )


@check
def accept_ranges():
    """Objects have Accept-Ranges"""
    equal(get(fresh_bucket(["k"]))["AcceptRanges"], "bytes")


@check
def if_match():
    """GET and HEAD with If-Match succeed for the ETag, and another is PreconditionFailed"""
    bucket = fresh_bucket(["k"])
    equal(get(bucket, IfMatch=ETAG)["ETag"], ETAG)
    refused("PreconditionFailed", 412, get, bucket, IfMatch=OTHER)
    refused("412", 412, head, bucket, IfMatch=OTHER)


@check
def if_none_match():
    """If-None-Match is 304 for the ETag, and another ETag returns the object"""
    bucket = fresh_bucket(["k"])
    refused("304", 304, get, bucket, IfNoneMatch=ETAG)
    refused("304", 304, head, bucket, IfNoneMatch=ETAG)
    refused("304", 304, get, bucket, IfNoneMatch="*")
    equal(get(bucket, IfNoneMatch=OTHER)["ETag"], ETAG)


@check
def if_none_match_head():
    """A 304 has the ETag and no body"""
    bucket = fresh_bucket(["k"])
    answer = signed("GET", target(bucket, "k"), {"if-none-match": ETAG})
    equal((answer.status, answer.headers["etag"], answer.body), (304, ETAG, b""))


@check
def if_modified_since():
    """If-Modified-Since is 304 for the date of the object, and an earlier date returns it"""
    bucket = fresh_bucket(["k"])
    at = head(bucket)["LastModified"]
    refused("304", 304, get, bucket, IfModifiedSince=at)
    equal(get(bucket, IfModifiedSince=at - timedelta(hours=1))["ETag"], ETAG)


@check
def if_unmodified_since():
    """If-Unmodified-Since before the date of the object is PreconditionFailed"""
    bucket = fresh_bucket(["k"])
    at = head(bucket)["LastModified"]
    refused("PreconditionFailed", 412, get, bucket, IfUnmodifiedSince=at - timedelta(hours=1))
    equal(get(bucket, IfUnmodifiedSince=at)["ETag"], ETAG)


@check
def conditions_together():
    """If-Match takes precedence over If-Unmodified-Since, and If-None-Match over If-Modified-Since"""
    bucket = fresh_bucket(["k"])
    at = head(bucket)["LastModified"]
    equal(get(bucket, IfMatch=ETAG, IfUnmodifiedSince=at - timedelta(hours=1))["ETag"], ETAG)
    refused("304", 304, get, bucket, IfNoneMatch=ETAG, IfModifiedSince=at - timedelta(hours=1))


@check
def if_range():
    """If-Range returns the whole object if it has changed"""
    bucket = fresh_bucket(["k"], body=b"0123456789")
    tag = head(bucket)["ETag"]
    answer = signed("GET", target(bucket, "k"), {"range": "bytes=0-1", "if-range": tag})
    equal((answer.status, answer.body), (206, b"01"))
    answer = signed("GET", target(bucket, "k"), {"range": "bytes=0-1", "if-range": OTHER})
    equal((answer.status, answer.body), (200, b"0123456789"))


@check
def put_if_none_match():
    """PutObject with If-None-Match: * never replaces an object"""
    bucket = fresh_bucket()
    put(bucket, IfNoneMatch="*")
    refused("PreconditionFailed", 412, put, bucket, body=b"y", IfNoneMatch="*")
    equal(read(bucket, "k"), b"x")


@check
def put_if_match():
    """PutObject with If-Match replaces only that object"""
    bucket = fresh_bucket(["k"])
    refused("PreconditionFailed", 412, put, bucket, body=b"y", IfMatch=OTHER)
    put(bucket, body=b"y", IfMatch=ETAG)
    refused("NoSuchKey", 404, put, bucket, "nothing", IfMatch=ETAG)


@check
def put_if_none_match_etag():
    """PutObject with If-None-Match and an ETag is NotImplemented"""
    refused("NotImplemented", 501, put, fresh_bucket(), IfNoneMatch=ETAG)


@check
def response_overrides():
    """The six response-* parameters override headers"""
    got = get(
        fresh_bucket(["k"]),
        ResponseCacheControl="no-store",
        ResponseContentDisposition="inline",
        ResponseContentEncoding="aaa",
        ResponseContentLanguage="en",
        ResponseContentType="foo/bar",
        ResponseExpires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    )
    names = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "ExpiresString"]
    equal(
        [got[name] for name in names], ["no-store", "inline", "aaa", "en", "foo/bar", "Wed, 02 Jan 2030 03:04:05 GMT"]
    )


@check
def dates():
    """Last-Modified is the time of the write as an HTTP date"""
    before = datetime.now(timezone.utc).replace(microsecond=0)
    answer = signed("HEAD", target(fresh_bucket(["k"]), "k"))
    at = answer.headers["last-modified"]
    equal(at in [format_datetime(before + timedelta(seconds=i), usegmt=True) for i in range(-1, 5)], True, at)


run_checks()
