"""CopyObject and UploadPartCopy."""

from alice_objects import PART, complete, send_part, start
from checks import MIB, alice, bob, check, equal, fresh_bucket, read, refused, run_checks, signed, target


def copy(source, target_bucket, key="copy", client=None, **kwargs):
    return (client or alice).copy_object(CopySource=source, Bucket=target_bucket, Key=key, **kwargs)


@check
def copied():
    """A copy has the bytes, headers, metadata and tags of its source"""
    bucket = fresh_bucket()
    alice.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/x", Metadata={"a": "b"}, Tagging="t=1")
    copy({"Bucket": bucket, "Key": "k"}, bucket)
    got = alice.get_object(Bucket=bucket, Key="copy")
    equal((got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]), (b"x", "text/x", {"a": "b"}, 1))


@check
def copied_replacing():
    """With REPLACE, metadata and tags are those of the request"""
    bucket = fresh_bucket()
    alice.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/x", Metadata={"a": "b"}, Tagging="t=1")
    replaced = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE", "Tagging": "u=2"}
    copy({"Bucket": bucket, "Key": "k"}, bucket, Metadata={"c": "d"}, ContentType="text/y", **replaced)
    got = alice.head_object(Bucket=bucket, Key="copy")
    equal((got["ContentType"], got["Metadata"]), ("text/y", {"c": "d"}))
    equal(alice.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"], [{"Key": "u", "Value": "2"}])


@check
def copied_elsewhere():
    """Objects can be copied between buckets, and from keys that need encoding"""
    source, there = fresh_bucket(["a b+c%20d/ü?"]), fresh_bucket()
    copy({"Bucket": source, "Key": "a b+c%20d/ü?"}, there)
    equal(read(there, "copy"), b"x")


@check
def copied_onto_itself():
    """A copy onto itself is InvalidRequest, unless it replaces the metadata"""
    bucket = fresh_bucket(["k"])
    source = {"Bucket": bucket, "Key": "k"}
    refused("InvalidRequest", 400, copy, source, bucket, "k")
    copy(source, bucket, "k", Metadata={"new": "1"}, MetadataDirective="REPLACE")
    equal(alice.head_object(Bucket=bucket, Key="k")["Metadata"], {"new": "1"})


@check
def copy_conditions():
    """A condition on the source that fails is PreconditionFailed"""
    bucket = fresh_bucket(["k"])
    source = {"Bucket": bucket, "Key": "k"}
    head = alice.head_object(Bucket=bucket, Key="k")
    copy(source, bucket, CopySourceIfMatch=head["ETag"])
    copy(source, bucket, CopySourceIfNoneMatch='"00"')
    for condition in [
        {"CopySourceIfMatch": '"00"'},
        {"CopySourceIfNoneMatch": head["ETag"]},
        {"CopySourceIfModifiedSince": head["LastModified"]},
        {"CopySourceIfUnmodifiedSince": head["LastModified"].replace(year=2020)},
    ]:
        refused("PreconditionFailed", 412, copy, source, bucket, **condition)


@check
def copy_missing():
    """An absent source is NoSuchKey or NoSuchBucket"""
    bucket = fresh_bucket()
    refused("NoSuchKey", 404, copy, {"Bucket": bucket, "Key": "nothing"}, bucket)
    refused("NoSuchBucket", 404, copy, {"Bucket": "no-such-bucket-here", "Key": "k"}, bucket)
    refused("NoSuchBucket", 404, copy, {"Bucket": fresh_bucket(["k"]), "Key": "k"}, "no-such-bucket-here")


@check
def copy_foreign():
    """Copying needs the right to read the source and to write to the bucket"""
    hers, his = fresh_bucket(["k"]), fresh_bucket(owner=bob)
    refused("AccessDenied", 403, copy, {"Bucket": hers, "Key": "k"}, his, client=bob)
    refused("AccessDenied", 403, copy, {"Bucket": hers, "Key": "k"}, his)
    alice.put_object_acl(Bucket=hers, Key="k", ACL="public-read")
    copy({"Bucket": hers, "Key": "k"}, his, client=bob)
    equal(read(his, "copy", bob), b"x")


@check
def copy_source_malformed():
    """A copy source without a key is InvalidArgument"""
    bucket = fresh_bucket()
    for text in ["nothing", "/", "/bucket/", ""]:
        answer = signed("PUT", target(bucket, "k"), {"x-amz-copy-source": text})
        equal((answer.status, answer.code), (400, "InvalidArgument"), text)


@check
def copy_directive():
    """An unknown directive is InvalidArgument"""
    bucket = fresh_bucket(["k"])
    refused("InvalidArgument", 400, copy, {"Bucket": bucket, "Key": "k"}, bucket, MetadataDirective="MERGE")


@check
def copy_etag():
    """The copy of a multipart object has an ETag and the same bytes"""
    bucket = fresh_bucket()
    upload = start(bucket)
    complete(bucket, upload, [send_part(bucket, upload, 1), send_part(bucket, upload, 2, b"end")])
    answer = copy({"Bucket": bucket, "Key": "k"}, bucket)["CopyObjectResult"]
    equal(answer["ETag"], alice.head_object(Bucket=bucket, Key="copy")["ETag"])
    equal(read(bucket, "copy"), PART + b"end")


def copy_part(bucket, upload, number, source, client=None, **kwargs):
    result = (client or alice).upload_part_copy(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, CopySource=source, **kwargs
    )
    return {"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]}


@check
def part_copied():
    """UploadPartCopy copies whole objects and ranges"""
    bucket = fresh_bucket(["source"], body=b"0123456789" * MIB)
    source = {"Bucket": bucket, "Key": "source"}
    upload = start(bucket)
    parts = [
        copy_part(bucket, upload, 1, source),
        copy_part(bucket, upload, 2, source, CopySourceRange="bytes=5-14"),
    ]
    complete(bucket, upload, parts)
    equal(read(bucket, "k"), b"0123456789" * MIB + b"5678901234")


@check
def part_copied_improperly():
    """A malformed range is InvalidArgument, a range beyond the end InvalidRange"""
    bucket = fresh_bucket(["source"], body=b"0123456789")
    upload = start(bucket)
    source = {"Bucket": bucket, "Key": "source"}
    for text in ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5"]:
        refused("InvalidArgument", 400, copy_part, bucket, upload, 1, source, CopySourceRange=text)
    refused("InvalidArgument", 400, copy_part, bucket, upload, 1, source, CopySourceRange="bytes=0-10")


@check
def part_copy_foreign():
    """Copying a part from an object without the right to read it is AccessDenied"""
    hers, his = fresh_bucket(["k"]), fresh_bucket(owner=bob)
    upload = bob.create_multipart_upload(Bucket=his, Key="k")["UploadId"]
    refused("AccessDenied", 403, copy_part, his, upload, 1, {"Bucket": hers, "Key": "k"}, client=bob)


run_checks()
