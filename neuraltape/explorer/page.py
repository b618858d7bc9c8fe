"""The page's own files, put together: as served, and as one file that needs no server. Knows no machine.

Modules import each other by bare names ("explorer/tape"); an import map says where they are. Served, they are files;
in a replay, they are data in the map itself, so the same modules run in both.
"""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
NOTHING = '<script type="application/json" id="replay">null</script>'
SERVED = '<script type="application/json" id="exported">false</script>'


ENGLISH = '<script type="application/json" id="languages">["en"]</script>'


@cache
def modules() -> tuple[str, ...]:
    """The names of the page's modules."""
    folder = STATIC / "js"
    return tuple(sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.js")))


@cache
def languages() -> tuple[str, ...]:
    """The codes of the page's languages, each a module `language-CODE`; English, which has every word, comes first."""
    codes = (name.removeprefix("language-") for name in modules() if name.startswith("language-"))
    return tuple(sorted(codes, key=lambda code: (code != "en", code)))


def version() -> str:
    """Changes when any of the page's files does."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.rglob("*")):
        if file.is_file():
            found = file.read_bytes()
            digest.update(f"{file.relative_to(STATIC).as_posix()} {len(found)} ".encode() + found)
    return digest.hexdigest()[:12]


def served(folder: str = "static") -> tuple[str, str]:
    """The page, and the content security policy that lets nothing but its own files in.

    Args:
        folder: where it finds those, seen from itself.
    """
    found = _import_map({name: f"./{folder}/js/{name}.js" for name in modules()})
    digest = base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
    return _page(found).replace('"static/', f'"{folder}/'), f"{policy}; frame-ancestors 'none'"


def files() -> dict[str, bytes]:
    """The page as files, by their paths: it asks for machines and runs in files beside it, and no server computes."""
    text, policy = served()
    # What stands in a page cannot say who may frame it.
    policy = policy.removesuffix("; frame-ancestors 'none'")
    text = text.replace("<title>", f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>', 1)
    text = text.replace(SERVED, SERVED.replace("false", "true"))
    # The page itself is what is made of its template, with the icon in it.
    within = (STATIC / "index.html", STATIC / "icon.svg")
    parts = [each for each in STATIC.rglob("*") if each.is_file() and each not in within]
    found = {f"static/{each.relative_to(STATIC).as_posix()}": each for each in parts}
    return {"index.html": text.encode()} | {name: path.read_bytes() for name, path in found.items()}


def replay(data: object) -> str:
    """One HTML file with everything in it.

    Args:
        data: what the page shows instead of asking a server, as JSON holds it.
    """
    sources = {name: (STATIC / "js" / f"{name}.js").read_bytes() for name in modules()}
    found = _import_map(
        {name: f"data:text/javascript;base64,{base64.b64encode(text).decode()}" for name, text in sources.items()}
    )
    # No user's text may end the script element that holds it.
    safe = json.dumps(data).replace("<", "\\u003c")
    page = _page(found)
    page = page.replace('<link rel="stylesheet" href="static/style.css">', f"<style>{_read('style.css')}</style>")
    page = page.replace('src="static/js/boot.js"', f'src="data:text/javascript;base64,{_boot()}"')
    return page.replace(NOTHING, NOTHING.replace("null", safe))


def _page(import_map: str) -> str:
    """The page, with where its modules are, which languages it speaks, and its icon."""
    page = _read("index.html").replace("<!-- import map -->", f'<script type="importmap">{import_map}</script>')
    # Browsers would ask for it anew at every change of the address, which holds what is shown.
    icon = base64.b64encode((STATIC / "icon.svg").read_bytes()).decode()
    page = page.replace("static/icon.svg", f"data:image/svg+xml;base64,{icon}")
    return page.replace(ENGLISH, ENGLISH.replace('["en"]', json.dumps(languages())))


def _boot() -> str:
    return base64.b64encode((STATIC / "js" / "boot.js").read_bytes()).decode()


def _import_map(places: dict[str, str]) -> str:
    return json.dumps({"imports": {f"explorer/{name}": place for name, place in places.items()}})


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
