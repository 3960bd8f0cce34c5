"""PutObject, GetObject, HeadObject, DeleteObject: bytes, keys, headers and metadata."""

from datetime import datetime, timezone

from alice_objects import get, head, put
from checks import (
    alice,
    check,
    equal,
    fresh_bucket,
    read,
    refused,
    run_checks,
    signed,
    target,
)

ETAG = '"9dd4e461268c8034f5c8564e155c67a6"'  # of b"x"


OTHER = '"00000000000000000000000000000000"'


@check
def etag():
    """The ETag of an object is the quoted MD5 of its bytes"""
    bucket = fresh_bucket()
    equal(put(bucket)["ETag"], ETAG)
    equal((get(bucket)["ETag"], head(bucket)["ETag"]), (ETAG, ETAG))


@check
def empty_object():
    """An object can be empty"""
    bucket = fresh_bucket(["k"], body=b"")
    equal((read(bucket, "k"), head(bucket)["ContentLength"]), (b"", 0))


@check
def overwritten():
    """A put replaces bytes, headers and metadata"""
    bucket = fresh_bucket()
    put(bucket, Metadata={"a": "1"}, ContentType="text/a", CacheControl="no-cache")
    put(bucket, body=b"yy", Metadata={"b": "2"})
    got = head(bucket)
    equal((got["Metadata"], got["ContentType"], got["ContentLength"]), ({"b": "2"}, "binary/octet-stream", 2))
    # A signed read is nobody else's: where the object says nothing, the answer does. AWS leaves it out.
    equal(got["CacheControl"], "private")


@check
def headers_kept():
    """Content headers are returned as they were sent"""
    bucket = fresh_bucket()
    sent = {
        "CacheControl": "public, max-age=14400",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
    }
    put(bucket, **sent, Expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
    for got in get(bucket), head(bucket):
        equal({name: got[name] for name in sent}, sent)
        equal(got["ExpiresString"], "Wed, 02 Jan 2030 03:04:05 GMT")


@check
def metadata_case():
    """Metadata names are lower case, and values are unchanged"""
    bucket = fresh_bucket()
    put(bucket, Metadata={"MixedCase": "Value  With Spaces"})
    equal(head(bucket)["Metadata"], {"mixedcase": "Value  With Spaces"})


@check
def metadata_utf8():
    """UTF-8 in metadata is returned byte for byte"""
    bucket = fresh_bucket()
    answer = signed("PUT", target(bucket, "k"), {"x-amz-meta-name": "ünï 日本"}, b"x")
    equal(answer.status, 200)
    got = signed("GET", target(bucket, "k")).headers["x-amz-meta-name"]
    equal(got.encode("latin-1").decode(), "ünï 日本")


@check
def metadata_large():
    """2 KB of metadata are accepted, and more are MetadataTooLarge"""
    bucket = fresh_bucket()
    put(bucket, Metadata={"a": "x" * 2047})
    refused("MetadataTooLarge", 400, put, bucket, Metadata={"a": "x" * 2048})


@check
def key_long():
    """A key has at most 1024 bytes"""
    bucket = fresh_bucket()
    put(bucket, "é" * 512)
    equal(read(bucket, "é" * 512), b"x")
    refused("KeyTooLongError", 400, put, bucket, "é" * 512 + "x")


@check
def keys_apart():
    """Keys that file systems or Unicode normalisation would merge are different objects"""
    names = ["a", "A", "a/", "a/b", "a//b", "é", "e\u0301", "CON", "a.", "a ", " a", "a+b", "a%20b", "a%2Fb"]
    bucket = fresh_bucket()
    for name in names:
        put(bucket, name, name.encode())
    for name in names:
        equal(read(bucket, name), name.encode())


@check
def missing_key():
    """An absent key is NoSuchKey, and 404 for HEAD"""
    bucket = fresh_bucket()
    answer = refused("NoSuchKey", 404, get, bucket, "nothing")
    equal(answer["Error"]["Key"], "nothing")
    refused("404", 404, head, bucket, "nothing")


@check
def missing_bucket():
    """Objects of an absent bucket are NoSuchBucket"""
    answer = refused("NoSuchBucket", 404, get, "no-such-bucket-here")
    equal(answer["Error"]["BucketName"], "no-such-bucket-here")
    refused("NoSuchBucket", 404, put, "no-such-bucket-here")


@check
def request_id():
    """An error has the request id of its header"""
    answer = signed("GET", target(fresh_bucket(), "nothing"))
    equal(answer.text("RequestId"), answer.headers["x-amz-request-id"])
    equal(answer.text("HostId"), answer.headers["x-amz-id-2"])


@check
def delete_absent():
    """Deleting an absent object is 204"""
    equal(alice.delete_object(Bucket=fresh_bucket(), Key="nothing")["ResponseMetadata"]["HTTPStatusCode"], 204)


@check
def delete_in_no_bucket():
    """Deleting from an absent bucket is NoSuchBucket"""
    refused("NoSuchBucket", 404, alice.delete_object, Bucket="no-such-bucket-here", Key="k")


@check
def delete_version():
    """The version null can be deleted"""
    bucket = fresh_bucket(["k"])
    alice.delete_object(Bucket=bucket, Key="k", VersionId="null")
    refused("404", 404, head, bucket)


@check
def versions_read():
    """The version null can be read, and any other is InvalidArgument"""
    bucket = fresh_bucket(["k"])
    equal(get(bucket, VersionId="null")["ETag"], ETAG)
    refused("InvalidArgument", 400, get, bucket, VersionId="made-up")


@check
def storage_class():
    """Storage classes are stored and returned, except archive classes, and STANDARD has no header"""
    bucket = fresh_bucket()
    put(bucket, StorageClass="STANDARD")
    equal("StorageClass" in head(bucket), False)
    put(bucket, StorageClass="STANDARD_IA")
    equal(head(bucket)["StorageClass"], "STANDARD_IA")
    equal(alice.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"], "STANDARD_IA")
    for name in ["NOTHING", "GLACIER", "DEEP_ARCHIVE"]:
        refused("InvalidStorageClass", 400, put, bucket, StorageClass=name)


run_checks()
