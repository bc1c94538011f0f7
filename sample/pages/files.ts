import { readFileSync } from 'node:fs';

/** The public files and their content types. */
const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'frontend.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'routes.js': 'text/javascript; charset=utf-8',
  'home.js': 'text/javascript; charset=utf-8',
  'frontend.js': 'text/javascript; charset=utf-8',
  'clerk-browser.js': 'text/javascript; charset=utf-8',
};

/** @returns a file of `public/`, or `undefined` if it does not exist. */
export function openFile(name: string): { content: Uint8Array; type: string } | undefined {
  const type = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (!type) return undefined;
  return { content: readFileSync(new URL(`../public/${name}`, import.meta.url)), type };
}
