import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A TypeScript code block of a document; `file` is set if its first line names one. */
const BLOCK = /^```ts\n(?:\/\/ (?<file>[\w.-]+\.ts)\n)?(?<code>[\s\S]*?)^```$/gm;

/** The TypeScript code blocks of a Markdown document, in order, each with the line number of its first line of code. */
export function snippetsOf(document) {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(BLOCK)].map(({ groups, index }) => ({
    ...groups,
    document,
    line: text.slice(0, index).split('\n').length + 1,
  }));
}

/** README and all of docs/. Paths are relative to the root of the repository, which must be the working directory. */
export const DOCUMENTS = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The folder of a document's snippets. */
export const folderOf = (folder, document) => join(folder, document.replace(/\.md$/, '').replaceAll(/\W+/g, '-'));

/**
 * Writes the snippets of each document into a separate folder, so that names in different documents do not clash. Documents
 * without an `app.module.ts` get README's.
 *
 * @param write Returns the file name and text for a snippet that names no file.
 * @returns the number of snippets.
 */
export function writeSnippets(folder, documents, write) {
  const quickStart = snippetsOf('README.md').filter(({ file }) => file && !file.endsWith('.spec.ts'));
  let count = 0;
  for (const document of documents) {
    const target = folderOf(folder, document);
    mkdirSync(target, { recursive: true });
    for (const { file, code } of quickStart) writeFileSync(join(target, file), code);
    for (const snippet of snippetsOf(document)) {
      count += 1;
      const [name, text] = snippet.file ? [snippet.file, snippet.code] : write(snippet);
      writeFileSync(join(target, name), text);
    }
  }
  return count;
}
