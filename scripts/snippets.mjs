import { readFileSync } from 'node:fs';

/** A TypeScript code block of a document; `file` where its first line names one. */
const BLOCK = /^```ts\n(?:\/\/ (?<file>[\w.-]+\.ts)\n)?(?<code>[\s\S]*?)^```$/gm;

/** All TypeScript code blocks of a Markdown document, in order. */
export function snippetsOf(document) {
  return [...readFileSync(document, 'utf8').matchAll(BLOCK)].map(({ groups }) => ({ ...groups }));
}
