"""What most checks ask of alice's objects and uploads."""

from checks import MIB, alice

PART = b"p" * (5 * MIB)


def start(bucket, key="k", **kwargs):
    return alice.create_multipart_upload(Bucket=bucket, Key=key, **kwargs)["UploadId"]


def send_part(bucket, upload, number, body=PART, key="k", **kwargs):
    part = alice.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body, **kwargs)
    return {"PartNumber": number, "ETag": part["ETag"]}


def complete(bucket, upload, parts, key="k", **kwargs):
    return alice.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **kwargs
    )


def put(bucket, key="k", body=b"x", **kwargs):
    return alice.put_object(Bucket=bucket, Key=key, Body=body, **kwargs)


def get(bucket, key="k", **kwargs):
    return alice.get_object(Bucket=bucket, Key=key, **kwargs)


def head(bucket, key="k", **kwargs):
    return alice.head_object(Bucket=bucket, Key=key, **kwargs)
