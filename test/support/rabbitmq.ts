import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from './redis.js';

/** Where Debian's package puts it. RABBITMQ_SERVER names another, and then it has to be there. */
const executablePath = process.env.RABBITMQ_SERVER ?? '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why tests over RabbitMQ are skipped, if they are. */
export const withoutRabbitMq =
  process.env.RABBITMQ_SERVER || existsSync(executablePath) ? undefined : `there is no ${executablePath}`;

/** A RabbitMQ of the tests' own, with a port mapper (epmd) of its own. Its data is deleted when it stops. */
export async function startRabbitMq(): Promise<{ readonly uri: string; stop(): Promise<void> }> {
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()];
  const home = mkdtempSync(join(tmpdir(), 'nest-clerk-rabbitmq-'));
  const plugins = join(home, 'enabled_plugins');
  writeFileSync(plugins, '[].');
  const env = {
    ...process.env,
    HOME: home,
    RABBITMQ_NODENAME: `nest-clerk-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(mapper),
  };
  // Started here, since the server would start one that outlives it.
  const epmd = run('epmd', [], env);
  const server = run(executablePath, [], env);
  const stop = async () => {
    await Promise.all([server, epmd].map(end));
    rmSync(home, { recursive: true, force: true });
  };
  try {
    while (!(await answers(port))) {
      if (server.exitCode !== null) throw new Error(`rabbitmq-server ended with ${server.exitCode}`);
      await sleep(100);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { uri: `amqp://guest:guest@127.0.0.1:${port}`, stop };
}

/** In a process group of its own, because the server is a script that starts other processes. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(command, args, { stdio: 'ignore', detached: true, env }).on('error', () => undefined);
}

async function end(process: ChildProcess): Promise<void> {
  const { pid } = process;
  if (pid === undefined || process.exitCode !== null || process.signalCode !== null) return;
  const ended = new Promise((resolve) => process.once('exit', resolve));
  signal(pid, 'SIGTERM');
  await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
  signal(pid, 'SIGKILL');
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // It has ended.
  }
}

/** Whether the broker answers the protocol header of AMQP 0-9-1. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('AMQP\0\0\t\x01'));
    const done = (isReady: boolean) => (socket.destroy(), resolve(isReady));
    socket.once('data', () => done(true)).once('error', () => done(false));
    socket.once('close', () => done(false)).setTimeout(1_000, () => done(false));
  });
}
