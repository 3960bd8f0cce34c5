"""Checksums, attributes, tags, and DeleteObjects."""

import base64
import hashlib
import zlib

from alice_objects import get, head, put
from checks import alice, check, equal, fresh_bucket, keys_of, read, refused, run_checks, signed, target


@check
def checksums():
    """Each checksum is verified, stored, and returned on request"""
    bucket = fresh_bucket()
    body = b"123456789"
    for name, value in [
        ("CRC32", base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()),
        ("CRC32C", "4waSgw=="),
        ("CRC64NVME", "rosUhgp5mIg="),
        ("SHA1", base64.b64encode(hashlib.sha1(body).digest()).decode()),
        ("SHA256", base64.b64encode(hashlib.sha256(body).digest()).decode()),
    ]:
        field = f"Checksum{name}"
        equal(put(bucket, body=body, **{field: value})[field], value)
        equal(head(bucket, ChecksumMode="ENABLED")[field], value)
        equal(field in head(bucket), False, "unasked")
        header = f"x-amz-checksum-{name.lower()}"
        answer = signed("PUT", target(bucket, "k"), {header: value}, b"other")
        equal((answer.status, answer.code), (400, "BadDigest"), name)
        answer = signed("PUT", target(bucket, "k"), {header: "bad"}, body)
        equal((answer.status, answer.code), (400, "InvalidRequest"), name)
    equal(read(bucket, "k"), body)


@check
def checksum_none():
    """An object put without a checksum has none (AWS adds CRC64NVME)"""
    got = head(fresh_bucket(["k"]), ChecksumMode="ENABLED")
    equal([name for name in got if name.startswith("Checksum")], [])


@check
def checksum_two():
    """Two checksums in one request are InvalidRequest"""
    bucket = fresh_bucket()
    headers = {"x-amz-checksum-crc32c": "4waSgw==", "x-amz-checksum-crc32": "y/Q5Jg=="}
    answer = signed("PUT", target(bucket, "k"), headers, b"123456789")
    equal((answer.status, answer.code), (400, "InvalidRequest"))


@check
def checksum_unknown():
    """An unknown algorithm is InvalidRequest"""
    answer = signed("PUT", target(fresh_bucket(), "k"), {"x-amz-sdk-checksum-algorithm": "MD9"}, b"x")
    equal((answer.status, answer.code), (400, "InvalidRequest"))


@check
def checksum_of_range():
    """A range has no checksum of the whole object"""
    bucket = fresh_bucket()
    put(bucket, body=b"123456789", ChecksumCRC32C="4waSgw==")
    equal("ChecksumCRC32C" in get(bucket, Range="bytes=0-1", ChecksumMode="ENABLED"), False)


@check
def attributes():
    """GetObjectAttributes returns only the requested attributes"""
    bucket = fresh_bucket()
    put(bucket, body=b"123456789", ChecksumCRC32C="4waSgw==")
    got = alice.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectSize", "StorageClass", "Checksum"]
    )
    equal((got["ETag"], got["ObjectSize"], got["StorageClass"]), ("25f9e794323b453885f5181f1b624d0b", 9, "STANDARD"))
    equal(got["Checksum"]["ChecksumCRC32C"], "4waSgw==")
    got = alice.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag"])
    equal(("ETag" in got, "ObjectSize" in got), (True, False))


@check
def attributes_invalid():
    """An unknown attribute, or a missing list of attributes, is rejected"""
    bucket = fresh_bucket(["k"])
    for headers in {}, {"x-amz-object-attributes": "Nothing"}:
        equal(signed("GET", target(bucket, "k", {"attributes": ""}), headers).status, 400)


@check
def tags():
    """Tags are set, read, counted, replaced and deleted"""
    bucket = fresh_bucket(["k"])
    equal(alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], [])
    wanted = [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": "+-=._:/@"}]
    alice.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": wanted})
    equal(alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], wanted)
    equal(head(bucket)["TagCount"], 2)
    alice.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": wanted[:1]})
    equal(alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], wanted[:1])
    alice.delete_object_tagging(Bucket=bucket, Key="k")
    equal(alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], [])


@check
def tags_with_put():
    """PutObject sets tags, and without tags the object has none"""
    bucket = fresh_bucket()
    put(bucket, Tagging="foo=bar&empty&a%20b=c%2Bd")
    found = {tag["Key"]: tag["Value"] for tag in alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]}
    equal(found, {"foo": "bar", "empty": "", "a b": "c+d"})
    put(bucket)
    equal(alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], [])


