"""Which packages this Python has, as JSON. Imports none of them."""
import importlib.metadata
import json
import sys

found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found[name] = None
print(json.dumps({"python": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable,
                  "venv": sys.prefix != sys.base_prefix, "packages": found}))
