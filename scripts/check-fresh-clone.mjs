/**
 * Follows README in a fresh clone: runs `npm start` and the curl commands it prints, starts the samples of the other
 * transports, and runs `npm test` with the arguments of this script. Fails if a response differs from the printed one.
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

/** The end of the output of each transport's sample, if it works. */
const LAST_OUTPUT = {
  'start:graphql': '# FORBIDDEN',
  'start:microservice': 'A machine invoices.export:',
  'start:websocket': '# exception 401',
};

await trySample('start', (output) => /^curl /m.test(output) && output.endsWith('\n\n'), tryCommands);
for (const [script, last] of Object.entries(LAST_OUTPUT)) {
  await trySample(script, (output) => output.includes(last));
}
const options = process.argv.slice(2);
console.log(`$ npm test ${options.join(' ')}`);
execFileSync('npm', ['test', '--', ...options], { cwd: clone, env, stdio: 'inherit' });
rmSync(clone, { recursive: true });
console.log('A fresh clone starts, responds as printed, and passes its tests.');

/** Starts a sample, waits until its output is complete, passes the output to `check`, and stops the sample. */
async function trySample(script, isComplete, check = () => undefined) {
  console.log(`$ npm run ${script}`);
  // A separate process group, so that npm, the Nest CLI and the sample can be stopped together.
  const sample = spawn('npm', ['run', script], {
    cwd: clone,
    env: { ...env, ...ports },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => sample.once('exit', resolve));
  try {
    await check(await outputOf(sample, isComplete));
  } finally {
    process.kill(-sample.pid);
    await ended;
  }
}

/** Runs each printed command, and compares the status of its response with the one printed above it. */
async function tryCommands(output) {
  const lines = output.split('\n');
  const tokens = lines.filter((line) => /^[A-Z0-9_]+='/.test(line));
  const commands = lines.flatMap((line, index) =>
    line.startsWith('curl ') ? [{ command: line, expected: /^echo '# (.*)'$/.exec(lines[index - 1])[1] }] : [],
  );
  let wrong = 0;
  for (const { command, expected } of commands) {
    const script = [...tokens, command].join('\n');
    const response = execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const status = /^HTTP\/1\.1 (\d+)/.exec(response)?.[1];
    const isAsPrinted = expected.startsWith(`${status} `);
    console.log(`${isAsPrinted ? 'ok   ' : 'WRONG'} ${status}, printed: ${expected}`);
    if (!isAsPrinted) wrong += 1;
  }
  if (commands.length === 0 || wrong > 0) {
    throw new Error(`${wrong} of ${commands.length} commands did not get the printed response`);
  }
  for (const page of [`http://localhost:${ports.PORT}/`, `http://127.0.0.1:${ports.FRONTEND_PORT}/`]) {
    const { status } = await fetch(page);
    console.log(`ok    ${status}, the page at ${page}`);
    if (status !== 200) throw new Error(`${page} returned ${status}`);
  }
  tryBusyPort();
}

/** Checks that a second sample on the same port exits with a message, without a stack trace. */
function tryBusyPort() {
  const { status, stderr } = spawnSync('node', ['build/sample/main.js'], {
    cwd: clone,
    env: { ...env, ...ports, FRONTEND_PORT: '0' },
    encoding: 'utf8',
  });
  console.log(`exited with ${status}: ${stderr}`);
  if (status !== 1 || !stderr.includes(`Port ${ports.PORT} is already in use.`) || stderr.includes('    at ')) {
    throw new Error('a sample on a busy port did not exit with a plain message');
  }
}

/** Resolves to the output of the sample once it is complete. */
function outputOf(sample, isComplete) {
  return new Promise((resolve, reject) => {
    let output = '';
    sample.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      if (isComplete(output)) resolve(output);
    });
    sample.on('exit', (code) => reject(new Error(`the sample exited with ${code} before its output was complete`)));
  });
}
