# SPDX-License-Identifier: Apache-2.0

"""A hook of mkdocs: links from docs/ to other files of the project lead to GitHub, since the site has docs/ alone."""
import posixpath
import re

LINK = re.compile(r"\]\(((?:\.\./)+[^)\s]+)\)")


def on_page_markdown(markdown, page, config, **_):
    def outward(match):
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), match[1]))
        return match[0] if path.startswith("docs/") else f"]({config.repo_url}/blob/main/{path})"

    return LINK.sub(outward, markdown)
