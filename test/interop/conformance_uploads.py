"""Multipart uploads: whose they are, how they are listed, read by part, and checked."""

import base64
import hashlib

from alice_objects import PART, complete, send_part, start
from checks import MIB, alice, bob, check, equal, fresh_bucket, prefixes_of, read, refused, run_checks
from python_clients import boto


@check
def aborted():
    """Every operation on an aborted upload is NoSuchUpload"""
    bucket = fresh_bucket()
    upload = start(bucket)
    part = send_part(bucket, upload, 1, b"x")
    alice.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    refused("NoSuchUpload", 404, send_part, bucket, upload, 2, b"x")
    refused("NoSuchUpload", 404, complete, bucket, upload, [part])
    refused("NoSuchUpload", 404, alice.list_parts, Bucket=bucket, Key="k", UploadId=upload)
    refused("NoSuchUpload", 404, alice.abort_multipart_upload, Bucket=bucket, Key="k", UploadId="made-up")


@check
def other_key():
    """An upload id is valid only for its key"""
    bucket = fresh_bucket()
    upload = start(bucket, "one")
    refused("NoSuchUpload", 404, send_part, bucket, upload, 1, b"x", key="two")


@check
def foreign():
    """Another user cannot send parts to an upload, or list, complete or abort it"""
    bucket = fresh_bucket()
    upload = start(bucket)
    part = send_part(bucket, upload, 1, b"x")
    common = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    refused("AccessDenied", 403, bob.upload_part, **common, PartNumber=1, Body=b"y")
    refused("AccessDenied", 403, bob.list_parts, **common)
    refused("AccessDenied", 403, bob.abort_multipart_upload, **common)
    refused("AccessDenied", 403, bob.complete_multipart_upload, **common, MultipartUpload={"Parts": [part]})
    refused("AccessDenied", 403, bob.list_multipart_uploads, Bucket=bucket)


@check
def invisible():
    """An incomplete upload does not create or change an object"""
    bucket = fresh_bucket(["k"])
    send_part(bucket, start(bucket), 1, b"new")
    equal(read(bucket, "k"), b"x")
    equal(len(alice.list_objects_v2(Bucket=bucket)["Contents"]), 1)


@check
def listed_parts():
    """ListParts continues after a part number"""
    bucket = fresh_bucket()
    upload = start(bucket)
    for number in 3, 1, 2:
        send_part(bucket, upload, number, b"x" * number)
    page = alice.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=2)
    equal([(part["PartNumber"], part["Size"]) for part in page["Parts"]], [(1, 1), (2, 2)])
    equal((page["IsTruncated"], page["NextPartNumberMarker"], page["MaxParts"]), (True, 2, 2))
    page = alice.list_parts(Bucket=bucket, Key="k", UploadId=upload, PartNumberMarker=2)
    equal(([part["PartNumber"] for part in page["Parts"]], page["IsTruncated"]), ([3], False))
    equal((page["Initiator"]["ID"], page["Owner"]["ID"], page["StorageClass"]), ("alice", "alice", "STANDARD"))


@check
def listed_uploads():
    """ListMultipartUploads returns pages by key and age, with prefix and delimiter"""
    bucket = fresh_bucket()
    one = [start(bucket, "a"), start(bucket, "a"), start(bucket, "b/c"), start(bucket, "b/d")]
    page = alice.list_multipart_uploads(Bucket=bucket)
    equal([(item["Key"], item["UploadId"]) for item in page["Uploads"]], list(zip(["a", "a", "b/c", "b/d"], one)))
    page = alice.list_multipart_uploads(Bucket=bucket, MaxUploads=1)
    equal((page["IsTruncated"], page["NextKeyMarker"], page["NextUploadIdMarker"]), (True, "a", one[0]))
    page = alice.list_multipart_uploads(Bucket=bucket, KeyMarker="a", UploadIdMarker=one[0], MaxUploads=1)
    equal([item["UploadId"] for item in page["Uploads"]], [one[1]])
    page = alice.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    equal((prefixes_of(page), len(page["Uploads"])), (["b/"], 2))
    equal(len(alice.list_multipart_uploads(Bucket=bucket, Prefix="b/")["Uploads"]), 2)


