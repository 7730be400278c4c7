// Prints what podcast-partytime, the parser of Podcast Index, reads in the feed at the given address.
import partytime from "podcast-partytime";

const response = await fetch(process.argv[2]);
const feed = partytime.parseFeed(await response.text());
const facts = feed && {
  title: feed.title,
  guid: feed.guid,
  locked: feed.locked,
  medium: feed.medium,
  explicit: feed.explicit,
  categories: feed.categories,
  support: feed.pc20support,
  items: feed.items.map((item) => ({
    title: item.title,
    guid: item.guid,
    enclosure: item.enclosure,
    duration: item.duration,
    published: item.pubDate,
    chapters: item.podcastChapters,
    transcripts: item.podcastTranscripts,
  })),
};
console.log(JSON.stringify(facts));
