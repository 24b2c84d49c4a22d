"""A function's code: one copy for all its processes, gone when there is a new one."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import make_function

pytestmark = pytest.mark.sandbox

CODE = """
import os, time
def handler(event, context):
    open(os.path.join(event["folder"], str(os.getpid())), "w").close()
    while len(os.listdir(event["folder"])) < 2:
        time.sleep(0.01)
    return [os.getpid(), os.path.realpath(__file__), os.environ["LAMBDA_TASK_ROOT"]]
"""


def test_processes_share_the_code_and_another_code_replaces_it(aws: AwsEmulator, tmp_path: Path) -> None:
    function = make_function(aws, CODE, Timeout=60)
    client = aws.client("lambda")

    def invoke(_: int = 0) -> tuple[int, str, str]:
        payload = json.dumps({"folder": str(tmp_path)}).encode()
        pid, file, root = json.loads(client.invoke(FunctionName=function, Payload=payload)["Payload"].read())
        return pid, file, root

    with ThreadPoolExecutor(2) as pool:
        (one, its_file, its_root), (other, others_file, others_root) = pool.map(invoke, range(2))
    assert one != other
    assert its_root != others_root
    assert its_file == others_file
    assert Path(its_file).read_text() == CODE
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("function.py", CODE.replace("time.sleep(0.01)", "pass"))
    client.update_function_code(FunctionName=function, ZipFile=archive.getvalue())
    _, file, _ = invoke()
    assert file != its_file
    assert "time.sleep" not in Path(file).read_text()
