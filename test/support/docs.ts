import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The code block in a page of docs/ that contains the text, so that tests run what users copy. */
export function snippet(page: string, language: 'js' | 'json', containing: string): string {
  const text = readFileSync(join(__dirname, '../../docs', page), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const [found, ...more] = blocks.filter(([, of, code]) => of === language && code!.includes(containing));
  if (!found || more.length > 0) throw new Error(`not exactly one ${language} in ${page} contains ${containing}`);
  return found[2]!;
}

/** Runs a snippet with the values of `names` as variables. @param result The expression whose value is returned. */
export function runSnippet<T>(code: string, names: Readonly<Record<string, unknown>>, result = 'undefined'): T {
  return new Function(...Object.keys(names), `${code}\nreturn ${result};`)(...Object.values(names)) as T;
}
