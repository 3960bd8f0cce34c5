"""boto3's own transfers and forms. Prints what it read back as one JSON document."""

import hashlib
import io
import json

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from python_clients import boto, spec

bucket, files = spec["bucket"], spec["files"]


def digest(stream):
    return hashlib.sha256(stream.read()).hexdigest()


class Pipe(io.RawIOBase):
    """A stream that cannot be rewound."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._data.readinto(buffer)


def transfer(client, prefix, **extra):
    config = TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=5 << 20, max_concurrency=4)
    read = {}
    for name, path in files.items():
        key = f"{prefix}/{name}"
        client.upload_file(path, bucket, key, Config=config, ExtraArgs={"Metadata": {"from": "boto3"}} | extra)
        downloaded = io.BytesIO()
        client.download_fileobj(bucket, key, downloaded, Config=config)
        read[name] = hashlib.sha256(downloaded.getvalue()).hexdigest()
        copied = f"{prefix}-copy/{name}"
        client.copy({"Bucket": bucket, "Key": key}, bucket, copied, Config=config)
        if digest(client.get_object(Bucket=bucket, Key=copied)["Body"]) != read[name]:
            raise AssertionError(f"the copy of {name} differs")
    return read


def streams(client):
    read = {}
    for name, path in files.items():
        with open(path, "rb") as file:
            client.upload_fileobj(io.BufferedReader(Pipe(file.read())), bucket, f"stream/{name}")
        read[name] = digest(client.get_object(Bucket=bucket, Key=f"stream/{name}", ChecksumMode="ENABLED")["Body"])
    return read


def checksums(client):
    found = {}
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        key = f"checksum/{algorithm}"
        with open(files["large.bin"], "rb") as file:
            put = client.put_object(Bucket=bucket, Key=key, Body=file, ChecksumAlgorithm=algorithm)
        got = client.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        digest(got["Body"])
        found[algorithm] = put[f"Checksum{algorithm}"] == got[f"Checksum{algorithm}"]
    return found


def pages(client):
    paginator = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    second = [item["Key"] for page in paginator for item in page.get("Contents", [])]
    paginator = client.get_paginator("list_objects").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    prefixes = [item["Prefix"] for page in paginator for item in page.get("CommonPrefixes", [])]
    versions = client.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    third = [item["Key"] for page in versions for item in page.get("Versions", [])]
    return {"keys": second, "prefixes": prefixes, "versions": third}


def error(call):
    try:
        call()
    except ClientError as failure:
        return failure.response["Error"]["Code"]
    return None


client = boto()
plain = boto(request_checksum_calculation="when_required", response_checksum_validation="when_required")
signed = boto(s3={"addressing_style": "path", "payload_signing_enabled": True})
print(
    json.dumps(
        {
            "read": {
                "default": transfer(client, "default"),
                "plain": transfer(plain, "plain"),
                "signed": transfer(signed, "signed"),
                "sha256": transfer(client, "sha256", ChecksumAlgorithm="SHA256"),
                "streams": streams(client),
            },
            "checksums": checksums(client),
            "pages": pages(client),
            "missing": error(lambda: client.get_object(Bucket=bucket, Key="no such key")),
            "foreign": error(lambda: boto("bob").list_objects_v2(Bucket=bucket)),
        }
    )
)
