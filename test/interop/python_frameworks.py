"""What Python frameworks store and the URLs they give out, by default settings: those are of signature version 2."""

import json
import sys
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

spec = json.load(sys.stdin)
bucket = spec["bucket"]
key = "a b/ü+'(1).txt"
data = b"the bytes"


def with_s3fs():
    import s3fs

    fs = s3fs.S3FileSystem(key=spec["accessKeyId"], secret=spec["secretAccessKey"], endpoint_url=spec["endpoint"])
    with fs.open(f"{bucket}/{key}", "wb") as file:
        file.write(data)
    put = fs.sign(f"{bucket}/put.txt", client_method="put_object")
    urlopen(Request(put, b"by URL", method="PUT", headers={"content-type": ""})).read()
    return fs.url(f"{bucket}/{key}", ResponseContentDisposition='attachment; filename="a&b.txt"')


def with_django():
    from django.conf import settings

    settings.configure()
    from django.core.files.base import ContentFile
    from storages.backends.s3 import S3Storage

    storage = S3Storage(
        bucket_name=bucket,
        access_key=spec["accessKeyId"],
        secret_key=spec["secretAccessKey"],
        endpoint_url=spec["endpoint"],
    )
    storage.save(key, ContentFile(data))
    return storage.url(key, parameters={"ResponseContentDisposition": 'attachment; filename="a&b.txt"'})


def with_cloudpathlib():
    from cloudpathlib import S3Client

    client = S3Client(
        aws_access_key_id=spec["accessKeyId"],
        aws_secret_access_key=spec["secretAccessKey"],
        endpoint_url=spec["endpoint"],
    )
    path = client.CloudPath(f"s3://{bucket}/{key}")
    path.write_bytes(data)
    return path.as_url(presign=True)


url = {"s3fs": with_s3fs, "django": with_django, "cloudpathlib": with_cloudpathlib}[spec["with"]]()
answer = urlopen(url)
print(
    json.dumps(
        {
            "version2": "AWSAccessKeyId" in parse_qs(urlsplit(url).query),
            "read": answer.read().decode(),
            "disposition": answer.headers.get("content-disposition"),
            "url": url,
        }
    )
)
