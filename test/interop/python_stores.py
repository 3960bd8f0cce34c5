"""Python's other object stores: each writes the files, reads them back, and tells what it met on the way."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import obstore
import pyarrow.fs
import smart_open
from obstore.exceptions import AlreadyExistsError, NotModifiedError, PreconditionError
from obstore.store import S3Store
from python_clients import boto, spec

bucket = spec["bucket"]
files = {name: Path(path).read_bytes() for name, path in spec["files"].items()}
large = files["large.bin"]
part = 6 * 1024 * 1024
many = [f"many/{i % 7}/{i:04}" for i in range(1200)]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def raised(error, call):
    try:
        call()
    except error:
        return True
    return False


def with_obstore():
    def store(**settings):
        return S3Store(
            bucket,
            endpoint=spec["endpoint"],
            region=spec["region"],
            access_key_id=spec["accessKeyId"],
            secret_access_key=spec["secretAccessKey"],
            client_options={"allow_http": True},
            **settings,
        )

    plain, read = store(), {}
    kinds = {"plain": plain, "sha256": store(checksum_algorithm="SHA256"), "unsigned": store(unsigned_payload=True)}
    for kind, to in kinds.items():
        for name, data in files.items():
            obstore.put(to, f"{kind}/{name}", data, attributes={"Content-Type": "text/x-o", "a": "b"}, chunk_size=part)
        read[kind] = {name: digest(bytes(obstore.get(plain, f"{kind}/{name}").bytes())) for name in files}
    ranges = obstore.get_ranges(plain, "plain/large.bin", starts=[5, 9_000_000], lengths=[7, 1000])

    etag = obstore.put(plain, "once", b"1", mode="create")["e_tag"]
    renamed = store(copy_if_not_exists="multipart")
    obstore.copy(renamed, "once", "copied", overwrite=False)
    conditions = {
        "created once": raised(AlreadyExistsError, lambda: obstore.put(plain, "once", b"2", mode="create")),
        "replaced": obstore.put(plain, "once", b"3", mode={"e_tag": etag})["e_tag"] != etag,
        "replaced once": raised(PreconditionError, lambda: obstore.put(plain, "once", b"4", mode={"e_tag": etag})),
        "copied once": raised(
            AlreadyExistsError, lambda: obstore.copy(renamed, "once", "copied", overwrite=False)
        ),
        "not modified": raised(
            NotModifiedError,
            lambda: obstore.get(plain, "once", options={"if_none_match": obstore.head(plain, "once")["e_tag"]}),
        ),
    }

    soon = timedelta(minutes=1)
    urlopen(Request(obstore.sign(plain, "PUT", "signed é+", soon), b"by URL", method="PUT"))
    signed = urlopen(obstore.sign(plain, "GET", "signed é+", soon)).read().decode()

    for key in many:
        obstore.put(plain, key, b"", use_multipart=False)
    listed = [meta["path"] for page in obstore.list(plain, "many") for meta in page]
    folders = len(obstore.list_with_delimiter(plain, "many")["common_prefixes"])
    obstore.delete(plain, listed)
    left = [meta["path"] for page in obstore.list(plain, "many") for meta in page]
    return {
        "read": read,
        "attributes": obstore.get(plain, "sha256/plain.txt").attributes,
        "ranges": [bytes(one) for one in ranges] == [large[5:12], large[9_000_000:9_001_000]],
        "conditions": conditions,
        "signed": signed,
        "many": [listed == sorted(many), folders, left],
    }


def with_pyarrow():
    def filesystem(**settings):
        return pyarrow.fs.S3FileSystem(
            access_key=spec["accessKeyId"],
            secret_key=spec["secretAccessKey"],
            endpoint_override=urlsplit(spec["endpoint"]).netloc,
            scheme="http",
            region=spec["region"],
            **settings,
        )

    fs, read = filesystem(allow_bucket_creation=True, allow_bucket_deletion=True), {}
    for kind, to in {"plain": fs, "delayed": filesystem(allow_delayed_open=True)}.items():
        for name, data in files.items():
            with to.open_output_stream(f"{bucket}/{kind}/{name}", metadata={"Content-Type": "text/x-p"}) as out:
                out.write(data)
        read[kind] = {name: digest(fs.open_input_stream(f"{bucket}/{kind}/{name}").read()) for name in files}
    with fs.open_input_file(f"{bucket}/plain/large.bin") as file:
        ranges = file.read_at(7, 9_000_000) == large[9_000_000:9_000_007] and file.size() == len(large)

    fs.create_dir(f"{bucket}/a/b/c", recursive=True)
    fs.copy_file(f"{bucket}/plain/large.bin", f"{bucket}/a/b/copied")
    fs.move(f"{bucket}/a/b/copied", f"{bucket}/a/b/moved +%")
    folders = [fs.get_file_info(f"{bucket}/a/b").type.name, fs.get_file_info(f"{bucket}/a/b/moved +%").size]
    fs.delete_dir(f"{bucket}/a")
    folders.append(fs.get_file_info(f"{bucket}/a").type.name)
    fs.create_dir(f"{bucket}-new")
    fs.delete_dir(f"{bucket}-new")

    client = boto()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=bucket, Key=key, Body=b""), many))
    select = pyarrow.fs.FileSelector(f"{bucket}/many", recursive=True)
    listed = [info.path.removeprefix(f"{bucket}/") for info in fs.get_file_info(select) if info.is_file]
    fs.delete_dir(f"{bucket}/many")
    gone = fs.get_file_info(f"{bucket}/many").type.name
    return {"read": read, "ranges": ranges, "folders": folders, "many": [sorted(listed) == sorted(many), gone]}


def with_smart_open():
    to = {"client": boto()}
    ways = {"parts": to | {"min_part_size": 5 << 20}, "whole": to | {"multipart_upload": False}}
    read = {}
    for kind, params in ways.items():
        for name, data in files.items():
            with smart_open.open(f"s3://{bucket}/{kind}/{name}", "wb", transport_params=params) as out:
                out.write(data)
        read[kind] = {}
        for name in files:
            with smart_open.open(f"s3://{bucket}/{kind}/{name}", "rb", transport_params=to) as file:
                read[kind][name] = digest(file.read())
    with smart_open.open(f"s3://{bucket}/parts/large.bin", "rb", transport_params=to) as file:
        file.seek(9_000_000)
        ranges = file.read(1000) == large[9_000_000:9_001_000]
    return {"read": read, "ranges": ranges}


drive = {"obstore": with_obstore, "pyarrow": with_pyarrow, "smart_open": with_smart_open}
print(json.dumps(drive[spec["with"]]()))
