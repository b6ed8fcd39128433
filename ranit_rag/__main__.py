"""``python -m ranit_rag``: the ``ranit`` command where scripts are not on the path."""

from ranit_rag.cli.main import main

main()
