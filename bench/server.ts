import cluster from 'node:cluster';

import { createApp, type AppOptions } from './apps.js';

/** The messages to the measured process: `heap` collects garbage before it measures. */
export type UsageQuery = 'usage' | 'heap';
export interface Usage {
  /** In microseconds since the start of the process, all threads. */
  readonly cpu: number;
  /** In bytes; for `heap`, after a garbage collection. */
  readonly heap: number;
}

declare const gc: (() => void) | undefined;

const options = JSON.parse(process.argv[2] as string) as AppOptions & { workers?: number };

if (cluster.isPrimary && options.workers) {
  await startWorkers(options.workers);
} else {
  await serve();
}

async function serve(): Promise<void> {
  const began = process.hrtime.bigint();
  const app = await createApp(options);
  await app.listen(options.workers ? Number(process.env.BENCH_PORT) : 0, '127.0.0.1');
  const bootInMs = Number(process.hrtime.bigint() - began) / 1e6;
  process.on('message', (query: UsageQuery) => process.send?.(usage(query)));
  process.send?.({ port: new URL(await app.getUrl()).port, bootInMs });
}

function usage(query: UsageQuery): Usage {
  if (query === 'heap') gc?.();
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, heap: process.memoryUsage().heapUsed };
}

/** Starts workers that share one port, and reports the sum of their usage. */
async function startWorkers(count: number): Promise<void> {
  const workers = Array.from({ length: count }, () => cluster.fork());
  const [ready] = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  process.on('message', (query: UsageQuery) => {
    const answers = workers.map(
      (worker) => new Promise<Usage>((resolve) => (worker.once('message', resolve), worker.send(query))),
    );
    void Promise.all(answers).then((all) =>
      process.send?.({
        cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
        heap: all.reduce((sum, { heap }) => sum + heap, 0),
      }),
    );
  });
  process.send?.(ready);
}
