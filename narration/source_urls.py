"""The address an article is known by: without fragment, tracking parameters and share detours."""

from __future__ import annotations

import re

import httpx

from core.errors import Invalid
from core.web_addresses import parse_url

#: Query parameters that only tell who sent the reader. All other parameters stay, because pages
#: that need `?id=` would break without them.
_TRACKING = re.compile(
    r"utm_.*|mtm_.*|matomo_.*|pk_(source|medium|campaign|content|kwd|keyword|cid|vid)|piwik_.*"
    r"|hsa_.*|oly_(enc|anon)_id|vero_(id|conv)|guce_.*|guccounter|itm_.*|at_(medium|campaign).*"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|epik|li_fat_id|igshid"
    r"|igsh|rb_clickid|wickedid|srsltid|mc_cid|mc_eid|_ga|_gl|_hsenc|_hsmi|__hs(tc|sc|fp)|hsctatracking"
    r"|mkt_tok|ml_subscriber(_hash)?|s_cid|sc_(cid|campaign|channel|content|medium|outcome|geo|country)"
    r"|cmpid|ncid|ocid|ref_src|ref_url|soc_src|soc_trk|trk|trkcampaign|sr_share|xtor|spm"
    r"|__twitter_impression|_openstat|yptr|_branch_match_id|_bhlid",
    re.IGNORECASE,
)
_SUBSTACK_SHARE = re.compile(r"/pub/([a-z0-9-]+)/p/([^/]+)/?", re.ASCII)


class LoginOnlyLink(Invalid):
    """The link opens only for its own reader, so no server can read it."""

    code = "login_only_link"


def source_url(text: str) -> str:
    """The normalised address of the article that `text` names.

    Raises `core.web_addresses.UrlInvalid`, or `LoginOnlyLink` for a link into a reader's inbox.
    """
    url = parse_url(text)
    if url.host in {"substack.com", "www.substack.com"} and re.match(r"/(inbox|home)\b", url.path):
        raise LoginOnlyLink(
            "Substack inbox links open only for the reader who is signed in. Open the post and "
            "send its own address.",
            field="url",
        )
    share = _SUBSTACK_SHARE.fullmatch(url.path) if url.host == "open.substack.com" else None
    if share:
        return f"https://{share[1]}.substack.com/p/{share[2]}"
    return str(_without_tracking(url.copy_with(fragment=None)))


def _without_tracking(url: httpx.URL) -> httpx.URL:
    if not url.query:
        return url.copy_with(query=None)
    # Split by hand: decoding and encoding again would change parameters that are none of ours.
    kept = [
        part
        for part in url.query.decode("ascii").split("&")
        if part and not _TRACKING.fullmatch(part.split("=", 1)[0])
    ]
    return url.copy_with(query="&".join(kept).encode("ascii") or None)
