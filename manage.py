#!/usr/bin/env python
"""Django's command line, with `manage.py up` able to start on an empty machine."""

import os
import sys


def main() -> int:
    """Run the command; a bad setting ends in one line instead of a traceback."""
    if sys.version_info < (3, 11):  # noqa: UP036 - people do run it with an old Python
        sys.stderr.write("Podwright needs Python 3.11 or newer.\n")
        return 1
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415

        from config.env import (  # noqa: PLC0415 - after the version check
            BadSetting,
            read_environment,
            read_settings_file,
        )
        from config.first_start import prepare_data_dir  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed here; `make run` installs everything.\n")
        return 1

    try:
        read_settings_file()
        if sys.argv[1:2] == ["up"]:
            prepare_data_dir(read_environment().data_dir)
        execute_from_command_line(sys.argv)
    except BadSetting as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
