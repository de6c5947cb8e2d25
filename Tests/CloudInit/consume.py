"""What cloud-init makes of user data, by its own code: python3 -S consume.py FOLDER

FOLDER has Debian's cloud-init and the modules that it needs, unpacked (scripts/install-dependencies test). Reads a JSON
list of user data in base64, and writes a list with what becomes of each: the parts, the merged cloud-config, the scripts
that would run, the hooks, what part handlers wrote, and what it warned about. Nothing is run but part handlers.
"""

import base64
import json
import logging
import os
import sys
import tempfile

sys.path.insert(0, sys.argv[1] + "/usr/lib/python3/dist-packages")

from cloudinit import handlers, helpers, safeyaml, user_data, util
from cloudinit.handlers.boot_hook import BootHookPartHandler
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
from cloudinit.handlers.jinja_template import JinjaTemplatePartHandler
from cloudinit.handlers.shell_script import ShellScriptPartHandler
from cloudinit.settings import PER_INSTANCE


class Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


class Hooks(BootHookPartHandler):
    """Writes the hooks down and runs none."""

    def handle_part(self, data, ctype, filename, payload, frequency):
        if ctype not in handlers.CONTENT_SIGNALS:
            with open(self._write_part(payload, filename)) as hook:
                data["hooks"].append(hook.read())


def folder_of(paths):
    for name in ("scripts", "boothooks", "handlers"):
        os.makedirs(paths.get_ipath_cur(name))


def consume(blob, folder):
    paths = helpers.Paths({"cloud_dir": folder + "/cloud", "run_dir": folder + "/run"})
    # Without a data source there is no link to an instance's folder.
    paths.get_ipath = paths.get_ipath_cur
    folder_of(paths)
    os.makedirs(folder + "/run")
    with open(paths.get_runpath("instance_data_sensitive"), "w") as file:
        json.dump({"v1": {"local_hostname": "web-1"}, "ds": {}}, file)

    kept = Kept()
    logging.getLogger("cloudinit").handlers = [kept]
    found = {"parts": [], "hooks": [], "config": {}, "scripts": [], "handled": [], "error": None}
    try:
        message = user_data.UserDataProcessor(paths).process(blob)
        handlers.walk(
            message,
            lambda data, name, payload, headers: data.append([headers["Content-Type"], text(payload)]),
            found["parts"],
        )
        walk(message, paths, found)
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    found["warnings"] = kept.lines
    return found


def walk(message, paths, found):
    config, script = CloudConfigPartHandler(paths), ShellScriptPartHandler(paths)
    jinja = JinjaTemplatePartHandler(paths, sub_handlers=[config, script])
    known = helpers.ContentHandlers()
    for handler in (config, script, Hooks(paths, None), jinja):
        known.register(handler)
        known.initialized.append(handler)
        handlers.call_begin(handler, found, PER_INSTANCE)
    own = paths.get_ipath_cur("handlers")
    sys.path.insert(0, own)
    handlers.walk(
        message,
        handlers.walker_callback,
        {
            "handlers": known, "handlerdir": own, "data": found, "frequency": PER_INSTANCE,
            "handlercount": 0, "excluded": [],
        },
    )
    sys.path.remove(own)
    sys.modules.pop("part-handler-000", None)
    for handler in set(known.initialized):
        handlers.call_end(handler, found, PER_INSTANCE)
    found["config"] = util.load_yaml(util.load_file(paths.get_ipath_cur("cloud_config")), default={})
    scripts = paths.get_ipath_cur("scripts")
    found["scripts"] = [util.load_file(f"{scripts}/{name}") for name in sorted(os.listdir(scripts))]


def text(payload):
    if isinstance(payload, str):
        payload = payload.encode("utf-8", "surrogateescape")
    return (payload or b"").decode("utf-8", "replace")


def main():
    # Modules of part handlers have the same name in each.
    sys.dont_write_bytecode = True
    results = []
    for blob in json.load(sys.stdin):
        with tempfile.TemporaryDirectory() as folder:
            results.append(consume(base64.b64decode(blob), folder))
    json.dump(results, sys.stdout)


main()
