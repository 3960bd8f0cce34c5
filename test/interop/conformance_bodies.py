"""How a body is announced, and what is refused when it is another."""

import base64
import hashlib
import http.client
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from alice_objects import put
from checks import (
    Answer,
    check,
    equal,
    fresh_bucket,
    presigned,
    read,
    refused,
    run_checks,
    send,
    signed,
    spec,
    target,
)


@check
def md5_sent():
    """A correct Content-MD5 is accepted, a wrong one is BadDigest, a malformed one InvalidDigest"""
    bucket = fresh_bucket()
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    put(bucket, ContentMD5=right)
    refused("BadDigest", 400, put, bucket, body=b"xx", ContentMD5=wrong)
    for text in ["YWJyYWNhZGFicmE=", "not base64", ""]:
        answer = signed("PUT", target(bucket, "k"), {"content-md5": text}, b"xx")
        equal((answer.status, answer.code), (400, "InvalidDigest"), text)
    equal(read(bucket, "k"), b"x")


@check
def sha256_sent():
    """A body that differs from the signed one is XAmzContentSHA256Mismatch"""
    bucket = fresh_bucket()
    request = AWSRequest("PUT", spec["endpoint"] + target(bucket, "k"), data=b"x")
    S3SigV4Auth(Credentials(spec["accessKeyId"], spec["secretAccessKey"]), "s3", spec["region"]).add_auth(request)
    answer = send("PUT", target(bucket, "k"), dict(request.headers), b"y")
    equal((answer.status, answer.code), (400, "XAmzContentSHA256Mismatch"))


@check
def no_length():
    """A body without a length is MissingContentLength"""
    bucket = fresh_bucket()
    connection = http.client.HTTPConnection(urlsplit(spec["endpoint"]).netloc, timeout=30)
    connection.request(
        "PUT",
        presigned("PUT", target(bucket, "k")),
        body=iter([b"x"]),
        encode_chunked=True,
        headers={"transfer-encoding": "chunked"},
    )
    answer = Answer(connection.getresponse())
    connection.close()
    equal((answer.status, answer.code), (411, "MissingContentLength"))


@check
def expect_continue():
    """Expect: 100-continue is answered before the body is sent"""
    bucket = fresh_bucket()
    connection = http.client.HTTPConnection(urlsplit(spec["endpoint"]).netloc, timeout=30)
    connection.putrequest("PUT", presigned("PUT", target(bucket, "k")))
    connection.putheader("content-length", "1")
    connection.putheader("expect", "100-continue")
    connection.endheaders()
    line = connection.sock.recv(1024)
    equal(line.split(b"\r\n")[0], b"HTTP/1.1 100 Continue")
    connection.send(b"x")
    answer = Answer(connection.getresponse())
    connection.close()
    equal((answer.status, read(bucket, "k")), (200, b"x"))


run_checks()