@check
def read_by_part():
    """GET and HEAD with a part number return the part and the number of parts"""
    bucket = fresh_bucket()
    upload = start(bucket)
    complete(bucket, upload, [send_part(bucket, upload, 1), send_part(bucket, upload, 2, b"end")])
    got = alice.get_object(Bucket=bucket, Key="k", PartNumber=2)
    equal(
        (got["Body"].read(), got["PartsCount"], got["ContentRange"]),
        (b"end", 2, f"bytes {5 * MIB}-{5 * MIB + 2}/{5 * MIB + 3}"),
    )
    got = alice.head_object(Bucket=bucket, Key="k", PartNumber=1)
    equal((got["ContentLength"], got["PartsCount"], got["ResponseMetadata"]["HTTPStatusCode"]), (5 * MIB, 2, 206))
    refused("InvalidPartNumber", 416, alice.get_object, Bucket=bucket, Key="k", PartNumber=3)


@check
def read_single_by_part():
    """Part 1 of an object that was not sent in parts is the whole object"""
    bucket = fresh_bucket(["k"])
    got = alice.get_object(Bucket=bucket, Key="k", PartNumber=1)
    equal((got["Body"].read(), "PartsCount" in got), (b"x", False))
    refused("InvalidPartNumber", 416, alice.get_object, Bucket=bucket, Key="k", PartNumber=2)


