import { readFileSync } from 'node:fs';

/** The files that browsers may have, by their types. */
const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'frontend.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'routes.js': 'text/javascript; charset=utf-8',
  'home.js': 'text/javascript; charset=utf-8',
  'frontend.js': 'text/javascript; charset=utf-8',
  'clerk-browser.js': 'text/javascript; charset=utf-8',
};

/** A file of `public/`, or `undefined` where there is none of that name. */
export function openFile(name: string): { content: Uint8Array; type: string } | undefined {
  const type = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (!type) return undefined;
  return { content: readFileSync(new URL(`../public/${name}`, import.meta.url)), type };
}
