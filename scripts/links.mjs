import { posix } from 'node:path';

/** Markdown's `[text](target)` and `[name]: target`; a title may follow the target. */
const LINK = /\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?([^\s>]+)/gm;
const HEADING = /^#{1,6}\s+(.+?)\s*#*$/gm;

/**
 * Finds the dead relative links of Markdown documents.
 *
 * @param documents The text of each document, by its path.
 * @param files The paths of all files that links may point to.
 * @returns a line for each dead link: the document, the link, and the problem.
 */
export function deadLinks(documents, files) {
  const anchors = Object.fromEntries(Object.entries(documents).map(([path, text]) => [path, anchorsOf(text)]));
  return Object.entries(documents).flatMap(([path, text]) =>
    linksOf(text)
      .map((link) => [link, problemOf(link, path)])
      .filter(([, problem]) => problem)
      .map(([link, problem]) => `${path}: ${link}: ${problem}`),
  );

  function problemOf(link, from) {
    const [target, anchor] = link.split('#');
    const path = target === '' ? from : posix.join(posix.dirname(from), decodeURI(target));
    if (!files.includes(path)) return `there is no ${path}`;
    if (anchor === undefined) return undefined;
    return anchors[path]?.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
  }
}

function linksOf(text) {
  const prose = withoutFences(text).replaceAll(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(LINK)].map(([, inline, reference]) => inline ?? reference);
  return links.filter((link) => !/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(link));
}

/** The anchors that GitHub and npm generate for the headings. */
function anchorsOf(text) {
  const anchors = new Set();
  for (const [, heading] of withoutFences(text).matchAll(HEADING)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = shown
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count += 1) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

const withoutFences = (text) => text.replaceAll(/^ *(```+|~~~+)[^]*?^ *\1/gm, '');