@check
def tags_limits():
    """Ten tags with keys of 128 and values of 256 characters are accepted, and more are rejected"""
    bucket = fresh_bucket(["k"])
    tag = lambda tags: alice.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})  # noqa: E731
    most = [{"Key": f"{i:0128}", "Value": f"{i:0256}"} for i in range(10)]
    tag(most)
    refused("InvalidTag", 400, tag, [*most, {"Key": "x", "Value": ""}])
    refused("InvalidTag", 400, tag, [{"Key": "x" * 129, "Value": ""}])
    refused("InvalidTag", 400, tag, [{"Key": "x", "Value": "x" * 257}])
    refused("InvalidTag", 400, tag, [{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}])
    equal(alice.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], most)


@check
def tags_of_nothing():
    """Tags of an absent key are NoSuchKey"""
    bucket = fresh_bucket()
    refused("NoSuchKey", 404, alice.get_object_tagging, Bucket=bucket, Key="k")
    refused("NoSuchKey", 404, alice.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": []})


def delete(bucket, names, **kwargs):
    return alice.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in names], **kwargs})


@check
def delete_many():
    """DeleteObjects deletes, and reports absent keys as deleted"""
    bucket = fresh_bucket(["a", "b", "c & <d>"])
    answer = delete(bucket, ["a", "c & <d>", "nothing"])
    equal([item["Key"] for item in answer["Deleted"]], ["a", "c & <d>", "nothing"])
    equal("Errors" in answer, False)
    equal(keys_of(alice.list_objects_v2(Bucket=bucket)), ["b"])


@check
def delete_quiet():
    """Quiet reports only errors"""
    bucket = fresh_bucket(["a"])
    answer = delete(bucket, ["a"], Quiet=True)
    equal(("Deleted" in answer, "Errors" in answer), (False, False))
    equal(keys_of(alice.list_objects_v2(Bucket=bucket)), [])


@check
def delete_too_many():
    """More than 1000 keys in one request are MalformedXML"""
    bucket = fresh_bucket()
    delete(bucket, [str(i) for i in range(1000)])
    refused("MalformedXML", 400, delete, bucket, [str(i) for i in range(1001)])


@check
def delete_none():
    """An empty list is MalformedXML"""
    answer = signed(
        "POST",
        target(fresh_bucket(), query={"delete": ""}),
        {"content-md5": base64.b64encode(hashlib.md5(b"<Delete></Delete>").digest()).decode()},
        b"<Delete></Delete>",
    )
    equal((answer.status, answer.code), (400, "MalformedXML"))


@check
def delete_without_digest():
    """DeleteObjects without a digest is InvalidRequest"""
    bucket = fresh_bucket(["a"])
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    answer = signed("POST", target(bucket, query={"delete": ""}), {}, body)
    equal((answer.status, answer.code), (400, "InvalidRequest"))
    equal(read(bucket, "a"), b"x")


@check
def delete_if_match():
    """DeleteObject and DeleteObjects with an ETag delete only that object, and an absent object is a success"""
    bucket = fresh_bucket(["a", "b", "c"])
    etag = alice.head_object(Bucket=bucket, Key="a")["ETag"]
    refused("PreconditionFailed", 412, alice.delete_object, Bucket=bucket, Key="a", IfMatch='"00"')
    objects = [{"Key": "b", "ETag": etag}, {"Key": "c", "ETag": '"00"'}, {"Key": "nothing", "ETag": etag}]
    answer = alice.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    equal([item["Key"] for item in answer["Deleted"]], ["b", "nothing"])
    equal([(item["Key"], item["Code"]) for item in answer["Errors"]], [("c", "PreconditionFailed")])
    alice.delete_object(Bucket=bucket, Key="a", IfMatch=etag)
    alice.delete_object(Bucket=bucket, Key="a", IfMatch="*")
    equal(keys_of(alice.list_objects_v2(Bucket=bucket)), ["c"])


@check
def delete_other_conditions():
    """Conditions on the date or size of a deleted object are NotImplemented, and delete nothing"""
    bucket = fresh_bucket(["a"])
    refused("NotImplemented", 501, alice.delete_object, Bucket=bucket, Key="a", IfMatchSize=1)
    sized = {"Objects": [{"Key": "a", "Size": 1}]}
    refused("NotImplemented", 501, alice.delete_objects, Bucket=bucket, Delete=sized)
    equal(read(bucket, "a"), b"x")


@check
def delete_versions():
    """DeleteObjects deletes the version null, and reports another version as an error"""
    bucket = fresh_bucket(["a", "b"])
    objects = [{"Key": "a", "VersionId": "null"}, {"Key": "b", "VersionId": "made-up"}]
    answer = alice.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    equal([item["Key"] for item in answer["Deleted"]], ["a"])
    equal([(item["Key"], item["Code"]) for item in answer["Errors"]], [("b", "NoSuchVersion")])


run_checks()
