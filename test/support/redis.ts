import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

import { Redis } from 'ioredis';

/** The path of Debian's package. REDIS_SERVER sets another path, which then has to exist. */
const executablePath = process.env.REDIS_SERVER ?? '/usr/bin/redis-server';

/** Why tests over Redis are skipped, if they are. */
export const withoutRedis =
  process.env.REDIS_SERVER || existsSync(executablePath) ? undefined : `there is no ${executablePath}`;

/** Starts a Redis server for the tests, without persistence. */
export async function startRedis(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const server = spawn(
    executablePath,
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      stdio: 'ignore',
    },
  );
  const ended = new Promise<void>((resolve, reject) => server.once('exit', () => resolve()).once('error', reject));
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
  client.on('error', () => undefined);
  await Promise.race([client.ping(), ended.then(() => Promise.reject(new Error('redis-server ended')))]);
  client.disconnect();
  return { port, stop: async () => void (server.kill(), await ended) };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
