import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const filesIn = (folder: string, extension: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => `${folder}/${name}`);

const DOCUMENTS = [
  ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...filesIn('docs', '.md'),
];
const SOURCES = filesIn('lib', '.ts');

/** Words that plain ones have replaced: deny, denial, cached, everyone, applies to, innermost, credentials, identity. */
const RETIRED_WORDS = [
  /\b(?:refus(?:e[sd]?|als?|ing)|objections?|remember\w*|recalled|verdicts?|repetitions?)\b/i,
  /\b(?:every|any|some|no)body\b/i,
  /\b(?:speaks? to|held to|nearest|by the look of|what was sent)\b/i,
];

/** Names that plain ones have replaced. Ordinary words are only retired as names of declarations and methods. */
const RETIRED_NAMES = [
  /\b(?:speaksTo|refuseWith|inTime|tokenAlone|atHand|fetchByTheWay|mayObject|seenBy|keptOn|namesLost)\b/,
  /\b(?:Refusals|Verdicts?|Recalled|RecentCallers)\b/,
  /\bput-headers\b|'(?:require|skip)-auth'/,
  /\b(?:function|const|let|get) (?:repeatedly|counted|relied|admits|weigh|tell|alone|whole|inputs|holds)\b/,
  /\b(?:class|interface|type) (?:Question|Term)\b/,
  /\.(?:repeatedly|counted|admits|weigh|holds|tell)\(/,
];

/** The text of a document without code blocks and code spans. */
const proseOf = (document: string) =>
  read(document)
    .replaceAll(/^ *```[\s\S]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');

/** A source without the fault 'refuse' of the local Clerk, which is public. */
const sourceOf = (file: string) => read(file).replaceAll(/['`]refuse['`]/g, '');

/** A line for each file and pattern that matches its text. */
function matches(files: readonly string[], textOf: (file: string) => string, patterns: readonly RegExp[]): string[] {
  return files.flatMap((file) => {
    const text = textOf(file);
    return patterns.flatMap((pattern) => pattern.exec(text)?.[0] ?? []).map((found) => `${file}: ${found}`);
  });
}

describe('the vocabulary', () => {
  it('of the documents has no retired word', () => {
    expect(matches(DOCUMENTS, proseOf, RETIRED_WORDS)).toEqual([]);
  });

  it('of the documents has no retired name', () => {
    expect(matches(DOCUMENTS, read, RETIRED_NAMES)).toEqual([]);
  });

  it('of lib/ has no retired word', () => {
    expect(matches(SOURCES, sourceOf, RETIRED_WORDS)).toEqual([]);
  });

  it('of lib/ has no retired name', () => {
    expect(matches(SOURCES, read, RETIRED_NAMES)).toEqual([]);
  });

  it.each([
    ['refused', RETIRED_WORDS],
    ['Nobody', RETIRED_WORDS],
    ['speaks to', RETIRED_WORDS],
    ['speaksTo', RETIRED_NAMES],
    ['class Term', RETIRED_NAMES],
    ['.holds(', RETIRED_NAMES],
  ])('includes %j among the retired ones', (text, patterns) => {
    expect(matches(['example'], () => `the word ${text}…`, patterns)).toEqual([`example: ${text}`]);
  });
});
