/**
 * Does what README tells a newcomer: clones the repository, types `npm start`, pastes the printed curl lines, and types
 * `npm test`. Fails when anything answers otherwise than printed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const clone = join(mkdtempSync(join(tmpdir(), 'nest-clerk-clone-')), 'nest-clerk');
execFileSync('git', ['clone', '--quiet', root, clone], { stdio: 'inherit' });

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
const ports = { PORT: String(await freePort()), FRONTEND_PORT: String(await freePort()) };

console.log('$ npm start');
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CLERK_')));
// A process group of its own, so that npm, the Nest CLI and the sample end together.
const sample = spawn('npm', ['start'], {
  cwd: clone,
  env: { ...env, ...ports },
  detached: true,
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const lines = await printedLines(sample);
  let wrong = 0;
  for (const line of lines) {
    const [command, expected] = line.split(' # ');
    const answer = execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
    const right = expected.startsWith(`${status} `);
    console.log(`${right ? 'ok   ' : 'WRONG'} ${status}, printed: ${expected}`);
    if (!right) wrong += 1;
  }
  if (wrong > 0 || lines.length === 0)
    throw new Error(`${wrong} of ${lines.length} lines answered otherwise than printed`);
  for (const page of [`http://localhost:${ports.PORT}/`, `http://127.0.0.1:${ports.FRONTEND_PORT}/`]) {
    const { status } = await fetch(page);
    console.log(`ok    ${status}, the page at ${page}`);
    if (status !== 200) throw new Error(`${page} answered ${status}`);
  }
} finally {
  process.kill(-sample.pid);
}

console.log('$ npm test');
execFileSync('npm', ['test'], { cwd: clone, env, stdio: 'inherit' });
rmSync(clone, { recursive: true });
console.log('A fresh clone starts, answers as printed, and passes its tests.');

/** Waits until the sample has printed its lines; they end with an empty one. */
function printedLines(child) {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      printed += chunk;
      const lines = printed.split('\n').filter((line) => line.startsWith('curl '));
      if (lines.length > 0 && printed.endsWith('\n\n')) resolve(lines);
    });
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}`)));
  });
}