@check
def range_over_parts():
    """A range can span parts"""
    bucket = fresh_bucket()
    upload = start(bucket)
    complete(bucket, upload, [send_part(bucket, upload, 1), send_part(bucket, upload, 2, b"end")])
    equal(read(bucket, "k", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}"), b"ppen")


@check
def conditional():
    """Completion with If-None-Match: * never replaces an object, and with If-Match only that one"""
    bucket = fresh_bucket(["k"])
    upload = start(bucket)
    parts = [send_part(bucket, upload, 1, b"new")]
    refused("PreconditionFailed", 412, complete, bucket, upload, parts, IfNoneMatch="*")
    refused("PreconditionFailed", 412, complete, bucket, upload, parts, IfMatch='"00"')
    equal(read(bucket, "k"), b"x")
    complete(bucket, upload, parts, IfMatch=alice.head_object(Bucket=bucket, Key="k")["ETag"])
    equal(read(bucket, "k"), b"new")


def sha256(body):
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


@check
def composite_checksum():
    """A composite checksum is the checksum of the parts' checksums, with their number"""
    bucket = fresh_bucket()
    upload = start(bucket, ChecksumAlgorithm="SHA256")
    parts = [
        send_part(bucket, upload, 1, ChecksumSHA256=sha256(PART)) | {"ChecksumSHA256": sha256(PART)},
        send_part(bucket, upload, 2, b"end", ChecksumSHA256=sha256(b"end")) | {"ChecksumSHA256": sha256(b"end")},
    ]
    both = hashlib.sha256(PART).digest() + hashlib.sha256(b"end").digest()
    expected = f"{sha256(both)}-2"
    done = complete(bucket, upload, parts)
    equal((done["ChecksumSHA256"], done["ChecksumType"]), (expected, "COMPOSITE"))
    equal(alice.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"], expected)


@check
def attributes():
    """GetObjectAttributes returns the parts of an object in pages, with their checksums"""
    bucket = fresh_bucket()
    upload = start(bucket, ChecksumAlgorithm="SHA256")
    bodies = [PART, PART + b"p", b"end"]
    parts = [
        send_part(bucket, upload, i, body, ChecksumSHA256=sha256(body)) | {"ChecksumSHA256": sha256(body)}
        for i, body in enumerate(bodies, 1)
    ]
    complete(bucket, upload, parts)
    ask = {"Bucket": bucket, "Key": "k", "ObjectAttributes": ["ObjectParts"]}
    found = alice.get_object_attributes(**ask)["ObjectParts"]
    equal((found["TotalPartsCount"], found["IsTruncated"], found["MaxParts"]), (3, False, 1000))
    equal(
        [(part["PartNumber"], part["Size"], part["ChecksumSHA256"]) for part in found["Parts"]],
        [(i, len(body), sha256(body)) for i, body in enumerate(bodies, 1)],
    )
    found = alice.get_object_attributes(**ask, MaxParts=1, PartNumberMarker=1)["ObjectParts"]
    equal((found["TotalPartsCount"], found["IsTruncated"]), (3, True))
    equal((found["PartNumberMarker"], found["NextPartNumberMarker"], len(found["Parts"])), (1, 2, 1))


@check
def full_object_checksum():
    """A CRC of the full object is verified at completion"""
    bucket = fresh_bucket()
    settings = {"ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"}
    upload = start(bucket, **settings)
    parts = [send_part(bucket, upload, 1, b"123456789")]
    refused("BadDigest", 400, complete, bucket, upload, parts, ChecksumCRC32C="AAAAAA==", ChecksumType="FULL_OBJECT")
    done = complete(bucket, upload, parts, ChecksumCRC32C="4waSgw==", ChecksumType="FULL_OBJECT")
    equal((done["ChecksumCRC32C"], done["ChecksumType"]), ("4waSgw==", "FULL_OBJECT"))


# As users have it: it checks what it reads against the checksum in the answer.
checking = boto("alice")


@check
def part_checksums_read():
    """Each part is read with its own checksum, which boto3 verifies"""
    bucket = fresh_bucket()
    kinds = [("CRC32", "FULL_OBJECT"), ("CRC32", "COMPOSITE"), ("SHA256", "COMPOSITE"), ("SHA512", "COMPOSITE")]
    for algorithm, kind in kinds:
        field = f"Checksum{algorithm}"
        upload = start(bucket, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        parts = []
        for number, body in enumerate([PART, b"end"], 1):
            sent = checking.upload_part(
                Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm
            )
            parts.append({"PartNumber": number, "ETag": sent["ETag"], field: sent[field]})
        whole = complete(bucket, upload, parts, ChecksumType=kind)
        for part, body in zip(parts, [PART, b"end"]):
            got = checking.get_object(Bucket=bucket, Key="k", PartNumber=part["PartNumber"])
            equal((got["Body"].read(), got[field], got["ChecksumType"]), (body, part[field], kind))
            seen = alice.head_object(Bucket=bucket, Key="k", PartNumber=part["PartNumber"], ChecksumMode="ENABLED")
            equal((seen[field], seen["ChecksumType"]), (part[field], kind))
        equal(checking.get_object(Bucket=bucket, Key="k")["Body"].read(), PART + b"end")
        attributes = alice.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum"])["Checksum"]
        equal((attributes[field], attributes["ChecksumType"]), (whole[field].split("-")[0], kind))


@check
def part_checksum_needed():
    """Parts must use the checksum algorithm of their upload, and those of a composite one must have a checksum"""
    bucket = fresh_bucket()
    upload = start(bucket, ChecksumAlgorithm="SHA256")
    answer = refused("InvalidRequest", 400, send_part, bucket, upload, 1, b"x")
    equal(
        answer["Error"]["Message"],
        "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null",
    )
    refused("InvalidRequest", 400, send_part, bucket, upload, 1, b"123456789", ChecksumCRC32C="4waSgw==")
    full = start(bucket, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT")
    refused("InvalidRequest", 400, send_part, bucket, full, 1, b"x", ChecksumSHA256=sha256(b"x"))
    done = complete(bucket, full, [send_part(bucket, full, 1, b"123456789")])
    equal((done["ChecksumCRC32C"], done["ChecksumType"]), ("4waSgw==", "FULL_OBJECT"))


@check
def checksum_type_contradicted():
    """Completion with another checksum type than that of the upload is InvalidRequest"""
    bucket = fresh_bucket()
    upload = start(bucket, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT")
    parts = [send_part(bucket, upload, 1, b"123456789")]
    answer = refused("InvalidRequest", 400, complete, bucket, upload, parts, ChecksumType="COMPOSITE")
    equal(
        answer["Error"]["Message"],
        "The upload was created using the FULL_OBJECT checksum mode. "
        "The complete request must use the same checksum mode.",
    )
    complete(bucket, upload, parts, ChecksumType="FULL_OBJECT")


@check
def checksum_kind_told():
    """The checksum type is in the response to CreateMultipartUpload and in ListMultipartUploads"""
    bucket = fresh_bucket()
    for algorithm, kind in [("CRC32", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT"), ("SHA512", "COMPOSITE")]:
        made = alice.create_multipart_upload(Bucket=bucket, Key=algorithm, ChecksumAlgorithm=algorithm)
        equal((made["ChecksumAlgorithm"], made["ChecksumType"]), (algorithm, kind))
        listed = alice.list_multipart_uploads(Bucket=bucket, Prefix=algorithm)["Uploads"][-1]
        equal((listed["ChecksumAlgorithm"], listed["ChecksumType"]), (algorithm, kind))


@check
def latest_checksums():
    """SHA-512 and MD5 checksums are verified and stored, of objects and of parts"""
    bucket = fresh_bucket()
    for algorithm, digest in [("SHA512", hashlib.sha512), ("MD5", hashlib.md5)]:
        field = f"Checksum{algorithm}"

        def value(body):
            return base64.b64encode(digest(body).digest()).decode()

        refused("BadDigest", 400, alice.put_object, Bucket=bucket, Key="k", Body=b"x", **{field: value(b"y")})
        alice.put_object(Bucket=bucket, Key="k", Body=b"x", **{field: value(b"x")})
        seen = alice.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        equal((seen[field], seen["ChecksumType"]), (value(b"x"), "FULL_OBJECT"))
        upload = start(bucket, ChecksumAlgorithm=algorithm)
        sent = send_part(bucket, upload, 1, b"x", **{field: value(b"x")}) | {field: value(b"x")}
        done = complete(bucket, upload, [sent])
        equal((done[field], done["ChecksumType"]), (f"{value(digest(b'x').digest())}-1", "COMPOSITE"))
    checking.put_object(Bucket=bucket, Key="computed", Body=b"x", ChecksumAlgorithm="SHA512")
    equal(checking.get_object(Bucket=bucket, Key="computed")["Body"].read(), b"x")


@check
def whole_range_checksum():
    """A range of the whole object has its checksum, and a smaller one has none"""
    bucket = fresh_bucket()
    alice.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumCRC32C="4waSgw==")
    ask = {"Bucket": bucket, "Key": "k", "ChecksumMode": "ENABLED"}
    equal(alice.get_object(**ask, Range="bytes=0-8")["ChecksumCRC32C"], "4waSgw==")
    equal("ChecksumCRC32C" in alice.get_object(**ask, Range="bytes=0-7"), False)


@check
def full_object_sha():
    """A SHA checksum cannot cover the full object"""
    bucket = fresh_bucket()
    refused("InvalidRequest", 400, start, bucket, ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")


@check
def part_checksum():
    """A part's checksum is verified"""
    bucket = fresh_bucket()
    upload = start(bucket, ChecksumAlgorithm="SHA256")
    refused("BadDigest", 400, send_part, bucket, upload, 1, b"x", ChecksumSHA256=sha256(b"y"))


@check
def size_announced():
    """x-amz-mp-object-size must match the size"""
    bucket = fresh_bucket()
    upload = start(bucket)
    parts = [send_part(bucket, upload, 1, b"12345")]
    refused("InvalidRequest", 400, complete, bucket, upload, parts, MpuObjectSize=4)
    complete(bucket, upload, parts, MpuObjectSize=5)


run_checks()
