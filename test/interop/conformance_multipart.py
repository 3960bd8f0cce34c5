"""Multipart uploads: parts and their completion."""

import hashlib

from alice_objects import PART, complete, send_part, start
from checks import MIB, alice, check, equal, fresh_bucket, keys_of, read, refused, run_checks, signed, target


def etag_of(*bodies):
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(bodies)}"'


@check
def two_parts():
    """Two parts become one object with a composite ETag"""
    bucket = fresh_bucket()
    upload = start(bucket, ContentType="text/x", Metadata={"a": "b"})
    parts = [send_part(bucket, upload, 1), send_part(bucket, upload, 2, b"end")]
    done = complete(bucket, upload, parts)
    equal((done["ETag"], done["Bucket"], done["Key"]), (etag_of(PART, b"end"), bucket, "k"))
    got = alice.head_object(Bucket=bucket, Key="k")
    equal(
        (got["ContentLength"], got["ContentType"], got["Metadata"], got["ETag"]),
        (5 * MIB + 3, "text/x", {"a": "b"}, done["ETag"]),
    )
    equal(read(bucket, "k"), PART + b"end")


@check
def one_small_part():
    """A single part can have any size, and can be empty"""
    bucket = fresh_bucket()
    for body in b"small", b"":
        upload = start(bucket)
        equal(complete(bucket, upload, [send_part(bucket, upload, 1, body)])["ETag"], etag_of(body))
        equal(read(bucket, "k"), body)


@check
def numbers():
    """Part numbers can have gaps, up to 10000"""
    bucket = fresh_bucket()
    upload = start(bucket)
    parts = [send_part(bucket, upload, 7), send_part(bucket, upload, 10_000, b"end")]
    complete(bucket, upload, parts)
    equal(read(bucket, "k"), PART + b"end")


@check
def numbers_invalid():
    """Part numbers 0 and 10001 are InvalidArgument"""
    bucket = fresh_bucket()
    upload = start(bucket)
    for number in 0, 10_001, -1:
        refused("InvalidArgument", 400, send_part, bucket, upload, number, b"x")


@check
def part_replaced():
    """A part that is sent again replaces the first one"""
    bucket = fresh_bucket()
    upload = start(bucket)
    send_part(bucket, upload, 1, b"first")
    complete(bucket, upload, [send_part(bucket, upload, 1, b"second")])
    equal(read(bucket, "k"), b"second")


@check
def part_left_out():
    """Parts that are not listed are not in the object"""
    bucket = fresh_bucket()
    upload = start(bucket)
    send_part(bucket, upload, 1)
    complete(bucket, upload, [send_part(bucket, upload, 2, b"this alone")])
    equal(read(bucket, "k"), b"this alone")


@check
def too_small():
    """A part below 5 MiB that is not the last is EntityTooSmall"""
    bucket = fresh_bucket()
    upload = start(bucket)
    parts = [send_part(bucket, upload, 1, b"small"), send_part(bucket, upload, 2, b"end")]
    refused("EntityTooSmall", 400, complete, bucket, upload, parts)
    equal(keys_of(alice.list_objects_v2(Bucket=bucket)), [])


@check
def part_missing():
    """A listed part that does not exist is InvalidPart"""
    bucket = fresh_bucket()
    upload = start(bucket)
    part = send_part(bucket, upload, 1, b"x")
    refused("InvalidPart", 400, complete, bucket, upload, [part | {"PartNumber": 9}])


@check
def part_etag():
    """A listed part with another ETag is InvalidPart"""
    bucket = fresh_bucket()
    upload = start(bucket)
    send_part(bucket, upload, 1, b"x")
    refused(
        "InvalidPart", 400, complete, bucket, upload, [{"PartNumber": 1, "ETag": '"ffffffffffffffffffffffffffffffff"'}]
    )


@check
def part_order():
    """Parts out of order, or twice, are InvalidPartOrder"""
    bucket = fresh_bucket()
    upload = start(bucket)
    one, two = send_part(bucket, upload, 1), send_part(bucket, upload, 2, b"end")
    refused("InvalidPartOrder", 400, complete, bucket, upload, [two, one])
    refused("InvalidPartOrder", 400, complete, bucket, upload, [one, one])


@check
def no_parts():
    """A completion without parts is MalformedXML"""
    bucket = fresh_bucket()
    upload = start(bucket)
    refused("MalformedXML", 400, complete, bucket, upload, [])
    answer = signed("POST", target(bucket, "k", {"uploadId": upload}), {}, b"")
    equal((answer.status, answer.code), (400, "MalformedXML"))


@check
def repeated():
    """A repeated completion succeeds with the same response"""
    bucket = fresh_bucket()
    upload = start(bucket)
    parts = [send_part(bucket, upload, 1, b"x")]
    first = complete(bucket, upload, parts)["ETag"]
    equal(complete(bucket, upload, parts)["ETag"], first)


@check
def bare_etags():
    """ETags without quotes and a document without a namespace are accepted"""
    bucket = fresh_bucket()
    upload = start(bucket)
    etag = send_part(bucket, upload, 1, b"x")["ETag"].strip('"')
    body = (
        f"<CompleteMultipartUpload><Part><ETag>{etag}</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"
    )
    equal(signed("POST", target(bucket, "k", {"uploadId": upload}), {}, body.encode()).status, 200)


run_checks()
