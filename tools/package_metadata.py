"""What the package says about itself where it is listed: the README without the repository around it, and addresses.

The project's one address comes from the environment, `NEURALTAPE_URL`, which the release workflow sets to wherever the
repository is hosted. With it, links and pictures of the README that are relative lead there, to the files of this
version, and the package names its pages. Without it (a build on somebody's own computer) such a link is shown as its
text alone, a picture as its description: nothing leads nowhere.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

ADDRESS = "NEURALTAPE_URL"
# A picture or a link; an address with a scheme, or a place in the same page, needs nothing.
LINK = re.compile(r"(!?)\[([^]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def readme(text: str, url: str | None, version: str) -> str:
    """The README as it is shown elsewhere.

    Args:
        text: the README as it stands in the repository.
        url: where the repository is, without a slash at its end; None: nowhere that others can reach.
        version: the release, whose tag is the letter v and this.
    """

    def shown(link: re.Match[str]) -> str:
        picture, label, target = link.groups()
        if url is None:
            return f"*{label}*" if picture else label
        return f"{picture}[{label}]({url}/{'raw' if picture else 'blob'}/v{version}/{target})"

    return LINK.sub(shown, text)


def addresses(url: str | None, version: str) -> dict[str, str]:
    """The package's addresses by name; none where there is no repository that others can reach."""
    if url is None:
        return {}
    return {
        "Source": url,
        "Documentation": f"{url}/tree/v{version}/docs",
        "Changes": f"{url}/blob/v{version}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }


class PackageMetadata(MetadataHookInterface):
    """Hatchling calls it when it builds the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what pyproject.toml calls dynamic."""
        url = os.environ.get(ADDRESS, "").rstrip("/") or None
        version = re.search(r'^__version__ = "(.+)"', (Path(self.root) / "neuraltape/__init__.py").read_text(), re.M)
        assert version is not None
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme(text, url, version[1])}
        metadata["urls"] = addresses(url, version[1])
