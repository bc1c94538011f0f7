import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A command as a shell has parsed it, and the response that is printed above it. */
export interface Pasted {
  readonly answer: string;
  readonly url: string;
  readonly init: { method: string; headers: Record<string, string>; body?: string };
}

/** Prints each argument, so that the shell itself shows how it parses a command. */
const CURL = String.raw`curl() { printf '%s\t' "$@"; printf '\n'; }`;

/** The calls to curl that a shell makes if everything that a sample prints is pasted at once. */
export async function paste(script: string): Promise<Pasted[]> {
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', `${CURL}\n${script}`]);
  if (stderr) throw new Error(stderr);
  const lines = stdout.split('\n').filter(Boolean);
  return Array.from({ length: lines.length / 2 }, (_, index) => {
    const [answer = '', call = ''] = lines.slice(2 * index);
    const words = call.split('\t').slice(0, -1);
    const after = (flag: string) => words.filter((_word, position) => words[position - 1] === flag);
    const headers = Object.fromEntries(after('-H').map((header) => header.split(': ') as [string, string]));
    const init = { method: after('-X')[0] ?? 'GET', headers, body: after('-d')[0] };
    return { answer: answer.replace(/^# /, ''), url: words.at(-1)!, init };
  });
}

/** Lines with a `#` outside of quotes: in zsh it does not start a comment, so it would be another argument. */
export function commentsIn(script: string): string[] {
  return script.split('\n').filter((line) => line.replaceAll(/'[^']*'|"[^"]*"/g, '').includes('#'));
}
