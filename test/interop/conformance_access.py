"""Who may do what: other users, nobody, bad signatures."""

import json
from datetime import datetime, timedelta, timezone

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from checks import (
    alice,
    bob,
    check,
    equal,
    fresh_bucket,
    keys_of,
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
def objects_foreign():
    """Private objects are AccessDenied to other users"""
    common = {"Bucket": fresh_bucket(["k"]), "Key": "k"}
    refused("AccessDenied", 403, bob.get_object, **common)
    refused("403", 403, bob.head_object, **common)
    refused("AccessDenied", 403, bob.put_object, **common, Body=b"y")
    refused("AccessDenied", 403, bob.delete_object, **common)
    refused("AccessDenied", 403, bob.get_object_tagging, **common)
    refused("AccessDenied", 403, bob.get_object_acl, **common)
    refused("AccessDenied", 403, bob.put_object_acl, **common, ACL="public-read")
    refused("AccessDenied", 403, bob.get_object, **(common | {"Key": "nothing"}))
    refused("AccessDenied", 403, bob.delete_objects, Bucket=common["Bucket"], Delete={"Objects": [{"Key": "k"}]})


@check
def anonymous_private():
    """Without a signature, private and absent objects are AccessDenied"""
    name = fresh_bucket(["k"])
    for path in target(name, "k"), target(name, "nothing"), target(name):
        answer = send("GET", path)
        equal((answer.status, answer.code), (403, "AccessDenied"), path)
    equal(send("PUT", target(name, "new"), {"content-length": "1"}, b"x").status, 403)
    equal(send("DELETE", target(name, "k")).status, 403)
    equal(read(name, "k"), b"x")


@check
def anonymous_public():
    """Everyone can read a public-read object, and only its owner can write it"""
    name = fresh_bucket()
    alice.put_object(Bucket=name, Key="k", Body=b"x", ACL="public-read")
    equal(send("GET", target(name, "k")).body, b"x")
    equal(read(name, "k", bob), b"x")
    equal(send("PUT", target(name, "k"), {}, b"y").status, 403)
    alice.put_object_acl(Bucket=name, Key="k", ACL="private")
    equal(send("GET", target(name, "k")).status, 403)


@check
def anonymous_bucket():
    """Everyone can list a public-read bucket, and its objects stay private"""
    name = fresh_bucket(["k"], ACL="public-read")
    equal((send("GET", target(name)).status, send("GET", target(name, "k")).status), (200, 403))
    equal(
        (send("GET", target(name, "nothing")).code, send("PUT", target(name, "k"), {}, b"y").status), ("NoSuchKey", 403)
    )


@check
def anonymous_overrides():
    """Without a signature, response-* is InvalidRequest"""
    name = fresh_bucket()
    alice.put_object(Bucket=name, Key="k", Body=b"x", ACL="public-read")
    answer = send("GET", target(name, "k", {"response-content-type": "text/html"}))
    equal((answer.status, answer.code), (400, "InvalidRequest"))


@check
def acl_described():
    """A canned ACL is read back as the grants that it contains"""
    name = fresh_bucket(["k"])
    (grant,) = alice.get_object_acl(Bucket=name, Key="k")["Grants"]
    equal(
        (grant["Permission"], grant["Grantee"]["ID"], grant["Grantee"]["Type"]),
        ("FULL_CONTROL", "alice", "CanonicalUser"),
    )
    alice.put_bucket_acl(Bucket=name, ACL="public-read")
    grants = [
        (grant["Permission"], grant["Grantee"].get("URI")) for grant in alice.get_bucket_acl(Bucket=name)["Grants"]
    ]
    equal(("READ", "http://acs.amazonaws.com/groups/global/AllUsers") in grants, True)


@check
def acl_round_trip():
    """An ACL that was read can be set again"""
    name = fresh_bucket(["k"])
    acl = alice.get_object_acl(Bucket=name, Key="k")
    alice.put_object_acl(Bucket=name, Key="k", AccessControlPolicy={"Grants": acl["Grants"], "Owner": acl["Owner"]})


@check
def acl_unknown():
    """An unknown canned ACL or group is InvalidArgument, and aws-exec-read is NotImplemented"""
    name = fresh_bucket(["k"])
    refused("InvalidArgument", 400, alice.put_object, Bucket=name, Key="k", Body=b"", ACL="made-up")
    refused("InvalidArgument", 400, alice.put_object, Bucket=name, Key="k", Body=b"", GrantRead="uri=http://a/b")
    refused("NotImplemented", 501, alice.put_object_acl, Bucket=name, Key="k", ACL="aws-exec-read")


@check
def acl_canned():
    """Canned ACLs grant access to everyone, to owners of keys, or to the owner of the bucket"""
    name = fresh_bucket(ACL="public-read-write")
    bob.put_object(Bucket=name, Key="by-bob", Body=b"x")
    equal(alice.get_object_acl(Bucket=name, Key="by-bob")["Owner"]["ID"], "bob")
    equal(read(name, "by-bob", bob), b"x")
    equal(send("PUT", target(name, "by-nobody"), {"content-length": "1"}, b"x").status, 200)
    alice.put_object(Bucket=name, Key="known", Body=b"x", ACL="authenticated-read")
    equal((read(name, "known", bob), send("GET", target(name, "known")).status), (b"x", 403))
    bob.put_object(Bucket=name, Key="full", Body=b"x", ACL="bucket-owner-full-control")
    grants = {grant["Grantee"]["ID"]: grant["Permission"] for grant in bob.get_object_acl(Bucket=name, Key="full")["Grants"]}
    equal(grants, {"bob": "FULL_CONTROL", "alice": "FULL_CONTROL"})


@check
def acl_grants():
    """Grants in headers and documents are set, read and enforced"""
    name = fresh_bucket(["k"])
    alice.put_object(Bucket=name, Key="k", Body=b"x", GrantRead='id="bob"', GrantReadACP='id="bob"')
    equal((read(name, "k", bob), send("GET", target(name, "k")).status), (b"x", 403))
    equal(len(bob.get_object_acl(Bucket=name, Key="k")["Grants"]), 2)
    refused("AccessDenied", 403, bob.put_object_acl, Bucket=name, Key="k", ACL="public-read")
    refused("AccessDenied", 403, bob.put_object, Bucket=name, Key="k", Body=b"y")
    alice.put_bucket_acl(Bucket=name, GrantWrite="id=bob", GrantFullControl="id=alice")
    bob.put_object(Bucket=name, Key="k", Body=b"y")
    refused("AccessDenied", 403, bob.list_objects_v2, Bucket=name)


@check
def policy_round_trip():
    """A bucket policy is set, read unchanged, evaluated and deleted, and an explicit deny takes precedence"""
    name = fresh_bucket(["open/k", "closed/k"])
    arn = f"arn:aws:s3:::{name}"
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/*"},
                {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/closed/*"},
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::bob:root"},
                    "Action": ["s3:ListBucket", "s3:PutObject"],
                    "Resource": [arn, f"{arn}/*"],
                },
            ],
        }
    )
    alice.put_bucket_policy(Bucket=name, Policy=policy)
    equal(alice.get_bucket_policy(Bucket=name)["Policy"], policy)
    equal(alice.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"], True)
    equal(send("GET", target(name, "open/k")).body, b"x")
    equal(send("GET", target(name, "closed/k")).status, 403)
    refused("AccessDenied", 403, alice.get_object, Bucket=name, Key="closed/k")
    equal(keys_of(bob.list_objects_v2(Bucket=name)), ["closed/k", "open/k"])
    bob.put_object(Bucket=name, Key="by-bob", Body=b"x")
    refused("AccessDenied", 403, bob.delete_object, Bucket=name, Key="by-bob")
    refused("MalformedPolicy", 400, alice.put_bucket_policy, Bucket=name, Policy="{}")
    alice.delete_bucket_policy(Bucket=name)
    equal(send("GET", target(name, "open/k")).status, 403)


@check
def bad_key():
    """An unknown access key is InvalidAccessKeyId"""
    answer = signed("GET", "/", credentials=Credentials("NOBODYNOBODYNOBODY01", "secret"))
    equal(
        (answer.status, answer.code, answer.text("AWSAccessKeyId")), (403, "InvalidAccessKeyId", "NOBODYNOBODYNOBODY01")
    )


@check
def bad_secret():
    """A wrong secret is SignatureDoesNotMatch, with the expected string to sign"""
    answer = signed("GET", "/", credentials=Credentials(spec["accessKeyId"], "wrong"))
    equal((answer.status, answer.code), (403, "SignatureDoesNotMatch"))
    equal((answer.text("StringToSign") or "").startswith("AWS4-HMAC-SHA256\n"), True)
    equal((answer.text("CanonicalRequest") or "").startswith("GET\n/\n"), True)


@check
def bad_authorization():
    """A malformed Authorization header is rejected"""
    for text in ["AWS4-HMAC-SHA256", "Basic YTpi", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y"]:
        answer = send("GET", "/", {"authorization": text})
        equal(answer.status in (400, 403), True, text)
    equal(send("PUT", target(fresh_bucket(), "k"), {"authorization": ""}, b"x").status, 403)


@check
def bad_date():
    """A request whose date is off by more than 15 minutes is RequestTimeTooSkewed"""
    request = AWSRequest("GET", spec["endpoint"] + "/", headers={})
    signer = S3SigV4Auth(Credentials(spec["accessKeyId"], spec["secretAccessKey"]), "s3", spec["region"])
    old = (datetime.now(timezone.utc) - timedelta(minutes=20)).strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = old
    request.headers["X-Amz-Date"] = old
    request.headers["X-Amz-Content-SHA256"] = signer.payload(request)
    scope = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(scope, request))
    answer = send("GET", "/", dict(request.headers))
    equal((answer.status, answer.code), (403, "RequestTimeTooSkewed"))


@check
def presigned_expiry():
    """A presigned URL is valid for one second to one week"""
    name = fresh_bucket(["k"])
    equal(send("GET", presigned("GET", target(name, "k"), expires=604_800)).body, b"x")
    for expires in 604_801, -3, "ten":
        answer = send("GET", presigned("GET", target(name, "k"), expires=expires))
        equal((answer.status, answer.code), (400, "AuthorizationQueryParametersError"), expires)


@check
def presigned_region():
    """A presigned URL for another region is rejected"""
    answer = send("GET", presigned("GET", target(fresh_bucket(["k"]), "k"), region="eu-west-1"))
    equal((answer.status, answer.code), (400, "AuthorizationQueryParametersError"))


@check
def presigned_other_user():
    """A URL signed by one user gives no access to objects of another"""
    name = fresh_bucket(["k"])
    answer = send("GET", presigned("GET", target(name, "k"), who="bob"))
    equal((answer.status, answer.code), (403, "AccessDenied"))


@check
def presigned_unsigned_header():
    """An x-amz header that was not signed is AccessDenied"""
    name = fresh_bucket(["secret"])
    for header in {"x-amz-acl": "public-read"}, {"x-amz-copy-source": f"{name}/secret"}, {"x-amz-meta-a": "b"}:
        answer = send("PUT", presigned("PUT", target(name, "k")), header, b"x")
        equal((answer.status, answer.code), (403, "AccessDenied"))
    equal(keys_of(alice.list_objects_v2(Bucket=name)), ["secret"])


@check
def presigned_and_header():
    """Two kinds of authentication in one request are InvalidArgument"""
    name = fresh_bucket(["k"])
    answer = send("GET", presigned("GET", target(name, "k")), {"authorization": "AWS4-HMAC-SHA256 x"})
    equal((answer.status, answer.code), (400, "InvalidArgument"))


run_checks()
