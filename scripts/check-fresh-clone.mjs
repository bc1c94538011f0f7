/**
 * Does what README tells a newcomer: clones the repository, types `npm start`, pastes the printed curl commands, starts the
 * samples of the other transports, and types `npm test`, with the options given to it. Fails when anything answers otherwise
 * than printed.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
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

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CLERK_')));

/** What the sample of each transport says last, once it works. */
const TRANSPORTS = {
  'start:graphql': '# FORBIDDEN',
  'start:microservice': 'A machine invoices.export:',
  'start:websocket': '# exception 401',
};

await trySample('start', (printed) => /^curl /m.test(printed) && printed.endsWith('\n\n'), tryCommands);
for (const [script, last] of Object.entries(TRANSPORTS)) {
  await trySample(script, (printed) => printed.includes(last));
}
const options = process.argv.slice(2);
console.log(`$ npm test ${options.join(' ')}`);
execFileSync('npm', ['test', '--', ...options], { cwd: clone, env, stdio: 'inherit' });
rmSync(clone, { recursive: true });
console.log('A fresh clone starts, answers as printed, and passes its tests.');

/** Runs a sample until it has printed what is waited for, tries that, and ends it. */
async function trySample(script, isComplete, attempt = () => undefined) {
  console.log(`$ npm run ${script}`);
  // A process group of its own, so that npm, the Nest CLI and the sample end together.
  const sample = spawn('npm', ['run', script], {
    cwd: clone,
    env: { ...env, ...ports },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => sample.once('exit', resolve));
  try {
    await attempt(await printedBy(sample, isComplete));
  } finally {
    process.kill(-sample.pid);
    await ended;
  }
}

async function tryCommands(printed) {
  const lines = printed.split('\n');
  const tokens = lines.filter((line) => /^[A-Z0-9_]+='/.test(line));
  const commands = lines.flatMap((line, index) =>
    line.startsWith('curl ') ? [{ command: line, expected: /^echo '# (.*)'$/.exec(lines[index - 1])[1] }] : [],
  );
  let wrong = 0;
  for (const { command, expected } of commands) {
    const script = [...tokens, command].join('\n');
    const answer = execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
    const right = expected.startsWith(`${status} `);
    console.log(`${right ? 'ok   ' : 'WRONG'} ${status}, printed: ${expected}`);
    if (!right) wrong += 1;
  }
  if (commands.length === 0 || wrong > 0) {
    throw new Error(`${wrong} of ${commands.length} commands answered otherwise than printed`);
  }
  for (const page of [`http://localhost:${ports.PORT}/`, `http://127.0.0.1:${ports.FRONTEND_PORT}/`]) {
    const { status } = await fetch(page);
    console.log(`ok    ${status}, the page at ${page}`);
    if (status !== 200) throw new Error(`${page} answered ${status}`);
  }
  tryBusyPort();
}

/** While a sample runs, another one on its port ends and says so, without a stack trace. */
function tryBusyPort() {
  const { status, stderr } = spawnSync('node', ['build/sample/main.js'], {
    cwd: clone,
    env: { ...env, ...ports, FRONTEND_PORT: '0' },
    encoding: 'utf8',
  });
  console.log(`ended with ${status}: ${stderr}`);
  if (status !== 1 || !stderr.includes(`Port ${ports.PORT} is already in use.`) || stderr.includes('    at ')) {
    throw new Error('a sample on a busy port does not say so without a stack trace');
  }
}

/** Waits until the sample has printed it all. */
function printedBy(sample, isComplete) {
  return new Promise((resolve, reject) => {
    let printed = '';
    sample.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      printed += chunk;
      if (isComplete(printed)) resolve(printed);
    });
    sample.on('exit', (code) => reject(new Error(`the sample ended with ${code}, before it had said it all`)));
  });
}
