"""CORS rules, preflights, and the answers to other origins."""

from checks import alice, check, equal, fresh_bucket, refused, run_checks, send, signed, target

ORIGIN = "https://app.example.com"


def configure_cors(name, **rule):
    alice.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})


def preflight(path, method="PUT", origin=ORIGIN, headers=None):
    sent = {"origin": origin, "access-control-request-method": method}
    return send("OPTIONS", path, sent | ({"access-control-request-headers": headers} if headers else {}))


@check
def cors_kept():
    """CORS rules are set, read and deleted"""
    name = fresh_bucket()
    refused("NoSuchCORSConfiguration", 404, alice.get_bucket_cors, Bucket=name)
    rule = {
        "AllowedMethods": ["GET", "PUT"],
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedHeaders": ["x-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
        "ID": "one",
    }
    configure_cors(name, **rule)
    equal(alice.get_bucket_cors(Bucket=name)["CORSRules"], [rule])
    alice.delete_bucket_cors(Bucket=name)
    refused("NoSuchCORSConfiguration", 404, alice.get_bucket_cors, Bucket=name)


@check
def cors_preflight():
    """A preflight without credentials is answered by the first matching rule"""
    name = fresh_bucket()
    configure_cors(
        name,
        AllowedMethods=["PUT"],
        AllowedOrigins=["https://*.example.com"],
        AllowedHeaders=["Content-*"],
        MaxAgeSeconds=60,
    )
    answer = preflight(target(name, "k"), headers="content-type")
    names = [
        "access-control-allow-origin",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-max-age",
    ]
    equal([answer.status, *[answer.headers[name] for name in names]], [200, ORIGIN, "PUT", "content-type", "60"])


@check
def cors_refused():
    """A preflight of another origin, method or header is AccessForbidden"""
    name = fresh_bucket()
    configure_cors(name, AllowedMethods=["PUT"], AllowedOrigins=[ORIGIN], AllowedHeaders=["x-one"])
    path = target(name, "k")
    for answer in (
        preflight(path, origin="https://evil.example"),
        preflight(path, "DELETE"),
        preflight(path, headers="x-two"),
    ):
        equal(
            (answer.status, answer.code, "access-control-allow-origin" in answer.headers),
            (403, "AccessForbidden", False),
        )


@check
def cors_unset():
    """A bucket without rules follows the gateway's configuration (AWS rejects the request)"""
    answer = preflight(target(fresh_bucket(), "k"), headers="x-any")
    equal((answer.status, answer.headers["access-control-allow-origin"]), (200, "*"))


@check
def cors_incomplete():
    """A preflight without Origin or method is rejected"""
    equal(send("OPTIONS", target(fresh_bucket(), "k")).status, 400)
    equal(send("OPTIONS", target(fresh_bucket(), "k"), {"origin": ORIGIN}).status, 400)


@check
def cors_actual():
    """Responses and errors have the headers of the rule for the origin"""
    name = fresh_bucket(["k"])
    configure_cors(name, AllowedMethods=["GET"], AllowedOrigins=["*"], ExposeHeaders=["ETag"])
    for path in target(name, "k"), target(name, "nothing"):
        answer = signed("GET", path, {"origin": ORIGIN})
        equal(
            (answer.headers["access-control-allow-origin"], answer.headers["access-control-expose-headers"]),
            ("*", "ETag"),
        )
    equal("access-control-allow-origin" in signed("GET", target(name, "k")).headers, False)


@check
def cors_invalid():
    """Rules without a method, with an unknown method, or with two wildcards are rejected"""
    name = fresh_bucket()
    refused("InvalidRequest", 400, configure_cors, name, AllowedMethods=["PATCH"], AllowedOrigins=["*"])
    refused("InvalidRequest", 400, configure_cors, name, AllowedMethods=["GET"], AllowedOrigins=["https://*.*.com"])
    refused("MalformedXML", 400, configure_cors, name, AllowedMethods=[], AllowedOrigins=["*"])


@check
def cors_without_digest():
    """CORS rules without a digest are InvalidRequest"""
    rule = b"<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>"
    body = b"<CORSConfiguration><CORSRule>" + rule + b"</CORSRule></CORSConfiguration>"
    answer = signed("PUT", target(fresh_bucket(), query={"cors": ""}), {}, body)
    equal((answer.status, answer.code), (400, "InvalidRequest"))


run_checks()
