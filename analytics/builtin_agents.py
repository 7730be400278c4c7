"""The large podcast apps, bots and libraries that a fresh install names without any loaded list.

Written by hand from agent strings that the apps document or that are widely reported; the first
match wins, bots before apps. `manage.py load_user_agents` replaces it by the complete list.
"""

from __future__ import annotations

from analytics.agent_lists import AgentEntry, AgentKind

_BOTS = (
    ("Apple feed fetcher", r"^iTMS$|^itms$"),
    ("Overcast feed fetcher", r"^Overcast/1\.0 Podcast Sync"),
    ("Spotify feed fetcher", r"^Spotify/1\.0$"),
    ("Pocket Casts feed fetcher", r"^Pocket ?Casts/1\.0 \(Pocket Casts Feed Parser"),
    ("Podcast Index", r"^Podcastindex\.org/|^Podping|^Aggrivator "),
    ("Google feed fetcher", r"FeedFetcher-Google|^Googlebot|^Google-Podcast$"),
    ("gPodder.net", r"mygpo-feedservice|^feedfetcher"),
    ("Podwright", r"^Podwright/"),
)
_APPS = (
    (
        "Apple Podcasts",
        (
            r"^(Podcasts|Balados|Podcasti|Podcastit|Podcasturi|Podcasty|Podkaster|Podcaster|Podcastok|"
            r"Podcast|播客|ポッドキャスト|팟캐스트|Подкасты|Подкасти|%[0-9A-F%]+)/[\d.]+ CFNetwork|"
            r"^AirPodcasts/|^Apple%20Podcasts/"
        ),
    ),
    ("Spotify", r"^Spotify/"),
    ("Overcast", r"^Overcast/|^Overcast \(|^Overcast%20"),
    (
        "Pocket Casts",
        r"^Pocket ?Casts|^Shifty Jelly Pocket Casts|^au\.com\.shiftyjelly\.pocketcasts",
    ),
    ("AntennaPod", r"^AntennaPod/|^de\.danoeh\.antennapod/"),
    ("Castro", r"^Castro[ /]"),
    ("CastBox", r"CastBox/"),
    ("Podcast Addict", r"^Podcast ?Addict|PodcastAddict"),
    ("Podbean", r"^Podbean/|PodbeanApp"),
    ("Player FM", r"^Player ?FM|^PlayerFM"),
    ("Podverse", r"^Podverse/"),
    ("Fountain", r"^[Ff]ountain(/|\.fm)"),
    ("Amazon Music", r"^AmazonMusic|^Harley/\d"),
    ("Alexa", r"^AlexaMediaPlayer|^Echo/|^AlexaService|^Amazon;Echo"),
    ("YouTube Music", r"^YouTubeMusic|com\.google\.android\.apps\.youtube\.music"),
    ("Google Podcasts", r"^GooglePodcasts|com\.google\.Podcasts"),
    ("Deezer", r"^Deezer[/ ]|^Deezer Podcasters"),
    ("TuneIn", r"^TuneIn|^tunein"),
    ("iHeartRadio", r"^iHeartRadio"),
    ("Audible", r"^Audible[/,]|^com\.audible"),
    ("Castamatic", r"^Castamatic"),
    ("Downcast", r"^Downcast/"),
    ("Goodpods", r"^Goodpods"),
    ("iCatcher!", r"^iCatcher"),
    ("Podcast Guru", r"^Podcast ?Guru"),
    ("PodcastRepublic", r"^Podcast ?Republic"),
    ("RadioPublic", r"^RadioPublic"),
    ("Snipd", r"^Snipd"),
    ("Sonos", r"Sonos/"),
    ("gPodder", r"^gPodder/"),
    ("Podget", r"^podget"),
    ("newsboat", r"^(newsboat|podboat)/"),
    ("VLC", r"^VLC/|LibVLC"),
    ("Kasts", r"^Kasts/"),
)
#: Libraries behind several apps: named after themselves, counted, and never as Apple Podcasts (R45).
_LIBRARIES = (
    ("Unknown Apple app", r"^AppleCoreMedia/"),
    ("Unknown Android app", r"^Dalvik[/ ]|^stagefright/|ExoPlayerLib/|AndroidXMedia3/"),
    ("GStreamer", r"GStreamer"),
)
_BOT_LIBRARIES = (
    ("curl", r"^curl/"),
    ("Wget", r"^Wget"),
    (
        "Python",
        r"^python-requests|^Python-urllib|^python-urllib3|^python-httpx|^Python/\d.*aiohttp",
    ),
    ("okhttp", r"^okhttp"),
    ("Go", r"^Go-http-client"),
    ("Java", r"^Java/\d|Apache-HttpClient|^AHC/"),
    ("Node.js", r"^axios/|^node-fetch|^got[/ ]|^undici|^node$"),
    ("Perl", r"^libwww-perl|^HTTP-Tiny"),
    ("PHP", r"^GuzzleHttp|^PHP/|^Symfony HttpClient"),
    ("Ruby", r"^Ruby$|^rest-client/|^http\.rb/|^Faraday"),
    ("ffmpeg", r"^Lavf/|^ffmpeg"),
    ("aria2", r"^aria2/"),
    ("Scrapy", r"^Scrapy/"),
    ("Dart", r"^Dart/"),
)
_REFERRERS = (
    ("Apple Podcasts", r"^https://(embed\.)?podcasts\.apple\.com/"),
    ("Spotify", r"^https://open\.spotify\.com/"),
    ("Overcast", r"^https://overcast\.fm/"),
    ("Pocket Casts", r"^https://(play\.)?pocketcasts\.com/|^https://pca\.st/"),
    ("Amazon Music", r"^https://music\.amazon\."),
    ("Podverse", r"^https://podverse\.fm/"),
    ("Fountain", r"^https://fountain\.fm/"),
    ("Podcast Index", r"^https://podcastindex\.org/"),
    ("CastBox", r"^https://castbox\.fm/"),
    ("Player FM", r"^https://([a-z]+\.)?player\.fm/"),
    ("Podcast Addict", r"^https://(www\.)?podcastaddict\.com/"),
)


def _entries(kind: AgentKind, rows: tuple[tuple[str, str], ...]) -> list[AgentEntry]:
    return [AgentEntry(name, kind, pattern) for name, pattern in rows]


BUILTIN_AGENTS = (
    *_entries(AgentKind.BOT, _BOTS),
    *_entries(AgentKind.APP, _APPS),
    *_entries(AgentKind.BOT_LIBRARY, _BOT_LIBRARIES),
    *_entries(AgentKind.LIBRARY, _LIBRARIES),
)
BUILTIN_REFERRERS = tuple(_entries(AgentKind.APP, _REFERRERS))
