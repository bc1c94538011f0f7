import cluster from 'node:cluster';

import { createApp, type AppOptions } from './apps.js';

/** A message to the measured process: `heap` collects garbage before it measures. */
export type Query = 'usage' | 'heap';
export interface Usage {
  /** In microseconds since the start of the process, all threads. */
  readonly cpu: number;
  /** In bytes; for `heap`, after a garbage collection. */
  readonly heap: number;
}
/** The first message of the measured process. */
export interface Ready {
  readonly port: string;
  /** The CPU time of the boot, in microseconds. */
  readonly bootCpu: number;
}

declare const gc: (() => void) | undefined;

const options = JSON.parse(process.argv[2] as string) as AppOptions & { workers?: number };

if (cluster.isPrimary && options.workers) {
  await startWorkers(options.workers);
} else {
  await serve();
}

async function serve(): Promise<void> {
  const before = cpuInMicroseconds();
  const app = await createApp(options);
  await app.listen(options.workers ? Number(process.env.BENCH_PORT) : 0, '127.0.0.1');
  const ready: Ready = { port: new URL(await app.getUrl()).port, bootCpu: cpuInMicroseconds() - before };
  process.on('message', (query: Query) => process.send?.(answerTo(query)));
  process.send?.(ready);
}

function answerTo(query: Query): Usage {
  if (query === 'heap') gc?.();
  return { cpu: cpuInMicroseconds(), heap: process.memoryUsage().heapUsed };
}

function cpuInMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Starts workers that share one port, and reports the sum of their usage. */
async function startWorkers(count: number): Promise<void> {
  const workers = Array.from({ length: count }, () => cluster.fork());
  const [ready] = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  process.on('message', (query: Query) => {
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
